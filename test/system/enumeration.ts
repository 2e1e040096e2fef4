// Finds the points of a process by letting it pass them, and has it killed at each.
//
//     eachName    in each request of a run, at the first point whose name is new; then at names that only recoveries have
//     someNames   a few runs, in each request at a point that is drawn
//     eachPoint   one run a point; and in its recovery, at each of the first points of that, again a run each
//     chain       one life after the other, at the first point whose name is new, recoveries included
//     later       the n-th life at its n-th point, for n = 1, 2, 3, …
//
// Each goes on until a whole run has passed with nothing left to die at.
import type { Random } from '../../src/shared/random.ts';
import type { Kill, RoleKeeper } from './role-keeper.ts';

/** Runs each request of a run. */
export type Around = <Result>(request: () => Promise<Result>) => Promise<Result>;

/** A run: requests with their ends, which it checks. */
export type Run = (around: Around) => Promise<void>;

const UNWATCHED: Around = (request) => request();

type Place = Extract<Kill, { readonly point: string }>;

/** Points of a recovery that are died at, in it. Those that follow are of the requests after it. */
const RECOVERY_POINTS_MAX = 4;

export class Enumeration {
  runs = 0;
  deaths = 0;
  /** Names of all points that were passed. */
  readonly points = new Set<string>();
  /** Names of those where it died. */
  readonly diedAt = new Set<string>();
  /** Where it should have died, and did not come to. */
  readonly missed: string[] = [];
  readonly #everyFlow: Run;
  readonly #keeper: RoleKeeper;
  readonly #began = performance.now();

  constructor(everyFlow: Run, keeper: RoleKeeper) {
    this.#everyFlow = everyFlow;
    this.#keeper = keeper;
  }

  /** @param only names that match */
  async eachName(only: RegExp): Promise<this> {
    /** Names that are met in recoveries, with where the recovery came from. */
    const inRecoveries = new Map<string, string>();
    for (let before = -1; before < this.deaths; ) {
      before = this.deaths;
      await this.#everyFlow(async (request) => {
        const plan = { only: only.source, except: [...this.diedAt] };
        await this.#keeper.arm((deaths) => (deaths.length === 0 ? plan : undefined));
        const outcome = await request();
        const passed = await this.#count();
        const died = this.#keeper.deaths[0]?.passed?.at(-1);
        if (died !== undefined) {
          for (const name of passed) if (!inRecoveries.has(name)) inRecoveries.set(name, died);
        }
        return outcome;
      });
      this.runs++;
    }
    for (const [name, origin] of inRecoveries) {
      if (!this.diedAt.has(name) && only.test(name)) await this.#path([origin, name].map(first));
    }
    return this;
  }

  /** Runs in which it is killed once in each request, at a point that is drawn from those of that request. */
  async someNames(random: Random, runs: number): Promise<this> {
    const requests: (readonly string[])[] = [];
    await this.#everyFlow(async (request) => {
      await this.#keeper.arm(() => undefined);
      const result = await request();
      requests.push(await this.#count());
      return result;
    });
    for (; this.runs < runs; this.runs++) {
      let number = 0;
      await this.#everyFlow(async (request) => {
        const names = [...new Set(requests[number++]!)].sort();
        const fresh = names.filter((name) => !this.diedAt.has(name));
        const point = names.length === 0 ? '' : random.pick(fresh.length > 0 ? fresh : names);
        await this.#keeper.arm((deaths) => (deaths.length === 0 ? first(point) : undefined));
        const result = await request();
        await this.#count();
        return result;
      });
    }
    return this;
  }

  /** @param only names that match: what is asked for again and again is at another place in each run */
  async eachPoint({
    recoveries,
    only = /./,
  }: {
    readonly recoveries: boolean;
    readonly only?: RegExp;
  }): Promise<this> {
    const placesOf = (passed: readonly string[]): Place[] =>
      allPlaces(passed).filter(({ point }) => only.test(point));
    const places = placesOf(await this.#path([]));
    const tried = new Set<string>();
    for (const place of places) {
      const recovery = placesOf(await this.#path([place])).slice(0, RECOVERY_POINTS_MAX);
      for (const second of recoveries ? recovery : []) {
        const both = `${place.point} ▶ ${second.point} ${second.nth}`;
        if (tried.has(both)) continue;
        tried.add(both);
        await this.#path([place, second]);
      }
    }
    return this;
  }

  async chain(only: RegExp): Promise<this> {
    for (let before = -1; before < this.deaths; ) {
      before = this.deaths;
      await this.#run((deaths) => {
        for (const { passed } of deaths) this.diedAt.add(passed!.at(-1)!);
        return { only: only.source, except: [...this.diedAt] };
      });
    }
    return this;
  }

  async later(): Promise<this> {
    for (let before = -1; before < this.deaths; ) {
      before = this.deaths;
      await this.#run((deaths) => ({ number: before + deaths.length + 1 }));
    }
    return this;
  }

  /** One run: killed at each of these places, one after the other. @returns points of the last life */
  async #path(places: readonly Place[]): Promise<readonly string[]> {
    const passed = await this.#run((deaths) => places[deaths.length]);
    if (this.#keeper.deaths.length < places.length) {
      this.missed.push(places.map(({ point, nth }) => `${point} (${nth})`).join(' ▶ '));
    }
    return passed;
  }

  async #run(plan: Parameters<RoleKeeper['arm']>[0]): Promise<readonly string[]> {
    await this.#keeper.arm(plan);
    await this.#everyFlow(UNWATCHED);
    this.runs++;
    return this.#count();
  }

  /** @returns points of the last life */
  async #count(): Promise<readonly string[]> {
    const last = await this.#keeper.disarm();
    for (const { passed } of this.#keeper.deaths) {
      this.deaths++;
      this.diedAt.add(passed!.at(-1)!);
      for (const name of passed!) this.points.add(name);
    }
    for (const name of last) this.points.add(name);
    return last;
  }

  /** Names that were passed, and never died at. */
  left(only: RegExp): string[] {
    return [...this.points].filter((point) => only.test(point) && !this.diedAt.has(point));
  }

  text(what: string): string {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1);
    const { runs, deaths, diedAt, points, missed } = this;
    return [
      `${what}: ${deaths} deaths in ${runs} runs, at ${diedAt.size} of ${points.size} names, ${seconds} s`,
      ...missed.map((path) => `  not met: ${path}`),
      '',
    ].join('\n');
  }
}

const first = (point: string): Place => ({ point, nth: 1 });

function allPlaces(passed: readonly string[]): Place[] {
  const counts = new Map<string, number>();
  return passed.map((point) => {
    const nth = (counts.get(point) ?? 0) + 1;
    counts.set(point, nth);
    return { point, nth };
  });
}
