// Frames as records, without sockets: sizes, the next key, and everything that can be done to a message on its way.
import { describe, expect, test } from 'vitest';
import {
  openedBytes,
  PIECE_BYTES_MAX,
  RecordError,
  SecureChannel,
  sealedBytes,
} from '../../src/channel/secure/records.ts';
import { openByKernel, openByNode, sealByKernel, sealByNode } from '../../src/crypto/aead-into.ts';
import { noise } from '../../src/crypto/noise/noise.ts';
import { Random } from '../../src/shared/random.ts';
import { encodeRequest, HeaderLayout, viewOf } from '../../src/wire/frame.ts';
import { HEADER_SIZE, MESSAGE_BYTES_MAX, REKEY_MESSAGES } from '../../src/wire/limits.ts';
import { keyPair } from './secure-support.ts';

const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : 20_261_121n;

function pair(): [SecureChannel, SecureChannel] {
  const key = keyPair();
  const initiator = noise.initiate({ pattern: 'NK', remoteStaticKey: key.publicKey });
  const responder = noise.respond({ pattern: 'NK', staticKey: key.secretKey });
  responder.readMessage(initiator.writeMessage());
  initiator.readMessage(responder.writeMessage());
  return [new SecureChannel(initiator.transport()), new SecureChannel(responder.transport())];
}

/** A frame of `size` bytes whose body is not all alike. */
function frame(size: number): Uint8Array {
  return encodeRequest(
    16,
    7n,
    1,
    Uint8Array.from({ length: size - HEADER_SIZE }, (_, i) => (i * 31) >> 3),
  );
}

function sealed(channel: SecureChannel, plain: Uint8Array): Uint8Array {
  return channel.seal(plain, new Uint8Array(sealedBytes(plain.length))).slice();
}

const SIZES = [
  32,
  33,
  48,
  160,
  6143,
  6144,
  16_384,
  PIECE_BYTES_MAX - 1,
  PIECE_BYTES_MAX,
  PIECE_BYTES_MAX + 1,
  2 * PIECE_BYTES_MAX,
  2 * PIECE_BYTES_MAX + 1,
  MESSAGE_BYTES_MAX,
];

test.each(SIZES)('a frame of %d bytes there and back, both ways', (size) => {
  const [a, b] = pair();
  const plain = frame(size);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const message = sealed(from, plain);
    expect(message).toHaveLength(sealedBytes(size));
    expect(openedBytes(message.length)).toBe(size);
    expect(message.length).toBe(size + 16 * Math.ceil(size / PIECE_BYTES_MAX));
    expect(Buffer.compare(to.open(message), plain)).toBe(0);
  }
});

test.each([0, 1, 15, 16, 17, 64, 100, 1024, 6144, 65_519])(
  'kernel and node:crypto agree on %d bytes',
  (size) => {
    const [key, nonce] = [new Uint8Array(32).fill(9), Uint8Array.from({ length: 12 }, (_, i) => i)];
    const plain = Uint8Array.from({ length: size }, (_, i) => i * 7);
    const [ours, theirs] = [new Uint8Array(size + 16), new Uint8Array(size + 16)];
    sealByKernel(key, nonce, plain, ours);
    sealByNode(key, nonce, plain, theirs);
    expect(ours).toEqual(theirs);
    for (const open of [openByKernel, openByNode]) {
      const target = new Uint8Array(size);
      open(key, nonce, ours, target);
      expect(target).toEqual(plain);
      for (const at of [0, ours.length >> 1, ours.length - 1]) {
        const forged = ours.slice();
        forged[at]! ^= 0x40;
        const untouched = new Uint8Array(size).fill(0xaa);
        expect(() => open(key, nonce, forged, untouched)).toThrow(/expected a message sealed with this key/);
        expect(untouched.every((byte) => byte === 0xaa)).toBe(true);
      }
    }
  },
);

test('both sides take the next key after the same message, however the messages are cut', () => {
  const [a, b] = pair();
  const random = new Random(seed);
  let pieces = 0;
  while (pieces < 5 * REKEY_MESSAGES) {
    const size = random.float() < 0.1 ? PIECE_BYTES_MAX + 1 + Math.floor(random.float() * 300_000) : 64;
    const plain = frame(size);
    expect(Buffer.compare(b.open(sealed(a, plain)), plain)).toBe(0);
    pieces += Math.ceil(size / PIECE_BYTES_MAX);
  }
  // The other direction counts for itself.
  expect(Buffer.compare(a.open(sealed(b, frame(64))), frame(64))).toBe(0);
});

test('after it is closed nothing is sealed or opened', () => {
  const [a, b] = pair();
  const message = sealed(a, frame(64));
  a.close();
  b.close();
  expect(() => sealed(a, frame(64))).toThrow('closed');
  expect(() => b.open(message)).toThrow(RecordError);
});

describe('what is done to messages on their way is noticed', () => {
  const PIECES = 3 * PIECE_BYTES_MAX + 100;
  const NOISE = PIECE_BYTES_MAX + 16;
  const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

  test.each<[string, (first: Uint8Array, second: Uint8Array, channel: SecureChannel) => Uint8Array[]]>([
    ['repeated', (first) => [first, first]],
    ['the second first', (first, second) => [second, first]],
    ['the first dropped', (_first, second) => [second]],
    ['the last byte dropped', (first) => [first.subarray(0, -1)]],
    ['the last piece dropped', (first) => [first.subarray(0, 3 * NOISE)]],
    ['the first piece dropped', (first) => [first.subarray(NOISE)]],
    ['the first piece alone', (first) => [first.subarray(0, NOISE)]],
    [
      'two pieces exchanged',
      (first) => [
        concat(first.subarray(NOISE, 2 * NOISE), first.subarray(0, NOISE), first.subarray(2 * NOISE)),
      ],
    ],
    ['a piece repeated', (first) => [concat(first.subarray(0, NOISE), first)]],
    ['a byte more', (first) => [concat(first, Uint8Array.of(0))]],
    ['sixteen bytes more', (first) => [concat(first, new Uint8Array(16))]],
    ['split in the middle', (first) => [first.subarray(0, 1000), first.subarray(1000)]],
    ['split between two pieces', (first) => [first.subarray(0, NOISE), first.subarray(NOISE)]],
    ['joined', (first, second) => [concat(first, second)]],
    ['nothing at all', () => [new Uint8Array(0)]],
    ['nothing but a tag', (first) => [first.subarray(0, 16)]],
    ['less than a header', (first) => [first.subarray(0, 47)]],
    ['noise', () => [Uint8Array.from({ length: 500 }, (_, i) => i * 97)]],
  ])('%s', (_name, change) => {
    const [a, b] = pair();
    const [first, second] = [sealed(a, frame(PIECES)), sealed(a, frame(PIECE_BYTES_MAX))];
    expect(() => {
      for (const message of change(first, second, b)) b.open(message.slice());
    }).toThrow(RecordError);
  });

  test('two messages joined of which the first is full to its last piece', () => {
    const [a, b] = pair();
    const [first, second] = [sealed(a, frame(PIECE_BYTES_MAX)), sealed(a, frame(64))];
    expect(() => b.open(concat(first, second))).toThrow(
      /expected a frame of the 65519 bytes it announces, got 65583/,
    );
  });

  test('a frame that announces another size, from the peer itself', () => {
    const [a, b] = pair();
    const wrong = frame(100);
    viewOf(wrong).setUint32(HeaderLayout.bodySize, 5, true);
    expect(() => b.open(sealed(a, wrong))).toThrow(/expected a frame of the 37 bytes it announces, got 100/);
  });

  test(`each bit of a short message, and thousands of a long one (SPECIE_SEED=${seed})`, () => {
    const [a, b] = pair();
    const short = sealed(a, frame(40));
    for (let bit = 0; bit < short.length * 8; bit++) {
      const forged = short.slice();
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => b.open(forged)).toThrow(RecordError);
    }
    // None of the forgeries has moved the receiver on.
    expect(b.open(short.slice())).toHaveLength(40);
    const random = new Random(seed);
    const long = sealed(a, frame(PIECE_BYTES_MAX));
    for (let i = 0; i < 1_000; i++) {
      const forged = long.slice();
      forged[Math.floor(random.float() * forged.length)]! ^= 1 << Math.floor(random.float() * 8);
      expect(() => b.open(forged)).toThrow(RecordError);
    }
  });
});
