// The operation `book_outcomes`: what settlement says became of payouts, booked.
//
//     under way ─┬─ booked ──── clearing ─▶ float          the bank's statement shows the debit
//                │    └─ returned ── float ─▶ clearing ─▶ shop
//                └─ rejected ── clearing ─▶ shop
//
// What is written first decides, and is written before the ledger is asked, so that of two outcomes that exclude each other
// one is booked. The same receipt again finds its transfers made.
import { ed25519 } from '../../crypto/index.ts';
import type { Transfer } from '../../layout/generated.ts';
import { Refusal } from '../common/refusal.ts';
import { PayoutReceipt, type SignedPayoutReceipt } from '../documents/payout.ts';
import { systemAccountId, TransferCode } from './accounts.ts';
import { type CashRefused, receiptInvalid } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { BookOutcomesAnswer, BookOutcomesRequest } from './payout-messages.ts';
import { findPayout, outcomeId, type PayoutRecord, putPayout, putReturn } from './payout-windows.ts';

type Answer = BookOutcomesAnswer | CashRefused;

/** One after the other: receipts of a payout follow each other. @throws RequestError, StoreError */
export async function bookOutcomes(
  requests: readonly BookOutcomesRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const request of requests) answers.push(await bookAll(request, parts));
  return answers;
}

async function bookAll({ receipts }: BookOutcomesRequest, parts: CashParts): Promise<Answer> {
  const refused = checkSignatures(receipts, parts);
  if (refused !== undefined) return refused;
  const admitted = await parts.store.transaction((tx): CashRefused | readonly PayoutRecord[] => {
    // All or nothing: what is put before a refusal would stay.
    const records = new Map<bigint, PayoutRecord>();
    const back: SignedPayoutReceipt['document'][] = [];
    for (const { document } of receipts) {
      const { payout, outcome } = document;
      const before = records.get(payout) ?? findPayout(tx, payout);
      const record = before === undefined ? payoutUnknown(payout) : follow(before, document);
      if (record instanceof Refusal) return record;
      // Once: a window that has counted it has taken it out again.
      if (record !== before && outcome !== 'booked') back.push(document);
      records.set(payout, record);
    }
    for (const [payout, record] of records) putPayout(tx, payout, record);
    for (const { payout, outcome } of back) {
      const { currency, shop } = records.get(payout)!;
      putReturn(tx, shop, {
        payout,
        currency,
        transfer: outcomeId(payout, outcome as 'rejected' | 'returned'),
      });
    }
    return receipts.map(({ document }) => records.get(document.payout)!);
  });
  if (admitted instanceof Refusal) return admitted;
  if (receipts.length === 0) return { timestamps: [] };
  return { timestamps: await book(receipts, admitted, parts) };
}

function checkSignatures(
  receipts: readonly SignedPayoutReceipt[],
  { settlementKeys }: CashParts,
): CashRefused | undefined {
  for (const { document, signature } of receipts) {
    const key = settlementKeys.find(document.keyId);
    if (key === undefined) return receiptInvalid(false);
    const [isGood] = ed25519.verifyBatch([
      { publicKey: key, message: PayoutReceipt.signedBytes(document), signature },
    ]);
    if (!isGood) return receiptInvalid(true);
  }
  return undefined;
}

/** The order's digest is not compared: a rotation of keys gives the same order another. The payout's id names all of it. */
function follow(
  record: PayoutRecord,
  { payout, amount, currency, outcome }: PayoutReceipt,
): PayoutRecord | CashRefused {
  for (const [field, expected, got] of [
    ['amount', record.amount, amount],
    ['currency', record.currency, currency],
  ] as const) {
    if (expected !== got) {
      const text = `payout ${payout}: ${field}: expected ${expected}, got ${got}`;
      return new Refusal<CashRefusal>('receipt_mismatch', text);
    }
  }
  const before = record.outcome;
  // An outcome that is told again changes nothing.
  if (before === outcome || (before === 'returned' && outcome === 'booked')) return record;
  const follows = outcome === 'returned' ? before === 'booked' : before === undefined;
  if (follows) return { ...record, outcome };
  return new Refusal<CashRefusal>(
    'outcome_conflicts',
    `payout ${payout}: expected an outcome that follows ${before ?? 'its instruction'}, got ${outcome}`,
  );
}

function payoutUnknown(payout: bigint): CashRefused {
  return new Refusal<CashRefusal>('payout_unknown', `payout: expected one that is booked, got ${payout}`);
}

/** When each was booked. @throws RequestError; Error where the ledger does not take one */
async function book(
  receipts: readonly SignedPayoutReceipt[],
  records: readonly PayoutRecord[],
  { ledger }: CashParts,
): Promise<bigint[]> {
  const groups = receipts.map(({ document }, i) => transfersOf(document, records[i]!));
  const transfers = groups.flat();
  const results = await ledger.createTransfers(transfers);
  results.forEach(({ status }, i) => {
    if (status !== 'created' && status !== 'exists')
      throw new Error(`transfer ${transfers[i]!.id}: expected the ledger to take it, got ${status}`);
  });
  let last = -1;
  return groups.map((group) => {
    last += group.length;
    return results[last]!.timestamp;
  });
}

function transfersOf({ payout, outcome }: PayoutReceipt, record: PayoutRecord): Partial<Transfer>[] {
  const { amount, currency, account } = record;
  const common = { amount, ledger: currency, userData128: payout };
  const float = systemAccountId('float', currency);
  const clearing = systemAccountId('clearing', currency);
  const toShop = (kind: 'rejected' | 'returned') => ({
    ...common,
    id: outcomeId(payout, kind),
    debitAccountId: clearing,
    creditAccountId: account,
    code: TransferCode.payout_returned,
  });
  switch (outcome) {
    case 'booked':
      return [
        {
          ...common,
          id: outcomeId(payout, 'settled'),
          debitAccountId: clearing,
          creditAccountId: float,
          code: TransferCode.payout_settled,
        },
      ];
    case 'rejected':
      return [toShop('rejected')];
    case 'returned':
      return [
        {
          ...common,
          id: outcomeId(payout, 'reversed'),
          debitAccountId: float,
          creditAccountId: clearing,
          code: TransferCode.payout_reversed,
        },
        toShop('returned'),
      ];
  }
}
