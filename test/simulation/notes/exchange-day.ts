// One exchange each way under way at once, through one gateway, and a process that dies at a point that was chosen.
//
//     visitor withdraws, sends some in ─▶ till has local notes      (nobody dies yet)
//     till ── send_out ──▶ gateway ◀── send_in ── visitor           (points are counted)
//     both fetch, or are away until all has gone back ─▶ everything becomes money ─▶ audit
import { Ground } from '../ground.ts';
import { Counter } from './counter.ts';
import { auditAll } from './evidence.ts';
import { Person } from './person.ts';
import type { Fate } from './process.ts';
import { DAY_START, devicesOf, payeeOf, toyNotes } from './setting.ts';
import { EUR, System } from './system.ts';

const RETURN_AFTER_SECONDS = 600;
const SENT = 30n;
const RETRY_MS = 2_000;

export interface ExchangeDay {
  readonly problems: readonly string[];
  /** Of the processes, in the order in which they came: trace points and writes. */
  readonly points: readonly string[];
  readonly crashes: number;
  readonly states: readonly string[];
}

/** @param isFetched whether destinations come before the deadline; `fate` is asked at each point, by its place */
export async function exchangeDay(
  isFetched: boolean,
  fate: (place: number) => Fate,
  print?: (line: string) => void,
): Promise<ExchangeDay> {
  const ground = new Ground(7n, print, DAY_START);
  const points: string[] = [];
  let isCounting = false;
  const fates = (process: string, point: string): Fate => {
    if (!isCounting) return 'lives';
    points.push(`${process}: ${point}`);
    return fate(points.length - 1);
  };
  const system = new System({
    ...{ ground, fates, crypto: toyNotes },
    gateways: [
      {
        name: 'gateway',
        terms: {
          ...{
            organisation: 'campus',
            currency: EUR,
            unit: 'eur',
            amountMin: 1n,
            amountMax: 1_000n,
            dayMax: 5_000n,
          },
          ...{ feeBasisPoints: 1_000, feeFixed: 1n, returnAfterSeconds: RETURN_AFTER_SECONDS },
        },
        float: 50n,
      },
    ],
  });
  const counter = new Counter(system);
  const habits = { pauseMaxMs: 1_000, sleeps: 0, sleepMaxMs: 0, restores: 0 };
  const [till, visitor] = (['lan', 'wan'] as const).map((side, i) => {
    const device = (3n << 64n) + BigInt(i + 1);
    const name = side === 'lan' ? 'till' : 'visitor';
    const { gateways } = system;
    return new Person({
      ...{ name, side, gateways, system, counter, fates, habits, device, payee: payeeOf(device, ground) },
    });
  }) as [Person, Person];
  const people = [till, visitor];

  const morning = async (): Promise<void> => {
    await system.begin(devicesOf(people, ground));
    for (const person of people) await person.register();
    await visitor.withdraw(visitor.terminal!, 200n);
    await visitor.terminal!.send({ destination: till.address, amount: 100n, until: 'waiting' });
    await till.terminal!.receive();
    await visitor.resume(visitor.terminal!);
  };

  /** Sends once, whatever happens to the process; what was not written down before it died is sent anew. */
  const sends = async (from: Person, to: Person): Promise<void> => {
    const hasSent = (): boolean => count(from, 'sent') > (from === visitor ? 1 : 0);
    while (from.terminal === undefined || !hasSent()) {
      const { terminal } = from;
      if (terminal !== undefined) {
        // What it was changing when it died goes on first.
        if (terminal.balance().open.some(({ kind }) => kind === 'swap'))
          await Promise.race([from.resume(terminal), from.process.died]);
        const sent = from.attempt('send', () =>
          terminal.send({ destination: to.address, amount: SENT, until: 'waiting' }),
        );
        // It never ends when the process dies.
        await Promise.race([sent, from.process.died]);
      }
      await ground.pause(RETRY_MS);
    }
  };
  const count = ({ told }: Person, event: string): number => told.filter((one) => one.event === event).length;

  const day = async (): Promise<void> => {
    isCounting = true;
    await Promise.all([sends(till, visitor), sends(visitor, till)]);
    if (!isFetched) await ground.pause((RETURN_AFTER_SECONDS + 120) * 1_000);
    const isOver = (): boolean =>
      system.underWay === 0 &&
      people.every(({ terminal }) => terminal !== undefined && terminal.balance().open.length === 0);
    while (!isOver()) {
      for (const person of people) {
        const { terminal } = person;
        if (terminal !== undefined) await Promise.race([person.resume(terminal), person.process.died]);
      }
      await ground.pause(RETRY_MS);
    }
    isCounting = false;
    await till.empty(visitor);
    for (const person of people) await person.resume(person.terminal!);
    await visitor.depositAll();
    await ground.pause(60_000);
  };

  let isDone = false;
  const work = morning().then(day);
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  await ground.world.runUntil(() => isDone, 7 * 86_400_000);
  await work;
  const processes = [...system.processes, ...people.map(({ process }) => process)];
  return {
    problems: [
      ...auditAll(system, counter, people),
      ...system.faults,
      ...people.flatMap(({ faults }) => faults),
    ],
    points,
    crashes: processes.reduce((sum, { crashes }) => sum + crashes, 0),
    states: system.gateways[0]!.process.opened!.gateway.exchanges().map(({ state }) => state),
  };
}
