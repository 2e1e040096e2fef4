// The proof of the books: everything that was added or taken has cash's signature, all of it adds up to the balance, and
// the history says the same.
//
//     receipts of loads + statements' credits - receipts of payments - allowances of purses - statements' debits = balance
import { CreditReceipt } from '../../roles/documents/receipts.ts';
import { Statement, type StatementEntry } from '../../roles/documents/statement.ts';
import type { Amount } from '../../shared/amount.ts';
import { checkPaymentReceipt } from './check-payment.ts';
import type { WalletCrypto } from './ports.ts';
import { expectationOf } from './purchase.ts';
import {
  type HistoryEntry,
  idText,
  type PaymentRecord,
  type PurchaseRecord,
  type ReceiptRecord,
  type Settings,
  type StatementRecord,
} from './records.ts';
import type { RequestRecord, StateName } from './request.ts';

/** What a look at the whole record found. */
export interface BookReport {
  /** Of loads. */
  readonly receipts: number;
  /** Receipts of purchases, and pages of statements that something was booked from. */
  readonly payments: number;
  readonly statements: number;
  /** Of wallets that have had a purse: how many, and what they have paid and received. */
  readonly purses?: { readonly purses: number; readonly sent: number; readonly received: number };
  /** What all of it comes to, minor units. */
  readonly sum: bigint;
  readonly balance: Amount;
  /** Empty: all is as it should be. */
  readonly problems: readonly string[];
}

export interface WholeRecord {
  readonly settings: Settings;
  readonly device: bigint | undefined;
  readonly balance: Amount;
  readonly historyEntries: bigint;
  readonly receipts: readonly ReceiptRecord[];
  readonly payments: readonly PaymentRecord[];
  readonly statements: readonly StatementRecord[];
  readonly history: readonly HistoryEntry[];
  readonly openings: ReadonlyMap<bigint, bigint>;
  request(id: bigint): Promise<RequestRecord | undefined>;
  purchase(id: bigint): Promise<PurchaseRecord>;
  readonly crypto: WalletCrypto;
}

const ADDS: ReadonlySet<HistoryEntry['event']> = new Set(['loaded', 'credited', 'refunded']);
const TAKES: ReadonlySet<HistoryEntry['event']> = new Set(['paid', 'captured', 'debited', 'opened']);

export async function provenBooks(whole: WholeRecord): Promise<BookReport> {
  const problems: string[] = [];
  const money = new Map<bigint, bigint>();
  await addReceipts(whole, money, problems);
  await addPayments(whole, money, problems);
  for (const [request, amount] of whole.openings) money.set(request, -amount);
  addStatements(whole, money, problems);
  const sum = [...money.values()].reduce((total, amount) => total + amount, 0n);
  if (sum !== whole.balance) problems.push(`balance: expected ${sum}, got ${whole.balance}`);
  compareHistory(whole, money, problems);
  return {
    receipts: whole.receipts.length,
    payments: whole.payments.length,
    statements: whole.statements.length,
    sum,
    balance: whole.balance,
    problems,
  };
}

/** By request, or by the ledger's transfer: what it adds, or takes. */
type Money = Map<bigint, bigint>;

async function addReceipts(whole: WholeRecord, money: Money, problems: string[]): Promise<void> {
  for (const { receipt, cashKey } of whole.receipts) {
    const { request, device, amount, currency } = receipt.document;
    money.set(request, amount);
    const problem = (what: string) => problems.push(`receipt of request ${idText(request)}: ${what}`);
    if (!whole.crypto.verify(cashKey, CreditReceipt.signedBytes(receipt.document), receipt.signature))
      problem('expected what cash has signed, got something else');
    if (device !== whole.device) problem(`expected this device, got device ${idText(device)}`);
    const { ledger } = whole.settings.currency;
    if (currency !== ledger) problem(`expected currency ${ledger}, got ${currency}`);
    const record = await whole.request(request);
    if (record?.state.kind !== 'loaded' || record.amount !== amount)
      problem('expected the request loaded with its amount, got otherwise');
  }
}

const AFTER_RECEIPT: { readonly [kind in 'paid' | 'reserved']: ReadonlySet<StateName | undefined> } = {
  paid: new Set(['paid']),
  reserved: new Set(['reserved', 'captured', 'released']),
};

async function addPayments(whole: WholeRecord, money: Money, problems: string[]): Promise<void> {
  for (const { receipt, cashKey } of whole.payments) {
    const { request, kind, amount } = receipt.document;
    const problem = (what: string) => problems.push(`payment of request ${idText(request)}: ${what}`);
    if (kind === 'paid') money.set(request, -amount);
    const record = await whole.request(request);
    if (record?.kind !== 'purchase') {
      problem('expected a purchase of this wallet, got none');
      continue;
    }
    const expected = expectationOf(record.message, await whole.purchase(request), whole.crypto);
    const wrong = checkPaymentReceipt(receipt, expected, cashKey, whole.crypto);
    if (wrong !== undefined) problem(wrong);
    if (!AFTER_RECEIPT[kind].has(record.state.kind))
      problem(`expected the purchase ${kind}, got ${record.state.kind}`);
  }
}

/** What a receipt is there for counts by that; the rest counts here. */
function addStatements(whole: WholeRecord, money: Money, problems: string[]): void {
  let last = 0n;
  for (const [number, { statement, cashKey }] of whole.statements.entries()) {
    const { device, currency, entries } = statement.document;
    const problem = (what: string) => problems.push(`statement ${number}: ${what}`);
    if (!whole.crypto.verify(cashKey, Statement.signedBytes(statement.document), statement.signature))
      problem('expected what cash has signed, got something else');
    if (device !== whole.device) problem(`expected this device, got device ${idText(device)}`);
    const { ledger } = whole.settings.currency;
    if (currency !== ledger) problem(`expected currency ${ledger}, got ${currency}`);
    for (const entry of entries) {
      if (entry.timestamp <= last) problem(`expected entries after ${last}, got one at ${entry.timestamp}`);
      last = entry.timestamp;
      if (!isMoney(entry)) continue;
      const id = entry.phase === 'post' ? entry.purchase : entry.transfer;
      if (!money.has(id)) money.set(id, entry.side === 'credit' ? entry.amount : -entry.amount);
    }
  }
}

const isMoney = ({ phase, amount }: StatementEntry): boolean =>
  (phase === 'single' || phase === 'post') && amount > 0n;

function compareHistory(whole: WholeRecord, money: Money, problems: string[]): void {
  const left = new Map(money);
  let running = 0n;
  for (const [number, { event, request, amount, balance }] of whole.history.entries()) {
    const change = ADDS.has(event) ? amount : TAKES.has(event) ? -amount : undefined;
    if (change !== undefined) {
      running += change;
      if (left.get(request) !== change)
        problems.push(`history ${number}: expected a receipt or an entry of its own, got none`);
      left.delete(request);
    }
    if (running !== balance) problems.push(`history ${number}: expected balance ${running}, got ${balance}`);
  }
  for (const request of left.keys())
    problems.push(`receipt of request ${idText(request)}: expected it in the history, got none`);
  if (BigInt(whole.history.length) !== whole.historyEntries)
    problems.push(`history: expected ${whole.historyEntries} entries, got ${whole.history.length}`);
}
