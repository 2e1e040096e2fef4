// What the ledger's transfers and management's reports say of trades, in the auditor's words.
import { type Transfer, TransferFlags } from '../../layout/generated.ts';
import { TransferCode } from '../../roles/cash/accounts.ts';
import type { RequestReport } from '../../roles/common/request-report.ts';
import type { Standing } from './books.ts';
import type { Trade, TradeKind } from './trades.ts';

const { post_pending_transfer, void_pending_transfer } = TransferFlags;

function tradeKind(code: number, flags: number): TradeKind | undefined {
  switch (code) {
    case TransferCode.payment:
      return 'purchase';
    case TransferCode.authorisation:
      if ((flags & post_pending_transfer) !== 0) return 'capture';
      return (flags & void_pending_transfer) !== 0 ? 'void' : 'authorisation';
    case TransferCode.refund:
      return 'refund';
    default:
      return undefined;
  }
}

/** undefined: a payout, a fee. */
export function ledgerTrade(transfer: Transfer): Trade | undefined {
  const { id, code, flags, amount, ledger, debitAccountId, creditAccountId, timestamp } = transfer;
  const kind = tradeKind(code, flags);
  if (kind === undefined) return undefined;
  const [device, shop] =
    kind === 'refund' ? [creditAccountId, debitAccountId] : [debitAccountId, creditAccountId];
  return {
    ...{ request: id, kind, amount, currency: ledger, shop, device },
    standing: 'done',
    purchase: kind === 'refund' ? transfer.userData128 : transfer.pendingId,
    word: DONE[kind],
    since: timestamp,
  };
}

const DONE: { readonly [kind in TradeKind]: string } = {
  purchase: 'paid',
  authorisation: 'reserved',
  refund: 'given back',
  capture: 'taken',
  void: 'released',
};

const STANDING: Readonly<Record<string, Standing>> = {
  paid: 'done',
  reserved: 'done',
  done: 'done',
  rejected: 'not_done',
};

/** `shop 0x…`, and of what a shop has ordered `purchase 0x…`, behind the reason if there is one. */
const DETAIL = /shop (0x[0-9a-f]{32})(?:, purchase (0x[0-9a-f]{32}))?$/;

/** undefined: of another kind. Management writes a trade down when it is final. */
export function reportedTrade(report: RequestReport): Trade | undefined {
  const { request, kind, state, amount, currency, device, detail, createdAt } = report;
  if (!(kind in DONE)) return undefined;
  const [, shop, purchase = '0'] = DETAIL.exec(detail) ?? [];
  if (shop === undefined) return undefined;
  return {
    ...{ request, amount, currency, device },
    kind: kind as TradeKind,
    standing: STANDING[state] ?? 'open',
    shop: BigInt(shop),
    purchase: BigInt(purchase),
    word: state,
    since: createdAt,
  };
}
