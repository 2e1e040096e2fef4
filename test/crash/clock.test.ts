// A clock that cannot be trusted: the ledger's time only goes forward, and what is due by it is released.
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Server } from '../../src/channel/server.ts';
import { TransferFlags } from '../../src/layout/generated.ts';
import { Ledger } from '../../src/ledger/index.ts';
import { Random } from '../../src/shared/random.ts';
import { checkBooks } from './books.ts';
import { BUSY_MAINTENANCE } from './engine-process.ts';
import { copyStore, pause, seedOf, temporaryDirectory } from './support.ts';
import { Traffic } from './traffic.ts';

const SECOND = 1_000_000_000n;
const HOUR = 3600n * SECOND;
const YEAR = 8766n * HOUR;
const START = 1_790_000_000n * SECOND;

test('back by hours, standing still, forward by years', async () => {
  const path = temporaryDirectory();
  let now = START;
  const clock = () => now;
  let ledger = await Ledger.open({ path, clock });
  let id = 1n;
  const times: bigint[] = [];
  const pay = async (count: number, more: object = {}) => {
    const events = Array.from({ length: count }, () => ({
      id: ++id,
      debitAccountId: 1n,
      creditAccountId: 2n,
      amount: 1n,
      ledger: 978,
      code: 1,
      ...more,
    }));
    const results = await ledger.createTransfers(events);
    for (const result of results) expect(result.status).toBe('created');
    times.push(...results.map(({ timestamp }) => timestamp));
    return results.at(-1)!.timestamp;
  };
  const held = async () => (await ledger.lookupAccounts([2n]))[0]!.creditsPending;
  await ledger.createAccounts([
    { id: 1n, ledger: 978, code: 1 },
    { id: 2n, ledger: 978, code: 1 },
  ]);

  expect(await pay(10)).toBe(START + 10n);
  // Back by five hours: time goes on by a nanosecond a record.
  now = START - 5n * HOUR;
  expect(await pay(10)).toBe(START + 20n);
  await pay(1, { flags: TransferFlags.pending, timeout: 60 });
  expect(await held()).toBe(1n);
  // Four hours later, by a clock that is still behind, the money is still held: a minute has not passed since START.
  now += 4n * HOUR;
  ledger.expire();
  await pay(10);
  expect(await held()).toBe(1n);
  now = START + 59n * SECOND;
  ledger.expire();
  await pay(1);
  expect(await held()).toBe(1n);
  now = START + 61n * SECOND;
  await pay(1);
  expect(await held()).toBe(0n);

  // Standing still.
  for (let i = 0; i < 50; i++) await pay(1 + (i % 7));
  await pay(1, { flags: TransferFlags.pending, timeout: 5 });

  // A restart with the clock back: the journal's time counts.
  await ledger.close();
  now = START - 100n * HOUR;
  ledger = await Ledger.open({ path, clock });
  await pay(5);
  expect(await held()).toBe(1n);

  // Forward by ten years: what is held goes back before the batch that comes then.
  now = START + 10n * YEAR;
  expect(await pay(3)).toBe(now + 3n);
  expect(await held()).toBe(0n);
  // And back: all is stamped ten years ahead from now on, and what is held is held by that time.
  now = START + HOUR;
  expect(await pay(2)).toBe(START + 10n * YEAR + 5n);
  await pay(1, { flags: TransferFlags.pending, timeout: 1 });
  ledger.expire();
  await pay(1);
  expect(await held()).toBe(1n);
  now = START + 10n * YEAR + 2n * SECOND;
  ledger.expire();
  expect(await held()).toBe(0n);

  times.reduce((before, time) => {
    expect(time).toBeGreaterThan(before);
    return time;
  });
  const digest = ledger.digest();
  await ledger.close();
  // A replay never looks at a clock.
  const copy = temporaryDirectory();
  copyStore(join(path, 'journal'), join(copy, 'journal'));
  now = 0n;
  const replayed = await Ledger.open({ path: copy, clock });
  expect(replayed.recovery.checkpointOp).toBe(0);
  expect(replayed.digest()).toBe(digest);
  await replayed.close();
});

test('a clock that jumps at random under load', { timeout: 120_000 }, async () => {
  const seed = seedOf();
  process.stdout.write(`clock: SPECIE_CRASH_SEED=${seed}\n`);
  const random = new Random(seed);
  const path = temporaryDirectory();
  let offset = 0n;
  let frozen: bigint | undefined;
  const real = () => START + BigInt(Math.round(performance.now() * 1e6)) + offset;
  const clock = () => frozen ?? real();
  let ledger = await Ledger.open({ path, clock, maintenance: BUSY_MAINTENANCE });
  const server = await Server.listen({ engine: ledger });
  const { url } = server;
  const traffic = await Traffic.start({
    url,
    seed,
    lanes: 4,
    batchRecordsMax: 800,
    devices: 20,
    rate: 15_000,
  });
  onTestFinished(() => traffic.client.close(0));
  traffic.run();
  for (let jump = 0; jump < 60; jump++) {
    await pause(20 + random.below(40));
    frozen = random.chance(0.3) ? clock() : undefined;
    const kind = random.below(10);
    if (kind < 3) offset += SECOND * BigInt(random.below(20_000) - 10_000);
    else if (kind < 6) offset += BigInt(random.below(4_000_000) - 2_000_000) * 1000n;
    else if (kind === 6) offset += YEAR;
  }
  await traffic.settle();
  await traffic.client.close();
  await server.close();
  const digest = ledger.digest();
  await ledger.close();
  const books = await checkBooks(path, traffic.asked);
  expect(books.records).toBeGreaterThan(1000);
  expect(books.expiries).toBeGreaterThan(10);
  expect(books.unansweredLost + books.unansweredKept).toBe(0);
  const copy = temporaryDirectory();
  copyStore(join(path, 'journal'), join(copy, 'journal'));
  ledger = await Ledger.open({ path: copy, clock: () => 0n });
  expect(ledger.digest()).toBe(digest);
  await ledger.close();
});
