// Payments, refunds, what shops do about notes, windows closed and booked, outcomes of payouts, in any order and repeated, with crashes in between:
// every movement of a shop's account is counted by one window, and the books of the windows are those of the ledger.
import { expect, test } from 'vitest';
import { systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import type { ReportedPosition } from '../../../src/roles/cash/payout-messages.ts';
import type { SignedPayoutOrder } from '../../../src/roles/documents/payout.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { Random } from '../../../src/shared/random.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { asked, noteOrder } from './note-support.ts';
import { funded, openedShop } from './pay-support.ts';
import { outcomeOf } from './payout-support.ts';
import { paid, shopOrder } from './shop-support.ts';
import { BALANCE_MAX, EUR, nextRequest, TestCash } from './support.ts';

const seed = BigInt(process.env.SPECIE_SEED ?? Math.floor(performance.timeOrigin) % 2 ** 31);
const STEPS = process.env.SPECIE_SLOW_TESTS === '1' ? 4_000 : 200;
const PAYOUTS = { feeBasisPoints: 250, feePerPayout: 3n, amountMin: 40n };

interface Window {
  readonly window: bigint;
  readonly from: bigint;
  readonly cutoff: bigint;
}

test('windows part what happens, and lose nothing of it', async () => {
  console.log(`SPECIE_SEED=${seed}`);
  const random = new Random(seed);
  const disk = new MemoryDisk();
  const currencies = [{ currency: EUR, balanceMax: amountOf(BALANCE_MAX), payouts: PAYOUTS }];
  const base = await TestCash.open({ store: memoryRoleStore(disk), currencies });
  const { path, ledger } = base;
  const open = () => TestCash.open({ path, ledger, store: memoryRoleStore(disk), currencies });
  const shops = [await openedShop(base), await openedShop(base), await openedShop(base)];
  const devices = [await funded(base, 15_000n), await funded(base, 15_000n)];
  let cash = await open();
  const purchases: { readonly request: bigint; readonly shop: (typeof shops)[number] }[] = [];
  const windows: Window[] = [];
  const orders = new Map<bigint, SignedPayoutOrder>();
  const outcomes = new Map<bigint, string>();

  /** What a call says, or undefined where it has died meanwhile. */
  const heard = async <Answer>(
    call: Promise<{ kind: string; answer?: Answer }>,
  ): Promise<Answer | undefined> => {
    const result = await call;
    return result.kind === 'ok' ? result.answer : undefined;
  };
  const close = async (): Promise<void> => {
    const window = random.below(3) === 0 && windows.length > 0 ? windows.at(-1)!.window : nextRequest();
    const answer = await heard(cash.client().closeWindow({ window, currency: EUR }));
    const known = windows.find((other) => other.window === window);
    if (answer === undefined) return;
    if (known === undefined) windows.push({ window, ...answer });
    else expect(answer).toMatchObject({ from: known.from, cutoff: known.cutoff });
  };
  const book = async (): Promise<void> => {
    const { window } = random.pick(windows);
    const answer = await heard(cash.client().bookPayouts({ window, after: undefined }));
    for (const order of answer?.payouts ?? []) {
      const { payout } = order.document;
      expect(order).toEqual(orders.get(payout) ?? order);
      orders.set(payout, order);
    }
  };
  const tell = async (): Promise<void> => {
    if (orders.size === 0) return;
    const order = random.pick([...orders.values()]);
    const { payout } = order.document;
    const outcome = random.pick(['booked', 'booked', 'rejected', 'returned'] as const);
    const answer = await heard(cash.client().bookOutcomes({ receipts: [outcomeOf(order, outcome)] }));
    if (answer === undefined) return;
    const before = outcomes.get(payout);
    const follows = outcome === 'returned' ? ['booked', 'returned'] : [undefined, outcome, 'returned'];
    expect(follows).toContain(before);
    if (before !== 'returned') outcomes.set(payout, outcome);
  };
  const step = async (): Promise<void> => {
    const shop = random.pick(shops);
    switch (random.below(12)) {
      case 11: {
        // From its sales, or by way of the account that no window touches.
        const action = random.pick(['fund', 'withdraw', 'issue'] as const);
        const source = action === 'issue' ? 'sales' : 'exchange';
        await asked(cash, noteOrder(shop, { action, source, amount: BigInt(1 + random.below(60)) }));
        return;
      }
      case 0:
        return close();
      case 1:
      case 2:
        return windows.length > 0 ? book() : undefined;
      case 3:
        return tell();
      case 4:
      case 5: {
        if (purchases.length === 0) return;
        const { request: purchase, shop: seller } = random.pick(purchases.slice(-6));
        const order = shopOrder(seller, { action: 'refund', purchase, amount: BigInt(1 + random.below(30)) });
        await cash.client().shopOrder({ order });
        return;
      }
      default: {
        const amount = BigInt(1 + random.below(90));
        const request = await paid(cash, random.pick(devices), shop, { amount }).catch(() => undefined);
        if (request !== undefined) purchases.push({ request, shop });
      }
    }
  };
  for (let i = 0; i < STEPS; i++) {
    const doing = [step(), ...(random.below(4) === 0 ? [step()] : [])];
    if (random.below(12) === 0) {
      // Somewhere in the midst.
      for (let turns = random.below(6); turns > 0; turns--) await turn();
      disk.crash(random.below(2) === 0);
      // What the dead process had given to the ledger is through.
      await Promise.race([Promise.all(doing), pause()]);
      cash = await open();
    } else await Promise.all(doing);
  }
  // The end: what is closed is booked, and one more window takes the rest.
  const settle = async (): Promise<void> => {
    for (const { window } of windows) await cash.client().bookPayouts({ window, after: undefined });
  };
  // A crash may have lost the answer of a close.
  const last = nextRequest();
  await settle();
  for (let tries = 0; tries < 3; tries++) {
    const answer = await heard(cash.client().closeWindow({ window: last, currency: EUR }));
    if (answer !== undefined) {
      windows.push({ window: last, ...answer });
      break;
    }
    await settle();
  }

  const byCutoff = [...windows].sort((a, b) => Number(a.cutoff - b.cutoff));
  const reports = new Map<bigint, ReadonlyMap<bigint, ReportedPosition>>();
  await settle();
  for (const { window } of byCutoff) {
    const report = await heard(cash.client().windowReport({ window, after: undefined }));
    // An outcome is written before it is booked; management tells it again until it is answered.
    for (const { shop, standing } of report!.positions) {
      const order = [...orders.values()].find(
        ({ document }) => document.window === window && document.shop === shop,
      );
      if (order === undefined || !isOneOf(OUTCOMES, standing)) continue;
      await cash.client().bookOutcomes({ receipts: [outcomeOf(order, standing)] });
    }
    reports.set(window, new Map(report!.positions.map((position) => [position.shop, position])));
  }
  const all = { timestampMax: (1n << 63n) - 1n, limit: 8_189 };
  for (const { shop } of shops) {
    const transfers = await ledger.getAccountTransfers({ accountId: shop, ...all });
    let carried = 0n;
    expect([...reports.values()].map((report) => report.get(shop)?.standing)).not.toContain('left_out');
    for (const { window, from, cutoff } of byCutoff) {
      const within = transfers.filter(({ timestamp }) => timestamp > from && timestamp <= cutoff);
      const sum = (codes: readonly number[], of: 'debitAccountId' | 'creditAccountId'): bigint =>
        within
          .filter((transfer) => codes.includes(transfer.code) && transfer[of] === shop)
          .reduce((total, { amount }) => total + amount, 0n);
      const position = reports.get(window)!.get(shop);
      expect({
        sales: position?.sales ?? 0n,
        refunds: position?.refunds ?? 0n,
        returned: position?.returned ?? 0n,
        carriedIn: position?.carriedIn ?? 0n,
      }).toEqual({
        sales: sum([TransferCode.payment, TransferCode.fund], 'creditAccountId'),
        refunds: sum([TransferCode.refund, TransferCode.note_issue, TransferCode.fund], 'debitAccountId'),
        returned: sum([TransferCode.payout_returned], 'creditAccountId'),
        carriedIn: carried,
      });
      carried = position?.carriedOut ?? 0n;
    }
  }
  // Fees and what is under way stand where they should.
  const positions = [...reports.values()].flatMap((report) => [...report.values()]);
  const total = (of: (position: ReportedPosition) => bigint): bigint =>
    positions.reduce((sum, position) => sum + of(position), 0n);
  const [clearing, fees] = await ledger.lookupAccounts([
    systemAccountId('clearing', EUR),
    systemAccountId('fees', EUR),
  ]);
  expect(fees!.creditsPosted).toBe(total(({ fee }) => fee));
  const underWay = total(({ amount, standing }) => (standing === 'under_way' ? amount : 0n));
  expect(clearing!.creditsPosted - clearing!.debitsPosted).toBe(underWay);
  await cash.cash.close();
  await base.close();
});

const OUTCOMES = ['booked', 'rejected', 'returned'] as const;
const isOneOf = <Value extends string>(values: readonly Value[], text: string): text is Value =>
  (values as readonly string[]).includes(text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
