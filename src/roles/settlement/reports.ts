// What became of a charge, for operators: the charge and its reversal as one. There is no account number in it, and
// nothing from which one could be had.
import type { StoreReads } from '../../store/store.ts';
import { HISTORY_STEPS_MAX, type RequestReport } from '../common/request-report.ts';
import type { SignedLoadOrder } from '../documents/load-order.ts';
import type { StoredRequest } from '../flow/record.ts';
import { isDamage } from '../flow/request-ids.ts';
import type { ChargeState, ReversalState } from './flow.ts';
import { type Stored, storedCharge, storedReversal } from './registry.ts';

type History = RequestReport['history'];

/** undefined: neither a charge nor a reversal of it has come. Of a damaged record only that is said. */
export function reportOf(reads: StoreReads, request: bigint): RequestReport | undefined {
  try {
    return readReport(reads, request);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return damagedReport(request);
  }
}

function readReport(reads: StoreReads, request: bigint): RequestReport | undefined {
  const charge = storedCharge(reads, request);
  const reversal = storedReversal(reads, request);
  if (charge === undefined) return reversal === undefined ? undefined : reversalReport(request, reversal);
  const report = chargeReport(request, charge);
  // Where nothing was charged, there was nothing to reverse.
  if (reversal === undefined || charge.state.kind === 'declined' || charge.state.kind === 'expired')
    return report;
  const { record, state } = reversal;
  return {
    ...report,
    state: charge.state.kind === 'charged' ? state.kind : report.state,
    updatedAt: later(report.updatedAt, record.updatedAt),
    detail: [report.detail, `reversal: ${state.reason}`].filter((text) => text !== '').join(', '),
    history: shortened(
      [...report.history, ...historyOf(record, 'reversal_')].sort((left, right) =>
        Number(left.at - right.at),
      ),
    ),
  };
}

function chargeReport(request: bigint, { record, state }: Stored<ChargeState>): RequestReport {
  const { amount, currency } = orderOf(state).document;
  return {
    request,
    kind: 'charge',
    state: state.kind,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    amount,
    currency,
    device: 0n,
    detail: detailOf(state),
    history: shortened(historyOf(record)),
  };
}

function damagedReport(request: bigint): RequestReport {
  return {
    request,
    kind: 'charge',
    state: 'damaged',
    createdAt: 0n,
    updatedAt: 0n,
    amount: 0n,
    currency: 0,
    device: 0n,
    detail: 'its record is damaged: restore the store from a copy',
    history: [],
  };
}

/** Of a charge that never came. */
function reversalReport(request: bigint, { record, state }: Stored<ReversalState>): RequestReport {
  return {
    request,
    kind: 'reversal',
    state: state.kind,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    amount: 0n,
    currency: 0,
    device: 0n,
    detail: state.reason,
    history: shortened(historyOf(record)),
  };
}

function orderOf(state: ChargeState): SignedLoadOrder {
  return 'order' in state ? state.order : state.charge.order;
}

/** The institution's name for it, or why it ended. */
function detailOf(state: ChargeState): string {
  switch (state.kind) {
    case 'capturing':
      return state.authorisation;
    case 'charged':
      return state.receipt.document.institutionReference;
    case 'declined':
    case 'reversing':
    case 'reversed':
      return state.reason;
    default:
      return '';
  }
}

function historyOf({ history }: StoredRequest, prefix = ''): History {
  return history.map(({ stateName, at }) => ({ state: prefix + stateName, at }));
}

/** The first step and the last ones. */
function shortened(history: History): History {
  if (history.length <= HISTORY_STEPS_MAX) return history;
  return [history[0]!, ...history.slice(1 - HISTORY_STEPS_MAX)];
}

const later = (left: bigint, right: bigint): bigint => (left > right ? left : right);
