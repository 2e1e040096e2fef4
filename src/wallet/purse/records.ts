// What a wallet stores of its purses, beside what core/records.ts lists.
//
//     purse/NUMBER           each purse: its keys, what management and cash have signed, how far it is    NUMBER: 4 hex digits
//     sent/NUMBER/SEQUENCE   each payment of it, before it leaves; with receipt, and what became of it at cash
//     got/NUMBER/REQUEST     each payment to it that was added, with what became of it at cash
//     unseen/NUMBER/REQUEST  what cash has credited, and no payer has brought: he was in doubt, and has reported it
//     page/NUMBER/UNTIL      the pages of cash's statement that say so
//     ask/NONCE, used/NONCE  what was asked for, and what of it was paid; empty       NONCE: its first 24 bytes
//     seen/PURSE/REQUEST     orders of other purses, until they can be reported no more
//     proof/NUMBER           frauds that were noticed
//     blocked/PART           the newest block list
import { toHex } from '../../identity/binary-text.ts';
import { FraudProof } from '../../roles/documents/fraud-proof.ts';
import { PaymentReceipt, PaymentRejection } from '../../roles/documents/payment-receipts.ts';
import { Allowance, PurseClosing } from '../../roles/documents/purse.ts';
import { REJECTION_REASON_BYTES_MAX } from '../../roles/documents/receipts.ts';
import { publicKey } from '../../roles/documents/signed.ts';
import { TransferReceipt } from '../../roles/documents/transfer.ts';
import { PURSE_CERTIFICATE_BYTES_MAX } from '../../roles/management/purse-messages.ts';
import {
  bytesUpTo,
  type Infer,
  nothing,
  oneOf,
  optional,
  struct,
  text,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { StoredKeys } from '../core/records.ts';
import { REASON_BYTES_MAX } from '../core/request.ts';
import { ReceivedPayment, SentPayment } from '../peer/records.ts';

/** What management and cash have signed when it was opened, and the key of cash that it was verified with. */
const Issued = struct({
  certificate: bytesUpTo(PURSE_CERTIFICATE_BYTES_MAX),
  allowance: Allowance.signed,
  cashKey: publicKey,
});
export type Issued = Infer<typeof Issued>;

export const PurseState = union({
  /** Asked for; without what is signed it can do nothing. */
  opening: nothing,
  open: nothing,
  /** No payment any more: its closing is signed. */
  closing: struct({ closing: PurseClosing.signed }),
  closed: struct({ released: u128 }),
  /** Nothing was reserved. */
  refused: nothing,
  /** Ends by itself at its `reportBy`: this store must not pay with it any more. */
  ended: struct({ reason: text(REASON_BYTES_MAX) }),
});
export type PurseState = Infer<typeof PurseState>;

export const StoredPurse = struct({
  /** The wallet's own, from 1. */
  number: u32,
  /** Of the opening. */
  request: u128,
  keys: StoredKeys,
  issued: optional(Issued),
  state: PurseState,
  /** Up to where cash's statements of it were read, and as of when. Of the ledger, nanoseconds. */
  until: u64,
  asOf: u64,
});
export type StoredPurse = Infer<typeof StoredPurse>;

/** What became of a payment at cash. */
export const Standing = union({
  unreported: nothing,
  /** `loss`: the payer has cheated, and the operator has paid. */
  settled: struct({ receipt: PaymentReceipt.signed, cashKey: publicKey, from: oneOf('purse', 'loss') }),
  /** Until what funds it was reported too. */
  waiting: struct({ reportBy: u64 }),
  disputed: struct({ reason: text(REJECTION_REASON_BYTES_MAX) }),
  /** Reported too late. */
  rejected: struct({ rejection: PaymentRejection.signed, cashKey: publicKey }),
  /** Management does not pass it on, for good. */
  refused: struct({ code: text(64), reason: text(REASON_BYTES_MAX) }),
});
export type Standing = Infer<typeof Standing>;

export const StoredSent = struct({
  payment: SentPayment,
  receipt: optional(TransferReceipt.signed),
  /** Why the payee has not added it, as it says. */
  refusal: optional(struct({ code: text(64), message: text(REASON_BYTES_MAX) })),
  standing: Standing,
});
export type StoredSent = Infer<typeof StoredSent>;

export const StoredReceived = struct({ payment: ReceivedPayment, standing: Standing });
export type StoredReceived = Infer<typeof StoredReceived>;

/** A credit of the purse's statement. */
export const StoredUnseen = struct({ request: u128, amount: u128, timestamp: u64 });
export type StoredUnseen = Infer<typeof StoredUnseen>;

export const StoredProof = struct({ proof: FraudProof, isReported: oneOf('no', 'yes') });
export type StoredProof = Infer<typeof StoredProof>;

const hex = (value: bigint | number, digits: number): string => value.toString(16).padStart(digits, '0');
const nonceText = (nonce: Uint8Array): string => toHex(nonce.subarray(0, 24));

export const PurseKey = {
  purses: 'purse/',
  purse: (number: number) => `purse/${hex(number, 4)}`,
  sents: (number: number) => `sent/${hex(number, 4)}/`,
  sent: (number: number, sequence: bigint) => `sent/${hex(number, 4)}/${hex(sequence, 2)}`,
  gots: (number: number) => `got/${hex(number, 4)}/`,
  got: (number: number, request: bigint) => `got/${hex(number, 4)}/${hex(request, 32)}`,
  unseens: (number: number) => `unseen/${hex(number, 4)}/`,
  unseen: (number: number, request: bigint) => `unseen/${hex(number, 4)}/${hex(request, 32)}`,
  pages: (number: number) => `page/${hex(number, 4)}/`,
  page: (number: number, until: bigint) => `page/${hex(number, 4)}/${hex(until, 16)}`,
  asks: 'ask/',
  ask: (nonce: Uint8Array) => `ask/${nonceText(nonce)}`,
  used: (nonce: Uint8Array) => `used/${nonceText(nonce)}`,
  seens: 'seen/',
  seenOf: (purse: bigint) => `seen/${hex(purse, 32).slice(8)}/`,
  // Of orders that do not contradict each other none has the number of another; their requests are the payer's to choose.
  seen: (purse: bigint, sequence: bigint) => `seen/${hex(purse, 32).slice(8)}/${hex(sequence, 2)}`,
  proofs: 'proof/',
  proof: (number: number) => `proof/${hex(number, 8)}`,
  blocks: 'blocked/',
  blocked: (part: number) => `blocked/${hex(part, 4)}`,
} as const;
