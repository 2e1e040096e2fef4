// Two terminals pay each other with every server down; then the servers start, both report, and the audit agrees.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { amountOf } from '../../../src/shared/amount.ts';
import { channelTransport, nodeClock, nodeCrypto, Wallet, WalletStore } from '../../../src/wallet/index.ts';
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

/** As `specie wallet enrol` and `load` do it; test/wallet/command.test.ts has them as processes. */
async function enrolled(name: string, at: number, amount: bigint): Promise<void> {
  const store = await WalletStore.open({ path: join(system.folder, name) });
  const { fingerprint: rootFingerprint, currency } = system;
  const wallet = await Wallet.create(
    { storage: store.storage(), crypto: nodeCrypto, clock: nodeClock, transport: channelTransport() },
    { directory: system.directoryBytes(), rootFingerprint, currency, name },
  );
  await wallet.enrol({ userData: name, accountNumber: accountNumber(at) });
  if (amount > 0n) await wallet.load({ amount: amountOf(amount), onFile: true });
  await wallet.close();
  await store.close();
}

test('two terminals with every server down; then both report, and the audit agrees', async () => {
  await Promise.all([enrolled('ada', 1, 6_000n), enrolled('bob', 2, 0n)]);
  const reserved = await Promise.all([wallet('ada', 'reserve', '50.00'), wallet('bob', 'reserve', '0')]);
  for (const text of reserved) expect(text).toMatch(/^reserve of .*: opened\n/);

  for (const role of system.startOrder.toReversed()) await system.stopRole(role);
  const [sent, received] = await pays('ada', 'bob', '12.50');
  expect(sent).toMatch(/^paid {5}12\.50 EUR\nrequest {2}0x[0-9a-f]{32}\npurse {4}37\.50 EUR\n/);
  expect(received).toMatch(/█[\s\S]*\nspecie-purse:\S+\nreceived 12\.50 EUR\n[\s\S]*purse {4}12\.50 EUR\n/);
  const [back] = await pays('bob', 'ada', '2.50');
  expect(back).toMatch(/purse {4}10\.00 EUR\n/);
  for (const role of system.startOrder) await system.startRole(role);
  const statement = join(system.folder, 'statement.ndjson');
  writeFileSync(statement, system.statement().join('\n'));
  const reports = await Promise.all(['ada', 'bob'].map((name) => wallet(name, 'report')));
  expect(reports.join('')).toMatch(/settled/);
  const wallets = ['ada', 'bob'].flatMap((name) => ['--wallets', join(system.folder, name)]);
  const { code, stdout, stderr } = await specie([
    'audit',
    '--statement',
    statement,
    ...wallets,
    '--all-wallets',
    '--no-notes',
  ]).done;
  if (code !== 0) throw new Error(`audit: expected 0, got ${code}: ${stdout}${stderr}`);
  expect(stdout).toMatch(/^offline {6}sent 2, settled 2, not reported yet 0$/m);
  expect(await wallet('ada', 'release')).toMatch(
    /closed, 40\.00 EUR given back\n[\s\S]*balance {2}50\.00 EUR\n/,
  );
});

test('an audit of a folder in which there are no wallets says so', async () => {
  const missing = join(system.folder, 'ada,bob');
  const { code, stdout, stderr } = await specie(['audit', '--wallets', missing]).done;
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(`${missing}: expected a store of wallets, got nothing`);
});
