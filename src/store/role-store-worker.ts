// The write thread of a role's store: one group of changes, one LMDB transaction, flushed when this returns. See
// docs/decisions/0008-write-worker-not-async-puts.md.
import { ABORT } from 'lmdb';
import { poolData } from '../pool/pool.ts';
import type { DiskRoom } from '../shared/disk-room.ts';
import { diskRoom, type Environment, openEnvironment, PAGE_BYTES, seal, usedBytes } from './environment.ts';
import { StoreError, toStoreError } from './errors.ts';
import { unpackChanges, valueSizes, type WriteAnswer, type WriterData } from './write-task.ts';

const MDB_PANIC = -30795;
/** Pages that a group may write beside those of its records: branches, free list, roots. */
const GROUP_SLACK_PAGES = 64;
/** Each record may be alone on its leaf, and split it. */
const RECORD_PAGES = 2;
/** Values below this share a leaf with others; LMDB gives larger ones pages of their own. */
const LEAF_VALUE_BYTES = PAGE_BYTES / 2;

let environment: Environment | undefined;
let room: DiskRoom | undefined;

/** Pages that the data file may grow by. */
function growthPages(packed: Uint8Array): number {
  let pages = GROUP_SLACK_PAGES;
  for (const size of valueSizes(packed)) {
    pages += RECORD_PAGES + (size < LEAF_VALUE_BYTES ? 0 : Math.ceil((size + 64) / PAGE_BYTES));
  }
  return pages;
}

export function write(packed: Uint8Array): WriteAnswer {
  const { path, mapSizeBytes } = poolData<WriterData>();
  try {
    environment ??= openEnvironment(path, mapSizeBytes);
    room ??= diskRoom(path);
    const needed = usedBytes(environment) + growthPages(packed) * PAGE_BYTES;
    if (needed > mapSizeBytes) {
      // lmdb-js enlarges its map by itself and never says MDB_MAP_FULL.
      throw new StoreError(
        'store_full',
        `store ${path}: expected at most ${mapSizeBytes} bytes, got ${needed}`,
      );
    }
    room.ensure(needed);
  } catch (error) {
    return plain(toStoreError(error, path));
  }
  const opened = environment;
  try {
    opened.transactionSync(() => {
      for (const { key, value, summed } of unpackChanges(packed)) {
        if (value === undefined) opened.removeSync(key);
        else opened.putSync(key, seal(key, value, summed));
      }
    });
    return undefined;
  } catch (error) {
    try {
      opened.transactionSync(() => ABORT);
    } catch (refusal) {
      // The page that commits could not be written or taken back: LMDB itself does not know what is on the disk.
      if ((refusal as { code?: unknown }).code === MDB_PANIC) {
        return plain(new StoreError('store_unknown', `store ${path}: ${(error as Error).message}`));
      }
    }
    return plain(toStoreError(error, path));
  }
}

const plain = ({ code, what }: StoreError): WriteAnswer => ({ code, what });

/** Closes what this thread holds of LMDB. */
export async function close(): Promise<void> {
  await environment?.close();
  environment = undefined;
}
