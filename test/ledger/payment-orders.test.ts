import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/channel/client.ts';
import { Server } from '../../src/channel/server.ts';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import { LmdbJournalReader } from '../../src/journal/lmdb-reader.ts';
import { RecordReader } from '../../src/journal/readers.ts';
import { wholeGlobals } from '../../src/kernel/ledger-kernel.ts';
import {
  AccountFlags,
  GlobalsLayout,
  OrderTermsFlags,
  OrderVerdict,
  PAYMENT_ORDERS_MAX,
  type PaymentOrder,
  TransferFlags,
} from '../../src/layout/generated.ts';
import { Ledger, refuseVerdicts, verifyStore } from '../../src/ledger/index.ts';
import {
  decodePaymentOrder,
  encodePaymentOrder,
  orderKeyId,
  orderSignedBytes,
} from '../../src/roles/documents/payment-order.ts';
import { META_CHECKPOINT_KEY } from '../../src/state/checkpoint-writer.ts';
import { openStateEnvironment } from '../../src/state/environment.ts';
import { openValue, sealValue } from '../../src/state/sealed-value.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { LOCAL_PEER } from '../../src/wire/peer.ts';
import { readCreateTransferResults } from '../../src/wire/results.ts';
import { RequestStatus } from '../../src/wire/status.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'specie-orders-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const BANK = 1n;
const SHOP = 2n;
const FIRST_PAYER = 10n;
const PAYERS = 60;
const KEY = 77n;
const payer = (i: number): bigint => FIRST_PAYER + BigInt(i % PAYERS);

async function openAccounts(ledger: Ledger): Promise<void> {
  const base = { ledger: 978, code: 1 };
  await ledger.createAccounts([
    { ...base, id: BANK },
    { ...base, id: SHOP, flags: AccountFlags.history },
    ...Array.from({ length: PAYERS }, (_, i) => ({
      ...base,
      id: payer(i),
      userData64: KEY,
      flags: AccountFlags.debits_must_not_exceed_credits | AccountFlags.history,
    })),
  ]);
  await ledger.createTransfers(
    Array.from({ length: PAYERS }, (_, i) => ({
      ...base,
      id: BigInt(1000 + i),
      debitAccountId: BANK,
      creditAccountId: payer(i),
      amount: 1_000_000n,
    })),
  );
}

const order = (n: number, more: Partial<PaymentOrder> = {}): Partial<PaymentOrder> => ({
  id: BigInt(100_000 + n),
  debitAccountId: payer(n),
  creditAccountId: SHOP,
  amount: BigInt(1 + (n % 9)),
  ledger: 978,
  code: 1,
  sequence: BigInt(1 + Math.floor(n / PAYERS)),
  expiresAt: 1n << 63n,
  keyId: KEY,
  verdict: OrderVerdict.good,
  reference: new Uint8Array(32).fill(n),
  signature: new Uint8Array(64).fill(n + 1),
  ...more,
});
const orders = (first: number, count: number) => Array.from({ length: count }, (_, i) => order(first + i));

describe('payment orders in the ledger', () => {
  test('become transfers with everything that transfers have', async () => {
    const ledger = await Ledger.open({ path });
    await openAccounts(ledger);
    const [plain, held] = [order(1), order(2, { flags: TransferFlags.pending, timeout: 60, amount: 50n })];
    const results = await ledger.createPaymentOrders([plain, held, order(1), order(1, { amount: 9n })]);
    expect(results.map(({ status }) => status)).toEqual([
      'created',
      'created',
      'exists',
      'exists_with_different_amount',
    ]);
    const { reference, sequence, expiresAt, keyId, verdict, signature, ...transfer } = plain;
    const timestamp = results[0]!.timestamp;
    expect(await ledger.lookupTransfers([plain.id!])).toMatchObject([{ ...transfer, timestamp }]);
    expect(await ledger.getAccountTransfers({ accountId: plain.debitAccountId! })).toMatchObject([
      { creditAccountId: plain.debitAccountId },
      { ...transfer, timestamp },
    ]);
    const post = { id: 5n, pendingId: held.id!, amount: 20n, flags: TransferFlags.post_pending_transfer };
    expect(await ledger.createTransfers([post])).toMatchObject([{ status: 'created' }]);
    expect(await ledger.getAccountBalances({ accountId: SHOP })).toMatchObject([
      { creditsPosted: 2n, creditsPending: 0n },
      { creditsPosted: 2n, creditsPending: 50n },
      { creditsPosted: 22n, creditsPending: 0n },
    ]);
    const changes = await ledger.getChangeEvents();
    expect(changes.slice(PAYERS).map(({ transferId, type }) => [transferId, type])).toEqual([
      [plain.id, 0],
      [held.id, 1],
      [5n, 2],
    ]);
    expect(await ledger.orderState(held.debitAccountId!)).toMatchObject({ newestSequence: 1n, spent: 50n });
    expect(await ledger.orderState(SHOP)).toBeUndefined();
    expect(ledger.status()).toMatchObject({ paymentOrders: 2, devices: 2 });
    expect(await ledger.metrics()).toMatch(/^specie_payment_orders 2$/m);
    await ledger.close();
  });

  test('verdicts are the host’s: what comes through the engine’s door has none', async () => {
    const ledger = await Ledger.open({ path });
    await openAccounts(ledger);
    const packed = Buffer.concat([
      encodePaymentOrder(order(1, { verdict: OrderVerdict.not_checked })),
      encodePaymentOrder(order(2, { verdict: OrderVerdict.good })),
      encodePaymentOrder(order(3, { verdict: OrderVerdict.bad })),
    ]);
    const request = (number: bigint, payload: Uint8Array) => ({
      operation: RequestOperation.create_payment_orders,
      peer: LOCAL_PEER,
      session: 9n,
      request: number,
      payload,
      count: payload.length / 256,
    });
    const statuses = async (reply: ReturnType<Ledger['submit']>) =>
      readCreateTransferResults((await reply).body).map(({ status }) => status);
    expect(await statuses(ledger.submit(request(1n, packed)))).toEqual([
      'signature_not_checked',
      'reserved_field',
      'reserved_field',
    ]);
    // A role that checks: nothing that came with a verdict passes, whatever it finds.
    const body = Uint8Array.from(packed);
    refuseVerdicts(body);
    new DataView(body.buffer).setUint32(184, OrderVerdict.good, true);
    expect(await statuses(ledger.submitChecked(request(2n, body)))).toEqual([
      'created',
      'reserved_field',
      'reserved_field',
    ]);
    // The same request again, checked again: answered from the journal.
    expect(await statuses(ledger.submitChecked(request(2n, body)))).toEqual([
      'created',
      'reserved_field',
      'reserved_field',
    ]);
    expect(ledger.status().paymentOrders).toBe(1);
    const tooMany = request(3n, new Uint8Array((PAYMENT_ORDERS_MAX + 1) * 256));
    expect((await ledger.submitChecked(tooMany)).status).toBe(RequestStatus.too_many_records);
    const odd = { ...request(3n, new Uint8Array(128)), count: 1 };
    expect((await ledger.submitChecked(odd)).status).toBe(RequestStatus.body_size_mismatch);
    const transfers = { ...request(3n, new Uint8Array(128)), operation: RequestOperation.create_transfers };
    expect((await ledger.submitChecked(transfers)).status).toBe(RequestStatus.unknown_operation);
    await ledger.close();
  });

  test('survive ends and crashes, with their terms, and the store proves it', async () => {
    const maintenance = { sealEntries: 500, checkpointBytesMin: 100_000, checkpointRatio: 0 };
    let ledger = await Ledger.open({ path, maintenance });
    await openAccounts(ledger);
    const terms = [
      { accountId: payer(0), paymentMax: 100n, dayMax: 1000n },
      { accountId: payer(1), flags: OrderTermsFlags.orders_closed },
      { accountId: 5n },
    ];
    expect((await ledger.setOrderTerms(terms)).map(({ status }) => status)).toEqual([
      'set',
      'set',
      'account_not_found',
    ]);
    for (let first = 0; first < 3000; first += 750) {
      const results = await ledger.createPaymentOrders(orders(first, 750));
      const shut = results.filter((_, i) => (first + i) % PAYERS === 1);
      expect(shut.map(({ status }) => status)).toEqual(shut.map(() => 'orders_closed'));
      expect(results.filter(({ status }) => status === 'created').length).toBe(750 - shut.length);
    }
    const digest = ledger.digest();
    const state = await ledger.orderState(payer(0));
    expect(state).toMatchObject({ newestSequence: 50n, orders: 50n, paymentMax: 100n });

    // What a kill leaves: the files as they are.
    const copy = mkdtempSync(join(tmpdir(), 'specie-orders-'));
    cpSync(path, copy, { recursive: true, filter: (file) => !/^(owner|draft)\./.test(basename(file)) });
    await ledger.close();
    for (const where of [path, copy]) {
      ledger = await Ledger.open({ path: where, maintenance });
      expect(ledger.digest()).toBe(digest);
      expect(await ledger.orderState(payer(0))).toEqual(state);
      // Against records of the journal and of the runs.
      expect((await ledger.createPaymentOrders(orders(0, 3))).map(({ status }) => status)).toEqual([
        'exists',
        'id_already_failed',
        'exists',
      ]);
      const changed = [order(0, { reference: new Uint8Array(32) }), order(2, { sequence: 1000n })];
      changed[0]!.reference![0] = 1;
      expect((await ledger.createPaymentOrders(changed)).map(({ status }) => status)).toEqual([
        'exists_with_different_order',
        'exists_with_different_order',
      ]);
      expect(await ledger.createPaymentOrders([order(9999, { sequence: 1n })])).toMatchObject([
        { status: 'sequence_used' },
      ]);
      expect(await ledger.lookupTransfers([order(2999).id!])).toMatchObject([{ id: order(2999).id }]);
      await ledger.close();
      const report = await verifyStore({ path: where });
      expect(report.findings).toEqual([]);
      expect(report.checkpointOp).toBeGreaterThan(0);
      expect(report.indexEntries).toBeGreaterThan(2900);
    }
    rmSync(copy, { recursive: true, force: true });
  });

  test('keep their signatures: an auditor finds them in the journal and checks them again', async () => {
    const secretKey = new Uint8Array(32).fill(3);
    const publicKey = ed25519.publicKey(secretKey);
    const keyId = orderKeyId(sha256(publicKey).subarray(0, 8));
    const ledger = await Ledger.open({ path });
    await openAccounts(ledger);
    await ledger.createAccounts([{ id: 5n, ledger: 978, code: 1, userData64: keyId }]);
    const packed = encodePaymentOrder(order(1, { debitAccountId: 5n, keyId, verdict: 0, sequence: 1n }));
    packed.set(ed25519.sign(secretKey, orderSignedBytes(packed)), 192);
    const signed = { ...decodePaymentOrder(packed), verdict: OrderVerdict.good };
    expect(await ledger.createPaymentOrders([signed])).toMatchObject([{ status: 'created' }]);
    const { op } = ledger.status();
    await ledger.close();

    const journal = LmdbJournalReader.open(join(path, 'journal'));
    const stored = new RecordReader(journal).readWhole(op * 8192);
    const signature = stored.subarray(192);
    expect(decodePaymentOrder(stored).timestamp).toBeGreaterThan(0n);
    expect(ed25519.verify(publicKey, orderSignedBytes(stored), signature)).toBe(true);
    expect(ed25519.verify(publicKey, orderSignedBytes(stored).fill(1, 30, 31), signature)).toBe(false);
    await journal.close();
  });

  test('travel over a connection, and are refused there by a ledger that checks no signatures', async () => {
    const ledger = await Ledger.open({ path });
    await openAccounts(ledger);
    const server = await Server.listen({ engine: ledger });
    const client = await connect({ url: server.url });
    const sent = orders(1, PAYMENT_ORDERS_MAX);
    sent[7] = { ...sent[7]!, verdict: OrderVerdict.not_checked };
    const results = await client.createPaymentOrders(sent);
    expect(results.map(({ status }, i) => [i, status])).toEqual(
      sent.map((_, i) => [i, i === 7 ? 'signature_not_checked' : 'reserved_field']),
    );
    await expect(client.createPaymentOrders(orders(1, PAYMENT_ORDERS_MAX + 1))).rejects.toThrow(
      'create_payment_orders: expected at most 4095 records, got 4096',
    );
    await client.close();
    await server.close(200);
    await ledger.close();
  });

  test('a checkpoint of version 0.3.0 is one without orders', async () => {
    let ledger = await Ledger.open({ path });
    await openAccounts(ledger);
    const digest = ledger.digest();
    await ledger.close();
    // As that version wrote it: no count of devices and of orders, no third table.
    const state = openStateEnvironment(join(path, 'state'), 2 ** 30);
    const stored = openValue(state.meta.getBinary(META_CHECKPOINT_KEY)!, 'checkpoint') as {
      globals: string;
      pageCounts: number[];
    };
    expect(stored.pageCounts).toEqual([3, 0, 0]);
    const older = {
      ...stored,
      globals: stored.globals.slice(0, GlobalsLayout.deviceCount * 2),
      pageCounts: [3, 0],
    };
    await state.meta.put(META_CHECKPOINT_KEY, sealValue(older));
    await state.root.close();

    expect((await verifyStore({ path })).findings).toEqual([]);
    ledger = await Ledger.open({ path });
    expect(ledger.recovery).toMatchObject({ checkpointOp: 2, replayedOps: 0, discarded: undefined });
    expect(ledger.digest()).toBe(digest);
    expect(await ledger.createPaymentOrders(orders(0, 3))).toMatchObject(
      Array.from({ length: 3 }, () => ({ status: 'created' })),
    );
    await ledger.close();
    expect((await verifyStore({ path })).findings).toEqual([]);
    expect(() => wholeGlobals(new Uint8Array(80))).toThrow('expected 88 bytes of globals, got 80');
  });
});
