// The LMDB environment of a role's store, opened by the main thread (reads) and by the write thread. One database, in
// which all tables lie behind their names (see key.ts). LMDB does not check what it reads, so every record does:
//
//     ┌──────────────────────────────────────────┬─────────┐
//     │ first 8 bytes of SHA-256 of table, key,  │ value   │
//     │ value                                    │         │
//     └──────────────────────────────────────────┴─────────┘
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { DiskRoom } from '../shared/disk-room.ts';
import { StoreError } from './errors.ts';
import { splitPlace, toPlace } from './key.ts';

export const DATA_FILE = 'data.mdb';
/** Address space that is reserved, not memory or disk. */
export const MAP_SIZE_DEFAULT_BYTES = 2 ** 38;
export const PAGE_BYTES = 4096;

export const CHECKSUM_SIZE = 8;
/** What opening a new environment writes, at most. */
export const NEW_ENVIRONMENT_BYTES = 64 * 1024;
/** Stays free on the disk. */
const DISK_MARGIN_BYTES = 512 * 1024;

export type Environment = RootDatabase<Buffer, Buffer>;

/** `overlappingSync: false`: only then has a transactionSync that returned been flushed, and is what is read on the disk. */
export function openEnvironment(path: string, mapSizeBytes: number): Environment {
  return open<Buffer, Buffer>({
    // Ending with a slash keeps lmdb from taking a directory with a dot in its name for a file.
    path: join(path, '/'),
    noSubdir: false,
    mapSize: mapSizeBytes,
    pageSize: PAGE_BYTES,
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    cache: false,
  });
}

export function diskRoom(path: string): DiskRoom {
  return new DiskRoom(join(path, DATA_FILE), DISK_MARGIN_BYTES);
}

/** Bytes of the data file up to the end of its last page in use. */
export function usedBytes(environment: Environment): number {
  const { env } = environment as unknown as { env: { info(): { lastPageNumber: number } } };
  return (env.info().lastPageNumber + 1) * PAGE_BYTES;
}

/** Of a record as LMDB has it: its key with the table's name before it, and its value. */
export function checksum(key: Uint8Array, value: Uint8Array): Buffer {
  const summed = Buffer.allocUnsafe(4 + key.length + value.length);
  summed.writeUInt32LE(key.length);
  summed.set(key, 4);
  summed.set(value, 4 + key.length);
  return checksumOf(summed);
}

/** @param summed the key's length (u32), key, value: in one piece, a digest costs two thirds of one in parts */
function checksumOf(summed: Uint8Array): Buffer {
  return hash('sha256', summed, 'buffer').subarray(0, CHECKSUM_SIZE);
}

/** @param summed as in a packed change, where it lies in one piece */
export function seal(key: Uint8Array, value: Uint8Array, summed?: Uint8Array): Buffer {
  return Buffer.concat([summed === undefined ? checksum(key, value) : checksumOf(summed), value]);
}

/** A copy of the value. @throws StoreError store_corrupt */
export function unseal(path: string, key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const value = new Uint8Array(sealed.subarray(CHECKSUM_SIZE));
  if (
    sealed.length < CHECKSUM_SIZE ||
    Buffer.compare(checksum(key, value), sealed.subarray(0, CHECKSUM_SIZE)) !== 0
  ) {
    const { table, key: name } = splitPlace(toPlace(key));
    const hex = Buffer.from(name).toString('hex');
    throw new StoreError(
      'store_corrupt',
      `store ${path}: table ${table}, key ${hex}: expected a record with its checksum, got a damaged one`,
    );
  }
  return value;
}
