// Quotes of Cashu's interface (NUT-04): a merchant pays, somebody else mints.
import { describe, expect, test } from 'vitest';
import { noteCrypto } from '../../../src/crypto/index.ts';
import { MintRefused } from '../../../src/mint/errors.ts';
import { mintQuote } from '../../../src/notes/json/quotes.ts';
import type { Output } from '../../../src/notes/outputs.ts';
import { unblindAll } from '../../../src/notes/outputs.ts';
import { ISSUER_REFUSALS } from '../../../src/roles/issuer/errors.ts';
import type { PayQuoteRequest } from '../../../src/roles/issuer/messages.ts';
import {
  ACTIVE,
  anIssue,
  aPayment,
  EUR,
  newOutputs,
  noteIdsOf,
  notesOf,
  OTHER,
  SHOP,
  Simulation,
  UNNAMED,
  USD,
} from '../notes/support.ts';

const METHOD = 'specie';

const openQuote = (simulation: Simulation, amount = 100n) =>
  simulation.world.until(simulation.roles.issuer.mint.openMintQuote(METHOD, { amount, unit: 'eur' }));
const stateOf = async (simulation: Simulation, quote: string) =>
  (await simulation.world.until(simulation.roles.issuer.mint.mintQuote(METHOD, quote))).state;
const mint = (simulation: Simulation, quote: string, outputs: readonly Output[]) =>
  simulation.world.until(
    simulation.roles.issuer.mint
      .mint(METHOD, { quote, outputs: outputs.map(({ message }) => message) })
      .then(({ signatures }) => unblindAll(outputs, signatures, ACTIVE, noteCrypto))
      .catch((error: unknown) => {
        if (error instanceof MintRefused) return error.error ?? error.message;
        throw error;
      }),
  );

test('a quote is paid by a merchant, and minted once', async () => {
  const simulation = await Simulation.started();
  const { quote, request, state } = await openQuote(simulation);
  expect([request, state]).toEqual([`specie-quote:${quote}`, 'UNPAID']);
  const outputs = newOutputs(100n);
  expect(await mint(simulation, quote, outputs)).toBe('quote_not_paid');
  const payment = aPayment({ request: 5n, amount: 100n, quote, applyBy: simulation.applyBy });
  const answer = await simulation.ask(simulation.issuer().payQuote(payment));
  expect(answer).toMatchObject({ kind: 'paid', receipt: { document: { request: 5n, amount: 100n } } });
  expect(await simulation.ask(simulation.issuer().payQuote(payment))).toEqual(answer);
  expect(await stateOf(simulation, quote)).toBe('PAID');
  expect(await mint(simulation, quote, newOutputs(99n))).toBe('not_balanced');
  const notes = await mint(simulation, quote, outputs);
  expect(notes).toHaveLength(outputs.length);
  expect(await stateOf(simulation, quote)).toBe('ISSUED');
  expect(await mint(simulation, quote, outputs)).toEqual(notes);
  expect(await mint(simulation, quote, newOutputs(100n))).toBe('quote_issued');
  expect([simulation.cash.notes, simulation.totals().signed]).toEqual([100n, 100n]);
});

test('two pay one quote: one is debited, the other refused before money moves', async () => {
  const simulation = await Simulation.started();
  const { quote } = await openQuote(simulation);
  const payments = [
    aPayment({ request: 5n, amount: 100n, quote, applyBy: simulation.applyBy }),
    aPayment({ request: 6n, amount: 100n, quote, applyBy: simulation.applyBy, shop: OTHER }),
  ];
  const answers = await Promise.all([
    simulation.ask(simulation.issuer().payQuote(payments[0]!)),
    simulation.ask(simulation.issuer(OTHER.peer).payQuote(payments[1]!)),
  ]);
  expect(answers).toEqual([expect.objectContaining({ kind: 'paid' }), 'quote_paid']);
  const late = aPayment({ request: 7n, amount: 100n, quote, applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.issuer().payQuote(late))).toBe('quote_paid');
  expect([simulation.cash.shops.get(SHOP.shop), simulation.cash.shops.get(OTHER.shop)]).toEqual([
    9_900n,
    10_000n,
  ]);
});

test('rejected by cash: the quote waits for somebody else', async () => {
  const simulation = await Simulation.started();
  const { quote } = await openQuote(simulation);
  simulation.cash.shops.set(SHOP.shop, 99n);
  const payment = aPayment({ request: 5n, amount: 100n, quote, applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.issuer().payQuote(payment))).toMatchObject({
    kind: 'rejected',
    rejection: { document: { reason: 'exceeds_credits' } },
  });
  expect(await stateOf(simulation, quote)).toBe('UNPAID');
  const other = aPayment({ request: 6n, amount: 100n, quote, applyBy: simulation.applyBy, shop: OTHER });
  expect(await simulation.ask(simulation.issuer(OTHER.peer).payQuote(other))).toMatchObject({ kind: 'paid' });
});

test('outputs that an issue will have are not minted meanwhile', async () => {
  const simulation = await Simulation.started();
  const { quote } = await openQuote(simulation);
  const payment = aPayment({ request: 5n, amount: 100n, quote, applyBy: simulation.applyBy });
  await simulation.ask(simulation.issuer().payQuote(payment));
  simulation.cash.isDown = true;
  const outputs = newOutputs(100n);
  const issue = anIssue({ request: 6n, outputs, applyBy: simulation.applyBy });
  await simulation.ask(simulation.issuer().issueNotes(issue));
  expect(await mint(simulation, quote, outputs)).toBe('outputs_pending');
  simulation.cash.isDown = false;
  await simulation.finish();
  expect(await simulation.ask(simulation.issuer().issueNotes(issue))).toMatchObject({ kind: 'issued' });
  expect(await mint(simulation, quote, outputs)).toBe('outputs_signed');
  expect(await mint(simulation, quote, newOutputs(100n))).toHaveLength(3);
  expect([simulation.cash.notes, simulation.totals().signed]).toEqual([200n, 200n]);
});

describe('what is refused of a payment, and leaves no trace', () => {
  const good = { request: 5n, amount: 100n, applyBy: 2n ** 62n };
  const CASES: readonly [string, (quote: string) => PayQuoteRequest][] = [
    ['not_permitted', (quote) => aPayment({ ...good, quote, shop: OTHER })],
    ['order_invalid', (quote) => aPayment({ ...good, quote, changes: { action: 'withdraw' } })],
    ['order_invalid', (quote) => aPayment({ ...good, quote, request: 0n })],
    [
      'order_invalid',
      (quote) => ({ ...aPayment({ ...good, quote }), order: forged(aPayment({ ...good, quote })) }),
    ],
    ['currency_not_offered', (quote) => aPayment({ ...good, quote, currency: 392 })],
    ['order_mismatch', (quote) => ({ ...aPayment({ ...good, quote: 'another' }), quote })],
    ['order_mismatch', (quote) => aPayment({ ...good, quote, currency: USD })],
    ['quote_unknown', () => aPayment({ ...good, quote: '0'.repeat(32) })],
    ['quote_unknown', () => aPayment({ ...good, quote: 'no form of an id' })],
    ['amounts_mismatch', (quote) => aPayment({ ...good, quote, amount: 101n })],
  ];
  const forged = ({ order }: PayQuoteRequest) => ({ ...order, signature: new Uint8Array(64) });

  test.each(CASES)('%s (%#)', async (code, message) => {
    const simulation = await Simulation.started();
    const { quote } = await openQuote(simulation);
    const records = simulation.disks.issuer.records.size;
    expect(await simulation.ask(simulation.issuer().payQuote(message(quote)))).toBe(code);
    expect([simulation.cash.calls, simulation.disks.issuer.records.size]).toEqual([0, records]);
    expect(await stateOf(simulation, quote)).toBe('UNPAID');
  });

  test('a quote, or an order, whose time is over', async () => {
    const simulation = await Simulation.started({ issuer: { quoteExpirySeconds: 60 } });
    const { quote } = await openQuote(simulation);
    const late = aPayment({ ...good, quote, applyBy: simulation.world.now });
    expect(await simulation.ask(simulation.issuer().payQuote(late))).toBe('expired');
    simulation.world.now += 61_000_000_000n;
    const payment = aPayment({ ...good, request: 6n, quote, applyBy: simulation.applyBy });
    expect(await simulation.ask(simulation.issuer().payQuote(payment))).toBe('expired');
    expect(simulation.cash.calls).toBe(0);
  });

  test('every refusal of the issuer has been seen here or in issue.test.ts', () => {
    const here = new Set([...CASES.map(([code]) => code), 'expired', 'quote_paid']);
    const inIssues = [
      'keyset_unknown',
      'keyset_inactive',
      'output_invalid',
      'output_known',
      'reply_key_invalid',
    ];
    expect(ISSUER_REFUSALS.filter((code) => !here.has(code) && !inIssues.includes(code))).toEqual([]);
  });
});

describe('Cashu’s interface over a channel', () => {
  const call = async (simulation: Simulation, method: string, path: string, body: object = {}) => {
    const bytes = method === 'GET' ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(body));
    const answer = await simulation.ask(simulation.issuer(UNNAMED).mintCall({ method, path, body: bytes }));
    if (typeof answer === 'string') throw new Error(answer);
    return { status: answer.status, text: new TextDecoder().decode(answer.body) };
  };

  test('anyone opens a quote and sees how it stands', async () => {
    const simulation = await Simulation.started();
    const opened = await call(simulation, 'POST', '/v1/mint/quote/specie', { amount: 100, unit: 'eur' });
    const { quote } = mintQuote.decode(opened.text);
    await simulation.ask(
      simulation
        .issuer()
        .payQuote(aPayment({ request: 5n, amount: 100n, quote, applyBy: simulation.applyBy })),
    );
    const { text } = await call(simulation, 'GET', `/v1/mint/quote/specie/${quote}`);
    expect(mintQuote.decode(text)).toMatchObject({
      state: 'PAID',
      amount: 100n,
      unit: 'eur',
      method: METHOD,
    });
    expect((await call(simulation, 'POST', '/v1/mint/quote/specie', { amount: 1, unit: 'jpy' })).status).toBe(
      400,
    );
    expect((await call(simulation, 'POST', '/v1/mint/quote/bolt11', { amount: 1, unit: 'eur' })).status).toBe(
      400,
    );
    expect((await call(simulation, 'GET', '/v1/elsewhere')).status).toBe(404);
  });

  test('what the receiver does goes there, and what it asks of the issuer does not come back to it', async () => {
    const simulation = await Simulation.started();
    const notes = notesOf(4n);
    const { states } = await simulation.world.until(
      simulation.roles.issuer.mint.states({ noteIds: noteIdsOf(notes) }),
    );
    expect(states.map(({ state }) => state)).toEqual(['UNSPENT']);
    const outputs = newOutputs(4n).map(({ message }) => message);
    await simulation.world.until(simulation.roles.issuer.mint.swap({ inputs: notes, outputs }));
    // Signed by the receiver, found by either.
    for (const { mint } of [simulation.roles.issuer, simulation.roles.receiver]) {
      const restored = await simulation.world.until(mint.restore({ outputs }));
      expect(restored.signatures).toHaveLength(1);
    }
    const info = await simulation.world.until(simulation.roles.receiver.mint.info());
    expect([info.nuts.mint!.isDisabled, info.nuts.melt!.isDisabled]).toEqual([false, false]);
    // By itself the issuer knows nothing of states: to say that all are unspent would be a lie.
    const role = { kind: 'role', role: 'receiver', keyId: new Uint8Array(8) } as const;
    for (const path of ['/v1/checkstate', '/v1/swap']) {
      const body = new TextEncoder().encode(path === '/v1/swap' ? '{"inputs":[],"outputs":[]}' : '{"Ys":[]}');
      const answer = await simulation.ask(simulation.issuer(role).mintCall({ method: 'POST', path, body }));
      expect(answer).toMatchObject({ status: 400 });
    }
    const found = await simulation.ask(
      simulation.receiver({ ...role, role: 'issuer' }).findSignatures({
        blinded: [outputs[0]!.blinded, newOutputs(1n)[0]!.message.blinded],
      }),
    );
    expect(found).toMatchObject({ found: [{ amount: 4n, keysetId: ACTIVE.id }, undefined] });
  });
});

test('a currency that is offered has the unit of its code', async () => {
  const simulation = await Simulation.started();
  const { keysets } = await simulation.world.until(simulation.roles.issuer.mint.keysets());
  expect(new Set(keysets.map(({ unit }) => unit))).toEqual(new Set(['eur', 'usd']));
  expect(EUR).toBe(978);
});
