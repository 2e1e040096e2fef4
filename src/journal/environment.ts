// The LMDB environment of a journal: `<path>/data.mdb` with two databases, `entries` (see format.ts) and `meta`.
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { DiskRoom, NoRoomError } from '../shared/disk-room.ts';
import { JournalError } from './errors.ts';

export const PAGE_BYTES = 4096;
export const DATA_FILE = 'data.mdb';

/** Address space that is reserved, not memory or disk. Linux gives a process 128 TiB of it. */
export const MAP_SIZE_DEFAULT_BYTES = 2 ** 40;

/** Stays free on the journal's disk. */
const DISK_MARGIN_BYTES = 256 * 1024;
/** What opening a new environment writes, at most. */
const NEW_ENVIRONMENT_BYTES = 64 * 1024;

export const META_IDENTITY_KEY = Buffer.from('identity');
export const META_FORMAT_KEY = Buffer.from('format');

// The file grows as LMDB writes it. Writing zeros ahead of it would be safe (LMDB knows its last page from its meta
// page, not from the length) and shortens the flush of a single full entry from 1.9 to 1.4 ms, since no blocks have to
// be allocated; but every byte is then written twice, and under load, where the disk is the limit, the mean time of an
// entry did not get better (7.1 to 7.0 ms and 4.5 to 5.4 ms in two runs, groups of four 8.7 to 9.3 and 7.4 to 6.2).

export interface Environment {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly entries: Database<Buffer, Buffer>;
  readonly meta: Database<Buffer, Buffer>;
}

/**
 * Opens the environment in this thread; every thread opens its own. `overlappingSync: false`: only then has a
 * transactionSync that returned been flushed. No cache and no encoding: values are bytes.
 */
export function openEnvironment(path: string, mapSizeBytes: number): Environment {
  const encoding = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
  const root = open<Buffer, Buffer>({
    // Closing with a slash keeps lmdb from taking a directory with a dot in its name for a file.
    path: `${path}/`,
    noSubdir: false,
    mapSize: mapSizeBytes,
    pageSize: PAGE_BYTES,
    overlappingSync: false,
    maxDbs: 4,
    ...encoding,
  });
  return {
    root,
    entries: root.openDB('entries', encoding),
    meta: root.openDB('meta', encoding),
  };
}

export function dataFile(path: string): string {
  return join(path, DATA_FILE);
}

/** Room for the journal's data file, to be made sure of before each transaction. */
export function diskRoom(path: string): DiskRoom {
  return new DiskRoom(dataFile(path), DISK_MARGIN_BYTES);
}

/** Throws JournalError `journal_full` when a new environment would not fit the disk. */
export function ensureRoomForNew(path: string): void {
  try {
    diskRoom(path).ensure(NEW_ENVIRONMENT_BYTES);
  } catch (error) {
    if (error instanceof NoRoomError) throw new JournalError('journal_full', error.message, { cause: error });
    throw error;
  }
}

interface EnvironmentInfo {
  readonly lastPageNumber: number;
}

/** Bytes of the data file up to the end of its last page in use. */
export function usedBytes({ root }: Environment): number {
  const { lastPageNumber } = (root as unknown as { env: { info(): EnvironmentInfo } }).env.info();
  return (lastPageNumber + 1) * PAGE_BYTES;
}
