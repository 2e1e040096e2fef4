// What cash has booked of payouts, what settlement says became of them, and what the bank's statement shows, compared.
//
//     cash ──▶ settlement ──▶ bank        asked in this order: whoever is asked later may know more, which is under way
//
// A payout that is under way excuses what is known downstream and not yet here; nothing else is excused.
import type { ReportedPosition, WindowReportAnswer } from '../../roles/cash/payout-messages.ts';
import type { PayoutReceipt } from '../../roles/documents/payout.ts';

export interface WindowOfCash extends Omit<WindowReportAnswer, 'positions' | 'next'> {
  readonly window: bigint;
  readonly positions: readonly ReportedPosition[];
}

/** A booking at the bank that names a payout. */
export interface BankEntry {
  /** As it stands there, 32 hex digits or anything. */
  readonly endToEndId: string;
  readonly side: 'debit' | 'credit';
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: number;
}

export interface ReconcileInput {
  /** In the order of their cutoffs. */
  readonly windows: readonly WindowOfCash[];
  /** What stands in clearing, by currency: credits less debits, posted. */
  readonly clearing: ReadonlyMap<number, bigint>;
  /** In their order. */
  readonly receipts: readonly PayoutReceipt[];
  readonly entries: readonly BankEntry[];
}

export interface Difference {
  readonly payout: string;
  readonly problem: string;
  readonly expected: string;
  readonly got: string;
}

export interface Reconciliation {
  readonly payouts: number;
  /** Without an outcome at cash. */
  readonly underWay: number;
  readonly differences: readonly Difference[];
}

/** Carried along from window to window. */
interface Last {
  readonly carriedOut: bigint;
}

export function reconcile({ windows, clearing, receipts, entries }: ReconcileInput): Reconciliation {
  const differences: Difference[] = [];
  const differ = (payout: string, problem: string, expected: unknown, got: unknown): void => {
    differences.push({ payout, problem, expected: String(expected), got: String(got) });
  };
  const told = new Map<bigint, PayoutReceipt[]>();
  for (const receipt of receipts) told.set(receipt.payout, [...(told.get(receipt.payout) ?? []), receipt]);
  const booked = new Map<string, BankEntry[]>();
  for (const entry of entries) {
    const name = entry.endToEndId.toLowerCase();
    booked.set(name, [...(booked.get(name) ?? []), entry]);
  }

  const known = new Set<string>();
  const underWay = new Map<number, bigint>();
  const last = new Map<string, Last>();
  let payouts = 0;
  let open = 0;
  for (const { currency, positions } of windows) {
    for (const position of positions) {
      if (position.standing === 'left_out') {
        // What it has is in the next window that can count it.
        differ(
          `shop ${nameOf(position.shop)}`,
          'left out of its window',
          'sums that agree',
          position.problem,
        );
        continue;
      }
      checkPosition(position, last.get(`${currency} ${position.shop}`)?.carriedOut ?? 0n, differ);
      last.set(`${currency} ${position.shop}`, position);
      if (position.payout === 0n) continue;
      payouts++;
      const name = nameOf(position.payout);
      known.add(name);
      if (position.standing === 'under_way') {
        open++;
        underWay.set(currency, (underWay.get(currency) ?? 0n) + position.amount);
      }
      checkSettlement(position, currency, told.get(position.payout) ?? [], differ);
      checkBank(position, currency, booked.get(name) ?? [], differ);
    }
  }
  for (const payout of told.keys())
    if (!known.has(nameOf(payout)))
      differ(nameOf(payout), 'outcome of an unknown payout', 'one of cash', 'none');
  for (const name of booked.keys())
    if (!known.has(name)) differ(name, 'unknown payment', 'a payout of cash', 'a booking at the bank');
  for (const [currency, balance] of clearing) {
    const expected = underWay.get(currency) ?? 0n;
    if (balance !== expected) differ('', `clearing of currency ${currency}`, expected, balance);
  }
  return { payouts, underWay: open, differences };
}

type Differ = (payout: string, problem: string, expected: unknown, got: unknown) => void;

export const nameOf = (payout: bigint): string => payout.toString(16).padStart(32, '0');

/** A window of a shop: what came in is what went out and what stays. */
function checkPosition(position: ReportedPosition, carried: bigint, differ: Differ): void {
  const { shop, carriedIn, sales, refunds, returned, fee, amount, carriedOut } = position;
  const name = `shop ${nameOf(shop)}`;
  // A shop that had nothing in a window has no position there, and carried nothing.
  if (carriedIn !== carried) differ(name, 'carried in', carried, carriedIn);
  const rest = carriedIn + sales - refunds + returned - fee - amount;
  if (rest !== carriedOut) differ(name, 'carried out', rest, carriedOut);
}

/** Outcomes that cash may have booked after that list of settlement's. */
const AHEAD: { readonly [standing in ReportedPosition['standing']]: readonly string[] } = {
  none: [],
  left_out: [],
  under_way: ['', 'booked', 'rejected', 'booked returned'],
  booked: ['booked', 'booked returned'],
  rejected: ['rejected'],
  returned: ['booked returned'],
};

function checkSettlement(
  { payout, amount, standing }: ReportedPosition,
  currency: number,
  receipts: readonly PayoutReceipt[],
  differ: Differ,
): void {
  const outcomes = receipts.map(({ outcome }) => outcome).join(' ');
  if (!AHEAD[standing].includes(outcomes)) {
    differ(nameOf(payout), "settlement's outcome", standing, outcomes || 'none');
  }
  for (const receipt of receipts) {
    if (receipt.amount !== amount || receipt.currency !== currency)
      differ(nameOf(payout), "settlement's amount", amount, receipt.amount);
  }
}

function checkBank(
  { payout, amount, standing }: ReportedPosition,
  currency: number,
  entries: readonly BankEntry[],
  differ: Differ,
): void {
  const name = nameOf(payout);
  for (const entry of entries) {
    if (entry.amount !== amount || entry.currency !== currency)
      differ(name, `amount of a ${entry.side} at the bank`, amount, entry.amount);
  }
  const debits = entries.filter(({ side }) => side === 'debit').length;
  const credits = entries.length - debits;
  if (debits > 1) differ(name, 'paid twice', '1 debit at the bank', debits);
  if (credits > debits) differ(name, 'came back without having been paid', `${debits} credits`, credits);
  switch (standing) {
    case 'booked':
      if (debits === 0) differ(name, 'not on the statement', '1 debit at the bank', 0);
      break;
    case 'returned':
      if (debits === 0 || credits === 0)
        differ(name, 'not on the statement', 'a debit and a credit at the bank', `${debits} and ${credits}`);
      break;
    case 'rejected':
      if (debits > credits) differ(name, 'paid although rejected', 'no debit at the bank', debits);
      break;
    default:
      break;
  }
}
