// Handshakes that go wrong: what comes is changed, cut, repeated, of another pattern, or from another peer.
import { x25519 } from '@noble/curves/ed25519.js';
import { expect, test } from 'vitest';
import { CryptoError } from '../../src/crypto/errors.ts';
import {
  type NoiseHandshake,
  type NoiseOptions,
  type NoisePattern,
  noise,
} from '../../src/crypto/noise/noise.ts';
import { NoiseTwin } from '../../src/reference/noise.ts';
import { eachBuild } from './builds.ts';
import {
  always,
  expectDead,
  expectRefusal,
  INITIATOR_EPHEMERAL,
  INITIATOR_STATIC,
  key,
  MESSAGE_COUNTS,
  NOBLE_SHA256,
  optionsOf,
  PATTERN_NAMES,
  Pair,
  RESPONDER_STATIC,
} from './noise-support.ts';
import { hex } from './vectors.ts';

/** RFC 7748 section 6.1: every X25519 with one of these is all zero. Points of order 1, 2, 4 and 8, and what reduces to them. */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000080',
].map(hex);

/**
 * Message `index` arrives as `altered`. The reader refuses it; only the first message of XX, which no key protects yet,
 * may be taken, and then the answer to it is refused.
 */
function expectAltered(pattern: NoisePattern, index: number, altered: Uint8Array): void {
  const pair = new Pair(pattern);
  pair.pass(index);
  pair.writer(index).writeMessage(Uint8Array.of(index));
  const reader = pair.reader(index);
  if (pattern === 'XX' && index === 0 && altered.length >= 32) {
    reader.readMessage(altered);
    const answer = pair.responder.writeMessage();
    expectRefusal(() => pair.initiator.readMessage(answer), 'authentication_failed');
    expectDead(pair.initiator);
  } else {
    expectRefusal(() => reader.readMessage(altered), 'authentication_failed');
    expectDead(reader);
  }
}

/**
 * The same for a message of which one bit has changed, of `messages`, which a Pair has passed. Thousands of times: so without
 * the side that is not needed, and without the matchers, which take longer than a handshake.
 */
function refusalOfAltered(
  pattern: NoisePattern,
  messages: readonly Uint8Array[],
  index: number,
  altered: Uint8Array,
): unknown {
  const { initiator, responder } = optionsOf(pattern);
  const first = pattern === 'XX' && index === 0;
  const reader = index % 2 === 0 ? noise.respond(responder) : noise.initiate(initiator);
  for (let before = 0; before < index; before++) {
    if (before % 2 === index % 2) reader.readMessage(messages[before]!);
    else reader.writeMessage(Uint8Array.of(before));
  }
  try {
    const payload = reader.readMessage(altered);
    if (!first) return payload;
    const writer = noise.initiate(initiator);
    writer.writeMessage(Uint8Array.of(index));
    return writer.readMessage(reader.writeMessage());
  } catch (error) {
    return error instanceof CryptoError ? error.code : error;
  }
}

eachBuild('Noise handshakes', () => {
  for (const pattern of PATTERN_NAMES) {
    const count = MESSAGE_COUNTS[pattern];

    test(`${pattern}: the usual course`, () => {
      const pair = new Pair(pattern);
      expect(pair.initiator.pattern).toBe(pattern);
      expect(pair.initiator.finished).toBe(false);
      expectRefusal(() => pair.initiator.handshakeHash, 'invalid_state');
      expectRefusal(() => pair.initiator.transport(), 'invalid_state');
      pair.pass(count);
      expect(pair.initiator.finished).toBe(true);
      expect(pair.responder.finished).toBe(true);
      expect(pair.initiator.handshakeHash).toEqual(pair.responder.handshakeHash);
      expect(pair.initiator.remoteStaticKey).toEqual(x25519.getPublicKey(RESPONDER_STATIC));
      expect(pair.responder.remoteStaticKey).toEqual(
        pattern === 'NK' ? undefined : x25519.getPublicKey(INITIATOR_STATIC),
      );
      expectRefusal(() => pair.initiator.writeMessage(), 'invalid_state');
      expectRefusal(() => pair.responder.readMessage(new Uint8Array(48)), 'invalid_state');
      const transport = pair.initiator.transport();
      expectRefusal(() => pair.initiator.transport(), 'invalid_state');
      pair.initiator.close();
      expect(pair.initiator.finished).toBe(true);
      const plaintext = Uint8Array.of(1, 2, 3);
      expect(pair.responder.transport().open(transport.seal(plaintext))).toEqual(plaintext);
      // What the caller holds is the caller's.
      expect(INITIATOR_STATIC).toEqual(key(1));
      expect(RESPONDER_STATIC).toEqual(key(2));
    });

    test(`${pattern}: a change of any bit is refused`, () => {
      const messages = new Pair(pattern).pass(count);
      for (const [index, message] of messages.entries()) {
        for (let bit = 0; bit < message.length * 8; bit++) {
          const altered = message.slice();
          altered[bit >> 3]! ^= 1 << (bit & 7);
          const refusal = refusalOfAltered(pattern, messages, index, altered);
          if (refusal !== 'authentication_failed') expect(refusal, `message ${index}, bit ${bit}`).toBe('');
          if (bit % 128 === 0) expectAltered(pattern, index, altered);
        }
      }
    });

    test(`${pattern}: any other length is refused`, () => {
      const messages = new Pair(pattern).pass(count);
      for (const [index, message] of messages.entries()) {
        for (let length = 0; length < message.length; length++) {
          expectAltered(pattern, index, message.slice(0, length));
        }
        for (const more of [1, 16, 32, 64]) {
          const altered = new Uint8Array(message.length + more);
          altered.set(message);
          expectAltered(pattern, index, altered);
          altered.copyWithin(more, 0);
          expectAltered(pattern, index, altered);
        }
      }
    });

    test(`${pattern}: messages out of order, reflected, or of another session are refused`, () => {
      const messages = new Pair(pattern).pass(count);
      const others = new Pair(pattern, {
        initiator: { randomBytes: always(key(5)) },
        responder: { randomBytes: always(key(6)) },
      }).pass(count);
      for (let index = 0; index < count; index++) {
        for (const [i, message] of messages.entries()) {
          if (i !== index) expectAltered(pattern, index, message);
        }
        for (const [i, message] of others.entries()) {
          // A recorded first message is taken by IK, KK and NK: nothing in it is the responder's. See below.
          if (i !== 0 || index !== 0) expectAltered(pattern, index, message);
        }
      }
    });

    test(`${pattern}: a recorded first message leads nowhere without the ephemeral key`, () => {
      const [recorded] = new Pair(pattern).pass(1);
      const { responder: options } = optionsOf(pattern);
      const responder = noise.respond({ ...options, randomBytes: always(key(6)) });
      responder.readMessage(recorded!);
      responder.writeMessage();
      if (pattern === 'XX') {
        expectRefusal(() => responder.readMessage(new Uint8Array(64)), 'authentication_failed');
      } else {
        const transport = responder.transport();
        expectRefusal(() => transport.open(new Uint8Array(32)), 'authentication_failed');
      }
    });

    test(`${pattern}: a message twice, or out of turn, is refused and nothing is lost`, () => {
      const pair = new Pair(pattern);
      for (let index = 0; index < count; index++) {
        const [writer, reader] = [pair.writer(index), pair.reader(index)];
        expectRefusal(() => writer.readMessage(new Uint8Array(96)), 'invalid_state');
        expectRefusal(() => reader.writeMessage(), 'invalid_state');
        const message = writer.writeMessage();
        expectRefusal(() => writer.writeMessage(), 'invalid_state');
        reader.readMessage(message);
        expectRefusal(() => reader.readMessage(message), 'invalid_state');
      }
      expect(pair.initiator.handshakeHash).toEqual(pair.responder.handshakeHash);
    });

    test(`${pattern}: another prologue is refused`, () => {
      for (const prologue of [new Uint8Array(0), Uint8Array.of(7, 7), Uint8Array.of(7, 7, 7, 0)]) {
        const pair = new Pair(pattern, { responder: { prologue } });
        expectUnlike(pair, pattern === 'XX' ? 1 : 0);
      }
    });

    test(`${pattern}: a peer without the private key is refused`, () => {
      const stranger = key(8);
      const remoteStaticKey = x25519.getPublicKey(stranger);
      if (pattern !== 'XX') {
        expectUnlike(new Pair(pattern, { responder: { staticKey: stranger } }), 0);
        expectUnlike(new Pair(pattern, { initiator: { remoteStaticKey } }), 0);
      }
      if (pattern === 'KK') {
        expectUnlike(new Pair(pattern, { initiator: { staticKey: stranger } }), 0);
        expectUnlike(new Pair(pattern, { responder: { remoteStaticKey } }), 0);
      }
      if (pattern === 'XX' || pattern === 'IK') {
        // Nothing to compare with: the key is told, and the caller decides.
        const pair = new Pair(pattern, { initiator: { staticKey: stranger } });
        pair.pass(count);
        expect(pair.responder.remoteStaticKey).toEqual(remoteStaticKey);
      }
    });

    test(`${pattern}: messages of another pattern are refused`, () => {
      for (const another of PATTERN_NAMES) {
        if (another === pattern) continue;
        const initiator = noise.initiate(optionsOf(another).initiator);
        const responder = noise.respond(optionsOf(pattern).responder);
        const first = initiator.writeMessage(new Uint8Array(100));
        if (pattern === 'XX') {
          responder.readMessage(first);
          const answer = responder.writeMessage(new Uint8Array(100));
          expectRefusal(() => initiator.readMessage(answer), 'authentication_failed');
          expectDead(initiator);
        } else {
          expectRefusal(() => responder.readMessage(first), 'authentication_failed');
          expectDead(responder);
        }
      }
    });

    test(`${pattern}: keys of low order are refused`, () => {
      for (const point of LOW_ORDER) {
        // The initiator's ephemeral key.
        const first = new Pair(pattern);
        const message = first.initiator.writeMessage(new Uint8Array(8));
        message.set(point);
        if (pattern === 'XX') {
          first.responder.readMessage(message);
          expectRefusal(() => first.responder.writeMessage(), 'invalid_public_key');
        } else {
          expectRefusal(() => first.responder.readMessage(message), 'invalid_public_key');
        }
        expectDead(first.responder);

        // The responder's.
        const second = new Pair(pattern);
        second.pass(1);
        const answer = second.responder.writeMessage();
        answer.set(point);
        expectRefusal(() => second.initiator.readMessage(answer), 'invalid_public_key');
        expectDead(second.initiator);

        // A key that was given.
        if (pattern !== 'XX') {
          const given = noise.initiate({ ...optionsOf(pattern).initiator, remoteStaticKey: point });
          expectRefusal(() => given.writeMessage(), 'invalid_public_key');
          expectDead(given);
        }
        if (pattern === 'KK') {
          // One of two secrets that are computed together.
          const given = noise.respond({ ...optionsOf('KK').responder, remoteStaticKey: point });
          const [genuine] = new Pair('KK').pass(1);
          expectRefusal(() => given.readMessage(genuine!), 'invalid_public_key');
          expectDead(given);
        }
      }
    });

    test(`${pattern}: messages are at most 65,535 bytes`, () => {
      const empty = new Pair(pattern);
      const overheads: number[] = [];
      for (let index = 0; index < count; index++) {
        const message = empty.writer(index).writeMessage();
        overheads.push(message.length);
        empty.reader(index).readMessage(message);
      }
      const pair = new Pair(pattern);
      for (const [index, overhead] of overheads.entries()) {
        const [writer, reader] = [pair.writer(index), pair.reader(index)];
        expectRefusal(() => writer.writeMessage(new Uint8Array(65_536 - overhead)), 'invalid_argument');
        const payload = new Uint8Array(65_535 - overhead).fill(index);
        const message = writer.writeMessage(payload);
        expect(message.length).toBe(65_535);
        expect(Buffer.compare(reader.readMessage(message), payload)).toBe(0);
      }
      const reader = new Pair(pattern).responder;
      expectRefusal(() => reader.readMessage(new Uint8Array(65_536)), 'authentication_failed');
      expectDead(reader);
    });

    test(`${pattern}: wrong arguments are named`, () => {
      const { initiator, responder } = optionsOf(pattern);
      const publicKey = x25519.getPublicKey(key(8));
      for (const [begin, role, options] of [
        [noise.initiate, 'initiator', initiator],
        [noise.respond, 'responder', responder],
      ] as const) {
        for (const [name, some] of [
          ['staticKey', key(8)],
          ['remoteStaticKey', publicKey],
        ] as const) {
          const needed = options[name] !== undefined;
          expect(() => begin({ ...options, [name]: needed ? undefined : some })).toThrow(
            needed
              ? `expected ${name} for the ${role} of ${pattern}, got none`
              : `expected no ${name} for the ${role} of ${pattern}, got one`,
          );
          expectRefusal(() => begin({ ...options, [name]: needed ? undefined : some }), 'invalid_argument');
          if (!needed) continue;
          for (const wrong of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33), 'x'.repeat(32)]) {
            expectRefusal(() => begin({ ...options, [name]: wrong as Uint8Array }), 'invalid_argument');
          }
        }
        expectRefusal(
          () => begin({ ...options, prologue: 'v1' as unknown as Uint8Array }),
          'invalid_argument',
        );
      }
      const pair = new Pair(pattern);
      expectRefusal(() => pair.initiator.writeMessage('hi' as unknown as Uint8Array), 'invalid_argument');
      expectRefusal(() => pair.responder.readMessage(null as unknown as Uint8Array), 'invalid_argument');
      pair.pass(count);
    });

    test(`${pattern}: close ends it, and what it drew is wiped`, () => {
      for (let index = 0; index <= count; index++) {
        const drawn: Uint8Array[] = [];
        const randomBytes = (): Uint8Array => {
          drawn.push(INITIATOR_EPHEMERAL.slice());
          return drawn.at(-1)!;
        };
        const pair = new Pair(pattern, { initiator: { randomBytes } });
        pair.pass(index);
        if (index > 0 && index < count) expect(drawn).toEqual([INITIATOR_EPHEMERAL]);
        pair.initiator.close();
        expect(drawn).toEqual(index > 0 ? [key(0)] : []);
        expectDead(pair.initiator);
        pair.initiator.close();
        expectDead(pair.initiator);
      }
      const drawn: Uint8Array[] = [];
      const pair = new Pair(pattern, {
        initiator: { randomBytes: () => drawn[drawn.push(INITIATOR_EPHEMERAL.slice()) - 1]! },
      });
      pair.pass(count);
      expect(drawn).toEqual([key(0)]);
    });
  }

  test('a static key of low order that arrives is refused', () => {
    // A twin whose own static key counts for nothing: it sends zeroes and takes its secrets to be zero.
    const cheat = key(9);
    const primitives = {
      ...NOBLE_SHA256,
      publicKey: (privateKey: Uint8Array): Uint8Array =>
        privateKey === cheat ? key(0) : NOBLE_SHA256.publicKey(privateKey),
      dh: (privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array =>
        privateKey === cheat ? key(0) : NOBLE_SHA256.dh(privateKey, publicKey),
    };
    const prologue = Uint8Array.of(7, 7, 7);
    const twinOf = (pattern: NoisePattern, initiator: boolean): NoiseTwin =>
      new NoiseTwin(primitives, {
        pattern,
        initiator,
        prologue,
        staticKey: cheat,
        ephemeralKey: key(10),
        remoteStaticKey: pattern === 'IK' ? x25519.getPublicKey(RESPONDER_STATIC) : undefined,
      });

    const ik = noise.respond(optionsOf('IK').responder);
    const first = twinOf('IK', true).writeMessage(new Uint8Array(0));
    expectRefusal(() => ik.readMessage(first), 'invalid_public_key');
    expectDead(ik);

    const initiator = noise.initiate(optionsOf('XX').initiator);
    const answering = twinOf('XX', false);
    answering.readMessage(initiator.writeMessage());
    const second = answering.writeMessage(new Uint8Array(0));
    expectRefusal(() => initiator.readMessage(second), 'invalid_public_key');
    expectDead(initiator);

    const responder = noise.respond(optionsOf('XX').responder);
    const asking = twinOf('XX', true);
    responder.readMessage(asking.writeMessage(new Uint8Array(0)));
    asking.readMessage(responder.writeMessage());
    const third = asking.writeMessage(new Uint8Array(0));
    expectRefusal(() => responder.readMessage(third), 'invalid_public_key');
    expectDead(responder);
  });

  test('a pattern that is not offered is refused by name', () => {
    for (const pattern of ['NN', 'XXpsk3', 'ik', '', 'toString', '__proto__', undefined]) {
      expect(() => noise.initiate({ pattern } as unknown as NoiseOptions)).toThrow(
        `expected pattern IK, KK, XX, NK, got ${pattern}`,
      );
      expectRefusal(() => noise.respond({ pattern } as unknown as NoiseOptions), 'invalid_argument');
    }
  });

  test('a generator that is none is refused; one that does not give 32 bytes ends the handshake', () => {
    const { initiator: options } = optionsOf('XX');
    for (const wrong of [null, key(1), 'random'] as unknown as (() => Uint8Array)[]) {
      expectRefusal(() => noise.initiate({ ...options, randomBytes: wrong }), 'invalid_argument');
    }
    for (const wrong of [new Uint8Array(31), new Uint8Array(0), undefined]) {
      const { initiator } = new Pair('XX', { initiator: { randomBytes: () => wrong as Uint8Array } });
      expectRefusal(() => initiator.writeMessage(), 'invalid_argument');
      expectDead(initiator);
    }
  });

  test('a generator that calls back finds the handshake busy, and ends it', () => {
    const calls: ((handshake: NoiseHandshake) => unknown)[] = [
      (handshake) => handshake.writeMessage(),
      (handshake) => handshake.readMessage(key(1)),
      (handshake) => handshake.transport(),
      (handshake) => handshake.handshakeHash,
      (handshake) => handshake.close(),
    ];
    for (const call of calls) {
      let inner: NoiseHandshake | undefined;
      const randomBytes = (): Uint8Array => {
        call(inner!);
        return INITIATOR_EPHEMERAL.slice();
      };
      const { initiator } = new Pair('NK', { initiator: { randomBytes } });
      inner = initiator;
      expectRefusal(() => initiator.writeMessage(), 'invalid_state');
      expectDead(initiator);
    }
  });

  test.each([
    ['Uint8Array', (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)],
    ['Buffer', (bytes: Uint8Array): Uint8Array => Buffer.from(bytes)],
  ])('what is handed out and in is copied, and is not wiped: %s', (_name, make) => {
    const staticKey = make(RESPONDER_STATIC);
    const prologue = make(Uint8Array.of(7, 7, 7));
    const pair = new Pair('XX', { responder: { staticKey, prologue } });
    staticKey.fill(0);
    prologue.fill(0);
    const message = make(pair.initiator.writeMessage(make(Uint8Array.of(1, 2))));
    const payload = pair.responder.readMessage(message);
    message.fill(0);
    expect(payload).toEqual(Uint8Array.of(1, 2));
    pair.pass(3, 1);

    const kept = make(INITIATOR_STATIC);
    const remoteStaticKey = make(x25519.getPublicKey(RESPONDER_STATIC));
    const known = new Pair('IK', { initiator: { staticKey: kept, remoteStaticKey } });
    remoteStaticKey.fill(0);
    known.pass(2);
    expect([...kept]).toEqual([...INITIATOR_STATIC]);
    expect(known.initiator.remoteStaticKey).toEqual(x25519.getPublicKey(RESPONDER_STATIC));
    pair.initiator.remoteStaticKey!.fill(0);
    pair.initiator.handshakeHash.fill(0);
    expect(pair.initiator.remoteStaticKey).toEqual(x25519.getPublicKey(RESPONDER_STATIC));
    expect(pair.initiator.handshakeHash).toEqual(pair.responder.handshakeHash);
  });
});

/** The two sides do not agree: the reader of message `index` finds out. */
function expectUnlike(pair: Pair, index: number): void {
  pair.pass(index);
  const message = pair.writer(index).writeMessage();
  expectRefusal(() => pair.reader(index).readMessage(message), 'authentication_failed');
  expectDead(pair.reader(index));
}
