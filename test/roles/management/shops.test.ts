// How shops become shops, how they stop being some, and what they order.
import { describe, expect, test } from 'vitest';
import { DeviceCertificate } from '../../../src/identity/device-certificate.ts';
import { openShopCertificate } from '../../../src/identity/shop-certificate.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { ShopOrder } from '../../../src/roles/documents/payment-receipts.ts';
import type { ShopOrderAnswer } from '../../../src/roles/management/messages.ts';
import { directory, keySets, START } from '../../identity/support.ts';
import { shopOrderReceipt, shopOrderRejection } from './cash-documents.ts';
import { Shop } from './shop.ts';
import {
  Device,
  HOUR,
  NO_ANSWER,
  ok,
  refused,
  SECOND,
  SILENCE,
  Stage,
  sealedAccount,
  USD,
} from './support.ts';

const baker = new Shop(1);
const grocer = new Shop(2);
const HOUR_MS = 3_600_000;

const codeOf = (result: CallResult<object>): string =>
  result.kind === 'refused'
    ? result.refusal.code
    : result.kind === 'ok'
      ? ((result.answer as { readonly kind?: string }).kind ?? 'ok')
      : result.kind;

async function apply(stage: Stage, shop: Shop, change: Parameters<Shop['enrolment']>[0] = {}) {
  return stage.settle(stage.as(shop.unenrolled).enrolShop(shop.enrolment(change)));
}

async function listed(stage: Stage) {
  const result = await stage.settle(stage.operator.listShops({ after: undefined, limit: 10 }));
  return result.kind === 'ok' ? result.answer.shops : [];
}

describe('enrolment', () => {
  test('waits for an operator, then for cash; then the shop has a certificate of its keys and its name', async () => {
    const stage = await Stage.open();
    const applied = await apply(stage, baker);
    if (applied.kind !== 'ok' || applied.answer.kind !== 'pending')
      throw new Error('expected it to be pending');
    const { shop, state } = applied.answer;
    expect(state).toBe('awaiting_approval');
    expect(await listed(stage)).toMatchObject([{ shop, name: 'Corner shop 1', state: 'awaiting_approval' }]);
    expect(stage.role!.revoked({ shop } as never)).toBe(true);
    expect(stage.partners.opened.size).toBe(0);
    const approve = () => stage.settle(stage.operator.approveShop({ shop }));
    const approved = await approve();
    expect(approved.kind).toBe('ok');
    const answer = await stage.ask(() => stage.as(baker.unenrolled).enrolShop(baker.enrolment()));
    if (typeof answer === 'string' || answer.kind !== 'enrolled')
      throw new Error('expected it to be enrolled');
    const { certificate } = openShopCertificate(answer.certificate, {
      issuerKey: (keyId) => directory().verificationKey('management', keyId, stage.clock()),
      now: stage.clock(),
      revoked: stage.role!.revoked,
      crypto: systemCrypto,
    });
    const { publicKey: signingKey } = baker.signing;
    const { publicKey: channelKey } = baker.channel;
    expect(certificate).toMatchObject({ shop, name: 'Corner shop 1', signingKey, channelKey, serial: 1n });
    expect([...stage.partners.opened]).toEqual([
      [`${shop} 978`, signingKey],
      [`${shop} 840`, signingKey],
    ]);
    expect(await listed(stage)).toMatchObject([{ shop, state: 'open' }]);
    // Again, as its certificate's owner; and the approval of then.
    expect(await stage.ask(() => stage.as({ ...baker.peer, shop }).enrolShop(baker.enrolment()))).toEqual(
      answer,
    );
    await stage.pass(1_000);
    expect(await approve()).toEqual(approved);
    expect(await stage.stateOf(201n)).toMatch(/^open shop 0x/);
  });

  test('an approval is acted upon at once', async () => {
    const stage = await Stage.open();
    await apply(stage, baker);
    await stage.pass(5_000);
    const { shop } = (await listed(stage))[0]!;
    await stage.settle(stage.operator.approveShop({ shop }));
    await stage.pass(100);
    expect(await listed(stage)).toMatchObject([{ state: 'open' }]);
  });

  test('one that is turned down, or that nobody approves in time, leaves only its request', async () => {
    const stage = await Stage.open();
    await apply(stage, baker);
    const { shop } = (await listed(stage))[0]!;
    expect(codeOf(await stage.settle(stage.operator.closeShop({ shop, reason: 'unknown to us' })))).toBe(
      'closed',
    );
    // Cash has never heard of it.
    expect(stage.partners.calls.some(({ call }) => call === 'closeShop')).toBe(false);
    expect(await stage.ask(() => stage.as(baker.unenrolled).enrolShop(baker.enrolment()))).toEqual({
      kind: 'closed',
      reason: 'unknown to us',
    });
    await apply(stage, grocer, { applyBy: START + HOUR });
    await stage.pass(HOUR_MS + 31_000);
    expect(
      await stage.ask(() =>
        stage.as(grocer.unenrolled).enrolShop(grocer.enrolment({ applyBy: START + HOUR })),
      ),
    ).toEqual({
      kind: 'closed',
      reason: 'expired',
    });
    expect(await listed(stage)).toEqual([]);
    const left = [...stage.disk.records.keys()].filter((at) => /^(shops|shop-|numbers)/.test(at));
    expect(left).toEqual([]);
    // Its keys are free again, and there is room.
    expect(codeOf(await apply(stage, baker, { request: 300n }))).toBe('pending');
    expect(codeOf(await stage.settle(stage.operator.approveShop({ shop })))).toBe('shop_unknown');
  });

  test('what is refused', async () => {
    const stage = await Stage.open({ shopsMax: 1, shopsAwaitingMax: 2, shopApplicationsPerHour: 4 });
    const ada = new Device(1);
    const device = await stage.enrolled(ada);
    const code = async (...args: Parameters<typeof apply> extends [Stage, ...infer Rest] ? Rest : never) =>
      codeOf(await apply(stage, ...args));
    expect(await code(baker, { applyBy: START - 1n })).toBe('expired');
    expect(await code(baker, { applyBy: START + 10n * SECOND })).toBe('applies_too_soon');
    expect(await code(baker, { applyBy: START + 91n * 24n * HOUR })).toBe('applies_too_late');
    expect(await code(baker, { account: { ...sealedAccount(), keyId: new Uint8Array(8) } })).toBe(
      'seal_key_unknown',
    );
    expect(await code(baker, { channelKey: grocer.channel.publicKey })).toBe('key_mismatch');
    expect(await code(baker, { signingKey: grocer.signing.publicKey })).toBe('signature_invalid');
    const asDevice = stage.as(ada.peer(device)).enrolShop(baker.enrolment());
    expect(codeOf(await stage.settle(asDevice))).toBe('not_permitted');
    // A device's keys are no shop's, nor the other way round.
    const twice = stage
      .as(ada.unenrolled)
      .enrolShop(new Shop(9).enrolment({ channelKey: ada.channel.publicKey }));
    expect(codeOf(await stage.settle(twice))).toBe('already_enrolled');
    expect(await code(baker)).toBe('pending');
    const asShop = stage
      .as(baker.unenrolled)
      .enrol(new Device(3).enrolment({ channelKey: baker.channel.publicKey }));
    expect(codeOf(await stage.settle(asShop))).toBe('already_enrolled');
    expect(await code(baker, { request: 400n })).toBe('already_enrolled');
    expect(await code(grocer)).toBe('pending');
    expect(await code(new Shop(3))).toBe('unknown');
    const [first, second] = await listed(stage);
    expect(codeOf(await stage.settle(stage.operator.approveShop({ shop: first!.shop })))).toBe('ok');
    expect(codeOf(await stage.settle(stage.operator.approveShop({ shop: second!.shop })))).toBe(
      'shops_exhausted',
    );
    expect(await code(new Shop(3))).toBe('shops_exhausted');
  });

  test('strangers apply so often an hour, no more', async () => {
    const stage = await Stage.open({ shopApplicationsPerHour: 2 });
    for (const seed of [1, 2, 3]) {
      const result = await apply(stage, new Shop(seed));
      expect(codeOf(result)).toBe(seed < 3 ? 'pending' : 'unknown');
    }
    await stage.pass(HOUR_MS);
    expect(codeOf(await apply(stage, new Shop(3)))).toBe('pending');
  });

  test('a cash that answers wrongly is asked again', async () => {
    const stage = await Stage.open();
    stage.partners.script = (call, _, count) =>
      call === 'openShop' && count === 1
        ? NO_ANSWER
        : call === 'openShop' && count < 4
          ? refused('shop_differs')
          : undefined;
    const shop = await stage.openShop(baker);
    expect(stage.partners.opened.has(`${shop} 978`)).toBe(true);
  });
});

describe('a certificate', () => {
  test('is renewed near its end, over a channel with or without one, and not once the shop is closed', async () => {
    const stage = await Stage.open();
    const shop = await stage.openShop(baker);
    const renew = async (peer: Parameters<Stage['as']>[0]) => {
      const result = await stage.settle(stage.as(peer).renewCertificate({}));
      return result.kind === 'ok' ? result.answer.certificate : codeOf(result as never);
    };
    const first = await renew(baker.peer);
    expect(await renew(baker.unenrolled)).toEqual(first);
    await stage.pass(310 * 24 * HOUR_MS);
    const second = await renew(baker.peer);
    expect(second).not.toEqual(first);
    expect(await renew(baker.unenrolled)).toEqual(second);
    expect(() => DeviceCertificate.signed.decode(second as Uint8Array)).toThrow();
    const closed = await stage.settle(stage.operator.closeShop({ shop, reason: 'rent' }));
    expect(await renew(baker.peer)).toBe('shop_closed');
    expect(stage.role!.revoked({ shop } as never)).toBe(true);
    expect(await stage.ask(() => stage.as(baker.unenrolled).enrolShop(baker.enrolment()))).toEqual({
      kind: 'closed',
      reason: 'rent',
    });
    await stage.pass(1_000);
    expect(await stage.settle(stage.operator.closeShop({ shop, reason: 'again' }))).toEqual(closed);
    expect(codeOf(await stage.settle(stage.operator.approveShop({ shop })))).toBe('shop_closed');
    expect(await listed(stage)).toMatchObject([{ shop, state: 'closed' }]);
  });
});

describe('closing', () => {
  test('counts here at once; cash is told until it knows, however long it is away', async () => {
    const stage = await Stage.open();
    const shop = await stage.openShop(baker);
    const close = () => stage.settle(stage.operator.closeShop({ shop, reason: 'rent' }));
    stage.partners.script = (call) => (call === 'closeShop' ? NO_ANSWER : undefined);
    expect(await close()).toMatchObject({ answer: { kind: 'pending', state: 'closing' } });
    expect(stage.role!.revoked({ shop } as never)).toBe(true);
    stage.crash();
    await stage.start();
    stage.partners.script = (call) => (call === 'closeShop' ? refused('shop_unknown') : undefined);
    await stage.pass(24 * HOUR_MS);
    expect(await close()).toMatchObject({ answer: { kind: 'pending', state: 'closing_distrusted' } });
    stage.partners.script = () => undefined;
    await stage.pass(40_000);
    expect(await close()).toMatchObject({ answer: { kind: 'closed', closedAt: expect.any(BigInt) } });
    expect(stage.partners.calls.at(-1)).toEqual({ call: 'closeShop', request: { shop } });
    const told = stage.partners.calls.length;
    await close();
    expect(stage.partners.calls.length).toBe(told);
  });

  test('of one whose accounts are being opened: when cash has them', async () => {
    const stage = await Stage.open();
    await apply(stage, baker);
    const { shop } = (await listed(stage))[0]!;
    stage.partners.script = (call) => (call === 'openShop' ? NO_ANSWER : undefined);
    await stage.settle(stage.operator.approveShop({ shop }));
    const close = () => stage.settle(stage.operator.closeShop({ shop, reason: 'rent' }));
    expect(await close()).toMatchObject({ answer: { kind: 'pending' } });
    stage.partners.script = () => undefined;
    await stage.pass(60_000);
    expect(await close()).toMatchObject({ answer: { kind: 'closed' } });
    const calls = stage.partners.calls.map(({ call }) => call);
    expect(calls.lastIndexOf('openShop')).toBeLessThan(calls.indexOf('closeShop'));
    expect(await stage.ask(() => stage.as(baker.unenrolled).enrolShop(baker.enrolment()))).toMatchObject({
      kind: 'closed',
    });
  });
});

describe('crashes', () => {
  test.each(['lost', 'flushed'] as const)('at each step of a closing, writes %s', async (loss) => {
    const day = async (end: number) => {
      let first = Number.POSITIVE_INFINITY;
      const stage = await Stage.open({}, (number) => (number === first + end ? loss : 'lives'));
      const shop = await stage.openShop(baker);
      first = stage.tracePoints;
      const close = () => stage.operator.closeShop({ shop, reason: 'rent' });
      expect(await stage.ask(close)).toMatchObject({ kind: 'closed' });
      expect(stage.partners.calls.some(({ call }) => call === 'closeShop')).toBe(true);
      expect(stage.role!.revoked({ shop } as never)).toBe(true);
      return { stage, points: stage.tracePoints - first };
    };
    const { points } = await day(0);
    expect(points).toBe(6);
    for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
  });

  test.each(['lost', 'flushed'] as const)('at each step of an enrolment, writes %s', async (loss) => {
    const day = async (end: number) => {
      const stage = await Stage.open({}, (number) => (number === end ? loss : 'lives'));
      const enrol = () => stage.as(baker.unenrolled).enrolShop(baker.enrolment());
      let shop = 0n;
      while (shop === 0n) {
        const result = await stage.settle(enrol());
        if (result.kind === 'ok' && result.answer.kind === 'pending') shop = result.answer.shop;
        else await stage.pass(100);
      }
      while ((await stage.settle(stage.operator.approveShop({ shop }))).kind !== 'ok') await stage.pass(100);
      const answer = await stage.ask(enrol);
      expect(answer).toMatchObject({ kind: 'enrolled', shop });
      expect([...stage.partners.opened.keys()]).toEqual([`${shop} 978`, `${shop} 840`]);
      expect(await listed(stage)).toMatchObject([{ shop, state: 'open' }]);
      return stage;
    };
    const { tracePoints } = await day(0);
    expect(tracePoints).toBeGreaterThan(10);
    for (let end = 1; end <= tracePoints; end++) expect((await day(end)).crashes).toBe(1);
  });

  test.each(['lost', 'flushed'] as const)(
    'at each step of a purchase, writes %s: it is paid once, and known',
    async (loss) => {
      const ada = new Device(1);
      const day = async (end: number) => {
        let first = Number.POSITIVE_INFINITY;
        const stage = await Stage.open({}, (number) => (number === first + end ? loss : 'lives'));
        const device = await stage.enrolled(ada);
        await stage.openShop(baker);
        first = stage.tracePoints;
        const message = baker.purchase(9_000n, device);
        const answer = await stage.ask(() => stage.as(baker.peer).pay(message));
        expect(answer).toMatchObject({ kind: 'paid' });
        expect(stage.partners.paid.size).toBe(1);
        expect(await stage.stateOf(9_000n)).toMatch(/^paid/);
        return { stage, points: stage.tracePoints - first };
      };
      const { points } = await day(0);
      expect(points).toBe(4);
      for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
    },
  );
});

describe('orders', () => {
  async function scene() {
    const stage = await Stage.open();
    await stage.openShop(baker);
    const order = (signed: ReturnType<Shop['order']>, peer = baker.peer) =>
      stage.settle(stage.as(peer).shopOrder({ order: signed }));
    return { stage, order };
  }

  test.each(['refund', 'capture', 'void'] as const)(
    '%s: cash does it, its receipt is passed on and recorded',
    async (action) => {
      const { stage, order } = await scene();
      const signed = baker.order(8_000n, { action, amount: action === 'void' ? 0n : 250n });
      const result = await order(signed);
      expect(result).toEqual({
        kind: 'ok',
        answer: { kind: 'done', receipt: shopOrderReceipt(signed.document) },
      });
      expect(stage.partners.calls.at(-1)).toEqual({ call: 'shopOrder', request: { order: signed } });
      const report = await stage.settle(stage.operator.lookupRequest({ request: 8_000n }));
      expect(report).toMatchObject({ answer: { report: { kind: action, state: 'done', device: 0n } } });
      stage.crash();
      await stage.start();
      expect(await order(signed)).toEqual(result);
    },
  );

  test('what the message itself rules out, cash never sees', async () => {
    const { stage, order } = await scene();
    await stage.openShop(grocer);
    expect(codeOf(await order(grocer.order(8_000n)))).toBe('not_permitted');
    expect(codeOf(await order(baker.order(8_000n, {}, grocer.signing)))).toBe('signature_invalid');
    for (const change of [
      { request: 0n },
      { purchase: 0n },
      { purchase: 8_000n },
      { currency: 0 },
      { amount: 0n },
      { action: 'void' as const },
    ]) {
      expect(codeOf(await order(baker.order(8_000n, change)))).toBe('malformed');
    }
    expect(codeOf(await order(baker.order(8_000n), { ...baker.peer, channelKey: new Uint8Array(32) }))).toBe(
      'shop_unknown',
    );
    expect(stage.partners.calls.some(({ call }) => call === 'shopOrder')).toBe(false);
  });

  const answers: { readonly [name: string]: readonly [string, (order: ShopOrder) => ShopOrderAnswer] } = {
    'a rejection': ['rejected', (order) => ({ kind: 'rejected', rejection: shopOrderRejection(order) })],
    'of another request': [
      '',
      (order) => ({ kind: 'done', receipt: shopOrderReceipt(order, { request: 1n }) }),
    ],
    'of another purchase': [
      '',
      (order) => ({ kind: 'done', receipt: shopOrderReceipt(order, { purchase: 1n }) }),
    ],
    'of another action': [
      '',
      (order) => ({ kind: 'done', receipt: shopOrderReceipt(order, { action: 'void' }) }),
    ],
    'of another amount': [
      '',
      (order) => ({ kind: 'done', receipt: shopOrderReceipt(order, { amount: 1n }) }),
    ],
    'of another currency': [
      '',
      (order) => ({ kind: 'done', receipt: shopOrderReceipt(order, { currency: USD }) }),
    ],
    'of another order': [
      '',
      (order) => ({
        kind: 'rejected',
        rejection: shopOrderRejection(order, { orderDigest: new Uint8Array(32) }),
      }),
    ],
    'of a stranger': [
      '',
      (order) => ({ kind: 'done', receipt: shopOrderReceipt(order, {}, keySets.management[0].signing) }),
    ],
  };
  test.each(Object.keys(answers))('cash answers: %s', async (name) => {
    const { stage, order } = await scene();
    const [expected, answer] = answers[name]!;
    stage.partners.script = (call, request) =>
      call === 'shopOrder'
        ? ok(answer((request as { order: { document: ShopOrder } }).order.document))
        : undefined;
    const result = await order(baker.order(8_000n));
    expect(codeOf(result)).toBe(expected === '' ? 'pending' : expected);
    if (expected === '') {
      expect(result).toMatchObject({ answer: { state: 'ordering_distrusted' } });
      expect(await stage.stateOf(8_000n)).toBe('unknown');
    } else expect(await stage.stateOf(8_000n)).toMatch(/^rejected exceeds_paid, shop/);
  });

  test.each([
    ['purchase_unknown', 'purchase_unknown'],
    ['expired', 'expired'],
    ['order_invalid', 'order_refused'],
    ['shop_unknown', 'pending'],
    ['signature_invalid', 'pending'],
  ])('cash refuses: %s', async (code, expected) => {
    const { stage, order } = await scene();
    stage.partners.script = (call) => (call === 'shopOrder' ? refused(code) : undefined);
    expect(codeOf(await order(baker.order(8_000n)))).toBe(expected);
  });

  test('of a shop that was closed: nothing definite before its time is over', async () => {
    const { stage, order } = await scene();
    await stage.settle(stage.operator.closeShop({ shop: baker.number, reason: 'rent' }));
    expect(await order(baker.order(8_000n))).toMatchObject({ answer: { state: 'shop_closed' } });
    await stage.pass(HOUR_MS + 301_000);
    stage.partners.script = (call) => (call === 'shopOrder' ? refused('expired') : undefined);
    expect(codeOf(await order(baker.order(8_000n)))).toBe('expired');
    stage.partners.script = (call) => (call === 'shopOrder' ? (SILENCE as never) : undefined);
    expect(codeOf(await order(baker.order(8_001n)))).toMatch(/unknown|pending/);
  });
});
