// What an operator is told of a request. No user data, no keys, nothing sealed.

import { U128_MAX } from '../../shared/bytes.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore } from '../../store/store.ts';
import type { RequestReport } from '../common/request-report.ts';
import type { RequestRecord } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import {
  type EnrolState,
  enrolFlow,
  type FilingState,
  filingFlow,
  type LoadState,
  loadFlow,
} from './flow.ts';

/** The runner's table of all requests, by their ids. */
const REQUESTS = 'requests';

type Particulars = Pick<RequestReport, 'amount' | 'currency' | 'device' | 'detail'>;

export function reportOf(record: RequestRecord): RequestReport {
  const { id, flow, stateName, createdAt, updatedAt, history } = record;
  return {
    request: id,
    kind: flow,
    state: stateName,
    createdAt,
    updatedAt,
    ...particulars(record),
    history: history.map((step) => ({ state: step.stateName, at: step.at })),
  };
}

/** Requests in the order of their ids, after that one. */
export function listRequests(
  store: RoleStore,
  runner: FlowRunner,
  after: bigint | undefined,
  limit: number,
): RequestReport[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  return store.range(REQUESTS, bounds).map(({ key }) => reportOf(runner.lookup(idOfKey(key))!));
}

function particulars({ flow, state, refusal }: RequestRecord): Particulars {
  // Of what was refused only the reason is kept.
  if (refusal !== undefined) return { amount: 0n, currency: 0, device: 0n, detail: refusal.code };
  switch (flow) {
    case enrolFlow.name:
      return ofEnrolment(state as EnrolState);
    case filingFlow.name:
      return { amount: 0n, currency: 0, device: (state as FilingState).device, detail: '' };
    case loadFlow.name:
      return ofLoad(state as LoadState);
    default:
      throw new Error(`request ${flow}: expected a flow of management, got another`);
  }
}

function ofEnrolment(state: EnrolState): Particulars {
  const detail = state.kind === 'opening' ? (state.distrusted ?? '') : '';
  return { amount: 0n, currency: 0, device: state.device, detail };
}

function ofLoad(state: LoadState): Particulars {
  const { amount, currency } = state.order.document;
  return { amount, currency, device: state.device, detail: detailOf(state) };
}

/** What is wrong, or why it ended so, or the institution's name for the charge. */
function detailOf(state: LoadState): string {
  if ('distrusted' in state && state.distrusted !== undefined) return state.distrusted;
  if ('refused' in state && state.refused !== undefined) return state.refused;
  if ('reason' in state) return state.reason;
  if (state.kind === 'reversing') return state.rejection.document.reason;
  return 'charge' in state ? state.charge.document.institutionReference : '';
}
