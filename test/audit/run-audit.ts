// Drives a workload into a ledger, one request after the other, with the auditor looking on.
import { AccountFilterFlags, BATCH_RECORDS_MAX, type ChangeEvent } from '../../src/layout/generated.ts';
import { Auditor, type AuditSummary } from './auditor.ts';
import type { AuditedLedger } from './client.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

export interface AuditRun extends WorkloadOptions {
  readonly requests: number;
  /** Requests between two looks at all accounts and histories. */
  readonly fullCheckEvery: number;
  readonly pause: (nanoseconds: bigint) => Promise<void>;
}

/** Throws AuditError at the first contradiction. */
export async function runAudit(ledger: AuditedLedger, run: AuditRun): Promise<AuditSummary> {
  const workload = new Workload(run);
  const auditor = new Auditor();
  const ids: bigint[] = [];
  for (const request of workload.opening()) {
    if (request.kind !== 'accounts') throw new Error(`expected accounts to be opened, got ${request.kind}`);
    auditor.accountsAnswered(request.events, await ledger.createAccounts(request.events));
  }
  for (let i = 1; i <= run.requests; i++) {
    const request = workload.next();
    if (request.kind === 'pause') {
      await run.pause(request.nanoseconds);
    } else if (request.kind === 'transfers') {
      const results = await ledger.createTransfers(request.events);
      auditor.transfersAnswered(
        request.events,
        results,
        await feedAfter(ledger, auditor.lastChangeTimestamp),
      );
      ids.push(...request.events.map(({ id }) => id));
    }
    if (i % run.fullCheckEvery === 0 || i === run.requests) await fullCheck(ledger, auditor, ids);
  }
  return auditor.summary();
}

async function fullCheck(ledger: AuditedLedger, auditor: Auditor, ids: readonly bigint[]): Promise<void> {
  const accountIds = auditor.accountIds();
  const accounts = [];
  for (const part of parts(accountIds)) accounts.push(...(await ledger.lookupAccounts(part)));
  auditor.accountsShown(accounts);
  for (const part of parts(ids)) auditor.transfersShown(part, await ledger.lookupTransfers(part));
  for (const accountId of accountIds) {
    const transfers = await pages((timestampMin) =>
      ledger.getAccountTransfers(historyOf(accountId, timestampMin)),
    );
    const balances = await pages((timestampMin) =>
      ledger.getAccountBalances(historyOf(accountId, timestampMin)),
    );
    auditor.historyShown(accountId, transfers, balances);
  }
}

/** Everything in the feed after `timestamp`. */
function feedAfter(ledger: AuditedLedger, timestamp: bigint): Promise<ChangeEvent[]> {
  return pages(
    (timestampMin) => ledger.getChangeEvents({ timestampMin, timestampMax: 0n, limit: PAGE }),
    timestamp,
  );
}

/** Rows asked for at a time: few, so that paging is used. */
const PAGE = 100;

async function pages<Row extends { timestamp: bigint }>(
  page: (timestampMin: bigint) => Promise<Row[]>,
  after = 0n,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const found = await page((rows.at(-1)?.timestamp ?? after) + 1n);
    rows.push(...found);
    if (found.length < PAGE) return rows;
  }
}

function historyOf(accountId: bigint, timestampMin: bigint) {
  return {
    accountId,
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    code: 0,
    timestampMin,
    timestampMax: 0n,
    limit: PAGE,
    flags: AccountFilterFlags.debits | AccountFilterFlags.credits,
  };
}

function* parts<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += BATCH_RECORDS_MAX) {
    yield items.slice(from, from + BATCH_RECORDS_MAX);
  }
}
