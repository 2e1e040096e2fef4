// `npm run bench:transfers -- [--small]`: payments from purse to purse, as management passes them on in bundles, settled a second
// by cash, beside the same number of payment orders given to the same cash as packed records. Both are signed beforehand,
// verified, applied and durable before they are answered; a settled transfer is written down by cash as well, before it is
// booked and after, with a signed receipt.
//
//     bundles of 512 ──▶ settle_transfer ────────▶ verify ─▶ queue ─▶ written ─▶ ledger ─▶ written ─▶ receipts
//     batches of 4,095 ─▶ create_payment_orders ─▶ verify ─────────────────────▶ ledger
//
// First the work is proven equal: of both kinds the forged ones are found at their places, the good ones count once though they
// are sent twice, and balances say so. At the end once more.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createCryptoPool, ed25519, sha256 } from '../src/crypto/index.ts';
import { PAYMENT_ORDER_SIZE, PAYMENT_ORDERS_MAX, PaymentOrderLayout } from '../src/layout/generated.ts';
import { Ledger } from '../src/ledger/index.ts';
import { systemAccountId, TransferCode } from '../src/roles/cash/accounts.ts';
import { CashClient } from '../src/roles/cash/client.ts';
import { CashOperation, cashProtocol } from '../src/roles/cash/messages.ts';
import { SettleTransferRequest } from '../src/roles/cash/purse-messages.ts';
import { type Cash, openCash } from '../src/roles/cash/role.ts';
import { answerCodec } from '../src/roles/common/answer.ts';
import { Refusal } from '../src/roles/common/refusal.ts';
import { encodePaymentOrder, orderKeyId, orderSignedBytes } from '../src/roles/documents/payment-order.ts';
import { PURSE_PAYMENTS_MAX, PurseOpening } from '../src/roles/documents/purse.ts';
import { KEY_ID_BYTES } from '../src/roles/documents/signed.ts';
import { encodeHandover } from '../src/roles/documents/transfer.ts';
import { amountOf } from '../src/shared/amount.ts';
import { id } from '../src/shared/id.ts';
import { openRoleStore } from '../src/store/lmdb-store.ts';
import { encodeMessages, parseMessages } from '../src/wire/messages.ts';
import { RequestOperation } from '../src/wire/operation.ts';
import { readCreateTransferResults } from '../src/wire/results.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '4' },
    path: { type: 'string', default: tmpdir() },
  },
});

const EUR = 978;
const AMOUNT = 3n;
const ALLOWANCE = 1_000n;
const BUNDLE = 512;
const BUNDLES_IN_FLIGHT = 8;
/** Each pays all that it may sign, to the next one. A round has purses of its own. */
const PURSES = flags.small ? 4 : 128;
const ROUNDS = flags.small ? 1 : Number(flags.rounds);
const COUNT = PURSES * PURSE_PAYMENTS_MAX;
const SHOP = 1n << 91n;
const FOREVER = 1n << 63n;
const LOCAL = { kind: 'local' } as const;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
function expectThat(expected: unknown, got: unknown, what: string): void {
  if (got !== expected) throw new Error(`${what}: expected ${expected}, got ${got}`);
}

function keyOf(name: string) {
  const secretKey = sha256(new TextEncoder().encode(name));
  const publicKey = ed25519.publicKey(secretKey);
  const keyId = sha256(publicKey).subarray(0, KEY_ID_BYTES);
  return { publicKey, keyId, key: ed25519.signingKey(secretKey) };
}

const cashKey = keyOf('cash');
const device = { number: (1n << 90n) + 1n, ...keyOf('device') };
let devices = 1;

interface Transfers {
  readonly messages: readonly Uint8Array[];
  readonly purses: readonly bigint[];
}

class Bench {
  readonly cash: Cash;
  readonly ledger: Ledger;
  readonly client: CashClient;
  #sequence = 0n;

  constructor(cash: Cash, ledger: Ledger) {
    this.cash = cash;
    this.ledger = ledger;
    this.client = new CashClient({ call: (operation, messages) => this.call(operation, messages) });
  }

  async submit(operation: number, payload: Uint8Array, count: number): Promise<Uint8Array> {
    const request = { operation, session: 0n, request: 0n, payload, count, peer: LOCAL };
    const { status, message, body } = await this.cash.engine.submit(request);
    if (status !== 0) throw new Error(`${operation}: expected ok, got ${status}: ${message}`);
    return new Uint8Array(body);
  }

  async call(operation: number, messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return parseMessages(
      await this.submit(operation, encodeMessages(messages), messages.length),
      messages.length,
    );
  }

  // ---- Orders as packed records: device ─▶ shop

  orders(count: number, isForged: (i: number) => boolean = () => false): Uint8Array {
    const orders = new Uint8Array(count * PAYMENT_ORDER_SIZE);
    for (let i = 0; i < count; i++) {
      const order = encodePaymentOrder({
        id: id(),
        debitAccountId: device.number,
        creditAccountId: SHOP,
        amount: AMOUNT,
        ledger: EUR,
        code: TransferCode.payment,
        reference: new Uint8Array(32).fill(i & 0xff),
        sequence: this.#sequence + 1n,
        expiresAt: FOREVER,
        keyId: orderKeyId(device.keyId),
      });
      if (!isForged(i)) this.#sequence++;
      const signer = isForged(i) ? cashKey.key : device.key;
      order.set(signer.sign(orderSignedBytes(order)), PaymentOrderLayout.signature);
      orders.set(order, i * PAYMENT_ORDER_SIZE);
    }
    return orders;
  }

  async apply(orders: Uint8Array): Promise<string[]> {
    const batches: Promise<Uint8Array>[] = [];
    for (let at = 0; at < orders.length; at += PAYMENT_ORDERS_MAX * PAYMENT_ORDER_SIZE) {
      const batch = orders.subarray(at, at + PAYMENT_ORDERS_MAX * PAYMENT_ORDER_SIZE);
      const count = batch.length / PAYMENT_ORDER_SIZE;
      batches.push(this.submit(RequestOperation.create_payment_orders, batch, count));
    }
    return (await Promise.all(batches)).flatMap((results) =>
      readCreateTransferResults(results).map(({ status }) => status),
    );
  }

  // ---- Transfers: each purse ─▶ the next one

  async transfers(count: number, isForged: (i: number) => boolean = () => false): Promise<Transfers> {
    const purses = await Promise.all(
      Array.from({ length: Math.ceil(count / PURSE_PAYMENTS_MAX) + 1 }, () => this.#purse()),
    );
    const messages = Array.from({ length: count }, (_, i) => {
      const [payer, payee] = [
        purses[Math.floor(i / PURSE_PAYMENTS_MAX)]!,
        purses[Math.floor(i / PURSE_PAYMENTS_MAX) + 1]!,
      ];
      const sequence = BigInt((i % PURSE_PAYMENTS_MAX) + 1);
      const order = encodeHandover({
        request: id(),
        payer: payer.purse,
        payee: payee.purse,
        amount: AMOUNT,
        currency: EUR,
        sequence,
        total: sequence * AMOUNT,
        reference: new Uint8Array(32).fill(i & 0xff),
        reportBy: payer.reportBy,
        keyId: payer.key.keyId,
      });
      const signer = isForged(i) ? cashKey.key : payer.key.key;
      order.set(signer.sign(orderSignedBytes(order)), PaymentOrderLayout.signature);
      return SettleTransferRequest.encode({ device: payer.device, order });
    });
    return { messages, purses: purses.map(({ purse }) => purse) };
  }

  /** Each of a device of its own. */
  async #purse() {
    const number = (1n << 90n) + BigInt(++devices);
    const [owner, key] = [keyOf(`device ${number}`), keyOf(`purse ${number}`)];
    await this.open(number, owner.publicKey, ALLOWANCE);
    const purse = (1n << 92n) + number;
    const document = {
      request: id(),
      device: number,
      signingKey: key.publicKey,
      channelKey: key.publicKey,
      currency: EUR,
      amount: ALLOWANCE,
      applyBy: FOREVER,
    };
    const signature = owner.key.sign(PurseOpening.signedBytes(document));
    const opened = await this.client.openPurse({ purse, opening: { document, signature } });
    if (opened.kind !== 'ok' || opened.answer.kind !== 'opened') throw new Error('expected an allowance');
    const { reportBy } = opened.answer.allowance.document;
    return { purse, device: number, key, reportBy };
  }

  async open(number: bigint, signingKey: Uint8Array, amount: bigint): Promise<void> {
    const opened = await this.client.openAccount({ device: number, signingKey, currency: EUR });
    expectThat('ok', opened.kind, 'account');
    const debitAccountId = systemAccountId('float', EUR);
    const [loaded] = await this.ledger.createTransfers([
      { id: id(), debitAccountId, creditAccountId: number, amount, ledger: EUR, code: TransferCode.load },
    ]);
    expectThat('created', loaded!.status, 'load');
  }

  async settle({ messages }: Transfers): Promise<string[]> {
    const codec = answerCodec(cashProtocol.operations.settle_transfer.answer, cashProtocol.refusals);
    const bundles: Uint8Array[][] = [];
    for (let at = 0; at < messages.length; at += BUNDLE) bundles.push(messages.slice(at, at + BUNDLE));
    const answers: Uint8Array[][] = new Array(bundles.length);
    const left = bundles.entries();
    const lane = async (): Promise<void> => {
      for (const [i, bundle] of left) answers[i] = await this.call(CashOperation.settle_transfer, bundle);
    };
    await Promise.all(Array.from({ length: BUNDLES_IN_FLIGHT }, lane));
    return answers.flat().map((bytes) => {
      const answer = codec.decode(bytes);
      return answer instanceof Refusal ? answer.code : answer.outcome.kind;
    });
  }

  async balance(account: bigint): Promise<bigint> {
    const [found] = await this.ledger.lookupAccounts([account]);
    return found!.creditsPosted - found!.debitsPosted;
  }
}

const count = (all: readonly string[], what: string): number => all.filter((one) => one === what).length;

async function proveWork(bench: Bench): Promise<void> {
  const many = 256;
  const isForged = (i: number): boolean => i % 97 === 13;
  const forged = Array.from({ length: many }, (_, i) => i).filter(isForged).length;
  const [orders, transfers] = [bench.orders(many, isForged), await bench.transfers(many, isForged)];
  for (const again of [false, true]) {
    const [applied, settled] = [await bench.apply(orders), await bench.settle(transfers)];
    for (let i = 0; i < many; i++) {
      expectThat(isForged(i) ? 'signature_invalid' : again ? 'exists' : 'created', applied[i], `order ${i}`);
      expectThat(isForged(i) ? 'signature_invalid' : 'settled', settled[i], `transfer ${i}`);
    }
  }
  const moved = BigInt(many - forged) * AMOUNT;
  expectThat(moved, await bench.balance(SHOP), 'shop');
  const paid = await Promise.all(
    transfers.purses.slice(0, -1).map(async (purse) => {
      const [account] = await bench.ledger.lookupAccounts([purse]);
      return account!.debitsPosted;
    }),
  );
  expectThat(
    moved,
    paid.reduce((sum, one) => sum + one, 0n),
    'purses',
  );
  print(
    `proven: ${many} of each, ${forged} forged ones found at their places, ${many - forged} paid once though sent twice`,
  );
}

interface Side {
  readonly name: string;
  readonly perSecond: number[];
  /** Microseconds of this process and its threads, each. */
  readonly cpu: number[];
}

async function measured(side: Side, expected: string, work: () => Promise<string[]>): Promise<void> {
  const before = process.cpuUsage();
  const since = performance.now();
  const results = await work();
  const took = (performance.now() - since) / 1000;
  const { user, system } = process.cpuUsage(before);
  expectThat(COUNT, count(results, expected), side.name);
  side.perSecond.push(COUNT / took);
  side.cpu.push((user + system) / COUNT);
}

async function main(): Promise<void> {
  print(`${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}`);
  const folder = mkdtempSync(join(flags.path, 'specie-bench-transfers-'));
  const ledger = await Ledger.open({ path: join(folder, 'ledger') });
  const store = await openRoleStore({ path: join(folder, 'role') });
  const pool = createCryptoPool({ threads: flags.small ? 1 : 2 });
  const secretKey = sha256(new TextEncoder().encode('cash'));
  const offline = { allowanceMax: amountOf(ALLOWANCE), validDays: 7, reportDays: 37, coverPercent: 100 };
  const cash = await openCash({
    ...{ ledger, store, pool, currencies: [{ currency: EUR, offline }] },
    identity: {
      settlementKey: () => undefined,
      operatorKey: () => undefined,
      sealingKey: () => undefined,
      receiptKey: () => ({ secretKey, publicKey: cashKey.publicKey }),
    },
  });
  try {
    const bench = new Bench(cash, ledger);
    await bench.open(device.number, device.publicKey, 1_000_000_000n);
    const shop = await bench.client.openShop({ shop: SHOP, signingKey: device.publicKey, currency: EUR });
    expectThat('ok', shop.kind, 'shop');
    await proveWork(bench);
    const sides: readonly Side[] = ['settle_transfer', 'create_payment_orders'].map((name) => ({
      ...{ name, perSecond: [], cpu: [] },
    }));
    let moved = await bench.balance(SHOP);
    // The first pair warms up.
    for (let round = -1; round < ROUNDS; round++) {
      const [orders, transfers] = [bench.orders(COUNT), await bench.transfers(COUNT)];
      await measured(sides[0]!, 'settled', () => bench.settle(transfers));
      await measured(sides[1]!, 'created', () => bench.apply(orders));
      moved += BigInt(COUNT) * AMOUNT;
      expectThat(moved, await bench.balance(SHOP), 'shop');
      const last = transfers.purses.at(-1)!;
      expectThat(ALLOWANCE + BigInt(PURSE_PAYMENTS_MAX) * AMOUNT, await bench.balance(last), 'last purse');
    }
    print(`\n${COUNT.toLocaleString('en')} a round, verified, applied, durable, in one process:`);
    const results = sides.map(({ name, perSecond, cpu }) => {
      const [best, cpuMicroseconds] = [Math.max(...perSecond.slice(1)), Math.min(...cpu.slice(1))];
      print(
        `  ${name.padEnd(22)} best ${Math.round(best).toLocaleString('en').padStart(9)}/s   CPU ${cpuMicroseconds.toFixed(1)} µs each`,
      );
      return { name, best: Math.round(best), cpuMicroseconds };
    });
    if (flags.small) print(JSON.stringify({ results }));
  } finally {
    await cash.close();
    await pool.close();
    await store.close();
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
