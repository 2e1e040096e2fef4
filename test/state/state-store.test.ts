// The store as the ledger uses it: main thread and store thread over one environment.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { IndexEntryLayout, PAGE_SIZE } from '../../src/layout/generated.ts';
import { loadPages, loadRun, readRunPage } from '../../src/state/kernel-loader.ts';
import type { RunInfo } from '../../src/state/manifest.ts';
import { type Checkpoint, StateStore } from '../../src/state/state-store.ts';
import { scratch } from '../index/harness.ts';
import { isPage, makePages } from './pages.ts';

let folder: ReturnType<typeof scratch>;
let store: StateStore;

beforeEach(async () => {
  folder = scratch();
  store = await StateStore.open({ path: join(folder.path, 'state') });
});

afterEach(async () => {
  await store.close();
  folder.remove();
});

async function reopen(): Promise<void> {
  await store.close();
  store = await StateStore.open({ path: store.path });
}

const SIZE = 5000;

/** Entries number, number + 3, … in descending order: 24 bytes each. */
function entries(number: number, count = SIZE): SharedArrayBuffer {
  const words = new BigUint64Array(new SharedArrayBuffer(count * IndexEntryLayout.size));
  for (let i = 0; i < count; i++)
    words.set([BigInt(number + (count - i) * 3), 5n, (1n << 61n) | BigInt(i + 1)], i * 3);
  return words.buffer as unknown as SharedArrayBuffer;
}

const seal = (number: number, coveredOp: number): Promise<RunInfo> =>
  store.sealRun({ memory: entries(number), address: 0, count: SIZE, coveredOp });

/** All low halves of ids of a run, in the order of its pages. */
function idsOf({ id, pages }: RunInfo): bigint[] {
  const page = new Uint8Array(65_504);
  const found: bigint[] = [];
  for (let number = 0; number < pages; number++) {
    const bytes = store.readRunPage(id, number, page);
    expect(bytes).toBeGreaterThan(32);
    const view = new DataView(page.buffer, 32, bytes - 32);
    for (let at = 0; at < view.byteLength; at += IndexEntryLayout.size)
      found.push(view.getBigUint64(at, true));
  }
  return found;
}

const ascending = (number: number): bigint[] =>
  Array.from({ length: SIZE }, (_, i) => BigInt(number + (i + 1) * 3));

const checkpointOf = (checkpoint: number, pageCounts: number[]): Checkpoint => ({
  checkpoint,
  op: checkpoint,
  timestamp: 1n,
  globals: new Uint8Array(72),
  digest: new Uint8Array(32),
  pageCounts,
  sessions: Uint8Array.of(checkpoint),
});

const images = (pages: readonly number[], version: number): SharedArrayBuffer => {
  const bytes = makePages(pages.map((page) => ({ table: 0, page, version })));
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
};

describe('runs', () => {
  test('are sorted, readable at once in this thread, and there after a restart', async () => {
    expect(store.runs).toEqual([]);
    const run = await seal(100, 7);
    expect(run).toMatchObject({ entries: SIZE, pages: 2, coveredOp: 7, minId: (5n << 64n) | 103n });
    expect(idsOf(run)).toEqual(ascending(100));
    expect(store.coveredOp).toBe(7);
    const seed = store.filterSeed;
    await reopen();
    expect(store.runs).toEqual([run]);
    expect(store.filterSeed).toBe(seed);
    expect(idsOf(run)).toEqual(ascending(100));
    expect(store.readRunPage(run.id, 2, new Uint8Array(65_504))).toBe(0);
    expect(store.readRunPage(99, 0, new Uint8Array(65_504))).toBe(0);
  });

  test('merge while others are sealed; the merged ones can be read until they are removed', async () => {
    const inputs: RunInfo[] = [];
    for (let i = 0; i < 8; i++) inputs.push(await seal(i, i + 1));
    expect(store.planMerge()).toEqual(inputs.map((run) => run.id));
    const merging = store.mergeRuns(store.planMerge()!);
    const sealing = seal(1_000_000, 9);
    const [merged, sealed] = await Promise.all([merging, sealing]);
    expect(merged.entries).toBe(8 * SIZE);
    expect(store.runs.map((run) => run.id).sort()).toEqual([merged.id, sealed.id].sort());
    expect(idsOf(inputs[3]!)).toEqual(ascending(3));
    await store.removeRuns(inputs.map((run) => run.id));
    expect(store.readRunPage(inputs[3]!.id, 0, new Uint8Array(65_504))).toBe(0);
    const expected = inputs.flatMap((_, i) => ascending(i)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    expect(idsOf(merged)).toEqual(expected);
    expect(store.planMerge()).toBeUndefined();
  });

  test('go into a kernel piece by piece', async () => {
    const run = await seal(0, 1);
    const memory = new Uint8Array(4 * 1024 * 1024);
    const calls: string[] = [];
    const kernel = {
      runPiece: (id: number, piece: number) => calls.push(`piece ${id} ${piece}`) * 65_536,
      runInstall: (id: number) => void calls.push(`install ${id}`),
      bytes: (address: number, length: number) => memory.subarray(address, address + length),
    };
    loadRun(store, run.id, kernel);
    expect(calls).toEqual(['piece 1 0', 'install 1']);
    expect(new DataView(memory.buffer, 65_536).getUint32(8, true)).toBe(run.id);
    expect(readRunPage(store, run.id, 0, kernel, 0)).toBe(65_504);
    expect(() => loadRun(store, 77, kernel)).toThrow(
      /run 77 .*its header is damaged or missing.*delete the state folder/,
    );
  });
});

describe('checkpoints', () => {
  test('pages written in several tasks, completed, changed, restarted', async () => {
    const all = Array.from({ length: 600 }, (_, i) => i);
    expect(store.checkpointNumber).toBe(0);
    await store.writePages({ memory: images(all.slice(0, 400), 1), address: 0, count: 400, checkpoint: 1 });
    await store.writePages({ memory: images(all.slice(400), 1), address: 0, count: 200, checkpoint: 1 });
    expect(store.checkpoint).toBeUndefined();
    await store.completeCheckpoint(checkpointOf(1, [600, 0]));
    expect(store.checkpointNumber).toBe(1);
    // Not at the start of the memory.
    await store.writePages({ memory: images([0, 7], 2), address: PAGE_SIZE, count: 1, checkpoint: 2 });
    await store.completeCheckpoint(checkpointOf(2, [600, 0]));
    await store.writePages({ memory: images([9], 3), address: 0, count: 1, checkpoint: 3 });
    await reopen();
    expect(store.checkpoint).toEqual(checkpointOf(2, [600, 0]));
    const wrong: number[] = [];
    let seen = 0;
    store.readPages((table, first, count, bytes) => {
      for (let i = 0; i < count; i++) {
        const page = first + i;
        const image = bytes.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
        if (!isPage(image, { table, page, version: page === 7 ? 2 : 1 })) wrong.push(page);
        seen++;
      }
    });
    expect([seen, wrong]).toEqual([600, []]);
    const loaded: number[] = [];
    const memory = new Uint8Array(256 * PAGE_SIZE);
    const kernel = {
      allocate: () => 0,
      bytes: (address: number, length: number) => memory.subarray(address, address + length),
      pageLoad: (table: number, page: number) => void loaded.push(table, page),
    };
    expect(loadPages(store, kernel)).toBe(600);
    expect(loaded.length).toBe(1200);
  });

  test('errors cross the threads with their class and code', async () => {
    const task = { memory: images([0], 1), address: 0, count: 1, checkpoint: 5 };
    await expect(store.writePages(task)).rejects.toMatchObject({
      name: 'StateStoreError',
      code: 'state_io',
      message: expect.stringMatching(/^pages: expected checkpoint 1, got 5 \(state_io: nothing is lost/),
    });
    await expect(store.mergeRuns([1, 2])).rejects.toMatchObject({ code: 'state_io' });
    // The store goes on.
    await store.writePages({ ...task, checkpoint: 1 });
  });
});

test('after close everything is refused, and closing again is nothing', async () => {
  await store.close();
  await store.close();
  await expect(seal(1, 1)).rejects.toMatchObject({ code: 'state_closed' });
});

test('a full disk refuses with state_full, keeps what it has, and goes on when there is room', async () => {
  const disk = scratch();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8388608', 'tmpfs', disk.path]).status !== 0) {
    disk.remove();
    console.warn('skipped: needs the right to mount a small file system');
    return;
  }
  onTestFinished(() => void spawnSync('umount', ['-l', disk.path]));
  const ballast = join(disk.path, 'ballast');
  writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
  const small = await StateStore.open({ path: join(disk.path, 'state') });
  const kept: RunInfo[] = [];
  const sealSmall = (op: number) =>
    small.sealRun({ memory: entries(op), address: 0, count: SIZE, coveredOp: op });
  let failure: unknown;
  for (let op = 1; op < 60 && failure === undefined; op++) {
    await sealSmall(op).then(
      (run) => kept.push(run),
      (error: unknown) => {
        failure = error;
      },
    );
  }
  expect(failure).toMatchObject({ name: 'StateStoreError', code: 'state_full' });
  expect(kept.length).toBeGreaterThan(3);
  await expect(sealSmall(kept.length + 1)).rejects.toMatchObject({ code: 'state_full' });
  expect(small.runs).toEqual(kept);
  rmSync(ballast);
  kept.push(await sealSmall(kept.length + 1));
  await small.close();
  const again = await StateStore.open({ path: small.path });
  expect(again.runs).toEqual(kept);
  const page = new Uint8Array(65_504);
  for (const run of kept) expect(again.readRunPage(run.id, run.pages - 1, page)).toBeGreaterThan(32);
  await again.close();
}, 60_000);
