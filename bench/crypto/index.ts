// `npm run bench:crypto`: each primitive of specie/crypto beside @noble, node:crypto, libsodium (WebAssembly),
// sodium-native, @hpke/core and cashu-ts, in one run. One core each; the pool on all cores at the end of a table.
// `--small`: every contender once and short, to prove them equal.
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  sign,
  verify,
} from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  hashToCurve as cashuHashToCurve,
  createBlindSignature,
  createDLEQProof,
  pointFromBytes,
  unblindSignature,
  verifyDLEQProof,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { chacha20poly1305 as nobleAead } from '@noble/ciphers/chacha.js';
import { ed25519 as nobleEd25519, x25519 as nobleX25519 } from '@noble/curves/ed25519.js';
import { secp256k1 as nobleSecp256k1 } from '@noble/curves/secp256k1.js';
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import libsodium from 'libsodium-wrappers-sumo';
import sodium from 'sodium-native';
import {
  chacha20poly1305,
  createCryptoPool,
  ed25519,
  hkdfSha256,
  hmacSha256,
  hpke,
  kernelChoice,
  noise,
  noteCrypto,
  poolNoteCrypto,
  sha256,
  sha512,
  x25519,
} from '../../src/crypto/index.ts';
import { Random } from '../../src/shared/random.ts';
import { type Contender, compare, type Measured } from './compare.ts';

const { values: flags } = parseArgs({
  options: { small: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const pace = flags.small ? { rounds: 1, roundMs: 1 } : { rounds: 5, roundMs: 250 };
const BATCHES = flags.small ? [1, 8, 64] : [1, 8, 64, 256, 1024, 4096];
const LARGE = BATCHES.at(-1)!;
const TYPICAL = flags.small ? 64 : 1024;

await libsodium.ready;
const random = new Random(20_261_121n);
const bytes = (length: number): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = random.below(256);
  return out;
};
/** 32 bytes as a scalar of secp256k1: below n. */
const toScalar = (random: Uint8Array): Uint8Array =>
  Uint8Array.from(random, (byte, i) => (i === 0 ? byte >> 1 : byte));
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const join = (parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts as Uint8Array[]));

// Keys as node:crypto takes them: RFC 8410.
const pkcs8 = (oid: number, key: Uint8Array) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from(`302e020100300506032b65${oid.toString(16)}04220420`, 'hex'), key]),
    format: 'der',
    type: 'pkcs8',
  });
const spki = (oid: number, key: Uint8Array) =>
  createPublicKey({
    key: Buffer.concat([Buffer.from(`302a300506032b65${oid.toString(16)}032100`, 'hex'), key]),
    format: 'der',
    type: 'spki',
  });
const X25519_OID = 0x6e;
const ED25519_OID = 0x70;

// sodium-native has it; its types do not.
const sodiumAead = (
  sodium as unknown as Record<
    'crypto_aead_chacha20poly1305_ietf_encrypt',
    (out: Buffer, text: Buffer, aad: Buffer, secretNonce: null, nonce: Buffer, key: Buffer) => number
  >
).crypto_aead_chacha20poly1305_ietf_encrypt;

const pool = createCryptoPool();
const ratios: string[] = [];

function ratio(what: string, target: string, ours: Measured | undefined, theirs: Measured | undefined): void {
  if (!ours || !theirs) return;
  const factor = theirs.microseconds / ours.microseconds;
  ratios.push(`  ${what.padEnd(64)} ${factor.toFixed(2).padStart(6)} ×   (${target})`);
}
const named = (rows: readonly Measured[], name: string) => rows.find((row) => row.name === name);

/** A contender that does one operation a call, on one after the other of `count` inputs; its result is that of them all. */
function oneByOne(name: string, count: number, run: (index: number) => Uint8Array): Contender {
  return { name, operations: count, run: () => join(times(count, run)) };
}

const tables: Record<string, () => Promise<void>> = {
  async 'ed25519 verify'() {
    const keys = times(LARGE, () => bytes(32));
    const items = keys.map((secretKey) => {
      const message = bytes(128);
      return {
        publicKey: ed25519.publicKey(secretKey),
        message,
        signature: ed25519.sign(secretKey, message),
      };
    });
    const prepared = items.map(({ publicKey, message, signature }) => ({
      publicKey: ed25519.prepare(publicKey),
      message,
      signature,
    }));
    const nodeKeys = items.map(({ publicKey }) => spki(ED25519_OID, publicKey));
    const verdict = (ok: boolean): Uint8Array => Uint8Array.of(ok ? 1 : 0);
    const one = Math.min(16, LARGE);
    const verdicts = (result: readonly boolean[]): Uint8Array => Uint8Array.from(result, Number);
    const rows = await compare(
      {
        title: 'Ed25519 verify, 128-byte messages, all keys different',
        same: (result, operations) =>
          result.length === operations && result.every((byte) => byte === 1) ? 'all valid' : 'something else',
        contenders: [
          oneByOne('@noble/curves', one, (i) => {
            const { publicKey, message, signature } = items[i]!;
            return verdict(nobleEd25519.verify(signature, message, publicKey));
          }),
          oneByOne('libsodium (WebAssembly)', one, (i) => {
            const { publicKey, message, signature } = items[i]!;
            return verdict(libsodium.crypto_sign_verify_detached(signature, message, publicKey));
          }),
          oneByOne('node:crypto', one, (i) => {
            const { message, signature } = items[i]!;
            return verdict(verify(null, message, nodeKeys[i]!, signature));
          }),
          oneByOne('sodium-native', one, (i) => {
            const { publicKey, message, signature } = items[i]!;
            return verdict(
              sodium.crypto_sign_verify_detached(
                Buffer.from(signature.buffer),
                Buffer.from(message.buffer),
                Buffer.from(publicKey.buffer),
              ),
            );
          }),
          oneByOne('specie, single', one, (i) => {
            const { publicKey, message, signature } = items[i]!;
            return verdict(ed25519.verify(publicKey, message, signature));
          }),
          oneByOne('specie, single, prepared key', one, (i) => {
            const { publicKey, message, signature } = prepared[i]!;
            return verdict(ed25519.verify(publicKey, message, signature));
          }),
          ...BATCHES.map((count) => ({
            name: `specie, batch of ${count.toLocaleString('en')}`,
            operations: count,
            run: () => verdicts(ed25519.verifyBatch(items.slice(0, count))),
          })),
          ...BATCHES.map((count) => ({
            name: `specie, batch of ${count.toLocaleString('en')}, prepared keys`,
            operations: count,
            run: () => verdicts(ed25519.verifyBatch(prepared.slice(0, count))),
          })),
          {
            name: `specie, pool, ${LARGE.toLocaleString('en')} at a time`,
            operations: LARGE,
            run: async () => verdicts(await pool.verifyBatch(items)),
          },
        ],
      },
      pace,
    );
    const native = named(rows, 'sodium-native');
    const typical = `specie, batch of ${TYPICAL.toLocaleString('en')}`;
    ratio(
      `Ed25519 batch of ${TYPICAL} : sodium-native single`,
      'target 3, ambition 5',
      named(rows, typical),
      native,
    );
    ratio(
      `Ed25519 batch of ${TYPICAL}, prepared : sodium-native single`,
      '',
      named(rows, `${typical}, prepared keys`),
      native,
    );
  },

  async 'ed25519 sign'() {
    const count = flags.small ? 4 : 32;
    const secretKeys = times(count, () => bytes(32));
    const messages = times(count, () => bytes(128));
    const publicKeys = secretKeys.map((key) => ed25519.publicKey(key));
    const nodeKeys = secretKeys.map((key) => pkcs8(ED25519_OID, key));
    const sodiumKeys = secretKeys.map((key, i) => Buffer.concat([key, publicKeys[i]!]));
    const signingKeys = secretKeys.map((key) => ed25519.signingKey(key));
    await compare(
      {
        title: 'Ed25519 sign, 128-byte messages',
        contenders: [
          oneByOne('@noble/curves', count, (i) => nobleEd25519.sign(messages[i]!, secretKeys[i]!)),
          oneByOne('libsodium (WebAssembly)', count, (i) =>
            libsodium.crypto_sign_detached(messages[i]!, sodiumKeys[i]!),
          ),
          oneByOne('node:crypto', count, (i) => sign(null, messages[i]!, nodeKeys[i]!)),
          oneByOne('sodium-native', count, (i) => {
            const signature = Buffer.alloc(64);
            sodium.crypto_sign_detached(signature, Buffer.from(messages[i]!.buffer), sodiumKeys[i]!);
            return signature;
          }),
          oneByOne('specie, from the secret key', count, (i) => ed25519.sign(secretKeys[i]!, messages[i]!)),
          oneByOne('specie, signing key', count, (i) => signingKeys[i]!.sign(messages[i]!)),
        ],
      },
      pace,
    );
  },

  async x25519() {
    const pairs = times(LARGE, () => ({ privateKey: bytes(32), publicKey: x25519.publicKey(bytes(32)) }));
    const one = Math.min(16, LARGE);
    const nodePairs = pairs.slice(0, one).map(({ privateKey, publicKey }) => ({
      privateKey: pkcs8(X25519_OID, privateKey),
      publicKey: spki(X25519_OID, publicKey),
    }));
    const secrets = (result: readonly (Uint8Array | Error)[]): Uint8Array =>
      join(result.map((secret) => (secret instanceof Error ? new Uint8Array() : secret)));
    const expected = secrets(x25519.sharedSecretBatch(pairs));
    const rows = await compare(
      {
        title: 'X25519 shared secret',
        same: (result, operations) =>
          Buffer.compare(result, expected.subarray(0, 32 * operations)) === 0
            ? 'the same secrets'
            : 'something else',
        contenders: [
          oneByOne('@noble/curves', one, (i) =>
            nobleX25519.getSharedSecret(pairs[i]!.privateKey, pairs[i]!.publicKey),
          ),
          oneByOne('libsodium (WebAssembly)', one, (i) =>
            libsodium.crypto_scalarmult(pairs[i]!.privateKey, pairs[i]!.publicKey),
          ),
          oneByOne('node:crypto', one, (i) => diffieHellman(nodePairs[i]!)),
          oneByOne('sodium-native', one, (i) => {
            const secret = Buffer.alloc(32);
            const { privateKey, publicKey } = pairs[i]!;
            sodium.crypto_scalarmult(secret, Buffer.from(privateKey.buffer), Buffer.from(publicKey.buffer));
            return secret;
          }),
          oneByOne('specie, single', one, (i) =>
            x25519.sharedSecret(pairs[i]!.privateKey, pairs[i]!.publicKey),
          ),
          ...BATCHES.map((count) => ({
            name: `specie, batch of ${count.toLocaleString('en')}`,
            operations: count,
            run: () => secrets(x25519.sharedSecretBatch(pairs.slice(0, count))),
          })),
          {
            name: `specie, pool, ${LARGE.toLocaleString('en')} at a time`,
            operations: LARGE,
            run: async () => secrets(await pool.sharedSecretBatch(pairs)),
          },
        ],
      },
      pace,
    );
    ratio(
      `X25519 batch of ${TYPICAL} : node:crypto`,
      'target 1, ambition 1.3',
      named(rows, `specie, batch of ${TYPICAL.toLocaleString('en')}`),
      named(rows, 'node:crypto'),
    );
  },

  async 'hpke open'() {
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Chacha20Poly1305(),
    });
    const { privateKey: recipientPrivateKey, publicKey: recipientPublicKey } = hpke.deriveKeyPair(bytes(32));
    const info = bytes(32);
    const plaintexts = times(LARGE, () => bytes(100));
    const aads = times(LARGE, () => bytes(32));
    const items = hpke
      .sealBatch({
        recipientPublicKey,
        info,
        items: plaintexts.map((plaintext, i) => ({ plaintext, aad: aads[i]! })),
      })
      .map((sealed, i) => {
        if (sealed instanceof Error) throw sealed;
        return { ...sealed, aad: aads[i]! };
      });
    const expected = join(plaintexts);
    const opened = (result: readonly (Uint8Array | Error)[]): Uint8Array =>
      join(result.map((plaintext) => (plaintext instanceof Error ? new Uint8Array() : plaintext)));
    const one = Math.min(16, LARGE);
    const recipientKey = await suite.kem.importKey('raw', recipientPrivateKey.buffer as ArrayBuffer, false);
    const rows = await compare(
      {
        title: 'HPKE open, 100-byte plaintexts, one recipient',
        same: (result, operations) =>
          Buffer.compare(result, expected.subarray(0, 100 * operations)) === 0
            ? 'the same plaintexts'
            : 'something else',
        contenders: [
          {
            name: '@hpke/core, awaited one by one',
            operations: one,
            run: async () => {
              const parts: Uint8Array[] = [];
              for (const { enc, ciphertext, aad } of items.slice(0, one)) {
                const plaintext = await suite.open(
                  { recipientKey, enc: enc.buffer as ArrayBuffer, info: info.buffer },
                  ciphertext.buffer as ArrayBuffer,
                  aad.buffer as ArrayBuffer,
                );
                parts.push(new Uint8Array(plaintext));
              }
              return join(parts);
            },
          },
          oneByOne('specie, single', one, (i) => hpke.open({ recipientPrivateKey, info, ...items[i]! })),
          ...BATCHES.map((count) => ({
            name: `specie, batch of ${count.toLocaleString('en')}`,
            operations: count,
            run: () => opened(hpke.openBatch({ recipientPrivateKey, info, items: items.slice(0, count) })),
          })),
          {
            name: `specie, pool, ${LARGE.toLocaleString('en')} at a time`,
            operations: LARGE,
            run: async () => opened(await pool.openBatch({ recipientPrivateKey, info, items })),
          },
        ],
      },
      pace,
    );
    ratio(
      `HPKE open, batch of ${TYPICAL} : @hpke/core`,
      'target 6, ambition 10',
      named(rows, `specie, batch of ${TYPICAL.toLocaleString('en')}`),
      named(rows, '@hpke/core, awaited one by one'),
    );
  },

  async 'hpke seal'() {
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Chacha20Poly1305(),
    });
    const { privateKey: recipientPrivateKey, publicKey: recipientPublicKey } = hpke.deriveKeyPair(bytes(32));
    const info = bytes(32);
    const plaintexts = times(TYPICAL, () => bytes(100));
    const one = Math.min(16, TYPICAL);
    const expected = join(plaintexts);
    const recipientKey = await suite.kem.importKey('raw', recipientPublicKey.buffer as ArrayBuffer, true);
    /** What was sealed is different each time; what it opens to is not. */
    const opened = (items: { enc: Uint8Array; ciphertext: Uint8Array }[]): Uint8Array =>
      join(
        hpke
          .openBatch({ recipientPrivateKey, info, items })
          .map((text) => (text instanceof Error ? new Uint8Array() : text)),
      );
    let sealed: { enc: Uint8Array; ciphertext: Uint8Array }[] = [];
    const timed = (
      name: string,
      operations: number,
      run: () => typeof sealed | Promise<typeof sealed>,
    ): Contender => ({
      name,
      operations,
      run: async () => {
        sealed = await run();
        return new Uint8Array();
      },
    });
    await compare(
      {
        title: 'HPKE seal, 100-byte plaintexts, one recipient',
        same: (_, operations) =>
          Buffer.compare(opened(sealed), expected.subarray(0, 100 * operations)) === 0
            ? 'what opens to the same plaintexts'
            : 'something else',
        contenders: [
          timed('@hpke/core, awaited one by one', one, async () => {
            const results: typeof sealed = [];
            for (const plaintext of plaintexts.slice(0, one)) {
              const { enc, ct } = await suite.seal(
                { recipientPublicKey: recipientKey, info: info.buffer },
                plaintext.buffer,
              );
              results.push({ enc: new Uint8Array(enc), ciphertext: new Uint8Array(ct) });
            }
            return results;
          }),
          timed('specie, single', one, () =>
            plaintexts.slice(0, one).map((plaintext) => hpke.seal({ recipientPublicKey, info, plaintext })),
          ),
          timed(`specie, batch of ${TYPICAL.toLocaleString('en')}`, TYPICAL, () =>
            hpke.sealBatch({
              recipientPublicKey,
              info,
              items: plaintexts.map((plaintext) => ({ plaintext })),
            }),
          ),
        ],
      },
      pace,
    );
  },

  async 'blind notes'() {
    const counts = flags.small ? [1, 8] : [1, 8, 64, TYPICAL];
    const count = counts.at(-1)!;
    const few = flags.small ? 2 : 8;
    const secretKey = toScalar(bytes(32));
    const publicKey = noteCrypto.publicKeys([secretKey])[0]!;
    const notes = times(count, () => ({
      message: new TextEncoder().encode(Buffer.from(bytes(32)).toString('hex')),
      blindingFactor: toScalar(bytes(32)),
    }));
    const blinded = noteCrypto.blind(notes);
    const signing = blinded.map((point) => ({ blinded: point, secretKey }));
    const signed = noteCrypto.sign(signing).map((each) => each!);
    const unblinding = signed.map(({ signature }, i) => ({
      signature,
      blindingFactor: notes[i]!.blindingFactor,
      publicKey,
    }));
    const signatures = noteCrypto.unblind(unblinding).map((each) => each!);
    const verifying = signatures.map((signature, i) => ({
      message: notes[i]!.message,
      signature,
      secretKey,
    }));
    const proofs = signed.map(({ signature, dleq }, i) => ({
      blinded: blinded[i]!,
      signature,
      publicKey,
      dleq,
    }));
    const poolNotes = poolNoteCrypto(pool);
    const { Point } = nobleSecp256k1;
    const number = (scalar: Uint8Array): bigint => Point.Fn.fromBytes(scalar);
    const allOf = (parts: readonly Uint8Array[]) => (result: Uint8Array, operations: number) =>
      Buffer.compare(result, join(parts.slice(0, operations))) === 0 ? 'the same' : 'something else';
    const allValid = (result: Uint8Array, operations: number): string =>
      result.length === operations && result.every((byte) => byte === 1) ? 'all valid' : 'something else';
    const verdict = (ok: boolean): Uint8Array => Uint8Array.of(ok ? 1 : 0);
    const batches = (name: string, run: (operations: number) => readonly Uint8Array[]): Contender[] =>
      counts.map((operations) => ({
        name:
          operations === 1 ? 'specie, single' : `specie, batch of ${operations.toLocaleString('en')}${name}`,
        operations,
        run: () => join(run(operations)),
      }));
    const signatureBytes = ({ signature, dleq }: (typeof signed)[number]): Uint8Array =>
      join([signature, dleq.e, dleq.s]);

    const best = (rows: readonly Measured[]) =>
      named(rows, `specie, batch of ${count.toLocaleString('en')}`) ??
      named(rows, `specie, batch of ${count.toLocaleString('en')}, one key`);
    const against = (what: string, rows: readonly Measured[]): void => {
      ratio(`${what}, batch of ${count} : ${rows[0]!.name}`, '10, ambition 30', best(rows), rows[0]);
    };

    const points = noteCrypto.hashToCurve(notes.map(({ message }) => message));
    against(
      'hash to curve',
      await compare(
        {
          title: 'Hash to curve (NUT-00), 64-byte secrets',
          same: allOf(points),
          contenders: [
            oneByOne('cashu-ts', few, (i) => cashuHashToCurve(notes[i]!.message).toBytes(true)),
            ...batches('', (n) => noteCrypto.hashToCurve(notes.slice(0, n).map(({ message }) => message))),
          ],
        },
        pace,
      ),
    );
    against(
      'blind',
      await compare(
        {
          title: 'Blind (NUT-00)',
          same: allOf(blinded),
          contenders: [
            oneByOne('cashu-ts and @noble/curves', few, (i) =>
              cashuHashToCurve(notes[i]!.message)
                .add(Point.BASE.multiply(number(notes[i]!.blindingFactor)))
                .toBytes(true),
            ),
            ...batches('', (n) => noteCrypto.blind(notes.slice(0, n))),
          ],
        },
        pace,
      ),
    );
    against(
      'sign with a proof',
      await compare(
        {
          title: 'Sign with a proof (NUT-00, NUT-12), one key',
          same: allOf(signed.map(signatureBytes)),
          contenders: [
            oneByOne('cashu-ts', few, (i) => {
              const point = pointFromBytes(blinded[i]!);
              const { e, s } = createDLEQProof(point, secretKey);
              return join([createBlindSignature(point, secretKey, '00').C_.toBytes(true), e, s]);
            }),
            ...batches('', (n) => noteCrypto.sign(signing.slice(0, n)).map((each) => signatureBytes(each!))),
            {
              name: `specie, pool, ${count.toLocaleString('en')} at a time`,
              operations: count,
              run: async () => join((await poolNotes.sign(signing)).map((each) => signatureBytes(each!))),
            },
          ],
        },
        pace,
      ),
    );
    against(
      'unblind',
      await compare(
        {
          title: 'Unblind (NUT-00)',
          same: allOf(signatures),
          contenders: [
            oneByOne('@noble/curves', few, (i) =>
              Point.fromBytes(signed[i]!.signature)
                .subtract(Point.fromBytes(publicKey).multiply(number(notes[i]!.blindingFactor)))
                .toBytes(true),
            ),
            oneByOne('cashu-ts', few, (i) =>
              unblindSignature(
                pointFromBytes(signed[i]!.signature),
                number(notes[i]!.blindingFactor),
                pointFromBytes(publicKey),
              ).toBytes(true),
            ),
            ...batches('', (n) => noteCrypto.unblind(unblinding.slice(0, n)).map((each) => each!)),
          ],
        },
        pace,
      ),
    );
    against(
      'verify',
      await compare(
        {
          title: 'Verify (NUT-00), one key',
          same: allValid,
          contenders: [
            oneByOne('cashu-ts', few, (i) =>
              verdict(
                verifyUnblindedSignature(
                  { id: '00', secret: notes[i]!.message, C: pointFromBytes(signatures[i]!) },
                  secretKey,
                ),
              ),
            ),
            ...batches(', one key', (n) => noteCrypto.verify(verifying.slice(0, n)).map(verdict)),
            {
              name: `specie, pool, ${count.toLocaleString('en')} at a time`,
              operations: count,
              run: async () => join((await poolNotes.verify(verifying)).map(verdict)),
            },
          ],
        },
        pace,
      ),
    );
    against(
      'verify a proof',
      await compare(
        {
          title: 'Verify a proof (NUT-12)',
          same: allValid,
          contenders: [
            oneByOne('cashu-ts', few, (i) =>
              verdict(
                verifyDLEQProof(
                  proofs[i]!.dleq,
                  pointFromBytes(blinded[i]!),
                  pointFromBytes(signed[i]!.signature),
                  pointFromBytes(publicKey),
                ),
              ),
            ),
            ...batches('', (n) => noteCrypto.verifyDleq(proofs.slice(0, n)).map(verdict)),
          ],
        },
        pace,
      ),
    );
  },

  async 'hmac and hkdf'() {
    const count = 64;
    const key = bytes(32);
    const messages = times(count, () => bytes(64));
    await compare(
      {
        title: 'HMAC-SHA256, 64 bytes',
        contenders: [
          oneByOne('@noble/hashes', count, (i) => nobleHmac(nobleSha256, key, messages[i]!)),
          oneByOne('libsodium (WebAssembly)', count, (i) =>
            libsodium.crypto_auth_hmacsha256(messages[i]!, key),
          ),
          oneByOne('node:crypto', count, (i) => createHmac('sha256', key).update(messages[i]!).digest()),
          oneByOne('specie', count, (i) => hmacSha256(key, messages[i]!)),
        ],
      },
      pace,
    );
    const salt = bytes(32);
    await compare(
      {
        title: 'HKDF-SHA256, 64 bytes out of 64',
        contenders: [
          oneByOne('@noble/hashes', count, (i) => nobleHkdf(nobleSha256, messages[i]!, salt, key, 64)),
          oneByOne(
            'node:crypto',
            count,
            (i) => new Uint8Array(hkdfSync('sha256', messages[i]!, salt, key, 64)),
          ),
          oneByOne('specie', count, (i) => hkdfSha256(messages[i]!, salt, key, 64)),
        ],
      },
      pace,
    );
  },

  async noise() {
    // No other side here speaks Noise but the readable twin over @noble.
    const [initiatorKey, responderKey] = [bytes(32), bytes(32)];
    const remoteStaticKey = x25519.publicKey(responderKey);
    const handshake = () => {
      const initiator = noise.initiate({ pattern: 'IK', staticKey: initiatorKey, remoteStaticKey });
      const responder = noise.respond({ pattern: 'IK', staticKey: responderKey });
      responder.readMessage(initiator.writeMessage());
      initiator.readMessage(responder.writeMessage());
      return [initiator.transport(), responder.transport()] as const;
    };
    const [near, far] = handshake();
    const message = bytes(1024);
    await compare(
      {
        title: 'Noise IK: a handshake, both sides',
        contenders: [
          {
            name: 'specie',
            operations: 1,
            run: () => {
              const [a, b] = handshake();
              return b.open(a.seal(initiatorKey));
            },
          },
        ],
      },
      pace,
    );
    await compare(
      {
        title: 'Noise transport: seal and open 1,024 bytes',
        contenders: [{ name: 'specie', operations: 1, run: () => far.open(near.seal(message)) }],
      },
      pace,
    );
  },

  async hashes() {
    for (const [name, ours, noble] of [
      ['SHA-256', sha256, nobleSha256],
      ['SHA-512', sha512, nobleSha512],
    ] as const) {
      for (const length of [64, 1024, 65_536]) {
        const count = length > 1024 ? 1 : 64;
        const messages = times(count, () => bytes(length));
        const algorithm = name.replace('-', '').toLowerCase();
        await compare(
          {
            title: `${name}, ${length.toLocaleString('en')} bytes`,
            contenders: [
              oneByOne('@noble/hashes', count, (i) => noble(messages[i]!)),
              oneByOne('node:crypto', count, (i) => createHash(algorithm).update(messages[i]!).digest()),
              oneByOne('specie, one by one', count, (i) => ours(messages[i]!)),
              { name: `specie, batch of ${count}`, operations: count, run: () => join(ours.batch(messages)) },
            ],
          },
          pace,
        );
      }
    }
  },

  async aead() {
    for (const length of [64, 1024, 65_536]) {
      const count = length > 1024 ? 1 : 64;
      const key = bytes(32);
      const aad = bytes(16);
      const items = times(count, () => ({ key, nonce: bytes(12), plaintext: bytes(length), aad }));
      await compare(
        {
          title: `ChaCha20-Poly1305 seal, ${length.toLocaleString('en')} bytes`,
          contenders: [
            oneByOne('@noble/ciphers', count, (i) =>
              nobleAead(key, items[i]!.nonce, aad).encrypt(items[i]!.plaintext),
            ),
            oneByOne('libsodium (WebAssembly)', count, (i) =>
              libsodium.crypto_aead_chacha20poly1305_ietf_encrypt(
                items[i]!.plaintext,
                aad,
                null,
                items[i]!.nonce,
                key,
              ),
            ),
            oneByOne('node:crypto', count, (i) => {
              const cipher = createCipheriv('chacha20-poly1305', key, items[i]!.nonce, { authTagLength: 16 });
              cipher.setAAD(aad, { plaintextLength: length });
              return Buffer.concat([cipher.update(items[i]!.plaintext), cipher.final(), cipher.getAuthTag()]);
            }),
            oneByOne('sodium-native', count, (i) => {
              const ciphertext = Buffer.alloc(length + 16);
              sodiumAead(
                ciphertext,
                Buffer.from(items[i]!.plaintext.buffer),
                Buffer.from(aad.buffer),
                null,
                Buffer.from(items[i]!.nonce.buffer),
                Buffer.from(key.buffer),
              );
              return ciphertext;
            }),
            oneByOne('specie, one by one', count, (i) =>
              chacha20poly1305.seal(key, items[i]!.nonce, items[i]!.plaintext, aad),
            ),
            {
              name: `specie, batch of ${count}`,
              operations: count,
              run: () => join(chacha20poly1305.sealBatch(items)),
            },
          ],
        },
        pace,
      );
    }
  },
};

const { build, reason } = kernelChoice();
process.stdout.write(`kernels: ${build} (${reason}); Node ${process.versions.node}\n`);
try {
  for (const [name, table] of Object.entries(tables)) {
    if (flags.only === undefined || name.includes(flags.only)) await table();
  }
} finally {
  await pool.close();
}
if (ratios.length > 0) process.stdout.write(`\nHow many times faster\n${ratios.join('\n')}\n`);
