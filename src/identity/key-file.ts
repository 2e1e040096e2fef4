// Key files: secret keys on disk, as they are or encrypted by a passphrase.
//
//     passphrase, salt ──▶ scrypt ──▶ key ──▶ ChaCha20-Poly1305 ──▶ `secret`: the secret keys, one after the other
//                                              ▲
//     everything else that the file says ──────┘ as associated data, so that nothing of it can be changed
//
// Each file has a salt of its own, so each key encrypts once, and the nonce may be zero.
import { type ScryptOptions, scrypt, randomBytes as systemRandomBytes } from 'node:crypto';
import { z } from 'zod';
import { CryptoError, chacha20poly1305 } from '../crypto/index.ts';
import { bytes, list, oneOf, struct, text, u8, u32, u64 } from '../shared/codec.ts';
import { equalBytes, toHex } from './binary-text.ts';
import { IdentityError } from './errors.ts';
import {
  choice,
  described,
  field,
  fields,
  hexBytes,
  isoTime,
  literal,
  parseJson,
  wholeNumber,
} from './json-fields.ts';
import { KEY_USES, type KeyPair, publicKey } from './key-set.ts';
import { keyPairOf, type RandomBytes } from './new-key-set.ts';
import type { Passphrase, PassphraseSource } from './passphrase.ts';
import { KEY_BYTES, tagged } from './signed.ts';
import { systemCrypto } from './system-crypto.ts';
import { isoTime as isoText } from './time.ts';

const KIND = 'specie keys';
const VERSION = 1;
const TAG = 'specie key file v1\0';
const SEED_TAG = 'specie seed check v1\0';
const OWNER_BYTES_MAX = 80;
const SALT_BYTES = 16;
const SEAL_TAG_BYTES = 16;
const NONCE = new Uint8Array(12);

/** N = 2^17, r = 8, p = 1: 128 MiB a guess, the least that OWASP's Password Storage Cheat Sheet advises. */
export const SCRYPT_LOG2_N = 17;
/** Bounds for what a file may ask for: up to 1 GiB. */
const SCRYPT_LOG2_N_MIN = 10;
const SCRYPT_LOG2_N_MAX = 20;
const SCRYPT_R = 8;
const SCRYPT_P = 1;

/** What key files hold: keys of that use, or a seed, which others are derived from. */
const FILE_USES = [...KEY_USES, 'seed'] as const;
type FileUse = (typeof FILE_USES)[number];

/** Which keys whose file has. */
export const OWNERS = {
  root: ['signing'],
  role: KEY_USES,
  operator: ['signing', 'channel'],
  shop: ['signing', 'channel'],
  notes: ['seed'],
} as const satisfies Record<string, readonly FileUse[]>;

export interface SecretKeys {
  /** `root`, a role's name, `operator NAME`, `shop`, or `notes`. */
  readonly owner: string;
  readonly number: number;
  /** Nanoseconds. */
  readonly createdAt: bigint;
  /** Of a seed, the public half is its check value. */
  readonly keys: { readonly [Use in FileUse]?: KeyPair };
}

export interface Encryption {
  readonly passphrase: Passphrase;
  readonly randomBytes?: RandomBytes | undefined;
  /** Lower in tests. */
  readonly scryptLog2N?: number | undefined;
}

const ScryptParameters = fields({
  name: choice(['scrypt'] as const),
  log2N: wholeNumber(SCRYPT_LOG2_N_MIN, SCRYPT_LOG2_N_MAX),
  r: wholeNumber(SCRYPT_R, SCRYPT_R),
  p: wholeNumber(SCRYPT_P, SCRYPT_P),
  salt: hexBytes(SALT_BYTES),
});
type ScryptParameters = z.output<typeof ScryptParameters>;

const KeyFile = fields({
  kind: literal(KIND),
  version: literal(VERSION),
  owner: field(`a text of 1 to ${OWNER_BYTES_MAX} characters`, (value) =>
    typeof value === 'string' && /^[a-z][a-z0-9 ._-]{0,79}$/.test(value) ? value : undefined,
  ),
  number: wholeNumber(1, 0xffff_ffff),
  createdAt: isoTime,
  public: fields({
    signing: hexBytes(KEY_BYTES).optional(),
    channel: hexBytes(KEY_BYTES).optional(),
    sealing: hexBytes(KEY_BYTES).optional(),
    seed: hexBytes(KEY_BYTES).optional(),
  }),
  encryption: z.union([z.null(), ScryptParameters], {
    error: 'expected null, or name, log2N, r, p and salt of scrypt within their bounds, got something else',
  }),
  secret: field(
    'the hex of one to three keys',
    (value) => (typeof value === 'string' && /^([0-9a-f]{2}){32,112}$/.test(value) ? value : undefined),
    described,
  ),
});
type KeyFile = z.output<typeof KeyFile>;

const AssociatedData = struct({
  version: u8,
  owner: text(OWNER_BYTES_MAX),
  number: u32,
  createdAt: u64,
  keys: list(struct({ use: oneOf(...FILE_USES), publicKey }), KEY_USES.length),
  log2N: u8,
  r: u8,
  p: u8,
  salt: bytes(SALT_BYTES),
});

function associatedData(
  { owner, number, createdAt }: Pick<KeyFile, 'owner' | 'number' | 'createdAt'>,
  keys: readonly { readonly use: FileUse; readonly publicKey: Uint8Array }[],
  { log2N, r, p, salt }: ScryptParameters,
): Uint8Array {
  return tagged(
    TAG,
    AssociatedData.encode({ version: VERSION, owner, number, createdAt, keys, log2N, r, p, salt }),
  );
}

function deriveKey(passphrase: Passphrase, { log2N, r, p, salt }: ScryptParameters): Promise<Buffer> {
  const N = 2 ** log2N;
  // Node refuses what needs more than 32 MiB unless told otherwise.
  const options: ScryptOptions = { N, r, p, maxmem: 2 * 128 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.bytes, salt, KEY_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

const present = (keys: SecretKeys['keys']): { use: FileUse; pair: KeyPair }[] =>
  FILE_USES.flatMap((use) => (keys[use] === undefined ? [] : [{ use, pair: keys[use] }]));

/** A seed as a key file has it. Its check value tells a damaged one from the one that was written, and nothing else of it. */
export function seedPairOf(seed: Uint8Array): KeyPair {
  const message = tagged(SEED_TAG, seed);
  try {
    return { publicKey: systemCrypto.sha256(message), secretKey: seed };
  } finally {
    message.fill(0);
  }
}

/** Encrypted if `encryption` is given. */
export async function keyFileText(
  { owner, number, createdAt, keys }: SecretKeys,
  encryption?: Encryption,
): Promise<string> {
  const pairs = present(keys);
  const plain = new Uint8Array(KEY_BYTES * pairs.length);
  for (const [i, { pair }] of pairs.entries()) plain.set(pair.secretKey, KEY_BYTES * i);
  try {
    let parameters: ScryptParameters | null = null;
    let secret: Uint8Array = plain;
    if (encryption !== undefined) {
      const { passphrase, randomBytes = systemRandomBytes, scryptLog2N = SCRYPT_LOG2_N } = encryption;
      parameters = {
        name: 'scrypt',
        log2N: scryptLog2N,
        r: SCRYPT_R,
        p: SCRYPT_P,
        salt: Uint8Array.from(randomBytes(SALT_BYTES)),
      };
      const key = await deriveKey(passphrase, parameters);
      const aad = associatedData(
        { owner, number, createdAt },
        pairs.map(({ use, pair }) => ({ use, publicKey: pair.publicKey })),
        parameters,
      );
      try {
        secret = chacha20poly1305.seal(key, NONCE, plain, aad);
      } finally {
        key.fill(0);
      }
    }
    const file: z.input<typeof KeyFile> = {
      kind: KIND,
      version: VERSION,
      owner,
      number,
      createdAt: isoText(createdAt),
      public: Object.fromEntries(pairs.map(({ use, pair }) => [use, toHex(pair.publicKey)])),
      encryption: parameters && { ...parameters, salt: toHex(parameters.salt) },
      secret: toHex(secret),
    };
    return `${JSON.stringify(file, null, 2)}\n`;
  } finally {
    plain.fill(0);
  }
}

/** @throws IdentityError damaged */
export function isEncrypted(text: string, path: string): boolean {
  return parseJson(text, KeyFile, path, 'damaged').encryption !== null;
}

export interface ExpectedKeys {
  readonly owner: string;
  readonly uses: readonly FileUse[];
  readonly number?: number | undefined;
  /** One in the clear is refused: whoever could write there may have put it there. */
  readonly encrypted?: boolean | undefined;
}

/**
 * Opens a key file.
 * @param path begins every message
 * @throws IdentityError damaged, in_the_way (in the clear), passphrase_needed, wrong_passphrase
 */
export async function parseKeyFile(
  text: string,
  path: string,
  expected: ExpectedKeys,
  passphrase: PassphraseSource,
): Promise<SecretKeys> {
  const file = parseJson(text, KeyFile, path, 'damaged');
  const damaged = (what: string, came: string): IdentityError =>
    new IdentityError('damaged', `${path}: expected ${what}, got ${came}`);
  if (file.owner !== expected.owner) throw damaged(`keys of ${expected.owner}`, `those of ${file.owner}`);
  if (expected.number !== undefined && file.number !== expected.number) {
    throw damaged(`number ${expected.number}`, String(file.number));
  }
  if (expected.encrypted === true && file.encryption === null) {
    throw new IdentityError(
      'in_the_way',
      `${path}: expected keys that are encrypted, as the root key is, got some in the clear: remove the file, it is not taken`,
    );
  }
  const listed = FILE_USES.filter((use) => file.public[use] !== undefined);
  if (listed.join() !== FILE_USES.filter((use) => expected.uses.includes(use)).join()) {
    throw damaged(`public keys for ${expected.uses.join(', ')}`, listed.join(', ') || 'none');
  }
  const publicKeys = listed.map((use) => ({ use, publicKey: file.public[use]! }));
  const sealed = Uint8Array.from(Buffer.from(file.secret, 'hex'));
  const wanted = KEY_BYTES * listed.length + (file.encryption === null ? 0 : SEAL_TAG_BYTES);
  if (sealed.length !== wanted) throw damaged(`a secret of ${wanted} bytes`, String(sealed.length));
  const plain =
    file.encryption === null
      ? sealed
      : await decrypt(file, publicKeys, file.encryption, sealed, path, passphrase);
  try {
    const keys: { [Use in FileUse]?: KeyPair } = {};
    publicKeys.forEach(({ use, publicKey }, i) => {
      const secretKey = plain.slice(KEY_BYTES * i, KEY_BYTES * (i + 1));
      const pair = use === 'seed' ? seedPairOf(secretKey) : keyPairOf(use, secretKey);
      if (!equalBytes(pair.publicKey, publicKey)) {
        throw damaged(`a secret ${use} key that belongs to the public one`, 'another');
      }
      keys[use] = pair;
    });
    return { owner: file.owner, number: file.number, createdAt: file.createdAt, keys };
  } finally {
    plain.fill(0);
  }
}

async function decrypt(
  file: KeyFile,
  publicKeys: readonly { readonly use: FileUse; readonly publicKey: Uint8Array }[],
  parameters: ScryptParameters,
  sealed: Uint8Array,
  path: string,
  source: PassphraseSource,
): Promise<Uint8Array> {
  const passphrase = await source();
  if (passphrase === undefined) {
    throw new IdentityError(
      'passphrase_needed',
      `${path}: expected a passphrase, got none: set SPECIE_PASSPHRASE, or give --passphrase-file`,
    );
  }
  const key = await deriveKey(passphrase, parameters);
  try {
    return chacha20poly1305.open(key, NONCE, sealed, associatedData(file, publicKeys, parameters));
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    throw new IdentityError(
      'wrong_passphrase',
      `${path}: expected the passphrase that it was written with, got another, or the file was changed`,
    );
  } finally {
    key.fill(0);
  }
}
