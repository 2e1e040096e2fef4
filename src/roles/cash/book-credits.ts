// Books orders whose signatures and receipts are good: float ─▶ device, one batch of the ledger.
//
//     transfers ─▶ ledger ─┬─ created, exists ─────────────────────▶ receipt
//                          ├─ refused, id used up ─▶ registry ─────▶ rejection
//                          └─ another transfer of this id ─▶ look at it
//                               ├─ the same against another receipt ▶ receipt
//                               ├─ of the same order, otherwise ────▶ refused
//                               └─ of something else ───────────────▶ rejection
//
// The request id is the transfer's id, so the ledger itself makes sure that an order counts once. A transfer that it
// refused for good has used up its id too: a rejection can never become a credit. Settlement gives the charge back against
// a rejection, so one must never be signed for an order that is credited, nor while it still may be. An order of a device
// without an account in its currency is therefore booked like the others, to an account that does not exist: the ledger's
// refusal uses up the id, and nothing but the ledger decides.
//
// The same order comes under the number of another device when management has two devices registered with one signing key.
// The transfer that stands under its id tells: its mark is of the order alone.
import type { CreateTransferStatusName, Transfer } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import type { CreateTransferResult } from '../../wire/results.ts';
import { Refusal } from '../common/refusal.ts';
import { noAccountId, systemAccountId, TransferCode } from './accounts.ts';
import { type CashRefused, creditedOtherwise } from './check.ts';
import type { CashRefusal } from './errors.ts';
import { refusalOf } from './failures.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumber } from './key-ids.ts';
import type { CreditAnswer, CreditRequest } from './messages.ts';
import type { Device, RejectionRecord } from './registry.ts';

export type CreditResult = CreditAnswer | CashRefused;

/** By the places of their requests. */
type Answers = (CreditResult | undefined)[];

/** An order that may be booked as far as the message and the registry say. */
export interface Candidate {
  /** Of the request, and of its answer. */
  readonly index: number;
  readonly request: CreditRequest;
  readonly device: Device;
  /** Of the device, in the ledger; undefined: it has none in the order's currency. */
  readonly account: bigint | undefined;
  /** The order's encoding. */
  readonly orderBytes: Uint8Array;
}

/** The order is good, the receipt is not, or not any more (its key is no longer listed), or it is not the one before. */
export interface Unproven {
  readonly candidate: Candidate;
  /** The answer, unless the order has been credited before. `there`: the transfer that has its id. */
  readonly otherwise: (there: Transfer | undefined) => CreditResult;
}

interface Rejected {
  readonly candidate: Candidate;
  readonly result: CreateTransferResult;
}

const CURRENCY_NOT_OFFERED = 'currency_not_offered';

/** What follows from a transfer's status. */
type Outcome =
  /** It stands, with this timestamp. */
  | 'credited'
  /** The id is used up without a transfer. */
  | 'rejected'
  /** A transfer of this id stands that is not this one, or is this one against another receipt: look at it. */
  | 'compare';

/** Every other status means that cash has made a transfer that it never should make. */
const OUTCOMES: { readonly [status in CreateTransferStatusName]?: Outcome } = {
  created: 'credited',
  exists: 'credited',
  exists_with_different_user_data_64: 'compare',
  exists_with_different_flags: 'compare',
  exists_with_different_pending_id: 'compare',
  exists_with_different_timeout: 'compare',
  exists_with_different_debit_account_id: 'compare',
  exists_with_different_credit_account_id: 'compare',
  exists_with_different_amount: 'compare',
  exists_with_different_user_data_128: 'compare',
  exists_with_different_user_data_32: 'compare',
  exists_with_different_ledger: 'compare',
  exists_with_different_code: 'compare',
  exceeds_credit_limit: 'rejected',
  credit_account_already_closed: 'rejected',
  debit_account_already_closed: 'rejected',
  credit_account_not_found: 'rejected',
  debit_account_not_found: 'rejected',
  id_already_failed: 'rejected',
};

/** Fills in the candidates' answers. @throws RequestError: nothing is known of any of them */
export async function bookCredits(
  candidates: readonly Candidate[],
  parts: CashParts,
  answers: Answers,
): Promise<void> {
  const results = await parts.ledger.createTransfers(candidates.map(transferOf));
  const refused: Rejected[] = [];
  const unclear: Unproven[] = [];
  candidates.forEach((candidate, i) => {
    const result = results[i]!;
    const { status, timestamp } = result;
    switch (status === 'unknown' ? undefined : OUTCOMES[status]) {
      case 'credited':
        answers[candidate.index] = credited(candidate, timestamp, parts);
        break;
      case 'rejected':
        refused.push({ candidate, result });
        break;
      case 'compare':
        unclear.push({ candidate, otherwise: (there) => conflict(candidate, status, there, parts) });
        break;
      default:
        parts.log.error({ ...described(candidate), status }, 'credit not booked');
        answers[candidate.index] = new Refusal<CashRefusal>(
          'internal_error',
          `expected the ledger to book it, got ${status}`,
        );
    }
  });
  await remember(refused, parts, answers);
  await lookForCredits(unclear, parts, answers);
}

/** The first half of the order's digest: with the settlement key's id, what an auditor finds the evidence by. */
function orderMark({ request }: Candidate): bigint {
  const { orderDigest } = request.receipt.document;
  return readU128(new DataView(orderDigest.buffer, orderDigest.byteOffset), 0);
}

function transferOf(candidate: Candidate): Partial<Transfer> {
  const { document } = candidate.request.order;
  return {
    id: document.request,
    debitAccountId: systemAccountId('float', document.currency),
    creditAccountId: candidate.account ?? noAccountId(document.currency),
    amount: document.amount,
    userData128: orderMark(candidate),
    userData64: keyIdNumber(candidate.request.receipt.document.keyId),
    ledger: document.currency,
    code: TransferCode.load,
    pendingId: 0n,
    flags: 0,
  };
}

function credited({ request, device }: Candidate, timestamp: bigint, { receipts }: CashParts): CreditAnswer {
  const { request: id, amount, currency } = request.order.document;
  const receipt = receipts.sign({ request: id, device: device.device, amount, currency, timestamp });
  return { kind: 'credited', receipt };
}

/** Two orders of one id, one order for two devices, or a transfer by an operator under an id that a device had drawn. */
function conflict(
  candidate: Candidate,
  status: string,
  there: Transfer | undefined,
  parts: CashParts,
): CreditResult {
  parts.log.error({ ...described(candidate), status }, 'credit conflicts with another transfer');
  // The ledger never loses a transfer, but this is no place to rely on it.
  if (there === undefined || there.userData128 === orderMark(candidate)) return creditedOtherwise(status);
  return rejected(candidate, { reason: status, at: there.timestamp }, parts);
}

function rejected(
  { request, device }: Candidate,
  { reason, at }: Pick<RejectionRecord, 'reason' | 'at'>,
  { receipts }: CashParts,
): CreditAnswer {
  const { request: id, amount, currency } = request.order.document;
  const { orderDigest } = request.receipt.document;
  const rejection = receipts.reject({
    request: id,
    device: device.device,
    amount,
    currency,
    orderDigest,
    reason,
    rejectedAt: at,
  });
  return { kind: 'rejected', reason, rejection };
}

/** The rejection of an order that was rejected, whatever has become since of the key of its receipt. */
export function rejectedBefore(candidate: Candidate, parts: CashParts): CreditAnswer | undefined {
  const { order, receipt } = candidate.request;
  const record = parts.registry.rejection(order.document.request);
  if (record === undefined || Buffer.compare(record.orderDigest, receipt.document.orderDigest) !== 0) {
    return undefined;
  }
  return rejected(candidate, record, parts);
}

/**
 * Rejections are kept, so that the reason stays the one that was answered first. What cannot be kept now is not answered
 * now; the rest of the batch is.
 */
async function remember(refused: readonly Rejected[], parts: CashParts, answers: Answers): Promise<void> {
  if (refused.length === 0) return;
  const { registry, log } = parts;
  const records = refused.map(({ candidate: { request, device, account }, result }) => {
    const { request: id, amount, currency } = request.order.document;
    const { orderDigest } = request.receipt.document;
    const { status, timestamp: at } = result;
    const reason = account === undefined ? CURRENCY_NOT_OFFERED : status;
    return { request: id, device: device.device, amount, currency, orderDigest, reason, at };
  });
  try {
    const remembered = await registry.rejected(records);
    refused.forEach(({ candidate, result: { status } }, i) => {
      answers[candidate.index] = rejected(candidate, remembered[i]!, parts);
      if (status === 'id_already_failed') return;
      // The registry names only accounts that the ledger has opened, and management should offer what cash does.
      const level = status.endsWith('_not_found') ? 'error' : 'warn';
      log[level]({ ...described(candidate), status }, 'credit rejected');
    });
  } catch (error) {
    const refusal = refusalOf(error, log);
    for (const { candidate } of refused) answers[candidate.index] = refusal;
  }
}

/** Equal in two transfers that credit one order. */
const SAME_CREDIT = [
  'debitAccountId',
  'creditAccountId',
  'amount',
  'pendingId',
  'userData128',
  'ledger',
  'code',
  'flags',
] as const;

/** Answers with a receipt what was credited before, against whatever receipt of settlement; the others with their refusals. */
export async function lookForCredits(
  unproven: readonly Unproven[],
  parts: CashParts,
  answers: Answers,
): Promise<void> {
  if (unproven.length === 0) return;
  const { ledger, log } = parts;
  try {
    const found = await ledger.lookupTransfers(
      unproven.map(({ candidate }) => candidate.request.order.document.request),
    );
    const byId = new Map(found.map((transfer) => [transfer.id, transfer]));
    for (const { candidate, otherwise } of unproven) {
      const wanted = transferOf(candidate);
      const there = byId.get(wanted.id!);
      if (there === undefined || SAME_CREDIT.some((field) => there[field] !== wanted[field])) {
        answers[candidate.index] = otherwise(there);
        continue;
      }
      if (there.userData64 !== wanted.userData64) {
        log.error(described(candidate), 'credit asked for against another receipt');
      }
      answers[candidate.index] = credited(candidate, there.timestamp, parts);
    }
  } catch (error) {
    const refusal = refusalOf(error, log);
    for (const { candidate } of unproven) answers[candidate.index] = refusal;
  }
}

function described({ request, device }: Candidate): Record<string, unknown> {
  const { request: id, amount, currency } = request.order.document;
  return { request: String(id), device: String(device.device), amount: String(amount), currency };
}
