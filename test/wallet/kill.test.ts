// `kill -9` of a wallet's process at each write and each message of an enrolment, a filing and three loads, two of them at
// once; also while it resumes. Then it resumes in a new process: every load was added once, and the balance is what was
// charged.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ManagementOperation } from '../../src/roles/management/messages.ts';
import { directory } from '../identity/support.ts';
import { TestManagement } from './management.ts';
import { ACCOUNT, NOW, ROOT_FINGERPRINT } from './support.ts';

interface Report {
  readonly points: number;
  readonly balance: string;
  readonly sum: string;
  readonly open: number;
  readonly problems: readonly string[];
  readonly receipts: readonly string[];
  readonly history: readonly string[];
  readonly device: string | null;
}

interface Asked {
  readonly number: number;
  readonly as: 'unenrolled' | 'device';
  readonly operation: number;
  readonly message: string;
  readonly report?: Report;
}

const SCRIPT = join(import.meta.dirname, 'wallet-process.mjs');
/** The machine has two cores. */
const PROCESSES_AT_ONCE = 2;

function newManagement(): TestManagement {
  const start = performance.now();
  return new TestManagement(
    () => NOW + BigInt(Math.floor((performance.now() - start) * 1e6)),
    (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  );
}

/** @param isEnough then it is killed from outside @returns the report; undefined: it was killed */
function walletProcess(
  management: TestManagement,
  path: string,
  mode: 'run' | 'resume',
  point: number,
  isEnough: () => boolean = () => false,
): Promise<Report | undefined> {
  return new Promise((resolve, reject) => {
    const child = fork(SCRIPT, [path, mode, String(point)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let errors = '';
    let report: Report | undefined;
    child.stderr!.on('data', (text: Buffer) => {
      errors += text;
    });
    child.on('message', (asked: Asked) => {
      if (asked.report !== undefined) {
        report = asked.report;
        return;
      }
      const { number, as, operation, message } = asked;
      const answer = (content: object): void => {
        if (child.connected) child.send({ number, ...content }, () => {});
      };
      management.answer(as, operation, new Uint8Array(Buffer.from(message, 'base64'))).then(
        (bytes) => answer({ answer: Buffer.from(bytes).toString('base64') }),
        (error: Error) => answer({ error: error.message }),
      );
      if (isEnough()) child.kill('SIGKILL');
    });
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0 && report !== undefined) resolve(report);
      else reject(new Error(`wallet process ended with ${code ?? signal}: ${errors}`));
    });
    child.send({
      setup: {
        directory: Buffer.from(directory().bytes()).toString('base64'),
        rootFingerprint: ROOT_FINGERPRINT,
        account: ACCOUNT,
        now: String(NOW),
      },
    });
  });
}

function temporaryPath(): string {
  const path = mkdtempSync(join(tmpdir(), 'specie-wallet-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'wallet');
}

function expectWhole(management: TestManagement, report: Report): void {
  expect(report.problems).toEqual([]);
  expect(report.open).toBe(0);
  expect(report.balance).toBe(report.sum);
  expect(report.balance).toBe(String(management.charged));
  expect([...report.receipts].sort()).toEqual([...management.charges.keys()].map(String).sort());
  expect(management.devices.size).toBeLessThanOrEqual(1);
  expect(report.device !== null).toBe(management.devices.size === 1);
}

/** Runs the work of a list, so many at a time. */
async function spread<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.entries();
  await Promise.all(
    Array.from({ length: PROCESSES_AT_ONCE }, async () => {
      for (const [, item] of left) await work(item);
    }),
  );
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

test('killed at every point', { timeout: 240_000 }, async () => {
  const management = newManagement();
  const whole = await walletProcess(management, temporaryPath(), 'run', 0);
  expectWhole(management, whole!);
  expect(whole!.balance).toBe('123');
  expect(whole!.history.toSorted()).toEqual(['enrolled', 'filed', 'loaded', 'loaded', 'loaded']);
  expect(whole!.points).toBeGreaterThan(30);

  const balances = new Set<string>();
  await spread(upTo(whole!.points), async (point) => {
    const path = temporaryPath();
    const world = newManagement();
    expect(await walletProcess(world, path, 'run', point), `point ${point}`).toBeUndefined();
    const report = await walletProcess(world, path, 'resume', 0);
    expectWhole(world, report!);
    balances.add(report!.balance);
  });
  expect([...balances].sort()).toEqual(['0', '100', '123']);
});

/** A wallet that was killed with two loads sent and not answered. */
async function twoOpen(): Promise<{ readonly management: TestManagement; readonly path: string }> {
  const management = newManagement();
  const path = temporaryPath();
  let sent = 0;
  management.behaviour = ({ operation }) => {
    if (operation !== ManagementOperation.load || management.charges.size === 0) return 'answer';
    sent += 1;
    return 'silent';
  };
  expect(await walletProcess(management, path, 'run', 0, () => sent === 2)).toBeUndefined();
  management.behaviour = () => 'answer';
  return { management, path };
}

test('killed while it resumes', { timeout: 120_000 }, async () => {
  const whole = await twoOpen();
  const report = await walletProcess(whole.management, whole.path, 'resume', 0);
  expectWhole(whole.management, report!);
  expect(report!.balance).toBe('123');
  expect(report!.points).toBe(10);
  await spread(upTo(report!.points), async (point) => {
    const { management, path } = await twoOpen();
    expect(await walletProcess(management, path, 'resume', point), `point ${point}`).toBeUndefined();
    const after = await walletProcess(management, path, 'resume', 0);
    expectWhole(management, after!);
    expect(after!.balance).toBe('123');
  });
});
