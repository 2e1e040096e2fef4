import { type Environment, MAP_SIZE_DEFAULT_BYTES, openEnvironment } from './environment.ts';
import { JournalError } from './errors.ts';
import { type EntryHeader, FormatError, KEY_SIZE, OP_MAX, readHeader, writeKey } from './format.ts';
import type { JournalReader } from './journal.ts';

/** Reads of one thread on a journal's environment. */
export class LmdbJournalReader implements JournalReader {
  readonly #environment: Environment;
  readonly #key = Buffer.alloc(KEY_SIZE);

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * For a further thread of the process that has the journal open (see LmdbJournal.open, which also checks the file);
   * `mapSizeBytes` as given there.
   */
  static open(path: string, mapSizeBytes: number = MAP_SIZE_DEFAULT_BYTES): LmdbJournalReader {
    return new LmdbJournalReader(openEnvironment(path, mapSizeBytes));
  }

  readHeaderBytes(op: number): Uint8Array | undefined {
    return this.#read(op, 0);
  }

  readHeader(op: number): EntryHeader | undefined {
    const bytes = this.#read(op, 0);
    if (bytes === undefined) return undefined;
    try {
      return readHeader(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new JournalError('journal_corrupt', `op ${op}: ${error.message}`, { cause: error });
    }
  }

  readSegment(op: number, segment: number): Uint8Array | undefined {
    return this.#read(op, segment + 1);
  }

  lastOp(): number {
    const [key] = this.#environment.entries.getKeys({ reverse: true, limit: 1 });
    return key === undefined ? 0 : this.#opOf(key);
  }

  nextOp(after: number): number | undefined {
    const [key] = this.#environment.entries.getKeys({ start: this.#start(after + 1), limit: 1 });
    return key === undefined ? undefined : this.#opOf(key);
  }

  readParts(op: number): number[] {
    const range = { start: this.#start(op), end: this.#start(op + 1) };
    return Array.from(this.#environment.entries.getKeys(range), (key) => {
      this.#opOf(key);
      return key.readUInt16BE(6);
    });
  }

  refresh(): void {
    this.#environment.root.resetReadTxn();
  }

  async close(): Promise<void> {
    await this.#environment.root.close();
  }

  #start(op: number): Buffer {
    return writeKey(Buffer.alloc(KEY_SIZE), op, 0);
  }

  #opOf(key: Buffer): number {
    if (key.length !== KEY_SIZE) {
      throw new JournalError('journal_corrupt', `key ${key.toString('hex')}: expected ${KEY_SIZE} bytes`);
    }
    return key.readUIntBE(0, 6);
  }

  #read(op: number, part: number): Uint8Array | undefined {
    if (!Number.isInteger(op) || op < 1 || op > OP_MAX || part < 0 || part > 0xffff) return undefined;
    const bytes = this.#environment.entries.getBinaryFast(writeKey(this.#key, op, part));
    // lmdb sets `length` of one large buffer; a view of its own has that length for everyone.
    return bytes?.subarray(0, bytes.length);
  }
}
