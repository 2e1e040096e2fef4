import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  admitCharge,
  admitReversal,
  type Charge,
  type ChargeOutcome,
  ChargeState,
  chargeFlow,
  ReversalState,
  reversalFlow,
} from '../../../src/roles/settlement/flow.ts';
import { authorisePauseMs } from '../../../src/roles/settlement/limits.ts';
import { chargeRequest } from './support.ts';

const NOW = 1_000_000_000_000n;
const APPLY_BY = NOW + 60_000_000_000n;
const INQUIRE_FOR_MS = 10_000;
const INQUIRE_UNTIL = NOW + 10_000_000_000n;
const RUN = 5n;
const flow = chargeFlow({ run: RUN, inquireForMs: INQUIRE_FOR_MS });

const charge: Charge = { ...chargeRequest({ request: 9n, applyBy: APPLY_BY }), receivedAt: NOW };
const { order } = charge;
const receipt = {
  document: {
    keyId: new Uint8Array(8),
    request: 9n,
    orderDigest: new Uint8Array(32),
    amount: 2500n,
    currency: 978,
    institutionReference: 'CHG9',
    chargedAt: NOW,
  },
  signature: new Uint8Array(64),
};

const before = { rounds: 1, unknownSince: NOW, notBefore: NOW };
const STATES: { readonly [name: string]: ChargeState } = {
  authorising: { kind: 'authorising', charge, run: RUN, before: undefined },
  'authorising again': { kind: 'authorising', charge, run: RUN, before },
  inquiring: { kind: 'inquiring', charge, rounds: 0, unknownSince: NOW },
  capturing: { kind: 'capturing', charge, authorisation: 'CHG9' },
  charged: { kind: 'charged', charge, receipt },
  declined: { kind: 'declined', order, reason: 'insufficient_funds' },
  expired: { kind: 'expired', order },
  reversing: { kind: 'reversing', charge, reason: 'asked' },
  reversed: { kind: 'reversed', order, reason: 'asked' },
};
const OUTCOMES: { readonly [kind in ChargeOutcome['kind']]: ChargeOutcome } = {
  too_late: { kind: 'too_late' },
  interrupted: { kind: 'interrupted' },
  unknown: { kind: 'unknown' },
  authorised: { kind: 'authorised', authorisation: 'CHG9' },
  captured: { kind: 'captured', receipt },
  declined: { kind: 'declined', reason: 'insufficient_funds' },
  not_found: { kind: 'not_found' },
  no_result: { kind: 'no_result' },
  reversed: { kind: 'reversed' },
  reversal_asked: { kind: 'reversal_asked', reason: 'asked' },
};

/** Each state with each outcome; `=`: it stays as it is. */
const TABLE = `
                  | too_late  interrupted unknown   authorised captured declined  not_found   no_result reversed reversal_asked
authorising       | expired   inquiring   inquiring capturing  =        declined  =           =         reversed reversing
authorising again | reversing inquiring   inquiring capturing  =        reversing =           =         reversed reversing
inquiring         | =         =           =         capturing  charged  declined  authorising reversing reversed reversing
capturing         | =         =           =         =          charged  reversing =           =         reversed reversing
charged           | =         =           =         =          =        =         =           =         =        =
declined          | =         =           =         =          =        =         =           =         =        =
expired           | =         =           =         =          =        =         =           =         =        =
reversing         | =         =           =         =          =        =         =           =         reversed =
reversed          | =         =           =         =          =        =         =           =         =        =
`;

const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|'));
const columns = rows[0]![1]!.trim().split(/\s+/) as ChargeOutcome['kind'][];
const cases = rows.slice(1).flatMap(([name, cells]) =>
  cells!
    .trim()
    .split(/\s+/)
    .map((expected, i) => [name!.trim(), columns[i]!, expected] as const),
);

describe('a charge', () => {
  test('the table has every state and every outcome', () => {
    expect(columns).toEqual(Object.keys(OUTCOMES));
    expect(rows.slice(1).map(([name]) => name!.trim())).toEqual(Object.keys(STATES));
    expect(cases.length).toBe(columns.length * Object.keys(STATES).length);
  });

  test.each(cases)('%s, %s: %s', (name, outcome, expected) => {
    const state = STATES[name]!;
    const after = flow.next(state, OUTCOMES[outcome], NOW);
    if (expected === '=') expect(after).toBe(state);
    else expect(after.kind).toBe(expected);
    expect(ChargeState.decode(ChargeState.encode(after))).toEqual(after);
  });

  test.each([
    ['authorising', { do: 'authorise', charge, isFirst: true }],
    ['authorising again', { do: 'authorise', charge, isFirst: false }],
    ['inquiring', { do: 'inquire', charge, until: INQUIRE_UNTIL }],
    ['capturing', { do: 'capture', charge, authorisation: 'CHG9' }],
    ['reversing', { do: 'reverse', charge }],
    ['charged', undefined],
    ['declined', undefined],
    ['expired', undefined],
    ['reversed', undefined],
  ])('%s asks for what comes next', (name, effect) => {
    expect(flow.effect(STATES[name]!, NOW)).toEqual(effect);
    expect(flow.stateName(STATES[name]!)).toBe(name.split(' ')[0]);
  });

  test('what another run was authorising is never authorised blindly', () => {
    const next = chargeFlow({ run: RUN + 1n, inquireForMs: INQUIRE_FOR_MS });
    for (const name of ['authorising', 'authorising again']) {
      expect(next.effect(STATES[name]!, NOW)).toEqual({ do: 'note_interruption' });
    }
    const inquiring = next.next(STATES.authorising!, OUTCOMES.interrupted, NOW);
    expect(next.effect(inquiring, NOW)).toMatchObject({ do: 'inquire' });
    const again = next.next(inquiring, OUTCOMES.not_found, NOW);
    expect(next.effect(again, NOW)).toEqual({ do: 'authorise', charge, isFirst: false });
  });

  test('it is admitted as what its time and a reversal make of it', () => {
    expect(admitCharge(charge, RUN, NOW, undefined)).toEqual(STATES.authorising);
    expect(admitCharge(charge, RUN, APPLY_BY - 1n, undefined).kind).toBe('authorising');
    expect(admitCharge(charge, RUN, APPLY_BY, undefined)).toEqual(STATES.expired);
    expect(admitCharge(charge, RUN, APPLY_BY, 'asked')).toEqual(STATES.reversed);
    expect(admitCharge(charge, RUN, NOW, 'asked')).toEqual(STATES.reversed);
  });

  test('not known to the institution: asked again, with growing pauses, as long as there is time', () => {
    let state = STATES.inquiring!;
    let now = NOW;
    const pauses: number[] = [];
    for (;;) {
      const authorising = flow.next(state, OUTCOMES.not_found, now);
      if (authorising.kind === 'reversing') {
        expect(authorising.reason).toBe('outcome_unknown');
        break;
      }
      if (authorising.kind !== 'authorising') throw new Error(authorising.kind);
      const { notBefore, unknownSince } = authorising.before!;
      expect(unknownSince).toBe(NOW);
      pauses.push(Number(notBefore - now) / 1e6);
      if (notBefore > now) expect(flow.effect(authorising, now)).toEqual({ waitUntil: notBefore });
      now = notBefore;
      expect(flow.effect(authorising, now)).toMatchObject({ do: 'authorise', isFirst: false });
      state = flow.next(authorising, OUTCOMES.unknown, now);
      expect(state).toMatchObject({ kind: 'inquiring', unknownSince: NOW });
    }
    expect(pauses).toEqual([0, 200, 400, 800, 1600, 3200, 6400]);
    expect(authorisePauseMs(255)).toBe(30_000);
  });

  test('not known to the institution, and too late: reversed, as it may still arrive', () => {
    expect(flow.next(STATES.inquiring!, OUTCOMES.not_found, APPLY_BY)).toEqual({
      kind: 'reversing',
      charge,
      reason: 'expired',
    });
  });

  test('inquiry ends with the order, or with patience, whatever comes first', () => {
    const short: Charge = chargeWith(NOW + 5n);
    const state: ChargeState = { kind: 'inquiring', charge: short, rounds: 0, unknownSince: NOW };
    expect(flow.effect(state, NOW)).toMatchObject({ until: NOW + 5n });
    expect(flow.effect(STATES.inquiring!, NOW)).toMatchObject({ until: INQUIRE_UNTIL });
  });

  test.prop([
    fc.array(fc.constantFrom(...(Object.keys(OUTCOMES) as ChargeOutcome['kind'][])), { maxLength: 40 }),
  ])('wherever outcomes lead, it ends in what the institution said', (kinds) => {
    let state = admitCharge(charge, RUN, NOW, undefined);
    let isAsked = false;
    for (const kind of kinds) {
      const earlier = state;
      state = flow.next(state, OUTCOMES[kind], NOW);
      if (flow.effect(earlier, NOW) === undefined) expect(state).toBe(earlier);
      // Money is taken when the institution says so, and given up when it says so.
      if (state.kind === 'charged' && earlier.kind !== 'charged') expect(kind).toBe('captured');
      if (state.kind === 'reversed' && earlier.kind !== 'reversed') expect(kind).toBe('reversed');
      // `expired` says that it was never asked.
      if (state.kind === 'expired') expect(isAsked).toBe(false);
      if (state !== earlier && kind !== 'too_late') isAsked = true;
      expect(ChargeState.decode(ChargeState.encode(state))).toEqual(state);
    }
  });

  test('an account number that has no more use is not kept, even sealed', () => {
    for (const [name, state] of Object.entries(STATES)) {
      const isKept = Buffer.from(ChargeState.encode(state)).includes(Buffer.from(charge.account.ciphertext));
      expect([name, isKept]).toEqual([name, !['declined', 'expired', 'reversed'].includes(state.kind)]);
    }
  });
});

describe('a reversal', () => {
  test.each([
    [undefined, 'reversed'],
    ['authorising', 'reversing'],
    ['authorising again', 'reversing'],
    ['inquiring', 'reversing'],
    ['capturing', 'reversing'],
    ['charged', 'reversing'],
    ['reversing', 'reversing'],
    ['declined', 'reversed'],
    ['expired', 'reversed'],
    ['reversed', 'reversed'],
  ])('of a charge that is %s: %s', (name, expected) => {
    const state = admitReversal(9n, 'asked', name === undefined ? undefined : STATES[name]);
    expect(state).toMatchObject({ kind: expected, request: 9n, reason: 'asked' });
    expect(ReversalState.decode(ReversalState.encode(state))).toEqual(state);
    expect(reversalFlow.stateName(state)).toBe(expected);
    expect(reversalFlow.effect(state, NOW)).toEqual(
      expected === 'reversing' ? { do: 'reverse', charge } : undefined,
    );
    expect(reversalFlow.next(state, { kind: 'reversed' }, NOW)).toEqual({
      kind: 'reversed',
      request: 9n,
      reason: 'asked',
    });
  });

  test('marks the charge when it is admitted, and only then', () => {
    const state = admitReversal(9n, 'asked', STATES.charged);
    const context = { id: 1n, now: NOW, reads: { get: () => undefined, range: () => [] } };
    expect(reversalFlow.writes!(undefined, state, context)).toMatchObject([{ table: 'reversals', key: 9n }]);
    expect(reversalFlow.writes!(state, state, context)).toEqual([]);
  });
});

function chargeWith(applyBy: bigint): Charge {
  return { ...charge, order: { ...order, document: { ...order.document, applyBy } } };
}
