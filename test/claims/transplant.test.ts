// Purchases taken apart and put together otherwise, by shops, wallets and a management that are not honest: seals of one in
// another, orders of others, orders that say something else than what was agreed. Each attempt has a code of its own, whoever
// is asked, and afterwards the ledger is what it was, to the last account and transfer.
//
//     dishonest     speaks to       has
//     shop          management      its certificate, and all that wallets have ever given it
//     wallet        (by a shop)     its keys; seals whatever it likes
//     management    cash            the keys of management, stolen
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hpke } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { AccountFilterFlags, type PaymentOrder, TransferFlags } from '../../src/layout/generated.ts';
import { systemAccountId } from '../../src/roles/cash/accounts.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import type { PayRequest as CashPayRequest, PayAnswer } from '../../src/roles/cash/messages.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import { orderKeyId } from '../../src/roles/documents/payment-order.ts';
import {
  PaymentReceipt,
  ShopOrder,
  type ShopOrder as ShopOrderDocument,
  type SignedPaymentReceipt,
} from '../../src/roles/documents/payment-receipts.ts';
import { NumberContent, numberSealInfo, PurchaseBinding } from '../../src/roles/documents/purchase.ts';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import type { PayRequest } from '../../src/roles/management/messages.ts';
import { SHOP_REFUSALS, type ShopRefusal } from '../../src/roles/shop/errors.ts';
import { BuyAnswer, ShopOperation } from '../../src/roles/shop/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { id } from '../../src/shared/id.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { encodeMessages } from '../../src/wire/messages.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { paymentOrder, sealedTo } from '../roles/cash/pay-support.ts';
import { Device, MINUTE, now, signedBy, soon } from './device.ts';
import { WholeShop } from './open-shop.ts';
import { HandmadeShop } from './shop.ts';
import { accountNumber, answerOf, auditOf, EUR, eventually, System } from './system.ts';

const USD = 840;
const BALANCE = 50_000n;
const PRICE = 300n;
/** Digest of some terms: only the shop could say of which. */
const REFERENCE = new Uint8Array(32).fill(9);

let system: System;
let alice: Device;
let mallory: Device;
/** Where alice buys, and one that would like her money. */
let honest: HandmadeShop;
let greedy: HandmadeShop;
let till: ManagementClient;
let greedyTill: ManagementClient;
/** With stolen keys. */
let cash: CashClient;

beforeAll(async () => {
  system = await System.start({ deaf: true });
  honest = await HandmadeShop.open(system, accountNumber(1));
  greedy = await HandmadeShop.open(system, accountNumber(2));
  till = managementClient(await honest.connect());
  greedyTill = managementClient(await greedy.connect());
  [alice, mallory] = [await withMoney(3), await withMoney(4)];
  cash = new CashClient(await system.asRole('management', 'cash'));
}, 60_000);
afterAll(() => system?.close());

async function withMoney(place: number): Promise<Device> {
  const device = await Device.enrolled(system, accountNumber(place));
  const management = await device.management();
  const order = device.order(BALANCE);
  await eventually(
    async () => answerOf(await management.load({ order, account: undefined })).kind === 'loaded',
  );
  return device;
}

// ---- What there is to steal

/** Of every account that is concerned: its balances, and every transfer that ever touched it. */
async function ledgerDigest(): Promise<string> {
  const operator = await system.asOperator('cash');
  try {
    const ids = [alice.number, mallory.number, honest.number, greedy.number, systemAccountId('float', EUR)];
    const digest = createHash('sha256');
    const write = (records: readonly object[]): void => {
      const text = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
      digest.update(JSON.stringify(records, text));
    };
    write(await operator.lookupAccounts(ids));
    for (const accountId of ids) {
      const flags = AccountFilterFlags.debits | AccountFilterFlags.credits;
      write(await operator.getAccountTransfers({ accountId, limit: 1_000, flags }));
    }
    return digest.digest('hex');
  } finally {
    await operator.close(0);
  }
}

// ---- What is sent

interface Made {
  /** As the shop forwards it. */
  readonly message: PayRequest;
  readonly order: Uint8Array;
}

interface Bent {
  readonly payer?: Device;
  readonly shop?: HandmadeShop;
  readonly order?: Partial<PaymentOrder>;
  /** Whose key signs. */
  readonly signer?: Device;
  /** What management reads under its seal; left out: what the order says. */
  readonly number?: Partial<NumberContent>;
  /** What the shop says beside the seals. */
  readonly said?: Partial<PayRequest>;
}

/** A purchase that a wallet has put together as it likes: order and number may each say something else. */
function made({
  payer = alice,
  shop = honest,
  order: fields,
  signer = payer,
  number,
  said,
}: Bent = {}): Made {
  const [from, to] = [
    { device: payer.number, key: payer.signing },
    { shop: shop.number, key: shop.signing },
  ];
  const expiresAt = soon();
  const plain = { request: id(), amount: PRICE, currency: EUR, expiresAt, kind: 'sale' as const };
  const order = paymentOrder(
    from,
    to,
    {
      id: plain.request,
      amount: PRICE,
      ledger: EUR,
      expiresAt,
      sequence: nextSequence(payer),
      reference: REFERENCE,
      ...fields,
    },
    signer.signing,
  );
  const terms = { ...plain, reference: REFERENCE };
  const message = {
    ...terms,
    number: numberFor(terms, shop, { device: payer.number, ...number }),
    payment: sealedTo({ request: plain.request, shop: shop.number }, order, cashKey()),
    ...said,
  };
  return { message, order };
}

const sequences = new Map<Device, bigint>();
function nextSequence(device: Device): bigint {
  const next = (sequences.get(device) ?? 0n) + 1n;
  sequences.set(device, next);
  return next;
}

const cashKey = () => ({
  publicKey: system.directory().currentKeySet('cash', now()).keys.sealing,
});

function numberFor(
  { request, amount, currency, expiresAt, reference, kind }: Omit<PayRequest, 'number' | 'payment'>,
  shop: HandmadeShop,
  content: Partial<NumberContent> & { readonly device: bigint },
): PayRequest['number'] {
  const { sealing: publicKey } = system.directory().currentKeySet('management', now()).keys;
  const keyId = keyIdOf(publicKey, systemCrypto.sha256);
  const { enc: encapsulatedKey, ciphertext } = hpke.seal({
    recipientPublicKey: publicKey,
    info: numberSealInfo(keyId),
    aad: PurchaseBinding.encode({ request, shop: shop.number }),
    plaintext: NumberContent.encode({ amount, currency, expiresAt, reference, kind, ...content }),
  });
  return { keyId, encapsulatedKey, ciphertext };
}

/** Asks until there is an end: `refused: …`, `rejected: …`, or what the receipt says. */
async function told(ask: () => Promise<Told>): Promise<string> {
  let end = '';
  await eventually(async () => {
    const result = await ask();
    if (result.kind === 'refused') end = `refused: ${result.refusal.code}`;
    else if (result.kind === 'ok') {
      const { answer } = result;
      if (answer.kind === 'paid') end = answer.receipt.document.kind;
      if (answer.kind === 'rejected') end = `rejected: ${answer.rejection.document.reason}`;
    }
    return end !== '';
  });
  return end;
}

const pays = (message: PayRequest, at = till): Promise<string> => told(() => at.pay(message));
const atCash = (message: CashPayRequest): Promise<string> => told(() => cash.pay(message));

/** What a management would pass on. */
function asCash(
  { message: { number: _, ...message } }: Made,
  change: Partial<CashPayRequest> = {},
): CashPayRequest {
  return { ...message, device: alice.number, shop: honest.number, ...change };
}

const elsewhere = new Uint8Array(32).fill(1);

test('as they are, they are paid: by shop and by management', async () => {
  expect(await pays(made().message)).toBe('paid');
  expect(await atCash(asCash(made()))).toBe('paid');
  expect(await pays(made({ payer: mallory, shop: greedy }).message, greedyTill)).toBe('paid');
});

/** Every attempt of a table, one after the other: what it was told, and that nothing has changed. */
async function allAttempts(
  attempts: Readonly<Record<string, readonly [expected: string, attempt: () => Promise<string>]>>,
): Promise<void> {
  const before = await ledgerDigest();
  const results: Record<string, string> = {};
  for (const [name, [, attempt]] of Object.entries(attempts)) {
    results[name] = await attempt();
    expect(await ledgerDigest(), name).toBe(before);
  }
  expect(results).toEqual(Object.fromEntries(Object.entries(attempts).map(([name, [code]]) => [name, code])));
}

test('a shop that changes what it forwards', async () => {
  const one = made().message;
  const two = made().message;
  const hers = made({ payer: mallory }).message;
  const at =
    (change: Partial<PayRequest>, from = one, by = till) =>
    () =>
      pays({ ...from, ...change }, by);
  const stranger = generateKeyPair('sealing').publicKey;
  await allAttempts({
    'the number of another purchase': ['refused: number_seal_invalid', at({ number: two.number })],
    'the payment of another purchase': ['refused: payment_seal_invalid', at({ payment: two.payment })],
    'the number of another device': ['refused: number_seal_invalid', at({ number: hers.number })],
    'the payment of another device': ['refused: payment_seal_invalid', at({ payment: hers.payment })],
    'both, under another request': ['refused: number_seal_invalid', at({ request: id() })],
    'all of it, at another shop': ['refused: number_seal_invalid', at({}, one, greedyTill)],
    more: ['refused: amount_mismatch', at({ amount: PRICE + 1n })],
    less: ['refused: amount_mismatch', at({ amount: PRICE - 1n })],
    nothing: ['refused: malformed', at({ amount: 0n })],
    'another currency': ['refused: currency_mismatch', at({ currency: USD })],
    'a later end': ['refused: expiry_mismatch', at({ expiresAt: one.expiresAt + MINUTE })],
    'an earlier end': ['refused: expiry_mismatch', at({ expiresAt: 1n })],
    'other articles': ['refused: reference_mismatch', at({ reference: elsewhere })],
    'another kind': ['refused: kind_mismatch', at({ kind: 'authorisation' })],
    'the payment in place of the number': [
      'refused: number_seal_invalid',
      at({ number: { ...one.number, encapsulatedKey: one.payment.encapsulatedKey } }),
    ],
    'a number for a key that management has not': [
      'refused: seal_key_unknown',
      at({ number: { ...one.number, keyId: keyIdOf(stranger, systemCrypto.sha256) } }),
    ],
    'a payment for a key that cash has not': [
      'refused: payment_seal_invalid',
      at({ payment: { ...one.payment, keyId: keyIdOf(stranger, systemCrypto.sha256) } }),
    ],
    'a number of its own making for that request': [
      'refused: payer_mismatch',
      () => {
        const number = numberFor(one, honest, { device: mallory.number });
        return pays({ ...one, number });
      },
    ],
    'a number of its own making, of another amount': [
      'refused: amount_mismatch',
      () => {
        const lies = { ...one, amount: PRICE - 1n };
        const number = numberFor(lies, honest, { device: alice.number });
        return pays({ ...lies, number });
      },
    ],
  });
  // What was tried with it has not used it up.
  expect(await pays(one)).toBe('paid');
});

test('a wallet that seals something else than was agreed, with a shop that does not mind', async () => {
  const by = (bent: Bent) => () => pays(made(bent).message);
  const aliceKey = orderKeyId(keyIdOf(alice.signing.publicKey, systemCrypto.sha256));
  const paid = made();
  expect(await pays(paid.message)).toBe('paid');
  await allAttempts({
    'an order of another amount': ['refused: amount_mismatch', by({ order: { amount: 1n } })],
    'an order in another currency': ['refused: currency_mismatch', by({ order: { ledger: USD } })],
    'an order that ends later': ['refused: expiry_mismatch', by({ order: { expiresAt: soon() + MINUTE } })],
    'an order for other articles': ['refused: reference_mismatch', by({ order: { reference: elsewhere } })],
    'an order of another kind': [
      'refused: kind_mismatch',
      by({ order: { code: 21, flags: TransferFlags.pending, timeout: 60 } }),
    ],
    'an order whose flags are not those of its code': [
      'refused: kind_mismatch',
      by({ order: { flags: TransferFlags.pending } }),
    ],
    'a sale that runs out': ['refused: payment_refused', by({ order: { timeout: 60 } })],
    'an order with more in it': ['refused: payment_refused', by({ order: { userData64: 1n } })],
    'an order without a sequence': ['refused: payment_refused', by({ order: { sequence: 0n } })],
    'an order to another shop': [
      'refused: payee_mismatch',
      by({ order: { creditAccountId: greedy.number } }),
    ],
    'an order to itself': ['refused: payee_mismatch', by({ order: { creditAccountId: alice.number } })],
    'an order of another request': ['refused: request_mismatch', by({ order: { id: id() } })],
    // "Alice pays": said under the number's seal, in the order, or in both.
    'the number of another': [
      'refused: payer_mismatch',
      by({ payer: mallory, number: { device: alice.number } }),
    ],
    'an order on the account of another': [
      'refused: payer_mismatch',
      by({ payer: mallory, order: { debitAccountId: alice.number } }),
    ],
    'number and order of another, with its own key': [
      'refused: key_mismatch',
      by({
        payer: mallory,
        number: { device: alice.number },
        order: { debitAccountId: alice.number },
      }),
    ],
    'number, order and key of another, and its own signature': [
      'refused: signature_invalid',
      by({ payer: alice, signer: mallory, order: { keyId: aliceKey } }),
    ],
    'a number that nobody has': ['refused: device_unknown', by({ number: { device: alice.number ^ 1n } })],
    'the number of a shop': ['refused: device_unknown', by({ number: { device: honest.number } })],
    'an amount that the number does not have': [
      'refused: amount_mismatch',
      by({ number: { amount: PRICE - 1n } }),
    ],
    'a number that ends earlier': ['refused: expiry_mismatch', by({ number: { expiresAt: 1n } })],
    'a number for other articles': ['refused: reference_mismatch', by({ number: { reference: elsewhere } })],
    'a number of another kind': ['refused: kind_mismatch', by({ number: { kind: 'authorisation' } })],
    // Signed, sealed and agreed on, and against a rule of the ledger: for good, and cash signs that.
    'a sequence that is used': [
      'rejected: sequence_used',
      by({ order: { sequence: sequences.get(alice)! } }),
    ],
    'more than there is': [
      'rejected: exceeds_credits',
      () => {
        const change = { amount: BALANCE + 1n };
        return pays(made({ order: change, number: change, said: change }).message);
      },
    ],
    'what has run out': [
      'rejected: order_expired',
      () => {
        const change = { expiresAt: now() - 10n * MINUTE };
        return pays(made({ order: change, number: change, said: change }).message);
      },
    ],
  });
});

test('a management that passes on something else: what it cannot read it cannot change', async () => {
  const one = made();
  const two = made();
  const at =
    (change: Partial<CashPayRequest>, of = one) =>
    () =>
      atCash(asCash(of, change));
  const sealedAnew = (order: Uint8Array, request: bigint, shop = honest.number) =>
    sealedTo({ request, shop }, order, cashKey());
  const flipped = (order: Uint8Array, at: number): Uint8Array => {
    const copy = order.slice();
    copy[at]! ^= 1;
    return copy;
  };
  const { request } = one.message;
  await allAttempts({
    'the payment of another purchase': [
      'refused: payment_seal_invalid',
      at({ payment: two.message.payment }),
    ],
    'another request': ['refused: payment_seal_invalid', at({ request: id() })],
    'another shop': ['refused: payment_seal_invalid', at({ shop: greedy.number })],
    'a shop that there is not': ['refused: shop_unknown', at({ shop: greedy.number ^ 1n })],
    'another device': ['refused: payer_mismatch', at({ device: mallory.number })],
    'a device that there is not': ['refused: device_unknown', at({ device: alice.number ^ 1n })],
    'another amount': ['refused: amount_mismatch', at({ amount: PRICE + 1n })],
    'another currency': ['refused: currency_not_offered', at({ currency: USD })],
    'another end': ['refused: expiry_mismatch', at({ expiresAt: one.message.expiresAt + MINUTE })],
    'other articles': ['refused: reference_mismatch', at({ reference: elsewhere })],
    'another kind': ['refused: kind_mismatch', at({ kind: 'authorisation' })],
    // With what it should never have got: an order in the clear, sealed anew.
    'an order sealed for another request': [
      'refused: request_mismatch',
      () => {
        const other = id();
        return atCash(asCash(one, { request: other, payment: sealedAnew(one.order, other) }));
      },
    ],
    'an order sealed for another shop': [
      'refused: payee_mismatch',
      at({ shop: greedy.number, payment: sealedAnew(one.order, request, greedy.number) }),
    ],
    'an order with another signature': [
      'refused: signature_invalid',
      at({ payment: sealedAnew(flipped(one.order, 192), request) }),
    ],
    'an order with another sequence': [
      'refused: signature_invalid',
      at({ payment: sealedAnew(flipped(one.order, 160), request) }),
    ],
    'an order whose signature is of a receipt': [
      'refused: signature_invalid',
      () => {
        const order = one.order.slice();
        order.set(signedBy(ShopOrder, orderFor({ purchase: request }), honest.signing).signature, 192);
        return atCash(asCash(one, { payment: sealedAnew(order, request) }));
      },
    ],
  });
  // Sealed by somebody else and nothing changed: it is the same order, paid once, with the same receipt.
  expect(await atCash(asCash(one, { payment: sealedAnew(one.order, request) }))).toBe('paid');
  const after = await ledgerDigest();
  const [again, first] = await Promise.all([cash.pay(asCash(one)), till.pay(one.message)]);
  expect(receiptOf(again)).toEqual(receiptOf(first));
  expect(await ledgerDigest()).toBe(after);
});

type Told = CallResult<PayAnswer | { readonly kind: 'pending'; readonly state: string }>;

function receiptOfMessage(result: Told): SignedPaymentReceipt {
  const answer = answerOf(result);
  if (answer.kind !== 'paid') throw new Error(`expected it to be paid, got ${answer.kind}`);
  return answer.receipt;
}

const receiptOf = (result: Told): Uint8Array => PaymentReceipt.signed.encode(receiptOfMessage(result));

test('replays: the same again is the same receipt, whoever sends it, and something else under its name is refused', async () => {
  const paid = made();
  expect(await pays(paid.message)).toBe('paid');
  const { request } = paid.message;
  const first = receiptOf(await till.pay(paid.message));
  const written = await system.lookupAtManagement(request);
  expect(written).toMatchObject({ state: 'paid', device: alice.number });
  const after = await ledgerDigest();
  for (const ask of [() => till.pay(paid.message), () => cash.pay(asCash(paid))]) {
    const answers = await Promise.all([ask(), ask(), ask()]);
    for (const answer of answers) expect(receiptOf(answer)).toEqual(first);
  }
  expect(await ledgerDigest()).toBe(after);
  const anew = (order: Partial<PaymentOrder>, more: Bent = {}) =>
    pays(
      made({ ...more, order: { id: request, ...order }, said: { request } }).message,
      more.shop === greedy ? greedyTill : till,
    );
  await allAttempts({
    // Management opens the number for the request that it is told: a replayed name needs seals of that name.
    'another order, named as the one that is paid': ['refused: number_seal_invalid', () => anew({})],
    'the order that is paid, under another request': [
      'refused: request_mismatch',
      () => {
        const other = made();
        const payment = sealedTo(
          { request: other.message.request, shop: honest.number },
          paid.order,
          cashKey(),
        );
        return pays({ ...other.message, payment });
      },
    ],
    'the order that is paid, at another shop': [
      'refused: payee_mismatch',
      () => {
        const number = numberFor(paid.message, greedy, { device: alice.number });
        const payment = sealedTo({ request, shop: greedy.number }, paid.order, cashKey());
        return pays({ ...paid.message, number, payment }, greedyTill);
      },
    ],
    'a second order of that name and another amount': [
      'rejected: exists_with_different_amount',
      () => secondOf(request, { amount: PRICE + 1n }),
    ],
    'a second order of that name, of another device': [
      'rejected: exists_with_different_debit_account_id',
      () => secondOf(request, {}, mallory),
    ],
    'a second order of that name, at another shop': [
      'rejected: exists_with_different_credit_account_id',
      () => secondOf(request, {}, alice, greedy),
    ],
    'a second order of that name, of later': [
      'rejected: exists_with_different_order',
      () => secondOf(request, { sequence: sequences.get(alice)! }),
    ],
  });
  expect(receiptOf(await till.pay(paid.message))).toEqual(first);
  // Nor does anybody who looks it up hear of what was tried in its name.
  expect(await system.lookupAtManagement(request)).toEqual(written);
});

/** Everything about it as it should be, but that its name is one that another purchase has. */
function secondOf(
  request: bigint,
  fields: Partial<PaymentOrder>,
  payer = alice,
  shop = honest,
): Promise<string> {
  const { message, order } = made({ payer, shop, order: { id: request, ...fields } });
  const { amount = PRICE } = fields;
  const whole = { ...message, request, amount };
  const number = numberFor(whole, shop, { device: payer.number });
  const payment = sealedTo({ request, shop: shop.number }, order, cashKey());
  return pays({ ...whole, number, payment }, shop === greedy ? greedyTill : till);
}

// ---- What shops order about a purchase later

function orderFor(
  change: Partial<ShopOrderDocument> & Pick<ShopOrderDocument, 'purchase'>,
): ShopOrderDocument {
  const plain = { request: id(), shop: honest.number, action: 'refund' as const, amount: 1n, currency: EUR };
  return { ...plain, applyBy: soon(), ...change };
}

async function orders(
  document: ShopOrderDocument,
  { signer = honest, at = till }: { readonly signer?: HandmadeShop; readonly at?: ManagementClient } = {},
): Promise<string> {
  const order = signedBy(ShopOrder, document, signer.signing);
  let end = '';
  await eventually(async () => {
    const result = await at.shopOrder({ order });
    if (result.kind === 'refused') end = `refused: ${result.refusal.code}`;
    else if (result.kind === 'ok' && result.answer.kind === 'rejected') {
      end = `rejected: ${result.answer.rejection.document.reason}`;
    } else if (result.kind === 'ok' && result.answer.kind === 'done') end = 'done';
    return end !== '';
  });
  return end;
}

test('refunds, captures and voids of what is not theirs', async () => {
  const sale = made().message;
  expect(await pays(sale)).toBe('paid');
  const reservation = { code: 21, flags: TransferFlags.pending, timeout: 3_600 };
  const kind = 'authorisation' as const;
  const held = made({ order: reservation, number: { kind }, said: { kind } }).message;
  expect(await pays(held)).toBe('reserved');
  const purchase = sale.request;
  const by = greedy.number;
  const as = { signer: greedy, at: greedyTill };
  await allAttempts({
    'a refund of a purchase at another shop': [
      'rejected: purchase_unknown',
      () => orders(orderFor({ purchase, shop: by }), as),
    ],
    'a capture at another shop': [
      'rejected: purchase_unknown',
      () => orders(orderFor({ purchase: held.request, shop: by, action: 'capture' }), as),
    ],
    'a void at another shop': [
      'rejected: purchase_unknown',
      () => orders(orderFor({ purchase: held.request, shop: by, action: 'void', amount: 0n }), as),
    ],
    'in the name of another shop': ['refused: not_permitted', () => orders(orderFor({ purchase }), as)],
    'signed by another shop': [
      'refused: signature_invalid',
      () => orders(orderFor({ purchase }), { signer: greedy }),
    ],
    'forwarded by another shop': [
      'refused: not_permitted',
      () => orders(orderFor({ purchase }), { at: greedyTill }),
    ],
    'of more than was paid': [
      'rejected: exceeds_payment',
      () => orders(orderFor({ purchase, amount: PRICE + 1n })),
    ],
    'of what is only reserved': [
      'rejected: purchase_not_paid',
      () => orders(orderFor({ purchase: held.request })),
    ],
    'a capture of what is paid': [
      'rejected: purchase_not_reserved',
      () => orders(orderFor({ purchase, action: 'capture' })),
    ],
    'a void of what is paid': [
      'rejected: purchase_not_reserved',
      () => orders(orderFor({ purchase, action: 'void', amount: 0n })),
    ],
    'a capture of more than is reserved': [
      'rejected: exceeds_pending_transfer_amount',
      () => orders(orderFor({ purchase: held.request, action: 'capture', amount: PRICE + 1n })),
    ],
    'in another currency': [
      'refused: currency_not_offered',
      () => orders(orderFor({ purchase, currency: USD })),
    ],
    'too late': ['rejected: expired', () => orders(orderFor({ purchase, applyBy: now() - MINUTE }))],
    'of a load': ['rejected: purchase_unknown', () => orders(orderFor({ purchase: id() }))],
  });
  expect(await orders(orderFor({ purchase: held.request, action: 'void', amount: 0n }))).toBe('done');
  expect(await orders(orderFor({ purchase, amount: PRICE }))).toBe('done');
});

test('only management pays at cash: not a shop, not a device, not an operator', async () => {
  const one = asCash(made());
  const before = await ledgerDigest();
  const asOperator = new CashClient(await system.asOperator('cash'));
  expect(await asOperator.pay(one)).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
  const settlement = new CashClient(await system.asRole('settlement', 'cash'));
  expect(await settlement.pay(one)).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
  // And only shops at management.
  const device = await alice.management();
  expect(await device.pay(made().message)).toMatchObject({
    kind: 'refused',
    refusal: { code: 'not_permitted' },
  });
  expect(await ledgerDigest()).toBe(before);
});

// ---- What a wallet is told

test('a shop that answers with the receipt of another purchase: nothing is subtracted before the right one is there', async () => {
  const shop = await WholeShop.open(system, {
    ...{ name: 'Liar', account: 'DE89370400440532013000' },
    articles: [{ id: 'coffee', name: 'Coffee', price: '3.00' }],
  });
  try {
    const coffee = [{ article: 'coffee', price: amountOf(PRICE) }];
    const [bob, carol] = [await aWallet('bob', 5), await aWallet('carol', 6)];
    const hers = await carol.buy({ shop: shop.card, articles: coffee });
    const his = await bob.buy({ shop: shop.card, articles: coffee });
    const lies = [
      await receiptOfWallet(carol, hers.request),
      await receiptOfWallet(bob, his.request),
      // Of the same device, the same amount, the same kind; and of another shop.
      receiptOfMessage(await till.pay(made().message)),
    ];
    let balance = BALANCE - PRICE;
    for (const receipt of lies) {
      shop.lie = ({ operation, count }) => {
        if (operation !== ShopOperation.buy) return undefined;
        const body = encodeMessages([buyAnswers.encode({ kind: 'paid', receipt })]);
        return { status: RequestStatus.ok, timestamp: 0n, count, body };
      };
      const before = await ledgerDigest();
      await expect(bob.buy({ shop: shop.card, articles: coffee })).rejects.toMatchObject({
        code: 'answer_invalid',
      });
      expect(await ledgerDigest()).toBe(before);
      expect(await bob.balance({ online: true })).toMatchObject({
        balance,
        available: balance - PRICE,
        online: { balance },
      });
      shop.lie = undefined;
      // The purchase is open, and is paid when the shop does what it should.
      expect(await bob.resume()).toMatchObject({ finished: [{ state: { kind: 'paid' } }], unfinished: [] });
      balance -= PRICE;
      expect(await bob.balance({ online: true })).toMatchObject({
        balance,
        available: balance,
        online: { balance },
      });
    }
    expect(await bob.verify()).toMatchObject({ problems: [], balance });
  } finally {
    await shop.close();
  }
});

const buyAnswers = answerCodec<BuyAnswer, ShopRefusal>(BuyAnswer, SHOP_REFUSALS);

async function aWallet(name: string, place: number): Promise<Wallet> {
  const wallet = await system.wallet(name);
  await wallet.enrol({ userData: name });
  await wallet.load({ amount: amountOf(BALANCE), accountNumber: accountNumber(place) });
  return wallet;
}

async function receiptOfWallet(wallet: Wallet, request: bigint): Promise<SignedPaymentReceipt> {
  const payments = await wallet.payments();
  return payments.find(({ receipt }) => receipt.document.request === request)!.receipt;
}

test('afterwards all books agree', async () => {
  expect(await auditOf(system)).toEqual({ passed: true, open: [], findings: [] });
});
