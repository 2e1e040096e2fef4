// Block, unblock, limits, replace: signed by operators.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import { AccountFlags, OrderTermsFlags, OrderVerdict, TransferFlags } from '../../../src/layout/generated.ts';
import { furtherAccountId } from '../../../src/roles/cash/accounts.ts';
import type { DeviceOrderAnswer } from '../../../src/roles/cash/messages.ts';
import { stamp } from '../../../src/roles/cash/order-records.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { DeviceOrder, type SignedDeviceOrder } from '../../../src/roles/documents/device-order.ts';
import { Random } from '../../../src/shared/random.ts';
import { readCreateTransferResults } from '../../../src/wire/results.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  funded,
  openedShop,
  outcome,
  payAll,
  paymentOrder,
  purchaseOf,
  type TestShop,
} from './pay-support.ts';
import { ordered, paid, shopOrder, statementOf } from './shop-support.ts';
import {
  answerOf,
  BALANCE_MAX,
  creditOf,
  EUR,
  forged,
  keyPair,
  newDevice,
  nextRequest,
  OPERATOR,
  short,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

const ANNA = keyPair(70_001);
const BEN = keyPair(70_002);

let cash: TestCash;
let shop: TestShop;
beforeAll(async () => {
  cash = await opened();
  shop = await openedShop(cash);
});
afterAll(() => cash.close());

async function opened(options: Parameters<typeof TestCash.open>[0] = {}): Promise<TestCash> {
  const opened = await TestCash.open(options);
  opened.identity.operators.set('anna', ANNA.publicKey);
  opened.identity.operators.set('ben', BEN.publicKey);
  return opened;
}

type Action = DeviceOrder['action'];

function deviceOrder(
  { device }: Pick<TestDevice, 'device'>,
  action: Action,
  changes: Partial<DeviceOrder> = {},
  key = ANNA,
): SignedDeviceOrder {
  const document: DeviceOrder = {
    request: nextRequest(),
    operator: 'anna',
    device,
    action,
    reason: 'lost on the bus',
    applyBy: 1n << 62n,
    ...changes,
  };
  return { document, signature: ed25519.sign(key.secretKey, DeviceOrder.signedBytes(document)) };
}

const replace = (old: Pick<TestDevice, 'device'>, by: Pick<TestDevice, 'device'>) =>
  deviceOrder(old, { kind: 'replace', by: by.device });

type Result = CallResult<DeviceOrderAnswer>;
const send = (order: SignedDeviceOrder, of = cash): Promise<Result> => of.client().deviceOrder({ order });

/** `done`, or with what has moved: `amount/left/reserved`; or `refused: <code>`. */
function told(result: Result): string {
  if (result.kind !== 'ok') return result.kind === 'refused' ? `refused: ${result.refusal.code}` : 'unknown';
  const moved = result.answer.moved.map(
    ({ amount, left, stillReserved }) => `${amount}/${left}/${stillReserved}`,
  );
  return ['done', ...moved].join(' ');
}

const order = async (one: SignedDeviceOrder): Promise<string> => told(await send(one));
const state = (device: bigint, of = cash) => of.ledger.orderState(device);
const isClosed = async (device: bigint, of = cash): Promise<boolean> => {
  const [account] = await of.ledger.lookupAccounts([device]);
  return (account!.flags & AccountFlags.closed) !== 0;
};
/** What becomes of a payment that the device orders. */
async function pay(device: TestDevice, amount: bigint): Promise<string> {
  return outcome((await payAll(cash, purchaseOf(device, shop, { amount })))[0]!);
}

/** As if its signature had been verified. */
function good(order: Uint8Array): Uint8Array {
  stamp(new DataView(order.buffer), 0, OrderVerdict.good);
  return order;
}

const CLOSED = { flags: OrderTermsFlags.orders_closed };
const OPEN = { flags: 0 };

describe('block', () => {
  test('closes the device to its own orders and to nothing else, until it is unblocked', async () => {
    const device = await funded(cash, 500n);
    const sale = await paid(cash, device, shop, { amount: 100n });
    const room = await paid(cash, device, shop, { amount: 100n, timeoutSeconds: 3600 });
    expect(await order(deviceOrder(device, { kind: 'block' }))).toBe('done');
    expect(await state(device.device)).toMatchObject(CLOSED);
    expect(await pay(device, 1n)).toBe('rejected: orders_closed');
    expect(
      await ordered(
        cash,
        shopOrder(shop, { action: 'refund', purchase: sale, amount: 40n }),
        shopOrder(shop, { action: 'capture', purchase: room, amount: 60n }),
      ),
    ).toEqual(['done: 40', 'done: 60']);
    expect(short((await cash.credit(creditOf(device, { amount: 10n })))[0]!)).toBe('credited');
    expect(await order(deviceOrder(device, { kind: 'block' }))).toBe('done');
    expect(await order(deviceOrder(device, { kind: 'unblock' }))).toBe('done');
    expect(await state(device.device)).toMatchObject(OPEN);
    expect(await pay(device, 1n)).toBe('paid');
  });

  test('keeps the limits, and limits keep the block; a new account gets both', async () => {
    const device = await cash.opened();
    const limits = (currency: number, paymentMax: bigint, dayMax: bigint): Action => {
      return { kind: 'limits', currency, paymentMax, dayMax };
    };
    expect(await order(deviceOrder(device, limits(EUR, 50n, 200n)))).toBe('done');
    expect(await state(device.device)).toMatchObject({ ...OPEN, paymentMax: 50n, dayMax: 200n });
    await cash.credit(creditOf(device));
    expect([await pay(device, 51n), await pay(device, 50n)]).toEqual([
      'rejected: exceeds_payment_limit',
      'paid',
    ]);
    await order(deviceOrder(device, { kind: 'block' }));
    expect(await state(device.device)).toMatchObject({ ...CLOSED, paymentMax: 50n, dayMax: 200n });
    await order(deviceOrder(device, limits(EUR, 0n, 300n)));
    expect(await state(device.device)).toMatchObject({ ...CLOSED, paymentMax: 0n, dayMax: 300n });
    expect(await order(deviceOrder(device, limits(USD, 1n, 2n)))).toBe('refused: currency_not_offered');
    await cash.opened(device, USD);
    const dollars = furtherAccountId(device.device, USD);
    expect(await state(dollars)).toMatchObject({ ...CLOSED, paymentMax: 0n, dayMax: 0n });
    expect(await order(deviceOrder(device, limits(USD, 1n, 2n)))).toBe('done');
    expect(await state(device.device)).toMatchObject({ ...CLOSED, paymentMax: 0n, dayMax: 300n });
  });
});

describe('revoke', () => {
  test('closes the device to its own orders for good, whoever submits them; its balance is moved by a replacement', async () => {
    const [device, by] = [await funded(cash, 500n), await cash.opened()];
    const sale = await paid(cash, device, shop, { amount: 100n });
    const revoke = deviceOrder(device, { kind: 'revoke' });
    expect(await order(revoke)).toBe('done');
    expect(await state(device.device)).toMatchObject(CLOSED);
    expect(await pay(device, 1n)).toBe('rejected: orders_closed');
    const straight = await cash.ledger.createPaymentOrders(good(paymentOrder(device, shop)));
    expect(readCreateTransferResults(straight)).toMatchObject([{ status: 'orders_closed' }]);
    for (const kind of ['block', 'unblock'] as const) {
      expect(await order(deviceOrder(device, { kind }))).toBe('done');
      expect(await state(device.device)).toMatchObject(CLOSED);
    }
    expect(await ordered(cash, shopOrder(shop, { action: 'refund', purchase: sale, amount: 40n }))).toEqual([
      'done: 40',
    ]);
    expect(await order(revoke)).toBe('done');
    expect(await order(replace(by, device))).toBe('refused: device_blocked');
    expect(await order(replace(device, by))).toBe('done 440/0/0');
    // What is closed for good may be revoked all the same.
    expect(await order(deviceOrder(device, { kind: 'revoke' }))).toBe('done');
  });

  test('is never too late, as management tells it until cash has it; a block is', async () => {
    const device = await cash.opened();
    expect(await order(deviceOrder(device, { kind: 'block' }, { applyBy: 1n }))).toBe('refused: expired');
    expect(await order(deviceOrder(device, { kind: 'revoke' }, { applyBy: 1n }))).toBe('done');
    await cash.opened(device, USD);
    expect(await state(furtherAccountId(device.device, USD))).toMatchObject(CLOSED);
  });
});

describe('replace', () => {
  test('moves the balance, and closes the old account for good', async () => {
    const [old, by] = [await funded(cash, 500n), await funded(cash, 30n)];
    const one = replace(old, by);
    expect(await order(one)).toBe('done 500/0/0');
    expect([await cash.balance(old), await cash.balance(by)]).toEqual([0n, 530n]);
    expect(await pay(old, 1n)).toBe('rejected: orders_closed');
    expect([await isClosed(old.device), await isClosed(by.device)]).toEqual([true, false]);
    expect(await state(old.device)).toMatchObject(CLOSED);
    expect(await state(by.device)).toBeUndefined();
    expect(await order(one)).toBe('done 500/0/0');
    expect(await order(deviceOrder(old, { kind: 'unblock' }))).toBe('refused: device_replaced');
    expect(short((await cash.credit(creditOf(old)))[0]!)).toBe('rejected: credit_account_already_closed');
    const { entries } = await statementOf(cash, by);
    expect(entries.at(-1)).toMatchObject({
      transfer: one.document.request,
      reason: 'transfer',
      side: 'credit',
      amount: 500n,
    });
  });

  test('what is reserved stays, is captured or becomes free, and moves when it is ordered again', async () => {
    const [old, by] = [await funded(cash, 500n), await cash.opened()];
    const [fuel, room] = [
      await paid(cash, old, shop, { amount: 100n, timeoutSeconds: 3600 }),
      await paid(cash, old, shop, { amount: 50n, timeoutSeconds: 3600 }),
    ];
    expect(await order(replace(old, by))).toBe('done 350/0/150');
    expect(await isClosed(old.device)).toBe(false);
    expect(await state(old.device)).toMatchObject(CLOSED);
    await ordered(cash, shopOrder(shop, { action: 'capture', purchase: fuel, amount: 70n }));
    expect(await order(replace(old, by))).toBe('done 30/0/50');
    await ordered(cash, shopOrder(shop, { action: 'void', purchase: room }));
    expect(await order(replace(old, by))).toBe('done 50/0/0');
    expect(await isClosed(old.device)).toBe(true);
    expect(await order(replace(old, by))).toBe('done 0/0/0');
    expect([await cash.balance(old), await cash.balance(by)]).toEqual([0n, 430n]);
  });

  test('refunds of what the old device has paid go to the new one, and on to its successor', async () => {
    const [first, second, third] = [await funded(cash, 300n), await cash.opened(), await cash.opened()];
    const sale = await paid(cash, first, shop, { amount: 90n });
    const part = (amount: bigint) => shopOrder(shop, { action: 'refund', purchase: sale, amount });
    await order(replace(first, second));
    expect(await ordered(cash, part(20n))).toEqual(['done: 20']);
    await order(replace(second, third));
    expect(await ordered(cash, part(30n))).toEqual(['done: 30']);
    const balances = [first, second, third].map((device) => cash.balance(device));
    expect(await Promise.all(balances)).toEqual([0n, 0n, 260n]);
  });

  test('what runs out at the first of three goes to the last', async () => {
    const [first, second, third] = [await funded(cash, 300n), await cash.opened(), await cash.opened()];
    const room = await paid(cash, first, shop, { amount: 90n, timeoutSeconds: 3600 });
    expect(await order(replace(first, second))).toBe('done 210/0/90');
    expect(await order(replace(second, third))).toBe('done 210/0/0');
    await ordered(cash, shopOrder(shop, { action: 'void', purchase: room }));
    expect(await order(replace(first, second))).toBe('refused: device_replaced');
    expect(await order(replace(first, third))).toBe('done 90/0/0');
    expect(await cash.balance(third)).toBe(300n);
  });

  test('a blocked device can be replaced', async () => {
    const [old, by] = [await funded(cash, 80n), await cash.opened()];
    await order(deviceOrder(old, { kind: 'block' }));
    expect(await order(replace(old, by))).toBe('done 80/0/0');
  });

  test('only by a device that can pay, and by one', async () => {
    const [old, by, other] = [await funded(cash, 80n), await cash.opened(), await cash.opened()];
    expect(await order(replace(old, old))).toBe('refused: malformed');
    expect(await order(replace(old, newDevice()))).toBe('refused: device_unknown');
    expect(await order(replace(newDevice(), by))).toBe('refused: device_unknown');
    await order(deviceOrder(by, { kind: 'block' }));
    expect(await order(replace(old, by))).toBe('refused: device_blocked');
    await order(deviceOrder(by, { kind: 'unblock' }));
    expect(await order(replace(old, by))).toBe('done 80/0/0');
    expect(await order(replace(old, other))).toBe('refused: device_replaced');
    expect(await order(replace(other, old))).toBe('refused: device_replaced');
    expect(await order(replace(by, old))).toBe('refused: device_replaced');
  });

  test('in every currency, for which the new device has to have accounts', async () => {
    const [old, by] = [await funded(cash, 80n), await cash.opened()];
    await cash.opened(old, USD);
    await cash.credit(creditOf(old, { currency: USD, amount: 7n }));
    expect(await order(replace(old, by))).toBe('refused: currency_not_offered');
    await cash.opened(by, USD);
    expect(await order(replace(old, by))).toBe('done 80/0/0 7/0/0');
    expect([await cash.balance(by), await cash.balance(by, USD)]).toEqual([80n, 7n]);
  });

  test('what the new device may not hold is left, and moves later', async () => {
    const [old, by] = [await funded(cash, BALANCE_MAX), await funded(cash, 100n)];
    expect(await order(replace(old, by))).toBe(`done 0/${BALANCE_MAX}/0`);
    expect(await isClosed(old.device)).toBe(false);
    expect(await state(old.device)).toMatchObject(CLOSED);
    await paid(cash, by, shop, { amount: 100n });
    expect(await order(replace(old, by))).toBe(`done ${BALANCE_MAX}/0/0`);
    expect(await isClosed(old.device)).toBe(true);
  });
});

describe('who may order', () => {
  test('an operator of the directory, signing himself, through management, in time', async () => {
    const device = await cash.opened();
    const good = deviceOrder(device, { kind: 'block' });
    const cases: [string, SignedDeviceOrder][] = [
      ['refused: signature_invalid', { ...good, signature: forged(good.signature) }],
      ['refused: signature_invalid', deviceOrder(device, { kind: 'block' }, {}, BEN)],
      ['refused: operator_unknown', deviceOrder(device, { kind: 'block' }, { operator: 'carl' })],
      ['refused: malformed', deviceOrder(device, { kind: 'block' }, { request: 0n })],
      ['refused: expired', deviceOrder(device, { kind: 'block' }, { applyBy: 5n })],
      ['refused: device_unknown', deviceOrder(newDevice(), { kind: 'block' })],
    ];
    for (const [expected, one] of cases) expect([expected, await order(one)]).toEqual([expected, expected]);
    expect(told(await cash.client(OPERATOR).deviceOrder({ order: good }))).toBe('refused: not_permitted');
    expect(await state(device.device)).toBeUndefined();
    expect(await order(good)).toBe('done');
  });

  test('what was done stays done when its operator is gone; the same order has the same answer', async () => {
    const device = await cash.opened();
    const one = deviceOrder(device, { kind: 'block' }, { operator: 'ben' }, BEN);
    const first = answerOf(await send(one));
    cash.identity.operators.delete('ben');
    expect(answerOf(await send(one))).toEqual(first);
    const { request } = one.document;
    expect(await order(deviceOrder(device, { kind: 'unblock' }, { request }))).toBe(
      'refused: request_differs',
    );
    expect(await order(deviceOrder(device, { kind: 'unblock' }, { operator: 'ben' }, BEN))).toBe(
      'refused: operator_unknown',
    );
  });

  test('operators look orders up', async () => {
    const [old, by] = [await funded(cash, 80n), await cash.opened()];
    const one = replace(old, by);
    await order(one);
    const { report } = answerOf(await cash.client(OPERATOR).lookupRequest(one.document.request));
    expect(report).toMatchObject({
      kind: 'device_replace',
      state: 'done',
      device: old.device,
      detail: `operator anna, by ${by.device}: lost on the bus`,
      history: [{ state: 'setting' }, { state: 'moving' }, { state: 'done' }],
    });
  });
});

test('money of devices that pay, reserve and replace each other in any order: none is lost, none is made', async () => {
  const seed = BigInt(process.env.SPECIE_SEED ?? Math.floor(performance.timeOrigin) % 2 ** 31);
  console.log(`SPECIE_SEED=${seed}`);
  const random = new Random(seed);
  const till = await openedShop(cash);
  const devices = [await funded(cash, 4_000n), await funded(cash, 2_000n)];
  for (let i = 0; i < 6; i++) devices.push(await cash.opened());
  const sum = 6_000n;
  const purchases: bigint[] = [];
  const replacedBy = new Map<bigint, bigint>();
  for (let step = 0; step < 120; step++) {
    const [one, other] = [random.pick(devices), random.pick(devices)];
    const purchase = purchases[random.below(purchases.length + 1)];
    const amount = BigInt(1 + random.below(50));
    const about = { purchase: purchase!, amount };
    switch (random.below(6)) {
      case 0:
      case 1: {
        const isReserved = random.below(2) === 0;
        const order = purchaseOf(one, till, {
          amount,
          ...(isReserved && { code: 21, flags: TransferFlags.pending, timeout: 3600 }),
        });
        const got = outcome((await payAll(cash, order))[0]!);
        if (got === 'paid' || got === 'reserved') {
          purchases.push(order.request);
          expect(replacedBy.has(one.device)).toBe(false);
        }
        break;
      }
      case 2:
      case 3:
        if (purchase === undefined) break;
        await ordered(
          cash,
          shopOrder(till, { ...about, action: 'capture' }),
          shopOrder(till, { ...about, action: 'void', amount: 0n }),
          shopOrder(till, { ...about, action: 'refund' }),
        );
        break;
      default: {
        const got = await Promise.all([
          order(replace(one, other)),
          order(replace(one, random.pick(devices))),
        ]);
        if (got[0]!.startsWith('done')) replacedBy.set(one.device, other.device);
      }
    }
  }
  const numbers = devices.map(({ device }) => device);
  const accounts = await cash.ledger.lookupAccounts([...numbers, till.shop]);
  const balances = accounts.map(({ creditsPosted, debitsPosted }) => creditsPosted - debitsPosted);
  expect([seed, balances.reduce((total, balance) => total + balance, 0n)]).toEqual([seed, sum]);
  // What a replaced device still has is reserved, or has become free since; a closed one has nothing.
  for (const { id, flags, creditsPosted, debitsPosted, debitsPending } of accounts) {
    if ((flags & AccountFlags.closed) === 0) continue;
    expect([seed, id, creditsPosted - debitsPosted, debitsPending]).toEqual([seed, id, 0n, 0n]);
  }
  expect(accounts.some(({ flags }) => (flags & AccountFlags.closed) !== 0)).toBe(true);
});

test('a crash at any point of a replacement: it is finished at the start, and nothing is lost or doubled', async () => {
  const { path, ledger } = cash;
  const points = new Set<string>();
  for (let crashAt = 0; ; crashAt++) {
    const disk = new MemoryDisk();
    let step = -1;
    let isArmed = false;
    const first = await opened({
      path,
      ledger,
      store: memoryRoleStore(disk),
      trace: (point, _, stateName) => {
        if (!isArmed || ++step !== crashAt) return;
        points.add(`${point} ${stateName}`);
        disk.crash(crashAt % 2 === 0);
      },
    });
    const [old, by] = [await funded(first, 500n), await funded(first, 1n)];
    const till = await openedShop(first);
    const room = await paid(first, old, till, { amount: 100n, timeoutSeconds: 3600 });
    const one = replace(old, by);
    isArmed = true;
    const answer = send(one, first);
    while (disk.life === 0 && (await Promise.race([answer, pause()])) === undefined);
    isArmed = false;

    const second = await opened({ path, ledger, store: memoryRoleStore(disk) });
    expect([crashAt, told(await send(one, second))]).toEqual([crashAt, 'done 400/0/100']);
    await ordered(second, shopOrder(till, { action: 'void', purchase: room }));
    expect(told(await send(replace(old, by), second))).toBe('done 100/0/0');
    expect([await second.balance(old), await second.balance(by)]).toEqual([0n, 501n]);
    expect(await isClosed(old.device, second)).toBe(true);
    await second.cash.close();
    if (disk.life === 0) break;
  }
  expect(points.size).toBeGreaterThanOrEqual(9);
});

const pause = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, 2, undefined));
