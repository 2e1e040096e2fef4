// What strangers and mistaken callers hand in: every argument of every public function, in turn, of every wrong type and
// shape. The answer is right, or a CryptoError of a known code that tells nothing of what came; never another error.
import { createHash, createHmac } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import {
  CryptoError,
  type CryptoErrorCode,
  type CryptoPool,
  chacha20poly1305,
  createCryptoPool,
  createNoteCrypto,
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
import { kernel } from '../../src/crypto/kernel.ts';
import { Random } from '../../src/shared/random.ts';
import { seedOf } from '../property/seed.ts';
import { eachBuild } from './builds.ts';
import { toHex } from './vectors.ts';

const seed = seedOf();
console.log(`SPECIE_SEED=${seed}`);
const random = new Random(BigInt(seed));
const bytes = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, () => random.uint32());

const CODES: Record<CryptoErrorCode, true> = {
  invalid_argument: true,
  invalid_public_key: true,
  authentication_failed: true,
  message_limit_reached: true,
  invalid_state: true,
  unavailable: true,
};

/** A function, and arguments that it takes: arrays, objects and what is in them are each replaced in turn. */
interface Subject {
  readonly name: string;
  readonly args: readonly unknown[];
  /** Answers bytes, or arrays and objects of them. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes is of no type that one could name
  readonly call: (...args: any[]) => unknown;
  /** The same arguments do not give the same answer. */
  readonly isRandom?: boolean;
  /** Scalars out of their range are a RangeError. */
  readonly hasRange?: boolean;
}

// ── What is called ────────────────────────────────────────────────────────────────────────────────────────────────────

const PEER = { privateKey: bytes(32), publicKey: new Uint8Array(32) };
PEER.publicKey = x25519.publicKey(PEER.privateKey);
const SIGNER = { secretKey: bytes(32), publicKey: new Uint8Array(32) };
SIGNER.publicKey = ed25519.publicKey(SIGNER.secretKey);
const [KEY, NONCE, AAD, TEXT, INFO] = [bytes(32), bytes(12), bytes(20), bytes(100), bytes(9)];
const CONTEXT = bytes(11);
const CIPHERTEXT = chacha20poly1305.seal(KEY, NONCE, TEXT, AAD);
const SEALED = hpke.seal({ recipientPublicKey: PEER.publicKey, info: INFO, aad: AAD, plaintext: TEXT });
const SIGNATURE = ed25519.sign(SIGNER.secretKey, TEXT);
const SIGNATURE_IN_CONTEXT = ed25519.sign(SIGNER.secretKey, TEXT, { context: CONTEXT });
const ephemeral = bytes(32);
const drawn = (length: number): Uint8Array => new Uint8Array(length).fill(7);

const hashes = Object.entries({ sha256, sha512 }).flatMap(([name, hash]): Subject[] => [
  { name, args: [TEXT], call: (message) => hash(message) },
  { name: `${name}.batch`, args: [[TEXT, AAD]], call: (messages) => hash.batch(messages) },
  {
    name: `${name}.create`,
    args: [TEXT, AAD],
    call: (a, b) => hash.create().update(a).update(b).digest(),
  },
]);

const macs = Object.entries({ hmacSha256, hmacSha512 }).flatMap(([name, hmac]): Subject[] => [
  { name, args: [KEY, TEXT], call: (key, message) => hmac(key, message) },
  {
    name: `${name}.create`,
    args: [KEY, TEXT],
    call: (key, piece) => hmac.create(key).update(piece).digest(),
  },
]);

const PRK = bytes(64);
const kdfs = Object.entries({ hkdfSha256, hkdfSha512 }).flatMap(([name, hkdf]): Subject[] => [
  {
    name,
    args: [KEY, AAD, INFO, 42],
    call: (ikm, salt, info, length) => hkdf(ikm, salt, info, length),
  },
  { name: `${name}.extract`, args: [AAD, KEY], call: (salt, ikm) => hkdf.extract(salt, ikm) },
  {
    name: `${name}.expand`,
    args: [PRK, INFO, 42],
    call: (prk, info, length) => hkdf.expand(prk, info, length),
  },
]);

const ITEM = { key: KEY, nonce: NONCE, aad: AAD };
const ciphers: Subject[] = [
  { name: 'seal', args: [KEY, NONCE, TEXT, AAD], call: (a, b, c, d) => chacha20poly1305.seal(a, b, c, d) },
  {
    name: 'open',
    args: [KEY, NONCE, CIPHERTEXT, AAD],
    call: (a, b, c, d) => chacha20poly1305.open(a, b, c, d),
  },
  {
    name: 'sealBatch',
    args: [
      [
        { ...ITEM, plaintext: TEXT },
        { ...ITEM, plaintext: INFO },
      ],
    ],
    call: (items) => chacha20poly1305.sealBatch(items),
  },
  {
    name: 'openBatch',
    args: [
      [
        { ...ITEM, ciphertext: CIPHERTEXT },
        { ...ITEM, ciphertext: TEXT },
      ],
    ],
    call: (items) => chacha20poly1305.openBatch(items),
  },
  {
    name: 'createSealer',
    args: [KEY, NONCE, AAD, TEXT],
    call: (key, nonce, aad, text) => {
      const sealer = chacha20poly1305.createSealer(key, nonce, aad);
      return [sealer.update(text), sealer.finish()];
    },
  },
  {
    name: 'createOpener',
    args: [KEY, NONCE, AAD, { bytesMax: 1000 }, CIPHERTEXT.slice(0, -16), CIPHERTEXT.slice(-16)],
    call: (key, nonce, aad, options, text, tag) => {
      const opener = chacha20poly1305.createOpener(key, nonce, aad, options);
      opener.update(text);
      return opener.finish(tag);
    },
  },
];

const SIGNED = { publicKey: SIGNER.publicKey, message: TEXT, signature: SIGNATURE };
const signatures: Subject[] = [
  { name: 'publicKey', args: [SIGNER.secretKey], call: (key) => ed25519.publicKey(key) },
  { name: 'generateKeyPair', args: [drawn], call: (draw) => ed25519.generateKeyPair(draw) },
  {
    name: 'sign',
    args: [SIGNER.secretKey, TEXT, { context: CONTEXT, prehash: true }],
    call: (key, message, options) => ed25519.sign(key, message, options),
  },
  {
    name: 'signingKey',
    args: [SIGNER.secretKey, TEXT, { context: CONTEXT, prehash: false }],
    call: (secretKey, message, options) => {
      const key = ed25519.signingKey(secretKey);
      try {
        return [key.sign(message, options), key.publicKey];
      } finally {
        key.close();
      }
    },
  },
  {
    name: 'verify',
    args: [SIGNER.publicKey, TEXT, SIGNATURE_IN_CONTEXT, { context: CONTEXT, prehash: false }],
    call: (key, message, signature, options) => ed25519.verify(key, message, signature, options),
  },
  {
    name: 'verifyBatch',
    args: [[SIGNED, { ...SIGNED, message: AAD }], { randomBytes: drawn }],
    call: (items, options) => ed25519.verifyBatch(items, options),
  },
  { name: 'prepare', args: [SIGNER.publicKey], call: (key) => ed25519.prepare(key).publicKey },
];

const PAIR = { privateKey: KEY, publicKey: PEER.publicKey };
const agreements: Subject[] = [
  { name: 'publicKey', args: [KEY], call: (key) => x25519.publicKey(key) },
  { name: 'sharedSecret', args: [KEY, PEER.publicKey], call: (a, b) => x25519.sharedSecret(a, b) },
  {
    name: 'sharedSecretBatch',
    args: [[PAIR, { ...PAIR, publicKey: new Uint8Array(32) }]],
    call: (items) => x25519.sharedSecretBatch(items),
  },
  { name: 'generateKeyPair', args: [drawn], call: (draw) => x25519.generateKeyPair(draw) },
];

const RECIPIENT = { recipientPrivateKey: PEER.privateKey, info: INFO };
const SENDER = { recipientPublicKey: PEER.publicKey, info: INFO, randomBytes: drawn };
const hybrids: Subject[] = [
  { name: 'generateKeyPair', args: [drawn], call: (draw) => hpke.generateKeyPair(draw) },
  { name: 'deriveKeyPair', args: [bytes(40)], call: (ikm) => hpke.deriveKeyPair(ikm) },
  { name: 'seal', args: [{ ...SENDER, aad: AAD, plaintext: TEXT }], call: (options) => hpke.seal(options) },
  { name: 'open', args: [{ ...RECIPIENT, aad: AAD, ...SEALED }], call: (options) => hpke.open(options) },
  {
    name: 'sealBatch',
    args: [{ ...SENDER, items: [{ aad: AAD, plaintext: TEXT }, { plaintext: INFO }] }],
    call: (options) => hpke.sealBatch(options),
  },
  {
    name: 'openBatch',
    args: [
      { ...RECIPIENT, recipientPublicKey: PEER.publicKey, items: [{ aad: AAD, ...SEALED }, { ...SEALED }] },
    ],
    call: (options) => hpke.openBatch(options),
  },
  {
    name: 'createSender',
    args: [SENDER, TEXT, AAD, INFO, 40],
    call: (options, text, aad, exporter, length) => {
      const { enc, context } = hpke.createSender(options);
      const answers = [enc, context.seal(text, aad), context.export(exporter, length)];
      context.wipe();
      return answers;
    },
  },
  {
    name: 'createRecipient',
    args: [{ ...RECIPIENT, enc: SEALED.enc }, SEALED.ciphertext, AAD, INFO, 40],
    call: (options, ciphertext, aad, exporter, length) => {
      const context = hpke.createRecipient(options);
      return [context.open(ciphertext, aad), context.export(exporter, length)];
    },
  },
];

const drawEphemeral = (): Uint8Array => ephemeral.slice();
const INITIATOR = {
  pattern: 'IK' as const,
  prologue: INFO,
  staticKey: KEY,
  remoteStaticKey: PEER.publicKey,
  randomBytes: drawEphemeral,
};
const RESPONDER = {
  pattern: 'IK' as const,
  prologue: INFO,
  staticKey: PEER.privateKey,
  randomBytes: drawEphemeral,
};
const FIRST = noise.initiate(INITIATOR).writeMessage(TEXT);
const handshakes: Subject[] = [
  {
    name: 'initiate',
    args: [INITIATOR, TEXT],
    call: (options, payload) => noise.initiate(options).writeMessage(payload),
  },
  {
    name: 'respond',
    args: [RESPONDER, FIRST, AAD],
    call: (options, message, payload) => {
      const responder = noise.respond(options);
      return [responder.readMessage(message), responder.writeMessage(payload), responder.handshakeHash];
    },
  },
  {
    name: 'transport',
    args: [TEXT, AAD, bytes(40)],
    call: (text, aad, forged) => {
      const [initiator, responder] = [noise.initiate(INITIATOR), noise.respond(RESPONDER)];
      responder.readMessage(initiator.writeMessage());
      initiator.readMessage(responder.writeMessage());
      const [here, there] = [initiator.transport(), responder.transport()];
      const sealed = here.seal(text, aad);
      expect(() => there.open(forged, aad)).toThrow(CryptoError);
      return [sealed, there.open(sealed, aad), initiator.handshakeHash, responder.remoteStaticKey];
    },
  },
];

const SCALAR = Uint8Array.from(KEY, (byte, i) => (i === 0 ? byte >> 1 : byte));
const POINT = noteCrypto.publicKeys([SCALAR])[0]!;
const NOTE_MESSAGE = TEXT.slice(0, 40);
const [BLINDED] = noteCrypto.blind([{ message: NOTE_MESSAGE, blindingFactor: SCALAR }]) as [Uint8Array];
const BLIND_SIGNED = noteCrypto.sign([{ blinded: BLINDED, secretKey: SCALAR }])[0]!;
const NOTE = { message: NOTE_MESSAGE, signature: POINT, secretKey: SCALAR };
const PROOF = { ...BLIND_SIGNED, publicKey: POINT };
const noteSubjects: Subject[] = [
  { name: 'hashToCurve', args: [[TEXT, AAD]], call: (messages) => noteCrypto.hashToCurve(messages) },
  { name: 'publicKeys', args: [[SCALAR, SCALAR]], call: (keys) => noteCrypto.publicKeys(keys) },
  {
    name: 'blind',
    args: [[{ message: TEXT, blindingFactor: SCALAR }]],
    call: (items) => noteCrypto.blind(items),
  },
  {
    name: 'sign',
    args: [
      [
        { blinded: POINT, secretKey: SCALAR },
        { blinded: TEXT, secretKey: SCALAR },
      ],
    ],
    call: (items) => noteCrypto.sign(items),
  },
  {
    name: 'unblind',
    args: [[{ signature: BLINDED, blindingFactor: SCALAR, publicKey: POINT }]],
    call: (items) => noteCrypto.unblind(items),
  },
  { name: 'verify', args: [[NOTE, { ...NOTE, message: AAD }]], call: (items) => noteCrypto.verify(items) },
  {
    name: 'verifyDleq',
    args: [[{ ...PROOF, blinded: BLINDED }]],
    call: (items) => noteCrypto.verifyDleq(items),
  },
  {
    name: 'verifyNoteDleq',
    args: [[{ ...PROOF, message: NOTE_MESSAGE, blindingFactor: SCALAR }]],
    call: (items) => noteCrypto.verifyNoteDleq(items),
  },
  {
    name: 'createNoteCrypto',
    args: [{ randomBytes: drawn }, [NOTE]],
    call: (options, items) => createNoteCrypto(options).verify(items),
  },
];
const notes = noteSubjects.map((subject): Subject => ({ ...subject, hasRange: true }));

const families: [string, Subject[]][] = [
  ['blind notes', notes],
  ['hashes', hashes],
  ['hmac', macs],
  ['hkdf', kdfs],
  ['chacha20poly1305', ciphers],
  ['ed25519', signatures],
  ['x25519', agreements],
  ['hpke', hybrids],
  ['noise', handshakes],
];

// ── What is handed in ─────────────────────────────────────────────────────────────────────────────────────────────────

const detached = (): Uint8Array => {
  const array = new Uint8Array(32);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};

/** Bytes of the same value in another shape: the answer must be the same. */
const SHAPES: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'part of a larger array': (bytes) => {
    const larger = new Uint8Array(bytes.length + 13).fill(0xcc);
    larger.set(bytes, 5);
    return larger.subarray(5, 5 + bytes.length);
  },
  'Buffer of the pool': (bytes) => Buffer.from(bytes),
  'shared memory': (bytes) => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3);
    shared.set(bytes);
    return shared;
  },
  'memory that can grow': (bytes) => {
    // Typed as it will be once the library of types knows it.
    const Growing = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    const growing = new Uint8Array(new Growing(bytes.length, { maxByteLength: 1 << 16 }));
    growing.set(bytes);
    return growing;
  },
  'class of its own': (bytes) => new (class Bytes extends Uint8Array {})(bytes),
};

/** What is none of what is asked for, or by chance is. `was` is what stood there. */
function hostile(was: unknown): [string, unknown][] {
  const values: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['0', 0],
    ['-1', -1],
    ['1.5', 1.5],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['2^32', 2 ** 32],
    ['2^53', 2 ** 53],
    ['bigint', 1n],
    ['empty string', ''],
    ['string', 'x'.repeat(32)],
    ['name of a pattern in an array', ['IK']],
    ['name of a property of objects', 'constructor'],
    ['symbol', Symbol('secret')],
    ['empty array', []],
    ['array', Array.from({ length: 32 }, (_, i) => i)],
    ['array of holes', new Array(3)],
    ['array of null', [null, null]],
    ['array of bytes', [new Uint8Array(32)]],
    ['object', {}],
    ['object without prototype', Object.create(null)],
    ['object with a length', { length: 32 }],
    ['object with a very great length', { length: 2 ** 53 - 1 }],
    ['child of Uint8Array.prototype', Object.create(Uint8Array.prototype)],
    ['proxy', new Proxy(new Uint8Array(32), {})],
    ['function', () => 1],
    ['ArrayBuffer', new ArrayBuffer(32)],
    ['SharedArrayBuffer', new SharedArrayBuffer(32)],
    ['DataView', new DataView(new ArrayBuffer(32))],
    ['Uint16Array', new Uint16Array(32)],
    ['Int8Array', new Int8Array(32)],
    ['Uint8ClampedArray', new Uint8ClampedArray(32)],
    ['Float64Array', new Float64Array(32)],
    ['BigUint64Array', new BigUint64Array(4)],
    ['Map', new Map()],
    ['Date', new Date(0)],
    ['no bytes', new Uint8Array()],
    ['transferred bytes', detached()],
    ['zeroes', new Uint8Array(32)],
    // A copy: what a source of random bytes gives may be taken over and wiped.
    ['a secret key', SIGNER.secretKey.slice()],
    ['a secret key as array', [...SIGNER.secretKey]],
    ['a secret key as hexadecimal', Buffer.from(SIGNER.secretKey).toString('hex')],
    ['a secret key as number', BigInt(`0x${Buffer.from(SIGNER.secretKey).toString('hex')}`)],
  ];
  if (was instanceof Uint8Array) {
    values.push(['one byte less', was.slice(1)], ['one byte more', Uint8Array.of(...was, 0)]);
    values.push(['all bits changed', was.map((byte) => ~byte)]);
  }
  if (typeof was === 'function') {
    for (const [name, value] of hostile(new Uint8Array(32))) values.push([`() => ${name}`, () => value]);
  }
  return values;
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);

/** Where something stands in the arguments: [2, 'items', 0, 'aad']. */
function paths(node: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const below = isTree(node)
    ? Object.keys(node).flatMap((key) => paths(node[key], [...at, Array.isArray(node) ? Number(key) : key]))
    : [];
  return at.length === 0 ? below : [at, ...below];
}

function valueAt(node: unknown, at: readonly (string | number)[]): unknown {
  return at.reduce((inner, key) => (inner as Record<string | number, unknown>)[key], node);
}

/** A frozen copy in which something else stands there; the bytes are copies too. */
function copyWith(node: unknown, at: readonly (string | number)[] | undefined, other: unknown): unknown {
  if (at?.length === 0) return other;
  if (node instanceof Uint8Array) return node.slice();
  if (!isTree(node)) return node;
  const entries = Object.keys(node).map((key) => {
    const further = at !== undefined && String(at[0]) === key ? at.slice(1) : undefined;
    return [key, copyWith(node[key], further, other)] as const;
  });
  return Object.freeze(Array.isArray(node) ? entries.map(([, value]) => value) : Object.fromEntries(entries));
}

/** All the bytes in there. */
function bytesIn(node: unknown): Uint8Array[] {
  if (node instanceof Uint8Array && ArrayBuffer.isView(node)) return node.length === 0 ? [] : [node];
  if (node instanceof Error || !isTree(node)) return [];
  return Object.values(node).flatMap(bytesIn);
}

// ── What is expected ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Anything in `text` that tells of these bytes: four of them in decimal, hexadecimal, base64, or as they are. */
function leaks(text: string, secrets: readonly Uint8Array[]): boolean {
  const lower = text.toLowerCase();
  return secrets.some((secret) => {
    // Bytes that are all alike tell nothing.
    if (new Set(secret).size < 6) return false;
    for (let from = 0; from + 6 <= secret.length; from++) {
      const part = secret.subarray(from, from + 6);
      const buffer = Buffer.from(part);
      if (lower.includes(buffer.toString('hex')) || text.includes(buffer.toString('latin1'))) return true;
      if (text.includes(part.join(',')) || text.includes(part.join(', '))) return true;
      if (from % 3 === 0 && text.includes(buffer.toString('base64'))) return true;
    }
    return text.includes(BigInt(`0x${Buffer.from(secret).toString('hex')}`).toString());
  });
}

/** What is wrong with this answer, or undefined. */
function faultOf(subject: Subject, args: readonly unknown[], wanted?: unknown): string | undefined {
  const inputs = bytesIn(args);
  const before = inputs.map((input) => Uint8Array.from(input));
  const room = kernel().exports.workspaceRoom();
  const faults: string[] = [];
  let answer: unknown;
  const errors: (CryptoError | RangeError)[] = [];
  try {
    answer = subject.call(...args);
    for (const item of Array.isArray(answer) ? answer : [])
      if (item instanceof CryptoError) errors.push(item);
  } catch (error) {
    if (error instanceof CryptoError || (subject.hasRange && error instanceof RangeError)) errors.push(error);
    else faults.push(`threw ${(error as Error)?.stack?.split('\n').slice(0, 3).join(' ') ?? String(error)}`);
    if (wanted !== undefined) faults.push(`refused: ${(error as Error).message}`);
  }
  for (const error of errors) {
    const { message } = error;
    if (error instanceof CryptoError && !Object.hasOwn(CODES, error.code)) faults.push(`code ${error.code}`);
    if (!message.startsWith('expected ')) faults.push(`message ${message}`);
    if (leaks(message, [...before, SIGNER.secretKey])) faults.push(`tells its argument: ${message}`);
  }
  if (kernel().exports.workspaceRoom() !== room) faults.push('keeps room of the workspace');
  inputs.forEach((input, i) => {
    if (Buffer.compare(input, before[i]!) !== 0) faults.push(`changed its argument ${i}`);
  });
  const outputs = bytesIn(answer);
  outputs.forEach((output, i) => {
    const { buffer } = output;
    if (Object.getPrototypeOf(output) !== Uint8Array.prototype) faults.push(`answer ${i} is no Uint8Array`);
    if (!(buffer instanceof ArrayBuffer)) faults.push(`answer ${i} is in shared memory`);
    else if (buffer.byteLength !== output.length) faults.push(`answer ${i} is a part of something`);
    if (inputs.some((input) => input.buffer === buffer)) faults.push(`answer ${i} is an argument`);
    if (outputs.some((other, j) => j < i && other.buffer === buffer)) faults.push(`answer ${i} is another`);
  });
  if (wanted !== undefined && errors.length === 0) {
    try {
      expect(answer).toEqual(wanted);
    } catch {
      faults.push('answer is another');
    }
  }
  return faults.length === 0 ? undefined : faults.join('; ');
}

eachBuild('hostile arguments', () => {
  describe.each(families)('%s', (_, subjects) => {
    test.each(subjects.map((subject) => [subject.name, subject] as const))('%s', (_, subject) => {
      const { args } = subject;
      const faults: string[] = [];
      const look = (what: string, args: readonly unknown[], wanted?: unknown): void => {
        const fault = faultOf(subject, args, wanted);
        if (fault !== undefined) faults.push(`${what}: ${fault}`);
      };
      const wanted = subject.call(...(copyWith(args, undefined, undefined) as unknown[]));
      look('right arguments', copyWith(args, undefined, undefined) as unknown[], wanted);
      for (const path of paths(args)) {
        const was = valueAt(args, path);
        if (was instanceof Uint8Array) {
          for (const [name, shape] of Object.entries(SHAPES)) {
            look(`${path.join('.')} as ${name}`, copyWith(args, path, shape(was)) as unknown[], wanted);
          }
        }
        for (const [name, value] of hostile(was)) {
          look(`${path.join('.')} is ${name}`, copyWith(args, path, value) as unknown[]);
        }
      }
      for (let count = 0; count < args.length; count++) look(`${count} arguments`, args.slice(0, count));
      expect(faults.length, faults.slice(0, 40).join('\n')).toBe(0);
    });
  });
});

eachBuild('very many and very long', ({ build }) => {
  const long = new Uint8Array(10 << 20);
  for (let i = 0; i < long.length; i += 4099) long[i] = i;
  const digest = (name: string, message: Uint8Array): string =>
    createHash(name).update(message).digest('hex');
  const many = Array.from({ length: 100_000 }, (_, i) => Uint8Array.of(i, i >> 8, i >> 16));

  test.each(Object.entries({ sha256, sha512 }))('%s', (name, hash) => {
    expect(toHex(hash(long))).toBe(digest(name, long));
    expect(hash.batch([long, TEXT, long]).map(toHex)).toEqual([long, TEXT, long].map((m) => digest(name, m)));
    const digests = hash.batch(many);
    expect(digests).toHaveLength(many.length);
    for (const i of [0, 1, 1023, 1024, 65_535, 99_999])
      expect(toHex(digests[i]!)).toBe(digest(name, many[i]!));
    expect(hash.batch([])).toEqual([]);
  });

  test('hmac, hkdf', () => {
    const code = createHmac('sha256', long).update(long).digest('hex');
    expect(toHex(hmacSha256(long, long))).toBe(code);
    expect(toHex(hkdfSha256.extract(KEY, long))).toBe(createHmac('sha256', KEY).update(long).digest('hex'));
    expect(() => hkdfSha256(KEY, AAD, long, 10)).toThrow(CryptoError);
  });

  test('chacha20poly1305', () => {
    const sealed = chacha20poly1305.seal(KEY, NONCE, long, long);
    expect(Buffer.compare(chacha20poly1305.open(KEY, NONCE, sealed, long), long)).toBe(0);
    const plaintexts = chacha20poly1305
      .openBatch(
        chacha20poly1305
          .sealBatch(many.map((plaintext) => ({ key: KEY, nonce: NONCE, plaintext })))
          .map((ciphertext) => ({ key: KEY, nonce: NONCE, ciphertext })),
      )
      .map((text) => Buffer.from(text as Uint8Array));
    expect(Buffer.concat(plaintexts).equals(Buffer.concat(many))).toBe(true);
    expect(chacha20poly1305.sealBatch([])).toEqual([]);
    expect(chacha20poly1305.openBatch([])).toEqual([]);
  });

  test('ed25519', () => {
    const signature = ed25519.sign(SIGNER.secretKey, long);
    expect(ed25519.verify(SIGNER.publicKey, long, signature)).toBe(true);
    const good = { publicKey: SIGNER.publicKey, message: long, signature };
    expect(ed25519.verifyBatch([good, { ...good, message: long.subarray(1) }, SIGNED])).toEqual([
      true,
      false,
      true,
    ]);
    expect(ed25519.verifyBatch([])).toEqual([]);
    // Beyond what one sum takes; most of them refused by their lengths.
    const items = many.map((message, i) =>
      i % 20 === 0 ? SIGNED : { publicKey: message, message, signature: message },
    );
    expect(ed25519.verifyBatch(items).every((verdict, i) => verdict === (i % 20 === 0))).toBe(true);
  });

  test('x25519', () => {
    const secret = toHex(x25519.sharedSecret(KEY, PEER.publicKey));
    // Beyond what io takes at once.
    const count = build === 'simd' ? 27_000 : 1000;
    const secrets = x25519.sharedSecretBatch(new Array<typeof PAIR>(count).fill(PAIR));
    expect(secrets).toHaveLength(count);
    expect(secrets.every((answer) => answer instanceof Uint8Array && toHex(answer) === secret)).toBe(true);
    expect(x25519.sharedSecretBatch([])).toEqual([]);
  });

  test('hpke', () => {
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: PEER.publicKey,
      info: INFO,
      aad: long,
      plaintext: long,
    });
    const opened = hpke.open({ ...RECIPIENT, enc, aad: long, ciphertext });
    expect(Buffer.compare(opened, long)).toBe(0);
    // Most of them refused by their lengths.
    const items = many.map((short, i) =>
      i % 100 === 0 ? { aad: AAD, ...SEALED } : { enc: short, ciphertext: short },
    );
    const answers = hpke.openBatch({ ...RECIPIENT, items });
    expect(answers.every((answer, i) => answer instanceof Uint8Array === (i % 100 === 0))).toBe(true);
    expect(hpke.openBatch({ ...RECIPIENT, items: [] })).toEqual([]);
    expect(hpke.sealBatch({ ...SENDER, items: [] })).toEqual([]);
  });

  test('noise', () => {
    const initiator = noise.initiate(INITIATOR);
    expect(() => initiator.writeMessage(long)).toThrow(CryptoError);
    const responder = noise.respond(RESPONDER);
    expect(() => responder.readMessage(long)).toThrow(CryptoError);
    expect(() => noise.initiate({ ...INITIATOR, prologue: long })).not.toThrow();
  });
});

describe('hostile arguments of a pool', () => {
  const pool = createCryptoPool({ threads: 1 });
  afterAll(() => pool.close());

  test('options', async () => {
    const right = { threads: 1, build: 'scalar', batchBytesMax: 1 << 20, waitingMax: 2 };
    const faults: string[] = [];
    const made: CryptoPool[] = [];
    const look = (what: string, options: unknown): void => {
      try {
        made.push(createCryptoPool(options as never));
      } catch (error) {
        const fine = error instanceof CryptoError && !leaks(error.message, [SIGNER.secretKey]);
        if (!fine) faults.push(`${what}: ${(error as Error).stack?.split('\n').slice(0, 3).join(' ')}`);
      }
    };
    for (const path of paths([right])) {
      for (const [name, value] of hostile(valueAt([right], path))) {
        // Each pool takes memory: objects that have no option in them are not all tried.
        if (path.length === 1 && typeof value === 'object' && value !== null && name !== 'object') continue;
        look(`${path.join('.')} is ${name}`, (copyWith([right], path, value) as unknown[])[0]);
      }
    }
    await Promise.all(made.map((pool) => pool.close()));
    expect(faults.length, faults.slice(0, 40).join('\n')).toBe(0);
  });

  const { stats, close, ...batches } = pool;
  const rightItems: Record<string, unknown[]> = {
    sha256Batch: [[TEXT, AAD]],
    sha512Batch: [[TEXT, AAD]],
    sharedSecretBatch: [[PAIR, PAIR]],
    verifyBatch: [[SIGNED, SIGNED]],
    verifyRecords: [
      {
        prefix: new Uint8Array(8),
        records: new Uint8Array(2 * 128),
        ...{ recordBytes: 128, signedBytes: 64, signatureOffset: 64 },
        keys: [ed25519.prepare(SIGNER.publicKey), undefined],
      },
    ],
    openBatch: [{ ...RECIPIENT, items: [{ aad: AAD, ...SEALED }] }],
    sealBatch: [{ ...SENDER, items: [{ aad: AAD, plaintext: TEXT }] }],
    signNotes: [[{ blinded: POINT, secretKey: SCALAR }]],
    verifyNotes: [[NOTE], drawn],
  };

  test.each(Object.entries(batches))('%s', async (name, call) => {
    const args = rightItems[name];
    expect(args, `arguments of ${name} in this test`).toBeDefined();
    const faults: string[] = [];
    const look = async (what: string, args: unknown): Promise<void> => {
      try {
        // biome-ignore lint/suspicious/noExplicitAny: what comes is of no type that one could name
        await (call as any)(...(args as unknown[]));
      } catch (error) {
        // Scalars of notes out of their range are a RangeError.
        const isRange =
          error instanceof RangeError && name.endsWith('Notes') && error.message.startsWith('expected ');
        const fine =
          (error instanceof CryptoError || isRange) &&
          !leaks(error.message, [SIGNER.secretKey, ...bytesIn(args)]);
        if (!fine) faults.push(`${what}: ${(error as Error).stack?.split('\n').slice(0, 3).join(' ')}`);
      }
    };
    for (const path of paths(args)) {
      for (const [name, value] of hostile(valueAt(args, path))) {
        await look(`${path.join('.')} is ${name}`, copyWith(args, path, value));
      }
    }
    await look('no arguments', []);
    expect(faults.length, faults.slice(0, 40).join('\n')).toBe(0);
    expect(pool.stats().deaths).toBe(0);
  });
});
