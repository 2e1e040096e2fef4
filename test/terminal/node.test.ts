// Terminals in their homes, over encrypted WebSockets to a real gateway, and over HTTP to a mint.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { encodeToken } from '../../src/notes/token.ts';
import { makeTerminal, OpenTerminal, putGateway, TerminalHome } from '../../src/terminal/index.ts';
import { Place } from './place.ts';
import { errorOf } from './support.ts';

let place: Place;
beforeAll(async () => {
  place = await Place.open();
});
afterAll(() => place.close());

const home = (name: string): string => join(place.folder, name);

test('a gateway that remembers why it refused: the notes come back', async () => {
  await place.make('dora', 'wan');
  await place.make('eve', 'lan');
  const dora = await OpenTerminal.open({ home: home('dora') });
  const eve = await OpenTerminal.open({ home: home('eve') });
  try {
    await dora.register('Dora');
    const text = encodeToken({ mint: place.http.url, unit: 'eur', notes: place.wide.mint(50n) });
    await dora.takeToken(text);
    // She has not registered: a table decides that, so the refusal is remembered.
    const sent = await dora.send({ destination: eve.address, amount: 30n, patienceMs: 2_000 });
    expect(sent).toMatchObject({ state: 'rejected' });
    expect(sent.reason).toContain('destination_unknown');
    expect(dora.balance()).toMatchObject({ free: 50n, sent: 0n, open: [] });
  } finally {
    await dora.close();
    await eve.close();
  }
});

test('wide money comes in to the LAN, is passed on there by hand, and goes out again', async () => {
  const made = await place.make('ada', 'lan');
  expect(made.phrase.split(' ')).toHaveLength(12);
  await place.make('bob', 'wan');
  const [ada, bob] = [
    await OpenTerminal.open({ home: home('ada') }),
    await OpenTerminal.open({ home: home('bob') }),
  ];
  try {
    expect(ada.addressText).toBe(made.address);
    expect((await ada.register('Ada')).state).toBe('waiting');
    expect(await errorOf(bob.send({ destination: ada.address, amount: 1n }))).not.toBe('none');
    await place.gateway.admit(ada.address.channelKey);
    expect((await ada.register('Ada')).state).toBe('open');
    expect((await bob.register('Bob')).state).toBe('open');
    const { terms } = await bob.register('Bob');
    expect(terms).toMatchObject({ organisation: 'campus', side: 'wan', feeFixed: 1n });

    const text = encodeToken({ mint: place.http.url, unit: 'eur', notes: place.wide.mint(50n) });
    expect(await bob.takeToken(text)).toBe(50n);
    const wait = { patienceMs: 10_000 };
    expect(await bob.send({ destination: ada.address, amount: 30n, ...wait })).toMatchObject({
      state: 'waiting',
      fee: 1n,
    });
    expect(await ada.receive()).toMatchObject({ received: [{ amount: 30n, isReturn: false }], failed: [] });
    expect(await ada.unit()).toBe('eur@campus');
    expect(await ada.audit()).toEqual({ UNSPENT: 30n, PENDING: 0n, SPENT: 0n });

    await place.make('cafe', 'lan');
    const cafe = await OpenTerminal.open({ home: home('cafe') });
    try {
      await cafe.register('Cafe');
      const token = await ada.makeToken(8n);
      // Not admitted yet: the mint is the gateway's.
      expect(await errorOf(cafe.takeToken(token.text))).toBe('mint_refused');
      await place.gateway.admit(cafe.address.channelKey);
      expect(await cafe.takeToken(token.text)).toBe(8n);
      // A local note is worth nothing elsewhere.
      const local = await cafe.makeToken(1n);
      expect(await errorOf(bob.takeToken(local.text))).toBe('keyset_unknown');
    } finally {
      await cafe.close();
    }

    const sent = await ada.send({ destination: bob.address, amount: 12n, ...wait });
    expect(sent).toMatchObject({ state: 'waiting', fee: 1n });
    expect(await bob.receive()).toMatchObject({ received: [{ amount: 12n }], failed: [] });
    const resumed = await ada.resume();
    expect(resumed.finished).toMatchObject([{ kind: 'send', operation: sent.request }]);
    expect(ada.balance()).toMatchObject({ free: 9n, sent: 0n, tokens: 0n, open: [] });
    expect(bob.balance()).toMatchObject({ free: 31n });
    // One to one: what local notes are out, and what was earned, lies at cash.
    const { local, counters } = place.gateway.status();
    expect(local.signed - local.spent).toBe(17n);
    expect(counters.fees).toBe(2n);
    expect(place.wide.state.balance).toBe(19n);
  } finally {
    await ada.close();
    await bob.close();
  }
});

test('the words bring address and notes back, on another machine', async () => {
  const { phrase, address } = await place.make('lost', 'wan');
  const lost = await OpenTerminal.open({ home: home('lost') });
  const text = encodeToken({ mint: place.http.url, unit: 'eur', notes: place.wide.mint(5n) });
  await lost.takeToken(text);
  await lost.close();
  expect((await place.make('found', 'wan', { phrase })).address).toBe(address);
  const found = await OpenTerminal.open({ home: home('found') });
  try {
    expect(await found.restore()).toEqual({ amount: 5n, notes: 2, pending: 0n });
  } finally {
    await found.close();
  }
  expect(await errorOf(place.make('typo', 'wan', { phrase: phrase.replace(/\w+$/, 'zoo zoo') }))).toBe(
    'phrase_invalid',
  );
});

test('the words are encrypted by a passphrase, which a look at the balance does not ask for', async () => {
  const options = {
    home: home('locked'),
    side: 'lan',
    gateways: [place.gatewayOf('lan')],
    passphrase: new Passphrase('correct horse'),
    scryptLog2N: 10,
  } as const;
  const { address } = await makeTerminal(options);
  expect(await errorOf(makeTerminal(options))).toBe('terminal_exists');
  const file = join(options.home, 'keys', 'terminal.key');
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect(JSON.parse(await readFile(file, 'utf8')).encryption).not.toBe(null);

  const looking = await OpenTerminal.open({ home: options.home, isLocked: true });
  expect(looking.addressText).toBe(address);
  expect(looking.balance().free).toBe(0n);
  expect(await errorOf(looking.register('x'))).not.toBe('none');
  expect(await errorOf(OpenTerminal.open({ home: options.home, isLocked: true }))).toBe('terminal_locked');
  await looking.close();
  expect(await errorOf(OpenTerminal.open({ home: options.home }))).toBe('passphrase_needed');
  const wrong = async () => new Passphrase('wrong horse');
  expect(await errorOf(OpenTerminal.open({ home: options.home, passphrase: wrong }))).toBe(
    'wrong_passphrase',
  );
  const right = await OpenTerminal.open({
    home: options.home,
    passphrase: async () => new Passphrase('correct horse'),
  });
  expect((await right.register('x')).state).toBe('waiting');
  await right.close();
});

test('a gateway that proves another key is not talked to', async () => {
  await makeTerminal({
    home: home('misled'),
    side: 'lan',
    gateways: [{ ...place.gatewayOf('lan'), key: place.gatewayOf('wan').key }],
  });
  const terminal = await OpenTerminal.open({ home: home('misled') });
  try {
    expect(await errorOf(terminal.register('x'))).toBe('unreachable');
    // The other side's listener.
    await terminal.close();
    putGateway(new TerminalHome(home('misled')), place.gatewayOf('wan'));
    const other = await OpenTerminal.open({ home: home('misled') });
    expect(await errorOf(other.register('x'))).toBe('gateway_invalid');
    await other.close();
  } finally {
    await terminal.close();
  }
});

test.each([
  [{ gateways: [] }],
  [{ side: 'wan' }],
  [{ mint: { url: 'http://x' } }],
  [{ gateways: [{ name: 'A', url: 'ws://x/v1', key: 'ab'.repeat(32) }] }],
  [{ gateways: [{ name: 'a', url: 'http://x/v1', key: 'ab'.repeat(32) }] }],
  [{ gateways: [{ name: 'a', url: 'ws://x/v1', key: 'ab' }] }],
  [{ currency: 'EURO' }],
] as const)('%j is refused, and nothing is made', async (wrong) => {
  const options = {
    home: home('none'),
    side: 'lan',
    gateways: [place.gatewayOf('lan')],
    ...(wrong as object),
  } as const;
  expect(await errorOf(makeTerminal(options))).toBe('invalid_argument');
  expect(await errorOf(OpenTerminal.open({ home: home('none') }))).toBe('terminal_missing');
});
