// An account number, sealed with HPKE to settlement's key. All seals have the same length.
//
//     plaintext, 96 bytes
//     0                     32       33                                     96
//     ┌─────────────────────┬────────┬──────────────────────────────────────┐
//     │ device's signing key│ length │ account number, then zeroes          │
//     └─────────────────────┴────────┴──────────────────────────────────────┘
//
// The signing key inside ties the number to one device: settlement charges it for orders of that key only. `info` names
// the version and settlement's key; `aad` the request that the seal was made for, so that it serves no other.
import { bytes, type Infer, oneOf, struct, u128 } from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { KEY_BYTES, keyId } from './signed.ts';

const PLAINTEXT_BYTES = 96;
const ACCOUNT_AT = KEY_BYTES + 1;

/** An IBAN has at most 34 characters, a card's number 19. */
export const ACCOUNT_NUMBER_BYTES_MAX = PLAINTEXT_BYTES - ACCOUNT_AT;

export const SealedAccount = struct({
  /** Of the sealing key that it was sealed to. */
  keyId,
  /** HPKE's `enc`. */
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytes(PLAINTEXT_BYTES + 16),
});
export type SealedAccount = Infer<typeof SealedAccount>;

/**
 * What a seal is for: one load (its request), the registry (the enrolment's or the filing's request), or a shop's payouts (the
 * shop's enrolment's request).
 */
export const AccountBinding = struct({ purpose: oneOf('load', 'file', 'payout'), request: u128 });
export type AccountBinding = Infer<typeof AccountBinding>;

export interface AccountContent {
  readonly signingKey: Uint8Array;
  readonly accountNumber: string;
}

export class AccountContentError extends RangeError {
  override name = 'AccountContentError';
}

/** HPKE's `info`. @param keyId of settlement's sealing key */
export function accountSealInfo(keyId: Uint8Array): Uint8Array<ArrayBuffer> {
  return tagged('accountSeal', keyId);
}

/** HPKE's `aad`. */
export function accountSealAad(binding: AccountBinding): Uint8Array<ArrayBuffer> {
  return AccountBinding.encode(binding);
}

/** The caller wipes what it gets. @throws AccountContentError, which does not hold the number */
export function encodeAccountContent({ signingKey, accountNumber }: AccountContent): Uint8Array<ArrayBuffer> {
  if (!/^[0-9A-Z]{4,63}$/.test(accountNumber)) {
    throw new AccountContentError(
      `account number: expected 4 to ${ACCOUNT_NUMBER_BYTES_MAX} digits and capital letters, got something else`,
    );
  }
  const plaintext = new Uint8Array(PLAINTEXT_BYTES);
  plaintext.set(signingKey);
  plaintext[KEY_BYTES] = accountNumber.length;
  for (let i = 0; i < accountNumber.length; i++) plaintext[ACCOUNT_AT + i] = accountNumber.charCodeAt(i);
  return plaintext;
}

/** @throws AccountContentError, which does not hold the number */
export function decodeAccountContent(plaintext: Uint8Array): AccountContent {
  const length = plaintext[KEY_BYTES] ?? 0;
  const end = ACCOUNT_AT + length;
  const accountNumber = String.fromCharCode(...plaintext.subarray(ACCOUNT_AT, end));
  if (
    plaintext.length !== PLAINTEXT_BYTES ||
    end > PLAINTEXT_BYTES ||
    !/^[0-9A-Z]{4,63}$/.test(accountNumber) ||
    plaintext.subarray(end).some((byte) => byte !== 0)
  ) {
    throw new AccountContentError(
      `sealed account: expected ${PLAINTEXT_BYTES} bytes of key, length, number and zeroes, got something else`,
    );
  }
  return { signingKey: new Uint8Array(plaintext.subarray(0, KEY_BYTES)), accountNumber };
}
