// Journaled records by ref, also of operations that are executed but not flushed yet: those are still in their slots.
//
//     ref = op × 8192 + index ──▶ op in a slot? ──▶ shared memory
//                                     no       ──▶ journal, one segment kept

import { RESULT_SIZE, segmentRecords } from '../journal/format.ts';
import type { JournalReader } from '../journal/journal.ts';
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import {
  CreateResultLayout,
  CreateTransferStatus,
  PAYMENT_ORDER_SIZE,
  SEGMENT_RECORDS_MAX,
  SLOT_EVENTS_OFFSET,
  SLOT_RESULTS_OFFSET,
} from '../layout/generated.ts';
import { recordSizeOf } from '../layout/record-size.ts';
import type { EngineReply } from '../wire/engine.ts';
import { RequestStatus } from '../wire/status.ts';
import { indexOf, opOf } from './refs.ts';
import { createsTransfers, includes, TransferTimes } from './transfer-times.ts';

interface Held {
  readonly operation: number;
  readonly slot: number;
  readonly count: number;
  /** Timestamps of the transfers it created, in order; made when first asked for. */
  times?: bigint[];
}

export class Records {
  readonly #journal: JournalReader;
  readonly #flushedOp: () => number;
  readonly #held = new Map<number, Held>();
  /** A copy, as the journal's bytes live only until the next read. */
  readonly #segment = Buffer.alloc(SEGMENT_RECORDS_MAX * PAYMENT_ORDER_SIZE);
  readonly #times: TransferTimes;
  #segmentOp = 0;
  #segmentIndex = 0;
  #segmentRecordSize = 0;

  constructor(journal: JournalReader, flushedOp: () => number) {
    this.#journal = journal;
    this.#flushedOp = flushedOp;
    this.#times = new TransferTimes(journal);
  }

  /** The operation's records are in a slot from now on … */
  hold(op: number, operation: number, slot: number, count: number): void {
    this.#held.set(op, { operation, slot, count });
  }

  /** … until it is flushed. */
  drop(op: number): void {
    this.#held.delete(op);
  }

  /**
   * Copies the stored record at `ref` to `address` in the kernel's memory; returns its bytes, 128 or the 256 of a payment
   * order. Throws when there is none.
   */
  copy(ref: number, kernel: LedgerKernel, address: number): number {
    const op = opOf(ref);
    const index = indexOf(ref);
    const held = this.#held.get(op);
    if (held !== undefined) {
      const size = recordSizeOf(held.operation);
      const stored = kernel.bytes(held.slot + SLOT_EVENTS_OFFSET + index * size, size);
      kernel.bytes(address, size).set(stored);
      return size;
    }
    const segment = Math.floor(index / SEGMENT_RECORDS_MAX);
    if (op !== this.#segmentOp || segment !== this.#segmentIndex) this.#load(op, segment);
    const size = this.#segmentRecordSize;
    const at = (index % SEGMENT_RECORDS_MAX) * size;
    kernel.bytes(address, size).set(this.#segment.subarray(at, at + size));
    return size;
  }

  /** Whether an operation up to now created a transfer with exactly this timestamp. */
  transferAt(timestamp: bigint, kernel: LedgerKernel): boolean {
    for (const held of this.#held.values()) {
      held.times ??= createdTimes(held, kernel);
      if (includes(held.times, timestamp)) return true;
    }
    return this.#times.has(timestamp, this.#flushedOp());
  }

  /** What an operation was. */
  shape(op: number): { readonly operation: number; readonly count: number } {
    const shape = this.#held.get(op) ?? this.#journal.readHeader(op);
    if (shape === undefined) throw new Error(`expected operation ${op} in the journal, found none`);
    return shape;
  }

  /** The stored answer of a flushed operation. */
  reply(op: number): EngineReply {
    const header = this.#journal.readHeader(op);
    if (header === undefined) throw new Error(`expected operation ${op} in the journal, found none`);
    const body = new Uint8Array(header.count * RESULT_SIZE);
    const size = recordSizeOf(header.operation);
    for (let segment = 0; segment < header.segments; segment++) {
      const records = segmentRecords(header.count, segment);
      const bytes = this.#read(op, segment);
      body.set(
        bytes.subarray(records * size, records * (size + RESULT_SIZE)),
        segment * SEGMENT_RECORDS_MAX * RESULT_SIZE,
      );
    }
    const view = new DataView(body.buffer);
    for (let at = CreateResultLayout.effect; at < body.length; at += RESULT_SIZE) view.setUint32(at, 0, true);
    return { status: RequestStatus.ok, timestamp: header.timestamp, count: header.count, body };
  }

  #load(op: number, segment: number): void {
    this.#segmentOp = 0;
    this.#segmentRecordSize = recordSizeOf(this.shape(op).operation);
    const bytes = this.#read(op, segment);
    this.#segment.set(bytes.subarray(0, Math.min(bytes.length, this.#segment.length)));
    this.#segmentOp = op;
    this.#segmentIndex = segment;
  }

  #read(op: number, segment: number): Uint8Array {
    const bytes = this.#journal.readSegment(op, segment);
    if (bytes === undefined)
      throw new Error(`expected segment ${segment} of operation ${op} in the journal, found none`);
    return bytes;
  }
}

function createdTimes({ operation, slot, count }: Held, kernel: LedgerKernel): bigint[] {
  const times: bigint[] = [];
  if (!createsTransfers(operation)) return times;
  const results = kernel.view(slot + SLOT_RESULTS_OFFSET, count * RESULT_SIZE);
  for (let at = 0; at < count * RESULT_SIZE; at += RESULT_SIZE) {
    if (results.getUint32(at + CreateResultLayout.status, true) !== CreateTransferStatus.created) continue;
    times.push(results.getBigUint64(at + CreateResultLayout.timestamp, true));
  }
  return times;
}
