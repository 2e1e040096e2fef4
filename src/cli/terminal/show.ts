// What a terminal has, as people and as programs read it. In JSON amounts are minor units, times ISO 8601, ids hex.
import type { Currency } from '../../shared/currency.ts';
import type {
  Balance,
  HistoryEvent,
  HistoryRecord,
  MadeToken,
  ReceiveResult,
  Registered,
  Resumed,
  SendResult,
} from '../../terminal/index.ts';
import { formatId, formatTimestamp } from '../files/fields.ts';
import { tableText } from '../output.ts';
import { money, readable, timeText } from '../wallet/text.ts';

export function balanceText({ open, ...sums }: Balance, currency: Currency): string {
  const lines = [
    `balance     ${money(sums.free, currency)}`,
    ...(sums.exchanging > 0n ? [`exchanging  ${money(sums.exchanging, currency)}`] : []),
    ...(sums.sent > 0n ? [`sent        ${money(sums.sent, currency)}`] : []),
    ...(sums.tokens > 0n ? [`in tokens   ${money(sums.tokens, currency)}`] : []),
    ...(sums.depositing > 0n ? [`depositing  ${money(sums.depositing, currency)}`] : []),
  ];
  if (open.length === 0) return `${lines.join('\n')}\n`;
  const rows = open.map(({ at, kind, amount, state, operation }) => [
    timeText(at),
    kind,
    money(amount, currency),
    state,
    formatId(operation),
  ]);
  const table = tableText(['under way since', '', '>amount', 'state', 'operation'], rows);
  return `${lines.join('\n')}\n\n${table}`;
}

export const balanceRecord = ({ open, ...sums }: Balance, currency: Currency, unit: string | undefined) => ({
  ...sums,
  currency: currency.code,
  ...(unit !== undefined && { unit }),
  open: open.map(({ operation, at, ...rest }) => ({
    operation: formatId(operation),
    ...rest,
    at: formatTimestamp(at),
  })),
});

export function registeredText({ gateway, state, terms }: Registered, currency: Currency): string {
  const { feeBasisPoints, feeFixed, amountMin, amountMax, dayMax, returnAfterSeconds } = terms;
  const isWaiting = state === 'waiting' ? ': specie gateway admit opens it' : '';
  return [
    `${gateway}: ${state}${isWaiting}`,
    `organisation  ${readable(terms.organisation)}`,
    `an exchange   ${money(amountMin, currency)} to ${money(amountMax, currency)}, a day ${money(dayMax, currency)}`,
    `costs         ${Number(feeBasisPoints) / 100} % and ${money(feeFixed, currency)}`,
    `not fetched   goes back after ${Math.round(returnAfterSeconds / 3600)} hours`,
    '',
  ].join('\n');
}

export const registeredRecord = ({ gateway, state, terms }: Registered): object => {
  const { sealingKey: _, ...rest } = terms;
  return { gateway, state, terms: rest };
};

export function sendText({ request, state, amount, fee, reason }: SendResult, currency: Currency): string {
  const why = reason === '' ? '' : `: ${readable(reason)}`;
  const costs = fee > 0n ? `, fee ${money(fee, currency)}` : '';
  return `${money(amount, currency)}${costs}: ${SEND_STATES[state]}${why}\nexchange    ${formatId(request)}\n`;
}

const SEND_STATES: { readonly [state in SendResult['state']]: string } = {
  waiting: 'waits at the gateway for its destination',
  delivered: 'delivered',
  returned: 'on its way back: specie terminal receive',
  rejected: 'rejected, and back',
};

export const sendRecord = ({ request, ...rest }: SendResult): object => ({
  request: formatId(request),
  ...rest,
});

export function receiveText({ received, failed }: ReceiveResult, currency: Currency): string {
  if (received.length === 0 && failed.length === 0) return 'nothing new\n';
  const lines = received.map(
    ({ amount, isReturn, request }) =>
      `${isReturn ? 'returned' : 'received'}    ${money(amount, currency)}\nexchange    ${formatId(request)}`,
  );
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

export const failedText = ({ failed }: ReceiveResult): string[] =>
  failed.map(({ gateway, request, error }) =>
    readable(`${gateway}${request === undefined ? '' : `, exchange ${formatId(request)}`}: ${error.message}`),
  );

export const receiveRecord = ({ received, failed }: ReceiveResult): object => ({
  received: received.map(({ request, ...rest }) => ({ request: formatId(request), ...rest })),
  failed: failed.map(({ gateway, request, error }) => ({
    gateway,
    ...(request !== undefined && { request: formatId(request) }),
    code: error.code,
    message: error.what,
  })),
});

export function resumedText({ finished, unfinished, received }: Resumed, currency: Currency): string {
  const rows = finished.map(({ kind, amount, operation }) => [
    kind,
    money(amount, currency),
    formatId(operation),
  ]);
  const ended = rows.length === 0 ? '' : tableText(['finished', '>amount', 'operation'], rows);
  const isQuiet = rows.length === 0 && unfinished.length === 0 && received.received.length === 0;
  if (isQuiet && received.failed.length === 0) return 'nothing new\n';
  return ended + (received.received.length === 0 ? '' : receiveText(received, currency));
}

export const resumedRecord = ({ finished, unfinished, received }: Resumed): object => ({
  finished: finished.map(({ operation, at, ...rest }) => ({
    operation: formatId(operation),
    ...rest,
    at: formatTimestamp(at),
  })),
  unfinished: unfinished.map(({ operation, error }) => ({
    operation: formatId(operation),
    code: error.code,
    message: error.what,
  })),
  ...receiveRecord(received),
});

export const tokenRecord = ({ operation, amount, memo, at, text }: MadeToken): object => ({
  operation: formatId(operation),
  amount,
  memo,
  at: formatTimestamp(at),
  token: text,
});

export function tokensText(tokens: readonly MadeToken[], currency: Currency): string {
  if (tokens.length === 0) return 'no token that is not taken\n';
  const rows = tokens.map(({ at, amount, memo, operation }) => [
    timeText(at),
    money(amount, currency),
    formatId(operation),
    readable(memo),
  ]);
  return tableText(['made', '>amount', 'operation', 'memo'], rows);
}

/** Events that take of what is free. */
const TAKES: ReadonlySet<HistoryEvent> = new Set(['sent', 'token_made', 'deposited', 'lost']);

export function historyText(entries: readonly HistoryRecord[], currency: Currency): string {
  return tableText(
    ['time', 'what', '>amount', '>balance', 'about', ''],
    entries.map(({ at, event, amount, balance, reference, detail }) => [
      timeText(at),
      event.replace('_', ' '),
      `${TAKES.has(event) ? '-' : ''}${money(amount, currency)}`,
      money(balance, currency),
      reference === 0n ? '' : formatId(reference),
      readable(detail),
    ]),
  );
}

export const historyRecords = (entries: readonly HistoryRecord[]): object[] =>
  entries.map(({ at, reference, ...rest }) => ({
    at: formatTimestamp(at),
    ...rest,
    reference: formatId(reference),
  }));
