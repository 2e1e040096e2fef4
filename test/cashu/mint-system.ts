// A whole system whose mint speaks to wallets that are not ours: a shop that sells notes, a wallet with money, and the books of
// both roles of the mint beside cash's.
//
//     their wallet ──HTTP──▶ issuer, receiver ──▶ cash ◀── management ◀── shop (counter) ◀── our wallet
import type { MintRole } from '../../src/identity/roles.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Wallet as SpecieWallet } from '../../src/wallet/index.ts';
import { WholeShop } from '../claims/open-shop.ts';
import { accountNumber, eventually, System } from '../claims/system.ts';
import { BookReader, type NoteBooks } from './books.ts';

const SHOP_ACCOUNT = 'DE89370400440532013000';

export class MintSystem {
  readonly system: System;
  readonly shop: WholeShop;
  /** Pays at the counter, and is paid by melting. */
  readonly wallet: SpecieWallet;

  readonly #reader: BookReader;

  private constructor(system: System, shop: WholeShop, wallet: SpecieWallet, reader: BookReader) {
    this.#reader = reader;
    this.system = system;
    this.shop = shop;
    this.wallet = wallet;
  }

  /** @param amount minor units, in the wallet */
  static async start(amount: bigint): Promise<MintSystem> {
    const system = await System.start({ notes: true, deaf: true });
    try {
      const shop = await WholeShop.open(system, { name: 'Counter', account: SHOP_ACCOUNT, articles: [] });
      const wallet = await system.wallet('ada');
      await wallet.enrol({ userData: 'Ada', accountNumber: accountNumber(1) });
      const { state } = await wallet.load({ amount: amountOf(amount), onFile: true });
      if (state.kind !== 'loaded') throw new Error(`expected ${amount} to be loaded, got ${state.kind}`);
      return new MintSystem(system, shop, wallet, await BookReader.open(system));
    } catch (error) {
      await system.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.shop.close();
    await this.system.close();
  }

  /** Where that role speaks Cashu's interface. */
  url(role: MintRole): string {
    return this.system.roles.get(role)!.httpUrl!;
  }

  /** The shop sells the quote, our wallet buys it, the shop pays it. Resolves when the issuer counts it as paid. */
  async pays(quote: string): Promise<void> {
    const charge = await this.shop.shop.counter.sell(quote);
    const { state } = await this.wallet.buy({ shop: charge.uri });
    if (state.kind !== 'paid') throw new Error(`expected it to be paid, got ${state.kind}`);
    const { purchase } = await charge.paid;
    await eventually(() => this.shop.shop.counter.find(purchase)?.state.kind === 'paid');
  }

  async balance(): Promise<bigint> {
    return (await this.wallet.sync()).balance;
  }

  books(): Promise<NoteBooks> {
    return this.#reader.read();
  }
}
