// Messages in pieces: what comes out is what went in, and whatever else comes ends the link within its bounds.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PeerError } from '../../../src/wallet/peer/errors.ts';
import { Assembly, FramedLink, piecesOf } from '../../../src/wallet/peer/frames.ts';
import {
  MESSAGE_BYTES_MAX,
  PEER_TIMES,
  PIECE_BYTES_MAX,
  PIECE_BYTES_MIN,
  REPEATED_PIECES_MAX,
} from '../../../src/wallet/peer/limits.ts';
import { PeerIdentity } from '../../../src/wallet/peer/messages.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { type Dials, memoryPair } from './memory-link.ts';

const bytesOf = (length: number, value = 7): Uint8Array => new Uint8Array(length).fill(value);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof PeerError) return error.code;
    throw error;
  }
  return 'none';
}

test('every message there is fits, and its bound is its size', () => {
  // docs/peer-protocol.md says so.
  expect(MESSAGE_BYTES_MAX).toBe(17_553);
  expect(MESSAGE_BYTES_MAX).toBeLessThan(PIECE_BYTES_MAX);
  expect(PeerIdentity.bytesMax + 200).toBeLessThan(MESSAGE_BYTES_MAX);
  expect(() => piecesOf(new Uint8Array(0), 20, 0)).toThrow('expected 1 to');
  expect(() => piecesOf(bytesOf(MESSAGE_BYTES_MAX + 1), 20, 0)).toThrow(`got ${MESSAGE_BYTES_MAX + 1}`);
});

test('cut into pieces and put together again, one after the other, at any size', () => {
  const size = fc.constantFrom(PIECE_BYTES_MIN, 21, 250, 2_000, PIECE_BYTES_MAX);
  const message = fc.uint8Array({ minLength: 1, maxLength: 6_000 });
  fc.assert(
    fc.property(size, fc.array(message, { maxLength: 5 }), fc.nat({ max: 2 }), (bytes, messages, repeats) => {
      const assembly = new Assembly();
      let number = 0;
      const got: Uint8Array[] = [];
      for (const one of messages) {
        const { pieces, next } = piecesOf(one, bytes, number);
        number = next;
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(bytes);
          for (let i = 0; i <= repeats; i++) {
            const whole = assembly.add(Uint8Array.from(piece));
            if (whole !== undefined) got.push(whole);
          }
        }
      }
      expect(got).toEqual(messages);
    }),
    { numRuns: 60 },
  );
});

test('a piece that is lost, or comes too early, or again after others, ends it', () => {
  const { pieces } = piecesOf(bytesOf(100), 20, 0);
  const after = (...numbers: number[]): string => {
    const assembly = new Assembly();
    return codeOf(() => {
      for (const number of numbers) assembly.add(pieces[number]!);
    });
  };
  expect(after(0, 1, 2, 3, 4, 5)).toBe('none');
  expect(after(0, 0, 1, 1, 1, 2)).toBe('none');
  for (const order of [[1], [0, 2], [0, 1, 0], [0, 1, 2, 3, 5]])
    expect(after(...order)).toBe('piece_invalid');
});

test('a repeated piece is only one that is the same', () => {
  const assembly = new Assembly();
  const { pieces } = piecesOf(bytesOf(100), 20, 0);
  assembly.add(pieces[0]!);
  expect(codeOf(() => assembly.add(piecesOf(bytesOf(100, 8), 20, 0).pieces[0]!))).toBe('piece_invalid');
});

test.each([
  ['nothing', new Uint8Array(0), 'piece_invalid'],
  ['a head alone', Uint8Array.of(0), 'piece_invalid'],
  ['more than a piece', bytesOf(PIECE_BYTES_MAX + 1, 0), 'piece_invalid'],
])('%s is no piece', (_, piece, code) => {
  expect(codeOf(() => new Assembly().add(piece))).toBe(code);
});

test('a message without an end, and a piece without an end, are bounded', () => {
  const endless = new Assembly();
  let bytes = 0;
  const code = codeOf(() => {
    for (let number = 0; ; number++) {
      const piece = bytesOf(500);
      piece[0] = number % 128;
      endless.add(piece);
      bytes += 499;
    }
  });
  expect(code).toBe('message_too_long');
  expect(bytes).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
  const stuck = new Assembly();
  let times = 0;
  expect(
    codeOf(() => {
      for (;;) {
        stuck.add(Uint8Array.of(0, 1));
        times += 1;
      }
    }),
  ).toBe('flooded');
  expect(times).toBe(1 + REPEATED_PIECES_MAX);
});

test('garbage ends in a PeerError, or in a message of its bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (pieces) => {
      const assembly = new Assembly();
      codeOf(() => {
        for (const piece of pieces) {
          const whole = assembly.add(piece);
          if (whole !== undefined) expect(whole.length).toBeGreaterThan(0);
        }
      });
    }),
    { numRuns: 300 },
  );
});

function framed(dials: Dials = {}) {
  const clock = new VirtualClock(0n);
  const pair = memoryPair({ ...dials, clock });
  const frames = (link: typeof pair.payer) => new FramedLink(link, clock, PEER_TIMES);
  return { clock, pair, payee: frames(pair.payee) };
}

test('a link of pieces that are too small or too large is none', () => {
  for (const pieceBytesMax of [PIECE_BYTES_MIN - 1, PIECE_BYTES_MAX + 1, 20.5]) {
    expect(() => framed({ pieceBytesMax })).toThrow(`got ${pieceBytesMax}`);
  }
});

test('a peer that says nothing, one that stops in between, and one that drips for ever', async () => {
  const silent = framed();
  await expect(silent.payee.receive(5_000)).rejects.toMatchObject({ code: 'timed_out' });
  expect(silent.clock.now()).toBe(5_000_000_000n);
  expect(silent.pair.payee.isOpen).toBe(false);
  await expect(silent.payee.send(bytesOf(3))).rejects.toMatchObject({ code: 'timed_out' });

  const stopping = framed();
  await stopping.pair.payer.send(Uint8Array.of(0, 1));
  await expect(stopping.payee.receive(600_000)).rejects.toMatchObject({ code: 'timed_out' });
  expect(stopping.clock.now()).toBe(BigInt(PEER_TIMES.pieceMs) * 1_000_000n);

  const dripping = framed();
  const { clock, pair } = dripping;
  const drip = (number: number): void => {
    if (!pair.payer.isOpen) return;
    void pair.payer.send(Uint8Array.of(number % 128, 1));
    clock.setTimer(() => drip(number + 1), PEER_TIMES.pieceMs - 1);
  };
  drip(0);
  await expect(dripping.payee.receive(1_000)).rejects.toMatchObject({
    code: 'timed_out',
    message: expect.stringContaining('session'),
  });
  expect(clock.now()).toBe(BigInt(PEER_TIMES.sessionMs) * 1_000_000n);
});

test('a medium that takes no piece any more', async () => {
  const clock = new VirtualClock(0n);
  const { payer: link } = memoryPair();
  const stuck = { pieceBytesMax: 100, isOpen: true, send: () => new Promise<void>(() => {}) };
  const frames = new FramedLink(
    { ...stuck, receive: () => link.receive(), close: () => {} },
    clock,
    PEER_TIMES,
  );
  await expect(frames.send(bytesOf(10))).rejects.toMatchObject({ code: 'timed_out' });
  const broken = { ...stuck, send: () => Promise.reject(new Error('radio off')) };
  const other = new FramedLink(
    { ...broken, receive: () => link.receive(), close: () => {} },
    clock,
    PEER_TIMES,
  );
  await expect(other.send(bytesOf(10))).rejects.toMatchObject({
    code: 'link_broken',
    message: 'link: radio off',
  });
});

test('slow pieces are no stall', async () => {
  const { clock, pair, payee } = framed({ pieceBytesMax: 20, delayMs: PEER_TIMES.pieceMs / 2 });
  const payer = new FramedLink(pair.payer, clock, PEER_TIMES);
  const message = bytesOf(300);
  const [got] = await Promise.all([payee.receive(60_000), payer.send(message)]);
  expect(got).toEqual(message);
});
