// Where the time of a purchase goes, measured at both ends and at every role on its way:
//
//     wallet ├ signs ┤──────────────────── answered ───────────────────┤
//     shop             ├──────────────────── buy ─────────────────┤          each role counts and adds up its own
//     management           ├─────────────── pay ─────────────┤               times, from a message's arrival to its
//     cash                     ├─────────── pay ────────┤                    answer: specie_role_message_seconds
//
// What a stage has of its own is its time less that of the next one. All are means, so that they add up to the whole.
import { CommandError } from '../exit-codes.ts';
import type { System } from './system.ts';

export interface Stage {
  readonly name: string;
  /** Means: of purchases that were alone, and of those of all wallets at once. */
  readonly aloneMs: number;
  readonly togetherMs: number;
}

/** Purchases of one phase, and what the roles had measured before and after it. */
export interface Measured {
  readonly wallets: WalletTimes;
  readonly before: RoleTimes;
  readonly after: RoleTimes;
}

/** Sums of all messages so far. */
export interface RoleTimes {
  readonly shops: number;
  readonly management: number;
  readonly cash: number;
}

/** Of wallets, over so many purchases. */
export interface WalletTimes {
  purchases: number;
  /** Until the order was signed, sealed and written down. */
  signingMs: number;
  /** From there to the end, written down. */
  waitingMs: number;
}

const METRICS_TIMEOUT_MS = 30_000;

/** What the roles have measured by now, milliseconds. @throws CommandError */
export async function roleTimes(system: System, shops: number): Promise<RoleTimes> {
  const ofShops = await Promise.all(
    Array.from({ length: shops }, (_, i) => sum(system.part(`shop-${i + 1}`).listening.url, 'buy')),
  );
  return {
    shops: ofShops.reduce((total, ms) => total + ms, 0),
    management: await sum(system.part('management').listening.url, 'pay'),
    cash: await sum(system.part('cash').listening.url, 'pay'),
  };
}

async function sum(address: unknown, operation: string): Promise<number> {
  const url = new URL('/metrics', (address as string).replace(/^ws/, 'http'));
  const response = await fetch(url, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) });
  if (!response.ok) throw new CommandError(`${url.href}: expected status 200, got ${response.status}`);
  return secondsIn(await response.text(), operation) * 1000;
}

/** Of the histogram's sum in the Prometheus text format. */
export function secondsIn(metrics: string, operation: string): number {
  for (const line of metrics.split('\n')) {
    if (!line.startsWith('specie_role_message_seconds_sum{')) continue;
    if (line.includes(`operation="${operation}"`)) return Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return 0;
}

/** In the order of a purchase's way; what a role waits for the next one on is the next one's. */
export function stagesOf(alone: Measured, together: Measured): Stage[] {
  const [aloneMs, togetherMs] = [timesOf(alone), timesOf(together)];
  return STAGES.map((name, i) => ({ name, aloneMs: aloneMs[i]!, togetherMs: togetherMs[i]! }));
}

const STAGES = [
  'wallet: prices asked, signs, seals, writes',
  'channel to the shop and back, wallet: verifies, writes',
  'shop: checks, writes, forwards, verifies, writes',
  'management: opens its part, relays, verifies, writes',
  'cash: opens, verifies, books durably, signs',
];

function timesOf({ wallets, before, after }: Measured): number[] {
  const mean = (ms: number): number => (wallets.purchases === 0 ? 0 : ms / wallets.purchases);
  const shop = mean(after.shops - before.shops);
  const management = mean(after.management - before.management);
  const cash = mean(after.cash - before.cash);
  return [
    mean(wallets.signingMs),
    mean(wallets.waitingMs) - shop,
    shop - management,
    management - cash,
    cash,
  ];
}
