// The index alone, over a real store in a folder of its own: the kernel side as a module of its own (assembly/index/testing.ts),
// the store side in the same thread.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { INDEX_KIND_SHIFT, IndexEntryLayout } from '../../src/layout/generated.ts';
import { U64_MAX } from '../../src/shared/bytes.ts';
import { openStateEnvironment, RunPart, runKey, type StateEnvironment } from '../../src/state/environment.ts';
import type { RunInfo } from '../../src/state/manifest.ts';
import { RunStore } from '../../src/state/run-store.ts';

export const BATCH_MAX = 8190;
const SEED = { lo: 0x0123_4567_89ab_cdefn, hi: 0xfedc_ba98_7654_3210n };
const RUN_PIECE_SIZE = 1024 * 1024 + 64;

interface IndexExports {
  readonly MEMTABLE_ENTRIES_MAX: WebAssembly.Global;
  idsInitialise(seedLo: bigint, seedHi: bigint): void;
  idsReserve(entries: number): number;
  idsBeginBatch(op: bigint, ids: number, stride: number, size: number): void;
  idsFind(lo: bigint, hi: bigint): bigint;
  idsFindAt(index: number): bigint;
  idsFindResolution(lo: bigint, hi: bigint): bigint;
  idsInsert(lo: bigint, hi: bigint, value: bigint): void;
  idsInsertAt(index: number, value: bigint): void;
  idsMark(): number;
  idsRollback(mark: number): void;
  indexCovered(op: bigint): void;
  indexDamage(): bigint;
  memtableCount(): number;
  memtableFreeze(): void;
  frozenEntries(): number;
  frozenCount(): number;
  frozenRelease(): void;
  runFilterSeed(lo: bigint, hi: bigint): void;
  runAdd(run: number, entries: number, minLo: bigint, minHi: bigint, maxLo: bigint, maxHi: bigint): void;
  runRemove(run: number): void;
  runPiece(run: number, piece: number): number;
  runInstall(run: number): void;
  allocate(bytes: number): number;
  filterSeed(lo: bigint, hi: bigint): void;
  filterAddMany(count: number, lines: number, at: number, first: bigint): void;
  filterPassed(count: number, lines: number, at: number, first: bigint): number;
  checksum(at: number, bytes: number): bigint;
  sortInitialise(): number;
  sortEntries(at: number, scratch: number, count: number): void;
  bench(kind: number, count: number, firstOp: bigint): void;
  benchFind(count: number, start: bigint, step: bigint): bigint;
}

let compiled: WebAssembly.Module | undefined;

/** Compiles that module, once a process: what the tests run is what stands in assembly/index now. */
function compile(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const root = resolve(import.meta.dirname, '../..');
  const folder = mkdtempSync(join(tmpdir(), 'specie-index-'));
  const out = join(folder, 'index.wasm');
  const args = [
    'node_modules/assemblyscript/bin/asc.js',
    'assembly/index/testing.ts',
    '--config',
    'asconfig.json',
  ];
  const { status, stderr } = spawnSync(process.execPath, [...args, '--outFile', out], { cwd: root });
  if (status !== 0) throw new Error(`asc: ${stderr}`);
  compiled = new WebAssembly.Module(readFileSync(out));
  rmSync(folder, { recursive: true });
  return compiled;
}

export class KernelAborted extends Error {}

/** Temporary folder, removed by `remove`. */
export function scratch(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'specie-state-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const value = (kind: number, op: number, index: number): bigint =>
  (BigInt(kind) << BigInt(INDEX_KIND_SHIFT)) | BigInt(op * 8192 + index);

export class IndexKernel {
  readonly exports: IndexExports;
  readonly memory: WebAssembly.Memory;
  readonly #ids: number;
  /** Times the host was asked for a header or a page. */
  headersLoaded = 0;
  pagesRead = 0;

  constructor(environment: StateEnvironment | undefined, memoryPagesMax = 65_536) {
    this.memory = new WebAssembly.Memory({ initial: 64, maximum: memoryPagesMax, shared: true });
    const host = {
      loadRun: (run: number) => {
        this.headersLoaded++;
        for (let piece = 0; ; piece++) {
          const bytes = environment!.runs.getBinary(runKey(run, RunPart.piece, piece));
          if (bytes === undefined) break;
          this.bytes(this.exports.runPiece(run, piece) >>> 0, RUN_PIECE_SIZE).set(bytes);
        }
        this.exports.runInstall(run);
      },
      readRunPage: (run: number, page: number, out: number) => {
        this.pagesRead++;
        const bytes = environment!.runs.getBinary(runKey(run, RunPart.page, page));
        if (bytes === undefined) return 0;
        this.bytes(out >>> 0, bytes.length).set(bytes);
        return bytes.length;
      },
    };
    const abort = (message: number) => {
      const length = new DataView(this.memory.buffer).getUint32(message - 4, true);
      throw new KernelAborted(Buffer.from(this.bytes(message, length).slice()).toString('utf16le'));
    };
    const instance = new WebAssembly.Instance(compile(), { env: { memory: this.memory, abort }, host });
    this.exports = instance.exports as unknown as IndexExports;
    this.exports.idsInitialise(0x5eedn, 0xfeedn);
    this.exports.runFilterSeed(SEED.lo, SEED.hi);
    this.#ids = this.exports.allocate(8192 * 16) >>> 0;
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  begin(op: number, ids: readonly bigint[]): void {
    const words = new BigUint64Array(this.memory.buffer, this.#ids, ids.length * 2);
    ids.forEach((id, i) => {
      words[2 * i] = id & U64_MAX;
      words[2 * i + 1] = id >> 64n;
    });
    this.exports.idsBeginBatch(BigInt(op), this.#ids, 16, ids.length);
  }

  find(id: bigint): bigint {
    return BigInt.asUintN(64, this.exports.idsFind(id & U64_MAX, id >> 64n));
  }

  findAt(index: number): bigint {
    return BigInt.asUintN(64, this.exports.idsFindAt(index));
  }

  findResolution(id: bigint): bigint {
    return BigInt.asUintN(64, this.exports.idsFindResolution(id & U64_MAX, id >> 64n));
  }

  insert(id: bigint, entry: bigint): void {
    this.exports.idsInsert(id & U64_MAX, id >> 64n, entry);
  }

  add({ id, entries, minId, maxId }: RunInfo): void {
    this.exports.runAdd(id, entries, minId & U64_MAX, minId >> 64n, maxId & U64_MAX, maxId >> 64n);
  }

  frozen(): Uint8Array {
    const { exports } = this;
    return this.bytes(exports.frozenEntries() >>> 0, exports.frozenCount() * IndexEntryLayout.size);
  }
}

/** Kernel and store together. */
export class Index {
  readonly environment: StateEnvironment;
  readonly runs: RunStore;
  kernel: IndexKernel;
  #frozenOp = 0;

  constructor(path: string) {
    this.environment = openStateEnvironment(path, 2 ** 36);
    this.runs = new RunStore(this.environment, SEED);
    this.kernel = this.restarted();
  }

  /** A kernel that knows nothing but the runs, as after a start. */
  restarted(): IndexKernel {
    const kernel = new IndexKernel(this.environment);
    for (const run of this.runs.manifest.runs) kernel.add(run);
    kernel.exports.indexCovered(BigInt(this.runs.manifest.coveredOp));
    return kernel;
  }

  freeze(op: number): void {
    this.kernel.exports.memtableFreeze();
    this.#frozenOp = op;
  }

  seal(): RunInfo {
    const run = this.runs.seal(this.kernel.frozen(), this.#frozenOp);
    this.kernel.add(run);
    this.kernel.exports.frozenRelease();
    return run;
  }

  merge(ids: readonly number[], pagesAStep = 1000): RunInfo {
    this.runs.beginMerge(ids);
    let run: RunInfo | undefined;
    while (run === undefined) run = this.runs.stepMerge(pagesAStep);
    this.kernel.add(run);
    for (const id of ids) this.kernel.exports.runRemove(id);
    for (const id of ids) while (!this.runs.removeStep(id)) {}
    return run;
  }

  async close(): Promise<void> {
    await this.environment.root.close();
  }
}
