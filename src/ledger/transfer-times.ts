// Whether some transfer has exactly a given timestamp: an imported account must not take one that is taken.
//
// Timestamps of created transfers rise from operation to operation, also when they are imported and much older than the
// operation itself. So a binary search over operations by the time of the last transfer that each created finds the
// only one that can have it.
import type { JournalReader } from '../journal/journal.ts';
import { RecordReader } from '../journal/readers.ts';
import { CreateTransferStatus, Operation } from '../layout/generated.ts';
import { refOf } from './refs.ts';

export class TransferTimes {
  readonly #journal: JournalReader;
  readonly #records: RecordReader;
  /** All timestamps from `#from` on up to the last of them: an import asks for many in rising order. */
  #from = 0n;
  #times: bigint[] = [];

  constructor(journal: JournalReader) {
    this.#journal = journal;
    this.#records = new RecordReader(journal);
  }

  /** Among the flushed operations up to `lastOp`. */
  has(timestamp: bigint, lastOp: number): boolean {
    const last = this.#times.at(-1);
    if (last === undefined || timestamp < this.#from || timestamp > last) this.#load(timestamp, lastOp);
    return includes(this.#times, timestamp);
  }

  #load(timestamp: bigint, lastOp: number): void {
    this.#from = timestamp;
    this.#times = [];
    let low = 1;
    let high = lastOp + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#next(middle, high - 1);
      if (found === undefined) high = middle;
      else if (found.time < timestamp) low = found.op + 1;
      else high = middle;
    }
    const found = this.#next(low, lastOp);
    if (found === undefined) return;
    for (let index = 0; index < found.count; index++) {
      const result = this.#records.readResult(refOf(found.op, index));
      if (result.status === CreateTransferStatus.created) this.#times.push(result.timestamp);
    }
  }

  /** The first operation from `op` to `lastOp` that created a transfer, and the time of the last one it created. */
  #next(op: number, lastOp: number): { op: number; count: number; time: bigint } | undefined {
    for (; op <= lastOp; op++) {
      const header = this.#journal.readHeader(op);
      if (header === undefined || !createsTransfers(header.operation)) continue;
      for (let index = header.count - 1; index >= 0; index--) {
        const result = this.#records.readResult(refOf(op, index));
        if (result.status === CreateTransferStatus.created)
          return { op, count: header.count, time: result.timestamp };
      }
    }
    return undefined;
  }
}

export function createsTransfers(operation: number): boolean {
  return operation === Operation.create_transfers || operation === Operation.create_payment_orders;
}

/** Binary search in rising times. */
export function includes(times: readonly bigint[], timestamp: bigint): boolean {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < timestamp) low = middle + 1;
    else high = middle;
  }
  return times[low] === timestamp;
}
