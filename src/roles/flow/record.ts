// What is stored of a request.
import {
  bytes,
  bytesUpTo,
  CodecError,
  type Infer,
  list,
  optional,
  struct,
  text,
  u8,
  u64,
} from '../../shared/codec.ts';
import { StoreError } from '../../store/errors.ts';
import { REFUSAL_MESSAGE_BYTES_MAX } from '../common/answer.ts';
import { STATE_BYTES_MAX } from './flow.ts';

/** States that a record remembers by name. Beyond: the first stays, and the newest. */
const HISTORY_MAX = 32;
const STATE_NAME_BYTES_MAX = 64;
const DIGEST_SIZE = 32;

const HistoryEntry = struct({ stateName: text(STATE_NAME_BYTES_MAX), at: u64 });

const RequestRecord = struct({
  kind: u8,
  digest: bytes(DIGEST_SIZE),
  createdAt: u64,
  updatedAt: u64,
  history: list(HistoryEntry, HISTORY_MAX),
  /** Why it was not admitted; it has no state then. */
  refused: optional(struct({ code: text(STATE_NAME_BYTES_MAX), message: text(REFUSAL_MESSAGE_BYTES_MAX) })),
  state: bytesUpTo(STATE_BYTES_MAX),
});

export type StoredRequest = Infer<typeof RequestRecord>;
export type History = StoredRequest['history'];

export function encodeRecord(record: StoredRequest): Uint8Array {
  return RequestRecord.encode(record);
}

/** @throws StoreError store_corrupt */
export function decodeRecord(id: bigint, stored: Uint8Array): StoredRequest {
  try {
    return RequestRecord.decode(stored);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new StoreError('store_corrupt', `request ${id}: ${error.message}`, { cause: error });
  }
}

export function historyWith(history: History, stateName: string, at: bigint): History {
  if (history.at(-1)?.stateName === stateName) return history;
  const kept = history.length < HISTORY_MAX ? history : [history[0]!, ...history.slice(2)];
  return [...kept, { stateName, at }];
}
