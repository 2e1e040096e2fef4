// What stands behind local notes, counted in the transactions that change it.
//
//     taken − issued  =  outstanding local notes + fees + generating
//     ───────┬──────     ─────────┬────────────
//     what has come into          what the gateway owes, has earned, and is about to generate
//     the account, less
//     what has left it
//
// `taken` grows by the receiver's acknowledgement, `issued` by the issuer's notes. The equation is checked in each transaction: one
// that would break it throws.
//
//     the organisation's own  =  fees + funded − withdrawn          never below 0, so that nobody takes what is owed
//     the account at cash     =  taken − issued + funded − withdrawn
//
//     backing   (one record)
import type { NoteBook } from '../mint/note-book.ts';
import { outstanding } from '../mint/note-book.ts';
import { type Infer, struct, u64, u128 } from '../shared/codec.ts';
import type { StoreReads, StoreTransaction } from '../store/store.ts';

const TABLE = 'backing';
const KEY = new Uint8Array([0]);

const Counters = struct({
  /** Came into the account, acknowledged by the receiver. */
  taken: u128,
  /** Left it, as wide notes. */
  issued: u128,
  fees: u128,
  /** Taken in, and the local notes not generated yet. */
  generating: u128,
  /** Asked of the issuer, and not answered: may have left the account. */
  requested: u128,
  /** Offered to the receiver, and not answered: may have come into it. */
  offered: u128,
  /** Wide notes that wait for a destination on the WAN, or are on their way back. */
  waitingWide: u128,
  /** Local notes that wait for a destination on the LAN; outstanding. */
  waitingLocal: u128,
  /** Put behind notes by the organisation, and taken back. */
  funded: u128,
  withdrawn: u128,
  /** Ordered, and not answered: may have been taken back. */
  withdrawing: u128,
  /** Exchanges, by what became of them. */
  delivered: u64,
  returned: u64,
  rejected: u64,
});
export type Counters = Infer<typeof Counters>;
export type CounterChange = { readonly [Name in keyof Counters]?: bigint };

const NOTHING: Counters = {
  ...{ taken: 0n, issued: 0n, fees: 0n, generating: 0n, requested: 0n, offered: 0n },
  ...{ funded: 0n, withdrawn: 0n, withdrawing: 0n },
  ...{ waitingWide: 0n, waitingLocal: 0n, delivered: 0n, returned: 0n, rejected: 0n },
};

/** What must not be written. */
export class BackingError extends Error {
  override readonly name = 'BackingError';
}

type Reads = Pick<StoreReads, 'get'>;
type Writes = Pick<StoreTransaction, 'get' | 'put'>;

export function countersOf(reads: Reads): Counters {
  const stored = reads.get(TABLE, KEY);
  return stored === undefined ? NOTHING : Counters.decode(stored);
}

export interface LocalNotes {
  /** Of all local keysets together, held ones among them. */
  readonly outstanding: bigint;
  readonly held: bigint;
  readonly signed: bigint;
  readonly spent: bigint;
}

export function localNotesOf(reads: Reads, book: NoteBook, keysetIds: readonly string[]): LocalNotes {
  let [signed, spent, held] = [0n, 0n, 0n];
  for (const keysetId of keysetIds) {
    const totals = book.totals(reads, keysetId);
    signed += totals.signed;
    spent += totals.spent;
    held += totals.held;
  }
  return { outstanding: outstanding({ signed, spent }), held, signed, spent };
}

/** After the book of notes has been changed in the same transaction. @throws BackingError */
export function changeBacking(
  tx: Writes,
  book: NoteBook,
  keysetIds: readonly string[],
  change: CounterChange,
): void {
  const before = countersOf(tx);
  const after: { -readonly [Name in keyof Counters]: bigint } = { ...before };
  for (const [name, by] of Object.entries(change) as [keyof Counters, bigint][]) {
    after[name] += by;
    if (after[name] < 0n) throw new BackingError(`${name}: expected 0 or more, got ${after[name]}`);
  }
  checkBacking(after, localNotesOf(tx, book, keysetIds));
  tx.put(TABLE, KEY, Counters.encode(after));
}

/** What the account holds beyond what is owed: the organisation's own. What is ordered already counts as taken back. */
export const ownOf = ({ fees, funded, withdrawn, withdrawing }: Counters): bigint =>
  fees + funded - withdrawn - withdrawing;

/** What the account at cash holds, but for what is asked and not answered. */
export const heldOf = ({ taken, issued, funded, withdrawn }: Counters): bigint =>
  taken - issued + funded - withdrawn;

/** @throws BackingError */
export function checkBacking(counters: Counters, local: LocalNotes): void {
  const { taken, issued, fees, generating } = counters;
  if (ownOf(counters) < 0n)
    throw new BackingError(`funds: expected to take back what is the organisation's, got more`);
  const owed = local.outstanding + fees + generating;
  if (taken - issued !== owed) {
    throw new BackingError(
      `backing: expected ${taken - issued} (${taken} taken, ${issued} issued), got ${owed} ` +
        `(${local.outstanding} outstanding, ${fees} fees, ${generating} generating)`,
    );
  }
}
