// Two terminals pay each other with every server down; then the servers start, both report, and the audit agrees.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { directoryFileText } from '../../../src/identity/directory-file.ts';
import { START_ORDER } from '../../../src/main/roles/start-role.ts';
import { accountNumber, System } from '../../claims/system.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

// Each command is a process, and other tests run beside this one.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let system: System;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  system = await System.start();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGTERM');
  await system?.close();
});

interface Run {
  readonly child: ChildProcess;
  readonly done: Promise<{ code: number | null; stdout: string; stderr: string }>;
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

function specie(args: readonly string[], wallet = ''): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, SPECIE_WALLET: join(system.folder, wallet), SPECIE_HOME: system.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (text: Buffer) => {
    stdout += text;
  });
  child.stderr!.on('data', (text: Buffer) => {
    stderr += text;
  });
  const done = new Promise<Awaited<Run['done']>>((resolve) => {
    child.once('close', (code) => {
      children.delete(child);
      resolve({ code, stdout, stderr });
    });
  });
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(stdout + stderr);
      if (match !== null) return match;
      if (!children.has(child)) throw new Error(`expected ${pattern}, got ${stdout}${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, done, said };
}

async function wallet(name: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await specie(['wallet', ...args], name).done;
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: expected 0, got ${code}: ${stderr}`);
  return stdout;
}

/** Payee and payer in a terminal each. */
async function pays(payer: string, payee: string, amount: string): Promise<readonly [string, string]> {
  const receiving = specie(['wallet', 'receive', amount, '--memo', 'bread'], payee);
  const [address] = await receiving.said(/specie-purse:\S+/);
  const sent = await wallet(payer, 'send', address);
  const { code, stdout, stderr } = await receiving.done;
  if (code !== 0) throw new Error(`receive: ${stderr}`);
  return [sent, stdout];
}

test('two terminals with every server down; then both report, and the audit agrees', async () => {
  const directory = join(system.folder, 'directory.json');
  writeFileSync(directory, directoryFileText(system.directory().signed));
  const trust = ['--directory', directory, '--root', system.fingerprint];
  const prepared = async (name: string, at: number, amount: string): Promise<void> => {
    await wallet(name, 'enrol', ...trust, '--name', name, '--account', accountNumber(at));
    if (amount !== '0') await wallet(name, 'load', '60.00');
    expect(await wallet(name, 'reserve', amount)).toMatch(/^reserve of .*: opened\n/);
  };
  await Promise.all([prepared('ada', 1, '50.00'), prepared('bob', 2, '0')]);

  for (const role of START_ORDER.toReversed()) await system.stopRole(role);
  const [sent, received] = await pays('ada', 'bob', '12.50');
  expect(sent).toMatch(/^paid {5}12\.50 EUR\nrequest {2}0x[0-9a-f]{32}\npurse {4}37\.50 EUR\n/);
  expect(received).toMatch(/█[\s\S]*\nspecie-purse:\S+\nreceived 12\.50 EUR\n[\s\S]*purse {4}12\.50 EUR\n/);
  const [back] = await pays('bob', 'ada', '2.50');
  expect(back).toMatch(/purse {4}10\.00 EUR\n/);
  expect(JSON.parse(await wallet('ada', 'balance', '--json'))).toMatchObject({
    balance: '1000',
    purse: { left: '4000', inDoubt: '0', unsettled: '250' },
    unsettled: [
      { side: 'sent', state: 'paid' },
      { side: 'received', state: 'received', memo: 'bread' },
    ],
  });

  for (const role of START_ORDER) await system.startRole(role);
  const statement = join(system.folder, 'statement.ndjson');
  writeFileSync(statement, system.statement().join('\n'));
  const audit = async (): Promise<AuditJson> => {
    const wallets = ['ada', 'bob'].flatMap((name) => ['--wallets', join(system.folder, name)]);
    const { code, stdout, stderr } = await specie([
      'audit',
      '--statement',
      statement,
      ...wallets,
      '--all-wallets',
      '--json',
    ]).done;
    if (code !== 0) throw new Error(`audit: expected 0, got ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as AuditJson;
  };
  expect((await audit()).handovers).toEqual({ sent: 2, settled: 0, unreported: 2, inDoubt: 0 });
  const reports = await Promise.all(['ada', 'bob'].map((name) => wallet(name, 'report')));
  expect(reports.join('')).toMatch(/settled/);
  expect((await audit()).handovers).toEqual({ sent: 2, settled: 2, unreported: 0, inDoubt: 0 });
  expect(await wallet('ada', 'release')).toMatch(
    /closed, 40\.00 EUR given back\n[\s\S]*balance {2}50\.00 EUR\n/,
  );
  expect(await wallet('bob', 'show')).toMatch(/all good[\s\S]*purses {6}1, 1 payments sent, 1 received\n/);
});

interface AuditJson {
  readonly handovers: object;
}

test('an audit of a folder in which there are no wallets says so', async () => {
  const missing = join(system.folder, 'ada,bob');
  const { code, stdout, stderr } = await specie(['audit', '--wallets', missing]).done;
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(`${missing}: expected a store of wallets, got nothing`);
});
