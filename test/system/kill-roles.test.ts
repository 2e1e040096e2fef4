// `kill -9` of each role at each write and each message of flows 1 to 3, found by enumeration (role-process.mjs has the points).
// One role runs in a process that is killed and started again; the others, the institution and the wallets go on.
//
// Here each name of a point is died at once, where it is met first; those that only a recovery meets, in a recovery. What is
// left to SPECIE_SLOW_TESTS=1: each single point of a run, each name in the recovery after each name, and the n-th life killed at
// its n-th point.
import { expect, test } from 'vitest';
import { described, eachName, eachPlace, enumerate, later } from './enumeration.ts';
import { BALANCE_MAX } from './flows.ts';
import { ROLES, System } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';

for (const role of ROLES) {
  test.concurrent(`${role} is killed`, { timeout: isSlow ? 7_200_000 : 400_000 }, async () => {
    const options = { processes: [[role]], spares: true, balanceMax: BALANCE_MAX };
    await System.during(options, async (system) => {
      const keeper = system.keeper(role);
      const found = await enumerate(system, keeper, isSlow ? eachPlace : eachName);
      process.stderr.write(`${described(role, found)}\n`);
      const once = [...found.points].filter((point) => !found.diedAt.has(point));
      expect(once).toEqual([]);
      if (isSlow) process.stderr.write(`${described(`${role}, ever later`, await later(system, keeper))}\n`);
      const ms = keeper.restartsMs.toSorted((a, b) => a - b);
      process.stderr.write(`${role}: restart ${ms[ms.length >> 1]!.toFixed(0)} ms (median)\n`);
      expect(await system.audit()).toBeUndefined();
    });
  });
}
