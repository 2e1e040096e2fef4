// `npm run bench:orders -- [--small] [--profile]`: signed payment orders a second, straight to cash, each verified, applied and
// durable before it is answered. Several hundred devices have signed them beforehand; one acquirer submits them in batches
// over one connection, plain (loopback) and encrypted in turn, from a process of its own on the same cores.
//
//     this process ──orders──▶ port ──▶ desk ──▶ pool: verify ──▶ kernel ──▶ journal, flushed ──▶ answer
//                                       └──────── cash, a process of its own, with its threads ────────┘
//
// First the work is proven: forged orders are found at their places among good ones, and balances are what the answers say.
// At the end once more, all of them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, connect } from '../src/channel/client.ts';
import { Server } from '../src/channel/server.ts';
import { createCryptoPool, ed25519, sha256, x25519 } from '../src/crypto/index.ts';
import { PAYMENT_ORDER_SIZE, PAYMENT_ORDERS_MAX, PaymentOrderLayout } from '../src/layout/generated.ts';
import { Ledger } from '../src/ledger/index.ts';
import { AccountCode, systemAccountId, TransferCode } from '../src/roles/cash/accounts.ts';
import { CashClient } from '../src/roles/cash/client.ts';
import { openCash } from '../src/roles/cash/role.ts';
import { encodePaymentOrder, orderKeyId, orderSignedBytes } from '../src/roles/documents/payment-order.ts';
import { KEY_ID_BYTES } from '../src/roles/documents/signed.ts';
import { id } from '../src/shared/id.ts';
import { openRoleStore } from '../src/store/lmdb-store.ts';
import type { ClientIdentity, ServerIdentity } from '../src/wire/channel-identity.ts';
import { readCreateTransferResults } from '../src/wire/results.ts';
import { LOADER } from './loader.ts';
import { type Shares, ThreadProfile } from './loads/profile.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    serve: { type: 'string' },
    devices: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '6' },
    'round-batches': { type: 'string', default: '12' },
    'in-flight': { type: 'string', default: '6' },
    threads: { type: 'string', default: '2' },
    path: { type: 'string', default: tmpdir() },
  },
});

const EUR = 978;
const AMOUNT = 3n;
const BATCH = flags.small ? 300 : PAYMENT_ORDERS_MAX;
const DEVICES = flags.small ? 64 : Number(flags.devices);
const ROUNDS = flags.small ? 1 : Number(flags.rounds);
const ROUND_BATCHES = flags.small ? 3 : Number(flags['round-batches']);
const FUNDS = 1_000_000_000n;
const SHOP = 1n << 91n;
const FOREVER = 1n << 63n;
const SIDES = ['plain', 'encrypted'] as const;
type Side = (typeof SIDES)[number];

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;

/** Always the same keys: nothing secret happens here. */
const serverKey = new Uint8Array(32).fill(1);
const clientKey = new Uint8Array(32).fill(2);
const serverIdentity: ServerIdentity = {
  channelKeys: () => [{ secretKey: serverKey }],
  peerKey: () => undefined,
  authorise: () => ({
    peer: { kind: 'operator', name: 'acquirer', channelKey: x25519.publicKey(clientKey) },
  }),
};
const clientIdentity: ClientIdentity = {
  pattern: 'IK',
  staticKey: clientKey,
  remoteStaticKey: x25519.publicKey(serverKey),
};

// ---- cash, in its process

interface Used {
  /** Seconds of CPU so far: the process, and its main thread (0 where the system does not tell). */
  readonly process: number;
  readonly main: number;
}

function mainSeconds(): number {
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(nanoseconds) / 1e9;
  } catch {
    return 0;
  }
}

async function serve(path: string): Promise<void> {
  const ledger = await Ledger.open({ path });
  const store = await openRoleStore({ path: join(path, 'role') });
  const threads = Number(flags.threads);
  const pool = threads > 0 ? createCryptoPool({ threads }) : undefined;
  const secretKey = new Uint8Array(32).fill(3);
  const key = { secretKey, publicKey: ed25519.publicKey(secretKey) };
  const cash = await openCash({
    ledger,
    store,
    ...(pool && { pool }),
    identity: {
      settlementKey: () => undefined,
      operatorKey: () => undefined,
      sealingKey: () => undefined,
      receiptKey: () => key,
    },
    currencies: [{ currency: EUR }],
  });
  const plain = await Server.listen({ engine: cash.engine });
  const encrypted = await Server.listen({ engine: cash.engine, identity: serverIdentity });
  const profile = new ThreadProfile();
  process.on('message', async (message) => {
    if (message === 'used') {
      process.send!({ process: seconds(process.cpuUsage()), main: mainSeconds() } satisfies Used);
    } else if (message === 'profile') {
      await profile.start();
      process.send!('profiling');
    } else if (message === 'shares') process.send!(await profile.stop());
    else {
      await Promise.all([plain.close(), encrypted.close()]);
      await cash.close();
      await pool?.close();
      await store.close();
      await ledger.close();
      process.disconnect();
    }
  });
  process.send!({ plain: plain.url, encrypted: encrypted.url });
}

class CashProcess {
  readonly #child: ChildProcess;
  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(path: string): Promise<[CashProcess, { readonly [side in Side]: string }]> {
    const args = [...LOADER, fileURLToPath(import.meta.url), '--serve', path, '--threads', flags.threads];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const cash = new CashProcess(child);
    const [urls] = await once(child, 'message');
    return [cash, urls];
  }

  async ask<Answer>(what: 'used' | 'profile' | 'shares'): Promise<Answer> {
    const answer = once(this.#child, 'message');
    this.#child.send(what);
    return (await answer)[0];
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.send('stop');
    await exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

// ---- orders, made beforehand

class Devices {
  readonly keys: ReturnType<typeof keyOf>[] = [];
  #made = 0;
  /** What each has to have paid. */
  readonly spent: bigint[];

  constructor(count: number) {
    for (let i = 0; i < count; i++) this.keys.push(keyOf(i));
    this.spent = new Array(count).fill(0n);
  }

  /** @param isForged signed by the next device's key */
  batch(count: number, isForged: (i: number) => boolean = () => false): Uint8Array {
    const orders = new Uint8Array(count * PAYMENT_ORDER_SIZE);
    for (let i = 0; i < count; i++) {
      const turn = this.#made++;
      const place = turn % this.keys.length;
      const { device, keyId, key } = this.keys[place]!;
      const order = encodePaymentOrder({
        id: id(),
        debitAccountId: device,
        creditAccountId: SHOP,
        amount: AMOUNT,
        ledger: EUR,
        code: TransferCode.payment,
        reference: new Uint8Array(32).fill(i & 0xff),
        sequence: BigInt(Math.floor(turn / this.keys.length) + 1),
        expiresAt: FOREVER,
        keyId,
      });
      const signer = isForged(i) ? this.keys[(place + 1) % this.keys.length]!.key : key;
      order.set(signer.sign(orderSignedBytes(order)), PaymentOrderLayout.signature);
      orders.set(order, i * PAYMENT_ORDER_SIZE);
      if (!isForged(i)) this.spent[place]! += AMOUNT;
    }
    return orders;
  }
}

function keyOf(i: number) {
  const secretKey = sha256(new TextEncoder().encode(`device ${i}`));
  const key = ed25519.signingKey(secretKey);
  const publicKey = ed25519.publicKey(secretKey);
  const keyId = orderKeyId(sha256(publicKey).subarray(0, KEY_ID_BYTES));
  return { device: (1n << 90n) + BigInt(i), publicKey, key, keyId };
}

async function open(client: Client, { keys }: Devices): Promise<void> {
  const cash = new CashClient(client);
  const opened = [
    cash.openShop({ shop: SHOP, signingKey: keys[0]!.publicKey, currency: EUR }),
    ...keys.map(({ device, publicKey }) =>
      cash.openAccount({ device, signingKey: publicKey, currency: EUR }),
    ),
  ];
  for (const { kind } of await Promise.all(opened)) {
    if (kind !== 'ok') throw new Error(`expected an account, got ${kind}`);
  }
  const float = systemAccountId('float', EUR);
  const funding = keys.map(({ device }, i) => ({
    id: (1n << 80n) + BigInt(i),
    debitAccountId: float,
    creditAccountId: device,
    amount: FUNDS,
    ledger: EUR,
    code: TransferCode.load,
  }));
  for (const { status } of await client.createTransfers(funding)) expectThat('created', status);
}

function expectThat(expected: unknown, got: unknown, what = 'status'): void {
  if (got !== expected) throw new Error(`${what}: expected ${expected}, got ${got}`);
}

/** Every balance is what was signed and accepted, and the shop has all of it. */
async function proveBalances(client: Client, { keys, spent }: Devices): Promise<void> {
  const accounts = await client.lookupAccounts([SHOP, ...keys.map(({ device }) => device)]);
  const [shop, ...payers] = accounts;
  expectThat(AccountCode.shop, shop!.code, 'code of the shop');
  payers.forEach(({ debitsPosted }, i) => {
    expectThat(spent[i], debitsPosted, `device ${i}`);
  });
  const sum = spent.reduce((a, b) => a + b, 0n);
  expectThat(sum, shop!.creditsPosted, 'shop');
}

/** Good and forged orders in one batch, and again: each has the answer that is its own. */
async function proveWork(client: Client, devices: Devices): Promise<void> {
  const count = Math.min(BATCH, 1_000);
  const isForged = (i: number): boolean => i % 97 === 13;
  const orders = devices.batch(count, isForged);
  for (const good of ['created', 'exists']) {
    const results = readCreateTransferResults(await client.createPaymentOrders(orders));
    results.forEach(({ status }, i) => {
      expectThat(isForged(i) ? 'signature_invalid' : good, status, `order ${i}`);
    });
  }
  await proveBalances(client, devices);
  const forged = Array.from({ length: count }, (_, i) => i).filter(isForged).length;
  print(
    `proven: ${count} orders of ${devices.keys.length} devices, ${forged} forged ones found at their places, ${count - forged} paid once though sent twice`,
  );
}

// ---- measuring

interface Round {
  readonly perSecond: number;
  /** Microseconds of CPU an order. */
  readonly cashCpu: number;
  readonly mainCpu: number;
  readonly acquirerCpu: number;
  readonly p50: number;
  readonly p99: number;
}

async function round(client: Client, batches: readonly Uint8Array[], cash: CashProcess): Promise<Round> {
  const left = batches.values();
  const latencies: number[] = [];
  let created = 0;
  const lane = async (): Promise<void> => {
    for (const orders of left) {
      const since = performance.now();
      const results = await client.createPaymentOrders(orders);
      latencies.push(performance.now() - since);
      created += readCreateTransferResults(results).filter(({ status }) => status === 'created').length;
    }
  };
  const before = await cash.ask<Used>('used');
  const own = process.cpuUsage();
  const since = performance.now();
  await Promise.all(Array.from({ length: Number(flags['in-flight']) }, lane));
  const took = (performance.now() - since) / 1000;
  const acquirer = seconds(process.cpuUsage(own));
  const after = await cash.ask<Used>('used');
  const count = batches.reduce((sum, orders) => sum + orders.length / PAYMENT_ORDER_SIZE, 0);
  expectThat(count, created, 'orders created');
  latencies.sort((a, b) => a - b);
  const each = (value: number): number => (value / count) * 1e6;
  return {
    perSecond: count / took,
    cashCpu: each(after.process - before.process),
    mainCpu: each(after.main - before.main),
    acquirerCpu: each(acquirer),
    p50: latencies[latencies.length >> 1]!,
    p99: latencies[Math.floor(latencies.length * 0.99)]!,
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function summary(side: Side, rounds: readonly Round[]) {
  const of = (field: keyof Round): number => median(rounds.map((one) => one[field]));
  const result = {
    side,
    best: Math.round(Math.max(...rounds.map(({ perSecond }) => perSecond))),
    median: Math.round(of('perSecond')),
    cashCpu: of('cashCpu'),
    mainCpu: of('mainCpu'),
    acquirerCpu: of('acquirerCpu'),
    p50: of('p50'),
    p99: of('p99'),
  };
  const text = (value: number): string => value.toLocaleString('en').padStart(9);
  print(
    `  ${side.padEnd(10)} best ${text(result.best)}/s   median ${text(result.median)}/s   ` +
      `p50 ${result.p50.toFixed(1)}  p99 ${result.p99.toFixed(1)} ms a batch   ` +
      `CPU an order: cash ${result.cashCpu.toFixed(2)} µs (main thread ${result.mainCpu.toFixed(2)}), acquirer ${result.acquirerCpu.toFixed(2)} µs`,
  );
  return result;
}

/** Microseconds an order of verification alone, on one core, prepared keys: the best of several batches. */
function verificationAlone(devices: Devices): number {
  const orders = devices.batch(Math.min(BATCH, 2_048), () => true);
  const keys = devices.keys.map(({ publicKey }) => ed25519.prepare(publicKey));
  const count = orders.length / PAYMENT_ORDER_SIZE;
  const signed = Array.from({ length: count }, (_, i) => {
    const order = orders.slice(i * PAYMENT_ORDER_SIZE, (i + 1) * PAYMENT_ORDER_SIZE);
    const message = orderSignedBytes(order);
    const place = i % keys.length;
    const signature = devices.keys[place]!.key.sign(message);
    return { publicKey: keys[place]!, message, signature };
  });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < (flags.small ? 2 : 10); i++) {
    const since = performance.now();
    if (!ed25519.verifyBatch(signed).every(Boolean)) throw new Error('expected good signatures');
    best = Math.min(best, (performance.now() - since) / count);
  }
  return best * 1000;
}

async function main(): Promise<void> {
  print(`${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}`);
  const folder = mkdtempSync(join(flags.path, 'specie-bench-orders-'));
  const devices = new Devices(DEVICES);
  let cash: CashProcess | undefined;
  try {
    const [started, urls] = await CashProcess.start(join(folder, 'store'));
    cash = started;
    const clients = {
      plain: await connect({ url: urls.plain }),
      encrypted: await connect({ url: urls.encrypted, identity: clientIdentity }),
    };
    await open(clients.plain, devices);
    await proveWork(clients.encrypted, devices);

    const rounds: { readonly [side in Side]: Round[] } = { plain: [], encrypted: [] };
    let orders = 0;
    if (flags.profile) await cash.ask('profile');
    for (let i = -1; i < ROUNDS; i++) {
      for (const side of i % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const batches = Array.from({ length: ROUND_BATCHES }, () => devices.batch(BATCH));
        const measured = await round(clients[side], batches, cash);
        orders += ROUND_BATCHES * BATCH;
        // The first pair warms up.
        if (i >= 0) rounds[side].push(measured);
      }
    }
    print(
      `\nSigned payment orders a second, verified, applied, durable: batches of ${BATCH.toLocaleString('en')}, ${flags['in-flight']} in flight, ${flags.threads} threads`,
    );
    const results = SIDES.map((side) => summary(side, rounds[side]));
    const shares = flags.profile ? await cash.ask<Shares>('shares') : undefined;
    await proveBalances(clients.plain, devices);
    const alone = verificationAlone(devices);
    print(`  verification alone, one core: ${alone.toFixed(2)} µs an order`);
    for (const { part, share } of shares ?? []) {
      if (share >= 0.01) print(`      main thread: ${(share * 100).toFixed(0).padStart(3)} %   ${part}`);
    }
    print(`  proven: ${orders.toLocaleString('en')} orders are in the balances`);
    for (const client of Object.values(clients)) await client.close();
    await cash.stop();
    const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
    const report = { machine, batch: BATCH, results, verificationAlone: alone, shares };
    if (flags.small) {
      print(JSON.stringify(report));
      return;
    }
    const to = new URL('./results/', import.meta.url);
    if (!existsSync(to)) mkdirSync(to);
    writeFileSync(new URL('orders.json', to), `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    cash?.kill();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (flags.serve === undefined) await main();
else await serve(flags.serve);
