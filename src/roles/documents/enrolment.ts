// What a device asks management for when it enrols, signed by the key that it wants certified: proof that it has it.
import { type Infer, optional, struct, text, u64, u128 } from '../../shared/codec.ts';
import { SealedAccount } from './account-seal.ts';
import { documentKind, publicKey } from './signed.ts';

/** Bytes of what a user says of himself: a name, an address, a number. */
export const USER_DATA_BYTES_MAX = 512;

const EnrolmentCodec = struct({
  /** Names the enrolment; a sealed account number is bound to it. */
  request: u128,
  /** Ed25519: signs orders. */
  signingKey: publicKey,
  /** X25519: the device's end of its channels. */
  channelKey: publicKey,
  userData: text(USER_DATA_BYTES_MAX),
  /** Goes on file; purpose `file`. */
  account: optional(SealedAccount),
  /** Nanoseconds: from then on the device is not enrolled any more. */
  applyBy: u64,
});
export type Enrolment = Infer<typeof EnrolmentCodec>;
export const Enrolment = documentKind('enrolment', EnrolmentCodec);
export type SignedEnrolment = Infer<typeof Enrolment.signed>;

const AccountFilingCodec = struct({
  /** Names the filing; the sealed account number is bound to it. */
  request: u128,
  signingKey: publicKey,
  /** Takes the place of the one on file; purpose `file`. */
  account: SealedAccount,
  applyBy: u64,
});
export type AccountFiling = Infer<typeof AccountFilingCodec>;
export const AccountFiling = documentKind('accountFiling', AccountFilingCodec);
export type SignedAccountFiling = Infer<typeof AccountFiling.signed>;
