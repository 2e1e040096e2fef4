// The operation `book_payouts`: what each shop is owed of a window, booked, a page of shops at a time.
//
//     shops ─▶ balances at both cutoffs ─▶ position, due ─▶ one ledger batch: fees, payouts
//                                                             └─▶ what was moved, read back ─▶ positions written
//
// A shop whose sums contradict each other is left out, and its next window counts what this one has; the others are paid.
// The ledger's bookings are bounded by what the account has (balancing_debit), and its ids are derived: a page that is
// booked again after a crash is there already, and what stands in the ledger counts. Positions are written after it.
import {
  type AccountBalance,
  AccountFilterFlags,
  BATCH_RECORDS_MAX,
  type Transfer,
  TransferFlags,
} from '../../layout/generated.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import { PayoutOrder, type SignedPayoutOrder } from '../documents/payout.ts';
import { systemAccountId, TransferCode } from './accounts.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import {
  type BookPayoutsAnswer,
  type BookPayoutsRequest,
  PAYOUTS_PAGE_MAX,
  PROBLEM_BYTES_MAX,
} from './payout-messages.ts';
import {
  type Due,
  dueOf,
  NOTHING_CARRIED,
  type Position,
  PositionError,
  positionOf,
  type Sums,
  type Turnover,
  turnoverOf,
} from './payout-position.ts';
import {
  feeId,
  findLeftOut,
  findPosition,
  findWindow,
  listPositions,
  listReturns,
  payoutId,
  putLeftOut,
  putPayout,
  putPosition,
  putWindow,
  type Return,
  removeReturn,
  type ShopPosition,
  type WindowRecord,
} from './payout-windows.ts';

type Answer = BookPayoutsAnswer | CashRefused;

/** One after the other. @throws RequestError, StoreError */
export async function bookPayouts(
  requests: readonly BookPayoutsRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const request of requests) answers.push(await bookPage(request, parts));
  return answers;
}

export function windowUnknown(window: bigint): CashRefused {
  return new Refusal<CashRefusal>('window_unknown', `window: expected one that is closed, got ${window}`);
}

async function bookPage({ window, after }: BookPayoutsRequest, parts: CashParts): Promise<Answer> {
  const { store } = parts;
  let record = findWindow(store, window);
  if (record === undefined) return windowUnknown(window);
  while (!record.isBooked && (record.bookedTo ?? 0n) <= (after ?? 0n)) {
    await bookNext(window, record, parts);
    record = findWindow(store, window)!;
  }
  // The end of what is booked; beyond the last shop there is nothing.
  const to = record.isBooked ? U128_MAX - 1n : record.bookedTo!;
  const positions = listPositions(store, window, after, to, PAYOUTS_PAGE_MAX);
  const isFull = positions.length === PAYOUTS_PAGE_MAX;
  return {
    payouts: positions
      .filter(({ timestamp }) => timestamp !== 0n)
      .map((position) => orderOf(window, record, position, parts)),
    next: isFull ? positions.at(-1)!.shop : record.isBooked ? undefined : to,
  };
}

/** Deterministic: the same bytes each time, as long as signatures of the key count. */
function orderOf(
  window: bigint,
  { currency }: WindowRecord,
  { shop, payout: amount, timestamp }: ShopPosition,
  { shops, signers }: CashParts,
): SignedPayoutOrder {
  const { signingKey } = shops.shop(shop)!;
  const payout = payoutId(window, shop);
  return signers.sign(
    PayoutOrder,
    { payout, window, shop, signingKey, amount, currency, timestamp },
    timestamp,
  );
}

interface Account {
  readonly shop: bigint;
  readonly account: bigint;
}

/** Where a shop's window begins, and whose position was its last. */
type Since = Pick<WindowRecord, 'from' | 'before'>;

interface Entry extends Account {
  readonly since: Since;
  readonly turnover: Turnover;
  readonly due: Due;
  /** What this window counts of what came back. */
  readonly returns: readonly Return[];
}

/** Its sums contradict each other. The others are paid. */
interface Contradiction extends Account {
  readonly since: Since;
  readonly problem: string;
}

/** The next page of shops. */
async function bookNext(window: bigint, record: WindowRecord, parts: CashParts): Promise<void> {
  const { store, shops, ledger, log } = parts;
  const { terms, currency, bookedTo } = record;
  const numbers = shops.numbers(bookedTo, PAYOUTS_PAGE_MAX);
  const accounts = numbers.flatMap((shop) => {
    const account = shops.shop(shop)?.accounts.get(currency)?.account;
    return account === undefined ? [] : [{ shop, account }];
  });
  const found = await entriesOf(accounts, record, parts);
  const entries: Entry[] = [];
  const leftOut: Contradiction[] = [];
  for (const entry of found) {
    if ('problem' in entry) leftOut.push(entry);
    else entries.push(entry);
  }
  const transfers = entries.flatMap((entry) => transfersOf(window, currency, entry));
  if (transfers.length > 0) {
    const results = await ledger.createTransfers(transfers);
    results.forEach(({ status }, i) => {
      if (status === 'created' || status === 'exists') return;
      // What is not booked stays with the shop, and is due again.
      log.error({ transfer: String(transfers[i]!.id), status }, 'the ledger refuses a booking of a window');
    });
  }
  const ids = entries.flatMap(({ shop }) => [feeId(window, shop), payoutId(window, shop)]);
  const booked = new Map<bigint, Transfer>();
  if (ids.length > 0)
    for (const transfer of await ledger.lookupTransfers(ids)) booked.set(transfer.id, transfer);
  // What has the id and is something else was booked by somebody else: it is none of this window's.
  const ours = (id: bigint, account: bigint, reason: 'fee' | 'payout'): Transfer | undefined => {
    const found = booked.get(id);
    const credit = systemAccountId(reason === 'fee' ? 'fees' : 'clearing', currency);
    const isOurs =
      found?.code === TransferCode[reason] &&
      found.debitAccountId === account &&
      found.creditAccountId === credit &&
      found.userData128 === window;
    return isOurs ? found : undefined;
  };
  const isWritten = await store.transaction((tx) => {
    const now = findWindow(tx, window)!;
    // Another call has booked the page.
    if (now.isBooked || now.bookedTo !== bookedTo) return false;
    for (const { shop, account, since, turnover, returns } of entries) {
      const fee = ours(feeId(window, shop), account, 'fee');
      const payout = ours(payoutId(window, shop), account, 'payout');
      const done = { fee: fee?.amount ?? 0n, payout: payout?.amount ?? 0n };
      const position = attempt(() => positionOf(turnover, done, terms));
      if (typeof position === 'string') {
        leftOut.push({ shop, account, since, problem: position });
        continue;
      }
      for (const { payout: back } of returns) removeReturn(tx, shop, back);
      if (isNothing(position)) continue;
      const timestamp = done.payout > 0n ? payout!.timestamp : 0n;
      putPosition(tx, window, shop, { ...position, timestamp });
      if (done.payout > 0n) {
        const content = { window, shop, amount: done.payout, currency, account, outcome: undefined };
        putPayout(tx, payoutId(window, shop), content);
      }
    }
    for (const { shop, since, problem } of leftOut) putLeftOut(tx, window, shop, { ...since, problem });
    putWindow(tx, window, {
      ...now,
      bookedTo: numbers.at(-1) ?? bookedTo,
      isBooked: numbers.length < PAYOUTS_PAGE_MAX,
    });
    return true;
  });
  for (const { shop, problem } of isWritten ? leftOut : [])
    log.error({ window: String(window), shop: String(shop), problem }, 'a shop is left out of a window');
}

/** What it returns, or what is wrong with the sums. */
function attempt<Value>(run: () => Value): Value | string {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof PositionError)) throw error;
    return error.message.slice(0, PROBLEM_BYTES_MAX);
  }
}

/** A window without any record of the shop says that nothing is carried. */
function isNothing(position: Position): boolean {
  return Object.values(position).every((amount) => amount === 0n);
}

async function entriesOf(
  accounts: readonly Account[],
  { currency, from, cutoff, before, terms }: WindowRecord,
  { store, ledger }: CashParts,
): Promise<(Entry | Contradiction)[]> {
  if (accounts.length === 0) return [];
  const since = accounts.map(({ shop }): Since => {
    const skipped = before === undefined ? undefined : findLeftOut(store, before, shop);
    return skipped === undefined ? { from, before } : { from: skipped.from, before: skipped.before };
  });
  const waiting = accounts.map(({ shop }) =>
    listReturns(store, shop).filter((back) => back.currency === currency),
  );
  const transfers = waiting.flatMap((returns) => returns.map(({ transfer }) => transfer));
  const [now, returned, starts, ends] = await Promise.all([
    ledger.lookupAccounts(accounts.map(({ account }) => account)),
    lookup(transfers, ledger),
    Promise.all(accounts.map(({ account }, i) => sumsAt(account, since[i]!.from, ledger))),
    Promise.all(accounts.map(({ account }) => sumsAt(account, cutoff, ledger))),
  ]);
  const free = new Map(
    now.map(({ id, creditsPosted, debitsPosted, debitsPending }) => [
      id,
      creditsPosted - debitsPosted - debitsPending,
    ]),
  );
  return accounts.map(({ shop, account }, i) => {
    const returns = waiting[i]!.filter(({ transfer }) => {
      const made = returned.get(transfer);
      return (
        made?.code === TransferCode.payout_returned &&
        made.creditAccountId === account &&
        made.timestamp <= cutoff
      );
    });
    const sum = returns.reduce((total, { transfer }) => total + returned.get(transfer)!.amount, 0n);
    const common = { shop, account, since: since[i]! };
    const { before: lastOf } = common.since;
    const last = lastOf === undefined ? undefined : findPosition(store, lastOf, shop);
    const turnover = attempt(() => turnoverOf(starts[i]!, ends[i]!, sum, last ?? NOTHING_CARRIED));
    if (typeof turnover === 'string') return { ...common, problem: turnover };
    return { ...common, turnover, due: dueOf(turnover, terms, free.get(account)!), returns };
  });
}

async function lookup(
  ids: readonly bigint[],
  ledger: CashParts['ledger'],
): Promise<ReadonlyMap<bigint, Transfer>> {
  const found = new Map<bigint, Transfer>();
  for (let at = 0; at < ids.length; at += BATCH_RECORDS_MAX)
    for (const transfer of await ledger.lookupTransfers(ids.slice(at, at + BATCH_RECORDS_MAX)))
      found.set(transfer.id, transfer);
  return found;
}

const LAST = AccountFilterFlags.debits | AccountFilterFlags.credits | AccountFilterFlags.reversed;

/** What had been posted at a moment; a shop's account keeps its history. */
async function sumsAt(accountId: bigint, at: bigint, ledger: CashParts['ledger']): Promise<Sums> {
  const none: readonly AccountBalance[] = [];
  const [balance] =
    at === 0n
      ? none
      : await ledger.getAccountBalances({ accountId, timestampMax: at, limit: 1, flags: LAST });
  return { credits: balance?.creditsPosted ?? 0n, debits: balance?.debitsPosted ?? 0n };
}

function transfersOf(window: bigint, currency: number, { shop, account, due }: Entry): Partial<Transfer>[] {
  const common = {
    debitAccountId: account,
    ledger: currency,
    userData128: window,
    flags: TransferFlags.balancing_debit,
  };
  const fee = {
    ...common,
    id: feeId(window, shop),
    creditAccountId: systemAccountId('fees', currency),
    amount: due.fee,
    code: TransferCode.fee,
  };
  const payout = {
    ...common,
    id: payoutId(window, shop),
    creditAccountId: systemAccountId('clearing', currency),
    amount: due.payout,
    code: TransferCode.payout,
  };
  return [fee, payout].filter(({ amount }) => amount > 0n);
}
