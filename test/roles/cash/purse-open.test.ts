// Purses at cash: how they are opened, what their statements say, how they are closed, how they end.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import { DeviceOrder } from '../../../src/roles/documents/device-order.ts';
import { Allowance } from '../../../src/roles/documents/purse.ts';
import { Statement } from '../../../src/roles/documents/statement.ts';
import type { SetTimer } from '../../../src/shared/timer.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  closes,
  DAY_NS,
  handover,
  offlineLoss,
  openedPurse,
  openingOf,
  owned,
  PURSE_TERMS,
  pays,
  reports,
  TestClock,
  type TestPurse,
} from './purse-support.ts';
import {
  answerOf,
  BALANCE_MAX,
  CASH_KEY,
  creditOf,
  EUR,
  keyPair,
  newDevice,
  nextRequest,
  OPERATOR,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

const ANNA = keyPair(70_001);

let cash: TestCash;
let clock: TestClock;
let timers: (() => void)[];
beforeAll(async () => {
  clock = new TestClock();
  timers = [];
  const setTimer: SetTimer = (run) => {
    timers.push(run);
    return () => void timers.splice(timers.indexOf(run), 1);
  };
  cash = await TestCash.open({ currencies: PURSE_TERMS, clock: clock.read, setTimer });
  cash.identity.operators.set('anna', ANNA.publicKey);
});
afterAll(() => cash.close());

async function funded(amount: bigint): Promise<TestDevice> {
  const device = await cash.opened();
  answerOf((await cash.credit(creditOf(device, { amount })))[0]!);
  return device;
}

const open = async (...args: Parameters<typeof openingOf>): Promise<string> => {
  const result = await cash.client().openPurse(openingOf(...args));
  if (result.kind !== 'ok') return result.kind === 'refused' ? `refused: ${result.refusal.code}` : 'unknown';
  return result.answer.kind === 'opened' ? 'opened' : `rejected: ${result.answer.reason}`;
};

async function order(device: TestDevice, action: DeviceOrder['action']): Promise<void> {
  const document: DeviceOrder = {
    ...{ request: nextRequest(), operator: 'anna', device: device.device, action },
    ...{ reason: 'lost', applyBy: 1n << 62n },
  };
  const signature = ed25519.sign(ANNA.secretKey, DeviceOrder.signedBytes(document));
  answerOf(await cash.client().deviceOrder({ order: { document, signature } }));
}

async function statement(purse: bigint, currency = EUR): Promise<string[]> {
  const query = { currency, after: 0n, purchases: [] };
  const { statement } = answerOf(await cash.client().getStatement({ device: purse, query }));
  const { document, signature } = statement;
  expect(ed25519.verify(CASH_KEY.publicKey, Statement.signedBytes(document), signature)).toBe(true);
  expect(document.device).toBe(purse);
  return [
    ...document.entries.map(({ reason, side, amount }) => `${reason} ${side} ${amount}`),
    `balance ${document.balance}`,
  ];
}

/** What the role's timer does when its time has come. */
async function pass(days: bigint): Promise<void> {
  clock.now += days * DAY_NS;
  for (const run of timers.splice(0)) run();
  await cash.client().deviceExposure({ device: (await cash.opened()).device });
  // A closing that waits behind the pass.
  const some = await openedPurse(cash, 0n);
  await closes(cash, some);
}

describe('opening', () => {
  test('the money is reserved, and the allowance says so; again: the same bytes', async () => {
    const device = await funded(1_000n);
    const request = openingOf(device, { amount: 400n });
    const client = cash.client();
    const all = await Promise.all([client.openPurse(request), client.openPurse(request)]);
    all.push(await client.openPurse(request));
    const answers = all.map(answerOf);
    const [first] = answers;
    if (first?.kind !== 'opened') throw new Error('expected an allowance');
    const { document, signature } = first.allowance;
    const bytes = answers.map((answer) => {
      if (answer.kind !== 'opened') throw new Error('expected an allowance');
      return Buffer.from(Allowance.signed.encode(answer.allowance)).toString('hex');
    });
    expect(new Set(bytes).size).toBe(1);
    expect(ed25519.verify(CASH_KEY.publicKey, Allowance.signedBytes(document), signature)).toBe(true);
    expect(document).toMatchObject({ purse: request.purse, amount: 400n, currency: EUR });
    expect(document.reportBy - document.expiresAt).toBe(30n * DAY_NS);
    expect(await owned(cash, request.purse)).toBe(400n);
    expect(await cash.balance(device)).toBe(600n);
    const [account] = await cash.ledger.lookupAccounts([request.purse]);
    expect(account).toMatchObject({ code: 21, userData128: device.device });
  });

  test('what is not for it', async () => {
    const device = await funded(1_000n);
    expect(await open(device, { signer: keyPair(3) })).toBe('refused: signature_invalid');
    expect(await open(newDevice())).toBe('refused: device_unknown');
    expect(await open(device, { currency: USD })).toBe('refused: currency_not_offered');
    expect(await open(device, { purse: 7n })).toBe('refused: malformed');
    expect(await open(device, { request: 0n })).toBe('refused: malformed');
    expect(await open(device, { currency: 0 })).toBe('refused: malformed');
    expect(await open(device, { applyBy: clock.now })).toBe('rejected: expired');
    expect(await open(device, { amount: 5_001n })).toBe('rejected: exceeds_allowance');
    expect(await open(device, { amount: 1_001n })).toBe('rejected: exceeds_credits');
    expect(await open(device, { purse: device.device })).toBe('rejected: exists_with_different_flags');
    await cash.opened(device, USD);
    expect(await open(device, { currency: USD })).toBe('rejected: purses_not_offered');
    expect(await cash.balance(device)).toBe(1_000n);
  });

  test('one at a time, and each request and number for one', async () => {
    const device = await funded(1_000n);
    const request = openingOf(device, { amount: 100n });
    const { purse } = request;
    const { request: id } = request.opening.document;
    const client = cash.client();
    const race = await Promise.all([
      client.openPurse(request),
      client.openPurse(openingOf(device, { amount: 100n })),
    ]);
    expect(race.map((result) => answerOf(result).kind)).toEqual(['opened', 'rejected']);
    expect(await open(device, { request: id, purse: purse + 1_000n })).toBe('refused: request_differs');
    expect(await open(device, { request: id, purse, amount: 99n })).toBe('refused: request_differs');
    expect(await open(device, { purse })).toBe('refused: purse_differs');
    expect(await open(device)).toBe('rejected: purse_open');
    const { purses } = answerOf(await client.deviceExposure({ device: device.device }));
    expect(purses.map((one) => one.purse)).toEqual([purse]);
  });

  test('devices that are blocked, revoked or replaced open none', async () => {
    const [blocked, revoked] = [await funded(100n), await funded(100n)];
    const [old, by] = [await funded(100n), await cash.opened()];
    await order(blocked, { kind: 'block' });
    await order(revoked, { kind: 'revoke' });
    expect(await open(revoked, { amount: 1n })).toBe('rejected: device_revoked');
    await order(old, { kind: 'replace', by: by.device });
    expect(await open(blocked, { amount: 1n })).toBe('rejected: device_blocked');
    expect(await open(old, { amount: 0n })).toBe('rejected: device_replaced');
    expect(await open(by, { amount: 100n })).toBe('opened');
  });
});

describe('statements and exposure', () => {
  test('a purse has a statement under its own number', async () => {
    const [alice, bob] = [await openedPurse(cash, 500n), await openedPurse(cash, 50n)];
    await reports(cash, [alice, pays(alice, bob, 200n)], [bob, pays(bob, alice, 30n)]);
    expect(await closes(cash, alice)).toBe('closed: 330');
    expect(await statement(alice.purse)).toEqual([
      'reserve credit 500',
      'handover debit 200',
      'handover credit 30',
      'release debit 330',
      'balance 0',
    ]);
    const device = await statement(alice.device.device);
    expect(device).toEqual(['load credit 500', 'reserve debit 500', 'release credit 330', 'balance 330']);
    const query = { currency: USD, after: 0n, purchases: [] };
    expect(await cash.client().getStatement({ device: alice.purse, query })).toMatchObject({
      refusal: { code: 'currency_not_offered' },
    });
  });

  test('what a lost device may still have spent', async () => {
    const [alice, bob] = [await openedPurse(cash, 500n), await openedPurse(cash, 0n)];
    await reports(
      cash,
      [alice, pays(alice, bob, 200n)],
      [bob, pays(bob, alice, 30n)],
      [alice, pays(alice, bob, 600n)],
    );
    const { purses } = answerOf(await cash.client(OPERATOR).deviceExposure({ device: alice.device.device }));
    const { purse, allowance } = alice;
    expect(purses).toEqual([
      {
        ...{ purse, currency: EUR, state: 'open', epoch: 1, allowance: 500n, received: 30n, settled: 200n },
        ...{ left: 330n, waiting: 600n, covered: 0n, disputed: 0n, coverMax: 500n, payments: 2 },
        ...{ expiresAt: allowance.expiresAt, reportBy: allowance.reportBy },
      },
    ]);
    expect(await cash.client().deviceExposure({ device: 5n })).toMatchObject({
      refusal: { code: 'device_unknown' },
    });
  });
});

describe('closing', () => {
  test('only when all is reported, and the sum is right', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const orders = [pays(alice, bob, 100n), pays(alice, bob, 200n), pays(alice, bob, 300n)];
    await reports(cash, [alice, orders[1]!]);
    expect(await closes(cash, alice)).toBe('unreported: 1, 3');
    await reports(cash, [alice, orders[0]!], [alice, orders[2]!]);
    expect(await closes(cash, alice, { total: 601n })).toBe('refused: amount_mismatch');
    expect(
      await closes({ ...cash, client: () => cash.client() } as TestCash, { ...alice, key: keyPair(4) }),
    ).toBe('refused: signature_invalid');
    expect(await closes(cash, alice, { lastSequence: 65n, total: 65n })).toBe('refused: malformed');
    expect(await closes(cash, alice, { lastSequence: 0n })).toBe('refused: malformed');
    expect(await closes(cash, alice, { purse: 5n })).toBe('refused: purse_unknown');
    expect(await closes(cash, alice)).toBe('closed: 400');
    expect(await closes(cash, alice)).toBe('closed: 400');
    expect(await cash.balance(alice.device)).toBe(400n);
    expect(await open(alice.device, { amount: 400n })).toBe('opened');
  });

  test('what is credited later follows to the device, or to the one that stands for it', async () => {
    const [alice, bob] = [await openedPurse(cash, 0n), await openedPurse(cash)];
    const [one, other] = [pays(bob, alice, 100n), pays(bob, alice, 200n)];
    expect(await closes(cash, alice)).toBe('closed: 0');
    expect(await reports(cash, [bob, one])).toEqual(['settled']);
    expect(await cash.balance(alice.device)).toBe(100n);
    const by = await cash.opened();
    await order(alice.device, { kind: 'replace', by: by.device });
    expect(await reports(cash, [bob, other])).toEqual(['settled']);
    expect(await cash.balance(by)).toBe(300n);
    expect(await owned(cash, alice.purse)).toBe(0n);
  });

  test('what the device may not hold stays in the purse, and follows when there is room', async () => {
    const device = await funded(BALANCE_MAX);
    const alice = await openedPurse(cash, 1_000n, device);
    answerOf((await cash.credit(creditOf(device, { amount: 900n })))[0]!);
    expect(await closes(cash, alice)).toBe('closed: 100');
    expect(await owned(cash, alice.purse)).toBe(900n);
    const next = await openedPurse(cash, 600n, device);
    await pass(1n);
    expect(await owned(cash, alice.purse)).toBe(300n);
    expect(await cash.balance(device)).toBe(BALANCE_MAX);
    expect(next.purse).not.toBe(alice.purse);
  });
});

describe('the end of a purse', () => {
  test('what was never reported goes back; what waited is over', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const [sent, waiting] = [pays(alice, bob, 100n), pays(bob, alice, 700n)];
    expect(await reports(cash, [bob, waiting])).toEqual(['waiting']);
    await pass(37n);
    expect(await owned(cash, alice.purse)).toBe(0n);
    expect(await cash.balance(alice.device)).toBe(1_000n);
    expect(await reports(cash, [alice, sent], [bob, waiting])).toEqual(
      Array(2).fill('rejected: order_expired'),
    );
    expect(await closes(cash, alice)).toBe('closed: 1000');
    const { device } = alice.device;
    expect(answerOf(await cash.client().deviceExposure({ device })).purses).toMatchObject([
      { state: 'ended' },
    ]);
    expect(await open(alice.device, { amount: 500n })).toBe('opened');
  });

  test('of one that has cheated: to the operator what it has cost, the rest to the device', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const before = await offlineLoss(cash);
    const [one, other] = [handover(alice, bob, { amount: 100n }), handover(alice, bob, { amount: 300n })];
    expect(await reports(cash, [alice, one], [alice, other])).toEqual(['settled!', 'covered!']);
    expect((await offlineLoss(cash)) - before).toBe(300n);
    await pass(37n);
    expect((await offlineLoss(cash)) - before).toBe(0n);
    expect(await cash.balance(alice.device)).toBe(600n);
    // A proof counts whenever it comes.
    const late = handover(alice, bob, { amount: 200n });
    expect(await reports(cash, [alice, late])).toEqual(['rejected: order_expired!']);
  });

  test('a proof against a purse that has ended', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    expect(await reports(cash, [alice, handover(alice, bob, { amount: 100n })])).toEqual(['settled']);
    await pass(37n);
    const late = handover(alice, bob, { amount: 200n });
    expect(await reports(cash, [alice, late])).toEqual(['rejected: order_expired!']);
    expect(await cash.balance(alice.device)).toBe(900n);
    expect(await open(alice.device, { amount: 1n })).toBe('rejected: device_blocked');
  });
});

test('a start takes up what was cut off, and ends what was due while it was down', async () => {
  const disk = new MemoryDisk();
  const time = new TestClock();
  const options = { currencies: PURSE_TERMS, clock: time.read };
  const first = await TestCash.open({ ...options, store: memoryRoleStore(disk) });
  const alice: TestPurse = await openedPurse(first, 700n);
  await first.cash.close();
  await first.store.close();
  time.now += 40n * DAY_NS;
  const again = await TestCash.open({ ...options, store: memoryRoleStore(disk), ledger: first.ledger });
  await expect.poll(() => again.balance(alice.device)).toBe(700n);
  await again.close();
});

test('a disk that is full for a while: nothing is lost and nothing is done twice, and it goes on by itself', async () => {
  let writesLeft = Number.POSITIVE_INFINITY;
  const disk: MemoryDisk = new MemoryDisk({
    flush: (done) => {
      disk.isFull = --writesLeft < 0;
      setImmediate(done);
    },
  });
  const due: (() => void)[] = [];
  const full = await TestCash.open({
    ...{ currencies: PURSE_TERMS, clock: clock.read, ledger: cash.ledger, path: cash.path },
    store: memoryRoleStore(disk),
    setTimer: (run) => {
      due.push(run);
      return () => void due.splice(due.indexOf(run), 1);
    },
  });
  const [alice, bob] = [await openedPurse(full), await openedPurse(full, 0n)];
  const order = [alice, pays(alice, bob, 100n)] as const;
  for (const writes of [0, 1]) {
    writesLeft = writes;
    expect(await reports(full, order)).toEqual(['unknown']);
  }
  expect(await owned(full, bob.purse)).toBe(100n);
  writesLeft = Number.POSITIVE_INFINITY;
  for (const run of due.splice(0)) run();
  const exposed = async () => {
    const { device } = alice.device;
    const [one] = answerOf(await full.client().deviceExposure({ device })).purses;
    return one!.settled;
  };
  await expect.poll(exposed).toBe(100n);
  expect(await reports(full, order)).toEqual(['settled']);
  expect(await owned(full, bob.purse)).toBe(100n);
  await full.cash.close();
});
