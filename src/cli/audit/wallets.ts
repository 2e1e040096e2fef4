// What wallets say, from their stores: read as they are, without their keys.
import { amountOf } from '../../shared/amount.ts';
import type { WalletStorage } from '../../wallet/core/ports.ts';
import {
  BalanceRecord,
  Key,
  PaymentRecord,
  ReceiptRecord,
  Settings,
  StatementRecord,
  StoredDevice,
} from '../../wallet/core/records.ts';
import { RequestRecord, type StateName } from '../../wallet/core/request.ts';
import type { Balance, Book, Standing, Statement } from './books.ts';

/** The wallet believes management that nothing was charged, and cash alone that something was added. */
const STANDING: { readonly [name in StateName]: Standing } = {
  prepared: 'open',
  pending: 'open',
  in_doubt: 'open',
  enrolled: 'done',
  filed: 'done',
  loaded: 'done',
  declined: 'not_done',
  expired: 'not_done',
  reversed: 'not_done',
  refused: 'not_done',
  // Of purchases, whose money is in the balance, but which no other party is compared with by its request.
  shop_refused: 'open',
  paid: 'done',
  reserved: 'open',
  captured: 'done',
  released: 'not_done',
  rejected: 'not_done',
  lapsed: 'not_done',
};

export interface WalletBooks {
  readonly book: Book;
  readonly balances: readonly Balance[];
  /** What a wallet's own records say against each other. */
  readonly faults: readonly string[];
}

export async function fromWallets(storages: Iterable<WalletStorage>): Promise<WalletBooks> {
  const statements: Statement[] = [];
  const balances: Balance[] = [];
  const faults: string[] = [];
  for (const storage of storages) {
    const settings = await storage.read(Key.wallet);
    const stored = await storage.read(Key.device);
    if (settings === undefined || stored === undefined) continue;
    const { name, currency: money } = Settings.decode(settings);
    const currency = money.ledger;
    const { device } = StoredDevice.decode(stored);
    const receipts = await sumOfReceipts(storage);
    const record = await storage.read(Key.balance);
    const balance = record === undefined ? 0n : BalanceRecord.decode(record).balance;
    if (balance !== receipts) {
      faults.push(
        `wallet ${name} of device ${device.toString(16)}: balance ${balance}, receipts ${receipts}`,
      );
    }
    balances.push({ device, currency, balance });
    for (const { value } of await storage.list(Key.requests)) {
      const { request, kind, state, amount } = RequestRecord.decode(value);
      if (kind !== 'load') continue;
      const standing = STANDING[state.kind];
      statements.push({
        request,
        standing,
        amount: amountOf(amount),
        currency,
        device,
        word: state.kind,
        since: 0n,
        at: 0n,
      });
    }
  }
  return { book: { party: 'wallet', statements }, balances, faults };
}

/** What cash has signed: loads, less payments; and what its statements say beside them. */
async function sumOfReceipts(storage: WalletStorage): Promise<bigint> {
  const sums = new Map<bigint, bigint>();
  for (const { value } of await storage.list(Key.receipts)) {
    const { request, amount } = ReceiptRecord.decode(value).receipt.document;
    sums.set(request, amount);
  }
  for (const { value } of await storage.list(Key.payments)) {
    const { request, kind, amount } = PaymentRecord.decode(value).receipt.document;
    if (kind === 'paid') sums.set(request, -amount);
  }
  for (const { value } of await storage.list(Key.statements)) {
    for (const entry of StatementRecord.decode(value).statement.document.entries) {
      const { transfer, phase, side, amount } = entry;
      if (phase === 'pending' || phase === 'void' || sums.has(transfer)) continue;
      sums.set(transfer, side === 'credit' ? amount : -amount);
    }
  }
  return [...sums.values()].reduce((sum, amount) => sum + amount, 0n);
}
