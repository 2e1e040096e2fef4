// Quotes that a shop sells: each paid once, or its price given back, whatever dies in between.
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../../src/roles/documents/note-order.ts';
import type { PayQuoteAnswer, PayQuoteRequest } from '../../src/roles/issuer/messages.ts';
import { articleOf, type CounterIssuer } from '../../src/shop/counter.ts';
import { keySets, START, seededBytes } from '../identity/support.ts';
import { line, order, Stage, sign } from './support.ts';

const QUOTE = 'q-1';
const [cash] = keySets.cash;
const keyId = keyIdOf(cash.signing.publicKey, sha256);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

type Answer = PayQuoteAnswer | Refusal<string> | 'silence' | 'lost' | undefined;

/** Keeps what it has done by request, as the real one does; takes nothing twice. */
class Issuer implements CounterIssuer {
  readonly quotes = new Map([[QUOTE, { amount: 2_000n, unit: 'eur', state: 'UNPAID' }]]);
  readonly orders = new Map<bigint, PayQuoteRequest>();
  readonly paid: bigint[] = [];
  script: (request: PayQuoteRequest, count: number) => Answer = () => undefined;
  count = 0;
  called: () => void = () => {};

  async quote(id: string) {
    return this.quotes.get(id);
  }

  async payQuote(request: PayQuoteRequest): Promise<CallResult<PayQuoteAnswer>> {
    this.called();
    const { document } = request.order;
    const before = this.orders.get(document.request);
    if (before !== undefined) expect(request).toEqual(before);
    this.orders.set(document.request, request);
    const scripted = this.script(request, ++this.count);
    if (scripted instanceof Refusal) return { kind: 'refused', refusal: scripted };
    if (scripted === 'silence') return { kind: 'unknown', reason: 'no answer' };
    if (scripted !== undefined && scripted !== 'lost') return { kind: 'ok', answer: scripted };
    if (!this.paid.includes(document.request)) this.paid.push(document.request);
    if (scripted === 'lost') return { kind: 'unknown', reason: 'no answer' };
    return { kind: 'ok', answer: { kind: 'paid', receipt: receiptOf(document) } };
  }
}

function receiptOf(order: NoteOrder, change: Partial<NoteReceipt> = {}, key = cash.signing) {
  const { request, action, amount, currency, reference } = order;
  const content = { keyId, request, action, amount, currency, reference, timestamp: START };
  return sign(NoteReceipt, { ...content, ...change }, key);
}

function rejectionOf(order: NoteOrder): PayQuoteAnswer {
  const orderDigest = sha256(NoteOrder.codec.encode(order));
  const document = {
    keyId,
    request: order.request,
    orderDigest,
    reason: 'exceeds_credits',
    rejectedAt: START,
  };
  return { kind: 'rejected', rejection: sign(NoteRejection, document, cash.signing) };
}

const notes = (quote = QUOTE, amount = 2_000n) => ({ amount, articles: [line(articleOf(quote), 1, amount)] });
const PURCHASE = 77n;

async function sold(stage: Stage): Promise<void> {
  const charge = await stage.settle(stage.shop.counter.sell(`specie-quote:${QUOTE}`));
  expect(charge.amount).toBe(2_000n);
  void stage.bought(order(PURCHASE, notes(), { offer: charge.code })).catch(() => {});
}

async function end(stage: Stage): Promise<string> {
  for (let i = 0; i < 400; i++) {
    const state = stage.shop.counter.find(PURCHASE)?.state.kind;
    if (state !== undefined && state !== 'open' && state !== 'giving_back') return state;
    await stage.pass(250);
  }
  return 'open';
}

describe('a quote that is sold', () => {
  test('is paid from what was sold, by the order that the shop has signed', async () => {
    const issuer = new Issuer();
    const stage = new Stage(undefined, { issuer });
    await sold(stage);
    expect(await end(stage)).toBe('paid');
    const [{ order: signed, quote } = { order: undefined, quote: '' }] = issuer.orders.values();
    expect(quote).toBe(QUOTE);
    expect(signed!.document).toMatchObject({
      action: 'issue',
      source: 'sales',
      amount: 2_000n,
      currency: 978,
    });
    expect(signed!.document.reference).toEqual(sha256(bytesOf(QUOTE)));
    expect(stage.management.done.size).toBe(0);
  });

  test('is not given back by hand: the money has gone on', async () => {
    const stage = new Stage(undefined, { issuer: new Issuer() });
    await sold(stage);
    await end(stage);
    const refund = stage.shop.till('1').refund(PURCHASE);
    await expect(stage.settle(refund)).rejects.toMatchObject({ code: 'wrong_state' });
  });

  test.each(['lost', 'silence'] as const)('is paid once when an answer is missing: %s', async (missing) => {
    const issuer = new Issuer();
    issuer.script = (_, count) => (count < 4 ? missing : undefined);
    const stage = new Stage(undefined, { issuer });
    await sold(stage);
    expect(await end(stage)).toBe('paid');
    expect(issuer.paid.length).toBe(1);
    expect(issuer.orders.size).toBe(1);
  });

  const never: [string, (request: PayQuoteRequest) => Answer][] = [
    ['cash rejects it', ({ order }) => rejectionOf(order.document)],
    [
      'the issuer refuses it',
      () => new Refusal('expired', 'expected a quote that stands, got one that has expired'),
    ],
  ];
  test.each(never)('is given back, once, when %s', async (_, script) => {
    const issuer = new Issuer();
    issuer.script = script;
    const stage = new Stage(undefined, { issuer });
    stage.management.script.order = (_, count) => (count < 3 ? 'lost' : undefined);
    await sold(stage);
    expect(await end(stage)).toBe('given_back');
    expect([...stage.management.done.values()]).toMatchObject([
      { action: 'refund', purchase: PURCHASE, amount: 2_000n },
    ]);
    expect(stage.shop.sale(PURCHASE)).toMatchObject({ refunded: 2_000n });
  });

  const wrong: [string, (order: NoteOrder) => PayQuoteAnswer][] = [
    ['another amount', (order) => ({ kind: 'paid', receipt: receiptOf(order, { amount: 1n }) })],
    ['another request', (order) => ({ kind: 'paid', receipt: receiptOf(order, { request: 1n }) })],
    ['another action', (order) => ({ kind: 'paid', receipt: receiptOf(order, { action: 'fund' }) })],
    [
      'another reference',
      (order) => ({ kind: 'paid', receipt: receiptOf(order, { reference: new Uint8Array(32) }) }),
    ],
    [
      'another key',
      (order) => ({
        kind: 'paid',
        receipt: receiptOf(order, {}, generateKeyPair('signing', seededBytes(5))),
      }),
    ],
  ];
  test.each(wrong)('is not believed to be paid by a receipt of %s', async (_, answer) => {
    const issuer = new Issuer();
    issuer.script = ({ order }, count) => (count === 1 ? answer(order.document) : 'silence');
    const stage = new Stage(undefined, { issuer });
    await sold(stage);
    await stage.pass(5_000);
    expect(issuer.count).toBeGreaterThan(1);
    expect(stage.shop.counter.find(PURCHASE)).toMatchObject({ state: { kind: 'open' } });
    issuer.script = () => undefined;
    expect(await end(stage)).toBe('paid');
  });

  test('is paid or given back once, whenever the shop dies', async () => {
    let reached = 0;
    for (const rejects of [false, true]) {
      for (let at = 1; at <= 12; at++) {
        const issuer = new Issuer();
        const stage: Stage = new Stage(undefined, { issuer });
        let calls = 0;
        // Before the issuer hears of it, and with its answer on the way.
        issuer.called = () => {
          if (++calls === 1) stage.world.setTimer(() => stage.crash(at % 2 === 0), at - 1);
        };
        issuer.script = ({ order }) => (rejects ? rejectionOf(order.document) : undefined);
        await sold(stage);
        await stage.pass(at * 3);
        if (stage.crashes === 0) stage.crash(at % 3 === 0);
        await stage.pass(2_000);
        // Died before the purchase was written down: the customer has paid nothing, and the offer is gone.
        if (stage.shop.sale(PURCHASE) === undefined) continue;
        reached++;
        expect(await end(stage)).toBe(rejects ? 'given_back' : 'paid');
        expect(issuer.orders.size).toBe(1);
        expect(issuer.paid.length).toBe(rejects ? 0 : 1);
        const refunds = [...stage.management.done.values()].reduce((sum, { amount }) => sum + amount, 0n);
        expect(refunds).toBe(rejects ? 2_000n : 0n);
      }
    }
    expect(reached).toBeGreaterThan(12);
  });
});

describe('a quote', () => {
  const refusals: [string, string, Partial<{ amount: bigint; unit: string; state: string }>, string][] = [
    ['that the issuer does not know', 'q-2', {}, 'quote_unknown'],
    ['of another unit', QUOTE, { unit: 'usd' }, 'wrong_state'],
    ['of local notes', QUOTE, { unit: 'eur@campus' }, 'wrong_state'],
    ['that is paid', QUOTE, { state: 'PAID' }, 'wrong_state'],
    ['that is none', 'a b', {}, 'invalid_argument'],
  ];
  test.each(refusals)('%s is not sold', async (_, quote, change, code) => {
    const issuer = new Issuer();
    issuer.quotes.set(QUOTE, { ...issuer.quotes.get(QUOTE)!, ...change });
    const stage = new Stage(undefined, { issuer });
    await expect(stage.settle(stage.shop.counter.sell(quote))).rejects.toMatchObject({ code });
  });

  test('is not paid by goods of its name', async () => {
    const issuer = new Issuer();
    const stage = new Stage(undefined, { issuer });
    await stage.settle(stage.shop.counter.sell(QUOTE));
    const charge = stage.shop.till('1').charge([{ article: articleOf(QUOTE), price: 1n }]);
    await stage.bought(order(PURCHASE, notes(QUOTE, 1n), { offer: charge.code }));
    await stage.pass(2_000);
    expect(stage.shop.counter.find(PURCHASE)).toBeUndefined();
    expect(issuer.orders.size).toBe(0);
  });

  test('cannot be sold where there is no issuer', () => {
    expect(() => new Stage().shop.counter).toThrow(expect.objectContaining({ code: 'not_offered' }));
  });
});
