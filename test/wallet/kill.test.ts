// `kill -9` of a wallet's process at each write and each message of an enrolment, a filing and three loads, two of them at
// once; also while it resumes. Then it resumes in a new process: every load was added once, and the balance is what was
// charged.
//
// The first point, and every third from a drawn one on: SPECIE_SEED=… draws it again, SPECIE_SLOW_TESTS=1 takes every one.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ManagementOperation } from '../../src/roles/management/messages.ts';
import {
  nodeCrypto,
  Wallet,
  type WalletError,
  type WalletOptions,
  WalletStore,
} from '../../src/wallet/index.ts';
import { directory } from '../identity/support.ts';
import { seedOf } from '../property/seed.ts';
import { TestManagement } from './management.ts';
import { TestShop } from './shop.ts';
import { ACCOUNT, eur, NOW, newWallet, ROOT_FINGERPRINT } from './support.ts';

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
  readonly as: 'unenrolled' | 'device' | 'shop';
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

/** @returns the report; undefined: it was killed */
function walletProcess(
  management: TestManagement,
  path: string,
  mode: 'run' | 'buy' | 'resume',
  point: number,
  shop?: TestShop,
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
      const bytes = new Uint8Array(Buffer.from(message, 'base64'));
      if (operation === ManagementOperation.get_statement) takeReserved(management);
      const answering =
        as === 'shop' ? shop!.answer(operation, bytes) : management.answer(as, operation, bytes);
      answering.then(
        (said) => answer({ answer: Buffer.from(said).toString('base64') }),
        (error: Error) => answer({ error: error.message }),
      );
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
        card: shop?.cardText,
      },
    });
  });
}

/** As a shop that has delivered less than was reserved. */
function takeReserved({ cash }: TestManagement): void {
  for (const [request, { state }] of cash.payments) if (state === 'reserved') cash.capture(request, 4000n);
}

function temporaryPath(): string {
  const path = mkdtempSync(join(tmpdir(), 'specie-wallet-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'wallet');
}

function expectWhole(management: TestManagement, report: Omit<Report, 'points' | 'history'>): void {
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

const STRIDE = process.env.SPECIE_SLOW_TESTS === '1' ? 1 : 3;
const first = seedOf() % STRIDE;
process.stderr.write(`wallet killed: SPECIE_SEED=${seedOf()}\n`);

/** The points to die at. */
const pointsOf = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => i + 1).filter((point) => point === 1 || point % STRIDE === first);

/** A new process in all but name: the store is opened anew, after its owner has died. */
async function here<T>(
  management: TestManagement,
  path: string,
  work: (open: (existing: boolean) => Promise<Wallet>) => Promise<T>,
): Promise<T> {
  const store = await WalletStore.open({ path });
  try {
    const options: WalletOptions = {
      storage: store.storage(),
      crypto: nodeCrypto,
      clock: {
        now: management.now,
        setTimer(run, milliseconds) {
          const timer = setTimeout(run, milliseconds);
          return () => clearTimeout(timer);
        },
      },
      transport: management,
      times: { pauseFirstMs: 5, pauseLastMs: 20 },
    };
    return await work((existing) => (existing ? Wallet.open(options) : Wallet.create(options, newWallet)));
  } finally {
    await store.close();
  }
}

/** @returns the balance */
function resumeHere(management: TestManagement, path: string): Promise<bigint> {
  return here(management, path, async (open) => {
    const wallet = await open(true).catch((error: WalletError) => {
      if (error.code !== 'wallet_missing') throw error;
    });
    // Killed before it was there at all.
    if (wallet === undefined) return 0n;
    expect((await wallet.resume()).unfinished).toEqual([]);
    const { balance, open: left } = await wallet.balance();
    const receipts = (await wallet.receipts()).map(({ receipt }) => String(receipt.document.request));
    const { problems, sum } = await wallet.verify();
    const device = wallet.device === undefined ? null : String(wallet.device);
    expectWhole(management, {
      balance: String(balance),
      sum: String(sum),
      open: left.length,
      problems,
      receipts,
      device,
    });
    await wallet.close();
    return balance;
  });
}

test('killed at every point', { timeout: 240_000 }, async () => {
  const management = newManagement();
  const whole = await walletProcess(management, temporaryPath(), 'run', 0);
  expectWhole(management, whole!);
  expect(whole!.balance).toBe('123');
  expect(whole!.history.toSorted()).toEqual(['enrolled', 'filed', 'loaded', 'loaded', 'loaded']);
  expect(whole!.points).toBeGreaterThan(30);

  const balances = new Set<bigint>();
  await spread(pointsOf(whole!.points), async (point) => {
    const path = temporaryPath();
    const world = newManagement();
    expect(await walletProcess(world, path, 'run', point), `point ${point}`).toBeUndefined();
    balances.add(await resumeHere(world, path));
  });
  for (const balance of [0n, 100n, 123n]) expect(balances).toContain(balance);
});

/** A wallet with two loads sent and not answered. */
async function twoOpen(): Promise<{ readonly management: TestManagement; readonly path: string }> {
  const management = newManagement();
  const path = temporaryPath();
  await here(management, path, async (open) => {
    const wallet = await open(false);
    await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
    management.behaviour = () => 'silent';
    const loads = [20n, 3n].map((amount) =>
      wallet.load({ amount: eur(amount), onFile: true, patienceMs: 20 }),
    );
    for (const result of await Promise.allSettled(loads)) expect(result.status).toBe('rejected');
    await wallet.close();
  });
  management.behaviour = () => 'answer';
  return { management, path };
}

test('killed while it resumes', { timeout: 120_000 }, async () => {
  const whole = await twoOpen();
  const report = await walletProcess(whole.management, whole.path, 'resume', 0);
  expectWhole(whole.management, report!);
  expect(report!.balance).toBe('23');
  expect(report!.points).toBe(10);
  await spread(pointsOf(report!.points), async (point) => {
    const { management, path } = await twoOpen();
    expect(await walletProcess(management, path, 'resume', point), `point ${point}`).toBeUndefined();
    expect(await resumeHere(management, path)).toBe(23n);
  });
});

/** A wallet with a balance, and a shop. */
async function loaded(): Promise<{
  readonly management: TestManagement;
  readonly shop: TestShop;
  readonly path: string;
}> {
  const management = newManagement();
  const path = temporaryPath();
  await here(management, path, async (open) => {
    const wallet = await open(false);
    await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
    await wallet.load({ amount: eur(10_000), accountNumber: ACCOUNT });
    await wallet.close();
  });
  return { management, shop: new TestShop(management), path };
}

test('killed while it buys', { timeout: 240_000 }, async () => {
  const whole = await loaded();
  const report = await walletProcess(whole.management, whole.path, 'buy', 0, whole.shop);
  expect(report).toMatchObject({ problems: [], open: 0, balance: '5680', sum: '5680' });
  expect(report!.points).toBeGreaterThan(15);
  const balances = new Set<bigint>();
  await spread(pointsOf(report!.points), async (point) => {
    const { management, shop, path } = await loaded();
    expect(await walletProcess(management, path, 'buy', point, shop), `point ${point}`).toBeUndefined();
    await here(management, path, async (open) => {
      const wallet = await open(true);
      expect((await wallet.resume()).unfinished).toEqual([]);
      takeReserved(management);
      const { balance, online } = await wallet.sync();
      expect(online).toMatchObject({ verdict: 'agrees', reserved: 0n });
      expect(balance).toBe(management.cash.balance(wallet.device!));
      expect(await wallet.verify()).toMatchObject({ problems: [], balance });
      expect((await wallet.balance()).open).toEqual([]);
      balances.add(balance);
      await wallet.close();
    });
  });
  for (const balance of [10_000n, 9_680n, 5_680n]) expect(balances).toContain(balance);
});
