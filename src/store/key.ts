// Keys of a store. All tables of a role lie in one ordered space, each behind its name:
//
//     ┌────────────┬───┬──────────────────────┐
//     │ table name │ 0 │ key                  │     numbers big-endian, so that keys sort like the numbers
//     └────────────┴───┴──────────────────────┘
import { checkU128, checkUint } from '../shared/bytes.ts';

/** Bytes; a bigint stands for its 16 bytes as a u128, big-endian. */
export type Key = Uint8Array | bigint;

const TABLE_PATTERN = /^[a-z][a-z0-9-]{0,31}$/;
const knownTables = new Set<string>();
/** Names that are looked up without the pattern; a program has a few. */
const KNOWN_TABLES_MAX = 1024;

/** Names and ids with room to spare; LMDB allows 1,978 with what stands before. */
export const KEY_BYTES_MAX = 512;

const ID_SIZE = 16;
const U64_MASK = 0xffff_ffff_ffff_ffffn;

export function keyBytes(key: Key): Uint8Array {
  return typeof key === 'bigint' ? keyOf(key) : key;
}

// Not Buffer's writers: those take a number to bytes by eight shifts, each a bigint of its own.
function writeId(view: DataView, at: number, id: bigint): void {
  checkU128(id, 'key');
  view.setBigUint64(at, id >> 64n);
  view.setBigUint64(at + 8, id & U64_MASK);
}

/** A key of several parts, one after the other; every part but the last should have a fixed size. */
export function keyOf(...parts: Key[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += typeof part === 'bigint' ? ID_SIZE : part.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'bigint') writeId(view, at, part);
    else bytes.set(part, at);
    at += typeof part === 'bigint' ? ID_SIZE : part.length;
  }
  return bytes;
}

/** The number that a key of 16 bytes stands for, or that stands at `offset` in a longer one. */
export function idOfKey(key: Uint8Array, offset = 0): bigint {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return (view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8);
}

/**
 * Keys as they are sorted and looked up in memory: a character a byte, so that `<` compares bytes. Maps of strings are
 * quick; LMDB gets the same bytes back from `fromPlace`.
 */
export type Place = string;

// Reused: memory of its own for each key was a tenth of the time of a write.
const idBytes = Buffer.alloc(ID_SIZE);
const idView = new DataView(idBytes.buffer, idBytes.byteOffset, ID_SIZE);

export function place(table: string, key: Key): Place {
  checkTable(table);
  if (typeof key === 'bigint') {
    writeId(idView, 0, key);
    return `${table}\0${idBytes.toString('latin1')}`;
  }
  checkUint(key.length, KEY_BYTES_MAX, `bytes of a key of table ${table}`);
  return `${table}\0${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`;
}

/** Before every key of the table, and after every one. */
export function tableBounds(table: string): readonly [Place, Place] {
  checkTable(table);
  return [`${table}\0`, `${table}\x01`];
}

export const fromPlace = (at: Place): Buffer => Buffer.from(at, 'latin1');
export const toPlace = (stored: Uint8Array): Place => Buffer.from(stored).toString('latin1');

/** Table and key of a place. */
export function splitPlace(at: Place): { readonly table: string; readonly key: Uint8Array } {
  const end = at.indexOf('\0');
  return { table: at.slice(0, end), key: new Uint8Array(Buffer.from(at.slice(end + 1), 'latin1')) };
}

function checkTable(table: string): void {
  if (knownTables.has(table)) return;
  if (!TABLE_PATTERN.test(table)) {
    throw new RangeError(`table: expected a name of up to 32 letters, digits and dashes, got ${table}`);
  }
  if (knownTables.size < KNOWN_TABLES_MAX) knownTables.add(table);
}
