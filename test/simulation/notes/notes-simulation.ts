// One seed, a whole system with notes: cash, issuer, receiver, two gateways, a counter, people on both LANs and on the WAN.
//
//     seed ─▶ plan ─▶ accounts, terminals ─▶ a day of work ─────────▶ calm ─▶ all is over ─▶ all notes become money ─▶ audit
//                                            crashes, cuts, cheats,
//                                            storms, wrong clocks
import { CALM, Ground, link } from '../ground.ts';
import { auditAlways } from './auditor.ts';
import { Cheat } from './cheat.ts';
import { Counter } from './counter.ts';
import { auditAll, evidenceOf } from './evidence.ts';
import { Person } from './person.ts';
import type { Fates } from './process.ts';
import { DAY_START, devicesOf, payeeOf, realNotes, toyNotes } from './setting.ts';
import { EUR, type GatewayPlan, System } from './system.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SECOND = 1_000_000_000n;
const LOOK_MS = 7 * MINUTE_MS;
const ROUNDS_MAX = 60;

export interface NotesEnding {
  readonly seed: bigint;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly events: number;
  readonly crashes: number;
  readonly virtualMs: number;
  readonly ends: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
}

export interface NotesOptions {
  readonly print?: (line: string) => void;
  /** With the arithmetic of the curve. */
  readonly isReal?: boolean;
}

export async function simulateNotes(seed: bigint, options: NotesOptions = {}): Promise<NotesEnding> {
  return new NotesSimulation(seed, options).run();
}

class NotesSimulation {
  readonly #seed: bigint;
  readonly #ground: Ground;
  readonly #system: System;
  readonly #counter: Counter;
  readonly #people: Person[] = [];
  readonly #cheats: Cheat[] = [];
  readonly #problems: string[] = [];
  #crashChance = 0;
  #isOver = false;

  constructor(seed: bigint, { print, isReal = false }: NotesOptions) {
    this.#seed = seed;
    this.#ground = new Ground(seed, print, DAY_START);
    this.#system = new System({
      ground: this.#ground,
      fates: this.#fates,
      crypto: isReal ? realNotes : toyNotes,
      gateways: [this.#plan('campus'), this.#plan('museum')],
    });
    this.#counter = new Counter(this.#system);
  }

  readonly #fates: Fates = () => {
    const { random } = this.#ground;
    if (this.#crashChance === 0 || !random.chance(this.#crashChance)) return 'lives';
    return random.chance(0.5) ? 'lost' : 'flushed';
  };

  #plan(organisation: string): GatewayPlan {
    const { random } = this.#ground;
    return {
      name: `gateway ${organisation}`,
      terms: {
        ...{ organisation, currency: EUR, unit: 'eur' },
        amountMin: random.pick([1n, 1n, 5n]),
        amountMax: random.pick([200n, 1_000n]),
        dayMax: random.pick([500n, 5_000n]),
        feeBasisPoints: random.pick([0, 100, 1_000]),
        feeFixed: random.pick([0n, 0n, 1n, 3n]),
        returnAfterSeconds: random.pick([900, 3_600, 10_800]),
      },
      float: random.pick([1n, 100n, 1_000n]),
    };
  }

  async run(): Promise<NotesEnding> {
    const { random, world } = this.#ground;
    const workMs = (2 + 4 * random.float()) * HOUR_MS;
    this.#gather(workMs);
    await this.#through(this.#system.begin(devicesOf(this.#people, this.#ground)));
    await this.#through(Promise.all(this.#people.map((person) => person.register())));
    this.#open();
    this.#faults();
    this.#watch();
    await this.#through(this.#ground.pause(workMs));
    this.#calm();
    await this.#through(this.#settle());
    this.#problems.push(...auditAll(this.#system, this.#counter, this.#people));
    this.#problems.push(...this.#system.faults, ...this.#people.flatMap(({ faults }) => faults));
    const ends = new Map<string, number>();
    for (const one of [...this.#people, ...this.#cheats])
      for (const [end, count] of one.ends) ends.set(end, (ends.get(end) ?? 0) + count);
    const processes = [...this.#system.processes, ...this.#people.map(({ process }) => process)];
    return {
      seed: this.#seed,
      problems: this.#problems,
      digest: this.#ground.digest([this.#system.ledger.books.stateBytes()]),
      events: this.#ground.events,
      crashes: processes.reduce((sum, { crashes }) => sum + crashes, 0),
      virtualMs: world.nowMs,
      ends,
      errors: this.#system.errors,
    };
  }

  /** Two on each LAN, and some on the WAN. */
  #gather(workMs: number): void {
    const { random } = this.#ground;
    const { gateways } = this.#system;
    const add = (name: string, side: 'lan' | 'wan', of: typeof gateways): void => {
      const device = (3n << 64n) + BigInt(this.#people.length + 1);
      const person = new Person({
        ...{ name, side, gateways: of, system: this.#system, counter: this.#counter, fates: this.#fates },
        ...{ device, payee: payeeOf(device, this.#ground) },
        habits: {
          pauseMaxMs: random.pick([2, 6, 15]) * MINUTE_MS,
          sleeps: random.pick([0, 0.05, 0.2]),
          sleepMaxMs: workMs,
          restores: random.pick([0, 0.02]),
        },
      });
      person.others = () => this.#people;
      this.#people.push(person);
    };
    gateways.forEach((gateway, i) => {
      for (const name of ['till', 'desk']) add(`${name} ${i + 1}`, 'lan', [gateway]);
    });
    for (let i = 0; i < 2 + random.below(2); i++) {
      const [first, second] = gateways;
      add(`visitor ${i + 1}`, 'wan', random.chance(0.5) ? [first!, second!] : [second!, first!]);
    }
    if (random.chance(0.6)) {
      for (const person of this.#people)
        if (random.chance(0.4)) this.#cheats.push(new Cheat(person, this.#system));
    }
  }

  #open(): void {
    const { random } = this.#ground;
    this.#ground.weather = random.chance(0.75)
      ? { drop: 0.2 * random.float(), repeat: 0.2 * random.float(), delayMaxMs: random.pick([5, 50, 600]) }
      : CALM;
    this.#crashChance = random.pick([0, 0.001, 0.004, 0.01]);
    for (const person of this.#people) person.open();
    for (const cheat of this.#cheats) cheat.open();
  }

  /** From time to time something goes wrong, until the calm. */
  #faults(): void {
    const { random, world } = this.#ground;
    const meanMs = random.pick([10, 30, 120]) * MINUTE_MS;
    const mayJump = random.chance(0.4);
    const again = (): void => void world.setTimer(next, 2 * meanMs * random.float());
    const next = (): void => {
      if (this.#isOver) return;
      again();
      const choice = random.float();
      const processes = [...this.#system.processes, ...this.#people.map(({ process }) => process)];
      const one = random.pick(processes);
      if (choice < 0.45 && one.isUp) one.crash(random.chance(0.5), 50 + HOUR_MS * random.float() ** 4);
      else if (choice < 0.8) this.#cut(processes.map(({ name }) => name));
      else if (mayJump) this.#setClock(one.name);
    };
    again();
  }

  #cut(names: readonly string[]): void {
    const { random, cuts, world } = this.#ground;
    const cut = link(random.pick(names), random.pick(names));
    this.#ground.note('world', `cut: ${cut}`);
    cuts.add(cut);
    world.setTimer(() => void cuts.delete(cut), HOUR_MS * random.float());
  }

  #setClock(party: string): void {
    const { random, offsets } = this.#ground;
    const seconds = random.below(1_200) - 600;
    this.#ground.note('world', `the clock of ${party} is set to ${seconds} s off`);
    this.#ground.hadWrongClocks = true;
    offsets.set(party, BigInt(seconds) * SECOND);
  }

  /** Books that do not agree are seen when it happens, not in the end. */
  #watch(): void {
    const { world } = this.#ground;
    const look = (): void => {
      if (this.#isOver || this.#problems.length > 0) return;
      this.#problems.push(
        ...auditAlways(evidenceOf(this.#system, this.#counter, this.#people)).map(
          (problem) => `${this.#at()}: ${problem}`,
        ),
      );
      world.setTimer(look, LOOK_MS);
    };
    look();
  }

  #at(): string {
    return `at ${(this.#ground.world.nowMs / 1000).toFixed(0)} s`;
  }

  #calm(): void {
    this.#isOver = true;
    this.#ground.note('world', 'the faults are over');
    this.#ground.weather = CALM;
    this.#ground.cuts.clear();
    this.#ground.offsets.clear();
    this.#crashChance = 0;
    for (const one of [...this.#people, ...this.#cheats]) one.isOver = true;
  }

  /** Everybody goes on until nothing is open, and then all notes become money. */
  async #settle(): Promise<void> {
    // Whoever has died comes back, and what they were doing ends.
    await this.#ground.pause(HOUR_MS);
    for (const person of this.#people) person.rest();
    await this.#ground.pause(10 * MINUTE_MS);
    await this.#rounds('resume', async (person) => {
      await person.takeTokens(person.terminal!);
      await person.resume(person.terminal!);
      for (const { operation } of await person.terminal!.tokens())
        await person.attempt('reclaim', () => person.terminal!.reclaimToken(operation));
      return person.terminal!.balance().open.length === 0 && person.inbox.length === 0;
    });
    const lan = this.#people.filter(({ side }) => side === 'lan');
    const wan = this.#people.filter(({ side }) => side === 'wan');
    for (const person of lan) await person.empty(wan[0]!);
    await this.#rounds('the last resume', async (person) => {
      await person.resume(person.terminal!);
      return person.terminal!.balance().open.length === 0;
    });
    for (const person of wan) await person.depositAll();
    await this.#rounds('the end', async (person) => person.terminal!.balance().open.length === 0);
    while (this.#system.underWay !== 0) await this.#ground.pause(MINUTE_MS);
  }

  async #rounds(what: string, isDone: (person: Person) => Promise<boolean>): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let left = 0;
      for (const person of this.#people) if (!(await isDone(person))) left++;
      if (left === 0) return;
      await this.#ground.pause(20 * MINUTE_MS);
    }
    for (const { name, terminal } of this.#people)
      for (const { kind, state, amount } of terminal!.balance().open)
        this.#problems.push(`${what}: ${name} has open: ${kind} of ${amount}, ${state}`);
  }

  /** Runs the world until it is done. */
  async #through<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    await this.#ground.world.runUntil(() => isDone, Number.POSITIVE_INFINITY);
    return work;
  }
}
