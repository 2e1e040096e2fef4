// Writes the index's runs, in the store thread. A run is written in transactions of bounded size under an id that the
// manifest does not name yet; one last transaction puts it into the manifest. What a crash leaves behind is therefore
// named by no manifest, and is removed when the store is opened.
//
//     pages ▸ pages ▸ pages ▸ pieces ▸ manifest ── crash before this: the run has never been there
import { IndexEntryLayout } from '../layout/generated.ts';
import { readU128 } from '../shared/bytes.ts';
import { peek, RUN_KEY_SIZE, RunPart, runKey, type StateEnvironment, valuePages } from './environment.ts';
import { StateStoreError } from './errors.ts';
import { decodeManifest, EMPTY_MANIFEST, encodeManifest, type Manifest, type RunInfo } from './manifest.ts';
import { createRunsKernel, type RunsKernel } from './runs-kernel.ts';

export const META_MANIFEST_KEY = Buffer.from('manifest');

const ENTRY_SIZE = IndexEntryLayout.size;

/** Bytes of one transaction: 4 MB are flushed in about 10 ms, so that the journal's flushes never wait long. */
const TRANSACTION_BYTES = 4 * 1024 * 1024;

/** Pages or pieces removed in one transaction: 32 MB of the data file become free. */
const REMOVED_PER_TRANSACTION = 512;

export interface Seed {
  readonly lo: bigint;
  readonly hi: bigint;
}

export function readManifest({ meta }: StateEnvironment): Manifest {
  const bytes = meta.getBinary(META_MANIFEST_KEY);
  return bytes === undefined ? EMPTY_MANIFEST : decodeManifest(bytes);
}

/** Values on their way into the store, copied: LMDB crashes on views of shared memory. */
class Bulk {
  readonly #environment: StateEnvironment;
  #values: [Buffer, Buffer][] = [];
  #bytes = 0;

  constructor(environment: StateEnvironment) {
    this.#environment = environment;
  }

  add(key: Buffer, value: Uint8Array): void {
    const copy = Buffer.allocUnsafeSlow(value.length);
    copy.set(value);
    this.#values.push([key, copy]);
    this.#bytes += copy.length;
    if (this.#bytes >= TRANSACTION_BYTES) this.flush();
  }

  flush(): void {
    const values = this.#values;
    this.#values = [];
    this.#bytes = 0;
    if (values.length === 0) return;
    const { runs } = this.#environment;
    const pages = values.reduce((sum, [, value]) => sum + valuePages(value.length), 0);
    // Keys that follow one another: at least a hundred to a leaf.
    this.#environment.write(pages + values.length / 16, () => {
      for (const [key, value] of values) runs.putSync(key, value);
    });
  }
}

interface Merge {
  readonly id: number;
  readonly inputs: readonly RunInfo[];
  readonly nextPages: number[];
  readonly entries: number;
  readonly minId: bigint;
  readonly maxId: bigint;
  readonly coveredOp: number;
  readonly bulk: Bulk;
  pages: number;
  piece: number;
}

export class RunStore {
  readonly #environment: StateEnvironment;
  readonly #seed: Seed;
  #manifest: Manifest;
  #sealing: RunsKernel | undefined;
  #merging: RunsKernel | undefined;
  #merge: Merge | undefined;
  // Ids are taken before the manifest has them: a seal may overtake a merge.
  #nextRun: number;
  // Id of a seal that failed: the next one overwrites what it wrote, so that retries on a full disk do not fill it more.
  #failedSeal: number | undefined;

  constructor(environment: StateEnvironment, seed: Seed) {
    this.#environment = environment;
    this.#seed = seed;
    this.#manifest = readManifest(environment);
    this.#nextRun = this.#manifest.nextRun;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Sorts `entries` (24 bytes each, in any order) into a run that covers the operations up to `coveredOp`. */
  seal(entries: Uint8Array, coveredOp: number): RunInfo {
    const id = this.#failedSeal ?? this.#nextRun++;
    this.#failedSeal = id;
    const run = this.#writeRun(id, entries, coveredOp);
    this.#write({
      runs: [...this.#manifest.runs, run],
      coveredOp: Math.max(coveredOp, this.#manifest.coveredOp),
    });
    this.#failedSeal = undefined;
    return run;
  }

  #writeRun(id: number, entries: Uint8Array, coveredOp: number): RunInfo {
    const count = entries.length / ENTRY_SIZE;
    this.#sealing ??= createRunsKernel(this.#seed);
    const { exports, bytes } = this.#sealing;
    const address = exports.sealPrepare(count);
    if (address === 0) throw noMemory(`sorting ${count} ids`);
    bytes(address, entries.length).set(entries);
    if (exports.sealSort(id) === 0) throw noMemory(`a run of ${count} ids`);
    const bulk = new Bulk(this.#environment);
    let pages = 0;
    for (let length = exports.sealNextPage(); length > 0; length = exports.sealNextPage()) {
      bulk.add(runKey(id, RunPart.page, pages++), bytes(exports.pageAddress(), length));
    }
    for (let piece = 0, pieces = exports.buildPieces(); piece < pieces; piece++) {
      const length = exports.buildPiece(piece);
      bulk.add(runKey(id, RunPart.piece, piece), bytes(exports.pieceAddress(), length));
    }
    bulk.flush();
    const idAt = (index: number) => {
      const entry = bytes(exports.sealEntry(index), ENTRY_SIZE);
      return readU128(new DataView(entry.buffer, entry.byteOffset), 0);
    };
    return { id, entries: count, pages, minId: idAt(0), maxId: idAt(count - 1), coveredOp };
  }

  /** Begins to merge these runs; what a merge that failed has written is removed first. */
  beginMerge(ids: readonly number[]): void {
    if (this.#merge !== undefined) {
      while (!this.removeStep(this.#merge.id)) {}
      this.#merge = undefined;
    }
    const inputs = ids.map((id) => {
      const run = this.#manifest.runs.find((known) => known.id === id);
      if (run === undefined) {
        throw new StateStoreError('state_io', `merge: expected the id of a run, got ${id}`);
      }
      return run;
    });
    this.#merging ??= createRunsKernel(this.#seed);
    const entries = inputs.reduce((sum, run) => sum + run.entries, 0);
    const id = this.#nextRun++;
    if (this.#merging.exports.mergeStart(id, entries, inputs.length) === 0) {
      throw noMemory(`a run of ${entries} ids`);
    }
    this.#merge = {
      id,
      inputs,
      nextPages: inputs.map(() => 0),
      entries,
      minId: inputs.reduce((least, { minId }) => (minId < least ? minId : least), inputs[0]!.minId),
      maxId: inputs.reduce((most, { maxId }) => (maxId > most ? maxId : most), inputs[0]!.maxId),
      coveredOp: Math.max(...inputs.map((run) => run.coveredOp)),
      bulk: new Bulk(this.#environment),
      pages: 0,
      piece: 0,
    };
  }

  /**
   * Goes on with the merge for about `budgetPages` pages, so that a seal or a checkpoint never waits long. Returns the
   * merged run when it is in the manifest in place of its inputs.
   */
  stepMerge(budgetPages: number): RunInfo | undefined {
    const merge = this.#merge;
    if (merge === undefined || this.#merging === undefined) {
      throw new StateStoreError('state_io', 'merge: expected one that was begun, got none');
    }
    const { exports, bytes } = this.#merging;
    const full: number = exports.MERGE_PAGE_FULL.value;
    const done: number = exports.MERGE_DONE.value;
    const goal = merge.pages + budgetPages;
    while (merge.pages < goal) {
      const wanted = exports.mergeStep();
      if (wanted === done) return this.#finishMerge(merge, budgetPages);
      if (wanted === full) {
        const length = exports.buildPage();
        merge.bulk.add(runKey(merge.id, RunPart.page, merge.pages++), bytes(exports.pageAddress(), length));
      } else this.#feed(merge, this.#merging, wanted);
    }
    return undefined;
  }

  #feed(merge: Merge, { exports, bytes }: RunsKernel, input: number): void {
    const run = merge.inputs[input]!;
    const page = merge.nextPages[input]!++;
    if (page === run.pages) {
      exports.mergeEnd(input);
      return;
    }
    const value = peek(this.#environment.runs, runKey(run.id, RunPart.page, page));
    const fits = value !== undefined && value.length <= exports.RUN_PAGE_SIZE.value;
    if (fits) bytes(exports.mergeInput(input), value.length).set(value);
    if (!fits || exports.mergeFeed(input, run.id, page) === 0) throw damagedRun(run.id, `page ${page}`);
  }

  #finishMerge(merge: Merge, budgetPieces: number): RunInfo | undefined {
    const { exports, bytes } = this.#merging!;
    const pieces = exports.buildPieces();
    for (
      const end = merge.piece + budgetPieces / 8;
      merge.piece < pieces && merge.piece < end;
      merge.piece++
    ) {
      const length = exports.buildPiece(merge.piece);
      merge.bulk.add(runKey(merge.id, RunPart.piece, merge.piece), bytes(exports.pieceAddress(), length));
    }
    if (merge.piece < pieces) return undefined;
    merge.bulk.flush();
    const { id, entries, pages, minId, maxId, coveredOp } = merge;
    const run = { id, entries, pages, minId, maxId, coveredOp };
    const kept = this.#manifest.runs.filter((known) => !merge.inputs.some((input) => input.id === known.id));
    this.#write({ runs: [...kept, run], coveredOp: this.#manifest.coveredOp });
    this.#merge = undefined;
    return run;
  }

  /** Removes what is stored of a run, some of it at a time; true when nothing is left. */
  removeStep(id: number): boolean {
    if (this.#manifest.runs.some((run) => run.id === id)) {
      throw new StateStoreError(
        'state_io',
        `remove: expected a run that the manifest does not name, got ${id}`,
      );
    }
    const { runs } = this.#environment;
    const keys = [
      ...runs.getKeys({
        start: runKey(id, RunPart.page, 0),
        end: runKey(id, 0xff, 0),
        limit: REMOVED_PER_TRANSACTION,
      }),
    ].map((key) => Buffer.from(key));
    if (keys.length > 0) {
      this.#environment.write(keys.length / 16, () => {
        for (const key of keys) runs.removeSync(key);
      });
    }
    return keys.length < REMOVED_PER_TRANSACTION;
  }

  /** Ids of stored runs that the manifest does not name. */
  leftovers(): number[] {
    const named = new Set(this.#manifest.runs.map((run) => run.id));
    const found: number[] = [];
    const { runs } = this.#environment;
    let start = runKey(0, RunPart.page, 0);
    for (;;) {
      const [key] = runs.getKeys({ start, limit: 1 });
      if (key === undefined) return found;
      if (key.length !== RUN_KEY_SIZE) {
        throw new StateStoreError('state_corrupt', `runs: expected keys of 9 bytes, got ${key.length}`);
      }
      const id = key.readUInt32BE(0);
      if (!named.has(id)) found.push(id);
      if (id === 0xffff_ffff) return found;
      start = runKey(id + 1, RunPart.page, 0);
    }
  }

  #write(next: Omit<Manifest, 'nextRun'>): void {
    const manifest = { ...next, nextRun: this.#nextRun };
    const { meta } = this.#environment;
    const value = encodeManifest(manifest);
    this.#environment.write(valuePages(value.length), () => meta.putSync(META_MANIFEST_KEY, value));
    this.#manifest = manifest;
  }
}

export function damagedRun(run: number, part: string): StateStoreError {
  return new StateStoreError(
    'state_corrupt',
    `run ${run} of the index of transfer ids: ${part} is damaged or missing`,
  );
}

function noMemory(what: string): StateStoreError {
  return new StateStoreError('state_memory', `expected memory for ${what}, got none`);
}
