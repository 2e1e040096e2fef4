// The auditor must agree with books that are right, and find each single thing that can be wrong with them.
import { describe, expect, test } from 'vitest';
import type {
  AuditInput,
  Book,
  Party,
  Standing,
  Statement,
  WalletBalance,
} from '../../../src/cli/audit/books.ts';
import { compare } from '../../../src/cli/audit/compare.ts';
import { amountOf } from '../../../src/shared/amount.ts';

const EUR = 978;
const HOUR = 3_600_000_000_000n;
const NOW = 1_800_000_000_000_000_000n;
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
        since: NOW - HOUR,
        at: NOW - HOUR,
      }));
  return {
    wallet: of('wallet'),
    management: of('management'),
    settlement: of('settlement'),
    cash: of('cash'),
    institution: of('institution'),
  };
}

function wallet(device: bigint, balance: bigint): WalletBalance {
  return { device, currency: EUR, balance, until: 0n, heard: new Set() };
}

function input(changed: Books = books(), more: Partial<AuditInput> = {}): AuditInput {
  const balances = [wallet(11n, 750n), wallet(12n, 999n)];
  return {
    now: NOW,
    statementEnd: undefined,
    balancesRead: { from: NOW, to: NOW },
    books: Object.entries(changed).map(([party, statements]) => ({ party, statements }) as Book),
    balancesAtCash: balances,
    balancesOfOthers: [],
    movedMeanwhile: new Map(),
    unheard: [],
    outflows: [],
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
const SUMS = 'institution and float are the same sum';

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
      'currency 978: float 1750, loss 0, offline loss 0; devices 1749, shops 0, exchanges 0, notes 0, purses 0, clearing 0, fees 0',
    ]);
  });

  test('a ledger that is not even', () => {
    const totals = new Map([[EUR, { debits: 1749n, credits: 1748n }]]);
    expect(compare(input(books(), { ledgerTotals: totals })).passed).toBe(false);
  });

  test("a wallet whose record is not cash's, or is missing", () => {
    const wallets = [wallet(11n, 751n)];
    const found = compare(input(books(), { balancesInWallets: wallets })).checks.at(-1)!.findings;
    expect(found.map(({ text }) => text)).toEqual([
      'device b: wallet 751, cash 750',
      'device c: wallet not found, cash 999',
    ]);
    const some = compare(input(books(), { balancesInWallets: wallets, allWallets: false }));
    expect(some.checks.at(-1)!.findings).toHaveLength(1);
  });
});

const OPEN = { standing: 'open', word: 'under way' } as const;

/** Load 1 as each party has it: left out, it agrees with the others; `none`: not there. */
function load1(standings: Partial<Record<Party, Partial<Statement> | 'none'>>): Books {
  const result = books();
  for (const [party, change] of Object.entries(standings) as [Party, Partial<Statement> | 'none'][]) {
    if (change === 'none') result[party].shift();
    else result[party][0] = { ...result[party][0]!, ...change };
  }
  return result;
}

/** As cash has it while load 1 is not credited. */
const uncredited: Partial<AuditInput> = {
  balancesAtCash: [
    { device: 11n, currency: EUR, balance: 250n },
    { device: 12n, currency: EUR, balance: 999n },
  ],
  balancesInWallets: [
    { device: 11n, currency: EUR, balance: 250n },
    { device: 12n, currency: EUR, balance: 999n },
  ],
  floatAtCash: new Map([[EUR, 1249n]]),
  ledgerTotals: new Map([[EUR, { debits: 1249n, credits: 1249n }]]),
};

const UNHEARD = { balancesInWallets: uncredited.balancesInWallets! };
const NOT_DONE = { standing: 'not_done', word: 'reversed' } as const;

describe('what is honestly under way is listed, and no finding', () => {
  const states: [string, Books, Partial<AuditInput>][] = [
    [
      'the institution was not asked yet',
      load1({ institution: 'none', settlement: OPEN, cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
    [
      'management alone has it',
      load1({ institution: 'none', settlement: 'none', cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
    [
      'the wallet alone has it, for a week',
      load1({
        institution: 'none',
        settlement: 'none',
        cash: 'none',
        management: 'none',
        wallet: { ...OPEN, since: NOW - 168n * HOUR },
      }),
      uncredited,
    ],
    [
      'held',
      load1({ institution: OPEN, settlement: OPEN, cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
    ['captured', load1({ settlement: OPEN, cash: 'none', management: OPEN, wallet: OPEN }), uncredited],
    ['charged', load1({ cash: 'none', management: OPEN, wallet: OPEN }), uncredited],
    ['credited', load1({ management: OPEN, wallet: OPEN }), UNHEARD],
    ['loaded, and the wallet has not heard', load1({ wallet: OPEN }), UNHEARD],
    [
      'being given back',
      load1({ settlement: OPEN, cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
    [
      'given back after settlement was asked',
      load1({ institution: NOT_DONE, cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
    [
      'given back, and management has not heard',
      load1({ institution: NOT_DONE, settlement: NOT_DONE, cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
  ];
  test.each(states)('%s', (_, changed, more) => {
    const result = compare(input(changed, more));
    expect(result.checks.flatMap(({ findings: found }) => found)).toEqual([]);
    expect(result.open).toEqual([1n]);
  });
});

describe('a party that calls a load open hides nothing', () => {
  const states: [string, Books, Partial<AuditInput>][] = [
    ['credited, and the charge is open at settlement', load1({ institution: 'none', settlement: OPEN }), {}],
    ['credited against a receipt for what is only held', load1({ institution: OPEN }), {}],
    [
      'credited, and nobody charged it',
      load1({ institution: 'none', settlement: 'none', management: OPEN }),
      {},
    ],
    ['credited, and the charge was given back', load1({ institution: NOT_DONE, management: OPEN }), {}],
    ['receipt for nothing', load1({ institution: 'none', cash: 'none', management: OPEN }), uncredited],
    [
      'charged, and management knows nothing',
      load1({ cash: 'none', management: 'none', wallet: OPEN }),
      uncredited,
    ],
    [
      'charged, and management says declined',
      load1({ cash: 'none', management: NOT_DONE, wallet: OPEN }),
      uncredited,
    ],
    [
      'captured, and settlement says declined',
      load1({ settlement: NOT_DONE, cash: 'none', management: OPEN, wallet: OPEN }),
      uncredited,
    ],
    [
      'settlement goes on with what management says is over',
      load1({ institution: 'none', settlement: OPEN, cash: 'none', management: NOT_DONE, wallet: 'none' }),
      uncredited,
    ],
    [
      'loaded for the wallet alone',
      load1({ institution: 'none', settlement: OPEN, cash: 'none', management: OPEN }),
      {},
    ],
    ['the wallet was told declined', load1({ management: OPEN, wallet: NOT_DONE }), {}],
  ];
  test.each(states)('%s', (_, changed, more) => {
    const result = compare(input(changed, more));
    expect(result.passed).toBe(false);
    expect(result.checks.find(({ name }) => name === AGREE)!.findings).toHaveLength(1);
  });

  test('held at the institution, and only management calls it open', () => {
    const changed = load1({
      institution: OPEN,
      settlement: 'none',
      cash: 'none',
      management: OPEN,
      wallet: OPEN,
    });
    const result = compare(input(changed, uncredited));
    const name = 'no money is held for a load that nobody works on';
    expect(result.checks.find((check) => check.name === name)!.findings).toHaveLength(1);
  });

  test('a credit without a charge shows in the sums too', () => {
    expect(findings(load1({ institution: 'none', settlement: OPEN }), SUMS)).toEqual([
      'currency 978: institution has taken 1249, cash has credited 1749',
    ]);
  });

  test.each(['management', 'settlement'] as const)('open at %s for longer than a day', (party) => {
    const name = 'no load is under way for longer than a day';
    const changed = (since: bigint) => {
      const result = load1({
        institution: 'none',
        cash: 'none',
        settlement: OPEN,
        management: OPEN,
        wallet: OPEN,
      });
      result[party][0] = { ...result[party][0]!, since };
      return input(result, uncredited);
    };
    expect(compare(changed(NOW - 24n * HOUR)).passed).toBe(true);
    const late = compare(changed(NOW - 24n * HOUR - 1n));
    expect(late.checks.filter(({ findings: found }) => found.length > 0).map((check) => check.name)).toEqual([
      name,
    ]);
  });

  test("another wallet's difference is not hidden by a load that is open at management", () => {
    const more = {
      balancesInWallets: [
        { device: 11n, currency: EUR, balance: 249n },
        { device: 12n, currency: EUR, balance: 999n },
      ],
    };
    const last = compare(input(load1({ wallet: OPEN, management: OPEN }), more)).checks.at(-1)!;
    expect(last.findings.map(({ text }) => text)).toEqual([
      'device b: wallet 249, cash 750, with 500 that it has not heard of yet',
    ]);
  });

  test('an open load has another amount at one of them', () => {
    const changed = load1({
      settlement: { ...OPEN, amount: amountOf(5n) },
      cash: 'none',
      management: OPEN,
      wallet: OPEN,
    });
    expect(
      compare(input(changed, uncredited)).checks.find(({ name }) => name === TERMS)!.findings,
    ).toHaveLength(1);
  });
});

describe('what was credited while accounts were read', () => {
  const credited = { at: NOW + 5n };
  const reading = { balancesRead: { from: NOW, to: NOW + 9n } };
  test.each([
    ['is in the balances', {}],
    ['is not', { ...uncredited, balancesInWallets: input().balancesInWallets }],
    [
      'is at one end only',
      {
        floatAtCash: uncredited.floatAtCash!,
        ledgerTotals: new Map([[EUR, { debits: 1249n, credits: 1749n }]]),
      },
    ],
  ])('%s', (_, more) => {
    const found = compare(input(load1({ cash: credited }), { ...more, ...reading })).checks;
    expect(found.find(({ name }) => name === SUMS)!.findings).toEqual([]);
    expect(found.find(({ name }) => name.startsWith('debits'))!.findings).toEqual([]);
  });

  test('what came after is not expected in them', () => {
    const more = { ...uncredited, balancesRead: { from: NOW, to: NOW + 4n } };
    expect(compare(input(load1({ cash: credited, wallet: OPEN }), more)).passed).toBe(true);
    expect(
      compare(input(load1({ cash: credited, wallet: OPEN }), { balancesRead: more.balancesRead })).passed,
    ).toBe(false);
  });
});

describe('a statement from before', () => {
  const later = (at: bigint, since = at) => load1({ institution: 'none', cash: { at, since }, wallet: OPEN });
  test('says nothing of what was credited after its end', () => {
    const end = { ...UNHEARD, statementEnd: NOW - 2n * HOUR };
    expect(compare(input(later(NOW - HOUR), end)).passed).toBe(true);
    expect(compare(input(later(NOW - 3n * HOUR), end)).passed).toBe(false);
    expect(compare(input(later(NOW - HOUR), { ...end, statementEnd: NOW - HOUR })).passed).toBe(false);
  });

  test('excuses nothing for longer than a day', () => {
    const end = { ...UNHEARD, statementEnd: NOW - 48n * HOUR };
    expect(compare(input(later(NOW - 25n * HOUR), end)).passed).toBe(false);
  });
});

function findings(changed: Books, name: string): string[] {
  const result = compare(input(changed));
  expect(result.passed).toBe(false);
  return result.checks.find((check) => check.name === name)!.findings.map(({ text }) => text);
}

describe('more than loads', () => {
  const SHEET = 'float and losses are what devices, shops, exchanges, notes, purses, clearing and fees have';
  /** Device 11 has paid 200 to a shop, of which 50 were paid out and 3 were the operator's. */
  const sold = {
    balancesAtCash: [wallet(11n, 550n), wallet(12n, 999n)],
    balancesInWallets: [wallet(11n, 550n), wallet(12n, 999n)],
    balancesOfOthers: [
      { account: 'shops', currency: EUR, balance: 140n },
      { account: 'clearing', currency: EUR, balance: 7n },
      { account: 'fees', currency: EUR, balance: 3n },
    ] as const,
    floatAtCash: new Map([[EUR, 1699n]]),
    outflows: [{ currency: EUR, amount: 50n, at: NOW - HOUR }],
  };

  test('what was sold, paid out and earned', () => {
    expect(compare(input(books(), sold)).checks.flatMap((check) => check.findings)).toEqual([]);
  });

  test('what the operator has written off', () => {
    const loss = { account: 'loss', currency: EUR, balance: -10n } as const;
    const shops = { account: 'shops', currency: EUR, balance: 150n } as const;
    const others = [loss, shops, ...sold.balancesOfOthers.slice(1)];
    expect(compare(input(books(), { ...sold, balancesOfOthers: others })).passed).toBe(true);
    const found = compare(input(books(), { ...sold, balancesOfOthers: others.slice(1) })).checks;
    expect(found.find(({ name }) => name === SHEET)!.findings.map(({ text }) => text)).toEqual([
      'currency 978: float 1699, loss 0, offline loss 0; devices 1549, shops 150, exchanges 0, notes 0, purses 0, clearing 7, fees 3',
    ]);
  });

  test('what is in purses, and what the operator has paid for some that have cheated', () => {
    const offline = [
      { account: 'purses', currency: EUR, balance: 40n },
      { account: 'offline_loss', currency: EUR, balance: -25n },
      { account: 'shops', currency: EUR, balance: 125n },
    ] as const;
    const others = [...offline, ...sold.balancesOfOthers.slice(1)];
    expect(compare(input(books(), { ...sold, balancesOfOthers: others })).passed).toBe(true);
    for (const one of offline) {
      const left = others.filter((other) => other !== one);
      expect(compare(input(books(), { ...sold, balancesOfOthers: left })).passed).toBe(false);
    }
  });

  test('what backs notes, and what notes are out', () => {
    const notes = [
      { account: 'exchanges', currency: EUR, balance: 30n },
      { account: 'notes', currency: EUR, balance: 35n },
      { account: 'shops', currency: EUR, balance: 75n },
    ] as const;
    const others = [...notes, ...sold.balancesOfOthers.slice(1)];
    expect(compare(input(books(), { ...sold, balancesOfOthers: others })).passed).toBe(true);
    for (const one of notes) {
      const left = others.filter((other) => other !== one);
      expect(compare(input(books(), { ...sold, balancesOfOthers: left })).passed).toBe(false);
    }
  });

  test('what left the float, and nobody has paid out', () => {
    const found = compare(input(books(), { ...sold, outflows: [] })).checks;
    expect(found.find(({ name }) => name === SUMS)!.findings).toHaveLength(1);
  });

  test('what came back to the float, known and while accounts were read', () => {
    const returned = { currency: EUR, amount: -20n, at: NOW - HOUR };
    const outflows = [...sold.outflows, returned];
    const shops = { account: 'shops', currency: EUR, balance: 160n } as const;
    const balancesOfOthers = [shops, ...sold.balancesOfOthers.slice(1)];
    const back = { ...sold, outflows, balancesOfOthers, floatAtCash: new Map([[EUR, 1719n]]) };
    expect(compare(input(books(), back)).passed).toBe(true);
    expect(compare(input(books(), { ...sold, outflows })).passed).toBe(false);
    const meanwhile = [...sold.outflows, { ...returned, at: NOW + 1n }];
    expect(compare(input(books(), { ...sold, outflows: meanwhile })).passed).toBe(true);
    expect(compare(input(books(), { ...back, outflows: meanwhile })).passed).toBe(true);
  });

  test('what moved while accounts were read', () => {
    const late = { ...sold, balancesAtCash: [wallet(11n, 560n), wallet(12n, 999n)] };
    expect(compare(input(books(), late)).passed).toBe(false);
    const inWallets = { ...late, balancesInWallets: late.balancesAtCash };
    expect(compare(input(books(), { ...inWallets, movedMeanwhile: new Map([[EUR, 10n]]) })).passed).toBe(
      true,
    );
    expect(compare(input(books(), { ...inWallets, movedMeanwhile: new Map([[EUR, 9n]]) })).passed).toBe(
      false,
    );
  });

  test('a refund that a wallet has not heard of', () => {
    const refunded = {
      ...sold,
      balancesAtCash: [wallet(11n, 570n), wallet(12n, 999n)],
      balancesOfOthers: [
        { account: 'shops', currency: EUR, balance: 120n } as const,
        ...sold.balancesOfOthers.slice(1),
      ],
    };
    expect(compare(input(books(), refunded)).passed).toBe(false);
    const unheard = [{ device: 11n, currency: EUR, change: 20n, at: NOW - HOUR }];
    expect(compare(input(books(), { ...refunded, unheard })).passed).toBe(true);
    const other = [{ ...unheard[0]!, change: 19n }];
    expect(compare(input(books(), { ...refunded, unheard: other })).checks.at(-1)!.findings).toHaveLength(1);
  });
});
