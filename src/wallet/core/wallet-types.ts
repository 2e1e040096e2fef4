// What a wallet is given, and what it tells.
import type { PurchaseKind } from '../../roles/documents/purchase.ts';
import type { ShopCard } from '../../roles/documents/shop-card.ts';
import type { Amount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import type { PurseReport, TransferReport } from '../purse/purse-types.ts';
import type { WalletError } from './errors.ts';
import type { KeyProtection, WalletClock, WalletCrypto, WalletStorage, WalletTransport } from './ports.ts';
import type { HistoryEntry } from './records.ts';
import type { RequestKind, RequestState } from './request.ts';

export interface WalletTimes {
  /** From signing to the end of an order's, an enrolment's or a filing's validity. 10 minutes. */
  readonly validityMs: number;
  /** The same of a payment order; the shop may want less. 5 minutes. */
  readonly purchaseValidityMs: number;
  /** How long one attempt at a shop, or at the statement in between, waits. 10 s. */
  readonly attemptMs: number;
  /** How long a call waits for a final answer unless told otherwise; 0: for ever. 60 s. */
  readonly patienceMs: number;
  /** First and longest pause before the same is asked again. 100 ms and 2 s. */
  readonly pauseFirstMs: number;
  readonly pauseLastMs: number;
}

export type WalletEvent =
  /** Written down; from now on it can be resumed. */
  | { readonly type: 'prepared'; readonly request: bigint; readonly kind: RequestKind }
  | { readonly type: 'sent'; readonly request: bigint; readonly attempt: number }
  | { readonly type: 'state'; readonly request: bigint; readonly state: RequestState }
  | { readonly type: 'waiting'; readonly request: bigint; readonly reason: string; readonly pauseMs: number }
  | { readonly type: 'directory_replaced'; readonly serial: bigint }
  | { readonly type: 'certificate_renewed'; readonly notAfter: bigint }
  /** Something that can wait did not come about. */
  | { readonly type: 'warning'; readonly message: string };

export interface WalletOptions {
  readonly storage: WalletStorage;
  readonly crypto: WalletCrypto;
  readonly clock: WalletClock;
  readonly transport: WalletTransport;
  /** Of the keys; left out: they are stored in the clear. */
  readonly protection?: KeyProtection | undefined;
  readonly times?: Partial<WalletTimes>;
  /** Must not throw. */
  readonly onEvent?: (event: WalletEvent) => void;
}

export interface CreateOptions {
  /** Bytes of the signed directory. */
  readonly directory: Uint8Array;
  /** Of the root key that is trusted, `SHA256:…`. */
  readonly rootFingerprint: string;
  /** What it holds; a system may offer several. */
  readonly currency: Currency;
  readonly name: string;
}

export interface WaitOptions {
  /** Instead of WalletTimes.patienceMs. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EnrolOptions extends WaitOptions {
  readonly userData: string;
  /** Goes on file, sealed to settlement. */
  readonly accountNumber?: string | undefined;
}

export type LoadOptions = WaitOptions & { readonly amount: Amount } & (
    | { readonly accountNumber: string; readonly onFile?: false | undefined }
    | { readonly accountNumber?: undefined; readonly onFile: true }
  );

/** So many of an article. Without a price, the shop's catalogue says it. */
export interface Item {
  readonly article: string;
  /** 1. */
  readonly quantity?: number | undefined;
  /** Of one. The shop refuses the purchase where its own is another. */
  readonly price?: Amount | undefined;
}

export interface BuyOptions extends WaitOptions {
  /** The text that the shop shows (`specie-shop:…`), or what it says. */
  readonly shop: string | ShopCard;
  /** What is bought; left out where the shop's till has made an offer. */
  readonly articles?: readonly Item[] | undefined;
  /** Code of a till's offer; left out: the one of the card, if it names one. */
  readonly offer?: string | undefined;
  /** What it has to come to: nothing is signed where the shop wants another amount. */
  readonly amount?: Amount | undefined;
  /** `sale`. An offer of the other kind is not signed: an authorisation reserves, for as long as the offer says. */
  readonly kind?: PurchaseKind | undefined;
  /** Of an authorisation: how long the amount stays reserved. One hour, or what the offer says. */
  readonly timeoutSeconds?: number | undefined;
}

/** What belongs to a purchase. */
export interface PurchaseReport {
  readonly shop: bigint;
  readonly shopName: string;
  readonly kind: PurchaseKind;
  /** Nanoseconds: of the order. */
  readonly expiresAt: bigint;
}

/** What became of a request. */
export interface Outcome {
  readonly request: bigint;
  readonly kind: RequestKind;
  readonly state: RequestState;
  /** Of a load or a purchase. */
  readonly amount: Amount;
  /** The wallet's, now. */
  readonly balance: Amount;
  /** Of it, what is neither reserved nor in a purchase under way. */
  readonly available: Amount;
  /** Of a purchase. */
  readonly purchase?: PurchaseReport;
}

export interface Resumed {
  readonly finished: readonly Outcome[];
  readonly unfinished: readonly { readonly request: bigint; readonly error: WalletError }[];
}

export interface OpenRequest {
  readonly request: bigint;
  readonly kind: RequestKind;
  readonly state: RequestState;
  readonly detail: string;
  readonly amount: Amount;
  readonly createdAt: bigint;
}

export interface BalanceReport {
  /** What the wallet has receipts for. */
  readonly balance: Amount;
  /** Of it, what is neither reserved nor in a purchase under way. */
  readonly available: Amount;
  readonly currency: Currency;
  readonly open: readonly OpenRequest[];
  /** Authorisations that the shop has neither taken nor given up. */
  readonly reserved: readonly OpenRequest[];
  /** What cash has, as management says. */
  readonly online?: OnlineBalance;
  /** What can be paid without a server. It is none of the balance. */
  readonly purse?: PurseReport;
  /** Payments from purse to purse that cash has not settled: in doubt, or to be reported. */
  readonly unsettled?: readonly TransferReport[];
}

export interface OnlineBalance {
  readonly balance: Amount;
  readonly reserved: Amount;
  /** Nanoseconds. */
  readonly timestamp: bigint;
  /** `differs_by_open`: by no more than what is under way may account for. */
  readonly verdict: 'agrees' | 'differs_by_open' | 'differs';
}

export interface SyncReport {
  /** What was new: refunds, captures, releases, credits … */
  readonly entries: readonly HistoryEntry[];
  readonly balance: Amount;
  readonly available: Amount;
  /** Cash's, signed. */
  readonly online: OnlineBalance;
}
