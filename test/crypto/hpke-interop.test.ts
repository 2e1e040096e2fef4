// HPKE with @hpke/core on the other side, in both directions.
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hpke } from '../../src/crypto/hpke/index.ts';
import { eachBuild } from './builds.ts';
import { text } from './hpke-support.ts';

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
});

const bytes = fc.uint8Array({ maxLength: 300 });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

eachBuild('hpke with @hpke/core', () => {
  test('one message, both ways, between keys that either side derived', async () => {
    await fc.assert(
      fc.asyncProperty(key, bytes, bytes, bytes, async (ikm, info, aad, plaintext) => {
        const ours = hpke.deriveKeyPair(ikm);
        const theirs = await suite.kem.deriveKeyPair(ikm);
        const publicKey = new Uint8Array(await suite.kem.serializePublicKey(theirs.publicKey));
        expect(publicKey).toEqual(ours.publicKey);

        const sealed = hpke.seal({ recipientPublicKey: publicKey, info, aad, plaintext });
        const recipientKey = await suite.kem.deserializePrivateKey(ours.privateKey);
        const opened = await suite.open({ recipientKey, enc: sealed.enc, info }, sealed.ciphertext, aad);
        expect(new Uint8Array(opened)).toEqual(plaintext);

        const { enc, ct } = await suite.seal({ recipientPublicKey: theirs.publicKey, info }, plaintext, aad);
        const item = { enc: new Uint8Array(enc), aad, ciphertext: new Uint8Array(ct) };
        const options = { recipientPrivateKey: ours.privateKey, info };
        expect(hpke.open({ ...options, ...item })).toEqual(plaintext);
        expect(hpke.openBatch({ ...options, items: [item, item] })).toEqual([plaintext, plaintext]);
      }),
      { numRuns: 15 },
    );
  });

  test('contexts and exports, both ways', async () => {
    const recipient = hpke.generateKeyPair();
    const info = text('a long conversation');
    const recipientPublicKey = await suite.kem.deserializePublicKey(recipient.publicKey);
    const recipientKey = await suite.kem.deserializePrivateKey(recipient.privateKey);

    const { enc, context: sealing } = hpke.createSender({ recipientPublicKey: recipient.publicKey, info });
    const theirOpening = await suite.createRecipientContext({ recipientKey, enc, info });
    const theirSealing = await suite.createSenderContext({ recipientPublicKey, info });
    const opening = hpke.createRecipient({
      recipientPrivateKey: recipient.privateKey,
      enc: new Uint8Array(theirSealing.enc),
      info,
    });
    for (let i = 0; i < 300; i++) {
      const aad = text(`message ${i}`);
      const plaintext = new Uint8Array(i).fill(i);
      const theirs = await theirOpening.open(sealing.seal(plaintext, aad), aad);
      expect(new Uint8Array(theirs)).toEqual(plaintext);
      const ours = opening.open(new Uint8Array(await theirSealing.seal(plaintext, aad)), aad);
      expect(ours).toEqual(plaintext);
    }
    // Up to 255 bytes: @hpke/core 1.9.0 writes the length that it hashes into one byte, where RFC 9180 (4) has two.
    for (const length of [1, 32, 100, 255]) {
      const context = text(`exported ${length}`);
      expect(new Uint8Array(await theirOpening.export(context, length))).toEqual(
        sealing.export(context, length),
      );
      expect(new Uint8Array(await theirSealing.export(context, length))).toEqual(
        opening.export(context, length),
      );
    }
  });
});
