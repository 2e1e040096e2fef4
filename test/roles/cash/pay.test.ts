// Purchases at cash: what is paid, what is refused with which code, and that each is paid once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCryptoPool, sha256 } from '../../../src/crypto/index.ts';
import { PaymentOrderLayout, TransferFlags } from '../../../src/layout/generated.ts';
import type { PayRequest } from '../../../src/roles/cash/messages.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import {
  FOREVER,
  funded,
  newShop,
  openedShop,
  outcome,
  payAll,
  paymentOrder,
  payRequest,
  purchaseOf,
  sealedTo,
  signedBytesOf,
  type TestShop,
} from './pay-support.ts';
import {
  answerOf,
  EUR,
  keyPair,
  newDevice,
  nextRequest,
  OPERATOR,
  sealingKeyPair,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

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

async function outcomes(...requests: readonly PayRequest[]): Promise<string[]> {
  return (await payAll(cash, ...requests)).map(outcome);
}

async function earned({ shop: number }: TestShop): Promise<bigint> {
  const [account] = await cash.ledger.lookupAccounts([number]);
  return account!.creditsPosted;
}

const AUTHORISATION = { code: 21, flags: TransferFlags.pending, timeout: 60 };

describe('open_shop', () => {
  test('the account names the shop and its key; again: the same answer', async () => {
    const one = newShop();
    const request = { shop: one.shop, signingKey: one.key.publicKey, currency: EUR };
    const client = cash.client();
    const answers = await Promise.all([client.openShop(request), client.openShop(request)]);
    const again = await client.openShop(request);
    expect(new Set([...answers, again].map((result) => answerOf(result).timestamp)).size).toBe(1);
    const [account] = await cash.ledger.lookupAccounts([one.shop]);
    expect(account).toMatchObject({ ledger: EUR, code: 10, userData128: one.shop });
  });

  test('with another key, under the number of a device, of no possible shop', async () => {
    const client = cash.client();
    const asked = async (changes: object): Promise<string> => {
      const request = { shop: shop.shop, signingKey: shop.key.publicKey, currency: EUR, ...changes };
      const result = await client.openShop(request);
      return result.kind === 'refused' ? result.refusal.code : result.kind;
    };
    expect(await asked({})).toBe('ok');
    expect(await asked({ signingKey: keyPair(9).publicKey })).toBe('shop_differs');
    expect(await asked({ shop: alice.device })).toBe('shop_differs');
    expect(await asked({ shop: 978_001n })).toBe('malformed');
    expect(await asked({ signingKey: new Uint8Array(32) })).toBe('malformed');
    expect(await asked({ shop: newShop().shop, currency: 826 })).toBe('currency_not_offered');
    // And a device under the number of a shop.
    const device = { device: shop.shop, signingKey: keyPair(10).publicKey, currency: EUR };
    expect(await client.openAccount(device)).toMatchObject({ refusal: { code: 'device_differs' } });
  });

  test('as many as there may be', async () => {
    const small = await TestCash.open({ limits: { shopsMax: 1 } });
    await openedShop(small);
    const { shop: number, key } = newShop();
    const request = { shop: number, signingKey: key.publicKey, currency: EUR };
    expect(await small.client().openShop(request)).toMatchObject({ refusal: { code: 'shops_exhausted' } });
    await small.close();
  });
});

describe('what is paid', () => {
  test('a sale: the money has moved, and the receipt says so', async () => {
    const before = await earned(shop);
    const order = paymentOrder(alice, shop, { amount: 250n });
    const request = payRequest(order, alice, shop);
    const [result] = await payAll(cash, request);
    const answer = answerOf(result!);
    if (answer.kind !== 'paid') throw new Error('expected a receipt');
    const [transfer] = await cash.ledger.lookupTransfers([request.request]);
    const { request: id, amount, currency, reference } = request;
    expect(answer.receipt.document).toMatchObject({
      request: id,
      kind: 'paid',
      shop: shop.shop,
      amount,
      currency,
      reference,
      orderDigest: sha256(orderSignedBytes(order)),
      timestamp: transfer!.timestamp,
    });
    signedBytesOf(result!);
    expect(transfer).toMatchObject({
      debitAccountId: alice.device,
      creditAccountId: shop.shop,
      amount: 250n,
      code: 20,
    });
    expect(await earned(shop)).toBe(before + 250n);
  });

  test('an authorisation: reserved, not moved', async () => {
    const device = await funded(cash, 500n);
    expect(await outcomes(purchaseOf(device, shop, { ...AUTHORISATION, amount: 400n }))).toEqual([
      'reserved',
    ]);
    const balance = answerOf(await cash.client().getBalance({ device: device.device, currency: EUR }));
    expect(balance).toMatchObject({ balance: 500n, reserved: 400n });
  });

  test('in a further currency, whose accounts have derived ids', async () => {
    const device = await funded(cash, 1n);
    await cash.opened(device, USD);
    const till = await openedShop(cash);
    await openedShop(cash, till, USD);
    const { furtherAccountId } = await import('../../../src/roles/cash/accounts.ts');
    const debitAccountId = furtherAccountId(device.device, USD);
    const creditAccountId = furtherAccountId(till.shop, USD);
    await cash.ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: 840_001n,
        creditAccountId: debitAccountId,
        amount: 70n,
        ledger: USD,
        code: 10,
      },
    ]);
    const order = { debitAccountId, creditAccountId, ledger: USD, amount: 70n };
    expect(await outcomes(purchaseOf(device, till, order))).toEqual(['paid']);
  });

  test('the same purchase: twice in a batch, at once, again, and after a restart: the same receipt', async () => {
    const before = await earned(other);
    const request = purchaseOf(alice, other, { amount: 3n });
    const inOneBatch = await payAll(cash, request, request);
    const atOnce = await Promise.all([payAll(cash, request), payAll(cash, request)]);
    const restarted = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store });
    const after = await payAll(restarted, request);
    await restarted.cash.close();
    const receipts = [...inOneBatch, ...atOnce.flat(), ...after].map((result) =>
      Buffer.from(signedBytesOf(result)).toString('hex'),
    );
    expect(new Set(receipts).size).toBe(1);
    expect(await earned(other)).toBe(before + 3n);
  });

  test('many at a time, on the pool, bad ones among them', async () => {
    const pool = createCryptoPool({ threads: 1 });
    const wide = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store, pool });
    const till = await openedShop(cash);
    const device = await funded(cash, 1_000n);
    const requests = Array.from({ length: 40 }, (_, i) => {
      if (i % 8 === 3) {
        const forged = paymentOrder(device, till, { amount: 10n }, keyPair(1));
        return payRequest(forged, device, till);
      }
      const request = purchaseOf(device, till, { amount: 10n });
      return i % 8 === 5 ? { ...request, shop: other.shop } : request;
    });
    const results = await payAll(wide, ...requests);
    expect(results.map(outcome)).toEqual(
      requests.map((_, i) =>
        i % 8 === 3 ? 'refused: signature_invalid' : i % 8 === 5 ? 'refused: payment_seal_invalid' : 'paid',
      ),
    );
    expect(await earned(till)).toBe(300n);
    await wide.cash.close();
    await pool.close();
  });
});

describe('every refusal has its code', () => {
  const dollars = async (): Promise<TestDevice> => {
    const device = await funded(cash, 1n);
    return cash.opened(device, USD);
  };
  /** An order whose seal is good and whose inside is this. */
  const inside = (fields: object, changes: Partial<PayRequest> = {}): PayRequest =>
    payRequest(paymentOrder(alice, shop, fields), alice, shop, changes);

  const table: Record<string, readonly [() => PayRequest | Promise<PayRequest>, string]> = {
    'no request': [() => ({ ...purchaseOf(alice, shop), request: 0n }), 'malformed'],
    'no amount': [() => inside({}, { amount: 0n }), 'malformed'],
    'no currency': [() => inside({}, { currency: 0 }), 'malformed'],
    'a device without an account': [() => inside({}, { device: newDevice().device }), 'device_unknown'],
    'a shop without an account': [() => inside({}, { shop: newShop().shop }), 'shop_unknown'],
    'a currency that the shop does not take': [
      async () => payRequest(paymentOrder(alice, shop), await dollars(), shop, { currency: USD }),
      'currency_not_offered',
    ],
    'the seal of another purchase': [
      () => inside({}, { payment: purchaseOf(alice, shop).payment }),
      'payment_seal_invalid',
    ],
    'the seal of the same purchase at another shop': [
      () => ({ ...purchaseOf(alice, other), shop: shop.shop }),
      'payment_seal_invalid',
    ],
    'a seal to a key that is not one of cash': [
      () => {
        const order = paymentOrder(alice, shop);
        const request = payRequest(order, alice, shop);
        const binding = { request: request.request, shop: shop.shop };
        return { ...request, payment: sealedTo(binding, order, sealingKeyPair(77)) };
      },
      'payment_seal_invalid',
    ],
    'a changed seal': [
      () => {
        const request = purchaseOf(alice, shop);
        request.payment.ciphertext[100]! ^= 1;
        return request;
      },
      'payment_seal_invalid',
    ],
    'the order of another purchase in a seal of this one': [
      () => {
        const request = purchaseOf(alice, shop);
        const binding = { request: request.request, shop: shop.shop };
        return { ...request, payment: sealedTo(binding, paymentOrder(alice, shop)) };
      },
      'request_mismatch',
    ],
    'another currency': [() => inside({ ledger: USD }, { currency: EUR }), 'currency_mismatch'],
    'the order of another device': [
      async () => payRequest(paymentOrder(alice, shop), await funded(cash, 1n), shop),
      'payer_mismatch',
    ],
    'another key': [() => inside({ keyId: 5n }), 'key_mismatch'],
    'an order to another shop': [() => inside({ creditAccountId: other.shop }), 'payee_mismatch'],
    'another amount': [() => inside({ amount: 99n }, { amount: 100n }), 'amount_mismatch'],
    'another time': [() => inside({}, { expiresAt: FOREVER - 1n }), 'expiry_mismatch'],
    'other terms': [() => inside({}, { reference: new Uint8Array(32) }), 'reference_mismatch'],
    'a sale that is called an authorisation': [() => inside({}, { kind: 'authorisation' }), 'kind_mismatch'],
    'an authorisation that is called a sale': [
      () => inside(AUTHORISATION, { kind: 'sale' }),
      'kind_mismatch',
    ],
    'a sale with other flags': [() => inside({ flags: TransferFlags.linked }), 'kind_mismatch'],
    'an authorisation that never runs out': [() => inside({ ...AUTHORISATION, timeout: 0 }), 'order_invalid'],
    'an authorisation of more than a year': [
      () => inside({ ...AUTHORISATION, timeout: 366 * 86_400 + 1 }),
      'order_invalid',
    ],
    'an order with user data': [() => inside({ userData64: 1n }), 'order_invalid'],
    'an order with a verdict': [() => inside({ verdict: 1 }), 'order_invalid'],
    'an order without a sequence number': [() => inside({ sequence: 0n }), 'order_invalid'],
    'a signature of another key': [
      () => payRequest(paymentOrder(alice, shop, {}, keyPair(4)), alice, shop),
      'signature_invalid',
    ],
    'a changed order': [
      () => {
        const order = paymentOrder(alice, shop, { amount: 100n });
        order[PaymentOrderLayout.amount]! -= 1;
        return payRequest(order, alice, shop);
      },
      'signature_invalid',
    ],
  };
  for (const [name, [make, code]] of Object.entries(table)) {
    test(`${name}: ${code}, and the rest of the batch is paid`, async () => {
      const bad = await make();
      expect(await outcomes(purchaseOf(alice, shop, { amount: 1n }), bad)).toEqual([
        'paid',
        `refused: ${code}`,
      ]);
      if (bad.request === 0n) return;
      expect(await cash.ledger.lookupTransfers([bad.request])).toEqual([]);
    });
  }

  test('refusals do not say what the order holds, nor whose it is', async () => {
    const secret = await funded(cash, 1n);
    for (const request of [
      payRequest(paymentOrder(secret, shop, { amount: 4711n }), alice, shop, { amount: 5n }),
      payRequest(paymentOrder(alice, shop, { amount: 4711n }), alice, shop, { amount: 5n }),
      payRequest(paymentOrder(alice, shop, { expiresAt: 4711n }), alice, shop, { expiresAt: 5n }),
    ]) {
      const [result] = await payAll(cash, request);
      if (result?.kind !== 'refused') throw new Error('expected a refusal');
      for (const said of [alice.device, secret.device, 4711n]) {
        expect(result.refusal.message).not.toContain(String(said));
      }
    }
  });

  test('only management may', async () => {
    const result = await cash.client(OPERATOR).pay(purchaseOf(alice, shop));
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
  });
});

describe('what is rejected is rejected for ever, to the byte', () => {
  test('two purchases race for the last coin: in one batch, in two', async () => {
    for (const together of [true, false]) {
      const device = await funded(cash, 100n);
      const [first, second] = [purchaseOf(device, shop), purchaseOf(device, other)];
      const results = together
        ? await payAll(cash, first, second)
        : (await Promise.all([payAll(cash, first), payAll(cash, second)])).flat();
      expect(results.map(outcome)).toEqual(['paid', 'rejected: exceeds_credits']);
      expect(await cash.balance(device)).toBe(0n);
      // With more money the rejected one still is, and says the same.
      await cash.ledger.createTransfers([
        {
          id: nextRequest(),
          debitAccountId: 978_001n,
          creditAccountId: device.device,
          amount: 900n,
          ledger: EUR,
          code: 10,
        },
      ]);
      const again = await payAll(cash, second, second);
      const restarted = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store });
      again.push(...(await payAll(restarted, second)));
      await restarted.cash.close();
      for (const result of again) expect(signedBytesOf(result)).toEqual(signedBytesOf(results[1]!));
      expect(await cash.balance(device)).toBe(900n);
    }
  });

  test('expired; and later still for that reason', async () => {
    const request = purchaseOf(alice, shop, { expiresAt: 5n });
    const [first] = await payAll(cash, request);
    expect(outcome(first!)).toBe('rejected: order_expired');
    const [again] = await payAll(cash, request);
    expect(signedBytesOf(again!)).toEqual(signedBytesOf(first!));
    // What was paid in time stays paid.
    const paid = purchaseOf(alice, shop);
    const [receipt] = await payAll(cash, paid);
    expect(outcome(receipt!)).toBe('paid');
  });

  test('a sequence number that was used, or is too old', async () => {
    const device = await funded(cash, 100n);
    expect(await outcomes(purchaseOf(device, shop, { amount: 1n, sequence: 1_000n }))).toEqual(['paid']);
    expect(
      await outcomes(
        purchaseOf(device, shop, { amount: 1n, sequence: 1_000n }),
        purchaseOf(device, shop, { amount: 1n, sequence: 900n }),
        purchaseOf(device, shop, { amount: 1n, sequence: 999n }),
      ),
    ).toEqual(['rejected: sequence_used', 'rejected: sequence_too_old', 'paid']);
  });

  test('a second order of one purchase: the first stands, and each has its own answer', async () => {
    const id = nextRequest();
    const one = purchaseOf(alice, shop, { id, amount: 7n });
    const two = purchaseOf(alice, shop, { id, amount: 8n });
    const three = purchaseOf(alice, shop, { id, amount: 7n });
    expect(await outcomes(one, two, three)).toEqual([
      'paid',
      'rejected: exists_with_different_amount',
      'rejected: exists_with_different_order',
    ]);
    expect(await outcomes(three, two, one)).toEqual([
      'rejected: exists_with_different_order',
      'rejected: exists_with_different_amount',
      'paid',
    ]);
  });

  test('limits of the device', async () => {
    const device = await funded(cash, 1_000n);
    await cash.ledger.setOrderTerms([{ accountId: device.device, paymentMax: 50n, dayMax: 60n }]);
    expect(
      await outcomes(
        purchaseOf(device, shop, { amount: 51n }),
        purchaseOf(device, shop, { amount: 50n }),
        purchaseOf(device, shop, { amount: 11n }),
      ),
    ).toEqual(['rejected: exceeds_payment_limit', 'paid', 'rejected: exceeds_day_limit']);
  });
});

describe('rubbish under the id of a purchase does not kill it', () => {
  test('bad seals, bad signatures, other devices, and still it is paid', async () => {
    const [device, thief] = [await funded(cash, 100n), await funded(cash, 100n)];
    const id = nextRequest();
    const good = purchaseOf(device, shop, { id });
    const forged = payRequest(paymentOrder(device, shop, { id, amount: 99n }, thief.key), device, shop);
    const moved = { ...good, payment: purchaseOf(thief, shop).payment };
    const expired = purchaseOf(thief, other, { id, expiresAt: 5n });
    expect(await outcomes(forged, moved, expired, { ...good, amount: 1n }, good)).toEqual([
      'refused: signature_invalid',
      'refused: payment_seal_invalid',
      'rejected: order_expired',
      'refused: amount_mismatch',
      'paid',
    ]);
    expect(await outcomes(expired)).toEqual(['rejected: order_expired']);
  });

  test('an order of another that the ledger refuses for good: both are told, each of its own', async () => {
    const [device, thief] = [await funded(cash, 100n), await cash.opened()];
    const id = nextRequest();
    const [spoilt, good] = [purchaseOf(thief, other, { id }), purchaseOf(device, shop, { id })];
    expect(await outcomes(spoilt, good)).toEqual([
      'rejected: exceeds_credits',
      'rejected: id_already_failed',
    ]);
    expect(await outcomes(good, spoilt)).toEqual([
      'rejected: id_already_failed',
      'rejected: exceeds_credits',
    ]);
    expect(await cash.balance(device)).toBe(100n);
  });
});

test('what was sealed to a retired key still opens, until that key is gone', async () => {
  const retired = sealingKeyPair(88);
  const sealed = (): PayRequest => {
    const order = paymentOrder(alice, shop, { amount: 1n });
    const request = payRequest(order, alice, shop);
    return { ...request, payment: sealedTo({ request: request.request, shop: shop.shop }, order, retired) };
  };
  cash.identity.listSealing(retired);
  // Both keys in one batch.
  expect(await outcomes(sealed(), purchaseOf(alice, shop, { amount: 1n }), sealed())).toEqual(
    Array(3).fill('paid'),
  );
  cash.identity.unlistSealing(retired);
  expect(await outcomes(sealed())).toEqual(['refused: payment_seal_invalid']);
});

test('what became of a purchase: paid, reserved, rejected, never seen', async () => {
  const device = await funded(cash, 1_000n);
  const paid = purchaseOf(device, shop, { amount: 600n });
  const reserved = purchaseOf(device, shop, { ...AUTHORISATION, amount: 300n });
  const tooMuch = purchaseOf(device, shop, { amount: 600n });
  expect(await outcomes(paid, reserved, tooMuch)).toEqual(['paid', 'reserved', 'rejected: exceeds_credits']);
  const client = cash.client(OPERATOR);
  const reports = [];
  for (const id of [paid.request, reserved.request, tooMuch.request, nextRequest()]) {
    reports.push(answerOf(await client.lookupRequest(id)).report);
  }
  const about = { device: device.device, currency: EUR };
  expect(reports).toMatchObject([
    { ...about, kind: 'payment', state: 'paid', amount: 600n },
    { ...about, kind: 'authorisation', state: 'reserved', amount: 300n },
    { ...about, kind: 'payment', state: 'rejected', amount: 600n, detail: 'exceeds_credits' },
    undefined,
  ]);
});
