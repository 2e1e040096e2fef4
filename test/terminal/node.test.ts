// Terminals in their homes, over encrypted WebSockets to a real gateway, and over HTTP to a mint.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { encodeToken } from '../../src/notes/token.ts';
import {
  decodeAddress,
  makeTerminal,
  OpenTerminal,
  putGateway,
  TerminalHome,
} from '../../src/terminal/index.ts';
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

// ── specie terminal, as people type it ─────────────────────────────────────────────────────────────────────────────────

/** @param name of the terminal */
async function specie(name: string, ...args: string[]) {
  let stdout = '';
  let stderr = '';
  const output = {
    write: (text: string) => {
      stdout += text;
    },
    note: (line: string) => {
      stderr += `${line}\n`;
    },
    interactive: false,
  };
  const code = await run(['terminal', ...args, '--terminal', join(place.folder, name)], output);
  return { code, stdout, stderr };
}

async function init(name: string, side: 'lan' | 'wan', ...more: string[]): Promise<string> {
  const { url, key } = place.gatewayOf(side);
  const mint = side === 'wan' ? ['--mint', place.http.url] : [];
  const made = await specie(name, 'init', `--${side}`, url, '--gateway-key', key, ...mint, ...more);
  expect(made).toMatchObject({ code: 0 });
  return /^address {2}(\S+)$/m.exec(made.stdout)![1]!;
}

test('a day of two terminals', async () => {
  const eva = await init('eva', 'lan');
  await init('leo', 'wan');
  expect((await specie('eva', 'register', 'Eva')).stdout).toMatch(
    /^gateway: waiting: specie gateway admit opens it\norganisation {2}campus\n/,
  );
  await place.gateway.admit(decodeAddress(eva).channelKey);
  expect((await specie('leo', 'register', 'Leo', '--json')).stdout).toContain('"state": "open"');

  const token = encodeToken({ mint: place.http.url, unit: 'eur', notes: place.wide.mint(500n) });
  await writeFile(join(place.folder, 'token'), `${token}\n`);
  const taken = await specie('leo', 'token', 'take', join(place.folder, 'token'));
  expect(taken.stdout).toBe('taken       5.00 EUR\n');
  const sent = await specie('leo', 'send', eva, '3.00');
  expect(sent.stdout).toMatch(/^3\.00 EUR, fee 0\.01 EUR: waits at the gateway for its destination\n/);
  expect((await specie('eva', 'receive')).stdout).toMatch(/^received {4}3\.00 EUR\n/);
  const made = await specie('eva', 'token', 'make', '0.50', '--memo', 'lunch');
  expect(made.stdout).toMatch(/^cashuB\S+\n$/);
  expect((await specie('eva', 'balance')).stdout).toMatch(
    /^balance {5}2\.50 EUR\nin tokens {3}0\.50 EUR\n\nunder way since/,
  );
  const shown = await specie('eva', 'show');
  expect(shown.stdout).toContain('unit          eur@campus\n');
  expect(shown.stdout).toContain('notes         2.50 EUR as the mint says\n');
});

test.each([
  [['send', 'spwan1qqqq', '1.00'], 1, 'expected splan1… or spwan1…'],
  [['token', 'take', '/no/such/file'], 1, 'ENOENT'],
  [['token', 'reclaim', '0x5'], 1, 'operation_unknown'],
  [['balance', 'x'], 1, 'too many arguments'],
  [['init', '--lan', 'ws://x/v1', '--gateway-key', 'ab'], 1, '64 hex digits'],
  [['gateway', 'second', 'ws://x/v1', 'ab'.repeat(32)], 1, 'the one of the LAN'],
] as const)('%j: what is wrong is said in a line', async (args, code, text) => {
  const result = await specie('eva', ...args);
  expect(result.stderr).toContain(text);
  expect(result.code).toBe(code);
  expect(result.stderr).not.toMatch(/\n {4}at /);
});

test('words from a file', async () => {
  const { url, key } = place.gatewayOf('lan');
  const file = join(place.folder, 'words');
  await writeFile(file, `${'abandon '.repeat(11)}about\n`, { mode: 0o600 });
  const args = ['init', '--lan', url, '--gateway-key', key, '--words', file];
  const first = await specie('first', ...args);
  const second = await specie('second', ...args, '--json');
  expect(first.stdout).not.toContain('abandon');
  expect(first.stdout).toContain(JSON.parse(second.stdout).address);
  expect(second.stdout).not.toContain('words');
});
