// Proves the end of a simulation from books that no role has written: those of the institution, the ledger's own records,
// and the disks of wallets and shops. It shares no code with the roles.
//
//     card charged once  ⇔  one transfer float ─▶ device  ⇔  one receipt in that device's wallet
//     paid, reserved     ⇔  one transfer device ─▶ shop   ⇔  one receipt in that device's wallet, or a page of cash's
//                                                             statement that has it; one in the shop's book
//     given back, taken, released ⇔ one transfer of the shop's order, no more than was paid or reserved
//     wallet = balance at cash, float = what the institution has taken = what devices and shops have, nothing held,
//     nothing open
import { type Transfer, TransferFlags } from '../../src/layout/generated.ts';
import type { CreditReceipt } from '../../src/roles/documents/receipts.ts';
import { Book } from '../../src/shop/book.ts';
import {
  BalanceRecord,
  PaymentRecord,
  ReceiptRecord,
  StatementRecord,
  StoredDevice,
} from '../../src/wallet/core/records.ts';
import { RequestRecord } from '../../src/wallet/core/request.ts';
import type { MemoryLedger } from '../kernel/memory-host.ts';
import { memoryRoleStore } from '../store/memory-backend.ts';
import type { MemoryInstitution } from './institution.ts';
import type { ShopProcess } from './shops.ts';
import type { WalletProcess } from './wallets.ts';

const FLOAT = 978_001n;
const LOAD = 10;
const PAYMENT = 20;
const AUTHORISATION = 21;
const REFUND = 30;
const { post_pending_transfer: POST, void_pending_transfer: VOID } = TransferFlags;

export interface Found {
  readonly problems: readonly string[];
  /** How many loads ended in which state, for a look at what a seed has covered. */
  readonly ends: ReadonlyMap<string, number>;
}

export async function audit(
  institution: MemoryInstitution,
  ledger: MemoryLedger,
  wallets: readonly WalletProcess[],
  shops: readonly ShopProcess[],
): Promise<Found> {
  const parties = [...wallets, ...shops];
  const problems: string[] = [...institution.faults, ...parties.flatMap(({ faults }) => faults)];
  const ends = new Map<string, number>();
  const transfers = new Map<bigint, Transfer>();
  const trades = new Map<bigint, Transfer>();
  for (const { transfer, isExpiry } of ledger.events()) {
    // Of a reservation whose time is over: its pending transfer stands in the books already.
    if (isExpiry) continue;
    const { id, code } = transfer;
    if (transfers.has(id) || trades.has(id)) problems.push(`transfer ${hex(id)} stands twice`);
    if (code === LOAD) transfers.set(id, transfer);
    else if ([PAYMENT, AUTHORISATION, REFUND].includes(code)) trades.set(id, transfer);
    else problems.push(`transfer ${hex(id)}: code ${code}`);
  }
  const { moved, problems: wrongTrades } = auditTrades(trades);
  problems.push(...wrongTrades);

  let takenAll = 0n;
  const spent = new Map<string, bigint>();
  for (const [request, { card, amount, standing, taken, returned }] of institution.orders) {
    const net = taken - returned;
    if (taken > 1 || net < 0)
      problems.push(`card charged ${taken} times, given back ${returned} times for ${hex(request)}`);
    if (standing === 'authorised') problems.push(`money is held for ${hex(request)}`);
    const transfer = transfers.get(request);
    if (net === 1) {
      takenAll += amount;
      spent.set(card, (spent.get(card) ?? 0n) + amount);
      if (transfer === undefined) problems.push(`charged and not credited: ${hex(request)}`);
      else if (transfer.amount !== amount)
        problems.push(`charged ${amount}, credited ${transfer.amount}: ${hex(request)}`);
    } else if (transfer !== undefined) problems.push(`credited and not charged: ${hex(request)}`);
  }
  for (const request of transfers.keys())
    if (!institution.orders.has(request))
      problems.push(`credited, and the institution knows nothing: ${hex(request)}`);
  for (const [card, { first, available }] of institution.cards)
    if (first - available !== (spent.get(card) ?? 0n))
      problems.push(`card: ${first - available} gone, ${spent.get(card) ?? 0n} charged`);

  const [float] = ledger.lookupAccounts([FLOAT]);
  const floatHas = (float?.debitsPosted ?? 0n) - (float?.creditsPosted ?? 0n);
  if (floatHas !== takenAll) problems.push(`float ${floatHas}, institution ${takenAll}`);

  let held = 0n;
  const receipted = new Set<bigint>();
  const paidFor = new Set<bigint>();
  const stated = new Set<bigint>();
  for (const { disk, plan } of wallets) {
    const told = (text: string): void => void problems.push(`${plan.name}: ${text}`);
    const device = StoredDevice.decode(disk.records.get('device')!).device;
    const { balance } = BalanceRecord.decode(disk.records.get('balance')!);
    const [account] = ledger.lookupAccounts([device]);
    const atCash = (account?.creditsPosted ?? 0n) - (account?.debitsPosted ?? 0n);
    held += atCash;
    if ((account?.debitsPending ?? 0n) !== 0n) told(`${account!.debitsPending} reserved at cash`);
    if (atCash !== balance) told(`wallet ${balance}, cash ${atCash}`);
    let sum = 0n;
    for (const { value } of await disk.list('receipt/')) {
      const {
        request,
        amount,
        device: credited,
      } = ReceiptRecord.decode(value).receipt.document satisfies CreditReceipt;
      sum += amount;
      if (receipted.has(request)) told(`two receipts of ${hex(request)}`);
      receipted.add(request);
      const transfer = transfers.get(request);
      if (transfer?.creditAccountId !== device || credited !== device || transfer.amount !== amount)
        told(`receipt of ${hex(request)} that cash has not booked so`);
    }
    const expected = sum + (moved.get(device) ?? 0n);
    if (expected !== balance) told(`loads and transfers ${expected}, balance ${balance}`);
    for (const { value } of await disk.list('payment/')) {
      const { request, kind, amount, shop, timestamp } = PaymentRecord.decode(value).receipt.document;
      const trade = trades.get(request);
      if (paidFor.has(request)) told(`two receipts of ${hex(request)}`);
      paidFor.add(request);
      const isBooked =
        trade?.debitAccountId === device &&
        trade.creditAccountId === shop &&
        trade.amount === amount &&
        trade.timestamp === timestamp &&
        trade.code === (kind === 'paid' ? PAYMENT : AUTHORISATION);
      if (!isBooked) told(`receipt of ${hex(request)} that cash has not booked so`);
    }
    for (const { value } of await disk.list('statement/')) {
      for (const { transfer, amount, timestamp } of StatementRecord.decode(value).statement.document
        .entries) {
        const booked = trades.get(transfer) ?? transfers.get(transfer);
        const isIts = booked?.debitAccountId === device || booked?.creditAccountId === device;
        if (!isIts || booked.amount !== amount || booked.timestamp !== timestamp)
          told(`statement of ${hex(transfer)} that cash has not booked so`);
        stated.add(transfer);
      }
    }
    const cards = cardsOf(plan);
    for (const { value } of await disk.list('request/')) {
      const { request, kind, state, amount } = RequestRecord.decode(value);
      count(ends, `${kind} ${state.kind}`);
      if (kind !== 'load') continue;
      const order = institution.orders.get(request);
      const isCharged = order !== undefined && order.taken - order.returned === 1;
      if ((state.kind === 'loaded') !== isCharged)
        told(`${hex(request)} is ${state.kind}, charged: ${isCharged}`);
      if (order !== undefined && order.amount !== amount)
        told(`${hex(request)}: ordered ${amount}, asked ${order.amount}`);
      if (order !== undefined && !cards.has(order.card)) told(`${hex(request)}: another's card`);
    }
    if ((await disk.list('open/')).length > 0) told('something is open');
  }
  for (const shop of shops) {
    held += shop.certificate === undefined ? 0n : auditShop(shop, ledger, trades, moved, problems);
    for (const { order, state } of new Book(memoryRoleStore(shop.disk)).orders())
      count(ends, `${order.document.action} ${state.kind}`);
  }
  if (held !== floatHas) problems.push(`devices and shops have ${held}, float ${floatHas}`);
  for (const { id, code, flags } of trades.values()) {
    const isFirst = code === PAYMENT || (code === AUTHORISATION && (flags & (POST | VOID)) === 0);
    if (isFirst && !paidFor.has(id) && !stated.has(id))
      problems.push(`paid, and no wallet has a receipt: ${hex(id)}`);
  }
  for (const request of transfers.keys())
    if (!receipted.has(request)) problems.push(`credited, and no wallet has a receipt: ${hex(request)}`);
  return { problems, ends };
}

/** By the transfers alone: what each account has gained and lost by trade; no more taken or given back than there was. */
function auditTrades(trades: ReadonlyMap<bigint, Transfer>) {
  const problems: string[] = [];
  const moved = new Map<bigint, bigint>();
  const rest = new Map<bigint, bigint>();
  const ended = new Set<bigint>();
  const add = (account: bigint, amount: bigint): void =>
    void moved.set(account, (moved.get(account) ?? 0n) + amount);
  // In the order of the ledger: nothing is given back before it is paid.
  for (const { id, code, flags, amount, pendingId, userData128, ...transfer } of trades.values()) {
    const isEnd = code === AUTHORISATION && (flags & (POST | VOID)) !== 0;
    if (isEnd) {
      const reserved = trades.get(pendingId);
      if (reserved?.code !== AUTHORISATION || ended.has(pendingId))
        problems.push(`${hex(id)} ends what is not reserved`);
      else if (amount > reserved.amount)
        problems.push(`${hex(id)}: ${reserved.amount} reserved, ${amount} taken`);
      ended.add(pendingId);
      if ((flags & VOID) !== 0) continue;
      rest.set(pendingId, amount);
    } else if (code === AUTHORISATION) continue;
    else if (code === PAYMENT) rest.set(id, amount);
    else {
      const left = (rest.get(userData128) ?? 0n) - amount;
      if (left < 0n) problems.push(`${hex(id)}: ${-left} more given back than was paid`);
      rest.set(userData128, left);
    }
    add(transfer.debitAccountId, -amount);
    add(transfer.creditAccountId, amount);
  }
  return { moved, problems };
}

/** @returns what it has at cash */
function auditShop(
  { plan, disk, number }: ShopProcess,
  ledger: MemoryLedger,
  trades: ReadonlyMap<bigint, Transfer>,
  moved: ReadonlyMap<bigint, bigint>,
  problems: string[],
): bigint {
  const told = (text: string): void => void problems.push(`${plan.name}: ${text}`);
  const book = new Book(memoryRoleStore(disk));
  const [account] = ledger.lookupAccounts([number]);
  const has = (account?.creditsPosted ?? 0n) - (account?.debitsPosted ?? 0n);
  if (has !== (moved.get(number) ?? 0n)) told(`cash ${has}, transfers ${moved.get(number)}`);
  if ((account?.creditsPending ?? 0n) !== 0n) told(`${account!.creditsPending} reserved for it`);
  const known = new Set<bigint>();
  for (const [request, final] of book.purchases()) {
    if (final.kind === 'open' || final.kind === 'refused') continue;
    const trade = trades.get(request);
    const isHere = trade?.creditAccountId === number;
    if (final.kind === 'rejected') {
      if (isHere) told(`${hex(request)} is rejected, and booked`);
      continue;
    }
    known.add(request);
    if (!isHere || trade.amount !== final.receipt.document.amount)
      told(`receipt of ${hex(request)} that cash has not booked so`);
  }
  for (const { order, state } of book.orders()) {
    const { request, action, purchase, amount } = order.document;
    const trade = trades.get(request);
    if ((state.kind === 'done') !== (trade !== undefined)) {
      told(`${action} ${hex(request)} is ${state.kind}, booked: ${trade !== undefined}`);
      continue;
    }
    if (trade === undefined) continue;
    known.add(request);
    const about = action === 'refund' ? trade.userData128 : trade.pendingId;
    if (about !== purchase || (action !== 'void' && trade.amount !== amount))
      told(`${action} ${hex(request)} that cash has not booked so`);
  }
  for (const { id, debitAccountId, creditAccountId } of trades.values()) {
    const isIts = debitAccountId === number || creditAccountId === number;
    if (isIts && !known.has(id)) told(`booked, and not in its book: ${hex(id)}`);
  }
  return has;
}

function count(ends: Map<string, number>, end: string): void {
  ends.set(end, (ends.get(end) ?? 0) + 1);
}

function cardsOf({ card, wishes }: WalletProcess['plan']): Set<string> {
  const own = wishes.flatMap((wish) => ('card' in wish && wish.card !== undefined ? [wish.card] : []));
  return new Set(card === undefined ? own : [card, ...own]);
}

const hex = (id: bigint): string => id.toString(16);
