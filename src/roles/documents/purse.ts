// A purse: an account at cash whose money its device can hand on without a server. It has keys of its own, so that other
// wallets learn nothing of the device, and it ends some day: a wallet then opens another one.
//
//     wallet ──▶ management ──▶ cash     opening, signed by the device: reserve this amount for these keys
//     wallet ◀── management ◀── cash     certificate, signed by management: a purse of ours; allowance, signed by cash: its money
//     wallet ──▶ management ──▶ cash     closing, signed by the purse: this is all that was handed on; give back the rest
import { type Infer, struct, u32, u64, u128 } from '../../shared/codec.ts';
import { documentKind, keyId, publicKey } from './signed.ts';

/**
 * Payments of one purse, numbered from 1: the ledger's window of sequence numbers, so that orders that are reported late and
 * in any order still find their place in it.
 */
export const PURSE_PAYMENTS_MAX = 64;

const PurseOpeningCodec = struct({
  /** Names the opening, for ever. */
  request: u128,
  /** Of the device. */
  device: u128,
  /** Ed25519: of the purse. */
  signingKey: publicKey,
  /** X25519: of the purse. */
  channelKey: publicKey,
  currency: u32,
  /** Moves from the device's balance to the purse. Minor units; may be 0: a purse that only receives. */
  amount: u128,
  /** Nanoseconds: from then on nothing is opened. */
  applyBy: u64,
});
export type PurseOpening = Infer<typeof PurseOpeningCodec>;
/** Signed by the device's key: cash checks it, so that management alone reserves nothing. */
export const PurseOpening = documentKind('purseOpening', PurseOpeningCodec);
export type SignedPurseOpening = Infer<typeof PurseOpening.signed>;

// Other wallets see it: nothing in it may be of the device, not even how many purses it has had.
const AllowanceCodec = struct({
  /** Of cash's signing key. */
  keyId,
  purse: u128,
  /** Ed25519: whose orders may spend it. */
  signingKey: publicKey,
  currency: u32,
  /** What was reserved when the purse was opened. Minor units. What it received since comes with each payment. */
  amount: u128,
  /** Nanoseconds: from then on no wallet takes a payment of it. */
  expiresAt: u64,
  /** Nanoseconds: until then payments of it are settled. The `expiresAt` of its payment orders. */
  reportBy: u64,
});
export type Allowance = Infer<typeof AllowanceCodec>;
export const Allowance = documentKind('allowance', AllowanceCodec);
export type SignedAllowance = Infer<typeof Allowance.signed>;

const PurseClosingCodec = struct({
  purse: u128,
  /** Of the last payment; 0: none. Every number up to it was used. */
  lastSequence: u64,
  /** Sum of all payments. Minor units. */
  total: u128,
});
export type PurseClosing = Infer<typeof PurseClosingCodec>;
/** Signed by the purse's key. An order beyond it proves a fraud. */
export const PurseClosing = documentKind('purseClosing', PurseClosingCodec);
export type SignedPurseClosing = Infer<typeof PurseClosing.signed>;
