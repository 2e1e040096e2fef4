// `specie terminal` as people type it, in this process, against a real gateway.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { encodeToken } from '../../src/notes/token.ts';
import { decodeAddress } from '../../src/terminal/address.ts';
import { Place } from './place.ts';

let place: Place;
let folder: string;
beforeAll(async () => {
  place = await Place.open();
  folder = await mkdtemp(join(tmpdir(), 'specie-terminal-command-'));
});
afterAll(async () => {
  await place.close();
  await rm(folder, { recursive: true });
});

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
  const code = await run(['terminal', ...args, '--terminal', join(folder, name)], output);
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
  const ada = await init('ada', 'lan');
  const bob = await init('bob', 'wan');
  expect((await specie('ada', 'register', 'Ada')).stdout).toContain('waiting: specie gateway admit opens it');
  await place.gateway.admit(decodeAddress(ada).channelKey);
  expect((await specie('ada', 'register', 'Ada')).stdout).toMatch(/^gateway: open\norganisation {2}campus\n/);
  expect((await specie('bob', 'register', 'Bob', '--json')).stdout).toContain('"state": "open"');

  const token = encodeToken({ mint: place.http.url, unit: 'eur', notes: place.wide.mint(500n) });
  await writeFile(join(folder, 'token'), `${token}\n`);
  expect((await specie('bob', 'token', 'take', join(folder, 'token'))).stdout).toBe('taken       5.00 EUR\n');
  expect(await specie('bob', 'token', 'take', token)).toMatchObject({ code: 2 });

  const sent = await specie('bob', 'send', ada, '3.00');
  expect(sent.stdout).toMatch(/^3\.00 EUR, fee 0\.01 EUR: waits at the gateway for its destination\n/);
  expect((await specie('ada', 'receive')).stdout).toMatch(/^received {4}3\.00 EUR\n/);
  expect(await specie('ada', 'receive')).toMatchObject({ code: 0, stdout: 'nothing new\n' });
  expect((await specie('ada', 'balance')).stdout).toBe('balance     3.00 EUR\n');
  expect(JSON.parse((await specie('ada', 'balance', '--json')).stdout)).toMatchObject({
    free: '300',
    currency: 'EUR',
    unit: 'eur@campus',
    open: [],
  });

  const made = await specie('ada', 'token', 'make', '0.50', '--memo', 'lunch');
  expect(made.stdout).toMatch(/^cashuB\S+\n$/);
  const listed = JSON.parse((await specie('ada', 'token', 'list', '--json')).stdout);
  expect(listed).toMatchObject([{ amount: '50', memo: 'lunch', token: made.stdout.trim() }]);
  expect((await specie('ada', 'token', 'reclaim', listed[0].operation)).stdout).toBe(
    'back        0.50 EUR\n',
  );

  expect((await specie('ada', 'send', bob, '2.00')).code).toBe(0);
  expect((await specie('bob', 'resume')).stdout).toMatch(/finished[\s\S]*received {4}2\.00 EUR/);
  expect((await specie('ada', 'resume')).stdout).toMatch(/^finished +amount +operation\nsend +2\.01 EUR/);
  expect((await specie('ada', 'history')).stdout).toMatch(/token made +-0\.50 EUR +2\.50 EUR/);
  const shown = await specie('ada', 'show');
  expect(shown.stdout).toContain('unit          eur@campus\n');
  expect(shown.stdout).toContain('notes         0.99 EUR as the mint says\n');
});

test('what is wrong is said in a line, with its exit code', async () => {
  await init('cafe', 'lan', '--json').catch(() => {});
  const cases = [
    [['send', 'spwan1qqqq', '1.00'], 1, 'address_invalid'],
    [['send', (await specie('cafe', 'address')).stdout.trim(), '1.00'], 1, 'of the other side'],
    [['token', 'take', 'cashuBxx'], 1, 'token_invalid'],
    [['token', 'take', '/no/such/file'], 1, 'ENOENT'],
    [['token', 'reclaim', '0x5'], 1, 'operation_unknown'],
    [['balance', 'x'], 1, 'too many arguments'],
    [['withdraw', '1.234'], 1, 'at most 2 decimal places'],
    [['register', ''], 1, 'invalid_argument'],
    [['show', '--gateway', 'other'], 2, ''],
    [['init', '--lan', 'ws://x/v1', '--gateway-key', 'ab'], 1, '64 hex digits'],
    [['gateway', 'second', 'ws://x/v1', 'ab'.repeat(32)], 1, 'the one of the LAN'],
  ] as const;
  for (const [args, code, text] of cases) {
    const result = await specie('cafe', ...args);
    expect([args.join(' '), result.code]).toEqual([args.join(' '), code]);
    expect(result.stderr).toContain(text);
    expect(result.stderr).not.toMatch(/\n {4}at /);
  }
  expect(await specie('nowhere', 'balance')).toMatchObject({ code: 1 });
});

test('words from a file', async () => {
  const { url, key } = place.gatewayOf('lan');
  const file = join(folder, 'words');
  await writeFile(file, `${'abandon '.repeat(11)}about\n`, { mode: 0o600 });
  const args = ['init', '--lan', url, '--gateway-key', key, '--words', file];
  const first = await specie('first', ...args);
  const second = await specie('second', ...args, '--json');
  expect(first.stdout).not.toContain('abandon');
  expect(first.stdout).toContain(JSON.parse(second.stdout).address);
  expect(second.stdout).not.toContain('words');
});
