// `kill -9` of each role at each write and each message of flows 1 to 3, found by enumeration (role-process.mjs has the points).
// The others, the institution and the wallets go on. Then all roles in one process, as `specie start` runs them.
//
// Here, to stay short, each name of a point is died at once, where it is met first, and those that only a recovery meets in a recovery;
// all but `before_effect`, which is `after_write` once more: nothing lies between. All roles in one process die behind
// their writes. Left to SPECIE_SLOW_TESTS=1: every single point of a run; in the recovery from each, its first points; the
// n-th life at its n-th point; and for all roles in one process all of that, with each name in a row of deaths.
import { expect, test } from 'vitest';
import { Enumeration, type Run } from './enumeration.ts';
import { BALANCE_MAX, everyFlow } from './flows.ts';
import type { RoleKeeper } from './role-keeper.ts';
import { ROLES, System } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const timeout = isSlow ? 7_200_000 : 400_000;

const ALL = /./;
const DIFFERENT = /^(?!.*before_effect)/;
const WRITTEN = /trace after_write (?!inquiring|declined)|journal append after|asks (authorise|credit)/;

const say = (text: string): void => void process.stderr.write(text);

function sayRestarts(what: string, { restartsMs }: RoleKeeper): void {
  const ms = restartsMs.toSorted((a, b) => a - b);
  say(`${what}: ${ms.length} restarts, ${ms[ms.length >> 1]!.toFixed(0)} ms each (median)\n`);
}

for (const role of ROLES) {
  test.concurrent(`${role} is killed`, { timeout }, async () => {
    const options = { processes: [[role]], spares: true, balanceMax: BALANCE_MAX };
    await System.during(options, async (system) => {
      const keeper = system.keeper(role);
      const flows: Run = (around) => everyFlow(system, around);
      const only = isSlow ? ALL : DIFFERENT;
      const names = await new Enumeration(flows, keeper).eachName(only);
      say(names.text(role));
      expect(names.left(only)).toEqual([]);
      expect(names.missed).toEqual([]);
      if (isSlow) {
        const points = await new Enumeration(flows, keeper).eachPoint({ recoveries: true });
        say(points.text(`${role}, every point`));
        say((await new Enumeration(flows, keeper).later()).text(`${role}, ever later`));
      }
      sayRestarts(role, keeper);
      expect(await system.audit()).toBeUndefined();
    });
  });
}

test.concurrent('all roles in one process are killed', { timeout }, async () => {
  const options = { processes: [ROLES], spares: true, balanceMax: BALANCE_MAX };
  await System.during(options, async (system) => {
    const keeper = system.keeper('cash');
    const flows: Run = (around) => everyFlow(system, around);
    const only = isSlow ? ALL : WRITTEN;
    const names = await new Enumeration(flows, keeper).chain(only);
    say(names.text('all roles'));
    expect(names.left(only)).toEqual([]);
    if (isSlow) {
      const points = await new Enumeration(flows, keeper).eachPoint({ recoveries: false });
      say(points.text('all roles, every point'));
      say((await new Enumeration(flows, keeper).later()).text('all roles, ever later'));
    }
    sayRestarts('all roles', keeper);
    expect(await system.audit()).toBeUndefined();
  });
});
