// What cash has of a device's account since a time, signed: how a wallet learns of refunds, of what became of its
// reservations, and of a purchase whose shop does not answer any more. Management passes it on and cannot change it.
import { bool, type Infer, list, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { documentKind, keyId } from './signed.ts';

export const STATEMENT_ENTRIES_MAX = 64;
export const STATEMENT_PURCHASES_MAX = 16;

export const StatementEntry = struct({
  /** The ledger's transfer. */
  transfer: u128,
  /** The chart's word for its code: `load`, `payment`, `authorisation`, `refund`, `transfer` … */
  reason: text(32),
  side: oneOf('debit', 'credit'),
  /** `pending`: reserved. `post`, `void`: what became of a reservation, named by `purchase`. */
  phase: oneOf('single', 'pending', 'post', 'void'),
  /** Minor units. */
  amount: u128,
  /** Of a refund, a post or a void: the purchase's request; otherwise 0. */
  purchase: u128,
  timestamp: u64,
});
export type StatementEntry = Infer<typeof StatementEntry>;

/** `unknown`: the ledger has no such order of this device; after its expiry it never will. */
export const PurchaseState = oneOf('unknown', 'paid', 'reserved', 'captured', 'voided', 'expired');
export type PurchaseState = Infer<typeof PurchaseState>;

const StatementCodec = struct({
  /** Of cash's signing key. */
  keyId,
  device: u128,
  currency: u32,
  /** Entries later than this … */
  after: u64,
  /** … and up to this time of the ledger, nanoseconds. */
  until: u64,
  /** There are more: ask again after `until`. */
  more: bool,
  /** Minor units, at the time of asking: credits less debits, posted; and what of it is reserved. */
  balance: u128,
  reserved: u128,
  /** Time of the ledger's state that `balance`, `reserved` and `purchases` are of. */
  asOf: u64,
  entries: list(StatementEntry, STATEMENT_ENTRIES_MAX),
  /** Of those that were asked for, in their order. `amount`: paid, reserved or captured. */
  purchases: list(
    struct({ request: u128, state: PurchaseState, amount: u128, timestamp: u64 }),
    STATEMENT_PURCHASES_MAX,
  ),
});
export type Statement = Infer<typeof StatementCodec>;
export const Statement = documentKind('statement', StatementCodec);
export type SignedStatement = Infer<typeof Statement.signed>;

/** What a device asks for, of itself. */
export const StatementQuery = struct({
  currency: u32,
  /** Of the ledger, nanoseconds; 0: from the beginning. */
  after: u64,
  purchases: list(u128, STATEMENT_PURCHASES_MAX),
});
export type StatementQuery = Infer<typeof StatementQuery>;
