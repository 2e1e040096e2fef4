// What wallets say, from their stores: read as they are, without their keys.
import { BuyRequest } from '../../roles/shop/messages.ts';
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
  SyncRecord,
} from '../../wallet/core/records.ts';
import { RequestRecord, type RequestState, type StateName } from '../../wallet/core/request.ts';
import { StoredPurse } from '../../wallet/purse/records.ts';
import type { Book, Standing, Statement, WalletBalance } from './books.ts';
import { type PurseBooks, pursesIn } from './purses.ts';
import type { Trade } from './trades.ts';

/**
 * Of loads, the wallet believes management that nothing was charged, and cash alone that something was added; of purchases
 * cash alone. What was reserved stays done, whatever the shop has made of it.
 */
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
  shop_refused: 'open',
  paid: 'done',
  reserved: 'done',
  captured: 'done',
  released: 'done',
  rejected: 'not_done',
  lapsed: 'not_done',
  opened: 'done',
  closed: 'done',
};

export interface WalletBooks {
  readonly book: Book;
  readonly trades: readonly Trade[];
  readonly ends: ReadonlyMap<bigint, { readonly captured: bigint }>;
  readonly balances: readonly WalletBalance[];
  readonly purses: readonly PurseBooks[];
  /** What a wallet's own records say against each other. */
  readonly faults: readonly string[];
}

export async function fromWallets(storages: Iterable<WalletStorage>): Promise<WalletBooks> {
  const statements: Statement[] = [];
  const trades: Trade[] = [];
  const ends = new Map<bigint, { readonly captured: bigint }>();
  const balances: WalletBalance[] = [];
  const purses: PurseBooks[] = [];
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
    const heard = new Set<bigint>();
    for (const { value } of await storage.list(Key.requests)) {
      const record = RequestRecord.decode(value);
      const { request, kind, state, amount } = record;
      if (kind === 'reserve' && state.kind === 'opened') heard.add(request);
      if (kind !== 'load' && kind !== 'purchase') continue;
      if (MOVES.has(state.kind)) heard.add(request);
      if (kind === 'purchase') {
        trades.push(purchase(record, device));
        const captured = end(state);
        if (captured !== undefined) ends.set(request, { captured });
        continue;
      }
      const standing = STANDING[state.kind];
      const word = state.kind;
      statements.push({
        ...{ request, standing, amount: amountOf(amount), currency, device, word },
        since: 0n,
        at: 0n,
      });
    }
    purses.push(...(await pursesIn(storage, name)));
    const sync = await storage.read(Key.sync);
    const until = sync === undefined ? 0n : SyncRecord.decode(sync).until;
    balances.push({ device, currency, balance, until, heard });
  }
  return { book: { party: 'wallet', statements }, trades, ends, balances, purses, faults };
}

/** States with which the balance has changed. */
const MOVES: ReadonlySet<StateName> = new Set(['loaded', 'paid', 'captured']);

function purchase({ request, message, state, createdAt }: RequestRecord, device: bigint): Trade {
  const { kind, amount, currency, shop } = BuyRequest.decode(message).terms;
  return {
    ...{ request, amount, currency, shop, device },
    kind: kind === 'sale' ? 'purchase' : 'authorisation',
    standing: STANDING[state.kind],
    purchase: 0n,
    word: state.kind,
    since: createdAt,
  };
}

/** What the shop has taken of an authorisation that is over; undefined: not over, as far as the wallet knows. */
function end(state: RequestState): bigint | undefined {
  if (state.kind === 'captured') return state.amount;
  return state.kind === 'released' ? 0n : undefined;
}

/** What cash has signed: loads, less payments, less what was reserved for purses; and what its statements say beside them. */
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
  for (const { value } of await storage.list(Key.purses)) {
    const { request, issued } = StoredPurse.decode(value);
    if (issued !== undefined) sums.set(request, -issued.allowance.document.amount);
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
