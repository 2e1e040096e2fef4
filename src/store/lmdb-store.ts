// A role's store on disk: `<path>/data.mdb`. Reads happen in this thread, from LMDB's map; writes in a thread of their
// own (role-store-worker.ts), because a flush blocks.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Piscina } from 'piscina';
import { createPiscina } from '../pool/pool.ts';
import { checkLmdbFile, LmdbFileError } from '../shared/lmdb-file.ts';
import { lockStore, type StoreLock, StoreLockedError } from '../shared/store-lock.ts';
import type { Changes, PlacedRecord, StoreBackend } from './backend.ts';
import {
  DATA_FILE,
  diskRoom,
  type Environment,
  MAP_SIZE_DEFAULT_BYTES,
  NEW_ENVIRONMENT_BYTES,
  openEnvironment,
  unseal,
} from './environment.ts';
import { StoreError, toStoreError } from './errors.ts';
import { GroupStore } from './group-store.ts';
import { fromPlace, type Place, toPlace } from './key.ts';
import type { RoleStore } from './store.ts';
import { packChanges, type WriteAnswer, type WriterData } from './write-task.ts';

export interface RoleStoreOptions {
  /** Directory of the store; created when missing. One process may have it open. */
  readonly path: string;
  /** Largest size of the data file. Address space is reserved for all of it, disk space is not. Default 256 GiB. */
  readonly mapSizeBytes?: number;
  /** Called once, when it is unknown what was written: the store must be opened anew. */
  readonly failed?: (error: StoreError) => void;
}

/** Behind an empty name, which no table has. */
const FORMAT_PLACE: Place = '\0format';
const FORMAT = Uint8Array.of(1);

/** Opens the store, makes it when there is none. @throws StoreError store_locked, store_corrupt, store_full, store_io */
export async function openRoleStore(options: RoleStoreOptions): Promise<RoleStore> {
  const path = resolve(options.path);
  let lock: StoreLock | undefined;
  let backend: LmdbBackend | undefined;
  try {
    mkdirSync(path, { recursive: true });
    lock = await lockStore(path);
    // LMDB trusts its file and would take the process down with it. Reading it takes about 3 s a gigabyte.
    checkLmdbFile(join(path, DATA_FILE));
    backend = new LmdbBackend(path, options.mapSizeBytes ?? MAP_SIZE_DEFAULT_BYTES, lock);
    await backend.checkFormat();
    return new GroupStore(backend, { failed: options.failed });
  } catch (error) {
    await (backend === undefined ? lock?.release() : backend.close());
    if (error instanceof StoreLockedError) {
      throw new StoreError('store_locked', error.message, { cause: error });
    }
    if (error instanceof LmdbFileError)
      throw new StoreError('store_corrupt', error.message, { cause: error });
    throw toStoreError(error, path);
  }
}

class LmdbBackend implements StoreBackend {
  readonly #path: string;
  readonly #environment: Environment;
  readonly #lock: StoreLock;
  readonly #writer: Piscina<Uint8Array | undefined, WriteAnswer>;

  constructor(path: string, mapSizeBytes: number, lock: StoreLock) {
    this.#path = path;
    this.#lock = lock;
    const isNew = !existsSync(join(path, DATA_FILE));
    if (isNew) diskRoom(path).ensure(NEW_ENVIRONMENT_BYTES);
    this.#environment = openEnvironment(path, mapSizeBytes);
    // A flushed file is lost all the same if the directory that names it was not flushed.
    if (isNew) for (const directory of [path, dirname(path)]) flushDirectory(directory);
    const data: WriterData = { path, mapSizeBytes };
    this.#writer = createPiscina({
      from: import.meta.url,
      file: './role-store-worker',
      task: 'write',
      threads: 1,
      data,
    });
  }

  /** A store of another version must not be touched, nor a file of LMDB's that is no store. */
  async checkFormat(): Promise<void> {
    const format = this.get(FORMAT_PLACE);
    if (format === undefined && this.#isEmpty()) return this.write(new Map([[FORMAT_PLACE, FORMAT]]));
    if (format === undefined || Buffer.compare(format, FORMAT) !== 0) {
      const got = format === undefined ? 'none' : Buffer.from(format).toString('hex');
      throw new StoreError('store_corrupt', `store ${this.#path}: expected format ${FORMAT[0]}, got ${got}`);
    }
  }

  #isEmpty(): boolean {
    for (const _ of this.#environment.getKeys({ limit: 1 })) return false;
    return true;
  }

  get(at: Place): Uint8Array | undefined {
    const key = fromPlace(at);
    const sealed = this.#environment.getBinary(key);
    return sealed === undefined ? undefined : unseal(this.#path, key, sealed);
  }

  range(from: Place, to: Place, limit: number): PlacedRecord[] {
    const records: PlacedRecord[] = [];
    const bounds = { start: fromPlace(from), end: fromPlace(to), limit };
    for (const { key, value } of this.#environment.getRange(bounds)) {
      records.push({ at: toPlace(key), value: unseal(this.#path, key, value) });
    }
    return records;
  }

  async write(changes: Changes): Promise<void> {
    const packed = packChanges(changes);
    let answer: WriteAnswer;
    try {
      answer = await this.#writer.run(packed, { transferList: [packed.buffer as ArrayBuffer] });
    } catch (error) {
      throw new StoreError(
        'store_unknown',
        `store ${this.#path}: expected an answer from its write thread, got ${(error as Error).message}`,
        { cause: error },
      );
    }
    if (answer !== undefined) throw new StoreError(answer.code, answer.what);
    // Otherwise this thread goes on reading the store as it was when it began to.
    this.#environment.resetReadTxn();
  }

  async close(): Promise<void> {
    await this.#writer.run(undefined, { name: 'close' }).catch(() => {});
    await this.#writer.destroy();
    await this.#environment.close();
    await this.#lock.release();
  }
}

function flushDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
