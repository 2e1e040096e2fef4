// Gateways and mints that lie: each lie has its error, and nothing is lost by it.
import { expect, test } from 'vitest';
import type { MintOperation } from '../../src/mint/service.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { Delivery } from '../../src/roles/gateway/messages.ts';
import { NoteStore } from '../../src/terminal/note-store.ts';
import { memoryRoleStore } from '../store/memory-backend.ts';
import { Device, errorOf, World } from './support.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

async function delivered() {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  const name = hex(bob.keys.channel.publicKey);
  const sealingKey = bob.keys.sealing.publicKey;
  const notes = await world.mints.wan.issue(5n);
  const codes = async () => (await bob.terminal.receive()).failed.map(({ error }) => error.code);
  return { world, ada, bob, name, sealingKey, notes, codes };
}

test('deliveries that are not what they say are not taken, and not confirmed', async () => {
  const { world, ada, bob, name, sealingKey, notes, codes } = await delivered();
  const { gateway } = world;
  const whole = { request: 1n, isReturn: false, notes, sealingKey };
  const local = await world.mints.lan.issue(5n);
  const forged = notes.map((note) => ({ ...note, secret: 'f'.repeat(64) }));
  const lies: object[] = [
    { amount: 6n },
    { amount: 6n, sealedAs: 5n },
    { sealingKey: ada.keys.sealing.publicKey },
    { notes: [], amount: 0n },
    { notes: [notes[0], notes[0]] },
    { isReturn: true },
  ];
  for (const lie of lies) {
    gateway.deliver(name, { ...whole, ...lie });
    expect(await codes(), JSON.stringify(Object.keys(lie))).toEqual(['delivery_invalid']);
  }
  gateway.deliver(name, { ...whole, notes: forged });
  expect(await codes()).toEqual(['delivery_invalid']);
  gateway.deliver(name, { ...whole, notes: local });
  expect(await codes()).toEqual(['keyset_unknown']);
  expect(gateway.deliveries.get(name)!.size).toBe(1);
  expect(bob.terminal.balance()).toMatchObject({ free: 0n, open: [] });
  gateway.deliver(name, whole);
  expect(await codes()).toEqual([]);
  expect(bob.terminal.balance().free).toBe(5n);
});

test('spent notes are not confirmed, forged ones without a proof neither', async () => {
  const { world, bob, name, sealingKey, notes, codes } = await delivered();
  const { gateway } = world;
  await world.mints.wan.spend(notes);
  gateway.deliver(name, { request: 1n, isReturn: false, notes, sealingKey });
  expect(await codes()).toEqual(['notes_spent']);
  expect(await codes()).toEqual(['notes_spent']);
  const forged = notes.map((note) => ({ ...note, secret: 'e'.repeat(64), dleq: undefined }));
  gateway.deliver(name, { request: 2n, isReturn: false, notes: forged.slice(0, 1), sealingKey });
  expect(await codes()).toEqual(['notes_spent', 'mint_refused']);
  expect([...gateway.deliveries.get(name)!.keys()]).toEqual([1n, 2n]);
  expect(bob.terminal.balance()).toMatchObject({ free: 0n, open: [] });
});

test('notes that are worth nothing use up no secrets: a restore would stop at a gap', async () => {
  const { world, bob, name, sealingKey, notes } = await delivered();
  const { gateway, mints } = world;
  const numbers = (): number =>
    new NoteStore(memoryRoleStore(bob.disk), () => 0n).counter(mints.wan.keyset.id);
  await bob.give(3n);
  const before = numbers();
  const forged = notes.slice(0, 1).map((note) => ({ ...note, secret: 'e'.repeat(64), dleq: undefined }));
  gateway.deliver(name, { request: 1n, isReturn: false, notes: forged, sealingKey });
  expect((await bob.terminal.receive()).failed).toMatchObject([{ error: { code: 'mint_refused' } }]);
  await mints.wan.spend(notes);
  gateway.deliver(name, { request: 1n, isReturn: false, notes, sealingKey });
  expect((await bob.terminal.receive()).failed).toMatchObject([{ error: { code: 'notes_spent' } }]);
  expect(numbers()).toBe(before);
});

test('the same request with other notes, the same notes with another request', async () => {
  const { world, bob, name, sealingKey, notes, codes } = await delivered();
  const { gateway } = world;
  gateway.deliver(name, { request: 1n, isReturn: false, notes, sealingKey });
  expect(await codes()).toEqual([]);
  const others = await world.mints.wan.issue(5n);
  gateway.deliver(name, { request: 1n, isReturn: false, notes: others, sealingKey });
  expect(await codes()).toEqual(['delivery_invalid']);
  gateway.deliver(name, { request: 2n, isReturn: false, notes, sealingKey });
  expect(await codes()).toEqual(['delivery_invalid', 'notes_spent']);
  expect(bob.terminal.balance().free).toBe(5n);
});

test('pages without end come to one', async () => {
  const { world, bob } = await delivered();
  const sealed = {
    keyId: new Uint8Array(8),
    encapsulatedKey: new Uint8Array(32),
    ciphertext: new Uint8Array(32),
  };
  const delivery: Delivery = { request: 3n, isReturn: false, amount: 1n, notes: sealed, until: 0n };
  world.gateway.tamper = (name, result) =>
    name === 'list_deliveries' ? { kind: 'ok', answer: { deliveries: [delivery], more: true } } : result;
  const { failed } = await bob.terminal.receive();
  expect(failed.map(({ error }) => error.code)).toEqual(['delivery_invalid', 'gateway_invalid']);
});

test('a gateway that rejects and keeps the notes is found out; one that has taken them after all is believed', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(8n);
  const { gateway } = world;
  const destination = bob.terminal.address;
  gateway.tamper = (name, result) =>
    name === 'send_out' ? { kind: 'ok', answer: { state: 'rejected', reason: 'no' } } : result;
  // It was taken: the lookup says so.
  expect(await ada.terminal.send({ destination, amount: 3n })).toMatchObject({ state: 'waiting' });
  gateway.tamper = (name, result) =>
    name === 'send_out' || name === 'lookup_exchange'
      ? { kind: 'ok', answer: { state: 'rejected', reason: 'no' } }
      : result;
  expect(await errorOf(ada.terminal.send({ destination, amount: 2n }))).toBe('notes_spent');
  expect(ada.terminal.history().at(-1)).toMatchObject({ event: 'lost', amount: 2n });
  expect(ada.terminal.balance().free).toBe(3n);
});

test('a no to the second asking, after the first was heard, is no end', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(4n);
  const { gateway } = world;
  // Its terms, and then the message, whose answer is lost.
  Object.assign(gateway, { loseIn: 1, loseHeard: true });
  gateway.tamper = (name, result) =>
    name === 'send_out'
      ? { kind: 'refused', refusal: new Refusal('terminal_blocked', 'since then') }
      : result;
  expect(await errorOf(ada.terminal.send({ destination: bob.terminal.address, amount: 4n }))).toBe(
    'unreachable',
  );
  expect((await ada.terminal.resume()).unfinished).toEqual([]);
  expect(ada.terminal.balance()).toMatchObject({ free: 0n, sent: 4n });
});

test('a terminal that is blocked after its send was taken does not write it off', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(4n);
  const { gateway } = world;
  Object.assign(gateway, { loseIn: 1, loseHeard: true });
  gateway.tamper = (name, result) =>
    name === 'send_out' || name === 'lookup_exchange'
      ? { kind: 'refused', refusal: new Refusal('terminal_blocked', 'since then') }
      : result;
  const send = ada.terminal.send({ destination: bob.terminal.address, amount: 4n });
  expect(await errorOf(send)).toBe('unreachable');
  const { unfinished } = await ada.terminal.resume();
  expect(unfinished).toMatchObject([{ error: { code: 'gateway_refused', reason: 'terminal_blocked' } }]);
  expect(ada.terminal.balance()).toMatchObject({ free: 0n, sent: 4n });
  gateway.tamper = undefined;
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ sent: 4n, open: [{ state: 'waiting' }] });
  await bob.terminal.receive();
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ free: 0n, sent: 0n, open: [] });
});

test('a gateway of another side, currency, organisation or of no key', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(4n);
  const send = () => errorOf(ada.terminal.send({ destination: bob.terminal.address, amount: 1n }));
  const { terms } = world.gateway;
  const right = { ...terms };
  for (const [lie, code] of [
    [{ organisation: 'elsewhere' }, 'gateway_invalid'],
    [{ organisation: 'a b' }, 'gateway_invalid'],
    [{ currency: 1 }, 'currency_differs'],
    [{ sealingKey: new Uint8Array(32) }, 'gateway_invalid'],
    [{ feeFixed: 1n }, 'fee_too_high'],
  ] as const) {
    Object.assign(terms, right, lie);
    expect(await send()).toBe(code);
  }
  expect(ada.terminal.balance()).toMatchObject({ free: 4n, open: [] });
});

/** What a lie is told about, and what of it is changed. */
type Lie = readonly [operation: MintOperation, change: (answer: never) => unknown];

const SIGNATURE_LIES: Record<string, Lie> = {
  'fewer signatures': [
    'swap',
    ({ signatures }: { signatures: unknown[] }) => ({ signatures: signatures.slice(1) }),
  ],
  'other amounts': [
    'swap',
    ({ signatures }: { signatures: object[] }) => ({
      signatures: signatures.map((signature) => ({ ...signature, amount: 1n })),
    }),
  ],
  'wrong proofs': [
    'swap',
    ({ signatures }: { signatures: { dleq: { e: Uint8Array; s: Uint8Array } }[] }) => ({
      signatures: signatures.map(({ dleq: { e, s }, ...rest }) => ({ ...rest, dleq: { e: s, s: e } })),
    }),
  ],
  'no proofs': [
    'swap',
    ({ signatures }: { signatures: { dleq: unknown }[] }) => ({
      signatures: signatures.map(({ dleq: _, ...rest }) => rest),
    }),
  ],
};

test.each(Object.entries(SIGNATURE_LIES))(
  '%s: the notes stay where they are',
  async (_, [operation, change]) => {
    const world = new World();
    const ada = new Device(world, 'wan');
    await ada.give(6n);
    const mint = world.mints.wan;
    mint.tamper = (asked, answer) => (asked === operation ? change(answer as never) : answer);
    expect(await errorOf(ada.terminal.makeToken(5n))).toBe('mint_invalid');
    expect(ada.worth()).toBe(6n);
    // The mint comes to its senses.
    mint.tamper = undefined;
    await ada.terminal.resume();
    expect(ada.terminal.balance()).toMatchObject({ free: 6n, open: [] });
  },
);

test('keysets that are not what their ids say, states of other notes, quotes of other amounts', async () => {
  const world = new World();
  const { wan } = world.mints;
  const ada = new Device(world, 'wan');
  const lie = (operation: MintOperation, change: (answer: never) => unknown): void => {
    wan.tamper = (asked, answer) => (asked === operation ? change(answer as never) : answer);
  };
  const { text } = await (async () => {
    const eve = new Device(world, 'wan');
    await eve.give(3n);
    return eve.terminal.makeToken(3n);
  })();
  const swapped = ({ keysets: [keyset] }: { keysets: { keys: Map<bigint, Uint8Array> }[] }) => {
    const keys = new Map(keyset!.keys);
    keys.set(1n, keys.get(2n)!);
    return { keysets: [{ ...keyset, keys }] };
  };
  lie('keys', swapped);
  expect(await errorOf(ada.terminal.takeToken(text))).toBe('mint_invalid');
  lie('keys', () => ({ keysets: [] }));
  expect(await errorOf(ada.terminal.takeToken(text))).toBe('mint_invalid');
  lie('keysets', () => ({ keysets: [] }));
  expect(await errorOf(ada.terminal.takeToken(text))).toBe('keyset_unknown');
  wan.tamper = undefined;
  expect(await ada.terminal.takeToken(text)).toBe(3n);

  // A fee that is not the one of the id.
  lie('keysets', ({ keysets }: { keysets: object[] }) => ({
    keysets: keysets.map((keyset) => ({ ...keyset, inputFeePpk: 1_000_000 })),
  }));
  expect(await errorOf(new Device(world, 'wan').terminal.takeToken(text))).toBe('mint_invalid');

  lie('openMintQuote', (quote: object) => ({ ...quote, amount: 4n }));
  expect(await errorOf(ada.terminal.withdraw(5n))).toBe('mint_invalid');
  lie('openMeltQuote', (quote: object) => ({ ...quote, amount: 3n }));
  expect(await errorOf(ada.terminal.deposit({ payee: 'x', amount: 2n }))).toBe('mint_invalid');
  lie('openMeltQuote', (quote: object) => ({ ...quote, feeReserve: 1n }));
  expect(await errorOf(ada.terminal.deposit({ payee: 'x', amount: 2n }))).toBe('fee_too_high');
  lie('states', ({ states }: { states: unknown[] }) => ({ states: states.slice(1) }));
  expect(await errorOf(ada.terminal.audit())).toBe('mint_invalid');
  expect(ada.terminal.balance()).toMatchObject({ free: 3n, open: [] });
});

test('a mint that says unpaid and keeps the notes: neither free nor forgotten', async () => {
  const world = new World();
  const { wan } = world.mints;
  const ada = new Device(world, 'wan');
  await ada.give(4n);
  wan.tamper = (asked, answer) =>
    asked === 'melt' || asked === 'meltQuote' ? { ...(answer as object), state: 'UNPAID' } : answer;
  expect(await errorOf(ada.terminal.deposit({ payee: 'x', amount: 4n }))).toBe('mint_invalid');
  expect(ada.terminal.balance()).toMatchObject({ free: 0n, depositing: 4n });
  wan.tamper = undefined;
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ depositing: 0n, open: [] });
});
