// Writes checkpoints, in the store thread.
//
//     page 7 of accounts:   │ as of checkpoint 4 │ as of checkpoint 6 │      checkpoint 6 is current: 4 is garbage, and
//                             garbage              current                 goes when 7 is written beside 6
//
// A page is stored anew only when it has changed. Its older image stays until the checkpoint that replaces it is
// complete, which is one record; pages of a number above that are leftovers of a crash and are removed when the store
// is opened, before their number is used again.
import { PAGE_SIZE } from '../layout/generated.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint-record.ts';
import { PAGE_KEY_SIZE, pageKey, type StateEnvironment, valuePages } from './environment.ts';
import { StateStoreError } from './errors.ts';
import { createRunsKernel, type RunsKernel } from './runs-kernel.ts';

export const META_CHECKPOINT_KEY = Buffer.from('checkpoint');

export const SESSIONS_PIECE_BYTES = 1024 * 1024;

export function sessionsKey(piece: number): Buffer {
  const key = Buffer.from('sessions\0\0\0\0');
  key.writeUInt32BE(piece, 8);
  return key;
}

/** Pages of one transaction, 4 MB; no more than the kernel buffers (PAGES_BUFFERED_MAX in assembly/index/worker.ts). */
const PAGES_PER_TRANSACTION = 1024;
const REMOVED_PER_TRANSACTION = 4096;

/** Numbers of the checkpoints whose images of a page are stored; 0: none. */
interface Versions {
  current: Float64Array;
  previous: Float64Array;
}

export class CheckpointWriter {
  readonly #environment: StateEnvironment;
  readonly #kernel: RunsKernel;
  readonly #tables: Versions[] = [];
  readonly #buffers: Buffer[] = [];
  #complete = 0;
  #sessionPieces = 0;

  /** Reads which images are stored and removes leftovers; 400,000 pages take about half a second. */
  constructor(environment: StateEnvironment) {
    this.#environment = environment;
    this.#kernel = createRunsKernel({ lo: 0n, hi: 0n });
    const record = environment.meta.getBinary(META_CHECKPOINT_KEY);
    if (record !== undefined) {
      const { head, sessionsBytes } = decodeCheckpoint(record);
      this.#complete = head.checkpoint;
      this.#sessionPieces = Math.ceil(sessionsBytes / SESSIONS_PIECE_BYTES);
    }
    this.#scan();
  }

  #scan(): void {
    const { pages } = this.#environment;
    const leftovers: Buffer[] = [];
    for (const key of pages.getKeys()) {
      if (key.length !== PAGE_KEY_SIZE) {
        throw new StateStoreError('state_corrupt', `pages: expected keys of 11 bytes, got ${key.length}`);
      }
      const checkpoint = key.readUIntBE(5, 6);
      if (checkpoint > this.#complete) leftovers.push(Buffer.from(key));
      else this.#note(key.readUInt8(0), key.readUInt32BE(1), checkpoint);
    }
    for (let start = 0; start < leftovers.length; start += REMOVED_PER_TRANSACTION) {
      const part = leftovers.slice(start, start + REMOVED_PER_TRANSACTION);
      this.#environment.write(part.length / 16, () => {
        for (const key of part) pages.removeSync(key);
      });
    }
  }

  /** The image of `checkpoint` is stored, in order of checkpoints. Returns the one that is garbage now, 0: none. */
  #note(table: number, page: number, checkpoint: number): number {
    this.#tables[table] ??= { current: new Float64Array(1024), previous: new Float64Array(1024) };
    const versions = this.#tables[table];
    if (page >= versions.current.length) {
      const length = Math.max(page + 1, versions.current.length * 2);
      const { current, previous } = versions;
      versions.current = new Float64Array(length);
      versions.previous = new Float64Array(length);
      versions.current.set(current);
      versions.previous.set(previous);
    }
    const { current, previous } = versions;
    if (current[page] === checkpoint) return 0;
    const garbage = previous[page]!;
    previous[page] = current[page]!;
    current[page] = checkpoint;
    return garbage;
  }

  /**
   * Stores page images (PAGE_SIZE bytes each: table u32, page u32, then what the kernel has) for a checkpoint that is
   * not complete. The images may lie in shared memory; they are copied.
   */
  write(images: Uint8Array, checkpoint: number): void {
    if (checkpoint !== this.#complete + 1) {
      throw new StateStoreError(
        'state_io',
        `pages: expected checkpoint ${this.#complete + 1}, got ${checkpoint}`,
      );
    }
    const bytes = PAGES_PER_TRANSACTION * PAGE_SIZE;
    for (let start = 0; start < images.length; start += bytes) {
      this.#writeSome(images.subarray(start, Math.min(images.length, start + bytes)), checkpoint);
    }
  }

  #writeSome(images: Uint8Array, checkpoint: number): void {
    const { exports, bytes } = this.#kernel;
    const count = images.length / PAGE_SIZE;
    const address = exports.pagesBuffer();
    bytes(address, images.length).set(images);
    exports.stampPages(count, BigInt(checkpoint));
    const stamped = bytes(address, images.length);
    const keys: { table: number; page: number; value: Buffer }[] = [];
    for (let i = 0; i < count; i++) {
      this.#buffers[i] ??= Buffer.allocUnsafeSlow(PAGE_SIZE);
      const value = this.#buffers[i]!;
      value.set(stamped.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE));
      keys.push({ table: value.readUInt32LE(0), page: value.readUInt32LE(4), value });
    }
    const { pages } = this.#environment;
    // Each page may touch a leaf of its own.
    this.#environment.write(2 * count, () => {
      for (const { table, page, value } of keys) {
        pages.putSync(pageKey(table, page, checkpoint), value);
        const versions = this.#tables[table];
        const older = versions === undefined ? 0 : this.#garbage(versions, page, checkpoint);
        if (older !== 0) pages.removeSync(pageKey(table, page, older));
      }
    });
    // Only what was committed counts: after a failure the same images come again.
    for (const { table, page } of keys) this.#note(table, page, checkpoint);
  }

  /** The image that `checkpoint`'s makes superfluous: the one before the current one. */
  #garbage({ current, previous }: Versions, page: number, checkpoint: number): number {
    return page < current.length && current[page] !== checkpoint ? previous[page]! : 0;
  }

  /** Makes the checkpoint whose pages were written the current one. */
  complete(record: Checkpoint): void {
    if (record.checkpoint !== this.#complete + 1) {
      throw new StateStoreError(
        'state_io',
        `checkpoint: expected number ${this.#complete + 1}, got ${record.checkpoint}`,
      );
    }
    const value = encodeCheckpoint(record);
    const pieces = Math.ceil(record.sessions.length / SESSIONS_PIECE_BYTES);
    const { meta } = this.#environment;
    this.#environment.write(pieces + valuePages(record.sessions.length) + valuePages(value.length), () => {
      for (let piece = 0; piece < pieces; piece++) {
        const start = piece * SESSIONS_PIECE_BYTES;
        meta.putSync(
          sessionsKey(piece),
          Buffer.from(record.sessions.slice(start, start + SESSIONS_PIECE_BYTES)),
        );
      }
      for (let piece = pieces; piece < this.#sessionPieces; piece++) meta.removeSync(sessionsKey(piece));
      meta.putSync(META_CHECKPOINT_KEY, value);
    });
    this.#complete = record.checkpoint;
    this.#sessionPieces = pieces;
  }
}
