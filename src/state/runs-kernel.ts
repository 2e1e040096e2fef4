// build/runs.wasm with types: sorts and merges runs of the index, makes and checks checksums.
import { readFileSync } from 'node:fs';
import { StateStoreError } from './errors.ts';

interface Exports {
  readonly RUN_PAGE_SIZE: WebAssembly.Global;
  readonly PAGES_BUFFERED_MAX: WebAssembly.Global;
  readonly MERGE_PAGE_FULL: WebAssembly.Global;
  readonly MERGE_DONE: WebAssembly.Global;
  readonly MERGE_INPUTS_MAX: WebAssembly.Global;
  initialise(seedLo: bigint, seedHi: bigint): void;
  sealPrepare(count: number): number;
  sealSort(run: number): number;
  sealNextPage(): number;
  sealEntry(index: number): number;
  mergeStart(run: number, total: number, inputs: number): number;
  mergeInput(input: number): number;
  mergeFeed(input: number, run: number, page: number): number;
  mergeEnd(input: number): void;
  mergeStep(): number;
  buildPage(): number;
  buildPieces(): number;
  buildPiece(piece: number): number;
  pageAddress(): number;
  pageNumber(): number;
  pieceAddress(): number;
  pagesBuffer(): number;
  stampPages(count: number, checkpoint: bigint): void;
  checkPages(count: number): number;
}

const MODULE_FILE = new URL('../../build/runs.wasm', import.meta.url);
const MEMORY_PAGES_MIN = 64;
const MEMORY_PAGES_MAX = 65_536;

let module: WebAssembly.Module | undefined;

export interface RunsKernel {
  readonly exports: Exports;
  /** `length` bytes at `address`, valid until the next call that may allocate. Shared memory: never hand it to LMDB. */
  bytes(address: number, length: number): Uint8Array;
}

/** A module of its own for each task that keeps something between calls: sealing, merging, checkpoint pages. */
export function createRunsKernel(seed: { readonly lo: bigint; readonly hi: bigint }): RunsKernel {
  module ??= new WebAssembly.Module(readFileSync(MODULE_FILE));
  const memory = new WebAssembly.Memory({
    initial: MEMORY_PAGES_MIN,
    maximum: MEMORY_PAGES_MAX,
    shared: true,
  });
  const abort = (message: number): never => {
    throw new StateStoreError('state_io', `index worker: ${abortText(memory, message)}`);
  };
  const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
  const exports = instance.exports as unknown as Exports;
  exports.initialise(seed.lo, seed.hi);
  return { exports, bytes: (address, length) => new Uint8Array(memory.buffer, address, length) };
}

/** AssemblyScript strings are UTF-16, their length in bytes stands before them. */
function abortText(memory: WebAssembly.Memory, address: number): string {
  if (address === 0) return 'aborted';
  const view = new DataView(memory.buffer);
  let text = '';
  for (let at = address; at < address + view.getUint32(address - 4, true); at += 2) {
    text += String.fromCharCode(view.getUint16(at, true));
  }
  return text;
}
