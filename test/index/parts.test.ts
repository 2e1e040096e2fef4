// The parts of the index on their own: checksum, filter, sort, memtable, and what the kernel does about runs' headers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IndexEntryLayout, IndexKind } from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';
import { RunPart, runKey } from '../../src/state/environment.ts';
import { Index, IndexKernel, KernelAborted, scratch, value } from './harness.ts';

const kernel = new IndexKernel(undefined);

describe('checksum', () => {
  const BYTES = 4064;
  const at = kernel.exports.allocate(BYTES) >>> 0;
  const random = new Random(1n);
  const original = Uint8Array.from({ length: BYTES }, () => random.uint32());
  const of = (bytes: Uint8Array): bigint => {
    kernel.bytes(at, BYTES).set(bytes);
    return kernel.exports.checksum(at, bytes.length);
  };

  test('changes with every single bit', () => {
    const before = of(original);
    for (let bit = 0; bit < BYTES * 8; bit++) {
      const memory = kernel.bytes(at, BYTES);
      memory[bit >> 3]! ^= 1 << (bit & 7);
      expect(kernel.exports.checksum(at, BYTES)).not.toBe(before);
      memory[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(kernel.exports.checksum(at, BYTES)).toBe(before);
  });

  test('changes when two words lose their top bits, change places, or are missing', () => {
    const before = of(original);
    for (let first = 7; first < 400; first += 8) {
      for (let second = first + 8; second < 400; second += 8) {
        const flipped = original.slice();
        flipped[first]! ^= 0x80;
        flipped[second]! ^= 0x80;
        expect(of(flipped), `top bits of the words that end at ${first} and ${second}`).not.toBe(before);
      }
    }
    for (let word = 0; word < 64; word++) {
      const swapped = original.slice();
      swapped.set(original.subarray(word * 8, word * 8 + 8), 512);
      swapped.set(original.subarray(512, 520), word * 8);
      expect(of(swapped)).not.toBe(before);
    }
    expect(of(original.subarray(0, BYTES - 8))).not.toBe(before);
    expect(of(new Uint8Array(32))).not.toBe(of(new Uint8Array(64)));
  });
});

test('filter: every id that was added passes, of others one in four thousand', () => {
  const count = 200_000;
  const lines = count / 25;
  const at = kernel.exports.allocate(lines * 64) >>> 0;
  kernel.exports.filterAddMany(count, lines, at, 1n);
  expect(kernel.exports.filterPassed(count, lines, at, 1n)).toBe(count);
  const passed = kernel.exports.filterPassed(4_000_000, lines, at, 10_000_000n) / 4_000_000;
  expect(passed).toBeGreaterThan(0.00005);
  expect(passed).toBeLessThan(0.0005);
});

describe('sort', () => {
  const MAX = 60_000;
  const size = IndexEntryLayout.size;
  expect(kernel.exports.sortInitialise()).toBe(1);
  const at = kernel.exports.allocate(MAX * size) >>> 0;
  const spare = kernel.exports.allocate(MAX * size) >>> 0;
  const random = new Random(2n);
  const u64 = (): bigint => (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());

  const cases: Record<string, (i: number) => [hi: bigint, lo: bigint]> = {
    'in order': (i) => [7n, BigInt(i)],
    'in reverse': (i) => [7n, BigInt(MAX - i)],
    'nearly in order': (i) => [7n, BigInt(i * 4 + (random.uint32() % 64))],
    random: () => [u64(), u64()],
    'random, low half only': () => [0n, u64()],
    'equal ids': (i) => [1n, BigInt(i % 3)],
    'one id only': () => [5n, 5n],
    // Each range holds one id far away and all the others close together: the worst there is for buckets.
    'ranges within ranges': (i) => (i < 128 ? [1n << BigInt(i >> 1), 0n] : [0n, 1n << BigInt(i % 64)]),
    'around the carry': (i) => [BigInt(i % 2), i % 2 === 0 ? (1n << 64n) - 1n - BigInt(i) : BigInt(i)],
    'two clusters': (i) => [i % 2 === 0 ? 0n : (1n << 64n) - 1n, u64() & 0xffffn],
  };
  for (const [name, id] of Object.entries(cases)) {
    for (const count of [0, 1, 2, 33, 1000, MAX]) {
      test(`${name}, ${count} entries`, () => {
        const words = new BigUint64Array(kernel.memory.buffer, at, count * 3);
        const expected: [bigint, bigint, bigint][] = [];
        for (let i = 0; i < count; i++) {
          const [hi, lo] = id(i);
          const entry: [bigint, bigint, bigint] = [hi, lo, u64()];
          expected.push(entry);
          words.set([lo, hi, entry[2]], i * 3);
        }
        expected.sort((a, b) => {
          const place = a[0] !== b[0] ? 0 : a[1] !== b[1] ? 1 : 2;
          return a[place] < b[place] ? -1 : a[place] > b[place] ? 1 : 0;
        });
        kernel.exports.sortEntries(at, spare, count);
        const wrong = expected.findIndex(
          ([hi, lo, entry], i) =>
            words[i * 3] !== lo || words[i * 3 + 1] !== hi || words[i * 3 + 2] !== entry,
        );
        expect(wrong).toBe(-1);
      });
    }
  }
});

describe('memtable', () => {
  test('takes what it says it takes, refuses more, and takes again after a freeze', () => {
    const own = new IndexKernel(undefined);
    const { exports } = own;
    const max = exports.MEMTABLE_ENTRIES_MAX.value as number;
    const full = Math.floor(max / 8000) * 8000;
    exports.bench(1, full, 1n);
    expect(exports.memtableCount()).toBe(full);
    expect(exports.idsReserve(8000)).toBe(0);
    expect(exports.idsReserve(max - full)).toBe(1);
    expect(exports.benchFind(full, 8000n, 1n)).toBe(BigInt(full));
    exports.memtableFreeze();
    expect(exports.frozenCount()).toBe(full);
    expect(exports.idsReserve(8000)).toBe(1);
    exports.bench(0, 80_000, 1000n);
    expect(exports.benchFind(full, 8000n, 1n)).toBe(BigInt(full));
    expect(() => exports.memtableFreeze()).toThrow(KernelAborted);
    exports.frozenRelease();
    exports.memtableFreeze();
    exports.frozenRelease();
    // The first half is in use again; its directory must know nothing of before.
    exports.bench(0, 8000, 5000n);
    expect(exports.benchFind(100_000, 8000n, 7n)).toBe(0n);
    expect(own.find((7n << 64n) | 8_000_000n)).toBe(0n);
  });

  test('ids with equal low bits spread like any others', () => {
    const own = new IndexKernel(undefined);
    const ids = Array.from({ length: 8000 }, (_, i) => BigInt(i + 1) << 64n);
    own.begin(1, ids);
    ids.forEach((id, i) => {
      expect(own.findAt(i)).toBe(0n);
      own.insert(id, value(IndexKind.created, 1, i));
    });
    ids.forEach((id, i) => {
      expect(own.find(id)).toBe(value(IndexKind.created, 1, i));
    });
  });
});

describe('runs', () => {
  const folder = scratch();
  let index: Index;
  const BATCHES = 6;
  const SIZE = 4000;
  const idOf = (op: number, i: number): bigint => (BigInt(op) << 80n) | BigInt(i * 3 + 1);

  beforeAll(() => {
    index = new Index(folder.path);
    for (let op = 1; op <= BATCHES; op++) {
      const ids = Array.from({ length: SIZE }, (_, i) => idOf(op, i));
      index.kernel.begin(op, ids);
      ids.forEach((id, i) => {
        index.kernel.insert(id, value(IndexKind.created, op, i));
      });
      index.freeze(op);
      index.seal();
    }
  });

  afterAll(async () => {
    await index.close();
    folder.remove();
  });

  test('ids newer than every run load no header; older ones load the header of their run alone', () => {
    const own = index.restarted();
    own.begin(BATCHES + 1, [idOf(BATCHES + 1, 0), idOf(BATCHES + 2, 0)]);
    expect(own.findAt(0)).toBe(0n);
    expect(own.findAt(1)).toBe(0n);
    expect(own.headersLoaded).toBe(0);
    expect(own.find(idOf(2, 7))).toBe(value(IndexKind.created, 2, 7));
    expect(own.find(idOf(2, 7) + 1n)).toBe(0n);
    expect([own.headersLoaded, own.pagesRead]).toEqual([1, 1]);
  });

  test('a find at each end of each page', () => {
    const own = index.restarted();
    for (const i of [0, 2727, 2728, SIZE - 1])
      expect(own.find(idOf(3, i)), `entry ${i}`).toBe(value(IndexKind.created, 3, i));
    expect(own.find(idOf(3, 0) - 1n)).toBe(0n);
    expect(own.find(idOf(3, SIZE - 1) + 1n)).toBe(0n);
  });

  test('the two entries of an id are found when one ends a page and the other begins the next', () => {
    const id = (i: number): bigint => (9n << 80n) | BigInt(i);
    const own = index.kernel;
    own.begin(20, []);
    for (let i = 1; i <= 2728; i++) own.insert(id(i), value(IndexKind.created, 20, i));
    own.insert(id(2728), value(IndexKind.posted, 20, 0));
    own.insert(id(2729), value(IndexKind.created, 20, 4000));
    index.freeze(20);
    index.seal();
    own.begin(21, []);
    expect(own.find(id(2728))).toBe(value(IndexKind.created, 20, 2728));
    expect(own.findResolution(id(2728))).toBe(value(IndexKind.posted, 20, 0));
    expect(own.find(id(2729))).toBe(value(IndexKind.created, 20, 4000));
    expect(own.findResolution(id(2729))).toBe(0n);
  });

  test('with memory for two headers only, searches over all runs still answer', () => {
    // What the index itself takes, then room for two pieces.
    const bare = new IndexKernel(undefined);
    const used = bare.exports.allocate(64) >>> 0;
    const own = new IndexKernel(index.environment, Math.ceil((used + 2.5 * 1024 * 1024) / 65_536));
    for (const run of index.runs.manifest.runs) own.add(run);
    own.begin(100, []);
    for (let round = 0; round < 3; round++) {
      for (let op = 1; op <= BATCHES; op++)
        expect(own.find(idOf(op, 9))).toBe(value(IndexKind.created, op, 9));
    }
    expect(own.headersLoaded).toBeGreaterThan(BATCHES);
  });

  test('a damaged page or header stops the search and is named', () => {
    const { environment } = index;
    const run = index.runs.manifest.runs[0]!.id;
    const damage = (key: Buffer, offset: number): void => {
      const bytes = environment.runs.getBinary(key)!;
      bytes[offset]! ^= 0x04;
      environment.runs.putSync(key, bytes);
    };
    for (const offset of [3, 9, 13, 17, 40, 65_000]) {
      const own = index.restarted();
      damage(runKey(run, RunPart.page, 0), offset);
      expect(() => own.find(idOf(1, 5)), `byte ${offset}`).toThrow(KernelAborted);
      expect(own.exports.indexDamage()).toBe(BigInt(run) << 32n);
      damage(runKey(run, RunPart.page, 0), offset);
      expect(index.restarted().find(idOf(1, 5))).toBe(value(IndexKind.created, 1, 5));
    }
    for (const offset of [0, 8, 12, 17, 24, 33, 64, 4000]) {
      const own = index.restarted();
      damage(runKey(run, RunPart.piece, 0), offset);
      expect(() => own.find(idOf(1, 5)), `byte ${offset} of the header`).toThrow(KernelAborted);
      expect(own.exports.indexDamage()).toBe((BigInt(run) << 32n) | 0xffff_ffffn);
      damage(runKey(run, RunPart.piece, 0), offset);
    }
  });
});
