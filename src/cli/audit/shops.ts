// What shops say, from their stores: read as they are, without their keys.
import { PrivateFiles } from '../../identity/private-files.ts';
import { Book } from '../../shop/book.ts';
import { ShopHome } from '../../shop/index.ts';
import type { OrderRecord, PurchaseRecord } from '../../shop/records.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { Standing } from './books.ts';
import type { Trade } from './trades.ts';

export interface ShopBooks {
  readonly shops: ReadonlySet<bigint>;
  readonly trades: readonly Trade[];
}

/** @param paths of shops' homes. @throws StoreError; IdentityError; ShopError */
export async function fromShops(paths: Iterable<string>): Promise<ShopBooks> {
  const shops = new Set<bigint>();
  const trades: Trade[] = [];
  for (const path of paths) {
    const home = new ShopHome(path, new PrivateFiles());
    // One that has no certificate yet has sold nothing.
    const shop = home.certificate()?.document.shop;
    if (shop === undefined) continue;
    shops.add(shop);
    const store = await openRoleStore({ path: home.storePath });
    try {
      for (const trade of tradesOf(new Book(store), shop)) trades.push(trade);
    } finally {
      await store.close();
    }
  }
  return { shops, trades };
}

/** What one shop's book says. */
export function* tradesOf(book: Book, shop: bigint): Generator<Trade> {
  for (const [request, record] of book.purchases()) yield ofPurchase(request, record, shop);
  for (const record of book.orders()) yield ofOrder(record);
}

function ofPurchase(request: bigint, record: PurchaseRecord, shop: bigint): Trade {
  switch (record.kind) {
    case 'open': {
      const { terms, createdAt: since } = record;
      return { ...ofTerms(terms, shop), request, standing: 'open', word: 'under way', since };
    }
    case 'refused': {
      const { terms, createdAt: since } = record.open;
      // Should cash have it paid after all, the shop has to hear of it: then this is a finding.
      const word = `refused: ${record.code}`;
      return { ...ofTerms(terms, shop), request, standing: 'not_done', word, since };
    }
    case 'paid': {
      const { terms, state: word, createdAt: since } = record;
      return { ...ofTerms(terms, shop), request, standing: 'done', word, since };
    }
    case 'rejected': {
      const { reason, rejectedAt: since } = record.rejection.document;
      return { ...NOTHING, request, shop, standing: 'not_done', word: `rejected: ${reason}`, since };
    }
  }
}

const NOTHING = { kind: 'purchase', amount: 0n, currency: 0, device: 0n, purchase: 0n } as const;

function ofTerms(
  { kind, amount, currency }: { readonly kind: string; readonly amount: bigint; readonly currency: number },
  shop: bigint,
): Omit<Trade, 'request' | 'standing' | 'word' | 'since'> {
  const isSale = kind === 'sale';
  return { ...NOTHING, kind: isSale ? 'purchase' : 'authorisation', amount, currency, shop };
}

function ofOrder({ order, state, createdAt }: OrderRecord): Trade {
  const { request, shop, action, purchase, amount, currency } = order.document;
  const standing: Standing =
    state.kind === 'done'
      ? 'done'
      : state.kind === 'rejected' || (state.kind === 'refused' && !state.inDoubt)
        ? 'not_done'
        : 'open';
  const trade = { request, kind: action, standing, amount, currency, shop, device: 0n, purchase };
  return { ...trade, word: state.kind, since: createdAt };
}
