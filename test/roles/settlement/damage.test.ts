// One record of settlement's store is damaged: its own request cannot be answered, every other one is.
import { expect, test } from 'vitest';
import { StoreError } from '../../../src/store/errors.ts';
import { place } from '../../../src/store/key.ts';
import type { MemoryDisk } from '../../store/memory-backend.ts';
import { chargeRequest, OPERATOR, reversalOf, Simulation } from './support.ts';

/** From now on the record is found, and cannot be read, as by a checksum. */
function damage(disk: MemoryDisk, table: string, id: bigint): void {
  const damaged = place(table, id);
  const { records } = disk;
  const unreadable = (): never => {
    throw new StoreError(
      'store_corrupt',
      `table ${table}: expected a record with its checksum, got a damaged one`,
    );
  };
  const get = records.get.bind(records);
  records.get = (at) => (at === damaged ? unreadable() : get(at));
  const entries = records.entries.bind(records);
  records[Symbol.iterator] = function* () {
    for (const entry of entries()) {
      if (entry[0] === damaged) Object.defineProperty(entry, 1, { get: unreadable });
      yield entry;
    }
    return undefined;
  };
  expect(records.has(damaged)).toBe(true);
}

async function withDamage() {
  const simulation = new Simulation();
  await simulation.start();
  const request = (id: bigint) => chargeRequest({ request: id, applyBy: simulation.applyBy });
  const stored = [1n, 2n, 3n].map(request);
  for (const charge of stored) await simulation.insist((client) => client.charge(charge));
  damage(simulation.disk, 'requests', 2n);
  return { simulation, stored, request };
}

test('of a batch of charges only the damaged one is refused, to be asked for again', async () => {
  const { simulation, stored, request } = await withDamage();
  const client = simulation.client();
  const results = await simulation.world.until(
    Promise.all([...stored, request(4n)].map((charge) => client.charge(charge))),
  );
  const charged = { kind: 'ok', answer: { kind: 'charged' } };
  expect(results).toMatchObject([charged, { kind: 'unknown' }, charged, charged]);
});

test('of a batch of reversals likewise', async () => {
  const { simulation } = await withDamage();
  const client = simulation.client();
  const results = await simulation.world.until(
    Promise.all([2n, 4n].map((id) => client.reverse(reversalOf(id)))),
  );
  expect(results).toMatchObject([{ kind: 'unknown' }, { kind: 'ok', answer: { kind: 'reversed' } }]);
});

test('an operator is told of it, and of all others', async () => {
  const { simulation } = await withDamage();
  const client = simulation.client(OPERATOR);
  const looked = await simulation.world.until(client.lookupRequest(2n));
  expect(looked).toMatchObject({ answer: { report: { request: 2n, state: 'damaged' } } });
  const listed = await simulation.world.until(client.listRequests(undefined, 10));
  expect(listed).toMatchObject({
    answer: { reports: [{ state: 'charged' }, { request: 2n, state: 'damaged' }, { state: 'charged' }] },
  });
});
