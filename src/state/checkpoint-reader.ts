// Reads the current checkpoint back, in the main thread, before anything is written.
import { PAGE_SIZE, TableNames } from '../layout/generated.ts';
import { type Checkpoint, type CheckpointHead, decodeCheckpoint } from './checkpoint-record.ts';
import { META_CHECKPOINT_KEY, SESSIONS_PIECE_BYTES, sessionsKey } from './checkpoint-writer.ts';
import { PAGE_KEY_SIZE, pageKey, peek, type StateEnvironment } from './environment.ts';
import { StateStoreError } from './errors.ts';
import { createRunsKernel } from './runs-kernel.ts';

const PAGE_CHECKPOINT_OFFSET = 8;

/** Pages delivered at a time. */
export const PAGES_AT_A_TIME = 256;

export function readCheckpoint({ meta }: StateEnvironment): Checkpoint | undefined {
  const record = meta.getBinary(META_CHECKPOINT_KEY);
  if (record === undefined) return undefined;
  const { head, sessionsBytes, checkSessions } = decodeCheckpoint(record);
  const sessions = new Uint8Array(sessionsBytes);
  for (let start = 0; start < sessionsBytes; start += SESSIONS_PIECE_BYTES) {
    const piece = peek(meta, sessionsKey(start / SESSIONS_PIECE_BYTES));
    const expected = Math.min(SESSIONS_PIECE_BYTES, sessionsBytes - start);
    if (piece?.length !== expected) {
      throw new StateStoreError(
        'state_corrupt',
        `checkpoint ${head.checkpoint}: expected ${expected} bytes of sessions at ${start}, got ${piece?.length ?? 'none'}`,
      );
    }
    sessions.set(piece, start);
  }
  checkSessions(sessions);
  return { ...head, sessions };
}

/** Consecutive pages `first` … `first + count - 1` of a table; `images` holds PAGE_SIZE bytes for each until the call returns. */
export type TakePages = (table: number, first: number, count: number, images: Uint8Array) => void;

/**
 * Delivers every page of the checkpoint in order, each checked. Throws StateStoreError `state_corrupt` naming table and
 * page. Measured: 4.6 µs a page from the page cache, 1.9 s for 10 million accounts.
 */
export function readPages(environment: StateEnvironment, head: CheckpointHead, take: TakePages): void {
  const { exports, bytes } = createRunsKernel({ lo: 0n, hi: 0n });
  const address = exports.pagesBuffer();
  head.pageCounts.forEach((pageCount, table) => {
    let first = 0;
    let count = 0;
    const deliver = (): void => {
      if (count === 0) return;
      const broken = exports.checkPages(count);
      if (broken >= 0) throw damagedPage(table, first + broken, 'its checksum is wrong');
      take(table, first, count, bytes(address, count * PAGE_SIZE));
      first += count;
      count = 0;
    };
    for (const checkpoint of versions(environment, head, table, pageCount)) {
      const page = first + count;
      const value = peek(environment.pages, pageKey(table, page, checkpoint));
      if (value?.length !== PAGE_SIZE) {
        throw damagedPage(table, page, `expected ${PAGE_SIZE} bytes, got ${value?.length ?? 'none'}`);
      }
      if (
        value.readUInt32LE(0) !== table ||
        value.readUInt32LE(4) !== page ||
        Number(value.readBigUInt64LE(PAGE_CHECKPOINT_OFFSET)) !== checkpoint
      ) {
        throw damagedPage(table, page, 'another page or checkpoint stands in its place');
      }
      bytes(address + count * PAGE_SIZE, PAGE_SIZE).set(value);
      count++;
      if (count === PAGES_AT_A_TIME) deliver();
    }
    deliver();
  });
}

/** For pages 0, 1, 2 … of a table, the checkpoint whose image is the current one's. */
function* versions(
  { pages }: StateEnvironment,
  { checkpoint }: CheckpointHead,
  table: number,
  pageCount: number,
): Generator<number> {
  let page = 0;
  let version = 0;
  for (const key of pages.getKeys({ start: pageKey(table, 0, 0), end: pageKey(table, pageCount, 0) })) {
    if (key.length !== PAGE_KEY_SIZE)
      throw damagedPage(table, page, `a key beside it has ${key.length} bytes`);
    const number = key.readUInt32BE(1);
    if (number !== page) {
      if (version === 0 || number !== page + 1) break;
      yield version;
      page = number;
      version = 0;
    }
    const stored = key.readUIntBE(5, 6);
    if (stored <= checkpoint) version = stored;
  }
  if (page < pageCount && version !== 0) {
    yield version;
    page++;
  }
  if (page < pageCount) throw damagedPage(table, page, 'it is missing');
}

function damagedPage(table: number, page: number, what: string): StateStoreError {
  return new StateStoreError(
    'state_corrupt',
    `checkpoint, table ${TableNames.get(table) ?? table}, page ${page}: ${what}`,
  );
}
