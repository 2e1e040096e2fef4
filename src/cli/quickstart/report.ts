// What quickstart prints at its end, for people; with --json the same figures as one object.
import { formatSigned } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { grouped, milliseconds } from '../output.ts';
import type { Latencies } from '../submit/tally.ts';
import type { CarryFigures } from './carrying.ts';
import type { Check } from './check.ts';
import type { PayoutFigures } from './payout.ts';
import type { Totals } from './read-back.ts';
import type { OrderCounts } from './shops.ts';
import type { Stage } from './stages.ts';

export interface LoadFigures {
  readonly count: number;
  readonly given: number;
  readonly onFile: number;
  /** Rate and latency are those of so many loads, while nothing was wrong. */
  readonly perSecond: number;
  readonly measured: number;
  readonly seconds: number;
  readonly walletsAtOnce: number;
  /** From the order to the receipt, as the wallet sees it. */
  readonly latency: Latencies;
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface Recovery {
  /** By kill -9; otherwise they were stopped in good order. */
  readonly killed: boolean;
  /** Loads that were sent and had not ended. */
  readonly underWay: number;
  /** Charges whose outcome was unknown after the start. */
  readonly inquired: number;
  /** Until both took requests again. */
  readonly seconds: number;
  readonly longestLoadMs: number;
  readonly cash: {
    readonly seconds: number;
    readonly replayedOps: number;
    readonly replayedRecords: number;
    readonly loadMs: number;
    readonly replayMs: number;
  };
  readonly settlement: { readonly seconds: number };
}

export interface DayFigures {
  readonly accounts: number;
  readonly transfers: number;
  readonly generateSeconds: number;
  readonly sendingSeconds: number;
  readonly transfersPerSecond: number;
  readonly batches: number;
  readonly inFlight: number;
  readonly latency: Latencies;
  readonly answers: Readonly<Record<string, number>>;
}

export interface ShoppingFigures {
  readonly shops: number;
  /** Enrolled, approved, started. */
  readonly openSeconds: number;
  readonly count: number;
  /** Rate and latency are those of so many purchases, while nothing was wrong. */
  readonly perSecond: number;
  readonly measured: number;
  readonly seconds: number;
  readonly walletsAtOnce: number;
  /** From the wish to the receipt, as the wallet sees it. */
  readonly latency: Latencies;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What the shops have ordered later. */
  readonly orders: Readonly<OrderCounts>;
  /** Of sales, and of reservations before they ended. Minor units. */
  readonly spent: bigint;
  readonly reserved: bigint;
  /** Of management, cash and a shop at once. */
  readonly recovery: {
    readonly killed: boolean;
    /** Purchases that were begun and had not ended. */
    readonly underWay: number;
    readonly seconds: number;
    readonly longestMs: number;
  };
}

export interface QuickstartReport {
  readonly seed: bigint;
  readonly seconds: number;
  readonly wallets: { readonly count: number; readonly enrolSeconds: number; readonly perSecond: number };
  readonly loads: LoadFigures;
  readonly outage: {
    readonly answersWithheld: number;
    /** Charges whose outcome was unknown. */
    readonly inquired: number;
    readonly longestLoadMs: number;
  };
  readonly recovery: Recovery;
  readonly day: DayFigures;
  readonly shopping: ShoppingFigures;
  readonly carrying: CarryFigures;
  readonly payout: PayoutFigures;
  /** Of purchases while nothing was wrong; together they are the whole. */
  readonly stages: readonly Stage[];
  /** What the institution holds for the wallets. Minor units. */
  readonly float: bigint;
  /** Of the day. */
  readonly totals: Totals;
  readonly openPending: number;
  readonly checks: readonly {
    readonly name: string;
    readonly passed: boolean;
    readonly compared: number;
    readonly failures: number;
    readonly examples: readonly string[];
  }[];
  readonly passed: boolean;
}

export function plainCheck(check: Check): QuickstartReport['checks'][number] {
  const { name, passed, compared, failures, examples } = check;
  return { name, passed, compared, failures, examples };
}

/** @param cards the wallets' currency @param currency the day's */
export function reportText(report: QuickstartReport, cards: Currency, currency: Currency): string {
  const { wallets, loads, outage, recovery, day, payout, totals, checks } = report;
  const lines = [
    '',
    line('wallets', `${grouped(wallets.count)} enrolled, ${grouped(wallets.perSecond)} a second`),
    line(
      'loads',
      `${grouped(loads.perSecond)} a second: ${grouped(loads.measured)} in ${milliseconds(loads.seconds * 1000)}, ` +
        `${loads.walletsAtOnce} wallets at once`,
    ),
    line('', `${latencyText(loads.latency)}, from order to receipt`),
    line(
      '',
      `${grouped(loads.count)} in all: ${grouped(loads.given)} with the account number given, ` +
        `${grouped(loads.onFile)} with the one on file`,
    ),
    line('', countsText(loads.outcomes)),
    line(
      'outage',
      `${grouped(outage.answersWithheld)} answers withheld by the institution; charges unknown, then inquired: ` +
        `${grouped(outage.inquired)}; longest load ${milliseconds(outage.longestLoadMs)}`,
    ),
    line(
      recovery.killed ? 'kill -9' : 'restart',
      `of cash and settlement, ${grouped(recovery.underWay)} loads under way; charges unknown, then inquired: ` +
        `${grouped(recovery.inquired)}; longest load ${milliseconds(recovery.longestLoadMs)}`,
    ),
    line(
      '',
      `both back in ${milliseconds(recovery.seconds * 1000)}; cash replayed ` +
        `${grouped(recovery.cash.replayedRecords)} records in ${milliseconds(recovery.cash.replayMs)}`,
    ),
    ...shoppingLines(report.shopping, cards),
    line(
      'the day',
      `${grouped(day.transfersPerSecond)} transfers a second, durable and encrypted: ` +
        `${grouped(day.transfers)} in ${milliseconds(day.sendingSeconds * 1000)}`,
    ),
    line('', `${latencyText(day.latency)} (${day.batches} batches, ${day.inFlight} at once)`),
    ...wrapped(countsText(day.answers)).map((text) => line('', text)),
    ...carryingLines(report.carrying, cards),
    line(
      'payout',
      `${payout.shops} shops paid ${money(payout.paid, cards)}, booked by the bank in ${milliseconds(payout.seconds * 1000)}:`,
    ),
    line(
      '',
      `${money(payout.sales, cards)} sold, less ${money(payout.refunds, cards)} given back or made into notes and ` +
        `${money(payout.fees, cards)} of fees`,
    ),
    line(
      'totals',
      `${money(report.float, cards)} float at cash${report.passed ? ': what wallets hold, and what is earned and not paid out' : ''}`,
    ),
    line(
      '',
      `the day: debits ${money(totals.debitsPosted, currency)}, credits ${money(totals.creditsPosted, currency)}; ` +
        `${grouped(report.openPending)} pending hold ${money(totals.debitsPending, currency)}`,
    ),
    `checks${report.passed ? '' : ': FAILED'}`,
  ];
  for (const check of checks) {
    const outcome = check.passed
      ? `(${grouped(check.compared)})`
      : check.compared === 0
        ? '(nothing to compare)'
        : `(${grouped(check.failures)} of ${grouped(check.compared)} failed: ${check.examples.join('; ')})`;
    lines.push(`  ${check.passed ? '✓' : '✗'} ${check.name} ${outcome}`);
  }
  lines.push(...stageLines(report));
  return `${lines.join('\n')}\n`;
}

function shoppingLines(shopping: ShoppingFigures, cards: Currency): string[] {
  const { orders, recovery } = shopping;
  return [
    line(
      'purchases',
      `${grouped(shopping.perSecond)} a second: ${grouped(shopping.measured)} in ` +
        `${milliseconds(shopping.seconds * 1000)} at ${shopping.shops} shops, ${shopping.walletsAtOnce} wallets at once`,
    ),
    line('', `${latencyText(shopping.latency)}, from the price asked to the receipt`),
    line(
      '',
      `${grouped(shopping.count)} in all: ${countsText(shopping.outcomes)}; ${money(shopping.spent, cards)} spent, ` +
        `${money(shopping.reserved, cards)} reserved`,
    ),
    line(
      '',
      `then ${grouped(orders.refunds)} refunds, ${grouped(orders.partial)} of them of a half; of the reserved ` +
        `${grouped(orders.captures)} taken in part, ${grouped(orders.voids)} released, ${grouped(orders.reserved)} left`,
    ),
    line(
      recovery.killed ? 'kill -9' : 'restart',
      `of management, cash and a shop, ${grouped(recovery.underWay)} purchases under way; back in ` +
        `${milliseconds(recovery.seconds * 1000)}; longest purchase ${milliseconds(recovery.longestMs)}`,
    ),
  ];
}

function carryingLines(carrying: CarryFigures, cards: Currency): string[] {
  const { people, recovery, outstanding, fees, atCash } = carrying;
  return [
    line(
      'carrying',
      `${grouped(carrying.perSecond)} exchanges a second: ${grouped(carrying.in)} into an organisation and ` +
        `${grouped(carrying.out)} out of it in ${milliseconds(carrying.seconds * 1000)}, ${grouped(people)} people at once`,
    ),
    line('', `${latencyText(carrying.latency)}, from sent to fetched`),
    line(
      '',
      `${money(carrying.bought, cards)} bought as notes, ${money(carrying.carriedIn, cards)} carried in, ` +
        `${money(carrying.handedOn, cards)} handed on,`,
    ),
    line(
      '',
      `${money(carrying.carriedOut, cards)} carried out, ${money(carrying.paidIn, cards)} paid into wallets`,
    ),
    line(
      '',
      `local notes out ${money(outstanding, cards)}${
        atCash - fees === outstanding
          ? ' = value behind them at cash'
          : `, behind them ${money(atCash - fees, cards)}`
      }, beside ${money(fees, cards)} of fees`,
    ),
    line(
      recovery.killed ? 'kill -9' : 'restart',
      `of the gateway, ${grouped(recovery.underWay)} exchanges under way; back in ` +
        `${milliseconds(recovery.seconds * 1000)}; longest exchange ${milliseconds(recovery.longestMs)}`,
    ),
  ];
}

/** Where the time of a purchase goes. */
function stageLines({ stages, shopping }: QuickstartReport): string[] {
  const alone = stages.reduce((sum, { aloneMs }) => sum + aloneMs, 0);
  const together = stages.reduce((sum, { togetherMs }) => sum + togetherMs, 0);
  if (alone === 0 || together === 0) return [];
  const share = (ms: number, whole: number): string =>
    `${milliseconds(ms).padStart(9)} ${`${Math.round((100 * ms) / whole)} %`.padStart(5)}`;
  const row = (name: string, aloneMs: number, togetherMs: number): string =>
    `  ${name.padEnd(STAGE_WIDTH)} ${share(aloneMs, alone)}  ${share(togetherMs, together)}`;
  return [
    `a purchase, stage by stage (means)${'one at a time'.padStart(STAGE_WIDTH - 16)}${`${shopping.walletsAtOnce} at once`.padStart(17)}`,
    ...stages.map(({ name, aloneMs, togetherMs }) => row(name, aloneMs, togetherMs)),
    row('from wallet to wallet', alone, together),
  ];
}

const STAGE_WIDTH = 55;
const LABEL_WIDTH = 9;
const TEXT_WIDTH = 96;

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)} ${text}`;
}

function money(value: bigint, currency: Currency): string {
  const [whole, decimals] = formatSigned(value, currency).split('.');
  return `${grouped(BigInt(whole!))}${decimals === undefined ? '' : `.${decimals}`} ${currency.code}`;
}

function latencyText({ p50Ms, p90Ms, p99Ms, maxMs }: Latencies): string {
  return (
    `${milliseconds(p50Ms)} median, ${milliseconds(p90Ms)} 90 %, ${milliseconds(p99Ms)} 99 %, ` +
    `${milliseconds(maxMs)} longest`
  );
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(', ');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > TEXT_WIDTH) {
    const end = rest.lastIndexOf(', ', TEXT_WIDTH) + 1;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end + 1);
  }
  return [...lines, rest];
}
