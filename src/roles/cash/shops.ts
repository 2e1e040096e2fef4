// The shops that cash has accounts for: holders.ts has how they are kept.
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

export class Shops extends Holders<Shop> {
  constructor(
    store: RoleStore,
    { shopsInMemoryMax = SHOPS_IN_MEMORY_MAX, shopsMax = SHOPS_MAX }: Partial<ShopLimits> = {},
  ) {
    const limits = { inMemoryMax: shopsInMemoryMax, holdersMax: shopsMax };
    super(store, 'shops', limits, (holder) => ({ ...holder, shop: holder.number }));
  }

  /** @throws StoreError store_corrupt */
  shop(shop: bigint): Shop | undefined {
    return this.find(shop);
  }
}
