// Whatever management does, in whatever order, and wherever the wallet crashes: its balance is the sum of its receipts, and
// in the end it is what was charged.
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { ManagementRefusal } from '../../src/roles/management/errors.ts';
import { LoadAnswer, ManagementOperation } from '../../src/roles/management/messages.ts';
import type { Wallet } from '../../src/wallet/core/index.ts';
import { runsOf } from '../property/seed.ts';
import { type Behaviour, decodeLoad, encode } from './management.ts';
import { Crash } from './memory-storage.ts';
import { ACCOUNT, enrolledWallet, eur, newWorld, openWallet, type World } from './support.ts';

type Move =
  | { readonly kind: 'load'; readonly amount: number; readonly onFile: boolean }
  | { readonly kind: 'resume' }
  | { readonly kind: 'reopen' }
  /** Lets what is under way go on for so many turns. */
  | { readonly kind: 'wait'; readonly turns: number }
  /** At the next write, or the one after …, counted from here. */
  | { readonly kind: 'crash'; readonly write: number; readonly when: 'before' | 'after' };

const BEHAVIOURS = [
  'answer',
  'answer',
  'unreachable',
  'lost',
  'silent',
  'pending',
  'busy',
  'slow',
  'declined',
  'wrong amount',
  'wrong device',
  'refused',
] as const;

const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('load' as const),
      amount: fc.oneof(fc.constantFrom(1, 2, 2 ** 31, 2 ** 48), fc.integer({ min: 1, max: 100_000 })),
      onFile: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'resume' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      write: fc.integer({ min: 1, max: 5 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
);

function behaviourOf(world: World, name: (typeof BEHAVIOURS)[number]): Behaviour {
  const lie = (change: object): Behaviour => ({
    answer: (honest) => {
      const answer = decodeLoad(honest());
      if (answer instanceof Refusal || answer.kind !== 'loaded') return honest();
      const receipt = world.management.receipt({ ...answer.receipt.document, ...change });
      return encode(LoadAnswer, { kind: 'loaded', receipt });
    },
  });
  switch (name) {
    case 'slow':
      return { delayMs: 700 };
    // These are said without anything being done.
    case 'declined':
      return { answer: () => encode(LoadAnswer, { kind: 'declined', reason: 'no' }) };
    case 'refused':
      return { answer: () => encode(LoadAnswer, new Refusal<ManagementRefusal>('amount_too_large', 'no')) };
    case 'wrong amount':
      return lie({ amount: 2n ** 100n });
    case 'wrong device':
      return lie({ device: 7n });
    default:
      return name;
  }
}

async function expectBooksRight(wallet: Wallet): Promise<void> {
  const { problems, sum, balance } = await wallet.verify();
  expect(problems).toEqual([]);
  expect(sum).toBe(balance);
}

test.prop([fc.array(moves, { maxLength: 20 }), fc.array(fc.nat(), { minLength: 1, maxLength: 12 })], {
  numRuns: runsOf(150),
})('interleavings and crashes', async (steps, picks) => {
  const world = newWorld();
  const times = { patienceMs: 3000, validityMs: 100_000_000 };
  let wallet = await enrolledWallet(world, { times });
  let calls = 0;
  world.management.behaviour = ({ operation }) => {
    if (operation !== ManagementOperation.load) return 'answer';
    return behaviourOf(world, BEHAVIOURS[picks[calls++ % picks.length]! % BEHAVIOURS.length]!);
  };
  let under: Promise<unknown>[] = [];
  const reopen = async (): Promise<void> => {
    world.storage.crash();
    await Promise.all(under);
    await wallet.close();
    under = [];
    wallet = await openWallet(world, { times });
  };
  const survived = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      const isCrash = error instanceof Crash || (error as Error).cause instanceof Crash;
      if (!isCrash && (error as Error).name !== 'WalletError') throw error;
    }
  };
  for (const step of steps) {
    switch (step.kind) {
      case 'load': {
        const amount = eur(step.amount);
        const from = step.onFile ? { onFile: true as const } : { accountNumber: ACCOUNT };
        under.push(survived(wallet.load({ amount, ...from })));
        break;
      }
      case 'resume':
        under.push(survived(wallet.resume()));
        break;
      case 'wait':
        for (let turn = 0; turn < step.turns; turn++) await new Promise(setImmediate);
        break;
      case 'crash': {
        const { writes } = world.storage;
        world.storage.crashAt = (write) => (write === writes + step.write ? step.when : undefined);
        break;
      }
      case 'reopen':
        await reopen();
        await expectBooksRight(wallet);
    }
  }
  await Promise.all(under);
  await reopen();
  await expectBooksRight(wallet);

  world.management.behaviour = () => 'answer';
  expect((await wallet.resume()).unfinished).toEqual([]);
  // What management said was not charged may have been done in an earlier, unanswered attempt.
  for (const { request, event } of await wallet.history()) {
    if (event === 'declined' || event === 'refused') await wallet.resume({ request });
  }
  await expectBooksRight(wallet);
  const { balance, open } = await wallet.balance();
  expect(open).toEqual([]);
  expect(balance).toBe(world.management.charged);
  expect((await wallet.receipts()).map(({ receipt }) => receipt.document.request)).toEqual(
    [...world.management.charges.keys()].sort((a, b) => (a < b ? -1 : 1)),
  );
  await wallet.close();
});
