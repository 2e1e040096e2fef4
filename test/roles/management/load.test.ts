// Claims 4 and 5 at management: a load with the account given, and with the one on file.
import { describe, expect, test } from 'vitest';
import { CASH_REFUSALS } from '../../../src/roles/cash/errors.ts';
import type { CreditRequest } from '../../../src/roles/cash/messages.ts';
import { COMMON_REFUSALS, MAY_REPEAT } from '../../../src/roles/common/refusal.ts';
import type { LoadOrder } from '../../../src/roles/documents/load-order.ts';
import type { LoadAnswer, LoadRequest } from '../../../src/roles/management/messages.ts';
import type { ChargeRequest } from '../../../src/roles/settlement/messages.ts';
import { DAY, keySets, START } from '../../identity/support.ts';
import {
  type Answer,
  chargeReceipt,
  creditReceipt,
  creditRejection,
  Device,
  HOUR,
  NO_ANSWER,
  ok,
  refused,
  rejected,
  SECOND,
  Stage,
  sealedAccount,
} from './support.ts';

const ada = new Device(1);
const bob = new Device(2);
const REQUEST = 5_000n;
/** Ada's enrolment. */
const ON_FILE = 101n;

const given = (change: Partial<LoadOrder> = {}, request = REQUEST): LoadRequest => ({
  order: ada.order(request, change),
  account: sealedAccount(2),
});
const onFile = (change: Partial<LoadOrder> = {}, request = REQUEST): LoadRequest => ({
  order: ada.order(request, { account: ON_FILE, ...change }),
  account: undefined,
});

class Loads {
  readonly stage: Stage;
  readonly device: bigint;

  private constructor(stage: Stage, device: bigint) {
    this.stage = stage;
    this.device = device;
  }

  /** Ada is enrolled, with an account on file. */
  static async open(...args: ConstructorParameters<typeof Stage>): Promise<Loads> {
    const stage = await Stage.open(...args);
    return new Loads(stage, await stage.enrolled(ada, { account: sealedAccount(1) }));
  }

  once(message: LoadRequest) {
    return this.stage.settle(this.stage.as(ada.peer(this.device)).load(message));
  }

  load(message: LoadRequest): Promise<LoadAnswer | string> {
    return this.stage.ask(() => this.stage.as(ada.peer(this.device)).load(message));
  }

  get charges(): ChargeRequest[] {
    const { calls } = this.stage.partners;
    return calls.filter(({ call }) => call === 'charge').map(({ request }) => request as ChargeRequest);
  }
}

describe('a load', () => {
  test('with the account given is charged to it and credited to the device', async () => {
    const loads = await Loads.open();
    const { partners } = loads.stage;
    const message = given();
    expect(await loads.load(message)).toEqual({
      kind: 'loaded',
      receipt: creditReceipt(loads.device, message.order),
    });
    expect(loads.charges).toEqual([
      { order: message.order, account: sealedAccount(2), binding: { purpose: 'load', request: REQUEST } },
    ]);
    expect(partners.credited.get(REQUEST)).toEqual({ device: loads.device, amount: 2_500n });
    expect(await loads.stage.stateOf(REQUEST)).toBe(`loaded charge ${REQUEST}`);
  });

  test('without one is charged to the one on file, with the binding of its filing', async () => {
    const loads = await Loads.open();
    const enrolment = ada.enrolment().enrolment.document.request;
    expect(await loads.load(onFile())).toMatchObject({ kind: 'loaded' });
    expect(loads.charges[0]).toMatchObject({
      account: sealedAccount(1),
      binding: { purpose: 'file', request: enrolment },
    });
  });

  test('is charged to the account that was on file when it came, whatever is filed later', async () => {
    const loads = await Loads.open();
    const { stage } = loads;
    stage.partners.script = (call, _, count) => (call === 'charge' && count < 6 ? NO_ANSWER : undefined);
    await loads.once(onFile());
    const filing = ada.filing(6_000n, { account: sealedAccount(3) });
    await stage.settle(stage.as(ada.peer(loads.device)).fileAccount(filing));
    expect(await loads.load(onFile())).toMatchObject({ kind: 'loaded' });
    expect(new Set(loads.charges.map(({ account }) => account.ciphertext[0]))).toEqual(new Set([1]));
    expect(await loads.load(onFile({ account: 6_000n }, REQUEST + 1n))).toMatchObject({ kind: 'loaded' });
    expect(loads.charges.at(-1)).toMatchObject({
      account: sealedAccount(3),
      binding: { purpose: 'file', request: 6_000n },
    });
  });

  test('that is asked for again is answered with the same bytes, for ever, and done once', async () => {
    const loads = await Loads.open();
    const first = await loads.load(given());
    const calls = loads.stage.partners.calls.length;
    expect(await loads.load(given())).toEqual(first);
    loads.stage.crash();
    await loads.stage.start();
    await loads.stage.pass(1_000_000_000);
    expect(await loads.load(given())).toEqual(first);
    expect(loads.stage.partners.calls).toHaveLength(calls);
  });

  test('of the same id and other content is refused', async () => {
    const loads = await Loads.open();
    await loads.load(given());
    expect(await loads.load(given({ amount: 2_501n }))).toBe('request_differs');
    expect(await loads.load(onFile())).toBe('request_differs');
    expect(await loads.load({ ...given(), order: ada.order(101n) })).toBe('request_differs');
    expect(loads.charges).toHaveLength(1);
  });

  test('says pending while settlement does, with pauses that grow', async () => {
    const loads = await Loads.open();
    loads.stage.partners.script = (call) =>
      call === 'charge' ? ok({ kind: 'pending', state: 'inquiring' }) : undefined;
    expect(await loads.once(given())).toEqual({ kind: 'ok', answer: { kind: 'pending', state: 'charging' } });
    await loads.stage.pass(600_000);
    expect(loads.charges.length).toBeLessThan(50);
    loads.stage.partners.script = () => undefined;
    expect(await loads.load(given())).toMatchObject({ kind: 'loaded' });
  });

  test('that cash does not answer is credited in the end, however long it takes', async () => {
    const loads = await Loads.open();
    loads.stage.partners.script = (call) => (call === 'credit' ? NO_ANSWER : undefined);
    expect(await loads.once(given())).toEqual({
      kind: 'ok',
      answer: { kind: 'pending', state: 'crediting' },
    });
    await loads.stage.pass(3_600_000);
    loads.stage.partners.script = () => undefined;
    expect(await loads.load(given())).toMatchObject({ kind: 'loaded' });
    expect(loads.charges).toHaveLength(1);
  });
});

describe('a load that settlement', () => {
  const cases: [string, Answer, object, string][] = [
    [
      'declines',
      ok({ kind: 'declined', reason: 'no_funds' }),
      { kind: 'declined', reason: 'no_funds' },
      'declined no_funds',
    ],
    ['gets too late', ok({ kind: 'expired' }), { kind: 'expired' }, 'expired'],
    [
      'has reversed',
      ok({ kind: 'reversed', reason: 'unknown' }),
      { kind: 'reversed', reason: 'unknown' },
      'reversed unknown',
    ],
    [
      'refuses for its seal',
      refused('seal_invalid'),
      { kind: 'declined', reason: 'seal_invalid' },
      'declined seal_invalid',
    ],
    [
      'refuses for its key',
      refused('key_mismatch'),
      { kind: 'declined', reason: 'key_mismatch' },
      'declined key_mismatch',
    ],
  ];
  test.each(cases)('%s ends there, and is never credited', async (_, answer, expected, state) => {
    const loads = await Loads.open();
    loads.stage.partners.script = (call) => (call === 'charge' ? answer : undefined);
    expect(await loads.load(given())).toEqual(expected);
    expect(await loads.load(given())).toEqual(expected);
    expect(await loads.stage.stateOf(REQUEST)).toBe(state);
    expect(loads.charges).toHaveLength(1);
    expect(loads.stage.partners.credited.size).toBe(0);
  });
});

describe('a load that cash', () => {
  test('rejects for good is given back, against its signed word', async () => {
    const reason = 'exceeds_credit_limit';
    const loads = await Loads.open();
    const { partners } = loads.stage;
    partners.script = (call, request, count) =>
      call === 'credit'
        ? rejected(request, { reason })
        : call === 'reverse' && count < 4
          ? NO_ANSWER
          : undefined;
    expect(await loads.load(given())).toEqual({ kind: 'reversed', reason });
    expect(partners.charged.size).toBe(0);
    expect(partners.reversed).toEqual(new Set([REQUEST]));
    expect(await loads.stage.stateOf(REQUEST)).toBe(`reversed ${reason}`);
    const reversals = partners.calls.filter(({ call }) => call === 'reverse');
    const rejection = creditRejection(loads.device, ada.order(REQUEST), { reason });
    expect(reversals).toHaveLength(4);
    for (const { request } of reversals) expect(request).toEqual({ request: REQUEST, reason, rejection });
  });
});

describe('what settlement refuses for a reason that may pass', () => {
  const REASONS = ['seal_key_unknown', 'currency_not_offered', 'amount_too_large'];
  const TIME = { applyBy: START + 60n * SECOND };

  test.each(REASONS)('%s: is asked again, and charged when it has passed', async (code) => {
    const loads = await Loads.open();
    const { stage } = loads;
    stage.partners.script = (call) => (call === 'charge' ? refused(code) : undefined);
    expect(await loads.once(given(TIME))).toMatchObject({ answer: { kind: 'pending' } });
    expect(await stage.stateOf(REQUEST)).toBe(`charging_refused ${code}`);
    await stage.pass(20_000);
    expect(loads.charges.length).toBeLessThan(8);
    stage.partners.script = () => undefined;
    expect(await loads.load(given(TIME))).toMatchObject({ kind: 'loaded' });
    expect(stage.partners.reversed.size).toBe(0);
  });

  test.each(REASONS)('%s: is prevented for ever when its time has come, and then declined', async (code) => {
    const loads = await Loads.open();
    const { stage } = loads;
    const { partners } = stage;
    let reversals = 0;
    partners.script = (call) => {
      if (call === 'charge') return refused(code);
      return call === 'reverse' && ++reversals < 3 ? NO_ANSWER : undefined;
    };
    const message = given(TIME);
    expect(await loads.load(message)).toEqual({ kind: 'declined', reason: code });
    expect(await stage.stateOf(REQUEST)).toBe(`declined ${code}`);
    expect(stage.clock()).toBeGreaterThanOrEqual(TIME.applyBy);
    // A copy of the charge that was on its way all the time.
    expect(partners.charge(loads.charges[0]!)).toMatchObject({ kind: 'reversed' });
    expect(partners.charged.size).toBe(0);
  });

  test('a copy that was charged meanwhile is credited', async () => {
    const loads = await Loads.open();
    const { stage } = loads;
    const { partners } = stage;
    partners.script = (call) => {
      if (call === 'charge' && stage.clock() < TIME.applyBy) return refused('seal_key_unknown');
      if (call !== 'reverse') return undefined;
      partners.charge(loads.charges[0]!);
      return refused('rejection_required');
    };
    expect(await loads.load(given(TIME))).toMatchObject({ kind: 'loaded' });
    expect(partners.charged.size).toBe(1);
    expect(partners.credited.size).toBe(1);
  });
});

describe('a load is refused', () => {
  const cases: [string, string, LoadRequest][] = [
    ['without a request id', 'malformed', given({}, 0n)],
    ['of less than may be', 'amount_too_small', given({ amount: 99n })],
    ['of nothing', 'amount_too_small', given({ amount: 0n })],
    ['of more than may be', 'amount_too_large', given({ amount: 50_001n })],
    ['of all that can be said', 'amount_too_large', given({ amount: 2n ** 128n - 1n })],
    ['in a currency that is not offered', 'currency_not_offered', given({ currency: 392 })],
    ['when its time has come', 'expired', given({ applyBy: START })],
    ['when its time lies far ahead', 'applies_too_late', given({ applyBy: START + 8n * DAY })],
    ['when it was ordered by another key', 'key_mismatch', { ...given(), order: bob.order(REQUEST) }],
    [
      'when another has signed it',
      'signature_invalid',
      { ...given(), order: { ...ada.order(REQUEST), signature: bob.order(REQUEST).signature } },
    ],
    [
      'when its account is sealed to nobody known',
      'seal_key_unknown',
      { ...given(), account: { ...sealedAccount(), keyId: new Uint8Array(8) } },
    ],
  ];
  test.each(cases)('%s: %s', async (_, code, message) => {
    const loads = await Loads.open();
    expect(await loads.load(message)).toBe(code);
    expect(await loads.load(message)).toBe(code);
    expect(loads.charges).toEqual([]);
  });

  test('when no account is given and none is on file', async () => {
    const stage = await Stage.open();
    const device = await stage.enrolled(bob);
    const message = { order: bob.order(REQUEST), account: undefined };
    const load = () => stage.ask(() => stage.as(bob.peer(device)).load(message));
    expect(await load()).toBe('account_not_on_file');
    // The same order is not charged to what is filed later: its owner was told that it was refused.
    await stage.settle(stage.as(bob.peer(device)).fileAccount(bob.filing(6_000n)));
    expect(await load()).toBe('account_not_on_file');
    expect(stage.partners.charged.size).toBe(0);
  });

  test('when the account on file is sealed to a key that has gone', async () => {
    const loads = await Loads.open();
    await loads.stage.pass(Number((131n * DAY) / 1_000_000n));
    const applyBy = loads.stage.clock() + HOUR;
    expect(await loads.load(onFile({ applyBy }))).toBe('seal_key_unknown');
  });

  test('by whoever is not an enrolled device', async () => {
    const { stage, device } = await Loads.open();
    const load = (peer: Parameters<Stage['as']>[0]) => stage.ask(() => stage.as(peer).load(given()));
    expect(await load(ada.unenrolled)).toBe('not_permitted');
    expect(await load({ kind: 'local' })).toBe('not_permitted');
    expect(await load({ kind: 'role' })).toBe('not_permitted');
    expect(await load(ada.peer(device + 1n))).toBe('device_unknown');
    expect(await load({ ...ada.peer(device), channelKey: bob.channel.publicKey })).toBe('device_unknown');
    // Under Bob's number, with his own keys in his certificate: the order is not his.
    const other = await stage.enrolled(bob);
    expect(await load(bob.peer(other))).toBe('key_mismatch');
    expect(stage.partners.charged.size).toBe(0);
  });
});

describe('a device that was revoked', () => {
  test('loads no more, files no more, asks no more; what was under way goes on', async () => {
    const loads = await Loads.open();
    const { stage, device } = loads;
    stage.partners.script = (call) => (call === 'charge' ? NO_ANSWER : undefined);
    await loads.once(given());
    expect(stage.role!.revoked({ device } as never)).toBe(false);
    await stage.revoke(device);
    expect(stage.role!.revoked({ device } as never)).toBe(true);
    const peer = stage.as(ada.peer(device));
    // Of what is under way it is told nothing definite.
    const nothing = { kind: 'ok', answer: { kind: 'pending', state: 'device_revoked' } };
    expect(await loads.once(given())).toEqual(nothing);
    expect(await loads.load(given({ amount: 200n }))).toBe('device_revoked');
    expect(await loads.load(given({}, REQUEST + 1n))).toBe('device_revoked');
    const others = [
      peer.fileAccount(ada.filing(6_000n)),
      peer.getBalance({ currency: 978 }),
      peer.renewCertificate({}),
    ];
    for (const other of others) {
      expect(await stage.settle(other as Promise<unknown>)).toMatchObject({
        refusal: { code: 'device_revoked' },
      });
    }
    expect(
      await stage.ask(() => stage.as(ada.unenrolled).enrol(ada.enrolment({ account: sealedAccount(1) }))),
    ).toBe('device_revoked');
    stage.partners.script = () => undefined;
    await stage.pass(60_000);
    expect(await stage.stateOf(REQUEST)).toBe(`loaded charge ${REQUEST}`);
    expect(stage.partners.charged.size).toBe(1);
    expect(await loads.once(given())).toEqual(nothing);
  });

  test('in a race with its load: the load comes first and is done, or is refused for good', async () => {
    for (let delayMs = 0; delayMs < 12; delayMs++) {
      const { stage, device } = await Loads.open();
      const load = stage.as(ada.peer(device)).load(given());
      const revoked = stage.pass(delayMs).then(() => stage.revoke(device));
      await revoked;
      const result = await stage.settle(load);
      await stage.pass(60_000);
      const state = await stage.stateOf(REQUEST);
      const isRefused = result.kind === 'refused';
      expect(['refused device_revoked', 'unknown'].includes(state)).toBe(isRefused);
      expect(stage.partners.credited.has(REQUEST)).toBe(!isRefused);
    }
  });

  test('while its load and a filing are on their way: what comes behind the revocation is refused, for good', async () => {
    const { stage, device } = await Loads.open();
    const peer = stage.as(ada.peer(device));
    // In one turn: the revocation is written, not flushed yet, when they are admitted.
    const [, load, filing] = await stage.settle(
      Promise.all([
        stage.operator.deviceOrder(stage.revocation(device)),
        peer.load(given()),
        peer.fileAccount(ada.filing(6_000n)),
      ]),
    );
    expect(load).toMatchObject({ refusal: { code: 'device_revoked' } });
    expect(filing).toMatchObject({ refusal: { code: 'device_revoked' } });
    expect(await stage.stateOf(REQUEST)).toBe('refused device_revoked');
    expect(stage.partners.charged.size).toBe(0);
  });
});

describe('an answer that cannot be right is not believed', () => {
  const order = ada.order(REQUEST);
  const charged = (change: Parameters<typeof chargeReceipt>[1], key?: Parameters<typeof chargeReceipt>[2]) =>
    ok({ kind: 'charged', receipt: chargeReceipt(order, change, key) });
  const credited =
    (change: Parameters<typeof creditReceipt>[2], key?: Parameters<typeof creditReceipt>[3]) =>
    (device: bigint) =>
      ok({ kind: 'credited', receipt: creditReceipt(device, order, change, key) });
  const asked = (device: bigint) => ({ device, order });
  const { signature } = chargeReceipt(order, { chargedAt: 1n });

  const ofSettlement: [string, Answer][] = [
    ['receipt_of_other_request', charged({ request: 1n })],
    ['receipt_of_other_amount', charged({ amount: 2_499n })],
    ['receipt_of_other_currency', charged({ currency: 840 })],
    ['receipt_of_other_order', charged({ orderDigest: new Uint8Array(32) })],
    ['receipt_of_unknown_key', charged({ keyId: new Uint8Array(8) })],
    ['receipt_of_unknown_key', charged({}, keySets.cash[0].signing)],
    ['receipt_signature_invalid', ok({ kind: 'charged', receipt: { ...chargeReceipt(order), signature } })],
    ['not_permitted', refused('not_permitted')],
    ['request_differs', refused('request_differs')],
    ['signature_invalid', refused('signature_invalid')],
  ];
  test.each(ofSettlement)('of settlement: %s', async (problem, answer) => {
    const loads = await Loads.open();
    const { stage } = loads;
    stage.partners.script = (call) => (call === 'charge' ? answer : undefined);
    await loads.once(given());
    expect(await stage.stateOf(REQUEST)).toBe(`charging_distrusted ${problem}`);
    expect(await loads.once(given())).toMatchObject({
      answer: { kind: 'pending', state: 'charging_distrusted' },
    });
    await stage.pass(300_000);
    // At once, and then every half minute; each time it is logged.
    expect(loads.charges.length).toBeLessThan(15);
    const warnings = stage.log.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(loads.charges.length);
    expect(warnings[0]!.fields).toEqual({ request: String(REQUEST), asked: 'charge', problem });
    expect(stage.role!.engine.health()).toMatchObject({ status: 'degraded', detail: { distrusted: 1 } });
    expect(stage.partners.credited.size).toBe(0);
    stage.partners.script = () => undefined;
    expect(await loads.load(given())).toMatchObject({ kind: 'loaded' });
    expect(stage.role!.engine.health()).toMatchObject({ status: 'ok', detail: { distrusted: 0 } });
  });

  const ofCash: [string, (device: bigint) => Answer][] = [
    ['receipt_of_other_request', credited({ request: 1n })],
    ['receipt_of_other_amount', credited({ amount: 2_501n })],
    ['receipt_of_other_currency', credited({ currency: 840 })],
    ['receipt_of_other_device', credited({ device: 7n })],
    ['receipt_of_unknown_key', credited({}, keySets.settlement[0].signing)],
    [
      'receipt_signature_invalid',
      (device) => ok({ kind: 'credited', receipt: { ...creditReceipt(device, order), signature } }),
    ],
    ['receipt_of_other_request', (device) => rejected(asked(device), { request: 1n })],
    ['receipt_of_other_amount', (device) => rejected(asked(device), { amount: 2_501n })],
    ['receipt_of_other_currency', (device) => rejected(asked(device), { currency: 840 })],
    ['receipt_of_other_device', (device) => rejected(asked(device), { device: 7n })],
    ['receipt_of_other_order', (device) => rejected(asked(device), { orderDigest: new Uint8Array(32) })],
    ['receipt_of_unknown_key', (device) => rejected(asked(device), {}, keySets.settlement[0].signing)],
    [
      'receipt_signature_invalid',
      (device) => {
        const rejection = { ...creditRejection(device, order), signature };
        return ok({ kind: 'rejected', reason: 'closed', rejection });
      },
    ],
    // None of them says that it never will be credited: nothing is given back.
    ...CASH_REFUSALS.map((code) => [code, () => refused(code)] as [string, () => Answer]),
    ...COMMON_REFUSALS.filter((code) => !MAY_REPEAT[code]).map(
      (code) => [code, () => refused(code)] as [string, () => Answer],
    ),
  ];
  test.each(ofCash)('of cash: %s', async (problem, answer) => {
    const loads = await Loads.open();
    const { stage, device } = loads;
    stage.partners.script = (call) => (call === 'credit' ? answer(device) : undefined);
    await loads.once(given());
    expect(await stage.stateOf(REQUEST)).toBe(`crediting_distrusted ${problem}`);
    await stage.pass(300_000);
    expect(await loads.once(given())).toMatchObject({ answer: { kind: 'pending' } });
    expect(stage.partners.reversed.size).toBe(0);
    stage.partners.script = () => undefined;
    expect(await loads.load(given())).toMatchObject({ kind: 'loaded' });
    // Settlement is asked for its receipt again where cash takes it no more, and for nothing else.
    const charges = new Set(loads.charges.map(({ order: { document } }) => document.request));
    expect(charges.size).toBe(1);
    if (problem !== 'receipt_invalid') expect(loads.charges).toHaveLength(1);
  });

  test('of cash that has not read the newest directory yet: it is asked again soon', async () => {
    const loads = await Loads.open();
    const { stage } = loads;
    let isOld = true;
    stage.partners.script = (call) => (call === 'credit' && isOld ? refused('receipt_invalid') : undefined);
    await loads.once(given());
    expect(await stage.stateOf(REQUEST)).toBe('crediting_distrusted receipt_invalid');
    await stage.pass(2_000);
    isOld = false;
    await stage.pass(2_000);
    expect(await stage.stateOf(REQUEST)).toMatch(/^loaded/);
  });

  describe('a receipt that cash takes no more: settlement’s key was withdrawn after the charge', () => {
    const receiptOf = (request: unknown) => (request as CreditRequest).receipt.document;

    test('settlement signs it anew, and the load goes on', async () => {
      const loads = await Loads.open();
      const { stage } = loads;
      stage.partners.script = (call, request, count) => {
        if (call === 'credit') {
          return receiptOf(request).chargedAt === START ? refused('receipt_invalid') : undefined;
        }
        return call === 'charge' && count > 1 ? charged({ chargedAt: START + 1n }) : undefined;
      };
      await loads.once(given());
      expect(await stage.stateOf(REQUEST)).toBe('crediting_distrusted receipt_invalid');
      await stage.pass(3_000);
      expect(await stage.stateOf(REQUEST)).toMatch(/^loaded/);
      // The same charge: account and binding are those of then.
      expect(loads.charges).toHaveLength(2);
      expect(loads.charges[1]).toEqual(loads.charges[0]);
      expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
    });

    test('what settlement says then is checked as before', async () => {
      const loads = await Loads.open();
      const { stage } = loads;
      stage.partners.script = (call, _, count) => {
        if (call === 'credit') return refused('receipt_invalid');
        return call === 'charge' && count > 1 ? charged({ amount: 1n }) : undefined;
      };
      await loads.once(given());
      await stage.pass(3_000);
      const credits = stage.partners.calls.filter(({ call }) => call === 'credit');
      expect(credits.length).toBeGreaterThan(1);
      for (const { request } of credits) expect(receiptOf(request).amount).toBe(2_500n);
    });

    test('a settlement that signs something else each time is not asked in a circle', async () => {
      const loads = await Loads.open();
      loads.stage.partners.script = (call, _, count) => {
        if (call === 'credit') return refused('receipt_invalid');
        return call === 'charge' ? charged({ chargedAt: START + BigInt(count) }) : undefined;
      };
      await loads.once(given());
      await loads.stage.pass(60_000);
      expect(loads.charges.length).toBeLessThan(50);
    });
  });

  test('of a reversal that is refused', async () => {
    const loads = await Loads.open();
    loads.stage.partners.script = (call, request) =>
      call === 'credit' ? rejected(request) : call === 'reverse' ? refused('rejection_invalid') : undefined;
    await loads.once(given());
    expect(await loads.stage.stateOf(REQUEST)).toBe('reversing_distrusted rejection_invalid');
  });

  test('of a partner that answers now this, now that: it is not asked in a circle', async () => {
    const loads = await Loads.open();
    loads.stage.partners.script = (call, _, count) =>
      call === 'charge' ? charged(count % 2 === 0 ? { amount: 1n } : { currency: 1 }) : undefined;
    await loads.once(given());
    await loads.stage.pass(300_000);
    expect(loads.charges.length).toBeLessThan(15);
  });
});

test('receipts of a key that was followed by another count as long as the directory says so', async () => {
  const loads = await Loads.open();
  await loads.stage.pass(Number((101n * DAY) / 1_000_000n));
  const applyBy = loads.stage.clock() + HOUR;
  // The partners still sign with their first keys.
  expect(await loads.load(given({ applyBy }))).toMatchObject({ kind: 'loaded' });
});

test('filing the same account twice counts once; an older filing does not come back', async () => {
  const { stage, device } = await Loads.open();
  const file = (request: bigint, fill: number) =>
    stage.settle(
      stage.as(ada.peer(device)).fileAccount(ada.filing(request, { account: sealedAccount(fill) })),
    );
  const first = await file(6_000n, 3);
  await stage.pass(10);
  const second = await file(6_001n, 4);
  expect(await file(6_000n, 3)).toEqual(first);
  expect(second).not.toEqual(first);
  const ask = (request: bigint, account: bigint) =>
    stage.ask(() =>
      stage.as(ada.peer(device)).load({ order: ada.order(request, { account }), account: undefined }),
    );
  // What was on file before, an order of it does not charge what is there now.
  for (const account of [ON_FILE, 6_000n]) {
    expect(await ask(REQUEST + account, account)).toBe('account_not_on_file');
  }
  expect(stage.partners.calls.some(({ call }) => call === 'charge')).toBe(false);
  await ask(REQUEST, 6_001n);
  const charge = stage.partners.calls.find(({ call }) => call === 'charge')!.request as ChargeRequest;
  expect(charge.account.ciphertext[0]).toBe(4);
  expect(charge.binding).toEqual({ purpose: 'file', request: 6_001n });
});

describe('a filing is refused', () => {
  test.each([
    ['key_mismatch', () => bob.filing(6_000n)],
    ['expired', () => ada.filing(6_000n, { applyBy: START })],
    ['applies_too_late', () => ada.filing(6_000n, { applyBy: START + 8n * DAY })],
    [
      'seal_key_unknown',
      () => ada.filing(6_000n, { account: { ...sealedAccount(), keyId: new Uint8Array(8) } }),
    ],
    ['malformed', () => ada.filing(0n)],
    [
      'signature_invalid',
      () => ({ filing: { ...ada.filing(6_000n).filing, signature: new Uint8Array(64) } }),
    ],
  ] as const)('%s', async (code, message) => {
    const { stage, device } = await Loads.open();
    expect(await stage.settle(stage.as(ada.peer(device)).fileAccount(message()))).toMatchObject({
      refusal: { code },
    });
  });
});

describe('one device takes its share and no more', () => {
  const ask = (loads: Loads, requests: readonly bigint[], change: Partial<LoadOrder> = {}) =>
    loads.stage.settle(
      Promise.all(
        requests.map((request) =>
          loads.stage.as(ada.peer(loads.device)).load({
            order: ada.order(request, { applyBy: loads.stage.clock() + HOUR / 2n, ...change }),
            account: sealedAccount(),
          }),
        ),
      ),
    );
  const idsFrom = (first: bigint, count: number): bigint[] =>
    Array.from({ length: count }, (_, i) => first + BigInt(i));
  const kinds = (results: Awaited<ReturnType<typeof ask>>): string[] =>
    results.map((result) => (result.kind === 'ok' ? result.answer.kind : result.kind));

  test('of what is under way; another device goes on', async () => {
    const loads = await Loads.open({ deviceLoadsOpenMax: 3 });
    const other = await loads.stage.enrolled(bob);
    const { partners } = loads.stage;
    partners.script = (call) => (call === 'charge' ? NO_ANSWER : undefined);
    const records = () => loads.stage.disk.records.size;
    const first = await ask(loads, idsFrom(9_100n, 5));
    // `busy`: to be asked again.
    expect(kinds(first).sort()).toEqual(['pending', 'pending', 'pending', 'unknown', 'unknown']);
    const before = records();
    expect(kinds(await ask(loads, idsFrom(9_200n, 20)))).toEqual(Array(20).fill('unknown'));
    expect(records()).toBe(before);
    const bobs = { order: bob.order(9_300n), account: sealedAccount() };
    expect(kinds([await loads.stage.settle(loads.stage.as(bob.peer(other)).load(bobs))])).toEqual([
      'pending',
    ]);

    loads.stage.crash();
    await loads.stage.start();
    expect(kinds(await ask(loads, [9_400n]))).toEqual(['unknown']);
    partners.script = () => undefined;
    await loads.stage.pass(40_000);
    for (let round = 0; round < 3; round++) {
      expect(kinds(await ask(loads, idsFrom(9_500n + 10n * BigInt(round), 3)))).toEqual(
        Array(3).fill('loaded'),
      );
    }
  });

  test('of new requests a minute, loads and filings, also of those whose refusal is kept', async () => {
    const loads = await Loads.open({ deviceRequestsPerMinute: 4 });
    const { stage } = loads;
    await stage.settle(stage.as(ada.peer(loads.device)).fileAccount(ada.filing(90n)));
    expect(kinds(await ask(loads, idsFrom(9_100n, 2), { applyBy: 1n }))).toEqual(['refused', 'refused']);
    expect(kinds(await ask(loads, idsFrom(9_110n, 3)))).toEqual(['loaded', 'unknown', 'unknown']);
    const before = stage.disk.records.size;
    const filing = () => stage.settle(stage.as(ada.peer(loads.device)).fileAccount(ada.filing(91n)));
    expect((await filing()).kind).toBe('unknown');
    expect(stage.disk.records.size).toBe(before);
    // What is known is answered as before.
    expect(kinds(await ask(loads, [9_100n], { applyBy: 1n }))).toEqual(['refused']);
    await stage.pass(60_000);
    expect(kinds(await ask(loads, idsFrom(9_120n, 4)))).toEqual(Array(4).fill('loaded'));
    expect(kinds(await ask(loads, [9_130n]))).toEqual(['unknown']);
  });

  test('of declined loads a day', async () => {
    const loads = await Loads.open({ deviceDeclinesPerDay: 3 });
    loads.stage.partners.script = (call) =>
      call === 'charge' ? ok({ kind: 'declined', reason: 'unknown_card' }) : undefined;
    for (const request of idsFrom(9_100n, 3))
      expect(kinds(await ask(loads, [request]))).toEqual(['declined']);
    loads.stage.partners.script = () => undefined;
    expect(kinds(await ask(loads, [9_110n]))).toEqual(['unknown']);
    await loads.stage.pass(86_400_000);
    expect(kinds(await ask(loads, [9_111n]))).toEqual(['loaded']);
  });

  test('an amount out of bounds leaves nothing behind', async () => {
    const loads = await Loads.open();
    const before = loads.stage.disk.records.size;
    expect(kinds(await ask(loads, idsFrom(9_100n, 50), { amount: 1n }))).toEqual(Array(50).fill('refused'));
    expect(loads.stage.disk.records.size).toBe(before);
  });
});
