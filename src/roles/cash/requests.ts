// What became of a request, for ever: transfers are in the ledger, what was rejected in the registry.
import { type Account, type Transfer, TransferFlags } from '../../layout/generated.ts';
import type { Ledger } from '../../ledger/index.ts';
import type { LookupRequest, LookupRequestAnswer, RequestReport } from '../common/request-report.ts';
import { AccountCode, transferReason } from './accounts.ts';
import type { CashParts } from './interface.ts';
import type { RejectionRecord } from './registry.ts';

/** One answer a request, in order. @throws RequestError, StoreError */
export async function lookupRequests(
  requests: readonly LookupRequest[],
  { ledger, registry }: CashParts,
): Promise<LookupRequestAnswer[]> {
  const found = await ledger.lookupTransfers(requests.map(({ request }) => request));
  const transfers = new Map(found.map((transfer) => [transfer.id, transfer]));
  const ids = new Set(
    found.flatMap(({ debitAccountId, creditAccountId }) => [debitAccountId, creditAccountId]),
  );
  const accounts = new Map((await ledger.lookupAccounts([...ids])).map((account) => [account.id, account]));
  const answers: LookupRequestAnswer[] = [];
  for (const { request } of requests) {
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

const NANOSECONDS = 1_000_000_000n;
/** Of the payer's later transfers, read through for what became of a reservation. Beyond: it says `reserved`. */
const LATER_PAGES_MAX = 8;

async function stepsOf(transfer: Transfer, ledger: Ledger): Promise<readonly Step[]> {
  const { id, code, flags, timeout, timestamp: at, debitAccountId } = transfer;
  if ((flags & TransferFlags.pending) === 0) {
    const kind = transferReason(code);
    const state = kind === 'load' ? 'credited' : kind === 'payment' ? 'paid' : 'booked';
    return [{ state, at }];
  }
  const reserved = { state: 'reserved', at };
  let timestampMin = at + 1n;
  for (let page = 0; page < LATER_PAGES_MAX; page++) {
    const later = await ledger.getAccountTransfers({ accountId: debitAccountId, timestampMin });
    const resolved = later.find(({ pendingId }) => pendingId === id);
    if (resolved !== undefined) {
      const isPost = (resolved.flags & TransferFlags.post_pending_transfer) !== 0;
      return [reserved, { state: isPost ? 'captured' : 'voided', at: resolved.timestamp }];
    }
    const last = later.at(-1);
    if (last === undefined) break;
    timestampMin = last.timestamp + 1n;
  }
  const until = at + BigInt(timeout) * NANOSECONDS;
  // The ledger takes a moment longer: what it has not posted by now it will not post.
  const isOver = timeout > 0 && ledger.status().timestamp >= until;
  return isOver ? [reserved, { state: 'expired', at: until }] : [reserved];
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
