// What became of transfers from purse to purse: a record each, written when cash's answer is final and before the wallet gets
// it. For operators and the audit alone: whoever reports again is answered by cash, never from here.
//
//     transfers     request ▶ whose purse, to which purse, how much, how it ended, when
//
// A record of something settled stays: whoever knows a request's id may make another order fail under it, no more.
import { U128_MAX } from '../../shared/bytes.ts';
import { type Infer, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import type { RequestReport } from '../common/request-report.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';
import { find } from './registry.ts';
import { idText } from './trades.ts';

const TRANSFERS = 'transfers';

const TransferRecord = struct({
  /** The payer. */
  device: u128,
  payer: u128,
  payee: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** `covered`: by the operator, as the payer's purse has cheated. */
  outcome: oneOf('settled', 'covered', 'rejected'),
  /** Of a rejection. */
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Cash's time, so that the same answer makes the same record. Nanoseconds. */
  at: u64,
});
export type TransferRecord = Infer<typeof TransferRecord>;

export interface FinalTransfer extends TransferRecord {
  readonly request: bigint;
}

export const findTransfer = (reads: StoreReads, request: bigint): TransferRecord | undefined =>
  find(reads, TRANSFERS, request, TransferRecord);

/** Whether there is anything to write: transfers are reported by both sides, and again. */
export function isNewTransfer(reads: StoreReads, { request, outcome }: FinalTransfer): boolean {
  const before = findTransfer(reads, request);
  return before === undefined || (before.outcome === 'rejected' && outcome !== 'rejected');
}

export function putTransfer(tx: StoreTransaction, transfer: FinalTransfer): void {
  if (!isNewTransfer(tx, transfer)) return;
  const { request, ...record } = transfer;
  tx.put(TRANSFERS, request, TransferRecord.encode(record));
}

/** In the order of their requests, after that one. */
export function listTransfers(reads: StoreReads, after: bigint | undefined, limit: number): FinalTransfer[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  return reads
    .range(TRANSFERS, bounds)
    .map(({ key, value }) => ({ request: idOfKey(key), ...TransferRecord.decode(value) }));
}

export function transferReport(transfer: FinalTransfer): RequestReport {
  const { request, device, payer, payee, amount, currency, outcome, reason, at } = transfer;
  const purses = `from purse ${idText(payer)} to purse ${idText(payee)}`;
  return {
    request,
    kind: 'transfer',
    state: outcome,
    createdAt: at,
    updatedAt: at,
    amount,
    currency,
    device,
    detail: reason === '' ? purses : `${reason}, ${purses}`,
    history: [{ state: outcome, at }],
  };
}
