// What build/ledger.wasm exports and imports; the other side is assembly/ledger/index.ts. Addresses and u32 arrive as
// signed numbers above 2^31: `>>> 0` makes them what they are.

/** Exports in the order of assembly/ledger/index.ts. A boolean arrives as 0 or 1. */
export interface LedgerExports {
  initialise(seedLo: bigint, seedHi: bigint): void;
  allocate(bytes: number): number;
  globals(): number;
  reserve(operation: number, count: number): number;
  execute(
    operation: number,
    op: bigint,
    timestamp: bigint,
    slot: number,
    count: number,
    replay: number,
  ): number;
  accountSlot(idLo: bigint, idHi: bigint): number;
  deviceSlot(idLo: bigint, idHi: bigint): number;
  lookupAccounts(ids: number, count: number, out: number): number;
  accountRow(slot: number): number;
  pendingRow(slot: number): number;
  deviceRow(slot: number): number;
  expiriesDue(timestamp: bigint, max: number): number;
  nextExpiry(): bigint;
  findTransfer(idLo: bigint, idHi: bigint): bigint;
  findResolution(idLo: bigint, idHi: bigint): bigint;

  memtableCount(): number;
  memtableFreeze(): void;
  frozenEntries(): number;
  frozenCount(): number;
  frozenRelease(): void;
  runFilterSeed(seedLo: bigint, seedHi: bigint): void;
  runAdd(runId: number, entries: number, minLo: bigint, minHi: bigint, maxLo: bigint, maxHi: bigint): void;
  runRemove(runId: number): void;
  runCount(): number;
  runPiece(runId: number, piece: number): number;
  runInstall(runId: number): void;
  indexCovered(op: bigint): void;
  indexDamage(): bigint;

  initialiseSnapshots(pages: number, rows: number): number;
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

/** What the kernel asks for while it executes a batch. Addresses are places in its memory. */
export interface KernelHost {
  /** Copies the stored record at `ref` (of an earlier operation) to `address`; returns its bytes, 128 or 256. */
  readRecord(ref: number, address: number): number;
  /** Whether an earlier operation created a transfer with exactly this timestamp (nanoseconds). */
  transferAt(timestamp: bigint): boolean;
  /** Brings in the header of a run: `kernel.runPiece` for each piece in order, then `kernel.runInstall`. */
  loadRun(runId: number): void;
  /** Copies that page of a run as stored to `address`; returns its bytes, 0 when there is none. */
  readRunPage(runId: number, page: number, address: number): number;
}
