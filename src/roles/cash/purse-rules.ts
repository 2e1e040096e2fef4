// The rules of purses: what becomes of an opening, an order, a closing, an end. They decide on a draft, and plan what is to
// be booked; nothing here waits for anything.
//
//     order ─┬─ contradicts an earlier one, or the closing ─▶ proof; covered, or paid by the purse, or disputed
//            ├─ the purse has enough ───────────────────────▶ paid by the purse
//            ├─ it has not ─────────────────────────────────▶ waiting, until the purse is credited or its time is over
//            └─ it has not, and has cheated ────────────────▶ covered, or disputed
//
// Whoever is credited may have orders waiting: these are looked at in turn, so that a report that pays the first of a chain
// settles all of it.
import { equalBytes } from '../../identity/binary-text.ts';
import { PAYMENT_ORDER_SIGNED_SIZE } from '../../layout/generated.ts';
import { afterClosing, contradiction, type FraudKind, type FraudProof } from '../documents/fraud-proof.ts';
import type { SignedPurseClosing } from '../documents/purse.ts';
import type { Handover } from '../documents/transfer.ts';
import { PURSE_ORDERS_MAX, type PurseRecord } from './purse-book.ts';
import { type Booked, type Booking, orderOf, purseOf } from './purse-bookings.ts';
import { type DraftOrder, type DraftPurse, isUnsettled, type PurseDraft } from './purse-draft.ts';

export interface Rules {
  readonly draft: PurseDraft;
  /** Of the ledger, nanoseconds: what is over by it is over for ever. */
  readonly now: bigint;
  /** Of the clock: when something was done. */
  readonly at: bigint;
  /** Purses that were credited, in turn. */
  readonly credited: bigint[];
  /** Bookings from which nothing more is planned that can wait for the next batch. */
  readonly bookingsMax: number;
}

export const isOver = ({ reportBy }: PurseRecord, now: bigint): boolean => now >= reportBy;

// ---- Opening

/** @param refused why not, for good */
export function open(
  { draft }: Rules,
  purse: bigint,
  record: PurseRecord,
  refused: string | undefined,
): DraftPurse {
  const { device, currency } = record;
  const reason = refused ?? (draft.findOpen(device, currency) === undefined ? undefined : 'purse_open');
  if (reason !== undefined) return draft.addPurse(purse, { ...record, state: 'rejected', reason });
  const added = draft.addPurse(purse, record);
  draft.setOpen(device, currency, purse);
  draft.bookings.push({ kind: 'open', purse });
  return added;
}

function opened(draft: PurseDraft, purse: DraftPurse, booked: Booked): void {
  const { device, currency, reportBy } = purse.record;
  if (booked.kind === 'done') {
    const epoch = draft.addPurseOf(device, purse.number);
    purse.change({ state: 'open', epoch });
    draft.setEnd({ reportBy, purse: purse.number }, true);
    return;
  }
  purse.change({ state: 'rejected', reason: booked.kind === 'short' ? 'exceeds_credits' : booked.status });
  draft.setOpen(device, currency, undefined);
}

// ---- Orders

/** @returns the order as it is kept; undefined: it is not, being too late or one too many of a purse that has cheated */
export function report(
  rules: Rules,
  purse: DraftPurse,
  order: Uint8Array,
  handover: Handover,
): DraftOrder | undefined {
  const known = knownOrder(purse, order, handover);
  if (known !== undefined) {
    if (isUnsettled(known.order)) attempt(rules, purse, known.index);
    return purse.orders[known.index]!;
  }
  const evidence = conflict(purse, order, handover);
  if (evidence !== undefined) prove(rules, purse, evidence);
  if (isOver(purse.record, rules.now) || purse.record.orders >= PURSE_ORDERS_MAX) return undefined;
  const added = purse.add({ order, contradicts: evidence !== undefined, outcome: { kind: 'waiting' } });
  attempt(rules, purse, added.index);
  if (purse.isFraudNew) settleWaiting(rules, purse);
  return purse.orders[added.index]!;
}

/** The same but for the signature: two may be good. */
function knownOrder(
  { orders }: DraftPurse,
  order: Uint8Array,
  { sequence }: Handover,
): DraftOrder | undefined {
  const signed = order.subarray(0, PAYMENT_ORDER_SIGNED_SIZE);
  return orders.find(
    (one) =>
      one.handover.sequence === sequence &&
      equalBytes(one.order.order.subarray(0, PAYMENT_ORDER_SIGNED_SIZE), signed),
  );
}

interface Evidence {
  readonly kind: FraudKind;
  readonly proof: FraudProof;
}

function conflict(
  { orders, record }: DraftPurse,
  order: Uint8Array,
  { sequence }: Handover,
): Evidence | undefined {
  const { signingKey, closing, isCheated } = record;
  if (closing !== undefined) {
    const kind = afterClosing(order, closing.document);
    if (kind !== undefined)
      return { kind, proof: { signingKey, evidence: { kind: 'closing', order, closing } } };
  }
  // Of orders that agree, totals rise with the numbers: one that agrees with its neighbours agrees with all.
  for (const { order: other } of isCheated ? orders : neighbours(orders, sequence)) {
    const kind = contradiction(other.order, order);
    if (kind === undefined) continue;
    return { kind, proof: { signingKey, evidence: { kind: 'orders', first: other.order, second: order } } };
  }
  return undefined;
}

function neighbours(orders: readonly DraftOrder[], sequence: bigint): readonly DraftOrder[] {
  let below: DraftOrder | undefined;
  let above: DraftOrder | undefined;
  for (const one of orders) {
    const other = one.handover.sequence;
    if (other === sequence) return [one];
    if (other < sequence) {
      if (below === undefined || other > below.handover.sequence) below = one;
    } else if (above === undefined || other < above.handover.sequence) above = one;
  }
  return [below, above].filter((one) => one !== undefined);
}

/** The first proof counts; whatever else the purse has done, it is not accused twice. */
function prove({ draft, at }: Rules, purse: DraftPurse, { kind, proof }: Evidence): void {
  const { device, currency, isCheated } = purse.record;
  if (isCheated) return;
  purse.change({ isCheated: true });
  purse.prove({ proof, kind, provenAt: at });
  if (draft.findOpen(device, currency) === purse.number) draft.setOpen(device, currency, undefined);
  draft.blocks.push(device);
  draft.bookings.push({ kind: 'block', device });
}

/** Settles an order, if it can be: of one purse, and of a time that is not over. */
function attempt(rules: Rules, purse: DraftPurse, index: number): void {
  const { draft, now, bookingsMax } = rules;
  const { record, balance, number } = purse;
  if (isOver(record, now)) return;
  if (balance === undefined || draft.bookings.length >= bookingsMax) {
    draft.setListed('purse-retries', number, true);
    return;
  }
  const { order, handover } = purse.orders[index]!;
  const { amount } = handover;
  const canPay = balance >= amount;
  const canCover = record.isCheated && record.covered + amount <= record.coverMax;
  if (canPay && !(order.contradicts && canCover)) {
    purse.balance = balance - amount;
    // A number that was used is not for the ledger's window.
    draft.bookings.push({ kind: order.contradicts ? 'handover' : 'order', purse: number, index });
    settling(rules, purse, index, 'purse');
  } else if (canCover) {
    purse.change({ covered: record.covered + amount });
    draft.bookings.push({ kind: 'cover', purse: number, index });
    settling(rules, purse, index, 'loss');
  } else if (record.isCheated && order.outcome.kind === 'waiting') {
    purse.setOutcome(purse.orders[index]!, { kind: 'disputed', reason: 'cover_exhausted' });
  }
}

function settling(
  { draft, credited }: Rules,
  purse: DraftPurse,
  index: number,
  from: 'purse' | 'loss',
): void {
  const { handover } = purse.orders[index]!;
  purse.setOutcome(purse.orders[index]!, { kind: 'booking', from });
  const payee = draft.find(handover.payee);
  if (payee?.balance !== undefined) payee.balance += handover.amount;
  credited.push(handover.payee);
}

function settleWaiting(rules: Rules, purse: DraftPurse): void {
  if (purse.record.unsettled === 0) return;
  for (const { index, order } of [...purse.orders]) {
    if (isUnsettled(order)) attempt(rules, purse, index);
  }
}

/** What the credits of this batch make possible, one after the other. */
export function drain(rules: Rules): void {
  const { draft, credited } = rules;
  for (let at = 0; at < credited.length; at++) retry(rules, draft.find(credited[at]!));
  credited.length = 0;
}

/** A purse that was credited: what waits is settled, and what is closed does not keep it. */
export function retry(rules: Rules, purse: DraftPurse | undefined): void {
  if (purse === undefined) return;
  settleWaiting(rules, purse);
  if (purse.record.state === 'closed' || purse.record.state === 'ended') giveBack(rules, purse);
}

// ---- Closing and ending

/** @returns `cheated`, or numbers that are missing, or `total` where the sum is another; undefined: it is closed */
export function close(
  rules: Rules,
  purse: DraftPurse,
  closing: SignedPurseClosing,
): 'cheated' | 'total' | readonly number[] | undefined {
  const { document } = closing;
  const { draft } = rules;
  const { record, orders, number } = purse;
  if (record.isCheated) return 'cheated';
  for (const { order } of orders) {
    const kind = afterClosing(order.order, document);
    if (kind === undefined) continue;
    const { signingKey } = record;
    const proof: FraudProof = { signingKey, evidence: { kind: 'closing', order: order.order, closing } };
    prove(rules, purse, { kind, proof });
    settleWaiting(rules, purse);
    return 'cheated';
  }
  const settled = new Map(
    orders
      .filter(({ order }) => order.outcome.kind === 'settled')
      .map(({ handover: { sequence, amount } }) => [sequence, amount]),
  );
  const missing: number[] = [];
  for (let sequence = 1n; sequence <= document.lastSequence; sequence++) {
    if (!settled.has(sequence)) missing.push(Number(sequence));
  }
  if (missing.length > 0) return missing;
  if ([...settled.values()].reduce((sum, amount) => sum + amount, 0n) !== document.total) return 'total';
  purse.change({ state: 'closed', closing });
  draft.setOpen(record.device, record.currency, undefined);
  giveBack(rules, purse);
  if (purse.record.releasedAt === 0n && !hasRelease(draft, number)) purse.change({ releasedAt: rules.at });
  return undefined;
}

const hasRelease = ({ bookings }: PurseDraft, purse: bigint): boolean =>
  bookings.some((booking) => booking.kind === 'release' && booking.purse === purse);

/** Its time is over. */
export function end(rules: Rules, purse: DraftPurse): void {
  const { draft, now, at } = rules;
  const { device, currency, reportBy, state } = purse.record;
  if (!isOver(purse.record, now)) return;
  draft.setEnd({ reportBy, purse: purse.number }, false);
  if (state === 'ended') return;
  purse.change({ state: 'ended' });
  if (draft.findOpen(device, currency) === purse.number) draft.setOpen(device, currency, undefined);
  giveBack(rules, purse);
  if (purse.record.releasedAt === 0n && !hasRelease(draft, purse.number)) purse.change({ releasedAt: at });
}

/** To the operator what it has paid for the purse, the rest to the device. */
function giveBack({ draft }: Rules, purse: DraftPurse): void {
  const { number, balance } = purse;
  if (balance === undefined) {
    draft.setListed('purse-leftovers', number, true);
    return;
  }
  const { covered, recovered } = purse.record;
  const back = least(balance, covered - recovered);
  if (back > 0n) {
    draft.bookings.push({ kind: 'recover', purse: number, move: nextMove(purse), amount: back });
    purse.balance = balance - back;
    purse.change({ recovered: recovered + back });
  }
  const account = draft.successorAccount(purse.record.device, purse.record.currency);
  const room = draft.rooms.get(account);
  const amount = room === undefined ? purse.balance! : least(purse.balance!, room);
  if (amount > 0n) {
    draft.bookings.push({ kind: 'release', purse: number, move: nextMove(purse), amount, account });
    purse.balance! -= amount;
    if (room !== undefined) draft.rooms.set(account, room - amount);
  }
  draft.setListed('purse-leftovers', number, purse.balance! > 0n);
}

function nextMove(purse: DraftPurse): number {
  const { moves } = purse.record;
  purse.change({ moves: moves + 1 });
  return moves;
}

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

// ---- What became of bookings

export function booked(draft: PurseDraft, booking: Booking, result: Booked): void {
  switch (booking.kind) {
    case 'block':
      return;
    case 'open':
      opened(draft, purseOf(booking, draft), result);
      return;
    case 'order':
    case 'handover':
    case 'cover':
      settled(draft, booking, result);
      return;
    case 'release':
      released(draft, booking, result);
      return;
    case 'recover':
      recovered(draft, booking, result);
      return;
  }
}

function recovered(draft: PurseDraft, booking: Extract<Booking, { kind: 'recover' }>, result: Booked): void {
  if (result.kind === 'done') return;
  const purse = purseOf(booking, draft);
  purse.change({ recovered: purse.record.recovered - booking.amount });
  draft.setListed('purse-leftovers', purse.number, true);
}

function settled(draft: PurseDraft, booking: Booking, result: Booked): void {
  const { purse, order } = orderOf(booking, draft);
  const from = booking.kind === 'cover' ? 'loss' : 'purse';
  if (result.kind === 'done') {
    purse.setOutcome(order, { kind: 'settled', from, timestamp: result.timestamp });
    return;
  }
  if (from === 'loss') purse.change({ covered: purse.record.covered - order.handover.amount });
  if (result.kind === 'short') {
    purse.setOutcome(order, { kind: 'waiting' });
    draft.setListed('purse-retries', purse.number, true);
  } else purse.setOutcome(order, { kind: 'disputed', reason: result.status });
}

function released(draft: PurseDraft, booking: Extract<Booking, { kind: 'release' }>, result: Booked): void {
  const purse = purseOf(booking, draft);
  const isDone = result.kind === 'done';
  if (!isDone) draft.setListed('purse-leftovers', purse.number, true);
  if (purse.record.releasedAt !== 0n) return;
  purse.change({ released: isDone ? booking.amount : 0n, releasedAt: result.timestamp });
}
