// What an operator is told of a request. No user data, no keys, nothing sealed.

import { U128_MAX } from '../../shared/bytes.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore } from '../../store/store.ts';
import type { RequestReport } from '../common/request-report.ts';
import type { RequestRecord } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import { type DeviceOrderState, deviceOrderFlow } from './device-order-flow.ts';
import {
  type EnrolState,
  enrolFlow,
  type FilingState,
  filingFlow,
  type LoadState,
  loadFlow,
} from './flow.ts';
import { type WindowFlowState, windowFlow } from './payout-flow.ts';
import { type PurseState, purseFlow } from './purse-flow.ts';
import { findTransfer, listTransfers, transferReport } from './purse-transfers.ts';
import { type ShopClosingState, shopClosingFlow } from './shop-closing-flow.ts';
import { type ShopFlowState, shopFlow } from './shop-flow.ts';
import { findTrade, idText, listTrades, tradeReport } from './trades.ts';

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

/** What became of a request: one of the runner's, a trade, or a transfer from purse to purse. */
export function findReport(
  store: RoleStore,
  runner: Pick<FlowRunner, 'lookup'>,
  request: bigint,
): RequestReport | undefined {
  const record = runner.lookup(request);
  if (record !== undefined) return reportOf(record);
  const trade = findTrade(store, request);
  if (trade !== undefined) return tradeReport({ request, ...trade });
  const transfer = findTransfer(store, request);
  return transfer && transferReport({ request, ...transfer });
}

/** Requests in the order of their ids, after that one. */
export function listRequests(
  store: RoleStore,
  runner: Pick<FlowRunner, 'lookup'>,
  after: bigint | undefined,
  limit: number,
): RequestReport[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  const ids = store.range(REQUESTS, bounds).map(({ key }) => idOfKey(key));
  // As many of each kind as may be wanted of it. Under one id, the first kind that has it, as findReport has it: the wallet
  // that chose it so sees the other one.
  const found = new Map<bigint, () => RequestReport>();
  for (const transfer of listTransfers(store, after, limit)) {
    found.set(transfer.request, () => transferReport(transfer));
  }
  for (const trade of listTrades(store, after, limit)) found.set(trade.request, () => tradeReport(trade));
  for (const id of ids) found.set(id, () => reportOf(runner.lookup(id)!));
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.slice(0, limit).map(([, report]) => report());
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
    case shopFlow.name:
      return ofShop(state as ShopFlowState);
    case shopClosingFlow.name:
      return ofShop(state as ShopClosingState);
    case deviceOrderFlow.name:
      return ofDeviceOrder(state as DeviceOrderState);
    case purseFlow.name:
      return ofPurse(state as PurseState);
    case windowFlow.name:
      return { amount: 0n, currency: (state as WindowFlowState).currency, device: 0n, detail: '' };
    default:
      throw new Error(`request ${flow}: expected a flow of management, got another`);
  }
}

function ofEnrolment(state: EnrolState): Particulars {
  const detail = state.kind === 'opening' ? (state.distrusted ?? '') : '';
  return { amount: 0n, currency: 0, device: state.device, detail };
}

function ofPurse(state: PurseState): Particulars {
  const { device, amount, currency } = state.opening.document;
  const problem =
    state.kind === 'opening' ? state.distrusted : state.kind === 'rejected' ? state.reason : undefined;
  const purse = `purse ${idText(state.purse)}`;
  return { amount, currency, device, detail: problem === undefined ? purse : `${problem}, ${purse}` };
}

function ofShop(state: ShopFlowState | ShopClosingState): Particulars {
  const shop = `shop ${idText(state.shop)}`;
  const detail =
    'distrusted' in state && state.distrusted !== undefined ? `${state.distrusted}, ${shop}` : shop;
  return { amount: 0n, currency: 0, device: 0n, detail };
}

function ofDeviceOrder(state: DeviceOrderState): Particulars {
  const { device, action } = state.order.document;
  const problem =
    state.kind === 'ordering' ? state.distrusted : state.kind === 'refused' ? state.reason : undefined;
  const ordered = action.kind === 'replace' ? `replace by ${idText(action.by)}` : action.kind;
  const { amount, currency } =
    action.kind === 'limits'
      ? { amount: action.paymentMax, currency: action.currency }
      : { amount: 0n, currency: 0 };
  return { amount, currency, device, detail: problem === undefined ? ordered : `${problem}, ${ordered}` };
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
