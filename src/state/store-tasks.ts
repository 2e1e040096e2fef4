// What the main thread asks of the store thread, and what it answers.
import type { Checkpoint } from './checkpoint-record.ts';
import type { PlainStateStoreError } from './errors.ts';
import type { Manifest, RunInfo } from './manifest.ts';
import type { Seed } from './run-store.ts';

export interface StoreWorkerData {
  readonly path: string;
  readonly mapSizeBytes: number;
  readonly seed: Seed;
}

/** Part of the kernel's shared memory. */
export interface MemoryPart {
  readonly buffer: SharedArrayBuffer;
  readonly address: number;
  readonly bytes: number;
}

export type StoreTask =
  | { readonly kind: 'clean' }
  | { readonly kind: 'seal'; readonly entries: MemoryPart; readonly coveredOp: number }
  | { readonly kind: 'merge'; readonly runs: readonly number[] }
  | { readonly kind: 'mergeStep' }
  | { readonly kind: 'remove'; readonly run: number }
  | { readonly kind: 'pages'; readonly images: MemoryPart; readonly checkpoint: number }
  | { readonly kind: 'complete'; readonly record: Checkpoint }
  | { readonly kind: 'close' };

export interface StoreAnswer {
  readonly error?: PlainStateStoreError;
  /** After every task. */
  readonly manifest?: Manifest;
  /** seal, mergeStep: the run that is in the manifest now. */
  readonly run?: RunInfo;
  /** remove: nothing is left. clean: how many leftover runs were removed. */
  readonly done?: boolean;
  readonly removedRuns?: number;
}
