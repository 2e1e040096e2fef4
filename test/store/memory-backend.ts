// A store in memory, for simulations: its disk outlives a crash, what was not flushed does not.
//
//     const disk = new MemoryDisk();
//     let store = memoryRoleStore(disk);
//     disk.crash();                        // a write under way is lost; the store does nothing any more
//     store = memoryRoleStore(disk);       // as after a restart
import type { Changes, PlacedRecord, StoreBackend } from '../../src/store/backend.ts';
import { StoreError } from '../../src/store/errors.ts';
import { GroupStore, type GroupStoreOptions } from '../../src/store/group-store.ts';
import type { Place } from '../../src/store/key.ts';
import type { RoleStore } from '../../src/store/store.ts';

export interface MemoryDiskOptions {
  /** How a flush takes its time; `done` makes it durable. At the end of the turn when left out. */
  readonly flush?: (done: () => void) => void;
}

export class MemoryDisk {
  readonly records = new Map<Place, Uint8Array>();
  readonly flush: (done: () => void) => void;
  /** Counts crashes: a backend of an earlier life is dead. */
  life = 0;
  isFull = false;
  /** The next write ends without anyone knowing whether it has reached the disk. */
  isLost = false;
  flushes = 0;
  /** What is being flushed. */
  pending: Changes | undefined;

  constructor({ flush = (done) => void setImmediate(done) }: MemoryDiskOptions = {}) {
    this.flush = flush;
  }

  /** Every store of this disk is dead. @param isFlushed what was being flushed has reached the disk all the same */
  crash(isFlushed = false): void {
    this.life++;
    if (isFlushed && this.pending !== undefined) this.apply(this.pending);
    this.pending = undefined;
  }

  apply(changes: Changes): void {
    this.flushes++;
    this.pending = undefined;
    for (const [at, value] of changes) {
      if (value === undefined) this.records.delete(at);
      else this.records.set(at, value);
    }
  }
}

class MemoryBackend implements StoreBackend {
  readonly #disk: MemoryDisk;
  readonly #life: number;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    this.#life = disk.life;
  }

  get(at: Place): Uint8Array | undefined {
    return this.#disk.records.get(at);
  }

  range(from: Place, to: Place, limit: number): PlacedRecord[] {
    return [...this.#disk.records]
      .filter(([at]) => at >= from && at < to)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([at, value]) => ({ at, value }));
  }

  /** Never settles when the process dies before it is durable. */
  write(changes: Changes): Promise<void> {
    const disk = this.#disk;
    // A dead process writes nothing.
    if (disk.life !== this.#life) return new Promise(() => {});
    disk.pending = changes;
    return new Promise((resolve, reject) => {
      disk.flush(() => {
        if (disk.life !== this.#life) return;
        if (disk.isLost) {
          reject(new StoreError('store_unknown', 'the write thread has died'));
          return;
        }
        if (disk.isFull) {
          disk.pending = undefined;
          reject(new StoreError('store_full', 'the disk is full'));
          return;
        }
        disk.apply(changes);
        resolve();
      });
    });
  }

  async close(): Promise<void> {}
}

export function memoryRoleStore(disk = new MemoryDisk(), options: GroupStoreOptions = {}): RoleStore {
  return new GroupStore(new MemoryBackend(disk), options);
}
