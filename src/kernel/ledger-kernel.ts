// The ledger kernel: loads build/ledger.wasm into shared memory and makes its calls typed.
//
//     host (this thread) ── execute ──▶ kernel ── readRecord, loadRun, readRunPage, transferAt ──▶ host
//                │                        │
//                └──── views ─────▶ shared memory ◀──── views ──── journal and store threads
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  BATCH_RECORDS_MAX,
  CreateResultLayout,
  GlobalsLayout,
  OP_MAX as LAYOUT_OP_MAX,
  PAGE_ROWS,
  ROW_SIZE,
  SLOT_RESULTS_OFFSET,
  SLOT_SIZE,
  Table,
} from '../layout/generated.ts';
import { U64_MAX } from '../shared/bytes.ts';
import type { KernelHost, LedgerExports } from './exports.ts';
import { KernelAbort } from './kernel-abort.ts';

export type { KernelHost } from './exports.ts';
export { KernelAbort } from './kernel-abort.ts';

/** WebAssembly pages (64 KiB): what asconfig.json imports. */
const MEMORY_PAGES_INITIAL = 64;
const MEMORY_PAGES_MAX = 65_536;

const OP_MAX = Number(LAYOUT_OP_MAX);

/** A sorted run of the index of transfer ids, as the kernel has to know it. Ids are inclusive bounds. */
export interface RunRange {
  readonly id: number;
  readonly entries: number;
  readonly minId: bigint;
  readonly maxId: bigint;
}

export interface KernelOptions {
  readonly host: KernelHost;
  /** Shared memory to live in; made when left out. */
  readonly memory?: WebAssembly.Memory;
  /** Keys of the hash tables in memory, 128 bits; random when left out. No result depends on them. */
  readonly seed?: bigint;
  /** Page images that each of the two snapshot arenas holds; 0: no snapshots can be taken. */
  readonly arenaPages?: number;
  /** Rows that can be saved while a snapshot is under way. */
  readonly savedRows?: number;
}

/** Of a full batch, with room to spare. */
const SAVED_ROWS_DEFAULT = 4 * BATCH_RECORDS_MAX;

/** Version 0.3.0 stored Globals without its last two fields, which are zero where there are no payment orders. */
const GLOBALS_SIZE_0_3 = GlobalsLayout.deviceCount;

/** Globals as this version has them, from a checkpoint that this version or the one before it wrote. */
export function wholeGlobals(stored: Uint8Array): Uint8Array {
  if (stored.length === GlobalsLayout.size) return stored;
  if (stored.length !== GLOBALS_SIZE_0_3) {
    throw new RangeError(`expected ${GlobalsLayout.size} bytes of globals, got ${stored.length}`);
  }
  const whole = new Uint8Array(GlobalsLayout.size);
  whole.set(stored);
  return whole;
}

const MODULE_URL = new URL('../../build/ledger.wasm', import.meta.url);
let compiled: WebAssembly.Module | undefined;

export class LedgerKernel {
  readonly #exports: LedgerExports;
  readonly #memory: WebAssembly.Memory;
  #buffer: SharedArrayBuffer;
  #bytes: Uint8Array;
  #view: DataView;

  /** Loads the kernel with an empty ledger. Throws KernelAbort when there is too little memory. */
  static instantiate(options: KernelOptions): LedgerKernel {
    compiled ??= new WebAssembly.Module(readFileSync(MODULE_URL));
    return new LedgerKernel(compiled, options);
  }

  private constructor(
    module: WebAssembly.Module,
    { host, memory, seed, arenaPages = 0, savedRows = SAVED_ROWS_DEFAULT }: KernelOptions,
  ) {
    this.#memory =
      memory ??
      new WebAssembly.Memory({ initial: MEMORY_PAGES_INITIAL, maximum: MEMORY_PAGES_MAX, shared: true });
    this.#buffer = this.#memory.buffer as unknown as SharedArrayBuffer;
    this.#bytes = new Uint8Array(this.#buffer);
    this.#view = new DataView(this.#buffer);
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.#memory, abort: this.#abort.bind(this), seed: () => 0 },
      host: {
        readRecord: (ref: bigint, out: number) => host.readRecord(Number(ref), out >>> 0),
        transferAt: (timestamp: bigint) => (host.transferAt(timestamp) ? 1 : 0),
        loadRun: (runId: number) => host.loadRun(runId >>> 0),
        readRunPage: (runId: number, page: number, out: number) =>
          host.readRunPage(runId >>> 0, page >>> 0, out >>> 0),
      },
    });
    this.#exports = instance.exports as unknown as LedgerExports;
    const key = seed ?? randomBytes(16).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    this.#exports.initialise(key & U64_MAX, key >> 64n);
    if (arenaPages > 0 && this.#exports.initialiseSnapshots(arenaPages, savedRows) === 0) {
      throw new KernelAbort(`expected memory for ${arenaPages} page images, got none`, 'initialiseSnapshots');
    }
  }

  // ---- Memory. Views are for now: any call that may grow the memory makes them too short for what it allocated.

  /** The kernel's memory as it is now; post it to other threads again when something new was allocated. */
  get memory(): SharedArrayBuffer {
    // When shared memory grows, its buffer is replaced by a longer one over the same bytes.
    const buffer = this.#memory.buffer as unknown as SharedArrayBuffer;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    return this.#buffer;
  }

  /** Bytes of the memory at `address`, in place. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory, address, length);
  }

  /** The same as a DataView. */
  view(address: number, length: number): DataView {
    return new DataView(this.memory, address, length);
  }

  u32(address: number): number {
    if (address + 4 > this.#bytes.length) this.memory;
    return this.#view.getUint32(address, true);
  }

  u64(address: number): bigint {
    if (address + 8 > this.#bytes.length) this.memory;
    return this.#view.getBigUint64(address, true);
  }

  /** 64-byte aligned zeroed memory that is never given back. Throws RangeError when memory is exhausted. */
  allocate(bytes: number): number {
    const address = this.#exports.allocate(bytes) >>> 0;
    if (address === 0)
      throw new RangeError(`expected ${bytes} bytes of kernel memory, got none: it ends at 4 GiB`);
    return address;
  }

  /** Room for one full batch (assembly/layout/slot.ts). */
  allocateSlot(): number {
    return this.allocate(SLOT_SIZE);
  }

  // ---- Batches

  /** Makes room for a batch of `count` records; false: memory is exhausted, refuse it. */
  reserve(operation: number, count: number): boolean {
    return this.#exports.reserve(operation, count) !== 0;
  }

  /**
   * Executes the batch whose `count` events are in the slot; `reserve` came before. Returns the bytes of its effects.
   * `timestamp`: nanoseconds, that of the last record. With `replay` the slot also has the results of the first
   * execution. Throws KernelAbort.
   */
  execute(
    operation: number,
    op: number,
    timestamp: bigint,
    slot: number,
    count: number,
    replay = false,
  ): number {
    if (!Number.isInteger(op) || op < 1 || op > OP_MAX) {
      throw new RangeError(`expected an operation number from 1 to ${OP_MAX}, got ${op}`);
    }
    return this.#exports.execute(operation, BigInt(op), timestamp, slot, count, replay ? 1 : 0) >>> 0;
  }

  /** The results of the batch in the slot as they are answered: 16 bytes a record, without the engine's own field. */
  reply(slot: number, count: number): Uint8Array<ArrayBuffer> {
    const { size, effect } = CreateResultLayout;
    const body = new Uint8Array(count * size);
    body.set(this.bytes(slot + SLOT_RESULTS_OFFSET, count * size));
    const words = new Uint32Array(body.buffer);
    for (let i = effect >> 2; i < words.length; i += size >> 2) words[i] = 0;
    return body;
  }

  /** Pending transfers whose time is over at `timestamp`, counted up to `max`. */
  expiriesDue(timestamp: bigint, max: number): number {
    return this.#exports.expiriesDue(timestamp, max) >>> 0;
  }

  /** When the next pending transfer expires (nanoseconds); undefined: none does. */
  nextExpiry(): bigint | undefined {
    const expiry = BigInt.asUintN(64, this.#exports.nextExpiry());
    return expiry === U64_MAX ? undefined : expiry;
  }

  // ---- Accounts and transfers by id

  /** Copies the accounts of `count` ids (16 bytes each) that exist to `out` (128 bytes each); returns their number. */
  lookupAccounts(ids: number, count: number, out: number): number {
    return this.#exports.lookupAccounts(ids, count, out) >>> 0;
  }

  /** Row of the account (assembly/layout/row.ts), 160 bytes in place; undefined: there is none. */
  accountRow(id: bigint): DataView | undefined {
    const slot = this.#exports.accountSlot(id & U64_MAX, id >> 64n);
    return slot < 0 ? undefined : this.view(this.#exports.accountRow(slot) >>> 0, ROW_SIZE);
  }

  /** Row of the account that was created as number `slot`, from 0. */
  accountRowAt(slot: number): DataView {
    return this.view(this.#exports.accountRow(slot) >>> 0, ROW_SIZE);
  }

  pendingRow(slot: number): DataView {
    return this.view(this.#exports.pendingRow(slot) >>> 0, ROW_SIZE);
  }

  /** Row of what is known of the account's payment orders (assembly/layout/row.ts), in place; undefined: nothing is. */
  deviceRow(accountId: bigint): DataView | undefined {
    const slot = this.#exports.deviceSlot(accountId & U64_MAX, accountId >> 64n);
    return slot < 0 ? undefined : this.view(this.#exports.deviceRow(slot) >>> 0, ROW_SIZE);
  }

  /** kind << 61 | ref of a transfer id that was created or has failed; 0n: neither. */
  findTransfer(id: bigint): bigint {
    return BigInt.asUintN(64, this.#exports.findTransfer(id & U64_MAX, id >> 64n));
  }

  /** kind << 61 | ref of what resolved a pending transfer: posted, voided or expired; 0n: nothing yet. */
  findResolution(id: bigint): bigint {
    return BigInt.asUintN(64, this.#exports.findResolution(id & U64_MAX, id >> 64n));
  }

  // ---- The index of transfer ids

  memtableCount(): number {
    return this.#exports.memtableCount() >>> 0;
  }

  memtableFreeze(): void {
    this.#exports.memtableFreeze();
  }

  frozenEntries(): number {
    return this.#exports.frozenEntries() >>> 0;
  }

  frozenCount(): number {
    return this.#exports.frozenCount() >>> 0;
  }

  frozenRelease(): void {
    this.#exports.frozenRelease();
  }

  /** The store's seed of filters, before the first run. */
  runFilterSeed(seed: bigint): void {
    this.#exports.runFilterSeed(seed & U64_MAX, seed >> 64n);
  }

  runAdd({ id, entries, minId, maxId }: RunRange): void {
    this.#exports.runAdd(id, entries, minId & U64_MAX, minId >> 64n, maxId & U64_MAX, maxId >> 64n);
  }

  runRemove(id: number): void {
    this.#exports.runRemove(id);
  }

  runCount(): number {
    return this.#exports.runCount() >>> 0;
  }

  /** Where piece `piece` of a run's header belongs. */
  runPiece(id: number, piece: number): number {
    return this.#exports.runPiece(id, piece) >>> 0;
  }

  runInstall(id: number): void {
    this.#exports.runInstall(id);
  }

  /** Recovery: runs have the entries of all operations up to `op`. */
  indexCovered(op: number): void {
    this.#exports.indexCovered(BigInt(op));
  }

  /** After a KernelAbort: run and page (0xffffffff: its header) that are damaged; undefined when it was not that. */
  indexDamage(): { run: number; page: number } | undefined {
    const damage = BigInt.asUintN(64, this.#exports.indexDamage());
    return damage === U64_MAX
      ? undefined
      : { run: Number(damage >> 32n), page: Number(damage & 0xffff_ffffn) };
  }

  // ---- State, snapshots, recovery

  /** Globals in place. */
  globals(): DataView {
    return this.view(this.#exports.globals() >>> 0, GlobalsLayout.size);
  }

  globalsCopy(): Uint8Array<ArrayBuffer> {
    return this.bytes(this.#exports.globals() >>> 0, GlobalsLayout.size).slice() as Uint8Array<ArrayBuffer>;
  }

  globalsRestore(globals: Uint8Array): void {
    this.bytes(this.#exports.globals() >>> 0, GlobalsLayout.size).set(wholeGlobals(globals));
  }

  /** Pages that each table has according to a copy of Globals, indexed by Table. */
  pageCounts(globals: Uint8Array): [accounts: number, pending: number, devices: number] {
    const view = new DataView(globals.buffer, globals.byteOffset, globals.byteLength);
    const pages = (offset: number) => Math.ceil(Number(view.getBigUint64(offset, true)) / PAGE_ROWS);
    const { accountCount, pendingSlots, deviceCount } = GlobalsLayout;
    return [pages(accountCount), pages(pendingSlots), pages(deviceCount)];
  }

  /** Bytes of all rows. */
  pagesBytes(): number {
    let pages = 0;
    for (const table of Object.values(Table)) pages += this.pageCount(table);
    return pages * PAGE_ROWS * ROW_SIZE;
  }

  pageCount(table: number): number {
    return this.#exports.pageCount(table) >>> 0;
  }

  pageAddress(table: number, page: number): number {
    return this.#exports.pageAddress(table, page) >>> 0;
  }

  pageLoad(table: number, page: number, rows: number): void {
    this.#exports.pageLoad(table, page, rows);
  }

  loadFinish(): void {
    this.#exports.loadFinish();
  }

  /** All pages changed since the last snapshot are due now; returns their number. */
  snapshotBegin(): number {
    return this.#exports.snapshotBegin() >>> 0;
  }

  /** Copies up to `max` due pages into the arena; returns how many are still due. */
  snapshotFill(max: number): number {
    return this.#exports.snapshotFill(max) >>> 0;
  }

  snapshotDue(): number {
    return this.#exports.snapshotDue() >>> 0;
  }

  snapshotDirty(): number {
    return this.#exports.snapshotDirty() >>> 0;
  }

  arenaAddress(): number {
    return this.#exports.arenaAddress() >>> 0;
  }

  arenaCount(): number {
    return this.#exports.arenaCount() >>> 0;
  }

  arenaRoom(): number {
    return this.#exports.arenaRoom() >>> 0;
  }

  /** Goes on in the other one of two arenas, from its start: nobody may read that one any more. */
  arenaSwap(): void {
    this.#exports.arenaSwap();
  }

  /** Rows that can still be saved for the snapshot under way; a record of a batch may take four. */
  savedRoom(): number {
    return this.#exports.savedRoom() >>> 0;
  }

  #abort(message: number, file: number, line: number, column: number): never {
    throw new KernelAbort(this.#string(message), `${this.#string(file)}:${line}:${column}`);
  }

  /** A string of the kernel: UTF-16, its length in bytes before it. */
  #string(address: number): string {
    if (address === 0) return 'aborted';
    const length = this.u32(address - 4);
    return String.fromCharCode(...new Uint16Array(this.memory.slice(address, address + length)));
  }
}
