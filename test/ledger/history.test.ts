import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccountHistory, type HistoryEvent, type HistoryHead } from '../../src/ledger/history.ts';

/** A chain of `count` events of one account (sides alternate in an irregular way), as the kernel would link them. */
function chain(count: number, timestampOf: (ordinal: number) => bigint) {
  const refOf = (ordinal: number) => (ordinal < 1 ? 0 : ordinal * 3 + 1);
  let reads = 0;
  const source = {
    event(ref: number): HistoryEvent {
      reads++;
      const ordinal = (ref - 1) / 3;
      if (!Number.isInteger(ordinal) || ordinal < 1 || ordinal > count) throw new Error(`no event at ${ref}`);
      const refs = [refOf(ordinal - 1)];
      if (ordinal % 256 === 0) refs.push(refOf(ordinal - 256));
      if (ordinal % 65_536 === 0) refs.push(refOf(ordinal - 65_536));
      const isDebit = ordinal % 3 === 0;
      const record = new DataView(new ArrayBuffer(128));
      record.setUint8(0, isDebit ? 1 : 0);
      const effect = {
        debitRefs: isDebit ? refs : [999],
        creditRefs: isDebit ? [999] : refs,
      } as unknown as HistoryEvent['effect'];
      return { ref, record, timestamp: timestampOf(ordinal), expiry: false, effect };
    },
  };
  const head: HistoryHead = {
    head: refOf(count),
    skip256: refOf(count - (count % 256)),
    skip65536: refOf(count - (count % 65_536)),
    count,
  };
  const history = new AccountHistory(source, head, (record) => record.getUint8(0) === 1);
  const scan = (min: bigint, max: bigint, reversed: boolean, limit = Number.POSITIVE_INFINITY) => {
    const found: number[] = [];
    history.scan(min, max, reversed, (event, isDebit) => {
      const ordinal = (event.ref - 1) / 3;
      expect(isDebit).toBe(ordinal % 3 === 0);
      found.push(ordinal);
      return found.length < limit;
    });
    return found;
  };
  return { scan, reads: () => reads };
}

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);

describe('history', () => {
  test('any window, in both directions, is exactly the events in it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 65_000, max: 140_000 })),
        fc.nat(),
        fc.nat({ max: 600 }),
        (count, start, length) => {
          const from = 1 + (start % (count + 1));
          const to = from + length;
          const { scan } = chain(count, (ordinal) => BigInt(ordinal) * 10n);
          const expected = range(from, Math.min(to, count));
          expect(scan(BigInt(from) * 10n, BigInt(to) * 10n, false)).toEqual(expected);
          expect(scan(BigInt(from) * 10n - 9n, BigInt(to) * 10n + 9n, true)).toEqual(expected.reverse());
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the whole of a long history in order', () => {
    const { scan } = chain(10_000, (ordinal) => BigInt(ordinal));
    expect(scan(0n, 1n << 63n, false)).toEqual(range(1, 10_000));
  });

  test('the first events of a million are reached in hundreds of steps, not a million', () => {
    const { scan, reads } = chain(1_000_000, (ordinal) => BigInt(ordinal));
    expect(scan(10n, 1n << 63n, false, 3)).toEqual([10, 11, 12]);
    expect(reads()).toBeLessThan(12_000);
    const { scan: backwards, reads: readsBackwards } = chain(1_000_000, (ordinal) => BigInt(ordinal));
    expect(backwards(0n, 500_000n, true, 3)).toEqual([500_000, 499_999, 499_998]);
    expect(readsBackwards()).toBeLessThan(3000);
  });
});
