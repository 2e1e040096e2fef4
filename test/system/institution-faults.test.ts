// Everything that an institution can do wrong, with real processes and several wallets at once, claims 4 and 5 mixed. Whatever
// happens, each load comes to an end; the card was charged for it and the balance grew, or neither; and all books agree.
//
// Faults are dialled for cards: each case has wallets of its own, and all cases happen at once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dials, Fault } from '../../src/institution/simulator/faults.ts';
import type { Outcome } from '../../src/wallet/index.ts';
import { BALANCE_MAX } from './flows.ts';
import { cents, ROLES, System, type TestWallet } from './system.ts';

/** Of settlement, in these tests; what is late is later. */
const TIMEOUT_MS = 400;
const LATE_MS = 900;
/** Most of the time nothing happens; a machine with much else to do takes longer. */
const SLOW_MACHINE_MS = 120_000;
const patient = { timeout: SLOW_MACHINE_MS };

let system: System;
/** With nothing dialled for their cards. */
let wallets: TestWallet[];

beforeAll(async () => {
  system = await System.start({
    processes: ROLES.map((role) => [role]),
    institutionProcess: true,
    institutionTimeoutMs: TIMEOUT_MS,
    balanceMax: BALANCE_MAX,
  });
  wallets = await enrolled(6);
}, SLOW_MACHINE_MS);

afterAll(() => system?.stop(), SLOW_MACHINE_MS);

function enrolled(count: number): Promise<TestWallet[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const made = await system.newWallet();
      const { state } = await made.wallet.enrol({ userData: made.name, accountNumber: made.card });
      expect(state.kind).toBe('enrolled');
      return made;
    }),
  );
}

/** Their orders are good for this long. */
async function hasty(count: number, validityMs: number): Promise<TestWallet[]> {
  const made = await enrolled(count);
  return Promise.all(made.map((one) => system.reopen(one, { validityMs })));
}

/** Each wallet loads, every second one with the number on file. */
function loads(by: readonly TestWallet[], amount: bigint): Promise<Outcome[]> {
  return Promise.all(
    by.map(({ wallet, card }, i) =>
      i % 2 === 0
        ? wallet.load({ amount: cents(amount), accountNumber: card })
        : wallet.load({ amount: cents(amount), onFile: true }),
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

/** What happens to the first message of each of these kinds. Further ones of the same card pass. */
const first = (doing: Fault['do'], on: readonly Fault['on'][], more: Partial<Fault> = {}): Fault[] =>
  on.map((kind) => ({ do: doing, on: kind, nth: 1, ...more }));

const BOTH = ['authorise', 'capture'] as const;

/**
 * What is dialled for a case's cards, and the ends that its first loads may come to. All cases have one connection, that
 * some of them close: an answer may be lost with it, and what is asked then is the second message.
 */
const CASES: Readonly<
  Record<string, { readonly faults: readonly Fault[]; readonly ends: readonly string[] }>
> = {
  'the request is dropped': { faults: first('drop_request', BOTH), ends: ['loaded'] },
  'the answer is dropped': { faults: first('drop_answer', BOTH), ends: ['loaded'] },
  'the answer is late': { faults: first('late', BOTH, { ms: LATE_MS }), ends: ['loaded'] },
  // And comes in when the same has been asked for again.
  'the request is late': { faults: first('late_request', BOTH, { ms: LATE_MS }), ends: ['loaded'] },
  'answered twice': { faults: first('twice', BOTH), ends: ['loaded'] },
  'answered with garbage': { faults: first('garbage', BOTH), ends: ['loaded'] },
  'closed before the work': { faults: first('close_before', BOTH), ends: ['loaded'] },
  'closed after the work': { faults: first('close_after', BOTH), ends: ['loaded'] },
  'the answer to the inquiry is dropped, too': {
    faults: first('drop_answer', ['authorise', 'inquire']),
    ends: ['loaded'],
  },
  declined: { faults: first('decline', ['authorise'], { code: '51' }), ends: ['declined', 'reversed'] },
  'declined after it was authorised': {
    faults: first('decline', ['capture'], { code: '05' }),
    ends: ['reversed', 'loaded'],
  },
  // A code that does not say that nothing was done. Asked later, the institution says that it has declined.
  'answered with a malfunction': {
    faults: first('decline', ['authorise'], { code: '96' }),
    ends: ['declined', 'reversed'],
  },
};

test('all kinds of faults at once', patient, async () => {
  const cases = await Promise.all(
    Object.entries(CASES).map(async ([name, content]) => ({ name, ...content, by: await enrolled(2) })),
  );
  const faults = cases.flatMap(({ faults, by }) =>
    by.flatMap(({ card }) => faults.map((fault): Fault => ({ ...fault, account: card }))),
  );
  await system.institution!.dial({ faults });
  await Promise.all(
    cases.map(async ({ name, by, ends }) => {
      // Then one as usual.
      for (const expected of [ends, ['loaded']]) {
        const outcomes = await loads(by, 100n);
        for (const { state } of outcomes) expect(expected, name).toContain(state.kind);
        await expectBooked(outcomes);
      }
    }),
  );
  await system.institution!.dial({});
});

async function dies(dials: Dials): Promise<void> {
  const institution = system.institution!;
  const { deaths } = institution;
  await institution.dial(dials, {});
  const outcomes = await loads(wallets, 100n);
  expect(institution.deaths - deaths).toBe(1);
  expect(outcomes.map(({ state }) => state.kind)).toEqual(outcomes.map(() => 'loaded'));
  await expectBooked(outcomes);
}

test('dies before an authorisation is durable', () =>
  dies({ faults: [{ do: 'die_before', on: 'authorise', nth: 3 }] }));

test('dies after a capture is durable', () => dies({ faults: [{ do: 'die_after', on: 'capture', nth: 2 }] }));

test('refuses connections, and loses those it has', async () => {
  await system.institution!.dial({
    faults: [
      { do: 'refuse', nth: 1 },
      { do: 'refuse', nth: 2 },
      { do: 'close_before', on: 'capture', nth: 2 },
    ],
  });
  const outcomes = await loads(wallets, 100n);
  await system.institution!.dial({});
  expect(outcomes.map(({ state }) => state.kind)).toEqual(outcomes.map(() => 'loaded'));
  await expectBooked(outcomes);
});

test('more than a wallet may hold is charged and given back, whatever the answers', patient, async () => {
  await system.institution!.dial({
    faults: [
      { do: 'drop_answer', on: 'reverse', nth: 1 },
      { do: 'close_after', on: 'reverse', nth: 3 },
      { do: 'decline', code: '91', on: 'reverse', nth: 5 },
    ],
  });
  const outcomes = await loads(wallets, 50_000n);
  await system.institution!.dial({});
  expect(outcomes.map(({ state }) => state)).toEqual(
    outcomes.map(() => ({ kind: 'reversed', reason: 'exceeds_credit_limit' })),
  );
  const booked = await system.booked();
  for (const { request } of outcomes) expect(booked.get(request)).toEqual(['authorise', 'capture', 'refund']);
});

test('down for long: what may still be charged is, what is too late by then never is', patient, async () => {
  const inHaste = await hasty(2, 800);
  await system.institution!.kill(1_500);
  const [late, others] = await Promise.all([loads(inHaste, 100n), loads(wallets, 100n)]);
  expect(others.map(({ state }) => state.kind)).toEqual(others.map(() => 'loaded'));
  for (const { state } of late) expect(['reversed', 'expired']).toContain(state.kind);
  await expectBooked([...late, ...others]);
});

test('down, and settlement for longer than orders are good for: they are not even asked for', async () => {
  const inHaste = await hasty(2, 700);
  await Promise.all([system.institution!.kill(900), system.keeper('settlement').kill(900)]);
  const outcomes = await loads(inHaste, 100n);
  expect(outcomes.map(({ state }) => state)).toEqual([{ kind: 'expired' }, { kind: 'expired' }]);
  const booked = await system.booked();
  for (const { request } of outcomes) expect(booked.get(request)).toBeUndefined();
});

test('at the end all books agree', async () => {
  expect(await system.audit()).toBeUndefined();
});
