// Claim 8: "An electronic cash system … adapted to processing a payment to an amount due with previously deposited funds":
// the one claim in which all five apparatuses and the shop meet.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PatternNumber, PREAMBLE_SIZE } from '../../src/channel/secure/preamble.ts';
import { hpke, sha256 } from '../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeySet } from '../../src/identity/new-key-set.ts';
import { CashOperation, PayRequest as CashPayRequest } from '../../src/roles/cash/messages.ts';
import { decodePaymentOrder, orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import {
  NumberContent,
  numberSealInfo,
  PurchaseBinding,
  paymentSealInfo,
  purchaseReference,
  type SealedNumber,
} from '../../src/roles/documents/purchase.ts';
import { ManagementOperation, PayRequest } from '../../src/roles/management/messages.ts';
import { BuyRequest, ShopOperation } from '../../src/roles/shop/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { id } from '../../src/shared/id.ts';
import type { Outcome, Wallet } from '../../src/wallet/index.ts';
import { WholeShop } from './open-shop.ts';
import { accountNumber, auditOf, EUR, System, toldBy } from './system.ts';
import { accountNumberForms, found, keyForms, numberForms, textForms } from './traces.ts';

const DEPOSIT = 450_000_000n;
/** One engine and fifty cards. */
const AMOUNT = 271_828_183n + 50n * 314n;
const ACCOUNT = accountNumber(8);
const SHOP_ACCOUNT = 'DE89370400440532013000';
const USER_DATA = 'Ada Lovelace, Saint James’s Square 12';
const ARTICLES = [
  { id: 'difference-engine', name: 'Difference Engine No. 2', price: '2718281.83' },
  { id: 'punched-card', name: 'Punched card, Jacquard', price: '3.14' },
];
const WANTED = [{ article: 'difference-engine' }, { article: 'punched-card', quantity: 50 }];

let system: System;
let shop: WholeShop;
let wallet: Wallet;
let channelKey: Uint8Array;
let outcome: Outcome;
/** By settlement, before anything was bought. */
let heardBefore: number;

beforeAll(async () => {
  system = await System.start({ limits: { loadAmountMax: '5000000', balanceMax: '9000000' } });
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: USER_DATA });
  await wallet.load({ amount: amountOf(DEPOSIT), accountNumber: ACCOUNT });
  const { peer } = heardBy('management', ManagementOperation.load)[0]!;
  if (peer.kind !== 'device') throw new Error(`expected a device, got ${peer.kind}`);
  ({ channelKey } = peer);
  shop = await WholeShop.open(system, { name: 'Babbage', account: SHOP_ACCOUNT, articles: ARTICLES });
  heardBefore = heardOf('settlement');
  outcome = await wallet.buy({ shop: shop.card, articles: WANTED });
}, 60_000);
afterAll(async () => {
  await shop?.close();
  await system?.close();
});

const heardBy = (role: string, operation: number) =>
  system.heard.filter((heard) => heard.role === role && heard.operation === operation);
const heardOf = (role: string): number => system.heard.filter((heard) => heard.role === role).length;
const bought = (): BuyRequest =>
  BuyRequest.decode(shop.heard.find(({ operation }) => operation === ShopOperation.buy)!.messages[0]!);
const forwarded = (): PayRequest =>
  PayRequest.decode(heardBy('management', ManagementOperation.pay)[0]!.messages[0]!);
const passedOn = (): CashPayRequest =>
  CashPayRequest.decode(heardBy('cash', CashOperation.pay)[0]!.messages[0]!);
const balance = async (): Promise<bigint> => (await wallet.balance()).balance;

test('"said information processing apparatus transmitting to said shop, information on an article to be purchased"', () => {
  const { terms } = bought();
  expect(terms).toMatchObject({ request: outcome.request, shop: shop.number, kind: 'sale', currency: EUR });
  expect(terms.articles).toEqual([
    { article: 'difference-engine', quantity: 1, price: 271_828_183n },
    { article: 'punched-card', quantity: 50, price: 314n },
  ]);
  expect(terms.amount).toBe(AMOUNT);
});

test('"a number unique to said information processing apparatus encrypted with a public key of said management apparatus": no other key opens it', async () => {
  const { number } = bought();
  const { sealing } = await system.stolenKeys('management');
  expect(NumberContent.decode(opened(number, sealing, numberSealInfo) as Uint8Array)).toMatchObject({
    device: wallet.device,
    amount: AMOUNT,
  });
  const strangers = [
    await system.stolenKeys('cash'),
    await system.stolenKeys('settlement'),
    generateKeySet(),
  ];
  for (const key of strangers.flatMap((keys) => [keys.sealing, keys.channel])) {
    expect(opened(number, key, numberSealInfo)).toBe('authentication_failed');
  }
  expect(opened(number, await shopChannel(), numberSealInfo)).toBe('authentication_failed');
});

test('"and transmitting a payment for said purchased article encrypted with a public key of said electronic cash management apparatus": no other key opens it', async () => {
  const { payment, terms } = bought();
  const order = await paymentOrder();
  expect(decodePaymentOrder(order)).toMatchObject({
    id: outcome.request,
    debitAccountId: wallet.device,
    creditAccountId: shop.number,
    amount: AMOUNT,
    reference: purchaseReference(terms, sha256),
  });
  const strangers = [
    await system.stolenKeys('management'),
    await system.stolenKeys('settlement'),
    generateKeySet(),
  ];
  for (const key of strangers.flatMap((keys) => [keys.sealing, keys.channel])) {
    expect(opened(payment, key, paymentSealInfo)).toBe('authentication_failed');
  }
  expect(opened(payment, await shopChannel(), paymentSealInfo)).toBe('authentication_failed');
  // Nor does the right key for another purchase, or at another shop.
  const { sealing } = await system.stolenKeys('cash');
  for (const change of [{ request: outcome.request + 1n }, { shop: shop.number + 1n }]) {
    expect(opened(payment, sealing, paymentSealInfo, change)).toBe('authentication_failed');
  }
});

test('"said shop confirming said information on the article to be purchased, received thereby": what it would not sell it forwards to nobody', async () => {
  const { terms, ...rest } = bought();
  const [engine, cards] = terms.articles as [(typeof terms.articles)[0], (typeof terms.articles)[0]];
  const forwardedBefore = heardBy('management', ManagementOperation.pay).length;
  const customer = await shop.customer();
  const told: Record<string, string> = {};
  for (const [what, change] of Object.entries({
    'another price': { articles: [{ ...engine, price: 1n }, cards], amount: 1n + 15_700n },
    'another article': { articles: [{ ...engine, article: 'engine' }, cards] },
    'not the sum': { amount: AMOUNT - 1n },
    'another shop': { shop: shop.number + 1n },
    'nothing at all': { articles: [], amount: 0n },
    'over already': { expiresAt: 1n },
  })) {
    told[what] = toldBy(
      await customer.call('buy', { ...rest, terms: { ...terms, request: id(), ...change } }),
    );
  }
  expect(told).toEqual({
    'another price': 'refused: price_differs',
    'another article': 'refused: article_unknown',
    'not the sum': 'refused: amount_differs',
    'another shop': 'refused: shop_differs',
    'nothing at all': 'refused: articles_invalid',
    'over already': 'refused: expired',
  });
  expect(heardBy('management', ManagementOperation.pay).length).toBe(forwardedBefore);
});

test('"and transmitting said number unique to said information processing apparatus and a proceed for said purchased article to said management apparatus"', () => {
  const { terms, number, payment } = bought();
  expect(heardBy('management', ManagementOperation.pay)[0]!.peer).toMatchObject({
    kind: 'shop',
    shop: shop.number,
  });
  expect(forwarded()).toEqual({
    request: outcome.request,
    kind: 'sale',
    amount: AMOUNT,
    currency: EUR,
    expiresAt: terms.expiresAt,
    reference: purchaseReference(terms, sha256),
    number,
    payment,
  });
});

test('"said management apparatus decrypting said encrypted number unique to said information processing apparatus, received thereby, with a secret key of said management apparatus, and transmitting said number unique to said information processing apparatus and said proceed for the purchased article to said cash management apparatus"', () => {
  expect(heardBy('cash', CashOperation.pay)[0]!.peer).toMatchObject({ kind: 'role', role: 'management' });
  expect(passedOn()).toMatchObject({
    request: outcome.request,
    device: wallet.device,
    shop: shop.number,
    amount: AMOUNT,
    currency: EUR,
    payment: bought().payment,
  });
});

test('"said cash management apparatus decrypting said encrypted proceed for the purchased article, received thereby, with a secret key of said cash management apparatus, and storing the same together with said number unique to said information processing apparatus"', async () => {
  const operator = await system.asOperator('cash');
  expect(await operator.lookupTransfers([outcome.request])).toMatchObject([
    { debitAccountId: wallet.device, creditAccountId: shop.number, amount: AMOUNT, ledger: EUR },
  ]);
  expect(await operator.lookupAccounts([wallet.device!, shop.number])).toMatchObject([
    { debitsPosted: AMOUNT, creditsPosted: DEPOSIT },
    { debitsPosted: 0n, creditsPosted: AMOUNT },
  ]);
  await operator.close();
  // What it has decrypted, with the signature: whoever audits it can check it again.
  const order = await paymentOrder();
  expect(
    found([{ name: 'signature', bytes: Buffer.from(order.subarray(192)) }], system.storeOf('cash')),
  ).toEqual(['signature']);
});

test('"after a normal completion of said processing, said information processing apparatus subtracting said payment for the purchased article from electronic cash previously held thereby, and recording the resulting electronic cash"', async () => {
  expect(outcome).toMatchObject({ state: { kind: 'paid' }, amount: AMOUNT, balance: DEPOSIT - AMOUNT });
  expect(await wallet.balance({ online: true })).toMatchObject({
    balance: DEPOSIT - AMOUNT,
    available: DEPOSIT - AMOUNT,
    online: { balance: DEPOSIT - AMOUNT, verdict: 'agrees' },
  });
  const [{ receipt } = { receipt: undefined }] = await wallet.payments();
  expect(receipt).toMatchObject({
    document: { request: outcome.request, shop: shop.number, amount: AMOUNT, kind: 'paid' },
  });
  // The same bytes that cash has signed have come all the way.
  const told = (answer: Buffer) => answer.includes(Buffer.from(receipt!.signature));
  expect(heardBy('cash', CashOperation.pay)[0]!.answers.some(told)).toBe(true);
  expect(heardBy('management', ManagementOperation.pay)[0]!.answers.some(told)).toBe(true);
  expect(shop.heard.some(({ answers }) => answers.some(told))).toBe(true);
  expect(await wallet.verify()).toMatchObject({ problems: [], balance: DEPOSIT - AMOUNT });
});

test('without a normal completion it does neither: cash is away, and the amount is only set aside', async () => {
  await system.stopRole('cash');
  const before = await balance();
  const card = [{ article: 'punched-card', price: amountOf(314n) }];
  await expect(wallet.buy({ shop: shop.card, articles: card, patienceMs: 400 })).rejects.toMatchObject({
    code: expect.stringMatching(/^(unfinished|unreachable)$/),
  });
  expect(await wallet.balance()).toMatchObject({ balance: before, available: before - 314n });
  expect(await wallet.payments()).toHaveLength(1);
  await system.startRole('cash');
  expect(await wallet.resume()).toMatchObject({ finished: [{ state: { kind: 'paid' } }], unfinished: [] });
  expect(await wallet.balance()).toMatchObject({ balance: before - 314n, available: before - 314n });
});

test('the channel says no more of the customer than the seal does: he is unnamed, and each purchase is somebody', async () => {
  const other = await system.wallet('augusta');
  await other.enrol({ userData: 'Augusta' });
  await other.load({ amount: amountOf(10_000n), accountNumber: accountNumber(9) });
  const shopsBuys = () => shop.heard.filter(({ operation }) => operation === ShopOperation.buy);
  const before = shopsBuys().length;
  const articles = [{ article: 'punched-card' }];
  for (const buyer of [wallet, other]) await buyer.buy({ shop: shop.card, articles });
  expect(new Set(shop.heard.map(({ peer }) => peer.kind))).toEqual(new Set(['unnamed']));
  const firsts = shop.tap.connections.map((connection) => connection.messages('up')[0]!);
  for (const first of firsts) {
    // A preamble that names nobody, an ephemeral key, a tag: no room for more.
    expect(first.length).toBe(PREAMBLE_SIZE + 32 + 16);
    expect(first[5]).toBe(PatternNumber.NK);
    expect(first.subarray(16, PREAMBLE_SIZE)).toEqual(Buffer.alloc(8));
  }
  const keys = firsts.map((first) => first.subarray(PREAMBLE_SIZE, PREAMBLE_SIZE + 32).toString('hex'));
  expect(new Set(keys).size).toBe(keys.length);
  // Two of one wallet and one of another: as long as each other, and without a run of bytes in common beyond what is bought.
  const messages = shopsBuys()
    .slice(before)
    .map(({ messages: [message] }) => BuyRequest.decode(message!));
  expect(messages.length).toBeGreaterThanOrEqual(2);
  const sealedParts = messages.map(({ number, payment }) => [number, payment]);
  const lengths = sealedParts.map((parts) => parts.map(({ ciphertext }) => ciphertext.length));
  expect(new Set(lengths.map(String)).size).toBe(1);
  for (const part of [0, 1]) {
    const seen = sealedParts.map((parts) => Buffer.from(parts[part]!.encapsulatedKey).toString('hex'));
    expect(new Set(seen).size).toBe(seen.length);
  }
  expect(new Set(messages.map(({ terms }) => Buffer.from(terms.salt).toString('hex'))).size).toBe(
    messages.length,
  );
});

test('afterwards all books agree', async () => {
  expect(await auditOf(system)).toEqual({ passed: true, open: [], findings: [] });
});

test('what each party has not seen', async () => {
  const order = await paymentOrder();
  const { salt } = bought().terms;
  const signingKey = await wallet.signingKey();
  const accounts = accountNumberForms(ACCOUNT);
  const device = numberForms('device number', wallet.device!, 16);
  const userData = textForms('user data', USER_DATA);
  const keys = [
    ...keyForms('signing key', signingKey),
    ...keyForms('id of the signing key', keyIdOf(signingKey, sha256)),
    ...keyForms('channel key', channelKey),
    ...keyForms('certificate', wallet.certificate!.subarray(-64)),
  ];
  const articles = [
    ...ARTICLES.flatMap(({ id: article, name }) => [
      ...textForms('article', article),
      ...textForms('name', name),
    ]),
    ...keyForms('salt', salt),
  ];
  // Runs of the order that nothing else has: its signature, and what stands around the sequence.
  const payment = [
    ...keyForms('signature of the order', order.subarray(192)),
    ...keyForms('order, from its sequence', order.subarray(160, 192)),
    ...keyForms('order, its first half', order.subarray(0, 64)),
    ...keyForms('what the device has signed', orderSignedBytes(order).subarray(0, 100)),
  ];
  const shopsAccount = textForms('account of the shop', SHOP_ACCOUNT);

  const atShop = shop.knows();
  expect(found([...device, ...keys, ...accounts, ...userData, ...payment], atShop), 'at the shop').toEqual(
    [],
  );
  expect(found(articles, atShop)).toEqual(expect.arrayContaining(['article, ASCII', 'name, ASCII', 'salt']));

  const atManagement = known('management');
  expect(
    found([...payment, ...articles, ...accounts, ...shopsAccount], atManagement),
    'at management',
  ).toEqual([]);
  expect(found(device, atManagement)).toContain('device number, little-endian');

  const atCash = known('cash');
  expect(found([...articles, ...accounts, ...userData, ...shopsAccount], atCash), 'at cash').toEqual([]);
  expect(found(device, atCash)).toContain('device number, little-endian');
  expect(found(payment, system.storeOf('cash'))).toContain('signature of the order');

  const purchase = [
    ...numberForms('purchase', outcome.request, 16),
    ...numberForms('amount', AMOUNT, 16),
    ...numberForms('shop', shop.number, 16),
    ...keyForms('reference', purchaseReference(bought().terms, sha256)),
  ];
  expect(
    found([...purchase, ...payment, ...articles, ...device], known('settlement')),
    'at settlement',
  ).toEqual([]);
  const heardSince = system.heard.filter(({ role }) => role === 'settlement').slice(heardBefore);
  expect(
    found(
      purchase,
      heardSince.flatMap(({ messages, answers }) => [...messages, ...answers]),
    ),
    'settlement hears nothing of purchases',
  ).toEqual([]);
  expect(found(purchase, atCash)).toEqual(
    expect.arrayContaining(['purchase, little-endian', 'amount, little-endian', 'reference']),
  );

  const lines = [
    shop.tap,
    ...(['management', 'cash', 'settlement'] as const).map((role) => system.tap(role)),
  ].flatMap((tap) => tap.everything());
  expect(
    found([...device, ...keys, ...payment, ...articles, ...purchase, ...accounts], lines),
    'anything in the clear on a line',
  ).toEqual([]);
  expect(shop.tap.everything().reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(2_000);
});

const known = (role: 'management' | 'cash' | 'settlement') => [
  ...system.readBy(role),
  ...system.logOf(role),
  ...system.storeOf(role),
];

async function paymentOrder(): Promise<Uint8Array> {
  const { sealing } = await system.stolenKeys('cash');
  return opened(bought().payment, sealing, paymentSealInfo) as Uint8Array;
}

const shopChannel = async (): Promise<KeyPair> => (await shop.keys()).channel;

/** What is inside, or the code with which it does not open. */
function opened(
  { keyId, encapsulatedKey, ciphertext }: SealedNumber,
  { secretKey }: { readonly secretKey: Uint8Array },
  info: (keyId: Uint8Array) => Uint8Array,
  change: Partial<PurchaseBinding> = {},
): Uint8Array | string {
  const binding = { request: outcome.request, shop: shop.number, ...change };
  try {
    return hpke.open({
      recipientPrivateKey: secretKey,
      info: info(keyId),
      aad: PurchaseBinding.encode(binding),
      enc: encapsulatedKey,
      ciphertext,
    });
  } catch (error) {
    return (error as { code: string }).code;
  }
}
