import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchPool, CryptoPoolOptions } from '../../../src/crypto/pool/batch-pool.ts';
import type { CryptoBuild } from '../../../src/kernel/crypto-kernel.ts';
import { Behaviour, MIRROR, type MirrorItem, mirrored, mirrorPool } from './mirror.ts';

const items = (
  count: number,
  length: (i: number) => number,
  behaviour = Behaviour.none as number,
): MirrorItem[] =>
  Array.from({ length: count }, (_, i) => ({
    bytes: Uint8Array.from({ length: length(i) }, (_, j) => i * 31 + j),
    behaviour,
  }));

const MiB = 1 << 20;

for (const build of ['simd', 'scalar'] satisfies CryptoBuild[]) {
  describe(`pool (${build})`, () => {
    let pool: BatchPool;
    beforeAll(() => {
      pool = mirrorPool({ build, threads: 2 });
    });
    afterAll(() => pool.close());

    test.for([0, 1, 2, 3, 7, 64, 1_000, 5_000])('%i items are answered in their order', async (count) => {
      const batch = items(count, (i) => (i % 97) * 20);
      expect(await pool.run(MIRROR, 'a', batch)).toEqual(mirrored('a', batch));
    });

    test('each of many calls at once has its own answer', async () => {
      const bytes = fc.uint8Array({ maxLength: 300 }).filter(({ length }) => length !== 13);
      const batch = fc.array(fc.record({ bytes }), { maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(fc.array(batch, { maxLength: 20 }), async (calls) => {
          const answers = await Promise.all(calls.map((items, i) => pool.run(MIRROR, `${i}`, items)));
          expect(answers).toEqual(calls.map((items, i) => mirrored(`${i}`, items)));
          expect(pool.stats()).toMatchObject({ build, bytes: 0, pending: 0, waiting: 0 });
        }),
      );
    });

    test('items longer than a part is otherwise', async () => {
      const batch = items(5, (i) => (i % 2 === 0 ? 3 * MiB + i : 5));
      expect(await pool.run(MIRROR, 'long', batch)).toEqual(mirrored('long', batch));
    });
  });
}

describe('splitting', () => {
  const partsOf = async (options: CryptoPoolOptions, batch: MirrorItem[]): Promise<number> => {
    const pool = mirrorPool(options);
    expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    await pool.close();
    return pool.stats().parts;
  };

  test('a small batch stays whole, a larger one is divided over the threads', async () => {
    expect(
      await partsOf(
        { threads: 2 },
        items(50, () => 10),
      ),
    ).toBe(1);
    expect(
      await partsOf(
        { threads: 2 },
        items(2_000, () => 10),
      ),
    ).toBe(2);
    expect(
      await partsOf(
        { threads: 3 },
        items(2_000, () => 10),
      ),
    ).toBe(3);
  });

  test('a batch larger than the memory goes through in parts', async () => {
    const pool = mirrorPool({ threads: 2, batchBytesMax: MiB });
    const batch = items(600, (i) => 10_000 + i);
    expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    const { bytesPeak, bytesMax, parts } = pool.stats();
    expect(bytesMax).toBe(MiB);
    expect(bytesPeak).toBeLessThanOrEqual(MiB);
    expect(parts).toBeGreaterThanOrEqual(12);
    await pool.close();
  });
});

describe('backpressure', () => {
  test('memory stays below its bound and calls start in their order', async () => {
    const pool = mirrorPool({ threads: 2, batchBytesMax: 256 << 10, waitingMax: 1_000 });
    const started: string[] = [];
    const watched: typeof MIRROR = {
      ...MIRROR,
      encode(memory, address, shared, batch) {
        started.push(shared);
        MIRROR.encode(memory, address, shared, batch);
      },
    };
    const calls = Array.from({ length: 200 }, async (_, i) => {
      const batch = items(3, (j) => 30_000 + 100 * (i % 7) + j);
      expect(await pool.run(watched, `${i}`, batch)).toEqual(mirrored(`${i}`, batch));
      expect(pool.stats().bytes).toBeLessThanOrEqual(256 << 10);
    });
    expect(pool.stats().waiting).toBeGreaterThan(190);
    await Promise.all(calls);
    expect(started).toEqual([...started].sort((a, b) => Number(a) - Number(b)));
    expect(pool.stats().bytesPeak).toBeLessThanOrEqual(256 << 10);
    expect(pool.stats()).toMatchObject({ bytes: 0, waiting: 0, pending: 0 });
    await pool.close();
  });

  test('beyond waitingMax a call is refused, and those before it are answered', async () => {
    const pool = mirrorPool({ threads: 1, waitingMax: 3 });
    const batch = items(1, () => 100, Behaviour.slow);
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => pool.run(MIRROR, '', batch)));
    // Two are with the thread, three wait.
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array<string>(5).fill('fulfilled'),
      ...Array<string>(5).fill('rejected'),
    ]);
    expect(outcomes[5]).toMatchObject({
      reason: {
        name: 'CryptoError',
        code: 'unavailable',
        message: expect.stringContaining('at most 3 calls'),
      },
    });
    expect(await pool.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    await pool.close();
  });

  test('with waitingMax 0 only what can start at once is taken', async () => {
    const pool = mirrorPool({ threads: 1, waitingMax: 0 });
    await pool.run(
      MIRROR,
      '',
      items(1, () => 1),
    );
    const outcomes = await Promise.allSettled(
      Array.from({ length: 3 }, () =>
        pool.run(
          MIRROR,
          '',
          items(1, () => 9, Behaviour.slow),
        ),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    await pool.close();
  });

  test('an item that can never fit is refused at once', async () => {
    const pool = mirrorPool({ threads: 1, batchBytesMax: 64 << 10 });
    await expect(
      pool.run(
        MIRROR,
        '',
        items(2, (i) => i * 40_000),
      ),
    ).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(
        /^expected items of at most 65472 bytes \(batchBytesMax\), got \d+ at 1$/,
      ),
    });
    const fits = items(2, () => 32_000);
    expect(await pool.run(MIRROR, '', fits)).toEqual(mirrored('', fits));
    await pool.close();
  });
});

describe('refusals', () => {
  test('options', () => {
    for (const options of [
      { threads: 0 },
      { threads: 1.5 },
      { threads: 1_000 },
      { batchBytesMax: 10 },
      { batchBytesMax: 2 ** 31 },
      { waitingMax: -1 },
      { waitingMax: Number.NaN },
      { build: 'avx' as never },
    ]) {
      expect(() => mirrorPool(options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
  });

  test('what check, encode or decode throw is what the call rejects with', async () => {
    const pool = mirrorPool({ threads: 2 });
    await expect(
      pool.run(
        MIRROR,
        '',
        items(30, (i) => i),
      ),
    ).rejects.toThrow('13 bytes at 13');
    await expect(
      pool.run(
        MIRROR,
        'not encodable',
        items(2_000, () => 1),
      ),
    ).rejects.toThrow('not encodable');
    await expect(
      pool.run(
        MIRROR,
        'refuse 1999',
        items(2_000, () => 1),
      ),
    ).rejects.toThrow('refused 1999');
    await expect(pool.run(MIRROR, '', undefined as never)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0, deaths: 0, retried: 0 });
    await pool.close();
  });

  test('items that change while they wait: a longer one is refused, and nothing else is overwritten', async () => {
    const pool = mirrorPool({ threads: 1, batchBytesMax: 64 << 10 });
    const good = items(20, () => 100, Behaviour.slow);
    const changing = items(20, () => 100) as { bytes: Uint8Array }[];
    const before = [pool.run(MIRROR, '0', good), pool.run(MIRROR, '1', good)];
    const changed = pool.run(MIRROR, '2', changing);
    const after = pool.run(MIRROR, '3', good);
    changing[7]!.bytes = new Uint8Array(30_000);
    changing.length = 8;
    await expect(changed).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^expected items that do not change, got \d+ bytes after \d+$/),
    });
    expect(await Promise.all([...before, after])).toEqual(
      ['0', '1', '3'].map((name) => mirrored(name, good)),
    );
    expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, waiting: 0 });
    await pool.close();
  });

  test('an operation that the threads do not know', async () => {
    const pool = mirrorPool({ threads: 1 });
    await expect(
      pool.run(
        { ...MIRROR, name: 'other' },
        '',
        items(1, () => 1),
      ),
    ).rejects.toMatchObject({
      code: 'unavailable',
      cause: { message: expect.stringContaining('got other') },
    });
    await pool.close();
  });
});

describe('closing', () => {
  test('under load every call taken is answered, later ones are refused, closing twice is one', async () => {
    const pool = mirrorPool({ threads: 2, batchBytesMax: 128 << 10 });
    const batch = items(200, () => 500);
    const calls = Array.from({ length: 30 }, () => pool.run(MIRROR, '', batch));
    const closed = pool.close();
    await expect(pool.run(MIRROR, '', batch)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'expected an open pool, got a closed one',
    });
    for (const call of calls) expect(await call).toEqual(mirrored('', batch));
    await Promise.all([closed, pool.close()]);
    expect(pool.stats()).toMatchObject({ threadsReady: 0, pending: 0, bytes: 0 });
  });

  test('before a thread was ready, and without any call', async () => {
    await mirrorPool({ threads: 3 }).close();
  });

  test('two pools at once do not know of each other', async () => {
    const pools = [mirrorPool({ threads: 2 }), mirrorPool({ threads: 1, build: 'scalar' })];
    const batch = items(500, (i) => i);
    batch[13] = batch[14]!;
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        expect(await pools[i % 2]!.run(MIRROR, `${i}`, batch)).toEqual(mirrored(`${i}`, batch));
      }),
    );
    await pools[0]!.close();
    expect(await pools[1]!.run(MIRROR, '', batch)).toEqual(mirrored('', batch));
    await pools[1]!.close();
  });
});
