// Real wallets: each load is signed, sealed, written and flushed, sent, judged, and written again, all of them in one store.
import { join } from 'node:path';
import { testAccountNumbers } from '../../src/institution/account-number.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Currency } from '../../src/shared/currency.ts';
import {
  channelTransport,
  nodeClock,
  nodeCrypto,
  Wallet,
  type WalletStorage,
  WalletStore,
} from '../../src/wallet/index.ts';
import type { Done } from './devices.ts';

const AMOUNT = amountOf(100n);
const numberOf = testAccountNumbers(1n);

export interface WalletsOptions {
  readonly folder: string;
  readonly count: number;
  /** Account numbers of the simulator, from this one on. */
  readonly firstAccount: number;
  readonly directory: Uint8Array;
  readonly rootFingerprint: string;
  readonly currency: Currency;
}

export class Wallets {
  readonly #wallets: readonly Wallet[];
  readonly #store: WalletStore;
  readonly #firstAccount: number;
  /** Of each wallet: how often it has asked the same again. */
  readonly #repeats: readonly number[];
  readonly storages: readonly WalletStorage[];
  #loads = 0;

  private constructor(
    wallets: readonly Wallet[],
    store: WalletStore,
    storages: readonly WalletStorage[],
    firstAccount: number,
    repeats: readonly number[],
  ) {
    this.#wallets = wallets;
    this.#store = store;
    this.storages = storages;
    this.#firstAccount = firstAccount;
    this.#repeats = repeats;
  }

  static async create(options: WalletsOptions): Promise<Wallets> {
    const { folder, count, firstAccount, ...trusted } = options;
    const store = await WalletStore.open({ path: join(folder, 'wallets') });
    const storages = Array.from({ length: count }, (_, i) => store.storage(`wallet-${i}`));
    const repeats: number[] = new Array(count).fill(0);
    const transport = channelTransport();
    const wallets = await Promise.all(
      storages.map((storage, i) =>
        Wallet.create(
          {
            storage,
            transport,
            crypto: nodeCrypto,
            clock: nodeClock,
            onEvent: (event) => {
              if (event.type === 'sent' && event.attempt > 1) repeats[i]!++;
            },
          },
          { ...trusted, name: `wallet ${i}` },
        ),
      ),
    );
    return new Wallets(wallets, store, storages, firstAccount, repeats);
  }

  get count(): number {
    return this.#wallets.length;
  }

  enrol(index: number): Promise<Done> {
    const accountNumber = numberOf(this.#firstAccount + index);
    return this.#timed(index, 'enrolled', () =>
      this.#wallets[index]!.enrol({ userData: `wallet ${index}`, accountNumber }),
    );
  }

  load(index: number): Promise<Done> {
    const which =
      this.#loads++ % 2 === 0
        ? { accountNumber: numberOf(this.#firstAccount + index) }
        : ({ onFile: true } as const);
    return this.#timed(index, 'loaded', () => this.#wallets[index]!.load({ amount: AMOUNT, ...which }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#wallets.map((wallet) => wallet.close()));
  }

  /** After which nothing of `storages` can be read. */
  closeStore(): Promise<void> {
    return this.#store.close();
  }

  async #timed(
    index: number,
    expected: string,
    ask: () => Promise<{ readonly state: { readonly kind: string } }>,
  ): Promise<Done> {
    const before = this.#repeats[index]!;
    const since = performance.now();
    const { state } = await ask();
    if (state.kind !== expected) throw new Error(`wallet: expected ${expected}, got ${state.kind}`);
    return { milliseconds: performance.now() - since, pending: this.#repeats[index]! - before };
  }
}
