// The day book: all that has happened at a shop, in the order in which it was learnt, and the sums of each day.
//
//     entry       number of the last of them ─▶ entries of one transaction, numbered one after the other
//     last-entry  number of the last of all
//     day         day ─▶ DayTotals
//
// One record holds what a transaction adds: of a batch, one for each sale cost the disk's thread a fifth of its time.
import { u64 } from '../shared/codec.ts';
import { idOfKey } from '../store/key.ts';
import type { StoreReads, StoreTransaction } from '../store/store.ts';
import { DayTotals, Entries, type Entry, NO_TOTALS } from './records.ts';

const ENTRY = 'entry';
const LAST_ENTRY = 'last-entry';
const DAY = 'day';
const NO_KEY = new Uint8Array(0);
const NANOSECONDS_PER_DAY = 86_400_000_000_000n;
/** Records that are read at a time: of a busy hour a hundred entries each. */
const RECORDS_AT_A_TIME = 16;

export interface NumberedEntry extends Entry {
  /** For `entries({ after })`. */
  readonly number: bigint;
}

const SUM_OF = {
  sale: 'sales',
  authorisation: 'authorisations',
  refund: 'refunds',
  capture: 'captures',
  void: 'voids',
} as const;

/** What a transaction adds. */
export class DayBook {
  readonly #tx: StoreTransaction;
  readonly #day: bigint;
  readonly #entries: Entry[] = [];
  #totals: DayTotals;
  #isChanged = false;

  /** @param at any time of the UTC day */
  constructor(tx: StoreTransaction, at: bigint) {
    this.#tx = tx;
    this.#day = at / NANOSECONDS_PER_DAY;
    this.#totals = totalsOf(tx, at);
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    const name = SUM_OF[entry.kind];
    const { count, amount } = this.#totals[name];
    this.#totals = { ...this.#totals, [name]: { count: count + 1, amount: amount + entry.amount } };
    this.#isChanged = true;
  }

  rejected(): void {
    this.#totals = { ...this.#totals, rejected: this.#totals.rejected + 1 };
    this.#isChanged = true;
  }

  write(): void {
    if (!this.#isChanged) return;
    this.#tx.put(DAY, this.#day, DayTotals.encode(this.#totals));
    if (this.#entries.length === 0) return;
    const before = this.#tx.get(LAST_ENTRY, NO_KEY);
    const last = (before === undefined ? 0n : u64.decode(before)) + BigInt(this.#entries.length);
    this.#tx.put(ENTRY, last, Entries.encode(this.#entries));
    this.#tx.put(LAST_ENTRY, NO_KEY, u64.encode(last));
  }
}

/** Entries after that number, in their order, `limit` at most. */
export function entriesAfter(reads: StoreReads, after: bigint, limit: number): NumberedEntry[] {
  const found: NumberedEntry[] = [];
  for (let from = after + 1n; ; ) {
    const records = reads.range(ENTRY, { from, limit: RECORDS_AT_A_TIME });
    for (const { key, value } of records) {
      const entries = Entries.decode(value);
      const last = idOfKey(key);
      let number = last - BigInt(entries.length);
      for (const entry of entries) {
        number++;
        if (number > after) found.push({ number, ...entry });
        if (found.length === limit) return found;
      }
      from = last + 1n;
    }
    if (records.length < RECORDS_AT_A_TIME) return found;
  }
}

/** @param at any time of the UTC day */
export function totalsOf(reads: StoreReads, at: bigint): DayTotals {
  const value = reads.get(DAY, at / NANOSECONDS_PER_DAY);
  return value === undefined ? NO_TOTALS : DayTotals.decode(value);
}
