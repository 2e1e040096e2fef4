// Payment requests for QR codes (NUT-26): bech32m of fields, each a tag, a length of two bytes, and a value; fields of fields
// likewise. Capitals, which QR codes hold in fewer modules.
//
//     01 id   02 amount, 8 bytes   03 unit, 00 is sat   04 single use   05 mint*   06 description
//     07 transport*: 01 kind (0 nostr, 1 post)   02 target   03 tags*: length and text, again and again
//     08 condition:  01 kind (0 P2PK, 1 HTLC)    02 data     03 tags*
//
// A nostr target is the bare key; the relays of its profile (NIP-19) stand among the tags, under "r".
import { bech32, bech32m } from '@scure/base';
import { NotesError } from '../errors.ts';
import {
  PAYMENT_REQUEST_CHARS_MAX,
  PAYMENT_REQUEST_ENTRIES_MAX,
  TEXT_CHARS_MAX,
  UNIT_CHARS_MAX,
  URL_CHARS_MAX,
} from '../limits.ts';
import type { PaymentRequest, RequestedCondition, Tags, Transport } from './payment-request.ts';

const PREFIX = 'creqb';
const TRANSPORT_KINDS = ['nostr', 'post'];
const CONDITION_KINDS = ['P2PK', 'HTLC'];
const SAT = 'sat';
const RELAY = 'r';
const NOSTR_KEY_SIZE = 32;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const wrong = (expected: string): NotesError =>
  new NotesError('malformed', `payment request: expected ${expected}`);

function toText(bytes: Uint8Array, charsMax: number): string {
  let text: string;
  try {
    text = fromUtf8.decode(bytes);
  } catch {
    throw wrong('UTF-8');
  }
  if (text.length > charsMax)
    throw new NotesError('too_large', `payment request: expected texts of at most ${charsMax} characters`);
  return text;
}

// Fields.

interface Field {
  readonly tag: number;
  readonly value: Uint8Array;
}

function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 3) throw wrong('a tag and a length');
    const length = bytes[at + 1]! * 256 + bytes[at + 2]!;
    if (bytes.length - at - 3 < length) throw wrong('as many bytes as the length says');
    fields.push({ tag: bytes[at]!, value: bytes.subarray(at + 3, at + 3 + length) });
    at += 3 + length;
    if (fields.length > PAYMENT_REQUEST_ENTRIES_MAX)
      throw new NotesError(
        'too_large',
        `payment request: expected at most ${PAYMENT_REQUEST_ENTRIES_MAX} fields`,
      );
  }
  return fields;
}

function writeFields(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const { tag, value } of fields) {
    if (value.length > 0xffff)
      throw new NotesError('too_large', 'payment request: expected fields below 64 KiB');
    bytes.push(tag, value.length >> 8, value.length & 0xff, ...value);
  }
  return Uint8Array.from(bytes);
}

/** Of a tag that may be there once. */
function single(fields: readonly Field[], tag: number): Uint8Array | undefined {
  const found = fields.filter((field) => field.tag === tag);
  if (found.length > 1) throw wrong(`tag ${tag} once`);
  return found[0]?.value;
}

const every = (fields: readonly Field[], tag: number): Uint8Array[] =>
  fields.filter((field) => field.tag === tag).map(({ value }) => value);

function byte(value: Uint8Array | undefined, what: string): number {
  if (value?.length !== 1) throw wrong(`${what} as one byte`);
  return value[0]!;
}

// Tags of transports and conditions.

function readTag(bytes: Uint8Array): string[] {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at]!;
    if (bytes.length - at - 1 < length) throw wrong('as many bytes of a tag as its length says');
    parts.push(toText(bytes.subarray(at + 1, at + 1 + length), TEXT_CHARS_MAX));
    at += 1 + length;
  }
  if (parts.length === 0) throw wrong('a tag with a name');
  return parts;
}

function writeTag(tag: readonly string[]): Uint8Array {
  const parts = tag.map((part) => utf8.encode(part));
  if (parts.length === 0 || parts.some(({ length }) => length > 0xff))
    throw new NotesError('too_large', 'payment request: expected tags of texts of at most 255 bytes');
  return Uint8Array.from(parts.flatMap((part) => [part.length, ...part]));
}

const tagFields = (tags: Tags): Field[] => tags.map((tag) => ({ tag: 3, value: writeTag(tag) }));

// Profiles of nostr (NIP-19): 00 key, 01 relay*, each behind one byte of length.

interface Profile {
  readonly key: Uint8Array;
  readonly relays: readonly string[];
}

function readProfile(target: string): Profile {
  const { prefix, bytes } = readBech32(target);
  if (prefix === 'npub' && bytes.length === NOSTR_KEY_SIZE) return { key: bytes, relays: [] };
  if (prefix !== 'nprofile') throw wrong('npub or nprofile');
  let key: Uint8Array | undefined;
  const relays: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at + 1] ?? 0xff;
    if (bytes.length - at - 2 < length) throw wrong('a whole profile');
    const value = bytes.subarray(at + 2, at + 2 + length);
    if (bytes[at] === 0) key ??= value;
    if (bytes[at] === 1) relays.push(toText(value, URL_CHARS_MAX));
    at += 2 + length;
  }
  if (key?.length !== NOSTR_KEY_SIZE) throw wrong('a profile with a key of 32 bytes');
  return { key, relays };
}

/** Profiles are longer than the 90 characters of BIP 173. */
function readBech32(text: string): { readonly prefix: string; readonly bytes: Uint8Array } {
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`, false);
    return { prefix, bytes: bech32.fromWords(words) };
  } catch {
    throw wrong('bech32 of a nostr profile');
  }
}

function writeProfile({ key, relays }: Profile): string {
  const bytes = [0, key.length, ...key];
  for (const relay of relays) {
    const encoded = utf8.encode(relay);
    bytes.push(1, encoded.length, ...encoded);
  }
  return bech32.encode('nprofile', bech32.toWords(Uint8Array.from(bytes)), false);
}

// Transports and conditions.

function readTransport(value: Uint8Array): Transport {
  const fields = readFields(value);
  const type = TRANSPORT_KINDS[byte(single(fields, 1), 'a kind of transport')];
  const target = single(fields, 2);
  if (type === undefined || target === undefined)
    throw wrong('a transport to nostr or by post, and its target');
  const tags = every(fields, 3).map(readTag);
  if (type === 'post') return { type, target: toText(target, TEXT_CHARS_MAX), ...withTags(tags) };
  if (target.length !== NOSTR_KEY_SIZE) throw wrong('a nostr key of 32 bytes');
  const relays = tags.filter(([name]) => name === RELAY).flatMap((tag) => tag.slice(1));
  const others = tags.filter(([name]) => name !== RELAY);
  return { type, target: writeProfile({ key: target, relays }), ...withTags(others) };
}

const withTags = (tags: Tags): { tags?: Tags } => (tags.length === 0 ? {} : { tags });

function kindOf(kinds: readonly string[], name: string): Uint8Array {
  const kind = kinds.indexOf(name);
  if (kind < 0)
    throw new NotesError('unsupported', `payment request: expected one of ${kinds.join(', ')} in this form`);
  return Uint8Array.of(kind);
}

function writeTransport({ type, target, tags = [] }: Transport): Uint8Array {
  const kind = { tag: 1, value: kindOf(TRANSPORT_KINDS, type) };
  if (type === 'post') return writeFields([kind, { tag: 2, value: utf8.encode(target) }, ...tagFields(tags)]);
  const { key, relays } = readProfile(target);
  return writeFields([
    kind,
    { tag: 2, value: key },
    ...tagFields(tags),
    ...tagFields(relays.map((relay) => [RELAY, relay])),
  ]);
}

function readCondition(value: Uint8Array): RequestedCondition {
  const fields = readFields(value);
  const kind = CONDITION_KINDS[byte(single(fields, 1), 'a kind of condition')];
  const data = single(fields, 2);
  if (kind === undefined) throw new NotesError('unsupported', 'payment request: expected P2PK or HTLC');
  if (data === undefined) throw wrong("a condition's data");
  return { kind, data: toText(data, TEXT_CHARS_MAX), ...withTags(every(fields, 3).map(readTag)) };
}

function writeCondition({ kind, data, tags = [] }: RequestedCondition): Uint8Array {
  return writeFields([
    { tag: 1, value: kindOf(CONDITION_KINDS, kind) },
    { tag: 2, value: utf8.encode(data) },
    ...tagFields(tags),
  ]);
}

// The whole.

function readAmount(value: Uint8Array): bigint {
  if (value.length !== 8) throw wrong('an amount of 8 bytes');
  return new DataView(value.buffer, value.byteOffset).getBigUint64(0);
}

function writeAmount(amount: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, amount);
  return bytes;
}

function readFlag(value: Uint8Array): boolean {
  const flag = byte(value, 'single use');
  if (flag > 1) throw wrong('single use as 0 or 1');
  return flag === 1;
}

const readUnit = (value: Uint8Array): string =>
  value.length === 1 && value[0] === 0 ? SAT : toText(value, UNIT_CHARS_MAX);

/** @throws NotesError */
export function decodeBech32Request(text: string): PaymentRequest {
  if (text.length > PAYMENT_REQUEST_CHARS_MAX) {
    throw new NotesError(
      'too_large',
      `payment request: expected at most ${PAYMENT_REQUEST_CHARS_MAX} characters, got ${text.length}`,
    );
  }
  let bytes: Uint8Array;
  try {
    const { prefix, words } = bech32m.decode(text as `${string}1${string}`, false);
    if (prefix !== PREFIX) throw wrong(PREFIX);
    bytes = bech32m.fromWords(words);
  } catch (error) {
    throw error instanceof NotesError ? error : wrong('bech32m with its checksum');
  }
  const fields = readFields(bytes);
  const id = single(fields, 1);
  const amount = single(fields, 2);
  const unit = single(fields, 3);
  const isSingleUse = single(fields, 4);
  const mints = every(fields, 5);
  const description = single(fields, 6);
  const transports = every(fields, 7);
  const condition = single(fields, 8);
  return {
    ...(id && { id: toText(id, TEXT_CHARS_MAX) }),
    ...(amount && { amount: readAmount(amount) }),
    ...(unit && { unit: readUnit(unit) }),
    ...(isSingleUse && { isSingleUse: readFlag(isSingleUse) }),
    ...(mints.length > 0 && { mints: mints.map((mint) => toText(mint, URL_CHARS_MAX)) }),
    ...(description && { description: toText(description, TEXT_CHARS_MAX) }),
    ...(transports.length > 0 && { transports: transports.map(readTransport) }),
    ...(condition && { condition: readCondition(condition) }),
  };
}

/** In capitals. @throws NotesError for transports and conditions that this form has no number for */
export function encodeBech32Request(request: PaymentRequest): string {
  const { id, amount, unit, isSingleUse, mints = [], description, transports = [], condition } = request;
  if (amount !== undefined && unit === undefined) throw wrong('a unit, because there is an amount');
  const fields: Field[] = [];
  const put = (tag: number, value: Uint8Array | undefined): void => {
    if (value !== undefined) fields.push({ tag, value });
  };
  put(1, id === undefined ? undefined : utf8.encode(id));
  put(2, amount === undefined ? undefined : writeAmount(amount));
  put(3, unit === undefined ? undefined : unit === SAT ? Uint8Array.of(0) : utf8.encode(unit));
  put(4, isSingleUse === undefined ? undefined : Uint8Array.of(isSingleUse ? 1 : 0));
  for (const mint of mints) put(5, utf8.encode(mint));
  put(6, description === undefined ? undefined : utf8.encode(description));
  for (const transport of transports) put(7, writeTransport(transport));
  put(8, condition === undefined ? undefined : writeCondition(condition));
  return bech32m.encode(PREFIX, bech32m.toWords(writeFields(fields)), false).toUpperCase();
}
