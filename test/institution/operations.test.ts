// The four operations through the adapter and the simulator: what each answers wherever the order stands, that each is
// idempotent, and that no money appears or vanishes.
import { describe, expect, test } from 'vitest';
import { SPECIAL_ACCOUNTS } from '../../src/institution/account-number.ts';
import type { CardOrder, Institution } from '../../src/roles/settlement/institution.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { Random } from '../../src/shared/random.ts';
import { accountNumber, adapter, anOrder, BALANCE, expectConserved, simulator } from './support.ts';

const approved = { kind: 'approved', institutionReference: expect.stringMatching(/^[0-9A-Z]{6}$/) };
const declined = (reason: string, responseCode: string) => ({ kind: 'declined', reason, responseCode });

async function both() {
  const bank = await simulator();
  return { bank, cards: adapter(bank.port) };
}

async function authorised(cards: Institution, order: CardOrder): Promise<string> {
  const outcome = await cards.authorise(order);
  if (outcome.kind !== 'approved') throw new Error(`expected approved, got ${JSON.stringify(outcome)}`);
  return outcome.institutionReference;
}

test('an order held, taken, given back', async () => {
  const { bank, cards } = await both();
  const order = anOrder({ amount: amountOf(30_000n) });
  const account = () => bank.books.account(accountNumber(0));
  expect(await cards.inquire(order)).toEqual({ kind: 'not_found' });

  const reference = await authorised(cards, order);
  expect(account()).toMatchObject({ available: 70_000n, held: 30_000n, captured: 0n });
  expect(await cards.inquire(order)).toEqual({ kind: 'authorised', institutionReference: reference });

  expect(await cards.capture(order, reference)).toEqual({
    kind: 'approved',
    institutionReference: reference,
  });
  expect(account()).toMatchObject({ available: 70_000n, held: 0n, captured: 30_000n });
  expect(await cards.inquire(order)).toEqual({ kind: 'captured', institutionReference: reference });

  expect(await cards.reverse(order)).toEqual({ kind: 'reversed' });
  expect(account()).toMatchObject({ available: BALANCE, held: 0n, captured: 0n });
  expect(await cards.inquire(order)).toEqual({ kind: 'reversed' });
  expect(bank.books.statement(1n, 10).map(({ kind }) => kind)).toEqual(['authorise', 'capture', 'refund']);
});

test('every operation asked again answers the same and does nothing twice', async () => {
  const { bank, cards } = await both();
  const order = anOrder();
  const reference = await authorised(cards, order);
  expect(await authorised(cards, order)).toBe(reference);
  for (let i = 0; i < 3; i++) expect(await cards.capture(order, reference)).toMatchObject(approved);
  // The remembered answer of the authorisation stands after the capture, too.
  expect(await authorised(cards, order)).toBe(reference);
  for (let i = 0; i < 3; i++) expect(await cards.reverse(order)).toEqual({ kind: 'reversed' });
  expect(bank.books.statement(1n, 10)).toHaveLength(3);
  expect(await cards.authorise(order)).toEqual(declined('reversed', '79'));
  expect(await cards.capture(order, reference)).toEqual(declined('reversed', '79'));
});

test('a hold that is reversed is free again', async () => {
  const { bank, cards } = await both();
  const order = anOrder();
  await authorised(cards, order);
  expect(await cards.reverse(order)).toEqual({ kind: 'reversed' });
  expect(bank.books.account(accountNumber(0))).toMatchObject({ available: BALANCE, held: 0n, captured: 0n });
  expect(bank.books.statement(1n, 10).map(({ kind }) => kind)).toEqual(['authorise', 'release']);
});

test('a reversal that comes first keeps the authorisation out for ever', async () => {
  const { bank, cards } = await both();
  const order = anOrder();
  expect(await cards.reverse(order)).toEqual({ kind: 'reversed' });
  expect(await cards.inquire(order)).toEqual({ kind: 'reversed' });
  expect(await cards.authorise(order)).toEqual(declined('reversed', '79'));
  expect(await cards.capture(order, '000001')).toEqual(declined('reversed', '79'));
  expect(await cards.reverse(order)).toEqual({ kind: 'reversed' });
  expect(bank.books.account(accountNumber(0))).toMatchObject({ available: BALANCE });
  expect(bank.books.statement(1n, 10).map(({ kind }) => kind)).toEqual(['block']);
});

test('special accounts and declines; a decline is remembered', async () => {
  const { bank, cards } = await both();
  const on = (number: string) => anOrder({ accountNumber: number });
  expect(await cards.authorise(on(SPECIAL_ACCOUNTS.insufficientFunds))).toEqual(
    declined('insufficient_funds', '51'),
  );
  expect(await cards.authorise(on(SPECIAL_ACCOUNTS.stolen))).toEqual(declined('stolen_card', '43'));
  expect(await cards.authorise(on(SPECIAL_ACCOUNTS.expired))).toEqual(declined('expired_card', '54'));
  expect(await cards.authorise(on(SPECIAL_ACCOUNTS.unknown))).toEqual(declined('unknown_card', '14'));
  // A digit wrong: the check digit tells.
  const number = accountNumber(1);
  const wrong = number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10);
  expect(await cards.authorise(on(wrong))).toEqual(declined('unknown_card', '14'));
  expect(await cards.authorise(anOrder({ currency: 840 }))).toEqual(declined('not_permitted', '57'));

  const large = anOrder({ amount: amountOf(BALANCE + 1n) });
  expect(await cards.authorise(large)).toEqual(declined('insufficient_funds', '51'));
  expect(await cards.authorise(anOrder({ amount: amountOf(BALANCE) }))).toMatchObject(approved);
  expect(await cards.authorise(large)).toEqual(declined('insufficient_funds', '51'));
  expect(await cards.inquire(large)).toEqual(declined('insufficient_funds', '51'));
  expect(await cards.capture(large, '000001')).toEqual(declined('invalid_transaction', '12'));
  expect(await cards.reverse(large)).toEqual({ kind: 'reversed' });
  expect(await cards.authorise(large)).toEqual(declined('insufficient_funds', '51'));
  expectConserved(bank);
});

test('a reference belongs to one order', async () => {
  const { bank, cards } = await both();
  const order = anOrder();
  const reference = await authorised(cards, order);
  const others = [
    { ...order, amount: amountOf(1_235n) },
    { ...order, accountNumber: accountNumber(1) },
    { ...order, currency: 840 },
  ];
  for (const other of others) {
    expect(await cards.authorise(other)).toEqual(declined('inconsistent', '77'));
    expect(await cards.reverse(other)).toEqual(declined('inconsistent', '77'));
    expect(await cards.inquire(other)).toEqual(declined('inconsistent', '77'));
  }
  expect(await cards.capture(others[0]!, reference)).toEqual(declined('amount_differs', '64'));
  expect(await cards.capture(others[1]!, reference)).toEqual(declined('inconsistent', '77'));
  expect(await cards.capture(order, '999999')).toEqual(declined('inconsistent', '77'));
  expect(await cards.capture(anOrder(), reference)).toEqual(declined('not_found', '25'));
  expect(await cards.capture(order, reference)).toMatchObject(approved);
  expectConserved(bank);
});

describe('what cannot be expressed is declined here, unsent', () => {
  const cases: [string, Partial<CardOrder>, string][] = [
    ['nothing', { amount: amountOf(0n) }, 'invalid_amount'],
    ['thirteen digits', { amount: amountOf(10n ** 12n) }, 'invalid_amount'],
    ["an operator's currency", { currency: 1_000 }, 'not_expressible'],
    ['a currency that is no number', { currency: 1.5 }, 'not_expressible'],
    ['letters for an account number', { accountNumber: '99990000000000AB' }, 'not_expressible'],
    ['an account number of 20 digits', { accountNumber: '9'.repeat(20) }, 'not_expressible'],
    ['a reference beyond u128', { reference: 1n << 128n }, 'not_expressible'],
    ['a time before 1970', { time: -1n }, 'not_expressible'],
  ];
  test.each(cases)('%s', async (_, fields, reason) => {
    const { bank, cards } = await both();
    const order = anOrder(fields);
    expect(await cards.authorise(order)).toEqual(declined(reason, ''));
    expect(await cards.capture(order, 'ABC123')).toEqual(declined(reason, ''));
    expect(await cards.reverse(order)).toEqual(declined(reason, ''));
    expect(await cards.inquire(order)).toEqual({ kind: 'not_found' });
    expect(await cards.capture(anOrder(), 'too long')).toEqual(declined('not_expressible', ''));
    expect(cards.counters.sent).toBe(0);
    expect(bank.books.statement(1n, 1)).toEqual([]);
  });
});

test('the largest amount and the outermost references', async () => {
  const bank = await simulator({}, { balance: 999_999_999_999n });
  const cards = adapter(bank.port);
  for (const [i, reference] of [0n, 1n, (1n << 60n) - 1n, 1n << 60n, (1n << 128n) - 1n].entries()) {
    const order = anOrder({
      reference,
      accountNumber: accountNumber(i),
      amount: amountOf(999_999_999_999n),
      time: i % 2 === 0 ? 0n : (1n << 64n) - 1n,
    });
    expect(await cards.authorise(order)).toMatchObject(approved);
    expect(bank.books.statement(BigInt(i + 1), 1)).toMatchObject([{ reference, amount: 999_999_999_999n }]);
  }
});

test('many orders at a time, each with its own answer', async () => {
  const bank = await simulator({}, { accounts: 200 });
  const cards = adapter(bank.port, { window: 64 });
  const orders = Array.from({ length: 2_000 }, (_, i) =>
    anOrder({ accountNumber: accountNumber(i % 200), amount: amountOf(BigInt(1 + i)) }),
  );
  const outcomes = await Promise.all(orders.map((order) => cards.authorise(order)));
  const references = outcomes.map((outcome) =>
    outcome.kind === 'approved' ? outcome.institutionReference : '',
  );
  expect(new Set(references).size).toBe(2_000);
  const entries = bank.books.statement(1n, 3_000);
  const byReference = new Map(entries.map((entry) => [entry.reference, entry]));
  orders.forEach((order, i) => {
    expect(byReference.get(order.reference)).toMatchObject({
      amount: order.amount,
      approvalCode: references[i],
      kind: 'authorise',
    });
  });
  // Batches: far fewer flushes than orders.
  expect(bank.counters.transactions).toBeLessThan(1_000);
  expectConserved(bank);
});

test('conservation under a random mix; the statement alone gives the same sums', async () => {
  const random = new Random(99n);
  const bank = await simulator({}, { accounts: 5, balance: 20_000n });
  const cards = adapter(bank.port);
  const orders = Array.from({ length: 60 }, () =>
    anOrder({
      accountNumber: accountNumber(random.below(5)),
      amount: amountOf(BigInt(1 + random.below(5_000))),
    }),
  );
  const references = new Map<CardOrder, string>();
  const step = async (): Promise<void> => {
    const order = random.pick(orders);
    const choice = random.below(5);
    if (choice <= 1) {
      const outcome = await cards.authorise(order);
      if (outcome.kind === 'approved') references.set(order, outcome.institutionReference);
    } else if (choice === 2) await cards.capture(order, references.get(order) ?? '000000');
    else if (choice === 3) await cards.inquire(order);
    else if (random.chance(0.3)) await cards.reverse(order);
  };
  for (let round = 0; round < 60; round++) {
    await Promise.all(Array.from({ length: 10 }, step));
    expectConserved(bank);
  }
  // The statement alone gives the same balances.
  const sums = { authorise: 0n, capture: 0n, release: 0n, refund: 0n, decline: 0n, block: 0n };
  for (const { kind, amount } of bank.books.statement(1n, 10_000)) sums[kind] += amount;
  const accounts = bank.books.accounts('', 100);
  const total = (field: 'held' | 'captured') => accounts.reduce((sum, account) => sum + account[field], 0n);
  expect(sums.capture - sums.refund).toBe(total('captured'));
  expect(sums.authorise - sums.capture - sums.release).toBe(total('held'));
  expect(sums.capture).toBeGreaterThan(0n);
  expect(sums.refund + sums.release).toBeGreaterThan(0n);
});
