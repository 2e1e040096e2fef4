// Shops and management that lie about purchases: nothing is subtracted or given back that cash has not signed for this
// very order, the purchase is visibly open, and the truth still counts.
import { expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { PaymentReceipt } from '../../src/roles/documents/payment-receipts.ts';
import type { Statement } from '../../src/roles/documents/statement.ts';
import {
  GetStatementAnswer,
  GetStatementRequest,
  ManagementOperation,
} from '../../src/roles/management/messages.ts';
import type { ShopRefusal } from '../../src/roles/shop/errors.ts';
import { BuyAnswer, ShopOperation } from '../../src/roles/shop/messages.ts';
import type { Wallet } from '../../src/wallet/core/index.ts';
import { keySets } from '../identity/support.ts';
import type { TestCash } from './cash.ts';
import { encode } from './management.ts';
import { decodeBuy, encodeShop, TestShop } from './shop.ts';
import { enrolledWallet, eur, newWorld, openWallet, type World } from './support.ts';

interface Desk {
  readonly world: World;
  readonly cash: TestCash;
  readonly shop: TestShop;
  readonly wallet: Wallet;
}

async function desk(): Promise<Desk> {
  const world = newWorld();
  const wallet = await enrolledWallet(world, { times: { attemptMs: 500 } });
  await wallet.load({ amount: eur(10_000), onFile: true });
  return { world, cash: world.management.cash, shop: new TestShop(world.management), wallet };
}

const coffee = [{ article: 'coffee' }];

/** From now on no statement is given out. */
function withoutStatements({ world }: Desk): void {
  world.management.behaviour = ({ operation }) =>
    operation === ManagementOperation.get_statement ? 'unreachable' : 'answer';
}

type Lie = (desk: Desk, honest: () => Uint8Array) => Uint8Array;

/** What cash has said, said again with something changed. */
function changed(
  { cash }: Desk,
  honest: () => Uint8Array,
  change: Partial<PaymentReceipt>,
  secretKey?: Uint8Array,
): Uint8Array {
  const answer = decodeBuy(honest());
  if (answer.kind !== 'paid') throw new Error(`expected paid, got ${answer.kind}`);
  const receipt = cash.receipt({ ...answer.receipt.document, ...change }, secretKey);
  return encodeShop(BuyAnswer, { kind: 'paid', receipt });
}

function rejected(
  { cash }: Desk,
  honest: () => Uint8Array,
  change: object,
  secretKey?: Uint8Array,
): Uint8Array {
  const answer = decodeBuy(honest());
  if (answer.kind !== 'paid') throw new Error(`expected paid, got ${answer.kind}`);
  const { request, orderDigest, shop, amount, currency, reference } = answer.receipt.document;
  const of = { request, orderDigest, shop, amount, currency, reference };
  const rejection = cash.rejection({ ...of, reason: 'exceeds_credits', ...change }, secretKey);
  return encodeShop(BuyAnswer, { kind: 'rejected', rejection });
}

const another = new Uint8Array(32).fill(7);
const settlementKey = keySets.settlement[0].signing;

const LIES: readonly (readonly [string, Lie, RegExp])[] = [
  [
    'a larger amount',
    (d, honest) => changed(d, honest, { amount: 321n }),
    /expected one of 320 minor units, got one of 321/,
  ],
  ['a smaller amount', (d, honest) => changed(d, honest, { amount: 1n }), /expected one of 320 minor units/],
  ['another request', (d, honest) => changed(d, honest, { request: 7n }), /got one of request 0x0+7/],
  ['another order', (d, honest) => changed(d, honest, { orderDigest: another }), /got one of another order/],
  ['another shop', (d, honest) => changed(d, honest, { shop: 8n }), /got one of shop 0x0+8/],
  ['another currency', (d, honest) => changed(d, honest, { currency: 840 }), /currency 978, got one in 840/],
  ['other terms', (d, honest) => changed(d, honest, { reference: another }), /reference of these terms/],
  ['a reservation', (d, honest) => changed(d, honest, { kind: 'reserved' }), /expected paid.* got reserved/],
  [
    'a signature of settlement',
    (d, honest) => changed(d, honest, {}, settlementKey.secretKey),
    /receipt: expected what cash has signed/,
  ],
  [
    'a receipt of settlement',
    (d, honest) =>
      changed(d, honest, { keyId: keyIdOf(settlementKey.publicKey, sha256) }, settlementKey.secretKey),
    /signed with a key of cash, got another/,
  ],
  [
    'a rejection of another request',
    (d, honest) => rejected(d, honest, { request: 9n }),
    /rejection: expected one of request/,
  ],
  [
    'a rejection of another order',
    (d, honest) => rejected(d, honest, { orderDigest: another }),
    /rejection: .* got one of another order/,
  ],
  [
    'a rejection at another shop',
    (d, honest) => rejected(d, honest, { shop: 8n }),
    /rejection: .* got one of shop 0x0+8/,
  ],
  [
    'a rejection of another amount',
    (d, honest) => rejected(d, honest, { amount: 1n }),
    /rejection: expected one of 320 minor units, got one of 1\b/,
  ],
  [
    'a rejection that settlement has signed',
    (d, honest) => rejected(d, honest, {}, settlementKey.secretKey),
    /rejection: expected what cash has signed/,
  ],
  ['nonsense', () => Uint8Array.of(0, 99), /answer: .*kind: expected 0 to 3/],
  ['nothing', () => new Uint8Array(), /answer: kind: expected 1 bytes/],
  [
    'that the request is another',
    () => encodeShop(BuyAnswer, new Refusal<ShopRefusal>('request_differs', 'expected the same bytes')),
    /shop: expected the same bytes/,
  ],
];

test.each(LIES)('a purchase answered with %s', async (_, lie, reason) => {
  const all = await desk();
  const { shop, wallet, world } = all;
  withoutStatements(all);
  shop.behaviour = ({ operation }) =>
    operation === ShopOperation.buy ? { answer: (honest) => lie(all, honest) } : 'answer';
  const bought = wallet.buy({ shop: shop.card, articles: coffee });
  await expect(bought).rejects.toMatchObject({
    code: 'answer_invalid',
    message: expect.stringMatching(reason),
  });
  const own = await wallet.balance();
  expect(own).toMatchObject({ balance: 10_000n, available: 9680n });
  expect(own.open).toMatchObject([{ state: { kind: 'in_doubt' }, detail: expect.stringMatching(reason) }]);
  await wallet.close();
  const again = await openWallet(world);
  shop.behaviour = () => 'answer';
  const { finished } = await again.resume();
  expect(finished).toMatchObject([{ state: { kind: 'paid' }, balance: 9680n, available: 9680n }]);
  expect(await again.verify()).toMatchObject({ sum: 9680n, problems: [] });
});

test.each(['wrong', 'refused', 'rejected'] as const)(
  'what the shop says of a purchase that was paid is %s: the statement ends it',
  async (what) => {
    const all = await desk();
    const { shop, wallet } = all;
    shop.behaviour = ({ operation }) =>
      operation !== ShopOperation.buy
        ? 'answer'
        : {
            answer: (honest) => {
              if (what === 'wrong') return changed(all, honest, { amount: 1n });
              if (what === 'rejected') return rejected(all, honest, { orderDigest: another });
              honest();
              return encodeShop(BuyAnswer, { kind: 'refused', code: 'device_unknown' });
            },
          };
    const { state, balance } = await wallet.buy({ shop: shop.card, articles: coffee });
    expect([state.kind, balance]).toEqual(['paid', 9680n]);
    expect(await wallet.verify()).toMatchObject({ sum: 9680n, problems: [] });
  },
);

test('a receipt of another purchase at the same price is not one of this', async () => {
  const all = await desk();
  const { shop, wallet } = all;
  await wallet.buy({ shop: shop.card, articles: coffee });
  const [first] = await wallet.payments();
  withoutStatements(all);
  shop.behaviour = ({ operation }) =>
    operation === ShopOperation.buy
      ? { answer: () => encodeShop(BuyAnswer, { kind: 'paid', receipt: first!.receipt }) }
      : 'answer';
  const bought = wallet.buy({ shop: shop.card, articles: coffee });
  await expect(bought).rejects.toMatchObject({ code: 'answer_invalid' });
  expect((await wallet.balance()).balance).toBe(9680n);
});

type StatementLie = (honest: Statement) => Partial<Statement>;

const STATEMENT_LIES: readonly (readonly [string, StatementLie, RegExp])[] = [
  ['of another device', () => ({ device: 1001n }), /device 0x0+3e8, got one of device 0x0+3e9/],
  ['in another currency', () => ({ currency: 840 }), /currency 978, got one in 840/],
  ['from another time on', ({ after }) => ({ after: after + 1n }), /expected entries after/],
  ['that ends before it begins', ({ after }) => ({ until: after - 1n }), /expected entries until/],
  [
    'with an entry that was there before',
    ({ after, entries }) => ({
      entries: [{ ...entries[0]!, timestamp: after }, ...entries.slice(1)],
    }),
    /one after the other/,
  ],
  ['with an entry twice', ({ entries }) => ({ entries: [entries[0]!, ...entries] }), /one after the other/],
  ['with more to come and nothing there', () => ({ entries: [], more: true }), /expected entries where/],
  ['without the purchase', () => ({ purchases: [] }), /expected the purchases that were asked for/],
  [
    'of another purchase',
    ({ purchases }) => ({ purchases: [{ ...purchases[0]!, request: 5n }] }),
    /purchases/,
  ],
  ['older than the last one', () => ({ asOf: 5n }), /as of .* or later, got one as of 5/],
  [
    'with another price',
    ({ entries }) => ({
      entries: entries.map((entry) => (entry.reason === 'payment' ? { ...entry, amount: 321n } : entry)),
    }),
    /expected what fits request .* got single of 321/,
  ],
  [
    'that takes more than there is',
    ({ entries }) => ({
      entries: entries.map((entry) => (entry.reason === 'fee' ? { ...entry, amount: 10n ** 9n } : entry)),
    }),
    /no more to be taken than there is/,
  ],
];

test.each(STATEMENT_LIES)('a statement %s', async (_, lie, reason) => {
  const all = await desk();
  const { world, cash, shop, wallet } = all;
  await wallet.sync();
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'lost' : 'answer');
  withoutStatements(all);
  const options = { shop: shop.card, articles: coffee, patienceMs: 300 };
  await expect(wallet.buy(options)).rejects.toMatchObject({ code: 'unreachable' });
  cash.debit(1000n, 5n, 'fee');
  world.management.behaviour = ({ operation, message }) =>
    operation !== ManagementOperation.get_statement
      ? 'answer'
      : {
          answer: () => {
            const { query } = GetStatementRequest.decode(message);
            const honest = cash.statement(1000n, query).document;
            return encode(GetStatementAnswer, { statement: cash.statement(1000n, query, lie(honest)) });
          },
        };
  await expect(wallet.sync()).rejects.toMatchObject({
    code: 'answer_invalid',
    message: expect.stringMatching(reason),
  });
  expect(await wallet.balance()).toMatchObject({ balance: 10_000n, available: 9680n, open: [{}] });
  world.management.behaviour = () => 'answer';
  const { entries, online } = await wallet.sync();
  expect(entries.map(({ event }) => event)).toEqual(['paid', 'debited']);
  expect(online.verdict).toBe('agrees');
  expect(await wallet.verify()).toMatchObject({ sum: 9675n, problems: [] });
});

test('a statement that management has signed itself, or changed, or that leaves entries out', async () => {
  const { world, cash, wallet } = await desk();
  const { management } = world;
  cash.credit(1000n, 50n, undefined, 'loss');
  const answer = (make: (message: Uint8Array) => Uint8Array): void => {
    management.behaviour = ({ operation, message }) =>
      operation === ManagementOperation.get_statement ? { answer: () => make(message) } : 'answer';
  };
  const own = keySets.management[0].signing;
  for (const keyId of [undefined, keyIdOf(own.publicKey, sha256)]) {
    answer((message) => {
      const { query } = GetStatementRequest.decode(message);
      const statement = cash.statement(1000n, query, keyId && { keyId }, own.secretKey);
      return encode(GetStatementAnswer, { statement });
    });
    await expect(wallet.sync()).rejects.toMatchObject({ code: 'answer_invalid' });
  }
  answer((message) => {
    const bytes = encode(GetStatementAnswer, {
      statement: cash.statement(1000n, GetStatementRequest.decode(message).query),
    });
    bytes[60]! ^= 1;
    return bytes;
  });
  await expect(wallet.sync()).rejects.toMatchObject({ code: 'answer_invalid' });
  // Cash itself leaves something out: its own balance gives it away.
  answer((message) => {
    const { query } = GetStatementRequest.decode(message);
    return encode(GetStatementAnswer, { statement: cash.statement(1000n, query, { entries: [] }) });
  });
  expect((await wallet.sync()).online).toMatchObject({ balance: 10_050n, verdict: 'differs' });
  expect((await wallet.balance()).balance).toBe(10_000n);
});

test('that a purchase is unknown counts only after its order has expired', async () => {
  const { world, cash, shop, wallet } = await desk();
  shop.behaviour = ({ operation }) => (operation === ShopOperation.buy ? 'silent' : 'answer');
  const bought = wallet.buy({ shop: shop.card, articles: coffee, patienceMs: 100 });
  await expect(bought).rejects.toMatchObject({ name: 'WalletError' });
  const { request } = (await wallet.balance()).open[0]!;
  world.clock.advance(400_000_000_000n);
  const expiresAt = (await wallet.lookup(request)).purchase!.expiresAt;
  world.management.behaviour = ({ operation, message }) =>
    operation !== ManagementOperation.get_statement
      ? 'answer'
      : {
          answer: () => {
            const { query } = GetStatementRequest.decode(message);
            return encode(GetStatementAnswer, {
              statement: cash.statement(1000n, query, { asOf: expiresAt }),
            });
          },
        };
  await wallet.sync();
  expect((await wallet.balance()).available).toBe(9680n);
  world.management.behaviour = () => 'answer';
  await wallet.sync();
  expect((await wallet.lookup(request)).state.kind).toBe('lapsed');
  expect((await wallet.balance()).available).toBe(10_000n);
});
