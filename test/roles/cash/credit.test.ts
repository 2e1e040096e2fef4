import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCryptoPool, ed25519 } from '../../../src/crypto/index.ts';
import { AccountFlags, TransferFlags } from '../../../src/layout/generated.ts';
import type { Ledger } from '../../../src/ledger/index.ts';
import { systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import type { CreditRequest } from '../../../src/roles/cash/messages.ts';
import { CreditReceipt, CreditRejection } from '../../../src/roles/documents/receipts.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { RequestError } from '../../../src/wire/errors.ts';
import {
  BALANCE_MAX,
  creditOf,
  EUR,
  forged,
  keyIdOf,
  keyPair,
  newDevice,
  nextRequest,
  orderOf,
  receiptBytes,
  receiptOf,
  rejectionBytes,
  SETTLEMENT_KEY,
  short,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

let cash: TestCash;
let alice: TestDevice;
let bob: TestDevice;
beforeAll(async () => {
  cash = await TestCash.open();
  alice = await cash.opened();
  bob = await cash.opened();
});
afterAll(() => cash.close());

const one = async (request: CreditRequest) => short((await cash.credit(request))[0]!);

describe('credit', () => {
  test('adds the amount and gives a receipt that says so, signed by cash', async () => {
    const device = await cash.opened();
    const request = creditOf(device, { amount: 1250n });
    const [result] = await cash.credit(request);
    const { document } = CreditReceipt.signed.decode(receiptBytes(result!));
    const id = request.order.document.request;
    const [transfer] = await cash.ledger.lookupTransfers([id]);
    expect(document).toMatchObject({
      request: id,
      device: device.device,
      amount: 1250n,
      currency: EUR,
      timestamp: transfer!.timestamp,
    });
    expect(await cash.balance(device)).toBe(1250n);
  });

  test('the transfer names float, device, order and the receipt key', async () => {
    const request = creditOf(alice, { amount: 3n });
    await cash.credit(request);
    const [transfer] = await cash.ledger.lookupTransfers([request.order.document.request]);
    const { orderDigest, keyId } = request.receipt.document;
    expect(transfer).toMatchObject({
      debitAccountId: 978001n,
      creditAccountId: alice.device,
      amount: 3n,
      code: TransferCode.load,
      ledger: EUR,
      userData128: BigInt(`0x${Buffer.from(orderDigest.subarray(0, 16)).reverse().toString('hex')}`),
      userData64: BigInt(`0x${Buffer.from(keyId).reverse().toString('hex')}`),
    });
    const found = await cash.ledger.getAccountTransfers({
      accountId: systemAccountId('float', EUR),
      userData64: transfer!.userData64,
    });
    expect(found.map(({ id }) => id)).toContain(transfer!.id);
  });

  test('counts once, and gives the same bytes, however often it is asked for', async () => {
    const device = await cash.opened();
    const request = creditOf(device);
    const first = await cash.credit(request, request, request);
    const again = await cash.credit(request);
    const all = [...first, ...again].map((result) => Buffer.from(receiptBytes(result)).toString('hex'));
    expect(new Set(all).size).toBe(1);
    expect(await cash.balance(device)).toBe(500n);
  });

  test('in any of its currencies, each with an account of its own', async () => {
    const device = await cash.opened();
    await cash.opened(device, USD);
    expect(await one(creditOf(device, { currency: USD, amount: 7n }))).toBe('credited');
    expect(await one(creditOf(device, { currency: EUR, amount: 9n }))).toBe('credited');
    expect([await cash.balance(device, USD), await cash.balance(device, EUR)]).toEqual([7n, 9n]);
  });
});

describe('refusals', () => {
  const stranger = newDevice();
  const cases: Record<string, { readonly make: () => CreditRequest; readonly code: string }> = {
    'an order signed by another key': {
      make: () => {
        const good = creditOf(alice);
        const signature = ed25519.sign(bob.key.secretKey, new Uint8Array(1));
        return { ...good, order: { ...good.order, signature } };
      },
      code: 'signature_invalid',
    },
    'an order whose signature has a bit flipped': {
      make: () => {
        const good = creditOf(alice);
        return { ...good, order: { ...good.order, signature: forged(good.order.signature) } };
      },
      code: 'signature_invalid',
    },
    'a receipt whose signature has a bit flipped': {
      make: () => {
        const good = creditOf(alice);
        return { ...good, receipt: { ...good.receipt, signature: forged(good.receipt.signature) } };
      },
      code: 'receipt_invalid',
    },
    'a receipt signed by a key that is not listed': {
      make: () => {
        const order = orderOf(alice);
        const other = keyPair(77);
        return { device: alice.device, order, receipt: receiptOf(order, {}, other) };
      },
      code: 'receipt_invalid',
    },
    'a receipt that names a listed key and is signed by another': {
      make: () => {
        const order = orderOf(alice);
        const keyId = keyIdOf(SETTLEMENT_KEY.publicKey);
        return { device: alice.device, order, receipt: receiptOf(order, { keyId }, keyPair(77)) };
      },
      code: 'receipt_invalid',
    },
    'a receipt of another request': {
      make: () => {
        const order = orderOf(alice);
        return { device: alice.device, order, receipt: receiptOf(order, { request: nextRequest() }) };
      },
      code: 'receipt_mismatch',
    },
    'a receipt of a smaller amount': {
      make: () => {
        const order = orderOf(alice);
        return { device: alice.device, order, receipt: receiptOf(order, { amount: 499n }) };
      },
      code: 'receipt_mismatch',
    },
    'a receipt of another currency': {
      make: () => {
        const order = orderOf(alice);
        return { device: alice.device, order, receipt: receiptOf(order, { currency: USD }) };
      },
      code: 'receipt_mismatch',
    },
    'a receipt of another order with the same request, amount and currency': {
      make: () => {
        const request = nextRequest();
        const receipt = receiptOf(orderOf(bob, { request }));
        return { device: alice.device, order: orderOf(alice, { request }), receipt };
      },
      code: 'receipt_mismatch',
    },
    "another device's order": {
      make: () => ({ ...creditOf(bob), device: alice.device }),
      code: 'key_mismatch',
    },
    'a device without an account': { make: () => creditOf(stranger), code: 'device_unknown' },
    'no currency': { make: () => creditOf(alice, { currency: 0 }), code: 'malformed' },
    'an amount of 0': { make: () => creditOf(alice, { amount: 0n }), code: 'malformed' },
    'an amount of 2^64': { make: () => creditOf(alice, { amount: 1n << 64n }), code: 'amount_too_large' },
    'request 0': { make: () => creditOf(alice, { request: 0n }), code: 'malformed' },
    'request 2^128-1': { make: () => creditOf(alice, { request: (1n << 128n) - 1n }), code: 'malformed' },
  };

  for (const [name, { make, code }] of Object.entries(cases)) {
    test(`${name}: ${code}`, async () => {
      const before = await cash.balance(alice);
      const request = make();
      expect(await one(request)).toBe(`refused: ${code}`);
      expect(await cash.balance(alice)).toBe(before);
      expect(await cash.ledger.lookupTransfers([request.order.document.request])).toEqual([]);
    });
  }

  test('bad items of a batch do not touch the others, wherever they stand', async () => {
    const device = await cash.opened();
    const bad = Object.values(cases);
    const batch = bad.flatMap(({ make, code }) => [
      { request: make(), expected: `refused: ${code}` },
      { request: creditOf(device, { amount: 1n }), expected: 'credited' },
    ]);
    const results = await cash.credit(...batch.map(({ request }) => request));
    expect(results.map(short)).toEqual(batch.map(({ expected }) => expected));
    expect(await cash.balance(device)).toBe(BigInt(bad.length));
  });

  test('no text of a refusal holds a key or a signature', async () => {
    const requests = Object.values(cases).map(({ make }) => make());
    const results = await cash.credit(...requests);
    results.forEach((result, i) => {
      if (result.kind !== 'refused') throw new Error('expected a refusal');
      const { order, receipt } = requests[i]!;
      for (const secret of [order.document.signingKey, order.signature, receipt.signature]) {
        expect(result.refusal.message).not.toContain(Buffer.from(secret).toString('hex').slice(0, 16));
      }
      expect(result.refusal.message).toMatch(/expected .*got /);
    });
  });
});

describe('rejections', () => {
  test('beyond the bound: for good, with the same reason each time, also when there is room again', async () => {
    const device = await cash.opened();
    expect(await one(creditOf(device, { amount: BALANCE_MAX - 10n }))).toBe('credited');
    const tooMuch = creditOf(device, { amount: 11n });
    expect((await cash.credit(tooMuch, tooMuch)).map(short)).toEqual([
      'rejected: exceeds_credit_limit',
      'rejected: exceeds_credit_limit',
    ]);
    expect(await one(creditOf(device, { amount: 10n }))).toBe('credited');
    await cash.ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: device.device,
        creditAccountId: systemAccountId('float', EUR),
        amount: 1000n,
        ledger: EUR,
        code: TransferCode.load_reversal,
      },
    ]);
    expect(await one(tooMuch)).toBe('rejected: exceeds_credit_limit');
    expect(await cash.balance(device)).toBe(BALANCE_MAX - 1000n);
  });

  test('a closed account', async () => {
    const device = await cash.opened();
    await cash.ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: device.device,
        creditAccountId: systemAccountId('float', EUR),
        ledger: EUR,
        code: TransferCode.block,
        flags: TransferFlags.pending | TransferFlags.closing_debit,
      },
    ]);
    const [account] = await cash.ledger.lookupAccounts([device.device]);
    expect(account!.flags & AccountFlags.closed).not.toBe(0);
    expect(await one(creditOf(device))).toBe('rejected: credit_account_already_closed');
  });

  test('two orders of one request: the first counts, the second is rejected and logged as an error', async () => {
    const device = await cash.opened();
    const request = nextRequest();
    const first = creditOf(device, { request, amount: 5n });
    const second = creditOf(device, { request, amount: 6n });
    expect((await cash.credit(first, second)).map(short)).toEqual([
      'credited',
      'rejected: exists_with_different_amount',
    ]);
    expect(await one(first)).toBe('credited');
    expect(await cash.balance(device)).toBe(5n);
    expect(cash.logged).toContainEqual({
      level: 'error',
      message: 'credit conflicts with another transfer',
      fields: {
        request: String(request),
        device: String(device.device),
        amount: '6',
        currency: EUR,
        status: 'exists_with_different_amount',
      },
    });
  });

  test('an id that an operator has used, for a transfer just like it but pending', async () => {
    const device = await cash.opened();
    const request = creditOf(device);
    const twin = creditOf(device);
    await cash.credit(twin);
    const [transfer] = await cash.ledger.lookupTransfers([twin.order.document.request]);
    const { orderDigest } = request.receipt.document;
    await cash.ledger.createTransfers([
      {
        ...transfer!,
        id: request.order.document.request,
        userData128: BigInt(`0x${Buffer.from(orderDigest.subarray(0, 16)).reverse().toString('hex')}`),
        flags: TransferFlags.pending,
        timestamp: 0n,
      },
    ]);
    // Perhaps it is posted one day: nothing that would let the charge be reversed.
    expect(await one(request)).toBe('refused: credited_otherwise');
    // Nor by way of a receipt that does not count, either.
    const unproven = {
      ...request,
      receipt: { ...request.receipt, signature: forged(request.receipt.signature) },
    };
    expect(await one(unproven)).toBe('refused: receipt_invalid');
    expect(await cash.balance(device)).toBe(500n);
  });
});

test('an id that an operator has used, for the same money but another reason and key', async () => {
  const device = await cash.opened();
  const request = creditOf(device);
  const { orderDigest } = request.receipt.document;
  await cash.ledger.createTransfers([
    {
      id: request.order.document.request,
      debitAccountId: systemAccountId('float', EUR),
      creditAccountId: device.device,
      amount: 500n,
      userData128: BigInt(`0x${Buffer.from(orderDigest.subarray(0, 16)).reverse().toString('hex')}`),
      userData64: 1n,
      ledger: EUR,
      code: TransferCode.loss,
    },
  ]);
  expect(await one(request)).toBe('refused: credited_otherwise');
  expect(cash.logged.at(-1)).toMatchObject({ message: 'credit conflicts with another transfer' });
});

/** Gives back so much, so that there is room. */
const taken = (device: TestDevice, amount: bigint) =>
  cash.ledger.createTransfers([
    {
      id: nextRequest(),
      debitAccountId: device.device,
      creditAccountId: systemAccountId('float', EUR),
      amount,
      ledger: EUR,
      code: TransferCode.load_reversal,
    },
  ]);

describe('a rejection is signed by cash, and true for ever', () => {
  test('it says what was asked for, and stays the same to the byte, also when there is room', async () => {
    const device = await cash.opened();
    await cash.credit(creditOf(device, { amount: BALANCE_MAX }));
    const request = creditOf(device, { amount: 11n });
    const [first] = await cash.credit(request);
    const { document } = CreditRejection.signed.decode(rejectionBytes(first!));
    expect(document).toMatchObject({
      request: request.order.document.request,
      device: device.device,
      amount: 11n,
      currency: EUR,
      orderDigest: request.receipt.document.orderDigest,
      reason: 'exceeds_credit_limit',
    });
    await taken(device, 1000n);
    const after = await cash.credit(request, request);
    for (const result of after) expect(rejectionBytes(result)).toEqual(rejectionBytes(first!));
    expect(await cash.balance(device)).toBe(BALANCE_MAX - 1000n);
  });

  test('also when the limit is raised, and when cash starts anew', async () => {
    const device = await cash.opened();
    const request = creditOf(device, { amount: BALANCE_MAX + 1n });
    const [first] = await cash.credit(request);
    const other = await TestCash.open({
      path: cash.path,
      ledger: cash.ledger,
      store: cash.store,
      currencies: [{ currency: EUR }, { currency: USD }],
    });
    expect(rejectionBytes((await other.credit(request))[0]!)).toEqual(rejectionBytes(first!));
    await other.cash.close();
    expect(await cash.balance(device)).toBe(0n);
  });

  test('also when the key of the receipt is no longer listed', async () => {
    const device = await cash.opened();
    const retired = keyPair(57);
    cash.identity.list(retired.publicKey);
    const order = orderOf(device, { amount: BALANCE_MAX + 1n });
    const request = { device: device.device, order, receipt: receiptOf(order, {}, retired) };
    const [first] = await cash.credit(request);
    cash.identity.unlist(retired.publicKey);
    expect(rejectionBytes((await cash.credit(request))[0]!)).toEqual(rejectionBytes(first!));
  });

  test('a currency that the device has no account in: still rejected when it has one', async () => {
    const device = await cash.opened();
    const request = creditOf(device, { currency: USD });
    const [first] = await cash.credit(request);
    expect(short(first!)).toBe('rejected: currency_not_offered');
    await cash.opened(device, USD);
    const after = await cash.credit(request, creditOf(device, { currency: USD, amount: 3n }));
    expect(rejectionBytes(after[0]!)).toEqual(rejectionBytes(first!));
    expect(short(after[1]!)).toBe('credited');
    expect(await cash.balance(device, USD)).toBe(3n);
  });

  test('a currency that cash does not know at all', async () => {
    const request = creditOf(alice, { currency: 392 });
    const [first, second] = await cash.credit(request, request);
    expect(short(first!)).toBe('rejected: currency_not_offered');
    expect(rejectionBytes(second!)).toEqual(rejectionBytes(first!));
  });

  test('a receipt that is not of settlement uses nothing up, and gets none', async () => {
    const device = await cash.opened();
    const good = creditOf(device, { currency: USD });
    const forgery = { ...good, receipt: { ...good.receipt, signature: forged(good.receipt.signature) } };
    expect(await one(forgery)).toBe('refused: receipt_invalid');
    await cash.opened(device, USD);
    expect(await one(good)).toBe('credited');
  });

  test('an order that is credited gets none under the number of another device with the same key', async () => {
    const device = await cash.opened();
    const twin = await cash.opened({ ...newDevice(), key: device.key });
    const third = await cash.opened({ ...newDevice(), key: device.key }, USD);
    const request = creditOf(device);
    expect(await one(request)).toBe('credited');
    for (const other of [twin, third]) {
      expect(await one({ ...request, device: other.device })).toBe('refused: credited_otherwise');
    }
    expect(await one(request)).toBe('credited');
    expect([await cash.balance(device), await cash.balance(twin)]).toEqual([500n, 0n]);
  });

  test('what is rejected for one device is credited to no other with the same key', async () => {
    const device = await cash.opened();
    const twin = await cash.opened({ ...newDevice(), key: device.key });
    await cash.credit(creditOf(device, { amount: BALANCE_MAX }));
    const request = creditOf(device, { amount: 5n });
    expect(await one(request)).toBe('rejected: exceeds_credit_limit');
    expect(await one({ ...request, device: twin.device })).toBe('rejected: exceeds_credit_limit');
    expect(await cash.balance(twin)).toBe(0n);
  });

  test('the second of two orders of one request gets one of its own, the first keeps its credit', async () => {
    const device = await cash.opened();
    const request = nextRequest();
    const first = creditOf(device, { request, amount: 5n });
    const second = creditOf(device, { request, amount: 6n });
    const [, result, again] = await cash.credit(first, second, second);
    expect(rejectionBytes(again!)).toEqual(rejectionBytes(result!));
    const { document } = CreditRejection.signed.decode(rejectionBytes(result!));
    expect(document.orderDigest).toEqual(second.receipt.document.orderDigest);
    expect(document.orderDigest).not.toEqual(first.receipt.document.orderDigest);
  });
});

describe('what was credited stays credited', () => {
  test('against another receipt of the same order, signed with another key', async () => {
    const device = await cash.opened();
    const other = keyPair(55);
    cash.identity.list(other.publicKey);
    const first = creditOf(device);
    const [before] = await cash.credit(first);
    const [after] = await cash.credit({
      ...first,
      receipt: receiptOf(first.order, { chargedAt: 6n }, other),
    });
    expect(receiptBytes(after!)).toEqual(receiptBytes(before!));
    expect(cash.logged.at(-1)).toMatchObject({
      level: 'error',
      message: 'credit asked for against another receipt',
    });
    expect(await cash.balance(device)).toBe(500n);
  });

  test('when the key of its receipt is no longer listed; new ones are refused', async () => {
    const device = await cash.opened();
    const retired = keyPair(56);
    cash.identity.list(retired.publicKey);
    const order = orderOf(device);
    const request = { device: device.device, order, receipt: receiptOf(order, {}, retired) };
    const [before] = await cash.credit(request);
    cash.identity.unlist(retired.publicKey);
    const [after] = await cash.credit(request);
    expect(receiptBytes(after!)).toEqual(receiptBytes(before!));
    const late = orderOf(device);
    expect(await one({ device: device.device, order: late, receipt: receiptOf(late, {}, retired) })).toBe(
      'refused: receipt_invalid',
    );
  });
});

test('signatures may be verified by a pool of threads', async () => {
  const pool = createCryptoPool({ threads: 1 });
  const device = await cash.opened();
  const other = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store, pool });
  const requests = Array.from({ length: 40 }, (_, i) => {
    const good = creditOf(device, { amount: 1n });
    return i % 5 === 2
      ? { ...good, order: { ...good.order, signature: forged(good.order.signature) } }
      : good;
  });
  const results = (await other.credit(...requests)).map(short);
  expect(results).toEqual(requests.map((_, i) => (i % 5 === 2 ? 'refused: signature_invalid' : 'credited')));
  await pool.close();
  // Without the pool this thread verifies.
  const late = Array.from({ length: 40 }, () => creditOf(device, { amount: 1n }));
  expect(new Set((await other.credit(...late)).map(short))).toEqual(new Set(['credited']));
  await other.cash.close();
  expect(await cash.balance(device)).toBe(72n);
});

describe('when the ledger or the store cannot', () => {
  /** The ledger, with another answer to transfers. */
  const failing = (ledger: Ledger, error: Error): Ledger =>
    new Proxy(ledger, {
      get: (target, name) =>
        name === 'createTransfers'
          ? () => Promise.reject(error)
          : typeof target[name as keyof Ledger] === 'function'
            ? (target[name as keyof Ledger] as CallableFunction).bind(target)
            : target[name as keyof Ledger],
    });

  for (const code of ['storage_full', 'stopping', 'busy', 'capacity_exhausted', 'internal_error'] as const) {
    test(`ledger ${code}: nothing is decided, and the same request goes through later`, async () => {
      const device = await cash.opened();
      const other = await TestCash.open({
        path: cash.path,
        store: cash.store,
        ledger: failing(cash.ledger, new RequestError(code, 'expected room, got none')),
      });
      const request = creditOf(device);
      expect((await other.credit(request, creditOf(device))).map(short)).toEqual(['unknown', 'unknown']);
      await other.cash.close();
      expect(await one(request)).toBe('credited');
    });
  }

  test('a rejection that cannot be remembered is not answered until it can be; the rest of its batch is', async () => {
    const device = await cash.opened();
    let isFull = true;
    const store = {
      get: cash.store.get.bind(cash.store),
      range: cash.store.range.bind(cash.store),
      remember: cash.store.remember.bind(cash.store),
      transaction: <T>(run: Parameters<typeof cash.store.transaction<T>>[0]) =>
        isFull ? Promise.reject(new StoreError('store_full', 'no room')) : cash.store.transaction(run),
      close: async () => {},
    };
    const other = await TestCash.open({ path: cash.path, store, ledger: cash.ledger });
    const tooMuch = creditOf(device, { amount: BALANCE_MAX + 1n });
    expect((await other.credit(creditOf(device), tooMuch, creditOf(device))).map(short)).toEqual([
      'credited',
      'unknown',
      'credited',
    ]);
    isFull = false;
    expect((await other.credit(tooMuch)).map(short)).toEqual(['rejected: id_already_failed']);
    await other.cash.close();
    expect(await one(tooMuch)).toBe('rejected: id_already_failed');
  });
});
