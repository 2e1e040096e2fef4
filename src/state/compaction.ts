// Which runs to merge next. Each run whose range covers an id costs its search a filter probe. So when eight runs of
// about one size cover a common id they become one:
//
//     tier 1   ▂▂▂▂▂▂▂▂   2 million each  ─┐
//     tier 2   █ █ █       16 million each ◀┘      an id is covered by at most 7 runs of each tier;
//     tier 3   █           128 million each        an entry is written once more for each tier
//
// Runs of time-ordered ids hardly overlap, and no id needs more than one or two of them: they stay as they are until
// there are so many that searching the list of runs would take long; then neighbours are joined.
import type { RunInfo } from './manifest.ts';

export const MERGE_FAN_OUT = 8;

/** Disjoint runs of one tier that are left alone. */
export const DISJOINT_RUNS_MAX = 64;

/** The kernel takes no larger run (RUN_ENTRIES_MAX in assembly/index/run-format.ts). */
export const RUN_ENTRIES_MAX = 200_000_000;

/** Runs up to this many entries are of the lowest tier. */
const TIER_ENTRIES_MIN = 2 ** 18;

function tierOf({ entries }: RunInfo): number {
  let tier = 0;
  for (let limit = TIER_ENTRIES_MIN; entries > limit; limit *= MERGE_FAN_OUT) tier++;
  return tier;
}

const byAge = (a: RunInfo, b: RunInfo): number => a.id - b.id;
const byMin = (a: RunInfo, b: RunInfo): number =>
  a.minId < b.minId ? -1 : a.minId > b.minId ? 1 : byAge(a, b);

/** The most runs that cover one id. That id can always be the least one of some run. */
function deepest(runs: readonly RunInfo[]): RunInfo[] {
  let most: RunInfo[] = [];
  for (const { minId } of runs) {
    const covering = runs.filter((run) => run.minId <= minId && minId <= run.maxId);
    if (covering.length > most.length) most = covering;
  }
  return most;
}

/** The first eight of these as far as they fit one run; fewer than two: none. */
function pick(runs: readonly RunInfo[]): number[] | undefined {
  const picked: number[] = [];
  let total = 0;
  for (const { id, entries } of runs) {
    if (picked.length === MERGE_FAN_OUT || total + entries > RUN_ENTRIES_MAX) break;
    total += entries;
    picked.push(id);
  }
  return picked.length < 2 ? undefined : picked;
}

function tiers(runs: readonly RunInfo[]): RunInfo[][] {
  const found: RunInfo[][] = [];
  for (const run of runs) {
    const tier = tierOf(run);
    found[tier] ??= [];
    found[tier].push(run);
  }
  return found.filter((tier) => tier !== undefined);
}

/** Ids of the runs to merge into one, 2 to 8 of them; undefined: nothing to do. */
export function planMerge(runs: readonly RunInfo[]): number[] | undefined {
  for (const tier of tiers(runs)) {
    const covering = deepest(tier);
    const crowded =
      covering.length >= MERGE_FAN_OUT
        ? covering.sort(byAge)
        : tier.length > DISJOINT_RUNS_MAX
          ? [...tier].sort(byMin)
          : [];
    const plan = pick(crowded);
    if (plan !== undefined) return plan;
  }
  return undefined;
}
