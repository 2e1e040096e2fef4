// Differences that a reconciliation must find, one by one, and what is under way and none.
import { describe, expect, test } from 'vitest';
import { type BankEntry, nameOf, type ReconcileInput, reconcile } from '../../src/cli/payouts/reconcile.ts';
import type { ReportedPosition } from '../../src/roles/cash/payout-messages.ts';
import type { PayoutReceipt } from '../../src/roles/documents/payout.ts';

const EUR = 978;

function position(changes: Partial<ReportedPosition> = {}): ReportedPosition {
  const { shop = 9n, carriedIn = 0n, sales = 1_000n, refunds = 100n, returned = 0n, fee = 20n } = changes;
  const amount = changes.amount ?? carriedIn + sales - refunds + returned - fee;
  const carriedOut = carriedIn + sales - refunds + returned - fee - amount;
  return {
    ...{ shop, carriedIn, sales, refunds, returned, fee, payout: 1n, amount, carriedOut },
    ...{ feeCarriedOut: 0n, standing: 'booked', problem: '' },
    ...changes,
  };
}

const receipt = (outcome: PayoutReceipt['outcome'], changes: Partial<PayoutReceipt> = {}): PayoutReceipt => ({
  ...{ keyId: new Uint8Array(8), payout: 1n, orderDigest: new Uint8Array(32), amount: 880n, currency: EUR },
  ...{ outcome, reason: '', institutionReference: '', at: 1n },
  ...changes,
});

const entry = (side: BankEntry['side'], changes: Partial<BankEntry> = {}): BankEntry => ({
  ...{ endToEndId: nameOf(1n), side, amount: 880n, currency: EUR },
  ...changes,
});

interface Books extends Omit<ReconcileInput, 'windows' | 'clearing'> {
  readonly positions: readonly ReportedPosition[];
  readonly clearing?: bigint;
}

function problems({ positions, receipts, entries, clearing = 0n }: Books): string[] {
  const window = { currency: EUR, number: 1n, from: 0n, cutoff: 5n, isBooked: true, window: 7n, positions };
  const input = { windows: [window], receipts, entries, clearing: new Map([[EUR, clearing]]) };
  return reconcile(input).differences.map(({ problem }) => problem);
}

const BOOKED: Books = { positions: [position()], receipts: [receipt('booked')], entries: [entry('debit')] };
const UNDER_WAY = position({ standing: 'under_way' });

describe('no difference', () => {
  test.each<[string, Books]>([
    ['booked', BOOKED],
    [
      'rejected',
      { positions: [position({ standing: 'rejected' })], receipts: [receipt('rejected')], entries: [] },
    ],
    [
      'returned',
      {
        positions: [position({ standing: 'returned' })],
        receipts: [receipt('booked'), receipt('returned')],
        entries: [entry('debit'), entry('credit')],
      },
    ],
    ['under way', { positions: [UNDER_WAY], receipts: [], entries: [], clearing: 880n }],
    ['under way, paid', { positions: [UNDER_WAY], receipts: [], entries: [entry('debit')], clearing: 880n }],
    ['under way, told', { ...BOOKED, positions: [UNDER_WAY], clearing: 880n }],
    ['on its way back', { ...BOOKED, entries: [entry('debit'), entry('credit')] }],
    ['nothing', { positions: [], receipts: [], entries: [] }],
  ])('%s', (_, books) => expect(problems(books)).toEqual([]));
});

describe('found', () => {
  test.each<[string, Books, string[]]>([
    ['missing', { ...BOOKED, entries: [] }, ['not on the statement']],
    ['twice', { ...BOOKED, entries: [entry('debit'), entry('debit')] }, ['paid twice']],
    ['amount', { ...BOOKED, entries: [entry('debit', { amount: 881n })] }, ['amount of a debit at the bank']],
    [
      'currency',
      { ...BOOKED, entries: [entry('debit', { currency: 840 })] },
      ['amount of a debit at the bank'],
    ],
    [
      'unknown',
      { ...BOOKED, entries: [entry('debit'), entry('debit', { endToEndId: 'RENT' })] },
      ['unknown payment'],
    ],
    [
      'rejected and paid',
      { ...BOOKED, positions: [position({ standing: 'rejected' })], receipts: [receipt('rejected')] },
      ['paid although rejected'],
    ],
    ['settlement knows nothing', { ...BOOKED, receipts: [] }, ["settlement's outcome"]],
    [
      'settlement says another amount',
      { ...BOOKED, receipts: [receipt('booked', { amount: 1n })] },
      ["settlement's amount"],
    ],
    [
      'settlement knows one of nobody',
      { ...BOOKED, receipts: [receipt('booked'), receipt('booked', { payout: 4n })] },
      ['outcome of an unknown payout'],
    ],
    ['clearing', { ...BOOKED, clearing: 880n }, ['clearing of currency 978']],
    [
      'not what is under way',
      { positions: [UNDER_WAY], receipts: [], entries: [] },
      ['clearing of currency 978'],
    ],
    ['carried in', { ...BOOKED, positions: [position({ carriedIn: 5n, amount: 880n })] }, ['carried in']],
    ['carried out', { ...BOOKED, positions: [position({ carriedOut: 5n })] }, ['carried out']],
    [
      'left out',
      { ...BOOKED, positions: [position(), position({ payout: 0n, standing: 'left_out', problem: 'sums' })] },
      ['left out of its window'],
    ],
    [
      'came back unpaid',
      { ...BOOKED, positions: [UNDER_WAY], receipts: [], entries: [entry('credit')], clearing: 880n },
      ['came back without having been paid'],
    ],
  ])('%s', (_, books, expected) => expect(problems(books)).toEqual(expected));
});
