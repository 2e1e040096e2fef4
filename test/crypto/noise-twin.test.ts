// The readable twin of Noise against all vectors of cacophony (25519, ChaChaPoly, SHA256 and SHA512).
import { expect } from 'vitest';
import { NoiseTwin } from '../../src/reference/noise.ts';
import { NOBLE_SHA256, NOBLE_SHA512, type NoiseVectors } from './noise-support.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const given = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : hex(text);

vectorTest<NoiseVectors>('the twin of Noise', 'noise/cacophony.json', ({ vectors }) => {
  let passed = 0;
  for (const vector of vectors) {
    const [, pattern, , , hashName] = vector.protocol_name.split('_');
    const primitives = hashName === 'SHA256' ? NOBLE_SHA256 : NOBLE_SHA512;
    const initiator = new NoiseTwin(primitives, {
      pattern: pattern!,
      initiator: true,
      prologue: hex(vector.init_prologue),
      staticKey: given(vector.init_static),
      ephemeralKey: hex(vector.init_ephemeral),
      remoteStaticKey: given(vector.init_remote_static),
      psks: vector.init_psks?.map(hex),
    });
    const responder = new NoiseTwin(primitives, {
      pattern: pattern!,
      initiator: false,
      prologue: hex(vector.resp_prologue),
      staticKey: given(vector.resp_static),
      ephemeralKey: hex(vector.resp_ephemeral ?? ''),
      remoteStaticKey: given(vector.resp_remote_static),
      psks: vector.resp_psks?.map(hex),
    });
    // A pattern of one letter is one-way: the initiator alone goes on sending (section 7.4).
    const oneWay = /^[A-Z](psk\d)?$/.test(pattern!);
    const messages = vector.messages.entries();
    const name = (at: number): string => `${vector.protocol_name}, message ${at}`;
    while (!initiator.finished) {
      const [at, message] = messages.next().value!;
      const [writer, reader] = at % 2 === 0 ? [initiator, responder] : [responder, initiator];
      expect(toHex(writer.writeMessage(hex(message.payload))), name(at)).toBe(message.ciphertext);
      expect(toHex(reader.readMessage(hex(message.ciphertext))), name(at)).toBe(message.payload);
    }
    expect(responder.finished).toBe(true);
    expect(toHex(initiator.handshakeHash)).toBe(vector.handshake_hash);
    expect(toHex(responder.handshakeHash)).toBe(vector.handshake_hash);
    const sending = initiator.split();
    const receiving = responder.split();
    for (const [at, { payload, ciphertext }] of messages) {
      const direction = oneWay ? 0 : at % 2;
      expect(toHex(sending[direction]!.encryptWithAd(new Uint8Array(0), hex(payload))), name(at)).toBe(
        ciphertext,
      );
      expect(toHex(receiving[direction]!.decryptWithAd(new Uint8Array(0), hex(ciphertext))), name(at)).toBe(
        payload,
      );
    }
    passed++;
  }
  expect(passed).toBe(118);
});
