// Some wallets buy at two shops, which give back, take and release, while roles and shops are killed at random, one at a time
// or several at once. Then everyone finishes what is under way, and all books agree.
//
//     SPECIE_SEED=… repeats the choices of a run (not its timing)
//     SPECIE_SLOW_TESTS=1 goes on for three hundred rounds
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Random } from '../../src/shared/random.ts';
import { WalletError } from '../../src/wallet/index.ts';
import type { KeptShop } from './shop.ts';
import { cents, System, type TestWallet } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const WALLETS = isSlow ? 8 : 4;
const ROUNDS = isSlow ? 300 : 4;
const FINISH_MS = 90_000;
const LOAD = 400_000n;
const ARTICLES = ['coffee', 'tea', 'fuel'] as const;
const ROLES = ['management', 'cash'] as const;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a wallet and a shop do until the time is over; each wallet has choices of its own. */
async function use(
  { wallet }: TestWallet,
  shops: readonly KeptShop[],
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const shop = random.pick(shops);
    const articles = [{ article: random.pick(ARTICLES), quantity: 1 + random.below(9) }];
    const kind = random.chance(0.6) ? 'sale' : 'authorisation';
    try {
      const { request } = await wallet.buy({ shop: shop.card, articles, kind, patienceMs: 3_000 });
      await settle(shop, request, random);
      if (random.chance(0.3)) await wallet.sync({ patienceMs: 2_000 });
    } catch (error) {
      // It goes on with another purchase, and finishes this one at the end.
      if (!(error instanceof WalletError) || !['unfinished', 'unreachable'].includes(error.code)) throw error;
    }
    await sleep(random.below(50));
  }
}

/** What the shop does about a purchase: nothing, something, or all that can be done. */
async function settle(shop: KeptShop, request: bigint, random: Random): Promise<void> {
  const { kind, amount } = (await shop.sale(request))!;
  // More than half of it, so that nobody can order it twice.
  const part = (whole: bigint): bigint => whole / 2n + 1n + BigInt(random.below(Number(whole - whole / 2n)));
  let paid: bigint = amount;
  if (kind === 'authorisation') {
    if (random.chance(0.2)) return;
    if (random.chance(0.3)) {
      return shop.order('void', request, 0n, ({ state }) => state === 'voided');
    }
    paid = part(amount);
    await shop.order('capture', request, paid, ({ state }) => state === 'captured');
  }
  let given = 0n;
  while (given < paid && random.chance(0.6)) {
    const more = part(paid - given);
    given += more;
    const sum = given;
    await shop.order('refund', request, more, ({ refunded }) => refunded >= sum);
  }
}

test('kills at random among purchases', { timeout: isSlow ? 3_600_000 : 300_000 }, async () => {
  const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : randomBytes(8).readBigUInt64LE();
  process.stderr.write(`random purchase kills: SPECIE_SEED=${seed}\n`);
  const random = new Random(seed);
  const options = {
    processes: ROLES.map((role) => [role]),
    spares: true,
    loadAmountMax: '20000',
    balanceMax: '20000',
    deviceRequestsPerMinute: 1_000_000,
  };
  await System.during(options, async (system) => {
    const shops = [await system.newShop('shop-1'), await system.newShop('shop-2')];
    const keepers = [...ROLES.map((role) => system.keeper(role)), ...shops.map(({ keeper }) => keeper)];
    for (let i = 0; i < WALLETS; i++) {
      const { wallet, name, card } = await system.newWallet();
      await wallet.enrol({ userData: name, accountNumber: card });
      await wallet.load({ amount: cents(LOAD), accountNumber: card });
    }
    let isOver = false;
    const using = Promise.all(
      system.wallets.map((made) => use(made, shops, new Random(random.bits(64)), () => isOver)),
    );
    // Reported below.
    using.catch(() => {});
    let kills = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Sometimes those that have just begun to start.
      if (random.chance(0.8)) await Promise.all(keepers.map((keeper) => keeper.ready()));
      await sleep(50 + random.below(600));
      const count = random.chance(0.2) ? 1 + random.below(keepers.length) : 1;
      const targets = new Set(Array.from({ length: count }, () => random.pick(keepers)));
      kills += targets.size;
      const downMs = () => (random.chance(0.2) ? random.below(500) : 0);
      await Promise.all([...targets].map((keeper) => keeper.kill(downMs())));
    }
    isOver = true;
    await using;
    const ends = new Map<string, number>();
    await Promise.all(
      system.wallets.map(async ({ wallet }) => {
        const { unfinished } = await wallet.resume({ patienceMs: FINISH_MS });
        expect(unfinished).toEqual([]);
        const { balance, online } = await wallet.sync({ patienceMs: FINISH_MS });
        expect(online).toMatchObject({ verdict: 'agrees', balance });
        expect(await wallet.verify()).toMatchObject({ problems: [], balance });
        for (const { event } of await wallet.history()) ends.set(event, (ends.get(event) ?? 0) + 1);
      }),
    );
    const counted = [...ends].map(([name, count]) => `${name} ${count}`).join(', ');
    process.stderr.write(`random purchase kills: ${kills} kills; ${counted}\n`);
    expect(await system.audit()).toBeUndefined();
  });
});
