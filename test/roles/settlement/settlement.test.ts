// Settlement as a whole, through its engine, with a scripted institution.
import { fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import { CreditReceipt, type SignedCreditRejection } from '../../../src/roles/documents/receipts.ts';
import { ChargeRequest, SettlementOperation } from '../../../src/roles/settlement/messages.ts';
import { reversalId } from '../../../src/roles/settlement/reversal-id.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { FAULTS, referenceOf, type Script } from './scripted-institution.ts';
import {
  ACCOUNT_NUMBER,
  CASH,
  chargeRequest,
  EUR,
  HOUR_NS,
  isReceiptOf,
  keyIdOf,
  MANAGEMENT,
  OPERATOR,
  rejectedReversal,
  rejectionOf,
  reversalOf,
  SEALING,
  SIGNING,
  Simulation,
  type SimulationOptions,
  sealedAccount,
  sealingPair,
  signedOrder,
  signingPair,
} from './support.ts';

async function started(options?: SimulationOptions): Promise<Simulation> {
  const simulation = new Simulation(options);
  await simulation.start();
  return simulation;
}

const requestOf = (simulation: Simulation, request = 7n) =>
  chargeRequest({ request, applyBy: simulation.applyBy });

/** Asks with one and the same message until it is final. */
function charged(simulation: Simulation, request = 7n) {
  const message = requestOf(simulation, request);
  return simulation.insist((client) => client.charge(message));
}

describe('a charge', () => {
  test('is made once, and its receipt is the same for ever', async () => {
    const simulation = await started();
    const request = requestOf(simulation);
    const answer = await simulation.insist((client) => client.charge(request));
    if (answer.kind !== 'charged') throw new Error(answer.kind);
    expect(isReceiptOf(answer.receipt, request)).toBe(true);
    expect(answer.receipt.document.institutionReference).toBe(referenceOf({ reference: 7n }));
    expect(simulation.institution.charged(7n)).toEqual({ times: 1, held: false });
    await simulation.world.pass(60_000);
    expect(await simulation.insist((client) => client.charge(request))).toEqual(answer);
    await simulation.close();
    await simulation.start();
    expect(await simulation.insist((client) => client.charge(request))).toEqual(answer);
    expect(simulation.institution.calls.map(({ call }) => call)).toEqual(['authorise', 'capture']);
    expect(simulation.institution.calls[0]!.order).toEqual({
      reference: 7n,
      accountNumber: ACCOUNT_NUMBER,
      amount: 2500n,
      currency: EUR,
      time: simulation.institution.calls[1]!.order.time,
    });
  });

  test('that is known is answered when its keys are gone, another one is not', async () => {
    const simulation = await started();
    const request = requestOf(simulation);
    const answer = await simulation.insist((client) => client.charge(request));
    simulation.keys = { ...simulation.keys, sealing: () => undefined };
    expect(await simulation.insist((client) => client.charge(request))).toEqual(answer);
    await expect(charged(simulation, 8n)).rejects.toThrow('seal_key_unknown');
  });

  test('sealed to a key that settlement hears of a moment later is made', async () => {
    const simulation = await started();
    const { keys } = simulation;
    simulation.keys = { ...keys, sealing: () => undefined };
    const client = simulation.client();
    const early = client.charge(requestOf(simulation, 1n));
    const stranger = sealingPair('stranger');
    const never = client.charge(chargeRequest({ request: 2n, applyBy: simulation.applyBy, to: stranger }));
    const before = simulation.world.now;
    await simulation.world.pass(300);
    simulation.keys = keys;
    expect(await simulation.world.until(early)).toMatchObject({ answer: { kind: 'charged' } });
    expect(await simulation.world.until(never)).toMatchObject({ refusal: { code: 'seal_key_unknown' } });
    expect(simulation.world.now - before).toBe(600_000_000n);
  });

  test('that is not through in time is pending, and goes on', async () => {
    const simulation = await started({ script: { authorise: ['lost_before'] } });
    const request = requestOf(simulation);
    const before = simulation.world.now;
    expect(await simulation.world.until(simulation.client().charge(request))).toEqual({
      kind: 'ok',
      answer: { kind: 'pending', state: 'authorising' },
    });
    expect(simulation.world.now - before).toBe(250_000_000n);
    expect(await simulation.insist((client) => client.charge(request))).toMatchObject({ kind: 'charged' });
  });

  test('of another content under the same id is refused', async () => {
    const simulation = await started();
    const request = requestOf(simulation);
    await simulation.insist((client) => client.charge(request));
    const again = requestOf(simulation);
    await expect(simulation.insist((client) => client.charge(again))).rejects.toThrow('request_differs');
    expect(simulation.institution.charged(7n).times).toBe(1);
  });

  test('whose time is over is never asked for', async () => {
    const simulation = await started();
    const request = chargeRequest({ request: 7n, applyBy: simulation.world.now });
    expect(await simulation.insist((client) => client.charge(request))).toEqual({ kind: 'expired' });
    simulation.world.now -= HOUR_NS;
    expect(await simulation.insist((client) => client.charge(request))).toEqual({ kind: 'expired' });
    expect(simulation.institution.calls).toEqual([]);
  });

  test('whose turn comes after its time is not asked for', async () => {
    const simulation = await started({
      limits: { institutionCallsMax: 1 },
      script: { authorise: ['lost_after'] },
    });
    const first = simulation.client().charge(requestOf(simulation, 1n));
    const late = chargeRequest({ request: 2n, applyBy: simulation.world.now + 500_000_000n });
    const second = simulation.client().charge(late);
    await simulation.world.until(Promise.all([first, second]));
    expect(await simulation.insist((client) => client.charge(late))).toEqual({ kind: 'expired' });
    expect(simulation.institution.calls.some(({ order }) => order.reference === 2n)).toBe(false);
  });

  test('of a device of its own, many at a time, bounded at the institution', async () => {
    const simulation = await started({ limits: { institutionCallsMax: 8 } });
    const requests = Array.from({ length: 50 }, (_, i) => requestOf(simulation, BigInt(100 + i)));
    const bad = requests.map((request, i) =>
      i % 7 === 3 ? { ...request, order: { ...request.order, signature: new Uint8Array(64) } } : request,
    );
    const client = simulation.client();
    const results = await simulation.world.until(Promise.all(bad.map((request) => client.charge(request))));
    results.forEach((result, i) => {
      if (i % 7 === 3) {
        expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'signature_invalid' } });
        expect(simulation.institution.books.has(BigInt(100 + i))).toBe(false);
      } else {
        expect(result).toMatchObject({ kind: 'ok', answer: { kind: 'charged' } });
        expect(simulation.institution.charged(BigInt(100 + i))).toEqual({ times: 1, held: false });
      }
    });
    expect(simulation.institution.underWayMax).toBe(8);
  });

  test('twice in one batch is one charge', async () => {
    const simulation = await started();
    const request = requestOf(simulation);
    const client = simulation.client();
    const [first, second] = await simulation.world.until(
      Promise.all([client.charge(request), client.charge(request)]),
    );
    expect(first).toMatchObject({ answer: { kind: 'charged' } });
    expect(second).toEqual(first);
    expect(simulation.institution.calls.length).toBe(2);
  });

  test('is declined in the words of the institution', async () => {
    const simulation = await started({ script: { authorise: ['decline'] } });
    const request = requestOf(simulation);
    const declined = { kind: 'declined', reason: 'insufficient_funds' };
    expect(await simulation.insist((client) => client.charge(request))).toEqual(declined);
    expect(await simulation.insist((client) => client.charge(request))).toEqual(declined);
    expect(simulation.institution.calls.length).toBe(1);
  });

  test('whose capture is declined is reversed', async () => {
    const simulation = await started({ script: { capture: ['decline'] } });
    const answer = await charged(simulation);
    expect(answer).toEqual({ kind: 'reversed', reason: 'format_error' });
    expect(simulation.institution.charged(7n)).toEqual({ times: 0, held: false });
  });

  test('is reversed when inquiry brings no result for too long', async () => {
    const simulation = await started({
      script: { authorise: ['lost_after'], inquire: Array(200).fill('lost_before') },
      limits: { inquireForMs: 30_000 },
    });
    const before = simulation.world.now;
    const answer = await charged(simulation);
    expect(answer).toEqual({ kind: 'reversed', reason: 'outcome_unknown' });
    expect(simulation.world.now - before).toBeGreaterThan(30_000_000_000n);
    expect(simulation.institution.charged(7n)).toEqual({ times: 0, held: false });
    const inquiries = simulation.institution.calls.filter(({ call }) => call === 'inquire').length;
    // Each waits for a second, and for a pause that doubles.
    expect(inquiries).toBeGreaterThan(4);
    expect(inquiries).toBeLessThan(15);
  });

  test('that the institution does not know is authorised again, with the same reference', async () => {
    const simulation = await started({ script: { authorise: ['lost_before', 'lost_before'] } });
    const answer = await charged(simulation);
    expect(answer).toMatchObject({ kind: 'charged' });
    const calls = simulation.institution.calls.map(({ call }) => call);
    expect(calls).toEqual(['authorise', 'inquire', 'authorise', 'inquire', 'authorise', 'capture']);
    expect(
      new Set(
        simulation.institution.calls.map(({ order }) =>
          JSON.stringify({
            ...order,
            reference: String(order.reference),
            amount: String(order.amount),
            time: String(order.time),
          }),
        ),
      ).size,
    ).toBe(1);
  });

  test('whose outcome could not be stored is inquired about, not asked for again', async () => {
    const simulation = await started();
    const request = requestOf(simulation);
    simulation.institution.onCall = (call, point) => {
      if (call === 'authorise' && point === 'after') simulation.disk.isFull = true;
    };
    await simulation.world.until(simulation.client().charge(request));
    await simulation.world.pass(3000);
    simulation.institution.onCall = undefined;
    simulation.disk.isFull = false;
    expect(await simulation.insist((client) => client.charge(request))).toMatchObject({ kind: 'charged' });
    const calls = simulation.institution.calls.map(({ call }) => call);
    expect(calls.filter((call) => call === 'authorise').length).toBe(1);
    expect(calls).toContain('inquire');
  });

  test('is captured when the key that opens its seal comes back', async () => {
    const simulation = await started({ script: { capture: ['lost_before'] } });
    const request = requestOf(simulation);
    const { keys } = simulation;
    await simulation.world.until(simulation.client().charge(request));
    simulation.keys = { ...keys, storedSealing: () => undefined };
    await simulation.world.pass(10_000);
    expect(await simulation.world.until(simulation.client().charge(request))).toMatchObject({
      answer: { kind: 'pending', state: 'capturing' },
    });
    expect(simulation.told.logs).toContainEqual({
      level: 'error',
      fields: { request: '7', refusal: 'seal_key_unknown' },
      message: 'the seal of a stored charge does not open',
    });
    simulation.keys = keys;
    expect(await simulation.insist((client) => client.charge(request))).toMatchObject({ kind: 'charged' });
  });
});

describe('a reversal', () => {
  test.each([
    ['ok'],
    ['lost_before'],
    ['lost_after'],
    ['late'],
    ['garbage'],
    ['reject'],
    ['decline'],
  ] as const)('gives back what was charged, once, after an answer that is %s', async (fault) => {
    const simulation = await started({ script: { reverse: [fault, fault] } });
    const request = requestOf(simulation);
    await simulation.insist((client) => client.charge(request));
    const reversal = rejectedReversal(request);
    const reversed = { kind: 'reversed', reason: 'not credited' };
    expect(await simulation.insist((client) => client.reverse(reversal))).toEqual(reversed);
    expect(await simulation.insist((client) => client.reverse(reversal))).toEqual(reversed);
    expect(await simulation.insist((client) => client.charge(request))).toEqual(reversed);
    await simulation.finish();
    expect(simulation.institution.charged(7n)).toEqual({ times: 0, held: false });
  });

  describe('of what is charged, and has a receipt', () => {
    const other = (request: ChargeRequest) => ({
      ...request,
      order: signedOrder({ request: 7n, amount: 2501n, applyBy: request.order.document.applyBy }),
    });
    const cases: Record<string, [(charge: ChargeRequest) => SignedCreditRejection | undefined, string]> = {
      'without a rejection': [() => undefined, 'rejection_required'],
      'with one of another request': [(charge) => rejectionOf(charge, { request: 8n }), 'rejection_mismatch'],
      'with one of another amount': [(charge) => rejectionOf(charge, { amount: 1n }), 'rejection_mismatch'],
      'with one of another currency': [
        (charge) => rejectionOf(charge, { currency: 840 }),
        'rejection_mismatch',
      ],
      'with one of another order': [
        (charge) => rejectionOf(charge, { orderDigest: rejectionOf(other(charge)).document.orderDigest }),
        'rejection_mismatch',
      ],
      'with one by a key that is not listed': [
        (charge) => rejectionOf(charge, {}, signingPair('somebody')),
        'rejection_invalid',
      ],
      'with one by settlement itself': [(charge) => rejectionOf(charge, {}, SIGNING), 'rejection_invalid'],
      "with one that names cash's key and is by another": [
        (charge) => rejectionOf(charge, { keyId: keyIdOf(CASH.publicKey) }, signingPair('somebody')),
        'rejection_invalid',
      ],
      "with cash's signature over another": [
        (charge) => ({
          ...rejectionOf(charge),
          signature: rejectionOf(charge, { reason: 'closed' }).signature,
        }),
        'rejection_invalid',
      ],
      "with a credit receipt's signature": [
        (charge) => {
          const { document } = rejectionOf(charge);
          const { orderDigest, reason, rejectedAt, ...same } = document;
          const credited = CreditReceipt.signedBytes({ ...same, timestamp: rejectedAt });
          return { document, signature: ed25519.sign(CASH.secretKey, credited) };
        },
        'rejection_invalid',
      ],
    };

    test.each(Object.entries(cases))('%s: nothing changes', async (_, [make, code]) => {
      const simulation = await started();
      const request = requestOf(simulation);
      const answer = await simulation.insist((client) => client.charge(request));
      const before = new Map(simulation.disk.records);
      const reversal = { request: 7n, reason: 'x', rejection: make(request) };
      for (let i = 0; i < 2; i++) {
        await expect(simulation.insist((client) => client.reverse(reversal))).rejects.toThrow(code);
      }
      await simulation.finish();
      expect(simulation.disk.records).toEqual(before);
      expect(await simulation.insist((client) => client.charge(request))).toEqual(answer);
      expect(simulation.institution.charged(7n)).toEqual({ times: 1, held: false });
      // What was refused stands in the way of nothing.
      const reversed = { kind: 'reversed', reason: 'not credited' };
      expect(await simulation.insist((client) => client.reverse(rejectedReversal(request)))).toEqual(
        reversed,
      );
      // What is known needs no proof.
      expect(await simulation.insist((client) => client.reverse(reversal))).toEqual(reversed);
    });

    test('many in one frame: each has its own', async () => {
      const simulation = await started();
      const names = Object.keys(cases).filter((name) => name !== 'with one of another request');
      const requests = names.map((_, i) => requestOf(simulation, BigInt(100 + i)));
      for (const request of requests) await simulation.insist((client) => client.charge(request));
      const client = simulation.client();
      const answers = await simulation.world.until(
        Promise.all(
          requests.flatMap((request, i) => {
            const [make] = cases[names[i]!]!;
            const id = request.order.document.request;
            return [
              client.reverse({ request: id, reason: 'x', rejection: make(request) }),
              client.reverse(reversalOf(1000n + id)),
            ];
          }),
        ),
      );
      const codes = answers.map((answer) => (answer.kind === 'refused' ? answer.refusal.code : answer.kind));
      expect(codes.filter((_, i) => i % 2 === 1)).toEqual(names.map(() => 'ok'));
      expect(codes.filter((_, i) => i % 2 === 0)).toEqual(names.map((name) => cases[name]![1]));
    });
  });

  test('of what is not charged yet, with a rejection that is not one, is refused as well', async () => {
    const simulation = await started();
    const request = requestOf(simulation);
    const rejection = rejectionOf(request, {}, signingPair('somebody'));
    const reversal = { request: 7n, reason: 'x', rejection };
    await expect(simulation.insist((client) => client.reverse(reversal))).rejects.toThrow(
      'rejection_invalid',
    );
    expect(await simulation.insist((client) => client.charge(request))).toMatchObject({ kind: 'charged' });
  });

  test('under way, it is the answer to the charge too', async () => {
    const simulation = await started({ script: { reverse: ['lost_before'] } });
    const request = requestOf(simulation);
    await simulation.insist((client) => client.charge(request));
    const pending = { kind: 'ok', answer: { kind: 'pending', state: 'reversing' } };
    const reversal = rejectedReversal(request, 'x');
    expect(await simulation.world.until(simulation.client().reverse(reversal))).toEqual(pending);
    expect(await simulation.world.until(simulation.client().charge(request))).toEqual(pending);
  });

  test('of what never came prevents it', async () => {
    const simulation = await started();
    const reversed = { kind: 'reversed', reason: 'gave up' };
    const reversal = reversalOf(7n);
    expect(await simulation.insist((client) => client.reverse(reversal))).toEqual(reversed);
    expect(await charged(simulation)).toEqual(reversed);
    expect(simulation.institution.calls).toEqual([]);
  });

  test('is the same one, whatever its reason', async () => {
    const simulation = await started();
    const first = await simulation.insist((client) => client.reverse(reversalOf(7n, 'one')));
    const second = await simulation.insist((client) => client.reverse(reversalOf(7n, 'two')));
    expect(second).toEqual(first);
  });

  test('of what was declined leaves that as it is', async () => {
    const simulation = await started({ script: { authorise: ['decline'] } });
    const request = requestOf(simulation);
    const declined = await simulation.insist((client) => client.charge(request));
    expect(await simulation.insist((client) => client.reverse(reversalOf(7n, 'x')))).toEqual({
      kind: 'reversed',
      reason: 'x',
    });
    expect(await simulation.insist((client) => client.charge(request))).toEqual(declined);
    expect(simulation.institution.calls.length).toBe(1);
  });

  test.each([1n << 127n, 1n])('in the same frame as its charge (%s)', async (request) => {
    const simulation = await started();
    const charge = requestOf(simulation, request);
    const client = simulation.client();
    const both = Promise.all([client.charge(charge), client.reverse(reversalOf(request, 'x'))]);
    await simulation.world.until(both);
    await simulation.finish();
    expect(await simulation.insist((again) => again.reverse(reversalOf(request, 'x')))).toMatchObject({
      kind: 'reversed',
    });
    expect(await simulation.insist((again) => again.charge(charge))).toMatchObject({ kind: 'reversed' });
    expect(simulation.institution.charged(request)).toEqual({ times: 0, held: false });
  });

  test('cannot be asked for under a reserved id', async () => {
    const simulation = await started();
    const reversal = reversalOf(reversalId(1n));
    await expect(simulation.insist((client) => client.reverse(reversal))).rejects.toThrow(
      'request_id_reserved',
    );
  });
});

describe('operators', () => {
  test('learn what became of requests, and no account number', async () => {
    const simulation = await started({ script: { authorise: ['ok', 'decline', 'ok', 'lost_before'] } });
    const charge = (request: bigint) => charged(simulation, request);
    const reverse = (request: bigint, reason: string) =>
      simulation.insist((client) => client.reverse(rejectedReversal(requestOf(simulation, request), reason)));
    await charge(10n);
    await charge(11n);
    await charge(12n);
    await reverse(12n, 'not credited');
    await reverse(13n, 'gave up');
    await reverse(11n, 'in vain');
    await simulation.insist((client) =>
      client.charge(chargeRequest({ request: 14n, applyBy: simulation.world.now })),
    );
    const reportOf = async (request: bigint) => {
      const result = await simulation.world.until(simulation.client(OPERATOR).lookupRequest(request));
      if (result.kind !== 'ok') throw new Error(result.kind);
      return result.answer.report;
    };
    const steps = async (request: bigint) => (await reportOf(request))?.history.map(({ state }) => state);
    expect(await reportOf(10n)).toMatchObject({
      request: 10n,
      kind: 'charge',
      state: 'charged',
      amount: 2500n,
      currency: EUR,
      device: 0n,
      detail: referenceOf({ reference: 10n }),
    });
    expect(await steps(10n)).toEqual(['authorising', 'capturing', 'charged']);
    expect(await reportOf(11n)).toMatchObject({ state: 'declined', detail: 'insufficient_funds' });
    expect(await steps(11n)).toEqual(['authorising', 'declined']);
    expect(await reportOf(12n)).toMatchObject({
      state: 'reversed',
      detail: `${referenceOf({ reference: 12n })}, reversal: not credited`,
    });
    expect(await steps(12n)).toEqual([
      'authorising',
      'capturing',
      'charged',
      'reversal_reversing',
      'reversal_reversed',
    ]);
    expect(await reportOf(13n)).toMatchObject({
      kind: 'reversal',
      state: 'reversed',
      detail: 'gave up',
      amount: 0n,
    });
    expect(await reportOf(14n)).toMatchObject({ state: 'expired', detail: '' });
    expect(await reportOf(15n)).toBeUndefined();
    expect(await reportOf(reversalId(12n))).toBeUndefined();

    const pageOf = async (after: bigint | undefined, limit: number) => {
      const result = await simulation.world.until(simulation.client(OPERATOR).listRequests(after, limit));
      if (result.kind !== 'ok') throw new Error(JSON.stringify(result));
      return result.answer.reports;
    };
    expect((await pageOf(undefined, 256)).map(({ request }) => request)).toEqual([10n, 11n, 12n, 13n, 14n]);
    expect((await pageOf(undefined, 2)).map(({ request }) => request)).toEqual([10n, 11n]);
    expect((await pageOf(11n, 2)).map(({ request }) => request)).toEqual([12n, 13n]);
    expect(await pageOf(14n, 2)).toEqual([]);
    expect(await pageOf(2n ** 128n - 1n, 2)).toEqual([]);
    expect((await pageOf(11n, 1))[0]).toEqual(await reportOf(12n));
    for (const limit of [0, 257]) await expect(pageOf(undefined, limit)).rejects.toThrow('malformed');
    expect(simulation.everything()).not.toContain(ACCOUNT_NUMBER);
  });

  test('see a long history with its first and its last steps', async () => {
    const simulation = await started({
      script: { authorise: Array(40).fill('lost_before') },
      limits: { inquireForMs: 3_600_000 },
    });
    const request = requestOf(simulation);
    await simulation.insist((client) => client.charge(request));
    await simulation.insist((client) => client.reverse(rejectedReversal(request)));
    const result = await simulation.world.until(simulation.client(OPERATOR).lookupRequest(7n));
    if (result.kind !== 'ok') throw new Error(result.kind);
    const { history } = result.answer.report!;
    expect(history.length).toBe(32);
    expect(history[0]!.state).toBe('authorising');
    expect(history.at(-1)!.state).toBe('reversal_reversed');
  });
});

describe('who may ask', () => {
  const device: Peer = {
    kind: 'device',
    device: 5n,
    signingKey: new Uint8Array(32),
    channelKey: new Uint8Array(32),
    serial: 1n,
    notAfter: 2n ** 63n,
  };
  const cash: Peer = { kind: 'role', role: 'cash', keyId: new Uint8Array(8) };
  const other: Peer[] = [
    device,
    cash,
    { kind: 'unnamed' },
    { kind: 'unenrolled', channelKey: new Uint8Array(32) },
  ];

  test.each([...other, OPERATOR])('charge and reverse: not $kind', async (peer) => {
    const simulation = await started();
    const client = simulation.client(peer);
    const refused = { kind: 'refused', refusal: { code: 'not_permitted' } };
    expect(await simulation.world.until(client.charge(requestOf(simulation)))).toMatchObject(refused);
    expect(await simulation.world.until(client.reverse(reversalOf(7n)))).toMatchObject(refused);
    expect(simulation.disk.records.size).toBe(0);
  });

  test.each([...other, MANAGEMENT])('lookup and list: not $kind', async (peer) => {
    const simulation = await started();
    const client = simulation.client(peer);
    const refused = { kind: 'refused', refusal: { code: 'not_permitted' } };
    expect(await simulation.world.until(client.lookupRequest(7n))).toMatchObject(refused);
    expect(await simulation.world.until(client.listRequests(undefined, 10))).toMatchObject(refused);
  });

  test('management alone charges nobody: an order and an account of different devices', async () => {
    const simulation = await started();
    const binding = { purpose: 'file', request: 3n } as const;
    const victim = sealedAccount({ binding });
    const order = chargeRequest({
      request: 7n,
      applyBy: simulation.applyBy,
      account: binding.request,
      device: signingPair('made up by management'),
    });
    const forged = { ...order, account: victim, binding };
    await expect(simulation.insist((client) => client.charge(forged))).rejects.toThrow('key_mismatch');
    expect(simulation.institution.calls).toEqual([]);
  });
});

describe('what management may send', () => {
  const good = ChargeRequest.encode(chargeRequest({ request: 7n, applyBy: 2n ** 63n }));
  const mangled = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.nat({ max: good.length - 1 }).map((length) => good.slice(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((tail) => Uint8Array.of(...good, ...tail)),
    fc.tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
      const copy = good.slice();
      copy[at]! ^= change;
      return copy;
    }),
  );

  test('bytes of any kind: refused one by one, nothing is stored or asked, the good one is charged', async () => {
    const simulation = await started();
    const transport = simulation.transport(MANAGEMENT);
    await fc.assert(
      fc.asyncProperty(fc.array(mangled, { minLength: 1, maxLength: 8 }), async (messages) => {
        const answers = await simulation.world.until(transport.call(SettlementOperation.charge, messages));
        expect(answers.map(([kind]) => kind)).toEqual(messages.map(() => 1));
      }),
      { numRuns: 100 },
    );
    expect(simulation.disk.records.size).toBe(0);
    expect(simulation.institution.calls).toEqual([]);
    const answers = await simulation.world.until(
      transport.call(SettlementOperation.charge, [good.slice(1), good]),
    );
    expect(answers.map(([kind]) => kind)).toEqual([1, 0]);
    expect(simulation.institution.charged(7n).times).toBe(1);
  });
});

describe('the account number', () => {
  const twoFaults: Script[] = FAULTS.flatMap((first) =>
    (['authorise', 'capture', 'reverse'] as const).map((call): Script => ({ [call]: [first, first] })),
  );

  test.each(twoFaults)('is nowhere in the clear: %j', async (script) => {
    const simulation = await started({ script: { inquire: ['garbage', 'reject', 'lost_after'], ...script } });
    await charged(simulation);
    await simulation.insist((client) => client.reverse(rejectedReversal(requestOf(simulation))));
    await simulation.world.until(simulation.client(OPERATOR).lookupRequest(7n));
    await simulation.finish();
    const everything = simulation.everything();
    expect(everything).not.toContain(ACCOUNT_NUMBER);
    expect(everything).not.toContain(ACCOUNT_NUMBER.slice(0, 12));
    expect(everything).not.toContain(Buffer.from(SEALING.secretKey).toString('latin1'));
    expect(simulation.institution.calls.length).toBeGreaterThan(0);
  });

  test('is not in a refusal, whatever is wrong with it', async () => {
    const simulation = await started();
    for (const accountNumber of [`${ACCOUNT_NUMBER}1234`, 'DE02120300000000202051', '99990012345']) {
      const request = chargeRequest({ request: 7n, applyBy: simulation.applyBy, accountNumber });
      await expect(simulation.insist((client) => client.charge(request))).rejects.toThrow(
        'account_not_chargeable',
      );
      expect(simulation.everything()).not.toContain(accountNumber.slice(0, 10));
    }
  });

  test('does not become the name of a charge', async () => {
    const simulation = await started({ limits: { inquireForMs: 5000 } });
    const { institution } = simulation;
    const connect = institution.connect.bind(institution);
    institution.connect = (isAlive) => ({
      ...connect(isAlive),
      authorise: async ({ accountNumber }) => ({
        kind: 'approved',
        institutionReference: `A-${accountNumber}`,
      }),
      inquire: async ({ accountNumber }) => ({ kind: 'authorised', institutionReference: accountNumber }),
    });
    await simulation.close();
    await simulation.start();
    const answer = await charged(simulation);
    expect(answer).toEqual({ kind: 'reversed', reason: 'outcome_unknown' });
    expect(simulation.everything()).not.toContain(ACCOUNT_NUMBER);
  });
});
