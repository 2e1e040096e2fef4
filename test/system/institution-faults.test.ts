// Everything that an institution can do wrong, with real processes and several wallets at once, claims 4 and 5 mixed. Whatever
// happens, each load comes to an end; the card was charged for it and the balance grew, or neither; and all books agree.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dials } from '../../src/institution/simulator/faults.ts';
import type { Outcome } from '../../src/wallet/index.ts';
import { BALANCE_MAX } from './flows.ts';
import { cents, ROLES, System, type TestWallet } from './system.ts';

const WALLETS = 6;
/** Of settlement, in these tests; what is late is later. */
const TIMEOUT_MS = 300;
const LATE_MS = 700;

let system: System;

beforeAll(async () => {
  system = await System.start({
    processes: ROLES.map((role) => [role]),
    institutionProcess: true,
    institutionTimeoutMs: TIMEOUT_MS,
    balanceMax: BALANCE_MAX,
  });
  await Promise.all(Array.from({ length: WALLETS }, () => enrolled()));
}, 60_000);

afterAll(() => system?.stop(), 60_000);

async function enrolled(): Promise<TestWallet> {
  const made = await system.newWallet();
  const { state } = await made.wallet.enrol({ userData: made.name, accountNumber: made.card });
  expect(state.kind).toBe('enrolled');
  return made;
}

/** Each wallet loads, every second one with the number on file. */
function loads(wallets: readonly TestWallet[], amount: bigint, validityMs?: number): Promise<Outcome[]> {
  return Promise.all(
    wallets.map(({ wallet, card }, i) =>
      i % 2 === 0
        ? wallet.load({ amount: cents(amount), accountNumber: card, validityMs })
        : wallet.load({ amount: cents(amount), onFile: true, validityMs }),
    ),
  );
}

/** Charged is what the institution captured and did not give back. */
async function expectBooked(outcomes: readonly Outcome[]): Promise<void> {
  const booked = await system.booked();
  for (const { request, state } of outcomes) {
    const kinds = booked.get(request) ?? [];
    const isCharged = kinds.includes('capture') && !kinds.includes('refund');
    expect([state.kind, kinds, isCharged]).toEqual([state.kind, kinds, state.kind === 'loaded']);
    // Money that is held is let go.
    if (kinds.includes('authorise')) expect(kinds.some((kind) => /capture|release/.test(kind))).toBe(true);
  }
}

const half = { probability: 0.5 };

interface Case {
  readonly name: string;
  readonly dials: Dials;
  /** Ends that a load may come to; others are wrong. */
  readonly ends: readonly string[];
  /** It dies of it, and is started again without. */
  readonly dies?: true;
}

const CASES: readonly Case[] = [
  {
    name: 'the request is dropped',
    dials: {
      faults: [
        { do: 'drop_request', on: 'authorise', ...half },
        { do: 'drop_request', on: 'capture', ...half },
      ],
    },
    ends: ['loaded'],
  },
  {
    name: 'the answer is dropped',
    dials: {
      faults: [
        { do: 'drop_answer', on: 'authorise' },
        { do: 'drop_answer', on: 'capture', ...half },
      ],
    },
    ends: ['loaded'],
  },
  {
    name: 'the answer is late',
    dials: {
      faults: [
        { do: 'late', ms: LATE_MS, on: 'authorise' },
        { do: 'late', ms: LATE_MS, ...half },
      ],
    },
    ends: ['loaded'],
  },
  {
    name: 'the request is late, and done after it was asked for again',
    dials: { faults: [{ do: 'late_request', ms: LATE_MS, on: 'authorise', ...half }] },
    ends: ['loaded'],
  },
  { name: 'answered twice', dials: { faults: [{ do: 'twice' }] }, ends: ['loaded'] },
  { name: 'answered with garbage', dials: { faults: [{ do: 'garbage', ...half }] }, ends: ['loaded'] },
  {
    name: 'closed before the work',
    dials: { faults: [{ do: 'close_before', on: 'authorise', ...half }] },
    ends: ['loaded'],
  },
  {
    name: 'closed after the work',
    dials: {
      faults: [
        { do: 'close_after', on: 'authorise', ...half },
        { do: 'close_after', on: 'capture', ...half },
      ],
    },
    ends: ['loaded'],
  },
  {
    name: 'dies before an authorisation is durable',
    dials: { faults: [{ do: 'die_before', on: 'authorise', nth: 3 }] },
    ends: ['loaded'],
    dies: true,
  },
  {
    name: 'dies after a capture is durable',
    dials: { faults: [{ do: 'die_after', on: 'capture', nth: 2 }] },
    ends: ['loaded'],
    dies: true,
  },
  {
    name: 'declines',
    dials: { faults: [{ do: 'decline', code: '51', on: 'authorise', ...half }] },
    ends: ['loaded', 'declined'],
  },
  {
    name: 'declines what it has authorised',
    dials: { faults: [{ do: 'decline', code: '05', on: 'capture', ...half }] },
    ends: ['loaded', 'declined', 'reversed'],
  },
  {
    name: 'does not know what to say',
    // Such a code does not say that nothing was done; asked later, it says that it has declined.
    dials: { faults: [{ do: 'decline', code: '96', ...half }] },
    ends: ['loaded', 'declined'],
  },
  {
    name: 'refuses connections, and loses those it has',
    dials: {
      faults: [
        { do: 'refuse', nth: 1 },
        { do: 'refuse', nth: 2 },
        { do: 'refuse', nth: 4 },
        { do: 'close_before', on: 'capture', ...half },
      ],
    },
    ends: ['loaded'],
  },
];

for (const { name, dials, ends, dies } of CASES) {
  test(name, async () => {
    const institution = system.institution!;
    const { deaths } = institution;
    await institution.dial(dials, {});
    const outcomes = await loads(system.wallets.slice(0, WALLETS), 100n);
    expect(institution.deaths - deaths).toBe(dies === true ? 1 : 0);
    await institution.dial({});
    for (const { state } of outcomes) expect(ends).toContain(state.kind);
    await expectBooked(outcomes);
  });
}

test('more than a wallet may hold is charged and given back, whatever becomes of the answers', async () => {
  await system.institution!.dial({
    faults: [
      { do: 'drop_answer', on: 'reverse', ...half },
      { do: 'close_after', on: 'reverse', ...half },
      { do: 'decline', code: '91', on: 'reverse', nth: 1 },
    ],
  });
  const outcomes = await loads(system.wallets.slice(0, WALLETS), 50_000n);
  await system.institution!.dial({});
  expect(outcomes.map(({ state }) => state)).toEqual(
    outcomes.map(() => ({ kind: 'reversed', reason: 'exceeds_credit_limit' })),
  );
  await expectBooked(outcomes);
  const booked = await system.booked();
  for (const { request } of outcomes) expect(booked.get(request)).toEqual(['authorise', 'capture', 'refund']);
});

test('down for long: what may still be charged is, what is too late by then never is', async () => {
  const hasty = await Promise.all([enrolled(), enrolled()]);
  await system.institution!.kill(1_500);
  const [late, patient] = await Promise.all([
    loads(hasty, 100n, 800),
    loads(system.wallets.slice(0, WALLETS), 100n),
  ]);
  expect(patient.map(({ state }) => state.kind)).toEqual(patient.map(() => 'loaded'));
  for (const { state } of late) expect(['reversed', 'expired']).toContain(state.kind);
  await expectBooked([...late, ...patient]);
});

test('down for long, and settlement with it: orders whose time is over are not even asked for', async () => {
  const hasty = await enrolled();
  await Promise.all([system.institution!.kill(1_500), system.keeper('settlement').kill(1_500)]);
  const outcomes = await loads([hasty], 100n, 700);
  expect(outcomes.map(({ state }) => state)).toEqual([{ kind: 'expired' }]);
  expect((await system.booked()).get(outcomes[0]!.request)).toBeUndefined();
});

test('at the end all books agree', async () => {
  expect(await system.audit()).toBeUndefined();
});
