// Purchases through management: what each party may see and say, a bad one among good ones, a cash that is silent or wrong.
import { beforeAll, describe, expect, test } from 'vitest';
import { ed25519, hpke } from '../../../src/crypto/index.ts';
import type { PayRequest as CashPayRequest } from '../../../src/roles/cash/messages.ts';
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { PayAnswer, PayRequest } from '../../../src/roles/management/messages.ts';
import { ManagementOperation, managementProtocol } from '../../../src/roles/management/messages.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import { keySets, START } from '../../identity/support.ts';
import { paymentReceipt, paymentRejection } from './cash-documents.ts';
import { type PurchaseChange, Shop } from './shop.ts';
import { Device, EUR, NO_ANSWER, ok, refused, SECOND, SILENCE, Stage, USD } from './support.ts';

const ada = new Device(1);
const { request: PayCodec, answer: PayAnswerCodec } = managementProtocol.operations.pay;
const answers = answerCodec(PayAnswerCodec, managementProtocol.refusals);

function frameOf(messages: readonly PayRequest[], shop: Shop) {
  const payload = encodeMessages(messages.map((message) => PayCodec.encode(message)));
  const { pay: operation } = ManagementOperation;
  return { operation, peer: shop.peer, session: 0n, request: 0n, payload, count: messages.length };
}

function answersOf(body: Uint8Array, count: number): CallResult<PayAnswer>[] {
  return parseMessages(body, count).map((bytes) => {
    const answer = answers.decode(bytes);
    return answer instanceof Refusal ? { kind: 'refused', refusal: answer } : { kind: 'ok', answer };
  });
}

interface Scene {
  readonly stage: Stage;
  readonly shop: Shop;
  readonly device: bigint;
  pay(message: PayRequest): Promise<CallResult<PayAnswer>>;
  asked(): CashPayRequest[];
}

async function scene(...args: Parameters<typeof Stage.open>): Promise<Scene> {
  const stage = await Stage.open(...args);
  const shop = new Shop(1);
  const device = await stage.enrolled(ada);
  await stage.openShop(shop);
  return {
    stage,
    shop,
    device,
    pay: (message) => stage.settle(stage.as(shop.peer).pay(message)),
    asked: () =>
      stage.partners.calls.flatMap(({ call, request }) =>
        call === 'pay' ? [request as CashPayRequest] : [],
      ),
  };
}

const codeOf = (result: CallResult<PayAnswer>): string => {
  if (result.kind === 'refused') return result.refusal.code;
  if (result.kind === 'unknown') return result.kind;
  return result.answer.kind === 'pending' ? `pending ${result.answer.state}` : result.answer.kind;
};

test('cash is asked with the device that was sealed, and its receipt is passed on as it is', async () => {
  const { pay, shop, device, asked, stage } = await scene();
  const message = shop.purchase(9_000n, device);
  const result = await pay(message);
  const { number: _, ...rest } = message;
  expect(asked()).toEqual([{ ...rest, device, shop: shop.number }]);
  expect(result).toEqual({ kind: 'ok', answer: { kind: 'paid', receipt: paymentReceipt(asked()[0]!) } });
  expect(await stage.stateOf(9_000n)).toBe(`paid shop 0x${shop.number.toString(16).padStart(32, '0')}`);
});

test('asked again, at once and after a crash: the same answer, from cash', async () => {
  const { pay, shop, device, asked, stage } = await scene();
  const message = shop.purchase(9_000n, device);
  const [first, second] = await Promise.all([pay(message), pay(message)]);
  stage.crash();
  await stage.start();
  expect(second).toEqual(first);
  expect(await pay(message)).toEqual(first);
  expect(asked()).toHaveLength(3);
});

describe('what shop or wallet have changed is refused with its own code, and cash never sees it', () => {
  const changes: { readonly [code: string]: PurchaseChange[] } = {
    number_seal_invalid: [{ binding: { request: 9_001n } }, { binding: { shop: 1n } }],
    seal_key_unknown: [{ sealedTo: keySets.cash[0].sealing }],
    amount_mismatch: [{ sealed: { amount: 1_249n } }, { said: { amount: 1n } }],
    currency_mismatch: [{ said: { currency: USD } }],
    expiry_mismatch: [{ said: { expiresAt: START + 601n * SECOND } }],
    reference_mismatch: [{ said: { reference: new Uint8Array(32).fill(4) } }],
    kind_mismatch: [{ said: { kind: 'authorisation' } }],
    device_unknown: [{ sealed: { device: 5n } }],
    malformed: [
      { said: { request: 0n } },
      { said: { request: 2n ** 128n - 1n } },
      { said: { amount: 0n } },
      { said: { currency: 0 } },
    ],
  };
  let own: Scene;
  beforeAll(async () => {
    own = await scene();
  });
  test.each(Object.keys(changes))('%s', async (code) => {
    for (const change of changes[code]!) {
      expect(codeOf(await own.pay(own.shop.purchase(9_000n, own.device, change)))).toBe(code);
    }
    expect(own.asked()).toEqual([]);
  });

  test('a seal that was damaged', async () => {
    const message = own.shop.purchase(9_000n, own.device);
    message.number.ciphertext[4]! ^= 1;
    expect(codeOf(await own.pay(message))).toBe('number_seal_invalid');
  });

  test('the seal of one purchase with another shop’s channel', async () => {
    const other = new Shop(2);
    await own.stage.openShop(other);
    const message = own.shop.purchase(9_000n, own.device);
    const result = await own.stage.settle(own.stage.as(other.peer).pay(message));
    expect(codeOf(result)).toBe('number_seal_invalid');
  });
});

test('a seal to management’s key before, and to the one in use', async () => {
  const { pay, shop, device, stage } = await scene();
  await stage.pass(101 * 24 * 3_600_000);
  const said = { expiresAt: START + 102n * 24n * 3_600n * SECOND };
  for (const [i, { sealing }] of keySets.management.entries()) {
    const message = shop.purchase(9_000n + BigInt(i), device, { sealedTo: sealing, said, sealed: said });
    expect(codeOf(await pay(message))).toBe('paid');
  }
});

test('shops alone may, with the keys of the registry', async () => {
  const { stage, shop, device } = await scene();
  const message = shop.purchase(9_000n, device);
  const ask = async (peer: ManagementPeer) => codeOf(await stage.settle(stage.as(peer).pay(message)));
  for (const peer of [
    ada.peer(device),
    shop.unenrolled,
    { kind: 'operator' },
    { kind: 'unnamed' },
  ] as const) {
    expect(await ask(peer)).toBe('not_permitted');
  }
  expect(await ask({ ...shop.peer, shop: 1n })).toBe('shop_unknown');
  expect(await ask({ ...shop.peer, signingKey: ada.signing.publicKey })).toBe('shop_unknown');
});

describe('what cash refuses', () => {
  test.each([
    'payment_seal_invalid',
    'request_mismatch',
    'key_mismatch',
    'payer_mismatch',
    'payee_mismatch',
    'amount_mismatch',
    'currency_mismatch',
    'expiry_mismatch',
    'reference_mismatch',
    'kind_mismatch',
    'signature_invalid',
    'too_many_rejected',
  ])('for what the message is, or its device has had today, the shop hears as such: %s', async (code) => {
    const { pay, shop, device, stage } = await scene();
    stage.partners.script = (call) => (call === 'pay' ? refused(code) : undefined);
    const result = await pay(shop.purchase(9_000n, device));
    expect(codeOf(result)).toBe(code);
    expect(JSON.stringify(result)).not.toContain(String(device));
  });

  test('an order that is none: payment_refused', async () => {
    const { pay, shop, device, stage } = await scene();
    stage.partners.script = (call) => (call === 'pay' ? refused('order_invalid') : undefined);
    expect(codeOf(await pay(shop.purchase(9_000n, device)))).toBe('payment_refused');
  });

  test.each(['malformed', 'not_permitted', 'device_unknown', 'shop_unknown', 'request_differs'])(
    'and may not refuse is no answer: %s',
    async (code) => {
      const { pay, shop, device, stage } = await scene();
      stage.partners.script = (call) => (call === 'pay' ? refused(code) : undefined);
      const message = shop.purchase(9_000n, device);
      expect(codeOf(await pay(message))).toBe('pending paying_distrusted');
      expect(stage.role!.engine.health()).toMatchObject({ status: 'degraded', detail: { distrusted: 1 } });
      stage.partners.script = () => undefined;
      expect(codeOf(await pay(message))).toBe('paid');
      expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
    },
  );
});

describe('an answer that cannot be right is not passed on', () => {
  const other = keySets.cash[1].signing;
  const stranger = keySets.settlement[0].signing;
  const wrong: { readonly [problem: string]: (asked: CashPayRequest) => PayAnswer } = {
    receipt_of_other_request: (asked) => ({ kind: 'paid', receipt: paymentReceipt(asked, { request: 1n }) }),
    receipt_of_other_shop: (asked) => ({ kind: 'paid', receipt: paymentReceipt(asked, { shop: 1n }) }),
    receipt_of_other_amount: (asked) => ({ kind: 'paid', receipt: paymentReceipt(asked, { amount: 1n }) }),
    receipt_of_other_currency: (asked) => ({
      kind: 'paid',
      receipt: paymentReceipt(asked, { currency: USD }),
    }),
    receipt_of_other_kind: (asked) => ({
      kind: 'paid',
      receipt: paymentReceipt(asked, { kind: 'reserved' }),
    }),
    receipt_of_other_reference: (asked) => ({
      kind: 'paid',
      receipt: paymentReceipt(asked, { reference: new Uint8Array(32) }),
    }),
    receipt_of_unknown_key: (asked) => ({ kind: 'paid', receipt: paymentReceipt(asked, {}, stranger) }),
    receipt_signature_invalid: (asked) => {
      const { keyId } = paymentReceipt(asked).document;
      return { kind: 'paid', receipt: paymentReceipt(asked, { keyId }, other) };
    },
    rejection_of_other_request: (asked) => ({
      kind: 'rejected',
      rejection: paymentRejection(asked, { request: 1n }),
    }),
    rejection_of_other_shop: (asked) => ({
      kind: 'rejected',
      rejection: paymentRejection(asked, { shop: 1n }),
    }),
    rejection_of_other_amount: (asked) => ({
      kind: 'rejected',
      rejection: paymentRejection(asked, { amount: 1n }),
    }),
    rejection_of_other_reference: (asked) => ({
      kind: 'rejected',
      rejection: paymentRejection(asked, { reference: new Uint8Array(32) }),
    }),
    rejection_signature_invalid: (asked) => {
      const { keyId } = paymentRejection(asked).document;
      return { kind: 'rejected', rejection: paymentRejection(asked, { keyId }, stranger) };
    },
  };
  test.each(Object.keys(wrong))('%s', async (name) => {
    const { pay, shop, device, stage } = await scene();
    stage.partners.script = (call, asked) =>
      call === 'pay' ? ok(wrong[name]!(asked as CashPayRequest)) : undefined;
    const message = shop.purchase(9_000n, device);
    expect(codeOf(await pay(message))).toBe('pending paying_distrusted');
    expect(codeOf(await pay(message))).toBe('pending paying_distrusted');
    expect(await stage.stateOf(9_000n)).toBe('unknown');
    // Told once, however often it is asked.
    const told = stage.log.filter(({ level }) => level === 'warn');
    expect(told).toMatchObject([
      { fields: { problem: name.replace('rejection_of', 'receipt_of').replace('rejection_s', 'receipt_s') } },
    ]);
  });
});

test('a rejection of cash is final, and stands in the record with its reason', async () => {
  const { pay, shop, device, stage } = await scene();
  stage.partners.script = (call, asked) =>
    call === 'pay'
      ? ok({ kind: 'rejected', rejection: paymentRejection(asked as CashPayRequest) })
      : undefined;
  expect(codeOf(await pay(shop.purchase(9_000n, device)))).toBe('rejected');
  expect(await stage.stateOf(9_000n)).toMatch(/^rejected exceeds_credits, shop 0x/);
  stage.partners.script = () => undefined;
  // Whatever may make cash say otherwise some day: what was paid stays paid.
  expect(codeOf(await pay(shop.purchase(9_000n, device)))).toBe('paid');
  stage.partners.script = (call, asked) =>
    call === 'pay'
      ? ok({ kind: 'rejected', rejection: paymentRejection(asked as CashPayRequest) })
      : undefined;
  await pay(shop.purchase(9_000n, device));
  expect(await stage.stateOf(9_000n)).toMatch(/^paid/);
});

test('cash is silent: pending after two seconds, paid when asked again; a lone purchase waits for no timer', async () => {
  const { pay, shop, device, stage } = await scene();
  stage.partners.script = (call) => (call === 'pay' ? (SILENCE as never) : undefined);
  const message = shop.purchase(9_000n, device);
  const start = stage.world.nowMs;
  // The transport of the test gives up after a second.
  const reply = stage.role!.engine.submit(frameOf([message], shop) as never);
  const { body, count } = await stage.settle(reply);
  expect(stage.world.nowMs - start).toBeCloseTo(2_000);
  expect(answersOf(body, count).map(codeOf)).toEqual(['pending paying']);
  stage.partners.script = () => undefined;
  const before = stage.world.nowMs;
  expect(codeOf(await pay(message))).toBe('paid');
  // Five for cash, less than three for the disk.
  expect(stage.world.nowMs - before).toBeLessThan(8);
});

test('no answer of cash, or one that says to come again: pending', async () => {
  const { pay, shop, device, stage } = await scene();
  stage.partners.script = (call) => (call === 'pay' ? NO_ANSWER : undefined);
  expect(codeOf(await pay(shop.purchase(9_000n, device)))).toBe('pending paying');
  expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
});

describe('a device that is revoked, a shop that is closed, while a purchase is under way', () => {
  test.each(['device_revoked', 'shop_closed'])(
    '%s, and cash does not know it yet: nothing definite before it has run out, then what cash says',
    async (reason) => {
      const { pay, shop, device, stage, asked } = await scene();
      stage.partners.script = (call) =>
        call === 'deviceOrder' || call === 'closeShop' ? NO_ANSWER : undefined;
      if (reason === 'device_revoked') await stage.revoke(device);
      else await stage.settle(stage.operator.closeShop({ shop: shop.number, reason: 'rent' }));
      const message = shop.purchase(9_000n, device);
      expect(codeOf(await pay(message))).toBe(`pending ${reason}`);
      // Its time is over, but perhaps not yet by cash's clock.
      await stage.pass(601_000);
      expect(codeOf(await pay(message))).toBe(`pending ${reason}`);
      expect(asked()).toEqual([]);
      await stage.pass(301_000);
      stage.partners.script = (call, request) =>
        call === 'pay'
          ? ok({
              kind: 'rejected',
              rejection: paymentRejection(request as CashPayRequest, { reason: 'order_expired' }),
            })
          : undefined;
      expect(codeOf(await pay(message))).toBe('rejected');
    },
  );

  test.each(['device_revoked', 'shop_closed'])(
    '%s, and cash knows it: cash says at once what was, or that nothing will be',
    async (reason) => {
      const { pay, shop, device, stage, asked } = await scene();
      const message = shop.purchase(9_000n, device);
      if (reason === 'device_revoked') await stage.revoke(device);
      else await stage.ask(() => stage.operator.closeShop({ shop: shop.number, reason: 'rent' }));
      stage.partners.script = (call, request) =>
        call === 'pay'
          ? ok({
              kind: 'rejected',
              rejection: paymentRejection(request as CashPayRequest, { reason: 'orders_closed' }),
            })
          : undefined;
      expect(codeOf(await pay(message))).toBe('rejected');
      expect(asked().length).toBe(1);
    },
  );
});

test('1,024 purchases in a frame, bad ones among them: one batch each of seals, calls, signatures, one write', async () => {
  const sizes = { open: [] as number[], verify: [] as number[] };
  const pool = {
    async verifyBatch(items: Parameters<typeof ed25519.verifyBatch>[0]) {
      sizes.verify.push(items.length);
      return ed25519.verifyBatch(items);
    },
    async verifyRecords() {
      throw new Error('expected no records');
    },
    async openBatch(options: Parameters<typeof hpke.openBatch>[0]) {
      sizes.open.push(options.items.length);
      return hpke.openBatch(options);
    },
  };
  const { stage, shop, device, asked } = await scene({}, undefined, { pool });
  const ids = Array.from({ length: 1_024 }, (_, i) => 10_000n + BigInt(i));
  const messages = shop.purchases(ids, device);
  const faults: { readonly [place: number]: readonly [string, (message: PayRequest) => PayRequest] } = {
    0: ['amount_mismatch', (message) => ({ ...message, amount: 2n })],
    17: ['number_seal_invalid', (message) => ({ ...message, number: messages[18]!.number })],
    511: ['kind_mismatch', (message) => ({ ...message, kind: 'authorisation' })],
    1023: ['malformed', (message) => ({ ...message, request: 0n })],
  };
  const sent = messages.map((message, i) => faults[i]?.[1](message) ?? message);
  stage.partners.script = (call, request, count) => {
    if (call !== 'pay') return undefined;
    const asking = request as CashPayRequest;
    if (count % 100 === 0) return NO_ANSWER;
    if (count % 101 === 0) return ok({ kind: 'paid', receipt: paymentReceipt(asking, { amount: 3n }) });
    if (count % 103 === 0) return ok({ kind: 'rejected', rejection: paymentRejection(asking) });
    return undefined;
  };
  const flushes = stage.disk.flushes;
  const { body, count } = await stage.settle(stage.role!.engine.submit(frameOf(sent, shop) as never));
  const got = answersOf(body, count);
  expect(got).toHaveLength(1_024);
  const cashAsked = asked().map(({ request }) => request);
  expect(cashAsked).toEqual(ids.filter((_, i) => faults[i] === undefined));
  got.forEach((result, i) => {
    const place = cashAsked.indexOf(ids[i]!) + 1;
    const expected =
      faults[i]?.[0] ??
      (place % 100 === 0
        ? 'pending paying'
        : place % 101 === 0
          ? 'pending paying_distrusted'
          : place % 103 === 0
            ? 'rejected'
            : 'paid');
    expect(codeOf(result), `at ${i}`).toBe(expected);
  });
  expect(sizes.open).toEqual([1_023]);
  expect(sizes.verify).toEqual([1_020 - 10 - 10]);
  expect(stage.disk.flushes - flushes).toBe(1);
  const page = await stage.settle(stage.operator.listRequests({ after: 9_999n, limit: 256 }));
  if (page.kind !== 'ok') throw new Error('expected a page');
  expect(page.answer.reports).toHaveLength(256);
  expect(page.answer.reports[0]).toMatchObject({
    request: 10_001n,
    kind: 'purchase',
    state: 'paid',
    device,
    amount: 1_250n,
    currency: EUR,
  });
});
