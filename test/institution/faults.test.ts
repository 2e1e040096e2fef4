// Every fault that can be dialled, as the adapter sees it: what is known, what is not, and what asking again finds out.
import { expect, test } from 'vitest';
import { parseDials } from '../../src/institution/simulator/faults.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { accountNumber, adapter, anOrder, eventually, expectConserved, simulator } from './support.ts';

const unknown = (why: RegExp) => ({ kind: 'unknown', why: expect.stringMatching(why) });
const approved = { kind: 'approved' };

test('drop_answer: unknown, though it was done', async () => {
  const bank = await simulator({ faults: [{ do: 'drop_answer', on: 'authorise', nth: 1 }] });
  const cards = adapter(bank.port, { timeoutMs: 500 });
  const order = anOrder();
  expect(await cards.authorise(order)).toEqual(unknown(/no answer within 500 ms/));
  expect(await cards.inquire(order)).toMatchObject({ kind: 'authorised' });
  expect(await cards.authorise(order)).toMatchObject(approved);
  expect(bank.books.statement(1n, 9)).toHaveLength(1);
});

test('drop_request: unknown, and not done', async () => {
  const bank = await simulator({ faults: [{ do: 'drop_request', on: 'authorise', nth: 1 }] });
  const cards = adapter(bank.port, { timeoutMs: 500 });
  const order = anOrder();
  expect(await cards.authorise(order)).toEqual(unknown(/no answer/));
  expect(await cards.inquire(order)).toEqual({ kind: 'not_found' });
  expect(await cards.authorise(order)).toMatchObject(approved);
});

test('late: in time it is an answer; too late it is ignored and counted', async () => {
  const bank = await simulator({ faults: [{ do: 'late', on: 'authorise', ms: 700 }] });
  const patient = adapter(bank.port);
  expect(await patient.authorise(anOrder())).toMatchObject(approved);
  const cards = adapter(bank.port, { timeoutMs: 500 });
  const order = anOrder();
  await eventually(() => cards.isConnected).toBe(true);
  expect(await cards.authorise(order)).toEqual(unknown(/no answer/));
  await eventually(() => cards.counters.late).toBe(1);
  expect(await cards.inquire(order)).toMatchObject({ kind: 'authorised' });
});

test('a late answer is not taken for that of the same question asked again', async () => {
  // Inquiry before, authorisation, inquiry after: the first inquiry's `not found` arrives while the second one waits.
  const bank = await simulator({ faults: [{ do: 'late', on: 'inquire', ms: 800 }] });
  const cards = adapter(bank.port, { timeoutMs: 500 });
  await eventually(() => cards.isConnected).toBe(true);
  const order = anOrder();
  expect(await cards.inquire(order)).toEqual(unknown(/no answer/));
  expect(await cards.authorise(order)).toMatchObject(approved);
  expect(await cards.inquire(order)).toEqual(unknown(/no answer/));
  await eventually(() => cards.counters.late).toBe(2);
});

test('late_request: not found now, and done later, unless a reversal came before it', async () => {
  const bank = await simulator({ faults: [{ do: 'late_request', on: 'authorise', ms: 1_500 }] });
  const cards = adapter(bank.port, { timeoutMs: 300 });
  await eventually(() => cards.isConnected).toBe(true);
  const [left, reversed] = [anOrder(), anOrder()];
  for (const outcome of await Promise.all([cards.authorise(left), cards.authorise(reversed)])) {
    expect(outcome).toEqual(unknown(/no answer/));
  }
  const slow = adapter(bank.port);
  expect(await slow.inquire(left)).toEqual({ kind: 'not_found' });
  expect(await slow.reverse(reversed)).toEqual({ kind: 'reversed' });
  await eventually(() => bank.books.statement(1n, 9).map(({ kind }) => kind)).toEqual(['block', 'authorise']);
  expect(await slow.inquire(left)).toMatchObject({ kind: 'authorised' });
  expect(await slow.inquire(reversed)).toEqual({ kind: 'reversed' });
  expectConserved(bank);
});

test('twice: the second answer is ignored and counted', async () => {
  const bank = await simulator({ faults: [{ do: 'twice' }] });
  const cards = adapter(bank.port);
  const orders = Array.from({ length: 20 }, () => anOrder());
  for (const outcome of await Promise.all(orders.map((order) => cards.authorise(order)))) {
    expect(outcome).toMatchObject(approved);
  }
  // One of them is the second answer to the sign-on.
  await eventually(() => cards.counters.duplicate + cards.counters.stray).toBe(21);
  expect(cards.counters.duplicate).toBe(20);
});

test('garbage: unknown, and the connection goes on', async () => {
  const bank = await simulator({ faults: [{ do: 'garbage', on: 'capture', nth: 1 }] });
  const cards = adapter(bank.port, { timeoutMs: 500 });
  const order = anOrder();
  const outcome = await cards.authorise(order);
  const reference = outcome.kind === 'approved' ? outcome.institutionReference : '';
  expect(await cards.capture(order, reference)).toEqual(unknown(/no answer/));
  expect(cards.counters.unreadable).toBe(1);
  expect(await cards.inquire(order)).toEqual({ kind: 'captured', institutionReference: reference });
  expect(cards.counters.lost).toBe(0);
});

test('close_before and close_after: unknown at once; asked again over the next connection', async () => {
  for (const [action, standing] of [
    ['close_before', 'not_found'],
    ['close_after', 'authorised'],
  ] as const) {
    const bank = await simulator({ faults: [{ do: action, on: 'authorise', nth: 1 }] });
    const cards = adapter(bank.port);
    const order = anOrder();
    expect(await cards.authorise(order)).toEqual(unknown(/connection lost/));
    expect(await cards.inquire(order)).toMatchObject({ kind: standing });
    expect(cards.counters.lost).toBe(1);
    expect(await cards.authorise(order)).toMatchObject(approved);
    expect(bank.books.statement(1n, 9)).toHaveLength(1);
  }
});

test('die_before and die_after: what was durable is there after the restart', async () => {
  for (const [action, standing] of [
    ['die_before', 'not_found'],
    ['die_after', 'authorised'],
  ] as const) {
    const bank = await simulator({ faults: [{ do: action, on: 'authorise', nth: 2 }] });
    const { port } = bank;
    const cards = adapter(port);
    const first = anOrder();
    expect(await cards.authorise(first)).toMatchObject(approved);
    const order = anOrder();
    expect(await cards.authorise(order)).toEqual(unknown(/connection lost/));
    expect(await bank.ended).toBe('died');
    const again = await simulator({}, { path: bank.path, port });
    expect(await cards.inquire(first)).toMatchObject({ kind: 'authorised' });
    expect(await cards.inquire(order)).toMatchObject({ kind: standing });
    expect(await cards.reverse(order)).toEqual({ kind: 'reversed' });
    expectConserved(again);
  }
});

test('decline: as dialled, and an authorisation remembers it', async () => {
  const bank = await simulator({
    faults: [
      { do: 'decline', on: 'authorise', code: '05', account: accountNumber(3) },
      { do: 'decline', on: 'authorise', code: 'X9', account: accountNumber(4) },
      { do: 'decline', on: 'authorise', code: '91', account: accountNumber(5) },
      { do: 'decline', on: 'inquire', code: '96', nth: 1 },
      { do: 'decline', on: 'reverse', code: '05', nth: 1 },
    ],
  });
  const cards = adapter(bank.port);
  const refused = anOrder({ accountNumber: accountNumber(3) });
  expect(await cards.inquire(refused)).toEqual(unknown(/code 96/));
  expect(await cards.authorise(refused)).toEqual({
    kind: 'declined',
    reason: 'do_not_honour',
    responseCode: '05',
  });
  const strange = await cards.authorise(anOrder({ accountNumber: accountNumber(4) }));
  expect(strange).toEqual({ kind: 'declined', reason: 'other', responseCode: 'X9' });
  // Issuer inoperative says nothing about what was done; the institution's books do.
  const down = anOrder({ accountNumber: accountNumber(5) });
  expect(await cards.authorise(down)).toEqual(unknown(/code 91/));
  expect(await cards.inquire(down)).toEqual({ kind: 'declined', reason: 'other', responseCode: '91' });
  expect(await cards.reverse(refused)).toEqual({
    kind: 'declined',
    reason: 'do_not_honour',
    responseCode: '05',
  });
  bank.dials.set({});
  expect(await cards.authorise(refused)).toMatchObject({ kind: 'declined', responseCode: '05' });
  expect(await cards.authorise(anOrder({ accountNumber: accountNumber(3) }))).toMatchObject(approved);
});

test('refuse: the adapter tries again until it is let in', async () => {
  const bank = await simulator({ faults: [{ do: 'refuse', probability: 1 }] });
  const cards = adapter(bank.port, { timeoutMs: 1_000 });
  expect(await cards.authorise(anOrder())).toEqual(unknown(/not sent/));
  expect(bank.counters.connectionsRefused).toBeGreaterThan(1);
  bank.dials.set({});
  await eventually(() => cards.isConnected).toBe(true);
  expect(await cards.authorise(anOrder())).toMatchObject(approved);
});

test('sign-on and echo fail like everything else', async () => {
  const bank = await simulator({
    faults: [
      { do: 'drop_answer', on: 'sign_on', nth: 1 },
      { do: 'decline', on: 'sign_on', nth: 2, code: '91' },
      { do: 'drop_answer', on: 'echo', nth: 2 },
    ],
  });
  const cards = adapter(bank.port, { timeoutMs: 400, echoMs: 50 });
  // Third sign-on, two echoes, the second of which ends the connection, a fourth sign-on.
  await eventually(() => cards.counters.lost >= 1).toBe(true);
  await eventually(() => cards.isConnected).toBe(true);
  expect(await cards.authorise(anOrder())).toMatchObject(approved);
});

test('latency: fixed and log-normal, by injected timers', async () => {
  const pauses: number[] = [];
  const timers = {
    set: (callback: () => void, ms: number) => {
      pauses.push(ms);
      return setTimeout(callback, 0);
    },
    clear: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
  };
  const bank = await simulator({ latency: { ms: 70 } }, { timers });
  const cards = adapter(bank.port);
  await cards.authorise(anOrder());
  expect(pauses).toEqual([70, 70]);
  bank.dials.set({ latency: { medianMs: 100, sigma: 0.5 } });
  pauses.length = 0;
  await Promise.all(Array.from({ length: 400 }, () => cards.inquire(anOrder())));
  const sorted = pauses.toSorted((left, right) => left - right);
  expect(sorted).toHaveLength(400);
  expect(sorted[200]).toBeGreaterThan(80);
  expect(sorted[200]).toBeLessThan(120);
  // e^±0.5: a third lies beyond on both sides together.
  expect(sorted[20]).toBeLessThan(61);
  expect(sorted[380]).toBeGreaterThan(164);
});

test('probability: seeded, so that a run repeats itself', async () => {
  const outcomes = async (): Promise<string> => {
    const bank = await simulator({
      faults: [{ do: 'decline', code: '05', on: 'authorise', probability: 0.3 }],
    });
    const cards = adapter(bank.port);
    let text = '';
    for (let i = 0; i < 60; i++) text += (await cards.authorise(anOrder({ amount: amountOf(1n) }))).kind[0];
    return text;
  };
  const first = await outcomes();
  expect(await outcomes()).toBe(first);
  const declines = first.replaceAll('a', '').length;
  expect(declines).toBeGreaterThan(8);
  expect(declines).toBeLessThan(30);
});

test('the first fault that applies is the one; each counts what it saw', async () => {
  const bank = await simulator({
    faults: [
      { do: 'decline', code: '05', on: 'authorise', nth: 2 },
      { do: 'decline', code: '61', on: 'authorise', account: accountNumber(0) },
    ],
  });
  const cards = adapter(bank.port);
  const codes: string[] = [];
  for (const i of [0, 0, 1]) {
    const outcome = await cards.authorise(anOrder({ accountNumber: accountNumber(i) }));
    codes.push(outcome.kind === 'declined' ? outcome.responseCode : outcome.kind);
  }
  expect(codes).toEqual(['61', '05', 'approved']);
  expect(bank.dials.view().faults).toMatchObject([
    { seen: 3, fired: 1 },
    { seen: 2, fired: 1, account: `${accountNumber(0).slice(0, 6)}******${accountNumber(0).slice(-4)}` },
  ]);
});

const BAD_DIALS: [string, unknown, RegExp][] = [
  ['no object', 7, /dials/],
  ['an unknown field', { fault: [] }, /fault/],
  ['an unknown action', { faults: [{ do: 'explode' }] }, /faults\.0\.do/],
  ['late without a time', { faults: [{ do: 'late' }] }, /faults\.0\.ms/],
  ['a time that is not late', { faults: [{ do: 'twice', ms: 5 }] }, /faults\.0\.ms/],
  ['decline without a code', { faults: [{ do: 'decline' }] }, /faults\.0\.code/],
  ['approval as a decline', { faults: [{ do: 'decline', code: '00' }] }, /faults\.0\.code/],
  ['nth and probability', { faults: [{ do: 'twice', nth: 1, probability: 0.5 }] }, /faults\.0\.nth/],
  ['a probability of 2', { faults: [{ do: 'twice', probability: 2 }] }, /faults\.0\.probability/],
  ['refusing one account', { faults: [{ do: 'refuse', account: '9999000000000018' }] }, /faults\.0\.on/],
  [
    'an account of letters',
    { faults: [{ do: 'twice', account: '9999000000000018x' }] },
    /faults\.0\.account/,
  ],
  ['a negative latency', { latency: { ms: -1 } }, /latency/],
  ['too many', { faults: Array.from({ length: 1_001 }, () => ({ do: 'twice' })) }, /faults/],
];

test.each(BAD_DIALS)('dials refuse %s', (_, value, message) => {
  expect(() => parseDials(value)).toThrow(message);
  expect(() => parseDials(value)).toThrow(/^(?!.*999900)/);
});
