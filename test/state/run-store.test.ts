// Runs in the store: what a crash leaves behind goes, what the manifest names stays.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IndexKind } from '../../src/layout/generated.ts';
import { RunPart, runKey } from '../../src/state/environment.ts';
import { META_MANIFEST_KEY } from '../../src/state/run-store.ts';
import { Index, scratch, value } from '../index/harness.ts';

let folder: ReturnType<typeof scratch>;
let index: Index;
const SIZE = 6000;

const idOf = (op: number, i: number): bigint => (BigInt(i * 7919) << 64n) | BigInt(op);

function sealOne(op: number): number {
  const ids = Array.from({ length: SIZE }, (_, i) => idOf(op, i));
  index.kernel.begin(op, ids);
  ids.forEach((id, i) => {
    index.kernel.insert(id, value(IndexKind.created, op, i));
  });
  index.freeze(op);
  return index.seal().id;
}

async function reopen(): Promise<void> {
  await index.close();
  index = new Index(folder.path);
}

const storedRuns = (): number[] => [
  ...new Set([...index.environment.runs.getKeys()].map((key) => key.readUInt32BE(0))),
];

function check(ops: readonly number[]): void {
  for (const op of ops) {
    for (let i = 0; i < SIZE; i += 97)
      expect(index.kernel.find(idOf(op, i))).toBe(value(IndexKind.created, op, i));
    expect(index.kernel.find(idOf(op, 1) + 1000n)).toBe(0n);
  }
}

beforeEach(() => {
  folder = scratch();
  index = new Index(folder.path);
});

afterEach(async () => {
  await index.close();
  folder.remove();
});

describe('the manifest', () => {
  test('survives a restart with ids, ranges, pages and covered operation', async () => {
    sealOne(1);
    sealOne(2);
    const before = index.runs.manifest;
    expect(before.coveredOp).toBe(2);
    expect(before.runs.map((run) => [run.id, run.entries, run.pages, run.coveredOp])).toEqual([
      [1, SIZE, 3, 1],
      [2, SIZE, 3, 2],
    ]);
    expect(before.runs[0]!.minId).toBe(idOf(1, 0));
    expect(before.runs[0]!.maxId).toBe(idOf(1, SIZE - 1));
    await reopen();
    expect(index.runs.manifest).toEqual(before);
    check([1, 2]);
  });

  test('a damaged one is refused', () => {
    sealOne(1);
    const bytes = index.environment.meta.getBinary(META_MANIFEST_KEY)!;
    bytes[50]! ^= 1;
    index.environment.meta.putSync(META_MANIFEST_KEY, bytes);
    expect(() => new Index(folder.path)).toThrow(/manifest of the index.*delete the state folder/);
    bytes[50]! ^= 1;
    index.environment.meta.putSync(META_MANIFEST_KEY, bytes);
    expect(new Index(folder.path).runs.manifest.runs.length).toBe(1);
  });
});

describe('merging', () => {
  test('replaces the inputs, whatever the size of a step, and ids of runs are never used again', () => {
    const ids = [1, 2, 3, 4, 5].map(sealOne);
    const merged = index.merge(ids, 1);
    expect(merged).toMatchObject({ id: 6, entries: 5 * SIZE, pages: 11, coveredOp: 5 });
    expect(index.runs.manifest.runs).toEqual([merged]);
    expect(storedRuns()).toEqual([6]);
    check([1, 2, 3, 4, 5]);
    expect(sealOne(6)).toBe(7);
  });

  test('lets a seal go first', () => {
    const ids = [1, 2, 3].map(sealOne);
    index.runs.beginMerge(ids);
    expect(index.runs.stepMerge(1)).toBeUndefined();
    const between = sealOne(4);
    let merged = index.runs.stepMerge(2);
    while (merged === undefined) merged = index.runs.stepMerge(2);
    expect(index.runs.manifest.runs.map((run) => run.id).sort()).toEqual([merged.id, between].sort());
    index.kernel.add(merged);
    for (const id of ids) index.kernel.exports.runRemove(id);
    check([1, 2, 3, 4]);
  });

  test('stops at a damaged page, names it, and leaves the runs as they are', () => {
    const ids = [1, 2].map(sealOne);
    const key = runKey(ids[1]!, RunPart.page, 1);
    const bytes = index.environment.runs.getBinary(key)!;
    bytes[5000]! ^= 1;
    index.environment.runs.putSync(key, bytes);
    const merge = () => {
      index.runs.beginMerge(ids);
      while (index.runs.stepMerge(1) === undefined) {}
    };
    expect(merge).toThrow(/run 2 of the index of transfer ids: page 1 is damaged or missing \(state_corrupt/);
    expect(index.runs.manifest.runs.map((run) => run.id)).toEqual(ids);
    bytes[5000]! ^= 1;
    index.environment.runs.putSync(key, bytes);
    expect(index.merge(ids).entries).toBe(2 * SIZE);
    check([1, 2]);
    // What the merge that failed had written is gone as well.
    expect(storedRuns()).toEqual([4]);
  });

  test('a run that is not there, or still in use, is an error', () => {
    const id = sealOne(1);
    expect(() => index.runs.beginMerge([id, 99])).toThrow('expected the id of a run, got 99');
    expect(() => index.runs.removeStep(id)).toThrow('expected a run that the manifest does not name, got 1');
  });
});

describe('after a crash', () => {
  test('in the middle of a merge, before its manifest', async () => {
    const ids = [1, 2, 3].map(sealOne);
    index.runs.beginMerge(ids);
    // The fourth page and the pieces are missing still; a transaction is written every 4 MB, here by hand.
    index.runs.stepMerge(4);
    index.environment.runs.putSync(runKey(4, RunPart.page, 0), Buffer.alloc(65_504, 1));
    await reopen();
    expect(index.runs.leftovers()).toEqual([4]);
    for (const run of index.runs.leftovers()) while (!index.runs.removeStep(run)) {}
    expect(storedRuns()).toEqual(ids);
    check([1, 2, 3]);
    index.merge(ids);
    check([1, 2, 3]);
  });

  test('between the manifest of a merge and the removal of its inputs', async () => {
    const ids = [1, 2, 3].map(sealOne);
    index.runs.beginMerge(ids);
    while (index.runs.stepMerge(100) === undefined) {}
    await reopen();
    expect(index.runs.leftovers()).toEqual(ids);
    for (const run of index.runs.leftovers()) while (!index.runs.removeStep(run)) {}
    expect(storedRuns()).toEqual([4]);
    check([1, 2, 3]);
  });
});
