// No room: what is refused says so and is not applied, what waits is answered once there is room, nothing is lost.
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ClientError } from '../../src/channel/client-error.ts';
import { Operation, RECORD_SIZE } from '../../src/layout/generated.ts';
import { Ledger } from '../../src/ledger/index.ts';
import { Random } from '../../src/shared/random.ts';
import { LOCAL_PEER } from '../../src/wire/peer.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { type Books, checkBooks, checkShown } from './books.ts';
import {
  BUSY_MAINTENANCE,
  digestOf,
  type EngineOptions,
  EngineProcess,
  freePort,
  probe,
} from './engine-process.ts';
import { type DiskKind, mountSmallDisk } from './small-disk.ts';
import { pause, seedOf, temporaryDirectory, until } from './support.ts';
import { Traffic } from './traffic.ts';

const MEGABYTE = 2 ** 20;
/** Longest timeout of a pending transfer in the workload, and a bit. */
const PENDING_TIMEOUT_MAX_MS = 4500;

interface Health {
  readonly status: 'ok' | 'degraded' | 'stopped';
  readonly detail: { readonly op: number; readonly durableOp: number; readonly reason?: string };
}

async function healthOf(url: string): Promise<Health> {
  const response = await fetch(url.replace('ws:', 'http:').replace('/v1', '/healthz'));
  return (await response.json()) as Health;
}

async function startTraffic(url: string, rate = 30_000): Promise<Traffic> {
  const seed = seedOf();
  process.stdout.write(`full disk: SPECIE_CRASH_SEED=${seed}\n`);
  const traffic = await Traffic.start({
    url,
    seed,
    lanes: 6,
    batchRecordsMax: 2000,
    devices: 20,
    rate,
    isRefusalFatal: false,
  });
  // Whatever goes wrong in a test, its client must not outlive it.
  onTestFinished(() => traffic.client.close(0));
  return traffic;
}

async function start(path: string, options: EngineOptions) {
  const engine = await EngineProcess.start(path, options);
  onTestFinished(() => engine.kill());
  return engine;
}

const refusals = (traffic: Traffic): ClientError[] =>
  traffic.asked.flatMap(({ error }) => (error === undefined ? [] : [error]));

/** What a full disk looks like from outside: writes and reads are refused by name, and nothing is acknowledged. */
async function checkStalled(traffic: Traffic, url: string, code = 'journal_full'): Promise<void> {
  await until('degraded health', async () => (await healthOf(url)).detail.reason?.includes(code) === true);
  const health = await healthOf(url);
  expect(health.status).toBe('degraded');
  const { durableOp } = health.detail;
  const { answered } = traffic;
  // The lanes' requests have been executed and wait; whatever comes now is refused.
  for (let i = 0; i < 3; i++) {
    const { error } = await traffic.one();
    expect(error).toMatchObject({ code: 'storage_full', outcome: 'none' });
    expect(error!.message).toContain(code);
  }
  // A read would show what has been executed and may never have happened.
  await expect(traffic.client.lookupAccounts(traffic.accountIds)).rejects.toMatchObject({
    code: 'storage_full',
  });
  await pause(600);
  expect(traffic.answered).toBe(answered);
  expect((await healthOf(url)).detail.durableOp).toBe(durableOp);
}

/** Ends the traffic, and proves the store against its books: from checkpoints, and from the journal alone. */
async function finish(
  path: string,
  traffic: Traffic,
  engine: EngineProcess,
  options: EngineOptions,
): Promise<Books> {
  await traffic.settle();
  await pause(PENDING_TIMEOUT_MAX_MS);
  const { digest } = await engine.stop();
  const books = await checkBooks(path, traffic.asked);
  expect(await digestOf(path)).toBe(digest);
  // Not the folder itself: it may be a file system of its own.
  for (const file of ['data.mdb', 'lock.mdb']) rmSync(join(path, 'state', file));
  const again = await start(path, options);
  expect(again.ready.digest).toBe(digest);
  expect(again.ready.recovery.checkpointOp).toBe(0);
  await checkShown(traffic, books);
  await traffic.client.close();
  await again.stop();
  return books;
}

test.each<DiskKind>(['tmpfs', 'ext4'])(
  'a full disk (%s), killed while it is full, room again',
  { timeout: 120_000 },
  async (kind) => {
    const disk = mountSmallDisk(kind, 32 * MEGABYTE);
    if (disk === undefined) return;
    const path = join(disk.path, 'store');
    const ballast = (number: number) => join(disk.path, `ballast${number}`);
    for (const number of [1, 2]) writeFileSync(ballast(number), Buffer.alloc(9 * MEGABYTE));
    const options = { port: await freePort(new Random(seedOf())), maintenance: BUSY_MAINTENANCE };
    let engine = await start(path, options);
    const { url } = engine.ready;
    const traffic = await startTraffic(url);
    traffic.run();

    // Full, and room again: what waited is answered, writing goes on.
    await checkStalled(traffic, url);
    const before = traffic.answered;
    rmSync(ballast(1));
    await until('health ok', async () => (await healthOf(url)).status === 'ok');
    await until('answers', () => traffic.answered > before + 20);

    // Full again, and killed: what was executed and not flushed is gone, and its clients ask for it again.
    await checkStalled(traffic, url);
    await engine.kill();
    // It needs no room to start.
    expect(await probe(path, { maintenance: BUSY_MAINTENANCE })).toMatchObject({ kind: 'ready' });
    engine = await start(path, options);
    await checkStalled(traffic, url);
    rmSync(ballast(2));
    await until('health ok', async () => (await healthOf(url)).status === 'ok');
    const then = traffic.answered;
    await until('answers', () => traffic.answered > then + 5);
    const books = await finish(path, traffic, engine, options);
    process.stdout.write(
      `full disk (${kind}): ${books.ops} operations, ${refusals(traffic).length} refusals\n`,
    );
    for (const { error } of traffic.asked) expect(error?.code ?? 'storage_full').toBe('storage_full');
  },
);

test('a request that comes again while the first one waits for room shares its answer', async () => {
  const path = temporaryDirectory();
  const ledger = await Ledger.open({ path, mapSizeBytes: 2 * MEGABYTE });
  const payload = new Uint8Array(RECORD_SIZE * 1000);
  const ask = (request: bigint) =>
    ledger.submit({
      operation: Operation.create_transfers,
      peer: LOCAL_PEER,
      session: 7n,
      request,
      payload,
      count: 1000,
    });
  const isWaiting = (reply: Promise<unknown>) =>
    Promise.race([reply.then(() => false), pause(400).then(() => true)]);
  let request = 1n;
  while (!(await isWaiting(ask(request)))) request++;
  expect(await ask(request + 1n)).toMatchObject({ status: RequestStatus.storage_full });
  // It has been executed, so "nothing was applied" would be wrong: it is stored as soon as there is room.
  const again = ask(request);
  expect(await isWaiting(again)).toBe(true);
  await ledger.close();
  // No room to the end: what became of it is not said, rather than wrongly.
  expect((await again).status).not.toBe(RequestStatus.storage_full);
  const reopened = await Ledger.open({ path });
  expect(reopened.recovery.tipOp).toBe(Number(request) - 1);
  expect(reopened.openSession(7n, 0n).applied).toBe(request - 1n);
  await reopened.close();
});

test('a limit on the size of files (RLIMIT_FSIZE) is a full disk too', { timeout: 120_000 }, async () => {
  const path = temporaryDirectory();
  const port = await freePort(new Random(seedOf()));
  const options = { port, maintenance: BUSY_MAINTENANCE };
  const limited = await start(path, { ...options, fileSizeMaxBytes: 3 * MEGABYTE });
  const traffic = await startTraffic(limited.ready.url);
  traffic.run();
  await checkStalled(traffic, limited.ready.url);
  // A clean stop gives up on what waits; its clients come back with it.
  await limited.stop();
  const engine = await start(path, options);
  const before = traffic.answered;
  await until('answers', () => traffic.answered > before + 20);
  await finish(path, traffic, engine, options);
});

test('the largest size of the journal (mapSizeBytes) is a full disk too', { timeout: 120_000 }, async () => {
  const path = temporaryDirectory();
  const port = await freePort(new Random(seedOf()));
  const options = { port, maintenance: BUSY_MAINTENANCE };
  const limited = await start(path, { ...options, mapSizeBytes: 4 * MEGABYTE });
  const traffic = await startTraffic(limited.ready.url);
  traffic.run();
  await checkStalled(traffic, limited.ready.url);
  await limited.kill();
  const larger = await start(path, { ...options, mapSizeBytes: 64 * MEGABYTE });
  const before = traffic.answered;
  await until('answers', () => traffic.answered > before + 20);
  await finish(path, traffic, larger, options);
});

test('a full disk for the state alone: the journal goes on', { timeout: 90_000 }, async () => {
  const disk = mountSmallDisk('tmpfs', 4 * MEGABYTE);
  if (disk === undefined) return;
  const path = temporaryDirectory();
  symlinkSync(disk.path, join(path, 'state'));
  const port = await freePort(new Random(seedOf()));
  const options = { port, maintenance: BUSY_MAINTENANCE };
  let engine = await start(path, options);
  const { url } = engine.ready;
  const traffic = await startTraffic(url, 15_000);
  traffic.run();
  await until('degraded health', async () => (await healthOf(url)).status === 'degraded');
  expect((await healthOf(url)).detail.reason).toContain('checkpoints');
  const before = traffic.answered;
  await until('answers', () => traffic.answered > before + 100);
  expect(refusals(traffic)).toEqual([]);
  expect(engine.events.some(({ detail }) => /state_full/.test(String(detail.error)))).toBe(true);

  // It can be stopped and started as it is.
  await engine.stop();
  engine = await start(path, options);
  const then = traffic.answered;
  await until('answers', () => traffic.answered > then + 100);
  expect(refusals(traffic)).toEqual([]);

  disk.grow(64 * MEGABYTE);
  await until('health ok', async () => (await healthOf(url)).status === 'ok');
  await until('a checkpoint', () => engine.events.some(({ event }) => event === 'checkpoint complete'));
  await finish(path, traffic, engine, options);
});

test('a state folder that is a mount point is emptied when it belongs to another journal', {
  timeout: 120_000,
}, async () => {
  const path = temporaryDirectory();
  if (mountSmallDisk('tmpfs', 16 * MEGABYTE, join(path, 'state')) === undefined) return;
  const port = await freePort(new Random(seedOf()));
  const options = { port, maintenance: BUSY_MAINTENANCE };
  const first = await start(path, options);
  const traffic = await startTraffic(first.ready.url);
  traffic.run();
  await until('answers', () => traffic.answered > 20);
  await traffic.settle();
  await traffic.client.close();
  const { status } = await first.stop();
  expect(status.op).toBeGreaterThan(20);
  rmSync(join(path, 'journal'), { recursive: true });
  const found = await probe(path);
  expect(found).toMatchObject({ kind: 'ready', ready: { recovery: { tipOp: 0, checkpointOp: 0 } } });
  if (found.kind === 'ready') expect(found.ready.recovery.discarded).toContain('the journal ends at 0');
});
