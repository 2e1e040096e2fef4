// Statements: what a page holds, what pages together hold, and that they agree with the ledger.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TransferFlags } from '../../../src/layout/generated.ts';
import { systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import { STATEMENT_ENTRIES_MAX, type StatementEntry } from '../../../src/roles/documents/statement.ts';
import { Random } from '../../../src/shared/random.ts';
import { funded, openedShop, type TestShop } from './pay-support.ts';
import { ordered, paid, shopOrder, statementOf } from './shop-support.ts';
import { EUR, newDevice, nextRequest, TestCash, type TestDevice, USD } from './support.ts';

const SECOND = 1_000_000_000n;
let now = 1_800_000_000n * SECOND;
let cash: TestCash;
let shop: TestShop;
beforeAll(async () => {
  cash = await TestCash.open({ clock: () => now++ });
  shop = await openedShop(cash);
});
afterAll(() => cash.close());

/** All pages, one after the other. */
async function allEntries(device: TestDevice, step?: () => Promise<unknown>): Promise<StatementEntry[]> {
  const entries: StatementEntry[] = [];
  for (let after = 0n; ; ) {
    const page = await statementOf(cash, device, { after });
    entries.push(...page.entries);
    expect(page.entries.length).toBeLessThanOrEqual(STATEMENT_ENTRIES_MAX);
    expect(page.entries.every(({ timestamp }) => timestamp > after && timestamp <= page.until)).toBe(true);
    if (!page.more) return entries;
    after = page.until;
    await step?.();
  }
}

test('says what has happened, in the words of the chart', async () => {
  const device = await funded(cash, 1_000n);
  const sale = await paid(cash, device, shop, { amount: 300n });
  const fuel = await paid(cash, device, shop, { amount: 200n, timeoutSeconds: 3600 });
  const room = await paid(cash, device, shop, { amount: 100n, timeoutSeconds: 3600 });
  const orders = [
    shopOrder(shop, { action: 'refund', purchase: sale, amount: 50n }),
    shopOrder(shop, { action: 'capture', purchase: fuel, amount: 120n }),
    shopOrder(shop, { action: 'void', purchase: room }),
  ];
  await ordered(cash, ...orders);
  const [refund, capture, release] = orders.map(({ document }) => document.request);
  const statement = await statementOf(cash, device);
  expect(statement).toMatchObject({
    device: device.device,
    currency: EUR,
    after: 0n,
    more: false,
    balance: 1_000n - 300n + 50n - 120n,
    reserved: 0n,
    purchases: [],
  });
  const load = statement.entries[0]!.transfer;
  const line = ({ transfer, reason, side, phase, amount, purchase }: StatementEntry) =>
    [transfer, reason, side, phase, amount, purchase] as const;
  expect(statement.entries.map(line)).toEqual([
    [load, 'load', 'credit', 'single', 1_000n, 0n],
    [sale, 'payment', 'debit', 'single', 300n, 0n],
    [fuel, 'authorisation', 'debit', 'pending', 200n, 0n],
    [room, 'authorisation', 'debit', 'pending', 100n, 0n],
    [refund, 'refund', 'credit', 'single', 50n, sale],
    [capture, 'authorisation', 'debit', 'post', 120n, fuel],
    [release, 'authorisation', 'debit', 'void', 100n, room],
  ]);
  expect(statement.until).toBe(statement.entries.at(-1)!.timestamp);
  expect(statement.asOf >= statement.until).toBe(true);
  const later = await statementOf(cash, device, { after: statement.until });
  expect(later).toMatchObject({ after: statement.until, until: statement.until, more: false, entries: [] });
});

describe('purchases', () => {
  test('each in its state, in the order of the question', async () => {
    const device = await funded(cash, 1_000n);
    const reserve = (timeoutSeconds: number) => paid(cash, device, shop, { amount: 100n, timeoutSeconds });
    const sale = await paid(cash, device, shop, { amount: 7n });
    const [open, taken, released, ended] = [
      await reserve(3600),
      await reserve(3600),
      await reserve(3600),
      await reserve(1),
    ];
    await ordered(
      cash,
      shopOrder(shop, { action: 'capture', purchase: taken, amount: 60n }),
      shopOrder(shop, { action: 'void', purchase: released }),
    );
    const reservedAt = (await cash.ledger.lookupTransfers([ended]))[0]!.timestamp;
    now += 2n * SECOND;
    cash.ledger.expire();
    const nothing = nextRequest();
    const statement = await statementOf(cash, device, {
      purchases: [nothing, ended, released, taken, open, sale, sale],
    });
    expect(statement.purchases).toMatchObject([
      { request: nothing, state: 'unknown', amount: 0n, timestamp: 0n },
      { request: ended, state: 'expired', amount: 100n, timestamp: reservedAt + SECOND },
      { request: released, state: 'voided', amount: 100n },
      { request: taken, state: 'captured', amount: 60n },
      { request: open, state: 'reserved', amount: 100n },
      { request: sale, state: 'paid', amount: 7n },
      { request: sale, state: 'paid', amount: 7n },
    ]);
    expect(statement).toMatchObject({ balance: 1_000n - 7n - 60n, reserved: 100n });
  });

  test("what is no purchase of this device is unknown: another's, a load, a refund, what posts", async () => {
    const [device, other] = [await funded(cash, 500n), await funded(cash, 500n)];
    const theirs = await paid(cash, other, shop, { amount: 5n });
    const fuel = await paid(cash, device, shop, { amount: 5n, timeoutSeconds: 3600 });
    const capture = shopOrder(shop, { action: 'capture', purchase: fuel, amount: 5n });
    await ordered(cash, capture);
    const refund = shopOrder(shop, { action: 'refund', purchase: fuel, amount: 5n });
    await ordered(cash, refund);
    const [load] = (await statementOf(cash, device)).entries;
    const asked = [theirs, load!.transfer, capture.document.request, refund.document.request];
    const { purchases } = await statementOf(cash, device, { purchases: asked });
    expect(purchases.map(({ state }) => state)).toEqual(asked.map(() => 'unknown'));
  });

  test('an unknown one moves the time of a ledger on in which nothing happens, and a known one does not', async () => {
    const device = await funded(cash, 500n);
    const sale = await paid(cash, device, shop, { amount: 5n });
    const expiresAt = now + 10n * SECOND;
    const early = await statementOf(cash, device, { purchases: [nextRequest()] });
    expect(early.asOf < expiresAt).toBe(true);
    now += 20n * SECOND;
    const { op } = cash.ledger.status();
    expect((await statementOf(cash, device, { purchases: [sale] })).asOf < expiresAt).toBe(true);
    expect(cash.ledger.status().op).toBe(op);
    for (let i = 0; i < 3; i++) {
      expect((await statementOf(cash, device, { purchases: [nextRequest()] })).asOf > expiresAt).toBe(true);
    }
    expect(cash.ledger.status().op).toBe(op + 1);
  });
});

test('pages give each entry once, whatever is booked between them', async () => {
  const random = new Random(5n);
  const device = await funded(cash, 10_000n);
  const open: bigint[] = [];
  let booked = 1;
  const act = async (): Promise<void> => {
    booked++;
    const purchase = open.at(-1);
    if (purchase !== undefined && random.below(3) === 0) {
      open.pop();
      const action = random.pick(['capture', 'void'] as const);
      await ordered(cash, shopOrder(shop, { action, purchase, amount: action === 'void' ? 0n : 1n }));
    } else if (random.below(3) === 0) {
      open.push(await paid(cash, device, shop, { amount: 1n, timeoutSeconds: 3600 }));
    } else {
      await paid(cash, device, shop, { amount: 1n });
    }
  };
  const ran = await paid(cash, device, shop, { amount: 1n, timeoutSeconds: 1 });
  now += 2n * SECOND;
  for (let i = 0; i < 150; i++) await act();
  const entries = await allEntries(device, async () => {
    for (let i = 0; i < 3; i++) await act();
  });
  // That one ran out is no entry: it was one when it was reserved.
  expect(entries.filter(({ transfer }) => transfer === ran)).toHaveLength(1);
  expect(entries).toHaveLength(booked + 1);
  const ledger = await cash.ledger.getAccountTransfers({ accountId: device.device });
  expect(entries.map(({ transfer }) => transfer)).toEqual(ledger.map(({ id }) => id));

  // Begun anywhere, the same.
  for (let i = 0; i < 10; i++) {
    const from = random.below(entries.length);
    const { entries: some } = await statementOf(cash, device, { after: entries[from]!.timestamp });
    expect(some).toEqual(entries.slice(from + 1, from + 1 + STATEMENT_ENTRIES_MAX));
  }
});

test('balance, reservations and entries are of one state, whatever is booked at the same time', async () => {
  const device = await funded(cash, 10_000n);
  const tasks: Promise<unknown>[] = [];
  for (let i = 0; i < 20; i++) {
    tasks.push(paid(cash, device, shop, { amount: 3n }));
    tasks.push(paid(cash, device, shop, { amount: 5n, timeoutSeconds: 3600 }));
    tasks.push(
      statementOf(cash, device).then(({ balance, reserved, entries }) => {
        const sum = (phase: string) =>
          entries
            .filter((entry) => entry.phase === phase && entry.side === 'debit')
            .reduce((total, { amount }) => total + amount, 0n);
        expect([balance, reserved]).toEqual([10_000n - sum('single'), sum('pending')]);
      }),
    );
  }
  await Promise.all(tasks);
});

test('a long history costs no more than a short one: pages of its beginning, its middle, its end', async () => {
  const device = await funded(cash, 15_000n);
  const till = await openedShop(cash);
  const batch = Array.from({ length: 8_000 }, () => ({
    id: nextRequest(),
    debitAccountId: device.device,
    creditAccountId: till.shop,
    amount: 1n,
    ledger: EUR,
    code: TransferCode.payment,
  }));
  await cash.ledger.createTransfers(batch);
  const first = await statementOf(cash, device);
  expect(first).toMatchObject({ more: true });
  expect(first.entries).toHaveLength(STATEMENT_ENTRIES_MAX);
  const middle = first.entries[1]!.timestamp + 4_000n;
  const page = await statementOf(cash, device, { after: middle });
  expect(page.entries[0]!.timestamp).toBe(middle + 1n);
  const last = await statementOf(cash, device, { after: first.entries[1]!.timestamp + 7_990n });
  expect(last).toMatchObject({ more: false });
  expect(last.entries).toHaveLength(9);
});

test('an entry with a code that is in no chart', async () => {
  const device = await funded(cash, 100n);
  await cash.ledger.createTransfers([
    {
      id: nextRequest(),
      debitAccountId: device.device,
      creditAccountId: systemAccountId('fees', EUR),
      amount: 1n,
      ledger: EUR,
      code: 4711,
      flags: TransferFlags.pending,
      timeout: 5,
    },
  ]);
  expect((await statementOf(cash, device)).entries.at(-1)).toMatchObject({
    reason: 'code 4711',
    phase: 'pending',
  });
});

test('refusals', async () => {
  const device = await cash.opened();
  await expect(statementOf(cash, newDevice())).rejects.toThrow('device_unknown');
  await expect(statementOf(cash, device, { currency: USD })).rejects.toThrow('currency_not_offered');
  await expect(statementOf(cash, device, { after: (1n << 64n) - 1n })).rejects.toThrow('malformed');
});

test('many questions of one turn, each with many purchases', async () => {
  const devices = await Promise.all(Array.from({ length: 12 }, () => funded(cash, 100n)));
  const purchases = await Promise.all(devices.map((device) => paid(cash, device, shop, { amount: 9n })));
  const unknown = Array.from({ length: 15 }, () => nextRequest());
  const statements = await Promise.all(
    Array.from({ length: 300 }, (_, i) => {
      const n = i % devices.length;
      return statementOf(cash, devices[n]!, { purchases: [...unknown, purchases[n]!] });
    }),
  );
  for (const { balance, entries, purchases: states } of statements) {
    expect([balance, entries.length, states.at(-1)!.state]).toEqual([91n, 2, 'paid']);
  }
});
