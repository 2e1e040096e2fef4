import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { high, low, seedOfKey, Tables } from './support.ts';

const MASK = (1n << 128n) - 1n;

// A fixed bijection of 128 bits: the i-th id of a sequence that looks random.
function scattered(i: number): bigint {
  return (BigInt(i) * 0x9e3779b97f4a7c15f39cc0605cedc835n + 0x1234567890abcdefn) & MASK;
}

// Time-ordered: milliseconds above, a few random-looking bits below.
function timeOrdered(i: number): bigint {
  return (BigInt(1_700_000_000_000 + (i >> 3)) << 80n) | (scattered(i) & ((1n << 80n) - 1n));
}

const orders: Record<string, (i: number) => bigint> = {
  sequential: (i) => BigInt(i + 1),
  'sequential in the upper half': (i) => BigInt(i + 1) << 64n,
  'multiples of 2^32': (i) => BigInt(i + 1) << 32n,
  'multiples of 2^100': (i) => BigInt(i + 1) << 100n,
  'both halves alike': (i) => (BigInt(i + 1) << 64n) | BigInt(i + 1),
  'top bits only': (i) => (BigInt(i & 511) << 55n) | (BigInt(i >> 9) << 119n),
  random: scattered,
  'time-ordered': timeOrdered,
};

// Ids that a model test draws from: few, so that they come again, and near the edges.
const idArb = fc.oneof(
  fc.bigInt({ min: 1n, max: 40n }),
  fc.bigInt({ min: 1n, max: 40n }).map((i) => MASK - i),
  fc.bigInt({ min: 0n, max: 40n }).map((i) => (i << 64n) | 7n),
);

function findMany(tables: Tables, ids: bigint[]): number[] {
  const at = tables.calls.allocate(ids.length * 16);
  const out = tables.calls.allocate(ids.length * 4);
  ids.forEach((id, i) => {
    tables.view.setBigUint64(at + i * 16, low(id), true);
    tables.view.setBigUint64(at + i * 16 + 8, high(id), true);
  });
  tables.calls.accountFindMany(at, 16, ids.length, out);
  return ids.map((_, i) => tables.view.getInt32(out + i * 4, true));
}

describe('account index', () => {
  test.each(Object.keys(orders))('finds 40,000 ids, %s, and none that is not there', (name) => {
    const id = orders[name]!;
    for (const seed of [1n, 0xdeadbeefn, 0xffff_ffff_ffff_ffffn]) {
      const tables = new Tables({ seedLo: seed, seedHi: seed * 3n });
      for (let i = 0; i < 40_000; i += 1) {
        if (i % 8000 === 0) expect(tables.reserve(8000)).toBe(true);
        expect(tables.addAccount(id(i))).toBe(i);
      }
      for (let i = 0; i < 40_000; i += 1) {
        if (tables.findAccount(id(i)) !== i) expect.fail(`id ${i}: got ${tables.findAccount(id(i))}`);
        if (tables.findAccount(id(i + 40_000)) !== -1) expect.fail(`id ${i + 40_000}: found though absent`);
      }
    }
  });

  test('finding many at once answers as finding one by one', () => {
    const tables = new Tables();
    const count = 1000;
    tables.reserve(count);
    const ids = tables.calls.allocate(count * 128);
    const out = tables.calls.allocate(count * 4);
    tables.calls.accountFindMany(ids + 16, 128, 3, out);
    expect(tables.view.getInt32(out, true)).toBe(-1);
    for (let i = 0; i < count; i += 2) tables.addAccount(scattered(i));
    for (let i = 0; i < count; i += 1) {
      tables.view.setBigUint64(ids + 16 + i * 128, low(scattered(i)), true);
      tables.view.setBigUint64(ids + 24 + i * 128, high(scattered(i)), true);
    }
    for (const n of [0, 1, 31, 32, 33, 64, count]) {
      for (let i = 0; i < count; i += 1) tables.view.setInt32(out + 4 * i, -7, true);
      tables.calls.accountFindMany(ids + 16, 128, n, out);
      for (let i = 0; i < count; i += 1) {
        expect(tables.view.getInt32(out + 4 * i, true)).toBe(i >= n ? -7 : i % 2 === 0 ? i / 2 : -1);
      }
    }
  });

  test('inserting after a reservation needs no further memory', () => {
    const tables = new Tables({ memoryMax: 600 });
    let count = 0;
    while (tables.reserve(8190)) {
      const size = tables.memory.buffer.byteLength;
      for (let i = 0; i < 8190; i += 1) tables.addAccount(scattered(count + i));
      expect(tables.memory.buffer.byteLength).toBe(size);
      count += 8190;
    }
    expect(count).toBeGreaterThan(50_000);
    for (let i = 0; i < count; i += 1) {
      if (tables.findAccount(scattered(i)) !== i) expect.fail(`id ${i} is lost`);
    }
    expect(tables.reserve(8190)).toBe(false);
  });

  // The keys are secret; these tests know them, and so can do what an attacker would have to.
  describe('ids chosen against known keys', () => {
    function check(tables: Tables, ids: bigint[], stashed: number): void {
      for (let i = 0; i < ids.length; i += 1) {
        if (i % 500 === 0) expect(tables.reserve(500)).toBe(true);
        tables.addAccount(ids[i]!);
      }
      for (let i = 0; i < ids.length; i += 1) expect(tables.findAccount(ids[i]!)).toBe(i);
      expect(tables.findAccount(1n << 127n)).toBe(-1);
      expect(tables.calls.accountsStashed()).toBe(stashed);
      expect(findMany(tables, ids)).toEqual(ids.map((_, i) => i));
      // Every other one goes, the rest stays; a reservation takes into the segment what has room there now.
      for (let i = 0; i < ids.length; i += 2) tables.calls.accountRemove(low(ids[i]!), high(ids[i]!));
      for (let i = 0; i < ids.length; i += 1) expect(tables.findAccount(ids[i]!)).toBe(i % 2 === 0 ? -1 : i);
      expect(findMany(tables, ids)).toEqual(ids.map((_, i) => (i % 2 === 0 ? -1 : i)));
      expect(tables.reserve(ids.length)).toBe(true);
      expect(tables.calls.accountsStashed()).toBe(Math.max(0, ids.length / 2 - (ids.length - stashed)));
      for (let i = 1; i < ids.length; i += 2) expect(tables.findAccount(ids[i]!)).toBe(i);
      for (let i = 0; i < ids.length; i += 2) tables.calls.accountInsert(low(ids[i]!), high(ids[i]!), i);
      for (let i = 0; i < ids.length; i += 1) expect(tables.findAccount(ids[i]!)).toBe(i);
    }

    test('3,000 ids of one hash', () => {
      const tables = new Tables({ seedLo: seedOfKey(1n) });
      check(
        tables,
        Array.from({ length: 3000 }, (_, i) => BigInt(i + 1)),
        3000 - 511,
      );
    });

    test('4,000 ids that differ only above the bits which splits look at', () => {
      const tables = new Tables({ seedLo: seedOfKey(1n << 32n) });
      check(
        tables,
        Array.from({ length: 4000 }, (_, i) => BigInt(i + 1) << 20n),
        4000 - 511,
      );
    });

    test('ids that agree in the low 15 bits, then spread', () => {
      const tables = new Tables({ seedLo: seedOfKey(1n << 32n) });
      check(
        tables,
        Array.from({ length: 8000 }, (_, i) => BigInt(i + 1) << 15n),
        0,
      );
    });
  });
});

describe('pending index', () => {
  test('does what a Map does', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), id: idArb }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), id: idArb }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('removeAbsent' as const), id: idArb }) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 300 }),
        // Known keys that send nearly everything to one cluster, and an ordinary pair.
        fc.constantFrom(seedOfKey(1n), seedOfKey(1n << 56n), 5n),
        (steps, seedLo) => {
          const tables = new Tables({ seedLo });
          const model = new Map<bigint, number>();
          tables.reserve(steps.length);
          for (const { kind, id } of steps) {
            if (kind === 'add' && !model.has(id)) model.set(id, tables.addPending(id, 1n, 0n));
            if (kind === 'remove' && model.delete(id)) tables.removePending(id);
            if (kind === 'removeAbsent' && !model.has(id)) tables.calls.pendingRemove(low(id), high(id));
            for (const [known, slot] of model) expect(tables.findPending(known)).toBe(slot);
            expect(tables.findPending(id)).toBe(model.get(id) ?? -1);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('100,000 ids come and go through a window of 3,000', () => {
    const tables = new Tables();
    const window = 3000;
    for (let i = 0; i < 100_000; i += 1) {
      if (i % 1000 === 0) expect(tables.reserve(1000)).toBe(true);
      tables.addPending(scattered(i), BigInt(i), 0n);
      if (i < window) continue;
      tables.removePending(scattered(i - window));
      if (tables.findPending(scattered(i - window)) !== -1) expect.fail(`id ${i - window} is still there`);
      if (tables.findPending(scattered(i - (i % window))) < 0) expect.fail(`id ${i - (i % window)} is lost`);
    }
    const size = tables.memory.buffer.byteLength;
    for (let i = 100_000; i < 150_000; i += 1) {
      if (i % 1000 === 0) expect(tables.reserve(1000)).toBe(true);
      tables.addPending(scattered(i), BigInt(i), 0n);
      tables.removePending(scattered(i - window));
    }
    expect(tables.memory.buffer.byteLength).toBe(size);
  });
});
