// Wallets that die at every write of opening, paying, being paid, reporting and closing; before it and after it. Whatever they find
// when they are opened again: nothing is lost, nothing is there twice, and nothing that was spent is spent again (the test's cash
// throws for what an honest wallet never does, and would keep a proof).
import { expect, test } from 'vitest';
import type { Wallet } from '../../../src/wallet/core/index.ts';
import { Crash } from '../memory-storage.ts';
import { eur, type World } from '../support.ts';
import { LOADED, meet, paid, reopened, reserved, type Two, total, twoWallets } from './support.ts';

/** All writes, both ways; by default every other one. */
const EVERY = process.env.SPECIE_SLOW_TESTS === '1' ? 1 : 2;

interface Story {
  readonly begin: () => Promise<Two>;
  readonly run: (two: Two) => Promise<unknown>;
}

const STORIES: Readonly<Record<string, Story>> = {
  'reserve, and reserve anew': {
    begin: twoWallets,
    async run({ ada }) {
      await ada.reserve({ amount: eur(5_000) });
      await ada.reserve({ amount: eur(2_000) });
    },
  },
  'pay, and be paid back': {
    begin: () => reserved([5_000n, 0n]),
    async run({ ada, bob }) {
      await meet(ada, bob, { ask: { amount: eur(500) } });
      await meet(bob, ada, { ask: { amount: eur(200) } });
    },
  },
  'report and close': {
    async begin() {
      const two = await reserved([5_000n, 0n]);
      await paid(two.ada, two.bob, 500n);
      await paid(two.bob, two.ada, 200n);
      return two;
    },
    async run({ ada, bob }) {
      await Promise.all([ada.reportTransfers(), bob.reportTransfers()]);
      await bob.sync();
      await Promise.all([ada.closePurse(), bob.closePurse()]);
    },
  },
};

async function survived(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const isCrash = error instanceof Crash || (error as Error).cause instanceof Crash;
    if (!isCrash && !['WalletError', 'PeerError'].includes((error as Error).name)) throw error;
  }
}

/** Everything is finished, met again, reported and given back: then all the money is on the devices. */
async function expectWhole(two: Two): Promise<void> {
  const { worlds, purses } = two;
  two.ada = await reopened(worlds[0]);
  two.bob = await reopened(worlds[1]);
  const { ada, bob } = two;
  for (const wallet of [ada, bob]) {
    expect((await wallet.resume()).unfinished).toEqual([]);
    if ((await wallet.purse()) === undefined) await wallet.reserve({ amount: eur(1_000) });
    expect(await wallet.verify()).toMatchObject({ problems: [] });
  }
  // Either way: what is in doubt arrives, or something new is paid.
  for (const [payer, payee] of [
    [ada, bob],
    [bob, ada],
  ] as const) {
    const { sent } = await meet(payer, payee, { ask: { amount: eur(100) } });
    if (sent instanceof Error) expect(sent).toMatchObject({ code: 'not_covered' });
    expect((await payer.balance()).purse).toMatchObject({ inDoubt: 0n });
  }
  await Promise.all([ada.reportTransfers(), bob.reportTransfers()]);
  for (const wallet of [ada, bob]) await wallet.closePurse();
  expect(purses.sum).toBe(0n);
  expect(purses.proofs).toEqual([]);
  expect(await total(two)).toBe(2n * LOADED);
  await Promise.all([ada, bob].map((wallet, i) => expectLikeCash(wallet, worlds[i]!)));
}

async function expectLikeCash(wallet: Wallet, { management }: World): Promise<void> {
  await wallet.sync();
  expect((await wallet.balance()).balance).toBe(management.cash.balance(management.firstDevice));
  expect(await wallet.verify()).toMatchObject({ problems: [] });
  await wallet.close();
}

test.each(Object.keys(STORIES))('killed at every write: %s', async (name) => {
  const { begin, run } = STORIES[name]!;
  for (const who of [0, 1] as const) {
    for (let write = 1, isOver = false; !isOver; write++) {
      for (const [i, when] of (['before', 'after'] as const).entries()) {
        if ((write + i + who) % EVERY !== 0) continue;
        const two = await begin();
        const { storage } = two.worlds[who];
        const { writes } = storage;
        storage.crashAt = (number) => (number === writes + write ? when : undefined);
        await survived(run(two));
        isOver = storage.writes < writes + write;
        await expectWhole(two);
      }
    }
  }
});
