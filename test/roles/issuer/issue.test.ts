// Issuing: wide notes against a shop's account.
import { describe, expect, test } from 'vitest';
import { noteCrypto } from '../../../src/crypto/index.ts';
import type { Output } from '../../../src/notes/outputs.ts';
import { unblindAll } from '../../../src/notes/outputs.ts';
import type { IssueNotesAnswer, IssueNotesRequest } from '../../../src/roles/issuer/messages.ts';
import {
  ACTIVE,
  anIssue,
  DOLLARS,
  EUR,
  HOUR_NS,
  newOutputs,
  OLD,
  OPERATOR,
  OTHER,
  opened,
  SHOP,
  Simulation,
  UNNAMED,
  USD,
} from '../notes/support.ts';

type Issued = Extract<IssueNotesAnswer, { kind: 'issued' }>;

const issuedOf = (answer: IssueNotesAnswer | string): Issued => {
  if (typeof answer === 'string' || answer.kind !== 'issued')
    throw new Error(`not issued: ${String(answer)}`);
  return answer;
};

function notesFrom(
  answer: IssueNotesAnswer | string,
  request: IssueNotesRequest,
  outputs: readonly Output[],
) {
  return unblindAll(outputs, opened(issuedOf(answer).notes, request), ACTIVE, noteCrypto);
}

test('notes come sealed, are good, and are worth what the account was debited', async () => {
  const simulation = await Simulation.started();
  const outputs = newOutputs(1_000n);
  const request = anIssue({ request: 5n, outputs, applyBy: simulation.applyBy });
  const answer = await simulation.ask(simulation.issuer().issueNotes(request));
  const notes = notesFrom(answer, request, outputs);
  expect(notes.reduce((sum, { amount }) => sum + amount, 0n)).toBe(1_000n);
  expect(issuedOf(answer).receipt.document).toMatchObject({ action: 'issue', amount: 1_000n, request: 5n });
  expect([simulation.cash.shops.get(SHOP.shop), simulation.cash.notes]).toEqual([9_000n, 1_000n]);
  expect(simulation.totals()).toEqual({ signed: 1_000n, spent: 0n, held: 0n });
  // Padded, so that nobody can count them.
  expect(issuedOf(answer).notes.ciphertext.length % 2048).toBe(16);
});

test('the same again: the same notes, sealed anew, nothing signed or debited twice', async () => {
  const simulation = await Simulation.started();
  const outputs = newOutputs(77n);
  const request = anIssue({ request: 5n, outputs, applyBy: simulation.applyBy });
  const [first, second] = await Promise.all(
    [1, 2].map(() => simulation.ask(simulation.issuer().issueNotes(request))),
  );
  const third = await simulation.ask(simulation.issuer().issueNotes(request));
  const notes = notesFrom(first!, request, outputs);
  expect(notesFrom(second!, request, outputs)).toEqual(notes);
  expect(notesFrom(third, request, outputs)).toEqual(notes);
  expect(simulation.cash.notes).toBe(77n);
  expect(simulation.totals().signed).toBe(77n);
  // Nobody but the shop itself is told, and nothing else passes under the same id.
  expect(await simulation.ask(simulation.issuer(OTHER.peer).issueNotes(request))).toBe('not_permitted');
  const other = anIssue({ request: 5n, outputs: newOutputs(77n), applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.issuer().issueNotes(other))).toBe('request_differs');
});

test('two messages under one id at once: the one that is admitted gets its own signatures', async () => {
  const simulation = await Simulation.started();
  const made = [newOutputs(12n), newOutputs(12n)];
  const requests = made.map((outputs) => anIssue({ request: 5n, outputs, applyBy: simulation.applyBy }));
  const client = simulation.issuer();
  const answers = await Promise.all(requests.map((request) => simulation.ask(client.issueNotes(request))));
  expect(answers[1]).toBe('request_differs');
  notesFrom(answers[0]!, requests[0]!, made[0]!);
  expect([simulation.cash.notes, simulation.totals().signed]).toEqual([12n, 12n]);
});

test('cash rejects: nothing is signed, the rejection is handed on, the outputs are free again', async () => {
  const simulation = await Simulation.started();
  const outputs = newOutputs(10_001n, { ...ACTIVE });
  const request = anIssue({ request: 5n, outputs, applyBy: simulation.applyBy });
  const answer = await simulation.ask(simulation.issuer().issueNotes(request));
  expect(answer).toMatchObject({ kind: 'rejected', rejection: { document: { reason: 'exceeds_credits' } } });
  expect(await simulation.ask(simulation.issuer().issueNotes(request))).toEqual(answer);
  expect(simulation.totals().signed).toBe(0n);
  simulation.cash.shops.set(SHOP.shop, 20_000n);
  const again = anIssue({ request: 6n, outputs, applyBy: simulation.applyBy });
  notesFrom(await simulation.ask(simulation.issuer().issueNotes(again)), again, outputs);
});

test('two requests with the same outputs: one gets them, the other is refused and not debited', async () => {
  const simulation = await Simulation.started();
  simulation.cash.isDown = true;
  const outputs = newOutputs(50n);
  const requests = [5n, 6n].map((request) => anIssue({ request, outputs, applyBy: simulation.applyBy }));
  const answers = await Promise.all(
    requests.map((request) => simulation.ask(simulation.issuer().issueNotes(request))),
  );
  expect(answers).toEqual([{ kind: 'pending', state: 'asking' }, 'output_known']);
  // Also of those that come while the first waits, and after it is through.
  const third = anIssue({ request: 7n, outputs: [outputs[0]!], applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.issuer().issueNotes(third))).toBe('output_known');
  simulation.cash.isDown = false;
  await simulation.finish();
  const fourth = anIssue({ request: 8n, outputs: [outputs[0]!], applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.issuer().issueNotes(fourth))).toBe('output_known');
  notesFrom(await simulation.ask(simulation.issuer().issueNotes(requests[0]!)), requests[0]!, outputs);
  expect([simulation.cash.notes, simulation.totals().signed]).toEqual([50n, 50n]);
});

describe('what is refused, and leaves no trace', () => {
  const good = { request: 5n, outputs: newOutputs(50n), applyBy: 2n ** 62n };
  const wrongSum = { ...anIssue(good), order: anIssue({ ...good, amount: 51n }).order };
  const issue = anIssue(good);
  const noPoint = newOutputs(1n).map((output) => ({
    ...output,
    message: { ...output.message, blinded: Uint8Array.of(2, ...new Uint8Array(31).fill(0xff), 0xfe) },
  }));
  const CASES: readonly [string, IssueNotesRequest][] = [
    ['not_permitted', anIssue({ ...good, shop: OTHER })],
    ['order_invalid', anIssue({ ...good, changes: { action: 'fund' } })],
    ['order_invalid', anIssue({ ...good, request: 0n })],
    ['order_invalid', anIssue({ ...good, request: 2n ** 128n - 1n })],
    ['order_invalid', { ...issue, order: { ...issue.order, signature: new Uint8Array(64) } }],
    ['currency_not_offered', anIssue({ ...good, currency: 392 })],
    ['output_invalid', anIssue({ ...good, outputs: [], amount: 50n })],
    ['output_invalid', anIssue({ ...good, outputs: [...good.outputs, good.outputs[0]!] })],
    ['output_invalid', anIssue({ ...good, outputs: noPoint })],
    [
      'output_invalid',
      anIssue({
        ...good,
        outputs: good.outputs.map((output) => ({ ...output, message: { ...output.message, amount: 3n } })),
      }),
    ],
    ['keyset_unknown', anIssue({ ...good, currency: USD })],
    ['keyset_unknown', anIssue({ ...good, outputs: newOutputs(50n, DOLLARS) })],
    ['keyset_unknown', anIssue({ ...good, outputs: newOutputs(50n, { ...ACTIVE, id: '00'.repeat(8) }) })],
    ['keyset_inactive', anIssue({ ...good, outputs: newOutputs(50n, OLD) })],
    ['amounts_mismatch', wrongSum],
    ['order_mismatch', { ...issue, replyKey: OTHER.reply.publicKey }],
    ['order_mismatch', { ...issue, outputs: anIssue({ ...good, outputs: newOutputs(50n) }).outputs }],
    [
      'reply_key_invalid',
      anIssue({ ...good, shop: { ...SHOP, reply: { ...SHOP.reply, publicKey: new Uint8Array(32) } } }),
    ],
  ];

  test.each(CASES)('%s (%#)', async (code, message) => {
    const simulation = await Simulation.started();
    const records = simulation.disks.issuer.records.size;
    expect(await simulation.ask(simulation.issuer().issueNotes(message))).toBe(code);
    expect([simulation.cash.calls, simulation.disks.issuer.records.size]).toEqual([0, records]);
  });

  test('too late, and too far ahead: remembered, as the time is', async () => {
    const simulation = await Simulation.started();
    const late = anIssue({ ...good, applyBy: simulation.world.now });
    expect(await simulation.ask(simulation.issuer().issueNotes(late))).toBe('expired');
    const far = anIssue({ ...good, request: 6n, applyBy: simulation.world.now + 31n * 24n * HOUR_NS });
    expect(await simulation.ask(simulation.issuer().issueNotes(far))).toBe('order_invalid');
    expect(simulation.cash.calls).toBe(0);
    const fine = anIssue({ ...good, request: 7n, applyBy: simulation.applyBy });
    expect(await simulation.ask(simulation.issuer().issueNotes(fine))).toMatchObject({ kind: 'issued' });
  });
});

test.each(['refused', 'garbage', 'forged'] as const)(
  'a word of cash that cannot be right (%s) is not believed',
  async (turn) => {
    const simulation = await Simulation.started({ script: [turn, turn] });
    const request = anIssue({ request: 5n, outputs: newOutputs(9n), applyBy: simulation.applyBy });
    expect(await simulation.ask(simulation.issuer().issueNotes(request))).toMatchObject({ kind: 'pending' });
    expect(simulation.totals().signed).toBe(0n);
    expect(simulation.roles.issuer.engine.health().status).toBe('degraded');
    await simulation.finish();
    expect(simulation.roles.issuer.engine.health().status).toBe('ok');
    expect(await simulation.ask(simulation.issuer().issueNotes(request))).toMatchObject({ kind: 'issued' });
    expect(simulation.cash.notes).toBe(9n);
  },
);

test('operators see what became of it, and what is out; nobody else does', async () => {
  const simulation = await Simulation.started();
  const outputs = newOutputs(300n);
  const request = anIssue({ request: 5n, outputs, applyBy: simulation.applyBy });
  await simulation.ask(simulation.issuer().issueNotes(request));
  const dry = anIssue({ request: 6n, outputs: newOutputs(20_000n), applyBy: simulation.applyBy });
  await simulation.ask(simulation.issuer().issueNotes(dry));
  const operator = simulation.issuer(OPERATOR);
  const { reports } = (await simulation.ask(operator.listRequests(undefined, 10))) as { reports: object[] };
  expect(reports).toMatchObject([
    { request: 5n, kind: 'issue', state: 'issued', amount: 300n, currency: EUR, detail: `shop ${SHOP.shop}` },
    { request: 6n, state: 'rejected', detail: `shop ${SHOP.shop}, exceeds_credits` },
  ]);
  expect(await simulation.ask(operator.lookupRequest(5n))).toMatchObject({ report: reports[0] });
  expect(await simulation.ask(operator.lookupRequest(9n))).toEqual({ report: undefined });
  expect(await simulation.ask(operator.circulation(EUR))).toMatchObject({
    keysets: [
      { keysetId: ACTIVE.id, isActive: true, signed: 300n, signedCount: BigInt(outputs.length), spent: 0n },
      { keysetId: OLD.id, isActive: false, signed: 0n },
    ],
  });
  expect(await simulation.ask(operator.circulation(392))).toBe('currency_not_offered');
  for (const peer of [SHOP.peer, UNNAMED]) {
    expect(await simulation.ask(simulation.issuer(peer).lookupRequest(5n))).toBe('not_permitted');
    expect(await simulation.ask(simulation.issuer(peer).circulation(EUR))).toBe('not_permitted');
    expect(await simulation.ask(simulation.issuer(peer).findSignatures({ blinded: [] }))).toBe(
      'not_permitted',
    );
  }
  expect(await simulation.ask(simulation.issuer(UNNAMED).issueNotes(request))).toBe('not_permitted');
});
