// `kill -9` of shop, management and cash at each write and each message of purchases, refunds, captures and voids, found by
// enumeration (kill-points.mjs has the points). The others and the wallet go on; who was killed is started again, everyone
// finishes what is under way, and both sides of every trade say the same; at the end the audit over all of them.
//
// Here, to stay short, each role dies once in each request, each time at another point of those that the request has; which
// ones is drawn: SPECIE_SEED=… repeats a draw. Left to SPECIE_SLOW_TESTS=1: each name; every single point of a run; in the recovery
// from each, its first points (some are not met again, as a shop asks anew in its own time); the n-th life at its n-th point.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Random } from '../../src/shared/random.ts';
import { Enumeration, type Run } from './enumeration.ts';
import { everyTrade } from './purchase-flow.ts';
import type { RoleKeeper } from './role-keeper.ts';
import { cents, System } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const timeout = isSlow ? 7_200_000 : 400_000;
const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : randomBytes(8).readBigUInt64LE();

const ALL = /./;
/** Enough for all runs of the slow version. */
const LOAD = 1_000_000n;
/** In which a role dies in each request. */
const RUNS = 1;

const say = (text: string): void => void process.stderr.write(text);
say(`kill-purchases: SPECIE_SEED=${seed}\n`);

for (const role of ['shop', 'management', 'cash'] as const) {
  test.concurrent(`${role} is killed`, { timeout }, async () => {
    const options = {
      processes: role === 'shop' ? [] : [[role]],
      spares: true,
      loadAmountMax: '20000',
      balanceMax: '20000',
      deviceRequestsPerMinute: 1_000_000,
    };
    await System.during(options, async (system) => {
      const shop = await system.newShop('shop');
      const made = await system.newWallet();
      await made.wallet.enrol({ userData: 'Ada', accountNumber: made.card });
      await made.wallet.load({ amount: cents(LOAD), accountNumber: made.card });
      const keeper: RoleKeeper = role === 'shop' ? shop.keeper : system.keeper(role);
      const flow: Run = (around) => everyTrade(made, shop, around);
      if (isSlow) {
        const names = await new Enumeration(flow, keeper).eachName(ALL);
        say(names.text(role));
        expect(names.left(ALL)).toEqual([]);
        expect(names.missed).toEqual([]);
        const points = await new Enumeration(flow, keeper).eachPoint({ recoveries: true });
        say(points.text(`${role}, every point`));
        say((await new Enumeration(flow, keeper).later()).text(`${role}, ever later`));
      } else {
        const spread = await new Enumeration(flow, keeper).someNames(new Random(seed), RUNS);
        say(spread.text(role));
        const ms = keeper.restartsMs.toSorted((a, b) => a - b);
        say(`${role}: ${ms.length} restarts, ${ms[ms.length >> 1]?.toFixed(0)} ms each (median)\n`);
        expect(spread.deaths).toBeGreaterThan(RUNS);
      }
      expect(await system.audit()).toBeUndefined();
    });
  });
}
