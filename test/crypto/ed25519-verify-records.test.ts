// Packed records: the verdicts of verifyBatch on the same messages, on this thread and on a pool, divided or whole.
import { expect, test } from 'vitest';
import { CryptoError, createCryptoPool, ed25519, type SignedRecords } from '../../src/crypto/index.ts';
import { eachBuild } from './builds.ts';
import { randomOf } from './ed25519-signed.ts';

const KEYS = Array.from({ length: 7 }, (_, i) => {
  const secretKey = new Uint8Array(32).fill(i + 1);
  const publicKey = ed25519.publicKey(secretKey);
  return { key: ed25519.signingKey(secretKey), publicKey };
});
const RECORD = 152;
const SIGNED = 76;
const SIGNATURE_AT = 84;
const PREFIX = Uint8Array.from({ length: 12 }, (_, i) => 200 + i);

/** Records of which some are forged in some way and some have no key, and what is expected of them. */
function batchOf(count: number, seed: number): { signed: SignedRecords; expected: boolean[] } {
  const random = randomOf(seed);
  const records = new Uint8Array(count * RECORD);
  for (let i = 0; i < records.length; i++) records[i] = 256 * random();
  const expected: boolean[] = [];
  const keys = Array.from({ length: count }, (_, i) => {
    const record = records.subarray(i * RECORD, (i + 1) * RECORD);
    const { key, publicKey } = KEYS[Math.floor(KEYS.length * random())]!;
    record.set(key.sign(Uint8Array.of(...PREFIX, ...record.subarray(0, SIGNED))), SIGNATURE_AT);
    const fate = random();
    expected.push(fate >= 0.04);
    if (fate < 0.01) return undefined;
    if (fate < 0.02) record[Math.floor(SIGNED * random())]! ^= 4;
    else if (fate < 0.04) record[SIGNATURE_AT + Math.floor(64 * random())]! ^= 4;
    return ed25519.prepare(publicKey);
  });
  const layout = { recordBytes: RECORD, signedBytes: SIGNED, signatureOffset: SIGNATURE_AT };
  return { signed: { prefix: PREFIX, records, ...layout, keys }, expected };
}

eachBuild('records', () => {
  test('none, one, many, more than one sum takes', () => {
    for (const count of [0, 1, 2, 40, 4_200]) {
      const { signed, expected } = batchOf(count, 7 + count);
      expect(ed25519.verifyRecords(signed), String(count)).toEqual(expected);
    }
  });

  test('as verifyBatch', () => {
    const { signed, expected } = batchOf(300, 5);
    const places = expected.flatMap((_, i) => (signed.keys[i] === undefined ? [] : [i]));
    const items = places.map((i) => {
      const record = signed.records.subarray(i * RECORD, (i + 1) * RECORD);
      const message = Uint8Array.of(...PREFIX, ...record.subarray(0, SIGNED));
      const signature = record.subarray(SIGNATURE_AT, SIGNATURE_AT + 64);
      return { publicKey: signed.keys[i]!, message, signature };
    });
    const verdicts = ed25519.verifyRecords(signed);
    expect(ed25519.verifyBatch(items)).toEqual(places.map((i) => verdicts[i]));
  });
});

test('on a pool, divided and whole', async () => {
  const pool = createCryptoPool({ threads: 2 });
  const { signed, expected } = batchOf(700, 11);
  expect(await pool.verifyRecords(signed)).toEqual(expected);
  const before = pool.stats().parts;
  expect(await pool.verifyRecords(signed, { isWhole: true })).toEqual(expected);
  expect(pool.stats().parts).toBe(before + 1);
  await pool.close();
});

test('layouts that cannot be are refused', () => {
  const { signed } = batchOf(3, 1);
  const wrong: Partial<SignedRecords>[] = [
    { records: signed.records.subarray(4) },
    { records: new Uint8Array(signed.records.length + 1).subarray(1) },
    { recordBytes: RECORD + 2 },
    { signedBytes: RECORD + 4 },
    { signedBytes: 75 },
    { signatureOffset: RECORD - 60 },
    { signatureOffset: -4 },
    { prefix: new Uint8Array(3) },
    { keys: [undefined, undefined, new Uint8Array(32) as never] },
  ];
  for (const changes of wrong) {
    expect(() => ed25519.verifyRecords({ ...signed, ...changes }), JSON.stringify(changes)).toThrow(
      CryptoError,
    );
  }
});
