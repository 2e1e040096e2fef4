// What a payee asks for (NUT-18): how much of what unit, of notes of which mints, under which condition, brought where.
//
//     creqA │ base64 of CBOR {i, a, u, s, m, d, t:[{t,a,g}], nut10:{k,d,t}}     NUT-18
//     creqb1 │ bech32m of tags, lengths and values                               NUT-26, see bech32.ts
import { fromBase64Url, toBase64Url } from '../base64.ts';
import {
  type CborMap,
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectList,
  expectMap,
  expectText,
  expectUnsigned,
} from '../cbor.ts';
import { NotesError } from '../errors.ts';
import {
  AMOUNT_MAX,
  PAYMENT_REQUEST_CHARS_MAX,
  PAYMENT_REQUEST_ENTRIES_MAX,
  TEXT_CHARS_MAX,
  UNIT_CHARS_MAX,
  URL_CHARS_MAX,
} from '../limits.ts';
import { decodeBech32Request } from './bech32.ts';

export interface PaymentRequest {
  /** Stands in the payment, so that the payee tells what it is for. */
  readonly id?: string;
  readonly amount?: bigint;
  /** There where an amount is. */
  readonly unit?: string;
  readonly isSingleUse?: boolean;
  /** Addresses of mints, in the payee's order; none: any. */
  readonly mints?: readonly string[];
  readonly description?: string;
  /** In the payee's order; none: where the request came from. */
  readonly transports?: readonly Transport[];
  /** What the notes' secrets must demand (NUT-10). */
  readonly condition?: RequestedCondition;
}

export type Tags = readonly (readonly string[])[];

export interface Transport {
  /** `post`: to an address; `nostr`: to a profile (NIP-19). */
  readonly type: string;
  readonly target: string;
  readonly tags?: Tags;
}

export interface RequestedCondition {
  readonly kind: string;
  readonly data: string;
  readonly tags?: Tags;
}

const CBOR_PREFIX = 'creqA';

/** Of either form. @throws NotesError */
export function decodePaymentRequest(text: string): PaymentRequest {
  if (text.length > PAYMENT_REQUEST_CHARS_MAX) {
    throw new NotesError(
      'too_large',
      `payment request: expected at most ${PAYMENT_REQUEST_CHARS_MAX} characters, got ${text.length}`,
    );
  }
  const plain = text.trim();
  const start = plain.slice(0, CBOR_PREFIX.length).toLowerCase();
  if (start === 'creqb') return checked(decodeBech32Request(plain));
  if (start !== CBOR_PREFIX.toLowerCase())
    throw new NotesError('unsupported', 'payment request: expected one that begins with creqA or creqb1');
  return checked(readRequest(decodeCbor(fromBase64Url(plain.slice(CBOR_PREFIX.length), 'payment request'))));
}

function checked(request: PaymentRequest): PaymentRequest {
  const { amount, unit } = request;
  if (amount !== undefined && amount > AMOUNT_MAX)
    throw new NotesError('malformed', 'payment request: expected an amount of at most 2^64-1');
  if (amount !== undefined && unit === undefined)
    throw new NotesError('malformed', 'payment request: expected a unit, because there is an amount');
  return request;
}

/** Undefined and absent are the same: some wallets write the one. */
const given = (map: CborMap, name: string): CborValue => map.get(name) ?? undefined;

function read<Of>(
  value: CborValue,
  name: string,
  of: (value: CborValue, name: string) => Of,
): Of | undefined {
  return value === undefined ? undefined : of(value, name);
}

/** Without what is undefined. */
function present<Of extends object>(members: { [Key in keyof Of]: Of[Key] | undefined }): Of {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)) as Of;
}

const text =
  (max: number) =>
  (value: CborValue, name: string): string =>
    expectText(value, name, max);

const list =
  <Of>(of: (value: CborValue, name: string) => Of) =>
  (value: CborValue, name: string): Of[] =>
    expectList(value, name, PAYMENT_REQUEST_ENTRIES_MAX).map((entry, i) => of(entry, `${name}[${i}]`));

function boolean(value: CborValue, name: string): boolean {
  if (typeof value !== 'boolean') throw new NotesError('malformed', `${name}: expected true or false`);
  return value;
}

const readTags = list(list(text(TEXT_CHARS_MAX)));

function readTransport(value: CborValue, name: string): Transport {
  const map = expectMap(value, name);
  return present<Transport>({
    type: expectText(given(map, 't'), `${name}.t`, UNIT_CHARS_MAX),
    target: expectText(given(map, 'a'), `${name}.a`, TEXT_CHARS_MAX),
    tags: read(given(map, 'g'), `${name}.g`, readTags),
  });
}

function readCondition(value: CborValue, name: string): RequestedCondition {
  const map = expectMap(value, name);
  return present<RequestedCondition>({
    kind: expectText(given(map, 'k'), `${name}.k`, UNIT_CHARS_MAX),
    data: expectText(given(map, 'd'), `${name}.d`, TEXT_CHARS_MAX),
    tags: read(given(map, 't'), `${name}.t`, readTags),
  });
}

function readRequest(value: CborValue): PaymentRequest {
  const map = expectMap(value, 'payment request');
  return present<PaymentRequest>({
    id: read(given(map, 'i'), 'i', text(TEXT_CHARS_MAX)),
    amount: read(given(map, 'a'), 'a', expectUnsigned),
    unit: read(given(map, 'u'), 'u', text(UNIT_CHARS_MAX)),
    isSingleUse: read(given(map, 's'), 's', boolean),
    mints: read(given(map, 'm'), 'm', list(text(URL_CHARS_MAX))),
    description: read(given(map, 'd'), 'd', text(TEXT_CHARS_MAX)),
    transports: read(given(map, 't'), 't', list(readTransport)),
    condition: read(given(map, 'nut10'), 'nut10', readCondition),
  });
}

const entries = (members: Record<string, CborValue>): CborMap =>
  new Map(Object.entries(members).filter(([, member]) => member !== undefined));

const writeTags = (tags: Tags | undefined): CborValue => tags?.map((tag) => [...tag]);

/** As NUT-18 writes it; a QR code takes less of `encodeBech32Request`'s. */
export function encodePaymentRequest(request: PaymentRequest): string {
  const { transports, condition } = checked(request);
  const map = entries({
    i: request.id,
    a: request.amount,
    u: request.unit,
    s: request.isSingleUse,
    m: request.mints && [...request.mints],
    d: request.description,
    t: transports?.map(({ type, target, tags }) => entries({ t: type, a: target, g: writeTags(tags) })),
    nut10: condition && entries({ k: condition.kind, d: condition.data, t: writeTags(condition.tags) }),
  });
  return CBOR_PREFIX + toBase64Url(encodeCbor(map));
}
