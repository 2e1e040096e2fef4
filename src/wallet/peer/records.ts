// What a wallet writes down of payments from device to device, for its purse book to store as it is.
import { Allowance } from '../../roles/documents/purse.ts';
import {
  type Funding,
  type Handover,
  MEMO_BYTES_MAX,
  NONCE_BYTES,
  readHandover,
  TransferReceipt,
} from '../../roles/documents/transfer.ts';
import { PURSE_CERTIFICATE_BYTES_MAX } from '../../roles/management/purse-messages.ts';
import { bytes, bytesUpTo, type Infer, optional, struct, text, u64, u128 } from '../../shared/codec.ts';
import { PaymentMessage } from './messages.ts';

export const OpenAsk = struct({
  nonce: bytes(NONCE_BYTES),
  /** Whom it was asked of: good for no other purse. */
  payer: u128,
  /** Minor units; left out: as much as the payer wants to give. */
  amount: optional(u128),
  memo: text(MEMO_BYTES_MAX),
  /** Nanoseconds, of the payee's clock. */
  askedAt: u64,
});
export type OpenAsk = Infer<typeof OpenAsk>;

export const SentPayment = struct({
  /** As it leaves, the same bytes each time. */
  message: PaymentMessage,
  /** Of the payee, encoded: whose receipt counts. */
  payee: bytesUpTo(PURSE_CERTIFICATE_BYTES_MAX),
  /** Nanoseconds, of the payer's clock. */
  preparedAt: u64,
});
export type SentPayment = Infer<typeof SentPayment>;

export const ReceivedPayment = struct({
  /** Order, payer's number and funding: what is reported. */
  message: PaymentMessage,
  /** Of the payer's purse. */
  allowance: Allowance.signed,
  /** Of the payer's purse, encoded. */
  payer: bytesUpTo(PURSE_CERTIFICATE_BYTES_MAX),
  /** The same whenever the payment comes again. */
  receipt: TransferReceipt.signed,
});
export type ReceivedPayment = Infer<typeof ReceivedPayment>;

/** The order of a payment that was made or checked by this wallet. @throws RangeError for any other */
export function handoverOf({ order }: Pick<PaymentMessage, 'order'>): Handover {
  const handover = readHandover(order);
  if (handover === undefined)
    throw new RangeError('payment order: expected one from purse to purse, got another');
  return handover;
}

/** What a received payment can fund: everything that it came with, then itself. */
export function fundedBy({ message, allowance }: ReceivedPayment): Funding {
  const { order, payer, funding } = message;
  return [...funding, { kind: 'transfer', transfer: { order, payer }, allowance }];
}
