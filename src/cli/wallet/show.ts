// What a wallet has, as people and as programs read it. In JSON amounts are minor units, times ISO 8601, ids hex.
import { type Amount, amountOf, formatAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import type {
  BalanceReport,
  HistoryEntry,
  OpenRequest,
  Outcome,
  ReceiptRecord,
  RequestState,
} from '../../wallet/index.ts';
import { formatId, formatTimestamp } from '../files/fields.ts';
import { tableText } from '../output.ts';

export function money(amount: bigint, currency: Currency): string {
  return `${formatAmount(amountOf(amount), currency)} ${currency.code}`;
}

export function stateText(state: RequestState): string {
  const name = state.kind.replace('_', ' ');
  switch (state.kind) {
    case 'pending':
      return `${name} (${state.state})`;
    case 'in_doubt':
    case 'declined':
    case 'reversed':
      return `${name}: ${state.reason}`;
    case 'refused':
      return `${name}: ${state.reason} (${state.code})`;
    default:
      return name;
  }
}

/** To the second: people read it. */
const timeText = (nanoseconds: bigint): string =>
  `${formatTimestamp(nanoseconds).slice(0, 19).replace('T', ' ')}Z`;

export function outcomeText({ kind, state, amount, balance, request }: Outcome, currency: Currency): string {
  const what = kind === 'load' ? `load of ${money(amount, currency)}` : kind;
  const after = kind === 'load' ? `balance  ${money(balance, currency)}\n` : '';
  return `${what}: ${stateText(state)}\nrequest  ${formatId(request)}\n${after}`;
}

export function outcomeRecord({ request, kind, state, amount, balance }: Outcome): object {
  const { kind: name, ...details } = state;
  return { request: formatId(request), kind, state: name, ...details, amount, balance };
}

function openTable(open: readonly OpenRequest[], currency: Currency): string {
  const rows = open.map(({ request, kind, state, amount, createdAt }) => [
    timeText(createdAt),
    kind,
    kind === 'load' ? money(amount, currency) : '',
    stateText(state),
    formatId(request),
  ]);
  return tableText(['under way since', '', '>amount', 'state', 'request'], rows);
}

const VERDICTS = {
  agrees: 'agrees',
  differs_by_open: 'differs by what is under way',
  differs: 'DIFFERS',
} as const;

export function balanceText({ balance, currency, open, online }: BalanceReport): string {
  let text = `balance  ${money(balance, currency)}\n`;
  if (online !== undefined) {
    const reserved = online.reserved === 0n ? '' : `, ${money(online.reserved, currency)} of it reserved`;
    text += `at cash  ${money(online.balance, currency)}${reserved}: ${VERDICTS[online.verdict]}\n`;
  }
  if (open.length > 0) text += `\n${openTable(open, currency)}`;
  return text;
}

export function balanceRecord({ balance, currency, open, online }: BalanceReport): object {
  return {
    balance,
    currency: currency.code,
    open: open.map(({ request, kind, state, detail, amount, createdAt }) => ({
      request: formatId(request),
      kind,
      state: state.kind,
      detail,
      amount,
      createdAt: formatTimestamp(createdAt),
    })),
    ...(online && { online: { ...online, timestamp: formatTimestamp(online.timestamp) } }),
  };
}

export function historyText(entries: readonly HistoryEntry[], currency: Currency): string {
  return tableText(
    ['time', 'what', '>amount', '>balance', 'request', ''],
    entries.map(({ at, event, amount, balance, request, detail }) => [
      timeText(at),
      event,
      amount === 0n ? '' : money(amount, currency),
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

export function receiptsText(receipts: readonly ReceiptRecord[], currency: Currency): string {
  return tableText(
    ['credited by cash', '>amount', 'request', 'key'],
    receipts.map(({ receipt: { document } }) => [
      timeText(document.timestamp),
      money(document.amount as Amount, currency),
      formatId(document.request),
      hex(document.keyId),
    ]),
  );
}

/** Whoever has cash's key can verify them: docs/wallet.md says how. */
export function receiptRecords(receipts: readonly ReceiptRecord[]): object[] {
  return receipts.map(({ receipt: { document, signature }, cashKey }) => ({
    request: formatId(document.request),
    device: formatId(document.device),
    amount: document.amount,
    currency: document.currency,
    timestamp: formatTimestamp(document.timestamp),
    keyId: hex(document.keyId),
    signature: hex(signature),
    cashKey: hex(cashKey),
  }));
}
