// `npm run bench:channel -- [--small]`: what the encrypted channel costs. One engine with two doors, a plain one and an
// encrypted one, and one client process with a connection to each: both sides take turns in short rounds over the same
// ledger, so that a busy moment of the machine meets both.
//
//     this process ──load──▶ plain port ─────┐
//                  └─load──▶ encrypted port ─┴──▶ one ledger, flushed before it answers (a process of its own)
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, connect } from '../src/channel/client.ts';
import { Initiator } from '../src/channel/secure/initiator.ts';
import { parsePreamble } from '../src/channel/secure/preamble.ts';
import { SecureChannel, sealedBytes } from '../src/channel/secure/records.ts';
import { respond } from '../src/channel/secure/responder.ts';
import { Server } from '../src/channel/server.ts';
import { openByKernel, openByNode, sealByKernel, sealByNode } from '../src/crypto/aead-into.ts';
import { x25519 } from '../src/crypto/x25519.ts';
import {
  BATCH_RECORDS_MAX,
  CreateResultLayout,
  CreateTransferStatus,
  RECORD_SIZE,
} from '../src/layout/generated.ts';
import { Ledger } from '../src/ledger/index.ts';
import type { ChannelPattern, ClientIdentity, ServerIdentity } from '../src/wire/channel-identity.ts';
import { encodeRequest } from '../src/wire/frame.ts';
import { compare } from './crypto/compare.ts';
import { LOADER } from './loader.ts';
import { Workload } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    serve: { type: 'string' },
    accounts: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '12' },
    'round-batches': { type: 'string', default: '60' },
    'in-flight': { type: 'string', default: '8' },
    path: { type: 'string', default: tmpdir() },
  },
});

/** Always the same keys: nothing secret happens here. */
const serverKey = new Uint8Array(32).fill(1);
const clientKey = new Uint8Array(32).fill(2);
const keyIdOfClient = x25519.publicKey(clientKey);

const serverIdentity: ServerIdentity = {
  channelKeys: () => [{ secretKey: serverKey }],
  peerKey: () => keyIdOfClient,
  authorise: () => ({ peer: { kind: 'unnamed' } }),
};

function clientIdentity(pattern: ChannelPattern): ClientIdentity {
  return {
    pattern,
    ...(pattern === 'NK' ? {} : { staticKey: clientKey }),
    remoteStaticKey: x25519.publicKey(serverKey),
    payload: new Uint8Array(pattern === 'IK' ? 250 : 0),
  };
}

// ---- the engine's process

interface Doors {
  readonly plain: string;
  readonly encrypted: string;
}

async function serve(path: string): Promise<void> {
  const ledger = await Ledger.open({ path });
  const plain = await Server.listen({ engine: ledger });
  const encrypted = await Server.listen({ engine: ledger, identity: serverIdentity });
  process.on('message', async (message) => {
    if (message === 'cpu') {
      process.send!(process.cpuUsage());
      return;
    }
    await Promise.all([plain.close(), encrypted.close()]);
    await ledger.close();
    process.disconnect();
  });
  process.send!({ plain: plain.url, encrypted: encrypted.url } satisfies Doors);
}

class Engine {
  readonly #child: ChildProcess;
  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(path: string): Promise<[Engine, Doors]> {
    const args = [...LOADER, fileURLToPath(import.meta.url), '--serve', path];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const engine = new Engine(child);
    return [engine, (await engine.#answer()) as Doors];
  }

  /** Seconds of CPU so far. */
  async cpu(): Promise<number> {
    this.#child.send('cpu');
    return seconds((await this.#answer()) as NodeJS.CpuUsage);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.send('stop');
    await exited;
  }

  async #answer(): Promise<unknown> {
    const [message] = await once(this.#child, 'message');
    return message;
  }
}

const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;

// ---- throughput

interface Round {
  readonly perSecond: number;
  /** Microseconds a transfer. */
  readonly clientCpu: number;
  readonly engineCpu: number;
  readonly p50: number;
}

async function round(client: Client, workload: Workload, engine: Engine, batches: number): Promise<Round> {
  const inFlight = Number(flags['in-flight']);
  const size = flags.small ? 100 : BATCH_RECORDS_MAX;
  const latencies: number[] = [];
  let left = batches;
  let created = 0;
  const lane = async (): Promise<void> => {
    const records = new Uint8Array(size * RECORD_SIZE);
    while (left-- > 0) {
      workload.fill(records);
      const since = performance.now();
      const results = await client.createTransfers(records);
      latencies.push(performance.now() - since);
      const view = new DataView(results.buffer, results.byteOffset, results.length);
      for (let at = CreateResultLayout.status; at < results.length; at += CreateResultLayout.size) {
        if (view.getUint32(at, true) === CreateTransferStatus.created) created++;
      }
    }
  };
  const before = await engine.cpu();
  const own = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  const took = (performance.now() - started) / 1000;
  const clientCpu = (seconds(process.cpuUsage(own)) / created) * 1e6;
  const engineCpu = ((await engine.cpu()) - before) / created;
  if (created !== batches * size) throw new Error(`expected ${batches * size} created, got ${created}`);
  latencies.sort((a, b) => a - b);
  return {
    perSecond: created / took,
    clientCpu,
    engineCpu: engineCpu * 1e6,
    p50: latencies[latencies.length >> 1]!,
  };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

async function throughput(clients: { readonly [side in Side]: Client }, engine: Engine) {
  const workload = new Workload({
    accounts: flags.small ? 100 : Number(flags.accounts),
    seed: 1,
    ids: 'time',
  });
  for (const batch of workload.openings()) await clients.plain.createAccounts(batch);
  for (const batch of workload.funding()) await clients.plain.createTransfers(batch);
  const rounds: { readonly [side in Side]: Round[] } = { plain: [], encrypted: [] };
  const count = flags.small ? 1 : Number(flags.rounds);
  const batches = flags.small ? 20 : Number(flags['round-batches']);
  for (let i = -1; i < count; i++) {
    // Who is first changes: the second of a pair meets the flush of the first.
    for (const side of i % 2 === 0 ? SIDES : [...SIDES].reverse()) {
      const measured = await round(clients[side], workload, engine, batches);
      // The first pair warms up.
      if (i >= 0) rounds[side].push(measured);
    }
  }
  const of = (side: Side) => ({
    medianPerSecond: Math.round(median(rounds[side].map(({ perSecond }) => perSecond))),
    bestPerSecond: Math.round(Math.max(...rounds[side].map(({ perSecond }) => perSecond))),
    clientCpu: median(rounds[side].map(({ clientCpu }) => clientCpu)),
    engineCpu: median(rounds[side].map(({ engineCpu }) => engineCpu)),
    p50: median(rounds[side].map(({ p50 }) => p50)),
  });
  const result = { plain: of('plain'), encrypted: of('encrypted') };
  print(
    `\nTransfers a second, durable, batches of ${flags.small ? 100 : BATCH_RECORDS_MAX}, ${flags['in-flight']} in flight`,
  );
  for (const side of SIDES) {
    const { medianPerSecond, bestPerSecond, clientCpu, engineCpu, p50 } = result[side];
    print(
      `  ${side.padEnd(12)} median ${medianPerSecond.toLocaleString('en').padStart(10)}   best ${bestPerSecond.toLocaleString('en').padStart(10)}   CPU a transfer: client ${clientCpu.toFixed(2)} µs, engine ${engineCpu.toFixed(2)} µs   p50 ${p50.toFixed(1)} ms a batch`,
    );
  }
  const ratio = {
    median: result.encrypted.medianPerSecond / result.plain.medianPerSecond,
    best: result.encrypted.bestPerSecond / result.plain.bestPerSecond,
  };
  print(
    `  encrypted : plain   median ${ratio.median.toFixed(3)}   best ${ratio.best.toFixed(3)}   (to reach: 0.667)`,
  );
  return { ...result, ratio };
}

// ---- small calls

async function latency(clients: { readonly [side in Side]: Client }) {
  const calls: { readonly [name: string]: (client: Client) => Promise<unknown> } = {
    ping: (client) => client.ping(),
    'lookup of an account': (client) => client.lookupAccounts([1n]),
  };
  const result: { [name: string]: { [side: string]: { p50: number; p99: number } } } = {};
  print('\nOne small call at a time, microseconds there and back');
  for (const [name, call] of Object.entries(calls)) {
    const took: { readonly [side in Side]: number[] } = { plain: [], encrypted: [] };
    for (let block = 0; block < (flags.small ? 2 : 40); block++) {
      for (const side of SIDES) {
        for (let i = 0; i < 50; i++) {
          const since = performance.now();
          await call(clients[side]);
          if (block > 0) took[side].push((performance.now() - since) * 1000);
        }
      }
    }
    result[name] = {};
    for (const side of SIDES) {
      const sorted = took[side].sort((a, b) => a - b);
      const [p50, p99] = [sorted[sorted.length >> 1]!, sorted[Math.floor(sorted.length * 0.99)]!];
      result[name][side] = { p50, p99 };
      print(
        `  ${name.padEnd(22)} ${side.padEnd(10)} p50 ${p50.toFixed(0).padStart(5)}   p99 ${p99.toFixed(0).padStart(5)}`,
      );
    }
  }
  return result;
}

// ---- handshakes

async function handshakes() {
  const handshake = (pattern: ChannelPattern) => () => {
    const initiator = new Initiator(clientIdentity(pattern));
    const preamble = parsePreamble(initiator.message);
    if ('close' in preamble) throw new Error(preamble.message);
    const responded = respond(serverIdentity, preamble, initiator.message, serverIdentity.authorise);
    if ('close' in responded) throw new Error(responded.message);
    const channel = initiator.finish(responded.answer);
    if (!(channel instanceof SecureChannel)) throw new Error('expected a channel, got none');
    // A frame there: both sides have the same keys.
    const frame = encodeRequest(129, 1n, 0, new Uint8Array(0));
    return responded.channel!.open(channel.seal(frame, new Uint8Array(sealedBytes(frame.length))));
  };
  const contenders = (['IK', 'KK', 'NK'] as const).map((pattern) => ({
    name: `${pattern}, both sides, and a first frame`,
    operations: 1,
    run: handshake(pattern),
  }));
  return compare({ title: 'Handshakes, CPU', contenders }, pace);
}

async function connections(url: string) {
  const count = flags.small ? 5 : 300;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const since = performance.now();
    for (let j = 0; j < count; j++) {
      const client = await connect({ url, identity: clientIdentity('IK') });
      await client.close();
    }
    best = Math.min(best, (performance.now() - since) / count);
  }
  print(
    `\nConnections with handshake, hello and goodbye, one after the other: ${Math.round(1000 / best)} a second`,
  );
  return { perSecond: Math.round(1000 / best) };
}

// ---- the cipher

async function cipher() {
  const key = new Uint8Array(32).fill(3);
  const nonce = new Uint8Array(12).fill(4);
  const result = [];
  for (const size of flags.small ? [100, 65_519] : [100, 1024, 4096, 6144, 8192, 16_384, 65_519]) {
    const plain = Uint8Array.from({ length: size }, (_, i) => i * 31);
    const sealed = new Uint8Array(size + 16);
    sealByKernel(key, nonce, plain, sealed);
    const target = new Uint8Array(size + 16);
    const opened = new Uint8Array(size);
    const times = Math.max(1, Math.floor(20_000 / size));
    const repeat = (work: () => void, out: Uint8Array) => () => {
      for (let i = 0; i < times; i++) work();
      return out;
    };
    for (const [title, contenders] of [
      [
        `Sealing ${size.toLocaleString('en')} bytes`,
        [
          { name: 'kernel', run: repeat(() => sealByKernel(key, nonce, plain, target), target) },
          { name: 'node:crypto', run: repeat(() => sealByNode(key, nonce, plain, target), target) },
        ],
      ],
      [
        `Opening ${size.toLocaleString('en')} bytes`,
        [
          { name: 'kernel', run: repeat(() => openByKernel(key, nonce, sealed, opened), opened) },
          { name: 'node:crypto', run: repeat(() => openByNode(key, nonce, sealed, opened), opened) },
        ],
      ],
    ] as const) {
      const measured = await compare(
        { title, contenders: contenders.map((contender) => ({ ...contender, operations: times })) },
        pace,
      );
      result.push({ title, measured });
    }
  }
  return result;
}

// ---- all of it

type Side = 'plain' | 'encrypted';
const SIDES: readonly Side[] = ['plain', 'encrypted'];
const pace = flags.small ? { rounds: 1, roundMs: 5 } : { rounds: 10, roundMs: 50 };
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const folder = mkdtempSync(join(flags.path, 'specie-bench-'));
  print(`${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}`);
  try {
    const [engine, doors] = await Engine.start(join(folder, 'store'));
    const clients = {
      plain: await connect({ url: doors.plain }),
      encrypted: await connect({ url: doors.encrypted, identity: clientIdentity('IK') }),
    };
    const results = {
      machine: { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version },
      throughput: await throughput(clients, engine),
      latency: await latency(clients),
      connections: await connections(doors.encrypted),
      handshakes: await handshakes(),
      cipher: await cipher(),
    };
    for (const client of Object.values(clients)) await client.close();
    await engine.stop();
    if (flags.small) {
      print(JSON.stringify(results));
      return;
    }
    const to = new URL('./results/', import.meta.url);
    if (!existsSync(to)) mkdirSync(to);
    writeFileSync(new URL('channel.json', to), `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (flags.serve === undefined) await main();
else await serve(flags.serve);
