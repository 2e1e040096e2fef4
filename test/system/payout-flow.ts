// What an operator and a bank do about two shops, one of which gives an account that no bank knows:
//
//     sales ─▶ window ─▶ the good one paid, and sent back; the bad one rejected
//     a sale ▶ window ─▶ the good one paid, what came back with it; the bad one rejected again
//
// Everything is compared with what the test reckons itself, and with the bank's statement.
import { expect } from 'vitest';
import { Client } from '../../src/channel/client.ts';
import { run } from '../../src/cli/program.ts';
import { loadOperator } from '../../src/identity/load-home.ts';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { type EntryTransaction, ibanOf, readAccountReport } from '../../src/iso20022/index.ts';
import { cashProtocol } from '../../src/roles/cash/messages.ts';
import type { ReportedPosition } from '../../src/roles/cash/payout-messages.ts';
import { type CallResult, RoleClient } from '../../src/roles/common/role-client.ts';
import { managementProtocol } from '../../src/roles/management/messages.ts';
import type { ShowWindowAnswer } from '../../src/roles/management/payout-messages.ts';
import { id } from '../../src/shared/id.ts';
import type { Around } from './enumeration.ts';
import type { TestHome } from './home.ts';
import type { KeptShop } from './shop.ts';
import type { System, TestWallet } from './system.ts';

export const EUR = 978;
const GOOD_ACCOUNT = ibanOf('DE', '370400440532013001');
/** No IBAN. */
const BAD_ACCOUNT = '9999001234567893';
/** As in specie.json. */
export const PAYOUTS = { feeBasisPoints: 100, feePerPayout: '0.10', amountMin: '1.00' };
const FEE_PER_PAYOUT = 10n;
const share = (sales: bigint): bigint => (sales + 50n) / 100n;

const PATIENCE_MS = 120_000;
const PAUSE_MS = 40;

/** An operator's connections to management and cash, which come back when those do. */
export class Desk {
  readonly management: RoleClient<(typeof managementProtocol)['operations']>;
  readonly cash: RoleClient<(typeof cashProtocol)['operations']>;
  readonly #home: TestHome;
  readonly #close: () => Promise<void>;

  private constructor(
    home: TestHome,
    management: Client,
    cash: Client,
    operator: Awaited<ReturnType<typeof loadOperator>>,
  ) {
    this.#home = home;
    this.management = new RoleClient({ protocol: managementProtocol, transport: management });
    this.cash = new RoleClient({ protocol: cashProtocol, transport: cash });
    this.#close = async () => {
      await Promise.all([management.close(0), cash.close(0)]);
      operator.close();
    };
  }

  static async open(home: TestHome): Promise<Desk> {
    const operator = await loadOperator({ home: home.home, passphrase: async () => undefined });
    const to = (role: 'management' | 'cash'): Client =>
      new Client({
        url: operator.directory.address(role),
        identity: () => operator.clientIdentity(role),
        reconnectFirstMs: 5,
        reconnectLastMs: 100,
        connectTimeoutMs: 2_000,
        requestTimeoutMs: 2_000,
      });
    return new Desk(home, to('management'), to('cash'), operator);
  }

  close(): Promise<void> {
    return this.#close();
  }

  async closeWindow(window: bigint): Promise<void> {
    await heard(() => this.management.call('close_window', { window, currency: EUR }));
  }

  show(window: bigint): Promise<ShowWindowAnswer> {
    return heard(() => this.management.call('show_window', { window, after: undefined, limit: 128 }));
  }

  async showOnce(window: bigint): Promise<ShowWindowAnswer['window']> {
    return (await this.show(window)).window;
  }

  async until(window: bigint, isThere: (shown: ShowWindowAnswer) => boolean): Promise<ShowWindowAnswer> {
    const latest = performance.now() + PATIENCE_MS;
    for (;;) {
      const shown = await this.show(window);
      if (isThere(shown)) return shown;
      if (performance.now() > latest) {
        const { state, problem, open } = shown.window;
        throw new Error(`window: expected it to go on, got ${state} ${problem} with ${open} open`);
      }
      await pause();
    }
  }

  async positions(window: bigint): Promise<ReadonlyMap<bigint, ReportedPosition>> {
    const { positions } = await heard(() => this.cash.call('window_report', { window, after: undefined }));
    return new Map(positions.map((position) => [position.shop, position]));
  }

  /** `specie payout reconcile`: undefined where all agree; else what it says. */
  async reconcile(): Promise<string | undefined> {
    let out = '';
    const write = (text: string): void => {
      out += text;
    };
    const output = { write, note: write, interactive: false };
    const code = await run(['payout', 'reconcile', '--home', this.#home.home], output);
    return code === 0 ? undefined : out;
  }

  /** What the bank has booked for each payment: debits and credits. */
  async booked(): Promise<ReadonlyMap<string, { readonly debits: bigint[]; readonly credits: bigint[] }>> {
    const found = new Map<string, { debits: bigint[]; credits: bigint[] }>();
    for (let after = 0; ; ) {
      const response = await fetch(`http://127.0.0.1:${this.#home.paymentsPort}/statements?after=${after}`);
      if (response.status === 204) return found;
      const { reports } = readAccountReport(new Uint8Array(await response.arrayBuffer()));
      for (const { side, transactions, amount } of reports.flatMap(({ entries }) => entries)) {
        for (const { endToEndId = '' } of transactions as readonly EntryTransaction[]) {
          const of = found.get(endToEndId) ?? { debits: [], credits: [] };
          found.set(endToEndId, of);
          of[side === 'debit' ? 'debits' : 'credits'].push(amount);
        }
      }
      after = Number(response.headers.get('specie-next'));
    }
  }
}

/** Until there is an answer. */
async function heard<Answer>(ask: () => Promise<CallResult<Answer>>): Promise<Answer> {
  const latest = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await ask();
    if (result.kind === 'ok') return result.answer;
    if (result.kind === 'refused') throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
    if (performance.now() > latest) throw new Error(`expected an answer, got none: ${result.reason}`);
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
const nameOf = (payout: bigint): string => payout.toString(16).padStart(32, '0');

/** The two shops, and what the bad one is owed. */
export class Payees {
  readonly #system: System;
  readonly #desk: Desk;
  readonly #payer: TestWallet;
  readonly #good: KeptShop;
  readonly #bad: KeptShop;
  #owed = 0n;

  private constructor(system: System, desk: Desk, payer: TestWallet, good: KeptShop, bad: KeptShop) {
    this.#system = system;
    this.#desk = desk;
    this.#payer = payer;
    this.#good = good;
    this.#bad = bad;
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
    await this.#sell(this.#good, 'coffee', 280n);
    await this.#sell(this.#bad, 'tea', 220n);
    await this.#system.dialPayments(
      firstEnd === 'returned' ? { return: { probability: 1, code: 'AC06', afterMs: 0 } } : { faults },
    );
    const first = await this.#close(around);
    // After the cutoff.
    await this.#sell(this.#good, 'tea', 220n);
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
