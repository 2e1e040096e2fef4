// Brings what the store has into the kernel's memory. The kernel is only known by what it is asked to do here.
import { PAGE_HEADER_SIZE, PAGE_SIZE } from '../layout/generated.ts';
import { damagedRun } from './run-store.ts';
import type { StateStore } from './state-store.ts';

export interface RunTarget {
  runPiece(run: number, piece: number): number;
  runInstall(run: number): void;
  bytes(address: number, length: number): Uint8Array;
}

/** A piece of a run's header: 1 MiB and its own header. */
const RUN_PIECE_SIZE = 1024 * 1024 + 64;
/** A page of a run: 2,728 entries and its header. */
const RUN_PAGE_SIZE = 65_504;

/** Copies a run's header into the kernel: filters of 2 million ids (5 MB) take about 1 ms. */
export function loadRun(store: StateStore, run: number, kernel: RunTarget): void {
  const piece = Buffer.allocUnsafeSlow(RUN_PIECE_SIZE);
  for (let number = 0; ; number++) {
    const length = store.readRunPiece(run, number, piece);
    if (length === 0) {
      if (number === 0) throw damagedRun(run, 'its header');
      break;
    }
    kernel.bytes(kernel.runPiece(run, number), length).set(piece.subarray(0, length));
  }
  kernel.runInstall(run);
}

/** Copies a page of a run to `address` in the kernel's memory; returns its bytes, 0 when it is not there. */
export function readRunPage(
  store: StateStore,
  run: number,
  page: number,
  kernel: RunTarget,
  address: number,
): number {
  return store.readRunPage(run, page, kernel.bytes(address, RUN_PAGE_SIZE));
}

export interface PageTarget {
  pageLoad(table: number, page: number, rows: number): void;
  allocate(bytes: number): number;
  bytes(address: number, length: number): Uint8Array;
}

/** Loads every page of the current checkpoint into the kernel's tables; returns their number. */
export function loadPages(store: StateStore, kernel: PageTarget): number {
  let scratch = 0;
  let loaded = 0;
  store.readPages((table, first, count, images) => {
    if (scratch === 0) scratch = kernel.allocate(256 * PAGE_SIZE);
    kernel.bytes(scratch, images.length).set(images);
    for (let i = 0; i < count; i++)
      kernel.pageLoad(table, first + i, scratch + i * PAGE_SIZE + PAGE_HEADER_SIZE);
    loaded += count;
  });
  return loaded;
}
