// Blind notes against the twin and cashu-ts, over both builds: every item's answer is its own, whatever it stands beside.
import {
  hashToCurve as cashuHash,
  createBlindSignature,
  createDLEQProof,
  pointFromBytes,
  verifyDLEQProof,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import { expect, test } from 'vitest';
import { CryptoError, createNoteCrypto, noteCrypto } from '../../src/crypto/index.ts';
import type { DleqItem, NoteDleqItem, VerifyItem } from '../../src/crypto/secp256k1/note-crypto.ts';
import {
  add,
  decode,
  encode,
  fromBytes,
  G,
  hashToCurve,
  multiply,
  N,
  negate,
  sign,
  toBytes,
  verifyDleq,
} from '../../src/reference/secp256k1.ts';
import { Random } from '../../src/shared/random.ts';
import { seedOf } from '../property/seed.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';

const seed = seedOf();
console.log(`SPECIE_SEED=${seed}`);
const random = new Random(BigInt(seed));
const bytes = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, () => random.uint32());
const scalar = (): Uint8Array => toBytes((fromBytes(bytes(32)) % (N - 1n)) + 1n);
const text = (i: number): Uint8Array => new TextEncoder().encode(`secret ${i}`);
const NO_POINTS = [
  new Uint8Array(33),
  new Uint8Array(32),
  new Uint8Array(65),
  new Uint8Array(0),
  Uint8Array.of(2, ...toBytes(5n)),
  Uint8Array.of(2, ...new Uint8Array(32).fill(255)),
  Uint8Array.of(4, ...encode(G).slice(1)),
];
/** Scalars of a caller's mistake. */
const NO_SCALARS = [
  toBytes(0n),
  toBytes(N),
  toBytes(N + 1n),
  new Uint8Array(32).fill(255),
  bytes(31),
  bytes(33),
];

/** A note made by the twin, or with `secretKey` under that key. */
function note(i: number, secretKey: Uint8Array = scalar()): VerifyItem {
  const message = text(i);
  return { message, secretKey, signature: encode(multiply(hashToCurve(message), fromBytes(secretKey))) };
}

eachBuild('blind notes', (kernel) => {
  test('hash to curve: what the twin and cashu-ts say, of messages of every length', () => {
    const messages = [0, 1, 27, 28, 35, 36, 64, 100, 1023, 1024].map(bytes);
    const points = noteCrypto.hashToCurve(messages);
    expect(points).toEqual(messages.map((message) => encode(hashToCurve(message))));
    expect(points).toEqual(messages.map((message) => cashuHash(message).toBytes(true)));
    expect(noteCrypto.hashToCurve([])).toEqual([]);
    for (const count of [1, 2, 3]) {
      expect(noteCrypto.hashToCurve(messages.slice(0, count))).toEqual(points.slice(0, count));
    }
    // As many as several chunks, the same ones at other places.
    const many = Array.from({ length: 150 }, (_, i) => messages[(i * 7) % 10]!);
    expect(noteCrypto.hashToCurve(many)).toEqual(many.map((message) => points[messages.indexOf(message)]));
  });

  test('a round: keys, blinding, signing, unblinding; scalars from the edges', () => {
    const edge = [1n, 2n, N - 1n, N - 2n, (N - 1n) / 2n, 1n << 255n].map(toBytes);
    const keys = [...edge, scalar(), scalar()];
    const factors = [scalar(), ...edge, scalar()];
    const publicKeys = noteCrypto.publicKeys(keys);
    expect(publicKeys).toEqual(keys.map((key) => encode(multiply(G, fromBytes(key)))));
    const blinded = noteCrypto.blind(
      factors.map((blindingFactor, i) => ({ message: text(i), blindingFactor })),
    );
    expect(blinded).toEqual(
      factors.map((factor, i) => encode(add(hashToCurve(text(i)), multiply(G, fromBytes(factor))))),
    );
    const signed = noteCrypto.sign(blinded.map((point, i) => ({ blinded: point, secretKey: keys[i]! })));
    signed.forEach((each, i) => {
      const { signature, dleq } = sign(decode(blinded[i]!)!, fromBytes(keys[i]!));
      expect(each).toEqual({ signature: encode(signature), dleq });
      const point = pointFromBytes(blinded[i]!);
      expect(createBlindSignature(point, keys[i]!, '00').C_.toBytes(true)).toEqual(each!.signature);
      expect(createDLEQProof(point, keys[i]!)).toEqual({ e: each!.dleq.e, s: each!.dleq.s });
    });
    // One at a time, and in another order, the same.
    expect(noteCrypto.sign([{ blinded: blinded[3]!, secretKey: keys[3]! }])).toEqual([signed[3]]);
    expect(noteCrypto.sign([5, 2, 5].map((i) => ({ blinded: blinded[i]!, secretKey: keys[i]! })))).toEqual(
      [5, 2, 5].map((i) => signed[i]),
    );

    const unblinded = noteCrypto.unblind(
      signed.map((each, i) => ({
        signature: each!.signature,
        blindingFactor: factors[i]!,
        publicKey: publicKeys[i]!,
      })),
    );
    expect(unblinded).toEqual(keys.map((key, i) => encode(multiply(hashToCurve(text(i)), fromBytes(key)))));
    expect(
      noteCrypto.verify(
        unblinded.map((signature, i) => ({ message: text(i), signature: signature!, secretKey: keys[i]! })),
      ),
    ).toEqual(keys.map(() => true));
    expect(
      verifyUnblindedSignature(
        { C: pointFromBytes(unblinded[6]!), secret: text(6), id: '00' } as never,
        keys[6]!,
      ),
    ).toBe(true);
  });

  test('what is no point spoils its own item only', () => {
    const [key, factor] = [scalar(), scalar()];
    const [good, publicKey] = noteCrypto.publicKeys([scalar(), key]) as [Uint8Array, Uint8Array];
    for (const bad of NO_POINTS) {
      const [first, second, third] = noteCrypto.sign(
        [good, bad, good].map((blinded) => ({ blinded, secretKey: key })),
      );
      expect(second).toBeUndefined();
      expect(first).toEqual(third);
      expect(first).toEqual(noteCrypto.sign([{ blinded: good, secretKey: key }])[0]);
      const unblinded = noteCrypto.unblind([
        { signature: bad, blindingFactor: factor, publicKey },
        { signature: good, blindingFactor: factor, publicKey },
        { signature: good, blindingFactor: factor, publicKey: bad },
      ]);
      expect(unblinded.map((each) => each?.length)).toEqual([undefined, 33, undefined]);
      expect(noteCrypto.verify([{ message: text(1), signature: bad, secretKey: key }])).toEqual([false]);
    }
    // C' = r·K leaves nothing: infinity has no encoding.
    const signature = encode(multiply(decode(publicKey)!, fromBytes(factor)));
    expect(
      noteCrypto.unblind([
        { signature, blindingFactor: factor, publicKey },
        { signature: good, blindingFactor: factor, publicKey },
      ])[0],
    ).toBeUndefined();
  });

  test('verification: one bad item at every place, alone, summed up, and among several keys', () => {
    const key = scalar();
    const notes = Array.from({ length: 11 }, (_, i) => note(i, key));
    const wrong = { ...notes[0]!, signature: encode(multiply(G, 3n)) };
    for (let count = 1; count <= notes.length; count++) {
      const items = notes.slice(0, count);
      expect(noteCrypto.verify(items)).toEqual(items.map(() => true));
      for (let bad = 0; bad < count; bad++) {
        const spoilt = items.map((item, i) => (i === bad ? { ...wrong, message: item.message } : item));
        expect(noteCrypto.verify(spoilt)).toEqual(items.map((_, i) => i !== bad));
      }
    }
    const [other, third] = [scalar(), scalar()];
    const mixed = Array.from({ length: 24 }, (_, i) => note(i, [key, other, third][i % 3]));
    expect(noteCrypto.verify(mixed)).toEqual(mixed.map(() => true));
    mixed[4] = { ...mixed[4]!, secretKey: key };
    mixed[9] = { ...mixed[9]!, signature: NO_POINTS[4]! };
    mixed[10] = { ...mixed[10]!, message: text(99) };
    mixed[15] = { ...mixed[15]!, signature: encode(negate(decode(mixed[15]!.signature)!)) };
    expect(noteCrypto.verify(mixed)).toEqual(mixed.map((_, i) => ![4, 9, 10, 15].includes(i)));
    expect(noteCrypto.verify(mixed.map((item) => ({ ...item, signature: wrong.signature })))).toEqual(
      mixed.map(() => false),
    );
  });

  test('verification: duplicates, errors that cancel, coefficients of any kind', () => {
    const key = scalar();
    const one = note(1, key);
    const twelve = Array.from({ length: 12 }, () => one);
    expect(noteCrypto.verify(twelve)).toEqual(twelve.map(() => true));
    // C + D and C - D: both bad, their sum is not.
    const delta = multiply(G, 5n);
    const plus = { ...one, signature: encode(add(decode(one.signature)!, delta)) };
    const minus = { ...one, signature: encode(add(decode(one.signature)!, negate(delta))) };
    const cancelling = [...twelve, plus, minus];
    expect(noteCrypto.verify(cancelling)).toEqual(cancelling.map((_, i) => i < 12));
    // Opposite notes of one coefficient: sums become infinite. A verdict does not hang on that.
    const opposite = { ...one, signature: encode(negate(decode(one.signature)!)) };
    for (const byte of [0, 1, 0x80, 0xff]) {
      const { verify } = createNoteCrypto({ randomBytes: (length) => new Uint8Array(length).fill(byte) });
      expect(verify(twelve)).toEqual(twelve.map(() => true));
      if (byte === 0) continue;
      const items = Array.from({ length: 8 }, (_, i) => (i % 2 ? one : opposite));
      expect(verify(items)).toEqual(items.map((_, i) => i % 2 === 1));
    }
    expect(() => createNoteCrypto({ randomBytes: () => bytes(3) }).verify([one])).toThrow(CryptoError);
  });

  test('proofs of blind signatures: good ones, and with every part exchanged', () => {
    const keys = [scalar(), scalar()];
    const publicKeys = noteCrypto.publicKeys(keys);
    const blinded = noteCrypto.publicKeys([scalar(), scalar(), scalar()]);
    const signed = noteCrypto.sign(blinded.map((point, i) => ({ blinded: point, secretKey: keys[i % 2]! })));
    const items = signed.map((each, i): DleqItem => {
      const { signature, dleq } = each!;
      return { blinded: blinded[i]!, signature, publicKey: publicKeys[i % 2]!, dleq };
    });
    const [a, b] = items as [DleqItem, DleqItem];
    const point = (encoded: Uint8Array) => decode(encoded)!;
    expect(verifyDleq(point(a.blinded), point(a.signature), point(a.publicKey), a.dleq)).toBe(true);
    const bad: DleqItem[] = [
      { ...a, blinded: b.blinded },
      { ...a, signature: b.signature },
      { ...a, publicKey: b.publicKey },
      { ...a, dleq: b.dleq },
      { ...a, dleq: { ...a.dleq, e: b.dleq.e } },
      { ...a, dleq: { ...a.dleq, s: b.dleq.s } },
      ...NO_SCALARS.flatMap((no) => [
        { ...a, dleq: { ...a.dleq, e: no } },
        { ...a, dleq: { ...a.dleq, s: no } },
      ]),
      ...NO_POINTS.flatMap((no) => [
        { ...a, blinded: no },
        { ...a, signature: no },
        { ...a, publicKey: no },
      ]),
      // R1 and R2 are infinite: s = e·k.
      { ...a, dleq: { e: toBytes(1n), s: keys[0]! } },
    ];
    const mixed = [...items, ...bad, ...items];
    expect(noteCrypto.verifyDleq(mixed)).toEqual([
      ...items.map(() => true),
      ...bad.map(() => false),
      ...items.map(() => true),
    ]);
  });

  test('proofs of notes', () => {
    const [key, factor] = [scalar(), scalar()];
    const [publicKey] = noteCrypto.publicKeys([key]) as [Uint8Array];
    const message = text(5);
    const [blinded] = noteCrypto.blind([{ message, blindingFactor: factor }]);
    const [signed] = noteCrypto.sign([{ blinded: blinded!, secretKey: key }]);
    const signature = note(5, key).signature;
    const good: NoteDleqItem = { message, signature, publicKey, blindingFactor: factor, dleq: signed!.dleq };
    const infinite = encode(negate(multiply(decode(publicKey)!, fromBytes(factor))));
    const bad: NoteDleqItem[] = [
      { ...good, message: text(6) },
      { ...good, signature: publicKey },
      { ...good, publicKey: signature },
      { ...good, blindingFactor: key },
      ...NO_SCALARS.map((blindingFactor) => ({ ...good, blindingFactor })),
      ...NO_POINTS.map((no) => ({ ...good, signature: no })),
      // C' = C + r·K is infinite.
      { ...good, signature: infinite },
    ];
    expect(noteCrypto.verifyNoteDleq([good, ...bad, good])).toEqual([true, ...bad.map(() => false), true]);
    const point = pointFromBytes(publicKey);
    expect(
      verifyDLEQProof(signed!.dleq, pointFromBytes(blinded!), pointFromBytes(signed!.signature), point),
    ).toBe(true);
  });

  test('nothing outside the records changes', () => {
    const [key, other] = [scalar(), scalar()];
    const publicKeys = noteCrypto.publicKeys([key, other]) as [Uint8Array, Uint8Array];
    const texts = Buffer.concat([Buffer.from('Secp256k1_HashToCurve_Cashu_'), bytes(32)]);
    const COUNT = 3;
    const { exports, bytes: memory } = kernel;
    const view = new DataView(memory.buffer);
    /** Records of which each has these bytes at these places, and the text. */
    const lay = (
      at: number,
      size: number,
      parts: readonly (readonly [number, Uint8Array])[],
      text?: number,
    ) => {
      for (let i = 0; i < COUNT; i++) {
        memory.fill(0, at + size * i, at + size * (i + 1));
        for (const [place, part] of parts) memory.set(part, at + size * i + place);
        if (text === undefined) continue;
        memory.set(texts, text);
        view.setUint32(at + size * i, text, true);
        view.setUint32(at + size * i + 4, texts.length, true);
      }
    };
    const verdicts = (records: Uint8Array, size: number, place: number): number[] =>
      Array.from({ length: COUNT }, (_, i) => records[size * i + place]!);
    const [blinds] = withCanaries(kernel, [88 * COUNT, texts.length], ([at, text]) => {
      lay(at!, 88, [[8, key]], text);
      exports.secpBlindItems(at!, COUNT, 1);
      exports.secpBlindItems(at!, COUNT, 0);
      exports.secpHashItems(at!, COUNT);
    });
    expect(verdicts(blinds!, 88, 76)).toEqual([1, 1, 1]);
    const [signs] = withCanaries(kernel, [144 * COUNT, 64], ([at, keys]) => {
      lay(at!, 144, [[0, publicKeys[0]]]);
      memory.set(key, keys!);
      memory.set(other, keys! + 32);
      exports.secpSignItems(at!, COUNT, keys!, 2);
    });
    expect(verdicts(signs!, 144, 76)).toEqual([1, 1, 1]);
    const [unblinds] = withCanaries(kernel, [152 * COUNT], ([at]) => {
      lay(at!, 152, [
        [0, publicKeys[0]],
        [40, publicKeys[1]],
        [80, key],
      ]);
      exports.secpUnblindItems(at!, COUNT);
    });
    expect(verdicts(unblinds!, 152, 76)).toEqual([1, 1, 1]);
    const [notes] = withCanaries(
      kernel,
      [56 * COUNT, 32, 16 * COUNT, texts.length],
      ([at, keys, random, text]) => {
        lay(at!, 56, [[8, publicKeys[0]]], text);
        memory.set(key, keys!);
        exports.secpVerifyNotes(at!, COUNT, keys!, random!);
      },
    );
    expect(verdicts(notes!, 56, 48)).toEqual([0, 0, 0]);
    const parts = [
      [40, publicKeys[0]],
      [80, publicKeys[1]],
      [120, key],
      [152, other],
    ] as const;
    const [proofs] = withCanaries(kernel, [184 * COUNT, texts.length], ([at, text]) => {
      lay(at!, 184, [[0, publicKeys[0]], ...parts]);
      exports.secpVerifyProofs(at!, COUNT);
      lay(at!, 184, [[8, key], ...parts], text);
      exports.secpVerifyNoteProofs(at!, COUNT);
    });
    expect(verdicts(proofs!, 184, 76)).toEqual([0, 0, 0]);
  });

  test('more items than one call of the kernel takes', () => {
    const key = scalar();
    const [one, other] = [note(1, key), note(2, key)];
    const items = Array.from({ length: 1_030 }, (_, i) => (i % 5 === 0 ? other : one));
    items[1_026] = { ...one, signature: other.signature };
    expect(noteCrypto.verify(items)).toEqual(items.map((_, i) => i !== 1_026));
  });
});

test('a caller’s mistakes: RangeError, and nothing of a secret in it', () => {
  const [good, message] = [scalar(), text(1)];
  const [point] = noteCrypto.publicKeys([good]) as [Uint8Array];
  for (const bad of NO_SCALARS) {
    const calls = [
      () => noteCrypto.publicKeys([good, bad]),
      () => noteCrypto.blind([{ message, blindingFactor: bad }]),
      () => noteCrypto.sign([{ blinded: point, secretKey: bad }]),
      () => noteCrypto.unblind([{ signature: point, blindingFactor: bad, publicKey: point }]),
      () => noteCrypto.verify([{ message, signature: point, secretKey: bad }]),
    ];
    for (const call of calls) {
      expect(call).toThrow(RangeError);
      expect(call).toThrow(/^expected .* as 32 bytes from 1 to n - 1, got \d+ bytes$/);
    }
  }
  const long = new Uint8Array(1_025);
  expect(() => noteCrypto.hashToCurve([long])).toThrow('expected messages[0] of at most 1024 bytes');
  expect(() => noteCrypto.blind([{ message: long, blindingFactor: good }])).toThrow(RangeError);
  expect(() => noteCrypto.verify([{ message: long, signature: point, secretKey: good }])).toThrow(RangeError);
  for (const wrong of [undefined, null, 'text', 5, [1, 2], {}]) {
    const calls = [
      () => noteCrypto.hashToCurve([wrong as never]),
      () => noteCrypto.hashToCurve(wrong as never),
      () => noteCrypto.publicKeys([wrong as never]),
      // biome-ignore lint/suspicious/noSparseArray: a hole is nothing that could be hashed
      () => noteCrypto.hashToCurve([message, , message] as never),
      () => noteCrypto.blind([{ message: wrong as never, blindingFactor: good }]),
      () => noteCrypto.sign([{ blinded: wrong as never, secretKey: good }]),
      () => noteCrypto.sign([wrong as never]),
      () => noteCrypto.unblind([{ signature: point, blindingFactor: good, publicKey: wrong as never }]),
      () => noteCrypto.verify([{ message, signature: wrong as never, secretKey: good }]),
      () =>
        noteCrypto.verifyDleq([{ blinded: point, signature: point, publicKey: point, dleq: wrong as never }]),
    ];
    for (const [i, call] of calls.entries()) {
      if (i === 1 && Array.isArray(wrong)) continue;
      expect(call, `call ${i}`).toThrow(CryptoError);
    }
  }
});
