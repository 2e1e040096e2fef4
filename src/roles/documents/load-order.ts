// A device's order to charge its owner's account and to add the amount to its balance. Settlement and cash both check it,
// so that management, which stands between them, can neither charge, nor credit, nor redirect by itself.
import { type Infer, struct, u32, u64, u128 } from '../../shared/codec.ts';
import { documentKind, publicKey } from './signed.ts';

const LoadOrderCodec = struct({
  /** Names the load, in every role, for ever. */
  request: u128,
  /** Ed25519: of the device that orders. */
  signingKey: publicKey,
  /**
   * The sealed account number that is to be charged, by the request that it is bound to: this one, where it is given with the
   * order; otherwise the enrolment or the filing that has put it on file. No other number serves this order.
   */
  account: u128,
  /** Minor units. */
  amount: u128,
  /** ISO 4217 number, or an operator's from 1000. */
  currency: u32,
  /** Nanoseconds: from then on nothing more is charged. */
  applyBy: u64,
});
export type LoadOrder = Infer<typeof LoadOrderCodec>;
export const LoadOrder = documentKind('loadOrder', LoadOrderCodec);
export type SignedLoadOrder = Infer<typeof LoadOrder.signed>;
