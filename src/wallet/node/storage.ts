// Wallets on disk: one LMDB store, as the roles have it (src/store), that holds one wallet or many.
//
//     <path>/data.mdb     wallet \0 NAME \0 key ──▶ checksum, value
//
// The store flushes before a write resolves, gathers the writes of many wallets into one flush, checks every record that
// it reads, and is locked against other processes.

import { StoreError, type StoreErrorCode } from '../../store/errors.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import { RANGE_MAX, type RoleStore } from '../../store/store.ts';
import { WalletError, type WalletErrorCode } from '../core/errors.ts';
import type { Put, StoredRecord, WalletStorage } from '../core/ports.ts';

const TABLE = 'wallet';
const NAME_PATTERN = /^[a-z0-9][a-z0-9.-]{0,63}$/;

const CODES: { readonly [code in StoreErrorCode]: WalletErrorCode } = {
  store_full: 'storage_full',
  store_busy: 'storage_full',
  store_io: 'storage_failed',
  store_unknown: 'storage_failed',
  store_corrupt: 'wallet_damaged',
  store_locked: 'wallet_locked',
  store_closed: 'wallet_closed',
  store_misuse: 'storage_failed',
};

export interface WalletStoreOptions {
  /** Directory; made when missing. One process may have it open. */
  readonly path: string;
  /** Address space that is reserved for the data file; it never grows beyond. 256 GiB. */
  readonly mapSizeBytes?: number;
}

export class WalletStore {
  readonly #store: RoleStore;
  readonly #open = new Set<string>();

  private constructor(store: RoleStore) {
    this.#store = store;
  }

  /** @throws WalletError wallet_locked, wallet_damaged, storage_full, storage_failed */
  static async open(options: WalletStoreOptions): Promise<WalletStore> {
    try {
      return new WalletStore(await openRoleStore(options));
    } catch (error) {
      throw walletError(error);
    }
  }

  /**
   * The storage of one of the wallets. Two that write to the same would not see each other's changes, so a name is given
   * out once.
   * @param name up to 64 of a to z, 0 to 9, dot and dash
   * @throws WalletError invalid_argument, wallet_locked
   */
  storage(name = 'main'): WalletStorage {
    if (!NAME_PATTERN.test(name)) {
      throw new WalletError(
        'invalid_argument',
        `wallet: expected a name of a to z, 0 to 9, . and -, got ${name}`,
      );
    }
    if (this.#open.has(name)) {
      throw new WalletError(
        'wallet_locked',
        `wallet ${name}: expected it to be opened once, got a second time`,
      );
    }
    this.#open.add(name);
    return new StoreOfOne(this.#store, name);
  }

  /** Of the wallets that are in the store. @throws WalletError wallet_damaged */
  names(): string[] {
    const names: string[] = [];
    for (let from: Uint8Array = Uint8Array.of(0); ; ) {
      const [first] = this.#store.range(TABLE, { from, limit: 1 });
      if (first === undefined) return names;
      const [name] = Buffer.from(first.key).toString('latin1').split('\0') as [string];
      names.push(name);
      from = Buffer.from(`${name}\x01`, 'latin1');
    }
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}

class StoreOfOne implements WalletStorage {
  readonly #store: RoleStore;
  readonly #prefix: string;

  constructor(store: RoleStore, name: string) {
    this.#store = store;
    this.#prefix = `${name}\0`;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    return this.#guarded(() => this.#store.get(TABLE, this.#key(key)));
  }

  async list(prefix: string): Promise<readonly StoredRecord[]> {
    return this.#guarded(() => {
      const records: StoredRecord[] = [];
      // No key has a byte of 0xff.
      const to = Buffer.concat([this.#key(prefix), Uint8Array.of(0xff)]);
      let from: Uint8Array = this.#key(prefix);
      for (;;) {
        const page = this.#store.range(TABLE, { from, to, limit: RANGE_MAX });
        for (const { key, value } of page) records.push({ key: this.#name(key), value });
        if (page.length < RANGE_MAX) return records;
        from = Buffer.concat([page.at(-1)!.key, Uint8Array.of(0)]);
      }
    });
  }

  async write(batch: readonly Put[]): Promise<void> {
    try {
      await this.#store.transaction((tx) => {
        for (const { key, value } of batch) {
          if (value === undefined) tx.remove(TABLE, this.#key(key));
          else tx.put(TABLE, this.#key(key), value);
        }
      });
    } catch (error) {
      throw walletError(error);
    }
  }

  #key(key: string): Buffer {
    return Buffer.from(this.#prefix + key, 'latin1');
  }

  #name(key: Uint8Array): string {
    return Buffer.from(key).toString('latin1').slice(this.#prefix.length);
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw walletError(error);
    }
  }
}

function walletError(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  return new WalletError(CODES[error.code], readable(error.what), { cause: error });
}

/** The store names keys in hex. */
function readable(what: string): string {
  return what.replace(/table wallet, key ([0-9a-f]+)/, (_, hex: string) => {
    const [name, key] = Buffer.from(hex, 'hex').toString('latin1').split('\0');
    return `wallet ${name}, record ${key}`;
  });
}
