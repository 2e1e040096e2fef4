// The LMDB environment of the state, opened by the main thread (reads) and by the store thread (writes).
//
//     runs    run u32 ‖ 0 ‖ page u32     entries of a run of the index, 64 KiB a page
//             run u32 ‖ 1 ‖ piece u32    its header: fences and filter, 1 MiB a piece
//     pages   table u8 ‖ page u32 ‖ checkpoint u48     rows as of a checkpoint, 4,064 bytes
//     meta    seed, manifest, checkpoint, sessions ‖ piece u32
//
// Numbers in keys are big-endian, so that keys sort like the numbers.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { DiskRoom } from '../shared/disk-room.ts';

/** Address space that is reserved, not memory or disk. */
export const STATE_MAP_SIZE_DEFAULT_BYTES = 2 ** 40;

const PAGE_BYTES = 4096;
/** Stays free on the disk: more than the journal leaves, which comes first where both are on one. */
const DISK_MARGIN_BYTES = 1024 * 1024;
/** What opening a new environment writes, at most. */
const NEW_ENVIRONMENT_BYTES = 64 * 1024;
/** Pages that any transaction may write beside its values: branches, free list, roots. */
const SLACK_PAGES = 64;

export type Store = Database<Buffer, Buffer>;

export interface StateEnvironment {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly runs: Store;
  readonly pages: Store;
  readonly meta: Store;
  /**
   * Runs `work` in a transaction of its own, flushed when this returns; `pages` bounds the pages that its values take
   * and the leaves that it touches. Throws NoRoomError before anything is written.
   */
  write(pages: number, work: () => void): void;
}

/** Pages that a value of `bytes` takes when it has pages of its own. */
export function valuePages(bytes: number): number {
  return Math.ceil((bytes + 24) / PAGE_BYTES);
}

/** `overlappingSync: false`: only then has a transactionSync that returned been flushed. */
export function openStateEnvironment(path: string, mapSizeBytes: number): StateEnvironment {
  mkdirSync(path, { recursive: true });
  const file = join(path, 'data.mdb');
  const room = new DiskRoom(file, DISK_MARGIN_BYTES);
  if (!existsSync(file)) room.ensure(NEW_ENVIRONMENT_BYTES);
  const encoding = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
  const root = open<Buffer, Buffer>({
    // Ending with a slash keeps lmdb from taking a directory with a dot in its name for a file.
    path: join(path, '/'),
    noSubdir: false,
    mapSize: mapSizeBytes,
    pageSize: 4096,
    overlappingSync: false,
    maxDbs: 4,
    ...encoding,
  });
  return {
    root,
    runs: root.openDB('runs', encoding),
    pages: root.openDB('pages', encoding),
    meta: root.openDB('meta', encoding),
    write(pages, work) {
      const { lastPageNumber } = (root as unknown as { env: { info(): EnvironmentInfo } }).env.info();
      room.ensure((lastPageNumber + 1 + pages + SLACK_PAGES) * PAGE_BYTES);
      root.transactionSync(work);
    },
  };
}

interface EnvironmentInfo {
  readonly lastPageNumber: number;
}

export const RunPart = { page: 0, piece: 1 } as const;

export const RUN_KEY_SIZE = 9;

export function runKey(run: number, part: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(RUN_KEY_SIZE);
  key.writeUInt32BE(run, 0);
  key.writeUInt8(part, 4);
  key.writeUInt32BE(number, 5);
  return key;
}

export const PAGE_KEY_SIZE = 11;

export function pageKey(table: number, page: number, checkpoint: number): Buffer {
  const key = Buffer.allocUnsafe(PAGE_KEY_SIZE);
  key.writeUInt8(table, 0);
  key.writeUInt32BE(page, 1);
  key.writeUIntBE(checkpoint, 5, 6);
  return key;
}

/**
 * A stored value in place, until the next read of any value in this thread. lmdb answers with one large buffer whose
 * `length` it sets by hand: copying from that would take all of it, hence a view of what is really there.
 */
export function peek(store: Store, key: Buffer): Buffer | undefined {
  const value = store.getBinaryFast(key);
  return value === undefined ? undefined : Buffer.from(value.buffer, value.byteOffset, value.length);
}
