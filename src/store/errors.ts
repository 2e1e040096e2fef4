import { statfsSync } from 'node:fs';
import { NoRoomError } from '../shared/disk-room.ts';

/** What can go wrong in a role's store, and what a caller may do about it. */
export const STORE_ERROR_ADVICE = {
  store_full: 'nothing of it was stored; it goes on by itself when there is room on the disk',
  store_busy: 'nothing of it was stored; try again when the disk has caught up',
  store_io: 'nothing of it was stored; check the disk, then try again',
  store_unknown: 'it may or may not be stored; open the store again and look',
  store_corrupt: 'restore the store from a copy; the other roles know what became of its requests',
  store_locked: 'stop the other process, or open another store',
  store_closed: 'open the store again',
  store_misuse: 'nothing of it was stored; the caller broke the contract of the store',
} as const;

export type StoreErrorCode = keyof typeof STORE_ERROR_ADVICE;

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** The message without code and advice. */
  readonly what: string;

  constructor(code: StoreErrorCode, what: string, options?: ErrorOptions) {
    super(`${what} (${code}: ${STORE_ERROR_ADVICE[code]})`, options);
    this.code = code;
    this.what = what;
  }
}

// MDB_MAP_FULL, EFBIG, ENOSPC, EDQUOT.
const NO_ROOM_CODES: ReadonlySet<unknown> = new Set([-30792, 27, 28, 122]);
/** Less than this left on the disk makes any failure to write one of room: a short write reaches us as EIO. */
const ROOM_MIN_BYTES = 16 * 1024 * 1024;

/** What LMDB or the system threw, given that nothing was committed, as one of ours. */
export function toStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isFull =
    error instanceof NoRoomError || NO_ROOM_CODES.has(code) || roomLeftBytes(path) < ROOM_MIN_BYTES;
  return new StoreError(isFull ? 'store_full' : 'store_io', `store ${path}: ${message ?? error}`, {
    cause: error,
  });
}

function roomLeftBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
