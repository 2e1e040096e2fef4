import { statfsSync } from 'node:fs';
import { NoRoomError } from '../shared/disk-room.ts';

/** What can go wrong in the state store, and what to do about it. The journal alone is the truth. */
export const STATE_STORE_ADVICE = {
  state_corrupt: 'stop the engine, delete the state folder and start again: it is rebuilt from the journal',
  state_full: 'nothing is lost, the journal has it all; make room on the disk',
  state_io: 'nothing is lost, the journal has it all; check the disk',
  state_memory: 'raise the memory limit of the process',
  state_closed: 'open the store again',
} as const;

export type StateStoreErrorCode = keyof typeof STATE_STORE_ADVICE;

export class StateStoreError extends Error {
  override readonly name = 'StateStoreError';
  readonly code: StateStoreErrorCode;

  constructor(code: StateStoreErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${code}: ${STATE_STORE_ADVICE[code]})`, options);
    this.code = code;
  }
}

// MDB_MAP_FULL, EFBIG, ENOSPC, EDQUOT.
const NO_ROOM_CODES: ReadonlySet<unknown> = new Set([-30792, 27, 28, 122]);

/** Less than this left on the disk makes any failure to write one of room: a short write reaches us as EIO. */
const ROOM_MIN_BYTES = 16 * 1024 * 1024;

/** What LMDB or the system threw while it worked on the store at `path`, as one of ours. */
export function toStateStoreError(error: unknown, path: string): StateStoreError {
  if (error instanceof StateStoreError) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isFull =
    error instanceof NoRoomError || NO_ROOM_CODES.has(code) || roomLeftBytes(path) < ROOM_MIN_BYTES;
  return new StateStoreError(isFull ? 'state_full' : 'state_io', `state store ${path}: ${message ?? error}`, {
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

/** An error on its way from a worker thread: structured clone would strip its class. */
export interface PlainStateStoreError {
  readonly code: StateStoreErrorCode;
  readonly message: string;
}

export function toPlain(error: unknown, path: string): PlainStateStoreError {
  const { code, message } = toStateStoreError(error, path);
  return { code, message: message.slice(0, message.length - suffix(code).length) };
}

export function fromPlain({ code, message }: PlainStateStoreError): StateStoreError {
  return new StateStoreError(code, message);
}

const suffix = (code: StateStoreErrorCode): string => ` (${code}: ${STATE_STORE_ADVICE[code]})`;
