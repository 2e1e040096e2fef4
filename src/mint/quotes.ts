// Quotes: what is asked of a mint before money moves (NUT-04, NUT-05). Functions of a transaction, as the note book is: whoever
// pays writes the quote together with what it stands for.
//
//     mint   unpaid ─beginPayment─▶ paying ─markPaid─▶ paid ─issue─▶ issued
//               ▲╰──────────────────── markPaid ────────▲
//               ╰─ cancelPayment ──────╯
//     melt   unpaid ─begin─▶ pending ─end─▶ paid
//               ▲╰────── end: failed ───╯
//
// From the moment that somebody begins to pay a quote it does not expire: money that has moved finds its quote. Unpaid ones are
// forgotten after their expiry, when others are opened. So many are open at a time and no more: beyond, a new one takes the place
// of the oldest, so that whoever opens them by the thousand shortens the time that others have, and shuts nobody out.
//
//     mint-quotes, melt-quotes   number ▶ record           open-quotes      'mint', 'melt' ▶ how many are unpaid
//     melt-notes                 number ▶ Y of each note   expiring-quotes  kind, expiry, number ▶ nothing

import { INPUTS_MAX, REQUEST_CHARS_MAX, UNIT_CHARS_MAX } from '../notes/limits.ts';
import { U64_MAX } from '../shared/bytes.ts';
import {
  bytes,
  type Codec,
  type Infer,
  list,
  oneOf,
  optional,
  struct,
  text,
  u64,
  u128,
} from '../shared/codec.ts';
import { idOfKey, keyOf } from '../store/key.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { BookReads, BookWrites, IncomingNote, NoteBook } from './note-book.ts';
import type { MeltOrder } from './service.ts';

const POINT_BYTES = 33;
/** UTF-8 of a request: what a payer needs, or who is to be paid. */
const REQUEST_BYTES_MAX = 4 * REQUEST_CHARS_MAX;

/** Unpaid quotes of either kind, 200 bytes each on average. Beyond: the oldest is forgotten. */
export const OPEN_QUOTES_MAX = 100_000;
/** Quotes that one transaction forgets. */
const FORGOTTEN_MAX = 64;

const MintQuoteRecord = struct({
  state: oneOf('unpaid', 'paying', 'paid', 'issued'),
  amount: u64,
  unit: text(UNIT_CHARS_MAX),
  /** What the payer needs. */
  request: text(REQUEST_BYTES_MAX),
  /** Unix seconds. */
  expiry: u64,
  /** NUT-20 */
  publicKey: optional(bytes(POINT_BYTES)),
  /** Who pays, or has paid. */
  payment: optional(u128),
});
export type MintQuoteRecord = Infer<typeof MintQuoteRecord>;

const MeltQuoteRecord = struct({
  state: oneOf('unpaid', 'pending', 'paid'),
  amount: u64,
  unit: text(UNIT_CHARS_MAX),
  /** Whom to pay. */
  request: text(REQUEST_BYTES_MAX),
  /** Unix seconds. */
  expiry: u64,
});
export type MeltQuoteRecord = Infer<typeof MeltQuoteRecord>;

const NoteIds = list(bytes(POINT_BYTES), INPUTS_MAX);

/** Why a quote is not paid, minted or melted. */
export type QuoteRefusal =
  | 'quote_unknown'
  | 'quote_expired'
  /** Somebody else pays it just now; or of a melt: it is under way. */
  | 'quote_pending'
  | 'already_paid'
  /** Of a melt: some of the notes are spent, or held for something else. */
  | 'notes_spent'
  | 'notes_pending';

/** What must not be written: the transaction must throw it on. */
export class QuoteError extends Error {
  override readonly name = 'QuoteError';
}

type Kind = 'mint' | 'melt';
const KIND_BYTES: Record<Kind, Uint8Array> = { mint: Uint8Array.of(1), melt: Uint8Array.of(2) };
const KIND_KEYS: Record<Kind, Uint8Array> = { mint: Buffer.from('mint'), melt: Buffer.from('melt') };
const TABLES: Record<Kind, string> = { mint: 'mint-quotes', melt: 'melt-quotes' };
const OPEN = 'open-quotes';
const EXPIRING = 'expiring-quotes';
const MELT_NOTES = 'melt-notes';
const NOTHING = new Uint8Array(0);

/** A quote's id, which nobody can guess: its number in hex. */
export const quoteName = (number: bigint): string => number.toString(16).padStart(32, '0');

/** undefined: not the form of an id. */
export const quoteNumber = (quote: string): bigint | undefined =>
  /^[0-9a-f]{32}$/.test(quote) ? BigInt(`0x${quote}`) : undefined;

function secondsKey(seconds: bigint): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, seconds);
  return key;
}

const expiringKey = (kind: Kind, expiry: bigint, number: bigint): Uint8Array =>
  keyOf(KIND_BYTES[kind], secondsKey(expiry), number);

/** Unpaid quotes of one kind: how many, and which expire when. */
class OpenQuotes {
  readonly #kind: Kind;
  readonly #openMax: bigint;

  constructor(kind: Kind, openMax: number) {
    this.#kind = kind;
    this.#openMax = BigInt(openMax);
  }

  count(reads: BookReads): bigint {
    const stored = reads.get(OPEN, KIND_KEYS[this.#kind]);
    return stored === undefined ? 0n : u64.decode(stored);
  }

  /** Expired ones; the oldest too, while there is no room for one more. @param now Unix seconds */
  forget(tx: StoreTransaction, now: bigint): void {
    const prefix = KIND_BYTES[this.#kind];
    const bounds = { from: keyOf(prefix, secondsKey(0n)), to: keyOf(prefix, secondsKey(U64_MAX)) };
    for (const { key } of tx.range(EXPIRING, { ...bounds, limit: FORGOTTEN_MAX })) {
      const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
      const expiry = view.getBigUint64(1);
      if (expiry > now && this.count(tx) < this.#openMax) return;
      const number = idOfKey(key, 9);
      this.remove(tx, expiry, number);
      tx.remove(TABLES[this.#kind], number);
    }
  }

  add(tx: BookWrites, expiry: bigint, number: bigint): void {
    tx.put(EXPIRING, expiringKey(this.#kind, expiry, number), NOTHING);
    tx.put(OPEN, KIND_KEYS[this.#kind], u64.encode(this.count(tx) + 1n));
  }

  remove(tx: BookWrites, expiry: bigint, number: bigint): void {
    const count = this.count(tx);
    if (count === 0n) throw new QuoteError('open quotes: expected one at least, got none');
    tx.remove(EXPIRING, expiringKey(this.#kind, expiry, number));
    tx.put(OPEN, KIND_KEYS[this.#kind], u64.encode(count - 1n));
  }
}

class QuoteTable<Of extends { readonly expiry: bigint }> {
  readonly open: OpenQuotes;
  readonly #table: string;
  readonly #codec: Codec<Of>;

  constructor(kind: Kind, codec: Codec<Of>, openMax: number) {
    this.open = new OpenQuotes(kind, openMax);
    this.#table = TABLES[kind];
    this.#codec = codec;
  }

  read(reads: BookReads, number: bigint): Of | undefined {
    const stored = reads.get(this.#table, number);
    return stored && this.#codec.decode(stored);
  }

  expected(reads: BookReads, number: bigint): Of {
    const record = this.read(reads, number);
    if (record === undefined)
      throw new QuoteError(`quote ${quoteName(number)}: expected one that is known, got none`);
    return record;
  }

  write(tx: BookWrites, number: bigint, record: Of): void {
    tx.put(this.#table, number, this.#codec.encode(record));
  }

  add(tx: StoreTransaction, number: bigint, record: Of, now: bigint): void {
    this.open.forget(tx, now);
    if (this.read(tx, number) !== undefined)
      throw new QuoteError(`quote ${quoteName(number)}: expected a new one, got one that is known`);
    this.write(tx, number, record);
    this.open.add(tx, record.expiry, number);
  }
}

const wrongState = (number: bigint, expected: string, got: string): QuoteError =>
  new QuoteError(`quote ${quoteName(number)}: expected it to be ${expected}, got ${got}`);

export interface QuoteLimits {
  readonly openMax?: number;
}

/** Times are Unix seconds. */
export class MintQuotes {
  readonly #quotes: QuoteTable<MintQuoteRecord>;

  constructor({ openMax = OPEN_QUOTES_MAX }: QuoteLimits = {}) {
    this.#quotes = new QuoteTable('mint', MintQuoteRecord, openMax);
  }

  read(reads: BookReads, number: bigint): MintQuoteRecord | undefined {
    return this.#quotes.read(reads, number);
  }

  /** When too many are open, the oldest is forgotten. */
  add(
    tx: StoreTransaction,
    number: bigint,
    quote: Omit<MintQuoteRecord, 'state' | 'payment'>,
    now: bigint,
  ): void {
    this.#quotes.add(tx, number, { ...quote, state: 'unpaid', payment: undefined }, now);
  }

  /** Whether the request may pay it now, or pays it already. @param request names the payment, for ever */
  checkPayment(reads: BookReads, number: bigint, request: bigint, now: bigint): QuoteRefusal | undefined {
    const quote = this.#quotes.read(reads, number);
    if (quote === undefined) return 'quote_unknown';
    if (quote.state !== 'unpaid' && quote.payment === request) return undefined;
    if (quote.state === 'paying') return 'quote_pending';
    if (quote.state !== 'unpaid') return 'already_paid';
    return quote.expiry <= now ? 'quote_expired' : undefined;
  }

  /** Before money moves for it. From here on it does not expire. @returns why not: nothing was written */
  beginPayment(tx: BookWrites, number: bigint, request: bigint, now: bigint): QuoteRefusal | undefined {
    const refusal = this.checkPayment(tx, number, request, now);
    if (refusal !== undefined) return refusal;
    const quote = this.#quotes.expected(tx, number);
    if (quote.state !== 'unpaid') return undefined;
    this.#quotes.open.remove(tx, quote.expiry, number);
    this.#quotes.write(tx, number, { ...quote, state: 'paying', payment: request });
    return undefined;
  }

  /** The money has moved. @throws QuoteError when another request pays it, or has */
  markPaid(tx: BookWrites, number: bigint, request: bigint): void {
    const quote = this.#quotes.expected(tx, number);
    const isOwn = quote.payment === request;
    if (isOwn && (quote.state === 'paid' || quote.state === 'issued')) return;
    if (quote.state === 'unpaid') this.#quotes.open.remove(tx, quote.expiry, number);
    else if (!(isOwn && quote.state === 'paying'))
      throw wrongState(number, `unpaid, or paid by request ${request}`, quote.state);
    this.#quotes.write(tx, number, { ...quote, state: 'paid', payment: request });
  }

  /** No money will move for it by that request. */
  cancelPayment(tx: BookWrites, number: bigint, request: bigint): void {
    const quote = this.#quotes.expected(tx, number);
    if (quote.payment !== request) return;
    if (quote.state !== 'paying') throw wrongState(number, 'not yet paid', quote.state);
    this.#quotes.open.add(tx, quote.expiry, number);
    this.#quotes.write(tx, number, { ...quote, state: 'unpaid', payment: undefined });
  }

  /** Its notes are signed in the same transaction. @throws QuoteError unless it is paid */
  markIssued(tx: BookWrites, number: bigint): void {
    const quote = this.#quotes.expected(tx, number);
    if (quote.state !== 'paid') throw wrongState(number, 'paid', quote.state);
    this.#quotes.write(tx, number, { ...quote, state: 'issued' });
  }
}

/** Times are Unix seconds, but those of the note book nanoseconds. */
export class MeltQuotes {
  readonly #quotes: QuoteTable<MeltQuoteRecord>;
  readonly #book: NoteBook;

  constructor(book: NoteBook, { openMax = OPEN_QUOTES_MAX }: QuoteLimits = {}) {
    this.#book = book;
    this.#quotes = new QuoteTable('melt', MeltQuoteRecord, openMax);
  }

  read(reads: BookReads, number: bigint): MeltQuoteRecord | undefined {
    return this.#quotes.read(reads, number);
  }

  /** Y of the notes that it is paid with: of one that is pending or paid. */
  noteIds(reads: BookReads, number: bigint): readonly Uint8Array[] {
    const stored = reads.get(MELT_NOTES, number);
    return stored === undefined ? [] : NoteIds.decode(stored);
  }

  /** When too many are open, the oldest is forgotten. */
  add(tx: StoreTransaction, number: bigint, quote: Omit<MeltQuoteRecord, 'state'>, now: bigint): void {
    this.#quotes.add(tx, number, { ...quote, state: 'unpaid' }, now);
  }

  /** The notes are held for it. @param at nanoseconds @returns why not: nothing was written */
  begin(
    tx: BookWrites,
    { number, notes }: Pick<MeltOrder, 'number' | 'notes'>,
    at: bigint,
  ): QuoteRefusal | undefined {
    const quote = this.#quotes.read(tx, number);
    if (quote === undefined) return 'quote_unknown';
    if (quote.state === 'pending') return 'quote_pending';
    if (quote.state === 'paid') return 'already_paid';
    if (quote.expiry <= at / NANOSECONDS) return 'quote_expired';
    const noteIds = notes.map(({ noteId }) => noteId);
    const conflict = this.#book.conflict(tx, noteIds);
    if (conflict !== undefined) return conflict.taken.state === 'spent' ? 'notes_spent' : 'notes_pending';
    this.#book.hold(tx, notes, number, at);
    this.#quotes.open.remove(tx, quote.expiry, number);
    this.#quotes.write(tx, number, { ...quote, state: 'pending' });
    tx.put(MELT_NOTES, number, NoteIds.encode(noteIds));
    return undefined;
  }

  /** `paid`: its notes are spent. `failed`: they are free again, and it may be tried again. @param at nanoseconds @throws QuoteError unless pending */
  end(tx: BookWrites, number: bigint, outcome: 'paid' | 'failed', at: bigint): void {
    const quote = this.#quotes.expected(tx, number);
    if (quote.state !== 'pending') throw wrongState(number, 'pending', quote.state);
    const noteIds = this.noteIds(tx, number);
    if (outcome === 'paid') {
      const held = noteIds.map((noteId): IncomingNote => {
        const taken = this.#book.taken(tx, noteId);
        if (taken === undefined)
          throw new QuoteError(`quote ${quoteName(number)}: expected its notes to be held, got one free`);
        return { noteId, ...taken };
      });
      this.#book.spend(tx, held, number, at);
      this.#quotes.write(tx, number, { ...quote, state: 'paid' });
      return;
    }
    this.#book.release(tx, noteIds, number);
    tx.remove(MELT_NOTES, number);
    this.#quotes.open.add(tx, quote.expiry, number);
    this.#quotes.write(tx, number, { ...quote, state: 'unpaid' });
  }
}

const NANOSECONDS = 1_000_000_000n;
