// An account's history as a chain through the journal (assembly/layout/row.ts):
//
//     ordinal   1 ◀─ 2 ◀─ … ◀─ 256 ◀─ 257 ◀─ … ◀─ 512 ◀─ … ◀─ count (head)
//               each event ─▶ the one before
//               256, 512 …  ─▶ also the one 256 before      (ordinals 256·k)
//               65,536 …    ─▶ also the one 65,536 before
//
// From the head any ordinal is at most 256 + 256 steps away, plus one for every 65,536 events; timestamps rise with
// ordinals, so a moment is found the same way.
import type { Effect } from '../journal/readers.ts';

/** An event of the journal as far as a history needs it. */
export interface HistoryEvent {
  readonly ref: number;
  /** The stored transfer (of an expiry: the transfer that expired), 128 bytes. */
  readonly record: DataView;
  readonly timestamp: bigint;
  readonly expiry: boolean;
  readonly effect: Effect;
}

export interface HistorySource {
  /** The event at `ref`; valid until the next call. */
  event(ref: number): HistoryEvent;
}

/** Where an account's chain starts: the tail of its row. Refs; 0: none. */
export interface HistoryHead {
  readonly head: number;
  readonly skip256: number;
  readonly skip65536: number;
  readonly count: number;
}

/** Events looked at by one query at most: some seconds of work. Beyond: the query is refused as too broad. */
export const HISTORY_STEPS_MAX = 1_000_000;

export class HistoryTooLong extends Error {
  override readonly name = 'HistoryTooLong';
  constructor() {
    super(
      `the query looked at ${HISTORY_STEPS_MAX} events without an end: narrow it with timestamp_min and timestamp_max`,
    );
  }
}

/** Refs gathered before they are visited in the other direction: few at first, as most questions are for a page. */
const BLOCK_FIRST = 256;
const BLOCK_LAST = 4096;

export class AccountHistory {
  readonly #source: HistorySource;
  readonly #isDebit: (record: DataView) => boolean;
  readonly #head: HistoryHead;
  #steps = 0;

  /** `isDebit` says of a record of this account's history whether the account is its debit side. */
  constructor(source: HistorySource, head: HistoryHead, isDebit: (record: DataView) => boolean) {
    this.#source = source;
    this.#head = head;
    this.#isDebit = isDebit;
  }

  /** Calls `visit` with each event from `timestampMin` to `timestampMax` until it returns false. */
  scan(
    timestampMin: bigint,
    timestampMax: bigint,
    reversed: boolean,
    visit: (event: HistoryEvent, isDebit: boolean) => boolean,
  ): void {
    const last = this.#ordinalAtOrBefore(timestampMax);
    if (reversed) {
      this.#descend(
        last,
        (event) => event.timestamp >= timestampMin && visit(event, this.#isDebit(event.record)),
      );
      return;
    }
    const first = timestampMin === 0n ? 1 : this.#ordinalAtOrBefore(timestampMin - 1n) + 1;
    let block = BLOCK_FIRST;
    for (let from = first; from <= last; from += block, block = Math.min(2 * block, BLOCK_LAST)) {
      const to = Math.min(from + block - 1, last);
      const refs: number[] = [];
      this.#descend(to, (event) => refs.push(event.ref) < to - from + 1);
      for (let i = refs.length - 1; i >= 0; i--) {
        const event = this.#read(refs[i]!);
        if (!visit(event, this.#isDebit(event.record))) return;
      }
    }
  }

  /** From `ordinal` (0: nothing) towards the beginning, until `visit` returns false. */
  #descend(ordinal: number, visit: (event: HistoryEvent) => boolean): void {
    let ref = this.#refAt(ordinal);
    while (ref !== 0) {
      const event = this.#read(ref);
      const previous = this.#refs(event)[0]!;
      if (!visit(event)) return;
      ref = previous;
    }
  }

  #refAt(target: number): number {
    if (target === 0) return 0;
    let [ordinal, ref] = this.#start((start) => start >= target);
    while (ordinal > target) {
      const [previous, skip256, skip65536] = this.#refs(this.#read(ref));
      if (skip65536 !== undefined && ordinal - 65_536 >= target)
        [ordinal, ref] = [ordinal - 65_536, skip65536];
      else if (skip256 !== undefined && ordinal - 256 >= target) [ordinal, ref] = [ordinal - 256, skip256];
      else [ordinal, ref] = [ordinal - 1, previous!];
    }
    return ref;
  }

  /** Ordinal of the newest event that is not later than `timestamp`; 0: none. */
  #ordinalAtOrBefore(timestamp: bigint): number {
    const { head, count } = this.#head;
    if (count === 0 || this.#read(head).timestamp <= timestamp) return count;
    const later = (ref: number | undefined) =>
      ref !== undefined && ref !== 0 && this.#read(ref).timestamp > timestamp;
    let [ordinal, ref] = this.#start((_, start) => later(start));
    for (;;) {
      const [previous, skip256, skip65536] = this.#refs(this.#read(ref));
      if (later(skip65536)) [ordinal, ref] = [ordinal - 65_536, skip65536!];
      else if (later(skip256)) [ordinal, ref] = [ordinal - 256, skip256!];
      else if (later(previous)) [ordinal, ref] = [ordinal - 1, previous!];
      else return ordinal - 1;
    }
  }

  /** The furthest of the account's own three entrances that still fits. */
  #start(fits: (ordinal: number, ref: number) => boolean): [ordinal: number, ref: number] {
    const { head, skip256, skip65536, count } = this.#head;
    const coarse = count - (count % 65_536);
    if (coarse > 0 && fits(coarse, skip65536)) return [coarse, skip65536];
    const middle = count - (count % 256);
    if (middle > 0 && fits(middle, skip256)) return [middle, skip256];
    return [count, head];
  }

  #refs(event: HistoryEvent): readonly number[] {
    return this.#isDebit(event.record) ? event.effect.debitRefs : event.effect.creditRefs;
  }

  #read(ref: number): HistoryEvent {
    if (++this.#steps > HISTORY_STEPS_MAX) throw new HistoryTooLong();
    return this.#source.event(ref);
  }
}
