// A settlement window of a whole system, over real sockets: closed by an operator, booked by cash, instructed by settlement,
// paid by the bank, and booked again when the bank's statement says so.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { OPERATOR_ACCOUNT } from '../../src/institution/operator-account.ts';
import { ibanOf, writePaymentInitiation } from '../../src/iso20022/index.ts';
import { systemAccountId } from '../../src/roles/cash/accounts.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import type { PayRequest } from '../../src/roles/cash/messages.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import type { ShowWindowAnswer } from '../../src/roles/management/payout-messages.ts';
import { id } from '../../src/shared/id.ts';
import { paymentOrder, payRequest, sealedTo } from '../roles/cash/pay-support.ts';
import { Device, now } from './device.ts';
import { HandmadeShop } from './shop.ts';
import { accountNumber, answerOf, EUR, eventually, System, toldBy } from './system.ts';

const IBANS = ['1', '2', '3'].map((last) => ibanOf('DE', `37040044053201300${last}`));

let system: System;
let device: Device;
let cash: CashClient;

beforeAll(async () => {
  system = await System.start({
    bank: { faults: [{ do: 'drop_answer', on: 'payments', nth: 1 }] },
    payouts: { feeBasisPoints: 100, feePerPayout: '0.25', amountMin: '2.00' },
  });
  device = await Device.enrolled(system, accountNumber(1));
  const management = managementClient(await device.connect());
  const order = device.orderGiven(50_000n);
  const { request } = order.document;
  const account = device.seal(accountNumber(1), { purpose: 'load', request });
  await eventually(async () => toldBy(await management.load({ order, account })) === 'loaded');
  cash = new CashClient(await system.asRole('management', 'cash'));
});
afterAll(() => system?.close());

test('what shops have earned is on their accounts, once, and what could not be paid is theirs again', async () => {
  const shops = [
    await HandmadeShop.open(system, IBANS[0]!),
    // No bank knows it.
    await HandmadeShop.open(system, '9999001234567893'),
    await HandmadeShop.open(system, IBANS[2]!),
  ];
  const [good, unknown, small] = shops.map(({ number }) => number) as [bigint, bigint, bigint];
  for (const [shop, amount] of [
    [good, 10_000n],
    [good, 2_345n],
    [unknown, 5_000n],
    [small, 199n],
  ] as const) {
    expect(answerOf(await cash.pay(aPurchase(shop, amount))).kind).toBe('paid');
  }
  const operator = managementClient(await system.asOperator('management'));
  const window = id();
  answerOf(await operator.closeWindow({ window, currency: EUR }));
  const shown = async (): Promise<ShowWindowAnswer> =>
    answerOf(await operator.showWindow({ window, after: undefined, limit: 128 }));
  await eventually(async () => (await shown()).window.state === 'settled', 30_000);

  // 1 % of 123.45 is 1.23, and 0.25; 1 % of 50.00 and 0.25.
  const { window: report, payouts } = await shown();
  const byShop = new Map(payouts.map((payout) => [payout.shop, payout]));
  expect(byShop.get(good)).toMatchObject({ amount: 12_345n - 123n - 25n, standing: 'booked' });
  expect(byShop.get(unknown)).toMatchObject({ amount: 5_000n - 75n, standing: 'rejected', reason: 'AC01' });
  expect(byShop.has(small)).toBe(false);
  expect(report).toMatchObject({ number: 1n, payouts: 2, open: 0, rejected: 1, returned: 0 });

  const { positions } = answerOf(await cash.windowReport({ window, after: undefined }));
  const positionOf = new Map(positions.map((position) => [position.shop, position]));
  expect(positionOf.get(good)).toMatchObject({
    sales: 12_345n,
    fee: 148n,
    carriedOut: 0n,
    standing: 'booked',
  });
  expect(positionOf.get(small)).toMatchObject({ fee: 2n, carriedOut: 197n, standing: 'none' });

  const ledger = await system.asOperator('cash');
  const ids = [
    ...shops.map(({ number }) => number),
    systemAccountId('clearing', EUR),
    systemAccountId('float', EUR),
  ];
  const accounts = await ledger.lookupAccounts(ids);
  const balances = accounts.map(({ creditsPosted, debitsPosted }) => creditsPosted - debitsPosted);
  expect(balances).toEqual([0n, 5_000n - 75n, 197n, 0n, 12_345n - 148n - 50_000n]);

  // Once, although the answer to the instruction was lost.
  const response = await fetch(`http://127.0.0.1:${system.bank.port}/statements?after=0`);
  const statement = await response.text();
  expect(statement.match(/<Ntry>/g)).toHaveLength(1);
  expect(statement).toContain('<Amt Ccy="EUR">121.97</Amt>');
  expect(system.logs.settlement.filter((line) => line.includes(IBANS[0]!))).toEqual([]);
});

test("what comes back later is the shop's again, and counted by the next window", async () => {
  const shop = await HandmadeShop.open(system, IBANS[1]!);
  system.bank.faults.set({ return: { probability: 1, code: 'AC06', afterMs: 0 } });
  expect(answerOf(await cash.pay(aPurchase(shop.number, 1_000n))).kind).toBe('paid');
  const operator = managementClient(await system.asOperator('management'));
  const window = id();
  answerOf(await operator.closeWindow({ window, currency: EUR }));
  const standing = async (of: bigint): Promise<string | undefined> => {
    const { payouts } = answerOf(await operator.showWindow({ window: of, after: undefined, limit: 128 }));
    return payouts.find((payout) => payout.shop === shop.number)?.standing;
  };
  await eventually(async () => (await standing(window)) === 'returned', 30_000);
  system.bank.faults.set({});
  const next = id();
  answerOf(await operator.closeWindow({ window: next, currency: EUR }));
  await eventually(async () => (await standing(next)) === 'booked', 30_000);
  const { positions } = answerOf(await cash.windowReport({ window: next, after: undefined }));
  const position = positions.find((other) => other.shop === shop.number);
  expect(position).toMatchObject({ sales: 0n, refunds: 0n, returned: 965n, fee: 25n, amount: 940n });
  const { windows } = answerOf(await operator.listWindows({ after: undefined, limit: 8 }));
  expect(windows.map(({ number }) => number)).toEqual([1n, 2n, 3n]);
});

test('an operator sees it, and compares it with the bank', async () => {
  const ask = async (...args: string[]): Promise<{ code: number; out: string }> => {
    let out = '';
    const output = {
      write(text: string): void {
        out += text;
      },
      note: () => {},
      interactive: false,
    };
    return { code: await run(['payout', ...args, '--home', system.home], output), out };
  };
  const closed = await ask('close', '--json');
  expect(closed.code).toBe(0);
  const { window } = JSON.parse(closed.out) as { window: string };
  expect((await ask('list')).out).toContain(window);
  const shown = await ask('show', window, '--json');
  expect(JSON.parse(shown.out)).toMatchObject({ window, number: '4' });
  const again = await ask('reconcile');
  expect(again).toMatchObject({ code: 0 });
  expect(again.out).toContain('0 differences');
  // A payment of which nobody knows.
  const account = { scheme: 'iban', id: OPERATOR_ACCOUNT } as const;
  const parties = { debtor: { name: 'Operator' }, creditor: { name: 'Landlord' } };
  const transaction = { endToEndId: 'RENT', amount: 5n, currency: 'EUR', creditorAccount: account };
  const document = writePaymentInitiation({
    ...{ messageId: 'RENT', createdAt: '2026-03-01T12:00:00Z', initiatingParty: parties.debtor },
    payments: [
      {
        ...{ paymentInformationId: 'RENT', requestedExecutionDate: '2026-03-01', debtorAccount: account },
        ...{ debtor: parties.debtor, transactions: [{ ...transaction, creditor: parties.creditor }] },
      },
    ],
  });
  await fetch(`http://127.0.0.1:${system.bank.port}/payments`, { method: 'POST', body: document });
  const differs = await ask('reconcile');
  expect(differs.code).toBe(6);
  expect(differs.out).toContain('unknown payment');
});

function aPurchase(number: bigint, amount: bigint): PayRequest {
  const payer = { device: device.number, key: device.signing };
  const shop = { shop: number, key: device.signing };
  const order = paymentOrder(payer, shop, { amount, ledger: EUR });
  const request = payRequest(order, payer, shop);
  const { keys } = system.directory().currentKeySet('cash', now());
  return {
    ...request,
    payment: sealedTo({ request: request.request, shop: number }, order, { publicKey: keys.sealing }),
  };
}
