// Adds what was charged to devices' balances: many orders at a time, one verification, one batch of the ledger.
//
//     check ─▶ digests of the orders ─▶ all signatures at once ─▶ one batch: float ─▶ device ─▶ receipts, rejections
//
// What cash learns: device numbers, their signing keys, amounts, times, and the institution's name for each charge. The
// receipt does not hold the account number, nor anything it was opened from; a load has no articles.
//
// The request id is the transfer's id, so the ledger itself makes sure that an order counts once. A transfer that it
// refused for good has used up its id too: a rejection can never become a credit.
import { type PreparedKey, type SignedMessage, sha256 } from '../../crypto/index.ts';
import type { CreateTransferStatusName, Transfer } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import type { CreateTransferResult } from '../../wire/results.ts';
import { Refusal } from '../common/refusal.ts';
import { tagged } from '../documents/domain-tags.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ChargeReceipt } from '../documents/receipts.ts';
import { systemAccountId, TransferCode } from './accounts.ts';
import {
  type CashRefused,
  checkCredit,
  checkDevice,
  checkDigest,
  deviceUnknown,
  receiptInvalid,
  signatureInvalid,
} from './check.ts';
import type { CashRefusal } from './errors.ts';
import { findDevice } from './find-device.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumber } from './key-ids.ts';
import type { CreditAnswer, CreditRequest } from './messages.ts';
import type { Device } from './registry.ts';

type Answer = CreditAnswer | CashRefused;

/** An order that may be booked as far as the message and the registry say. */
interface Candidate {
  readonly index: number;
  readonly request: CreditRequest;
  readonly device: Device;
  /** Of the device, in the ledger. */
  readonly account: bigint;
  /** The order's encoding. */
  readonly orderBytes: Uint8Array;
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

/**
 * One answer a request, in order. A Refusal means that nothing was credited now.
 * @throws RequestError, StoreError: nothing is known of any of them; the same requests may come again
 */
export async function credit(requests: readonly CreditRequest[], parts: CashParts): Promise<Answer[]> {
  const answers: (Answer | undefined)[] = new Array(requests.length).fill(undefined);
  const candidates = checkAll(requests, parts, answers);
  const { booked, unproven } = await verifyAll(candidates, parts, answers);
  const results = await parts.ledger.createTransfers(booked.map(transferOf));
  const unclear: Candidate[] = [];
  const rejected: { readonly candidate: Candidate; readonly result: CreateTransferResult }[] = [];
  for (let i = 0; i < booked.length; i++) {
    const candidate = booked[i]!;
    const result = results[i]!;
    switch (result.status === 'unknown' ? undefined : OUTCOMES[result.status]) {
      case 'credited':
        answers[candidate.index] = credited(candidate, result.timestamp, parts);
        break;
      case 'rejected':
        rejected.push({ candidate, result });
        break;
      case 'conflict':
        answers[candidate.index] = conflict(candidate, result.status, parts);
        break;
      case 'compare':
        unclear.push(candidate);
        break;
      default:
        parts.log.error({ ...described(candidate), status: result.status }, 'credit not booked');
        answers[candidate.index] = new Refusal<CashRefusal>(
          'internal_error',
          `expected the ledger to book it, got ${result.status}`,
        );
    }
  }
  await remember(rejected, parts, answers);
  await compare([...unclear, ...unproven.map(({ candidate }) => candidate)], parts, answers);
  for (const { candidate, refusal } of unproven) answers[candidate.index] ??= refusal;
  for (const candidate of unclear) {
    answers[candidate.index] ??= conflict(candidate, 'exists_with_different_user_data_64', parts);
  }
  return answers as Answer[];
}

function checkAll(
  requests: readonly CreditRequest[],
  parts: CashParts,
  answers: (Answer | undefined)[],
): Candidate[] {
  const candidates: Candidate[] = [];
  for (let index = 0; index < requests.length; index++) {
    const request = requests[index]!;
    const device = checkCredit(request) ?? findDevice(request.device, parts) ?? deviceUnknown(request.device);
    const refused = device instanceof Refusal ? device : checkDevice(device, request);
    if (device instanceof Refusal || refused !== undefined) {
      answers[index] = refused;
      continue;
    }
    const { document } = request.order;
    const { account } = device.accounts.get(document.currency)!;
    candidates.push({
      index,
      request,
      device,
      account,
      orderBytes: LoadOrder.codec.encode(document),
    });
  }
  const digests = sha256.batch(candidates.map(({ orderBytes }) => orderBytes));
  return candidates.filter(({ index, request }, i) => {
    answers[index] = checkDigest(digests[i]!, request.receipt.document);
    return answers[index] === undefined;
  });
}

interface Verified {
  /** To be booked. */
  readonly booked: Candidate[];
  /**
   * The order is good, the receipt is not, or not any more (its key is no longer listed): to be answered with the refusal
   * unless it has been credited before.
   */
  readonly unproven: { readonly candidate: Candidate; readonly refusal: CashRefused }[];
}

async function verifyAll(
  candidates: readonly Candidate[],
  { settlementKeys, verifyBatch }: CashParts,
  answers: (Answer | undefined)[],
): Promise<Verified> {
  const keys = candidates.map(({ request }) => settlementKeys.find(request.receipt.document.keyId));
  const items: SignedMessage[] = candidates.map(({ request, device, orderBytes }) => ({
    publicKey: device.preparedKey,
    message: tagged('loadOrder', orderBytes),
    signature: request.order.signature,
  }));
  // Receipts of keys that are not listed have no place in `items`.
  const receiptAt = keys.map((key: PreparedKey | undefined, i) => {
    if (key === undefined) return undefined;
    const { document, signature } = candidates[i]!.request.receipt;
    return items.push({ publicKey: key, message: ChargeReceipt.signedBytes(document), signature }) - 1;
  });
  const verdicts = await verifyBatch(items);
  const verified: Verified = { booked: [], unproven: [] };
  candidates.forEach((candidate, i) => {
    const at = receiptAt[i];
    if (!verdicts[i]) answers[candidate.index] = signatureInvalid();
    else if (at !== undefined && verdicts[at]) verified.booked.push(candidate);
    else verified.unproven.push({ candidate, refusal: receiptInvalid(at !== undefined) });
  });
  return verified;
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

/** Rejections are kept, so that the reason stays the one that was answered first. */
async function remember(
  rejected: readonly { readonly candidate: Candidate; readonly result: CreateTransferResult }[],
  { registry, log }: CashParts,
  answers: (Answer | undefined)[],
): Promise<void> {
  if (rejected.length === 0) return;
  const remembered = await registry.rejected(
    rejected.map(({ candidate: { request, device }, result }) => {
      const { request: id, amount, currency } = request.order.document;
      const { status: reason, timestamp: at } = result;
      return { request: id, device: device.device, amount, currency, reason, at };
    }),
  );
  rejected.forEach(({ candidate, result: { status } }, i) => {
    const { reason } = remembered[i]!;
    answers[candidate.index] = { kind: 'rejected', reason };
    if (status === 'id_already_failed') return;
    // The registry names only accounts that the ledger has opened.
    const level = status.endsWith('_not_found') ? 'error' : 'warn';
    log[level]({ ...described(candidate), status }, 'credit rejected');
  });
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

/** Answers those that were credited before, against whatever receipt. */
async function compare(
  candidates: readonly Candidate[],
  parts: CashParts,
  answers: (Answer | undefined)[],
): Promise<void> {
  if (candidates.length === 0) return;
  const found = await parts.ledger.lookupTransfers(
    candidates.map(({ request }) => request.order.document.request),
  );
  const byId = new Map(found.map((transfer) => [transfer.id, transfer]));
  for (const candidate of candidates) {
    const wanted = transferOf(candidate);
    const there = byId.get(wanted.id!);
    if (there === undefined) continue;
    if (!SAME_CREDIT.every((field) => there[field] === wanted[field])) continue;
    if (there.userData64 !== wanted.userData64) {
      parts.log.error(described(candidate), 'credit asked for against another receipt');
    }
    answers[candidate.index] = credited(candidate, there.timestamp, parts);
  }
}

function described({ request, device }: Candidate): Record<string, unknown> {
  const { request: id, amount, currency } = request.order.document;
  return { request: String(id), device: String(device.device), amount: String(amount), currency };
}
