// Transfers that wallets report: whose they are, what cash may say of them, and what of it is written down.
import { beforeAll, describe, expect, test } from 'vitest';
import { PaymentOrderLayout } from '../../../src/layout/generated.ts';
import type { SettleTransferAnswer, SettleTransferRequest } from '../../../src/roles/cash/purse-messages.ts';
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { ReportedTransfer } from '../../../src/roles/documents/transfer.ts';
import { ManagementOperation, managementProtocol } from '../../../src/roles/management/messages.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import type { ReportTransferAnswer } from '../../../src/roles/management/purse-messages.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import { DAY, keySets, START } from '../../identity/support.ts';
import { handoverReceipt, handoverRejection } from './cash-documents.ts';
import { Purse, type SealChange } from './purse.ts';
import { Device, NO_ANSWER, ok, refused, SILENCE, Stage, USD } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);
const eve = new Device(3);

const codeOf = (result: CallResult<ReportTransferAnswer>): string => {
  if (result.kind === 'refused') return result.refusal.code;
  if (result.kind === 'unknown') return result.kind;
  return result.answer.kind === 'pending' ? 'pending' : result.answer.outcome.outcome.kind;
};

/** Ada has paid Bob. */
async function scene(...args: Parameters<typeof Stage.open>) {
  const stage = await Stage.open(...args);
  const [device, other] = [await stage.enrolled(ada), await stage.enrolled(bob)];
  const [payer, payee] = [new Purse(ada, 1), new Purse(bob, 2)];
  await payer.open(stage, device);
  await payee.open(stage, other);
  const transfer = payer.transfer(payee);
  return {
    ...{ stage, device, other, payer, payee, transfer },
    report: (what: ReportedTransfer = transfer, peer: ManagementPeer = bob.peer(other)) =>
      stage.settle(stage.as(peer).reportTransfer({ transfer: what })),
    asked: () =>
      stage.partners.calls.flatMap(({ call, request }) =>
        call === 'settleTransfers' ? [request as SettleTransferRequest] : [],
      ),
    /** What cash answers instead. */
    says: (answer: (asked: SettleTransferRequest) => SettleTransferAnswer) => {
      stage.partners.script = (call, asked) =>
        call === 'settleTransfers' ? ok(answer(asked as SettleTransferRequest)) : undefined;
    },
  };
}

const settled = (
  receipt: ReturnType<typeof handoverReceipt>,
  from: 'purse' | 'loss' = 'purse',
): SettleTransferAnswer => ({
  outcome: { kind: 'settled', receipt, from },
  fraud: undefined,
});

test('cash is asked with the device whose purse it is; its receipt is passed on as it is, and recorded', async () => {
  const { stage, device, payer, payee, transfer, report, asked } = await scene();
  const result = await report();
  expect(asked()).toEqual([{ device, order: transfer.order }]);
  expect(result).toEqual({
    kind: 'ok',
    answer: { kind: 'reported', outcome: settled(handoverReceipt(asked()[0]!)) },
  });
  expect(
    JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  ).not.toContain(String(device));
  const found = await stage.settle(stage.operator.lookupRequest({ request: 60_000n }));
  const hex = (id: bigint) => `0x${id.toString(16).padStart(32, '0')}`;
  expect(found).toMatchObject({
    answer: {
      report: {
        ...{ kind: 'transfer', state: 'settled', amount: 700n, device, createdAt: START + 17n },
        detail: `from purse ${hex(payer.number)} to purse ${hex(payee.number)}`,
      },
    },
  });
  const listed = await stage.settle(stage.operator.listRequests({ after: 40_000n, limit: 10 }));
  expect(listed).toMatchObject({
    answer: { reports: [{ request: 40_001n }, { request: 40_002n }, { request: 60_000n, kind: 'transfer' }] },
  });
  expect(stage.role!.engine.health()).toMatchObject({ status: 'ok', detail: { wrongSeals: 0 } });
});

test('by either side, by anyone, again and after a crash: the same answer, one record, nothing more to write', async () => {
  const { stage, device, transfer, report } = await scene();
  const stranger = await stage.enrolled(eve);
  const first = await report();
  const flushes = stage.disk.flushes;
  expect(await report(transfer, ada.peer(device))).toEqual(first);
  expect(await report(transfer, eve.peer(stranger))).toEqual(first);
  expect(stage.disk.flushes).toBe(flushes);
  stage.crash();
  await stage.start();
  expect(await report()).toEqual(first);
});

describe('what the message itself rules out, cash never sees', () => {
  let own: Awaited<ReturnType<typeof scene>>;
  beforeAll(async () => {
    own = await scene();
  });
  const cases: { readonly [code: string]: Parameters<Purse['order']>[1][] } = {
    purse_unknown: [{ payer: 5n }, { payee: 5n }],
    malformed: [{ request: 0n }, { request: 2n ** 128n - 1n }],
    transfer_invalid: [
      ...[{ amount: 0n, total: 0n }, { sequence: 0n }, { sequence: 65n, total: 9_000n }, { total: 701n }],
      ...[{ sequence: 2n }, { currency: USD }, { reportBy: START }, { keyId: new Uint8Array(8) }],
    ],
  };
  test.each(Object.keys(cases))('%s', async (code) => {
    for (const change of cases[code]!) {
      const order = own.payer.order(own.payee, change);
      expect(codeOf(await own.report({ order, payer: own.transfer.payer }))).toBe(code);
    }
    expect(own.asked()).toEqual([]);
  });

  test('an order of another kind, and one to the purse itself', async () => {
    for (const at of [PaymentOrderLayout.code, PaymentOrderLayout.flags, PaymentOrderLayout.timeout]) {
      const order = own.payer.order(own.payee);
      order[at]! ^= 1;
      expect(codeOf(await own.report({ order, payer: own.transfer.payer }))).toBe('transfer_invalid');
    }
    expect(codeOf(await own.report(own.payer.transfer(own.payer)))).toBe('transfer_invalid');
    expect(own.asked()).toEqual([]);
  });

  test('from others than devices of the registry', async () => {
    const { stage, other, report, transfer } = own;
    for (const peer of [ada.unenrolled, { kind: 'operator' }, { kind: 'unnamed' }] as const) {
      expect(codeOf(await report(transfer, peer))).toBe('not_permitted');
    }
    const forged = { ...bob.peer(other), channelKey: eve.channel.publicKey };
    expect(codeOf(await report(transfer, forged))).toBe('device_unknown');
    const lost = await stage.enrolled(eve);
    await stage.revoke(lost);
    expect(codeOf(await report(transfer, eve.peer(lost)))).toBe('device_revoked');
    expect(own.asked()).toEqual([]);
  });

  test('more than so many a minute', async () => {
    const { stage, device, transfer, report } = await scene({ deviceReportsPerMinute: 2 });
    expect(codeOf(await report())).toBe('settled');
    expect(codeOf(await report())).toBe('settled');
    expect(codeOf(await report())).toBe('unknown');
    expect(codeOf(await report(transfer, ada.peer(device)))).toBe('settled');
    await stage.pass(60_000);
    expect(codeOf(await report())).toBe('settled');
  });
});

describe("a payer's number that is wrong costs the payee nothing, is counted and told once", () => {
  const wrong: { readonly [problem: string]: SealChange } = {
    seal_of_other_device: { sealed: { device: 5n } },
    seal_of_other_purse: { sealed: { purse: 5n } },
    seal_of_other_order: { sealed: { orderDigest: new Uint8Array(32) } },
    seal_invalid: { binding: { payee: 5n } },
    seal_key_unknown: { sealedTo: keySets.cash[0].sealing },
  };
  test.each(Object.keys(wrong))('%s', async (problem) => {
    const { stage, payer, payee, report, asked, device } = await scene();
    const order = payer.order(payee);
    const transfer = payer.reported(order, wrong[problem]!);
    expect(codeOf(await report(transfer))).toBe('settled');
    expect(codeOf(await report(transfer))).toBe('settled');
    expect(asked()[0]).toEqual({ device, order });
    expect(stage.role!.engine.health()).toMatchObject({ status: 'ok', detail: { wrongSeals: 1 } });
    const told = stage.log.filter(({ level }) => level === 'warn');
    expect(told).toMatchObject([{ fields: { request: '60000', purse: String(payer.number), problem } }]);
  });

  test('damaged bytes of it', async () => {
    const { report, transfer } = await scene();
    const ciphertext = Uint8Array.from(transfer.payer.ciphertext);
    ciphertext[7]! ^= 1;
    expect(codeOf(await report({ ...transfer, payer: { ...transfer.payer, ciphertext } }))).toBe('settled');
  });
});

describe('what cash answers', () => {
  test('waiting: passed on, and nothing is written, as it is not final', async () => {
    const { stage, report, says } = await scene();
    const waiting = { outcome: { kind: 'waiting' as const, reportBy: START + 37n * DAY }, fraud: undefined };
    says(() => waiting);
    expect(await report()).toEqual({ kind: 'ok', answer: { kind: 'reported', outcome: waiting } });
    expect(await stage.stateOf(60_000n)).toBe('unknown');
    stage.partners.script = () => undefined;
    expect(codeOf(await report())).toBe('settled');
    expect(await stage.stateOf(60_000n)).toMatch(/^settled from purse/);
  });

  test('rejected: final, with its reason; of an order that is settled too, the record stays', async () => {
    const { stage, report, says } = await scene();
    says((asked) => ({
      outcome: { kind: 'rejected', rejection: handoverRejection(asked) },
      fraud: undefined,
    }));
    expect(codeOf(await report())).toBe('rejected');
    expect(await stage.stateOf(60_000n)).toMatch(/^rejected order_expired, from purse/);
    stage.partners.script = () => undefined;
    expect(codeOf(await report())).toBe('settled');
    says((asked) => ({
      outcome: { kind: 'rejected', rejection: handoverRejection(asked) },
      fraud: undefined,
    }));
    expect(codeOf(await report())).toBe('rejected');
    expect(await stage.stateOf(60_000n)).toMatch(/^settled from purse/);
  });

  test('nothing, or too late: pending, and asked again', async () => {
    const { stage, report } = await scene();
    stage.partners.script = (call) => (call === 'settleTransfers' ? NO_ANSWER : undefined);
    expect(codeOf(await report())).toBe('pending');
    stage.partners.script = (call) => (call === 'settleTransfers' ? (SILENCE as never) : undefined);
    const before = stage.world.nowMs;
    expect(codeOf(await report()).replace('unknown', 'pending')).toBe('pending');
    expect(stage.world.nowMs - before).toBeLessThan(2_500);
    await stage.pass(3_000);
    stage.partners.script = () => undefined;
    expect(codeOf(await report())).toBe('settled');
  });

  test('that nobody has signed it: refused, if that is so', async () => {
    const { stage, payer, payee, report, transfer } = await scene();
    stage.partners.script = (call) => (call === 'settleTransfers' ? refused('signature_invalid') : undefined);
    expect(codeOf(await report(payer.reported(payer.order(payee, {}, ada.signing))))).toBe(
      'signature_invalid',
    );
    expect(codeOf(await report(transfer))).toBe('pending');
  });

  test.each(['malformed', 'not_permitted', 'device_unknown', 'order_invalid', 'request_differs'])(
    'a refusal that cash may not give is none: %s',
    async (code) => {
      const { stage, report } = await scene();
      stage.partners.script = (call) => (call === 'settleTransfers' ? refused(code) : undefined);
      expect(codeOf(await report())).toBe('pending');
      expect(stage.role!.engine.health()).toMatchObject({ status: 'degraded', detail: { distrusted: 1 } });
      stage.partners.script = () => undefined;
      expect(codeOf(await report())).toBe('settled');
      expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
    },
  );

  const stranger = keySets.settlement[0].signing;
  const wrong: { readonly [problem: string]: (asked: SettleTransferRequest) => SettleTransferAnswer } = {
    receipt_of_other_request: (asked) => settled(handoverReceipt(asked, { request: 1n })),
    receipt_of_other_shop: (asked) => settled(handoverReceipt(asked, { shop: 1n })),
    receipt_of_other_amount: (asked) => settled(handoverReceipt(asked, { amount: 1n })),
    receipt_of_other_currency: (asked) => settled(handoverReceipt(asked, { currency: USD })),
    receipt_of_other_kind: (asked) => settled(handoverReceipt(asked, { kind: 'reserved' })),
    receipt_of_other_reference: (asked) => settled(handoverReceipt(asked, { reference: new Uint8Array(32) })),
    receipt_of_other_order: (asked) => settled(handoverReceipt(asked, { orderDigest: new Uint8Array(32) })),
    receipt_of_unknown_key: (asked) => settled(handoverReceipt(asked, {}, stranger)),
    receipt_signature_invalid: (asked) => {
      const { keyId } = handoverReceipt(asked).document;
      return settled(handoverReceipt(asked, { keyId }, stranger));
    },
    'rejection: receipt_of_other_request': (asked) => ({
      outcome: { kind: 'rejected', rejection: handoverRejection(asked, { request: 1n }) },
      fraud: undefined,
    }),
    'rejection: receipt_of_other_order': (asked) => ({
      outcome: { kind: 'rejected', rejection: handoverRejection(asked, { orderDigest: new Uint8Array(32) }) },
      fraud: undefined,
    }),
    'rejection: receipt_of_unknown_key': (asked) => ({
      outcome: { kind: 'rejected', rejection: handoverRejection(asked, {}, stranger) },
      fraud: undefined,
    }),
    covered_without_fraud: (asked) => settled(handoverReceipt(asked), 'loss'),
    disputed_without_fraud: () => ({
      outcome: { kind: 'disputed', reason: 'cover_used_up' },
      fraud: undefined,
    }),
    waiting_until_other_time: () => ({ outcome: { kind: 'waiting', reportBy: START }, fraud: undefined }),
  };
  test.each(Object.keys(wrong))('what cannot be right is not passed on: %s', async (name) => {
    const { stage, report, says } = await scene();
    says(wrong[name]!);
    expect(codeOf(await report())).toBe('pending');
    expect(codeOf(await report())).toBe('pending');
    expect(await stage.stateOf(60_000n)).toBe('unknown');
    const told = stage.log.filter(({ level }) => level === 'warn');
    expect(told).toMatchObject([{ fields: { problem: name.replace('rejection: ', '') } }]);
  });
});

test('a batch: bad ones among good ones, seals to two keys, one question to cash, one write', async () => {
  const { stage, other, payer, payee, asked } = await scene();
  await stage.pass(101 * 24 * 3_600_000);
  const { report_transfer: operation } = managementProtocol.operations;
  const answers = answerCodec(operation.answer, managementProtocol.refusals);
  const transfers = Array.from({ length: 60 }, (_, i) => {
    const n = BigInt(i + 1);
    const order = payer.order(payee, { request: 70_000n + n, sequence: n, amount: 1n, total: n });
    const transfer = payer.reported(order, { sealedTo: keySets.management[i % 2]!.sealing });
    if (i % 10 === 3) order[PaymentOrderLayout.userData64]! ^= 1;
    return transfer;
  });
  const payload = encodeMessages(transfers.map((transfer) => operation.request.encode({ transfer })));
  const flushes = stage.disk.flushes;
  const reply = await stage.settle(
    stage.role!.engine.submit({
      ...{ operation: ManagementOperation.report_transfer, peer: bob.peer(other), session: 0n, request: 0n },
      ...{ payload, count: transfers.length },
    } as never),
  );
  const codes = parseMessages(reply.body, reply.count).map((bytes) => {
    const answer = answers.decode(bytes);
    return answer instanceof Refusal
      ? answer.code
      : answer.kind === 'pending'
        ? 'pending'
        : answer.outcome.outcome.kind;
  });
  expect(codes).toEqual(transfers.map((_, i) => (i % 10 === 3 ? 'transfer_invalid' : 'settled')));
  expect(asked()).toHaveLength(54);
  expect(stage.disk.flushes - flushes).toBe(1);
  expect(stage.role!.engine.health()).toMatchObject({ detail: { wrongSeals: 0 } });
});

test.each(['lost', 'flushed'] as const)(
  'an end at each step of a report, writes %s: one record',
  async (loss) => {
    const day = async (end: number) => {
      let first = Number.POSITIVE_INFINITY;
      const { stage, other, transfer, asked } = await scene({}, (number) =>
        number === first + end ? loss : 'lives',
      );
      first = stage.tracePoints;
      const answer = await stage.ask(() => stage.as(bob.peer(other)).reportTransfer({ transfer }));
      expect(answer).toEqual({ kind: 'reported', outcome: settled(handoverReceipt(asked()[0]!)) });
      expect(await stage.stateOf(60_000n)).toMatch(/^settled from purse/);
      return { stage, points: stage.tracePoints - first };
    };
    const { points } = await day(0);
    expect(points).toBe(4);
    for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
  },
);
