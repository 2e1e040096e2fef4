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
  expect((await specie('ada', 'register', 'Ada')).stdout).toMatch(
    /^gateway: waiting: specie gateway admit opens it\norganisation {2}campus\n/,
  );
  await place.gateway.admit(decodeAddress(ada).channelKey);
  expect((await specie('bob', 'register', 'Bob', '--json')).stdout).toContain('"state": "open"');

  const token = encodeToken({ mint: place.http.url, unit: 'eur', notes: place.wide.mint(500n) });
  await writeFile(join(folder, 'token'), `${token}\n`);
  const taken = await specie('bob', 'token', 'take', join(folder, 'token'));
  expect(taken.stdout).toBe('taken       5.00 EUR\n');
  const sent = await specie('bob', 'send', ada, '3.00');
  expect(sent.stdout).toMatch(/^3\.00 EUR, fee 0\.01 EUR: waits at the gateway for its destination\n/);
  expect((await specie('ada', 'receive')).stdout).toMatch(/^received {4}3\.00 EUR\n/);
  const made = await specie('ada', 'token', 'make', '0.50', '--memo', 'lunch');
  expect(made.stdout).toMatch(/^cashuB\S+\n$/);
  expect((await specie('ada', 'send', bob, '2.00', '--json')).stdout).toContain('"state": "waiting"');
  expect((await specie('bob', 'resume')).stdout).toMatch(/finished[\s\S]*received {4}2\.00 EUR/);
  expect((await specie('ada', 'balance')).stdout).toMatch(
    /^balance {5}0\.49 EUR\nsent {8}2\.01 EUR\nin tokens {3}0\.50/,
  );
  expect((await specie('ada', 'history')).stdout).toMatch(/token made +-0\.50 EUR +2\.50 EUR .*lunch/);
  const shown = await specie('ada', 'show');
  expect(shown.stdout).toContain('unit          eur@campus\n');
  expect(shown.stdout).toContain('notes         0.49 EUR as the mint says\n');
});

test.each([
  [['send', 'spwan1qqqq', '1.00'], 1, 'expected splan1… or spwan1…'],
  [['token', 'take', 'cashuBxx'], 1, 'token_invalid'],
  [['token', 'take', '/no/such/file'], 1, 'ENOENT'],
  [['token', 'reclaim', '0x5'], 1, 'operation_unknown'],
  [['balance', 'x'], 1, 'too many arguments'],
  [['init', '--lan', 'ws://x/v1', '--gateway-key', 'ab'], 1, '64 hex digits'],
  [['gateway', 'second', 'ws://x/v1', 'ab'.repeat(32)], 1, 'the one of the LAN'],
] as const)('%j: what is wrong is said in a line', async (args, code, text) => {
  const result = await specie('ada', ...args);
  expect(result.stderr).toContain(text);
  expect(result.code).toBe(code);
  expect(result.stderr).not.toMatch(/\n {4}at /);
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
