// The first job: local notes become wide ones for a terminal on the WAN.
//
//     send_out: received, decrypted, the amount confirmed; the local notes are held
//        │
//     requesting ── issued: decrypted, the amount confirmed ──▶ erased ── confirmed ──▶ delivered
//        │           the local notes are erased, the wide ones     │                       ▲
//        │           encrypted for the destination, in one write   │ nobody came in time   │ spent before
//        │                                                         ▼                       │
//        ╰── rejected (the float is dry, …): released            returning ────────────────╯
//            ▼                                                     │ taken back by the receiver
//          rejected                                                ▼
//                                                               taken_back ── generated for the sender ──▶ returned
//
// Nothing is erased that was not replaced: the write that spends the local notes is the one in which the wide ones wait for
// their destination. `…_distrusted`: the partner has answered something that cannot be right; it is asked again.

import type { SignedMessage } from '../mint/note-book.ts';
import { KEYSET_ID_BYTES_MAX, NOTES_MAX, type SealedNotes } from '../roles/documents/notes.ts';
import { digest, publicKey } from '../roles/documents/signed.ts';
import type { Flow, Put, WriteContext } from '../roles/flow/flow.ts';
import { TakeNotesRequest } from '../roles/receiver/messages.ts';
import { type Infer, list, optional, struct, text, u32, u64, u128, union } from '../shared/codec.ts';
import { type Copy, confirmedOf, putCopy, putDelivery, removeCopy, removeDelivery } from './deliveries.ts';
import {
  BookedNote,
  type Books,
  bookPuts,
  Exchange,
  putBegun,
  putEnded,
  putMet,
  Reason,
} from './exchange.ts';

const OutState = union({
  requesting: struct({
    exchange: Exchange,
    notes: list(BookedNote, NOTES_MAX),
    /** Of the wide mint: the outputs are of it, whatever has become active since. */
    keysetId: text(KEYSET_ID_BYTES_MAX),
    /** Of the gateway: the issuer seals its answer to it. */
    replyKey: publicKey,
    distrusted: optional(Reason),
  }),
  erased: struct({ exchange: Exchange, notesDigest: digest, until: u64 }),
  returning: struct({
    exchange: Exchange,
    /** What was rejected for good is asked for anew, under another id. */
    attempt: u32,
    notBefore: u64,
    take: TakeNotesRequest,
    distrusted: optional(Reason),
  }),
  taken_back: struct({ exchange: Exchange, amount: u128 }),
  delivered: struct({ exchange: Exchange }),
  returned: struct({ exchange: Exchange, reason: Reason }),
  rejected: struct({ exchange: Exchange, reason: Reason }),
});
export type OutState = Infer<typeof OutState> & OutWritten;

/** What is written with a state, into tables, and is no part of it. */
export interface OutWritten {
  readonly written?: {
    readonly delivery?: SealedNotes;
    readonly copy?: Copy;
    /** Local notes that were generated. */
    readonly signed?: readonly SignedMessage[];
  };
}

type OutIn<Kind extends OutState['kind']> = OutState & { readonly kind: Kind };

export type OutEffect =
  | { readonly kind: 'request'; readonly state: OutIn<'requesting'> }
  /** Until it is confirmed, or goes back. */
  | { readonly kind: 'deliver'; readonly state: OutIn<'erased'> }
  | { readonly kind: 'take_back'; readonly state: OutIn<'returning'> }
  | { readonly kind: 'generate'; readonly state: OutIn<'taken_back'> };

export type OutOutcome =
  | {
      readonly kind: 'issued';
      readonly delivery: SealedNotes;
      readonly notesDigest: Uint8Array;
      readonly copy: Copy;
    }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'confirmed' }
  /** Nobody came in time, or what was asked for to give it back was rejected: this is the next to ask. */
  | {
      readonly kind: 'return';
      readonly take: TakeNotesRequest;
      readonly attempt: number;
      readonly notBefore: bigint;
    }
  | { readonly kind: 'taken_back'; readonly amount: bigint }
  /** The destination has spent them: it had them all along. */
  | { readonly kind: 'spent' }
  | { readonly kind: 'generated'; readonly delivery: SealedNotes; readonly signed: readonly SignedMessage[] }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const OUT_FLOW_KIND = 1;

export function outFlow(books: Books): Flow<OutState, OutEffect, OutOutcome> {
  return {
    kind: OUT_FLOW_KIND,
    name: 'out',
    state: OutState,
    effect(state, now) {
      switch (state.kind) {
        case 'requesting':
          return { kind: 'request', state };
        case 'erased':
          return { kind: 'deliver', state };
        case 'returning':
          return now < state.notBefore ? { waitUntil: state.notBefore } : { kind: 'take_back', state };
        case 'taken_back':
          return { kind: 'generate', state };
        default:
          return undefined;
      }
    },
    next,
    // The sender hears that it waits for its destination, which may take its time.
    answersIn: ({ kind }) => kind === 'erased',
    stateName: (state) =>
      'distrusted' in state && state.distrusted !== undefined ? `${state.kind}_distrusted` : state.kind,
    writes: (before, after, context) => writes(before, after, context, books),
  };
}

// An outcome that does not belong to the state changes nothing: the effect is performed again.
function next(state: OutState, outcome: OutOutcome, now: bigint): OutState {
  const { exchange } = state;
  switch (state.kind) {
    case 'requesting':
      if (outcome.kind === 'rejected') return { kind: 'rejected', exchange, reason: outcome.reason };
      if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
      if (outcome.kind !== 'issued') return state;
      return {
        kind: 'erased',
        exchange,
        notesDigest: outcome.notesDigest,
        until: now + exchange.returnAfter,
        written: { delivery: outcome.delivery, copy: outcome.copy },
      };
    case 'erased':
      if (outcome.kind === 'confirmed') return { kind: 'delivered', exchange };
      return outcome.kind === 'return' ? returning(exchange, outcome) : state;
    case 'returning':
      if (outcome.kind === 'spent') return { kind: 'delivered', exchange };
      if (outcome.kind === 'taken_back') return { kind: 'taken_back', exchange, amount: outcome.amount };
      if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
      return outcome.kind === 'return' ? returning(exchange, outcome) : state;
    case 'taken_back':
      if (outcome.kind !== 'generated') return state;
      return {
        kind: 'returned',
        exchange,
        reason: 'not_fetched',
        written: { delivery: outcome.delivery, signed: outcome.signed },
      };
    default:
      return state;
  }
}

function returning(
  exchange: Exchange,
  { take, attempt, notBefore }: OutOutcome & { readonly kind: 'return' },
): OutState {
  return { kind: 'returning', exchange, take, attempt, notBefore, distrusted: undefined };
}

function writes(
  before: OutState | undefined,
  after: OutState,
  { id, now, reads }: WriteContext,
  books: Books,
): readonly Put[] {
  if (before?.kind === after.kind) return [];
  const { exchange } = after;
  const { amount, fee, sender, destination } = exchange;
  const { book } = books;
  return bookPuts(reads, books, (tx) => {
    switch (after.kind) {
      case 'requesting':
        book.hold(tx, after.notes, id, now);
        putBegun(tx, exchange);
        putMet(tx, exchange, now);
        tx.change({ requested: amount });
        return;
      case 'rejected':
        if (before?.kind !== 'requesting') return;
        book.release(
          tx,
          before.notes.map(({ noteId }) => noteId),
          id,
        );
        putEnded(tx, exchange, 'rejected');
        tx.change({ requested: -amount, rejected: 1n });
        return;
      case 'erased': {
        if (before?.kind !== 'requesting') return;
        book.spend(tx, before.notes, id, now);
        putDelivery(tx, destination.channelKey, id, {
          ...{ isReturn: false, amount, until: after.until },
          notes: after.written!.delivery!,
        });
        putCopy(tx, id, after.written!.copy!);
        tx.change({ requested: -amount, issued: amount, fees: fee, waitingWide: amount });
        return;
      }
      case 'returning':
        // A confirmation that came while this was being decided: it is seen when the effect is performed again.
        if (confirmedOf(tx, destination.channelKey, id) !== undefined)
          throw new Error(`exchange ${id}: expected a delivery that is not confirmed`);
        removeDelivery(tx, destination.channelKey, id);
        tx.change({ offered: after.take.amount });
        return;
      case 'delivered':
        removeDelivery(tx, destination.channelKey, id);
        removeCopy(tx, id);
        putEnded(tx, exchange, 'done');
        tx.change({
          waitingWide: -amount,
          delivered: 1n,
          ...(before?.kind === 'returning' && { offered: -before.take.amount }),
        });
        return;
      case 'taken_back':
        removeCopy(tx, id);
        tx.change({
          waitingWide: -amount,
          offered: -after.amount,
          taken: after.amount,
          generating: after.amount,
        });
        return;
      case 'returned': {
        if (before?.kind !== 'taken_back') return;
        const { delivery, signed } = after.written!;
        book.sign(tx, signed!, id, now);
        putDelivery(tx, sender.channelKey, id, {
          ...{ isReturn: true, amount: before.amount, until: 0n },
          notes: delivery!,
        });
        putEnded(tx, exchange, 'done');
        tx.change({ generating: -before.amount, returned: 1n });
        return;
      }
    }
  });
}
