// The results file: one line for each record that was not created, with the reason. It exists only if there are any.
import { createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { csvLine } from '../files/csv.ts';
import { formatId } from '../files/fields.ts';

export interface FailedLine {
  readonly line: number;
  readonly id: bigint | undefined;
  /** The ledger's answer, or `unreadable` for a line that was never sent. */
  readonly status: string;
  readonly reason: string;
}

export class FailuresFile {
  readonly path: string;
  #stream: WriteStream | undefined;
  #failure: Error | undefined;
  #count = 0;

  constructor(path: string) {
    this.path = path;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes lines in ascending order; waits while the disk is slow. */
  async write(failed: readonly FailedLine[]): Promise<void> {
    if (failed.length === 0) return;
    let text = '';
    if (this.#stream === undefined) {
      this.#stream = createWriteStream(this.path, { encoding: 'utf8' });
      this.#stream.on('error', (error) => {
        this.#failure = error;
      });
      text = csvLine(['line', 'id', 'status', 'reason']);
    }
    for (const { line, id, status, reason } of failed) {
      text += csvLine([String(line), id === undefined ? '' : formatId(id), status, reason]);
    }
    this.#count += failed.length;
    const stream = this.#stream;
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Closes the file; takes one of an earlier run away if nothing failed this time. */
  async close(): Promise<void> {
    if (this.#stream === undefined) {
      await rm(this.path, { force: true });
      return;
    }
    this.#stream.end();
    await finished(this.#stream);
  }
}
