// The flows by themselves: every state with every outcome.
import { describe, expect, test } from 'vitest';
import {
  type EnrolEffect,
  type EnrolOutcome,
  type EnrolState,
  enrolFlow,
  filingFlow,
  type LoadEffect,
  type LoadOutcome,
  type LoadState,
  loadFlow,
} from '../../../src/roles/management/flow.ts';
import { chargeReceipt, creditReceipt, creditRejection, Device, EUR, sealedAccount, USD } from './support.ts';

const ada = new Device(1);
const DEVICE = 1n << 100n;
const APPLY_BY = 1_000n;
const order = ada.order(5n);
const charge = chargeReceipt(order);
const credit = creditReceipt(DEVICE, order);
const rejection = creditRejection(DEVICE, order);

describe('enrolment', () => {
  const opening: EnrolState & { kind: 'opening' } = {
    kind: 'opening',
    device: DEVICE,
    signingKey: ada.signing.publicKey,
    channelKey: ada.channel.publicKey,
    userData: 'Ada',
    account: sealedAccount(),
    applyBy: APPLY_BY,
    currencies: [EUR, USD],
    opened: 0,
    distrusted: undefined,
  };
  const issued = { certificate: new Uint8Array(3), notAfter: 9n };
  const keys = { device: DEVICE, signingKey: opening.signingKey, channelKey: opening.channelKey };
  const states: { readonly [name: string]: EnrolState } = {
    opening,
    'opening the last': { ...opening, opened: 1 },
    'opening, distrusted': { ...opening, distrusted: 'first' },
    enrolled: { kind: 'enrolled', device: DEVICE, ...issued },
    expired: { kind: 'expired', ...keys },
  };
  const outcomes: { readonly [name: string]: EnrolOutcome } = {
    opened: { kind: 'opened', issued: undefined },
    certified: { kind: 'opened', issued },
    distrusted: { kind: 'distrusted', reason: 'later' },
    expired: { kind: 'expired' },
  };

  test.each([
    ['opening', 'opening', 'opening', 'opening 1', 'enrolled', 'opening later', 'expired'],
    ['opening the last', 'opening', 'opening', 'opening 2', 'enrolled', 'opening later', 'expired'],
    [
      'opening, distrusted',
      'opening_distrusted',
      'opening',
      'opening 1',
      'enrolled',
      'opening later',
      'expired',
    ],
    ['enrolled', 'enrolled', 'final', 'enrolled', 'enrolled', 'enrolled', 'enrolled'],
    ['expired', 'expired', 'final', 'expired', 'expired', 'expired', 'expired'],
  ])('%s', (name, stateName, isFinal, ...expected) => {
    const state = states[name]!;
    expect(enrolFlow.stateName(state)).toBe(stateName);
    expect(enrolFlow.effect(state, 0n) === undefined).toBe(isFinal === 'final');
    const became = Object.values(outcomes).map((outcome) => {
      const after = enrolFlow.next(state, outcome, 0n);
      expect(enrolFlow.state.decode(enrolFlow.state.encode(after))).toEqual(after);
      if (after.kind !== 'opening') return after.kind;
      return `opening ${after.distrusted ?? after.opened}`;
    });
    expect(became).toEqual(expected);
  });

  test('asks for one currency after the other, with a certificate for the last', () => {
    const effectOf = (opened: number) =>
      enrolFlow.effect({ ...opening, opened }, 0n) as EnrolEffect & { kind: 'open' };
    expect(effectOf(0)).toMatchObject({ account: { device: DEVICE, currency: EUR }, certify: undefined });
    expect(effectOf(1)).toMatchObject({
      account: { device: DEVICE, currency: USD },
      certify: { channelKey: ada.channel.publicKey },
    });
  });

  test('when its time has come it expires, whatever comes in', () => {
    expect(enrolFlow.effect(opening, APPLY_BY - 1n)).toMatchObject({ kind: 'open' });
    expect(enrolFlow.effect(opening, APPLY_BY)).toEqual({ kind: 'expire' });
    for (const outcome of Object.values(outcomes)) {
      expect(enrolFlow.next(opening, outcome, APPLY_BY)).toEqual({ kind: 'expired', ...keys });
    }
  });
});

describe('load', () => {
  const common = { device: DEVICE, order };
  const charged = { account: sealedAccount(), binding: { purpose: 'load', request: 5n } } as const;
  const charging: LoadState = {
    kind: 'charging',
    ...common,
    ...charged,
    refused: undefined,
    distrusted: undefined,
  };
  const crediting: LoadState = { kind: 'crediting', ...common, ...charged, charge, distrusted: undefined };
  const reversing: LoadState = {
    kind: 'reversing',
    ...common,
    charge,
    rejection,
    distrusted: undefined,
  };
  const states: { readonly [name: string]: LoadState } = {
    charging,
    charging_distrusted: { ...charging, distrusted: 'first' } as LoadState,
    charging_refused: { ...charging, refused: 'first' } as LoadState,
    crediting,
    crediting_distrusted: { ...crediting, distrusted: 'first' } as LoadState,
    reversing,
    reversing_distrusted: { ...reversing, distrusted: 'first' } as LoadState,
    loaded: { kind: 'loaded', ...common, charge, credit },
    declined: { kind: 'declined', ...common, reason: 'no_funds' },
    expired: { kind: 'expired', ...common },
    reversed: { kind: 'reversed', ...common, charge, rejection, reason: 'closed' },
  };
  const outcomes: readonly LoadOutcome[] = [
    { kind: 'charged', receipt: charge },
    { kind: 'declined', reason: 'no_funds' },
    { kind: 'expired' },
    { kind: 'refused', reason: 'later' },
    { kind: 'taken' },
    { kind: 'prevented' },
    { kind: 'reversed', reason: 'unknown' },
    { kind: 'credited', receipt: credit },
    { kind: 'rejected', rejection },
    { kind: 'distrusted', reason: 'later' },
  ];

  // Asks for, then what becomes of it with each outcome; · stays as it is.
  const walk = `
    state                 asks     charged    declined  expired  refused           taken     prevented  reversed  credited  rejected   distrusted
    charging              charge   crediting  declined  expired  charging_refused  ·         ·          reversed  ·         ·          charging_distrusted
    charging_distrusted   charge   crediting  declined  expired  charging_refused  charging  ·          reversed  ·         ·          charging_distrusted
    charging_refused      charge   crediting  declined  expired  charging_refused  charging  declined   reversed  ·         ·          charging_distrusted
    crediting             credit   ·          ·         ·        ·                 ·         ·          ·         loaded    reversing  crediting_distrusted
    crediting_distrusted  credit   ·          ·         ·        ·                 ·         ·          ·         loaded    reversing  crediting_distrusted
    reversing             reverse  ·          ·         ·        ·                 ·         ·          reversed  ·         ·          reversing_distrusted
    reversing_distrusted  reverse  ·          ·         ·        ·                 ·         ·          reversed  ·         ·          reversing_distrusted
    loaded                -        ·          ·         ·        ·                 ·         ·          ·         ·         ·          ·
    declined              -        ·          ·         ·        ·                 ·         ·          ·         ·         ·          ·
    expired               -        ·          ·         ·        ·                 ·         ·          ·         ·         ·          ·
    reversed              -        ·          ·         ·        ·                 ·         ·          ·         ·         ·          ·
  `;
  const [head, ...rows] = walk
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

  test('the table has every state and every outcome', () => {
    expect(head!.slice(2)).toEqual(outcomes.map(({ kind }) => kind));
    expect(rows.map(([name]) => name)).toEqual(Object.keys(states));
  });

  test.each(rows.map(([name, ...rest]) => [name!, rest] as const))('%s', (name, [asks, ...expected]) => {
    const state = states[name]!;
    expect(loadFlow.stateName(state)).toBe(name);
    const effect = loadFlow.effect(state, 0n) as LoadEffect | undefined;
    expect(effect?.kind ?? '-').toBe(asks);
    outcomes.forEach((outcome, i) => {
      const after = loadFlow.next(state, outcome, 0n);
      expect(loadFlow.state.decode(loadFlow.state.encode(after))).toEqual(after);
      if (expected[i] === '·') expect(after).toEqual(state);
      else expect(loadFlow.stateName(after)).toBe(expected[i]);
    });
  });

  test('what it knows goes along; the sealed account does not, once it is charged', () => {
    const credited = loadFlow.next(charging, outcomes[0]!, 0n);
    expect(credited).toEqual(crediting);
    expect(loadFlow.next(credited, outcomes[7]!, 0n)).toEqual(states.loaded);
    expect(loadFlow.next(credited, outcomes[8]!, 0n)).toEqual(reversing);
    expect(loadFlow.next(reversing, outcomes[6]!, 0n)).toEqual(states.reversed);
    expect(loadFlow.effect(reversing, 0n)).toMatchObject({
      request: { request: 5n, reason: 'closed', rejection },
    });
  });

  test('what is refused is asked for until its time has come, then it is prevented', () => {
    const { applyBy } = order.document;
    const refused = states.charging_refused!;
    expect(loadFlow.effect(refused, applyBy - 1n)).toMatchObject({ kind: 'charge', refused: 'first' });
    expect(loadFlow.effect(refused, applyBy)).toEqual({
      kind: 'prevent',
      request: { request: 5n, reason: 'first', rejection: undefined },
      distrusted: undefined,
    });
    expect(loadFlow.next(refused, { kind: 'prevented' }, 0n)).toMatchObject({ reason: 'first' });
    expect(loadFlow.next(refused, { kind: 'taken' }, 0n)).toEqual(charging);
  });

  test('its order alone ends no load: only what settlement and cash say does', () => {
    for (const state of [charging, crediting, reversing]) {
      expect(loadFlow.effect(state, 2n ** 64n - 1n)).toEqual(loadFlow.effect(state, 0n));
    }
  });
});

test('a filing is done by its admission', () => {
  const state = { device: DEVICE, account: sealedAccount() };
  expect(filingFlow.effect(state, 0n)).toBeUndefined();
  expect(filingFlow.stateName(state)).toBe('filed');
  expect(filingFlow.state.decode(filingFlow.state.encode(state))).toEqual(state);
});
