// A storage that forgets nothing, unless told to crash: then every call fails, before or after what it should do.
import type { Put, StoredRecord, WalletStorage } from '../../src/wallet/core/ports.ts';

export class Crash extends Error {
  override readonly name = 'Crash';
}

/** What is on the disk. Several storages, one after the other, may be opened on it. */
export type Disk = Map<string, Uint8Array>;

export class MemoryStorage implements WalletStorage {
  readonly disk: Disk;
  writes = 0;
  /** Asked before each write with its number, from 1: whether to crash before it, after it, or not. */
  crashAt: (write: number) => 'before' | 'after' | undefined = () => undefined;
  #crashed = false;

  constructor(disk: Disk = new Map()) {
    this.disk = disk;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    this.#alive();
    const value = this.disk.get(key);
    return value && Uint8Array.from(value);
  }

  async list(prefix: string): Promise<readonly StoredRecord[]> {
    this.#alive();
    return [...this.disk]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value: Uint8Array.from(value) }));
  }

  async write(batch: readonly Put[]): Promise<void> {
    this.#alive();
    this.writes += 1;
    const crash = this.crashAt(this.writes);
    if (crash !== 'before') {
      for (const { key, value } of batch) {
        if (value === undefined) this.disk.delete(key);
        else this.disk.set(key, Uint8Array.from(value));
      }
    }
    if (crash !== undefined) this.#crashed = true;
    this.#alive();
  }

  /** From now on nothing works any more. */
  crash(): void {
    this.#crashed = true;
  }

  #alive(): void {
    if (this.#crashed) throw new Crash('crashed');
  }
}
