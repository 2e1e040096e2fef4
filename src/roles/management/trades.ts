// What became of the purchases at shops and of what shops ordered later: a record each, written when cash's answer is final
// and before the shop gets it. For operators and the audit alone: whoever asks again is answered by cash, never from here.
//
//     trades        request ▶ what, at which shop, by which device, how much, how it ended, when
//     shop-trades   shop, request ▶ nothing
//
// A record of something done stays: whoever knows a request's id may make another purchase fail under it, no more.
import { U128_MAX } from '../../shared/bytes.ts';
import { type Infer, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import type { RequestReport } from '../common/request-report.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';

const TRADES = 'trades';
const SHOP_TRADES = 'shop-trades';
const NOTHING = new Uint8Array(0);
const ID_BYTES = 16;

const TradeRecord = struct({
  kind: oneOf('sale', 'authorisation', 'refund', 'capture', 'void'),
  shop: u128,
  /** 0n in what the shop ordered: cash alone knows whom it concerns. */
  device: u128,
  /** Of a refund, a capture or a void: the purchase; otherwise 0n. */
  purchase: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  outcome: oneOf('paid', 'reserved', 'done', 'rejected'),
  /** Of a rejection. */
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Cash's time, so that the same answer makes the same record. Nanoseconds. */
  at: u64,
});
export type TradeRecord = Infer<typeof TradeRecord>;

export interface Trade extends TradeRecord {
  readonly request: bigint;
}

/** All of them in one transaction. */
export function writeTrades(store: RoleStore, trades: readonly Trade[]): Promise<void> {
  return store.transaction((tx) => {
    for (const trade of trades) {
      const { request, shop, outcome } = trade;
      if (outcome === 'rejected') {
        const before = findTrade(tx, request);
        if (before !== undefined && before.outcome !== 'rejected') continue;
      }
      tx.put(TRADES, request, TradeRecord.encode(trade));
      tx.put(SHOP_TRADES, keyOf(shop, request), NOTHING);
    }
  });
}

export function findTrade(reads: StoreReads, request: bigint): TradeRecord | undefined {
  const stored = reads.get(TRADES, request);
  return stored && TradeRecord.decode(stored);
}

/** In the order of their requests, after that one. */
export function listTrades(reads: StoreReads, after: bigint | undefined, limit: number): Trade[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  return reads
    .range(TRADES, bounds)
    .map(({ key, value }) => ({ request: idOfKey(key), ...TradeRecord.decode(value) }));
}

/** Those of one shop. */
export function listShopTrades(
  reads: StoreReads,
  shop: bigint,
  after: bigint | undefined,
  limit: number,
): Trade[] {
  if (after === U128_MAX) return [];
  const from = keyOf(shop, after === undefined ? 0n : after + 1n);
  const to = keyOf(shop, U128_MAX);
  return reads.range(SHOP_TRADES, { from, to, limit }).flatMap(({ key }) => {
    const request = idOfKey(key, ID_BYTES);
    const record = findTrade(reads, request);
    // Of another shop: what was rejected here under an id of theirs.
    return record?.shop === shop ? [{ request, ...record }] : [];
  });
}

export function tradeReport(trade: Trade): RequestReport {
  const { request, kind, amount, currency, device, outcome, reason, at } = trade;
  return {
    request,
    kind: kind === 'sale' ? 'purchase' : kind,
    state: outcome,
    createdAt: at,
    updatedAt: at,
    amount,
    currency,
    device,
    detail: detailOf(trade, reason),
    history: [{ state: outcome, at }],
  };
}

/** As operators read and write ids. */
export const idText = (id: bigint): string => `0x${id.toString(16).padStart(32, '0')}`;

function detailOf({ shop, purchase }: Trade, reason: string): string {
  const what =
    purchase === 0n ? `shop ${idText(shop)}` : `shop ${idText(shop)}, purchase ${idText(purchase)}`;
  return reason === '' ? what : `${reason}, ${what}`;
}
