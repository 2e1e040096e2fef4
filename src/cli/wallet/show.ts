// What a wallet has, as people and as programs read it. In JSON amounts are minor units, times ISO 8601, ids hex.
import type { Amount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import type {
  BalanceReport,
  HistoryEntry,
  OnlineBalance,
  OpenRequest,
  Outcome,
  PaymentRecord,
  ReceiptRecord,
  RequestState,
  SyncReport,
} from '../../wallet/index.ts';
import { formatId, formatTimestamp } from '../files/fields.ts';
import { tableText } from '../output.ts';
import { purseRecord, purseText, transferRecords, transfersText } from './show-purse.ts';
import { money, readable, timeText } from './text.ts';

export function stateText(state: RequestState): string {
  const name = state.kind.replace('_', ' ');
  switch (state.kind) {
    case 'pending':
      return `${name} (${state.state})`;
    case 'in_doubt':
    case 'declined':
    case 'reversed':
      return `${name}: ${state.reason}`;
    case 'rejected':
      return `${name}: ${state.reason}`;
    case 'refused':
    case 'shop_refused':
      return `${name}: ${state.reason} (${state.code})`;
    case 'released':
      return `${name} by ${state.by}`;
    default:
      return name;
  }
}

export function outcomeText(outcome: Outcome, currency: Currency): string {
  const { kind, state, amount, request, purchase } = outcome;
  const isMoney = kind === 'load' || kind === 'purchase' || kind === 'reserve';
  const what = isMoney ? `${kind} of ${money(amount, currency)}` : kind;
  const where = purchase === undefined ? '' : ` at ${readable(purchase.shopName)}`;
  const captured = state.kind === 'captured' ? ` ${money(state.amount, currency)}` : '';
  const released = state.kind === 'closed' ? `, ${money(state.released, currency)} given back` : '';
  const after = isMoney || kind === 'release' ? fundsText(outcome, currency) : '';
  return `${what}${where}: ${stateText(state)}${captured}${released}\nrequest  ${formatId(request)}\n${after}`;
}

function fundsText(
  { balance, available }: { readonly balance: Amount; readonly available: Amount },
  currency: Currency,
): string {
  const left = available === balance ? '' : `to spend ${money(available, currency)}\n`;
  return `balance  ${money(balance, currency)}\n${left}`;
}

export function outcomeRecord(outcome: Outcome): object {
  const { request, kind, state, amount, balance, available, purchase } = outcome;
  const { kind: name, ...details } = state;
  return {
    ...{ request: formatId(request), kind, state: name, ...details },
    ...(name === 'captured' ? { captured: state.amount } : {}),
    ...{ amount, balance, available },
    ...(purchase && {
      shop: formatId(purchase.shop),
      shopName: purchase.shopName,
      purchase: purchase.kind,
      expiresAt: formatTimestamp(purchase.expiresAt),
    }),
  };
}

function openTable(title: string, open: readonly OpenRequest[], currency: Currency): string {
  const rows = open.map(({ request, kind, state, amount, createdAt }) => [
    timeText(createdAt),
    kind,
    amount === 0n ? '' : money(amount, currency),
    stateText(state),
    formatId(request),
  ]);
  return `\n${tableText([title, '', '>amount', 'state', 'request'], rows)}`;
}

const VERDICTS = {
  agrees: 'agrees',
  differs_by_open: 'differs by what is under way',
  differs: 'DIFFERS',
} as const;

function onlineText({ balance, reserved, verdict }: OnlineBalance, currency: Currency): string {
  const held = reserved === 0n ? '' : `, ${money(reserved, currency)} of it reserved`;
  return `at cash  ${money(balance, currency)}${held}: ${VERDICTS[verdict]}\n`;
}

export function balanceText(report: BalanceReport): string {
  const { currency, open, reserved, online, purse, unsettled = [] } = report;
  let text = fundsText(report, currency);
  if (online !== undefined) text += onlineText(online, currency);
  if (open.length > 0) text += openTable('under way since', open, currency);
  if (reserved.length > 0) text += openTable('reserved since', reserved, currency);
  if (purse !== undefined) text += purseText(purse, currency);
  if (unsettled.length > 0) text += `\n${transfersText('not settled, since', unsettled, currency)}`;
  return text;
}

export function syncText({ entries, online, ...funds }: SyncReport, currency: Currency): string {
  const news = entries.length === 0 ? 'nothing new\n' : historyText(entries, currency);
  return `${news}${fundsText(funds, currency)}${onlineText(online, currency)}`;
}

export function syncRecord({ entries, balance, available, online }: SyncReport): object {
  return { entries: historyRecords(entries), balance, available, online: onlineRecord(online) };
}

const onlineRecord = (online: OnlineBalance): object => ({
  ...online,
  timestamp: formatTimestamp(online.timestamp),
});

export function balanceRecord(report: BalanceReport): object {
  const { balance, available, currency, open, reserved, online, purse, unsettled } = report;
  const records = (requests: readonly OpenRequest[]): object[] =>
    requests.map(({ request, kind, state, detail, amount, createdAt }) => ({
      request: formatId(request),
      kind,
      state: state.kind,
      detail,
      amount,
      createdAt: formatTimestamp(createdAt),
    }));
  return {
    balance,
    available,
    currency: currency.code,
    open: records(open),
    reserved: records(reserved),
    ...(online && { online: onlineRecord(online) }),
    ...(purse && { purse: purseRecord(purse) }),
    ...(unsettled && { unsettled: transferRecords(unsettled) }),
  };
}

/** Events that take of the balance. */
const TAKES: ReadonlySet<HistoryEntry['event']> = new Set(['paid', 'captured', 'debited', 'opened']);

export function historyText(entries: readonly HistoryEntry[], currency: Currency): string {
  return tableText(
    ['time', 'what', '>amount', '>balance', 'request', ''],
    entries.map(({ at, event, amount, balance, request, detail }) => [
      timeText(at),
      event,
      amount === 0n ? '' : `${TAKES.has(event) ? '-' : ''}${money(amount, currency)}`,
      money(balance, currency),
      formatId(request),
      detail,
    ]),
  );
}

export function historyRecords(entries: readonly HistoryEntry[]): object[] {
  return entries.map(({ at, event, amount, balance, request, detail }) => ({
    at: formatTimestamp(at),
    event,
    amount,
    balance,
    request: formatId(request),
    detail,
  }));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What cash has signed of one request. */
export interface Receipts {
  readonly loads: readonly ReceiptRecord[];
  readonly payments: readonly PaymentRecord[];
}

function inOrder({ loads, payments }: Receipts) {
  const rows = [
    ...loads.map(({ receipt: { document, signature }, cashKey }) => ({
      ...{ what: 'loaded', document, signature, cashKey },
      details: { device: formatId(document.device) } as object,
    })),
    ...payments.map(({ receipt: { document, signature }, cashKey }) => ({
      ...{ what: document.kind, document, signature, cashKey },
      details: {
        shop: formatId(document.shop),
        orderDigest: hex(document.orderDigest),
        reference: hex(document.reference),
      },
    })),
  ];
  return rows.sort((left, right) => (left.document.request < right.document.request ? -1 : 1));
}

export function receiptsText(receipts: Receipts, currency: Currency): string {
  return tableText(
    ['signed by cash', '', '>amount', 'request', 'key'],
    inOrder(receipts).map(({ what, document }) => [
      timeText(document.timestamp),
      what,
      money(document.amount, currency),
      formatId(document.request),
      hex(document.keyId),
    ]),
  );
}

/** Whoever has cash's key can verify them: docs/wallet.md says how. */
export function receiptRecords(receipts: Receipts): object[] {
  return inOrder(receipts).map(({ what, document, signature, cashKey, details }) => ({
    request: formatId(document.request),
    kind: what,
    ...details,
    amount: document.amount,
    currency: document.currency,
    timestamp: formatTimestamp(document.timestamp),
    keyId: hex(document.keyId),
    signature: hex(signature),
    cashKey: hex(cashKey),
  }));
}
