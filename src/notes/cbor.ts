// CBOR (RFC 8949) within bounds: definite lengths, no tags, no floats, no name twice, integers in their shortest form.
//
// The structure is walked through before anything is made of it, without recursion: how deep it goes and how many values it
// has, and that all of it is there. What then decodes it allocates no more than the bytes bear out.
import { decode, encode } from 'cborg';
import { NotesError } from './errors.ts';
import { DEPTH_MAX, VALUES_MAX } from './limits.ts';

export type CborValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CborValue[]
  | CborMap;
export type CborMap = Map<CborValue, CborValue>;

const BYTES = 2;
const TEXT = 3;
const LIST = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;
/** false, true, null, undefined. */
const SIMPLE_VALUES = [20, 21, 22, 23];

const wrong = (expected: string, at: number): NotesError =>
  new NotesError('malformed', `CBOR: expected ${expected} at byte ${at}`);

/** The number behind an item's first byte, and where it ends. */
function lengthAt(bytes: Uint8Array, at: number): { readonly length: number; readonly end: number } {
  const minor = bytes[at]! & 31;
  if (minor < 24) return { length: minor, end: at + 1 };
  if (minor > 27) throw wrong('a definite length', at);
  const size = 1 << (minor - 24);
  if (at + 1 + size > bytes.length) throw wrong('more bytes', at);
  let length = 0;
  // Beyond 2^53 it is inexact, and still far more than there can be.
  for (let i = 1; i <= size; i++) length = length * 256 + bytes[at + i]!;
  return { length, end: at + 1 + size };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Real UTF-8 that does not begin with a mark of byte order: what decodes it would leave that out, and with it half a secret. */
function isPlainText(bytes: Uint8Array): boolean {
  try {
    return !utf8.decode(bytes).startsWith('\ufeff');
  } catch {
    return false;
  }
}

/** @throws NotesError */
function checkStructure(bytes: Uint8Array): void {
  /** How many items are still to come in each open list or map. */
  const open: number[] = [];
  let values = 0;
  let at = 0;
  do {
    if (at >= bytes.length) throw wrong('more bytes', at);
    if (++values > VALUES_MAX)
      throw new NotesError('too_large', `CBOR: expected at most ${VALUES_MAX} values`);
    const start = at;
    const major = bytes[at]! >> 5;
    if (major === TAG) throw wrong('no tag', start);
    const { length, end } = lengthAt(bytes, at);
    at = end;
    if (open.length > 0) open[open.length - 1]!--;
    if (major === BYTES || major === TEXT) {
      if (length > bytes.length - at) throw wrong('more bytes', start);
      // What decodes it would put another character in place of bytes that are none.
      if (major === TEXT && !isPlainText(bytes.subarray(at, at + length)))
        throw wrong('UTF-8 without a mark of byte order', start);
      at += length;
    } else if (major === LIST || major === MAP) {
      const items = major === MAP ? 2 * length : length;
      if (items > bytes.length - at) throw wrong('more bytes', start);
      if (open.length >= DEPTH_MAX) throw wrong(`at most ${DEPTH_MAX} levels`, start);
      open.push(items);
    } else if (major === SIMPLE && !(end === start + 1 && SIMPLE_VALUES.includes(length))) {
      throw wrong('no float and no other simple value', start);
    }
    while (open.at(-1) === 0) open.pop();
  } while (open.length > 0);
  if (at < bytes.length) throw wrong('the end', at);
}

/** @throws NotesError */
export function decodeCbor(bytes: Uint8Array): CborValue {
  checkStructure(bytes);
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
    });
  } catch {
    // Its own message may hold what it found: a secret perhaps.
    throw new NotesError('malformed', 'CBOR: expected numbers in their shortest form and no name twice');
  }
}

/** Names in the order in which they were set. */
export const encodeCbor = (value: CborValue): Uint8Array => encode(value, { mapSorter: () => 0 });

export function expectMap(value: CborValue, name: string): CborMap {
  if (!(value instanceof Map)) throw new NotesError('malformed', `${name}: expected a map`);
  return value;
}

/** Absent and undefined are the same. */
export function expectList(value: CborValue, name: string, max: number): CborValue[] {
  if (!Array.isArray(value)) throw new NotesError('malformed', `${name}: expected a list`);
  if (value.length > max) {
    throw new NotesError('too_large', `${name}: expected at most ${max} entries, got ${value.length}`);
  }
  return value;
}

export function expectText(value: CborValue, name: string, charsMax: number): string {
  if (typeof value !== 'string') throw new NotesError('malformed', `${name}: expected a text`);
  if (value.length > charsMax) {
    throw new NotesError(
      'too_large',
      `${name}: expected at most ${charsMax} characters, got ${value.length}`,
    );
  }
  return value;
}

export function expectUnsigned(value: CborValue, name: string): bigint {
  const isNumber = typeof value === 'bigint' || typeof value === 'number';
  if (!isNumber || value < 0 || (typeof value === 'number' && !Number.isSafeInteger(value)))
    throw new NotesError('malformed', `${name}: expected an unsigned integer`);
  return BigInt(value);
}

export function expectBytes(value: CborValue, name: string, size: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new NotesError('malformed', `${name}: expected bytes`);
  if (value.length !== size) {
    throw new NotesError('malformed', `${name}: expected ${size} bytes, got ${value.length}`);
  }
  return value;
}
