// Notes as one text or as bytes, from one holder to the next (NUT-00).
//
//     cashuA │ base64url of JSON {"token":[{"mint","proofs"}],"unit","memo"}    version 3: read, and written for old wallets
//     cashuB │ base64url of CBOR {t:[{i: keyset id, p:[{a,s,c,d,w}]}],d,m,u}    version 4
//     crawB  │ the same CBOR                                                    version 4 where bytes can go
//
// Members that are not known are passed over, as NUT-00 demands; none may be there twice.
import { fromBase64Url, toBase64Url } from './base64.ts';
import {
  type CborMap,
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectBytes,
  expectList,
  expectMap,
  expectText,
  expectUnsigned,
} from './cbor.ts';
import { NotesError } from './errors.ts';
import { fromHex, toHex } from './hex.ts';
import { type Field, list, members, optional, secret, text, witness } from './json/fields.ts';
import { noteField } from './json/notes.ts';
import { parseJson, writeJson } from './json/value.ts';
import { expandKeysetId, shortKeysetId } from './keyset.ts';
import { TEXT_CHARS_MAX, TOKEN_CHARS_MAX, TOKEN_NOTES_MAX, UNIT_CHARS_MAX, URL_CHARS_MAX } from './limits.ts';
import type { Note, NoteDleq } from './note.ts';
import { isPointForm, isScalar } from './point.ts';

export interface Token {
  /** Address of the mint, without a slash at its end. */
  readonly mint: string;
  /** Only for show, and absent in some of version 3: a note's unit is its keyset's. */
  readonly unit?: string;
  readonly memo?: string;
  readonly notes: readonly Note[];
}

export interface DecodeTokenOptions {
  /** Ids that are known of the token's mint: by them the short ones are told. */
  readonly keysetIds?: readonly string[];
}

export interface EncodeTokenOptions {
  /** Whether ids of version 2 take 8 bytes instead of 33: who reads it must then know the mint's keysets. */
  readonly isShort?: boolean;
}

const URI = 'cashu:';
const V3 = 'cashuA';
const V4 = 'cashuB';
const RAW_V4 = new TextEncoder().encode('crawB');

const stripSlashes = (mint: string): string => mint.replace(/\/+$/, '');

/** Also behind `cashu:`. @throws NotesError */
export function decodeToken(token: string, options: DecodeTokenOptions = {}): Token {
  if (token.length > TOKEN_CHARS_MAX) {
    throw new NotesError(
      'too_large',
      `token: expected at most ${TOKEN_CHARS_MAX} characters, got ${token.length}`,
    );
  }
  let plain = token.trim();
  // The scheme of an address is the same in capitals, as QR codes like it.
  if (plain.slice(0, URI.length).toLowerCase() === URI) plain = plain.slice(URI.length).replace(/^\/\//, '');
  const content = plain.slice(V3.length);
  if (plain.startsWith(V4)) return readV4(fromBase64Url(content, 'token'), options);
  if (plain.startsWith(V3)) return readV3(fromBase64Url(content, 'token'));
  throw new NotesError('unsupported', `token: expected one that begins with ${V3} or ${V4}`);
}

/** @throws NotesError */
export function decodeTokenBytes(bytes: Uint8Array, options: DecodeTokenOptions = {}): Token {
  if (bytes.length > TOKEN_CHARS_MAX) {
    throw new NotesError(
      'too_large',
      `token: expected at most ${TOKEN_CHARS_MAX} bytes, got ${bytes.length}`,
    );
  }
  if (!RAW_V4.every((byte, i) => bytes[i] === byte))
    throw new NotesError('unsupported', 'token: expected bytes that begin with crawB');
  return readV4(bytes.subarray(RAW_V4.length), options);
}

/** Version 4. */
export function encodeToken(token: Token, options: EncodeTokenOptions = {}): string {
  return V4 + toBase64Url(writeV4(token, options));
}

/** Version 4. */
export function encodeTokenBytes(token: Token, options: EncodeTokenOptions = {}): Uint8Array<ArrayBuffer> {
  const content = writeV4(token, options);
  const bytes = new Uint8Array(RAW_V4.length + content.length);
  bytes.set(RAW_V4);
  bytes.set(content, RAW_V4.length);
  return bytes;
}

function checkNumber(count: number): void {
  if (count === 0 || count > TOKEN_NOTES_MAX) {
    throw new NotesError(
      count === 0 ? 'malformed' : 'too_large',
      `token: expected 1 to ${TOKEN_NOTES_MAX} notes, got ${count}`,
    );
  }
}

interface V3Entry {
  readonly mint: string;
  readonly notes: readonly Note[];
}

interface V3Token {
  readonly entries: readonly V3Entry[];
  readonly unit?: string;
  readonly memo?: string;
}

const v3Token: Field<V3Token> = members<V3Token>({
  entries: [
    'token',
    list(
      members<V3Entry>({
        mint: ['mint', text(URL_CHARS_MAX)],
        notes: ['proofs', list(noteField, TOKEN_NOTES_MAX)],
      }),
      TOKEN_NOTES_MAX,
    ),
  ],
  unit: ['unit', optional(text(UNIT_CHARS_MAX))],
  memo: ['memo', optional(text(TEXT_CHARS_MAX))],
});

function readV3(bytes: Uint8Array): Token {
  const { entries, ...rest } = v3Token.read(parseJson(bytes), 'token');
  const notes = entries.flatMap((entry) => entry.notes);
  checkNumber(notes.length);
  const mints = new Set(entries.map(({ mint }) => stripSlashes(mint)));
  if (mints.size > 1)
    throw new NotesError('unsupported', `token: expected notes of one mint, got ${mints.size}`);
  const [mint] = mints;
  return { mint: mint!, ...rest, notes };
}

/** Version 3, for wallets that read no other. Whoever reads it needs to know no keyset. */
export function encodeTokenV3({ mint, notes, ...rest }: Token): string {
  checkNumber(notes.length);
  const json = writeJson(v3Token.write({ entries: [{ mint: stripSlashes(mint), notes }], ...rest }));
  return V3 + toBase64Url(new TextEncoder().encode(json));
}

/** Unknown names are passed over; each of the others is there once, or the map would not have been decoded. */
const given = (map: CborMap, name: string): CborValue => map.get(name) ?? undefined;

function readV4(bytes: Uint8Array, { keysetIds = [] }: DecodeTokenOptions): Token {
  const map = expectMap(decodeCbor(bytes), 'token');
  const mint = stripSlashes(expectText(given(map, 'm'), 'token.m', URL_CHARS_MAX));
  const unit = expectText(given(map, 'u'), 'token.u', UNIT_CHARS_MAX);
  const memo = given(map, 'd');
  const notes: Note[] = [];
  for (const [i, entry] of expectList(given(map, 't'), 'token.t', TOKEN_NOTES_MAX).entries()) {
    const name = `token.t[${i}]`;
    const group = expectMap(entry, name);
    const keysetId = readKeysetId(given(group, 'i'), `${name}.i`, keysetIds);
    for (const [j, note] of expectList(given(group, 'p'), `${name}.p`, TOKEN_NOTES_MAX).entries())
      notes.push(readNote(note, `${name}.p[${j}]`, keysetId));
    if (notes.length > TOKEN_NOTES_MAX) checkNumber(notes.length);
  }
  checkNumber(notes.length);
  return {
    mint,
    unit,
    ...(memo === undefined ? {} : { memo: expectText(memo, 'token.d', TEXT_CHARS_MAX) }),
    notes,
  };
}

function readKeysetId(value: CborValue, name: string, known: readonly string[]): string {
  if (!(value instanceof Uint8Array) || (value.length !== 8 && value.length !== 33))
    throw new NotesError('malformed', `${name}: expected 8 or 33 bytes`);
  return expandKeysetId(toHex(value), known);
}

function readNote(value: CborValue, name: string, keysetId: string): Note {
  const map = expectMap(value, name);
  const optionalOf = <Of>(member: string, read: (of: CborValue, name: string) => Of): Of | undefined => {
    const of = given(map, member);
    return of === undefined ? undefined : read(of, `${name}.${member}`);
  };
  const dleq = optionalOf('d', readDleq);
  const conditionMet = optionalOf('w', (of, at) => witness.read(expectText(of, at, Infinity), at));
  const ephemeralKey = optionalOf('pe', readPoint);
  return {
    amount: expectUnsigned(given(map, 'a'), `${name}.a`),
    keysetId,
    secret: secret.read(expectText(given(map, 's'), `${name}.s`, Infinity), `${name}.s`),
    signature: readPoint(given(map, 'c'), `${name}.c`),
    ...(dleq === undefined ? {} : { dleq }),
    ...(conditionMet === undefined ? {} : { witness: conditionMet }),
    ...(ephemeralKey === undefined ? {} : { ephemeralKey }),
  };
}

function readPoint(value: CborValue, name: string): Uint8Array {
  const point = expectBytes(value, name, 33);
  if (!isPointForm(point)) throw new NotesError('malformed', `${name}: expected a compressed point`);
  return point;
}

function readDleq(value: CborValue, name: string): NoteDleq {
  const map = expectMap(value, name);
  const scalar = (member: string): Uint8Array => {
    const bytes = expectBytes(given(map, member), `${name}.${member}`, 32);
    if (!isScalar(bytes))
      throw new NotesError('malformed', `${name}.${member}: expected a scalar from 1 to n-1`);
    return bytes;
  };
  return { e: scalar('e'), s: scalar('s'), r: scalar('r') };
}

function writeV4({ mint, unit, memo, notes }: Token, { isShort = false }: EncodeTokenOptions): Uint8Array {
  checkNumber(notes.length);
  if (unit === undefined)
    throw new NotesError('malformed', 'token: expected a unit, which version 4 demands');
  const groups = new Map<string, CborMap[]>();
  for (const note of notes) {
    const group = groups.get(note.keysetId);
    if (group === undefined) groups.set(note.keysetId, [writeNote(note)]);
    else group.push(writeNote(note));
  }
  const entries = [...groups].map(([keysetId, group]): CborMap => {
    const written = isShort ? shortKeysetId(keysetId) : keysetId;
    const id = fromHex(written, written.length / 2);
    if (id === undefined)
      throw new NotesError('unsupported', 'keyset id: expected lower-case hex, got another');
    return new Map<string, CborValue>([
      ['i', id],
      ['p', group],
    ]);
  });
  // The order of the specification's examples.
  const token = new Map<string, CborValue>([['t', entries]]);
  if (memo !== undefined) token.set('d', memo);
  token.set('m', stripSlashes(mint));
  token.set('u', unit);
  return encodeCbor(token);
}

function writeNote(note: Note): CborMap {
  const { dleq, ephemeralKey } = note;
  const map = new Map<string, CborValue>([
    ['a', note.amount],
    ['s', note.secret],
    ['c', note.signature],
  ]);
  if (dleq !== undefined) map.set('d', new Map(Object.entries({ e: dleq.e, s: dleq.s, r: dleq.r })));
  if (note.witness !== undefined) map.set('w', note.witness);
  if (ephemeralKey !== undefined) map.set('pe', ephemeralKey);
  return map;
}
