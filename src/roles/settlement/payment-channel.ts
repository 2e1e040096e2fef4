// What settlement needs of an institution that makes payments, in ISO 20022's messages and whatever carries them:
//
//     pain.001 ──submit──▶ pain.002        the same MsgId again: rejected with DUPL, and nothing happens
//     MsgId ─────status──▶ pain.002        of a message that it has
//     cursor ─statements─▶ camt.053, camt.054: the only proof that a payment is booked, or has come back
//
// None rejects. `unknown` says nothing about what the institution has done or will yet do: it is resolved by asking again.

export interface ChannelUnknown {
  readonly kind: 'unknown';
  /** For people; nothing of the documents is in it. */
  readonly why: string;
}

export type ChannelAnswer = { readonly kind: 'answered'; readonly document: Uint8Array } | ChannelUnknown;

export interface StatementPage {
  readonly kind: 'statements';
  /** In the order of their bookings. */
  readonly documents: readonly Uint8Array[];
  /** What to ask after next. */
  readonly next: bigint;
}

export interface PaymentChannel {
  /** Hands a pain.001 over. */
  submit(document: string): Promise<ChannelAnswer>;
  status(messageId: string): Promise<ChannelAnswer | { readonly kind: 'not_found' }>;
  /** What was booked after that; 0: from the first. */
  statements(after: bigint): Promise<StatementPage | ChannelUnknown>;
  /** What is under way becomes `unknown`. */
  close(): Promise<void>;
}
