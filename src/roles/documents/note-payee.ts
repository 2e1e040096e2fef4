// Who gets the money of notes that are taken in: a shop's exchange account, by its number, or a device, by its number sealed
// to cash, so that the receiver does not learn whose the money is. A wallet makes such an address by itself, as many as it
// likes; two of them cannot be told to be of one wallet.
import { bytes, type Infer, struct, u32, u128, union } from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { KEY_BYTES, keyId } from './signed.ts';

/** What only cash reads. Always of one length. */
export const PayeeContent = struct({ device: u128, currency: u32 });
export type PayeeContent = Infer<typeof PayeeContent>;

const AEAD_TAG_BYTES = 16;

export const SealedPayee = struct({
  /** Of cash's sealing key. */
  keyId,
  /** HPKE's `enc`. */
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytes(PayeeContent.bytesMax + AEAD_TAG_BYTES),
});
export type SealedPayee = Infer<typeof SealedPayee>;

/** HPKE's `info`; the `aad` is empty: an address is good for any number of payments. @param keyId of cash's sealing key */
export const payeeSealInfo = (keyId: Uint8Array): Uint8Array<ArrayBuffer> => tagged('payeeSeal', keyId);

export const NotePayee = union({
  shop: struct({ shop: u128 }),
  device: struct({ sealed: SealedPayee }),
});
export type NotePayee = Infer<typeof NotePayee>;
