// What an operator and a bank do about two shops, one of which gives an account that no bank knows:
//
//     sales ─▶ window ─▶ the good one paid, and sent back; the bad one rejected
//     a sale ▶ window ─▶ the good one paid, what came back with it; the bad one rejected again
//
// Everything is compared with what the test reckons itself, and with the bank's statement.
import { expect } from 'vitest';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { ibanOf } from '../../src/iso20022/index.ts';
import type { ReportedPosition } from '../../src/roles/cash/payout-messages.ts';
import type { ShowWindowAnswer } from '../../src/roles/management/payout-messages.ts';
import { id } from '../../src/shared/id.ts';
import type { Around } from './enumeration.ts';
import type { Desk } from './payout-desk.ts';
import type { KeptShop } from './shop.ts';
import type { System, TestWallet } from './system.ts';

const GOOD_ACCOUNT = ibanOf('DE', '370400440532013001');
/** No IBAN. */
const BAD_ACCOUNT = '9999001234567893';
/** As in specie.json. */
export const PAYOUTS = { feeBasisPoints: 100, feePerPayout: '0.10', amountMin: '1.00' };
const FEE_PER_PAYOUT = 10n;
const share = (sales: bigint): bigint => (sales + 50n) / 100n;

const nameOf = (payout: bigint): string => payout.toString(16).padStart(32, '0');

/** The two shops, and what the bad one is owed. */
export class Payees {
  readonly #system: System;
  readonly #desk: Desk;
  readonly #payer: TestWallet;
  readonly good: KeptShop;
  readonly bad: KeptShop;
  #owed = 0n;

  private constructor(system: System, desk: Desk, payer: TestWallet, good: KeptShop, bad: KeptShop) {
    this.#system = system;
    this.#desk = desk;
    this.#payer = payer;
    this.good = good;
    this.bad = bad;
  }

  static async open(system: System, desk: Desk, payer: TestWallet): Promise<Payees> {
    const good = await system.newShop('good', GOOD_ACCOUNT);
    const bad = await system.newShop('bad', BAD_ACCOUNT);
    return new Payees(system, desk, payer, good, bad);
  }

  /**
   * Two windows.
   * @param around runs each step that takes a window on
   * @param faults of the bank, in both; nothing comes back then, as a bank that dies forgets what it was to send back
   */
  async everyPayout(around: Around, faults: BankDials['faults'] = []): Promise<void> {
    const desk = this.#desk;
    const firstEnd = faults.length === 0 ? 'returned' : 'booked';
    await this.#sell(this.good, 'coffee', 280n);
    await this.#sell(this.bad, 'tea', 220n);
    await this.#system.dialPayments(
      firstEnd === 'returned' ? { return: { probability: 1, code: 'AC06', afterMs: 0 } } : { faults },
    );
    const first = await this.#close(around);
    // After the cutoff.
    await this.#sell(this.good, 'tea', 220n);
    await around(() => desk.until(first, ({ payouts, window }) => isOver(payouts, window, firstEnd)));
    await this.#system.dialPayments({ faults });
    const second = await this.#close(around);
    await around(() => desk.until(second, ({ payouts, window }) => isOver(payouts, window, 'booked')));

    const fee = share(280n) + FEE_PER_PAYOUT;
    const paid = { sales: 280n, returned: 0n, fee, amount: 280n - fee };
    await this.#expectGood(first, paid, firstEnd);
    const returned = firstEnd === 'returned' ? paid.amount : 0n;
    const rest = 220n + returned - share(220n) - FEE_PER_PAYOUT;
    const secondly = { sales: 220n, returned, fee: share(220n) + FEE_PER_PAYOUT, amount: rest };
    await this.#expectGood(second, secondly, 'booked');
    for (const [window, sales] of [
      [first, 220n],
      [second, 0n],
    ] as const) {
      const { shop, ...of } = await this.#positionOf(window, 'bad');
      const taken = share(sales) + FEE_PER_PAYOUT;
      const amount = this.#owed + sales - taken;
      expect(of).toMatchObject({ sales, returned: this.#owed, fee: taken, amount, standing: 'rejected' });
      this.#owed = amount;
      expect((await desk.booked()).has(nameOf(of.payout))).toBe(false);
    }
  }

  async #sell({ card }: KeptShop, article: string, amount: bigint): Promise<void> {
    const sale = await this.#payer.wallet.buy({ shop: card, articles: [{ article, quantity: 1 }] });
    expect(sale).toMatchObject({ state: { kind: 'paid' }, amount });
  }

  async #close(around: Around): Promise<bigint> {
    const window = id();
    await around(async () => {
      await this.#desk.closeWindow(window);
      await this.#desk.until(window, ({ window: { state } }) => /instructed|settled/.test(state));
    });
    return window;
  }

  async #positionOf(window: bigint, which: 'good' | 'bad'): Promise<ReportedPosition> {
    const { payouts } = await this.#desk.show(window);
    const { shop } = payouts.find(({ standing }) => (standing === 'rejected') === (which === 'bad'))!;
    return (await this.#desk.positions(window)).get(shop)!;
  }

  async #expectGood(
    window: bigint,
    expected: Partial<ReportedPosition>,
    standing: ReportedPosition['standing'],
  ): Promise<void> {
    const position = await this.#positionOf(window, 'good');
    expect(position).toMatchObject({ ...expected, carriedIn: 0n, refunds: 0n, carriedOut: 0n, standing });
    const { amount, payout } = position;
    const once = { debits: [amount], credits: standing === 'returned' ? [amount] : [] };
    expect((await this.#desk.booked()).get(nameOf(payout))).toEqual(once);
  }
}

/** Settled, and what comes back has come. */
function isOver(
  payouts: ShowWindowAnswer['payouts'],
  { state }: ShowWindowAnswer['window'],
  good: 'booked' | 'returned',
): boolean {
  const standings = payouts.map(({ standing }) => standing).sort();
  return state === 'settled' && standings.join() === `${good},rejected`.split(',').sort().join();
}
