// What the HPKE kernels and their host hand to each other.
//
// A party, written once a batch. The public key is worked out from the private one where it is not known yet.
//
//     0             32           64                                129    132       136       144
//     ┌─────────────┬────────────┬──────┬─────────────┬───────────┬──────┬─────────┬─────────┐
//     │ private_key │ public_key │ mode │ psk_id_hash │ info_hash │      │ known   │         │
//     └─────────────┴────────────┴──────┴─────────────┴───────────┴──────┴─────────┴─────────┘
//                                └── key schedule context, 65 bytes ┘
//
// An item. Opening turns the text in place from ciphertext and tag to plaintext; sealing the other way, with room for
// the tag behind. When sealing, the ephemeral private key stands where enc comes to stand.
//
//     0     32            36           40     44            48        52      64
//     ┌─────┬─────────────┬────────────┬──────┬─────────────┬─────────┬───────┐
//     │ enc │ aad_address │ aad_length │ text_address, _length │ verdict │     │
//     └─────┴─────────────┴────────────┴──────┴─────────────┴─────────┴───────┘
//
// The keys of one context.
//
//     0     32                64           76    80
//     ┌─────┬─────────────────┬────────────┬─────┐
//     │ key │ exporter_secret │ base_nonce │     │
//     └─────┴─────────────────┴────────────┴─────┘

export const HPKE_PARTY_PRIVATE_KEY_OFFSET: u32 = 0;
export const HPKE_PARTY_PUBLIC_KEY_OFFSET: u32 = 32;
export const HPKE_PARTY_CONTEXT_OFFSET: u32 = 64;
export const HPKE_PARTY_KNOWN_OFFSET: u32 = 132;
export const HPKE_PARTY_SIZE: u32 = 144;

export const HPKE_ITEM_ENC_OFFSET: u32 = 0;
export const HPKE_ITEM_AAD_ADDRESS_OFFSET: u32 = 32;
export const HPKE_ITEM_AAD_LENGTH_OFFSET: u32 = 36;
export const HPKE_ITEM_TEXT_ADDRESS_OFFSET: u32 = 40;
export const HPKE_ITEM_TEXT_LENGTH_OFFSET: u32 = 44;
export const HPKE_ITEM_VERDICT_OFFSET: u32 = 48;
export const HPKE_ITEM_SIZE: u32 = 64;

export const HPKE_KEYS_KEY_OFFSET: u32 = 0;
export const HPKE_KEYS_EXPORTER_SECRET_OFFSET: u32 = 32;
export const HPKE_KEYS_BASE_NONCE_OFFSET: u32 = 64;
export const HPKE_KEYS_SIZE: u32 = 80;

/** What became of an item. Zero is none of them: an item that nothing looked at is not good. */
export enum HpkeVerdict {
  good = 1,
  /** The shared secret is all zero: enc, or the recipient's public key, is of small order. */
  invalid_public_key = 2,
  authentication_failed = 3,
}
