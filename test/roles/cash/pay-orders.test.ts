// Payment orders straight to cash: verified by cash, applied in the order in which they came, once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCryptoPool, ed25519, type SignedRecords } from '../../../src/crypto/index.ts';
import { writeTransfer } from '../../../src/layout/generated.ts';
import { furtherAccountId } from '../../../src/roles/cash/accounts.ts';
import type { CashParts } from '../../../src/roles/cash/interface.ts';
import { OrderDesk } from '../../../src/roles/cash/order-desk.ts';
import { encodePaymentOrder } from '../../../src/roles/documents/payment-order.ts';
import type { EngineReply } from '../../../src/wire/engine.ts';
import { RequestOperation } from '../../../src/wire/operation.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { readCreateTransferResults } from '../../../src/wire/results.ts';
import { RequestStatus } from '../../../src/wire/status.ts';
import {
  funded,
  newShop,
  openedShop,
  outcome,
  packedOrders,
  payAll,
  paymentOrder,
  payRequest,
  type TestShop,
} from './pay-support.ts';
import {
  EUR,
  keyPair,
  MANAGEMENT,
  newDevice,
  nextRequest,
  OPERATOR,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

const KEY = new Uint8Array(32);
const asShop = ({ shop }: TestShop): Peer => ({
  kind: 'shop',
  shop,
  signingKey: KEY,
  channelKey: KEY,
  serial: 1n,
  notAfter: 9n,
});

let cash: TestCash;
let alice: TestDevice;
let shop: TestShop;
let other: TestShop;
beforeAll(async () => {
  cash = await TestCash.open();
  alice = await funded(cash, 10_000n);
  shop = await openedShop(cash);
  other = await openedShop(cash);
});
afterAll(() => cash.close());

let requests = 0n;
interface Sent {
  readonly peer?: Peer;
  readonly session?: bigint;
  readonly request?: bigint;
  readonly at?: TestCash;
}
function send(
  orders: readonly Uint8Array[],
  { peer = OPERATOR, session = 5n, request = ++requests, at = cash }: Sent = {},
): Promise<EngineReply> {
  const payload = packedOrders(orders);
  const reply = at.submit({
    operation: RequestOperation.create_payment_orders,
    peer,
    session,
    request,
    payload,
    count: orders.length,
  });
  // Borrowed only until submit returns.
  payload.fill(0xff);
  return reply;
}
const statuses = ({ status, body, message }: EngineReply): string[] =>
  status === RequestStatus.ok
    ? readCreateTransferResults(body).map((result) => result.status)
    : [`${status}: ${message}`];
const pay = async (orders: readonly Uint8Array[], sent?: Sent): Promise<string[]> =>
  statuses(await send(orders, sent));
const one = (fields: object = {}, signer = alice.key): Uint8Array =>
  paymentOrder(alice, shop, { amount: 1n, ...fields }, signer);

describe('each record has its own result', () => {
  test('good, forged, of nobody, with a verdict of the sender, twice', async () => {
    const stranger = newDevice();
    const stamped = one();
    stamped[184] = 1;
    const foreign = one();
    foreign[184] = 3;
    const twice = one();
    const orders = [
      one(),
      one({}, keyPair(7)),
      paymentOrder(stranger, shop),
      stamped,
      foreign,
      twice,
      twice,
      one({ timestamp: 5n }),
      one({ debitAccountId: other.shop }),
      one({ debitAccountId: 978_001n }),
    ];
    const before = await cash.balance(alice);
    expect(await pay(orders)).toEqual([
      'created',
      'signature_invalid',
      'signature_not_checked',
      'reserved_field',
      'reserved_field',
      'created',
      'exists',
      'timestamp_must_be_zero',
      'signature_not_checked',
      'signature_not_checked',
    ]);
    expect(await cash.balance(alice)).toBe(before - 2n);
  });

  test('an account of a further currency is found by the ledger', async () => {
    const device = await funded(cash, 1n);
    await cash.opened(device, USD);
    const till = await openedShop(cash);
    await openedShop(cash, till, USD);
    const debitAccountId = furtherAccountId(device.device, USD);
    await cash.ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: 840_001n,
        creditAccountId: debitAccountId,
        amount: 9n,
        ledger: USD,
        code: 10,
      },
    ]);
    const creditAccountId = furtherAccountId(till.shop, USD);
    const dollars = { debitAccountId, creditAccountId, ledger: USD, amount: 9n };
    const unknown = { ...dollars, debitAccountId: furtherAccountId(newDevice().device, USD) };
    const orders = [paymentOrder(device, till, dollars), paymentOrder(device, till, unknown)];
    expect(await pay(orders, { peer: asShop(till) })).toEqual(['created', 'signature_not_checked']);
  });

  test('what was paid straight is paid for management too, and the other way round', async () => {
    const [straight, sealed] = [one(), one()];
    expect(await pay([straight])).toEqual(['created']);
    const results = await payAll(cash, payRequest(straight, alice, shop), payRequest(sealed, alice, shop));
    expect(results.map(outcome)).toEqual(['paid', 'paid']);
    expect(await pay([sealed, straight])).toEqual(['exists', 'exists']);
  });
});

describe('who may', () => {
  test('a shop, orders to its own account; otherwise the whole batch is refused', async () => {
    const foreign = paymentOrder(alice, other, { amount: 1n });
    expect(await pay([one(), one()], { peer: asShop(shop) })).toEqual(['created', 'created']);
    const before = await cash.balance(alice);
    const refused = [
      [await pay([one(), foreign], { peer: asShop(shop) }), /order 1: expected one to an account of shop/],
      [await pay([one()], { peer: asShop(newShop()) }), /expected a shop with an account/],
      [
        await pay([one({ code: 30 })], { peer: asShop(shop) }),
        /order 0: expected a payment or an authorisation/,
      ],
    ] as const;
    for (const [[status], text] of refused) {
      expect(status).toMatch(text);
      expect(status).toMatch(new RegExp(`^${RequestStatus.not_permitted}:`));
    }
    expect(await cash.balance(alice)).toBe(before);
  });

  test('an operator and who is in the same process; nobody else, and a shop nothing else', async () => {
    const peers: readonly [Peer, boolean][] = [
      [OPERATOR, true],
      [{ kind: 'local' }, true],
      [MANAGEMENT, false],
      [{ kind: 'unnamed' }, false],
      [{ kind: 'unenrolled', channelKey: KEY }, false],
      [
        {
          kind: 'device',
          device: alice.device,
          signingKey: KEY,
          channelKey: KEY,
          serial: 1n,
          notAfter: 9n,
        },
        false,
      ],
    ];
    for (const [peer, may] of peers) {
      const { status } = await send([one()], { peer });
      expect([peer.kind, status]).toEqual([peer.kind, may ? RequestStatus.ok : RequestStatus.not_permitted]);
    }
    const lookup = { operation: RequestOperation.lookup_accounts, payload: new Uint8Array(16), count: 1 };
    expect((await cash.submit({ ...lookup, peer: asShop(shop) })).status).toBe(RequestStatus.not_permitted);
    expect((await cash.client(asShop(shop)).pay(payRequest(one(), alice, shop))).kind).toBe('refused');
  });
});

describe('once, and in order', () => {
  test('a request that comes again has the same answer, at once and after a restart', async () => {
    const orders = [one(), one({}, keyPair(7)), one()];
    const sent = { session: 77n, request: 1n };
    const before = await cash.balance(alice);
    const replies = await Promise.all([send(orders, sent), send(orders, sent)]);
    const restarted = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store });
    replies.push(await send(orders, { ...sent, at: restarted }));
    await restarted.cash.close();
    for (const reply of replies) expect(reply).toEqual(replies[0]);
    expect(statuses(replies[0]!)).toEqual(['created', 'signature_invalid', 'created']);
    expect(await cash.balance(alice)).toBe(before - 2n);
    // The number of another batch.
    expect(await pay([one()], sent)).toEqual([expect.stringMatching(/^12: request 1 was 3 records/)]);
  });

  test('batches that are verified side by side are applied as they came, and reads see them', async () => {
    const pool = createCryptoPool({ threads: 2 });
    const wide = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store, pool });
    const device = await funded(cash, 5n);
    // Large and small in turn, so that later ones are verified first. The money is for five: the first five.
    const all = [60, 1, 40, 2, 1].map((count) =>
      Array.from({ length: count }, () => paymentOrder(device, shop, { amount: 1n })),
    );
    const lookup = new Uint8Array(16);
    new DataView(lookup.buffer).setBigUint64(0, device.device & ((1n << 64n) - 1n), true);
    new DataView(lookup.buffer).setBigUint64(8, device.device >> 64n, true);
    const replies = all.map((orders) => send(orders, { at: wide }));
    const read = wide.submit({
      operation: RequestOperation.lookup_accounts,
      peer: OPERATOR,
      payload: lookup,
      count: 1,
    });
    const transfer = new Uint8Array(128);
    const given = {
      id: nextRequest(),
      debitAccountId: 978_001n,
      creditAccountId: device.device,
      amount: 1n,
      ledger: EUR,
      code: 10,
    };
    writeTransfer(new DataView(transfer.buffer), 0, given);
    const operation = RequestOperation.create_transfers;
    const write = wide.submit({
      operation,
      peer: OPERATOR,
      session: 5n,
      request: ++requests,
      payload: transfer,
      count: 1,
    });
    const after = send([paymentOrder(device, shop, { amount: 1n })], { at: wide });
    const told = (await Promise.all(replies)).map(statuses);
    expect(told.flat().filter((status) => status === 'created')).toHaveLength(5);
    expect(told[0]!.slice(0, 5)).toEqual(Array(5).fill('created'));
    const { body } = await read;
    // Debits, posted.
    expect(new DataView(body.buffer, body.byteOffset).getBigUint64(32, true)).toBe(5n);
    expect(statuses(await write)).toEqual(['created']);
    expect(statuses(await after)).toEqual(['created']);
    await wide.cash.close();
    await pool.close();
  });
});

describe('bounds', () => {
  const ORDERS = 100;
  const cashShops = {
    find: (number: bigint) => ({ accounts: new Map([[EUR, { account: number }]]) }),
    isClosed: () => false,
  };
  /** Payments to a shop, as far as the desk looks at them. */
  function to({ shop: number }: TestShop, count: number): Uint8Array {
    const order = encodePaymentOrder({ creditAccountId: number, code: 20 });
    return packedOrders(new Array(count).fill(order));
  }
  /** A desk before a ledger that takes its time, with signatures that take theirs. */
  function desk() {
    const verified: (() => void)[] = [];
    const applied: bigint[] = [];
    const apply = ({ request }: { request: bigint }): Promise<object> => {
      applied.push(request);
      return Promise.resolve({ status: 0 });
    };
    const ledger = {
      congested: false,
      onRelieved: (listener: () => void) => void relieved.push(listener),
      submit: apply,
      submitChecked: apply,
      health: () => ({ status: 'ok', detail: {} }),
    };
    const relieved: (() => void)[] = [];
    const parts = {
      ledger,
      registry: { find: () => ({ preparedKey: ed25519.prepare(alice.key.publicKey) }) },
      shops: cashShops,
      verifyRecords: ({ keys }: SignedRecords) =>
        new Promise((resolve) => verified.push(() => resolve(keys.map(() => true)))),
      log: { error: () => {}, warn: () => {} },
    };
    const made = new OrderDesk(parts as unknown as CashParts, {
      verifyingMax: 4,
      congestedFromBytes: 8 * ORDERS * 256,
      shopBytesMax: 2 * ORDERS * 256,
      shopsBytesMax: 3 * ORDERS * 256,
      waitingBytesMax: 16 * ORDERS * 256,
      waitingRequestsMax: 20,
    });
    const orders = (request: bigint, count = ORDERS, peer = OPERATOR) =>
      made.submit({
        operation: RequestOperation.create_payment_orders,
        peer,
        session: 1n,
        request,
        payload: to(shop, count),
        count,
      });
    return { made, ledger, relieved, verified, applied, orders };
  }

  test('a few batches are verified at a time; the queue says when it is full, and refuses beyond', async () => {
    const { made, verified, applied, orders } = desk();
    let relieved = 0;
    made.onRelieved(() => relieved++);
    const replies = Array.from({ length: 7 }, (_, i) => orders(BigInt(i)));
    await new Promise(setImmediate);
    expect([verified.length, made.congested]).toEqual([4, false]);
    for (let i = 7; i < 16; i++) replies.push(orders(BigInt(i)));
    expect(made.congested).toBe(true);
    expect(await orders(16n)).toMatchObject({ status: RequestStatus.busy });
    // Verified in another order than they came in.
    while (applied.length < 16) {
      for (const done of verified.splice(0).reverse()) done();
      await new Promise(setImmediate);
    }
    await Promise.all(replies);
    expect(applied).toEqual(Array.from({ length: 16 }, (_, i) => BigInt(i)));
    expect([made.congested, relieved]).toEqual([false, 1]);
  });

  test('shops have room of their own: they are refused before anybody else waits for them', async () => {
    const { made, verified, applied, orders } = desk();
    const first = [1n, 2n].map((request) => orders(request, ORDERS, asShop(shop)));
    expect(await orders(3n, ORDERS, asShop(shop))).toMatchObject({ status: RequestStatus.busy });
    await new Promise(setImmediate);
    while (applied.length < 2) {
      for (const done of verified.splice(0)) done();
      await new Promise(setImmediate);
    }
    await Promise.all(first);
    const again = orders(4n, ORDERS, asShop(shop));
    expect(made.congested).toBe(false);
    await new Promise(setImmediate);
    for (const done of verified.splice(0)) done();
    expect(await again).toMatchObject({ status: 0 });
  });

  test('nothing is given to a ledger that has enough to do; closing waits for what was taken in', async () => {
    const { made, ledger, relieved, verified, applied, orders } = desk();
    ledger.congested = true;
    const reply = orders(1n, 3);
    await new Promise(setImmediate);
    verified[0]!();
    await new Promise(setImmediate);
    expect(applied).toEqual([]);
    let isClosed = false;
    const closing = made.close().then(() => {
      isClosed = true;
    });
    expect(await orders(2n, 3)).toMatchObject({ status: RequestStatus.stopping });
    expect(isClosed).toBe(false);
    ledger.congested = false;
    for (const listener of relieved) listener();
    expect(await reply).toMatchObject({ status: 0 });
    await closing;
    expect(applied).toEqual([1n]);
  });
});
