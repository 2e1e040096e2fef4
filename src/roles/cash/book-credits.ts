// Books orders whose signatures and receipts are good: float ─▶ device, one batch of the ledger.
//
//     transfers ─▶ ledger ─┬─ created, exists ─────────────────────▶ receipt
//                          ├─ refused, id used up ─▶ registry ─────▶ rejected
//                          ├─ another transfer of this id ─────────▶ rejected, logged as an error
//                          └─ the same against another receipt? ─▶ look at it ─▶ receipt or rejected
//
// The request id is the transfer's id, so the ledger itself makes sure that an order counts once. A transfer that it
// refused for good has used up its id too: a rejection can never become a credit.
import type { CreateTransferStatusName, Transfer } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import type { CreateTransferResult } from '../../wire/results.ts';
import { Refusal } from '../common/refusal.ts';
import { systemAccountId, TransferCode } from './accounts.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import { refusalOf } from './failures.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumber } from './key-ids.ts';
import type { CreditAnswer, CreditRequest } from './messages.ts';
import type { Device } from './registry.ts';

export type CreditResult = CreditAnswer | CashRefused;

/** By the places of their requests. */
type Answers = (CreditResult | undefined)[];

/** An order that may be booked as far as the message and the registry say. */
export interface Candidate {
  /** Of the request, and of its answer. */
  readonly index: number;
  readonly request: CreditRequest;
  readonly device: Device;
  /** Of the device, in the ledger. */
  readonly account: bigint;
  /** The order's encoding. */
  readonly orderBytes: Uint8Array;
}

/** The order is good, the receipt is not, or not any more (its key is no longer listed), or it is not the one before. */
export interface Unproven {
  readonly candidate: Candidate;
  /** The answer, unless the order has been credited before. */
  readonly otherwise: () => CreditResult;
}

interface Rejected {
  readonly candidate: Candidate;
  readonly result: CreateTransferResult;
}

/** What follows from a transfer's status. */
type Outcome =
  /** It stands, with this timestamp. */
  | 'credited'
  /** The id is used up without a transfer. */
  | 'rejected'
  /** A transfer of this id stands that is not this one. */
  | 'conflict'
  /** A transfer of this id stands that may be this one, against another receipt: look at it. */
  | 'compare';

/** Every other status means that cash has made a transfer that it never should make. */
const OUTCOMES: { readonly [status in CreateTransferStatusName]?: Outcome } = {
  created: 'credited',
  exists: 'credited',
  exists_with_different_user_data_64: 'compare',
  exists_with_different_flags: 'conflict',
  exists_with_different_pending_id: 'conflict',
  exists_with_different_timeout: 'conflict',
  exists_with_different_debit_account_id: 'conflict',
  exists_with_different_credit_account_id: 'conflict',
  exists_with_different_amount: 'conflict',
  exists_with_different_user_data_128: 'conflict',
  exists_with_different_user_data_32: 'conflict',
  exists_with_different_ledger: 'conflict',
  exists_with_different_code: 'conflict',
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
  const rejected: Rejected[] = [];
  const unclear: Unproven[] = [];
  candidates.forEach((candidate, i) => {
    const result = results[i]!;
    const { status, timestamp } = result;
    switch (status === 'unknown' ? undefined : OUTCOMES[status]) {
      case 'credited':
        answers[candidate.index] = credited(candidate, timestamp, parts);
        break;
      case 'rejected':
        rejected.push({ candidate, result });
        break;
      case 'conflict':
        answers[candidate.index] = conflict(candidate, status, parts);
        break;
      case 'compare':
        unclear.push({ candidate, otherwise: () => conflict(candidate, status, parts) });
        break;
      default:
        parts.log.error({ ...described(candidate), status }, 'credit not booked');
        answers[candidate.index] = new Refusal<CashRefusal>(
          'internal_error',
          `expected the ledger to book it, got ${status}`,
        );
    }
  });
  await remember(rejected, parts, answers);
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
    creditAccountId: candidate.account,
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

/** Two orders of one id, or a transfer by an operator under an id that a device had drawn. */
function conflict(candidate: Candidate, status: string, { log }: CashParts): CreditAnswer {
  log.error({ ...described(candidate), status }, 'credit conflicts with another transfer');
  return { kind: 'rejected', reason: status };
}

/**
 * Rejections are kept, so that the reason stays the one that was answered first. What cannot be kept now is not answered
 * now; the rest of the batch is.
 */
async function remember(rejected: readonly Rejected[], parts: CashParts, answers: Answers): Promise<void> {
  if (rejected.length === 0) return;
  const { registry, log } = parts;
  const records = rejected.map(({ candidate: { request, device }, result }) => {
    const { request: id, amount, currency } = request.order.document;
    const { status: reason, timestamp: at } = result;
    return { request: id, device: device.device, amount, currency, reason, at };
  });
  try {
    const remembered = await registry.rejected(records);
    rejected.forEach(({ candidate, result: { status } }, i) => {
      answers[candidate.index] = { kind: 'rejected', reason: remembered[i]!.reason };
      if (status === 'id_already_failed') return;
      // The registry names only accounts that the ledger has opened.
      const level = status.endsWith('_not_found') ? 'error' : 'warn';
      log[level]({ ...described(candidate), status }, 'credit rejected');
    });
  } catch (error) {
    const refusal = refusalOf(error, log);
    for (const { candidate } of rejected) answers[candidate.index] = refusal;
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
        answers[candidate.index] = otherwise();
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
