// What quickstart prints at its end, for people; with --json the same figures as one object.
import { formatSigned } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { grouped, milliseconds } from '../output.ts';
import type { Latencies } from '../submit/tally.ts';
import type { Check, Totals } from './audit.ts';
import type { Recovery } from './engine-process.ts';

export interface QuickstartReport {
  readonly seed: bigint;
  readonly accounts: number;
  readonly transfers: number;
  readonly generateSeconds: number;
  readonly sendingSeconds: number;
  readonly transfersPerSecond: number;
  readonly batches: number;
  readonly inFlight: number;
  readonly latency: Latencies;
  readonly answers: Record<string, number>;
  readonly recovery: Recovery | null;
  readonly totals: Totals;
  readonly openPending: number;
  readonly checks: readonly {
    name: string;
    passed: boolean;
    compared: number;
    failures: number;
    examples: readonly string[];
  }[];
  readonly passed: boolean;
}

export function plainCheck(check: Check): QuickstartReport['checks'][number] {
  const { name, passed, compared, failures, examples } = check;
  return { name, passed, compared, failures, examples };
}

export function reportText(report: QuickstartReport, currency: Currency): string {
  const money = (value: bigint) => {
    const [whole, decimals] = formatSigned(value, currency).split('.');
    return `${grouped(BigInt(whole!))}${decimals === undefined ? '' : `.${decimals}`} ${currency.code}`;
  };
  const { latency, totals, recovery } = report;
  const lines = [
    '',
    `throughput   ${grouped(report.transfersPerSecond)} transfers a second, durable: ` +
      `${grouped(report.transfers)} in ${milliseconds(report.sendingSeconds * 1000)}`,
    `latency      ${milliseconds(latency.p50Ms)} median, ${milliseconds(latency.p90Ms)} 90 %, ` +
      `${milliseconds(latency.p99Ms)} 99 %, ${milliseconds(latency.maxMs)} longest ` +
      `(${report.batches} batches, ${report.inFlight} under way at once)`,
    'answers',
  ];
  const width = Math.max(...Object.keys(report.answers).map((name) => name.length));
  for (const [answer, count] of Object.entries(report.answers)) {
    lines.push(`  ${answer.padEnd(width)}  ${grouped(count).padStart(11)}`);
  }
  if (recovery !== null) {
    lines.push(
      `recovery     after kill -9: ${grouped(recovery.replayedRecords)} records replayed in ${milliseconds(recovery.replayMs)}`,
    );
  }
  lines.push(
    `totals       debits ${money(totals.debitsPosted)}, credits ${money(totals.creditsPosted)}; ` +
      `${grouped(report.openPending)} pending transfers hold ${money(totals.debitsPending)}`,
    'checks',
  );
  for (const check of report.checks) {
    const outcome = check.passed
      ? `(${grouped(check.compared)})`
      : check.compared === 0
        ? '(nothing to compare)'
        : `(${grouped(check.failures)} of ${grouped(check.compared)} failed: ${check.examples.join('; ')})`;
    lines.push(`  ${check.passed ? '✓' : '✗'} ${check.name} ${outcome}`);
  }
  return `${lines.join('\n')}\n`;
}
