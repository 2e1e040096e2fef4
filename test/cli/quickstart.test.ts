// `specie quickstart`, small, as the process that a user starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/channel/client.ts';
import { fromManagement } from '../../src/cli/audit/collect.ts';
import { ExitCode } from '../../src/cli/exit-codes.ts';
import type { QuickstartReport } from '../../src/cli/quickstart/report.ts';
import { loadOperator, type OperatorHome } from '../../src/identity/load-home.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import { systemAccountId, TransferCode } from '../../src/roles/cash/accounts.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** The 46th fills its balance, the 50th has a card that is declined. */
const SMALL = ['--wallets', '50', '--transfers', '5000', '--devices', '500', '--shops', '20', '--seed', '3'];
/** A loaded machine is slow; nothing here waits for its own sake but five seconds for withheld answers. */
const TIMEOUT_MS = 300_000;

let folder: string;
const started = new Set<ChildProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'specie-quickstart-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  // Only where a test failed before its end: told to stop, it stops the others.
  for (const child of started) child.kill('SIGTERM');
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Resolves with the match when a line on standard error has it. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

function quickstart(...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, 'quickstart', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // What is made without --path is made there.
    env: { ...process.env, TMPDIR: folder },
  });
  started.add(child);
  child.once('close', () => started.delete(child));
  let stdout = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  createInterface({ input: child.stderr! }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look(line);
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr: lines.join('\n') }));
  });
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (line: string): void => {
        const match = pattern.exec(line);
        if (match === null) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      lines.forEach(look);
      void ended.then(({ stderr }) => reject(new Error(`expected ${pattern}, got:\n${stderr}`)));
    });
  return { child, ended, said };
}

/** Processes that quickstart named, and that are still there. */
function left(stderr: string): number[] {
  const pids = [...stderr.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
  expect([6, 9, 10]).toContain(pids.length);
  return pids.filter(isThere);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function asOperator<T>(
  operator: OperatorHome,
  role: RoleName,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    url: operator.directory.address(role),
    identity: () => operator.clientIdentity(role),
  });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

describe('quickstart', () => {
  test(
    'runs the whole system, proves it, and leaves nothing behind',
    async () => {
      const few = ['--loads', '3', '--purchases', '1', '--people', '4', '--json'];
      const { code, stdout, stderr } = await quickstart(...SMALL, ...few).ended;
      expect(stderr).not.toMatch(/specie:|Warning|✗/);
      const report = JSON.parse(stdout) as QuickstartReport;
      expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
      expect(report.checks.length).toBe(35);
      expect(report).toMatchObject({
        passed: true,
        wallets: { count: 50 },
        // Three in quiet, one with answers withheld, one with crashes. The full one has 1,000 after two loads of 500.
        loads: {
          count: 250,
          measured: 150,
          given: 120,
          onFile: 130,
          outcomes: { loaded: 242, declined: 5, reversed: 3 },
        },
        outage: { answersWithheld: 3 },
        recovery: { killed: true },
        day: { transfers: 5000, accounts: 522 },
        // Five alone, one of each with the others, one with crashes; the last wallet has nothing, and eight reserve first.
        shopping: {
          shops: 3,
          count: 105,
          measured: 50,
          outcomes: { paid: 95, reserved: 8, 'not enough': 2 },
          orders: { captures: 3, voids: 3, reserved: 2 },
          recovery: { killed: true },
        },
      });
      expect(report.shopping.orders.refunds).toBeGreaterThan(10);
      const { shops, sales, refunds, fees, paid } = report.payout;
      expect(shops).toBe(3);
      expect(BigInt(fees)).toBeGreaterThan(0n);
      expect(BigInt(sales) - BigInt(refunds) - BigInt(fees)).toBe(BigInt(paid));
      const {
        people,
        in: into,
        out,
        outcomes,
        outstanding,
        fees: earned,
        atCash,
        recovery,
      } = report.carrying;
      expect({ people, into, out, outcomes }).toEqual({
        people: 4,
        into: 4,
        out: 4,
        outcomes: { delivered: 8 },
      });
      expect(BigInt(outstanding)).toBeGreaterThan(0n);
      expect(BigInt(outstanding) + BigInt(earned)).toBe(BigInt(atCash));
      expect(recovery.killed).toBe(true);
      expect(recovery.underWay).toBeGreaterThan(0);
      expect(report.stages).toHaveLength(5);
      // What the roles count has passed through all of them; the wallet's own parts are the rest.
      for (const { aloneMs, togetherMs } of report.stages.slice(2)) {
        expect(aloneMs).toBeGreaterThan(0);
        expect(togetherMs).toBeGreaterThan(0);
      }
      expect(report.recovery.cash.replayedRecords).toBeGreaterThan(5000);
      // A machine under load may keep others waiting as long.
      expect(report.outage.inquired).toBeGreaterThanOrEqual(3);
      // Longer than the five seconds after which settlement gives an answer up.
      expect(report.outage.longestLoadMs).toBeGreaterThan(5000);
      expect(BigInt(report.float)).toBeGreaterThan(0n);
      expect(code).toBe(ExitCode.ok);
      expect(left(stderr)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'a balance that somebody changed behind its back ends it with 6',
    async () => {
      const path = join(folder, 'tampered');
      const { ended, said } = quickstart(
        ...SMALL,
        ...['--loads', '1', '--purchases', '1', '--people', '2', '--no-crash', '--path', path],
      );
      await said(/^loading /);
      // One of the operators is a thief: the ledger takes it, as he may submit transfers.
      const operator = await loadOperator({ home: join(path, 'home'), passphrase: async () => undefined });
      const { devices } = await asOperator(operator, 'management', fromManagement);
      const { ledger } = operator.configuration.currency;
      const [result] = await asOperator(operator, 'cash', (client) =>
        client.createTransfers([
          {
            id: 1n << 100n,
            debitAccountId: systemAccountId('float', ledger),
            creditAccountId: devices[0]!.device,
            amount: 100n,
            pendingId: 0n,
            userData128: 0n,
            userData64: 0n,
            userData32: 0,
            timeout: 0,
            ledger,
            code: TransferCode.load,
            flags: 0,
            timestamp: 0n,
          },
        ]),
      );
      operator.close();
      expect(result).toMatchObject({ status: 'created' });
      const { code, stdout, stderr } = await ended;
      expect(code).toBe(ExitCode.check_failed);
      expect(stdout).toContain('checks: FAILED');
      expect(stdout).toMatch(/✗ audit: what is done for one party is done for all, .*cash: credited/);
      expect(stdout).toMatch(/✗ audit: institution and float are the same sum/);
      expect(stdout).toMatch(/✗ after its statement each wallet has what cash has, and what was foretold/);
      expect(stdout).toContain('✓ specie verify proves the whole ledger');
      expect(stderr).toContain(`kept: ${path}`);
      expect(left(stderr)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'Ctrl-C stops every process and removes what was made',
    async () => {
      const { child, ended, said } = quickstart(...SMALL);
      await said(/^enrolling|^loading /);
      child.kill('SIGINT');
      const { code, stderr } = await ended;
      expect(code).toBe(ExitCode.interrupted);
      expect(stderr).not.toContain('specie:');
      expect(left(stderr)).toEqual([]);
      expect(readdirSync(folder).filter((name) => name.startsWith('specie-quickstart-'))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'a role that dies by itself ends it, and its log is kept',
    async () => {
      const path = join(folder, 'dying');
      const { ended, said } = quickstart(...SMALL, '--path', path);
      const [, pid] = await said(/^ {2}management .*\(process (\d+)\)/);
      process.kill(Number(pid), 'SIGKILL');
      const { code, stderr } = await ended;
      expect(code).toBe(ExitCode.failed);
      expect(stderr).toContain('specie: management: expected it to run on, but it ended with SIGKILL');
      expect(left(stderr)).toEqual([]);
      expect(existsSync(join(path, 'logs', 'management.log'))).toBe(true);
    },
    TIMEOUT_MS,
  );

  test('wants a folder of its own', async () => {
    const { code, stderr } = await quickstart('--path', join(fileURLToPath(import.meta.url), '..')).ended;
    expect(code).toBe(ExitCode.failed);
    expect(stderr).toContain('expected a new or an empty folder');
  });
});
