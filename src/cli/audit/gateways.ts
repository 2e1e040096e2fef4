// What gateways have, from their stores: read as they are, without their keys.
import { countersOf } from '../../gateway/backing.ts';
import { GatewayHome } from '../../gateway/index.ts';
import { termsOf } from '../../gateway/node/gateway-home.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { type KeysetTotals, NoteBook, recount } from '../../mint/note-book.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { StoreReads } from '../../store/store.ts';
import type { GatewayBooks } from './notes.ts';

/** @param paths of gateways' homes; none of them is open. @throws StoreError; IdentityError; GatewayError */
export async function fromGateways(paths: Iterable<string>): Promise<GatewayBooks[]> {
  const books: GatewayBooks[] = [];
  for (const path of paths) {
    const home = new GatewayHome(path, new PrivateFiles());
    const { terms } = termsOf(home.settings());
    // One that has no certificate yet was never open.
    const shop = home.shop.certificate()?.document.shop;
    if (shop === undefined) continue;
    const store = await openRoleStore({ path: home.storePath });
    try {
      const { organisation, currency } = terms;
      books.push({ organisation, shop, currency, ...booksOf(store) });
    } finally {
      await store.close();
    }
  }
  return books;
}

/** What one gateway's store says. */
export function booksOf(store: StoreReads): Pick<GatewayBooks, 'totals' | 'counted' | 'counters'> {
  return {
    totals: new NoteBook({ isWhole: true }).allTotals(store),
    counted: recounted(store),
    counters: countersOf(store),
  };
}

function recounted(store: StoreReads): KeysetTotals[] {
  const counting = recount(store);
  for (;;) {
    const step = counting.next();
    if (step.done === true) return step.value;
  }
}
