// The shops that cash has accounts for.
//
//     shops        shop number ─▶ signing key, accounts (currency, ledger account, opened at)
//     counters     'shops'     ─▶ how many there are
//
// As with devices: a shop is written here only after the ledger has opened its account.
import { ed25519, type PreparedKey } from '../../crypto/index.ts';
import { type Infer, list, struct, u32, u64, u128 } from '../../shared/codec.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import { publicKey } from '../documents/signed.ts';
import { CURRENCIES_MAX } from './registry.ts';

const ShopRecord = struct({
  signingKey: publicKey,
  accounts: list(struct({ currency: u32, account: u128, openedAt: u64 }), CURRENCIES_MAX),
});
type ShopRecord = Infer<typeof ShopRecord>;

const SHOPS_COUNTER = new TextEncoder().encode('shops');

export interface ShopAccount {
  /** In the ledger. */
  readonly account: bigint;
  /** Nanoseconds. */
  readonly openedAt: bigint;
}

export interface Shop {
  readonly shop: bigint;
  readonly signingKey: Uint8Array;
  /** Ready for verification: refunds, captures and voids are signed with it. */
  readonly preparedKey: PreparedKey;
  /** By currency. */
  readonly accounts: ReadonlyMap<number, ShopAccount>;
}

export interface OpenedShopAccount {
  readonly shop: bigint;
  readonly signingKey: Uint8Array;
  readonly currency: number;
  readonly account: bigint;
  readonly openedAt: bigint;
}

export interface ShopLimits {
  /** Shops kept in memory with their keys ready, about 600 bytes each. Beyond: the one not asked for longest goes. */
  readonly shopsInMemoryMax: number;
  /** Shops with accounts: cash does not rely on management's count. Beyond: there is no room for one more. */
  readonly shopsMax: number;
}

/** 10 MB; more shops than a large city has. */
export const SHOPS_IN_MEMORY_MAX = 16_384;
/** A hundredth of the devices is usual. */
export const SHOPS_MAX = 100_000;

export class Shops {
  readonly #store: RoleStore;
  readonly #inMemoryMax: number;
  readonly shopsMax: number;
  /** Those that are written, and those whose accounts are being opened. */
  #shopCount: bigint;
  /** The one asked for last stands last. */
  readonly #shops = new Map<bigint, Shop>();

  constructor(store: RoleStore, limits: Partial<ShopLimits> = {}) {
    this.#store = store;
    this.#inMemoryMax = limits.shopsInMemoryMax ?? SHOPS_IN_MEMORY_MAX;
    this.shopsMax = limits.shopsMax ?? SHOPS_MAX;
    this.#shopCount = countShops(store);
  }

  /** @throws StoreError store_corrupt */
  shop(shop: bigint): Shop | undefined {
    let known = this.#shops.get(shop);
    if (known !== undefined) {
      this.#shops.delete(shop);
    } else {
      const stored = this.#store.get('shops', shop);
      if (stored === undefined) return undefined;
      known = shopOf(shop, ShopRecord.decode(stored));
    }
    this.#remember(known);
    return known;
  }

  /** Room for one more shop, until it is left again; false: there is none. */
  takeRoom(): boolean {
    if (this.#shopCount >= BigInt(this.shopsMax)) return false;
    this.#shopCount++;
    return true;
  }

  /** What was taken; shops that are written by now have room of their own. */
  leaveRoom(count: number): void {
    this.#shopCount -= BigInt(count);
  }

  /**
   * Writes accounts that the ledger has opened, and says of each when, or `differs` where another key is registered for the
   * shop. Written again, they are what they were.
   */
  async opened(accounts: readonly OpenedShopAccount[]): Promise<(bigint | 'differs')[]> {
    let added = 0n;
    const results = await this.#store.transaction((tx) => {
      const before = countShops(tx);
      const written = accounts.map(({ shop, signingKey, currency, account, openedAt }) => {
        const stored = tx.get('shops', shop);
        const known = stored === undefined ? { signingKey, accounts: [] } : ShopRecord.decode(stored);
        if (Buffer.compare(known.signingKey, signingKey) !== 0) return 'differs' as const;
        const there = known.accounts.find((other) => other.currency === currency);
        if (there !== undefined) return there.openedAt;
        if (stored === undefined) added++;
        const after = { signingKey, accounts: [...known.accounts, { currency, account, openedAt }] };
        tx.put('shops', shop, ShopRecord.encode(after));
        return openedAt;
      });
      if (added > 0n) tx.put('counters', SHOPS_COUNTER, u64.encode(before + added));
      return written;
    });
    this.#shopCount += added;
    // What is in memory may lack an account that is stored now.
    for (const { shop } of accounts) this.#shops.delete(shop);
    return results;
  }

  #remember(shop: Shop): void {
    this.#shops.set(shop.shop, shop);
    if (this.#shops.size > this.#inMemoryMax) {
      for (const oldest of this.#shops.keys()) {
        this.#shops.delete(oldest);
        break;
      }
    }
  }
}

function countShops(reads: StoreReads): bigint {
  const stored = reads.get('counters', SHOPS_COUNTER);
  return stored === undefined ? 0n : u64.decode(stored);
}

function shopOf(shop: bigint, { signingKey, accounts }: ShopRecord): Shop {
  return {
    shop,
    signingKey,
    preparedKey: ed25519.prepare(signingKey),
    accounts: new Map(accounts.map(({ currency, account, openedAt }) => [currency, { account, openedAt }])),
  };
}
