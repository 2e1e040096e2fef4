// What became of a request, for ever: orders of shops and operators are with the runner, transfers in the ledger, what was
// rejected of loads, payments and notes in the registry.
import { type Account, type Transfer, TransferFlags } from '../../layout/generated.ts';
import type { PendingOutcome } from '../../ledger/index.ts';
import type { LookupRequest, LookupRequestAnswer, RequestReport } from '../common/request-report.ts';
import { AccountCode, transferReason } from './accounts.ts';
import type { CashParts } from './interface.ts';
import { orderReport } from './order-report.ts';
import { expiryOf } from './purchases.ts';
import type { RejectionRecord } from './registry.ts';

/** One answer a request, in order. @throws RequestError, StoreError, RangeError */
export async function lookupRequests(
  requests: readonly LookupRequest[],
  parts: CashParts,
): Promise<LookupRequestAnswer[]> {
  const { ledger, registry, runner } = parts;
  const wanted = requests.map(({ request }) => request);
  // Both are begun before either is waited for: one state of the ledger.
  const [found, outcomes] = await Promise.all([
    ledger.lookupTransfers(wanted),
    ledger.pendingOutcomes(wanted),
  ]);
  const transfers = new Map(found.map((transfer) => [transfer.id, transfer]));
  const ids = new Set(
    found.flatMap(({ debitAccountId, creditAccountId }) => [debitAccountId, creditAccountId]),
  );
  const accounts = new Map((await ledger.lookupAccounts([...ids])).map((account) => [account.id, account]));
  return requests.map(({ request }, i) => {
    const order = runner.lookup(request);
    const transfer = transfers.get(request);
    // An order that has moved nothing may have had the id of a payment before that was made: whoever sees an id can.
    if (order !== undefined && (transfer === undefined || order.stateName === 'done')) {
      return { report: orderReport(order) };
    }
    if (transfer !== undefined) {
      return { report: bookedReport(transfer, stepsOf(transfer, outcomes[i]!), accounts) };
    }
    const rejection = registry.rejection(request);
    if (rejection !== undefined) return { report: rejectionReport(request, 'load', rejection) };
    const payment = registry.paymentRejection(request);
    if (payment !== undefined) return { report: rejectionReport(request, 'payment', payment) };
    const notes = registry.noteRejection(request);
    return { report: notes && rejectionReport(request, 'notes', notes) };
  });
}

interface Step {
  readonly state: string;
  readonly at: bigint;
}

function stepsOf(transfer: Transfer, outcome: PendingOutcome): readonly Step[] {
  const { code, flags, timestamp: at } = transfer;
  if ((flags & TransferFlags.pending) === 0) {
    const kind = transferReason(code);
    const state = kind === 'load' ? 'credited' : kind === 'payment' ? 'paid' : 'booked';
    return [{ state, at }];
  }
  const reserved = { state: 'reserved', at };
  switch (outcome.kind) {
    case 'unresolved':
      return [reserved];
    case 'posted':
      return [reserved, { state: 'captured', at: outcome.by.timestamp }];
    case 'voided':
      return [reserved, { state: 'voided', at: outcome.by.timestamp }];
    case 'expired':
      return [reserved, { state: 'expired', at: expiryOf(transfer) }];
  }
}

function bookedReport(
  transfer: Transfer,
  history: readonly Step[],
  accounts: ReadonlyMap<bigint, Account>,
): RequestReport {
  const { id, debitAccountId, creditAccountId, amount, ledger, code } = transfer;
  const kind = transferReason(code) ?? `code ${code}`;
  const [first, last] = [history[0]!, history.at(-1)!];
  const sides = `debit ${debitAccountId}, credit ${creditAccountId}`;
  // Orders of payments are in the ledger themselves.
  const hasEvidence = transfer.userData128 !== 0n || transfer.userData64 !== 0n;
  const evidence = `${hex(transfer.userData128, 16)} ${hex(transfer.userData64, 8)}`;
  const detail = hasEvidence ? `${sides}, evidence ${evidence}` : sides;
  // The device that gets the money, or else the one that it comes from.
  const device = [creditAccountId, debitAccountId]
    .map((account) => accounts.get(account))
    .find((account) => account?.code === AccountCode.device || account?.code === AccountCode.purse);
  return {
    request: id,
    kind,
    state: last.state,
    createdAt: first.at,
    updatedAt: last.at,
    amount,
    currency: ledger,
    device: device?.userData128 ?? 0n,
    detail,
    history: [...history],
  };
}

function rejectionReport(request: bigint, kind: string, rejection: RejectionRecord): RequestReport {
  const { device, amount, currency, reason, at } = rejection;
  const state = 'rejected';
  return {
    request,
    kind,
    state,
    createdAt: at,
    updatedAt: at,
    amount,
    currency,
    device,
    detail: reason,
    history: [{ state, at }],
  };
}

/** The bytes of a user_data field in the order in which the record holds them: as in the digest, the key id. */
function hex(value: bigint, bytes: number): string {
  const text = value.toString(16).padStart(2 * bytes, '0');
  return text.match(/../g)!.reverse().join('');
}
