// `specie wallet` as people and scripts use it: processes, their input, output and exit codes.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { ShopOperation } from '../../src/roles/shop/messages.ts';
import { startManagement, startShop, type TestServer } from './server.ts';
import { ACCOUNT } from './support.ts';

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Finished>;
  said(text: RegExp): Promise<void>;
}

// Each command is a process, and other tests run beside this one.
vi.setConfig({ testTimeout: 180_000 });

const SPECIE = join(import.meta.dirname, '../../dist/cli/main.js');

class Desk {
  readonly server: TestServer;
  readonly folder: string;
  readonly wallet: string;
  readonly directory: string;

  constructor(server: TestServer) {
    this.server = server;
    this.folder = mkdtempSync(join(tmpdir(), 'specie-wallet-'));
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    this.wallet = join(this.folder, 'wallet');
    this.directory = join(this.folder, 'directory.json');
    writeFileSync(this.directory, directoryFileText(server.management.system.directory.signed));
  }

  start(args: readonly string[], { input = '', env = {} }: { input?: string; env?: object } = {}): Running {
    const child = spawn(process.execPath, [SPECIE, 'wallet', ...args], {
      env: { ...process.env, SPECIE_WALLET: this.wallet, SPECIE_PASSPHRASE: undefined, ...env },
      stdio: 'pipe',
    });
    child.stdin!.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (text: Buffer) => {
      stdout += text;
    });
    child.stderr!.on('data', (text: Buffer) => {
      stderr += text;
    });
    const done = new Promise<Finished>((resolve) => {
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
    const said = async (text: RegExp): Promise<void> => {
      while (!text.test(stderr)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    return { child, done, said };
  }

  run(args: readonly string[], options?: { input?: string; env?: object }): Promise<Finished> {
    return this.start(args, options).done;
  }

  async json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run([...args, '--json']);
    if (code !== 0) throw new Error(`expected 0, got ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  enrol(more: readonly string[] = [], options?: { input?: string; env?: object }): Promise<Finished> {
    const { rootFingerprint } = this.server;
    const trust = ['--directory', this.directory, '--root', rootFingerprint, '--name', 'Ada'];
    return this.run(['enrol', ...trust, ...more], options);
  }
}

const newDesk = async (): Promise<Desk> => new Desk(await startManagement());

test('enrol, load, look', async () => {
  const desk = await newDesk();
  const enrolled = await desk.enrol(['--account'], { input: '4000 0012 3456 7899\n' });
  expect(enrolled).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^enrolment: enrolled\nrequest {2}0x/),
  });
  expect(statSync(desk.wallet).mode & 0o777).toBe(0o700);

  const load = await desk.run(['load', '25.00']);
  expect(load.stdout).toMatch(
    /^load of 25\.00 EUR: loaded\nrequest {2}0x[0-9a-f]{32}\nbalance {2}25\.00 EUR\n$/,
  );
  expect((await desk.run(['load', '5', '--account'], { input: '5555000011112222' })).code).toBe(0);
  expect([...desk.server.management.charges.values()].map(({ accountNumber }) => accountNumber)).toEqual([
    ACCOUNT,
    '5555000011112222',
  ]);
  expect((await desk.run(['file-account'], { input: 'DE75512108001245126199\n' })).stdout).toMatch(
    /^filing: filed/,
  );

  expect((await desk.run(['balance', '--online'])).stdout).toBe(
    'balance  30.00 EUR\nat cash  30.00 EUR: agrees\n',
  );
  expect(await desk.json(['balance'])).toEqual({
    ...{ balance: '3000', available: '3000' },
    ...{ currency: 'EUR', open: [], reserved: [] },
  });
  expect((await desk.json<{ event: string }[]>(['history'])).map(({ event }) => event)).toEqual([
    'enrolled',
    'loaded',
    'loaded',
    'filed',
  ]);
  expect((await desk.run(['history', '--limit', '1'])).stdout).toMatch(/filed +30\.00 EUR/);
  expect(await desk.json<object[]>(['receipts'])).toMatchObject([{ amount: '2500' }, { amount: '500' }]);
  expect((await desk.run(['receipts'])).stdout).toMatch(/25\.00 EUR {2}0x/);
  expect((await desk.run(['show'])).stdout).toMatch(/receipts {4}2, all good: they add up to the balance/);
  expect(await desk.json(['show'])).toMatchObject({ name: 'Ada', balance: '3000', problems: [] });
  expect((await desk.run(['resume'])).stdout).toBe('nothing is under way\n');
  const shown = (await desk.run(['address'])).stdout;
  expect(shown).toMatch(/[█▀▄ ]+\nspecie-device:[A-Za-z0-9_-]{102}\n$/);
  const { address } = await desk.json<{ address: string }>(['address']);
  expect(address).toMatch(/^specie-device:/);
  expect(shown).not.toContain(address);
});

test('Ctrl-C leaves a load that resume finishes', async () => {
  const desk = await newDesk();
  await desk.enrol(['--account'], { input: ACCOUNT });
  desk.server.management.behaviour = () => 'pending';
  const load = desk.start(['load', '25.00']);
  await load.said(/pending \(charging\)/);
  load.child.kill('SIGINT');
  expect(await load.done).toMatchObject({
    code: 130,
    stderr: expect.stringMatching(
      /interrupted; nothing is lost: specie wallet resume --wallet .* finishes it/,
    ),
  });
  expect((await desk.run(['balance'])).stdout).toMatch(
    /balance {2}0\.00 EUR\n\nunder way since[\s\S]*load {2}25\.00 EUR {2}pending/,
  );
  const late = await desk.run(['resume', '--patience', '1']);
  expect(late).toMatchObject({ code: 3, stderr: expect.stringContaining('specie wallet resume') });
  desk.server.management.behaviour = () => 'answer';
  expect((await desk.run(['resume'])).stdout).toMatch(/load of 25\.00 EUR: loaded/);
  expect(await desk.json(['balance', '--online'])).toMatchObject({
    balance: '2500',
    online: { verdict: 'agrees' },
  });
});

test('what did not come about has exit codes of its own', async () => {
  const desk = await newDesk();
  const missing = await desk.run(['balance']);
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('expected a wallet, got nothing'),
  });
  expect(existsSync(desk.wallet)).toBe(false);
  expect((await desk.run(['enrol'])).stderr).toContain('expected --directory, --root and --name');
  await desk.enrol();

  const refused = await desk.run(['load', '1.00']);
  expect(refused).toMatchObject({ code: 2, stdout: expect.stringContaining('(account_not_on_file)') });
  desk.server.management.declined.add(ACCOUNT);
  const declined = await desk.run(['load', '1.00', '--account', ACCOUNT]);
  expect(declined).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('declined: insufficient_funds'),
  });
  expect(declined.stderr).toContain('others on this machine can see the account number');
  expect(declined.stdout + declined.stderr).not.toContain(ACCOUNT);
  for (const wrong of ['0', '-1', '1.001', '1e3', 'x'])
    expect((await desk.run(['load', wrong])).code).toBe(1);
  const typo = await desk.run(['load', '1', '--account'], { input: 'not/a/number' });
  expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining('digits and capital letters') });
  expect(typo.stderr).not.toContain('not/a/number');

  desk.server.management.behaviour = () => ({ answer: () => Uint8Array.of(9) });
  expect(await desk.run(['load', '1.00'])).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('answer'),
  });
  await desk.server.close();
  expect((await desk.run(['load', '1.00', '--patience', '1'])).code).toBe(3);
});

test('two commands on one wallet', async () => {
  const desk = await newDesk();
  await desk.enrol(['--account'], { input: ACCOUNT });
  desk.server.management.behaviour = () => 'pending';
  const load = desk.start(['load', '25.00']);
  await load.said(/pending/);
  expect(await desk.run(['balance'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('wallet_locked'),
  });
  load.child.kill('SIGTERM');
  expect((await load.done).code).toBe(130);
});

test('a directory of another root, from a file and over HTTP', async () => {
  const desk = await newDesk();
  const other = new Desk(await startManagement());
  const trust = ['--root', desk.server.rootFingerprint, '--name', 'Ada'];
  const strange = await desk.run(['create', '--directory', other.directory, ...trust]);
  expect(strange).toMatchObject({ code: 1, stderr: expect.stringContaining('expected one of the root key') });
  const web = createServer((request, response) => {
    if (request.url === '/long') response.end('x'.repeat(300_000));
    else if (request.url !== '/directory.json') response.writeHead(404).end();
    else response.end(directoryFileText(desk.server.management.system.directory.signed));
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    web.close();
  });
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  expect((await desk.run(['create', '--directory', `${url}/nothing`, ...trust])).code).toBe(3);
  expect((await desk.run(['create', '--directory', `${url}/long`, ...trust])).stderr).toContain(
    'at most 262144 bytes',
  );
  const created = await desk.run(['create', '--directory', `${url}/directory.json`, ...trust]);
  expect(created).toMatchObject({ code: 0, stdout: expect.stringContaining('a wallet of Ada in EUR') });
  expect((await desk.run(['enrol'])).stdout).toMatch(/^enrolment: enrolled/);
  expect((await desk.run(['directory', desk.directory])).stdout).toBe('directory is already number 1\n');
  expect((await desk.run(['directory', other.directory])).code).toBe(1);
});

test('a passphrase, and a folder that others may read', async () => {
  const desk = await newDesk();
  const env = { SPECIE_PASSPHRASE: 'correct horse battery' };
  expect((await desk.enrol(['--account'], { input: ACCOUNT, env })).code).toBe(0);
  const without = await desk.run(['load', '1.00']);
  expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('expected a passphrase') });
  expect((await desk.run(['load', '1.00'], { env: { SPECIE_PASSPHRASE: 'another horse' } })).code).toBe(1);
  expect((await desk.run(['load', '1.00'], { env })).code).toBe(0);
  chmodSync(desk.wallet, 0o755);
  const looked = await desk.run(['balance']);
  expect(looked).toMatchObject({ code: 0, stdout: 'balance  1.00 EUR\n' });
  expect(looked.stderr).toContain(`chmod 700 ${desk.wallet}`);
});

test("a currency of the operator's own", async () => {
  const desk = await newDesk();
  expect((await desk.enrol(['--account', '--currency', '1000=TOK:0'], { input: ACCOUNT })).code).toBe(0);
  expect((await desk.run(['load', '12.5'])).code).toBe(1);
  expect((await desk.run(['load', '12'])).stdout).toMatch(/load of 12 TOK: loaded/);
  expect((await desk.run(['balance'])).stdout).toBe('balance  12 TOK\n');
});

test('pay, reserve, and what the statement brings', async () => {
  const desk = await newDesk();
  const { management } = desk.server;
  const shop = await startShop(management);
  await desk.enrol(['--account', ACCOUNT]);
  await desk.run(['load', '60']);
  const card = join(desk.folder, 'cafe.card');
  writeFileSync(card, `${shop.cardText}\n`);

  const paid = await desk.run(['pay', '--shop', card, '--article', 'coffee:2', '--article', 'cake']);
  expect(paid.stdout).toMatch(
    /^purchase of 10\.90 EUR at Cafe Ada: paid\nrequest {2}0x[0-9a-f]{32}\nbalance {2}49\.10 EUR\n$/,
  );
  const reserved = await desk.run(['pay', '--shop', card, '--article', 'cake:10', '--reserve']);
  expect(reserved.stdout).toMatch(
    /^purchase of 45\.00 EUR at Cafe Ada: reserved\n.*\n.*\nto spend 4\.10 EUR\n$/,
  );
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'refused' : 'answer');
  const no = await desk.run(['pay', '--shop', card, '--article', 'coffee', '--amount', '3.20']);
  expect(no).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/price_differs[\s\S]*specie wallet resume/),
  });

  const [[first], [second]] = [...management.cash.payments] as [[bigint, unknown], [bigint, unknown]];
  management.cash.refund(first, 320n);
  management.cash.capture(second, 4000n);
  const synced = await desk.run(['sync']);
  expect(synced.stdout).toMatch(/refunded +3\.20 EUR +52\.30 EUR[\s\S]*captured +-40\.00 EUR +12\.30 EUR/);
  expect(synced.stdout).toMatch(
    /\nbalance {2}12\.30 EUR\nto spend 9\.10 EUR\nat cash {2}12\.30 EUR: agrees\n$/,
  );
  expect(await desk.json<object[]>(['receipts'])).toMatchObject([
    { kind: 'loaded' },
    { kind: 'paid', amount: '1090' },
    { kind: 'reserved', amount: '4500' },
  ]);
  expect(shop.peers.every(({ kind }) => kind === 'unnamed')).toBe(true);
});
