// The second job: wide notes become local ones for a terminal on the LAN.
//
//     send_in: received, decrypted, the amount confirmed, encrypted for the receiver
//        │
//     transmitting ── acknowledged by the receiver ──▶ acknowledged ── generated, encrypted ──▶ generated
//        │                                                              in one write              │     │
//        │                                                                    confirmed, or spent │     │ nobody came
//        ╰── rejected (spent before, …)                                                           ▼     │ in time:
//            ▼                                                                              delivered   ▼ held
//          rejected                                                                                 returning
//                                                                                                       │ wide notes
//                                                                                                       │ issued,
//                                                                              local ones erased        ▼ encrypted
//                                                                              in the same write    returned
//
// Local notes are generated only when wide ones of the same amount are taken in. `…_distrusted`: as in out-flow.ts.

import type { SignedMessage } from '../mint/note-book.ts';
import type { SealedNotes } from '../roles/documents/notes.ts';
import { KEYSET_ID_BYTES_MAX, NOTES_MAX } from '../roles/documents/notes.ts';
import { digest, publicKey } from '../roles/documents/signed.ts';
import type { Flow, Put, WriteContext } from '../roles/flow/flow.ts';
import { TakeNotesRequest } from '../roles/receiver/messages.ts';
import { type Infer, list, optional, struct, text, u32, u64, union } from '../shared/codec.ts';
import { confirmedOf, putDelivery, removeDelivery } from './deliveries.ts';
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

const InState = union({
  transmitting: struct({ exchange: Exchange, take: TakeNotesRequest, distrusted: optional(Reason) }),
  acknowledged: struct({ exchange: Exchange }),
  generated: struct({
    exchange: Exchange,
    notes: list(BookedNote, NOTES_MAX),
    notesDigest: digest,
    until: u64,
  }),
  returning: struct({
    exchange: Exchange,
    notes: list(BookedNote, NOTES_MAX),
    /** What was rejected for good is asked for anew, under another id. */
    attempt: u32,
    notBefore: u64,
    applyBy: u64,
    /** Of the wide mint. */
    keysetId: text(KEYSET_ID_BYTES_MAX),
    replyKey: publicKey,
    distrusted: optional(Reason),
  }),
  delivered: struct({ exchange: Exchange }),
  returned: struct({ exchange: Exchange, reason: Reason }),
  rejected: struct({ exchange: Exchange, reason: Reason }),
});
export type InState = Infer<typeof InState> & InWritten;

/** What is written with a state, into tables, and is no part of it. */
export interface InWritten {
  readonly written?: {
    readonly delivery?: SealedNotes;
    readonly signed?: readonly SignedMessage[];
  };
}

type InIn<Kind extends InState['kind']> = InState & { readonly kind: Kind };

export type InEffect =
  | { readonly kind: 'transmit'; readonly state: InIn<'transmitting'> }
  | { readonly kind: 'generate'; readonly state: InIn<'acknowledged'> }
  /** Until it is confirmed or spent, or goes back. */
  | { readonly kind: 'deliver'; readonly state: InIn<'generated'> }
  | { readonly kind: 'request'; readonly state: InIn<'returning'> };

/** How wide notes are asked for, to give them back. */
export interface ReturnTerms {
  readonly attempt: number;
  readonly notBefore: bigint;
  readonly applyBy: bigint;
  readonly keysetId: string;
  readonly replyKey: Uint8Array;
}

export type InOutcome =
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'rejected'; readonly reason: string }
  | {
      readonly kind: 'generated';
      readonly notes: readonly BookedNote[];
      readonly signed: readonly SignedMessage[];
      readonly delivery: SealedNotes;
      readonly notesDigest: Uint8Array;
    }
  | { readonly kind: 'confirmed' }
  /** Nobody came in time, or what was asked for to give it back was rejected. */
  | { readonly kind: 'return'; readonly terms: ReturnTerms }
  | { readonly kind: 'issued'; readonly delivery: SealedNotes }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const IN_FLOW_KIND = 2;

export function inFlow(books: Books): Flow<InState, InEffect, InOutcome> {
  return {
    kind: IN_FLOW_KIND,
    name: 'in',
    state: InState,
    effect(state, now) {
      switch (state.kind) {
        case 'transmitting':
          return { kind: 'transmit', state };
        case 'acknowledged':
          return { kind: 'generate', state };
        case 'generated':
          return { kind: 'deliver', state };
        case 'returning':
          return now < state.notBefore ? { waitUntil: state.notBefore } : { kind: 'request', state };
        default:
          return undefined;
      }
    },
    next,
    answersIn: ({ kind }) => kind === 'generated',
    stateName: (state) =>
      'distrusted' in state && state.distrusted !== undefined ? `${state.kind}_distrusted` : state.kind,
    writes: (before, after, context) => writes(before, after, context, books),
  };
}

// An outcome that does not belong to the state changes nothing: the effect is performed again.
function next(state: InState, outcome: InOutcome, now: bigint): InState {
  const { exchange } = state;
  switch (state.kind) {
    case 'transmitting':
      if (outcome.kind === 'acknowledged') return { kind: 'acknowledged', exchange };
      if (outcome.kind === 'rejected') return { kind: 'rejected', exchange, reason: outcome.reason };
      return outcome.kind === 'distrusted' ? { ...state, distrusted: outcome.reason } : state;
    case 'acknowledged': {
      if (outcome.kind !== 'generated') return state;
      const { notes, notesDigest, delivery, signed } = outcome;
      const until = now + exchange.returnAfter;
      return { kind: 'generated', exchange, notes, notesDigest, until, written: { delivery, signed } };
    }
    case 'generated':
      if (outcome.kind === 'confirmed') return { kind: 'delivered', exchange };
      return outcome.kind === 'return' ? returning(exchange, state.notes, outcome.terms) : state;
    case 'returning':
      if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
      if (outcome.kind === 'return') return returning(exchange, state.notes, outcome.terms);
      if (outcome.kind !== 'issued') return state;
      return { kind: 'returned', exchange, reason: 'not_fetched', written: { delivery: outcome.delivery } };
    default:
      return state;
  }
}

function returning(exchange: Exchange, notes: readonly BookedNote[], terms: ReturnTerms): InState {
  return { kind: 'returning', exchange, notes, ...terms, distrusted: undefined };
}

function writes(
  before: InState | undefined,
  after: InState,
  { id, now, reads }: WriteContext,
  books: Books,
): readonly Put[] {
  if (before?.kind === after.kind) return [];
  const { exchange } = after;
  const { amount, fee, sender, destination } = exchange;
  const { book } = books;
  return bookPuts(reads, books, (tx) => {
    switch (after.kind) {
      case 'transmitting':
        putBegun(tx, exchange);
        tx.change({ offered: amount + fee });
        return;
      case 'rejected':
        // Anybody on the WAN may send what is none: each time it costs the receiver a look, and a record for ever.
        putEnded(tx, exchange, 'refused');
        tx.change({ offered: -(amount + fee), rejected: 1n });
        return;
      case 'acknowledged':
        putMet(tx, exchange, now);
        tx.change({ offered: -(amount + fee), taken: amount + fee, generating: amount + fee });
        return;
      case 'generated': {
        const { delivery, signed } = after.written!;
        book.sign(tx, signed!, id, now);
        putDelivery(tx, destination.channelKey, id, {
          ...{ isReturn: false, amount, until: after.until },
          notes: delivery!,
        });
        tx.change({ generating: -(amount + fee), fees: fee, waitingLocal: amount });
        return;
      }
      case 'delivered':
        removeDelivery(tx, destination.channelKey, id);
        putEnded(tx, exchange, 'done');
        tx.change({ waitingLocal: -amount, delivered: 1n });
        return;
      case 'returning':
        // A confirmation that came while this was being decided: it is seen when the effect is performed again.
        if (confirmedOf(tx, destination.channelKey, id) !== undefined)
          throw new Error(`exchange ${id}: expected a delivery that is not confirmed`);
        // Throws when one of them was spent meanwhile: likewise.
        book.hold(tx, after.notes, id, now);
        removeDelivery(tx, destination.channelKey, id);
        tx.change({ requested: amount });
        return;
      case 'returned':
        if (before?.kind !== 'returning') return;
        book.spend(tx, before.notes, id, now);
        putDelivery(tx, sender.channelKey, id, {
          ...{ isReturn: true, amount, until: 0n },
          notes: after.written!.delivery!,
        });
        putEnded(tx, exchange, 'done');
        tx.change({ requested: -amount, issued: amount, waitingLocal: -amount, returned: 1n });
        return;
    }
  });
}
