// Twenty wallets load for some seconds while roles and institution are killed at random, one at a time or several at once, and the
// institution loses answers. Then everyone finishes what is under way, and all books agree.
//
//     SPECIE_SEED=… repeats the choices of a run (not its timing)
//     SPECIE_SLOW_TESTS=1 goes on for four hundred rounds
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { SPECIAL_ACCOUNTS } from '../../src/institution/account-number.ts';
import { Random } from '../../src/shared/random.ts';
import { WalletError } from '../../src/wallet/index.ts';
import { BALANCE_MAX } from './flows.ts';
import { cents, ROLES, System, type TestWallet } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const WALLETS = 20;
const ROUNDS = isSlow ? 400 : 8;
const FINISH_MS = 90_000;
const TARGETS = [...ROLES, 'institution'] as const;
const TIMEOUT_MS = 500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a wallet does until the time is over; each has choices of its own. */
async function use({ wallet, card, name }: TestWallet, random: Random, isOver: () => boolean): Promise<void> {
  await wallet.enrol({ userData: name, accountNumber: card, patienceMs: FINISH_MS });
  while (!isOver()) {
    const amount = cents(BigInt(100 + random.below(20_000)));
    const accountNumber = random.chance(0.1) ? SPECIAL_ACCOUNTS.insufficientFunds : card;
    try {
      if (random.chance(0.5)) await wallet.load({ amount, onFile: true, patienceMs: 2_000 });
      else await wallet.load({ amount, accountNumber, patienceMs: 2_000 });
    } catch (error) {
      // It goes on with another load, and finishes this one at the end.
      if (!(error instanceof WalletError) || !['unfinished', 'unreachable'].includes(error.code)) throw error;
    }
    await sleep(random.below(100));
  }
}

test('kills at random', { timeout: isSlow ? 3_600_000 : 300_000 }, async () => {
  const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : randomBytes(8).readBigUInt64LE();
  process.stderr.write(`random kills: SPECIE_SEED=${seed}\n`);
  const random = new Random(seed);
  const options = {
    processes: ROLES.map((role) => [role]),
    institutionProcess: true,
    institutionTimeoutMs: TIMEOUT_MS,
    spares: true,
    balanceMax: BALANCE_MAX,
  };
  await System.during(options, async (system) => {
    await system.institution!.dial({
      faults: [
        { do: 'drop_answer', probability: 0.02 },
        { do: 'drop_request', probability: 0.02 },
        { do: 'late', ms: TIMEOUT_MS * 2, probability: 0.02 },
        { do: 'close_after', probability: 0.01 },
      ],
    });
    const kills = new Map<string, number>(TARGETS.map((target) => [target, 0]));
    const up = async (target: (typeof TARGETS)[number]): Promise<void> => {
      await (target === 'institution' ? system.institution! : system.keeper(target)).ready();
    };
    const kill = async (target: (typeof TARGETS)[number], downMs: number): Promise<void> => {
      kills.set(target, kills.get(target)! + 1);
      if (target === 'institution') await system.institution!.kill(downMs);
      else await system.keeper(target).kill(downMs);
    };
    for (let i = 0; i < WALLETS; i++) await system.newWallet();
    let isOver = false;
    const using = Promise.all(
      system.wallets.map((made) => use(made, new Random(random.bits(64)), () => isOver)),
    );
    // Reported below.
    using.catch(() => {});
    for (let round = 0; round < ROUNDS; round++) {
      // Sometimes those that have just begun to start.
      if (random.chance(0.8)) await Promise.all(TARGETS.map(up));
      await sleep(50 + random.below(600));
      const count = random.chance(0.2) ? 1 + random.below(TARGETS.length) : 1;
      const targets = Array.from({ length: count }, () => random.pick(TARGETS));
      await Promise.all(targets.map((target) => kill(target, random.chance(0.2) ? random.below(500) : 0)));
    }
    isOver = true;
    await using;
    await system.institution!.dial({});
    const ends = new Map<string, number>();
    await Promise.all(
      system.wallets.map(async ({ wallet }) => {
        const { unfinished } = await wallet.resume({ patienceMs: FINISH_MS });
        expect(unfinished).toEqual([]);
        expect(await wallet.verify()).toMatchObject({ problems: [] });
        for (const { event } of await wallet.history()) ends.set(event, (ends.get(event) ?? 0) + 1);
      }),
    );
    const counted = (counts: ReadonlyMap<string, number>) =>
      [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
    process.stderr.write(`random kills: ${counted(kills)}; ${counted(ends)}\n`);
    expect(await system.audit()).toBeUndefined();
  });
});
