// The auditor must agree with books that are right, and find each single thing that can be wrong with them.
import { describe, expect, test } from 'vitest';
import type { AuditInput, Book, Party, Standing, Statement } from '../../../src/cli/audit/books.ts';
import { compare } from '../../../src/cli/audit/compare.ts';
import { amountOf } from '../../../src/shared/amount.ts';

const EUR = 978;
const loads = [
  { request: 1n, amount: 500n, device: 11n, standing: 'done' },
  { request: 2n, amount: 250n, device: 11n, standing: 'done' },
  { request: 3n, amount: 999n, device: 12n, standing: 'done' },
  { request: 4n, amount: 777n, device: 12n, standing: 'not_done' },
] as const;

interface Books {
  wallet: Statement[];
  management: Statement[];
  settlement: Statement[];
  cash: Statement[];
  institution: Statement[];
}

function books(): Books {
  const of = (party: Party): Statement[] =>
    loads
      .filter(({ standing }) => standing === 'done' || party !== 'cash')
      .map(({ request, amount, device, standing }) => ({
        request,
        standing: standing as Standing,
        amount: amountOf(amount),
        currency: EUR,
        device: party === 'settlement' || party === 'institution' ? 0n : device,
        word: standing,
      }));
  return {
    wallet: of('wallet'),
    management: of('management'),
    settlement: of('settlement'),
    cash: of('cash'),
    institution: of('institution'),
  };
}

function input(changed: Books = books(), more: Partial<AuditInput> = {}): AuditInput {
  const balances = [
    { device: 11n, currency: EUR, balance: 750n },
    { device: 12n, currency: EUR, balance: 999n },
  ];
  return {
    books: Object.entries(changed).map(([party, statements]) => ({ party, statements }) as Book),
    balancesAtCash: balances,
    balancesInWallets: balances,
    floatAtCash: new Map([[EUR, 1749n]]),
    ledgerTotals: new Map([[EUR, { debits: 1749n, credits: 1749n }]]),
    allWallets: true,
    ...more,
  };
}

/** The first statement of a party, changed. */
function altered(party: Party, change: Partial<Statement>): Books {
  const result = books();
  result[party][0] = { ...result[party][0]!, ...change };
  return result;
}

function without(party: Party): Books {
  const result = books();
  result[party].shift();
  return result;
}

test('books that agree', () => {
  const result = compare(input());
  expect(result.checks.flatMap(({ findings }) => findings)).toEqual([]);
  expect(result).toMatchObject({ passed: true, open: [] });
  for (const check of result.checks) expect(check.compared, check.name).toBeGreaterThan(0);
});

const AGREE = 'what is done for one party is done for all, and the other way round';
const TERMS = 'amount, currency and device are the same for all';
const SUMS = 'institution, float and balances of devices are the same sum';

describe('each of these is found', () => {
  const parties: Party[] = ['management', 'settlement', 'cash', 'institution'];
  test.each(parties)('%s does not have a load that the others have', (party) => {
    expect(findings(without(party), AGREE)).toEqual([expect.stringContaining(`${party}: not there`)]);
  });

  test.each([...parties, 'wallet'] as const)('%s says that it was not done', (party) => {
    expect(findings(altered(party, { standing: 'not_done', word: 'declined' }), AGREE)).toEqual([
      expect.stringContaining(`${party}: declined`),
    ]);
  });

  test.each([...parties, 'wallet'] as const)('%s says that what was declined was done', (party) => {
    const changed = books();
    const declined = { ...changed.management[3]!, standing: 'done' as const, word: 'done' };
    changed[party] = [...changed[party].slice(0, 3), declined];
    expect(findings(changed, AGREE)).toEqual([expect.stringContaining('not_done')]);
  });

  test.each([...parties, 'wallet'] as const)('%s has another amount', (party) => {
    expect(findings(altered(party, { amount: amountOf(501n) }), TERMS).length).toBeGreaterThan(0);
  });

  test.each([...parties, 'wallet'] as const)('%s has another currency', (party) => {
    expect(findings(altered(party, { currency: 840 }), TERMS).length).toBeGreaterThan(0);
  });

  test.each(['management', 'cash', 'wallet'] as const)('%s has another device', (party) => {
    expect(findings(altered(party, { device: 13n }), TERMS).length).toBeGreaterThan(0);
  });

  test('a load twice', () => {
    const changed = books();
    changed.institution.push(changed.institution[0]!);
    expect(findings(changed, 'no party has a load twice')).toEqual(['institution: more than once']);
  });

  test('money that is held for a load that is over for everybody else', () => {
    const changed = altered('institution', { standing: 'open', word: 'authorise' });
    expect(findings(changed, 'no money is held for a load that nobody works on')).toEqual([
      'institution: authorise, and nobody works on it',
    ]);
  });

  test('a charge that nobody else knows', () => {
    const changed = books();
    changed.institution.push({ ...changed.institution[0]!, request: 9n });
    expect(findings(changed, AGREE)).toHaveLength(1);
    expect(findings(changed, SUMS)).toEqual([
      'currency 978: institution has taken 2249, cash has credited 1749',
    ]);
  });

  test('a float that is not what was loaded, and balances that are not the float', () => {
    const texts = compare(input(books(), { floatAtCash: new Map([[EUR, 1750n]]) })).checks.flatMap(
      ({ findings: found }) => found.map(({ text }) => text),
    );
    expect(texts).toEqual([
      'currency 978: float 1750, loads credited 1749',
      'currency 978: float 1750, balances of devices 1749',
    ]);
  });

  test('a ledger that is not even', () => {
    const totals = new Map([[EUR, { debits: 1749n, credits: 1748n }]]);
    expect(compare(input(books(), { ledgerTotals: totals })).passed).toBe(false);
  });

  test("a wallet whose record is not cash's, or is missing", () => {
    const wallets = [{ device: 11n, currency: EUR, balance: 751n }];
    const found = compare(input(books(), { balancesInWallets: wallets })).checks.at(-1)!.findings;
    expect(found.map(({ text }) => text)).toEqual([
      'device b: wallet 751, cash 750',
      'device c: wallet not found, cash 999',
    ]);
    const some = compare(input(books(), { balancesInWallets: wallets, allWallets: false }));
    expect(some.checks.at(-1)!.findings).toHaveLength(1);
  });
});

test('what is open is listed, and counts for neither', () => {
  const changed = without('cash');
  changed.management[0] = { ...changed.management[0]!, standing: 'open', word: 'crediting' };
  changed.wallet[0] = { ...changed.wallet[0]!, standing: 'open', word: 'sent' };
  const balances = [
    { device: 11n, currency: EUR, balance: 250n },
    { device: 12n, currency: EUR, balance: 999n },
  ];
  const result = compare(
    input(changed, {
      balancesAtCash: balances,
      balancesInWallets: balances,
      floatAtCash: new Map([[EUR, 1249n]]),
    }),
  );
  expect(result.checks.flatMap(({ findings: found }) => found)).toEqual([]);
  expect(result.open).toEqual([1n]);
});

function findings(changed: Books, name: string): string[] {
  const result = compare(input(changed));
  expect(result.passed).toBe(false);
  return result.checks.find((check) => check.name === name)!.findings.map(({ text }) => text);
}
