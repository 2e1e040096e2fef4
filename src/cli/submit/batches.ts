// From a file on disk to batches ready to send, each with the refusals of lines that never made it into one.
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Batch, Refusal } from '../files/batcher.ts';
import { Batcher } from '../files/batcher.ts';
import type { RecordKind } from '../files/columns.ts';
import { derivedIds, fileDigest } from '../files/derived-id.ts';
import {
  type FileFormat,
  FileFormatError,
  formatOf,
  type ReaderOptions,
  RecordReader,
} from '../files/reader.ts';

/** Bytes read at a time. */
const CHUNK_BYTES = 256 * 1024;

export type BatchOptions = Omit<ReaderOptions, 'format'> & {
  /** `-` is standard input, whose records need ids of their own. */
  readonly path: string;
  readonly format?: FileFormat | undefined;
  /** Ends the reading early. */
  readonly signal?: AbortSignal | undefined;
};

export interface ReadBatch {
  readonly kind: RecordKind;
  /** Undefined only at the end, where refusals may be left over. */
  readonly batch: Batch | undefined;
  /** Lines refused since the batch before. */
  readonly refusals: readonly Refusal[];
  /** Bytes of the file read so far. */
  readonly bytesRead: number;
}

export async function fileSize(path: string): Promise<number> {
  return path === '-' ? 0 : (await stat(path)).size;
}

/** @throws FileFormatError, and the file system's errors */
export async function* readBatches(options: BatchOptions): AsyncGenerator<ReadBatch> {
  const { path, signal } = options;
  const standardInput = path === '-';
  const head = standardInput ? new Uint8Array() : await firstBytes(path);
  const format = options.format ?? formatOf(path, head);
  const reader = new RecordReader({ ...options, format });
  let bytesRead = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const stream = standardInput ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytesRead += chunk.length;
      yield chunk;
      if (signal?.aborted) return;
    }
  }
  let refusals: Refusal[] = [];
  let batcher: Batcher | undefined;
  // The digest takes a pass of its own over the file, so it is made only where a record needs it.
  let idOfLine: ((line: number) => bigint) | undefined;
  for await (const rows of reader.read(chunks())) {
    const kind = reader.kind;
    if (kind === undefined) {
      for (const row of rows) if ('reason' in row) refusals.push({ ...row, id: undefined });
      continue;
    }
    if (
      idOfLine === undefined &&
      !standardInput &&
      rows.some((r) => 'record' in r && r.record.id === undefined)
    ) {
      idOfLine = derivedIds(await fileDigest(createReadStream(path, { highWaterMark: CHUNK_BYTES })));
    }
    batcher ??= new Batcher(kind, standardInput ? undefined : (line) => idOfLine!(line), (refusal) =>
      refusals.push(refusal),
    );
    for (const row of rows) {
      const batch = batcher.add(row);
      if (batch === undefined) continue;
      yield { kind, batch, refusals, bytesRead };
      refusals = [];
    }
  }
  const kind = reader.kind;
  if (kind === undefined) {
    if (refusals.length === 0) throw new FileFormatError('expected records, got an empty file');
    throw new FileFormatError(`line ${refusals[0]!.line}: ${refusals[0]!.reason}`);
  }
  const batch = signal?.aborted ? undefined : batcher?.finish();
  if (batch !== undefined || refusals.length > 0) yield { kind, batch, refusals, bytesRead };
}

export async function firstBytes(path: string, count = 1024): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
