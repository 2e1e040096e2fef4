// `npm run bench:notes -- [--small] [--profile]`: wide notes issued, swapped and taken in a second, and exchanges through a
// gateway in both directions at once, to the destination's confirmation: Noise KK, IK, seals, blind signatures with their
// proofs, money at cash, every answer flushed before it is given. Roles and the gateway are processes of their own; the load
// comes from this one. Beside it, in the same run, what cashu-ts's primitives reach for the same notes on one core, with nothing
// stored and nothing sent.
//
//     merchant ──issue_notes──▶ issuer ─▶ cash              8 notes a request, made beforehand: outputs, order, seals
//     wallet ───HTTP, swap────▶ receiver                    8 in, 8 out
//     merchant ──take_notes───▶ receiver ─▶ cash
//     terminal ──send_in──▶ gateway ─▶ receiver             while others send out: ─▶ issuer
//              ◀─deliver── ──confirm──▶
//
// First the work is proven equal: of what issuer and receiver have answered, cashu-ts makes the same signatures, byte by byte,
// and takes the notes; a note is taken in once, and a swap that is sent again gets the same signatures. At the end the gateway's
// books say what they must, and nobody takes again what was taken. `--profile` also tells where each process is busy.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from '../src/channel/client.ts';
import { noteCrypto } from '../src/crypto/index.ts';
import { enrolGateway, makeGateway } from '../src/gateway/index.ts';
import { fromHex } from '../src/identity/binary-text.ts';
import { directoryFileText } from '../src/identity/directory-file.ts';
import { HomePaths } from '../src/identity/home.ts';
import { loadOperator } from '../src/identity/load-home.ts';
import { readNoteSeed } from '../src/identity/note-seeds.ts';
import { PrivateFiles } from '../src/identity/private-files.ts';
import { fetchSend } from '../src/mint/client.ts';
import { AMOUNTS_DEFAULT } from '../src/mint/keysets.ts';
import { signaturesAnswer, swapRequest } from '../src/notes/json/swap.ts';
import { generateKeyset, type SecretKeyset } from '../src/notes/keyset.ts';
import { type Note, withoutDleq } from '../src/notes/note.ts';
import type { Output } from '../src/notes/outputs.ts';
import { ShopOperation } from '../src/roles/shop/messages.ts';
import { ShopHome } from '../src/shop/node/shop-home.ts';
import { Device, type Target } from './loads/devices.ts';
import { type Busy, type CpuSeconds, System } from './loads/system.ts';
import { type CashuTimes, cashuTimes, proveSame, type Signed } from './notes/cashu.ts';
import { type IssueRequest, Merchant, notesOf, outputsFor } from './notes/merchant.ts';
import { type Sending, Terminal } from './notes/terminals.ts';
import { approved, enrolShop, isPaid, PRICE, Purchases } from './purchases/trade.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    /** Roles of the system in one process. */
    'one-process': { type: 'boolean', default: false },
    /** Requests of a step at the mint, and how many are under way. */
    requests: { type: 'string' },
    'under-way': { type: 'string' },
    /** Exchanges of the large step, in each direction, and pairs of terminals. */
    exchanges: { type: 'string' },
    pairs: { type: 'string' },
    /** Exchanges one at a time, in each direction; requests before the clock runs. */
    alone: { type: 'string' },
    warm: { type: 'string' },
    path: { type: 'string', default: tmpdir() },
  },
});
const ofSize = (flag: string | undefined, small: number, large: number): number =>
  Number(flag ?? (flags.small ? small : large));

const UNIT = 'eur';
/** Of each request: 2.55 in eight notes, as 2.55 is split. */
const AMOUNTS = [1n, 2n, 4n, 8n, 16n, 32n, 64n, 128n] as const;
const AMOUNT = AMOUNTS.reduce((sum, amount) => sum + amount, 0n);
const REQUESTS = ofSize(flags.requests, 4, 4_096);
const UNDER_WAY = ofSize(flags['under-way'], 4, 256);
const PAIRS = ofSize(flags.pairs, 1, 128);
const EXCHANGES = Math.ceil(ofSize(flags.exchanges, 1, 2_048) / PAIRS) * PAIRS;
/** One at a time, in each direction. */
const ALONE = ofSize(flags.alone, 1, 100);
/** Before the clock runs: code that is not warm is not what a role runs. */
const WARM = ofSize(flags.warm, 1, 512);
const PROVEN = flags.small ? 1 : 32;
const CASHU_ROUNDS = flags.small ? 1 : 5;
const MADE_AT_A_TIME = 32;
const BUYING_AT_A_TIME = 32;
const POLL_MS = 20;
const DEVICES = 8;
const LIMITS = { amountMax: '1000000.00', dayMax: '100000000.00' };

const print = (line: string): void => void process.stdout.write(`${line}\n`);
function expectThat(expected: unknown, got: unknown, what: string): void {
  if (got !== expected) throw new Error(`${what}: expected ${expected}, got ${got}`);
}

interface Measured {
  readonly what: string;
  readonly underWay: number;
  /** Requests, swaps or exchanges; and notes of one. */
  readonly count: number;
  readonly notes: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Microseconds a request, by process. */
  readonly cpu: { readonly [process: string]: number };
  readonly loadAverage: number;
  readonly busy?: { readonly [process: string]: Busy };
}

/** Does all, so many at a time. @returns what came of each, and milliseconds each */
async function all<Item, Result>(
  items: readonly Item[],
  underWay: number,
  work: (item: Item) => Promise<Result>,
): Promise<{ results: Result[]; times: number[] }> {
  const results: Result[] = new Array(items.length);
  const times: number[] = new Array(items.length);
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [i, item] of left) {
      const since = performance.now();
      results[i] = await work(item);
      times[i] = performance.now() - since;
    }
  };
  await Promise.all(Array.from({ length: Math.min(underWay, items.length) }, lane));
  return { results, times };
}

/** Makes them in pieces, so that connections stay alive meanwhile. */
async function made<Made>(count: number, make: (i: number) => Made): Promise<Made[]> {
  const results: Made[] = [];
  while (results.length < count) {
    results.push(make(results.length));
    if (results.length % MADE_AT_A_TIME === 0) await setImmediate();
  }
  return results;
}

class Bench {
  readonly system: System;
  readonly keyset: SecretKeyset;
  readonly merchant: Merchant;
  readonly results: Measured[] = [];

  constructor(system: System, keyset: SecretKeyset, merchant: Merchant) {
    this.system = system;
    this.keyset = keyset;
    this.merchant = merchant;
  }

  async measure<Result>(
    what: string,
    { underWay, count, notes }: { underWay: number; count: number; notes: number },
    work: () => Promise<{ results: Result[]; times: number[] }>,
  ): Promise<Result[]> {
    if (flags.profile) await this.system.profile();
    const before = await this.#cpu();
    const since = performance.now();
    const { results, times } = await work();
    const seconds = (performance.now() - since) / 1000;
    const after = await this.#cpu();
    const busy = flags.profile ? await this.system.shares() : undefined;
    expectThat(count, times.length, what);
    const sorted = times.sort((a, b) => a - b);
    const at = (part: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
    const cpu = Object.fromEntries(
      Object.entries(after).map(([name, used]) => [name, ((used - before[name]!) * 1e6) / count]),
    );
    const measured = {
      ...{ what, underWay, count, notes, cpu },
      ...{ perSecond: count / seconds, p50: at(0.5), p99: at(0.99), loadAverage: loadavg()[0]! },
      ...(busy && { busy }),
    };
    this.results.push(measured);
    report(measured);
    return results;
  }

  // ---- The mint

  orders(count: number): Promise<IssueRequest[]> {
    return made(count, () => this.merchant.order(AMOUNTS, this.keyset));
  }

  async issue(orders: readonly IssueRequest[], what?: string): Promise<Note[][]> {
    const work = () => all(orders, UNDER_WAY, (order) => this.merchant.issue(order));
    const answers =
      what === undefined ? (await work()).results : await this.measure(what, this.#of(orders), work);
    return made(orders.length, (i) => {
      const order = orders[i]!;
      return notesOf(order.outputs, this.merchant.open(order, answers[i]!), this.keyset);
    });
  }

  async swap(notes: readonly (readonly Note[])[], what?: string): Promise<Note[][]> {
    const outputs = await made(notes.length, () => outputsFor(AMOUNTS, this.keyset));
    const bodies = notes.map((inputs, i) => swapBody(inputs, outputs[i]!));
    const work = () => all(bodies, UNDER_WAY, (body) => this.send(body));
    const answers =
      what === undefined ? (await work()).results : await this.measure(what, this.#of(notes), work);
    return made(notes.length, (i) => {
      const { signatures } = signaturesAnswer.decode(answers[i]!);
      return notesOf(outputs[i]!, signatures, this.keyset);
    });
  }

  /** A swap, to the receiver. */
  async send(body: Uint8Array): Promise<Uint8Array> {
    const send = fetchSend(this.system.httpUrl('receiver'));
    const answer = await send({ method: 'POST', path: '/v1/swap', body });
    if (answer.status !== 200)
      throw new Error(`swap: expected 200, got ${answer.status}: ${utf8Text(answer.body)}`);
    return answer.body;
  }

  async take(notes: readonly (readonly Note[])[], what?: string): Promise<void> {
    const messages = await made(notes.length, (i) => this.merchant.taking(notes[i]!));
    const work = () => all(messages, UNDER_WAY, (message) => this.merchant.take(message));
    const states =
      what === undefined ? (await work()).results : await this.measure(what, this.#of(notes), work);
    for (const state of states) expectThat('taken', state, 'take_notes');
  }

  #of(requests: readonly unknown[]) {
    return { underWay: UNDER_WAY, count: requests.length, notes: AMOUNTS.length };
  }

  /** @returns what cashu-ts has made as well */
  async prove(): Promise<Signed[]> {
    const { merchant, keyset } = this;
    const orders = await this.orders(PROVEN);
    const issued = (await all(orders, PROVEN, (order) => merchant.issue(order))).results;
    const signed = orders.flatMap((order, i): Signed[] => {
      const signatures = merchant.open(order, issued[i]!);
      const notes = notesOf(order.outputs, signatures, keyset);
      return notes.map((note, at) => ({ note, output: order.outputs[at]!, signature: signatures[at]! }));
    });
    const notes = orders.map((_, i) =>
      signed.slice(i * AMOUNTS.length, (i + 1) * AMOUNTS.length).map(({ note }) => note),
    );
    const outputs = orders.map(() => outputsFor(AMOUNTS, keyset));
    const swapped = await Promise.all(
      notes.map(async (inputs, i) => {
        const body = swapBody(inputs, outputs[i]!);
        const [first, again] = [await this.send(body), await this.send(body)];
        expectThat(utf8Text(first), utf8Text(again), 'the same swap again');
        const { signatures } = signaturesAnswer.decode(first);
        return notesOf(outputs[i]!, signatures, keyset).map(
          (note, at): Signed => ({ note, output: outputs[i]![at]!, signature: signatures[at]! }),
        );
      }),
    );
    const everything = [...signed, ...swapped.flat()];
    const digest = proveSame(everything, keyset);
    await this.take(swapped.map((each) => each.map(({ note }) => note)));
    for (const spent of [notes[0]!, swapped[0]!.map(({ note }) => note)])
      expectThat('note_spent', await merchant.take(merchant.taking(spent)), 'notes that were taken before');
    print(
      `proven: ${everything.length} notes, signed by issuer and receiver as cashu-ts signs them, taken by both, once; ` +
        `digest ${digest.slice(0, 16)}`,
    );
    return everything;
  }

  async #cpu(): Promise<CpuSeconds> {
    const { user, system } = process.cpuUsage();
    return { ...(await this.system.cpu()), 'this side': (user + system) / 1e6 };
  }
}

const utf8Text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function swapBody(inputs: readonly Note[], outputs: readonly Output[]): Uint8Array {
  const request = { inputs: inputs.map(withoutDleq), outputs: outputs.map(({ message }) => message) };
  return new TextEncoder().encode(swapRequest.encode(request));
}

function report({ what, underWay, notes, perSecond, p50, p99, cpu, loadAverage, busy }: Measured): void {
  const used = Object.entries(cpu).filter(([, value]) => value >= 1);
  print(
    `  ${what.padEnd(12)} ${String(underWay).padStart(5)} under way ${perSecond.toFixed(0).padStart(6)}/s  ` +
      `${(perSecond * notes).toFixed(0).padStart(7)} notes/s   p50 ${p50.toFixed(1)}  p99 ${p99.toFixed(1)} ms   ` +
      `CPU µs each: ${used.map(([name, value]) => `${name} ${value.toFixed(0)}`).join(', ')}; ` +
      `together ${sumOfCpu(cpu).toFixed(0)}, a note ${(sumOfCpu(cpu) / notes).toFixed(0)}   load average ${loadAverage.toFixed(1)}`,
  );
  for (const [name, { shares }] of Object.entries(busy ?? {})) {
    const most = shares.filter(({ share }) => share >= 0.02);
    const text = most.map(({ part, share }) => `${part} ${(share * 100).toFixed(0)} %`).join(', ');
    print(`      ${name.padEnd(11)} ${text}`);
  }
}

const sumOfCpu = (cpu: Measured['cpu']): number => Object.values(cpu).reduce((sum, value) => sum + value, 0);

// ---- Money for notes: a shop sells, and devices buy

async function sell(system: System, folder: string, target: Target, amount: bigint): Promise<ShopHome> {
  const count = Number(amount / PRICE) + 1;
  const devices = Array.from({ length: DEVICES }, (_, i) => new Device(i, target));
  for (const device of devices) {
    await device.connect();
    await device.enrol();
    await device.connect();
    device.prepare(1, PRICE * BigInt(Math.ceil(count / DEVICES)));
    await device.load();
    await device.close();
  }
  const trader = await enrolShop(system, folder);
  const identity = { pattern: 'NK', remoteStaticKey: trader.channelKey } as const;
  const customer = new Client({
    url: await system.openShop(trader.home),
    identity,
    requestTimeoutMs: 60_000,
  });
  const purchases = new Purchases(trader.number, target);
  const messages = await made(count, (i) => purchases.prepare(devices[i % DEVICES]!));
  let at = 0;
  while (at < messages.length) {
    let left = messages.slice(at, at + BUYING_AT_A_TIME);
    at += left.length;
    while (left.length > 0) {
      const replies = await customer.call(ShopOperation.buy, left);
      left = left.filter((_, i) => !isPaid(replies[i]!));
    }
  }
  await customer.close(1_000);
  await system.closeShop();
  return new ShopHome(trader.home, new PrivateFiles());
}

// ---- The gateway

async function openGateway(system: System, folder: string, target: Target) {
  const home = await makeGateway({
    home: join(folder, 'gateway'),
    settings: { organisation: 'campus', lanHost: '127.0.0.1', wanHost: '127.0.0.1', ...LIMITS },
  });
  await approved(system, (options) =>
    enrolGateway(home, {
      ...options,
      account: async () => 'DE89370400440532013000',
      directory: () => directoryFileText(target.directory.signed),
      root: system.root,
    }),
  );
  return system.openGateway(home.path);
}

interface Pair {
  readonly lan: Terminal;
  readonly wan: Terminal;
}

interface Exchange {
  readonly from: Terminal;
  readonly to: Terminal;
  readonly sending: Sending;
}

const prepared = (from: Terminal, to: Terminal, notes: readonly Note[]): Exchange => ({
  ...{ from, to },
  sending: from.prepare(notes, to),
});

/** Of exchanges in both directions: each pair has one of each under way. @returns what came, by place */
async function exchanged(exchanges: readonly Exchange[], underWay: number) {
  return all(exchanges, underWay, async ({ from, to, sending }) => {
    // The destination does not wait until the sender has its answer.
    const [notes] = await Promise.all([to.receive(sending), from.send(sending)]);
    return notes;
  });
}

async function gatewaySteps(bench: Bench, folder: string, target: Target): Promise<void> {
  const { system } = bench;
  const { lan, wan, key } = await openGateway(system, folder, target);
  const pairs: Pair[] = Array.from({ length: PAIRS }, () => ({
    lan: new Terminal('lan', lan, fromHex(key, 32)!),
    wan: new Terminal('wan', wan, fromHex(key, 32)!),
  }));
  const terminals = pairs.flatMap((pair) => [pair.lan, pair.wan]);
  for (const terminal of terminals) await terminal.register();
  await system.admitTerminals();
  const pair = (i: number): Pair => pairs[i % PAIRS]!;
  const inward = async (count: number): Promise<Exchange[]> => {
    const notes = await bench.issue(await bench.orders(count));
    return made(count, (i) => prepared(pair(i).wan, pair(i).lan, notes[i]!));
  };
  // Local notes for the way out come of a first round of ways in, which warms up as well.
  const outward = async (count: number): Promise<Exchange[]> => {
    const { results } = await exchanged(await inward(count), PAIRS);
    return made(count, (i) => prepared(pair(i).lan, pair(i).wan, results[i]!));
  };
  const both = async (count: number): Promise<Exchange[]> => {
    const [out, incoming] = [await outward(count), await inward(count)];
    return out.flatMap((each, i) => [each, incoming[i]!]);
  };
  const notes = AMOUNTS.length;
  await exchanged(await both(Math.min(WARM, PAIRS)), 2 * PAIRS);
  const alone = await both(ALONE);
  const many = await both(EXCHANGES);
  await bench.measure('exchanges', { underWay: 1, count: alone.length, notes }, () => exchanged(alone, 1));
  await bench.measure('exchanges', { underWay: 2 * PAIRS, count: many.length, notes }, () =>
    exchanged(many, 2 * PAIRS),
  );
  while ((await system.gatewayStatus()).underWay > 0) await setTimeout(POLL_MS);
  for (const { from, sending } of [alone[0]!, many.at(-1)!])
    expectThat(true, await from.isDelivered(sending), 'exchange delivered');
  // Each count went in, and as many out of what had come in before.
  const ways = BigInt(Math.min(WARM, PAIRS) + ALONE + EXCHANGES);
  const { local, counters, backing } = await system.gatewayStatus();
  expectThat(2n * ways * AMOUNT, BigInt(counters.taken), 'taken in');
  expectThat(ways * AMOUNT, BigInt(counters.issued), 'issued');
  expectThat(ways * AMOUNT, BigInt(local.outstanding), 'local notes');
  expectThat(ways * AMOUNT, BigInt(backing), 'behind them');
  expectThat(3n * ways, BigInt(counters.delivered), 'delivered');
  print(
    `  the gateway’s books: ${3n * ways} exchanges delivered, ${ways * AMOUNT} out in local notes, as much behind them`,
  );
  for (const terminal of terminals) await terminal.close();
}

// ---- Beside cashu-ts

/** What of cashu-ts each step needs at least: of a note in, and of a note out. */
const LEAST: { readonly [what: string]: (times: CashuTimes) => number } = {
  issue_notes: ({ sign }) => sign,
  swap: ({ sign, verify }) => verify + sign,
  take_notes: ({ verify }) => verify,
  // Both ways: one mint takes in, the other one signs, and the gateway looks at the signature's proof.
  exchanges: ({ sign, verify, verifyProof }) => verify + sign + verifyProof,
};

function beside(results: readonly Measured[], times: CashuTimes): object[] {
  print(
    `\ncashu-ts, its primitives only, one core: sign with a proof ${times.sign.toFixed(0)} µs, verify ${times.verify.toFixed(0)} µs, ` +
      `verify a proof ${times.verifyProof.toFixed(0)} µs a note`,
  );
  return results.map(({ what, underWay, notes, perSecond, cpu }) => {
    const least = LEAST[what]!(times);
    const ours = { notesPerSecond: perSecond * notes, cpuMicroseconds: sumOfCpu(cpu) / notes };
    const theirs = { notesPerSecond: 1e6 / least, cpuMicroseconds: least };
    const ratios = {
      notesPerSecond: ours.notesPerSecond / theirs.notesPerSecond,
      cpu: theirs.cpuMicroseconds / ours.cpuMicroseconds,
    };
    print(
      `  ${what.padEnd(12)} ${String(underWay).padStart(5)} under way   ` +
        `${ours.notesPerSecond.toFixed(0).padStart(7)} notes/s : ${theirs.notesPerSecond.toFixed(0).padStart(5)} = ` +
        `${ratios.notesPerSecond.toFixed(1).padStart(5)}   CPU µs a note, all processes ` +
        `${ours.cpuMicroseconds.toFixed(0)} : ${least.toFixed(0)}, ${ratios.cpu.toFixed(1)} times less`,
    );
    return { what, underWay, ours, theirs, ratios };
  });
}

async function main(): Promise<void> {
  const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
  print(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`);
  const folder = mkdtempSync(join(flags.path, 'specie-bench-notes-'));
  let system: System | undefined;
  try {
    const running = await System.start({
      ...{ folder, accounts: DEVICES, oneProcess: flags['one-process'] },
      ...{ balanceMax: '100000000', notes: true },
    });
    system = running;
    const operator = await loadOperator({ home: running.home, passphrase: async () => undefined });
    const { directory, configuration } = operator;
    operator.close();
    const target: Target = { directory, currency: configuration.currency.ledger };
    const ways = Math.min(WARM, PAIRS) + ALONE + EXCHANGES;
    const requests = PROVEN + WARM + REQUESTS + 2 * ways;
    const shop = await sell(running, folder, target, BigInt(requests) * AMOUNT);
    const merchant = await Merchant.connect(shop, directory, target.currency);
    const { seed, number } = await readNoteSeed(
      new PrivateFiles(),
      new HomePaths(running.home),
      1,
      async () => undefined,
    );
    const keyset = generateKeyset(
      { seed, unit: UNIT, organisation: '', number, amounts: AMOUNTS_DEFAULT },
      noteCrypto,
    );
    const bench = new Bench(running, keyset, merchant);
    const proven = await bench.prove();

    print(`\n${AMOUNTS.length} notes a request:`);
    await bench.take(await bench.swap(await bench.issue(await bench.orders(WARM))));
    const issued = await bench.issue(await bench.orders(REQUESTS), 'issue_notes');
    const swapped = await bench.swap(issued, 'swap');
    await bench.take(swapped, 'take_notes');
    await gatewaySteps(bench, folder, target);
    // Also of those that were measured, none is worth anything any more.
    for (const spent of [issued.at(-1)!, swapped.at(-1)!])
      expectThat('note_spent', await merchant.take(merchant.taking(spent)), 'notes that were taken before');
    await merchant.close();
    await running.stop();
    const times = cashuTimes(proven, keyset, CASHU_ROUNDS);
    const ratios = beside(bench.results, times);
    keep({ machine, results: bench.results, cashu: times, ratios });
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
  writeFileSync(new URL('notes.json', to), `${JSON.stringify(results, null, 2)}\n`);
}

await main();
