// Room on the disk for what LMDB is about to write. LMDB 3.5.6 must not be let run into a full disk: when the system
// refuses a write it prints a message of up to 120 bytes into 100 bytes of heap (mdb_page_flush), and the process dies of
// it then or later. So room is made sure of before every transaction:
//
//     data.mdb   │ pages in use │ growth │          plenty left on the disk ──▶ nothing to do (statfs, 3 µs)
//                               └────────┘          little left ──▶ zeros are written there first, by plain writes,
//                                                   which may fail; LMDB then writes to blocks that the file has
//
// LMDB knows its last page from its meta pages, not from the length of its file, so zeros behind it are harmless.
import { closeSync, fstatSync, openSync, readFileSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** With this much left beyond what is needed, no one fills the disk between the look and the write. */
const PLENTY_BYTES = 64 * 1024 * 1024;
const ZEROS = Buffer.alloc(1024 * 1024);
const NO_ROOM_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Nothing was written that counts; it can be tried again. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

export class DiskRoom {
  readonly #file: string;
  readonly #marginBytes: number;
  readonly #sizeMaxBytes: number;

  /** `marginBytes` stay free on the disk, for pages of the file that have never been written. */
  constructor(file: string, marginBytes: number) {
    this.#file = file;
    this.#marginBytes = marginBytes;
    this.#sizeMaxBytes = fileSizeLimitBytes();
  }

  /** The file can be as large as `sizeBytes` when this returns. Throws NoRoomError. */
  ensure(sizeBytes: number): void {
    if (sizeBytes > this.#sizeMaxBytes) {
      throw new NoRoomError(
        `${this.#file}: expected at most ${this.#sizeMaxBytes} bytes (RLIMIT_FSIZE), got ${sizeBytes}`,
      );
    }
    const left = this.#leftBytes();
    if (left >= sizeBytes + PLENTY_BYTES) return;
    let descriptor: number;
    try {
      descriptor = openSync(this.#file, 'r+');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // A new file: LMDB must find it empty.
      if (left < sizeBytes + this.#marginBytes) throw this.#tooLittle(sizeBytes, left);
      return;
    }
    try {
      const { size } = fstatSync(descriptor);
      if (left >= sizeBytes - size + PLENTY_BYTES) return;
      if (size === 0) {
        if (left < sizeBytes + this.#marginBytes) throw this.#tooLittle(sizeBytes, left);
        return;
      }
      this.#extend(descriptor, size, sizeBytes);
    } finally {
      closeSync(descriptor);
    }
    const rest = this.#leftBytes();
    if (rest < this.#marginBytes) throw this.#tooLittle(this.#marginBytes, rest);
  }

  #extend(descriptor: number, from: number, to: number): void {
    for (let at = from; at < to; ) {
      try {
        at += writeSync(descriptor, ZEROS, 0, Math.min(ZEROS.length, to - at), at);
      } catch (error) {
        if (!NO_ROOM_CODES.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        throw new NoRoomError(
          `${this.#file}: expected room for ${to - from} bytes, got ${at - from}: ${(error as Error).message}`,
          { cause: error },
        );
      }
    }
  }

  #leftBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#file));
    return bavail * bsize;
  }

  #tooLittle(needed: number, left: number): NoRoomError {
    return new NoRoomError(`${this.#file}: expected ${needed} bytes free on its disk, got ${left}`);
  }
}

/** Largest file that this process may write; Infinity when it is not limited, or cannot be known. */
function fileSizeLimitBytes(): number {
  try {
    const limit = /^Max file size\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return limit === null ? Number.POSITIVE_INFINITY : Number(limit[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
