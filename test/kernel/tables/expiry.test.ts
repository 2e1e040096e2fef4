import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tables } from './support.ts';

const NEVER = 0xffff_ffff_ffff_ffffn;

interface Open {
  id: bigint;
  ref: bigint;
  expiresAt: bigint;
  slot: number;
}

function compare(a: Open, b: Open): number {
  if (a.expiresAt !== b.expiresAt) return a.expiresAt < b.expiresAt ? -1 : 1;
  return a.ref < b.ref ? -1 : 1;
}

function checkAgainst(tables: Tables, open: Open[], times: bigint[]): void {
  const sorted = open.filter((entry) => entry.expiresAt !== 0n).sort(compare);
  expect(tables.calls.expiryPeek()).toBe(sorted[0]?.slot ?? -1);
  expect(BigInt.asUintN(64, tables.calls.nextExpiry())).toBe(sorted[0]?.expiresAt ?? NEVER);
  for (const time of times) {
    const due = sorted.filter((entry) => entry.expiresAt <= time).length;
    for (const max of [0, 1, 3, 8190]) {
      // Not an expect a call: a quarter of a million of them take ten seconds.
      const counted = tables.calls.expiriesDue(time, max);
      if (counted !== Math.min(due, max))
        expect.fail(`due at ${time}, at most ${max}: ${due}, got ${counted}`);
    }
  }
}

describe('expiry', () => {
  test('does what a sorted list does', () => {
    // Few times, so that many are equal; the largest has its top bit set.
    const timeArb = fc.oneof(fc.bigInt({ min: 0n, max: 12n }), fc.constantFrom(1n << 62n, NEVER - 1n));
    const stepArb = fc.record({ remove: fc.nat(), expiresAt: timeArb, what: fc.nat({ max: 9 }) });
    fc.assert(
      fc.property(fc.array(stepArb, { maxLength: 250 }), (steps) => {
        const tables = new Tables();
        tables.reserve(steps.length);
        const open: Open[] = [];
        steps.forEach(({ remove, expiresAt, what }, i) => {
          if (what < 6 || open.length === 0) {
            const id = BigInt(i + 1);
            // Refs not in order of arrival.
            const ref = BigInt((i * 7919) % 8192);
            open.push({ id, ref, expiresAt, slot: tables.addPending(id, ref, expiresAt) });
          } else {
            const [gone] = open.splice(remove % open.length, 1) as [Open];
            tables.removePending(gone.id);
          }
          checkAgainst(tables, open, [0n, expiresAt, 5n, NEVER]);
        });
        const order: number[] = [];
        for (let slot = tables.calls.expiryPeek(); slot >= 0; slot = tables.calls.expiryPeek()) {
          order.push(slot);
          tables.calls.expiryRemove(slot);
        }
        const expected = open.filter((entry) => entry.expiresAt !== 0n).sort(compare);
        expect(order).toEqual(expected.map((entry) => entry.slot));
        expect(tables.calls.expiriesDue(NEVER, 8190)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('200,000 rows over many chunks leave in order', () => {
    const tables = new Tables();
    const total = 200_000;
    const times: bigint[] = [];
    for (let i = 0; i < total; i += 1) {
      if (i % 8000 === 0) expect(tables.reserve(8000)).toBe(true);
      const time = BigInt(1 + ((i * 48_271) % 199_999));
      times.push(time);
      tables.addPending(BigInt(i + 1), BigInt(i), time);
    }
    expect(tables.calls.expiriesDue(1000n, 8190)).toBe(times.filter((time) => time <= 1000n).length);
    // Half is resolved out of order first.
    for (let i = 0; i < total; i += 2) tables.removePending(BigInt(i + 1));
    let last = 0n;
    for (let i = 0; i < total / 2; i += 1) {
      const slot = tables.calls.expiryPeek();
      const time = tables.calls.nextExpiry();
      if (time < last || times[slot] !== time || slot % 2 !== 1)
        expect.fail(`slot ${slot} at ${time} after ${last}`);
      last = time;
      tables.calls.expiryRemove(slot);
    }
    expect(tables.calls.expiryPeek()).toBe(-1);
  });

  test('removing a row that is not in the heap changes nothing', () => {
    const tables = new Tables();
    tables.reserve(3);
    const never = tables.addPending(1n, 1n, 0n);
    const some = tables.addPending(2n, 2n, 9n);
    tables.calls.expiryRemove(never);
    tables.calls.expiryRemove(never);
    expect(tables.calls.expiryPeek()).toBe(some);
    tables.calls.expiryRemove(some);
    tables.calls.expiryRemove(some);
    expect(tables.calls.nextExpiry()).toBe(-1n);
  });
});
