// Purses that cheat: what proves it, what management does about it, and that nobody is accused without.
import { describe, expect, test } from 'vitest';
import type { SettleTransferAnswer, SettleTransferRequest } from '../../../src/roles/cash/purse-messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import { START } from '../../identity/support.ts';
import { handoverReceipt } from './cash-documents.ts';
import { deviceOrder, Purse } from './purse.ts';
import { Device, NO_ANSWER, ok, refused, Stage, sealedAccount } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);
const eve = new Device(3);

const codeOf = (result: CallResult<object>): string =>
  result.kind === 'refused'
    ? result.refusal.code
    : result.kind === 'ok'
      ? ((result.answer as { readonly kind?: string }).kind ?? 'ok')
      : result.kind;

/** Ada has two purses and pays out of the first; Bob is paid. */
async function scene(...args: Parameters<typeof Stage.open>) {
  const stage = await Stage.open(...args);
  const device = await stage.enrolled(ada, { account: sealedAccount() });
  const other = await stage.enrolled(bob);
  const [payer, spare, payee] = [new Purse(ada, 1), new Purse(ada, 3), new Purse(bob, 2)];
  await payer.open(stage, device);
  await spare.open(stage, device);
  await payee.open(stage, other);
  const transfer = payer.transfer(payee);
  return {
    ...{ stage, device, other, payer, spare, payee, transfer },
    report: () => stage.settle(stage.as(bob.peer(other)).reportTransfer({ transfer })),
    accuse: (proof: FraudProof, peer: ManagementPeer = bob.peer(other)) =>
      stage.settle(stage.as(peer).reportFraud({ proof })),
    /** With its word about the transfer. */
    says: (proof: FraudProof | undefined, outcome?: SettleTransferAnswer['outcome']) => {
      stage.partners.script = (call, asked) => {
        if (call !== 'settleTransfers') return undefined;
        const receipt = handoverReceipt(asked as SettleTransferRequest);
        return ok({ outcome: outcome ?? { kind: 'settled', receipt, from: 'loss' }, fraud: proof });
      };
    },
    isBlocked: async (of = device) => {
      const result = await stage.settle(stage.operator.listDevices({ after: of - 1n, limit: 1 }));
      return result.kind === 'ok' && result.answer.devices[0]!.blocked;
    },
    listed: async () => {
      const result = await stage.settle(stage.as(bob.peer(other)).getBlockList({ serial: 0n, part: 0 }));
      return result.kind === 'ok' ? [...(result.answer.list?.document.purses ?? [])] : [];
    },
    exposure: async () => {
      const result = await stage.settle(stage.operator.deviceExposure({ device }));
      if (result.kind !== 'ok') throw new Error(`expected an answer, got ${codeOf(result)}`);
      return result.answer;
    },
  };
}

const sorted = (...purses: Purse[]) => purses.map(({ number }) => number).sort((a, b) => (a < b ? -1 : 1));

describe('a proof that cash gives', () => {
  test.each(['covered', 'disputed', 'waiting'] as const)(
    'with a transfer that is %s: the device is named and blocked, all its purses are listed, cash is asked for nothing',
    async (word) => {
      const { stage, device, payer, spare, payee, report, says, isBlocked, listed, exposure } = await scene();
      const proof = payer.fraud([payee, spare]);
      const outcome =
        word === 'covered'
          ? undefined
          : word === 'disputed'
            ? ({ kind: 'disputed', reason: 'cover_used_up' } as const)
            : ({ kind: 'waiting', reportBy: START + 37n * 86_400_000_000_000n } as const);
      says(proof, outcome);
      const result = await report();
      expect(result).toMatchObject({ answer: { outcome: { fraud: proof } } });
      expect(await isBlocked()).toBe(true);
      expect(await listed()).toEqual(sorted(payer, spare));
      expect(await exposure()).toMatchObject({
        frauds: [{ purse: payer.number, kind: 'same_sequence', proof }],
        purseCount: 2,
      });
      expect(await stage.stateOf(60_000n)).toMatch(word === 'covered' ? /^covered from purse/ : /^unknown/);
      const told = () => stage.log.filter(({ level }) => level === 'warn');
      expect(told()).toMatchObject([
        { fields: { device: String(device), purse: String(payer.number), kind: 'same_sequence' } },
      ]);
      const flushes = stage.disk.flushes;
      expect(await report()).toEqual(result);
      expect(stage.disk.flushes).toBe(flushes);
      expect(told()).toHaveLength(1);
      expect(stage.partners.calls.some(({ call }) => call === 'deviceOrder')).toBe(false);
      const load = stage.as(ada.peer(device)).load({ order: ada.order(5_000n), account: undefined });
      expect(codeOf(await stage.settle(load))).toBe('device_blocked');
      const another = stage.as(ada.peer(device)).openPurse(new Purse(ada, 4).opening(device));
      expect(codeOf(await stage.settle(another))).toBe('device_blocked');
      stage.crash();
      await stage.start();
      expect(await isBlocked()).toBe(true);
      expect(await listed()).toEqual(sorted(payer, spare));
      expect((await exposure()).frauds).toHaveLength(1);
    },
  );

  test('the first proof of a purse stays; a later one that is good is passed on, and changes nothing', async () => {
    const { payer, spare, payee, report, says, accuse, exposure } = await scene();
    const first = payer.fraud([payee, spare]);
    const second = payer.fraud([spare, payee]);
    expect(codeOf(await accuse(first))).toBe('ok');
    says(second);
    expect(await report()).toMatchObject({ answer: { outcome: { fraud: second } } });
    expect((await exposure()).frauds).toMatchObject([{ proof: first }]);
  });

  const forgeries: { readonly [name: string]: (own: Awaited<ReturnType<typeof scene>>) => FraudProof } = {
    'two orders that agree': ({ payer, payee }) => ({
      signingKey: payer.signing.publicKey,
      evidence: {
        kind: 'orders',
        first: payer.order(payee),
        second: payer.order(payee, { request: 60_001n, sequence: 2n, total: 1_400n }),
      },
    }),
    'one order twice': ({ payer, payee }) => ({
      signingKey: payer.signing.publicKey,
      evidence: { kind: 'orders', first: payer.order(payee), second: payer.order(payee) },
    }),
    'signed by another': ({ payer, payee, spare }) => ({
      signingKey: payer.signing.publicKey,
      evidence: {
        kind: 'orders',
        first: payer.order(payee),
        second: payer.order(spare, { request: 60_001n }, ada.signing),
      },
    }),
    'under a key that is not the purse’s': ({ payer, payee, spare }) => {
      const forged = new Purse(bob, 9);
      forged.number = payer.number;
      return forged.fraud([payee, spare]);
    },
    'of another purse': ({ spare, payer, payee }) => spare.fraud([payer, payee]),
  };
  test.each(Object.keys(forgeries))('forged, %s: nothing of the answer is believed', async (name) => {
    const own = await scene();
    own.says(forgeries[name]!(own));
    expect(codeOf(await own.report())).toBe('pending');
    expect(await own.isBlocked()).toBe(false);
    expect(await own.listed()).toEqual([]);
    expect((await own.exposure()).frauds).toEqual([]);
    expect(await own.stage.stateOf(60_000n)).toBe('unknown');
    expect(own.stage.role!.engine.health()).toMatchObject({ status: 'degraded' });
    own.stage.partners.script = () => undefined;
    expect(await own.report()).toMatchObject({ answer: { outcome: { outcome: { from: 'purse' } } } });
  });
});

describe('a proof that a wallet brings', () => {
  test('is checked by itself: the device is blocked, and each proof against the purse gets the same answer', async () => {
    const { stage, device, payer, spare, payee, accuse, isBlocked, listed } = await scene();
    const stranger = await stage.enrolled(eve);
    const blockedAt = stage.clock();
    const first = await accuse(payer.fraud([payee, spare]));
    if (first.kind !== 'ok') throw new Error('expected an answer');
    expect(first.answer.blockedAt).toBeGreaterThanOrEqual(blockedAt);
    expect(await isBlocked()).toBe(true);
    expect(await listed()).toEqual(sorted(payer, spare));
    await stage.pass(5_000);
    expect(await accuse(payer.fraud([spare, payee]), eve.peer(stranger))).toEqual(first);
    stage.crash();
    await stage.start();
    expect(await accuse(payer.fraud([payee, spare]), ada.peer(device))).toEqual(first);
    // Of another purse of the device: another record, and another time.
    const second = await accuse(spare.fraud([payee, payer]));
    expect(second).toMatchObject({ kind: 'ok' });
    expect(second).not.toEqual(first);
  });

  test('of each kind', async () => {
    const own = await scene();
    const { payer, spare, payee, accuse, exposure } = own;
    const signingKey = payer.signing.publicKey;
    const order = payer.order(payee, { sequence: 2n, total: 1_000n });
    const lowTotal = payer.order(payee, { request: 60_001n, sequence: 3n, total: 1_100n });
    expect(
      codeOf(await accuse({ signingKey, evidence: { kind: 'orders', first: order, second: lowTotal } })),
    ).toBe('ok');
    const { closing } = spare.closing({ lastSequence: 1n, total: 300n });
    const beyond = spare.order(payee);
    expect(
      codeOf(
        await accuse({
          signingKey: spare.signing.publicKey,
          evidence: { kind: 'closing', order: beyond, closing },
        }),
      ),
    ).toBe('ok');
    const { frauds } = await exposure();
    expect(new Set(frauds.map(({ kind }) => kind))).toEqual(new Set(['totals_contradict', 'after_closing']));
  });

  test.each(Object.keys({ 'two orders that agree': 0, 'one order twice': 0, 'signed by another': 0 }))(
    'that proves nothing is refused: %s',
    async (name) => {
      const { payer, spare, payee, accuse, isBlocked, listed } = await scene();
      const first = payer.order(payee);
      const second =
        name === 'one order twice'
          ? first
          : name === 'signed by another'
            ? payer.order(spare, { request: 60_001n }, bob.signing)
            : payer.order(spare, { request: 60_001n, sequence: 2n, total: 1_400n });
      const proof = {
        signingKey: payer.signing.publicKey,
        evidence: { kind: 'orders' as const, first, second },
      };
      expect(codeOf(await accuse(proof))).toBe('fraud_unproven');
      expect(await isBlocked()).toBe(false);
      expect(await listed()).toEqual([]);
    },
  );

  test('of a purse that is none, by who may not, and too often', async () => {
    const { stage, device, payer, spare, payee, accuse, isBlocked } = await scene({
      deviceReportsPerMinute: 2,
    });
    const unknown = new Purse(eve, 9);
    unknown.number = 5n;
    expect(codeOf(await accuse(unknown.fraud([payee, spare])))).toBe('fraud_unproven');
    const forged = new Purse(eve, 9);
    forged.number = payer.number;
    expect(codeOf(await accuse(forged.fraud([payee, spare])))).toBe('fraud_unproven');
    expect(codeOf(await accuse(payer.fraud([payee, spare])))).toBe('unknown');
    for (const peer of [ada.unenrolled, { kind: 'operator' }, { kind: 'unnamed' }] as const) {
      expect(codeOf(await accuse(payer.fraud([payee, spare]), peer))).toBe('not_permitted');
    }
    expect(await isBlocked()).toBe(false);
    expect(codeOf(await accuse(payer.fraud([payee, spare]), ada.peer(device)))).toBe('ok');
    expect(await isBlocked()).toBe(true);
    expect(stage.partners.calls.some(({ call }) => call === 'settleTransfers')).toBe(false);
  });
});

test('an operator who unblocks the device frees its other purses; the one that has cheated stays on the list', async () => {
  const { stage, device, payer, spare, payee, accuse, listed, isBlocked } = await scene();
  await accuse(payer.fraud([payee, spare]));
  expect(await listed()).toEqual(sorted(payer, spare));
  await stage.ask(() => stage.operator.deviceOrder(deviceOrder(device, { kind: 'unblock' })));
  expect(await isBlocked()).toBe(false);
  expect(await listed()).toEqual(sorted(payer));
  // The same proof again does not block it again.
  await accuse(payer.fraud([payee, spare]));
  expect(await isBlocked()).toBe(false);
  // A new purse of it is not listed.
  const third = new Purse(ada, 5);
  await third.open(stage, device);
  expect(await listed()).toEqual(sorted(payer));
});

test('a device that was revoked before is named all the same', async () => {
  const { stage, device, payer, spare, payee, accuse, exposure, listed } = await scene();
  await stage.revoke(device);
  expect(codeOf(await accuse(payer.fraud([payee, spare])))).toBe('ok');
  expect(await exposure()).toMatchObject({ frauds: [{ purse: payer.number }] });
  expect(await listed()).toEqual(sorted(payer, spare));
});

test.each(['lost', 'flushed'] as const)(
  'an end at each step of a report with a proof, writes %s',
  async (loss) => {
    const day = async (end: number) => {
      let first = Number.POSITIVE_INFINITY;
      const own = await scene({}, (number) => (number === first + end ? loss : 'lives'));
      const { stage, other, payer, spare, payee, transfer, says, isBlocked, listed, exposure } = own;
      const proof = payer.fraud([payee, spare]);
      says(proof);
      first = stage.tracePoints;
      const answer = await stage.ask(() => stage.as(bob.peer(other)).reportTransfer({ transfer }));
      expect(answer).toMatchObject({ kind: 'reported', outcome: { fraud: proof } });
      expect(await isBlocked()).toBe(true);
      expect(await listed()).toEqual(sorted(payer, spare));
      expect((await exposure()).frauds).toHaveLength(1);
      return { stage, points: stage.tracePoints - first };
    };
    const { points } = await day(0);
    expect(points).toBe(4);
    for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
  },
);

describe('exposure', () => {
  test('is cash’s word about the device’s purses, for operators', async () => {
    const { stage, device, payer, exposure } = await scene();
    const purse = {
      ...{
        purse: payer.number,
        currency: 978,
        state: 'open' as const,
        epoch: 1,
        allowance: 5_000n,
        received: 0n,
      },
      ...{
        settled: 700n,
        left: 4_300n,
        waiting: 0n,
        covered: 0n,
        disputed: 0n,
        coverMax: 5_000n,
        payments: 1,
      },
      ...{ expiresAt: START + 1n, reportBy: START + 2n },
    };
    stage.partners.script = (call) => (call === 'deviceExposure' ? ok({ purses: [purse] }) : undefined);
    expect(await exposure()).toEqual({ purses: [purse], frauds: [], blockListSerial: 0n, purseCount: 2 });
    expect(stage.partners.calls.at(-1)).toEqual({ call: 'deviceExposure', request: { device } });
    await stage.ask(() => stage.operator.deviceOrder(deviceOrder(device, { kind: 'block' })));
    expect((await exposure()).blockListSerial).toBeGreaterThan(0n);
    const ask = (peer: ManagementPeer, of = device) =>
      stage.settle(stage.as(peer).deviceExposure({ device: of })).then(codeOf);
    expect(await ask(ada.peer(device))).toBe('not_permitted');
    expect(await ask({ kind: 'operator' }, 5n)).toBe('device_unknown');
    for (const answer of [NO_ANSWER, refused('device_unknown')]) {
      stage.partners.script = (call) => (call === 'deviceExposure' ? answer : undefined);
      expect(await ask({ kind: 'operator' })).toBe('unknown');
    }
  });
});
