// Many wallets, and what must become of each of their loads. Half have the account number on file, half give it with each
// load; some have a card that the institution declines, and some load until their balance is full. They buy at one shop after
// the other, until their money is spent.
import { SPECIAL_ACCOUNTS, testAccountNumbers } from '../../institution/account-number.ts';
import { type Amount, amountOf, ZERO } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { Random } from '../../shared/random.ts';
import type { WalletStorage } from '../../wallet/core/ports.ts';
import {
  channelTransport,
  nodeClock,
  nodeCrypto,
  type Outcome,
  Wallet,
  WalletError,
  WalletStore,
} from '../../wallet/index.ts';
import { formatId } from '../files/fields.ts';
import { Tally } from '../submit/tally.ts';
import { Check } from './check.ts';
import { ARTICLES, type Bought, type Buyer, priceOf, SHOPS } from './shops.ts';
import type { WalletTimes } from './stages.ts';

/** The n-th wallet of so many is one of these. */
const DECLINED_EVERY = 50;
const FULL_EVERY = 90;
/** Whole units of the currency. */
const LOAD_UNITS = [10n, 20n, 20n, 50n, 100n] as const;
/** Longer than anything that is done to the system here takes. */
const PATIENCE_MS = 90_000;

export interface WalletsOptions {
  readonly path: string;
  readonly count: number;
  /** Wallets that enrol or load at the same time, each over a channel of its own. */
  readonly atOnce: number;
  readonly seed: bigint;
  readonly currency: Currency;
  readonly directory: Uint8Array;
  readonly rootFingerprint: string;
  readonly loadAmountMax: Amount;
  readonly balanceMax: Amount;
  readonly signal: AbortSignal;
}

export type Ending = 'loaded' | 'declined' | 'reversed';

/** The n-th wallet of so many has its first purchase reserved only. */
const RESERVING_EVERY = 6;

interface Holder extends Buyer {
  readonly storage: WalletStorage;
  readonly accountNumber: string;
  readonly isOnFile: boolean;
  readonly kind: 'usual' | 'declined' | 'full';
  readonly random: Random;
  /** By the endings that were foretold. */
  balance: Amount;
  /** Purchases that it has tried. */
  tried: number;
}

/** Whoever turns money of a wallet into notes, and back. */
export interface Carrier {
  readonly wallet: Wallet;
  readonly holder: Buyer;
}

/** Loads of all wallets, under one condition. */
export interface Loads {
  /** What became of them. */
  readonly outcomes: Tally;
  readonly seconds: number;
}

export interface Buying {
  readonly times: number;
  /** Of a shop, from 0. */
  readonly card: (shop: number) => string;
  readonly onProgress: (ended: number) => void;
  /** The first ones; all. */
  readonly wallets?: number | undefined;
  readonly atOnce?: number | undefined;
}

/** Purchases of all wallets, under one condition. */
export interface Purchases extends Loads {
  readonly times: WalletTimes;
}

export class Wallets {
  readonly ended = new Check('every load ended as was foretold: loaded, declined or reversed');
  readonly enrolled = new Check('every wallet was enrolled, and its certificate is signed by management');
  readonly bought = new Check('every purchase ended as was foretold: paid, reserved, or not enough money');
  /** All that is paid or reserved. */
  readonly purchases: Bought[] = [];
  /** Loads with the account number given, and with the one on file. */
  readonly loads = { given: 0, onFile: 0 };
  /** Loads and purchases that are sent and have not ended. */
  underWay = 0;
  readonly #options: WalletsOptions;
  readonly #store: WalletStore;
  readonly #holders: Holder[];

  private constructor(options: WalletsOptions, store: WalletStore) {
    this.#options = options;
    this.#store = store;
    const accountNumber = testAccountNumbers(options.seed);
    const bad = Object.values(SPECIAL_ACCOUNTS);
    this.#holders = Array.from({ length: options.count }, (_, i) => {
      const kind =
        i % DECLINED_EVERY === DECLINED_EVERY - 1
          ? 'declined'
          : i % FULL_EVERY === FULL_EVERY / 2
            ? 'full'
            : 'usual';
      return {
        storage: store.storage(`wallet-${i + 1}`),
        accountNumber:
          kind === 'declined' ? bad[Math.floor(i / DECLINED_EVERY) % bad.length]! : accountNumber(i),
        isOnFile: i % 4 < 2,
        kind,
        random: new Random((options.seed + BigInt(i + 1) * 0x9e37_79b9_7f4a_7c15n) & 0xffff_ffff_ffff_ffffn),
        balance: ZERO,
        reserved: ZERO,
        tried: 0,
      };
    });
  }

  static async make(options: WalletsOptions): Promise<Wallets> {
    return new Wallets(options, await WalletStore.open({ path: options.path }));
  }

  get count(): number {
    return this.#holders.length;
  }

  get storages(): readonly WalletStorage[] {
    return this.#holders.map(({ storage }) => storage);
  }

  /** Makes and enrols them. @returns seconds */
  async enrol(onProgress: (enrolled: number) => void): Promise<number> {
    const { directory, rootFingerprint, currency } = this.#options;
    const began = performance.now();
    let done = 0;
    await this.#each(async ({ storage, accountNumber, isOnFile }, i) => {
      const name = `wallet ${i + 1}`;
      const wallet = await Wallet.create(this.#of(storage), { directory, rootFingerprint, currency, name });
      try {
        const { state } = await wallet.enrol({ userData: name, ...(isOnFile && { accountNumber }) });
        this.enrolled.expect(state.kind === 'enrolled', () => `${name}: ${state.kind}`);
      } catch (error) {
        this.enrolled.expect(false, () => `${name}: ${messageOf(error)}`);
      } finally {
        await wallet.close();
      }
      onProgress(++done);
    });
    return (performance.now() - began) / 1000;
  }

  /** Every wallet loads so many times, one load after the other. */
  async load(times: number, onProgress: (ended: number) => void): Promise<Loads> {
    const outcomes = new Tally();
    const began = performance.now();
    let done = 0;
    await this.#each(async (holder, i) => {
      const wallet = await Wallet.open(this.#of(holder.storage));
      try {
        for (let n = 0; n < times && !this.#options.signal.aborted; n++) {
          const amount = this.#amount(holder);
          const foretold = this.#foretell(holder, amount);
          const sent = performance.now();
          const outcome = await this.#loadOnce(wallet, holder, amount);
          outcomes.addLatency(performance.now() - sent);
          const ending = outcome instanceof Error ? 'no end' : outcome.state.kind;
          outcomes.add(ending);
          this.ended.expect(ending === foretold, () => {
            const what = outcome instanceof Error ? outcome.message : formatId(outcome.request);
            return `wallet ${i + 1}: expected ${foretold}, got ${ending}: ${what}`;
          });
          onProgress(++done);
        }
      } finally {
        await wallet.close();
      }
    });
    return { outcomes, seconds: (performance.now() - began) / 1000 };
  }

  /** Each wallet, or the first ones, buys so many times, one purchase after the other, each at another shop. */
  async buy({ times, card, onProgress, wallets, atOnce }: Buying): Promise<Purchases> {
    const outcomes = new Tally();
    const sums = { purchases: 0, signingMs: 0, waitingMs: 0 };
    const began = performance.now();
    let done = 0;
    const buying = async (holder: Holder, i: number): Promise<void> => {
      let signedAt = 0;
      const wallet = await Wallet.open({
        ...this.#of(holder.storage),
        onEvent: ({ type }) => {
          if (type === 'prepared') signedAt = performance.now();
        },
      });
      try {
        for (let n = 0; n < times && !this.#options.signal.aborted; n++) {
          const shop = (i + holder.tried) % SHOPS;
          const kind =
            holder.tried++ === 0 && i % RESERVING_EVERY === RESERVING_EVERY - 1 ? 'authorisation' : 'sale';
          const { id: article, units } = holder.random.pick(ARTICLES);
          const quantity = 1 + holder.random.below(3);
          const amount = amountOf(priceOf(units, this.#options.currency) * BigInt(quantity));
          const foretold =
            amount > holder.balance - holder.reserved ? 'not enough' : kind === 'sale' ? 'paid' : 'reserved';
          const asked = performance.now();
          const outcome = await this.#buyOnce(wallet, card(shop), article, quantity, kind);
          const ended = performance.now();
          const ending = typeof outcome === 'object' ? outcome.state.kind : outcome;
          outcomes.add(ending);
          if (typeof outcome === 'object') {
            outcomes.addLatency(ended - asked);
            sums.purchases++;
            sums.signingMs += signedAt - asked;
            sums.waitingMs += ended - signedAt;
            this.purchases.push({ request: outcome.request, shop, kind, amount, holder });
            if (kind === 'sale') holder.balance = amountOf(holder.balance - amount);
            else holder.reserved = amountOf(holder.reserved + amount);
          }
          this.bought.expect(
            ending === foretold,
            () => `wallet ${i + 1}: expected ${foretold}, got ${ending}`,
          );
          onProgress(++done);
        }
      } finally {
        await wallet.close();
      }
    };
    await this.#each(buying, { wallets, atOnce });
    return { outcomes, times: sums, seconds: (performance.now() - began) / 1000 };
  }

  /** The first ones that have so much, open, after their statements; whoever asks for them closes them. */
  async open(count: number, least: bigint): Promise<Carrier[]> {
    const { signal } = this.#options;
    const rich = this.#holders.filter(
      ({ kind, balance, reserved }) => kind === 'usual' && balance - reserved >= least,
    );
    return Promise.all(
      rich.slice(0, count).map(async (holder) => {
        const wallet = await Wallet.open(this.#of(holder.storage));
        await wallet.sync({ patienceMs: PATIENCE_MS, signal });
        return { wallet, holder };
      }),
    );
  }

  /** Every wallet asks for cash's statement, and must then have what was foretold. */
  async sync(onProgress: (done: number) => void): Promise<Check> {
    const check = new Check('after its statement each wallet has what cash has, and what was foretold');
    const { signal } = this.#options;
    let done = 0;
    await this.#each(async ({ storage, balance, reserved }, i) => {
      const wallet = await Wallet.open(this.#of(storage));
      try {
        const report = await wallet.sync({ patienceMs: PATIENCE_MS, signal });
        check.expect(
          report.online.verdict === 'agrees' &&
            report.balance === balance &&
            report.available === balance - reserved,
          () =>
            `wallet ${i + 1}: expected ${balance}, ${reserved} of it reserved, got ${report.balance}, ` +
            `${report.balance - report.available} of it reserved; cash ${report.online.verdict}`,
        );
      } catch (error) {
        check.expect(false, () => `wallet ${i + 1}: ${messageOf(error)}`);
      } finally {
        await wallet.close();
      }
      onProgress(++done);
    });
    return check;
  }

  /** Reads every wallet anew from its storage, and verifies each receipt's signature. */
  async verify(onProgress: (verified: number) => void): Promise<Check> {
    const check = new Check(
      "every receipt is signed by cash, and a wallet's receipts are its balance, as foretold",
    );
    let done = 0;
    await this.#each(async ({ storage, balance }, i) => {
      const wallet = await Wallet.open(this.#of(storage));
      try {
        const report = await wallet.verify();
        check.expect(report.problems.length === 0, () => `wallet ${i + 1}: ${report.problems[0]}`);
        check.expect(
          report.balance === balance,
          () => `wallet ${i + 1}: expected ${balance}, got ${report.balance}`,
        );
      } finally {
        await wallet.close();
      }
      onProgress(++done);
    });
    return check;
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #loadOnce(
    wallet: Wallet,
    { isOnFile, accountNumber }: Holder,
    amount: Amount,
  ): Promise<Outcome | Error> {
    const { signal } = this.#options;
    const wait = { patienceMs: PATIENCE_MS, signal };
    if (isOnFile) this.loads.onFile++;
    else this.loads.given++;
    this.underWay++;
    try {
      return await wallet.load(
        isOnFile ? { amount, onFile: true, ...wait } : { amount, accountNumber, ...wait },
      );
    } catch (error) {
      if (error instanceof WalletError) return error;
      throw error;
    } finally {
      this.underWay--;
    }
  }

  /** What became of it; a text: why it was never signed, or has no end. */
  async #buyOnce(
    wallet: Wallet,
    shop: string,
    article: string,
    quantity: number,
    kind: Bought['kind'],
  ): Promise<Outcome | string> {
    const { signal } = this.#options;
    this.underWay++;
    try {
      const articles = [{ article, quantity }];
      return await wallet.buy({ shop, articles, kind, patienceMs: PATIENCE_MS, signal });
    } catch (error) {
      if (!(error instanceof WalletError)) throw error;
      return error.code === 'insufficient_funds' ? 'not enough' : `no end: ${error.message}`;
    } finally {
      this.underWay--;
    }
  }

  #amount({ kind, random }: Holder): Amount {
    const { currency, loadAmountMax } = this.#options;
    if (kind === 'full') return loadAmountMax;
    return amountOf(random.pick(LOAD_UNITS) * 10n ** BigInt(currency.exponent));
  }

  #foretell(holder: Holder, amount: Amount): Ending {
    if (holder.kind === 'declined') return 'declined';
    const balance = holder.balance + amount;
    // The institution has charged it by then, and gives it back.
    if (balance > this.#options.balanceMax) return 'reversed';
    holder.balance = amountOf(balance);
    return 'loaded';
  }

  #of(storage: WalletStorage) {
    const transport = channelTransport();
    const times = { patienceMs: PATIENCE_MS, pauseLastMs: 1_000 };
    return { storage, crypto: nodeCrypto, clock: nodeClock, transport, times };
  }

  /** As many at once as are to be; the first failure ends it. */
  async #each(
    work: (holder: Holder, index: number) => Promise<void>,
    { wallets, atOnce = this.#options.atOnce }: Pick<Buying, 'wallets' | 'atOnce'> = {},
  ): Promise<void> {
    const { signal } = this.#options;
    const rest = this.#holders.slice(0, wallets).entries();
    const takeTurns = async (): Promise<void> => {
      for (const [i, holder] of rest) {
        if (signal.aborted) return;
        await work(holder, i);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, takeTurns));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
