// A store with a day's business in it, closed, for tests that copy and damage it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/shared/random.ts';
import { BUSY_MAINTENANCE, EngineProcess, freePort } from './engine-process.ts';
import { copyStore, pause, until } from './support.ts';
import { type Asked, Traffic } from './traffic.ts';

export interface Moment {
  /** A closed store. */
  readonly path: string;
  readonly digest: string;
  readonly op: number;
}

export interface Story {
  /** The same store, earlier and later. */
  readonly earlier: Moment;
  readonly later: Moment;
  readonly asked: readonly Asked[];
}

/** Longest timeout of a pending transfer in the workload, and a bit. */
const PENDING_TIMEOUT_MAX_MS = 4500;

/**
 * Makes `<folder>/earlier` and, unless the story is short, `<folder>/later`. Nothing is pending with a timeout then, so
 * that time does not change them.
 */
export async function tellStory(
  folder: string,
  seed: bigint,
  batches: number,
  isShort = false,
): Promise<Story> {
  const path = join(folder, 'store');
  const options = { port: await freePort(new Random(seed)), maintenance: BUSY_MAINTENANCE };
  let engine = await EngineProcess.start(path, options);
  try {
    const traffic = await Traffic.start({
      url: engine.ready.url,
      seed,
      lanes: 6,
      batchRecordsMax: 1500,
      devices: 30,
      rate: 40_000,
    });
    const moment = async (name: string): Promise<Moment> => {
      await traffic.settle();
      await pause(PENDING_TIMEOUT_MAX_MS);
      const { digest, status } = await engine.stop();
      const to = join(folder, name);
      copyStore(path, to);
      return { path: to, digest, op: status.op };
    };
    traffic.run();
    await until('answers', () => traffic.answered > batches);
    const earlier = await moment('earlier');
    if (isShort) {
      await traffic.client.close(0);
      return { earlier, later: earlier, asked: traffic.asked };
    }
    engine = await EngineProcess.start(path, options);
    traffic.run();
    await until('answers', () => traffic.answered > 2 * batches);
    const later = await moment('later');
    await traffic.client.close(0);
    rmSync(path, { recursive: true });
    return { earlier, later, asked: traffic.asked };
  } finally {
    if (engine.isAlive) await engine.kill();
  }
}
