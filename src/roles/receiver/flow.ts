// A taking as a state machine: notes in, money to an account. Each state is stored, and flushed, before its effect is performed.
//
//     taking ─── cash moves the money ──▶ taken: the notes are spent, the acknowledgement is signed
//       │ ▲
//       │ ╰──── no answer; one that cannot be right (noted) ──╯
//       ╰─────── cash rejects it ───────▶ rejected: the notes are free again
//
// The notes are held from the first write on, in the transaction that has found them free: of those who race for one, one
// holds it, and nobody can spend it meanwhile. A melt of Cashu's interface (NUT-05) is a taking that a quote stands for.

import type { BookReads } from '../../mint/note-book.ts';
import {
  bytes,
  type Infer,
  list,
  optional,
  struct,
  text,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import type { ReceiveNotesRequest } from '../cash/note-messages.ts';
import { NotePayee } from '../documents/note-payee.ts';
import { POINT_BYTES } from '../documents/notes.ts';
import { digest } from '../documents/signed.ts';
import { TAKING_NOTES_MAX } from '../documents/taking-terms.ts';
import type { Flow, Put } from '../flow/flow.ts';
import { Acknowledgement, type SignedAcknowledgement } from './messages.ts';

/** Stored with each request, for ever. */
export const TAKING_KIND = 1;

export const Taking = struct({
  payee: NotePayee,
  /** What the payee gets, minor units. */
  amount: u128,
  currency: u32,
  /** Nanoseconds: from then on cash does nothing. */
  applyBy: u64,
  /** SHA-256 of TakingTerms. */
  reference: digest,
  /** SHA-256 of the request's message. */
  requestDigest: digest,
  /** Y of each. */
  notes: list(bytes(POINT_BYTES), TAKING_NOTES_MAX),
  /** Of a melt: its quote's number, for which the notes are held. */
  quote: optional(u128),
});
export type Taking = Infer<typeof Taking>;

export const TakingState = union({
  taking: struct({ taking: Taking, distrusted: optional(text(64)) }),
  taken: struct({ payee: NotePayee, quote: optional(u128), acknowledgement: Acknowledgement.signed }),
  rejected: struct({ amount: u128, currency: u32, quote: optional(u128), reason: text(64) }),
});
export type TakingState = Infer<typeof TakingState>;

export interface TakingEffect {
  readonly kind: 'receive';
  readonly taking: Taking;
  /** What was wrong with cash's last answer. */
  readonly distrusted: string | undefined;
}

export type TakingOutcome =
  | { readonly kind: 'taken'; readonly acknowledgement: SignedAcknowledgement }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'distrusted'; readonly reason: string };

export type TakingFlow = Flow<TakingState, TakingEffect, TakingOutcome>;

/** What of the receiver's books changes when a taking ends. */
export interface TakingBooks {
  spend(reads: BookReads, taking: Taking, request: bigint, now: bigint): readonly Put[];
  release(reads: BookReads, taking: Taking, request: bigint, now: bigint): readonly Put[];
}

export const requestToCash = (request: bigint, taking: Taking): ReceiveNotesRequest => ({
  request,
  payee: taking.payee,
  amount: taking.amount,
  currency: taking.currency,
  reference: taking.reference,
  applyBy: taking.applyBy,
});

export function takingFlow(books: TakingBooks): TakingFlow {
  return {
    kind: TAKING_KIND,
    name: 'taking',
    state: TakingState,
    effect: (state) => (state.kind === 'taking' ? { ...state, kind: 'receive' } : undefined),
    next(state, outcome) {
      if (state.kind !== 'taking') return state;
      const { payee, amount, currency, quote } = state.taking;
      switch (outcome.kind) {
        case 'taken':
          return { kind: 'taken', payee, quote, acknowledgement: outcome.acknowledgement };
        case 'rejected':
          return { kind: 'rejected', amount, currency, quote, reason: outcome.reason };
        case 'distrusted':
          return { ...state, distrusted: outcome.reason };
      }
    },
    stateName: ({ kind }) => kind,
    writes(before, after, { id, now, reads }) {
      if (before?.kind !== 'taking') return [];
      if (after.kind === 'taken') return books.spend(reads, before.taking, id, now);
      return after.kind === 'rejected' ? books.release(reads, before.taking, id, now) : [];
    },
  };
}
