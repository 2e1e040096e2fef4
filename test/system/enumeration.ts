// Finds the points of a process by letting it pass them, and has it killed at each. A run that ends in a recovery shows the
// points of that recovery, which are then killed at too: [charged] ▶ [charged, inquiring] ▶ …, until nothing new is found.
import { performance } from 'node:perf_hooks';
import { everyFlow } from './flows.ts';
import type { Kill, RoleKeeper } from './role-keeper.ts';
import type { System } from './system.ts';

type Place = Extract<Kill, { readonly point: string }>;

export interface Enumeration {
  readonly runs: number;
  readonly deaths: number;
  /** Names of all points that were passed. */
  readonly points: ReadonlySet<string>;
  /** Names of those where it died. */
  readonly diedAt: ReadonlySet<string>;
  /** Places that were met once, and not again where it should have died. */
  readonly missed: readonly string[];
  readonly seconds: number;
}

export interface EnumerationOptions {
  /** Which places count as the same: a place is tried once for each text. `path`: where it died before, in this run. */
  readonly sameAs: (place: Place, path: readonly Place[]) => string;
}

/** Each name once, wherever it is met first. */
export const eachName: EnumerationOptions = { sameAs: ({ point }) => point };

/** Each point of a run; and, in a recovery, each name after each name. */
export const eachPlace: EnumerationOptions = {
  sameAs: ({ point, nth }, path) => {
    if (path.length === 0) return `${point} ${nth}`;
    if (path.length === 1) return `${path[0]!.point}, ${point}`;
    return `…, ${point}`;
  },
};

/** Each point of a run; in recoveries, each name once. */
export const everyPoint: EnumerationOptions = {
  sameAs: ({ point, nth }, path) => (path.length === 0 ? `${point} ${nth}` : `…, ${point}`),
};

function placesOf(passed: readonly string[]): Place[] {
  const counts = new Map<string, number>();
  return passed.map((point) => {
    const nth = (counts.get(point) ?? 0) + 1;
    counts.set(point, nth);
    return { point, nth };
  });
}

/** One run a path: killed at each of its places, one after the other, then left alone. */
export async function enumerate(
  system: System,
  keeper: RoleKeeper,
  { sameAs }: EnumerationOptions,
): Promise<Enumeration> {
  const began = performance.now();
  const points = new Set<string>();
  const diedAt = new Set<string>();
  const missed: string[] = [];
  const tried = new Set<string>();
  const paths: (readonly Place[])[] = [[]];
  let runs = 0;
  let deaths = 0;
  for (const path of paths) {
    await keeper.arm((before) => path[before.length]);
    await everyFlow(system);
    const passed = await keeper.disarm();
    runs++;
    deaths += keeper.deaths.length;
    for (const { passed: before } of keeper.deaths) diedAt.add(before!.at(-1)!);
    for (const name of passed) points.add(name);
    if (keeper.deaths.length < path.length) {
      missed.push(path.map(({ point, nth }) => `${point} (${nth})`).join(' ▶ '));
      continue;
    }
    for (const place of placesOf(passed)) {
      const same = sameAs(place, path);
      if (tried.has(same)) continue;
      tried.add(same);
      paths.push([...path, place]);
    }
  }
  return { runs, deaths, points, diedAt, missed, seconds: (performance.now() - began) / 1000 };
}

/** One life after the other ends at the first matching point whose name is new, recoveries included, until a run passes without. */
export async function chain(system: System, keeper: RoleKeeper, only: RegExp): Promise<Enumeration> {
  const began = performance.now();
  const points = new Set<string>();
  const diedAt = new Set<string>();
  let runs = 0;
  let deaths = 0;
  for (let isOver = false; !isOver; ) {
    await keeper.arm((before) => {
      for (const { passed } of before) {
        for (const name of passed!) points.add(name);
        diedAt.add(passed!.at(-1)!);
      }
      return { only: only.source, except: [...diedAt] };
    });
    await everyFlow(system);
    for (const name of await keeper.disarm()) points.add(name);
    runs++;
    deaths += keeper.deaths.length;
    isOver = keeper.deaths.length === 0;
  }
  return { runs, deaths, points, diedAt, missed: [], seconds: (performance.now() - began) / 1000 };
}

/** The n-th life ends at its n-th point, for n = 1, 2, 3, …, until a life has lasted for a whole run. */
export async function later(system: System, keeper: RoleKeeper): Promise<Enumeration> {
  const began = performance.now();
  const points = new Set<string>();
  const diedAt = new Set<string>();
  let runs = 0;
  let number = 1;
  for (let isOver = false; !isOver; ) {
    const first = number;
    await keeper.arm((before) => ({ number: first + before.length }));
    await everyFlow(system);
    for (const name of await keeper.disarm()) points.add(name);
    runs++;
    number += keeper.deaths.length;
    for (const { passed } of keeper.deaths) {
      for (const name of passed!) points.add(name);
      diedAt.add(passed!.at(-1)!);
    }
    isOver = keeper.deaths.length === 0;
  }
  return {
    runs,
    deaths: number - 1,
    points,
    diedAt,
    missed: [],
    seconds: (performance.now() - began) / 1000,
  };
}

export function described(
  name: string,
  { runs, deaths, points, diedAt, missed, seconds }: Enumeration,
): string {
  return [
    `${name}: ${deaths} deaths in ${runs} runs, ${diedAt.size} of ${points.size} names, ${seconds.toFixed(1)} s`,
    ...missed.map((path) => `  not met again: ${path}`),
  ].join('\n');
}
