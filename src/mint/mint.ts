// A mint of this machine: keysets, note book and quotes behind Cashu's interface.

import { type BatchMintRequest, checkBatch, checkBatchForm } from '../notes/batch-mint.ts';
import { NotesError } from '../notes/errors.ts';
import { mintErrorOf } from '../notes/json/error.ts';
import type { CachedEndpoint, MethodSettings, MintInfo } from '../notes/json/info.ts';
import type { KeysAnswer, KeysetsAnswer } from '../notes/json/keys.ts';
import type {
  MeltQuote,
  MeltQuoteRequest,
  MeltQuoteState,
  MeltRequest,
  MintQuote,
  MintQuoteRequest,
  MintQuoteState,
  MintQuotesRequest,
  MintRequest,
} from '../notes/json/quotes.ts';
import type { NoteState, StatesAnswer, StatesRequest } from '../notes/json/states.ts';
import type { RestoreAnswer, RestoreRequest, SignaturesAnswer, SwapRequest } from '../notes/json/swap.ts';
import { QUOTES_MAX } from '../notes/limits.ts';
import type { BlindedMessage, BlindSignature } from '../notes/note.ts';
import { isPoint } from '../notes/point.ts';
import { isQuoteSignature } from '../notes/quote-signature.ts';
import { checkMelt, checkMint, checkQuote, checkRestore, checkStates } from './checks.ts';
import { badRequest, MintRefused, refused } from './errors.ts';
import { blindSignature, Exchange, type ExchangeOptions, NANOSECONDS } from './exchange.ts';
import { type BookReads, NoteBookError, type TakenNote } from './note-book.ts';
import {
  type MeltQuoteRecord,
  type MintQuoteRecord,
  type QuoteRefusal,
  quoteName,
  quoteNumber,
} from './quotes.ts';
import type { MintMethod, MintOptions, MintService } from './service.ts';

const QUOTE_BYTES = 16;
/** Forms of the message that a quote's key may have signed. */
const QUOTE_TRIES = 2;

export class Mint implements MintService {
  readonly #options: MintOptions;
  readonly #exchange: Exchange;

  constructor(options: MintOptions & Pick<ExchangeOptions, 'afterTurn' | 'waitingMax'>) {
    this.#options = options;
    this.#exchange = new Exchange(options);
  }

  async info(): Promise<MintInfo> {
    const { about, minting, melting, clock } = this.#options;
    return {
      ...about,
      time: clock() / NANOSECONDS,
      nuts: {
        mint: this.#settings(minting),
        melt: this.#settings(melting),
        ...(minting === undefined
          ? {}
          : { batchMint: { maxBatchSize: QUOTES_MAX, methods: [minting.name] } }),
        cached: { endpoints: this.#repeatable() },
        supported: [7, 9, 10, 11, 12, 14, ...(minting === undefined ? [] : [20])],
      },
    };
  }

  /** What is answered alike when it comes again, for ever. */
  #repeatable(): CachedEndpoint[] {
    const { minting, melting } = this.#options;
    const paths = ['/v1/swap'];
    if (minting !== undefined) paths.push(`/v1/mint/${minting.name}`, `/v1/mint/${minting.name}/batch`);
    if (melting !== undefined) paths.push(`/v1/melt/${melting.name}`);
    return paths.map((path) => ({ method: 'POST', path }));
  }

  #settings(method: MintMethod<unknown, unknown> | undefined): MethodSettings {
    if (method === undefined) return { methods: [], isDisabled: true };
    const { name, amountMin, amountMax } = method;
    return {
      methods: this.#options.keysets.units.map((unit) => ({
        method: name,
        unit,
        minAmount: amountMin,
        maxAmount: amountMax,
      })),
      isDisabled: false,
    };
  }

  async keys(keysetId?: string): Promise<KeysAnswer> {
    const { keysets } = this.#options;
    if (keysetId === undefined) return { keysets: keysets.all.filter(({ isActive }) => isActive) };
    const keyset = keysets.get(keysetId);
    if (keyset === undefined) throw refused('keyset_unknown');
    return { keysets: [keyset] };
  }

  async keysets(): Promise<KeysetsAnswer> {
    return { keysets: this.#options.keysets.all };
  }

  swap(request: SwapRequest): Promise<SignaturesAnswer> {
    return refusing(this.#exchange.swap(request));
  }

  async openMintQuote(method: string, request: MintQuoteRequest): Promise<MintQuote> {
    const { store, keysets } = this.#options;
    const { quotes, backend, expirySeconds, ...limits } = this.#minting(method);
    const { amount, unit, publicKey } = request;
    const refusal = checkQuote(request, limits, keysets);
    if (refusal !== undefined) throw refusal;
    if (publicKey !== undefined && !isPoint(publicKey))
      throw badRequest('pubkey: expected a point, got other bytes');
    const { number, now, expiry } = this.#newQuote(expirySeconds);
    const opened = { number, quote: quoteName(number), amount, unit, expiry };
    const quote = { amount, unit, request: backend.mintRequest(opened), expiry, publicKey };
    await store.transaction((tx) => quotes.add(tx, number, quote, now));
    return this.#mintQuote(method, number, { ...quote, state: 'unpaid', payment: undefined });
  }

  async mintQuote(method: string, quote: string): Promise<MintQuote> {
    const { quotes } = this.#minting(method);
    const number = numberOf(quote);
    return this.#mintQuote(method, number, known(quotes.read(this.#options.store, number)));
  }

  #mintQuote(method: string, number: bigint, quote: MintQuoteRecord): MintQuote {
    const { request, amount, unit, expiry, publicKey } = quote;
    return {
      quote: quoteName(number),
      request,
      amount,
      unit,
      method,
      state: MINT_STATES[quote.state],
      amountPaid: quote.state === 'paid' || quote.state === 'issued' ? amount : 0n,
      amountIssued: quote.state === 'issued' ? amount : 0n,
      expiry,
      ...(publicKey === undefined ? {} : { publicKey }),
    };
  }

  mint(method: string, request: MintRequest): Promise<SignaturesAnswer> {
    return refusing(this.#mint(method, request));
  }

  async #mint(method: string, { quote, outputs, signature }: MintRequest): Promise<SignaturesAnswer> {
    const { store, keysets, book, clock } = this.#options;
    const { quotes } = this.#minting(method);
    const number = numberOf(quote);
    const record = known(quotes.read(store, number));
    const refusal = checkMint(outputs, record, keysets, clock() / NANOSECONDS);
    // Signed before its keyset was retired, the answer may be asked for after.
    if (refusal !== undefined && record.state !== 'issued') throw refusal;
    const { publicKey } = record;
    // Whoever has its id may know whether it is paid.
    if (record.state !== 'paid' && record.state !== 'issued') throw refused('quote_not_paid');
    if (publicKey !== undefined) {
      const { failedTries } = this.#exchange;
      failedTries.expectRoom(clock());
      const isSigned = signature !== undefined && isQuoteSignature(signature, quote, outputs, publicKey);
      if (!isSigned) {
        failedTries.add(QUOTE_TRIES, clock());
        throw refused('quote_signature');
      }
    }
    if (record.state === 'issued') return { signatures: this.#issuedBefore(store, number, outputs) };

    const signed = await this.#exchange.sign(outputs);
    const signatures = await store.transaction((tx) => {
      const { state } = known(quotes.read(tx, number));
      if (state === 'issued') return this.#issuedBefore(tx, number, outputs);
      const late = this.#exchange.signedBefore(tx, outputs);
      if (late !== undefined) throw late;
      quotes.markIssued(tx, number);
      book.sign(tx, signed, number, clock());
      return signed.map(blindSignature);
    });
    return { signatures };
  }

  async mintQuotes(method: string, { quotes: asked }: MintQuotesRequest): Promise<readonly MintQuote[]> {
    const { quotes } = this.#minting(method);
    if (asked.length > QUOTES_MAX) throw refused('batch_too_large');
    return asked.flatMap((quote) => {
      const number = quoteNumber(quote);
      const record = number === undefined ? undefined : quotes.read(this.#options.store, number);
      return record === undefined ? [] : [this.#mintQuote(method, number!, record)];
    });
  }

  mintBatch(method: string, request: BatchMintRequest): Promise<SignaturesAnswer> {
    return refusing(this.#mintBatch(method, request));
  }

  /** All of the quotes, or none; each whole. */
  async #mintBatch(method: string, request: BatchMintRequest): Promise<SignaturesAnswer> {
    const { store, keysets, book, clock } = this.#options;
    const { quotes } = this.#minting(method);
    checkBatchForm(request);
    const { outputs } = request;
    const numbers = request.quotes.map(numberOf);
    // What was signed is by the first, so that the same again is recognised.
    const [first] = numbers as [bigint];
    const areIssued = (reads: BookReads): boolean =>
      numbers.every((number) => quotes.read(reads, number)?.state === 'issued');
    if (areIssued(store)) return { signatures: this.#issuedBefore(store, first, outputs) };
    const records = numbers.map((number) => known(quotes.read(store, number)));
    const locked = records.filter(({ publicKey }) => publicKey !== undefined).length;
    const { failedTries } = this.#exchange;
    if (locked > 0) failedTries.expectRoom(clock());
    try {
      checkBatch(
        request,
        records.map(({ state, unit, amount, publicKey }) => ({
          method,
          unit,
          mintable: state === 'paid' ? amount : 0n,
          ...(publicKey === undefined ? {} : { publicKey }),
        })),
        method,
      );
    } catch (error) {
      if (error instanceof NotesError && error.mintError === 'quote_signature')
        failedTries.add(QUOTE_TRIES * locked, clock());
      throw error;
    }
    const isWhole = request.quoteAmounts?.every((amount, i) => amount === records[i]!.amount) ?? true;
    if (!isWhole) throw refused('amounts_differ', 'quote_amounts: expected each quote to be minted whole');
    const amount = records.reduce((sum, record) => sum + record.amount, 0n);
    const refusal = checkMint(outputs, { unit: records[0]!.unit, amount }, keysets, clock() / NANOSECONDS);
    if (refusal !== undefined) throw refusal;

    const signed = await this.#exchange.sign(outputs);
    const signatures = await store.transaction((tx) => {
      if (areIssued(tx)) return this.#issuedBefore(tx, first, outputs);
      for (const number of numbers)
        if (known(quotes.read(tx, number)).state !== 'paid') throw refused('quote_issued');
      const late = this.#exchange.signedBefore(tx, outputs);
      if (late !== undefined) throw late;
      for (const number of numbers) quotes.markIssued(tx, number);
      book.sign(tx, signed, first, clock());
      return signed.map(blindSignature);
    });
    return { signatures };
  }

  /** Asked again with the same outputs, the answer is the same (NUT-19). */
  #issuedBefore(reads: BookReads, number: bigint, outputs: readonly BlindedMessage[]): BlindSignature[] {
    const before = this.#exchange.signedBy(reads, number, outputs);
    if (before === undefined || before.length === 0) throw refused('quote_issued');
    return before;
  }

  async openMeltQuote(method: string, request: MeltQuoteRequest): Promise<MeltQuote> {
    const { store, keysets } = this.#options;
    const { quotes, backend, expirySeconds, ...limits } = this.#melting(method);
    const { unit, amount } = request;
    if (keysets.active(unit) === undefined) throw refused('unit_not_supported');
    const terms = await backend.meltTerms({ request: request.request, unit, amount });
    const refusal = checkQuote({ unit, amount: terms.amount }, limits, keysets);
    if (refusal !== undefined) throw refusal;
    const { number, now, expiry } = this.#newQuote(expirySeconds);
    const quote = { amount: terms.amount, unit, request: request.request, expiry };
    await store.transaction((tx) => quotes.add(tx, number, quote, now));
    return this.#meltQuote(method, number, { ...quote, state: 'unpaid' });
  }

  async meltQuote(method: string, quote: string): Promise<MeltQuote> {
    const { quotes } = this.#melting(method);
    const number = numberOf(quote);
    return this.#meltQuote(method, number, known(quotes.read(this.#options.store, number)));
  }

  #meltQuote(method: string, number: bigint, record: MeltQuoteRecord): MeltQuote {
    const { request, amount, unit, expiry, state } = record;
    return {
      quote: quoteName(number),
      request,
      amount,
      unit,
      method,
      feeReserve: 0n,
      state: MELT_STATES[state],
      expiry,
    };
  }

  melt(method: string, request: MeltRequest): Promise<MeltQuote> {
    return refusing(this.#melt(method, request));
  }

  async #melt(method: string, { quote, inputs, outputs = [] }: MeltRequest): Promise<MeltQuote> {
    const { store, keysets, clock } = this.#options;
    const { quotes, backend } = this.#melting(method);
    const number = numberOf(quote);
    const record = known(quotes.read(store, number));
    const { request, amount, unit } = record;
    const refusal = checkMelt(inputs, record, keysets, clock() / NANOSECONDS);
    if (refusal !== undefined) throw refusal;
    const notes = await this.#exchange.verified(inputs, outputs, quote);
    const order = { number, quote, request, unit, amount, notes };
    const isOwn = sameNotes(
      quotes.noteIds(store, number),
      notes.map(({ noteId }) => noteId),
    );
    // Asked again by who has asked before, it says how it stands; anybody else comes too late.
    if (record.state === 'paid' && !isOwn) throw refused('already_paid');
    if (record.state === 'pending' && !isOwn) throw refused('quote_pending');
    if (record.state !== 'paid') await backend.melt(order);
    return this.#meltQuote(method, number, known(quotes.read(store, number)));
  }

  async states({ noteIds }: StatesRequest): Promise<StatesAnswer> {
    const { store, book } = this.#options;
    const refusal = checkStates(noteIds);
    if (refusal !== undefined) throw refusal;
    return { states: noteIds.map((noteId) => noteState(noteId, book.taken(store, noteId))) };
  }

  async restore({ outputs }: RestoreRequest): Promise<RestoreAnswer> {
    const { store, book } = this.#options;
    const refusal = checkRestore(outputs);
    if (refusal !== undefined) throw refusal;
    const found = outputs.flatMap(({ blinded }) => {
      const signed = book.signed(store, blinded);
      return signed === undefined ? [] : [signed];
    });
    return {
      outputs: found.map(({ amount, keysetId, blinded }) => ({ amount, keysetId, blinded })),
      signatures: found.map(blindSignature),
    };
  }

  #minting(method: string): NonNullable<MintOptions['minting']> {
    const { minting } = this.#options;
    if (minting === undefined) throw refused('minting_disabled');
    expectMethod(method, minting.name);
    return minting;
  }

  #melting(method: string): NonNullable<MintOptions['melting']> {
    const { melting } = this.#options;
    if (melting === undefined) throw badRequest('melting is disabled');
    expectMethod(method, melting.name);
    return melting;
  }

  /** Times in Unix seconds. */
  #newQuote(expirySeconds: number): { number: bigint; now: bigint; expiry: bigint } {
    const { randomBytes, clock } = this.#options;
    const now = clock() / NANOSECONDS;
    const number = BigInt(`0x${Buffer.from(randomBytes(QUOTE_BYTES)).toString('hex')}`);
    return { number, now, expiry: now + BigInt(expirySeconds) };
  }
}

/**
 * What a rule of src/notes refuses is a refusal of the mint. So is what the book does not sign, although it has not been
 * signed: a role may keep outputs for a request that is under way.
 */
async function refusing<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotesError) throw new MintRefused(mintErrorOf(error));
    if (error instanceof NoteBookError && error.fault === 'output_signed') throw refused('outputs_pending');
    throw error;
  }
}

/** Being paid is not being paid. */
const MINT_STATES: Record<MintQuoteRecord['state'], MintQuoteState> = {
  unpaid: 'UNPAID',
  paying: 'UNPAID',
  paid: 'PAID',
  issued: 'ISSUED',
};

const MELT_STATES: Record<MeltQuoteRecord['state'], MeltQuoteState> = {
  unpaid: 'UNPAID',
  pending: 'PENDING',
  paid: 'PAID',
};

function expectMethod(asked: string, offered: string): void {
  if (asked !== offered) throw badRequest(`method: expected ${offered}, got another`);
}

const quoteUnknown = (): MintRefused => badRequest('quote: expected one that is known, got another');

function numberOf(quote: string): bigint {
  const number = quoteNumber(quote);
  if (number === undefined) throw quoteUnknown();
  return number;
}

function known<Quote>(quote: Quote | undefined): Quote {
  if (quote === undefined) throw quoteUnknown();
  return quote;
}

function sameNotes(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  const names = new Set(left.map((id) => Buffer.from(id).toString('latin1')));
  return left.length === right.length && right.every((id) => names.has(Buffer.from(id).toString('latin1')));
}

function noteState(noteId: Uint8Array, taken: TakenNote | undefined): NoteState {
  if (taken === undefined) return { noteId, state: 'UNSPENT' };
  const { state, witness } = taken;
  return {
    noteId,
    state: state === 'spent' ? 'SPENT' : 'PENDING',
    ...(witness === undefined ? {} : { witness }),
  };
}

/** What a backend answers when MeltQuotes.begin, or MintQuotes.beginPayment, refuses. */
export function quoteRefused(refusal: QuoteRefusal): MintRefused {
  return refusal === 'quote_unknown' ? quoteUnknown() : refused(refusal);
}
