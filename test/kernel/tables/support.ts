// Compiles the storage primitives into a module of their own and opens it over a shared memory, as the engine does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROW_BYTES = 160;
export const PAGE_ROWS_COUNT = 25;
export const PAGE_BYTES = ROW_BYTES * PAGE_ROWS_COUNT;
export const IMAGE_BYTES = 4064;
export const IMAGE_HEADER_BYTES = 64;
export const ACCOUNTS = 0;
export const PENDING = 1;
export const DEVICES = 2;
export const GLOBALS_BYTES = 88;
export const TAIL_REF = 128;
export const TAIL_EXPIRES_AT = 136;
export const TAIL_LINK = 144;
export const TAIL_IN_USE = 148;

interface TableExports {
  allocate(bytes: number): number;
  globals(): number;
  initialiseTables(seedLo: bigint, seedHi: bigint): number;
  accountRow(slot: number): number;
  accountTouch(slot: number): void;
  accountsReserve(extra: number): number;
  accountAppend(): number;
  accountTruncate(count: bigint): void;
  pendingRow(slot: number): number;
  pendingTouch(slot: number): void;
  pendingReserve(extra: number): number;
  pendingAllocate(): number;
  pendingFree(slot: number): void;
  deviceFind(accountSlot: number): number;
  deviceOf(accountSlot: number): number;
  deviceRow(slot: number): number;
  devicesReserve(extra: number): number;
  accountFind(lo: bigint, hi: bigint): number;
  accountFindMany(ids: number, stride: number, count: number, out: number): void;
  accountInsert(lo: bigint, hi: bigint, slot: number): void;
  accountRemove(lo: bigint, hi: bigint): void;
  accountIndexReserve(extra: number): number;
  accountsStashed(): number;
  pendingFind(lo: bigint, hi: bigint): number;
  pendingInsert(lo: bigint, hi: bigint, slot: number): void;
  pendingRemove(lo: bigint, hi: bigint): void;
  pendingIndexReserve(extra: number): number;
  expiryInsert(slot: number): void;
  expiryRemove(slot: number): void;
  expiryPeek(): number;
  expiryReserve(extra: number): number;
  nextExpiry(): bigint;
  expiriesDue(timestamp: bigint, max: number): number;
  initialiseSnapshots(arenaPages: number, savedRows: number): number;
  savedRoom(): number;
  snapshotBegin(): number;
  snapshotFill(max: number): number;
  snapshotDue(): number;
  snapshotDirty(): number;
  arenaAddress(): number;
  arenaCount(): number;
  arenaRoom(): number;
  arenaSwap(): void;
  pageAddress(table: number, page: number): number;
  pageCount(table: number): number;
  pageLoad(table: number, page: number, rows: number): void;
  loadFinish(): void;
}

let compiled: WebAssembly.Module | undefined;

function compile(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const root = resolve(import.meta.dirname, '../../..');
  const folder = mkdtempSync(join(tmpdir(), 'specie-tables-'));
  try {
    const file = join(folder, 'tables.wasm');
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        'node_modules/assemblyscript/bin/asc.js',
        'assembly/ledger/tables-test.ts',
        '--config',
        'asconfig.json',
        '--outFile',
        file,
      ],
      { cwd: root, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`tables-test.ts: expected it to compile, got\n${stderr}`);
    compiled = new WebAssembly.Module(readFileSync(file));
    return compiled;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a failed assertion of the kernel becomes. */
export class TablesAbort extends Error {}

export interface TablesOptions {
  seedLo?: bigint;
  seedHi?: bigint;
  /** In pages of 64 KiB. */
  memoryMax?: number;
}

/** An engine's tables, empty, over a memory of their own. */
export class Tables {
  readonly memory: WebAssembly.Memory;
  readonly calls: TableExports;
  #view: DataView;

  constructor(options: TablesOptions = {}) {
    const maximum = options.memoryMax ?? 65_536;
    this.memory = new WebAssembly.Memory({ initial: Math.min(64, maximum), maximum, shared: true });
    this.#view = new DataView(this.memory.buffer);
    const abort = (message: number) => {
      throw new TablesAbort(this.#text(message));
    };
    const instance = new WebAssembly.Instance(compile(), { env: { memory: this.memory, abort } });
    this.calls = instance.exports as unknown as TableExports;
    if (this.calls.initialiseTables(options.seedLo ?? 1n, options.seedHi ?? 2n) === 0) {
      throw new RangeError('memoryMax: expected room for empty tables, got less');
    }
  }

  /** A view over all memory as it is now. */
  get view(): DataView {
    if (this.#view.buffer !== this.memory.buffer) this.#view = new DataView(this.memory.buffer);
    return this.#view;
  }

  #text(address: number): string {
    const length = this.view.getUint32(address - 4, true) / 2;
    return String.fromCharCode(
      ...Array.from({ length }, (_, i) => this.view.getUint16(address + 2 * i, true)),
    );
  }

  bytes(address: number, length: number): Buffer {
    return Buffer.from(new Uint8Array(this.memory.buffer, address >>> 0, length));
  }

  rowAddress(table: number, slot: number): number {
    return (table === ACCOUNTS ? this.calls.accountRow(slot) : this.calls.pendingRow(slot)) >>> 0;
  }

  writeId(table: number, slot: number, id: bigint): void {
    const row = this.rowAddress(table, slot);
    this.view.setBigUint64(row, BigInt.asUintN(64, id), true);
    this.view.setBigUint64(row + 8, id >> 64n, true);
  }

  pageBytes(table: number, page: number): Buffer {
    return this.bytes(this.calls.pageAddress(table, page), PAGE_BYTES);
  }

  globalsBytes(): Buffer {
    return this.bytes(this.calls.globals(), GLOBALS_BYTES);
  }

  fillRow(table: number, slot: number, byte: number): void {
    new Uint8Array(this.memory.buffer, this.rowAddress(table, slot), ROW_BYTES).fill(byte);
  }

  /** A row that no index knows, for tests of the table alone. */
  addAccountRow(byte: number): void {
    this.fillRow(ACCOUNTS, this.calls.accountAppend(), byte);
  }

  addAccount(id: bigint): number {
    const slot = this.calls.accountAppend();
    this.writeId(ACCOUNTS, slot, id);
    this.calls.accountInsert(low(id), high(id), slot);
    return slot;
  }

  addPending(id: bigint, ref: bigint, expiresAt: bigint): number {
    const slot = this.calls.pendingAllocate();
    this.writeId(PENDING, slot, id);
    const row = this.rowAddress(PENDING, slot);
    this.view.setBigUint64(row + TAIL_REF, ref, true);
    this.view.setBigUint64(row + TAIL_EXPIRES_AT, expiresAt, true);
    this.calls.pendingInsert(low(id), high(id), slot);
    this.calls.expiryInsert(slot);
    return slot;
  }

  removePending(id: bigint): void {
    const slot = this.calls.pendingFind(low(id), high(id));
    if (slot < 0) throw new RangeError(`id: expected an open pending transfer, got ${id}`);
    this.calls.expiryRemove(slot);
    this.calls.pendingRemove(low(id), high(id));
    this.calls.pendingFree(slot);
  }

  findAccount(id: bigint): number {
    return this.calls.accountFind(low(id), high(id));
  }

  findPending(id: bigint): number {
    return this.calls.pendingFind(low(id), high(id));
  }

  /** Room for that many further accounts and pending transfers. */
  reserve(extra: number): boolean {
    const { calls } = this;
    return (
      calls.accountsReserve(extra) !== 0 &&
      calls.accountIndexReserve(extra) !== 0 &&
      calls.pendingReserve(extra) !== 0 &&
      calls.pendingIndexReserve(extra) !== 0 &&
      calls.expiryReserve(extra) !== 0 &&
      calls.devicesReserve(extra) !== 0
    );
  }
}

export function low(id: bigint): bigint {
  return BigInt.asUintN(64, id);
}

export function high(id: bigint): bigint {
  return id >> 64n;
}

/** Seed whose first hash key is `key`: the inverse of the generator that makes keys from seeds. */
export function seedOfKey(key: bigint): bigint {
  const u64 = (value: bigint) => BigInt.asUintN(64, value);
  const unshift = (value: bigint, by: bigint) => {
    let z = value;
    for (let known = by; known < 64n; known += by) z = value ^ (z >> by);
    return z;
  };
  let z = unshift(u64(key), 31n);
  z = unshift(u64(z * inverse(0x94d049bb133111ebn)), 27n);
  z = unshift(u64(z * inverse(0xbf58476d1ce4e5b9n)), 30n);
  return u64(z - 0x9e3779b97f4a7c15n);
}

// Newton's iteration modulo 2^64; each step doubles the number of right bits.
function inverse(odd: bigint): bigint {
  let x = odd;
  for (let i = 0; i < 6; i += 1) x = BigInt.asUintN(64, x * (2n - odd * x));
  return x;
}
