// Notes at cash: orders of shops about them, and notes that were taken in.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountFlags } from '../../../src/layout/generated.ts';
import { exchangeAccountId, systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import { putDeviceTerms } from '../../../src/roles/cash/device-terms.ts';
import type { NotePayee } from '../../../src/roles/documents/note-payee.ts';
import { RequestOperation } from '../../../src/wire/operation.ts';
import { readCreateTransferResults } from '../../../src/wire/results.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  type Asked,
  askAll,
  asked,
  bytesOf,
  held,
  ISSUER,
  type NoteOrderFields,
  noteOrder,
  notesOut,
  RECEIVER,
  taking,
  toDevice,
  toShop,
} from './note-support.ts';
import { funded, newShop, openedShop, paymentOrder, type TestShop } from './pay-support.ts';
import { booked, closed, reported } from './payout-support.ts';
import { paid, statementOf } from './shop-support.ts';
import {
  answerOf,
  BALANCE_MAX,
  CASH_SEALING_KEY,
  EUR,
  forged,
  keyPair,
  MANAGEMENT,
  newDevice,
  OPERATOR,
  sealingKeyPair,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

let now = 1_000n;
const disk = new MemoryDisk();
let cash: TestCash;
let shop: TestShop;
let device: TestDevice;

/** A shop that has sold so much, and has put so much of it behind notes. */
async function dealer(sales: bigint, exchange = 0n): Promise<TestShop> {
  const opened = await openedShop(cash);
  const buyer = await funded(cash, sales);
  await paid(cash, buyer, opened, { amount: sales });
  if (exchange > 0n)
    expect(await ask(noteOrder(opened, { action: 'fund', amount: exchange }))).toEqual(['done']);
  return opened;
}

const ask = (...all: readonly Asked[]): Promise<string[]> => asked(cash, ...all);

beforeAll(async () => {
  cash = await TestCash.open({ store: memoryRoleStore(disk), clock: () => ++now });
  shop = await dealer(10_000n, 5_000n);
  device = await cash.opened();
});
afterAll(() => cash.close());

describe('money moves', () => {
  test('from what was sold behind notes, into notes, back, and to be paid out', async () => {
    const own = await dealer(1_000n);
    const before = await notesOut(cash);
    const fund = noteOrder(own, { action: 'fund', amount: 600n });
    expect(await ask(fund)).toEqual(['done']);
    expect(await held(cash, own)).toEqual([400n, 600n]);
    const issue = noteOrder(own, { action: 'issue', amount: 250n });
    const sold = noteOrder(own, { action: 'issue', source: 'sales', amount: 100n });
    const take = taking(toShop(own), { amount: 50n });
    expect(await ask(issue, sold, take)).toEqual(['done', 'done', 'done']);
    expect(await held(cash, own)).toEqual([300n, 400n]);
    expect((await notesOut(cash)) - before).toBe(300n);
    expect(await ask(noteOrder(own, { action: 'withdraw', amount: 400n }))).toEqual(['done']);
    expect(await held(cash, own)).toEqual([700n, 0n]);
    const exchange = exchangeAccountId(own.shop, EUR);
    const notes = systemAccountId('notes', EUR);
    const transfers = await cash.ledger.lookupTransfers([
      fund.document.request,
      issue.document.request,
      sold.document.request,
      take.request,
    ]);
    expect(transfers).toMatchObject([
      { debitAccountId: own.shop, creditAccountId: exchange, code: TransferCode.fund, amount: 600n },
      { debitAccountId: exchange, creditAccountId: notes, code: TransferCode.note_issue },
      { debitAccountId: own.shop, creditAccountId: notes, code: TransferCode.note_issue },
      { debitAccountId: notes, creditAccountId: exchange, code: TransferCode.note_receipt },
    ]);
    const [account] = await cash.ledger.lookupAccounts([exchange]);
    expect(account).toMatchObject({ code: 11, userData128: own.shop, ledger: EUR });
    expect(account!.flags).toBe(AccountFlags.debits_must_not_exceed_credits | AccountFlags.history);
  });

  test('to a device, whose statement says so', async () => {
    const own = await cash.opened();
    await ask(noteOrder(shop, { action: 'issue', amount: 80n }));
    const take = taking(toDevice(own), { amount: 70n });
    expect(await ask(take)).toEqual(['done']);
    expect(await cash.balance(own)).toBe(70n);
    const { entries } = await statementOf(cash, own);
    expect(entries).toMatchObject([
      {
        transfer: take.request,
        reason: 'note_receipt',
        side: 'credit',
        phase: 'single',
        amount: 70n,
        purchase: 0n,
      },
    ]);
    const { report } = answerOf(await cash.client(OPERATOR).lookupRequest(take.request));
    expect(report).toMatchObject({ kind: 'note_receipt', state: 'booked', device: own.device, amount: 70n });
  });

  test('in a currency that is not the first of either', async () => {
    const own = await openedShop(cash, undefined, EUR);
    await openedShop(cash, own, USD);
    const buyer = await cash.opened(newDevice(), USD);
    await cash.opened(buyer, EUR);
    expect(await ask(noteOrder(own, { action: 'issue', currency: USD }))).toEqual([
      'rejected: exceeds_credits',
    ]);
    expect(await ask(taking(toDevice(buyer, { currency: USD }), { currency: USD }))).toEqual([
      'rejected: exceeds_credits',
    ]);
  });
});

const NOT_PERMITTED = { kind: 'refused', refusal: { code: 'not_permitted' } };

describe('who may ask', () => {
  test('the issuer for orders, the receiver for what was taken in, and nobody else', async () => {
    const order = noteOrder(shop, { action: 'issue' });
    const take = taking(toShop(shop));
    for (const peer of [RECEIVER, MANAGEMENT, OPERATOR])
      expect(await cash.client(peer).noteOrder({ order })).toMatchObject(NOT_PERMITTED);
    for (const peer of [ISSUER, MANAGEMENT, OPERATOR])
      for (const asked of [cash.client(peer).receiveNotes(take), cash.client(peer).checkPayee({ ...take })])
        expect(await asked).toMatchObject(NOT_PERMITTED);
  });

  test('the shop alone moves what is its own', async () => {
    const order = noteOrder(shop, { action: 'issue' }, keyPair(9));
    const other = noteOrder(shop, { action: 'issue' });
    expect(await ask(order, { ...other, signature: forged(other.signature) }, other)).toEqual([
      'refused: signature_invalid',
      'refused: signature_invalid',
      'done',
    ]);
    // The exchange account has the shop's key, and is no payer all the same.
    const exchange = exchangeAccountId(shop.shop, EUR);
    const direct = paymentOrder({ device: exchange, key: shop.key }, shop, { debitAccountId: exchange });
    const { body } = await cash.submit({
      operation: RequestOperation.create_payment_orders,
      ...{ payload: direct, count: 1, peer: OPERATOR },
    });
    expect(readCreateTransferResults(body)[0]!.status).toBe('signature_not_checked');
    expect((await held(cash, shop))[1]).toBeGreaterThan(0n);
  });
});

describe('what cannot be', () => {
  const order = (fields: Partial<NoteOrderFields>, by = shop) =>
    noteOrder(by, { action: 'issue', ...fields });

  test.each<[string, () => Asked]>([
    ['malformed', () => order({ request: 0n })],
    ['malformed', () => order({ request: 0xffn << 120n })],
    ['malformed', () => order({ amount: 0n })],
    ['malformed', () => order({ currency: 0 })],
    ['malformed', () => order({ action: 'fund', source: 'sales', reference: new Uint8Array(32) })],
    ['malformed', () => order({ action: 'withdraw', reference: new Uint8Array(32).fill(1) })],
    ['malformed', () => order({ shop: 7n })],
    ['amount_too_large', () => order({ amount: 1n << 64n })],
    ['shop_unknown', () => order({}, newShop())],
    ['currency_not_offered', () => order({ currency: USD })],
    ['malformed', () => taking(toDevice(device), { request: 0n })],
    ['malformed', () => taking(toDevice(device), { amount: 0n })],
    ['malformed', () => taking(toDevice(device), { currency: 0 })],
    ['malformed', () => taking(toShop({ shop: 7n }))],
    ['amount_too_large', () => taking(toDevice(device), { amount: 1n << 64n })],
    ['currency_not_offered', () => taking(toDevice(device), { currency: 1 })],
    ['payment_seal_invalid', () => taking(toDevice(device, { key: sealingKeyPair(77) }))],
  ])('is refused: %s', async (code, make) => {
    const asked = make();
    expect(await ask(asked)).toEqual([`refused: ${code}`]);
  });

  test.each<[string, () => Asked]>([
    ['exceeds_credits', () => order({ amount: 1_000_000n })],
    ['exceeds_credits', () => order({ source: 'sales', amount: 1_000_000n })],
    ['exceeds_credits', () => order({ action: 'fund', amount: 1_000_000n, reference: new Uint8Array(32) })],
    ['expired', () => order({ applyBy: now })],
    ['exceeds_credits', () => taking(toDevice(device, {}), { amount: BALANCE_MAX })],
    ['expired', () => taking(toDevice(device), { applyBy: now })],
    ['expired', () => taking(toDevice(device, { key: sealingKeyPair(77) }), { applyBy: now })],
    ['payment_seal_invalid', () => taking(changed(toDevice(device)))],
    ['device_unknown', () => taking(toDevice(newDevice()))],
    ['shop_unknown', () => taking(toShop(newShop()))],
    ['currency_mismatch', () => taking(toDevice(device, { currency: USD }))],
    ['currency_not_offered', () => taking(toDevice(device, { currency: USD }), { currency: USD })],
    ['currency_not_offered', () => taking(toShop(shop), { currency: USD })],
  ])('is rejected, for good: %s', async (reason, make) => {
    const before = [await held(cash, shop), await notesOut(cash), await cash.balance(device)];
    const one = make();
    expect(await ask(one)).toEqual([`rejected: ${reason}`]);
    const first = await bytesOf(cash, one);
    now += 1_000_000n;
    expect(await bytesOf(cash, one)).toEqual(first);
    expect([await held(cash, shop), await notesOut(cash), await cash.balance(device)]).toEqual(before);
    const request = 'document' in one ? one.document.request : one.request;
    const { report } = answerOf(await cash.client(OPERATOR).lookupRequest(request));
    expect(report).toMatchObject({ kind: 'notes', state: 'rejected', detail: reason });
  });

  test.each<[string, () => NotePayee, number]>([
    ['payable', () => toDevice(device), EUR],
    ['payable', () => toShop(shop), EUR],
    ['payee_key_unknown', () => toDevice(device, { key: sealingKeyPair(77) }), EUR],
    ['payment_seal_invalid', () => changed(toDevice(device)), EUR],
    ['device_unknown', () => toDevice(newDevice()), EUR],
    ['shop_unknown', () => toShop(newShop()), EUR],
    ['shop_unknown', () => toShop({ shop: 0n }), EUR],
    ['currency_mismatch', () => toDevice(device, { currency: USD }), EUR],
    ['currency_not_offered', () => toDevice(device, { currency: USD }), USD],
    ['currency_not_offered', () => toShop(shop), USD],
  ])('is said before, and not kept: %s', async (reason, payee, currency) => {
    const answer = answerOf(await cash.client(RECEIVER).checkPayee({ payee: payee(), currency }));
    expect(answer).toEqual(reason === 'payable' ? { kind: reason } : { kind: 'not_payable', reason });
  });

  test('more than a device may hold', async () => {
    const own = await funded(cash, BALANCE_MAX - 10n);
    await ask(noteOrder(shop, { action: 'issue', amount: 50n }));
    expect(await ask(taking(toDevice(own), { amount: 11n }), taking(toDevice(own), { amount: 10n }))).toEqual(
      ['rejected: exceeds_credit_limit', 'done'],
    );
  });

  test('of a closed shop: nothing but to withdraw', async () => {
    const own = await dealer(500n, 300n);
    const before = noteOrder(own, { action: 'issue', amount: 10n });
    const first = await bytesOf(cash, before);
    answerOf(await cash.client().closeShop({ shop: own.shop }));
    expect(
      await ask(
        noteOrder(own, { action: 'issue', amount: 10n }),
        noteOrder(own, { action: 'issue', source: 'sales', amount: 10n }),
        noteOrder(own, { action: 'fund', amount: 10n }),
        taking(toShop(own), { amount: 1n }),
        noteOrder(own, { action: 'withdraw', amount: 290n }),
      ),
    ).toEqual([...Array(4).fill('rejected: shop_closed'), 'done']);
    expect(await bytesOf(cash, before)).toEqual(first);
    expect(await held(cash, own)).toEqual([490n, 0n]);
  });

  const changed = (payee: ReturnType<typeof toDevice>) => {
    const { sealed } = payee;
    return { ...payee, sealed: { ...sealed, ciphertext: forged(sealed.ciphertext) } };
  };
});

describe('once, and the same answer for ever', () => {
  test('done: the receipt is the same to the byte, after expiry, closing and a restart too', async () => {
    const own = await dealer(500n, 300n);
    const applyBy = now + 100_000n;
    const holder = await cash.opened();
    const all: Asked[] = [
      noteOrder(own, { action: 'issue', amount: 20n, applyBy }),
      taking(toDevice(holder), { amount: 5n, applyBy }),
      taking(toShop(own), { amount: 5n, applyBy }),
    ];
    const first = await Promise.all(all.map((one) => bytesOf(cash, one)));
    expect(await ask(...all, ...all)).toEqual(Array(6).fill('done'));
    now += 1_000_000n;
    answerOf(await cash.client().closeShop({ shop: own.shop }));
    const { path, ledger } = cash;
    const next = await TestCash.open({ path, ledger, store: memoryRoleStore(disk), clock: () => ++now });
    expect(await Promise.all(all.map((one) => bytesOf(next, one)))).toEqual(first);
    await next.cash.close();
    expect(await held(cash, own)).toEqual([200n, 285n]);
    expect(await cash.balance(holder)).toBe(5n);
  });

  test('of one turn, in several copies', async () => {
    const own = await dealer(100n, 100n);
    const order = noteOrder(own, { action: 'issue', amount: 60n });
    expect(await ask(order, order, noteOrder(own, { action: 'issue', amount: 60n }), order)).toEqual([
      'done',
      'done',
      'rejected: exceeds_credits',
      'done',
    ]);
    expect(await held(cash, own)).toEqual([0n, 40n]);
  });

  test('another content under a request that is done is refused, and moves nothing', async () => {
    const order = noteOrder(shop, { action: 'issue', amount: 30n });
    const take = taking(toDevice(device), { amount: 30n });
    expect(await ask(order, take)).toEqual(['done', 'done']);
    const before = await held(cash, shop);
    const { request } = order.document;
    expect(
      await ask(
        noteOrder(shop, { ...order.document, reference: new Uint8Array(32).fill(8) }),
        noteOrder(shop, { ...order.document, amount: 31n }),
        noteOrder(shop, { action: 'withdraw', request, amount: 30n }),
        { ...take, amount: 29n },
        { ...take, payee: toShop(shop) },
        { ...take, reference: new Uint8Array(32).fill(8) },
      ),
    ).toEqual(Array(6).fill('refused: request_differs'));
    expect(await held(cash, shop)).toEqual(before);
  });

  test('under a request that was rejected: rejected too, each with its own reason kept', async () => {
    const poor = noteOrder(shop, { action: 'issue', amount: 1_000_000n });
    expect(await ask(poor)).toEqual(['rejected: exceeds_credits']);
    const smaller = noteOrder(shop, { ...poor.document, amount: 1n });
    expect(await ask(smaller, poor)).toEqual(['rejected: id_already_failed', 'rejected: exceeds_credits']);
  });

  test('whoever has taken the id before: it is rejected, and what that one has is left', async () => {
    const rival = await dealer(100n, 100n);
    const theirs = noteOrder(rival, { action: 'issue', amount: 10n });
    expect(await ask(theirs)).toEqual(['done']);
    const { request } = theirs.document;
    const ours = noteOrder(shop, { action: 'issue', amount: 10n, request });
    const late = noteOrder(shop, { action: 'issue', amount: 10n, request, applyBy: 1n });
    expect(await ask(ours, late, taking(toDevice(device), { request }), theirs)).toEqual([
      'rejected: request_taken',
      'rejected: request_taken',
      'rejected: request_taken',
      'done',
    ]);
    expect(await bytesOf(cash, ours)).toEqual(await bytesOf(cash, ours));
  });

  test('a key of an address that cash has no longer: what was done is known, what is new waits', async () => {
    const payee = toDevice(device);
    const [before, after, late] = [
      taking(payee, { amount: 1n }),
      taking(payee, { amount: 1n }),
      taking(payee),
    ];
    await ask(noteOrder(shop, { action: 'issue', amount: 10n }));
    const first = await bytesOf(cash, before);
    expect(await ask({ ...late, applyBy: 1n })).toEqual(['rejected: expired']);
    cash.identity.unlistSealing(CASH_SEALING_KEY);
    try {
      expect(await bytesOf(cash, before)).toEqual(first);
      expect(await ask(after, { ...late, applyBy: 1n })).toEqual([
        'refused: payment_seal_invalid',
        'rejected: expired',
      ]);
    } finally {
      cash.identity.listSealing(CASH_SEALING_KEY);
    }
    expect(await ask(after)).toEqual(['done']);
  });
});

describe('devices that are not as they were', () => {
  const terms = { isBlocked: false, isRevoked: false, replacedBy: 0n, limits: [] };
  const put = (of: TestDevice, changes: Partial<typeof terms>) =>
    cash.store.transaction((tx) => {
      const { table, key, value } = putDeviceTerms(of.device, { ...terms, ...changes });
      tx.put(table, key, value!);
    });

  test('blocked and revoked ones get their money; of one that was replaced the successor', async () => {
    const [blocked, old, successor] = [await cash.opened(), await cash.opened(), await cash.opened()];
    await put(blocked, { isBlocked: true, isRevoked: true });
    await ask(noteOrder(shop, { action: 'issue', amount: 100n }));
    const [first, before] = [
      taking(toDevice(blocked), { amount: 10n }),
      taking(toDevice(old), { amount: 10n }),
    ];
    expect(await ask(first, before)).toEqual(['done', 'done']);
    const receipt = await bytesOf(cash, before);
    await put(old, { replacedBy: successor.device });
    const after = taking(toDevice(old), { amount: 7n });
    expect(await ask(after, after)).toEqual(['done', 'done']);
    // Booked before it was replaced: once, and to the old one.
    expect(await bytesOf(cash, before)).toEqual(receipt);
    expect(await Promise.all([blocked, old, successor].map((one) => cash.balance(one)))).toEqual([
      10n,
      10n,
      7n,
    ]);
  });
});

test('a window pays out what is left of the sales, and nothing of what backs notes', async () => {
  const own = await dealer(1_000n, 300n);
  expect(await ask(noteOrder(own, { action: 'issue', source: 'sales', amount: 200n }))).toEqual(['done']);
  const first = await closed(cash);
  const [payout] = (await booked(cash, first.window)).filter(({ document }) => document.shop === own.shop);
  expect(payout!.document.amount).toBe(500n);
  expect(await held(cash, own)).toEqual([0n, 300n]);
  expect(await ask(noteOrder(own, { action: 'withdraw', amount: 300n }))).toEqual(['done']);
  const second = await closed(cash);
  await booked(cash, second.window);
  const [before, after] = await Promise.all(
    [first, second].map(async ({ window }) => {
      return (await reported(cash, window)).find((position) => position.shop === own.shop);
    }),
  );
  expect(before).toMatchObject({ sales: 1_000n, refunds: 500n, amount: 500n, carriedOut: 0n });
  expect(after).toMatchObject({ sales: 300n, refunds: 0n, amount: 300n, carriedOut: 0n });
});

test('a batch as large as a frame takes: orders and takings, some of them bad', async () => {
  const own = await dealer(3_000n, 3_000n);
  const before = await notesOut(cash);
  const all = Array.from({ length: 1_000 }, (_, i): Asked => {
    if (i % 10 === 9) return taking(toShop(own), { amount: 1n });
    const order = noteOrder(own, { action: 'issue', amount: 1n });
    return i % 10 === 3 ? { ...order, signature: forged(order.signature) } : order;
  });
  const results = await askAll(cash, all);
  expect(results.map(({ kind }, i) => (i % 10 === 3 ? kind === 'refused' : kind === 'ok'))).not.toContain(
    false,
  );
  expect((await notesOut(cash)) - before).toBe(700n);
  expect(await held(cash, own)).toEqual([0n, 2_300n]);
});
