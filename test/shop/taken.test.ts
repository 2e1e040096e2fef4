// Which purchases of a shop are open: after any batches, outcomes, failed writes and restarts, those without an outcome.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TAKEN, Taken } from '../../src/shop/taken.ts';
import type { StoreTransaction } from '../../src/store/store.ts';

const REQUESTS = 6n;

/** What the disk has of the table; a transaction's changes count once it is written. */
class Disk {
  readonly records = new Map<bigint, Uint8Array>();

  write(isStored: boolean, run: (tx: StoreTransaction) => () => void): void {
    const changes = new Map<bigint, Uint8Array | undefined>();
    const change = (table: string, key: unknown, value: Uint8Array | undefined): void => {
      expect(table).toBe(TAKEN);
      changes.set(key as bigint, value);
    };
    const undo = run({
      put: (table, key, value) => change(table, key, value),
      remove: (table, key) => change(table, key, undefined),
      get: () => undefined,
      range: () => [],
    });
    if (!isStored) {
      undo();
      return;
    }
    for (const [key, value] of changes) {
      if (value === undefined) this.records.delete(key);
      else this.records.set(key, value);
    }
  }

  *stored(): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    for (const number of [...this.records.keys()].sort((a, b) => (a < b ? -1 : 1))) {
      const key = Buffer.alloc(16);
      key.writeBigUInt64BE(number, 8);
      yield { key, value: this.records.get(number)! };
    }
  }
}

const some = fc.uniqueArray(fc.bigInt(1n, REQUESTS), { minLength: 1 });

test('after any history, the open ones are those without an outcome', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('take' as const), requests: some, isStored: fc.boolean() }),
    fc.record({ kind: fc.constant('finish' as const), requests: some, isStored: fc.boolean() }),
    fc.record({ kind: fc.constant('restart' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const disk = new Disk();
      const open = new Set<bigint>();
      let taken = new Taken([], () => false);
      for (const one of steps) {
        if (one.kind === 'restart') taken = new Taken(disk.stored(), (request) => open.has(request));
        else {
          const { kind, isStored } = one;
          // One that is open is not taken in again; one that is not has no outcome to come.
          const requests = one.requests.filter((request) => open.has(request) === (kind === 'finish'));
          if (requests.length === 0) continue;
          disk.write(isStored, (tx) =>
            kind === 'take' ? taken.takeIn(tx, requests) : taken.finish(tx, requests),
          );
          if (isStored)
            for (const request of requests) kind === 'take' ? open.add(request) : open.delete(request);
        }
        expect(new Set(taken.requests())).toEqual(open);
        const again = new Taken(disk.stored(), (request) => open.has(request));
        expect(new Set(again.requests())).toEqual(open);
        expect(disk.records.size).toBeLessThanOrEqual(open.size);
      }
    }),
  );
});
