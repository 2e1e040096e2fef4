// An issue, the payment of a quote, and the moving of funds, as state machines. Each state is stored, and flushed, before its effect is performed.
//
//     asking ─── cash moves the money, outputs are signed ───▶ issued (paid, moved)
//       │ ▲
//       │ ╰──── no answer; one that cannot be right (noted) ──╯
//       ╰─────── cash rejects it ───────────────────────────▶ rejected
//
// Who else could do the same is kept out from the first write on: its transaction reserves the outputs (of a payment: the
// quote), or finds them taken. The last write signs them in the note book, or sets them free.

import type { BookReads } from '../../mint/note-book.ts';
import { type Infer, optional, struct, text, u128, union } from '../../shared/codec.ts';
import { NoteOrder, NoteReceipt, NoteRejection, type SignedNoteOrder } from '../documents/note-order.ts';
import { type BlindedOutput, BlindedOutputs, type SignedOutput, SignedOutputs } from '../documents/notes.ts';
import type { Flow, Put } from '../flow/flow.ts';

/** Stored with each request, for ever. */
export const ISSUE_KIND = 1;
export const PAY_KIND = 2;
export const FUNDS_KIND = 3;

const Problem = optional(text(64));

export const IssueState = union({
  asking: struct({ order: NoteOrder.signed, outputs: BlindedOutputs, distrusted: Problem }),
  /** The signatures are in the note book too, where restoring finds them; here they are this request's answer. */
  issued: struct({ order: NoteOrder.signed, receipt: NoteReceipt.signed, signatures: SignedOutputs }),
  rejected: struct({ order: NoteOrder.signed, rejection: NoteRejection.signed }),
});
export type IssueState = Infer<typeof IssueState>;

export const PayState = union({
  asking: struct({ order: NoteOrder.signed, quote: u128, distrusted: Problem }),
  paid: struct({ order: NoteOrder.signed, quote: u128, receipt: NoteReceipt.signed }),
  rejected: struct({ order: NoteOrder.signed, quote: u128, rejection: NoteRejection.signed }),
});
export type PayState = Infer<typeof PayState>;

/** Of money that a shop moves between its two accounts: nothing here changes with it. */
export const FundsState = union({
  asking: struct({ order: NoteOrder.signed, distrusted: Problem }),
  moved: struct({ order: NoteOrder.signed, receipt: NoteReceipt.signed }),
  rejected: struct({ order: NoteOrder.signed, rejection: NoteRejection.signed }),
});
export type FundsState = Infer<typeof FundsState>;

interface Effect {
  readonly kind: 'ask';
  readonly order: SignedNoteOrder;
  /** What was wrong with cash's last answer. */
  readonly distrusted: string | undefined;
}
export interface IssueEffect extends Effect {
  readonly outputs: readonly BlindedOutput[];
}
export type PayEffect = Effect;

type Receipt = Infer<typeof NoteReceipt.signed>;
type Rejection = Infer<typeof NoteRejection.signed>;

type NotDone =
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'distrusted'; readonly reason: string };
export type IssueOutcome =
  | { readonly kind: 'issued'; readonly receipt: Receipt; readonly signatures: readonly SignedOutput[] }
  | NotDone;
export type PayOutcome = { readonly kind: 'paid'; readonly receipt: Receipt } | NotDone;

export type IssueFlow = Flow<IssueState, IssueEffect, IssueOutcome>;
export type PayFlow = Flow<PayState, PayEffect, PayOutcome>;
export type FundsFlow = Flow<FundsState, PayEffect, PayOutcome>;

/** What of the issuer's books an issue changes when it ends. */
export interface IssueBooks {
  sign(
    reads: BookReads,
    outputs: readonly BlindedOutput[],
    signatures: readonly SignedOutput[],
    request: bigint,
    now: bigint,
  ): readonly Put[];
  free(reads: BookReads, outputs: readonly BlindedOutput[], request: bigint): readonly Put[];
}

export function issueFlow(books: IssueBooks): IssueFlow {
  return {
    kind: ISSUE_KIND,
    name: 'issue',
    state: IssueState,
    effect: (state) => (state.kind === 'asking' ? { ...state, kind: 'ask' } : undefined),
    next(state, outcome) {
      if (state.kind !== 'asking') return state;
      const { order } = state;
      switch (outcome.kind) {
        case 'issued':
          return { kind: 'issued', order, receipt: outcome.receipt, signatures: outcome.signatures };
        case 'rejected':
          return { kind: 'rejected', order, rejection: outcome.rejection };
        case 'distrusted':
          return { ...state, distrusted: outcome.reason };
      }
    },
    stateName: ({ kind }) => kind,
    writes(before, after, { id, now, reads }) {
      if (before?.kind !== 'asking') return [];
      if (after.kind === 'issued') return books.sign(reads, before.outputs, after.signatures, id, now);
      return after.kind === 'rejected' ? books.free(reads, before.outputs, id) : [];
    },
  };
}

/** What of a quote changes when its payment ends. */
export interface QuoteBooks {
  markPaid(reads: BookReads, quote: bigint, request: bigint): readonly Put[];
  cancelPayment(reads: BookReads, quote: bigint, request: bigint): readonly Put[];
}

export function payFlow(books: QuoteBooks): PayFlow {
  return {
    kind: PAY_KIND,
    name: 'quote_payment',
    state: PayState,
    effect: (state) => (state.kind === 'asking' ? { ...state, kind: 'ask' } : undefined),
    next(state, outcome) {
      if (state.kind !== 'asking') return state;
      const { order, quote } = state;
      switch (outcome.kind) {
        case 'paid':
          return { kind: 'paid', order, quote, receipt: outcome.receipt };
        case 'rejected':
          return { kind: 'rejected', order, quote, rejection: outcome.rejection };
        case 'distrusted':
          return { ...state, distrusted: outcome.reason };
      }
    },
    stateName: ({ kind }) => kind,
    writes(before, after, { id, reads }) {
      if (before?.kind !== 'asking') return [];
      if (after.kind === 'paid') return books.markPaid(reads, after.quote, id);
      return after.kind === 'rejected' ? books.cancelPayment(reads, after.quote, id) : [];
    },
  };
}

export const fundsFlow: FundsFlow = {
  kind: FUNDS_KIND,
  name: 'funds',
  state: FundsState,
  effect: (state) => (state.kind === 'asking' ? { ...state, kind: 'ask' } : undefined),
  next(state, outcome) {
    if (state.kind !== 'asking') return state;
    const { order } = state;
    switch (outcome.kind) {
      case 'paid':
        return { kind: 'moved', order, receipt: outcome.receipt };
      case 'rejected':
        return { kind: 'rejected', order, rejection: outcome.rejection };
      case 'distrusted':
        return { ...state, distrusted: outcome.reason };
    }
  },
  stateName: ({ kind }) => kind,
};
