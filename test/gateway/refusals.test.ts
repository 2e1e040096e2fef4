// Every refusal leaves all as it was: the notes are free, nothing is counted, nobody was asked.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Note } from '../../src/notes/note.ts';
import type { SendRequest } from '../../src/roles/gateway/messages.ts';
import { keyPairOf } from './wide.ts';
import { Place, SECOND, type Terminal } from './world.ts';

let place: Place;
let till: Terminal;
let visitor: Terminal;
/** 10, of 2 and 8. */
let local: Note[];

beforeEach(async () => {
  place = new Place();
  till = await place.terminal('till', 'lan');
  visitor = await place.terminal('visitor', 'wan');
  await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
  await place.until(1n, 'generated');
  local = await till.receive();
  await place.until(1n, 'delivered');
});

async function expectRefused(
  from: Terminal,
  message: SendRequest,
  code: string,
  isRemembered = false,
): Promise<void> {
  const { status } = { status: place.open.status() };
  const [balance, issued, taken] = [
    place.wide.state.balance,
    place.wide.state.issued.size,
    place.wide.state.taken.size,
  ];
  const send = from.side === 'lan' ? 'send_out' : 'send_in';
  expect(await from.refused(send, message)).toBe(code);
  expect(await from.refused('lookup_exchange', { request: message.request })).toBe(
    isRemembered ? code : 'exchange_unknown',
  );
  expect(place.open.status()).toEqual(status);
  expect([place.wide.state.balance, place.wide.state.issued.size, place.wide.state.taken.size]).toEqual([
    balance,
    issued,
    taken,
  ]);
}

/** What is left is as good as ever. */
async function expectStillGood(): Promise<void> {
  await till.send(till.message(99n, visitor, 8n, local));
  await place.until(99n, 'erased');
  expect((await visitor.receive()).map(({ amount }) => amount)).toEqual([8n]);
}

describe('of the message', () => {
  test('a destination of the own side', () =>
    expectRefused(till, till.message(2n, till, 8n, local), 'wrong_side'));
  test('request 0', () => expectRefused(till, till.message(0n, visitor, 8n, local), 'malformed'));
  test('nothing', () => expectRefused(till, till.message(2n, visitor, 0n, local), 'malformed'));
  test('too late', () =>
    expectRefused(
      till,
      till.message(2n, visitor, 8n, local, { applyBy: place.world.clock() }),
      'expired',
      true,
    ));
  test('too far ahead', () =>
    expectRefused(
      till,
      till.message(2n, visitor, 8n, local, { applyBy: place.world.clock() + 86_401n * SECOND }),
      'malformed',
      true,
    ));
  test('another fee than the terms say', () =>
    expectRefused(till, till.message(2n, visitor, 9n, local, { fee: 1n }), 'fee_differs', true));
  test('more than an exchange may be', async () => {
    const notes = place.wide.mint(112n);
    await expectRefused(
      visitor,
      visitor.message(2n, till, 101n, notes, { fee: 11n }),
      'amount_too_large',
      true,
    );
  });
  test('less than an exchange may be', async () => {
    place = new Place({ terms: { amountMin: 5n } });
    [till, visitor] = [await place.terminal('till', 'lan'), await place.terminal('visitor', 'wan')];
    const notes = place.wide.mint(5n);
    await expectRefused(visitor, visitor.message(2n, till, 4n, notes, { fee: 1n }), 'amount_too_small', true);
  });
});

describe('of the notes', () => {
  test('sealed to another key, for another use, another request, another amount', async () => {
    const good = till.message(2n, visitor, 8n, local);
    const { publicKey } = keyPairOf('somebody else');
    await expectRefused(
      till,
      till.message(2n, visitor, 8n, local, { sealFor: publicKey }),
      'notes_seal_invalid',
    );
    await expectRefused(till, till.message(2n, visitor, 8n, local, { use: 'send_in' }), 'notes_seal_invalid');
    await expectRefused(till, { ...good, request: 3n }, 'notes_seal_invalid');
    await expectRefused(till, { ...good, amount: 7n }, 'notes_seal_invalid');
    const ciphertext = good.notes.ciphertext.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
    await expectRefused(till, { ...good, notes: { ...good.notes, ciphertext } }, 'notes_seal_invalid');
    await expectStillGood();
  });
  test('sums that do not add up', async () => {
    await expectRefused(till, till.message(2n, visitor, 8n, local.slice(1)), 'amounts_mismatch');
    await expectRefused(till, till.message(2n, visitor, 7n, local), 'amounts_mismatch');
    await expectRefused(till, till.message(2n, visitor, 8n, []), 'amounts_mismatch');
    const wide = place.wide.mint(11n);
    await expectRefused(visitor, visitor.message(3n, till, 10n, wide), 'amounts_mismatch');
    await expectStillGood();
  });
  test('the same one twice', () =>
    expectRefused(
      till,
      till.message(2n, visitor, 8n, [local[0]!, ...local.slice(1), local[0]!]),
      'note_invalid',
    ));
  test('forged: another signature, another amount, another secret', async () => {
    const [small, large] = local as [Note, Note];
    const signature = Uint8Array.from(small.signature);
    signature[20]! ^= 1;
    const send = (notes: readonly Note[]) => till.message(2n, visitor, 8n, notes);
    await expectRefused(till, send([{ ...small, signature }, large]), 'note_invalid');
    await expectRefused(
      till,
      till.message(2n, visitor, 14n, [{ ...small, amount: 8n }, large]),
      'note_invalid',
    );
    await expectRefused(
      till,
      send([{ ...small, secret: `${small.secret.slice(1)}0` }, large]),
      'note_invalid',
    );
    await expectRefused(till, send([{ ...small, secret: '["P2PK",{"nonce":"0"}]' }, large]), 'note_invalid');
    await expectStillGood();
  });
  test('of another organisation, and wide ones where local ones belong', async () => {
    const elsewhere = new Place({ terms: { organisation: 'harbour' } });
    const theirTill = await elsewhere.terminal('till', 'lan');
    const theirVisitor = await elsewhere.terminal('visitor', 'wan');
    await theirVisitor.send(theirVisitor.message(1n, theirTill, 10n, elsewhere.wide.mint(12n)));
    await elsewhere.until(1n, 'generated');
    const theirs = await theirTill.receive();
    // The same seed, amounts and currency: the organisation alone tells the keysets apart.
    await expectRefused(till, till.message(2n, visitor, 8n, theirs), 'keyset_unknown', true);
    await expectRefused(till, till.message(3n, visitor, 8n, place.wide.mint(10n)), 'keyset_unknown', true);
    await expectStillGood();
  });
  test('local ones where wide ones belong, and forged wide ones', async () => {
    await expectRefused(visitor, visitor.message(2n, till, 8n, local), 'keyset_unknown', true);
    const forged = place.wide.mint(10n).map((note) => ({
      ...note,
      signature: note.signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
    }));
    await expectRefused(visitor, visitor.message(3n, till, 8n, forged), 'note_invalid');
  });
  test('spent before, and held by another exchange', async () => {
    place.wide.script.isSilent = true;
    await till.send(till.message(2n, visitor, 8n, local));
    await place.pass(1);
    await expectRefused(till, till.message(3n, visitor, 8n, local), 'note_held', true);
    place.wide.script.isSilent = false;
    await place.until(2n, 'erased');
    await expectRefused(till, till.message(4n, visitor, 8n, local), 'note_spent', true);
  });
});

describe('of the terminals', () => {
  test('a sender that nobody has admitted, or that was blocked, or is of the other side', async () => {
    const stranger = await place.terminal('stranger', 'wan');
    expect(
      await stranger.refused('register', { name: 'x', sealingKey: stranger.sealing.publicKey }, 'lan'),
    ).toBe('key_taken');
    expect(await stranger.refused('send_out', stranger.message(2n, visitor, 8n, local), 'lan')).toBe(
      'terminal_unknown',
    );
    await place.settled(place.open.block(till.channelKey));
    expect(await till.refused('send_out', till.message(3n, visitor, 8n, local))).toBe('terminal_blocked');
    expect(await till.refused('list_deliveries', { after: 0n })).toBe('terminal_blocked');
    await place.settled(place.open.admit(till.channelKey));
    await expectStillGood();
  });
  test('a destination that is unknown, waits, is blocked, or has another sealing key', async () => {
    const wide = place.wide.mint(10n);
    const unknown = { address: { ...till.address, channelKey: keyPairOf('nobody').publicKey } };
    await expectRefused(visitor, visitor.message(2n, unknown, 8n, wide), 'destination_unknown', true);
    const swapped = { address: { ...till.address, sealingKey: keyPairOf('nobody').publicKey } };
    await expectRefused(visitor, visitor.message(3n, swapped, 8n, wide), 'destination_unknown', true);
    await place.settled(place.open.block(till.channelKey));
    await expectRefused(visitor, visitor.message(4n, till, 8n, wide), 'destination_unknown', true);
  });
  test('each side has its own operations', async () => {
    await expect(visitor.call('send_in', visitor.message(2n, till, 8n, []), 'lan')).rejects.toThrow(
      'expected an operation',
    );
    await expect(
      visitor.call('mint_call', { method: 'GET', path: '/v1/info', body: new Uint8Array() }, 'wan'),
    ).rejects.toThrow('expected an operation');
    await expect(till.call('send_out', till.message(3n, visitor, 8n, local), 'wan')).rejects.toThrow(
      'expected an operation',
    );
  });
});

describe('limits', () => {
  test('a day of a terminal: what was rejected does not count, and the next day is another', async () => {
    place = new Place({ terms: { dayMax: 24n } });
    [till, visitor] = [await place.terminal('till', 'lan'), await place.terminal('visitor', 'wan')];
    place.wide.script.rejectTake = 'note_spent';
    await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
    await place.until(1n, 'rejected');
    delete place.wide.script.rejectTake;
    const wide = place.wide.mint(12n);
    await visitor.send(visitor.message(2n, till, 10n, wide));
    await visitor.send(visitor.message(3n, till, 10n, place.wide.mint(12n)));
    const more = place.wide.mint(12n);
    await place.until(3n, 'generated');
    await expectRefused(visitor, visitor.message(4n, till, 10n, more), 'exceeds_day_limit', true);
    await place.pass(86_400);
    expect(await visitor.send(visitor.message(5n, till, 10n, more))).toEqual({ state: 'taken', reason: '' });
  });
  test('refusals that are remembered are counted, and beyond that nothing is', async () => {
    const late = (request: bigint) =>
      till.message(request, visitor, 8n, local, { applyBy: place.world.clock() });
    for (let request = 1_000n; request < 1_256n; request++)
      expect(await till.refused('send_out', late(request))).toBe('expired');
    expect(await till.refused('send_out', late(2_000n))).toBe('busy');
    expect(await till.refused('lookup_exchange', { request: 2_000n })).toBe('exchange_unknown');
    // Not even a look at its notes, until tomorrow.
    expect(await till.refused('send_out', till.message(2_001n, visitor, 8n, []))).toBe('busy');
    expect(place.stepsOf(2_001n)).toEqual([]);
    await place.pass(86_400);
    expect(await till.refused('send_out', till.message(2_001n, visitor, 8n, []))).toBe('amounts_mismatch');
  });
  test('exchanges under way of one terminal', async () => {
    place = new Place({ terms: { dayMax: 1_000n, feeFixed: 0n, feeBasisPoints: 0 } });
    [till, visitor] = [await place.terminal('till', 'lan'), await place.terminal('visitor', 'wan')];
    place.wide.script.isSilent = true;
    for (let request = 1n; request <= 64n; request++)
      await visitor.send(visitor.message(request, till, 1n, place.wide.mint(1n)));
    const message = visitor.message(65n, till, 1n, place.wide.mint(1n));
    expect(await visitor.refused('send_in', message)).toBe('busy');
    place.wide.script.isSilent = false;
    await place.until(1n, 'generated');
    await till.receive();
    await place.until(1n, 'delivered');
    expect(await visitor.send(message)).toEqual({ state: 'taken', reason: '' });
  });
});

describe('again', () => {
  test('the same message gets how it stands, and moves nothing; another under its id is refused', async () => {
    const message = till.message(2n, visitor, 8n, local);
    expect(await till.send(message)).toEqual({ state: 'taken', reason: '' });
    expect(await till.send(message)).toEqual({ state: 'taken', reason: '' });
    await place.until(2n, 'erased');
    expect(await till.send(message)).toEqual({ state: 'waiting', reason: '' });
    expect(await till.refused('send_out', till.message(2n, visitor, 8n, local))).toBe('request_differs');
    expect(await visitor.refused('lookup_exchange', { request: 2n })).toBe('exchange_unknown');
    expect(place.wide.state.balance).toBe(4n);
    await visitor.receive();
    await place.until(2n, 'delivered');
    // Also when its time is over, and the terms are others.
    await place.pass(90_000);
    expect(await till.send(message)).toEqual({ state: 'delivered', reason: '' });
    expect(place.wide.state.balance).toBe(4n);
  });
  test('another terminal cannot send what was sent, nor under its id', async () => {
    const other = await place.terminal('other', 'lan');
    const message = till.message(2n, visitor, 8n, local);
    await till.send(message);
    expect(await other.refused('send_out', message)).toBe('request_differs');
    expect(await other.refused('send_out', { ...message, request: 3n })).toBe('notes_seal_invalid');
  });
  test('two exchanges with the same notes at once: one is taken', async () => {
    const answers = await place.settled(
      Promise.all(
        [2n, 3n].map((request) => till.call('send_out', till.message(request, visitor, 8n, local))),
      ),
    );
    const codes = answers.map((answer) =>
      answer !== undefined && 'code' in answer ? answer.code : answer?.state,
    );
    expect(codes.sort()).toEqual(['note_held', 'taken']);
    const which = codes[0] === 'note_held' && 'code' in answers[0]! ? 3n : 2n;
    await place.until(which, 'erased');
    expect(place.wide.state.issued.size).toBe(1);
  });
  test('deliveries: confirmed twice, by another, with another digest', async () => {
    await till.send(till.message(2n, visitor, 8n, local));
    await place.until(2n, 'erased');
    const [delivery] = await visitor.deliveries();
    visitor.take(delivery!);
    const confirmation = visitor.confirmation(delivery!);
    const thief = await place.terminal('thief', 'wan');
    expect(await thief.deliveries()).toEqual([]);
    expect(await thief.refused('confirm_delivery', confirmation)).toBe('delivery_unknown');
    const wrong = { ...confirmation, notesDigest: new Uint8Array(32) };
    expect(await visitor.refused('confirm_delivery', wrong)).toBe('delivery_unknown');
    expect(await visitor.refused('confirm_delivery', confirmation)).toBeUndefined();
    await place.until(2n, 'delivered');
    expect(await visitor.refused('confirm_delivery', confirmation)).toBeUndefined();
    expect(await visitor.refused('confirm_delivery', wrong)).toBe('delivery_unknown');
    expect([...place.disk.records.keys()].filter((key) => /^(deliveries|copies)\0/.test(key))).toEqual([]);
  });
});

describe('partners', () => {
  test('the float is dry: rejected, and the sender has his notes as before', async () => {
    place.wide.state.balance -= 8n;
    await till.send(till.message(2n, visitor, 8n, local));
    await place.until(2n, 'rejected');
    expect(await till.ask('lookup_exchange', { request: 2n })).toEqual({
      state: 'rejected',
      reason: 'exceeds_credits',
    });
    expect(place.stepsOf(2n)).not.toContain('erase local');
    expect(place.open.status().local).toMatchObject({ outstanding: 10n, held: 0n });
    place.wide.state.balance += 8n;
    await expectStillGood();
  });
  test('wide notes that were spent before: rejected, and no local notes', async () => {
    const wide = place.wide.mint(12n);
    place.wide.swap(wide);
    await visitor.send(visitor.message(2n, till, 10n, wide));
    await place.until(2n, 'rejected');
    expect(await visitor.ask('lookup_exchange', { request: 2n })).toEqual({
      state: 'rejected',
      reason: 'note_spent',
    });
    expect(place.stepsOf(2n)).not.toContain('generate local');
    expect(await till.deliveries()).toEqual([]);
  });
  test('a visitor who sends spent notes again and again is not listened to for the rest of the day', async () => {
    const wide = place.wide.mint(12n);
    place.wide.swap(wide);
    for (let request = 1_000n; request < 1_256n; request++) {
      await visitor.send(visitor.message(request, till, 10n, wide));
      await place.until(request, 'rejected');
    }
    expect(await visitor.refused('send_in', visitor.message(2_000n, till, 10n, wide))).toBe('busy');
    expect(place.open.exchange(2_000n)).toBeUndefined();
    await place.pass(86_400);
    await visitor.send(visitor.message(2_001n, till, 10n, place.wide.mint(12n)));
    await place.until(2_001n, 'generated');
  });
  test('too late for the issuer: rejected', async () => {
    place.wide.script.pending = 1_000_000;
    await till.send(till.message(2n, visitor, 8n, local, { applyBy: place.world.clock() + 60n * SECOND }));
    await place.pass(120);
    place.wide.script.pending = 0;
    await place.until(2n, 'rejected');
    await expectStillGood();
  });
  test('what they refuse to the gateway ends nothing; what they refuse of the request does', async () => {
    place.wide.script.refuse = 'not_permitted';
    await till.send(till.message(2n, visitor, 8n, local));
    await place.until(2n, 'requesting_distrusted');
    delete place.wide.script.refuse;
    await place.until(2n, 'erased');
    await visitor.send(visitor.message(3n, till, 10n, place.wide.mint(12n)));
    place.wide.script.refuse = 'not_permitted';
    await place.until(3n, 'transmitting_distrusted');
    delete place.wide.script.refuse;
    await place.until(3n, 'generated');
    place.wide.script.refuse = 'keyset_inactive';
    const more = await till.receive();
    await till.send(till.message(4n, visitor, 8n, more));
    await place.until(4n, 'rejected');
  });
  test.each(['other amount', 'other request', 'signature', 'seal', 'proof', 'fewer notes'] as const)(
    'an issuer that lies (%s): nothing is erased until it tells the truth',
    async (lie) => {
      place.wide.script.lie = lie;
      await till.send(till.message(2n, visitor, 8n, local));
      await place.until(2n, 'requesting_distrusted');
      await place.pass(300);
      expect(place.open.status().local).toMatchObject({ outstanding: 10n, held: 10n });
      expect(await visitor.deliveries()).toEqual([]);
      delete place.wide.script.lie;
      await place.until(2n, 'erased');
      expect((await visitor.receive()).map(({ amount }) => amount)).toEqual([8n]);
    },
  );
  test('an acknowledgement of another amount generates nothing', async () => {
    place.wide.script.lie = 'other amount';
    await visitor.send(visitor.message(2n, till, 10n, place.wide.mint(12n)));
    await place.until(2n, 'transmitting_distrusted');
    await place.pass(600);
    expect(await till.deliveries()).toEqual([]);
    expect(place.open.status().local.outstanding).toBe(10n);
  });
});

test('before the wide mint has told its keysets: not now, and nothing is remembered', async () => {
  place = new Place({ gateway: { wideKeysets: { active: () => undefined, find: () => undefined } } });
  [till, visitor] = [await place.terminal('till', 'lan'), await place.terminal('visitor', 'wan')];
  expect(await visitor.refused('send_in', visitor.message(1n, till, 10n, place.wide.mint(12n)))).toBe('busy');
  expect(place.open.lan.health().status).toBe('degraded');
});
