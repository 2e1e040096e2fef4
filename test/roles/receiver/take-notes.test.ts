// Receiving: wide notes in, money to a shop's account, an acknowledgement out.
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import type { Note } from '../../../src/notes/note.ts';
import { takingTermsMessage } from '../../../src/roles/documents/taking-terms.ts';
import { RECEIVER_REFUSALS } from '../../../src/roles/receiver/errors.ts';
import {
  Acknowledgement,
  type TakeNotesAnswer,
  TakeNotesRequest,
} from '../../../src/roles/receiver/messages.ts';
import {
  aTaking,
  DOLLARS,
  EUR,
  HOUR_NS,
  noteIdsOf,
  notesOf,
  OLD,
  OPERATOR,
  OTHER,
  RECEIVER_SIGNING,
  RETIRED_SEALING,
  SHOP,
  Simulation,
  UNNAMED,
  USD,
} from '../notes/support.ts';
import { keyIdOf, sealingPair, signingPair } from '../settlement/support.ts';

async function endowed(options: ConstructorParameters<typeof Simulation>[0] = {}): Promise<Simulation> {
  const simulation = await Simulation.started(options);
  simulation.endow(1_000n);
  return simulation;
}

const taken = (answer: TakeNotesAnswer | string) => {
  if (typeof answer === 'string' || answer.kind !== 'taken') throw new Error(`not taken: ${String(answer)}`);
  return answer.acknowledgement;
};

test('notes in, money to the shop, and an acknowledgement that says so', async () => {
  const simulation = await endowed();
  const notes = notesOf(100n);
  const request = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
  const acknowledgement = taken(await simulation.ask(simulation.receiver().takeNotes(request)));
  const { document, signature } = acknowledgement;
  expect(ed25519.verify(RECEIVER_SIGNING.publicKey, Acknowledgement.signedBytes(document), signature)).toBe(
    true,
  );
  const { answer } = simulation.cash.booked.get(5n)!;
  if (answer.kind !== 'done') throw new Error('expected it to be booked');
  const { timestamp, reference } = answer.receipt.document;
  expect(document).toEqual({
    ...{ keyId: keyIdOf(RECEIVER_SIGNING.publicKey), request: 5n, amount: 100n, currency: EUR, timestamp },
    requestDigest: sha256(TakeNotesRequest.encode(request)),
  });
  expect(reference).toEqual(
    sha256(takingTermsMessage({ request: 5n, amount: 100n, currency: EUR, notes: noteIdsOf(notes) })),
  );
  expect([simulation.cash.shops.get(SHOP.shop), simulation.cash.notes]).toEqual([10_100n, 900n]);
  expect(simulation.totals()).toEqual({ signed: 0n, spent: 100n, held: 0n });
  // The same again, to the byte, also after a restart.
  simulation.world.now += 5_000_000n;
  expect(taken(await simulation.ask(simulation.receiver().takeNotes(request)))).toEqual(acknowledgement);
  simulation.crash();
  await simulation.start();
  expect(taken(await simulation.ask(simulation.receiver().takeNotes(request)))).toEqual(acknowledgement);
  // Signed anew, and the same otherwise, when the key's signatures count no more.
  simulation.signatureCounts = false;
  simulation.signing = signingPair('receiver, next year');
  const anew = taken(await simulation.ask(simulation.receiver().takeNotes(request)));
  expect(anew.document).toEqual({ ...document, keyId: keyIdOf(simulation.signing.publicKey) });
  expect(simulation.cash.calls).toBe(1);
});

test('what was sealed to a key that is retired is opened', async () => {
  const simulation = await endowed();
  const request = aTaking({
    request: 5n,
    notes: notesOf(3n),
    applyBy: simulation.applyBy,
    to: RETIRED_SEALING,
  });
  taken(await simulation.ask(simulation.receiver().takeNotes(request)));
});

test('notes of the older keys are taken in, and a keyset’s fee stays with the mint', async () => {
  const simulation = await endowed();
  const old = aTaking({ request: 5n, notes: notesOf(8n, OLD), applyBy: simulation.applyBy });
  taken(await simulation.ask(simulation.receiver().takeNotes(old)));
  // Three notes of half a unit each: 1.5, rounded up.
  const notes = notesOf(7n, DOLLARS);
  const dollars = { request: 6n, notes, currency: USD, applyBy: simulation.applyBy };
  const whole = aTaking(dollars);
  expect(await simulation.ask(simulation.receiver().takeNotes(whole))).toBe('amounts_mismatch');
  taken(await simulation.ask(simulation.receiver().takeNotes(aTaking({ ...dollars, amount: 5n }))));
  expect(simulation.cash.shops.get(SHOP.shop)).toBe(10_013n);
});

test('two requests race with one note: one is taken, the other is told for good', async () => {
  const simulation = await endowed();
  const [shared, ...others] = notesOf(7n) as [Note, ...Note[]];
  const requests = [
    aTaking({ request: 5n, notes: [shared, others[0]!], applyBy: simulation.applyBy }),
    aTaking({ request: 6n, notes: [shared, others[1]!], applyBy: simulation.applyBy, shop: OTHER }),
  ];
  const ask = () =>
    Promise.all([
      simulation.ask(simulation.receiver().takeNotes(requests[0]!)),
      simulation.ask(simulation.receiver(OTHER.peer).takeNotes(requests[1]!)),
    ]);
  const answers = await ask();
  expect(answers[0]).toMatchObject({ kind: 'taken' });
  expect(answers[1]).toEqual({ kind: 'rejected', reason: 'note_spent' });
  expect(await ask()).toEqual(answers);
  // What of the other was not spent is still good.
  const rest = aTaking({ request: 7n, notes: [others[1]!], applyBy: simulation.applyBy });
  taken(await simulation.ask(simulation.receiver().takeNotes(rest)));
  expect([simulation.cash.notes, simulation.totals().spent]).toEqual([993n, 7n]);
});

test('rejected by cash: the notes are free again, that request is over for ever', async () => {
  const simulation = await endowed();
  simulation.cash.against = 'shop_closed';
  const notes = notesOf(100n);
  const request = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
  const rejected = { kind: 'rejected', reason: 'shop_closed' };
  expect(await simulation.ask(simulation.receiver().takeNotes(request))).toEqual(rejected);
  expect(simulation.totals()).toEqual({ signed: 0n, spent: 0n, held: 0n });
  simulation.cash.against = undefined;
  expect(await simulation.ask(simulation.receiver().takeNotes(request))).toEqual(rejected);
  const again = aTaking({ request: 6n, notes, applyBy: simulation.applyBy });
  taken(await simulation.ask(simulation.receiver().takeNotes(again)));
});

test('while cash is silent the notes are held: nobody else gets anything for them', async () => {
  const simulation = await endowed();
  simulation.cash.isDown = true;
  const notes = notesOf(100n);
  const request = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.receiver().takeNotes(request))).toEqual({
    kind: 'pending',
    state: 'taking',
  });
  const other = aTaking({ request: 6n, notes, applyBy: simulation.applyBy });
  expect(await simulation.ask(simulation.receiver().takeNotes(other))).toEqual({
    kind: 'rejected',
    reason: 'note_spent',
  });
  const states = await simulation.roles.receiver.mint.states({ noteIds: noteIdsOf(notes) });
  expect(new Set(states.states.map(({ state }) => state))).toEqual(new Set(['PENDING']));
  expect(simulation.totals()).toEqual({ signed: 0n, spent: 0n, held: 100n });
  simulation.cash.isDown = false;
  await simulation.finish();
  taken(await simulation.ask(simulation.receiver().takeNotes(request)));
});

test('too late for cash: the notes are free again', async () => {
  const simulation = await endowed();
  simulation.cash.isDown = true;
  const notes = notesOf(100n);
  const request = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
  await simulation.ask(simulation.receiver().takeNotes(request));
  simulation.world.now += 2n * HOUR_NS;
  simulation.cash.isDown = false;
  await simulation.finish();
  expect(await simulation.ask(simulation.receiver().takeNotes(request))).toEqual({
    kind: 'rejected',
    reason: 'expired',
  });
  expect(simulation.totals().held).toBe(0n);
});

const NOTES = notesOf(100n);
const GOOD = { request: 5n, notes: NOTES, applyBy: 2n ** 62n };
const GOOD_TAKING = aTaking(GOOD);
const changed = (of: Partial<Note>): Note[] => NOTES.map((note, i) => (i === 0 ? { ...note, ...of } : note));
const p2pk = '["P2PK",{"nonce":"00","data":"02","tags":[]}]';
const REFUSED: readonly [string, TakeNotesRequest][] = [
  ['payee_not_permitted', aTaking({ ...GOOD, shop: OTHER })],
  ['malformed', aTaking({ ...GOOD, request: 0n })],
  ['malformed', aTaking({ ...GOOD, request: 2n ** 128n - 1n })],
  ['malformed', { ...GOOD_TAKING, amount: 0n }],
  ['currency_not_offered', aTaking({ ...GOOD, currency: 392 })],
  ['seal_key_unknown', aTaking({ ...GOOD, to: sealingPair('somebody else') })],
  ['notes_seal_invalid', aTaking({ ...GOOD, use: 'deliver' })],
  ['notes_seal_invalid', aTaking({ ...GOOD, binding: { request: 6n } })],
  ['notes_seal_invalid', aTaking({ ...GOOD, binding: { amount: 101n } })],
  [
    'notes_seal_invalid',
    { ...GOOD_TAKING, notes: { ...GOOD_TAKING.notes, ciphertext: new Uint8Array(2064) } },
  ],
  ['note_invalid', aTaking({ ...GOOD, notes: [], amount: 1n })],
  ['note_invalid', aTaking({ ...GOOD, notes: [...NOTES, NOTES[0]!] })],
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ secret: '0'.repeat(64) }) })],
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ secret: p2pk }) })],
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ signature: NOTES[1]!.signature }) })],
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ signature: new Uint8Array(33) }) })],
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ amount: 3n }) })],
  // A note of 4 that calls itself one of 64.
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ amount: 64n }) })],
  ['note_invalid', aTaking({ ...GOOD, notes: changed({ keysetId: OLD.id }) })],
  ['keyset_unknown', aTaking({ ...GOOD, notes: changed({ keysetId: '00'.repeat(8) }) })],
  ['keyset_unknown', aTaking({ ...GOOD, notes: notesOf(100n, DOLLARS) })],
  ['keyset_unknown', aTaking({ ...GOOD, currency: USD })],
  ['amounts_mismatch', aTaking({ ...GOOD, amount: 99n })],
  ['amounts_mismatch', aTaking({ ...GOOD, amount: 101n })],
];

describe('what is refused, and leaves no trace', () => {
  test.each(REFUSED)('%s (%#)', async (code, message) => {
    const simulation = await Simulation.started();
    const records = simulation.disks.receiver.records.size;
    expect(await simulation.ask(simulation.receiver().takeNotes(message))).toBe(code);
    expect([simulation.cash.calls, simulation.disks.receiver.records.size]).toEqual([0, records]);
  });

  test('too late, and too far ahead: remembered, as the time is', async () => {
    const simulation = await endowed();
    const late = aTaking({ ...GOOD, applyBy: simulation.world.now });
    expect(await simulation.ask(simulation.receiver().takeNotes(late))).toBe('expired');
    const far = aTaking({ ...GOOD, request: 6n, applyBy: simulation.world.now + 31n * 24n * HOUR_NS });
    expect(await simulation.ask(simulation.receiver().takeNotes(far))).toBe('malformed');
    const fine = aTaking({ ...GOOD, request: 7n, applyBy: simulation.applyBy });
    taken(await simulation.ask(simulation.receiver().takeNotes(fine)));
  });
});

test('every refusal of the receiver has been seen', () => {
  const seen = new Set([...REFUSED.map(([code]) => code), 'expired']);
  expect(RECEIVER_REFUSALS.filter((code) => !seen.has(code))).toEqual([]);
});

test('a key that the receiver hears of a moment later opens all the same, and holds up nobody else', async () => {
  const simulation = await endowed();
  const anew = sealingPair('receiver, next year');
  const early = aTaking({ request: 5n, notes: notesOf(4n), applyBy: simulation.applyBy, to: anew });
  const other = aTaking({ request: 6n, notes: notesOf(8n), applyBy: simulation.applyBy });
  const began = simulation.world.now;
  // Frames of their own: the messages of one are answered together.
  const asked = [early, other].map((request) =>
    simulation
      .receiver()
      .takeNotes(request)
      .then((result) => ({ result, at: simulation.world.now })),
  );
  await simulation.world.quiet();
  simulation.sealing.push(anew);
  const [late, soon] = await simulation.world.until(Promise.all(asked));
  expect([late!.result, soon!.result]).toMatchObject([
    { kind: 'ok', answer: { kind: 'taken' } },
    { kind: 'ok', answer: { kind: 'taken' } },
  ]);
  expect([late!.at - began, soon!.at - began]).toEqual([600_000_000n, 0n]);
});

test('one bad message of many: the others are taken', async () => {
  const simulation = await endowed();
  const requests = [5n, 6n, 7n].map((request) =>
    aTaking({ request, notes: notesOf(10n), applyBy: simulation.applyBy }),
  );
  requests[1] = { ...requests[1]!, notes: { ...requests[1]!.notes, ciphertext: new Uint8Array(2064) } };
  const client = simulation.receiver();
  const answers = await Promise.all(requests.map((request) => simulation.ask(client.takeNotes(request))));
  expect(answers).toMatchObject([{ kind: 'taken' }, 'notes_seal_invalid', { kind: 'taken' }]);
});

test.each(['refused', 'garbage', 'forged'] as const)(
  'a word of cash that cannot be right (%s) is not believed',
  async (turn) => {
    const simulation = await endowed({ script: [turn, turn] });
    const request = aTaking({ request: 5n, notes: notesOf(9n), applyBy: simulation.applyBy });
    expect(await simulation.ask(simulation.receiver().takeNotes(request))).toMatchObject({ kind: 'pending' });
    expect(simulation.totals()).toMatchObject({ spent: 0n, held: 9n });
    expect(simulation.roles.receiver.engine.health().status).toBe('degraded');
    await simulation.finish();
    taken(await simulation.ask(simulation.receiver().takeNotes(request)));
    expect(simulation.cash.notes).toBe(991n);
  },
);

test('operators see what became of it, and nothing of the notes; nobody else does', async () => {
  const simulation = await endowed();
  const notes = notesOf(100n);
  const request = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
  await simulation.ask(simulation.receiver().takeNotes(request));
  await simulation.ask(
    simulation.receiver().takeNotes(aTaking({ request: 6n, notes, applyBy: simulation.applyBy })),
  );
  const operator = simulation.receiver(OPERATOR);
  expect(await simulation.ask(operator.listRequests(undefined, 10))).toMatchObject({
    reports: [
      {
        request: 5n,
        kind: 'taking',
        state: 'taken',
        amount: 100n,
        currency: EUR,
        detail: `shop ${SHOP.shop}`,
      },
      { request: 6n, kind: 'taking', state: 'rejected', amount: 100n, detail: 'note_spent' },
    ],
  });
  expect(await simulation.ask(operator.listRequests(6n, 10))).toEqual({ reports: [] });
  expect(await simulation.ask(operator.listRequests(undefined, 0))).toBe('malformed');
  expect(await simulation.ask(operator.circulation(EUR))).toMatchObject({ keysets: [{ spent: 100n }, {}] });
  for (const peer of [SHOP.peer, UNNAMED]) {
    expect(await simulation.ask(simulation.receiver(peer).lookupRequest(5n))).toBe('not_permitted');
    expect(await simulation.ask(simulation.receiver(peer).findSignatures({ blinded: [] }))).toBe(
      'not_permitted',
    );
  }
  expect(await simulation.ask(simulation.receiver(UNNAMED).takeNotes(request))).toBe('not_permitted');
  // On the disk are the notes' names, and never what they are.
  const stored = [...simulation.disks.receiver.records.values()].map((value) => Buffer.from(value));
  for (const { secret, signature } of notes) {
    for (const value of stored)
      expect(value.includes(secret) || value.includes(Buffer.from(signature))).toBe(false);
    expect(simulation.logs.join()).not.toContain(secret);
  }
});
