// Verification of the signatures of packed records, all laid out alike, as one batch: from the records straight into what
// the kernel takes. A hundred thousand records a second as messages, items and keys of their own are seven objects each,
// and cost the thread that makes them as much as half of what the kernel takes.
//
//     record     0 ─────────────── signedBytes ──── signatureOffset, 64 bytes ──── recordBytes
//     message    prefix ++ record 0 to signedBytes
import { randomBytes as secureRandomBytes } from 'node:crypto';
import { IO_BYTES } from '../../kernel/crypto-kernel.ts';
import { CryptoError, expectArray, expectBytes, expectFunction, expectObject, shown } from '../errors.ts';
import { kernel } from '../kernel.ts';
import type { VerifyBatchOptions } from './batch.ts';
import { PREPARED_KEY_BYTES, PreparedKey, preparedWords } from './prepare.ts';
import { SIGNATURE_BYTES } from './sign.ts';
import {
  COEFFICIENT_BYTES,
  ITEM_BYTES,
  MESSAGE_BYTES_MAX,
  ROOM_BYTES,
  verdictOf,
  viewsOf,
} from './verify-item.ts';

export interface SignedRecords {
  /** Stands before what is signed of each record. */
  readonly prefix: Uint8Array;
  /** One after the other. */
  readonly records: Uint8Array;
  readonly recordBytes: number;
  /** What is signed of each: so many bytes from its beginning. */
  readonly signedBytes: number;
  readonly signatureOffset: number;
  /** Of each record; undefined: it is not verified, and not good. */
  readonly keys: readonly (PreparedKey | undefined)[];
}

const WORD_BYTES = 4;
const ITEM_WORDS = ITEM_BYTES / WORD_BYTES;
const SIGNATURE_WORDS = SIGNATURE_BYTES / WORD_BYTES;
const KEY_WORDS = PREPARED_KEY_BYTES / WORD_BYTES;
const ROOM_WORDS = ROOM_BYTES / WORD_BYTES;
/** Of assembly/curve/verify-item.ts, in words: address and length of the text, kind, verdict. */
const TEXT_WORD = 48;
/** A prepared key, no domain. */
const KIND_PREPARED = 1;

/** All layouts are of words, so that they can be copied by words: copying by views makes three of them a record. */
function expectWords(what: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max && value % WORD_BYTES === 0) return;
  throw new CryptoError(
    'invalid_argument',
    `expected ${what} as a multiple of ${WORD_BYTES} from 0 to ${max}, got ${shown(value)}`,
  );
}

/** Throws invalid_argument for what is not laid out as it says. */
export function expectRecords(signed: SignedRecords): void {
  expectObject('records', signed);
  const { prefix, records, recordBytes, signedBytes, signatureOffset, keys } = signed;
  expectBytes('prefix', prefix);
  expectBytes('records', records);
  expectArray('keys', keys);
  expectWords('bytes of the prefix', prefix.length, MESSAGE_BYTES_MAX / 2);
  expectWords('offset of the records', records.byteOffset, Number.MAX_SAFE_INTEGER);
  expectWords('recordBytes', recordBytes, MESSAGE_BYTES_MAX / 2);
  expectWords('signedBytes', signedBytes, recordBytes);
  expectWords('signatureOffset', signatureOffset, recordBytes - SIGNATURE_BYTES);
  if (records.length !== keys.length * recordBytes) {
    throw new CryptoError(
      'invalid_argument',
      `expected ${keys.length} records of ${recordBytes} bytes, got ${records.length} bytes`,
    );
  }
  for (const key of keys) {
    if (key !== undefined && !(key instanceof PreparedKey)) {
      throw new CryptoError('invalid_argument', `expected keys as PreparedKey, got ${typeof key}`);
    }
  }
}

/** Bytes of a record's text, rounded up for the next one. */
export const recordTextBytes = ({ prefix, signedBytes }: SignedRecords): number =>
  (ROOM_BYTES + prefix.length + signedBytes + 7) & ~7;

/** What one record takes of the kernel's memory. */
export const recordRoom = (signed: SignedRecords): number =>
  ITEM_BYTES + COEFFICIENT_BYTES + recordTextBytes(signed);

/** Indices of the records that have a key. */
export function keyedRecords({ keys }: SignedRecords): number[] {
  const indices: number[] = [];
  for (let i = 0; i < keys.length; i++) if (keys[i] !== undefined) indices.push(i);
  return indices;
}

/** Lays items and texts of these records down; both addresses are multiples of 8, the item's verdict is cleared. */
export function layRecords(
  memory: ArrayBufferLike,
  items: number,
  texts: number,
  signed: SignedRecords,
  indices: readonly number[],
): void {
  const { records, recordBytes, signedBytes, signatureOffset, keys } = signed;
  const target = new Uint32Array(memory);
  const source = new Uint32Array(records.buffer, records.byteOffset, records.length / WORD_BYTES);
  const prefix = new Uint32Array(signed.prefix.slice().buffer);
  const textBytes = recordTextBytes(signed);
  const signedWords = signedBytes / WORD_BYTES;
  const length = ROOM_BYTES + signed.prefix.length + signedBytes;
  let item = items / WORD_BYTES;
  let text = texts;
  for (let n = 0; n < indices.length; n++) {
    const index = indices[n]!;
    const record = (index * recordBytes) / WORD_BYTES;
    const signature = record + signatureOffset / WORD_BYTES;
    const key = preparedWords(keys[index]!);
    for (let i = 0; i < SIGNATURE_WORDS; i++) target[item + i] = source[signature + i]!;
    for (let i = 0; i < KEY_WORDS; i++) target[item + SIGNATURE_WORDS + i] = key[i]!;
    target[item + TEXT_WORD] = text;
    target[item + TEXT_WORD + 1] = length;
    target[item + TEXT_WORD + 2] = KIND_PREPARED;
    target[item + TEXT_WORD + 3] = 0;
    let at = text / WORD_BYTES + ROOM_WORDS;
    for (let i = 0; i < prefix.length; i++) target[at++] = prefix[i]!;
    for (let i = 0; i < signedWords; i++) target[at++] = source[record + i]!;
    item += ITEM_WORDS;
    text += textBytes;
  }
}

/**
 * For each record whether its signature is good, as `verifyBatch` says of the same messages.
 * @throws CryptoError invalid_argument for other types and layouts
 */
export function verifyRecords(signed: SignedRecords, options: VerifyBatchOptions = {}): boolean[] {
  expectRecords(signed);
  expectObject('options', options);
  const { randomBytes = secureRandomBytes } = options;
  expectFunction('randomBytes', randomBytes);
  const verdicts = new Array<boolean>(signed.keys.length).fill(false);
  const indices = keyedRecords(signed);
  const countMax = Math.min(
    kernel().exports.VERIFY_COUNT_MAX.value,
    Math.floor(IO_BYTES / recordRoom(signed)),
  );
  for (let first = 0; first < indices.length; first += countMax) {
    const part = indices.slice(first, first + countMax);
    const instance = kernel();
    const views = viewsOf(instance);
    const { io } = instance;
    const coefficients = io + part.length * ITEM_BYTES;
    if (part.length > 1) {
      const random = randomBytes(part.length * COEFFICIENT_BYTES);
      expectBytes('result of randomBytes', random, part.length * COEFFICIENT_BYTES);
      views.bytes.set(random, coefficients);
    }
    layRecords(instance.memory.buffer, io, coefficients + part.length * COEFFICIENT_BYTES, signed, part);
    instance.exports.ed25519VerifyItems(io, part.length, coefficients);
    for (let n = 0; n < part.length; n++) verdicts[part[n]!] = verdictOf(views, io + n * ITEM_BYTES);
  }
  return verdicts;
}
