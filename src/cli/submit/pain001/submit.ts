// Submits a payment initiation, and makes the answer: a status report (pain.002) with a line a transaction.
//
//     file ─▶ read and checked as a whole ─▶ transfers ─▶ batches ─▶ ledger
//                        │                                             │
//                        └────────── what was refused ──▶ answer ◀─────┘
//
// The counts and sums of a message must be right before anything of it is booked, so that it is read to its end first.
// Memory holds its transactions, about 1 KB each, up to TRANSACTIONS_MAX.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type PaymentAnswer,
  type PaymentInitiation,
  PaymentInitiationReader,
  type PaymentStatusReport,
  type Reason,
  standingOf,
  type TransactionAnswer,
} from '../../../iso20022/index.ts';
import { CreateResultLayout } from '../../../layout/generated.ts';
import type { Currencies } from '../../../shared/currency.ts';
import type { LedgerCalls } from '../../../wire/calls.ts';
import { type Batch, Batcher } from '../../files/batcher.ts';
import { TRANSFERS } from '../../files/columns.ts';
import { formatId } from '../../files/fields.ts';
import { Pipeline } from '../pipeline.ts';
import { answersOf, sendBatch } from '../submit-file.ts';
import { reasonOfFinding, reasonOfStatus } from './reasons.ts';
import type { Planned, PlannedPayment } from './transfers.ts';

const CHUNK_BYTES = 256 * 1024;
const NOT_SUBMITTED: Reason = { information: 'not submitted: submit the file again' };
const BOOKED_BEFORE: Reason = { information: 'booked when it was submitted before' };

/** What became of a transfer. */
interface Outcome {
  readonly status: string;
  /** When it was booked, nanoseconds since 1970. */
  readonly timestamp: bigint;
}

export interface InitiationReport {
  readonly created: number;
  /** Booked by an earlier submission. */
  readonly existing: number;
  readonly refused: number;
  /** Not submitted, since it was interrupted. */
  readonly pending: number;
  readonly seconds: number;
  /** Refusals by their code. */
  readonly reasons: Record<string, number>;
  readonly answer: PaymentStatusReport;
}

/** The answer while nothing is known of any transfer. */
export function pendingAnswer(
  initiation: PaymentInitiation,
  payments: readonly PlannedPayment[],
  nowMs: number,
): PaymentStatusReport {
  const answers = payments.map((payment) => answerPayment(payment, new Map()));
  return answerMessage(initiation, answers, nowMs);
}

/** @throws Iso20022Error where the file cannot be used as a whole, and the file system's errors */
export async function readInitiation(path: string, currencies: Currencies): Promise<PaymentInitiation> {
  const reader = new PaymentInitiationReader({ currencies });
  const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  for await (const chunk of stream as AsyncIterable<Uint8Array>) reader.push(chunk);
  return reader.end();
}

export interface SubmitInitiationOptions {
  readonly inFlightMax: number;
  readonly nowMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (answered: number, all: number) => void;
}

/**
 * @param client undefined where there is nothing to submit
 * @throws ClientError
 */
export async function submitInitiation(
  client: LedgerCalls | undefined,
  initiation: PaymentInitiation,
  payments: readonly PlannedPayment[],
  { inFlightMax, nowMs, signal, onProgress }: SubmitInitiationOptions,
): Promise<InitiationReport> {
  const started = performance.now();
  const planned = payments.flatMap(({ transactions }) => transactions);
  const outcomes = new Map<Planned, Outcome>();
  if (client !== undefined) {
    const pipeline = new Pipeline<Batch>(
      (batch) => sendBatch(client, TRANSFERS, batch),
      inFlightMax,
      ({ item, results }) => {
        const view = new DataView(results.buffer, results.byteOffset, results.byteLength);
        let at = CreateResultLayout.timestamp;
        // Lines are places in `planned`.
        for (const { line, status } of answersOf(TRANSFERS, item, results)) {
          outcomes.set(planned[line]!, { status, timestamp: view.getBigUint64(at, true) });
          at += CreateResultLayout.size;
        }
        onProgress?.(outcomes.size, planned.length);
      },
    );
    const batcher = new Batcher(TRANSFERS, undefined, ({ line, reason }) => {
      throw new RangeError(`transaction ${line}: expected a transfer, got ${reason}`);
    });
    for (let i = 0; i < planned.length && signal?.aborted !== true; i++) {
      const { transfer } = planned[i]!;
      if (transfer === undefined) continue;
      const batch = batcher.add({ line: i, record: { ...transfer } });
      if (batch !== undefined) await pipeline.push(batch);
    }
    const last = signal?.aborted === true ? undefined : batcher.finish();
    if (last !== undefined) await pipeline.push(last);
    await pipeline.drain();
  }
  const answers = payments.map((payment) => answerPayment(payment, outcomes));
  const seconds = (performance.now() - started) / 1000;
  return { ...countAnswers(answers, outcomes), seconds, answer: answerMessage(initiation, answers, nowMs) };
}

function answerMessage(
  initiation: PaymentInitiation,
  payments: readonly PaymentAnswer[],
  nowMs: number,
): PaymentStatusReport {
  const { messageId, messageName, createdAt, numberOfTransactions, controlSum, findings } = initiation;
  const time = new Date(nowMs).toISOString();
  const unique = createHash('sha256')
    .update(JSON.stringify([messageId, time]))
    .digest('hex');
  return {
    messageId: `PSR-${unique.slice(0, 24)}`,
    createdAt: time,
    original: {
      messageId,
      messageName,
      createdAt,
      numberOfTransactions,
      ...(controlSum === undefined ? {} : { controlSum }),
    },
    groupStatus: findings.length > 0 ? 'RJCT' : together(payments.map(({ status }) => status!)),
    reasons: findings.map(reasonOfFinding),
    payments,
  };
}

function answerPayment(
  { payment, reasons, transactions }: PlannedPayment,
  outcomes: ReadonlyMap<Planned, Outcome>,
): PaymentAnswer {
  const answers = transactions.map((planned) => answerTransaction(planned, outcomes.get(planned)));
  const { paymentInformationId, numberOfTransactions, controlSum } = payment;
  return {
    paymentInformationId,
    ...(numberOfTransactions === undefined ? {} : { numberOfTransactions }),
    ...(controlSum === undefined ? {} : { controlSum }),
    status: answers.length === 0 ? 'RJCT' : together(answers.map(({ status }) => status!)),
    reasons,
    transactions: answers,
  };
}

function answerTransaction(
  { references, transfer, refusal }: Planned,
  outcome: Outcome | undefined,
): TransactionAnswer {
  if (refusal !== undefined) return { ...references, status: 'RJCT', reasons: [refusal] };
  if (outcome === undefined) return { ...references, status: 'PDNG', reasons: [NOT_SUBMITTED] };
  const reason = reasonOfStatus(outcome.status);
  if (reason !== undefined) return { ...references, status: 'RJCT', reasons: [reason] };
  return {
    ...references,
    status: 'ACSC',
    reasons: outcome.status === 'exists' ? [BOOKED_BEFORE] : [],
    acceptedAt: new Date(Number(outcome.timestamp / 1_000_000n)).toISOString(),
    servicerReference: formatId(transfer!.id as bigint),
  };
}

/** The status of what has parts. */
function together(statuses: readonly string[]): string {
  const [first] = statuses;
  if (first !== undefined && statuses.every((status) => status === first)) return first;
  return 'PART';
}

function countAnswers(
  payments: readonly PaymentAnswer[],
  outcomes: ReadonlyMap<Planned, Outcome>,
): Pick<InitiationReport, 'created' | 'existing' | 'refused' | 'pending' | 'reasons'> {
  let existing = 0;
  for (const { status } of outcomes.values()) if (status === 'exists') existing++;
  const reasons = new Map<string, number>();
  const counts = { done: 0, rejected: 0, pending: 0, partial: 0, unknown: 0 };
  for (const { status, reasons: why } of payments.flatMap(({ transactions }) => transactions)) {
    const standing = standingOf(status);
    counts[standing]++;
    const code = why[0]?.code;
    if (standing === 'rejected' && code !== undefined) reasons.set(code, (reasons.get(code) ?? 0) + 1);
  }
  return {
    created: counts.done - existing,
    existing,
    refused: counts.rejected,
    pending: counts.pending,
    reasons: Object.fromEntries([...reasons].sort((a, b) => b[1] - a[1])),
  };
}
