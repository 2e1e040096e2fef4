// Where the secrets and blinding factors of new notes come from: randomness, or a seed phrase by which a holder who has lost
// everything else finds its notes again (NUT-13, NUT-09).
//
//     phrase (BIP 39) ─▶ seed, 64 bytes ─┬─ keyset id 00…: BIP 32, m/129372'/0'/{keyset}'/{counter}'/{0 secret, 1 factor}
//                                        └─ keyset id 01…: HMAC-SHA256(seed, "Cashu_KDF_HMAC_SHA256" │ id │ counter │ 0 or 1)
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { HDKey } from '@scure/bip32';
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { NotesError } from './errors.ts';
import { fromHex, toHex } from './hex.ts';
import { keysetIdVersion } from './keyset.ts';
import { OUTPUTS_MAX, SECRET_COUNTER_MAX } from './limits.ts';
import { fromScalar, isScalar, ORDER, toScalar, wideScalar } from './point.ts';
import { type RandomBytes, systemRandomBytes } from './random.ts';

export interface NoteSecret {
  readonly secret: string;
  /** r, 32 bytes. */
  readonly blindingFactor: Uint8Array;
}

/** Where a holder's next secrets come from. */
export interface SecretSource {
  /** @param keysetId the keyset that is to sign them */
  next(keysetId: string, count: number): NoteSecret[];
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 0 || count > OUTPUTS_MAX)
    throw new RangeError(`secrets: expected 0 to ${OUTPUTS_MAX}, got ${count}`);
}

/** Blinding factors for secrets of any form. */
export function randomBlindingFactors(
  count: number,
  randomBytes: RandomBytes = systemRandomBytes,
): Uint8Array[] {
  checkCount(count);
  return Array.from({ length: count }, () => wideScalar(randomBytes(48)));
}

/** 64 hex digits each, as all wallets write them. */
export function randomSecrets(count: number, randomBytes: RandomBytes = systemRandomBytes): NoteSecret[] {
  return randomBlindingFactors(count, randomBytes).map((blindingFactor) => ({
    secret: toHex(randomBytes(32)),
    blindingFactor,
  }));
}

export const randomSecretSource = (randomBytes: RandomBytes = systemRandomBytes): SecretSource => ({
  next: (_, count) => randomSecrets(count, randomBytes),
});

/** Twelve words. */
export function newSeedPhrase(randomBytes: RandomBytes = systemRandomBytes): string {
  return entropyToMnemonic(Uint8Array.from(randomBytes(16)), wordlist);
}

/** English words of BIP 39, 12 to 24. 64 bytes. @throws NotesError, which does not hold the phrase */
export function seedOfPhrase(phrase: string, passphrase = ''): Uint8Array {
  const words = phrase.trim().toLowerCase().split(/\s+/).slice(0, 25);
  if (!validateMnemonic(words.join(' '), wordlist)) {
    throw new NotesError(
      'seed_phrase',
      `seed phrase: expected 12 to 24 English words of BIP 39 with their checksum, got ${words.length} others`,
    );
  }
  return mnemonicToSeedSync(words.join(' '), passphrase);
}

const utf8 = new TextEncoder();
const HMAC_DOMAIN = utf8.encode('Cashu_KDF_HMAC_SHA256');
const PURPOSE = 129372;

/** The number that stands for a keyset in a path of version 1. */
export const keysetPathNumber = (keysetId: string): number =>
  Number(BigInt(`0x${keysetId.slice(0, 16)}`) % 0x7fff_ffffn);

export class DeterministicSecrets {
  readonly #seed: Uint8Array;
  #root: HDKey | undefined;
  readonly #keysets = new Map<string, HDKey>();

  /** @param seed 64 bytes, see `seedOfPhrase` */
  constructor(seed: Uint8Array) {
    if (seed.length < 16 || seed.length > 64)
      throw new RangeError(`seed: expected 16 to 64 bytes, got ${seed.length}`);
    this.#seed = Uint8Array.from(seed);
  }

  static fromPhrase(phrase: string, passphrase?: string): DeterministicSecrets {
    return new DeterministicSecrets(seedOfPhrase(phrase, passphrase));
  }

  /** Those of counters `from` to `from + count - 1`. */
  derive(keysetId: string, from: number, count: number): NoteSecret[] {
    checkCount(count);
    if (!Number.isInteger(from) || from < 0 || from + count - 1 > SECRET_COUNTER_MAX)
      throw new RangeError(`counter: expected 0 to ${SECRET_COUNTER_MAX}, got ${from} and ${count} more`);
    const version = keysetIdVersion(keysetId);
    if (version === undefined) {
      throw new NotesError('unsupported', 'keyset id: expected version 00 or 01, got another');
    }
    const derive = version === 1 ? this.#byPath : this.#byHmac;
    return Array.from({ length: count }, (_, i) => derive.call(this, keysetId, from + i));
  }

  #byPath(keysetId: string, counter: number): NoteSecret {
    let keyset = this.#keysets.get(keysetId);
    if (keyset === undefined) {
      this.#root ??= HDKey.fromMasterSeed(this.#seed);
      keyset = this.#root.derive(`m/${PURPOSE}'/0'/${keysetPathNumber(keysetId)}'`);
      this.#keysets.set(keysetId, keyset);
    }
    const parent = keyset.deriveChild(0x8000_0000 + counter);
    const secret = parent.deriveChild(0).privateKey;
    const blindingFactor = parent.deriveChild(1).privateKey;
    if (secret === null || blindingFactor === null)
      throw new Error('BIP 32: expected private keys, got none');
    return { secret: toHex(secret), blindingFactor: Uint8Array.from(blindingFactor) };
  }

  #byHmac(keysetId: string, counter: number): NoteSecret {
    const message = new Uint8Array(HMAC_DOMAIN.length + 33 + 9);
    message.set(HMAC_DOMAIN);
    message.set(fromHex(keysetId, 33)!, HMAC_DOMAIN.length);
    new DataView(message.buffer).setBigUint64(HMAC_DOMAIN.length + 33, BigInt(counter));
    const secret = toHex(hmac(sha256, this.#seed, message));
    message[message.length - 1] = 1;
    const blindingFactor = fromScalar(toScalar(hmac(sha256, this.#seed, message)) % ORDER);
    // One in 2^256: the counter would have no note.
    if (!isScalar(blindingFactor)) throw new Error(`counter ${counter}: expected a scalar above 0, got 0`);
    return { secret, blindingFactor };
  }
}
