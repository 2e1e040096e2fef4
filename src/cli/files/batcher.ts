// Packs rows into batches of records, never cutting a chain of linked records in two.
//
//     rows      1  2  3━━4━━5  6   ✗  8━━✗━━10  11
//     batch     [1  2  3━━4━━5  6  11]              refused: 7; 9, and with it 8 and 10
//
// A chain succeeds or fails whole, so a line that cannot be read takes its chain with it: sending the others would
// join them to a chain that its author never wrote.
import { BATCH_RECORDS_MAX, RECORD_SIZE } from '../../layout/generated.ts';
import type { RecordKind } from './columns.ts';
import type { Row } from './reader.ts';

const LINKED = 1;

export interface Batch {
  /** Records, 128 bytes each. */
  readonly bytes: Uint8Array;
  /** Line of each record. */
  readonly lines: Float64Array;
  readonly count: number;
}

export interface Refusal {
  readonly line: number;
  readonly id: bigint | undefined;
  readonly reason: string;
}

export class Batcher {
  readonly #kind: RecordKind;
  readonly #idOfLine: ((line: number) => bigint) | undefined;
  readonly #recordsMax: number;
  readonly #refuse: (refusal: Refusal) => void;
  #bytes: Uint8Array;
  #view: DataView;
  #lines: Float64Array;
  #count = 0;
  /** First record of the chain that is open at the end of the batch; equal to #count where none is. */
  #chainStart = 0;
  /** Why the rest of the current chain is refused. */
  #chainReason: string | undefined;

  /**
   * @param idOfLine gives ids to records without one; where undefined such records are refused
   * @param refuse is told of each row that does not reach a batch
   */
  constructor(
    kind: RecordKind,
    idOfLine: ((line: number) => bigint) | undefined,
    refuse: (refusal: Refusal) => void,
    recordsMax = BATCH_RECORDS_MAX,
  ) {
    this.#kind = kind;
    this.#idOfLine = idOfLine;
    this.#refuse = refuse;
    this.#recordsMax = recordsMax;
    this.#bytes = new Uint8Array(recordsMax * RECORD_SIZE);
    this.#view = new DataView(this.#bytes.buffer);
    this.#lines = new Float64Array(recordsMax);
  }

  /** Takes one row; returns a batch where one is full. */
  add(row: Row): Batch | undefined {
    if ('reason' in row) {
      this.#refuse({ line: row.line, id: undefined, reason: row.reason });
      const inChain = this.#chainReason !== undefined || this.#chainStart < this.#count;
      this.#dropChain(`linked to line ${row.line}, which cannot be read`);
      // Where it cannot be known whether the line ended its chain, refusing one record more is safe, joining is not.
      if (!(row.linked ?? inChain)) this.#chainReason = undefined;
      return undefined;
    }
    const { line, record } = row;
    const linked = (Number(record.flags ?? 0) & LINKED) !== 0;
    if (record.id === undefined) {
      if (this.#idOfLine === undefined) {
        return this.add({
          line,
          reason: 'id: expected one, as ids cannot be derived here, got none',
          linked,
        });
      }
      record.id = this.#idOfLine(line);
    }
    if (this.#chainReason !== undefined) {
      this.#refuse({ line, id: record.id as bigint, reason: this.#chainReason });
      if (!linked) this.#chainReason = undefined;
      return undefined;
    }
    let full: Batch | undefined;
    if (this.#count === this.#recordsMax) {
      if (this.#chainStart === 0 && this.#count > 0) {
        this.#dropChain(`linked to more than ${this.#recordsMax} records, which is a batch's limit`);
        this.#refuse({ line, id: record.id as bigint, reason: this.#chainReason! });
        if (!linked) this.#chainReason = undefined;
        return undefined;
      }
      full = this.#cut(this.#chainStart);
    }
    this.#kind.write(this.#view, this.#count * RECORD_SIZE, record);
    this.#lines[this.#count++] = line;
    if (!linked) this.#chainStart = this.#count;
    return full;
  }

  /** What is left at the end of the file. An open chain goes along; the ledger answers that it is open. */
  finish(): Batch | undefined {
    return this.#count === 0 ? undefined : this.#cut(this.#count);
  }

  #dropChain(reason: string): void {
    for (let i = this.#chainStart; i < this.#count; i++) {
      const low = this.#view.getBigUint64(i * RECORD_SIZE, true);
      const high = this.#view.getBigUint64(i * RECORD_SIZE + 8, true);
      this.#refuse({ line: this.#lines[i]!, id: (high << 64n) | low, reason });
    }
    this.#count = this.#chainStart;
    this.#chainReason = reason;
  }

  /** The first `count` records as a batch; the others move to the front of the next one. */
  #cut(count: number): Batch {
    const batch = {
      bytes: this.#bytes.subarray(0, count * RECORD_SIZE),
      lines: this.#lines.subarray(0, count),
      count,
    };
    const rest = this.#bytes.subarray(count * RECORD_SIZE, this.#count * RECORD_SIZE);
    const restLines = this.#lines.subarray(count, this.#count);
    this.#bytes = new Uint8Array(this.#recordsMax * RECORD_SIZE);
    this.#view = new DataView(this.#bytes.buffer);
    this.#lines = new Float64Array(this.#recordsMax);
    this.#bytes.set(rest);
    this.#lines.set(restLines);
    this.#count = restLines.length;
    this.#chainStart = 0;
    return batch;
  }
}
