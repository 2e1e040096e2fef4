// What became of a request, for ever: orders of shops and operators are with the runner, transfers in the ledger, what was
// rejected in the registry.
import { type Account, type Transfer, TransferFlags } from '../../layout/generated.ts';
import type { Ledger } from '../../ledger/index.ts';
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
  const answers: LookupRequestAnswer[] = [];
  for (const { request } of requests) {
    const order = runner.lookup(request);
    if (order !== undefined) {
      answers.push({ report: orderReport(order) });
      continue;
    }
    const transfer = transfers.get(request);
    if (transfer !== undefined) {
      const steps = await stepsOf(transfer, ledger);
      answers.push({ report: bookedReport(transfer, steps, accounts) });
      continue;
    }
    const rejection = registry.rejection(request);
    const payment = rejection === undefined ? registry.paymentRejection(request) : undefined;
    const report =
      (rejection && rejectionReport(request, 'load', rejection)) ??
      (payment && rejectionReport(request, 'payment', payment));
    answers.push({ report });
  }
  return answers;
}

interface Step {
  readonly state: string;
  readonly at: bigint;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

async function stepsOf(transfer: Transfer, ledger: Ledger): Promise<readonly Step[]> {
  const { id, code, flags, timeout, timestamp: at } = transfer;
  if ((flags & TransferFlags.pending) === 0) {
    const kind = transferReason(code);
    const state = kind === 'load' ? 'credited' : kind === 'payment' ? 'paid' : 'booked';
    return [{ state, at }];
  }
  const reserved = { state: 'reserved', at };
  const outcome = (await ledger.pendingOutcomes([id]))[0]!;
  switch (outcome.kind) {
    case 'posted':
      return [reserved, { state: 'captured', at: outcome.by.timestamp }];
    case 'voided':
      return [reserved, { state: 'voided', at: outcome.by.timestamp }];
    case 'expired':
      return [reserved, { state: 'expired', at: at + BigInt(timeout) * NANOSECONDS_PER_SECOND }];
    default:
      return [reserved];
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
    .find((account) => account?.code === AccountCode.device);
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
