// What is booked for purses, and how it gets into the ledger. It is written down before, in the order in which it has to be
// booked, and taken off after: what a crash has cut off is booked again, and is there already.
//
//     number ▶ open      the purse's account, and what is reserved for it: device ─▶ purse
//              order     the payment order itself: purse ─▶ purse
//              handover  the same as a transfer of cash's own: purse ─▶ purse
//              cover     offline_loss ─▶ purse of the payee
//              release   purse ─▶ device
//              recover   purse ─▶ offline_loss
//              block     the terms of the device's accounts
//
// A payment order's id is chosen by its payer, and anybody who has seen it can use it up for something else; and an order
// that was decided in time may get to the ledger too late. Neither is the payee's fault: the ledger gets a transfer of
// cash's own then. Only want of funds keeps it waiting.
import { sha256 } from '../../crypto/index.ts';
import { OrderVerdict, PAYMENT_ORDER_SIZE, type Transfer } from '../../layout/generated.ts';
import { type Infer, oneOf, struct, text, u8, u32, u128, union } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import { RANGE_MAX, type StoreReads } from '../../store/store.ts';
import { type CreateTransferResult, readCreateTransferResults } from '../../wire/results.ts';
import { Refusal } from '../common/refusal.ts';
import type { Put } from '../flow/flow.ts';
import { purseAccount, systemAccountId, TransferCode } from './accounts.ts';
import { derivedId } from './derived-ids.ts';
import { setTerms } from './device-order-effects.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumberOf } from './key-ids.ts';
import { stamp } from './order-records.ts';

import type { DraftOrder, DraftPurse, PurseDraft } from './purse-draft.ts';

const PLAN = 'purse-plan';

const OrderOf = struct({ purse: u128, index: u32 });
const Booking = union({
  open: struct({ purse: u128 }),
  order: OrderOf,
  handover: OrderOf,
  cover: OrderOf,
  /** `move`: numbers the purse's transfers of this kind. `account`: of the device, in the ledger. */
  release: struct({ purse: u128, move: u32, amount: u128, account: u128 }),
  recover: struct({ purse: u128, move: u32, amount: u128 }),
  block: struct({ device: u128 }),
});
export type Booking = Infer<typeof Booking>;

/** What became of it. `short`: there was not enough in the purse. */
export type Booked =
  | { readonly kind: 'done'; readonly timestamp: bigint }
  | { readonly kind: 'short'; readonly timestamp: bigint }
  | { readonly kind: 'refused'; readonly status: string; readonly timestamp: bigint };

export const putPlan = (bookings: readonly Booking[]): Put[] =>
  bookings.map((booking, i) => ({ table: PLAN, key: BigInt(i), value: Booking.encode(booking) }));

export const dropPlan = (bookings: readonly Booking[]): Put[] =>
  bookings.map((_, i) => ({ table: PLAN, key: BigInt(i), value: undefined }));

/** What was written down and not taken off. */
export const planOf = (reads: StoreReads): Booking[] =>
  reads.range(PLAN, { limit: RANGE_MAX }).map(({ key, value }, i) => {
    if (idOfKey(key) !== BigInt(i)) throw new Error(`plan: expected number ${i}, got ${idOfKey(key)}`);
    return Booking.decode(value);
  });

type Parts = Pick<CashParts, 'ledger' | 'store' | 'registry' | 'log'>;

/** One outcome a booking, in order. @throws RequestError: the same bookings may come again */
export async function book(bookings: readonly Booking[], draft: PurseDraft, parts: Parts): Promise<Booked[]> {
  const results: Booked[] = new Array(bookings.length);
  for (let from = 0; from < bookings.length; ) {
    const lane = laneOf(bookings[from]!);
    let to = from + 1;
    while (to < bookings.length && to - from < LANE_MAX[lane] && laneOf(bookings[to]!) === lane) to++;
    const some = bookings.slice(from, to);
    const booked = await LANES[lane](some, draft, parts);
    for (let i = 0; i < some.length; i++) results[from + i] = booked[i]!;
    from = to;
  }
  return results;
}

// ---- Lanes: what goes to the ledger together

type Lane = 'orders' | 'transfers' | 'openings' | 'blocks';

/** Records of one batch of the ledger. */
const LANE_MAX: { readonly [lane in Lane]: number } = {
  orders: 4_095,
  transfers: 4_095,
  openings: 4_095,
  blocks: 64,
};

const LANES: {
  readonly [lane in Lane]: (
    bookings: readonly Booking[],
    draft: PurseDraft,
    parts: Parts,
  ) => Promise<Booked[]>;
} = { orders: bookOrders, transfers: bookTransfers, openings: bookOpenings, blocks: bookBlocks };

function laneOf({ kind }: Booking): Lane {
  switch (kind) {
    case 'order':
      return 'orders';
    case 'open':
      return 'openings';
    case 'block':
      return 'blocks';
    default:
      return 'transfers';
  }
}

async function bookOrders(bookings: readonly Booking[], draft: PurseDraft, parts: Parts): Promise<Booked[]> {
  const orders = new Uint8Array(bookings.length * PAYMENT_ORDER_SIZE);
  const view = new DataView(orders.buffer);
  bookings.forEach((booking, i) => {
    orders.set(orderOf(booking, draft).order.order.order, i * PAYMENT_ORDER_SIZE);
    stamp(view, i, OrderVerdict.good);
  });
  const results = readCreateTransferResults(await parts.ledger.createPaymentOrders(orders));
  const booked = results.map(bookedOf);
  const places = [...booked.keys()].filter((i) => booked[i]!.kind === 'refused');
  if (places.length === 0) return booked;
  const again = await bookTransfers(
    places.map((i) => bookings[i]!),
    draft,
    parts,
  );
  places.forEach((place, i) => {
    booked[place] = again[i]!;
  });
  return booked;
}

/** A handover that was short once has used up its id. */
const ATTEMPTS = 8;

async function bookTransfers(
  bookings: readonly Booking[],
  draft: PurseDraft,
  { ledger }: Parts,
): Promise<Booked[]> {
  const booked: Booked[] = new Array(bookings.length);
  let places = [...bookings.keys()];
  for (let attempt = 0; attempt < ATTEMPTS && places.length > 0; attempt++) {
    const results = await ledger.createTransfers(
      places.map((place) => transferOf(bookings[place]!, draft, attempt)),
    );
    const used: number[] = [];
    results.forEach((result, i) => {
      booked[places[i]!] = bookedOf(result);
      if (result.status === 'id_already_failed') used.push(places[i]!);
    });
    places = used;
  }
  return booked;
}

async function bookOpenings(
  bookings: readonly Booking[],
  draft: PurseDraft,
  { ledger }: Parts,
): Promise<Booked[]> {
  const purses = bookings.map((booking) => purseOf(booking, draft));
  const opened = await ledger.createAccounts(
    purses.map(({ number, record: { device, signingKey, currency } }) =>
      purseAccount(number, device, keyIdNumberOf(signingKey), currency),
    ),
  );
  const booked = opened.map(({ status, timestamp }): Booked => {
    const isOpen = status === 'created' || status === 'exists';
    return isOpen ? { kind: 'done', timestamp } : { kind: 'refused', status, timestamp };
  });
  const places = [...booked.keys()].filter(
    (i) => booked[i]!.kind === 'done' && purses[i]!.record.amount > 0n,
  );
  if (places.length === 0) return booked;
  const results = await ledger.createTransfers(places.map((i) => reserveOf(purses[i]!, draft)));
  places.forEach((place, i) => {
    booked[place] = bookedOf(results[i]!);
  });
  return booked;
}

/** Terms are read when they are set: the ledger ends with the newest. */
async function bookBlocks(bookings: readonly Booking[], _: PurseDraft, parts: Parts): Promise<Booked[]> {
  for (const booking of bookings) {
    if (booking.kind !== 'block') continue;
    const device = findDevice(booking.device, parts);
    if (device === undefined || device instanceof Refusal)
      throw new Error(`device ${booking.device}: expected one in the registry, got none`);
    const accounts = [...device.accounts].map(([currency, { account }]) => ({ currency, account }));
    await setTerms(booking.device, accounts, parts);
  }
  return bookings.map(() => ({ kind: 'done', timestamp: 0n }));
}

function bookedOf({ status, timestamp }: CreateTransferResult): Booked {
  if (status === 'created' || status === 'exists') return { kind: 'done', timestamp };
  return status === 'exceeds_credits' ? { kind: 'short', timestamp } : { kind: 'refused', status, timestamp };
}

// ---- Transfers

/** Names what is derived: no other name of cash's begins with this text. */
const Name = struct({
  what: text(16),
  kind: oneOf('handover', 'cover', 'release', 'recover'),
  purse: u128,
  number: u32,
  attempt: u8,
});

type Named = Infer<typeof Name>['kind'];

const idOf = (kind: Named, purse: bigint, number: number, attempt: number): bigint =>
  derivedId(sha256(Name.encode({ what: 'purse', kind, purse, number, attempt })));

function reserveOf({ number, record }: DraftPurse, draft: PurseDraft): Partial<Transfer> {
  const { openingRequest: id, amount, currency: ledger, device } = record;
  const debitAccountId = draft.deviceAccount(device, ledger);
  return { id, debitAccountId, creditAccountId: number, amount, ledger, code: TransferCode.reserve };
}

function transferOf(booking: Booking, draft: PurseDraft, attempt: number): Partial<Transfer> {
  const { number, record } = purseOf(booking, draft);
  const { currency: ledger } = record;
  const loss = systemAccountId('offline_loss', ledger);
  switch (booking.kind) {
    case 'order':
    case 'handover': {
      const { request: userData128, payee: creditAccountId, amount } = orderOf(booking, draft).order.handover;
      const id = idOf('handover', number, booking.index, attempt);
      const code = TransferCode.handover;
      return { id, debitAccountId: number, creditAccountId, amount, userData128, ledger, code };
    }
    case 'cover': {
      const { request: userData128, payee: creditAccountId, amount } = orderOf(booking, draft).order.handover;
      const id = idOf('cover', number, booking.index, attempt);
      const code = TransferCode.offline_loss;
      return { id, debitAccountId: loss, creditAccountId, amount, userData128, ledger, code };
    }
    case 'release': {
      const id = idOf('release', number, booking.move, attempt);
      const { account: creditAccountId, amount } = booking;
      const code = TransferCode.release;
      return { id, debitAccountId: number, creditAccountId, amount, ledger, code };
    }
    case 'recover': {
      const id = idOf('recover', number, booking.move, attempt);
      const code = TransferCode.offline_loss;
      return { id, debitAccountId: number, creditAccountId: loss, amount: booking.amount, ledger, code };
    }
    default:
      throw new Error(`expected a transfer, got ${booking.kind}`);
  }
}

/** @throws Error: what is booked was written down with its purse */
export function purseOf(booking: Booking, draft: PurseDraft): DraftPurse {
  const purse = booking.kind === 'block' ? undefined : draft.find(booking.purse);
  if (purse === undefined) throw new Error(`${booking.kind}: expected its purse to be known, it is not`);
  return purse;
}

/** @throws Error: likewise */
export function orderOf(
  booking: Booking,
  draft: PurseDraft,
): { readonly purse: DraftPurse; readonly order: DraftOrder } {
  const purse = purseOf(booking, draft);
  const order = 'index' in booking ? purse.orders[booking.index] : undefined;
  if (order === undefined) throw new Error(`${booking.kind}: expected its order to be known, it is not`);
  return { purse, order };
}
