// The twin of HPKE against every vector of RFC 9180 with X25519: four modes, two KDFs, three AEADs and export-only.
import { expect, test } from 'vitest';
import { ReferenceHpke } from '../../src/reference/hpke.ts';
import { type HpkeVector, NOBLE, suiteName } from './hpke-support.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const VECTORS = 32;
const MESSAGES = 24 * 257;
const EXPORTS = 32 * 3;

const optional = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : hex(text);

vectorTest<HpkeVector[]>('all suites and modes', 'hpke/rfc9180_x25519.json', (vectors) => {
  let messages = 0;
  let exported = 0;
  for (const vector of vectors) {
    const name = suiteName(vector);
    expect(vector.kem_id, name).toBe(0x0020);
    const hpke = new ReferenceHpke(NOBLE, { kdfId: vector.kdf_id, aeadId: vector.aead_id });

    const recipient = hpke.deriveKeyPair(hex(vector.ikmR));
    const ephemeral = hpke.deriveKeyPair(hex(vector.ikmE));
    const sender = vector.ikmS === undefined ? undefined : hpke.deriveKeyPair(hex(vector.ikmS));
    expect(
      [recipient, ephemeral, sender].map((pair) => pair && toHex(pair.privateKey)),
      name,
    ).toEqual([vector.skRm, vector.skEm, vector.skSm]);
    expect(
      [recipient, ephemeral, sender].map((pair) => pair && toHex(pair.publicKey)),
      name,
    ).toEqual([vector.pkRm, vector.pkEm, vector.pkSm]);

    const setup = { info: hex(vector.info), psk: optional(vector.psk), pskId: optional(vector.psk_id) };
    const { enc, context: sealing } = hpke.createSender({
      ...setup,
      recipientPublicKey: recipient.publicKey,
      ephemeral,
      sender,
    });
    const opening = hpke.createRecipient({ ...setup, enc, recipient, senderPublicKey: sender?.publicKey });
    expect(toHex(enc), name).toBe(vector.enc);
    for (const { secrets } of [sealing, opening]) {
      expect(toHex(secrets.sharedSecret), name).toBe(vector.shared_secret);
      expect(toHex(secrets.keyScheduleContext), name).toBe(vector.key_schedule_context);
      expect(toHex(secrets.secret), name).toBe(vector.secret);
      expect(toHex(secrets.key ?? hex('')), name).toBe(vector.key);
      expect(toHex(secrets.baseNonce ?? hex('')), name).toBe(vector.base_nonce);
      expect(toHex(secrets.exporterSecret), name).toBe(vector.exporter_secret);
    }

    for (const { aad, ct, nonce, pt } of vector.encryptions) {
      expect(toHex(sealing.nonce()), name).toBe(nonce);
      expect(toHex(sealing.seal(hex(pt), hex(aad))), name).toBe(ct);
      expect(toHex(opening.open(hex(ct), hex(aad))), name).toBe(pt);
      messages++;
    }
    for (const { exporter_context, L, exported_value } of vector.exports) {
      expect(toHex(sealing.export(hex(exporter_context), L)), name).toBe(exported_value);
      expect(toHex(opening.export(hex(exporter_context), L)), name).toBe(exported_value);
      exported++;
    }
  }
  expect(vectors.length).toBe(VECTORS);
  expect(messages).toBe(MESSAGES);
  expect(exported).toBe(EXPORTS);
});

test('what the twin refuses', () => {
  expect(() => new ReferenceHpke(NOBLE, { kdfId: 4, aeadId: 3 })).toThrow('expected a KDF from 1 to 3');
  expect(() => new ReferenceHpke(NOBLE, { kdfId: 1, aeadId: 4 })).toThrow('expected an AEAD from 1 to 3');
  const hpke = new ReferenceHpke(NOBLE, { kdfId: 1, aeadId: 0xffff });
  const recipient = hpke.deriveKeyPair(new Uint8Array(32));
  const ephemeral = hpke.deriveKeyPair(new Uint8Array(32).fill(1));
  const setup = { recipientPublicKey: recipient.publicKey, ephemeral, info: new Uint8Array(0) };
  expect(() => hpke.createSender({ ...setup, psk: new Uint8Array(32) })).toThrow('or neither');
  expect(() => hpke.createSender({ ...setup, recipientPublicKey: new Uint8Array(32) })).toThrow();
  const { context } = hpke.createSender(setup);
  expect(() => context.seal(new Uint8Array(1), new Uint8Array(0))).toThrow('got an export-only one');
  expect(() => context.export(new Uint8Array(0), 255 * 32 + 1)).toThrow('at most 8160 bytes');

  const sealing = new ReferenceHpke(NOBLE, { kdfId: 1, aeadId: 3 }).createSender(setup).context;
  sealing.sequence = (1n << 96n) - 1n;
  expect(() => sealing.seal(new Uint8Array(1), new Uint8Array(0))).toThrow('below 2^96 - 1');
});
