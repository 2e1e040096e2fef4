// What settlement asks of a payment institution, whatever protocol stands behind it (cards over ISO 8583:
// src/institution). One order is one charge of a card; its reference goes through all of its operations:
//
//                     ┌──────────┐  capture  ┌──────────┐
//     authorise ────▶ │authorised│ ────────▶ │ captured │
//         │           └────┬─────┘           └────┬─────┘
//         │                │ reverse: released    │ reverse: given back
//         ▼                ▼                      ▼
//     declined        ┌─────────────────────────────────┐
//                     │ reversed, for ever              │ ◀── reverse of what the institution never saw: a late
//                     └─────────────────────────────────┘     authorisation with that reference is then declined
//
// Every operation is idempotent by the reference: asked again, it answers again and does nothing twice. None rejects.
// `unknown` says nothing about what the institution has done or will yet do (a request may be on its way): it is resolved
// by asking again, by inquiry, or by reversal. Inquiry alone does not settle it: after `not_found` the authorisation may
// still arrive. Reversal does, since nothing can follow it.
import type { Amount } from '../../shared/amount.ts';

export interface CardOrder {
  /** u128: the request id, and the idempotency key. */
  readonly reference: bigint;
  /** 12 to 19 digits. Never to be logged; not part of any outcome. */
  readonly accountNumber: string;
  readonly amount: Amount;
  /** The ledger's number of the currency; an institution may know only ISO 4217. */
  readonly currency: number;
  /** When the order was made, nanoseconds since the Unix epoch. The same on every call with this reference. */
  readonly time: bigint;
}

/** Why an order was declined. `other` for codes that have no name here; `responseCode` has the code. */
export type DeclineReason =
  | 'refer_to_issuer'
  | 'invalid_merchant'
  | 'pick_up_card'
  | 'do_not_honour'
  | 'invalid_transaction'
  | 'invalid_amount'
  | 'unknown_card'
  /** Capture: no such authorisation. */
  | 'not_found'
  | 'format_error'
  | 'lost_card'
  | 'stolen_card'
  | 'insufficient_funds'
  | 'expired_card'
  | 'not_permitted'
  | 'over_limit'
  | 'restricted_card'
  | 'security_violation'
  /** Capture: not the amount that was authorised. */
  | 'amount_differs'
  /** The reference is that of another order, or the institution's reference that of another authorisation. */
  | 'inconsistent'
  /** The order has been reversed. */
  | 'reversed'
  /** Cannot be expressed towards this institution (currency, account number, time); it was never sent. */
  | 'not_expressible'
  | 'other';

export interface Declined {
  readonly kind: 'declined';
  readonly reason: DeclineReason;
  /** The institution's own code (DE 39); empty when nothing was sent. */
  readonly responseCode: string;
}

/** No answer, connection lost, an unreadable answer, or an answer that says no more: never guessed. */
export interface Unknown {
  readonly kind: 'unknown';
  /** For people; no account number in it. */
  readonly why: string;
}

export interface Approved {
  readonly kind: 'approved';
  /** The institution's own name of the authorisation; up to 35 characters. */
  readonly institutionReference: string;
}

/** Of `authorise` and `capture`; what a capture approves is the charge. */
export type InstitutionOutcome = Approved | Declined | Unknown;

/** `reversed`: nothing is held or taken for this order, nor ever will be. */
export type ReversalOutcome = { readonly kind: 'reversed' } | Declined | Unknown;

/** Where the order stands, as the institution has it. */
export type InquiryOutcome =
  | { readonly kind: 'authorised'; readonly institutionReference: string }
  | { readonly kind: 'captured'; readonly institutionReference: string }
  | { readonly kind: 'reversed' }
  | Declined
  | { readonly kind: 'not_found' }
  | Unknown;

export interface Institution {
  /** Holds the amount on the card. */
  authorise(order: CardOrder): Promise<InstitutionOutcome>;
  /** Takes what is held. `institutionReference` is that of the authorisation. */
  capture(order: CardOrder, institutionReference: string): Promise<InstitutionOutcome>;
  /** Undoes whatever was or will be done for this order. */
  reverse(order: CardOrder): Promise<ReversalOutcome>;
  inquire(order: CardOrder): Promise<InquiryOutcome>;
  /** What is still under way becomes `unknown`. */
  close(): Promise<void>;
}
