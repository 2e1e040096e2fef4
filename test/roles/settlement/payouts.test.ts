// Pages of payouts against a bank in memory: whatever is lost, doubled or late on the way, and wherever settlement crashes,
// each payout is paid once or not at all, and its receipts say which.
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { ibanOf, readPaymentInitiation } from '../../../src/iso20022/index.ts';
import { PayoutOrder, PayoutReceipt } from '../../../src/roles/documents/payout.ts';
import { ShopEnrolment } from '../../../src/roles/documents/shop-enrolment.ts';
import type { PayOutRequest, PayoutInstruction } from '../../../src/roles/settlement/payout-messages.ts';
import { type ChannelScript, type Fate, ScriptedBank } from './scripted-channel.ts';
import {
  CASH,
  DEVICE,
  EUR,
  keyIdOf,
  OPERATOR,
  SEALING,
  SIGNING,
  Simulation,
  sealedAccount,
  signingPair,
} from './support.ts';

const IBAN = ibanOf('DE', '370400440532013000');
const OTHER = signingPair('another shop');

interface PayoutFields {
  readonly payout: bigint;
  readonly amount?: bigint;
  readonly currency?: number;
  readonly accountNumber?: string;
  /** Whose key is sealed with the number. */
  readonly sealedKey?: typeof DEVICE;
  readonly signer?: typeof CASH;
}

function payoutOf(fields: PayoutFields): PayoutInstruction {
  const { payout, amount = 1_250n, currency = EUR, accountNumber = IBAN, signer = CASH } = fields;
  const document: PayoutOrder = {
    ...{ keyId: keyIdOf(signer.publicKey), payout, window: 3n, shop: (1n << 80n) + payout },
    ...{ signingKey: DEVICE.publicKey, amount, currency, timestamp: 5n },
  };
  const order = { document, signature: ed25519.sign(signer.secretKey, PayoutOrder.signedBytes(document)) };
  const binding = { purpose: 'payout', request: 900n + payout } as const;
  const account = sealedAccount({ binding, accountNumber, device: fields.sealedKey ?? DEVICE, to: SEALING });
  const enrolment: ShopEnrolment = {
    ...{ request: binding.request, signingKey: DEVICE.publicKey, channelKey: OTHER.publicKey },
    ...{ name: 'a shop', account, applyBy: 1n << 62n },
  };
  const signature = ed25519.sign(DEVICE.secretKey, ShopEnrolment.signedBytes(enrolment));
  return { order, enrolment: { document: enrolment, signature } };
}

const page = (payouts: readonly PayoutFields[], id = 77n): PayOutRequest => ({
  page: id,
  payouts: payouts.map(payoutOf),
});

/** One is paid, one has no IBAN, one is another shop's number. */
const PAGE = page([
  { payout: 1n },
  { payout: 2n, accountNumber: '9999001234567893' },
  { payout: 3n, sealedKey: OTHER },
]);
const ENDS = ['1 booked ', '2 rejected AC01', '3 rejected account_mismatch'];

function setUp(script: ChannelScript = {}) {
  let bank!: ScriptedBank;
  const simulation = new Simulation({
    payments: (isAlive, world) => {
      bank ??= new ScriptedBank(world, script);
      return bank.connect(isAlive, world);
    },
  });
  return { simulation, bank: () => bank };
}

/** Receipts as they are told, each checked. */
async function outcomes(simulation: Simulation, pages: readonly PayOutRequest[] = [PAGE]): Promise<string[]> {
  const result = await simulation.world.until(simulation.client().listOutcomes({ after: 0n, limit: 64 }));
  if (result.kind !== 'ok') return [];
  const orders = new Map(
    pages.flatMap(({ payouts }) => payouts.map(({ order }) => [order.document.payout, order.document])),
  );
  return result.answer.receipts.map(({ document, signature }) => {
    const { payout, amount, currency, orderDigest, outcome, reason } = document;
    expect(ed25519.verify(SIGNING.publicKey, PayoutReceipt.signedBytes(document), signature)).toBe(true);
    const order = orders.get(payout)!;
    expect({ amount, currency }).toEqual({ amount: order.amount, currency: order.currency });
    expect(Buffer.compare(orderDigest, sha256(PayoutOrder.codec.encode(order)))).toBe(0);
    return `${payout} ${outcome} ${reason}`;
  });
}

/** Hands the page over, whatever crashes, until each payout has an outcome. */
async function play(simulation: Simulation, request = PAGE): Promise<string[]> {
  for (let tries = 0; tries < 60; tries++) {
    if (simulation.isDown) await simulation.start();
    const result = await simulation.world.until(simulation.client().payOut(request));
    if (result.kind === 'refused') throw new Error(result.refusal.message);
    await simulation.world.pass(result.kind === 'ok' ? 7_000 : 500);
    if (simulation.isDown) continue;
    const told = await outcomes(simulation, [request]);
    if (told.length >= request.payouts.length) return told.sort();
  }
  throw new Error('expected outcomes, got none');
}

async function debits(bank: ScriptedBank): Promise<number> {
  const { document = '' } = await bank.bank.statement(0n);
  return document.match(/<CdtDbtInd>DBIT<\/CdtDbtInd>\s*<Sts>/g)?.length ?? 0;
}

test('a page is instructed, and its outcomes are told', async () => {
  const { simulation, bank } = setUp();
  await simulation.start();
  expect(await play(simulation)).toEqual(ENDS);
  expect(await debits(bank())).toBe(1);
  const { payments } = readPaymentInitiation(bank().submitted[0]!);
  expect(
    payments.flatMap(({ transactions }) =>
      transactions.map(({ endToEndId, amount }) => [endToEndId, amount]),
    ),
  ).toEqual([1n, 2n].map((payout) => [payout.toString(16).padStart(32, '0'), 1_250n]));
  // The number stands in nothing that is stored, logged or answered.
  expect(simulation.everything()).not.toContain(IBAN);
});

describe('on the way', () => {
  const fates: readonly Fate[] = ['lost_before', 'lost_after', 'late', 'twice', 'garbage'];
  test.each(fates.flatMap((first) => fates.map((second) => [first, second] as const)))(
    'submit: %s, then %s',
    async (first, second) => {
      const { simulation, bank } = setUp({ submit: [first, second], status: [second], statements: [first] });
      await simulation.start();
      expect(await play(simulation)).toEqual(ENDS);
      await simulation.world.pass(60_000);
      expect(await debits(bank())).toBe(1);
    },
  );
});

test('a crash at every point', async () => {
  const script: ChannelScript = { submit: ['lost_after'] };
  let points = 0;
  const count = setUp(script);
  count.simulation.trace = () => void points++;
  await count.simulation.start();
  await play(count.simulation);
  expect(points).toBeGreaterThan(15);
  for (let end = 1; end <= points; end++) {
    const { simulation, bank } = setUp(script);
    let point = 0;
    simulation.trace = () => {
      if (++point === end) simulation.crash(end % 2 === 0);
    };
    await simulation.start();
    expect([end, await play(simulation)]).toEqual([end, ENDS]);
    expect(await debits(bank())).toBe(1);
  }
});

test('what comes back is told after it was booked', async () => {
  const { simulation, bank } = setUp();
  await simulation.start();
  bank().faults.set({ return: { probability: 1, code: 'MD07', afterMs: 3_600_000 } });
  await play(simulation);
  await simulation.world.pass(3_700_000);
  expect(await outcomes(simulation)).toContain('1 returned MD07');
});

test('a statement that is not believed holds up what follows, and health says so', async () => {
  const { simulation } = setUp({ statements: Array.from({ length: 8 }, () => 'garbage' as const) });
  await simulation.start();
  await simulation.world.until(simulation.client().payOut(PAGE));
  await simulation.world.pass(9_000);
  const health = () => simulation.settlement.engine.health();
  expect(health()).toMatchObject({ status: 'degraded', detail: { statements: expect.stringMatching(/./) } });
  expect(await outcomes(simulation)).not.toContain('1 booked ');
  expect(simulation.everything().match(/a statement is not believed/g)).toHaveLength(1);
  await simulation.world.pass(20_000);
  expect(await outcomes(simulation)).toContain('1 booked ');
  expect(health().status).toBe('ok');
  expect(health().detail).not.toHaveProperty('statements');
});

describe('refused', () => {
  const refusalOf = async (request: PayOutRequest, before?: PayOutRequest): Promise<string> => {
    const { simulation } = setUp();
    await simulation.start();
    if (before !== undefined) await simulation.world.until(simulation.client().payOut(before));
    const result = await simulation.world.until(simulation.client().payOut(request));
    return result.kind === 'refused' ? result.refusal.code : result.kind;
  };

  test("another signature than cash's", async () => {
    expect(await refusalOf(page([{ payout: 1n, signer: OTHER }]))).toBe('signature_invalid');
    const forged = page([{ payout: 1n }, { payout: 2n }]);
    const [good, bad] = forged.payouts as [PayoutInstruction, PayoutInstruction];
    const order = { ...bad.order, document: { ...bad.order.document, amount: 99n } };
    expect(await refusalOf({ page: 1n, payouts: [good!, { ...bad, order }] })).toBe('signature_invalid');
  });

  test('a payout of another page: it would be paid twice', async () => {
    const first = page([{ payout: 1n }], 1n);
    expect(await refusalOf(page([{ payout: 1n }], 2n), first)).toBe('payout_known');
    expect(await refusalOf(page([{ payout: 1n }, { payout: 1n }]))).toBe('page_invalid');
    expect(await refusalOf(page([]))).toBe('page_invalid');
  });

  test('other things under the name of a page', async () => {
    expect(await refusalOf(page([{ payout: 2n }], 1n), page([{ payout: 1n }], 1n))).toBe('request_differs');
  });

  test('a currency that is not offered, nothing', async () => {
    expect(await refusalOf(page([{ payout: 1n, currency: 840 }]))).toBe('currency_not_offered');
    expect(await refusalOf(page([{ payout: 1n, amount: 0n }]))).toBe('amount_too_small');
  });

  test('without an institution', async () => {
    const simulation = new Simulation();
    await simulation.start();
    const result = await simulation.world.until(simulation.client().payOut(PAGE));
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'payouts_not_offered' } });
  });

  test('by operators', async () => {
    const { simulation } = setUp();
    await simulation.start();
    const result = await simulation.world.until(simulation.client(OPERATOR).payOut(PAGE));
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
  });
});
