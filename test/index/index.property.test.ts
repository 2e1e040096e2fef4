// The whole index against a Map: batches of every sort of id, rollbacks, freezes, runs, merges, and replays on a state
// that is older than the runs.
import fc from 'fast-check';
import { test } from 'vitest';
import { IndexKind } from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';
import { Index, type IndexKernel, scratch, value } from './harness.ts';

const U128_MAX = (1n << 128n) - 1n;

type Step =
  | { readonly kind: 'find'; readonly index: number; readonly id: bigint; readonly expected: bigint }
  | { readonly kind: 'resolution'; readonly id: bigint; readonly expected: bigint }
  | {
      readonly kind: 'insert';
      readonly id: bigint;
      readonly index: number | undefined;
      readonly entry: bigint;
    }
  | { readonly kind: 'mark' }
  | { readonly kind: 'rollback' };

interface Batch {
  readonly op: number;
  readonly ids: readonly bigint[];
  readonly steps: readonly Step[];
}

class Model {
  readonly created = new Map<bigint, bigint>();
  readonly resolved = new Map<bigint, bigint>();
}

class Workload {
  readonly #random: Random;
  readonly #model = new Model();
  readonly #known: bigint[] = [];
  readonly batches: Batch[] = [];
  #clock = 1n << 80n;

  constructor(seed: number) {
    this.#random = new Random(BigInt(seed));
  }

  below(n: number): number {
    return this.#random.uint32() % n;
  }

  #u64(): bigint {
    return (BigInt(this.#random.uint32()) << 32n) | BigInt(this.#random.uint32());
  }

  #id(): bigint {
    const sort = this.below(10);
    if (sort < 4) {
      this.#clock += BigInt(this.below(3));
      return this.#clock;
    }
    if (sort < 6) return (this.#u64() << 64n) | this.#u64();
    if (sort === 6) return [1n, 2n, U128_MAX - 1n, 1n << 64n, (1n << 64n) - 1n][this.below(5)]!;
    if (sort === 7) return (BigInt(this.below(40)) << 64n) | (this.#u64() & ~15n);
    if (sort === 8) return BigInt(this.below(3000) + 1);
    return this.#known.length === 0 ? 3n : this.#known[this.below(this.#known.length)]!;
  }

  /** The next batch, and what the index must answer in it. */
  next(size: number): Batch {
    const op = this.batches.length + 1;
    const ids = Array.from({ length: size }, () => this.#id());
    const steps: Step[] = [];
    const { created, resolved } = this.#model;
    let undo: (() => void)[] | undefined;
    ids.forEach((id, index) => {
      if (undo === undefined && this.below(20) === 0) {
        steps.push({ kind: 'mark' });
        undo = [];
      }
      const expected = created.get(id) ?? 0n;
      steps.push({ kind: 'find', index, id, expected });
      if (expected === 0n) {
        const entry = value(this.below(4) === 0 ? IndexKind.failed : IndexKind.created, op, index);
        steps.push({ kind: 'insert', id, index: this.below(2) === 0 ? index : undefined, entry });
        created.set(id, entry);
        undo?.push(() => created.delete(id));
        if (undo === undefined) this.#known.push(id);
      }
      if (this.#known.length > 0 && this.below(3) === 0) {
        const pending = this.#known[this.below(this.#known.length)]!;
        const resolution = resolved.get(pending) ?? 0n;
        steps.push({ kind: 'resolution', id: pending, expected: resolution });
        if (resolution === 0n && this.below(2) === 0) {
          const kind = [IndexKind.posted, IndexKind.voided, IndexKind.expired][this.below(3)]!;
          const entry = value(kind, op, index);
          steps.push({ kind: 'insert', id: pending, index: undefined, entry });
          resolved.set(pending, entry);
          undo?.push(() => resolved.delete(pending));
        }
      }
      if (undo !== undefined && this.below(5) === 0) {
        steps.push({ kind: 'rollback' });
        for (const take of undo.reverse()) take();
        undo = undefined;
      }
    });
    const batch = { op, ids, steps };
    this.batches.push(batch);
    return batch;
  }

  get entries(): number {
    return this.#model.created.size + this.#model.resolved.size;
  }

  /** Every id that was ever seen, with what is true of it now. */
  *all(): Generator<[id: bigint, created: bigint, resolved: bigint]> {
    const ids = new Set(this.batches.flatMap((batch) => batch.ids));
    for (const id of ids) yield [id, this.#model.created.get(id) ?? 0n, this.#model.resolved.get(id) ?? 0n];
  }
}

/** `expect` costs more than the search that it would check. */
function check(actual: bigint, expected: bigint, what: string): void {
  if (actual !== expected) throw new Error(`${what}: expected ${expected}, got ${actual}`);
}

function play(kernel: IndexKernel, { op, ids, steps }: Batch): void {
  if (kernel.exports.idsReserve(steps.length) !== 1) throw new Error('expected room for a batch');
  kernel.begin(op, ids);
  let mark = 0;
  for (const step of steps) {
    if (step.kind === 'find') {
      check(kernel.findAt(step.index), step.expected, `op ${op}: id ${step.id}`);
      check(kernel.find(step.id), step.expected, `op ${op}: id ${step.id} on its own`);
    } else if (step.kind === 'resolution') {
      check(kernel.findResolution(step.id), step.expected, `op ${op}: resolution of ${step.id}`);
    } else if (step.kind === 'mark') mark = kernel.exports.idsMark();
    else if (step.kind === 'rollback') kernel.exports.idsRollback(mark);
    else if (step.index === undefined) kernel.insert(step.id, step.entry);
    else kernel.exports.idsInsertAt(step.index, step.entry);
  }
}

async function scenario(seed: number, batches: number, size: number): Promise<void> {
  const folder = scratch();
  const index = new Index(folder.path);
  const work = new Workload(seed);
  let frozen = false;
  let executed = 0;
  try {
    for (let i = 0; i < batches; i++) {
      play(index.kernel, work.next(work.below(size) + 1));
      executed++;
      const what = work.below(12);
      if (what < 3 && !frozen && index.kernel.exports.memtableCount() > 0) {
        index.freeze(executed);
        frozen = true;
      } else if (what < 6 && frozen) {
        index.seal();
        frozen = false;
      } else if (what === 6) {
        const ids = index.runs.manifest.runs.map((run) => run.id).sort(() => work.below(3) - 1);
        if (ids.length >= 2) index.merge(ids.slice(0, 2 + work.below(7)), 1 + work.below(3));
      } else if (what === 7) {
        // A start from a state that is older than the runs: those operations are executed again.
        index.kernel = index.restarted();
        frozen = false;
        const restored = work.below(Math.min(executed, index.runs.manifest.coveredOp) + 1);
        for (const batch of work.batches.slice(restored)) play(index.kernel, batch);
      }
    }
    // Nothing is kept twice: what runs have is not kept in memory again when it is replayed.
    const { exports } = index.kernel;
    const kept = index.runs.manifest.runs.reduce((sum, run) => sum + run.entries, exports.memtableCount());
    check(BigInt(kept + exports.frozenCount()), BigInt(work.entries), 'entries in all');
    for (const [id, created, resolved] of work.all()) {
      check(index.kernel.find(id), created, `id ${id}`);
      check(index.kernel.findResolution(id), resolved, `resolution of ${id}`);
    }
  } finally {
    await index.close();
    folder.remove();
  }
}

test('small batches: every answer is that of a Map', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), (seed) => scenario(seed, 60, 12)),
    { numRuns: 12 },
  );
});

test('full batches: every answer is that of a Map', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), (seed) => scenario(seed, 16, 8190)),
    { numRuns: 3 },
  );
});
