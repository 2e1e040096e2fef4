// Noise on the kernels with the readable twin as peer, in both roles.
import { x25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NoisePattern, noise } from '../../src/crypto/noise/noise.ts';
import { NoiseTwin } from '../../src/reference/noise.ts';
import { eachBuild } from './builds.ts';
import { always, NOBLE_SHA256, PATTERN_NAMES } from './noise-support.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const text = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 1023, 5000)
    .map((length) => new Uint8Array(length).fill(length)),
);

/** One step after the handshake. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ fromKernel: fc.boolean(), plaintext: text, aad: text }) },
  { weight: 1, arbitrary: fc.record({ rekeyFromKernel: fc.boolean() }) },
);

const scenario = fc.record({
  pattern: fc.constantFrom<NoisePattern>(...PATTERN_NAMES),
  kernelInitiates: fc.boolean(),
  prologue: text,
  statics: fc.tuple(key, key),
  ephemerals: fc.tuple(key, key),
  payloads: fc.array(text, { minLength: 3, maxLength: 3 }),
  steps: fc.array(step, { maxLength: 10 }),
});

/** Which keys [initiator, responder] have, and know of each other beforehand. */
const KEYS: Readonly<Record<NoisePattern, { own: [boolean, boolean]; known: [boolean, boolean] }>> = {
  IK: { own: [true, true], known: [true, false] },
  KK: { own: [true, true], known: [true, true] },
  XX: { own: [true, true], known: [false, false] },
  NK: { own: [false, true], known: [true, false] },
};

eachBuild('Noise', () => {
  test('speaks with the twin', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(scenario, (given) => {
        const { pattern, kernelInitiates, prologue } = given;
        seen.add(`${pattern} ${kernelInitiates}`);
        const [role, twinRole] = kernelInitiates ? ([0, 1] as const) : ([1, 0] as const);
        const keysOf = (side: 0 | 1) => ({
          staticKey: KEYS[pattern].own[side] ? given.statics[side] : undefined,
          remoteStaticKey: KEYS[pattern].known[side]
            ? x25519.getPublicKey(given.statics[1 - side]!)
            : undefined,
        });
        const handshake = noise[kernelInitiates ? 'initiate' : 'respond']({
          pattern,
          prologue,
          randomBytes: always(given.ephemerals[role]),
          ...keysOf(role),
        });
        const twin = new NoiseTwin(NOBLE_SHA256, {
          pattern,
          initiator: !kernelInitiates,
          prologue,
          ephemeralKey: given.ephemerals[twinRole],
          ...keysOf(twinRole),
        });
        for (let i = 0; !twin.finished; i++) {
          const [writer, reader] = (i % 2 === 0) === kernelInitiates ? [handshake, twin] : [twin, handshake];
          expect(reader.readMessage(writer.writeMessage(given.payloads[i]!))).toEqual(given.payloads[i]);
        }
        expect(handshake.finished).toBe(true);
        expect(handshake.handshakeHash).toEqual(twin.handshakeHash);
        const twinStatic = keysOf(twinRole).staticKey;
        expect(handshake.remoteStaticKey).toEqual(twinStatic && x25519.getPublicKey(twinStatic));

        const transport = handshake.transport();
        const states = twin.split();
        const [twinSends, twinReceives] = [states[twinRole]!, states[role]!];
        for (const next of given.steps) {
          if ('rekeyFromKernel' in next) {
            if (next.rekeyFromKernel) {
              transport.rekeySend();
              twinReceives.rekey();
            } else {
              transport.rekeyReceive();
              twinSends.rekey();
            }
          } else if (next.fromKernel) {
            const sealed = transport.seal(next.plaintext, next.aad);
            expect(twinReceives.decryptWithAd(next.aad, sealed)).toEqual(next.plaintext);
          } else {
            const sealed = twinSends.encryptWithAd(next.aad, next.plaintext);
            expect(transport.open(sealed, next.aad)).toEqual(next.plaintext);
          }
          expect(transport.sendNonce).toBe(twinReceives.n);
          expect(transport.receiveNonce).toBe(twinSends.n);
        }
      }),
      { numRuns: 100 },
    );
    expect(seen.size).toBe(8);
  });

  test('draws its ephemeral keys from the system: no two handshakes are alike', () => {
    const remoteStaticKey = x25519.getPublicKey(new Uint8Array(32).fill(9));
    const first = noise.initiate({ pattern: 'NK', remoteStaticKey }).writeMessage();
    const second = noise.initiate({ pattern: 'NK', remoteStaticKey }).writeMessage();
    expect(first.subarray(0, 32)).not.toEqual(second.subarray(0, 32));
  });
});
