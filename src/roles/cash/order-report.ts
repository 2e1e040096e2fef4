// What an operator is told of an order of a shop, or of another operator.
import type { RequestReport } from '../common/request-report.ts';
import type { RequestRecord } from '../flow/flow.ts';
import { type DeviceOrderState, deviceOrderFlow } from './device-order-flow.ts';
import { orderOf, type ShopOrderState, shopOrderFlow } from './shop-order-flow.ts';

type Particulars = Pick<RequestReport, 'kind' | 'amount' | 'currency' | 'device' | 'detail'>;

export function orderReport(record: RequestRecord): RequestReport {
  const { id, stateName, createdAt, updatedAt, history } = record;
  return {
    request: id,
    state: stateName,
    createdAt,
    updatedAt,
    ...particulars(record),
    history: history.map((step) => ({ state: step.stateName, at: step.at })),
  };
}

function particulars({ flow, state, refusal }: RequestRecord): Particulars {
  // Of what was refused only the reason is kept.
  if (refusal !== undefined) return { kind: flow, amount: 0n, currency: 0, device: 0n, detail: refusal.code };
  if (flow === shopOrderFlow.name) return ofShopOrder(state as ShopOrderState);
  if (flow === deviceOrderFlow.name) return ofDeviceOrder(state as DeviceOrderState);
  throw new Error(`request ${flow}: expected a flow of cash, got another`);
}

/** The device is found by the purchase: the order does not name it. */
function ofShopOrder(state: ShopOrderState): Particulars {
  const { action, shop, purchase, currency, amount } = orderOf(state);
  const reason = state.kind === 'rejected' ? `, ${state.reason}` : '';
  return {
    kind: action,
    amount: state.kind === 'done' ? state.booking.amount : amount,
    currency,
    device: 0n,
    detail: `shop ${shop}, purchase ${purchase}${reason}`,
  };
}

function ofDeviceOrder({ order }: DeviceOrderState): Particulars {
  const { device, action, operator, reason } = order.document;
  const by = action.kind === 'replace' ? `, by ${action.by}` : '';
  const detail = `operator ${operator}${by}: ${reason}`;
  return { kind: `device_${action.kind}`, amount: 0n, currency: 0, device, detail };
}
