// Opens the accounts that back notes, when the first order or taking names one. They are in no table: their ids follow from
// shop and currency, and the ledger says `exists` of one that was opened before.
import type { Account } from '../../layout/generated.ts';
import { exchangeAccount } from './accounts.ts';
import type { CashParts } from './interface.ts';
import type { Shop } from './shops.ts';

/** Accounts known to be open, 100 bytes each; few shops deal in notes. Beyond: it is begun anew. */
const KNOWN_MAX = 16_384;

export class ExchangeAccounts {
  readonly #ledger: Pick<CashParts['ledger'], 'createAccounts'>;
  readonly #known = new Set<bigint>();

  constructor(ledger: Pick<CashParts['ledger'], 'createAccounts'>) {
    this.#ledger = ledger;
  }

  /** @throws RequestError; Error when another account has such an id */
  async open(wanted: readonly { readonly shop: Shop; readonly currency: number }[]): Promise<void> {
    const missing = new Map<bigint, Partial<Account>>();
    for (const { shop, currency } of wanted) {
      const account = exchangeAccount(shop.shop, shop.signingKeyId, currency);
      if (!this.#known.has(account.id!)) missing.set(account.id!, account);
    }
    if (missing.size === 0) return;
    const results = await this.#ledger.createAccounts([...missing.values()]);
    const other = results.find(({ status }) => status !== 'created' && status !== 'exists');
    if (other !== undefined)
      throw new Error(`exchange account: expected it to be opened, got ${other.status}`);
    if (this.#known.size + missing.size > KNOWN_MAX) this.#known.clear();
    for (const id of missing.keys()) this.#known.add(id);
  }
}
