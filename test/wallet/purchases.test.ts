// The wallet buys: against an honest shop and an honest cash.
import { expect, test } from 'vitest';
import { TransferCode } from '../../src/roles/cash/accounts.ts';
import { BuyRequest, ShopOperation } from '../../src/roles/shop/messages.ts';
import type { Wallet } from '../../src/wallet/core/index.ts';
import { PURCHASE_CODES } from '../../src/wallet/core/purchase.ts';
import { Settings, WALLET_VERSION } from '../../src/wallet/core/records.ts';
import { TestShop } from './shop.ts';
import { enrolledWallet, eur, newWorld, openWallet, type WalletChanges, type World } from './support.ts';

interface Desk {
  readonly world: World;
  readonly shop: TestShop;
  readonly wallet: Wallet;
}

async function desk(changes?: WalletChanges): Promise<Desk> {
  const world = newWorld();
  const wallet = await enrolledWallet(world, changes);
  await wallet.load({ amount: eur(10_000), onFile: true });
  return { world, shop: new TestShop(world.management), wallet };
}

const buys = ({ calls }: TestShop) => calls.filter(({ operation }) => operation === ShopOperation.buy);
const events = async (wallet: Wallet) =>
  (await wallet.history()).slice(2).map(({ event, amount, balance }) => [event, amount, balance]);

async function expectBooksRight(wallet: Wallet, balance: bigint): Promise<void> {
  expect(await wallet.verify()).toMatchObject({ problems: [], sum: balance, balance });
}

test('a sale: what the catalogue costs is paid, subtracted and recorded', async () => {
  const { world, shop, wallet } = await desk();
  const outcome = await wallet.buy({
    shop: shop.cardText,
    articles: [{ article: 'coffee', quantity: 2 }, { article: 'cake' }],
  });
  expect(outcome).toMatchObject({
    kind: 'purchase',
    state: { kind: 'paid' },
    amount: 1090n,
    balance: 8910n,
    available: 8910n,
    purchase: { shop: shop.number, shopName: 'Cafe Ada', kind: 'sale' },
  });
  expect(world.management.cash.balance(1000n)).toBe(8910n);
  expect(await events(wallet)).toEqual([['paid', 1090n, 8910n]]);
  expect((await wallet.history()).at(-1)!.detail).toBe('Cafe Ada');
  expect((await wallet.payments()).map(({ receipt }) => receipt.document.request)).toEqual([outcome.request]);
  await wallet.close();
  const again = await openWallet(world);
  expect(await again.balance()).toMatchObject({ balance: 8910n, available: 8910n, open: [], reserved: [] });
  await expectBooksRight(again, 8910n);
  expect(await again.sync()).toMatchObject({ entries: [], balance: 8910n, online: { verdict: 'agrees' } });
});

test('the shop reads no device number, and each purchase comes over a channel of its own', async () => {
  const { shop, wallet } = await desk();
  await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] });
  await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee', price: eur(320) }] });
  const device = Buffer.from([0xe8, 3, ...new Array<number>(14).fill(0)]);
  const key = await wallet.signingKey();
  for (const { message } of shop.calls) {
    expect(Buffer.from(message).includes(device)).toBe(false);
    expect(Buffer.from(message).includes(Buffer.from(key))).toBe(false);
  }
  expect(shop.connections.length).toBeGreaterThanOrEqual(2);
  const [first, second] = buys(shop).map(({ message }) => BuyRequest.decode(message).terms);
  expect(first!.salt).not.toEqual(second!.salt);
});

test('an offer of a till', async () => {
  const { shop, wallet } = await desk();
  const articles = [{ article: 'coffee', quantity: 1, price: 300n }];
  const offer = { kind: 'sale' as const, timeoutSeconds: 0, amount: 300n, currency: 978, articles };
  shop.offers.set('7KQ2M', { ...offer, names: ['Coffee'], expiresAt: 2n ** 63n });
  const wrong = wallet.buy({ shop: shop.cardText, offer: '7KQ2M', amount: eur(299) });
  await expect(wrong).rejects.toMatchObject({ code: 'invalid_argument' });
  const { state, amount } = await wallet.buy({ shop: `${shop.cardText}?offer=7KQ2M`, amount: eur(300) });
  expect([state.kind, amount]).toEqual(['paid', 300n]);
  expect(BuyRequest.decode(buys(shop)[0]!.message).offer).toBe('7KQ2M');
  const tooLong = { ...offer, kind: 'authorisation' as const, timeoutSeconds: 367 * 86_400 };
  shop.offers.set('LONG22', { ...tooLong, names: ['Coffee'], expiresAt: 2n ** 63n });
  const unasked = wallet.buy({ shop: shop.card, offer: 'LONG22' });
  await expect(unasked).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('offer: expected the kind sale, got authorisation'),
  });
  const long = wallet.buy({ shop: shop.card, offer: 'LONG22', kind: 'authorisation' });
  await expect(long).rejects.toMatchObject({ message: expect.stringContaining('reserves for at most') });
  const unknown = wallet.buy({ shop: shop.card, offer: 'NNNN' });
  await expect(unknown).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('offer_unknown'),
  });
});

test('not enough: refused before anything is signed', async () => {
  const { shop, wallet } = await desk();
  const dear = wallet.buy({ shop: shop.card, articles: [{ article: 'fuel', quantity: 3 }] });
  await expect(dear).rejects.toMatchObject({
    code: 'insufficient_funds',
    message: expect.stringContaining('expected at most 100.00 EUR'),
  });
  expect(buys(shop)).toEqual([]);
  expect((await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] })).state.kind).toBe('paid');
});

test('what an open purchase takes cannot be spent a second time', async () => {
  const { world, shop, wallet } = await desk();
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'silent' : 'answer');
  const one = wallet.buy({ shop: shop.card, articles: [{ article: 'fuel', quantity: 1 }] });
  await expect(one).rejects.toMatchObject({ name: 'WalletError' });
  expect(await wallet.balance()).toMatchObject({ balance: 10_000n, available: 5000n });
  const other = { shop: shop.card, articles: [{ article: 'fuel' }, { article: 'coffee' }] };
  await expect(wallet.buy(other)).rejects.toMatchObject({ code: 'insufficient_funds' });
  shop.behaviour = () => 'answer';
  expect((await wallet.resume()).finished).toMatchObject([{ state: { kind: 'paid' }, balance: 5000n }]);
  expect(world.management.cash.sequences.size).toBe(1);
  await expectBooksRight(wallet, 5000n);
});

test('two purchases at once, one after the last coin', async () => {
  const { shop, wallet } = await desk();
  shop.behaviour = () => ({ delayMs: 20 });
  const results = await Promise.allSettled(
    [1, 2, 3].map(() => wallet.buy({ shop: shop.card, articles: [{ article: 'fuel', quantity: 1 }] })),
  );
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  await expectBooksRight(wallet, 0n);
});

test.each(['unreachable', 'lost', 'busy', 'pending', 'silent'] as const)(
  'a shop that is %s at first gets the same bytes again',
  async (behaviour) => {
    const { world, shop, wallet } = await desk({ times: { attemptMs: 500 } });
    // Otherwise cash's statement ends it sooner.
    world.management.behaviour = () => 'unreachable';
    shop.behaviour = ({ attempt, operation }) =>
      operation === ShopOperation.buy && attempt <= 3 ? behaviour : 'answer';
    const { state } = await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] });
    expect(state.kind).toBe('paid');
    const messages = buys(shop).map(({ message }) => message);
    expect(messages).toHaveLength(4);
    for (const message of messages) expect(message).toEqual(messages[0]);
    await expectBooksRight(wallet, 9680n);
  },
);

test('the shop is gone after it was paid: the statement says so', async () => {
  const { shop, wallet } = await desk();
  shop.behaviour = ({ attempt, operation }) =>
    operation !== ShopOperation.buy ? 'answer' : attempt === 1 ? 'lost' : 'unreachable';
  const { state, balance } = await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] });
  expect([state.kind, balance]).toEqual(['paid', 9680n]);
  expect(await wallet.payments()).toEqual([]);
  expect(await wallet.verify()).toMatchObject({ problems: [], statements: 1, sum: 9680n });
});

test('the shop is gone and has not forwarded it: the amount is free once the order has expired', async () => {
  const { world, shop, wallet } = await desk({ times: { purchaseValidityMs: 60_000 } });
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'unreachable' : 'answer');
  const bought = wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }], patienceMs: 30_000 });
  await expect(bought).rejects.toMatchObject({ code: 'unreachable' });
  await wallet.sync();
  expect(await wallet.balance()).toMatchObject({ balance: 10_000n, available: 9680n });
  world.clock.advance(60_000_000_000n);
  const { entries, available, online } = await wallet.sync();
  expect(entries).toMatchObject([{ event: 'lapsed', amount: 320n, balance: 10_000n }]);
  expect([available, online.verdict]).toEqual([10_000n, 'agrees']);
  await expectBooksRight(wallet, 10_000n);
});

test('a shop that says no: the amount is free when cash says so', async () => {
  const { world, shop, wallet } = await desk();
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'refused' : 'answer');
  const bought = wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] });
  await expect(bought).rejects.toMatchObject({
    code: 'shop_refused',
    message: expect.stringContaining('price_differs'),
  });
  const { open, available } = await wallet.balance();
  expect(open).toMatchObject([{ kind: 'purchase', state: { kind: 'shop_refused', code: 'price_differs' } }]);
  expect(available).toBe(9680n);
  expect((await wallet.resume()).unfinished).toMatchObject([{ error: { code: 'shop_refused' } }]);
  world.clock.advance(301_000_000_000n);
  expect((await wallet.resume()).finished).toMatchObject([{ state: { kind: 'lapsed' }, available: 10_000n }]);
  await expectBooksRight(wallet, 10_000n);
});

test('rejected by cash: nothing is subtracted, and the amount is free at once', async () => {
  const { world, shop, wallet } = await desk();
  // Somebody else has the same keys.
  world.management.cash.debit(1000n, 9900n, 'fee');
  const { state } = await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] });
  expect(state).toEqual({ kind: 'rejected', reason: 'exceeds_credits' });
  expect(await wallet.balance()).toMatchObject({ balance: 10_000n, available: 10_000n, open: [] });
  const { entries, online } = await wallet.sync();
  expect(entries).toMatchObject([{ event: 'debited', amount: 9900n, balance: 100n, detail: 'fee' }]);
  expect(online.verdict).toBe('agrees');
  await expectBooksRight(wallet, 100n);
});

test('an authorisation: reserved, a part taken, the rest comes back', async () => {
  const { world, shop, wallet } = await desk();
  const { cash } = world.management;
  const { request, state, available } = await wallet.buy({
    shop: shop.card,
    articles: [{ article: 'fuel' }],
    kind: 'authorisation',
    timeoutSeconds: 600,
  });
  expect([state.kind, available]).toEqual(['reserved', 5000n]);
  expect(await wallet.balance({ online: true })).toMatchObject({
    balance: 10_000n,
    available: 5000n,
    reserved: [{ request, amount: 5000n }],
    online: { balance: 10_000n, reserved: 5000n, verdict: 'agrees' },
  });
  cash.capture(request, 4200n);
  expect((await wallet.balance({ online: true })).online!.verdict).toBe('differs_by_open');
  const { entries, balance, online } = await wallet.sync();
  expect(entries).toMatchObject([{ event: 'captured', request, amount: 4200n, balance: 5800n }]);
  expect([balance, online.verdict]).toEqual([5800n, 'agrees']);
  expect(await wallet.balance()).toMatchObject({ available: 5800n, reserved: [] });
  cash.refund(request, 1000n);
  expect((await wallet.sync()).entries).toMatchObject([{ event: 'refunded', amount: 1000n, balance: 6800n }]);
  expect((await wallet.sync()).entries).toEqual([]);
  await wallet.close();
  const again = await openWallet(world);
  expect((await again.lookup(request)).state).toEqual({ kind: 'captured', amount: 4200n });
  await expectBooksRight(again, 6800n);
});

test.each(['void', 'expiry'] as const)('an authorisation that ends by %s', async (by) => {
  const { world, shop, wallet } = await desk();
  const { request } = await wallet.buy({
    shop: shop.card,
    articles: [{ article: 'fuel' }],
    kind: 'authorisation',
    timeoutSeconds: 600,
  });
  await wallet.close();
  const again = await openWallet(world);
  if (by === 'void') world.management.cash.void(request);
  else world.clock.advance(601_000_000_000n);
  expect((await again.sync()).entries).toMatchObject([
    { event: 'released', detail: `by ${by}`, amount: 5000n },
  ]);
  expect(await again.balance()).toMatchObject({ balance: 10_000n, available: 10_000n, reserved: [] });
  await expectBooksRight(again, 10_000n);
});

test('page by page, and each entry once', async () => {
  const { world, shop, wallet } = await desk();
  const { cash } = world.management;
  cash.pageMax = 3;
  const bought = await wallet.buy({ shop: shop.card, articles: [{ article: 'fuel' }] });
  for (let i = 0; i < 10; i++) cash.refund(bought.request, 10n);
  const { entries } = await wallet.sync();
  expect(entries.map(({ event }) => event)).toEqual(new Array(10).fill('refunded'));
  await expectBooksRight(wallet, 5100n);
  await wallet.close();
  const again = await openWallet(world);
  expect((await again.sync()).entries).toEqual([]);
  cash.credit(1000n, 5n, undefined, 'loss');
  expect((await again.sync()).entries).toMatchObject([{ event: 'credited', detail: 'loss', balance: 5105n }]);
  await expectBooksRight(again, 5105n);
  cash.credit(1000n, 95n, undefined, 'note_receipt');
  expect((await again.sync()).entries).toMatchObject([{ event: 'credited', detail: 'note_receipt' }]);
  await expectBooksRight(again, 5200n);
});

test('a load whose receipt never came is added from the statement, once', async () => {
  const { world, wallet } = await desk();
  world.management.behaviour = ({ attempt }) => (attempt === 1 ? 'lost' : 'silent');
  await expect(wallet.load({ amount: eur(500), onFile: true, patienceMs: 100 })).rejects.toThrow();
  world.management.behaviour = () => 'answer';
  const { entries } = await wallet.sync();
  expect(entries).toMatchObject([{ event: 'loaded', amount: 500n, balance: 10_500n }]);
  expect(await wallet.resume()).toEqual({ finished: [], unfinished: [] });
  const { request } = entries[0]!;
  expect((await wallet.resume({ request })).finished).toMatchObject([
    { state: { kind: 'loaded' }, balance: 10_500n },
  ]);
  await expectBooksRight(wallet, 10_500n);
});

test('paid out of a refund that the wallet does not know of yet', async () => {
  const { world, shop, wallet } = await desk();
  const { cash } = world.management;
  const first = await wallet.buy({ shop: shop.card, articles: [{ article: 'fuel' }] });
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'silent' : 'answer');
  await wallet.buy({ shop: shop.card, articles: [{ article: 'cake', quantity: 10 }] }).catch(() => {});
  cash.debit(1000n, 5000n, 'fee');
  await wallet.sync();
  expect(await wallet.balance()).toMatchObject({ balance: 0n, available: 0n });
  cash.refund(first.request, 5000n);
  shop.behaviour = () => 'answer';
  expect((await wallet.resume()).finished).toMatchObject([{ state: { kind: 'paid' }, balance: 500n }]);
  await expectBooksRight(wallet, 500n);
});

test('a later page brings what an earlier one takes', async () => {
  const { world, shop, wallet } = await desk();
  const { cash } = world.management;
  cash.pageMax = 2;
  const first = await wallet.buy({ shop: shop.card, articles: [{ article: 'fuel' }] });
  cash.debit(1000n, 5000n, 'fee');
  cash.refund(first.request, 5000n);
  // The wallet has a receipt of what was paid after all that, out of the refund.
  shop.behaviour = () => 'answer';
  await wallet.buy({ shop: shop.card, articles: [{ article: 'fuel' }] });
  expect((await wallet.balance()).balance).toBe(0n);
  const { entries, online } = await wallet.sync();
  expect(entries.map(({ event, balance }) => [event, balance])).toEqual([
    ['refunded', 5000n],
    ['debited', 0n],
  ]);
  expect(online.verdict).toBe('agrees');
  await expectBooksRight(wallet, 0n);
});

test('what a copy of the wallet has paid: it is subtracted, and its sequence number is not used again', async () => {
  const { world, shop, wallet } = await desk();
  const disk = new Map([...world.disk].map(([key, value]) => [key, Uint8Array.from(value)] as const));
  await wallet.buy({ shop: shop.card, articles: [{ article: 'coffee' }] });
  await wallet.close();
  world.disk.clear();
  for (const [key, value] of disk) world.disk.set(key, value);
  const copy = await openWallet(world);
  expect((await copy.sync()).entries).toMatchObject([{ event: 'debited', amount: 320n, detail: 'payment' }]);
  expect((await copy.buy({ shop: shop.card, articles: [{ article: 'coffee' }] })).state.kind).toBe('paid');
  expect([...world.management.cash.sequences.values()]).toEqual([1n, 2n]);
  await expectBooksRight(copy, 9360n);
});

test('what cannot be bought', async () => {
  const { world, shop, wallet } = await desk();
  const coffee = [{ article: 'coffee' }];
  const buy = (options: object) => wallet.buy({ shop: shop.card, articles: coffee, ...options } as never);
  await expect(buy({ articles: [] })).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(buy({ articles: [{ article: 'tea' }] })).rejects.toThrow('got tea');
  await expect(buy({ articles: [{ article: 'coffee', quantity: 0 }] })).rejects.toThrow(
    'expected a quantity',
  );
  await expect(buy({ articles: [{ article: 'coffee', price: 0n }] })).rejects.toThrow('1 minor unit or more');
  await expect(buy({ amount: 1n })).rejects.toThrow('expected a sum of 1 minor units, got 320');
  await expect(buy({ shop: 'nonsense' })).rejects.toMatchObject({ code: 'shop_invalid' });
  const forged = shop.certificate();
  const other = { ...forged, document: { ...forged.document, name: 'Another' } };
  await expect(buy({ shop: { address: shop.address, certificate: other } })).rejects.toMatchObject({
    code: 'shop_invalid',
  });
  shop.certificateDays = 1n;
  const { card } = shop;
  world.clock.advance(2n * 86_400_000_000_000n);
  shop.certificateDays = 100n;
  expect((await buy({ shop: card })).state.kind).toBe('paid');
  const gone = new TestShop(world.management, 5n);
  world.management.shops.clear();
  await expect(buy({ shop: gone.card, patienceMs: 500 })).rejects.toMatchObject({ code: 'unreachable' });
});

test('a wallet from before it could buy is opened, and buys', async () => {
  const { world, shop, wallet } = await desk();
  await wallet.close();
  const settings = Settings.decode(world.disk.get('wallet')!);
  world.disk.set('wallet', Settings.encode({ ...settings, version: 1 }));
  const again = await openWallet(world);
  expect(Settings.decode(world.disk.get('wallet')!)).toEqual({ ...settings, version: WALLET_VERSION });
  expect((await again.buy({ shop: shop.card, articles: [{ article: 'coffee' }] })).balance).toBe(9680n);
  await expectBooksRight(again, 9680n);
  world.disk.set('wallet', Settings.encode({ ...settings, version: WALLET_VERSION + 1 }));
  await expect(openWallet(world)).rejects.toMatchObject({ code: 'wallet_damaged' });
});

test('the codes of the transfers are those of the chart of accounts', () => {
  expect(PURCHASE_CODES).toEqual({ sale: TransferCode.payment, authorisation: TransferCode.authorisation });
});
