// What a wallet is given, and what it tells.
import type { Amount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import type { WalletError } from './errors.ts';
import type { KeyProtection, WalletClock, WalletCrypto, WalletStorage, WalletTransport } from './ports.ts';
import type { RequestKind, RequestState } from './request.ts';

export interface WalletTimes {
  /** From signing to the end of an order's, an enrolment's or a filing's validity. 10 minutes. */
  readonly validityMs: number;
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

/** What became of a request. */
export interface Outcome {
  readonly request: bigint;
  readonly kind: RequestKind;
  readonly state: RequestState;
  /** Of a load. */
  readonly amount: Amount;
  /** The wallet's, now. */
  readonly balance: Amount;
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
  readonly currency: Currency;
  readonly open: readonly OpenRequest[];
  /** What cash has, as management says. */
  readonly online?: OnlineBalance;
}

export interface OnlineBalance {
  readonly balance: Amount;
  readonly reserved: Amount;
  /** Nanoseconds. */
  readonly timestamp: bigint;
  /** `differs_by_open`: by no more than the loads that are under way may account for. */
  readonly verdict: 'agrees' | 'differs_by_open' | 'differs';
}
