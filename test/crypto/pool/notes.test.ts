// Blind notes over the threads of a pool: the same as on this thread.
import { expect, test } from 'vitest';
import { createCryptoPool, noteCrypto, poolNoteCrypto } from '../../../src/crypto/index.ts';

const bytes = (seed: number): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => (seed * 37 + i * 11) & 0xff);

test('signs and verifies as this thread does, in the order of the items', async () => {
  const pool = createCryptoPool({ threads: 2 });
  try {
    const notes = poolNoteCrypto(pool);
    const keys = [bytes(1), bytes(2), bytes(3)];
    const texts = Array.from({ length: 40 }, (_, i) => new TextEncoder().encode(`note ${i}`));
    const blinded = noteCrypto.blind(texts.map((message, i) => ({ message, blindingFactor: bytes(i + 7) })));
    const items = blinded.map((point, i) => ({ blinded: point, secretKey: keys[i % 3]! }));
    items[5] = { ...items[5]!, blinded: new Uint8Array(33) };
    items[6] = { ...items[6]!, blinded: new Uint8Array(32) };
    const signed = await notes.sign(items);
    expect(signed).toEqual(noteCrypto.sign(items));
    expect(signed[5]).toBeUndefined();
    expect(signed[6]).toBeUndefined();

    const publicKeys = noteCrypto.publicKeys(keys);
    const signatures = noteCrypto.unblind(
      signed.map((each, i) => ({
        signature: each?.signature ?? publicKeys[0]!,
        blindingFactor: bytes(i + 7),
        publicKey: publicKeys[i % 3]!,
      })),
    );
    const held = texts.map((message, i) => ({
      message,
      signature: signatures[i]!,
      secretKey: keys[i % 3]!,
    }));
    const expected = held.map((_, i) => i !== 5 && i !== 6);
    expect(await notes.verify(held)).toEqual(expected);
    expect(noteCrypto.verify(held)).toEqual(expected);
    expect(await notes.sign([])).toEqual([]);
    expect(await notes.verify([])).toEqual([]);
    await expect(notes.sign([{ blinded: blinded[0]!, secretKey: new Uint8Array(32) }])).rejects.toThrow(
      RangeError,
    );
    await expect(poolNoteCrypto(pool, { randomBytes: () => bytes(1) }).verify(held)).rejects.toThrow(
      'expected result of randomBytes',
    );
  } finally {
    await pool.close();
  }
});
