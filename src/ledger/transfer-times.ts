// Whether some transfer has exactly a given timestamp: an imported account must not take one that is taken.
//
// Timestamps of created transfers rise from operation to operation, also when they are imported, and none is later than
// its operation's own. So the first operation at or after a time, or the first one after it that created a transfer, is
// the only one that can have it.
import type { JournalReader } from '../journal/journal.ts';
import { firstOpAt, RecordReader } from '../journal/readers.ts';
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
    for (
      let op = firstOpAt(this.#journal, timestamp, lastOp);
      op <= lastOp && this.#times.length === 0;
      op++
    ) {
      const header = this.#journal.readHeader(op);
      if (header?.operation !== Operation.create_transfers) continue;
      for (let index = 0; index < header.count; index++) {
        const result = this.#records.readResult(refOf(op, index));
        if (result.status === CreateTransferStatus.created) this.#times.push(result.timestamp);
      }
    }
  }
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
