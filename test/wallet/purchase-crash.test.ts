// A wallet that buys and dies: at every write of a purchase and of a statement, and anywhere in between. Then it resumes: what
// cash has is what the wallet has, and no sequence number was signed into two orders that were sent (test cash throws).
import { fc, test } from '@fast-check/vitest';
import { expect, test as plain } from 'vitest';
import { ManagementOperation } from '../../src/roles/management/messages.ts';
import { BuyAnswer } from '../../src/roles/shop/messages.ts';
import type { Wallet } from '../../src/wallet/core/index.ts';
import { Crash } from './memory-storage.ts';
import { decodeBuy, encodeShop, type ShopBehaviour, TestShop } from './shop.ts';
import { enrolledWallet, eur, newWorld, openWallet, type World } from './support.ts';

const DEVICE = 1000n;
const COFFEE = [{ article: 'coffee', price: eur(320) }];
const FUEL = [{ article: 'fuel', price: eur(5000) }];

async function survived(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const isCrash = error instanceof Crash || (error as Error).cause instanceof Crash;
    if (!isCrash && (error as Error).name !== 'WalletError') throw error;
  }
}

async function expectLikeCash(wallet: Wallet, { management }: World): Promise<void> {
  const { balance, available, open, reserved } = await wallet.balance();
  expect(open).toEqual([]);
  expect(balance).toBe(management.cash.balance(DEVICE));
  expect(balance - available).toBe(management.cash.reserved(DEVICE));
  expect(reserved.reduce((sum, { amount }) => sum + amount, 0n)).toBe(balance - available);
  expect(await wallet.verify()).toMatchObject({ problems: [], balance });
}

/** All that a wallet writes when it buys. */
const STORIES: Readonly<Record<string, (world: World, wallet: Wallet, shop: TestShop) => Promise<unknown>>> =
  {
    sale: (_, wallet, shop) => wallet.buy({ shop: shop.card, articles: COFFEE }),
    'sale, told by the statement': (_, wallet, shop) => {
      shop.behaviour = ({ attempt }) => (attempt === 1 ? 'lost' : 'unreachable');
      return wallet.buy({ shop: shop.card, articles: COFFEE });
    },
    'authorisation, taken, given back': async ({ management }, wallet, shop) => {
      const { request } = await wallet.buy({ shop: shop.card, articles: FUEL, kind: 'authorisation' });
      management.cash.capture(request, 4000n);
      management.cash.refund(request, 1000n);
      await wallet.sync();
    },
    'two at once': (_, wallet, shop) =>
      Promise.all([
        wallet.buy({ shop: shop.card, articles: COFFEE }),
        wallet.buy({ shop: shop.card, articles: FUEL, kind: 'authorisation' }),
      ]),
  };

plain.each(Object.keys(STORIES))('killed at every write: %s', async (name) => {
  const story = STORIES[name]!;
  let ended = 0;
  for (let write = 1; ended < 2; write++) {
    for (const when of ['before', 'after'] as const) {
      const world = newWorld();
      const shop = new TestShop(world.management);
      const wallet = await enrolledWallet(world);
      await wallet.load({ amount: eur(10_000), onFile: true });
      const { writes } = world.storage;
      world.storage.crashAt = (number) => (number === writes + write ? when : undefined);
      await survived(story(world, wallet, shop));
      ended = world.storage.writes < writes + write ? 2 : 0;
      world.storage.crash();
      await wallet.close();
      shop.behaviour = () => 'answer';
      const again = await openWallet(world);
      expect((await again.resume()).unfinished).toEqual([]);
      await again.sync();
      await expectLikeCash(again, world);
      // What comes next has a number of its own.
      await again.buy({ shop: shop.card, articles: COFFEE });
      await expectLikeCash(again, world);
      await again.close();
    }
  }
});

type Move =
  | { readonly kind: 'load' | 'refund' | 'capture' | 'debit'; readonly amount: number }
  | { readonly kind: 'sale' | 'authorisation'; readonly quantity: number }
  | { readonly kind: 'resume' | 'sync' | 'void' | 'reopen' }
  | { readonly kind: 'wait'; readonly turns: number }
  | { readonly kind: 'advance'; readonly seconds: number }
  | { readonly kind: 'crash'; readonly write: number; readonly when: 'before' | 'after' };

const of = <Kind extends string>(...kinds: readonly Kind[]) => fc.constantFrom(...kinds);
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: of('load'), amount: fc.integer({ min: 1, max: 9000 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: of('sale', 'authorisation'), quantity: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: of('refund', 'capture', 'debit'),
      amount: fc.integer({ min: 1, max: 2000 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: of('resume', 'sync', 'void', 'reopen') }) },
  { weight: 4, arbitrary: fc.record({ kind: of('wait'), turns: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('advance'), seconds: fc.constantFrom(1, 100, 301, 3601) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: of('crash'),
      write: fc.integer({ min: 1, max: 5 }),
      when: of('before', 'after'),
    }),
  },
);

const BEHAVIOURS = [
  ...(['answer', 'answer', 'answer', 'unreachable', 'lost', 'silent', 'pending', 'busy', 'refused'] as const),
  ...(['slow', 'wrong amount', 'wrong order'] as const),
];

function behaviourOf({ management }: World, name: (typeof BEHAVIOURS)[number]): ShopBehaviour {
  const lie = (change: object): ShopBehaviour => ({
    answer: (honest) => {
      const answer = decodeBuy(honest());
      if (answer.kind !== 'paid') return encodeShop(BuyAnswer, answer);
      const receipt = management.cash.receipt({ ...answer.receipt.document, ...change });
      return encodeShop(BuyAnswer, { kind: 'paid', receipt });
    },
  });
  switch (name) {
    case 'slow':
      return { delayMs: 700 };
    case 'wrong amount':
      return lie({ amount: 1n });
    case 'wrong order':
      return lie({ orderDigest: new Uint8Array(32) });
    default:
      return name;
  }
}

test.prop(
  [
    fc.array(moves, { minLength: 12, maxLength: 40, size: 'max' }),
    fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
  ],
  {
    numRuns: 25,
  },
)('interleavings and crashes', async (steps, picks) => {
  const world = newWorld();
  const { management, clock } = world;
  const { cash } = management;
  cash.pageMax = 3;
  const shop = new TestShop(management);
  const changes = { times: { patienceMs: 3000, attemptMs: 1000 } };
  let wallet = await enrolledWallet(world, changes);
  await wallet.load({ amount: eur(20_000), onFile: true });
  let calls = 0;
  const pick = () => picks[calls++ % picks.length]!;
  shop.behaviour = () => behaviourOf(world, BEHAVIOURS[pick() % BEHAVIOURS.length]!);
  const statements = ['answer', 'answer', 'unreachable', 'lost', 'silent'] as const;
  management.behaviour = ({ operation }) =>
    operation === ManagementOperation.get_statement ? statements[pick() % statements.length]! : 'answer';
  let under: Promise<unknown>[] = [];
  const reopen = async (): Promise<void> => {
    world.storage.crash();
    await Promise.all(under);
    await wallet.close();
    under = [];
    wallet = await openWallet(world, changes);
    expect((await wallet.verify()).problems).toEqual([]);
  };
  const reserved = () => {
    // Those that have run out are not.
    cash.reserved(DEVICE);
    return [...cash.payments].find(([, { state }]) => state === 'reserved');
  };
  for (const step of steps) {
    switch (step.kind) {
      case 'load':
        under.push(survived(wallet.load({ amount: eur(step.amount), onFile: true })));
        break;
      case 'sale':
      case 'authorisation': {
        const articles = [{ article: 'cake', price: eur(450), quantity: step.quantity }];
        under.push(survived(wallet.buy({ shop: shop.card, articles, kind: step.kind })));
        break;
      }
      case 'resume':
        under.push(survived(wallet.resume()));
        break;
      case 'sync':
        under.push(survived(wallet.sync()));
        break;
      case 'refund': {
        const found = [...cash.payments].find(([, { taken }]) => taken > 0n);
        if (found === undefined) break;
        const amount = BigInt(step.amount);
        cash.refund(found[0], amount < found[1].taken ? amount : found[1].taken);
        break;
      }
      case 'void': {
        const found = reserved();
        if (found !== undefined) cash.void(found[0]);
        break;
      }
      case 'capture': {
        const [purchase, { amount }] = reserved() ?? [0n, { amount: 0n }];
        if (amount > 0n) cash.capture(purchase, amount < step.amount ? amount : BigInt(step.amount));
        break;
      }
      case 'debit':
        if (cash.balance(DEVICE) - cash.reserved(DEVICE) >= step.amount)
          cash.debit(DEVICE, BigInt(step.amount), 'fee');
        break;
      case 'wait':
        for (let turn = 0; turn < step.turns; turn++) await new Promise(setImmediate);
        break;
      case 'advance':
        clock.advance(BigInt(step.seconds) * 1_000_000_000n);
        break;
      case 'crash': {
        const { writes } = world.storage;
        world.storage.crashAt = (write) => (write === writes + step.write ? step.when : undefined);
        break;
      }
      case 'reopen':
        await reopen();
    }
  }
  await Promise.all(under);
  await reopen();

  shop.behaviour = () => 'answer';
  management.behaviour = () => 'answer';
  expect((await wallet.resume()).unfinished).toEqual([]);
  await wallet.sync();
  await expectLikeCash(wallet, world);
  expect((await wallet.sync()).online.verdict).toBe('agrees');
  clock.advance(4_000_000_000_000n);
  await wallet.sync();
  await expectLikeCash(wallet, world);
  expect((await wallet.balance()).reserved).toEqual([]);
  await wallet.close();
});
