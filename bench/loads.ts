// `npm run bench:loads -- [--small] [--profile]`: loads a second, from a device's channel to the receipt in its hands: through
// management, settlement, the payment institution's simulator over ISO 8583, and cash with its ledger, every answer of each
// flushed before it is given. Half the loads give the account number, half take the one on file.
//
//     prepared    keys, orders and seals are made before the clock runs; each device has its own channel
//     wallets     real ones: sign, seal, write, send, verify, write
//
// Roles run as processes of their own, then all three in one. The audit compares the books of all parties
// before the loads that are measured and at the end: without its last line, no number above it counts. `--profile` also tells where the main thread of each process is busy.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AuditReport, runAudit } from '../src/cli/audit/audit.ts';
import { fetchStatement } from '../src/cli/commands/audit.ts';
import type { Output } from '../src/cli/output.ts';
import { loadOperator } from '../src/identity/load-home.ts';
import type { WalletStorage } from '../src/wallet/index.ts';
import { Device, type Done } from './loads/devices.ts';
import { type Busy, type CpuSeconds, System } from './loads/system.ts';
import { Wallets } from './loads/wallets.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    /** Loads under way at a time, with commas between. */
    'under-way': { type: 'string' },
    /** Only roles in processes of their own (own) or in one (one). */
    roles: { type: 'string', default: 'own,one' },
    wallets: { type: 'string' },
    path: { type: 'string', default: tmpdir() },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const silent: Output = { write: () => {}, note: print, interactive: false };

/** How many are under way at a time, and how many are measured in all. */
const STEPS: readonly (readonly [number, number])[] = flags.small
  ? [
      [1, 5],
      [16, 64],
    ]
  : (flags['under-way']?.split(',').map(Number) ?? [1, 16, 256, 1024]).map((underWay) => [
      underWay,
      Math.max(Number(process.env.N ?? 300), Math.min(8192, underWay * 24)),
    ]);
const DEVICES = Math.max(...STEPS.map(([underWay]) => underWay));
const WALLETS = Number(flags.wallets ?? (flags.small ? 8 : 200));
const WALLET_ROUNDS = flags.small ? 2 : 5;
/** Of each device, before the first measurement. */
const WARM_ROUNDS = flags.small ? 1 : 2;
const CONNECTING_AT_A_TIME = 64;

interface Measured {
  readonly what: string;
  readonly underWay: number;
  readonly count: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Told to come again, or paused, so often each. */
  readonly pending: number;
  /** Milliseconds each. */
  readonly cpu: { readonly [process: string]: number };
  readonly busy?: { readonly [process: string]: Busy };
}

/** `count` of them, `underWay` at a time. */
async function measure(
  system: System,
  what: string,
  underWay: number,
  count: number,
  one: (lane: number) => Promise<Done>,
): Promise<Measured> {
  const done: Done[] = [];
  let begun = 0;
  if (flags.profile) await system.profile();
  const before = await cpuOf(system);
  const since = performance.now();
  await Promise.all(
    Array.from({ length: underWay }, async (_, lane) => {
      while (begun < count) {
        begun++;
        done.push(await one(lane));
      }
    }),
  );
  const seconds = (performance.now() - since) / 1000;
  const after = await cpuOf(system);
  const busy = flags.profile ? await system.shares() : undefined;
  const sorted = done.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  const cpu = Object.fromEntries(
    Object.entries(after).map(([name, used]) => [name, ((used - before[name]!) * 1000) / done.length]),
  );
  const measured: Measured = {
    what,
    underWay,
    count: done.length,
    perSecond: done.length / seconds,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    pending: done.reduce((sum, { pending }) => sum + pending, 0) / done.length,
    cpu,
    ...(busy && { busy }),
  };
  print(line(measured));
  for (const [name, own] of Object.entries(busy ?? {})) print(busyLines(name, own));
  return measured;
}

async function cpuOf(system: System): Promise<CpuSeconds> {
  const { user, system: kernel } = process.cpuUsage();
  return { ...(await system.cpu()), 'this side': (user + kernel) / 1e6 };
}

function line({ what, underWay, perSecond, p50, p90, p99, pending, cpu }: Measured): string {
  const ms = (value: number): string => value.toFixed(value < 100 ? 1 : 0).padStart(6);
  const used = Object.entries(cpu).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  return (
    `  ${what.padEnd(22)} ${String(underWay).padStart(5)} under way ${perSecond.toFixed(0).padStart(7)}/s   ` +
    `p50 ${ms(p50)}  p90 ${ms(p90)}  p99 ${ms(p99)} ms   asked again ${pending.toFixed(2)}   CPU ms: ${used.join(', ')}`
  );
}

function busyLines(name: string, { shares, stages }: Busy): string {
  const parts = shares
    .filter(({ share }) => share >= 0.01)
    .map(({ part, share }) => `${part} ${(share * 100).toFixed(0)} %`);
  const lines = [`      ${name.padEnd(11)} ${parts.join(', ')}`];
  for (const own of Object.values(stages)) {
    for (const { stage, milliseconds, times } of own)
      lines.push(`          ${milliseconds.toFixed(1).padStart(8)} ms × ${times.toFixed(2)}   ${stage}`);
  }
  return lines.join('\n');
}

/** The books of all parties, compared. @throws when they do not agree, or more or less was loaded than was asked for */
async function prove(
  system: System,
  expected: number,
  storages: readonly WalletStorage[] = [],
): Promise<AuditReport> {
  const operator = await loadOperator({ home: system.home, passphrase: async () => undefined });
  try {
    const statement = await fetchStatement(system.admin);
    const sources = { operator, statement, wallets: storages, allWallets: false };
    const report = await runAudit({ ...sources, notes: false }, silent);
    const { management, settlement, cash, institution } = report.loads;
    const counts = [management, settlement, cash, institution];
    if (!report.passed || report.open.length > 0 || counts.some((count) => count !== expected)) {
      const wrong = report.checks.filter(({ findings }) => findings.length > 0);
      const text = wrong.map(({ name, findings }) => `${name}: ${findings[0]!.text}`).join('; ');
      throw new Error(`audit: expected ${expected} loads everywhere, got ${counts}; ${text}`);
    }
    return report;
  } finally {
    operator.close();
  }
}

/** One after the other, some at a time. */
async function each<T>(
  items: readonly T[],
  atATime: number,
  run: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (const item of left) await run(item);
    }),
  );
}

async function benchmark(oneProcess: boolean): Promise<Measured[]> {
  print(
    `\nRoles ${oneProcess ? 'all in one process' : 'in processes of their own'}, the simulator in its own`,
  );
  const folder = mkdtempSync(join(flags.path, 'specie-bench-loads-'));
  const results: Measured[] = [];
  let system: System | undefined;
  let loads = 0;
  try {
    system = await System.start({ folder, accounts: DEVICES + WALLETS, oneProcess });
    const running = system;
    const operator = await loadOperator({ home: system.home, passphrase: async () => undefined });
    const { directory, configuration } = operator;
    operator.close();
    const { currency } = configuration;
    const target = { directory, currency: currency.ledger };

    const devices = Array.from({ length: DEVICES }, (_, i) => new Device(i, target));
    await each(devices, CONNECTING_AT_A_TIME, (device) => device.connect());
    const inTurn = devices.values();
    results.push(
      await measure(running, 'enrolments, prepared', DEVICES, DEVICES, () => inTurn.next().value!.enrol()),
    );
    await each(devices, CONNECTING_AT_A_TIME, (device) => device.connect());

    for (const device of devices) device.prepare(WARM_ROUNDS);
    for (let i = 0; i < WARM_ROUNDS; i++) await Promise.all(devices.map((device) => device.load()));
    loads += WARM_ROUNDS * DEVICES;
    await prove(running, loads);

    for (const [underWay, count] of STEPS) {
      const lanes = devices.slice(0, underWay);
      for (const device of lanes) device.prepare(Math.ceil(count / underWay) + 64);
      const lane = (i: number): Promise<Done> => lanes[i]!.load();
      const measured = await measure(running, 'loads, prepared', underWay, count, lane);
      loads += measured.count;
      results.push(measured);
    }
    await prove(running, loads);
    await each(devices, CONNECTING_AT_A_TIME, (device) => device.close());

    const wallets = await Wallets.create({
      folder,
      count: WALLETS,
      firstAccount: DEVICES,
      directory: directory.bytes(),
      rootFingerprint: running.root,
      currency,
    });
    results.push(
      await measure(running, 'enrolments, wallets', WALLETS, WALLETS, (lane) => wallets.enrol(lane)),
    );
    for (const [underWay, count] of [
      [1, flags.small ? 5 : 200],
      [WALLETS, WALLETS * WALLET_ROUNDS],
    ] as const) {
      const measured = await measure(running, 'loads, wallets', underWay, count, (lane) =>
        wallets.load(lane),
      );
      loads += measured.count;
      results.push(measured);
    }
    await wallets.close();
    const report = await prove(running, loads, wallets.storages);
    print(`  audit: ${report.checks.length} checks passed, ${loads} loads in the books of every party`);
    await wallets.closeStore();
    await running.stop();
    return results;
  } catch (error) {
    system?.kill();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  print(`${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}`);
  const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
  const results: Record<string, unknown> = { machine };
  for (const roles of flags.roles.split(',')) results[roles] = await benchmark(roles === 'one');
  if (flags.small) {
    print(JSON.stringify(results));
    return;
  }
  const to = new URL('./results/', import.meta.url);
  if (!existsSync(to)) mkdirSync(to);
  writeFileSync(new URL('loads.json', to), `${JSON.stringify(results, null, 2)}\n`);
}

await main();
