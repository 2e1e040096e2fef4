// What became of a request, for ever: shop orders are with the runner, transfers in the ledger, loads that were rejected in
// the registry.
import type { Account, Transfer } from '../../layout/generated.ts';
import type { LookupRequest, LookupRequestAnswer, RequestReport } from '../common/request-report.ts';
import { AccountCode, transferReason } from './accounts.ts';
import type { CashParts } from './interface.ts';
import { orderReport } from './order-report.ts';
import type { RejectionRecord } from './registry.ts';

/** One answer a request, in order. @throws RequestError, StoreError, RangeError */
export async function lookupRequests(
  requests: readonly LookupRequest[],
  parts: CashParts,
): Promise<LookupRequestAnswer[]> {
  const { ledger, registry, runner } = parts;
  const found = await ledger.lookupTransfers(requests.map(({ request }) => request));
  const transfers = new Map(found.map((transfer) => [transfer.id, transfer]));
  const ids = new Set(
    found.flatMap(({ debitAccountId, creditAccountId }) => [debitAccountId, creditAccountId]),
  );
  const accounts = new Map((await ledger.lookupAccounts([...ids])).map((account) => [account.id, account]));
  return requests.map(({ request }) => {
    const order = runner.lookup(request);
    if (order !== undefined) return { report: orderReport(order) };
    const transfer = transfers.get(request);
    if (transfer !== undefined) return { report: bookedReport(transfer, accounts) };
    const rejection = registry.rejection(request);
    return { report: rejection && rejectionReport(request, rejection) };
  });
}

function bookedReport(transfer: Transfer, accounts: ReadonlyMap<bigint, Account>): RequestReport {
  const { id, debitAccountId, creditAccountId, amount, ledger, code, timestamp } = transfer;
  const kind = transferReason(code) ?? `code ${code}`;
  const state = kind === 'load' ? 'credited' : 'booked';
  const evidence = `${hex(transfer.userData128, 16)} ${hex(transfer.userData64, 8)}`;
  const detail = `debit ${debitAccountId}, credit ${creditAccountId}, evidence ${evidence}`;
  // The device that gets the money, or else the one that it comes from.
  const device = [creditAccountId, debitAccountId]
    .map((account) => accounts.get(account))
    .find((account) => account?.code === AccountCode.device);
  return {
    request: id,
    kind,
    state,
    createdAt: timestamp,
    updatedAt: timestamp,
    amount,
    currency: ledger,
    device: device?.userData128 ?? 0n,
    detail,
    history: [{ state, at: timestamp }],
  };
}

function rejectionReport(request: bigint, rejection: RejectionRecord): RequestReport {
  const { device, amount, currency, reason, at } = rejection;
  const state = 'rejected';
  return {
    request,
    kind: 'load',
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
