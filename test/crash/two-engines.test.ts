// One store, two engines: the second one is told who has it, the first one does not notice.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Ledger } from '../../src/ledger/index.ts';
import { Random } from '../../src/shared/random.ts';
import { checkBooks } from './books.ts';
import { BUSY_MAINTENANCE, EngineProcess, freePort, probe } from './engine-process.ts';
import { seedOf, temporaryDirectory, until } from './support.ts';
import { Traffic } from './traffic.ts';

test('a second engine on the same path is refused while the first one works', {
  timeout: 120_000,
}, async () => {
  const seed = seedOf();
  const path = temporaryDirectory();
  const options = { port: await freePort(new Random(seed)), maintenance: BUSY_MAINTENANCE };
  const first = await EngineProcess.start(path, options);
  onTestFinished(() => first.kill());
  const alias = join(temporaryDirectory(), 'alias');
  symlinkSync(path, alias);
  const { url } = first.ready;
  const traffic = await Traffic.start({
    url,
    seed,
    lanes: 4,
    batchRecordsMax: 500,
    devices: 10,
    rate: 10_000,
  });
  onTestFinished(() => traffic.client.close(0));
  traffic.run();
  for (const name of [path, alias, path]) {
    const { answered } = traffic;
    expect(await probe(name, { maintenance: BUSY_MAINTENANCE })).toMatchObject({
      kind: 'refused',
      error: {
        name: 'JournalError',
        code: 'journal_locked',
        message: expect.stringContaining(`process ${first.pid} has it open`),
      },
    });
    await until('answers', () => traffic.answered > answered + 5);
  }
  // In this process too.
  await expect(Ledger.open({ path })).rejects.toMatchObject({ code: 'journal_locked' });
  await traffic.settle();
  expect(traffic.events.filter(({ type }) => type === 'disconnected')).toEqual([]);
  expect(traffic.asked.every(({ answer }) => answer !== undefined)).toBe(true);

  // The lock goes with its process, however that ends.
  await first.kill();
  const second = await EngineProcess.start(alias, options);
  await second.stop();
  const books = await checkBooks(path, traffic.asked);
  expect(books.unansweredLost + books.unansweredKept).toBe(0);
});

test('one process cannot open a store twice, and can open it again after it has closed it', async () => {
  const path = temporaryDirectory();
  const ledger = await Ledger.open({ path });
  await expect(Ledger.open({ path })).rejects.toThrow(`process ${process.pid} has it open`);
  const [result] = await ledger.createAccounts([{ id: 1n, ledger: 978, code: 1 }]);
  expect(result!.status).toBe('created');
  await ledger.close();
  const again = await Ledger.open({ path });
  expect(await again.lookupAccounts([1n])).toHaveLength(1);
  await again.close();
});
