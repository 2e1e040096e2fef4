import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ed25519, type SignedMessage } from '../../../src/crypto/ed25519/index.ts';
import { CryptoError } from '../../../src/crypto/errors.ts';
import { hpke, type OpenItem, type SealItem, type SealOptions } from '../../../src/crypto/hpke/index.ts';
import { type CryptoPool, createCryptoPool } from '../../../src/crypto/pool/crypto-pool.ts';
import { sha256 } from '../../../src/crypto/sha256.ts';
import { sha512 } from '../../../src/crypto/sha512.ts';
import { x25519 } from '../../../src/crypto/x25519.ts';
import { IO_BYTES } from '../../../src/kernel/crypto-kernel.ts';
import { eachBuild } from '../builds.ts';
import { toHex } from '../vectors.ts';
import { killRepeatedly, watchThreads } from './killer.ts';

const { alive } = watchThreads();

/** Bytes that depend on `seed` alone. */
function bytesOf(length: number, seed: number): Uint8Array {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

interface Batch<Item> {
  readonly name: string;
  /** An item that depends on its number alone; every sort of it among the first hundred. */
  readonly item: (i: number) => Item;
  readonly counts: readonly number[];
  readonly atOnce: (items: readonly Item[]) => readonly unknown[];
  readonly inPool: (pool: CryptoPool, items: readonly Item[]) => Promise<readonly unknown[]>;
  /** What neither computes. */
  readonly bad: readonly (readonly unknown[])[];
}

const batch = <Item>(batch: Batch<Item>): Batch<Item> => batch;

const message = (i: number): Uint8Array => bytesOf(i % 10 === 9 ? 5_000 : (i * 7) % 300, i);
const BAD_MESSAGES = [[new Uint8Array(1), 'text'], [undefined], [[1, 2]]];

const RECIPIENT = hpke.deriveKeyPair(bytesOf(32, 1));
const INFO = bytesOf(20, 2);

const toSeal = (items: readonly SealItem[]): SealOptions & { readonly items: readonly SealItem[] } => ({
  recipientPublicKey: RECIPIENT.publicKey,
  info: INFO,
  items,
  // Ephemeral keys that can be drawn twice.
  randomBytes: (length) => bytesOf(length, 3),
});

let sealed: OpenItem[] | undefined;

/** Messages that open, and of every sort that do not. */
function toOpen(): OpenItem[] {
  if (sealed !== undefined) return sealed;
  const items = Array.from({ length: 100 }, (_, i) => ({ plaintext: message(i), aad: message(i + 3) }));
  sealed = hpke.sealBatch(toSeal(items)).map((item, i): OpenItem => ({ ...item, aad: items[i]!.aad }));
  sealed[11] = { ...sealed[11]!, aad: new Uint8Array(9) };
  sealed[23] = { ...sealed[23]!, enc: new Uint8Array(31) };
  sealed[37] = { ...sealed[37]!, enc: new Uint8Array(32) };
  sealed[51] = { ...sealed[51]!, ciphertext: new Uint8Array(15) };
  sealed[77] = { ...sealed[77]!, ciphertext: sealed[77]!.ciphertext.map((byte) => byte ^ 1) };
  sealed[90] = { enc: sealed[90]!.enc, ciphertext: sealed[90]!.ciphertext };
  return sealed;
}

let signed: SignedMessage[] | undefined;

/** Signatures of every sort: under plain and prepared keys, good and bad. */
function toVerify(): SignedMessage[] {
  if (signed !== undefined) return signed;
  const keys = Array.from({ length: 7 }, (_, i) => bytesOf(32, i + 40));
  const publicKeys = keys.map((key, i) =>
    i % 2 === 0 ? ed25519.publicKey(key) : ed25519.prepare(ed25519.publicKey(key)),
  );
  signed = Array.from({ length: 100 }, (_, i) => {
    const text = i === 60 ? bytesOf(70_000, i) : message(i);
    return {
      publicKey: publicKeys[i % 7]!,
      message: text,
      signature: ed25519.sign(keys[i % 7]!, text),
    };
  });
  signed[13] = { ...signed[13]!, signature: signed[14]!.signature };
  signed[29] = { ...signed[29]!, signature: new Uint8Array(63) };
  signed[31] = { ...signed[31]!, publicKey: new Uint8Array(31) };
  signed[47] = { ...signed[47]!, publicKey: new Uint8Array(32) };
  signed[59] = { ...signed[59]!, message: new Uint8Array(5) };
  signed[83] = {
    ...signed[83]!,
    signature: signed[83]!.signature.map((byte, i) => (i === 63 ? byte | 0xe0 : byte)),
  };
  return signed;
}

const BATCHES = [
  batch({
    name: 'sha256Batch',
    item: message,
    counts: [0, 1, 2, 3, 5, 64, 1_000, 5_000],
    atOnce: (items) => sha256.batch(items),
    inPool: (pool, items) => pool.sha256Batch(items),
    bad: BAD_MESSAGES,
  }),
  batch({
    name: 'sha512Batch',
    item: message,
    counts: [0, 1, 2, 3, 5, 64, 1_000, 5_000],
    atOnce: (items) => sha512.batch(items),
    inPool: (pool, items) => pool.sha512Batch(items),
    bad: BAD_MESSAGES,
  }),
  batch({
    name: 'sharedSecretBatch',
    item: (i) => ({
      privateKey: bytesOf(32, i),
      // The points of small order 0 and 1 now and then: an error stands in place of their secret.
      publicKey: i % 50 === 7 ? new Uint8Array(32).fill(i % 2, 0, 1) : bytesOf(32, i + 1e6),
    }),
    counts: [0, 1, 2, 3, 5, 64, 1_000, 5_000],
    atOnce: (items) => x25519.sharedSecretBatch(items),
    inPool: (pool, items) => pool.sharedSecretBatch(items),
    bad: [[{ privateKey: new Uint8Array(31), publicKey: new Uint8Array(32) }], [{}]],
  }),
  batch({
    name: 'openBatch',
    item: (i) => toOpen()[i % toOpen().length]!,
    counts: [0, 1, 2, 3, 5, 64, 1_000],
    atOnce: (items) => hpke.openBatch({ recipientPrivateKey: RECIPIENT.privateKey, info: INFO, items }),
    inPool: (pool, items) => pool.openBatch({ recipientPrivateKey: RECIPIENT.privateKey, info: INFO, items }),
    // Whatever is wrong with an item stands in its place.
    bad: [],
  }),
  batch({
    name: 'sealBatch',
    item: (i) => (i % 3 === 0 ? { plaintext: message(i) } : { plaintext: message(i), aad: message(i + 5) }),
    counts: [0, 1, 2, 3, 5, 64, 1_000],
    atOnce: (items) => hpke.sealBatch(toSeal(items)),
    inPool: (pool, items) => pool.sealBatch(toSeal(items)),
    bad: [[{}], [{ plaintext: 'text' }], [{ plaintext: new Uint8Array(1), aad: [] }]],
  }),
  batch({
    name: 'verifyBatch',
    item: (i) => toVerify()[i % toVerify().length]!,
    counts: [0, 1, 2, 3, 5, 64, 1_000, 5_000],
    atOnce: (items) => ed25519.verifyBatch(items),
    inPool: (pool, items) => pool.verifyBatch(items),
    bad: [
      [{ publicKey: 'text', message: new Uint8Array(1), signature: new Uint8Array(64) }],
      [{ publicKey: new Uint8Array(32), message: 'text', signature: new Uint8Array(64) }],
      [{ publicKey: new Uint8Array(32), message: new Uint8Array(1), signature: undefined }],
    ],
  }),
] as unknown as readonly Batch<unknown>[];

/** What a call answers in a form that compares, and quickly. */
function told(result: unknown): unknown {
  if (result instanceof CryptoError) return `${result.code}: ${result.message}`;
  if (result instanceof Uint8Array) return toHex(result);
  if (Array.isArray(result)) return result.map(told);
  if (typeof result !== 'object' || result === null) return result;
  return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, told(value)]));
}

const outcome = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call();
  } catch (error) {
    return error;
  }
};

eachBuild('the pool answers what the synchronous functions answer', ({ build }) => {
  let pool: CryptoPool;
  beforeAll(() => {
    pool = createCryptoPool({ threads: 2, build });
  });
  afterAll(() => pool.close());

  for (const { name, item, counts, atOnce, inPool, bad } of BATCHES) {
    describe(name, () => {
      const items = (from: number, count: number): unknown[] =>
        Array.from({ length: count }, (_, i) => item(from + i));

      test.for(counts)('%i items', async (count) => {
        const batch = items(count, count);
        expect(told(await inPool(pool, batch))).toEqual(told(atOnce(batch)));
      });

      test('many calls at once', async () => {
        const run = fc.tuple(fc.nat(1_000), fc.oneof(fc.nat(3), fc.nat(60)));
        await fc.assert(
          fc.asyncProperty(fc.array(run, { maxLength: 12 }), async (runs) => {
            const batches = runs.map(([from, count]) => items(from, count));
            const answers = await Promise.all(batches.map((batch) => inPool(pool, batch)));
            expect(told(answers)).toEqual(told(batches.map(atOnce)));
          }),
          { numRuns: 8 },
        );
        expect(pool.stats()).toMatchObject({ build, bytes: 0, pending: 0, deaths: 0 });
      });

      test('the same refusals', async () => {
        for (const batch of bad) {
          const expected = await outcome(() => atOnce(batch));
          expect(expected).toBeInstanceOf(Error);
          expect(await outcome(() => inPool(pool, batch))).toEqual(expected);
        }
        for (const batch of [undefined, 'text', 7]) {
          expect(await outcome(() => inPool(pool, batch as never))).toMatchObject({
            name: 'CryptoError',
            code: 'invalid_argument',
            message: expect.stringMatching(/^expected \w+ as an array, got (undefined|string|number)$/),
          });
        }
      });
    });
  }

  test('messages longer than the io of a kernel', async () => {
    const messages = [IO_BYTES - 1, 3, IO_BYTES, IO_BYTES + 1, 0, 3 * IO_BYTES + 77].map(bytesOf);
    expect(told(await pool.sha256Batch(messages))).toEqual(told(messages.map((message) => sha256(message))));
    expect(told(await pool.sha512Batch(messages))).toEqual(told(messages.map((message) => sha512(message))));
  });

  test('coefficients from another source', async () => {
    const lengths: number[] = [];
    const randomBytes = (length: number): Uint8Array => {
      lengths.push(length);
      return bytesOf(length, 5);
    };
    expect(await pool.verifyBatch(toVerify().slice(0, 10), { randomBytes })).toEqual(Array(10).fill(true));
    expect(lengths).toEqual([160]);
    await expect(
      pool.verifyBatch(toVerify(), { randomBytes: () => new Uint8Array(1) }),
    ).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0 });
  });

  test('what HPKE refuses as a whole', async () => {
    const items = [{ plaintext: new Uint8Array(3) }];
    for (const recipientPublicKey of [new Uint8Array(32), new Uint8Array(31)]) {
      const options = { ...toSeal(items), recipientPublicKey };
      const expected = await outcome(() => hpke.sealBatch(options));
      expect(expected).toBeInstanceOf(CryptoError);
      expect(await outcome(() => pool.sealBatch(options))).toEqual(expected);
    }
    const options = { recipientPrivateKey: new Uint8Array(33), info: INFO, items: toOpen() };
    expect(await outcome(() => pool.openBatch(options))).toEqual(
      await outcome(() => hpke.openBatch(options)),
    );
  });

  test('answers are memory of their own, and items are left as they were', async () => {
    const items = [7, 8, 9].map((i) => ({ privateKey: bytesOf(32, i), publicKey: bytesOf(32, i + 10) }));
    const before = structuredClone(items);
    const [first, second] = await pool.sharedSecretBatch(items);
    expect(items).toEqual(before);
    expect(first).toBeInstanceOf(Uint8Array);
    expect((first as Uint8Array).buffer).toBeInstanceOf(ArrayBuffer);
    expect((first as Uint8Array).buffer).not.toBe((second as Uint8Array).buffer);
  });
});

test('threads killed again and again under mixed load: every answer is right', async () => {
  const pool = createCryptoPool({ threads: 2, batchBytesMax: 1 << 20 });
  const killer = killRepeatedly(alive, 40, () => pool.stats().parts);
  const end = Date.now() + 20_000;
  let calls = 0;
  const client = async ({ item, atOnce, inPool }: (typeof BATCHES)[number]): Promise<void> => {
    const items = Array.from({ length: 150 }, (_, i) => item(i));
    const expected = told(atOnce(items));
    while (pool.stats().deaths < 6 && Date.now() < end) {
      expect(told(await inPool(pool, items))).toEqual(expected);
      calls += 1;
    }
  };
  await Promise.all(BATCHES.map(client));
  expect(calls).toBeGreaterThan(BATCHES.length);
  expect(killer.stop()).toBeGreaterThan(1);
  expect(pool.stats().deaths).toBeGreaterThan(1);
  expect(pool.stats().bytesPeak).toBeLessThanOrEqual(1 << 20);
  await pool.close();
  expect(pool.stats()).toMatchObject({ bytes: 0, pending: 0, threadsReady: 0 });
});

test('a process waits for its calls, and ends without having closed the pool', () => {
  const script = `
    import { createCryptoPool } from '${new URL('../../../dist/crypto/pool/crypto-pool.js', import.meta.url).href}';
    const pool = createCryptoPool({ threads: 2 });
    for (let i = 0; i < 3; i++) {
      pool.sha256Batch([Buffer.from('abc')]).then(([digest]) => process.stdout.write(digest.length + ';'));
    }
  `;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect({ stdout, stderr, status }).toEqual({ stdout: '32;32;32;', stderr: '', status: 0 });
});
