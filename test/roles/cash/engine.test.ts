// Ledger and role behind one engine: who may do what, and what both say together.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TransferLayout, writeTransfer } from '../../../src/layout/generated.ts';
import { CashEngine } from '../../../src/roles/cash/engine.ts';
import { CashOperation, cashProtocol, GetBalanceRequest } from '../../../src/roles/cash/messages.ts';
import type { Engine, EngineHealth } from '../../../src/wire/engine.ts';
import { encodeMessages } from '../../../src/wire/messages.ts';
import { RequestOperation } from '../../../src/wire/operation.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { RequestStatus } from '../../../src/wire/status.ts';
import { closingOf, handover, openedPurse, openingOf, PURSE_TERMS, type TestPurse } from './purse-support.ts';
import {
  answerOf,
  BALANCE_MAX,
  creditOf,
  EUR,
  MANAGEMENT,
  newDevice,
  nextRequest,
  OPERATOR,
  TestCash,
  type TestDevice,
} from './support.ts';

let cash: TestCash;
let alice: TestDevice;
let purses: readonly TestPurse[];
beforeAll(async () => {
  cash = await TestCash.open({ currencies: PURSE_TERMS });
  alice = await cash.opened();
  purses = [await openedPurse(cash, 0n), await openedPurse(cash, 0n)];
});
afterAll(() => cash.close());

const KEY = new Uint8Array(32);
const PEERS: Record<string, Peer> = {
  management: MANAGEMENT,
  operator: OPERATOR,
  local: { kind: 'local' },
  settlement: { kind: 'role', role: 'settlement', keyId: KEY },
  cash: { kind: 'role', role: 'cash', keyId: KEY },
  'a device': {
    kind: 'device',
    device: 5n,
    signingKey: KEY,
    channelKey: KEY,
    serial: 1n,
    notAfter: 9n,
  },
  'an operator that calls itself management': { kind: 'operator', name: 'management', channelKey: KEY },
  'a role that calls itself operator': { kind: 'role', role: 'operator', keyId: KEY },
  'someone unenrolled': { kind: 'unenrolled', channelKey: KEY },
  'someone unnamed': { kind: 'unnamed' },
};

describe('who may do what', () => {
  const table = {
    management: ['message'],
    operator: ['ledger', 'lookup'],
    local: ['ledger', 'message', 'lookup'],
    'an operator that calls itself management': ['ledger', 'lookup'],
  } as Record<string, string[]>;

  for (const [name, peer] of Object.entries(PEERS)) {
    const may = table[name] ?? [];
    test(`${name}: ${may.join(', ') || 'nothing'}`, async () => {
      const reply = await cash.submit({
        operation: RequestOperation.lookup_accounts,
        payload: new Uint8Array(16),
        count: 1,
        peer,
      });
      expect(reply.status === RequestStatus.ok).toBe(may.includes('ledger'));
      if (!may.includes('ledger')) {
        expect(reply).toMatchObject({ status: RequestStatus.not_permitted, count: 0, timestamp: 0n });
        expect(reply.message).toMatch(/^lookup_accounts: expected an operator, got /);
      }
      const client = cash.client(peer);
      const request = creditOf(alice, { amount: 1n });
      const [payer, payee] = purses as [TestPurse, TestPurse];
      const { device } = payer.device;
      const results = {
        open: await client.openAccount({
          device: alice.device,
          signingKey: alice.key.publicKey,
          currency: EUR,
        }),
        credit: await client.credit(request),
        balance: await client.getBalance({ device: alice.device, currency: EUR }),
        openPurse: await client.openPurse(openingOf(payer.device)),
        settle: await client.settleTransfer({ device, order: handover(payer, payee, { amount: 1n }) }),
        closePurse: await client.closePurse({ closing: closingOf(payee) }),
        exposure: await client.deviceExposure({ device }),
        lookup: await client.lookupRequest(1n),
      };
      for (const [operation, result] of Object.entries(results)) {
        const isOfOperators = operation === 'lookup' || operation === 'exposure';
        const isOfManagement = operation !== 'lookup';
        const allowed =
          (isOfOperators && may.includes('lookup')) || (isOfManagement && may.includes('message'));
        expect([operation, result.kind === 'refused' ? result.refusal.code : result.kind]).toEqual([
          operation,
          allowed ? 'ok' : 'not_permitted',
        ]);
      }
      const booked = await cash.ledger.lookupTransfers([request.order.document.request]);
      expect(booked.length).toBe(may.includes('message') ? 1 : 0);
    });
  }

  test('management cannot book a transfer past the role', async () => {
    const payload = new Uint8Array(TransferLayout.size);
    const id = nextRequest();
    const view = new DataView(payload.buffer);
    writeTransfer(view, 0, {
      id,
      debitAccountId: 978001n,
      creditAccountId: alice.device,
      amount: 1n,
      ledger: EUR,
      code: 10,
    });
    const request = { operation: RequestOperation.create_transfers, payload, count: 1 };
    expect((await cash.submit({ ...request, peer: MANAGEMENT })).status).toBe(RequestStatus.not_permitted);
    expect(await cash.ledger.lookupTransfers([id])).toEqual([]);
    expect((await cash.submit({ ...request, peer: OPERATOR })).status).toBe(RequestStatus.ok);
    expect(await cash.ledger.lookupTransfers([id])).toHaveLength(1);
  });
});

describe('balances and requests', () => {
  test('balance, reserved, and a moment not before the last change', async () => {
    const device = await cash.opened();
    const request = creditOf(device, { amount: 300n });
    await cash.credit(request);
    await cash.ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: device.device,
        creditAccountId: 978001n,
        amount: 40n,
        ledger: EUR,
        code: 90,
        flags: 2,
      },
    ]);
    const [transfer] = await cash.ledger.lookupTransfers([request.order.document.request]);
    const answer = answerOf(await cash.client().getBalance({ device: device.device, currency: EUR }));
    expect(answer).toMatchObject({ balance: 300n, reserved: 40n });
    expect(answer.timestamp >= transfer!.timestamp).toBe(true);
  });

  test('many at once, unknown devices and currencies among them', async () => {
    const client = cash.client();
    const results = await Promise.all([
      client.getBalance({ device: alice.device, currency: EUR }),
      client.getBalance({ device: newDevice().device, currency: EUR }),
      client.getBalance({ device: alice.device, currency: 840 }),
      client.getBalance({ device: alice.device, currency: EUR }),
    ]);
    expect(results.map((result) => (result.kind === 'refused' ? result.refusal.code : result.kind))).toEqual([
      'ok',
      'device_unknown',
      'currency_not_offered',
      'ok',
    ]);
  });

  test('a device whose account is not in the ledger: its own message fails', async () => {
    // A ledger from before, with a registry from after.
    const other = await TestCash.open({ store: cash.store });
    const client = other.client();
    const known = await cash.opened();
    expect((await client.getBalance({ device: known.device, currency: EUR })).kind).toBe('unknown');
    expect(other.logged).toMatchObject([
      { level: 'error', message: 'an account of the registry is not in the ledger' },
    ]);
    expect(await other.credit(creditOf(known))).toMatchObject([
      { kind: 'ok', answer: { kind: 'rejected', reason: 'credit_account_not_found' } },
    ]);
    expect(other.logged.at(-1)).toMatchObject({ level: 'error', message: 'credit rejected' });
    await other.cash.close();
    await other.ledger.close();
    rmSync(other.path, { recursive: true });
  });

  test('what became of a request: credited, rejected, booked by an operator, never seen', async () => {
    const device = await cash.opened();
    const [good, tooMuch] = [creditOf(device), creditOf(device, { amount: BALANCE_MAX })];
    await cash.credit(good, tooMuch);
    const payout = nextRequest();
    await cash.ledger.createTransfers([
      {
        id: payout,
        debitAccountId: device.device,
        creditAccountId: 978004n,
        amount: 2n,
        ledger: EUR,
        code: 81,
      },
    ]);
    const client = cash.client(OPERATOR);
    const ids = [good.order.document.request, tooMuch.order.document.request, payout, nextRequest()];
    const reports = (await Promise.all(ids.map((id) => client.lookupRequest(id)))).map(
      (result) => answerOf(result).report,
    );
    const about = { device: device.device, currency: EUR };
    const { orderDigest, keyId } = good.receipt.document;
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    expect(reports.slice(0, 3)).toMatchObject([
      {
        ...about,
        kind: 'load',
        state: 'credited',
        amount: 500n,
        detail: `debit 978001, credit ${device.device}, evidence ${hex(orderDigest.subarray(0, 16))} ${hex(keyId)}`,
      },
      { ...about, kind: 'load', state: 'rejected', amount: BALANCE_MAX, detail: 'exceeds_credit_limit' },
      { ...about, kind: 'expiry', state: 'booked', amount: 2n },
    ]);
    expect(reports[3]).toBeUndefined();
    for (const report of reports.slice(0, 3)) {
      expect(report!.history).toEqual([{ state: report!.state, at: report!.updatedAt }]);
      expect(report!.createdAt > 0n).toBe(true);
    }
  });
});

describe('both together', () => {
  test('operations that it understands', () => {
    const engine = cash.cash.engine as CashEngine;
    const understood = Array.from({ length: 256 }, (_, i) => i).filter((i) => engine.understands(i));
    const messages = Object.values(cashProtocol.operations).map(({ number }) => number);
    expect(understood).toEqual([1, 2, 4, 16, 17, 18, 19, 20, ...messages]);
  });

  test('an operation of messages that cash does not have', async () => {
    const { status } = await cash.submit({
      operation: 77,
      payload: encodeMessages([new Uint8Array(1)]),
      count: 1,
      peer: MANAGEMENT,
    });
    expect(status).toBe(RequestStatus.unknown_operation);
  });

  test('messages that are not what they should be are refused one by one', async () => {
    const good = GetBalanceRequest.encode({ device: alice.device, currency: EUR });
    const answers = await cash.call(CashOperation.get_balance, [
      good,
      good.subarray(1),
      new Uint8Array(0),
      good,
    ]);
    // The first byte says: an answer, or a refusal.
    expect(answers.map((answer) => answer[0])).toEqual([0, 1, 1, 0]);
  });

  test('metrics of both, each name once', async () => {
    const text = await cash.cash.engine.metrics();
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['specie_transfers', 'specie_role_messages_total']));
  });

  test('sessions are those of the ledger', () => {
    expect(cash.cash.engine.openSession(77n, 0n)).toEqual({ resumed: false, applied: 0n });
    expect(() => cash.cash.engine.openSession(78n, 5n)).toThrow(/no longer remembered/);
  });

  const part = (health: EngineHealth, congested = false) => {
    const listeners: (() => void)[] = [];
    const engine = {
      health: () => health,
      congested,
      onRelieved: (listener: () => void) => void listeners.push(listener),
    } as unknown as Engine & { congested: boolean };
    return {
      engine,
      relieve: () => {
        for (const listener of listeners) listener();
      },
    };
  };
  const healthOf = (ledger: EngineHealth['status'], role: EngineHealth['status']) =>
    new CashEngine(
      part({ status: ledger, detail: { op: 5 } }).engine,
      part({ status: role, detail: { role: 'cash' } }).engine,
    ).health();

  test('health is the worse of the two', () => {
    expect(healthOf('ok', 'ok')).toEqual({ status: 'ok', detail: { op: 5, role: 'cash' } });
    expect(healthOf('degraded', 'ok').status).toBe('degraded');
    expect(healthOf('ok', 'degraded').status).toBe('degraded');
    expect(healthOf('degraded', 'stopped').status).toBe('stopped');
    expect(healthOf('stopped', 'ok').status).toBe('stopped');
  });

  test('congested as long as one of them is; relieved when neither is', () => {
    const [ledger, role] = [
      part({ status: 'ok', detail: {} }, true),
      part({ status: 'ok', detail: {} }, true),
    ];
    const engine = new CashEngine(ledger.engine, role.engine);
    let relieved = 0;
    engine.onRelieved(() => relieved++);
    expect(engine.congested).toBe(true);
    ledger.engine.congested = false;
    ledger.relieve();
    expect([engine.congested, relieved]).toEqual([true, 0]);
    role.engine.congested = false;
    role.relieve();
    expect([engine.congested, relieved]).toEqual([false, 1]);
  });

  test('a role that closes answers what it has taken in, then refuses; the ledger goes on', async () => {
    const other = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store });
    const credit = other.credit(creditOf(alice, { amount: 1n }));
    await Promise.resolve();
    await other.cash.close();
    expect((await credit)[0]).toMatchObject({ kind: 'ok' });
    expect((await other.credit(creditOf(alice)))[0]).toMatchObject({ kind: 'unknown' });
    expect(other.cash.engine.health().status).toBe('stopped');
    const payload = new Uint8Array(16);
    const lookup = { operation: RequestOperation.lookup_accounts, payload, count: 1, peer: OPERATOR };
    expect((await other.submit(lookup)).status).toBe(RequestStatus.ok);
  });
});
