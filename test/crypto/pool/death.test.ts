import { afterEach, describe, expect, test, vi } from 'vitest';
import { ATTEMPTS_MAX, BatchPool } from '../../../src/crypto/pool/batch-pool.ts';
import { killRepeatedly, watchThreads } from './killer.ts';
import { Behaviour, MIRROR, type MirrorItem, mirrored, mirrorPool } from './mirror.ts';

const { alive, started } = watchThreads();
const pools: BatchPool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
  expect(alive.size, 'threads left').toBe(0);
});

function open(...options: Parameters<typeof mirrorPool>): BatchPool {
  const pool = mirrorPool(...options);
  pools.push(pool);
  return pool;
}

const batchOf = (count: number, length: number, behaviour: number = Behaviour.none): MirrorItem[] =>
  Array.from({ length: count }, (_, i) => ({ bytes: new Uint8Array(length).fill(i), behaviour }));

describe('a thread that dies', () => {
  test.for(['exitOnce', 'trapOnce'] as const)('%s: the batch is answered all the same', async (behaviour) => {
    const pool = open({ threads: 2 });
    for (let i = 0; i < 5; i++) {
      const batch = batchOf(100, 50);
      batch[70] = { ...batch[70]!, behaviour: Behaviour[behaviour] };
      expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    }
    expect(pool.stats()).toMatchObject({
      retried: 5,
      deaths: behaviour === 'exitOnce' ? 5 : 0,
      bytes: 0,
      pending: 0,
    });
  });

  test('of too many objects: the batch is answered all the same', async () => {
    const pool = open({ threads: 1 });
    const batch = [...batchOf(10, 50), ...batchOf(1, 60, Behaviour.exhaustOnce)];
    expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    expect(pool.stats()).toMatchObject({ retried: 1, deaths: 1, bytes: 0, pending: 0 });
  });

  test('killed again and again under load: nobody notices', async () => {
    const pool = open({ threads: 2, batchBytesMax: 512 << 10 });
    const killer = killRepeatedly(alive, 40, () => pool.stats().parts);
    const end = Date.now() + 30_000;
    let calls = 0;
    const client = async (name: string): Promise<void> => {
      while (pool.stats().deaths < 15 && Date.now() < end) {
        const batch = batchOf(40, 1_000 + calls);
        batch[20] = { ...batch[20]!, behaviour: Behaviour.slow };
        expect(await pool.run(MIRROR, name, batch)).toEqual(mirrored(name, batch));
        calls += 1;
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(client));
    const kills = killer.stop();
    const { retried, deaths, bytesPeak } = pool.stats();
    expect(kills).toBeGreaterThan(10);
    expect(deaths).toBeGreaterThan(10);
    expect(retried).toBeGreaterThan(0);
    expect(calls).toBeGreaterThan(20);
    expect(bytesPeak).toBeLessThanOrEqual(512 << 10);
    // As many threads as there should be, after all that.
    const batch = batchOf(400, 10, Behaviour.slow);
    expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    await vi.waitFor(() => expect(pool.stats().threadsReady).toBe(2), { timeout: 20_000 });
    expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0 });
  });

  test('all at once, under load and idle', async () => {
    const pool = open({ threads: 3 });
    const batch = batchOf(20, 10, Behaviour.slow);
    for (let i = 0; i < 5; i++) {
      const calls = Array.from({ length: 6 }, () => pool.run(MIRROR, '', batch));
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const worker of alive) void worker.terminate();
      for (const call of calls) expect(await call).toEqual(mirrored('', batch));
      await Promise.all([...alive].map((worker) => worker.terminate()));
    }
    expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
  });

  test('while closing: what was taken is answered', async () => {
    const pool = open({ threads: 2 });
    const batch = batchOf(60, 10, Behaviour.slow);
    const calls = Array.from({ length: 6 }, () => pool.run(MIRROR, '', batch));
    const killer = killRepeatedly(alive, 100, () => pool.stats().parts);
    const closed = pool.close();
    for (const call of calls) expect(await call).toEqual(mirrored('', batch));
    expect(killer.stop()).toBeGreaterThan(0);
    await closed;
    expect(alive.size).toBe(0);
  });
});

describe('a batch that kills', () => {
  test.for(['exit', 'trap', 'throw'] as const)(
    '%s: is refused after so many threads, others are answered',
    async (behaviour) => {
      const pool = open({ threads: 2 });
      const good = batchOf(50, 100);
      const bad = batchOf(50, 100);
      bad[25] = { ...bad[25]!, behaviour: Behaviour[behaviour] };
      const outcomes = await Promise.allSettled([
        pool.run(MIRROR, '0', good),
        pool.run(MIRROR, '1', bad),
        ...Array.from({ length: 10 }, (_, i) => pool.run(MIRROR, `${i + 2}`, good)),
        pool.run(MIRROR, '12', bad),
        pool.run(MIRROR, '13', good),
      ]);
      outcomes.forEach((outcome, i) => {
        if (i === 1 || i === 12) {
          expect(outcome).toMatchObject({
            status: 'rejected',
            reason: {
              name: 'CryptoError',
              code: 'unavailable',
              message: `expected a batch to be computed, got ${ATTEMPTS_MAX} failures of it`,
              cause: expect.any(Error),
            },
          });
        } else {
          expect(outcome).toEqual({ status: 'fulfilled', value: mirrored(`${i}`, good) });
        }
      });
      expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0 });
      expect(pool.stats().deaths).toBe(behaviour === 'exit' ? 2 * ATTEMPTS_MAX : 0);
    },
  );

  test('an error that nobody catches, after which the answer may have come or not', async () => {
    const pool = open({ threads: 2 });
    const good = batchOf(50, 100);
    const bad = batchOf(50, 100, Behaviour.uncaught);
    for (let i = 0; i < 3; i++) {
      const [first, ...others] = await Promise.allSettled([
        pool.run(MIRROR, '', bad),
        ...Array.from({ length: 10 }, () => pool.run(MIRROR, '', good)),
      ]);
      if (first!.status === 'rejected') expect(first).toMatchObject({ reason: { code: 'unavailable' } });
      else expect(first!.value).toEqual(mirrored('', bad));
      for (const other of others) expect(other).toEqual({ status: 'fulfilled', value: mirrored('', good) });
    }
    expect(pool.stats().deaths).toBeGreaterThan(0);
    expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0 });
  });

  test('in every part of a large batch: refused, the pool lives on', async () => {
    const pool = open({ threads: 2, batchBytesMax: 256 << 10 });
    const bad = batchOf(500, 1_000, Behaviour.exit);
    const good = batchOf(10, 10);
    const [refused, answered] = await Promise.allSettled([
      pool.run(MIRROR, '', bad),
      pool.run(MIRROR, 'after', good),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(answered).toEqual({ status: 'fulfilled', value: mirrored('after', good) });
    expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0 });
  });

  test('a trap says what and where', async () => {
    const pool = open({ threads: 1 });
    await expect(pool.run(MIRROR, '', batchOf(1, 1, Behaviour.trap))).rejects.toMatchObject({
      cause: {
        name: 'KernelAbort',
        place: expect.stringMatching(/^assembly\/memory\/workspace\.ts:\d+:\d+$/),
      },
    });
  });
});

test('threads that cannot start: calls are refused with the cause, and nothing loops', async () => {
  const before = started();
  const pool = new BatchPool(
    { threads: 2 },
    { from: import.meta.url, file: './no-thread.mjs', task: 'batch' },
  );
  pools.push(pool);
  for (let i = 0; i < 2; i++) {
    await expect(pool.run(MIRROR, '', batchOf(3, 3))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'expected threads for the pool, got none that lives',
      cause: expect.any(Error),
    });
  }
  expect(started() - before).toBeLessThan(100);
  expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0 });
});

test('a secret does not stay in the shared memory', async () => {
  const secret = 'correct horse battery staple';
  const bytes = new Uint8Array(Buffer.from(secret));
  const memories: WebAssembly.Memory[] = [];
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = class extends Memory {
    constructor(...descriptor: ConstructorParameters<typeof Memory>) {
      super(...descriptor);
      memories.push(this);
    }
  };
  let pool: BatchPool;
  try {
    pool = open({ threads: 2, batchBytesMax: 1 << 20 });
  } finally {
    WebAssembly.Memory = Memory;
  }
  await pool.run(MIRROR, '', [{ bytes }, { bytes, behaviour: Behaviour.exitOnce }, { bytes }]);
  await pool.run(MIRROR, '', [{ bytes }, { bytes, behaviour: Behaviour.trapOnce }]);
  await pool.run(MIRROR, '', [{ bytes, behaviour: Behaviour.exit }]).catch(() => {});
  expect(memories).toHaveLength(1);
  const all = Buffer.from(memories[0]!.buffer);
  expect(all.includes(secret)).toBe(false);
  expect(all.includes([...secret].reverse().join(''))).toBe(false);
});
