// `npm run bench:purchases -- [--small] [--profile]`: purchases a second, through shop, management and cash, to the receipt in
// the customer's hand: Noise NK, IK and KK, both seals, the order's signature, cash's, every answer flushed before it is
// given. Roles and the shop are processes of their own.
//
//     devices      enrolled and loaded over the real path, before the clock runs
//     purchases    made before the clock runs: terms, both seals, the signed order
//     customers    few connections to the shop, each with many purchases under way, in frames of up to 32 of them, as
//                  tills and machines of one place share a line; `--frame 1`: each purchase comes by itself
//
// At the end every party's books are compared (specie audit), and every device's balance with what it has bought: without
// the last line, no number above it counts. `--profile` also tells where each process is busy. A look at one load takes
// half a minute: `--under-way 256 --devices 256 --rounds 32`.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from '../src/channel/client.ts';
import { runAudit } from '../src/cli/audit/audit.ts';
import { fetchStatement } from '../src/cli/commands/audit.ts';
import { loadOperator } from '../src/identity/load-home.ts';
import { ShopOperation } from '../src/roles/shop/messages.ts';
import { Device } from './loads/devices.ts';
import { NO_STEPS, StepTimes, type StepTotal, type StepTotals } from './loads/stages.ts';
import { type Busy, type CpuSeconds, System } from './loads/system.ts';
import { enrolShop, isPaid, PRICE, Purchases } from './purchases/trade.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    /** Purchases under way at a time, with commas between. */
    'under-way': { type: 'string' },
    /** Purchases of a customer's frame; left out: as many as there are for each connection. */
    frame: { type: 'string' },
    devices: { type: 'string' },
    /** Purchases of a step, times as many as are under way, and at most. */
    rounds: { type: 'string', default: '8' },
    most: { type: 'string', default: '16384' },
    path: { type: 'string', default: tmpdir() },
  },
});

const STEPS: readonly number[] =
  flags['under-way']?.split(',').map(Number) ?? (flags.small ? [1, 32] : [1, 256, 1_024, 4_096]);
const ALONE = flags.small ? 5 : 200;
const DEVICES = Number(flags.devices ?? (flags.small ? 8 : 2_048));
const LOADED = 10_000_000n;
const BALANCE_MAX = '1000000';
const CONNECTING_AT_A_TIME = 64;
const CONNECTIONS = 16;
/** Of a connection: what a shop's server takes of a customer. */
const FRAMES_UNDER_WAY_MAX = 8;
const FRAME_MAX = 32;
const WARM = flags.small ? 16 : 2_048;
const MADE_AT_A_TIME = 64;
const REQUEST_TIMEOUT_MS = 60_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

interface Measured {
  readonly underWay: number;
  /** Purchases of a customer's frame. */
  readonly frame: number;
  readonly count: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Told to come again, so often each. */
  readonly pending: number;
  /** Microseconds each. */
  readonly cpu: { readonly [process: string]: number };
  /** Milliseconds each, on average. */
  readonly stages: { readonly [stage: string]: number };
  /** Purchases of a batch, on average. */
  readonly batches: { readonly [step: string]: number };
  readonly loadAverage: number;
  readonly busy?: { readonly [process: string]: Busy };
}

/** Customers' end: sends what it is given, until there is a receipt for each. */
class Customers {
  readonly #clients: readonly Client[];
  readonly #steps = new StepTimes();

  constructor(url: string, channelKey: Uint8Array) {
    const identity = { pattern: 'NK', remoteStaticKey: channelKey } as const;
    this.#clients = Array.from(
      { length: CONNECTIONS },
      () => new Client({ url, identity, requestTimeoutMs: REQUEST_TIMEOUT_MS }),
    );
  }

  get steps(): StepTotals {
    return this.#steps.totals();
  }

  /** Resolves when all connections stand. */
  async connect(): Promise<void> {
    for (const client of this.#clients) await client.ping();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close(1000);
  }

  /** @returns milliseconds each, and how often they were told to come again */
  async buy(
    messages: readonly Uint8Array[],
    underWay: number,
    frame: number,
  ): Promise<{ times: number[]; pending: number }> {
    const times: number[] = [];
    let pending = 0;
    let begun = 0;
    const lanes = Math.min(Math.ceil(underWay / frame), CONNECTIONS * FRAMES_UNDER_WAY_MAX);
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        const client = this.#clients[lane % CONNECTIONS]!;
        while (begun < messages.length) {
          let left = messages.slice(begun, begun + frame);
          begun += left.length;
          const since = performance.now();
          this.#steps.trace('sent', left.length);
          while (left.length > 0) {
            const replies = await client.call(ShopOperation.buy, left);
            const again = left.filter((_, i) => !isPaid(replies[i]!));
            const took = performance.now() - since;
            for (let i = again.length; i < left.length; i++) times.push(took);
            this.#steps.trace('received', left.length - again.length);
            pending += again.length;
            left = again;
          }
        }
      }),
    );
    return { times, pending };
  }
}

const STAGES = [
  ['to the shop, checked, written', 'sent', 'shop stored'],
  ['waits for a frame', 'shop stored', 'shop asked'],
  ['management, on the way to cash', 'shop asked', 'cash taken'],
  ['waits for cash', 'cash taken', 'cash begun'],
  ['opened, verified', 'cash begun', 'cash verified'],
  ['booked', 'cash verified', 'cash booked'],
  ['receipts', 'cash booked', 'cash signed'],
  ['management, on the way back', 'cash signed', 'shop answered'],
  ['judged and written', 'shop answered', 'shop finished'],
  ['back to the customer', 'shop finished', 'received'],
] as const;

/** Where batches are made: what the shop writes down, asks management, and cash opens. */
const BATCHES = ['shop stored', 'shop asked', 'cash taken', 'cash begun'] as const;

const total = async (system: System, customers: Customers): Promise<StepTotals> => ({
  ...(await system.steps()),
  ...customers.steps,
});

const sinceThen = (before: StepTotals, after: StepTotals, step: string): StepTotal => {
  const [a, b] = [before[step] ?? NO_STEPS, after[step] ?? NO_STEPS];
  return { count: b.count - a.count, batches: b.batches - a.batches, atMs: b.atMs - a.atMs };
};

/** Mean milliseconds of each stage; one that some came through more than once has none. */
function stagesOf(before: StepTotals, after: StepTotals, count: number): { [stage: string]: number } {
  return Object.fromEntries(
    STAGES.flatMap(([name, from, to]) => {
      const [a, b] = [sinceThen(before, after, from), sinceThen(before, after, to)];
      return a.count === count && b.count === count ? [[name, (b.atMs - a.atMs) / count]] : [];
    }),
  );
}

function batchesOf(before: StepTotals, after: StepTotals): { [step: string]: number } {
  return Object.fromEntries(
    BATCHES.map((step) => {
      const { count, batches } = sinceThen(before, after, step);
      return [step, count / Math.max(1, batches)];
    }),
  );
}

async function measure(
  system: System,
  customers: Customers,
  underWay: number,
  messages: readonly Uint8Array[],
): Promise<Measured> {
  if (flags.profile) await system.profile();
  const [cpuBefore, stepsBefore] = [await cpuOf(system), await total(system, customers)];
  const frame = frameOf(underWay);
  const since = performance.now();
  const { times, pending } = await customers.buy(messages, underWay, frame);
  const seconds = (performance.now() - since) / 1000;
  const [cpuAfter, stepsAfter] = [await cpuOf(system), await total(system, customers)];
  const busy = flags.profile ? await system.shares() : undefined;
  const sorted = times.sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  const count = times.length;
  const cpu = Object.fromEntries(
    Object.entries(cpuAfter).map(([name, used]) => [name, ((used - cpuBefore[name]!) * 1e6) / count]),
  );
  const measured: Measured = {
    ...{ underWay, frame, count, cpu },
    perSecond: count / seconds,
    p50: at(0.5),
    p99: at(0.99),
    pending: pending / count,
    stages: stagesOf(stepsBefore, stepsAfter, count),
    batches: batchesOf(stepsBefore, stepsAfter),
    loadAverage: loadavg()[0]!,
    ...(busy && { busy }),
  };
  report(measured);
  return measured;
}

/** As many as there are for each connection. */
const frameOf = (underWay: number): number =>
  Math.min(FRAME_MAX, Number(flags.frame ?? Math.ceil(underWay / CONNECTIONS)));

async function cpuOf(system: System): Promise<CpuSeconds> {
  const { user, system: kernel } = process.cpuUsage();
  return { ...(await system.cpu()), 'this side': (user + kernel) / 1e6 };
}

function report(measured: Measured): void {
  const { underWay, frame, perSecond, p50, p99, pending, cpu, stages, batches, loadAverage, busy } = measured;
  const used = Object.entries(cpu).filter(([, value]) => value >= 0.5);
  const sum = used.reduce((all, [, value]) => all + value, 0);
  print(
    `  purchases ${String(underWay).padStart(5)} under way ${perSecond.toFixed(0).padStart(6)}/s   ` +
      `p50 ${p50.toFixed(1)}  p99 ${p99.toFixed(1)} ms   asked again ${pending.toFixed(2)}   ` +
      `CPU µs: ${used.map(([name, value]) => `${name} ${value.toFixed(0)}`).join(', ')}, together ${sum.toFixed(0)}   ` +
      `load average ${loadAverage.toFixed(1)}`,
  );
  const parts = Object.entries(stages).map(([name, value]) => `${name} ${value.toFixed(1)}`);
  if (parts.length > 0) print(`      ms: ${parts.join(', ')}`);
  const sizes = Object.entries(batches).map(([step, size]) => `${step} ${size.toFixed(0)}`);
  print(`      batches of: customer ${frame}, ${sizes.join(', ')}`);
  for (const [name, { shares, stages: own }] of Object.entries(busy ?? {})) {
    const most = shares
      .filter(({ share }) => share >= 0.02)
      .map(({ part, share }) => `${part} ${(share * 100).toFixed(0)} %`);
    print(`      ${name.padEnd(11)} ${most.join(', ')}`);
    for (const { stage, milliseconds, times } of Object.values(own).flat()) {
      print(`          ${milliseconds.toFixed(1).padStart(8)} ms × ${times.toFixed(2)}   ${stage}`);
    }
  }
}

/** Books of all parties, and what each device has left. @throws when more or less was paid than was bought */
async function prove(
  system: System,
  shopHome: string,
  devices: readonly Device[],
  bought: ReadonlyMap<Device, bigint>,
): Promise<number> {
  const operator = await loadOperator({ home: system.home, passphrase: async () => undefined });
  try {
    const statement = await fetchStatement(system.admin);
    const sources = { operator, statement, wallets: [], allWallets: false, shops: [shopHome] };
    const silent = { write: () => {}, note: print, interactive: false };
    const { passed, checks, trades } = await runAudit({ ...sources, notes: false }, silent);
    const expected = Number([...bought.values()].reduce((sum, count) => sum + count, 0n));
    const { shop, management, cash } = trades;
    if (!passed || [shop, management, cash].some((count) => count !== expected)) {
      const wrong = checks.filter(({ findings }) => findings.length > 0);
      const text = wrong.map(({ name, findings }) => `${name}: ${findings[0]!.text}`).join('; ');
      throw new Error(
        `audit: expected ${expected} purchases everywhere, got ${shop}, ${management}, ${cash}; ${text}`,
      );
    }
    await each(devices, async (device) => {
      const left = LOADED - (bought.get(device) ?? 0n) * PRICE;
      const balance = await device.balance();
      if (balance !== left) throw new Error(`balance: expected ${left}, got ${balance}`);
    });
    return expected;
  } finally {
    operator.close();
  }
}

async function each<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: CONNECTING_AT_A_TIME }, async () => {
      for (const item of left) await run(item);
    }),
  );
}

async function main(): Promise<void> {
  const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
  print(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`);
  const folder = mkdtempSync(join(flags.path, 'specie-bench-purchases-'));
  let system: System | undefined;
  try {
    const running = await System.start({
      folder,
      accounts: DEVICES,
      oneProcess: false,
      balanceMax: BALANCE_MAX,
    });
    system = running;
    const operator = await loadOperator({ home: running.home, passphrase: async () => undefined });
    const { directory, configuration } = operator;
    operator.close();
    const target = { directory, currency: configuration.currency.ledger };
    const since = performance.now();
    const devices = Array.from({ length: DEVICES }, (_, i) => new Device(i, target));
    await each(devices, async (device) => {
      await device.connect();
      await device.enrol();
      await device.connect();
      device.prepare(1, LOADED);
      await device.load();
    });
    print(`  ${DEVICES} devices enrolled and loaded in ${((performance.now() - since) / 1000).toFixed(1)} s`);

    const trader = await enrolShop(running, folder);
    const customers = new Customers(await running.openShop(trader.home), trader.channelKey);
    await customers.connect();
    const purchases = new Purchases(trader.number, target);
    const bought = new Map<Device, bigint>();
    let turn = 0;
    const make = async (count: number): Promise<Uint8Array[]> => {
      const made: Uint8Array[] = [];
      while (made.length < count) {
        const device = devices[turn++ % DEVICES]!;
        bought.set(device, (bought.get(device) ?? 0n) + 1n);
        made.push(purchases.prepare(device));
        // Connections are to stay alive meanwhile.
        if (made.length % MADE_AT_A_TIME === 0) await setImmediate();
      }
      return made;
    };
    await customers.buy(await make(WARM), Math.min(WARM, 512), frameOf(Math.min(WARM, 512)));
    const results: Measured[] = [];
    for (const underWay of STEPS) {
      const count = underWay === 1 ? ALONE : Math.min(Number(flags.most), underWay * Number(flags.rounds));
      results.push(await measure(running, customers, underWay, await make(count)));
    }
    await customers.close();
    await running.closeShop();
    const proven = await prove(running, trader.home, devices, bought);
    print(`  audit: ${proven} purchases in the books of every party, every balance as it must be`);
    await each(devices, (device) => device.close());
    await running.stop();
    keep({ machine, results });
  } catch (error) {
    system?.kill();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function keep(results: object): void {
  if (flags.small) {
    print(JSON.stringify(results));
    return;
  }
  const to = new URL('./results/', import.meta.url);
  if (!existsSync(to)) mkdirSync(to);
  writeFileSync(new URL('purchases.json', to), `${JSON.stringify(results, null, 2)}\n`);
}

await main();
