// A mint's keys for the amounts of one unit (NUT-01, NUT-02), and a mint's own secret ones.
//
//     id, version 1   00 │ SHA-256(keys, ascending by amount)[0..7]                           8 bytes
//     id, version 2   01 │ SHA-256("1:02ab…,2:03cd…|unit:eur|input_fee_ppk:100|final_expiry:…")   33 bytes
//
// Version 2 binds unit, fee and expiry to the id: a mint cannot raise the fee of notes that are out.
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import { NotesError } from './errors.ts';
import { toHex } from './hex.ts';
import { AMOUNT_MAX, INPUT_FEE_PPK_MAX, KEYS_MAX, UNIT_CHARS_MAX } from './limits.ts';
import { isPoint, wideScalar } from './point.ts';

export interface KeysetInfo {
  /** Hex. */
  readonly id: string;
  readonly unit: string;
  /** Whether the mint signs with it; notes of others it still takes. */
  readonly isActive: boolean;
  /** What a note of it costs to spend, in thousandths of the unit. */
  readonly inputFeePpk: number;
  /** Unix seconds after which the mint no longer takes notes of it. */
  readonly finalExpiry?: bigint;
}

export interface PublicKeyset extends KeysetInfo {
  /** Amount to K, 33 bytes. */
  readonly keys: ReadonlyMap<bigint, Uint8Array>;
}

export type KeysetIdVersion = 1 | 2;

const SHORT_ID_CHARS = 16;
const LONG_ID_CHARS = 66;

/** undefined: not the form of an id, or of a version that is not offered. */
export function keysetIdVersion(id: string): KeysetIdVersion | undefined {
  if (!/^[0-9a-f]*$/.test(id)) return undefined;
  if (id.length === SHORT_ID_CHARS && id.startsWith('00')) return 1;
  if (id.length === LONG_ID_CHARS && id.startsWith('01')) return 2;
  return undefined;
}

/** The eight bytes by which a token may name a keyset (NUT-00); of version 1 the id itself. */
export const shortKeysetId = (id: string): string => id.slice(0, SHORT_ID_CHARS);

/** Whether it can only be the short form of an id of version 2. */
export const isShortKeysetId = (id: string): boolean =>
  id.length === SHORT_ID_CHARS && /^01[0-9a-f]*$/.test(id);

/** The id that a token means. @throws NotesError when none or more than one of the known ids begins like it */
export function expandKeysetId(id: string, known: readonly string[]): string {
  if (keysetIdVersion(id) !== undefined) return id;
  if (!isShortKeysetId(id)) {
    throw new NotesError(
      'unsupported',
      'keyset id: expected version 00 or 01 in lower-case hex, got another',
    );
  }
  const found = new Set(known.filter((full) => keysetIdVersion(full) === 2 && full.startsWith(id)));
  if (found.size > 1) {
    throw new NotesError('ambiguous_keyset', `keyset ${id}: expected one that begins so, got ${found.size}`);
  }
  for (const full of found) return full;
  throw new NotesError('unknown_keyset', `keyset ${id}: expected one that is known, got none`);
}

function ascending(keys: ReadonlyMap<bigint, Uint8Array>): [bigint, Uint8Array][] {
  return [...keys].sort(([left], [right]) => (left < right ? -1 : 1));
}

const utf8 = new TextEncoder();

export function keysetIdOf(keyset: Omit<PublicKeyset, 'id' | 'isActive'>, version: KeysetIdVersion): string {
  const sorted = ascending(keyset.keys);
  if (version === 1) {
    const hash = sha256.create();
    for (const [, key] of sorted) hash.update(key);
    return `00${toHex(hash.digest()).slice(0, 14)}`;
  }
  let text = sorted.map(([amount, key]) => `${amount}:${toHex(key)}`).join(',');
  text += `|unit:${keyset.unit}`;
  // What is zero or absent is left out.
  if (keyset.inputFeePpk > 0) text += `|input_fee_ppk:${keyset.inputFeePpk}`;
  if (keyset.finalExpiry !== undefined && keyset.finalExpiry > 0n)
    text += `|final_expiry:${keyset.finalExpiry}`;
  return `01${toHex(sha256(utf8.encode(text)))}`;
}

/** A unit goes into the id between bars, and into paths and tables. */
export function isUnit(unit: string): boolean {
  return unit.length > 0 && unit.length <= UNIT_CHARS_MAX && /^[A-Za-z0-9][A-Za-z0-9._@-]*$/.test(unit);
}

const isPowerOfTwo = (amount: bigint): boolean => amount > 0n && (amount & (amount - 1n)) === 0n;

/** What a holder checks of a keyset before it trusts a note to it. @throws NotesError */
export function checkKeyset(keyset: PublicKeyset): void {
  const version = keysetIdVersion(keyset.id);
  if (version === undefined) {
    throw new NotesError(
      'unsupported',
      'keyset id: expected version 00 or 01 in lower-case hex, got another',
    );
  }
  if (!isUnit(keyset.unit)) {
    throw new NotesError(
      'bad_keyset',
      `unit: expected up to ${UNIT_CHARS_MAX} letters and digits, got others`,
    );
  }
  const { inputFeePpk } = keyset;
  if (!Number.isInteger(inputFeePpk) || inputFeePpk < 0 || inputFeePpk > INPUT_FEE_PPK_MAX) {
    throw new NotesError('bad_keyset', `input fee: expected 0 to ${INPUT_FEE_PPK_MAX}, got ${inputFeePpk}`);
  }
  checkKeys(keyset.keys);
  const id = keysetIdOf(keyset, version);
  if (id !== keyset.id) {
    throw new NotesError('bad_keyset', `keyset: expected id ${id} of its keys, got ${keyset.id}`);
  }
}

/** Keys a power of two each, compressed, points (NUT-01). @throws NotesError */
export function checkKeys(keys: ReadonlyMap<bigint, Uint8Array>): void {
  if (keys.size === 0 || keys.size > KEYS_MAX) {
    throw new NotesError('bad_keyset', `keyset: expected 1 to ${KEYS_MAX} keys, got ${keys.size}`);
  }
  for (const [amount, key] of keys) {
    if (amount > AMOUNT_MAX || !isPowerOfTwo(amount)) {
      throw new NotesError('bad_keyset', `keyset: expected amounts that are powers of two, got ${amount}`);
    }
    if (!isPoint(key)) {
      throw new NotesError('bad_keyset', `key of ${amount}: expected a compressed point, got other bytes`);
    }
  }
}

export interface SecretKeysetOptions {
  /** 32 bytes, of which all keysets of a mint come. */
  readonly seed: Uint8Array;
  readonly unit: string;
  /** Where the notes are valid: two organisations with one seed and unit would have other keys. */
  readonly organisation: string;
  /** 0 and on, one more with each rotation. */
  readonly number: number;
  /** Keys for 2^0 to 2^(amounts - 1). */
  readonly amounts: number;
  readonly inputFeePpk?: number;
  readonly finalExpiry?: bigint;
  readonly isActive?: boolean;
  readonly version?: KeysetIdVersion;
}

const SEED_SIZE = 32;
const DOMAIN = utf8.encode('specie/notes/keyset/1');

/** What a mint holds of a keyset. Its secret keys are in no property, so that no log or JSON shows them. */
export class SecretKeyset {
  readonly public: PublicKeyset;
  readonly #secretKeys: ReadonlyMap<bigint, Uint8Array>;

  constructor(keyset: PublicKeyset, secretKeys: ReadonlyMap<bigint, Uint8Array>) {
    this.public = keyset;
    this.#secretKeys = secretKeys;
  }

  /** k of an amount; undefined: the keyset has none. */
  secretKey(amount: bigint): Uint8Array | undefined {
    return this.#secretKeys.get(amount);
  }

  /** The same keys, no longer (or again) for signing. */
  withActive(isActive: boolean): SecretKeyset {
    return new SecretKeyset({ ...this.public, isActive }, this.#secretKeys);
  }
}

/** Text behind its length, so that no two contexts have the same bytes. */
function lengthPrefixed(text: string): Uint8Array {
  const encoded = utf8.encode(text);
  const bytes = new Uint8Array(4 + encoded.length);
  new DataView(bytes.buffer).setUint32(0, encoded.length);
  bytes.set(encoded, 4);
  return bytes;
}

/** Deterministic: the same options give the same keys for ever. */
export function generateKeyset(
  options: SecretKeysetOptions,
  crypto: Pick<NoteCrypto, 'publicKeys'>,
): SecretKeyset {
  const {
    seed,
    unit,
    organisation,
    number,
    amounts,
    inputFeePpk = 0,
    finalExpiry,
    isActive = true,
  } = options;
  if (seed.length !== SEED_SIZE)
    throw new RangeError(`seed: expected ${SEED_SIZE} bytes, got ${seed.length}`);
  if (!isUnit(unit)) throw new RangeError(`unit: expected up to ${UNIT_CHARS_MAX} letters and digits`);
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff)
    throw new RangeError(`number: expected 0 to 2^32-1, got ${number}`);
  if (!Number.isInteger(amounts) || amounts < 1 || amounts > KEYS_MAX)
    throw new RangeError(`amounts: expected 1 to ${KEYS_MAX}, got ${amounts}`);
  if (!Number.isInteger(inputFeePpk) || inputFeePpk < 0 || inputFeePpk > INPUT_FEE_PPK_MAX)
    throw new RangeError(`input fee: expected 0 to ${INPUT_FEE_PPK_MAX}, got ${inputFeePpk}`);
  // Zero would be left out of the id.
  if (finalExpiry !== undefined && (finalExpiry < 1n || finalExpiry > AMOUNT_MAX))
    throw new RangeError(`final expiry: expected 1 to 2^64-1, got ${finalExpiry}`);

  const context = [...lengthPrefixed(unit), ...lengthPrefixed(organisation)];
  const secretKeys = new Map<bigint, Uint8Array>();
  for (let exponent = 0; exponent < amounts; exponent++) {
    const info = Uint8Array.from([...context, 0, 0, 0, 0, exponent]);
    new DataView(info.buffer).setUint32(context.length, number);
    const wide = hkdf(sha256, seed, DOMAIN, info, 48);
    secretKeys.set(1n << BigInt(exponent), wideScalar(wide));
    wide.fill(0);
  }
  const points = crypto.publicKeys([...secretKeys.values()]);
  const keys = new Map([...secretKeys.keys()].map((amount, i) => [amount, points[i]!]));
  const keyset = { unit, inputFeePpk, keys, ...(finalExpiry === undefined ? {} : { finalExpiry }) };
  const id = keysetIdOf(keyset, options.version ?? 2);
  return new SecretKeyset({ id, isActive, ...keyset }, secretKeys);
}
