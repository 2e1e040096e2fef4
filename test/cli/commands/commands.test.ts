import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverUrl } from '../../../src/cli/connect.ts';
import { ExitCode } from '../../../src/cli/exit-codes.ts';
import { run } from '../../../src/cli/program.ts';
import { type RunningEngine, specie, startEngine } from '../support.ts';

let folder: string;
let engine: RunningEngine;
const ACCOUNTS =
  'id,ledger,code,flags,balance_limit\n1,EUR,1,history,\n2,EUR,2,debits_must_not_exceed_credits|credit_balance_limited,150.00 EUR\n';
const TRANSFERS =
  'id,debit_account_id,credit_account_id,amount,ledger,code,flags,pending_id\n' +
  '100,1,2,50.00 EUR,,10,,\n101,2,1,60.00 EUR,,20,,\n102,2,1,12.34 EUR,,20,pending,\nbroken,2,1,1,EUR,20,,\n103,2,1,max,EUR,0,post_pending_transfer,102\n';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'specie-cli-'));
  engine = await startEngine(join(folder, 'store'));
  await writeFile(join(folder, 'accounts.csv'), ACCOUNTS);
  await writeFile(join(folder, 'transfers.csv'), TRANSFERS);
});
afterAll(async () => {
  await engine?.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const COMMANDS = [
  'quickstart',
  'init',
  'keys',
  'start',
  'institution',
  'wallet',
  'device',
  'shop',
  'shops',
  'terminal',
  'gateway',
  'payout',
  'request',
  'audit',
  'submit',
  'accounts',
  'transfers',
  'verify',
  'stats',
  'generate',
];

/** The command in this process: quicker than one of its own. */
async function inProcess(args: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const code = await run(args, {
    write: (text) => {
      stdout += text;
    },
    note: (line) => {
      stderr += `${line}\n`;
    },
    interactive: false,
  });
  return { code, stdout, stderr };
}

describe('usage', () => {
  test('help names every command and the exit codes; docs/commands.md has them all', async () => {
    const { code, stdout } = await inProcess(['--help']);
    expect(code).toBe(0);
    const [, list] = stdout.split('Commands:');
    const named = [...list!.split('\n\n')[0]!.matchAll(/^ {2}([a-z]+)[ |]/gm)].map(([, name]) => name!);
    expect(named.sort()).toEqual([...COMMANDS, 'help'].sort());
    const document = await readFile(join(import.meta.dirname, '../../../docs/commands.md'), 'utf8');
    for (const name of COMMANDS) expect(document).toContain(`| \`specie ${name}`);
    for (const value of Object.values(ExitCode)) {
      expect(stdout).toMatch(new RegExp(`^ *${value} {2}\\S`, 'm'));
      expect(document).toContain(`\n| ${value} | `);
    }
  });

  test.each(COMMANDS)('%s --help has examples', async (command) => {
    const { code, stdout } = await inProcess([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain(`$ specie ${command}`);
  });

  test.each([
    [['nonsense'], 'unknown command'],
    [['submit'], "missing required argument 'file'"],
    [['submit', 'x.csv', '--in-flight', '0'], 'expected a whole number from 1 to 32'],
    [['submit', 'no-such-file.csv'], 'ENOENT'],
    [['accounts'], 'expected ids or --file'],
    [['accounts', 'zz'], 'id: expected a number up to 2^128-1'],
    [['transfers', '1', '--account', '2'], 'got both'],
    [['transfers', '--account', '2', '--from', 'yesterday'], 'expected nanoseconds since 1970'],
    [['generate', '--transfers', '-5'], 'expected a whole number'],
    [['generate', '--ledger', 'XYZ'], 'expected an ISO 4217 code'],
    [['generate', '--currency', '5=X'], 'expected <ledger>'],
    [['verify', 'no-such-folder'], 'expected a store'],
    [['stats', 'ftp://x'], '--url: expected one such as'],
    [
      ['start', '--host', '0.0.0.0', '--path', '@/other', '--port', '0'],
      'neither encrypted nor authenticated',
    ],
  ])('%j is refused', async (args, message) => {
    const { code, stderr, stdout } = await inProcess(args.map((arg) => arg.replace('@', folder)));
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout.includes('"listening"')).toBe(false);
    expect(code).toBe(ExitCode.failed);
  });
});

test('a process ends with the code of its command', async () => {
  expect((await specie(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const { code, stderr } = await specie(['nonsense']);
  expect(code).toBe(ExitCode.failed);
  expect(stderr).toContain("unknown command 'nonsense'");
});

describe('a running engine', () => {
  test('takes files, again and again, and explains what it refused', async () => {
    const url = ['--url', engine.url, '--json'];
    const accounts = await specie(['submit', join(folder, 'accounts.csv'), ...url, '--strict']);
    expect(accounts.code).toBe(ExitCode.ok);
    expect(JSON.parse(accounts.stdout)).toMatchObject({ kind: 'accounts', created: 2, failed_lines: null });

    const path = join(folder, 'transfers.csv');
    const first = await specie(['submit', path, ...url]);
    expect(first.code).toBe(ExitCode.ok);
    const report = JSON.parse(first.stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      created: 3,
      refused: 1,
      unreadable: 1,
      answers: { created: 3, exceeds_credits: 1 },
    });
    const failed = await readFile(`${path}.failed.csv`, 'utf8');
    expect(failed.split('\n')).toEqual([
      'line,id,status,reason',
      '3,0x00000000000000000000000000000065,exceeds_credits,the account it debits does not hold enough',
      expect.stringMatching(/^5,,unreadable,"?id: expected a number/),
      '',
    ]);

    const again = await specie(['submit', path, ...url, '--strict']);
    expect(again.code).toBe(ExitCode.refused);
    expect(JSON.parse(again.stdout)).toMatchObject({ created: 0, existing: 3, refused: 1, unreadable: 1 });
  });

  test('takes standard input', async () => {
    const line =
      '{"id":"200","debit_account_id":"1","credit_account_id":"2","amount":"100","ledger":"EUR","code":10}\n';
    const args = ['submit', '-', '--url', engine.url, '--results', join(folder, 'stdin.csv'), '--strict'];
    const { code, stdout } = await specie([...args, '--format', 'ndjson'], line);
    expect(code).toBe(ExitCode.ok);
    expect(stdout).toContain('created    1');
    const { code: refused } = await specie(args, 'debit_account_id,credit_account_id\n1,2\n');
    expect(refused).toBe(ExitCode.refused);
    expect(await readFile(join(folder, 'stdin.csv'), 'utf8')).toContain('ids cannot be derived here');
  });

  test('shows accounts and transfers', async () => {
    const url = ['--url', engine.url];
    const table = await specie(['accounts', '2', '0x1', '9', ...url]);
    expect(table.code).toBe(ExitCode.ok);
    expect(table.stdout).toMatch(/0x0{31}2 +EUR +2 +38\.66 +0\.00 +12\.34 +51\.00 +150\.00 +debits_must/);
    expect(table.stderr).toContain('0x00000000000000000000000000000009: no such account');
    const json = await specie(['accounts', '--file', '-', '--json', '--strict', ...url], 'id,name\n2,x\n9\n');
    expect(json.code).toBe(ExitCode.refused);
    expect(JSON.parse(json.stdout)).toMatchObject({
      accounts: [{ credits_posted: '5100', balance_limit: '15000', ledger: 978 }],
      missing: ['0x00000000000000000000000000000009'],
    });
    const transfers = await specie(['transfers', '103', '101', ...url]);
    expect(transfers.stdout).toMatch(/12\.34 +EUR +20 +post_pending_transfer +0x0{30}66/);
    expect(transfers.stderr).toContain('no such transfer');
    const history = await specie([
      'transfers',
      '--account',
      '1',
      '--reversed',
      '--limit',
      '2',
      '--json',
      ...url,
    ]);
    const ids = (JSON.parse(history.stdout) as { transfers: { id: string }[] }).transfers.map(({ id }) =>
      BigInt(id),
    );
    expect(ids).toEqual([200n, 103n]);
    const balances = await specie(['transfers', '--account', '1', '--balances', ...url]);
    expect(balances.stdout.trim().split('\n').length).toBe(5);
    const nobody = await specie(['transfers', '--account', '9', ...url]);
    expect(nobody.stderr).toContain('no such account');
  });

  test('shows its figures', async () => {
    const { code, stdout } = await specie(['stats', engine.url, '--json']);
    expect(code).toBe(ExitCode.ok);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'ok', accounts: 2, transfers: 4 });
    expect((await specie(['stats', engine.url])).stdout).toMatch(/accounts +2/);
  });

  test('has its store and its port to itself', async () => {
    const second = await specie(['start', '--path', join(folder, 'store'), '--port', '0']);
    expect(second.code).toBe(ExitCode.in_use);
    expect(second.stderr).toContain('journal_locked');
    const port = new URL(engine.url).port;
    const other = await specie(['start', '--path', join(folder, 'other'), '--port', port]);
    expect(other.code).toBe(ExitCode.in_use);
    expect(other.stderr).toContain(`port: expected one that is free on 127.0.0.1, got ${port}`);
    for (const args of [['verify'], ['stats']]) {
      const { code } = await specie([...args, join(folder, 'store')]);
      expect(code).toBe(ExitCode.in_use);
    }
  });

  test('stops cleanly on SIGTERM; the store is then verified and described', async () => {
    expect(await engine.stop()).toBe(0);
    expect(engine.log.at(-1)).toMatchObject({ msg: 'stopped' });
    const store = join(folder, 'store');
    const verified = await specie(['verify', store, '--json', '--quiet']);
    expect(verified.code).toBe(ExitCode.ok);
    expect(JSON.parse(verified.stdout)).toMatchObject({ whole: true, findings: [] });
    const stats = await specie(['stats', store, '--json']);
    expect(JSON.parse(stats.stdout)).toMatchObject({ accounts: 2, transfers: 4 });
    for (const args of [
      ['submit', join(folder, 'accounts.csv')],
      ['accounts', '1'],
    ]) {
      const { code, stderr } = await specie([...args, '--url', engine.url]);
      expect(code).toBe(ExitCode.unreachable);
      expect(stderr).toContain('connection_failed');
    }
    expect((await specie(['stats', engine.url])).code).toBe(ExitCode.unreachable);
  });

  test('a damaged store ends verify with its own code', async () => {
    const copy = join(folder, 'store');
    const file = join(
      copy,
      'journal',
      (await readdir(join(copy, 'journal'))).find((name) => name.endsWith('.mdb'))!,
    );
    const bytes = await readFile(file);
    const at = bytes.lastIndexOf(Buffer.from('SPECJRNL'));
    expect(at).toBeGreaterThan(0);
    bytes[at + 16]! ^= 1;
    await writeFile(file, bytes);
    const { code, stdout } = await specie(['verify', copy]);
    expect(code).toBe(ExitCode.damaged);
    expect(stdout).toContain('DAMAGED');
    expect(stdout).toContain('what to do:');
  });
});

describe('generate', () => {
  test('writes the same files for a seed, and never over others', async () => {
    const out = (name: string) => join(folder, name);
    const args = [
      'generate',
      '--transfers',
      '300',
      '--devices',
      '50',
      '--shops',
      '5',
      '--seed',
      '9',
      '--quiet',
    ];
    expect((await specie([...args, '--out', out('g1')])).code).toBe(0);
    const json = await specie([...args, '--out', out('g2'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      accounts: 57,
      transfers: 300,
      seed: '9',
      currency: 'EUR',
    });
    expect(await readFile(out('g1/transfers.csv'))).toEqual(await readFile(out('g2/transfers.csv')));
    expect(await readFile(out('g1/accounts.csv'))).toEqual(await readFile(out('g2/accounts.csv')));
    const refused = await specie([...args, '--out', out('g1')]);
    expect(refused.code).toBe(ExitCode.failed);
    expect(refused.stderr).toContain('--force replaces it');
    expect((await specie([...args, '--out', out('g1'), '--force'])).code).toBe(0);
    const yen = await specie([
      ...args,
      '--out',
      out('g3'),
      '--format',
      'ndjson',
      '--ledger',
      'JPY',
      '--amounts',
      'decimal',
    ]);
    expect(yen.code).toBe(0);
    expect(await readFile(out('g3/transfers.ndjson'), 'utf8')).toMatch(/"amount":"\d+".*"ledger":"JPY"/);
  });
});

describe('addresses', () => {
  test('are read in every usual form', () => {
    for (const text of ['127.0.0.1:7000', 'ws://127.0.0.1:7000', 'http://127.0.0.1:7000/']) {
      expect(serverUrl(text, 'ws').href).toBe('ws://127.0.0.1:7000/v1');
      expect(serverUrl(text, 'http').href).toBe('http://127.0.0.1:7000/');
    }
    expect(serverUrl('ws://[::1]:7000', 'ws').href).toBe('ws://[::1]:7000/v1');
    for (const text of ['', 'wss://x', 'ws://', 'file:///x']) {
      expect(() => serverUrl(text, 'ws')).toThrow('--url: expected one such as');
    }
  });

  test('something else that listens there is told from an engine', async () => {
    const server = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await specie(['stats', `http://127.0.0.1:${port}`]);
    server.close();
    expect(code).toBe(ExitCode.unreachable);
    expect(stderr).toContain('expected an engine there, got something else');
  });
});
