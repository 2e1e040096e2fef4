// HPKE in production: its suite's vector, the twin, and what every call refuses; over both builds.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CryptoError } from '../../src/crypto/errors.ts';
import { RecipientContext, SEQUENCE_END, SenderContext } from '../../src/crypto/hpke/context.ts';
import { hpke } from '../../src/crypto/hpke/index.ts';
import { type CryptoKernel, IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { eachBuild } from './builds.ts';
import {
  codeOf,
  type HpkeVector,
  LOW_ORDER,
  NOTHING,
  privateKey,
  randomFrom,
  suiteName,
  text,
  twin,
} from './hpke-support.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

/** Vectors of modes and suites that production does not have; test/crypto/hpke-twin.test.ts takes all of them. */
const OUT_OF_SCOPE = ['HKDF-SHA256', 'HKDF-SHA512'].flatMap((kdf) =>
  ['AES-128-GCM', 'AES-256-GCM', 'ChaCha20-Poly1305', 'export-only'].flatMap((aead) =>
    ['base', 'psk', 'auth', 'auth_psk']
      .map((mode) => `${mode} ${kdf} ${aead}`)
      .filter((name) => name !== 'base HKDF-SHA256 ChaCha20-Poly1305'),
  ),
);

const recipient = twin.deriveKeyPair(new Uint8Array(32).fill(3));
const recipientPublicKey = recipient.publicKey;
const recipientPrivateKey = recipient.privateKey;
const info = text('flow 5, key 7');

/** Lengths 0 to 2000, often at the edges of AEAD and SHA-256 blocks. */
const lengths = fc.oneof(
  fc.constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 2000),
  fc.integer({ min: 0, max: 2000 }),
);
const bytes = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

eachBuild('hpke', (kernel) => {
  vectorTest<HpkeVector[]>('base mode of the suite', 'hpke/rfc9180_x25519.json', (vectors) => {
    const ours = vectors.filter((vector) => suiteName(vector) === 'base HKDF-SHA256 ChaCha20-Poly1305');
    const others = vectors.filter((vector) => !ours.includes(vector)).map(suiteName);
    expect(others.sort()).toEqual(OUT_OF_SCOPE.sort());
    expect([ours.length, others.length]).toEqual([1, 31]);
    for (const vector of ours) checkVector(vector);
  });

  describe('properties', () => {
    test('what is sealed is what the twin seals, and opens', () => {
      fc.assert(
        fc.property(key, key, bytes, bytes, bytes, (ikm, seed, info, aad, plaintext) => {
          const recipient = hpke.deriveKeyPair(ikm);
          expect(recipient).toEqual(twin.deriveKeyPair(ikm));
          const ephemeral = hpke.generateKeyPair(() => seed);
          const reference = twin.createSender({ recipientPublicKey: recipient.publicKey, ephemeral, info });
          const sealed = hpke.seal({
            recipientPublicKey: recipient.publicKey,
            info,
            aad,
            plaintext,
            randomBytes: () => seed,
          });
          expect(sealed.enc).toEqual(reference.enc);
          expect(sealed.ciphertext).toEqual(reference.context.seal(plaintext, aad));
          const opened = hpke.open({ recipientPrivateKey: recipient.privateKey, info, aad, ...sealed });
          expect(opened).toEqual(plaintext);
        }),
        { numRuns: 60 },
      );
    });

    test('contexts agree with the twin, message by message, and in what they export', () => {
      const message = fc.record({ plaintext: bytes, aad: bytes });
      fc.assert(
        fc.property(
          key,
          bytes,
          fc.array(message, { maxLength: 5 }),
          bytes,
          fc.constantFrom(1, 31, 32, 33, 64, 100, 8160),
          (seed, info, messages, exporterContext, length) => {
            const ephemeral = hpke.generateKeyPair(() => seed);
            const reference = twin.createSender({ recipientPublicKey, ephemeral, info });
            const { enc, context } = hpke.createSender({
              recipientPublicKey,
              info,
              randomBytes: () => seed,
            });
            const opening = hpke.createRecipient({ recipientPrivateKey, enc, info });
            expect(enc).toEqual(reference.enc);
            for (const { plaintext, aad } of messages) {
              const ciphertext = context.seal(plaintext, aad);
              expect(ciphertext).toEqual(reference.context.seal(plaintext, aad));
              expect(opening.open(ciphertext, aad)).toEqual(plaintext);
            }
            expect([context.sequence, opening.sequence]).toEqual([messages.length, messages.length]);
            const exported = context.export(exporterContext, length);
            expect(exported).toEqual(reference.context.export(exporterContext, length));
            expect(opening.export(exporterContext, length)).toEqual(exported);
          },
        ),
        { numRuns: 20 },
      );
    });

    test('a change anywhere is refused', () => {
      fc.assert(
        fc.property(
          fc.constantFrom('enc', 'aad', 'ciphertext', 'info', 'recipientPrivateKey'),
          fc.nat(),
          fc.uint8Array({ minLength: 1, maxLength: 80 }),
          fc.uint8Array({ minLength: 1, maxLength: 80 }),
          (field, at, aad, plaintext) => {
            const sealed = hpke.seal({ recipientPublicKey, info, aad, plaintext });
            const message = { recipientPrivateKey, info, aad, ...sealed };
            const changed = message[field].slice();
            let bit = at % (changed.length * 8);
            // X25519 ignores five bits of a scalar (RFC 7748, 5), so those are not a change of the key.
            if (field === 'recipientPrivateKey') bit = 8 + (bit % 240);
            changed[bit >> 3]! ^= 1 << (bit & 7);
            expect(codeOf(() => hpke.open({ ...message, [field]: changed }))).toBe('authentication_failed');
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  test.each([
    ['plaintext as long as io', IO_BYTES, 3],
    ['plaintext just within io', IO_BYTES - 224 - 16, 0],
    ['plaintext just too long for io', IO_BYTES - 223 - 16, 0],
    ['plaintext of many io', 3 * IO_BYTES + 17, 70],
    ['aad longer than io', 5, IO_BYTES + 1],
    ['both longer than io', IO_BYTES + 4097, IO_BYTES + 63],
  ])('%s', (_name, plaintextLength, aadLength) => {
    const plaintext = randomFrom(1)(plaintextLength);
    const aad = randomFrom(2)(aadLength);
    const randomBytes = (): Uint8Array => privateKey(5);
    const sealed = hpke.seal({ recipientPublicKey, info, aad, plaintext, randomBytes });
    const ephemeral = hpke.generateKeyPair(randomBytes);
    const expected = twin.createSender({ recipientPublicKey, ephemeral, info }).context.seal(plaintext, aad);
    expect(sealed.enc).toEqual(ephemeral.publicKey);
    expect(Buffer.compare(sealed.ciphertext, expected)).toBe(0);
    const message = { recipientPrivateKey, info, aad, ...sealed };
    expect(Buffer.compare(hpke.open(message), plaintext)).toBe(0);
    sealed.ciphertext[plaintextLength >> 1]! ^= 1;
    expect(codeOf(() => hpke.open(message))).toBe('authentication_failed');
    expectClean(kernel);
  });

  test('info longer than io', () => {
    const info = randomFrom(3)(IO_BYTES + 5);
    const plaintext = text('plain');
    const sealed = hpke.seal({ recipientPublicKey, info, plaintext });
    expect(hpke.open({ recipientPrivateKey, info, ...sealed })).toEqual(plaintext);
    const reference = twin.createRecipient({ enc: sealed.enc, recipient, info });
    expect(reference.open(sealed.ciphertext, NOTHING)).toEqual(plaintext);
  });

  describe('keys', () => {
    test('a fresh pair every time, from the host unless a generator is given', () => {
      const first = hpke.generateKeyPair();
      expect(hpke.generateKeyPair().privateKey).not.toEqual(first.privateKey);
      const drawn = privateKey(4);
      const pair = hpke.generateKeyPair(() => drawn);
      expect(pair.privateKey).toEqual(drawn);
      expect(pair.privateKey).not.toBe(drawn);
    });

    test('two messages never share an enc', () => {
      const items = Array.from({ length: 9 }, () => ({ plaintext: text('same') }));
      const sealed = [...hpke.sealBatch({ recipientPublicKey, info, items })];
      sealed.push(hpke.seal({ recipientPublicKey, info, plaintext: text('same') }));
      expect(new Set(sealed.map(({ enc }) => toHex(enc))).size).toBe(10);
      expect(new Set(sealed.map(({ ciphertext }) => toHex(ciphertext))).size).toBe(10);
    });

    test('a generator that gives another length is refused', () => {
      const randomBytes = (): Uint8Array => new Uint8Array(31);
      expect(codeOf(() => hpke.generateKeyPair(randomBytes))).toBe('invalid_argument');
      expect(codeOf(() => hpke.createSender({ recipientPublicKey, info, randomBytes }))).toBe(
        'invalid_argument',
      );
    });

    test('a generator may itself use the kernel', () => {
      const randomBytes = (length: number): Uint8Array =>
        Uint8Array.from({ length }, (_, i) => hpke.deriveKeyPair(privateKey(i)).privateKey[0]!);
      const sealed = hpke.seal({ recipientPublicKey, info, plaintext: text('plain'), randomBytes });
      expect(hpke.open({ recipientPrivateKey, info, ...sealed })).toEqual(text('plain'));
    });
  });

  test('a public key beside the private one must be its own', () => {
    const sealed = hpke.seal({ recipientPublicKey, info, plaintext: text('plain') });
    const message = { recipientPrivateKey, info, ...sealed };
    expect(hpke.open({ ...message, recipientPublicKey })).toEqual(text('plain'));
    expect(
      hpke.openBatch({ recipientPrivateKey, recipientPublicKey, info, items: [sealed, sealed] }),
    ).toEqual([text('plain'), text('plain')]);
    const other = hpke.generateKeyPair().publicKey;
    expect(codeOf(() => hpke.open({ ...message, recipientPublicKey: other }))).toBe('authentication_failed');
    const short = other.subarray(1);
    expect(codeOf(() => hpke.open({ ...message, recipientPublicKey: short }))).toBe('invalid_argument');
    const context = hpke.createRecipient({ ...message, recipientPublicKey });
    expect(context.open(sealed.ciphertext)).toEqual(text('plain'));
  });

  describe('refusals', () => {
    const sealed = (): { enc: Uint8Array; ciphertext: Uint8Array } =>
      hpke.seal({ recipientPublicKey, info, plaintext: text('plain') });
    const wrong = 'not bytes' as unknown as Uint8Array;

    test('lengths and types', () => {
      const short = new Uint8Array(31);
      const long = new Uint8Array(33);
      const plaintext = text('plain');
      const calls: (() => unknown)[] = [
        () => hpke.deriveKeyPair(short),
        () => hpke.deriveKeyPair(wrong),
        () => hpke.seal({ recipientPublicKey: short, info, plaintext }),
        () => hpke.seal({ recipientPublicKey: long, info, plaintext }),
        () => hpke.seal({ recipientPublicKey, info: wrong, plaintext }),
        () => hpke.seal({ recipientPublicKey, info, plaintext: wrong }),
        () => hpke.seal({ recipientPublicKey, info, plaintext, aad: wrong }),
        () => hpke.open({ recipientPrivateKey: short, info, ...sealed() }),
        () => hpke.open({ recipientPrivateKey: long, info, ...sealed() }),
        () => hpke.open({ recipientPrivateKey, info, ...sealed(), enc: short }),
        () => hpke.open({ recipientPrivateKey, info, ...sealed(), enc: long }),
        () => hpke.open({ recipientPrivateKey, info, ...sealed(), aad: wrong }),
        () => hpke.open({ recipientPrivateKey, info, ...sealed(), ciphertext: wrong }),
        () => hpke.createSender({ recipientPublicKey: short, info }),
        () => hpke.createRecipient({ recipientPrivateKey: short, enc: sealed().enc, info }),
        () => hpke.createRecipient({ recipientPrivateKey, enc: long, info }),
        () => hpke.createRecipient({ recipientPrivateKey, enc: sealed().enc, info: wrong }),
      ];
      for (const call of calls) expect(codeOf(call), call.toString()).toBe('invalid_argument');
      for (const length of [0, 15, 16]) {
        const ciphertext = new Uint8Array(length);
        expect(codeOf(() => hpke.open({ recipientPrivateKey, info, ...sealed(), ciphertext }))).toBe(
          'authentication_failed',
        );
      }
      expect(() => hpke.open({ recipientPrivateKey, info, ...sealed(), enc: short })).toThrow(
        'expected enc of 32 bytes, got 31',
      );
    });

    test('public keys of small order', () => {
      for (const point of LOW_ORDER) {
        const plaintext = text('plain');
        expect(codeOf(() => hpke.seal({ recipientPublicKey: point, info, plaintext }))).toBe(
          'invalid_public_key',
        );
        expect(codeOf(() => hpke.createSender({ recipientPublicKey: point, info }))).toBe(
          'invalid_public_key',
        );
        expect(codeOf(() => hpke.open({ recipientPrivateKey, info, ...sealed(), enc: point }))).toBe(
          'invalid_public_key',
        );
        expect(codeOf(() => hpke.createRecipient({ recipientPrivateKey, info, enc: point }))).toBe(
          'invalid_public_key',
        );
        // Too long for io, so by the other way.
        const large = { plaintext: new Uint8Array(IO_BYTES) };
        expect(codeOf(() => hpke.seal({ recipientPublicKey: point, info, ...large }))).toBe(
          'invalid_public_key',
        );
        const ciphertext = large.plaintext;
        expect(codeOf(() => hpke.open({ recipientPrivateKey, info, enc: point, ciphertext }))).toBe(
          'invalid_public_key',
        );
      }
      expectClean(kernel);
    });

    test('no message of an error holds a key, a plaintext or a secret', () => {
      const plaintext = text('a very secret plaintext');
      const message = { recipientPrivateKey, info, ...hpke.seal({ recipientPublicKey, info, plaintext }) };
      const errors = [
        () => hpke.open({ ...message, info: text('other') }),
        () => hpke.open({ ...message, enc: LOW_ORDER[1]! }),
        () => hpke.open({ ...message, recipientPrivateKey: recipientPrivateKey.subarray(1) }),
      ].map((call) => {
        try {
          call();
        } catch (error) {
          return error as CryptoError;
        }
        throw new Error('expected an error, got none');
      });
      for (const error of errors) {
        expect(error).toBeInstanceOf(CryptoError);
        const said = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
        expect(said).not.toContain('very secret');
        expect(said).not.toContain(toHex(recipientPrivateKey).slice(2, 12));
        expect(said).not.toContain([...recipientPrivateKey.subarray(1, 6)].join(','));
      }
    });
  });

  describe('contexts', () => {
    const pair = (): { sender: SenderContext; opening: RecipientContext } => {
      const { enc, context } = hpke.createSender({ recipientPublicKey, info });
      return { sender: context, opening: hpke.createRecipient({ recipientPrivateKey, enc, info }) };
    };

    test('a message that does not open leaves the sequence as it is', () => {
      const { sender, opening } = pair();
      const first = sender.seal(text('first'));
      const second = sender.seal(text('second'), text('aad'));
      expect(codeOf(() => opening.open(second, text('aad')))).toBe('authentication_failed');
      expect(opening.sequence).toBe(0);
      expect(opening.open(first)).toEqual(text('first'));
      expect(codeOf(() => opening.open(first))).toBe('authentication_failed');
      expect(codeOf(() => opening.open(second))).toBe('authentication_failed');
      expect(codeOf(() => opening.open(second.subarray(0, 15), text('aad')))).toBe('authentication_failed');
      expect(opening.sequence).toBe(1);
      expect(opening.open(second, text('aad'))).toEqual(text('second'));
      expect(opening.sequence).toBe(2);
    });

    test('arguments', () => {
      const { sender, opening } = pair();
      const wrong = 5 as unknown as Uint8Array;
      for (const call of [
        () => sender.seal(wrong),
        () => sender.seal(NOTHING, wrong),
        () => opening.open(wrong),
        () => opening.open(new Uint8Array(16), wrong),
        () => sender.export(wrong, 32),
        () => sender.export(new Uint8Array(65_537), 32),
        () => sender.export(NOTHING, 0),
        () => sender.export(NOTHING, 8161),
        () => sender.export(NOTHING, 1.5),
        () => sender.export(NOTHING, Number.NaN),
      ]) {
        expect(codeOf(call), call.toString()).toBe('invalid_argument');
      }
      expect([sender.sequence, opening.sequence]).toEqual([0, 0]);
    });

    test('numbers beyond 32 bits, up to the last', () => {
      const { context: reference } = twin.createSender({ recipientPublicKey, ephemeral: recipient, info });
      const { key, baseNonce, exporterSecret } = reference.secrets;
      for (const sequence of [0xff, 0x100, 0xffff_ffff, 2 ** 32, 2 ** 40 + 12345, SEQUENCE_END - 1]) {
        const keys = (): { key: Uint8Array; baseNonce: Uint8Array; exporterSecret: Uint8Array } => ({
          key: key!.slice(),
          baseNonce: baseNonce!.slice(),
          exporterSecret: exporterSecret.slice(),
        });
        const sender = new SenderContext(keys(), sequence);
        const opening = new RecipientContext(keys(), sequence);
        reference.sequence = BigInt(sequence);
        const ciphertext = sender.seal(text('plain'));
        expect(ciphertext).toEqual(reference.seal(text('plain'), NOTHING));
        expect(opening.open(ciphertext)).toEqual(text('plain'));
        if (sequence === SEQUENCE_END - 1) {
          expect(codeOf(() => sender.seal(text('plain')))).toBe('message_limit_reached');
          expect(codeOf(() => opening.open(ciphertext))).toBe('message_limit_reached');
          expect(sender.sequence).toBe(SEQUENCE_END);
        }
      }
    });

    test('a wiped context does nothing any more', () => {
      const { sender, opening } = pair();
      const ciphertext = sender.seal(text('plain'));
      for (const context of [sender, opening]) {
        context.wipe();
        context.wipe();
        expect(codeOf(() => context.export(NOTHING, 32))).toBe('invalid_state');
      }
      expect(codeOf(() => sender.seal(text('plain')))).toBe('invalid_state');
      expect(codeOf(() => opening.open(ciphertext))).toBe('invalid_state');
      expect([sender.sequence, opening.sequence]).toEqual([1, 0]);
    });
  });

  test('no secret stays in the memory of the kernel', () => {
    const plaintext = text('only for the recipient');
    const ephemeral = hpke.generateKeyPair(() => privateKey(9));
    const sealed = hpke.seal({ recipientPublicKey, info, plaintext, randomBytes: () => privateKey(9) });
    hpke.open({ recipientPrivateKey, info, ...sealed });
    const { enc } = hpke.createSender({ recipientPublicKey, info, randomBytes: () => privateKey(9) });
    hpke.createRecipient({ recipientPrivateKey, enc, info });
    const { secrets } = twin.createSender({ recipientPublicKey, ephemeral, info }).context;
    const memory = Buffer.from(kernel.bytes);
    for (const [name, secret] of Object.entries({
      recipientPrivateKey,
      ephemeralPrivateKey: ephemeral.privateKey,
      plaintext,
      sharedSecret: secrets.sharedSecret,
      secret: secrets.secret,
      key: secrets.key!,
      exporterSecret: secrets.exporterSecret,
    })) {
      expect(memory.indexOf(secret), name).toBe(-1);
    }
    expectClean(kernel);
  });
});

/** Nothing of a call is left in the kernel's io. */
function expectClean(kernel: CryptoKernel): void {
  const io = kernel.bytes.subarray(kernel.io, kernel.io + IO_BYTES);
  expect(io.findIndex((byte) => byte !== 0)).toBe(-1);
}

function checkVector(vector: HpkeVector): void {
  const recipient = hpke.deriveKeyPair(hex(vector.ikmR));
  const ephemeral = hpke.deriveKeyPair(hex(vector.ikmE));
  expect(toHex(recipient.privateKey)).toBe(vector.skRm);
  expect(toHex(recipient.publicKey)).toBe(vector.pkRm);
  expect(toHex(ephemeral.publicKey)).toBe(vector.pkEm);

  const recipientPublicKey = recipient.publicKey;
  const recipientPrivateKey = recipient.privateKey;
  const info = hex(vector.info);
  const randomBytes = (): Uint8Array => ephemeral.privateKey;
  const [first] = vector.encryptions;
  const aad = hex(first!.aad);
  const plaintext = hex(first!.pt);
  const sealed = hpke.seal({ recipientPublicKey, info, aad, plaintext, randomBytes });
  expect(toHex(sealed.enc)).toBe(vector.enc);
  expect(toHex(sealed.ciphertext)).toBe(first!.ct);
  expect(toHex(hpke.open({ recipientPrivateKey, info, aad, ...sealed }))).toBe(first!.pt);

  const { enc, context } = hpke.createSender({ recipientPublicKey, info, randomBytes });
  const opening = hpke.createRecipient({ recipientPrivateKey, enc: hex(vector.enc), info });
  expect(toHex(enc)).toBe(vector.enc);
  expect(vector.encryptions.length).toBe(257);
  for (const { aad, ct, pt } of vector.encryptions) {
    expect(toHex(context.seal(hex(pt), hex(aad)))).toBe(ct);
    expect(toHex(opening.open(hex(ct), hex(aad)))).toBe(pt);
  }
  expect(vector.exports.length).toBe(3);
  for (const { exporter_context, L, exported_value } of vector.exports) {
    expect(toHex(context.export(hex(exporter_context), L))).toBe(exported_value);
    expect(toHex(opening.export(hex(exporter_context), L))).toBe(exported_value);
  }
}
