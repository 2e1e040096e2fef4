// Purchases, and what shops order about them, at the same time: of two that cannot both be, one is. And the same purchase
// over and over, at once and after each role has come back: paid once, with the same receipt.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/index.ts';
import type { RoleClient } from '../../src/roles/common/role-client.ts';
import { PaymentReceipt, type ShopAction, ShopOrder } from '../../src/roles/documents/payment-receipts.ts';
import { type PurchaseKind, purchaseReference } from '../../src/roles/documents/purchase.ts';
import type { ManagementClient } from '../../src/roles/management/client.ts';
import type { PayAnswer, PayRequest } from '../../src/roles/management/messages.ts';
import type { ShopRefusal } from '../../src/roles/shop/errors.ts';
import { type BuyAnswer, BuyRequest, type ShopOperations } from '../../src/roles/shop/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { id } from '../../src/shared/id.ts';
import { signedPurchase } from '../../src/wallet/core/purchase.ts';
import { nodeCrypto } from '../../src/wallet/index.ts';
import { Device, now, signedBy, soon } from './device.ts';
import { WholeShop } from './open-shop.ts';
import { accountNumber, answerOf, auditOf, EUR, eventually, System, toldBy } from './system.ts';

type Customer = RoleClient<ShopOperations, ShopRefusal>;

const PRICE = 300n;
const RACES = 4;

let system: System;
let shops: [WholeShop, WholeShop];
/** Two of each shop. */
let customers: [Customer, Customer][];

beforeAll(async () => {
  system = await System.start({ deaf: true });
  const articles = [{ id: 'coffee', name: 'Coffee', price: '3.00' }];
  const account = 'DE89370400440532013000';
  shops = [
    await WholeShop.open(system, { name: 'Left', account, articles }),
    await WholeShop.open(system, { name: 'Right', account, articles }),
  ];
  customers = await Promise.all(
    shops.map(async (shop): Promise<[Customer, Customer]> => [await shop.customer(), await shop.customer()]),
  );
}, 60_000);
afterAll(async () => {
  for (const shop of shops ?? []) await shop.close();
  await system?.close();
});

let devices = 0;
async function withMoney(amount: bigint): Promise<Device> {
  const device = await Device.enrolled(system, accountNumber(10 + devices++));
  await load(device, amount);
  return device;
}

async function load(device: Device, amount: bigint): Promise<void> {
  const management = await device.management();
  const order = device.order(amount);
  await eventually(
    async () => answerOf(await management.load({ order, account: undefined })).kind === 'loaded',
  );
}

/** A coffee, signed by a wallet that does not look at what it has. */
function coffee(
  device: Device,
  shop: WholeShop,
  sequence: bigint,
  kind: PurchaseKind = 'sale',
  request = id(),
): BuyRequest {
  const keyOf = (role: 'management' | 'cash') => system.directory().currentKeySet(role, now()).keys.sealing;
  const { message } = signedPurchase(
    {
      ...{ request, shop: shop.home.certificate()!.document, kind, currency: EUR },
      ...{ amount: amountOf(PRICE), timeoutSeconds: kind === 'sale' ? 0 : 3_600, expiresAt: soon() },
      ...{ articles: [{ article: 'coffee', quantity: 1, price: PRICE }], offer: undefined },
    },
    sequence,
    {
      device: device.number,
      keys: {
        ...{ signingSecret: device.signing.secretKey, signingKey: device.signing.publicKey },
        ...{ channelSecret: device.channel.secretKey, channelKey: device.channel.publicKey },
      },
      ...{ managementKey: keyOf('management'), cashKey: keyOf('cash'), crypto: nodeCrypto },
    },
  );
  return BuyRequest.decode(message);
}

/** Asks until there is an end. */
async function bought(customer: Customer, message: BuyRequest): Promise<BuyAnswer> {
  let end: BuyAnswer | undefined;
  await eventually(async () => {
    const result = await customer.call('buy', message);
    if (result.kind === 'refused') throw new Error(`expected it to be taken, got ${result.refusal.code}`);
    if (result.kind === 'ok' && result.answer.kind !== 'pending') end = result.answer;
    return end !== undefined;
  });
  return end!;
}

/** By management, beside the shop, which remembers: as one would that has lost its store. */
async function askedAnew(shop: WholeShop, { terms, number, payment }: BuyRequest): Promise<PayAnswer> {
  const { request, kind, amount, currency, expiresAt } = terms;
  const reference = purchaseReference(terms, sha256);
  const message: PayRequest = { request, kind, amount, currency, expiresAt, reference, number, payment };
  const management = await shop.management();
  let end: PayAnswer | undefined;
  await eventually(async () => {
    end = answerOf(await management.pay(message));
    return end.kind !== 'pending';
  });
  return end!;
}

function endOf(answer: BuyAnswer | PayAnswer): string {
  if (answer.kind === 'paid') return answer.receipt.document.kind;
  return answer.kind === 'rejected' ? `rejected: ${answer.rejection.document.reason}` : answer.kind;
}

const receiptBytes = (answer: BuyAnswer | PayAnswer): Uint8Array => {
  if (answer.kind !== 'paid') throw new Error(`expected it to be paid, got ${endOf(answer)}`);
  return PaymentReceipt.signed.encode(answer.receipt);
};

async function accountsOf(...numbers: bigint[]) {
  const operator = await system.asOperator('cash');
  const accounts = await operator.lookupAccounts(numbers);
  await operator.close(0);
  return accounts.map(({ creditsPosted, debitsPosted, debitsPending }) => ({
    balance: creditsPosted - debitsPosted,
    reserved: debitsPending,
  }));
}

test('two purchases race for the last coin, at two shops: one is paid, one rejected for good', async () => {
  const before = await accountsOf(...shops.map(({ number }) => number));
  const racing = await Promise.all(Array.from({ length: RACES }, () => withMoney(PRICE + PRICE - 1n)));
  const races = racing.map((device) => shops.map((shop, i) => coffee(device, shop, BigInt(i + 1))));
  const ends = await Promise.all(
    races.map((messages) => Promise.all(messages.map((one, i) => bought(customers[i]![0], one)))),
  );
  for (const pair of ends) {
    expect(pair.map(endOf).toSorted()).toEqual(['paid', 'rejected: exceeds_credits']);
  }
  // For good: also at management, asked anew, when there is money for both.
  await load(racing[0]!, PRICE);
  const again = await Promise.all(races[0]!.map((one, i) => askedAnew(shops[i]!, one)));
  expect(again).toEqual(ends[0]);
  const after = await accountsOf(...shops.map(({ number }) => number));
  const earned = after.map(({ balance }, i) => balance - before[i]!.balance);
  expect(earned[0]! + earned[1]!).toBe(BigInt(RACES) * PRICE);
  expect(await accountsOf(...racing.map(({ number }) => number))).toEqual(
    racing.map((_, i) => ({ balance: i === 0 ? 2n * PRICE - 1n : PRICE - 1n, reserved: 0n })),
  );
});

test('the same purchase twice at once, and after each role has come back: one payment, one receipt', async () => {
  const device = await withMoney(10n * PRICE);
  const [shop] = shops;
  const message = coffee(device, shop, 1n);
  const twice = () => Promise.all(customers[0]!.map((customer) => bought(customer, message)));
  const [first, second] = (await twice()).map(receiptBytes);
  expect(second).toEqual(first);
  const restarts: (() => Promise<unknown>)[] = [
    ...(['cash', 'management'] as const).map((role) => async () => {
      await system.stopRole(role);
      await system.startRole(role);
    }),
    async () => {
      await shop.stop();
      await shop.start();
    },
  ];
  for (const restart of restarts) {
    await restart();
    for (const answer of await twice()) expect(receiptBytes(answer)).toEqual(first);
    expect(receiptBytes(await askedAnew(shop, message))).toEqual(first);
  }
  expect(await accountsOf(device.number)).toEqual([{ balance: 9n * PRICE, reserved: 0n }]);
  expect(shop.shop.sale(message.terms.request)).toMatchObject({ state: 'paid', amount: PRICE });
});

test('two purchases race under one name: one is paid, and the other is told so before it is forwarded', async () => {
  const device = await withMoney(10n * PRICE);
  const [shop] = shops;
  const request = id();
  const rivals = [1n, 2n].map((sequence) => coffee(device, shop, sequence, 'sale', request));
  const ends: string[] = await Promise.all(
    rivals.map(async (one, i) => {
      let end = '';
      await eventually(async () => {
        end = toldBy(await customers[0]![i]!.call('buy', one));
        return end !== 'pending';
      });
      return end;
    }),
  );
  expect(ends.toSorted()).toEqual(['paid', 'refused: request_differs']);
  expect(await accountsOf(device.number)).toEqual([{ balance: 9n * PRICE, reserved: 0n }]);
  expect(shop.shop.sales().filter(({ purchase }) => purchase === request)).toHaveLength(1);
});

// ---- What shops order later

/** All at once, each on a channel of its own. @returns `done` or `rejected: …`, in order */
async function ordered(
  shop: WholeShop,
  orders: readonly { readonly action: ShopAction; readonly purchase: bigint; readonly amount: bigint }[],
): Promise<string[]> {
  const { signing } = await shop.keys();
  const { number } = shop;
  const channels = await Promise.all(orders.map(() => shop.management()));
  return Promise.all(
    orders.map((order, i) => {
      const document = { ...order, request: id(), shop: number, currency: EUR, applyBy: soon() };
      return endOfOrder(channels[i]!, signedBy(ShopOrder, document, signing));
    }),
  );
}

async function endOfOrder(
  management: ManagementClient,
  order: Parameters<ManagementClient['shopOrder']>[0]['order'],
): Promise<string> {
  let end = '';
  await eventually(async () => {
    const answer = answerOf(await management.shopOrder({ order }));
    if (answer.kind === 'done') end = 'done';
    if (answer.kind === 'rejected') end = `rejected: ${answer.rejection.document.reason}`;
    return end !== '';
  });
  return end;
}

test('refunds race each other beyond what was paid: as many are done as it carries', async () => {
  const device = await withMoney(2n * PRICE);
  const [shop] = shops;
  const message = coffee(device, shop, 1n);
  expect(endOf(await bought(customers[0]![0], message))).toBe('paid');
  const purchase = message.terms.request;
  // Another customer's, so that the shop could pay them all.
  const other = coffee(device, shop, 2n);
  expect(endOf(await bought(customers[0]![1], other))).toBe('paid');
  const refund = { action: 'refund', purchase, amount: PRICE / 2n - 1n } as const;
  const ends = await ordered(
    shop,
    Array.from({ length: 5 }, () => refund),
  );
  expect(ends.toSorted()).toEqual(['done', 'done', ...Array(3).fill('rejected: exceeds_payment')]);
  expect(await accountsOf(device.number)).toEqual([{ balance: PRICE - 2n, reserved: 0n }]);
  // The rest of it, to the last cent, and no more.
  const rest = { ...refund, amount: 2n };
  expect((await ordered(shop, [rest, rest])).toSorted()).toEqual(['done', 'rejected: exceeds_payment']);
  expect(await accountsOf(device.number)).toEqual([{ balance: PRICE, reserved: 0n }]);
});

test('a capture races a void, and another capture: one of them is done', async () => {
  const [, shop] = shops;
  const device = await withMoney(BigInt(RACES) * PRICE);
  const before = (await accountsOf(shop.number))[0]!.balance;
  let taken = 0n;
  for (let race = 1; race <= RACES; race++) {
    const message = coffee(device, shop, BigInt(race), 'authorisation');
    expect(endOf(await bought(customers[1]![0], message))).toBe('reserved');
    const purchase = message.terms.request;
    const capture = { action: 'capture', purchase, amount: PRICE - 1n } as const;
    const against = race % 2 === 0 ? capture : ({ action: 'void', purchase, amount: 0n } as const);
    const orders = race <= 2 ? [capture, against] : [against, capture];
    const ends = await ordered(shop, orders);
    const winner = ends.indexOf('done');
    expect(ends.filter((end) => end === 'done')).toHaveLength(1);
    const { action } = orders[winner]!;
    expect(ends[1 - winner]).toBe(
      action === 'void'
        ? 'rejected: pending_transfer_already_voided'
        : 'rejected: pending_transfer_already_posted',
    );
    if (action === 'capture') taken += capture.amount;
    expect(await accountsOf(device.number, shop.number)).toMatchObject([
      { balance: BigInt(RACES) * PRICE - taken, reserved: 0n },
      { balance: before + taken },
    ]);
  }
});

test('afterwards all books agree', async () => {
  expect(await auditOf(system)).toEqual({ passed: true, open: [], findings: [] });
});
