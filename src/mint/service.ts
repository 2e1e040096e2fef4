// A mint as others see it: the operations of Cashu's interface, typed. Four things are one: a mint of this machine (Mint), one
// elsewhere (MintClient), one that two roles make up (joinMints), and whatever a test puts there.
//
//     HTTP server ─┐                        ┌─ Mint (keysets, note book, quotes) ─▶ store
//     mint_call   ─┴─▶ mintCall ─▶ MintService
//                                           ├─ MintClient ─▶ fetch, or a channel's mint_call
//                                           └─ joinMints(issuer's, receiver's)
//
// Refusals are thrown: MintRefused. Whatever else is thrown is a fault, of which a client learns nothing.

import type { BatchNoteCrypto, NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import type { Clock } from '../ledger/clock.ts';
import type { BatchMintRequest } from '../notes/batch-mint.ts';
import type { MintInfo } from '../notes/json/info.ts';
import type { KeysAnswer, KeysetsAnswer } from '../notes/json/keys.ts';
import type {
  MeltQuote,
  MeltQuoteRequest,
  MeltRequest,
  MintQuote,
  MintQuoteRequest,
  MintQuotesRequest,
  MintRequest,
} from '../notes/json/quotes.ts';
import type { StatesAnswer, StatesRequest } from '../notes/json/states.ts';
import type { RestoreAnswer, RestoreRequest, SignaturesAnswer, SwapRequest } from '../notes/json/swap.ts';
import type { RoleStore } from '../store/store.ts';
import type { MintKeysets } from './keysets.ts';
import type { IncomingNote, NoteBook } from './note-book.ts';
import type { MeltQuotes, MintQuotes } from './quotes.ts';

export interface MintService {
  /** NUT-06 */
  info(): Promise<MintInfo>;
  /** NUT-01: of the active keysets, or of one by its id. */
  keys(keysetId?: string): Promise<KeysAnswer>;
  /** NUT-02: all there ever were. */
  keysets(): Promise<KeysetsAnswer>;
  /** NUT-03 */
  swap(request: SwapRequest): Promise<SignaturesAnswer>;
  /** NUT-04 */
  openMintQuote(method: string, request: MintQuoteRequest): Promise<MintQuote>;
  mintQuote(method: string, quote: string): Promise<MintQuote>;
  mint(method: string, request: MintRequest): Promise<SignaturesAnswer>;
  /** NUT-29: those that are known, in the order of the request. */
  mintQuotes(method: string, request: MintQuotesRequest): Promise<readonly MintQuote[]>;
  mintBatch(method: string, request: BatchMintRequest): Promise<SignaturesAnswer>;
  /** NUT-05 */
  openMeltQuote(method: string, request: MeltQuoteRequest): Promise<MeltQuote>;
  meltQuote(method: string, quote: string): Promise<MeltQuote>;
  melt(method: string, request: MeltRequest): Promise<MeltQuote>;
  /** NUT-07 */
  states(request: StatesRequest): Promise<StatesAnswer>;
  /** NUT-09 */
  restore(request: RestoreRequest): Promise<RestoreAnswer>;
}

export type MintOperation = keyof MintService;

/** What a role makes of minting: who pays a quote, and how. It says so by Quotes.markPaid, in a transaction of its own. */
export interface MintBackend {
  /** What the payer needs: the quote's `request`. @throws MintRefused */
  mintRequest(quote: OpenedQuote): string;
}

/** What a role makes of melting: whom notes pay, and how. */
export interface MeltBackend {
  /** Whether that payee can be paid. @throws MintRefused, `amountless_request` when it does not say how much */
  meltTerms(request: AskedMelt): MeltTerms | Promise<MeltTerms>;
  /**
   * Pays for the notes, which have been verified. The backend holds them in the transaction that admits the payment
   * (MeltQuotes.begin, which checks what others may have done meanwhile) and ends that later (MeltQuotes.end). Asked again for a quote
   * that is PENDING it says where that stands. A quote whose payment has
   * failed may be melted again: that is another payment.
   * @throws MintRefused when nothing was paid and the notes are free
   */
  melt(order: MeltOrder): Promise<'paid' | 'pending'>;
}

export interface OpenedQuote {
  /** The quote's id is this number in 32 hex digits. */
  readonly number: bigint;
  readonly quote: string;
  readonly amount: bigint;
  readonly unit: string;
  /** Unix seconds. */
  readonly expiry: bigint;
}

export interface AskedMelt {
  readonly request: string;
  readonly unit: string;
  readonly amount: bigint | undefined;
}

export interface MeltTerms {
  readonly amount: bigint;
}

export interface MeltOrder {
  /** Of the quote: the request of the notes that are held for it. */
  readonly number: bigint;
  readonly quote: string;
  /** Whom to pay. */
  readonly request: string;
  readonly unit: string;
  /** What the payee gets. */
  readonly amount: bigint;
  /** Worth the amount and the fee of their keysets. */
  readonly notes: readonly IncomingNote[];
}

/** What a mint of this machine is made of (mint.ts): its tables are in the store, beside those of whoever uses it. */
export interface MintOptions {
  readonly store: RoleStore;
  readonly keysets: MintKeysets;
  /** See its isWhole. */
  readonly book: NoteBook;
  /** Verifies and signs, by the batch. */
  readonly crypto: BatchNoteCrypto;
  readonly hash: Pick<NoteCrypto, 'hashToCurve'>;
  /** Nanoseconds. */
  readonly clock: Clock;
  /** Of quote ids: nobody may be able to guess them. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly about: MintAbout;
  /** Left out: it mints for no quotes. */
  readonly minting?: MintMethod<MintQuotes, MintBackend>;
  /** Left out: it melts nothing. */
  readonly melting?: MintMethod<MeltQuotes, MeltBackend>;
}

export interface MintMethod<Quotes, Backend> {
  /** What paths call it: `specie`. */
  readonly name: string;
  readonly quotes: Quotes;
  readonly backend: Backend;
  readonly amountMin: bigint;
  readonly amountMax: bigint;
  /** How long a quote waits to be paid, or melted. */
  readonly expirySeconds: number;
}

/** What is told of it beside what it can do (NUT-06). */
export type MintAbout = Omit<MintInfo, 'nuts' | 'time'>;
