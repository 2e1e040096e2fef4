// What terminals do when everybody does what he should.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeAddress, encodeAddress } from '../../src/terminal/address.ts';
import { Device, errorOf, World } from './support.ts';

test('local money goes out, and comes in again', async () => {
  const world = new World();
  const ada = new Device(world, 'lan');
  const bob = new Device(world, 'wan');
  expect((await ada.terminal.register('Ada')).state).toBe('open');
  await bob.terminal.register('Bob');
  await ada.give(5n);
  expect(await ada.terminal.unit()).toBe('eur@campus');

  const sent = await ada.terminal.send({ destination: bob.terminal.address, amount: 4n });
  expect(sent).toMatchObject({ state: 'waiting', amount: 4n, fee: 0n });
  expect(ada.terminal.balance()).toMatchObject({ free: 1n, sent: 4n });

  const { received, failed } = await bob.terminal.receive();
  expect(failed).toEqual([]);
  expect(received).toMatchObject([{ amount: 4n, isReturn: false, request: sent.request }]);
  expect(bob.terminal.balance()).toMatchObject({ free: 4n, exchanging: 0n });
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ free: 1n, sent: 0n, open: [] });

  await bob.terminal.send({ destination: ada.terminal.address, amount: 4n });
  expect((await ada.terminal.receive()).received).toMatchObject([{ amount: 4n }]);
  await bob.terminal.resume();
  expect([ada.terminal.balance().free, bob.terminal.balance().free]).toEqual([5n, 0n]);
  expect(world.mints.wan.outstanding()).toBe(0n);
  expect(ada.terminal.history().map(({ event }) => event)).toEqual([
    'token_taken',
    'sent',
    'delivered',
    'received',
  ]);
});

test('a delivery counts once, however often it is listed', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(9n);
  await ada.terminal.send({ destination: bob.terminal.address, amount: 3n });
  const kept = new Map(world.gateway.deliveries.get(Buffer.from(bob.keys.channel.publicKey).toString('hex')));
  await bob.terminal.receive();
  world.gateway.deliveries.set(Buffer.from(bob.keys.channel.publicKey).toString('hex'), kept);
  expect(await bob.terminal.receive()).toEqual({ received: [], failed: [] });
  expect(bob.terminal.balance().free).toBe(3n);
});

test('exact change is made at the mint first', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(64n);
  await ada.terminal.send({ destination: bob.terminal.address, amount: 13n });
  expect(ada.terminal.balance()).toMatchObject({ free: 51n, sent: 13n });
  expect(world.mints.lan.outstanding()).toBe(51n);
});

test('the fee of the terms that were agreed to is paid, a higher one is not', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  Object.assign(world.gateway.terms, { feeBasisPoints: 150, feeFixed: 1n });
  await ada.give(300n);
  const destination = bob.terminal.address;
  expect(await errorOf(ada.terminal.send({ destination, amount: 100n }))).toBe('fee_too_high');
  expect(await ada.terminal.send({ destination, amount: 100n, feeMax: 3n })).toMatchObject({ fee: 3n });
  await ada.terminal.register('Ada');
  expect(await ada.terminal.send({ destination, amount: 33n })).toMatchObject({ fee: 1n });
  Object.assign(world.gateway.terms, { feeFixed: 2n });
  expect(await errorOf(ada.terminal.send({ destination, amount: 33n }))).toBe('fee_too_high');
  expect(ada.terminal.balance()).toMatchObject({ free: 163n, sent: 137n });
});

test('what cannot be sent is not begun', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(8n);
  const destination = bob.terminal.address;
  const send = (options: object) => errorOf(ada.terminal.send({ destination, amount: 1n, ...options }));
  expect(await send({ destination: ada.terminal.address })).toBe('invalid_argument');
  expect(await send({ amount: 0n })).toBe('invalid_argument');
  expect(await send({ amount: 1_001n })).toBe('amount_outside_terms');
  expect(await send({ amount: 9n })).toBe('insufficient_notes');
  expect(await send({ gateway: 'another' })).toBe('gateway_unknown');
  world.gateway.terms.currency = 756;
  expect(await send({})).toBe('currency_differs');
  expect(ada.terminal.balance()).toMatchObject({ free: 8n, open: [] });
});

test('what nobody fetches comes back', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.terminal.register('Ada');
  await ada.give(10n);
  const { request } = await ada.terminal.send({ destination: bob.terminal.address, amount: 6n });
  await world.gateway.giveBack(request);
  const { received } = await ada.terminal.resume();
  expect(received).toMatchObject({ received: [{ isReturn: true, amount: 6n, request }], failed: [] });
  expect(ada.terminal.balance()).toMatchObject({ free: 10n, sent: 0n, open: [] });
  expect(await bob.terminal.receive()).toEqual({ received: [], failed: [] });
});

test('what a gateway rejects or refuses comes back as notes that it has not seen', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(7n);
  const destination = bob.terminal.address;
  const before = world.mints.lan.book.allTotals(world.mints.lan.store)[0]!.spentCount;
  world.gateway.rejects = 'exceeds_credits';
  expect(await ada.terminal.send({ destination, amount: 3n })).toMatchObject({
    state: 'rejected',
    reason: 'exceeds_credits',
  });
  world.gateway.rejects = undefined;
  world.gateway.refusal = 'terminal_blocked';
  expect(await ada.terminal.send({ destination, amount: 3n })).toMatchObject({
    state: 'rejected',
    reason: 'terminal_blocked: as the script says',
  });
  expect(ada.terminal.balance()).toMatchObject({ free: 7n, open: [] });
  const after = world.mints.lan.book.allTotals(world.mints.lan.store)[0]!.spentCount;
  expect(after - before).toBe(4n);
});

test('tokens: made, taken, checked, taken back', async () => {
  const world = new World();
  const [ada, eve] = [new Device(world, 'wan'), new Device(world, 'wan')];
  await ada.give(20n);
  const first = await ada.terminal.makeToken(5n, 'lunch');
  const second = await ada.terminal.makeToken(6n);
  expect(first.text).toMatch(/^cashuB/);
  expect(await ada.terminal.tokens()).toMatchObject([{ text: first.text, memo: 'lunch' }, { amount: 6n }]);
  expect(ada.terminal.balance()).toMatchObject({ free: 9n, tokens: 11n });

  expect(await eve.terminal.takeToken(first.text)).toBe(5n);
  expect(await errorOf(eve.terminal.takeToken(first.text))).toBe('notes_spent');
  expect(eve.terminal.balance()).toMatchObject({ free: 5n, open: [] });
  expect(await ada.terminal.checkTokens()).toEqual([first.operation]);
  // Its own: taken back.
  expect(await ada.terminal.takeToken(second.text)).toBe(6n);
  expect(await errorOf(eve.terminal.takeToken(second.text))).toBe('notes_spent');
  expect(ada.terminal.balance()).toMatchObject({ free: 15n, tokens: 0n, open: [] });
  const third = await ada.terminal.makeToken(1n);
  await eve.terminal.takeToken(third.text);
  expect(await errorOf(ada.terminal.reclaimToken(third.operation))).toBe('notes_spent');
  expect(ada.terminal.balance()).toMatchObject({ free: 14n, tokens: 0n, open: [] });
  expect(ada.terminal.history().at(-1)).toMatchObject({ event: 'token_spent', amount: 1n });
});

test('notes of another mint, organisation or currency are refused', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await bob.give(8n);
  const { text } = await bob.terminal.makeToken(3n);
  expect(await errorOf(ada.terminal.takeToken(text))).toBe('keyset_unknown');
  expect(await errorOf(ada.terminal.takeToken('cashuBnonsense'))).toBe('token_invalid');
  expect(await errorOf(ada.terminal.takeToken('hello'))).toBe('token_invalid');
  expect(ada.terminal.balance()).toMatchObject({ free: 0n, open: [] });
});

test('withdrawn when it is paid, deposited to an account', async () => {
  const world = new World();
  const ada = new Device(world, 'wan');
  const { operation, request } = await ada.terminal.withdraw(21n);
  expect(await errorOf(ada.terminal.finishWithdrawal(operation))).toBe('unfinished');
  await world.mints.wan.payQuote(request);
  expect(await ada.terminal.finishWithdrawal(operation)).toBe(21n);
  expect(await ada.terminal.deposit({ payee: 'specie-device:x', amount: 20n })).toBe(20n);
  expect(world.mints.wan.melted).toBe(20n);
  expect(ada.terminal.balance()).toMatchObject({ free: 1n, depositing: 0n, open: [] });
  const late = await ada.terminal.withdraw(4n);
  world.nowNs += 601_000_000_000n;
  expect(await errorOf(ada.terminal.finishWithdrawal(late.operation))).toBe('quote_expired');
  expect(ada.terminal.balance().open).toEqual([]);
});

test('who was shown what is to be paid cannot mint from it', async () => {
  const world = new World();
  const ada = new Device(world, 'wan');
  const { operation, request } = await ada.terminal.withdraw(1n);
  await world.mints.wan.payQuote(request);
  const quote = request.slice('pay:'.length);
  const { keyset, mint } = world.mints.wan;
  const blinded = Uint8Array.from(keyset.keys.get(1n)!);
  const outputs = [{ amount: 1n, keysetId: keyset.id, blinded }];
  const thief = mint.mint('specie', { quote: BigInt(`0x${quote}`).toString(16).padStart(32, '0'), outputs });
  await expect(thief).rejects.toMatchObject({ error: 'quote_signature' });
  expect(await ada.terminal.finishWithdrawal(operation)).toBe(1n);
});

test('a payment under way is waited for', async () => {
  const world = new World();
  const ada = new Device(world, 'wan');
  await ada.give(8n);
  world.mints.wan.pays = false;
  expect(await errorOf(ada.terminal.deposit({ payee: 'x', amount: 3n }))).toBe('unfinished');
  expect(ada.terminal.balance()).toMatchObject({ free: 5n, depositing: 3n });
  world.mints.wan.pays = true;
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ depositing: 3n });
});

test('the phrase alone finds the notes', async () => {
  const world = new World();
  const ada = new Device(world, 'wan');
  await ada.give(100n);
  const { text } = await ada.terminal.makeToken(9n);
  const found = new Device(world, 'wan');
  Object.assign(found, { seed: ada.seed });
  found.start();
  expect(await found.terminal.restore()).toMatchObject({ amount: 100n, pending: 0n });
  // The token was not taken: its notes are found too, and whoever comes first has them.
  const eve = new Device(world, 'wan');
  await eve.terminal.takeToken(text);
  expect(await found.terminal.audit()).toEqual({ UNSPENT: 91n, PENDING: 0n, SPENT: 9n });
  // Secrets are not used twice.
  expect(await found.terminal.restore()).toMatchObject({ amount: 0n });
  await found.give(1n);
  expect(found.terminal.balance().free).toBe(101n);
});

test('a restore leaves alone what is under way', async () => {
  const world = new World();
  const ada = new Device(world, 'wan');
  await ada.give(16n);
  const { text } = await ada.terminal.makeToken(2n);
  // The mint has signed, and was not heard.
  Object.assign(world.mints.wan, { loseIn: 0, loseHeard: true });
  expect(await errorOf(ada.terminal.makeToken(3n))).toBe('unreachable');
  const before = ada.terminal.balance();
  expect(before).toMatchObject({ tokens: 2n, open: [{ kind: 'token' }, { kind: 'swap' }] });
  expect(await ada.terminal.restore()).toMatchObject({ amount: 0n, notes: 0 });
  expect(ada.terminal.balance()).toEqual(before);
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ free: 14n, exchanging: 0n });
  expect(await ada.terminal.takeToken(text)).toBe(2n);
});

test('input fees are paid at the mint, and reckoned with', async () => {
  const world = new World({ mint: { inputFeePpk: 500 } });
  const ada = new Device(world, 'wan');
  await ada.give(64n);
  expect(ada.terminal.balance().free).toBe(63n);
  await ada.terminal.deposit({ payee: 'x', amount: 10n });
  const { free } = ada.terminal.balance();
  expect(world.mints.wan.melted).toBe(10n);
  expect(free).toBeLessThan(53n);
  expect(free).toBeGreaterThan(45n);
});

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const address = fc.record({
  side: fc.constantFrom('lan' as const, 'wan' as const),
  channelKey: key,
  sealingKey: key,
});

test('an address is read as it was written, in capitals too', () => {
  fc.assert(
    fc.property(address, (given) => {
      const text = encodeAddress(given);
      expect(text).toMatch(given.side === 'lan' ? /^splan1[a-z0-9]{110}$/ : /^spwan1[a-z0-9]{110}$/);
      expect(decodeAddress(text)).toEqual(given);
      expect(decodeAddress(` ${text.toUpperCase()}\n`)).toEqual(given);
    }),
  );
});

test('a mistake is found out, wherever it is', () => {
  const text = encodeAddress({
    side: 'wan',
    channelKey: new Uint8Array(32).fill(1),
    sealingKey: new Uint8Array(32).fill(2),
  });
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l'),
      (at, wrong) => {
        fc.pre(text[at] !== wrong);
        expect(() => decodeAddress(text.slice(0, at) + wrong + text.slice(at + 1))).toThrow(
          'address_invalid',
        );
      },
    ),
  );
});

test.each([
  '',
  'splan',
  'splan1qqqq',
  'cashuBabc',
  'x'.repeat(1_000),
  // Bech32m of another prefix, and of 66 bytes (BIP 350).
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
])('%s is none', async (text) => {
  expect(await errorOf(() => decodeAddress(text))).toBe('address_invalid');
});
