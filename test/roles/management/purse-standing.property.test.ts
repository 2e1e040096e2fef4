// The block list against a model that shares no code with it: whatever happens to devices and purses, in any order, the list
// has exactly the purses that it should, and a new serial exactly when something has changed.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { write } from '../../../src/roles/management/devices.ts';
import { writeFraud } from '../../../src/roles/management/purse-frauds.ts';
import { putPurse } from '../../../src/roles/management/purse-registry.ts';
import {
  listSerial,
  putDeviceAndPurses,
  putPurseStanding,
  stoppedPurses,
} from '../../../src/roles/management/purse-standing.ts';
import { type DeviceRecord, findDevice, putDevice } from '../../../src/roles/management/registry.ts';
import type { StoreTransaction } from '../../../src/store/store.ts';
import { START } from '../../identity/support.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';

const DEVICES = [11n, 12n, 13n];
const KEY = new Uint8Array(32);
const EVENT = { at: START, reason: 'model' };
const RUNS = process.env.SPECIE_SLOW_TESTS === '1' ? 2_000 : 100;

const device = fc.constantFrom(...DEVICES);
const step = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), device, days: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constantFrom('block' as const, 'unblock' as const, 'revoke' as const), device }),
  fc.record({ kind: fc.constant('fraud' as const), purse: fc.nat(20) }),
  fc.record({ kind: fc.constant('pass' as const), days: fc.integer({ min: 1, max: 3 }) }),
);

interface ModelPurse {
  readonly number: bigint;
  readonly device: bigint;
  readonly ends: bigint;
  hasCheated: boolean;
}

test('steps in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const store = memoryRoleStore(new MemoryDisk());
      const purses: ModelPurse[] = [];
      const blocked = new Set<bigint>();
      const revoked = new Set<bigint>();
      let now = START;
      await store.transaction((tx) => {
        for (const number of DEVICES) write(tx, putDevice(number, freshDevice(number)));
      });
      // What is on the list of the newest serial: one that ends later stays on it until there is another.
      let listed = new Set<bigint>();
      let serial = 0n;
      for (const one of steps) {
        if (one.kind === 'pass') {
          now += BigInt(one.days) * 86_400_000_000_000n;
          continue;
        }
        now += 1n;
        const run = (change: (tx: StoreTransaction) => void) => store.transaction(change);
        if (one.kind === 'open') {
          const number = (1n << 90n) + BigInt(purses.length);
          const ends = now + BigInt(one.days) * 86_400_000_000_000n;
          purses.push({ number, device: one.device, ends, hasCheated: false });
          await run((tx) => {
            const record = {
              ...{ device: one.device, request: number, signingKey: KEY, channelKey: KEY, currency: 1 },
              ...{ openedAt: now, expiresAt: ends, reportBy: ends + 1n, closed: undefined },
            };
            for (const put of [...putPurse(number, record), ...putPurseStanding(tx, number, record, now)])
              write(tx, put);
          });
        } else if (one.kind === 'fraud') {
          const purse = purses[one.purse % Math.max(1, purses.length)];
          if (purse === undefined) continue;
          if (!purse.hasCheated) blocked.add(purse.device);
          purse.hasCheated = true;
          const order = new Uint8Array(256);
          const evidence = { kind: 'orders' as const, first: order, second: order };
          const proof = { signingKey: KEY, evidence };
          const fraud = { purse: purse.number, device: purse.device, kind: 'same_sequence' as const, proof };
          await run((tx) => void writeFraud(tx, fraud, now));
        } else {
          if (one.kind === 'block') blocked.add(one.device);
          else if (one.kind === 'unblock') blocked.delete(one.device);
          else revoked.add(one.device);
          await run((tx) => {
            const before = findDevice(tx, one.device)!;
            const after: DeviceRecord = {
              ...before,
              blocked: blocked.has(one.device) ? EVENT : undefined,
              revoked: revoked.has(one.device) ? { ...EVENT, enforced: true } : undefined,
            };
            for (const put of putDeviceAndPurses(tx, one.device, after, now)) write(tx, put);
          });
        }
        const should = new Set(
          purses
            .filter((purse) => purse.ends > now)
            .filter((purse) => purse.hasCheated || blocked.has(purse.device) || revoked.has(purse.device))
            .map(({ number }) => number),
        );
        const isOver = (number: bigint): boolean =>
          purses.find((purse) => purse.number === number)!.ends <= now;
        const hasChanged =
          [...should].some((number) => !listed.has(number)) ||
          [...listed].some((number) => !should.has(number) && !isOver(number));
        const current = listSerial(store);
        expect(current.serial > serial).toBe(hasChanged);
        if (hasChanged) {
          listed = should;
          expect(current.since).toBe(now);
        }
        serial = current.serial;
        expect(stoppedPurses(store, current, 1_000).purses).toEqual(
          [...listed].sort((a, b) => (a < b ? -1 : 1)),
        );
      }
    }),
    { numRuns: RUNS },
  );
});

function freshDevice(number: bigint): DeviceRecord {
  return {
    ...{ request: number, signingKey: KEY, channelKey: KEY, userData: '', enrolledAt: START, serial: 1n },
    ...{ certificate: new Uint8Array(1), notAfter: START, revoked: undefined, blocked: undefined },
    replacedBy: undefined,
  };
}
