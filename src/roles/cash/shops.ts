// The shops that cash has accounts for: holders.ts has how they are kept. Which of them are closed:
//
//     closed-shops    shop ─▶ since when
import { u64 } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore } from '../../store/store.ts';
import { type Holder, Holders } from './holders.ts';

export interface Shop extends Holder {
  readonly shop: bigint;
}

export interface ShopLimits {
  /** Shops kept in memory with their keys ready, about 600 bytes each. Beyond: those not asked for lately go. */
  readonly shopsInMemoryMax: number;
  /** Shops with accounts: cash does not rely on management's count. Beyond: shops_exhausted. */
  readonly shopsMax: number;
}

/** 10 MB; more shops than a large city has. */
export const SHOPS_IN_MEMORY_MAX = 16_384;
/** A hundredth of the devices is usual. */
export const SHOPS_MAX = 100_000;

const CLOSED = 'closed-shops';
/** Read at a time when cash starts. */
const PAGE = 4_096;

export class Shops extends Holders<Shop> {
  readonly #store: RoleStore;
  /** All of them: each payment asks. */
  readonly #closed: Set<bigint>;

  constructor(
    store: RoleStore,
    { shopsInMemoryMax = SHOPS_IN_MEMORY_MAX, shopsMax = SHOPS_MAX }: Partial<ShopLimits> = {},
  ) {
    const limits = { inMemoryMax: shopsInMemoryMax, holdersMax: shopsMax };
    super(store, 'shops', limits, (holder) => ({ ...holder, shop: holder.number }));
    this.#store = store;
    this.#closed = closedIn(store);
  }

  /** @throws StoreError store_corrupt */
  shop(shop: bigint): Shop | undefined {
    return this.find(shop);
  }

  isClosed(shop: bigint): boolean {
    return this.#closed.has(shop);
  }

  /** For good. @returns since when: the first time counts */
  async close(shop: bigint, at: bigint): Promise<bigint> {
    const since = await this.#store.transaction((tx) => {
      const stored = tx.get(CLOSED, shop);
      if (stored !== undefined) return u64.decode(stored);
      tx.put(CLOSED, shop, u64.encode(at));
      return at;
    });
    this.#closed.add(shop);
    return since;
  }
}

function closedIn(store: RoleStore): Set<bigint> {
  const closed = new Set<bigint>();
  for (let from = 0n; ; ) {
    const page = store.range(CLOSED, { from, limit: PAGE });
    for (const { key } of page) closed.add(idOfKey(key));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return closed;
    from = idOfKey(last.key) + 1n;
  }
}
