import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACCOUNTS,
  DEVICES,
  GLOBALS_BYTES,
  IMAGE_BYTES,
  IMAGE_HEADER_BYTES,
  PAGE_ROWS_COUNT,
  PENDING,
  Tables,
  TablesAbort,
} from './support.ts';

const TABLES = [ACCOUNTS, PENDING, DEVICES];

interface Step {
  what: number;
  pick: number;
  amount: number;
}

/** Plays the host: mutates, collects images, keeps them as a store does, and remembers how things were at the begin. */
class Host {
  readonly tables: Tables;
  /** Completed snapshots: `table:page` to its 25 rows. */
  readonly stored = new Map<string, Buffer>();
  storedGlobals: Buffer = Buffer.alloc(GLOBALS_BYTES);
  readonly accounts: bigint[] = [];
  readonly pending: bigint[] = [];
  #serial = 1n;
  #collected = new Map<string, Buffer>();
  #expected = new Map<string, Buffer>();
  #begun = false;
  readonly #savedRows: number;
  #globalsAtBegin: Buffer = Buffer.alloc(GLOBALS_BYTES);
  /** Accounts that a rollback may still take off: none from before the last snapshot began. */
  #keep = 0;

  constructor(arenaPages: number, savedRows = 30) {
    this.tables = new Tables();
    this.#savedRows = savedRows;
    expect(this.tables.calls.initialiseSnapshots(arenaPages, savedRows)).toBe(1);
    expect(this.tables.calls.savedRoom()).toBe(savedRows);
  }

  pages(): Map<string, Buffer> {
    const all = new Map<string, Buffer>();
    for (const table of TABLES) {
      const count = this.tables.calls.pageCount(table);
      for (let page = 0; page < count; page += 1)
        all.set(`${table}:${page}`, this.tables.pageBytes(table, page));
    }
    return all;
  }

  step({ what, pick, amount }: Step): void {
    const { calls } = this.tables;
    if (what === 0) this.#begin();
    else if (what === 1) this.#fill(amount % 7);
    else if (what === 2) this.#collect();
    else if (what <= 5) this.#addAccounts(amount % 60, pick % 3 === 0);
    else if (what <= 8 && this.accounts.length > 0) {
      const slot = pick % this.accounts.length;
      this.#room(1);
      calls.accountTouch(slot);
      this.tables.view.setUint32(this.tables.rowAddress(ACCOUNTS, slot) + 16 + (amount % 36) * 4, pick, true);
    } else if (what <= 11 && this.accounts.length > 0) {
      const accounts = this.accounts.length;
      for (let i = 0; i <= amount % 40; i += 1) {
        this.#room(1);
        this.tables.reserve(1);
        // A row's first word says whose it is; the others are free to change.
        const row = calls.deviceOf((pick + i * 7) % accounts) >>> 0;
        this.tables.view.setUint32(row + 8 + (amount % 38) * 4, pick, true);
      }
    } else if (what <= 13 || this.pending.length === 0) {
      for (let i = 0; i <= amount % 40; i += 1) {
        this.#room(1);
        this.tables.reserve(1);
        const id = this.#serial++;
        this.tables.addPending(id, id, BigInt(amount % 5));
        this.pending.push(id);
      }
    } else {
      for (let i = 0; i <= amount % 40 && this.pending.length > 0; i += 1) {
        this.#room(1);
        const [id] = this.pending.splice(pick % this.pending.length, 1) as [bigint];
        this.tables.removePending(id);
      }
    }
  }

  #addAccounts(count: number, rollBack: boolean): void {
    const { calls } = this.tables;
    const before = this.accounts.length;
    for (let i = 0; i < count; i += 1) {
      this.#room(1);
      this.tables.reserve(1);
      this.accounts.push(this.#serial);
      this.tables.addAccount(this.#serial++);
    }
    if (!rollBack) return;
    // What is taken off was saved when it was appended, if its page was due.
    const keep = Math.max(before, this.#keep);
    for (const id of this.accounts.splice(keep)) calls.accountRemove(id, 0n);
    calls.accountTruncate(BigInt(keep));
  }

  /** Rows can be saved only as long as there is room: pages that are copied give theirs back. */
  #room(rows: number): void {
    const { calls } = this.tables;
    while (calls.snapshotDue() > 0 && calls.savedRoom() < rows) {
      if (calls.arenaRoom() === 0) this.#collect();
      this.#fill(1);
    }
  }

  #begin(): void {
    this.finish();
    const { calls } = this.tables;
    const now = this.pages();
    this.#expected = now;
    this.#globalsAtBegin = this.tables.globalsBytes();
    const due = calls.snapshotBegin();
    this.#begun = true;
    this.#keep = this.accounts.length;
    expect(due).toBe(calls.snapshotDue());
    expect(calls.snapshotDirty()).toBe(0);
    // Pages that are not due must be in the store as they are.
    expect(due).toBeGreaterThanOrEqual(
      [...now].filter(([key, rows]) => !this.stored.get(key)?.equals(rows)).length,
    );
  }

  #fill(max: number): void {
    const { calls } = this.tables;
    const due = calls.snapshotDue();
    const room = calls.arenaRoom();
    expect(calls.snapshotFill(max)).toBe(due - Math.min(due, room, max));
  }

  #collect(): void {
    const { calls } = this.tables;
    const count = calls.arenaCount();
    for (let i = 0; i < count; i += 1) {
      const image = this.tables.bytes(calls.arenaAddress() + i * IMAGE_BYTES, IMAGE_BYTES);
      const key = `${image.readUInt32LE(0)}:${image.readUInt32LE(4)}`;
      expect(image.subarray(8, IMAGE_HEADER_BYTES).every((byte) => byte === 0)).toBe(true);
      expect(this.#collected.has(key), `${key} twice`).toBe(false);
      const rows = image.subarray(IMAGE_HEADER_BYTES);
      expect(rows.equals(this.#expected.get(key)!), `${key} as at the begin`).toBe(true);
      this.#collected.set(key, rows);
    }
    calls.arenaSwap();
    expect(calls.arenaCount()).toBe(0);
  }

  /** Completes the snapshot under way; the store then equals the state at its begin. */
  finish(): void {
    if (!this.#begun) return;
    while (this.tables.calls.snapshotFill(3) > 0) if (this.tables.calls.arenaRoom() === 0) this.#collect();
    this.#collect();
    for (const [key, rows] of this.#collected) this.stored.set(key, rows);
    this.#collected = new Map();
    expect(this.tables.calls.savedRoom()).toBe(this.#savedRows);
    this.storedGlobals = this.#globalsAtBegin;
    this.#begun = false;
    expect([...this.stored.keys()].sort()).toEqual([...this.#expected.keys()].sort());
    for (const [key, rows] of this.#expected) expect(this.stored.get(key)!.equals(rows), key).toBe(true);
  }

  /** Another engine, from what is stored. */
  restored(seedLo: bigint): Tables {
    const tables = new Tables({ seedLo });
    new Uint8Array(tables.memory.buffer).set(this.storedGlobals, tables.calls.globals());
    const scratch = tables.calls.allocate(IMAGE_BYTES);
    for (const [key, rows] of this.stored) {
      const [table, page] = key.split(':').map(Number) as [number, number];
      new Uint8Array(tables.memory.buffer).set(rows, scratch);
      tables.calls.pageLoad(table, page, scratch);
    }
    tables.calls.loadFinish();
    return tables;
  }
}

const stepArb = fc.record({ what: fc.nat({ max: 16 }), pick: fc.nat(), amount: fc.nat() });

describe('snapshots', () => {
  test('a store fed with images equals the state at each begin, whatever changes meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(stepArb, { maxLength: 120 }),
        (arena, savedRows, steps) => {
          const host = new Host(arena, savedRows);
          for (const step of steps) host.step(step);
          host.finish();
        },
      ),
      { numRuns: 150 },
    );
  });

  test('an engine restored from it goes on exactly as the first one does', () => {
    fc.assert(
      fc.property(
        fc.array(stepArb, { minLength: 20, maxLength: 80 }),
        fc.array(stepArb, { maxLength: 40 }),
        (steps, more) => {
          const host = new Host(50);
          for (const step of steps) host.step(step);
          host.step({ what: 0, pick: 0, amount: 0 });
          host.finish();
          const first = host.tables;
          const second = host.restored(99n);
          const compare = () => {
            expect(second.globalsBytes()).toEqual(first.globalsBytes());
            for (const table of TABLES) {
              for (let page = 0; page < first.calls.pageCount(table); page += 1) {
                expect(second.pageBytes(table, page).equals(first.pageBytes(table, page))).toBe(true);
              }
            }
            const found = (tables: Tables) => ({
              accounts: host.accounts.map((id) => tables.findAccount(id)),
              devices: host.accounts.map((_, slot) => tables.calls.deviceFind(slot)),
              pending: host.pending.map((id) => tables.findPending(id)),
            });
            expect(found(second)).toEqual(found(first));
            expect(found(second).accounts).toEqual(host.accounts.map((_, slot) => slot));
            expect(second.calls.expiryPeek()).toBe(first.calls.expiryPeek());
          };
          compare();
          expect(second.calls.snapshotDirty()).toBe(0);
          let serial = 1_000_000n;
          for (const { what, pick, amount } of more) {
            const id = serial++;
            const gone = what % 3 === 2 && host.pending.length > 0;
            const [old] = gone ? host.pending.splice(pick % host.pending.length, 1) : [];
            for (const tables of [first, second]) {
              tables.reserve(1);
              if (old !== undefined) tables.removePending(old);
              else if (what % 3 === 1) {
                const slot = tables.addAccount(id);
                tables.reserve(1);
                tables.calls.deviceOf(slot);
              } else tables.addPending(id, id, BigInt(amount % 5));
            }
            if (old === undefined) (what % 3 === 1 ? host.accounts : host.pending).push(id);
          }
          compare();
          while (first.calls.expiryPeek() >= 0) {
            const slot = first.calls.expiryPeek();
            expect(second.calls.expiryPeek()).toBe(slot);
            first.calls.expiryRemove(slot);
            second.calls.expiryRemove(slot);
          }
          expect(second.calls.expiryPeek()).toBe(-1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('filling takes no more than the arena has room for', () => {
    const host = new Host(4);
    const { tables } = host;
    tables.reserve(250);
    for (let i = 0; i < 250; i += 1) tables.addAccount(BigInt(i + 1));
    expect(tables.calls.snapshotBegin()).toBe(10);
    expect(tables.calls.snapshotFill(100)).toBe(6);
    expect(tables.calls.arenaRoom()).toBe(0);
    expect(tables.calls.snapshotFill(100)).toBe(6);
    tables.calls.arenaSwap();
    expect(tables.calls.snapshotFill(3)).toBe(3);
    tables.calls.arenaSwap();
    expect(tables.calls.snapshotFill(3)).toBe(0);
  });

  test('stops rather than lose a row', () => {
    const host = new Host(1, 2);
    const { tables } = host;
    tables.reserve(100);
    for (let i = 0; i < 100; i += 1) tables.addAccount(BigInt(i + 1));
    tables.calls.snapshotBegin();
    expect(() => tables.calls.snapshotBegin()).toThrow(TablesAbort);
    tables.calls.accountTouch(0);
    tables.calls.accountTouch(24);
    tables.calls.accountTouch(0);
    expect(tables.calls.savedRoom()).toBe(0);
    expect(() => tables.calls.accountTouch(25)).toThrow(/expected room for a saved row/);
  });

  test('refuses arenas that do not fit', () => {
    expect(new Tables({ memoryMax: 500 }).calls.initialiseSnapshots(5000, 10)).toBe(0);
    expect(new Tables({ memoryMax: 500 }).calls.initialiseSnapshots(10, 200_000)).toBe(0);
    expect(new Tables().calls.initialiseSnapshots(0, 10)).toBe(0);
    expect(new Tables().calls.initialiseSnapshots(10, 0)).toBe(0);
    expect(new Tables().calls.initialiseSnapshots(0xffff_ffff, 10)).toBe(0);
    expect(new Tables().calls.initialiseSnapshots(10, 0xffff_ffff)).toBe(0);
  });
});

describe('restoring', () => {
  function stored(): Host {
    const host = new Host(50);
    host.tables.reserve(100);
    for (let i = 0; i < 60; i += 1) host.tables.addPending(BigInt(i + 1), BigInt(i), 5n);
    for (let i = 0; i < 10; i += 1) host.tables.removePending(BigInt(i * 3 + 1));
    host.step({ what: 0, pick: 0, amount: 0 });
    host.finish();
    host.restored(1n);
    return host;
  }

  test.each([
    ['fewer open pending transfers than counted', 48, 51n, /as many open pending transfers/],
    ['a free list that ends early', 64, 0n, /free row in the list/],
    ['a free list that leads to a row in use', 64, 2n, /free row, got one in use/],
    ['a free list that leads beyond the table', 64, 1000n, /free row in the list/],
  ])('stops at %s', (_, offset, value, message) => {
    const host = stored();
    host.storedGlobals.writeBigUInt64LE(value, offset);
    expect(() => host.restored(1n)).toThrow(message);
  });

  test('stops at a device of no account, and at two of one', () => {
    const host = new Host(50);
    for (let i = 0; i < 3; i += 1) {
      host.tables.reserve(1);
      host.tables.addAccount(BigInt(i + 1));
      host.tables.reserve(1);
      host.tables.calls.deviceOf(i);
    }
    host.step({ what: 0, pick: 0, amount: 0 });
    host.finish();
    expect(host.restored(1n).calls.deviceFind(2)).toBe(2);
    const rows = host.stored.get(`${DEVICES}:0`)!;
    rows.writeUInt32LE(3, 160);
    expect(() => host.restored(1n)).toThrow(/device of an account that exists/);
    rows.writeUInt32LE(2, 160);
    expect(() => host.restored(1n)).toThrow(/one row an account, got two/);
  });

  test('stops at a page that Globals does not count', () => {
    const host = stored();
    host.stored.set(`${PENDING}:3`, Buffer.alloc(4000));
    expect(() => host.restored(1n)).toThrow(/beyond/);
  });

  test('half a million accounts are all found again', () => {
    const count = 500_000;
    const tables = new Tables({ seedLo: 7n });
    tables.view.setBigUint64(tables.calls.globals() + 32, BigInt(count), true);
    const rows = Buffer.alloc(4000);
    const scratch = tables.calls.allocate(4000);
    const id = (slot: number) => BigInt(slot + 1) * 0x9e3779b97f4a7c15n;
    for (let page = 0; page < count / PAGE_ROWS_COUNT; page += 1) {
      for (let i = 0; i < PAGE_ROWS_COUNT; i += 1) {
        const value = id(page * PAGE_ROWS_COUNT + i);
        rows.writeBigUInt64LE(BigInt.asUintN(64, value), i * 160);
        rows.writeBigUInt64LE(value >> 64n, i * 160 + 8);
      }
      new Uint8Array(tables.memory.buffer).set(rows, scratch);
      tables.calls.pageLoad(ACCOUNTS, page, scratch);
    }
    tables.calls.loadFinish();
    for (let slot = 0; slot < count; slot += 1) {
      if (tables.findAccount(id(slot)) !== slot) expect.fail(`slot ${slot} is not found`);
    }
    expect(tables.findAccount(id(count))).toBe(-1);
  });
});
