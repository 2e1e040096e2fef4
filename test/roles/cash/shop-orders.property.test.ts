// Refunds, captures and voids of any order, repeated, racing, with crashes in between: what was paid is never exceeded, each
// order has one answer for ever, and the ledger holds exactly what the answers say.
import { expect, test } from 'vitest';
import { TransferFlags } from '../../../src/layout/generated.ts';
import { systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import type { SignedShopOrder } from '../../../src/roles/documents/payment-receipts.ts';
import { U128_MAX } from '../../../src/shared/bytes.ts';
import { Random } from '../../../src/shared/random.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { funded, openedShop } from './pay-support.ts';
import { earned, paid, shopOrder, statementOf, told } from './shop-support.ts';
import { EUR, nextRequest, TestCash } from './support.ts';

const seed = BigInt(process.env.SPECIE_SEED ?? Math.floor(performance.timeOrigin) % 2 ** 31);
const STEPS = process.env.SPECIE_SLOW_TESTS === '1' ? 3_000 : 150;

interface Known {
  readonly order: SignedShopOrder;
  /** The first that was heard; undefined: none yet. */
  answer: string | undefined;
}

test('never more than was paid', async () => {
  console.log(`SPECIE_SEED=${seed}`);
  const random = new Random(seed);
  const disk = new MemoryDisk();
  let crashIn = 0;
  const trace = (): void => {
    if (crashIn > 0 && --crashIn === 0) disk.crash(random.below(2) === 0);
  };
  const base = await TestCash.open({ store: memoryRoleStore(disk) });
  const { path, ledger } = base;
  const open = () => TestCash.open({ path, ledger, store: memoryRoleStore(disk), trace });
  const shop = await openedShop(base);
  const device = await funded(base, 15_000n);
  let cash = await open();
  const purchases: { readonly request: bigint; readonly amount: bigint; readonly isReserved: boolean }[] = [];
  const orders: Known[] = [];
  let spent = 0n;

  const buy = async (): Promise<void> => {
    const amount = BigInt(random.pick([1, 2, 10, 10, 50]));
    const isReserved = random.below(2) === 0;
    if (spent + amount > 14_000n) return;
    spent += amount;
    const request = await paid(cash, device, shop, { amount, ...(isReserved && { timeoutSeconds: 3600 }) });
    purchases.push({ request, amount, isReserved });
  };
  /** Then the ledger refuses refunds that the sum would allow. */
  const payOut = async (): Promise<void> => {
    await ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: shop.shop,
        creditAccountId: systemAccountId('clearing', EUR),
        amount: U128_MAX,
        ledger: EUR,
        code: TransferCode.payout,
        flags: TransferFlags.balancing_debit,
      },
    ]);
  };
  const draw = (): Known => {
    if (orders.length > 0 && random.below(4) === 0) return random.pick(orders);
    // The newest ones, so that orders meet.
    const { request: purchase, amount } = random.pick(purchases.slice(-4));
    const action = random.pick(['refund', 'refund', 'refund', 'capture', 'void'] as const);
    const part = random.pick([1n, amount / 2n, amount - 1n, amount, amount + 1n]);
    const order = shopOrder(shop, {
      action,
      purchase,
      amount: action === 'void' ? 0n : part < 1n ? 1n : part,
    });
    const known: Known = { order, answer: undefined };
    orders.push(known);
    return known;
  };
  /** Sends orders in one turn; false: the process has died meanwhile. */
  const send = async (all: readonly Known[]): Promise<boolean> => {
    const client = cash.client();
    const { life } = disk;
    const answers = Promise.all(
      all.map(async (known) => {
        const answer = told(await client.shopOrder({ order: known.order }), known.order);
        if (disk.life !== life || answer === 'unknown') return;
        known.answer ??= answer;
        expect([seed, answer]).toEqual([seed, known.answer]);
      }),
    );
    while ((await Promise.race([answers, pause()])) === undefined) if (disk.life !== life) return false;
    return disk.life === life;
  };

  await buy();
  for (let step = 0; step < STEPS; step++) {
    if (random.below(4) === 0) await buy();
    if (random.below(10) === 0) await payOut();
    if (random.below(12) === 0) crashIn = 1 + random.below(12);
    if (!(await send(Array.from({ length: 1 + random.below(4) }, draw)))) cash = await open();
  }
  crashIn = 0;
  cash = await open();
  for (let at = 0; at < orders.length; at += 64) expect(await send(orders.slice(at, at + 64))).toBe(true);

  // What the ledger says, against what was answered and what was paid.
  const transfers = new Map(
    (await ledger.getAccountTransfers({ accountId: shop.shop })).map((transfer) => [transfer.id, transfer]),
  );
  for (const { order, answer } of orders) {
    const transfer = transfers.get(order.document.request);
    const expected = answer!.startsWith('done: ') ? answer!.slice('done: '.length) : undefined;
    expect([seed, transfer && String(transfer.amount)]).toEqual([seed, expected]);
  }
  let got = 0n;
  for (const { request, amount, isReserved } of purchases) {
    const { purchases: states } = await statementOf(cash, device, { purchases: [request] });
    const { state } = states[0]!;
    const taken = [...transfers.values()].filter(({ pendingId }) => pendingId === request);
    expect(taken.length).toBeLessThanOrEqual(1);
    const captured =
      taken.find(({ flags }) => (flags & TransferFlags.post_pending_transfer) !== 0)?.amount ?? 0n;
    const worth = isReserved ? captured : amount;
    expect(captured <= amount).toBe(true);
    const refunds = [...transfers.values()].filter(
      ({ code, userData128 }) => code === TransferCode.refund && userData128 === request,
    );
    const refunded = refunds.reduce((sum, refund) => sum + refund.amount, 0n);
    expect([seed, refunded <= worth]).toEqual([seed, true]);
    const named = taken.length === 0 ? 'reserved' : captured > 0n ? 'captured' : 'voided';
    expect(state).toBe(isReserved ? named : 'paid');
    got += worth - refunded;
  }
  const paidOut = [...transfers.values()].filter(({ code }) => code === TransferCode.payout);
  expect(await earned(cash, shop)).toBe(got - paidOut.reduce((sum, { amount }) => sum + amount, 0n));
  expect(orders.some(({ answer }) => answer === 'rejected: exceeds_credits')).toBe(true);
  expect(orders.some(({ answer }) => answer === 'rejected: exceeds_payment')).toBe(true);
  const { balance } = await statementOf(cash, device, { currency: EUR });
  expect(balance).toBe(15_000n - got);
  await cash.cash.close();
  await base.close();
});

const pause = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, 1, undefined));
