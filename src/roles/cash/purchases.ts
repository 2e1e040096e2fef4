// Purchases as the ledger has them: the transfer of the payment order, and what became of an authorisation.
//
//     single transfer, code 20 ──────────────────────────────────────▶ paid
//     pending transfer, code 21 ─┬─ nothing yet ─────────────────────▶ reserved
//                                ├─ posted, of some or all of it ────▶ captured
//                                └─ voided, or its time has run out ─▶ voided, expired
import { type Transfer, TransferFlags } from '../../layout/generated.ts';
import type { Ledger, PendingOutcome } from '../../ledger/index.ts';
import { TransferCode } from './accounts.ts';

const { pending, post_pending_transfer, void_pending_transfer } = TransferFlags;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

export interface Purchase {
  readonly request: bigint;
  /** In the ledger. */
  readonly deviceAccount: bigint;
  readonly shopAccount: bigint;
  readonly currency: number;
  readonly state: 'paid' | 'reserved' | 'captured' | 'voided' | 'expired';
  /** What the device ordered: paid or reserved. Minor units. */
  readonly ordered: bigint;
  /** What the shop has got of it so far, refunds not counted. */
  readonly paid: bigint;
  /** When its state began, nanoseconds. */
  readonly since: bigint;
}

/** More than there is room for in one look-up of the ledger. */
export const PURCHASES_MAX = 8190;

/**
 * Those of the given ids that are purchases, by their ids; up to PURCHASES_MAX. All of one state of the ledger, that of the
 * call. @throws RequestError
 */
export async function findPurchases(
  ids: readonly bigint[],
  ledger: Pick<Ledger, 'lookupTransfers' | 'pendingOutcomes'>,
): Promise<Map<bigint, Purchase>> {
  // Both are begun before either is waited for, so that they see the same state.
  const [transfers, outcomes] = await Promise.all([ledger.lookupTransfers(ids), ledger.pendingOutcomes(ids)]);
  const outcomeOf = new Map(ids.map((id, i) => [id, outcomes[i]!]));
  const found = new Map<bigint, Purchase>();
  for (const transfer of transfers) {
    const purchase = purchaseOf(transfer, outcomeOf.get(transfer.id)!);
    if (purchase !== undefined) found.set(transfer.id, purchase);
  }
  return found;
}

/** When a reservation that has a timeout ends by itself, nanoseconds. */
export function expiryOf({ timestamp, timeout }: Transfer): bigint {
  return timestamp + BigInt(timeout) * NANOSECONDS_PER_SECOND;
}

function purchaseOf(transfer: Transfer, outcome: PendingOutcome): Purchase | undefined {
  const { id, debitAccountId, creditAccountId, ledger, amount, timestamp, code, flags } = transfer;
  const of = {
    request: id,
    deviceAccount: debitAccountId,
    shopAccount: creditAccountId,
    currency: ledger,
    ordered: amount,
  };
  // What posts or voids an authorisation has its code too, and is no purchase itself.
  if ((flags & (post_pending_transfer | void_pending_transfer)) !== 0) return undefined;
  if (code === TransferCode.payment && (flags & pending) === 0)
    return { ...of, state: 'paid', paid: amount, since: timestamp };
  if (code !== TransferCode.authorisation || (flags & pending) === 0) return undefined;
  switch (outcome.kind) {
    case 'unresolved':
      return { ...of, state: 'reserved', paid: 0n, since: timestamp };
    case 'posted':
      return { ...of, state: 'captured', paid: outcome.by.amount, since: outcome.by.timestamp };
    case 'voided':
      return { ...of, state: 'voided', paid: 0n, since: outcome.by.timestamp };
    case 'expired':
      return { ...of, state: 'expired', paid: 0n, since: expiryOf(transfer) };
  }
}
