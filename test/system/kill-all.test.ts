// `kill -9` of all roles in one process, as `specie start` runs them, at each write and each message of flows 1 to 3.
//
// Here the states of each role on the disk are died in, and with each message on its way: one life after the other ends at the
// first of these places that is new, recoveries included. What is left to SPECIE_SLOW_TESTS=1: all names of points, each single
// point of a run, and the n-th life killed at its n-th point.
import { expect, test } from 'vitest';
import { chain, described, enumerate, everyPoint, later } from './enumeration.ts';
import { BALANCE_MAX } from './flows.ts';
import { ROLES, System } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';

/** Just behind a write, and with a message on its way. */
const AFTER = / (trace after_write|asks|journal append after|registry \w+ after|answers load)\b/;

test('all roles in one process are killed', { timeout: isSlow ? 7_200_000 : 400_000 }, async () => {
  const options = { processes: [ROLES], spares: true, balanceMax: BALANCE_MAX };
  await System.during(options, async (system) => {
    const keeper = system.keeper('cash');
    const say = (text: string) => process.stderr.write(`${text}\n`);
    const found = await chain(system, keeper, isSlow ? /./ : AFTER);
    say(described('all roles', found));
    expect(found.diedAt.size).toBeGreaterThan(24);
    if (isSlow) {
      const each = await enumerate(system, keeper, everyPoint);
      say(described('all roles, every point', each));
      say(described('all roles, ever later', await later(system, keeper)));
    }
    const ms = keeper.restartsMs.toSorted((a, b) => a - b);
    say(`all roles: restart ${ms[ms.length >> 1]!.toFixed(0)} ms (median)`);
    expect(await system.audit()).toBeUndefined();
  });
});
