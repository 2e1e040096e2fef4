// Who may come in: terminals by their keys, on one side each, so many and no more; and what the local mint does for them.
import { expect, test } from 'vitest';
import { BackingError } from '../../src/gateway/backing.ts';
import { gatewayServerIdentity } from '../../src/gateway/server-identity.ts';
import { checkTerms, feeFor } from '../../src/gateway/terms.ts';
import { keysetsAnswer } from '../../src/notes/json/keys.ts';
import { statesAnswer, statesRequest } from '../../src/notes/json/states.ts';
import { signaturesAnswer, swapRequest } from '../../src/notes/json/swap.ts';
import { noteIds } from '../../src/notes/note.ts';
import { makeOutputs, unblindAll } from '../../src/notes/outputs.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import { toyNoteCrypto } from './toy-crypto.ts';
import { drawing, keyPairOf } from './wide.ts';
import { Place, TERMS, type Terminal } from './world.ts';

const register = (terminal: Terminal) => ({ name: 'Till', sealingKey: terminal.sealing.publicKey });

test('a terminal registers once, and stays what it was', async () => {
  const place = new Place();
  const till = place.bare('till', 'lan');
  expect(await till.refused('list_deliveries', { after: 0n })).toBe('terminal_unknown');
  expect(await till.ask('register', register(till))).toEqual({ state: 'waiting' });
  expect(await till.ask('register', register(till))).toEqual({ state: 'waiting' });
  expect(await till.refused('list_deliveries', { after: 0n })).toBe('terminal_waiting');
  expect(await till.refused('register', { name: 'Till', sealingKey: new Uint8Array(32).fill(9) })).toBe(
    'request_differs',
  );
  expect(await till.refused('register', { ...register(till), name: 'two\nlines' })).toBe('malformed');
  expect(await till.refused('register', register(till), 'wan')).toBe('key_taken');
  await place.settled(place.open.admit(till.channelKey));
  expect(await till.ask('register', { ...register(till), name: 'Director' })).toEqual({ state: 'open' });
  expect(place.open.terminals().map(({ name, state }) => [name, state])).toEqual([['Till', 'open']]);
  await expect(place.settled(place.open.admit(new Uint8Array(32)))).rejects.toThrow(
    'expected one that has registered',
  );
  expect(await till.ask('get_terms', {})).toMatchObject({
    organisation: 'campus',
    side: 'lan',
    amountMax: 100n,
  });
});

test('a visitor who has sent only what was none is forgotten as soon as one who never came again', async () => {
  const place = new Place({ gateway: { terminalsMax: { wan: 1 } } });
  const till = await place.terminal('till', 'lan');
  const thief = await place.terminal('thief', 'wan');
  const wide = place.wide.mint(12n);
  place.wide.swap(wide);
  await thief.send(thief.message(1n, till, 10n, wide));
  await place.until(1n, 'rejected');
  await place.pass(3_700);
  const late = place.bare('late', 'wan');
  expect(await late.ask('register', register(late))).toEqual({ state: 'open' });
  expect([...place.disk.records.keys()].filter((key) => key.startsWith('terminal-usage'))).toEqual([]);
});

test('so many terminals: those that were never used go first, those that were admitted or used stay', async () => {
  const place = new Place({ gateway: { terminalsMax: { lan: 2, wan: 2 } } });
  const till = await place.terminal('till', 'lan');
  const used = await place.terminal('used', 'wan');
  const other = place.bare('other', 'lan');
  await other.ask('register', register(other));
  const third = place.bare('third', 'lan');
  expect(await third.refused('register', register(third))).toBe('terminals_exhausted');
  await used.send(used.message(1n, till, 10n, place.wide.mint(12n)));
  await place.terminal('idle', 'wan');
  const late = place.bare('late', 'wan');
  expect(await late.refused('register', register(late))).toBe('terminals_exhausted');
  await place.pass(3_700);
  expect(await third.ask('register', register(third))).toEqual({ state: 'waiting' });
  await place.pass(61);
  expect(await late.ask('register', register(late))).toEqual({ state: 'open' });
  const known = place.open.terminals().map(({ channelKey }) => channelKey);
  expect(known).toHaveLength(4);
  for (const { channelKey } of [till, used, third, late]) expect(known).toContainEqual(channelKey);
  expect(place.open.status().terminals).toEqual({ lan: 2, wan: 2 });
});

test('who comes over a channel: IK without a payload, known by its key', () => {
  const { publicKey, secretKey } = keyPairOf('somebody');
  const identity = gatewayServerIdentity({ secretKey });
  const nothing = new Uint8Array();
  expect(identity.authorise({ pattern: 'IK', staticKey: publicKey, payload: nothing })).toEqual({
    peer: { kind: 'unenrolled', channelKey: publicKey },
  });
  expect(identity.authorise({ pattern: 'NK', staticKey: undefined, payload: nothing })).toMatchObject({
    refused: 'pattern_not_allowed',
  });
  expect(identity.authorise({ pattern: 'KK', staticKey: publicKey, payload: nothing })).toMatchObject({
    refused: 'pattern_not_allowed',
  });
  expect(
    identity.authorise({ pattern: 'IK', staticKey: publicKey, payload: Uint8Array.of(1) }),
  ).toMatchObject({
    refused: 'malformed_payload',
  });
});

test('fees by rule, and terms that are none', () => {
  const rule = { feeBasisPoints: 25, feeFixed: 3n };
  expect([0n, 199n, 200n, 10_000n].map((amount) => feeFor(amount, rule))).toEqual([3n, 3n, 4n, 28n]);
  expect(() => checkTerms(TERMS)).not.toThrow();
  const wrong = {
    organisation: 'Campus',
    unit: 'EUR',
    amountMin: 0n,
    amountMax: 2n ** 40n,
    dayMax: 0n,
    feeFixed: -1n,
  };
  for (const [name, value] of Object.entries(wrong))
    expect(() => checkTerms({ ...TERMS, [name]: value }), name).toThrow('terms: expected');
});

test('the local mint: exchanged among terminals of the LAN, and neither minted nor melted by quotes', async () => {
  const place = new Place();
  const till = await place.terminal('till', 'lan');
  const visitor = await place.terminal('visitor', 'wan');
  await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
  await place.until(1n, 'generated');
  const notes = await till.receive();
  const call = async (method: string, path: string, body = new Uint8Array()) =>
    till.ask('mint_call', { method, path, body });
  const listed = keysetsAnswer.decode((await call('GET', '/v1/keysets')).body).keysets;
  expect(listed).toMatchObject([{ unit: 'eur@campus', isActive: true, inputFeePpk: 0 }]);
  // Over JSON the toy's numbers are no points: the keys are taken from the gateway itself.
  expect((await call('GET', `/v1/keys/${listed[0]!.id}`)).status).toBe(200);
  const [keyset] = place.open.localKeysets;
  const outputs = makeOutputs([2n, 4n, 4n], keyset!.id, randomSecrets(3, drawing('swap')), toyNoteCrypto);
  const swap = swapRequest.encode({ inputs: notes, outputs: outputs.map(({ message }) => message) });
  const answer = await call('POST', '/v1/swap', new TextEncoder().encode(swap));
  expect(answer.status).toBe(200);
  const { signatures } = signaturesAnswer.decode(answer.body);
  const own = unblindAll(outputs, signatures, keyset!, toyNoteCrypto);
  expect(place.open.status()).toMatchObject({
    local: { outstanding: 10n, signed: 20n, spent: 10n },
    backing: 12n,
  });
  const states = statesRequest.encode({ noteIds: noteIds([...notes, ...own], toyNoteCrypto) });
  const told = statesAnswer.decode(
    (await call('POST', '/v1/checkstate', new TextEncoder().encode(states))).body,
  );
  expect(told.states.map(({ state }) => state)).toEqual(['SPENT', 'SPENT', 'UNSPENT', 'UNSPENT', 'UNSPENT']);
  const quote = new TextEncoder().encode('{"amount":1,"unit":"eur@campus"}');
  for (const path of ['/v1/mint/quote/specie', '/v1/melt/quote/specie'])
    expect((await call('POST', path, quote)).status).toBe(400);
  // What was swapped goes out as well as anything.
  await till.send(till.message(2n, visitor, 8n, own));
  await place.until(2n, 'erased');
  expect(
    await till.refused('mint_call', { method: 'GET', path: '/v1/info', body: new Uint8Array() }),
  ).toBeUndefined();
});

test('books that do not agree are not opened', async () => {
  const place = new Place();
  const till = await place.terminal('till', 'lan');
  const visitor = await place.terminal('visitor', 'wan');
  await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
  await place.until(1n, 'generated');
  place.crash();
  for (const key of place.disk.records.keys())
    if (key.startsWith('backing\0')) place.disk.records.delete(key);
  expect(() => place.start()).toThrow(BackingError);
});
