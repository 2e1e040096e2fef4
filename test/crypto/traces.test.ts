// A call with secrets leaves the kernel's memory as blank as it was: not only no secret that can be told by its bytes, but
// nothing at all, in whatever form a kernel computes with it.
import { expect, test } from 'vitest';
import {
  CryptoError,
  chacha20poly1305,
  ed25519,
  hkdfSha256,
  hkdfSha512,
  hmacSha256,
  hmacSha512,
  hpke,
  noise,
  noteCrypto,
  sha256,
  sha512,
  x25519,
} from '../../src/crypto/index.ts';
import { type CryptoKernel, IO_BYTES, WORKSPACE_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { Random } from '../../src/shared/random.ts';
import { seedOf } from '../property/seed.ts';
import { eachBuild } from './builds.ts';

const seed = seedOf();
console.log(`SPECIE_SEED=${seed}`);
const random = new Random(BigInt(seed));
const bytes = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, () => random.uint32());

/** Short, of several blocks, of several pieces. */
const LENGTHS = [0, 1, 63, 200, 1000, 300_000];

const pair = () => ({ privateKey: bytes(32), publicKey: x25519.publicKey(bytes(32)) });
const info = bytes(10);
const zero = new Uint8Array(32);

const CALLS: Record<string, (text: Uint8Array) => unknown> = {
  sha256: (text) => sha256(text),
  sha512: (text) => sha512(text),
  'sha256.batch': (text) => sha256.batch([text, bytes(70), bytes(10), bytes(10), text]),
  'sha512.batch': (text) => sha512.batch([text, bytes(70), bytes(10), bytes(10), text]),
  'sha256 in pieces': (text) => sha256.create().update(text).update(bytes(100)).digest(),
  'sha512 in pieces': (text) => sha512.create().update(text).update(bytes(100)).digest(),
  hmacSha256: (text) => hmacSha256(bytes(100), text),
  hmacSha512: (text) => hmacSha512(bytes(200), text),
  'hmacSha256 in pieces': (text) => hmacSha256.create(bytes(32)).update(text).digest(),
  'hmacSha512 in pieces': (text) => hmacSha512.create(bytes(32)).update(text).digest(),
  'a stream of hmacSha256 that is left': (text) => hmacSha256.create(bytes(32)).update(text),
  hkdfSha256: (text) => hkdfSha256(text, bytes(32), info, 100),
  hkdfSha512: (text) => hkdfSha512(text, bytes(32), info, 100),
  seal: (text) => chacha20poly1305.seal(bytes(32), bytes(12), text, info),
  open: (text) => {
    const [key, nonce] = [bytes(32), bytes(12)];
    return chacha20poly1305.open(key, nonce, chacha20poly1305.seal(key, nonce, text));
  },
  'open of a forgery': (text) =>
    chacha20poly1305.openBatch([{ key: bytes(32), nonce: bytes(12), ciphertext: text }]),
  sealBatch: (text) =>
    chacha20poly1305.sealBatch([1, 2, 3].map(() => ({ key: bytes(32), nonce: bytes(12), plaintext: text }))),
  createSealer: (text) => chacha20poly1305.createSealer(bytes(32), bytes(12)).update(text),
  createOpener: (text) => {
    const opener = chacha20poly1305.createOpener(bytes(32), bytes(12));
    opener.update(text);
    expect(() => opener.finish(bytes(16))).toThrow(CryptoError);
  },
  'ed25519.publicKey': () => ed25519.publicKey(bytes(32)),
  'ed25519.sign': (text) => ed25519.sign(bytes(32), text, { context: info }),
  signingKey: (text) => ed25519.signingKey(bytes(32)).sign(text),
  'x25519.publicKey': () => x25519.publicKey(bytes(32)),
  'x25519.generateKeyPair': () => x25519.generateKeyPair(),
  sharedSecret: () => x25519.sharedSecret(bytes(32), pair().publicKey),
  'sharedSecret that is refused': () =>
    expect(() => x25519.sharedSecret(bytes(32), zero)).toThrow(CryptoError),
  sharedSecretBatch: () => x25519.sharedSecretBatch([pair(), pair(), { ...pair(), publicKey: zero }]),
  'hpke.generateKeyPair': () => hpke.generateKeyPair(),
  'hpke.deriveKeyPair': () => hpke.deriveKeyPair(bytes(32)),
  'hpke.seal': (plaintext) => hpke.seal({ recipientPublicKey: pair().publicKey, info, plaintext }),
  'hpke.seal that is refused': (plaintext) =>
    expect(() => hpke.seal({ recipientPublicKey: zero, info, plaintext })).toThrow(CryptoError),
  'hpke.openBatch': (plaintext) => {
    const { privateKey, publicKey } = hpke.generateKeyPair();
    const items = hpke.sealBatch({
      recipientPublicKey: publicKey,
      info,
      items: [{ plaintext }, { plaintext, aad: info }, { plaintext: info }, { plaintext }, { plaintext }],
    });
    hpke.openBatch({ recipientPrivateKey: privateKey, info, items: [...items, { ...items[0]!, enc: zero }] });
  },
  'hpke contexts': (plaintext) => {
    const { privateKey, publicKey } = hpke.generateKeyPair();
    const { enc, context } = hpke.createSender({ recipientPublicKey: publicKey, info });
    const recipient = hpke.createRecipient({ recipientPrivateKey: privateKey, info, enc });
    recipient.open(context.seal(plaintext));
    recipient.export(info, 32);
  },
  'noteCrypto.hashToCurve': (text) => noteCrypto.hashToCurve([text.subarray(0, 1000), bytes(32), bytes(32)]),
  'noteCrypto.publicKeys': () => noteCrypto.publicKeys([bytes(32), bytes(32), bytes(32)]),
  'noteCrypto of a note and its proof': (text) => {
    const messages = [text.subarray(0, 1000), bytes(32), bytes(5)];
    const [secretKey, blindingFactor] = [bytes(32), bytes(32)];
    const [publicKey] = noteCrypto.publicKeys([secretKey]);
    const blinded = noteCrypto.blind(messages.map((message) => ({ message, blindingFactor })));
    const signed = noteCrypto.sign([...blinded, zero].map((each) => ({ blinded: each, secretKey })));
    expect(signed.pop()).toBeUndefined();
    const notes = noteCrypto.unblind(
      signed.map((each) => ({ signature: each!.signature, blindingFactor, publicKey: publicKey! })),
    );
    const proofs = signed.map((each, i) => ({ ...each!, blinded: blinded[i]!, publicKey: publicKey! }));
    expect(noteCrypto.verifyDleq(proofs)).toEqual([true, true, true]);
    expect(
      noteCrypto.verifyNoteDleq(
        proofs.map((proof, i) => ({ ...proof, message: messages[i]!, signature: notes[i]!, blindingFactor })),
      ),
    ).toEqual([true, true, true]);
  },
  'noteCrypto.verify, alone and summed up': (text) => {
    const secretKey = bytes(32);
    const items = Array.from({ length: 9 }, () => ({ message: bytes(32), signature: zero, secretKey }));
    const message = text.subarray(0, 1000);
    const [signature] = noteCrypto.publicKeys([bytes(32)]);
    noteCrypto.verify([...items, ...items.map((item) => ({ ...item, signature: signature! }))]);
    noteCrypto.verify([{ message, signature: signature!, secretKey }]);
  },
  noise: (text) => {
    const { privateKey, publicKey } = x25519.generateKeyPair();
    const options = { pattern: 'IK' as const, staticKey: bytes(32), remoteStaticKey: publicKey };
    const initiator = noise.initiate(options);
    const responder = noise.respond({ pattern: 'IK', staticKey: privateKey });
    responder.readMessage(initiator.writeMessage());
    initiator.readMessage(responder.writeMessage());
    const [here, there] = [initiator.transport(), responder.transport()];
    there.open(here.seal(text.subarray(0, 60_000)));
  },
};

const BLANK = Buffer.alloc(WORKSPACE_BYTES + IO_BYTES);

/** Where the free part of the workspace and io are not blank, and how much of it. */
function traces({ exports, io, memory }: CryptoKernel): string | undefined {
  const room = exports.workspaceRoom();
  const free = Buffer.from(memory.buffer, io - room, room + IO_BYTES);
  if (free.equals(BLANK.subarray(0, free.length))) return undefined;
  const first = free.findIndex((byte) => byte !== 0);
  const count = free.reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0);
  const place = first < room ? `free workspace + ${first}` : `io + ${first - room}`;
  return `${count} bytes from ${place}`;
}

eachBuild('what a call leaves behind', (kernel) => {
  test.each(Object.entries(CALLS))('%s', (_, call) => {
    for (const length of LENGTHS) {
      const { io, exports } = kernel;
      kernel.bytes.fill(0, io - exports.workspaceRoom(), io + IO_BYTES);
      call(bytes(length));
      expect(traces(kernel), `text of ${length} bytes`).toBeUndefined();
    }
  });
});
