// The engine killed at random moments, over and over, while clients write: nothing acknowledged is lost, nothing happens
// twice, every batch is there as a whole or not at all, and state that went through checkpoints is state that was
// replayed from the first entry. SPECIE_CRASH_SEED=… repeats what a run draws (not its timing); SPECIE_SLOW_TESTS=1 kills
// fifty times.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../../src/shared/random.ts';
import { checkBalance, checkBooks, checkShown } from './books.ts';
import { BUSY_MAINTENANCE, digestOf, EngineProcess, type EngineReady, freePort } from './engine-process.ts';
import { copyStore, pause, seedOf, temporaryDirectory } from './support.ts';
import { Traffic } from './traffic.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const KILLS_MIN = isSlow ? 50 : 20;
/** Kills while the engine starts come on top. */
const START_KILLS_MIN = isSlow ? 10 : 5;
/** A start is half a second on two free cores, a round 0.8; this is for machines that are not free. */
const RUN_MAX_MS = 260_000;
/** Longest timeout of a pending transfer in the workload, and a bit. */
const PENDING_TIMEOUT_MAX_MS = 4500;

test(`${KILLS_MIN} times killed while clients write`, { timeout: 300_000 }, async () => {
  const seed = seedOf();
  process.stdout.write(`kill loop: SPECIE_CRASH_SEED=${seed}\n`);
  const random = new Random(seed);
  const path = temporaryDirectory();
  const copy = temporaryDirectory();
  const port = await freePort(random);
  const options = { port, maintenance: BUSY_MAINTENANCE };
  const startedMs = performance.now();

  let engine = await EngineProcess.start(path, options);
  let startMs = performance.now() - startedMs;
  const traffic = await Traffic.start({
    url: engine.ready.url,
    seed,
    lanes: 8,
    batchRecordsMax: 3000,
    devices: 30,
    rate: 8_000,
  });
  traffic.run();

  const did = { kills: 0, startKills: 0, stops: 0, abandons: 0, copies: 0 };
  const seen: string[] = [];
  const looks: Promise<unknown>[] = [];
  let lastReady: EngineReady = engine.ready;
  for (let round = 0; did.kills < KILLS_MIN || did.startKills < START_KILLS_MIN; round++) {
    if (performance.now() - startedMs > RUN_MAX_MS) break;
    // One look at all accounts a round, itself cut off by kills and asked again.
    looks.push(traffic.client.lookupAccounts(traffic.accountIds).then(checkBalance, forgiveClosed));
    await pause(random.below(random.chance(0.3) ? 30 : 350));
    if (round % 9 === 8) {
      const { digest, status } = await engine.stop();
      did.stops++;
      seen.push(...engine.events.map(({ event }) => event));
      // A clean end leaves nothing to replay, and the same state.
      engine = await EngineProcess.start(path, options);
      expect(engine.ready.recovery).toMatchObject({ replayedOps: 0, tipOp: status.op });
      expect(engine.ready.digest).toBe(digest);
    } else {
      const isLast = round % 7 === 6;
      const abandoned = isLast ? traffic.abandon() : undefined;
      await engine.kill();
      did.kills++;
      seen.push(...engine.events.map(({ event }) => event));
      if (round % 3 === 1 && did.startKills < 15) {
        // Kills aimed at recovery, anywhere from the first instruction to after the last.
        for (let i = random.below(2); i >= 0; i--) {
          const starting = new EngineProcess(path, options);
          await Promise.race([pause(random.float() * 1.1 * startMs), starting.ended]);
          expect(starting.isAlive).toBe(true);
          await starting.kill();
          did.startKills++;
        }
      }
      const isCopied = round % 10 === 3;
      if (isCopied) copyStore(join(path, 'journal'), join(copy, 'journal'));
      const since = performance.now();
      engine = await EngineProcess.start(path, options);
      startMs = performance.now() - since;
      if (isCopied) {
        // The same entries without a checkpoint, without runs.
        rmSync(join(copy, 'state'), { recursive: true, force: true });
        expect(await digestOf(copy)).toBe(engine.ready.digest);
        did.copies++;
      }
      if (abandoned !== undefined) {
        await abandoned;
        did.abandons++;
      }
    }
    // A kill between the first run and the first checkpoint leaves a state that is not worth keeping.
    expect(engine.ready.recovery.discarded ?? 'runs without a checkpoint').toBe('runs without a checkpoint');
    expect(engine.ready.recovery.tipOp).toBeGreaterThanOrEqual(lastReady.recovery.tipOp);
    expect(traffic.failure).toBeUndefined();
    lastReady = engine.ready;
  }
  await traffic.settle();
  await Promise.all(looks);
  const runMs = performance.now() - startedMs;
  // The last pending transfers expire, so that from here on nothing happens by itself.
  await pause(PENDING_TIMEOUT_MAX_MS);
  expect(traffic.client.unanswered).toBe(0);

  const stopped = await engine.stop();
  expect(await digestOf(path)).toBe(stopped.digest);
  const books = await checkBooks(path, traffic.asked);
  rmSync(join(path, 'state'), { recursive: true });
  engine = await EngineProcess.start(path, options);
  expect(engine.ready.recovery).toMatchObject({
    checkpointOp: 0,
    replayedOps: books.ops,
    tipOp: stopped.status.op,
  });
  expect(engine.ready.digest).toBe(stopped.digest);
  await checkShown(traffic, books);
  await traffic.client.close();
  await engine.stop();

  const resent = traffic.events.reduce(
    (sum, event) => sum + (event.type === 'connected' ? event.resent : 0),
    0,
  );
  const count = (event: string) => seen.filter((one) => one === event).length;
  const report = {
    ...did,
    seconds: Math.round(runMs / 1000),
    startMs: Math.round(startMs),
    batches: traffic.asked.length,
    ...books,
    model: undefined,
    resent,
    seals: count('run sealed'),
    merges: count('runs merged'),
    checkpoints: count('checkpoint complete'),
  };
  process.stdout.write(`kill loop: ${JSON.stringify(report)}\n`);
  // The loop must have been what it says: otherwise a machine is too slow for it, or it has lost its teeth.
  expect(did.kills).toBeGreaterThanOrEqual(KILLS_MIN);
  expect(did.startKills).toBeGreaterThanOrEqual(START_KILLS_MIN);
  expect(did.abandons).toBeGreaterThan(1);
  expect(did.copies).toBeGreaterThan(1);
  expect(resent).toBeGreaterThan(KILLS_MIN / 3);
  expect(report.checkpoints).toBeGreaterThan(KILLS_MIN / 5);
  expect(report.seals).toBeGreaterThan(KILLS_MIN / 5);
  expect(report.merges).toBeGreaterThan(0);
  expect(books.expiries).toBeGreaterThan(KILLS_MIN / 5);
  // Only clients that died have not been told everything; no one was told that a session is lost.
  expect(traffic.events.filter(({ type }) => type === 'session_renewed')).toEqual([]);
  for (const { answer, session } of traffic.asked) {
    if (answer === undefined) expect(session).not.toBe(traffic.sessions.at(-1));
  }
});

function forgiveClosed(error: Error & { code?: string }): void {
  if (error.code !== 'closed') throw error;
}
