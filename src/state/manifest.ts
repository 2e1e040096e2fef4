// Which runs the index has. One record, replaced as a whole: what it does not name is a leftover.
import { openValue, sealValue } from './sealed-value.ts';

export interface RunInfo {
  readonly id: number;
  readonly entries: number;
  readonly pages: number;
  /** Least and greatest id. */
  readonly minId: bigint;
  readonly maxId: bigint;
  /** It has no entry of a later operation than this one. */
  readonly coveredOp: number;
}

export interface Manifest {
  readonly runs: readonly RunInfo[];
  /** Runs have every entry of the operations up to this one. */
  readonly coveredOp: number;
  /** Run ids below this have been used. */
  readonly nextRun: number;
}

export const EMPTY_MANIFEST: Manifest = { runs: [], coveredOp: 0, nextRun: 1 };

const hex = (id: bigint): string => id.toString(16);

export function encodeManifest({ runs, coveredOp, nextRun }: Manifest): Buffer {
  const plain = runs.map((run) => [
    run.id,
    run.entries,
    run.pages,
    hex(run.minId),
    hex(run.maxId),
    run.coveredOp,
  ]);
  return sealValue({ format: 1, coveredOp, nextRun, runs: plain });
}

interface Stored {
  readonly coveredOp: number;
  readonly nextRun: number;
  readonly runs: readonly [number, number, number, string, string, number][];
}

export function decodeManifest(bytes: Uint8Array): Manifest {
  const { runs, coveredOp, nextRun } = openValue(bytes, 'manifest of the index') as Stored;
  return {
    coveredOp,
    nextRun,
    runs: runs.map(([id, entries, pages, min, max, op]) => ({
      id,
      entries,
      pages,
      minId: BigInt(`0x${min}`),
      maxId: BigInt(`0x${max}`),
      coveredOp: op,
    })),
  };
}
