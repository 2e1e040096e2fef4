import type { ConformanceTarget } from '../conformance/target.ts';
import type { AuditSummary } from './auditor.ts';
import { ClockedLedger } from './clocked.ts';
import { type AuditRun, runAudit } from './run-audit.ts';

/** 2026, in nanoseconds. */
const START = 1_790_000_000_000_000_000n;

/** A workload of some seconds' length on a target that is told the time. */
export function auditTarget(target: ConformanceTarget, run: Partial<AuditRun> = {}): Promise<AuditSummary> {
  const ledger = new ClockedLedger(target, START);
  return runAudit(ledger, {
    seed: 1n,
    devices: 30,
    shops: 4,
    batchRecordsMax: 200,
    requests: 150,
    fullCheckEvery: 50,
    pause: (nanoseconds) => ledger.pause(nanoseconds),
    ...run,
  });
}
