// Noise on the kernels against the vectors of cacophony: those of the patterns that are offered.
import { expect } from 'vitest';
import { type NoisePattern, noise } from '../../src/crypto/noise/noise.ts';
import { eachBuild } from './builds.ts';
import { always, type NoiseVectors } from './noise-support.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const OFFERED = [
  'Noise_NK_25519_ChaChaPoly_SHA256',
  'Noise_KK_25519_ChaChaPoly_SHA256',
  'Noise_IK_25519_ChaChaPoly_SHA256',
  'Noise_XX_25519_ChaChaPoly_SHA256',
];

/** Patterns of the file that are not offered; the twin runs them all (noise-twin.test.ts). */
const NOT_OFFERED = (
  'NN KN NX KX XN IN XK IX N K X NNpsk0 NNpsk2 NKpsk0 NKpsk2 NXpsk2 XNpsk3 XKpsk3 XXpsk3 KNpsk0 KNpsk2 KKpsk0 ' +
  'KKpsk2 KXpsk2 INpsk1 INpsk2 IKpsk1 IKpsk2 IXpsk2 Npsk0 Kpsk0 Xpsk1 NK1 NX1 X1N X1K XK1 X1K1 X1X XX1 X1X1 K1N ' +
  'K1K KK1 K1K1 K1X KX1 K1X1 I1N I1K IK1 I1K1 I1X IX1 I1X1'
).split(' ');

const given = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : hex(text);

eachBuild('Noise', () => {
  vectorTest<NoiseVectors>('vectors of the patterns offered', 'noise/cacophony.json', ({ vectors }) => {
    const passed: string[] = [];
    const left: string[] = [];
    for (const vector of vectors) {
      const { protocol_name: name } = vector;
      if (!OFFERED.includes(name)) {
        left.push(name);
        continue;
      }
      const pattern = name.split('_')[1] as NoisePattern;
      const initiator = noise.initiate({
        pattern,
        prologue: hex(vector.init_prologue),
        staticKey: given(vector.init_static),
        remoteStaticKey: given(vector.init_remote_static),
        randomBytes: always(hex(vector.init_ephemeral)),
      });
      const responder = noise.respond({
        pattern,
        prologue: hex(vector.resp_prologue),
        staticKey: given(vector.resp_static),
        remoteStaticKey: given(vector.resp_remote_static),
        randomBytes: always(hex(vector.resp_ephemeral!)),
      });
      const messages = vector.messages.entries();
      while (!initiator.finished) {
        const [at, { payload, ciphertext }] = messages.next().value!;
        const [writer, reader] = at % 2 === 0 ? [initiator, responder] : [responder, initiator];
        expect(toHex(writer.writeMessage(hex(payload))), `${name}, message ${at}`).toBe(ciphertext);
        expect(toHex(reader.readMessage(hex(ciphertext))), `${name}, message ${at}`).toBe(payload);
      }
      expect(responder.finished).toBe(true);
      expect(toHex(initiator.handshakeHash)).toBe(vector.handshake_hash);
      expect(toHex(responder.handshakeHash)).toBe(vector.handshake_hash);
      const sides = [initiator.transport(), responder.transport()] as const;
      let transportMessages = 0;
      for (const [at, { payload, ciphertext }] of messages) {
        const [sender, receiver] = at % 2 === 0 ? sides : [sides[1], sides[0]];
        expect(toHex(sender.seal(hex(payload))), `${name}, message ${at}`).toBe(ciphertext);
        expect(toHex(receiver.open(hex(ciphertext))), `${name}, message ${at}`).toBe(payload);
        transportMessages++;
      }
      expect(transportMessages).toBe(pattern === 'XX' ? 3 : 4);
      passed.push(name);
    }
    expect(passed.sort()).toEqual([...OFFERED].sort());
    const expectedLeft = [
      ...NOT_OFFERED.flatMap((pattern) => [
        `Noise_${pattern}_25519_ChaChaPoly_SHA256`,
        `Noise_${pattern}_25519_ChaChaPoly_SHA512`,
      ]),
      ...OFFERED.map((name) => name.replace('SHA256', 'SHA512')),
    ];
    expect(left.sort()).toEqual(expectedLeft.sort());
    expect(passed.length + left.length).toBe(118);
  });
});
