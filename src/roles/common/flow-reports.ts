// What became of requests that a flow runner keeps, as an operator is told.

import type { StoreReads } from '../../store/store.ts';
import type { RequestRecord } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import { idsIn, isDamage, REQUESTS_TABLE } from '../flow/request-ids.ts';
import { Refusal } from './refusal.ts';
import {
  HISTORY_STEPS_MAX,
  type ListRequests,
  type ListRequestsAnswer,
  REPORTS_PAGE_MAX,
  type RequestReport,
} from './request-report.ts';

/** What the role knows of it; undefined where it was not admitted. */
export type Describe = (record: RequestRecord) => Pick<RequestReport, 'amount' | 'currency' | 'detail'>;

/** undefined: no such request has come. Of a damaged record only that is said. */
export function reportOf(runner: FlowRunner, request: bigint, describe: Describe): RequestReport | undefined {
  let record: RequestRecord | undefined;
  try {
    record = runner.lookup(request);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return {
      ...{
        request,
        kind: 'unknown',
        state: 'damaged',
        createdAt: 0n,
        updatedAt: 0n,
        amount: 0n,
        currency: 0,
      },
      ...{ device: 0n, detail: 'its record is damaged: restore the store from a copy', history: [] },
    };
  }
  if (record === undefined) return undefined;
  const { createdAt, updatedAt, refusal } = record;
  const history = record.history.map(({ stateName, at }) => ({ state: stateName, at }));
  const described =
    refusal === undefined ? describe(record) : { amount: 0n, currency: 0, detail: refusal.code };
  return {
    ...{ request, kind: record.flow, state: record.stateName, createdAt, updatedAt, device: 0n },
    ...described,
    history:
      history.length <= HISTORY_STEPS_MAX ? history : [history[0]!, ...history.slice(1 - HISTORY_STEPS_MAX)],
  };
}

const ID_MAX = (1n << 128n) - 1n;

export function listReports(
  reads: StoreReads,
  runner: FlowRunner,
  { after, limit }: ListRequests,
  describe: Describe,
): ListRequestsAnswer | Refusal<never> {
  if (limit < 1 || limit > REPORTS_PAGE_MAX) {
    return new Refusal<never>('malformed', `limit: expected 1 to ${REPORTS_PAGE_MAX}, got ${limit}`);
  }
  const from = after === undefined ? 0n : after + 1n;
  if (from >= ID_MAX) return { reports: [] };
  const ids = idsIn(reads, REQUESTS_TABLE, { from, to: ID_MAX, limit });
  const reports = ids.map((id) => reportOf(runner, id, describe));
  return { reports: reports.filter((report) => report !== undefined) };
}
