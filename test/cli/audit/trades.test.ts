// The auditor of purchases must agree with books that are right, and find each single thing that can be wrong with them.
import { describe, expect, test } from 'vitest';
import { ledgerTrade, reportedTrade } from '../../../src/cli/audit/collect-trades.ts';
import {
  compareTrades,
  TRADE_PARTIES,
  type Trade,
  type TradeInput,
  type TradeParty,
} from '../../../src/cli/audit/trades.ts';
import { type Transfer, TransferFlags } from '../../../src/layout/generated.ts';
import { TransferCode } from '../../../src/roles/cash/accounts.ts';
import { tradeReport } from '../../../src/roles/management/trades.ts';

const EUR = 978;
const HOUR = 3_600_000_000_000n;
const NOW = 1_800_000_000_000_000_000n;
const SHOP = 70n;
const DEVICE = 11n;

const PAID: Trade = {
  ...{ request: 1n, kind: 'purchase', standing: 'done', amount: 500n, currency: EUR, shop: SHOP },
  ...{ device: DEVICE, purchase: 0n, word: 'paid', since: NOW - HOUR },
};
const RESERVED: Trade = { ...PAID, request: 2n, kind: 'authorisation', amount: 900n, word: 'reserved' };
const REFUND: Trade = { ...PAID, request: 3n, kind: 'refund', amount: 200n, purchase: 1n, word: 'done' };
const CAPTURE: Trade = { ...REFUND, request: 4n, kind: 'capture', amount: 650n, purchase: 2n };
const ALL = [PAID, RESERVED, REFUND, CAPTURE];

type Books = Record<TradeParty, Trade[]>;

function books(): Books {
  return {
    cash: [...ALL],
    management: ALL.map((trade) => (trade.purchase === 0n ? trade : { ...trade, device: 0n })),
    shop: ALL.map((trade) => ({ ...trade, device: 0n })),
    wallet: [PAID, RESERVED],
  };
}

function input(changed: Books = books(), more: Partial<TradeInput> = {}): TradeInput {
  const endsInWallets = new Map([[2n, { captured: 650n }]]);
  return { began: NOW, books: changed, shops: new Set([SHOP]), endsInWallets, ...more };
}

/** @returns what was found, by the first word of the check's name */
function findings(changed: Books, more: Partial<TradeInput> = {}): string[] {
  return compareTrades(input(changed, more)).checks.flatMap(({ findings: found }) =>
    found.map(({ request, text }) => `${request}: ${text}`),
  );
}

function altered(party: TradeParty, request: bigint, change: Partial<Trade>): Books {
  const result = books();
  result[party] = result[party].map((trade) => (trade.request === request ? { ...trade, ...change } : trade));
  return result;
}

function without(parties: readonly TradeParty[], request: bigint): Books {
  const result = books();
  for (const party of parties) result[party] = result[party].filter((trade) => trade.request !== request);
  return result;
}

test('books that agree', () => {
  const result = compareTrades(input());
  expect(result.checks.flatMap((check) => check.findings)).toEqual([]);
  expect(result).toMatchObject({ passed: true, open: [], direct: 0 });
  for (const check of result.checks) expect(check.compared, check.name).toBeGreaterThan(0);
});

describe('each of these is found', () => {
  test('the money of a purchase has not moved', () => {
    expect(findings(without(['cash'], 1n))).toContainEqual(
      '1: cash: not there, management: paid, shop: paid, wallet: paid',
    );
  });

  test.each(['management', 'shop', 'wallet'] as const)('%s says that it was rejected', (party) => {
    expect(findings(altered(party, 1n, { standing: 'not_done', word: 'rejected' }))).toHaveLength(1);
  });

  test('management has no record of what the shop has sold', () => {
    expect(findings(without(['management'], 1n))).toHaveLength(1);
  });

  test('the shop has no record of what it was paid for', () => {
    expect(findings(without(['shop'], 1n))).toHaveLength(1);
  });

  test.each(TRADE_PARTIES)('%s has another amount', (party) => {
    expect(findings(altered(party, 2n, { amount: 901n })).length).toBeGreaterThan(0);
  });

  test.each(TRADE_PARTIES)('%s has another shop', (party) => {
    expect(findings(altered(party, 1n, { shop: 71n })).length).toBeGreaterThan(0);
  });

  test.each(['cash', 'management', 'wallet'] as const)('%s has another device', (party) => {
    expect(findings(altered(party, 1n, { device: 12n }))).not.toEqual([]);
  });

  test('a refund that nobody but cash knows is too much', () => {
    const changed = books();
    for (const party of ['cash', 'management', 'shop'] as const)
      changed[party].push({ ...REFUND, request: 5n, amount: 301n });
    expect(findings(changed)).toEqual(['1: cash: 500 paid, 501 given back']);
  });

  test('a refund of what was only reserved', () => {
    const changed = without(['cash', 'management', 'shop'], 4n);
    for (const party of ['cash', 'management', 'shop'] as const)
      changed[party].push({ ...REFUND, request: 5n, purchase: 2n, amount: 1n });
    expect(findings(changed, { endsInWallets: new Map() })).toEqual(['2: cash: 0 paid, 1 given back']);
  });

  test('more taken than was reserved, or twice, or not what the wallet says', () => {
    const more = { ...CAPTURE, request: 5n, amount: 1n };
    const twice = books();
    for (const party of ['cash', 'management', 'shop'] as const) twice[party].push(more);
    expect(findings(twice)).toContainEqual('2: cash: a capture, and a capture');
    const much = books();
    for (const party of ['cash', 'management', 'shop'] as const)
      much[party] = much[party].map((trade) => (trade.request === 4n ? { ...trade, amount: 901n } : trade));
    expect(findings(much)).toContainEqual('2: cash: 900 reserved, 901 taken');
    expect(findings(books(), { endsInWallets: new Map([[2n, { captured: 0n }]]) })).toEqual([
      '2: wallet: 0 taken, cash: 650 taken',
    ]);
  });

  test('under way at a shop for longer than a day', () => {
    const changed = without(['cash', 'management', 'wallet'], 1n);
    const open = { ...PAID, standing: 'open' as const, word: 'under way' };
    changed.shop[0] = { ...open, since: NOW - 25n * HOUR };
    expect(findings(changed)).toContainEqual('1: shop: under way');
    changed.shop[0] = { ...open, since: NOW - 23n * HOUR };
    expect(findings(changed)).not.toContainEqual('1: shop: under way');
  });
});

describe('each of these is as it may be', () => {
  const OPEN = { standing: 'open', word: 'under way' } as const;

  test('cash has it done, and those behind it do not know yet', () => {
    const changed = altered('shop', 1n, OPEN);
    changed.management = changed.management.filter(({ request }) => request !== 1n);
    changed.wallet[0] = { ...PAID, ...OPEN };
    expect(compareTrades(input(changed))).toMatchObject({ passed: true, open: [] });
  });

  test('under way, and cash has not heard of it', () => {
    const changed = books();
    changed.shop.push({ ...PAID, request: 9n, ...OPEN });
    changed.wallet.push({ ...PAID, request: 9n, ...OPEN });
    expect(compareTrades(input(changed))).toMatchObject({ passed: true, open: [9n] });
  });

  test('a payment order that was handed straight to cash', () => {
    const changed = books();
    changed.cash.push({ ...PAID, request: 9n });
    expect(compareTrades(input(changed))).toMatchObject({ passed: true, direct: 1 });
  });

  test('another order under the same id was rejected at another shop', () => {
    const changed = books();
    changed.shop.push({ ...PAID, shop: 71n, standing: 'not_done', word: 'rejected' });
    expect(findings(changed)).toEqual([]);
  });

  test('a sale that is newer than what was read of the shop', () => {
    const changed = books();
    const newer = { ...PAID, request: 9n, since: NOW + 1n };
    changed.cash.push(newer);
    changed.management.push(newer);
    expect(findings(changed)).toEqual([]);
  });

  test('a shop whose store was not read', () => {
    expect(findings({ ...books(), shop: [] }, { shops: new Set() })).toEqual([]);
  });
});

test('the ledger and management say the same of each kind', () => {
  const { post_pending_transfer, void_pending_transfer, pending } = TransferFlags;
  const transfer = {
    ...{ id: 4n, debitAccountId: DEVICE, creditAccountId: SHOP, amount: 650n, pendingId: 0n },
    ...{ userData128: 0n, userData64: 0n, userData32: 0, timeout: 0, ledger: EUR, timestamp: NOW - HOUR },
    ...{ code: TransferCode.authorisation, flags: 0 },
  } as Transfer;
  const of = (change: Partial<Transfer>) => ledgerTrade({ ...transfer, ...change });
  expect(of({ code: TransferCode.payment })?.kind).toBe('purchase');
  expect(of({ flags: pending })?.kind).toBe('authorisation');
  expect(of({ flags: void_pending_transfer, pendingId: 2n })).toMatchObject({ kind: 'void', purchase: 2n });
  expect(of({ code: TransferCode.payout })).toBeUndefined();
  const capture = of({ flags: post_pending_transfer, pendingId: 2n });
  expect(capture).toEqual({ ...CAPTURE, word: 'taken' });
  const reported = reportedTrade(
    tradeReport({
      ...{ request: 4n, kind: 'capture', shop: SHOP, device: 0n, purchase: 2n, amount: 650n, currency: EUR },
      ...{ outcome: 'done', reason: '', at: NOW - HOUR },
    }),
  );
  expect(reported).toEqual({ ...CAPTURE, device: 0n });
  const refund = of({
    code: TransferCode.refund,
    debitAccountId: SHOP,
    creditAccountId: DEVICE,
    userData128: 1n,
  });
  expect(refund).toMatchObject({ kind: 'refund', shop: SHOP, device: DEVICE, purchase: 1n });
});
