// What both jobs remember of an exchange, and write when it begins and when it is over.

import type { BookWrites, IncomingNote, NoteBook } from '../mint/note-book.ts';
import { recordPuts } from '../mint/note-book.ts';
import { KEYSET_ID_BYTES_MAX, POINT_BYTES } from '../roles/documents/notes.ts';
import { publicKey } from '../roles/documents/signed.ts';
import type { Put } from '../roles/flow/flow.ts';
import { TerminalAddress } from '../roles/gateway/messages.ts';
import { bytes, type Infer, struct, text, u32, u64, u128 } from '../shared/codec.ts';
import type { StoreReads } from '../store/store.ts';
import { type CounterChange, changeBacking } from './backing.ts';
import { putExchanged } from './terminals.ts';
import { changeUsage } from './usage.ts';

/** Ten minutes' outage of a partner leaves no gap: states that are asked for again say why. */
export const REASON_BYTES_MAX = 64;
export const Reason = text(REASON_BYTES_MAX);

export const reasonOf = (text: string): string => {
  const kept = text.replace(/[^\x20-\x7e]/g, '?').slice(0, REASON_BYTES_MAX);
  return kept.length === 0 ? 'unknown' : kept;
};

export const Exchange = struct({
  /** Its channel key, and what it gets sealed back to. */
  sender: struct({ channelKey: publicKey, sealingKey: publicKey }),
  destination: TerminalAddress,
  /** What arrives, and what was on top. */
  amount: u128,
  fee: u128,
  applyBy: u64,
  /** Of the terms when it was taken, nanoseconds. */
  returnAfter: u64,
  /** On which it counts for the sender's limit. */
  day: u32,
});
export type Exchange = Infer<typeof Exchange>;

/** A local note as the mint's book has it. */
export const BookedNote = struct({
  noteId: bytes(POINT_BYTES),
  keysetId: text(KEYSET_ID_BYTES_MAX),
  amount: u64,
});
export type BookedNote = Infer<typeof BookedNote>;

/** What both flows write to. */
export interface Books {
  readonly book: NoteBook;
  /** Of all local keysets. */
  readonly keysetIds: () => readonly string[];
}

export interface Writes extends BookWrites {
  change(counters: CounterChange): void;
}

/** What `run` writes, with the check of the backing after it. */
export function bookPuts(
  reads: StoreReads,
  { book, keysetIds }: Books,
  run: (tx: Writes) => void,
): readonly Put[] {
  return recordPuts(reads, (tx) => {
    let change: CounterChange = {};
    run({
      get: (table, key) => tx.get(table, key),
      put: (table, key, value) => tx.put(table, key, value),
      remove: (table, key) => tx.remove(table, key),
      change: (counters) => {
        change = { ...change, ...counters };
      },
    });
    changeBacking(tx, book, keysetIds(), change);
  });
}

/** Taken: it counts for the day. */
export function putBegun(tx: Writes, { sender, destination, amount, fee, day }: Exchange, now: bigint): void {
  changeUsage(tx, sender.channelKey, day, { amount: amount + fee, open: 1 });
  putExchanged(
    tx,
    (table, key, value) => tx.put(table, key, value),
    [sender.channelKey, destination.channelKey],
    now,
  );
}

/**
 * Over. What was rejected does not count for the day. `refused`: and it counts as one of the day's refusals, as only somebody
 * else could tell that the notes were none.
 */
export function putEnded(
  tx: Writes,
  { sender, amount, fee, day }: Exchange,
  how: 'done' | 'rejected' | 'refused',
): void {
  changeUsage(tx, sender.channelKey, day, {
    open: -1,
    ...(how !== 'done' && { amount: -(amount + fee) }),
    ...(how === 'refused' && { refused: 1 }),
  });
}

export type { IncomingNote };
