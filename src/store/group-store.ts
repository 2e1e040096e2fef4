// Transactions over a backend, gathered into groups: while one group is flushed, the next one gathers.
//
//     transaction ─▶ own writes ─▶ gathering ─▶ flushing ─▶ backend
//                    ◀─────────── a transaction reads ───────────▶
//                                                           ◀─────▶  reads outside
//
// `run` is called at once, against what was written before it, so it may rely on writes that are not flushed yet. Its
// promise waits for them: nothing that is told to anyone can still be lost. When a group cannot be written, whatever has
// gathered since may have relied on it, and goes with it.
import type { StoreBackend } from './backend.ts';
import { StoreError } from './errors.ts';
import { type Key, type Place, place, splitPlace, tableBounds } from './key.ts';
import { Remembered } from './remembered.ts';
import {
  RANGE_MAX,
  type RangeBounds,
  type RoleStore,
  type StoredRecord,
  type StoreTransaction,
  VALUE_BYTES_MAX,
} from './store.ts';

/** Bytes of keys and values that gather while a group is flushed. Beyond: `store_busy`. */
export const GATHERING_BYTES_MAX = 64 * 1024 * 1024;

type Layer = Map<Place, Uint8Array | undefined>;

interface Member {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Group {
  readonly changes: Layer;
  readonly members: Member[];
  bytes: number;
}

const newGroup = (): Group => ({ changes: new Map(), members: [], bytes: 0 });

export interface GroupStoreOptions {
  /** Runs something when what has come in this turn has been taken in: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
  /** Called once, when it is unknown what was written: nothing will be any more before the store is opened anew. */
  readonly failed?: ((error: StoreError) => void) | undefined;
}

export class GroupStore implements RoleStore {
  readonly #backend: StoreBackend;
  readonly #afterTurn: (run: () => void) => void;
  readonly #failed: ((error: StoreError) => void) | undefined;
  readonly #remembered: Remembered<unknown>[] = [];
  #gathering = newGroup();
  #flushing: Group | undefined;
  #isScheduled = false;
  #failure: StoreError | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  constructor(backend: StoreBackend, { afterTurn = setImmediate, failed }: GroupStoreOptions = {}) {
    this.#backend = backend;
    this.#afterTurn = afterTurn;
    this.#failed = failed;
  }

  get failure(): StoreError | undefined {
    return this.#failure;
  }

  get(table: string, key: Key): Uint8Array | undefined {
    this.#expectOpen();
    return this.#backend.get(place(table, key));
  }

  range(table: string, bounds: RangeBounds): StoredRecord[] {
    this.#expectOpen();
    return this.#range(table, bounds, []);
  }

  remember<Value>(
    table: string,
    decode: (stored: Uint8Array) => Value,
    valuesMax: number,
  ): (key: Key) => Value | undefined {
    const remembered = new Remembered((at) => {
      const stored = this.#backend.get(at);
      return stored && decode(stored);
    }, valuesMax);
    this.#remembered.push(remembered);
    return (key) => {
      this.#expectOpen();
      return remembered.get(place(table, key));
    };
  }

  transaction<T>(run: (tx: StoreTransaction) => T): Promise<T> {
    const refusal = this.#failure ?? this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const own: Layer = new Map();
    let result: T;
    let isOver = false;
    const check = (): void => {
      if (isOver)
        throw new StoreError('store_misuse', 'transaction: expected its end after its last read or write');
    };
    const layers = [own, this.#gathering.changes];
    if (this.#flushing !== undefined) layers.push(this.#flushing.changes);
    try {
      result = run({
        get: (table, key) => {
          check();
          return this.#get(place(table, key), layers);
        },
        range: (table, bounds) => {
          check();
          return this.#range(table, bounds, layers);
        },
        put: (table, key, value) => {
          check();
          if (value.length > VALUE_BYTES_MAX) {
            throw new RangeError(`${table}: expected at most ${VALUE_BYTES_MAX} bytes, got ${value.length}`);
          }
          own.set(place(table, key), new Uint8Array(value));
        },
        remove: (table, key) => {
          check();
          own.set(place(table, key), undefined);
        },
      });
    } catch (error) {
      return Promise.reject(error);
    } finally {
      isOver = true;
    }
    if (result instanceof Promise) {
      return Promise.reject(
        new StoreError('store_misuse', 'transaction: expected a synchronous function, got a promise'),
      );
    }
    return this.#join(own, result);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#isBusy) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#backend.close();
  }

  get #isBusy(): boolean {
    return this.#flushing !== undefined || this.#gathering.members.length > 0;
  }

  #refusal(): StoreError | undefined {
    if (this.#closing !== undefined) return closed();
    if (this.#gathering.bytes < GATHERING_BYTES_MAX) return undefined;
    return new StoreError(
      'store_busy',
      `expected less than ${GATHERING_BYTES_MAX} bytes to wait for the disk`,
    );
  }

  #expectOpen(): void {
    if (this.#closing !== undefined) throw closed();
  }

  /** Also for a transaction that has written nothing: what it has read may not be flushed yet. */
  #join<T>(own: Layer, result: T): Promise<T> {
    if (own.size === 0 && !this.#isBusy) return Promise.resolve(result);
    const { changes, members } = this.#gathering;
    for (const [at, value] of own) {
      changes.set(at, value);
      this.#gathering.bytes += at.length + (value?.length ?? 0);
    }
    return new Promise<T>((resolve, reject) => {
      members.push({ resolve: () => resolve(result), reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#flushing !== undefined || this.#gathering.members.length === 0) return;
    this.#isScheduled = true;
    this.#afterTurn(() => {
      this.#isScheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const group = this.#gathering;
    this.#gathering = newGroup();
    this.#flushing = group;
    try {
      if (group.changes.size > 0) await this.#backend.write(group.changes);
      for (const remembered of this.#remembered) remembered.forget(group.changes.keys());
      this.#flushing = undefined;
      for (const { resolve } of group.members) resolve();
    } catch (error) {
      this.#fail(group, error as StoreError);
    }
    this.#schedule();
    if (!this.#isBusy) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(group: Group, error: StoreError): void {
    const later = this.#gathering;
    this.#gathering = newGroup();
    this.#flushing = undefined;
    for (const remembered of this.#remembered) remembered.clear();
    if (error.code === 'store_unknown' && this.#failure === undefined) {
      this.#failure = error;
      this.#failed?.(error);
    }
    for (const { reject } of [...group.members, ...later.members]) reject(error);
  }

  #get(at: Place, layers: readonly Layer[]): Uint8Array | undefined {
    for (const layer of layers) if (layer.has(at)) return layer.get(at);
    return this.#backend.get(at);
  }

  #range(table: string, { from, to, limit }: RangeBounds, layers: readonly Layer[]): StoredRecord[] {
    if (!Number.isInteger(limit) || limit < 1 || limit > RANGE_MAX) {
      throw new RangeError(`range of ${table}: expected a limit from 1 to ${RANGE_MAX}, got ${limit}`);
    }
    const [first, end] = tableBounds(table);
    const low = from === undefined ? first : place(table, from);
    const high = to === undefined ? end : place(table, to);
    if (low >= high) return [];
    const unflushed = new Map<Place, Uint8Array | undefined>();
    for (const layer of layers.toReversed()) {
      for (const [at, value] of layer) if (at >= low && at < high) unflushed.set(at, value);
    }
    // Each unflushed record may take the place of a stored one.
    const found = this.#backend
      .range(low, high, limit + unflushed.size)
      .filter(({ at }) => !unflushed.has(at));
    for (const [at, value] of unflushed) if (value !== undefined) found.push({ at, value });
    if (unflushed.size > 0) found.sort((a, b) => (a.at < b.at ? -1 : 1));
    return found.slice(0, limit).map(({ at, value }) => ({ key: splitPlace(at).key, value }));
  }
}

const closed = (): StoreError => new StoreError('store_closed', 'expected an open store');
