// Submits a file: reads, packs and sends at the same time, and sorts the answers. Memory holds the batches in flight.
import { BATCH_RECORDS_MAX, CreateResultLayout, RECORD_SIZE } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import type { LedgerCalls } from '../../wire/calls.ts';
import type { Batch } from '../files/batcher.ts';
import type { RecordKind } from '../files/columns.ts';
import { type BatchOptions, type ReadBatch, readBatches } from './batches.ts';
import type { FailedLine } from './failures-file.ts';
import { Pipeline } from './pipeline.ts';
import { reasonOf, statusName } from './reasons.ts';
import { type Latencies, Tally } from './tally.ts';

/** Answers that leave the ledger as the file wants it. */
const FINE = new Set(['created', 'exists']);

export interface SubmitOptions extends BatchOptions {
  /** Batches under way at once. */
  readonly inFlightMax: number;
  /** Told of failed lines, ascending within a call. */
  readonly onFailed: (failed: readonly FailedLine[]) => void | Promise<void>;
  readonly onProgress?: (bytesRead: number, answered: number) => void;
}

export interface SubmitReport {
  readonly kind: 'accounts' | 'transfers';
  /** Records that the ledger answered. */
  readonly answered: number;
  readonly created: number;
  /** Created by an earlier submission. */
  readonly existing: number;
  readonly refused: number;
  /** Lines that could not be read, and those chained to one. */
  readonly unreadable: number;
  readonly answers: Record<string, number>;
  readonly batches: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** A batch's time from being handed over to being answered, waiting for its turn included. */
  readonly latency: Latencies;
  /** Reading was ended before the end of the file; submit it again to go on. */
  readonly interrupted: boolean;
}

/** @throws ClientError, FileFormatError, and the file system's errors */
export async function submitFile(client: LedgerCalls, options: SubmitOptions): Promise<SubmitReport> {
  const tally = new Tally();
  const started = performance.now();
  let unreadable = 0;
  let kind: RecordKind | undefined;
  const pipeline = new Pipeline<ReadBatch>(
    (item) => sendBatch(client, item.kind, item.batch),
    options.inFlightMax,
    async ({ item, results, latencyMs }) => {
      const failed: FailedLine[] = item.refusals.map(({ line, id, reason }) => ({
        line,
        id,
        status: 'unreadable',
        reason,
      }));
      unreadable += failed.length;
      if (item.batch !== undefined) {
        tally.addLatency(latencyMs);
        for (const answer of answersOf(item.kind, item.batch, results)) {
          tally.add(answer.status);
          if (!FINE.has(answer.status)) failed.push({ ...answer, reason: reasonOf(answer.status) });
        }
      }
      await options.onFailed(failed.sort((a, b) => a.line - b.line));
      options.onProgress?.(item.bytesRead, tally.records);
    },
  );
  for await (const item of readBatches(options)) {
    kind = item.kind;
    await pipeline.push(item);
  }
  await pipeline.drain();
  const seconds = (performance.now() - started) / 1000;
  const created = tally.count('created');
  const existing = tally.count('exists');
  return {
    kind: kind?.name ?? options.kind?.name ?? 'transfers',
    answered: tally.records,
    created,
    existing,
    refused: tally.records - created - existing,
    unreadable,
    answers: tally.answers(),
    batches: tally.batches,
    seconds,
    perSecond: seconds === 0 ? 0 : tally.records / seconds,
    latency: tally.latencies(),
    interrupted: options.signal?.aborted === true,
  };
}

export function sendBatch(
  client: LedgerCalls,
  kind: RecordKind,
  batch: Batch | undefined,
): Promise<Uint8Array> {
  if (batch === undefined) return Promise.resolve(new Uint8Array());
  if (batch.count > BATCH_RECORDS_MAX)
    throw new RangeError(`batch: expected at most ${BATCH_RECORDS_MAX} records`);
  return kind.name === 'accounts' ? client.createAccounts(batch.bytes) : client.createTransfers(batch.bytes);
}

/** The answer to each record of a batch, in order. */
export function* answersOf(
  kind: RecordKind,
  batch: Batch,
  results: Uint8Array,
): Generator<{ line: number; id: bigint; status: string }> {
  const { size, status } = CreateResultLayout;
  if (results.length !== batch.count * size) {
    throw new RangeError(`results: expected ${batch.count * size} bytes, got ${results.length}`);
  }
  const records = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
  const answers = new DataView(results.buffer, results.byteOffset, results.byteLength);
  for (let i = 0; i < batch.count; i++) {
    yield {
      line: batch.lines[i]!,
      id: readU128(records, i * RECORD_SIZE),
      status: statusName(kind, answers.getUint32(i * size + status, true)),
    };
  }
}
