// `kill -9` of management, cash and settlement at each write and each message of payouts, found by enumeration
// (kill-points.mjs has the points), and of the bank before and after each of its writes. Who was killed is started again, the
// windows reach their end, every shop is paid once; at the end the audit, and cash, settlement and the bank's statement compared.
//
// Here, to stay short, all three die in each step of two windows, each at a point that is drawn, and the bank once in each of
// two more: SPECIE_SEED=… repeats a draw. Left to SPECIE_SLOW_TESTS=1: one role after the other, at each name; at every
// single point of a run; the n-th life at its n-th point; and all deaths of the bank.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { Random } from '../../src/shared/random.ts';
import { type Around, Enumeration, type Run } from './enumeration.ts';
import { Desk, PAYOUTS, Payees } from './payout-flow.ts';
import type { RoleKeeper } from './role-keeper.ts';
import { cents, System } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : randomBytes(8).readBigUInt64LE();
const random = new Random(seed);

const ROLES = ['management', 'cash', 'settlement'] as const;
/** Not the sales in between: kill-purchases.test.ts has them. */
const OF_PAYOUTS = /^(?!.*(get_directory| pay$|paying|payment_orders))/;
/** What is asked again and again is at another place in each run; `eachName` has it. */
const ONCE = /^(?!.*(get_directory| pay$|paying|payment_orders|list_outcomes|asks statements))/;
/** A role passes a dozen points or more in each step. */
const POINTS = 12;
/** Enough for all runs of the slow version. */
const LOAD = 1_900_000n;

type Faults = NonNullable<BankDials['faults']>;

/** What the bank writes: messages as they come, and what is due, when its statement is asked for. */
const DEATHS: readonly Faults[] = (['die_before', 'die_after'] as const).flatMap((death): Faults[] => [
  [{ do: death, on: 'payments', nth: 1 }],
  [
    { do: 'drop_answer', on: 'payments', nth: 1 },
    { do: death, on: 'status', nth: 1 },
  ],
  ...[1, 2, 3].map((nth): Faults => [{ do: death, on: 'statements', nth }]),
]);

const say = (text: string): void => void process.stderr.write(text);
say(`kill-payouts: SPECIE_SEED=${seed}\n`);

/** Each dies once, or does not come to its point. */
function together(keepers: readonly RoleKeeper[], died: string[]): Around {
  return async (step) => {
    for (const keeper of keepers) {
      const number = random.below(POINTS);
      await keeper.arm((deaths) => (deaths.length === 0 ? { number } : undefined));
    }
    const result = await step();
    for (const keeper of keepers) {
      await keeper.disarm();
      for (const { passed } of keeper.deaths) died.push(passed!.at(-1)!);
    }
    return result;
  };
}

async function oneByOne(flow: Run, system: System): Promise<void> {
  for (const role of ROLES) {
    const keeper = system.keeper(role);
    const names = await new Enumeration(flow, keeper).eachName(OF_PAYOUTS);
    say(names.text(role));
    expect(names.left(OF_PAYOUTS)).toEqual([]);
    const points = await new Enumeration(flow, keeper).eachPoint({ recoveries: false, only: ONCE });
    say(points.text(`${role}, every point`));
    say((await new Enumeration(flow, keeper).later()).text(`${role}, ever later`));
    const ms = keeper.restartsMs.toSorted((a, b) => a - b);
    say(`${role}: ${ms.length} restarts, ${ms[ms.length >> 1]?.toFixed(0)} ms each (median)\n`);
  }
}

test('who pays out is killed', { timeout: isSlow ? 7_200_000 : 400_000 }, async () => {
  const options = {
    processes: ROLES.map((role) => [role]),
    institutionProcess: true,
    spares: isSlow,
    loadAmountMax: '20000',
    balanceMax: '20000',
    deviceRequestsPerMinute: 1_000_000,
    payouts: PAYOUTS,
  };
  await System.during(options, async (system) => {
    const desk = await Desk.open(system.home);
    const payer = await system.newWallet();
    await payer.wallet.enrol({ userData: 'Ada', accountNumber: payer.card });
    await payer.wallet.load({ amount: cents(LOAD), accountNumber: payer.card });
    const payees = await Payees.open(system, desk, payer);
    if (isSlow) {
      await oneByOne((around) => payees.everyPayout(around), system);
    } else {
      const died: string[] = [];
      const keepers = ROLES.map((role) => system.keeper(role));
      await payees.everyPayout(together(keepers, died));
      say(`kill-payouts: ${died.length} deaths, at ${died.join(', ')}\n`);
      expect(died.length).toBeGreaterThan(ROLES.length);
    }
    const { institution } = system;
    for (const faults of isSlow ? DEATHS : [random.pick(DEATHS)]) {
      const before = institution!.deaths;
      await payees.everyPayout((step) => step(), faults);
      say(
        `bank: ${institution!.deaths - before} deaths, at ${faults.map((fault) => Object.values(fault).join(' ')).join(', ')}\n`,
      );
      expect(institution!.deaths).toBeGreaterThan(before);
    }
    expect(await desk.reconcile()).toBeUndefined();
    await desk.close();
    expect(await system.audit()).toBeUndefined();
  });
});
