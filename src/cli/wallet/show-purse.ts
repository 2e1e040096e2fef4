// What is in a purse, and what became of payments from device to device, as people and as programs read it.
import type { Currency } from '../../shared/currency.ts';
import type { PeerEvent, PurseReport, ReportResult, TransferReport } from '../../wallet/index.ts';
import type { TakenPayment } from '../../wallet/peer/payee.ts';
import { handoverOf } from '../../wallet/peer/records.ts';
import { formatId, formatTimestamp } from '../files/fields.ts';
import { tableText } from '../output.ts';
import { money, readable, timeText } from './text.ts';

export function purseText(purse: PurseReport, currency: Currency): string {
  const { state, left, unsettled, inDoubt, expiresAt, reportBy, paymentsLeft, warnings } = purse;
  if (state === 'opening') return `purse    being opened: specie wallet resume\n`;
  const until = `until ${timeText(expiresAt)}, to be reported by ${timeText(reportBy)}`;
  return [
    `purse    ${money(left, currency)}${STATES[state]}`,
    `         ${paymentsLeft} payments left, ${until}`,
    ...(unsettled === 0n
      ? []
      : [`         ${money(unsettled, currency)} of it received and not reported yet`]),
    ...(inDoubt === 0n ? [] : [`in doubt ${money(inDoubt, currency)}: sent, and not in the purse any more`]),
    ...warnings.map((warning) => `         ! ${warning}`),
    '',
  ].join('\n');
}

const STATES: { readonly [state in PurseReport['state']]: string } = {
  opening: '',
  open: '',
  closing: ', being closed: specie wallet resume',
  ended: ', which cannot be used any more',
};

export function purseRecord(purse: PurseReport): object {
  const { purse: number, request, expiresAt, reportBy, ...rest } = purse;
  return {
    ...{ purse: formatId(number), request: formatId(request), ...rest },
    expiresAt: formatTimestamp(expiresAt),
    reportBy: formatTimestamp(reportBy),
  };
}

export function transfersText(
  title: string,
  transfers: readonly TransferReport[],
  currency: Currency,
): string {
  const rows = transfers.map(({ at, side, amount, state, request, memo, reason }) => [
    timeText(at),
    side,
    money(amount, currency),
    state.replace('_', ' '),
    formatId(request),
    readable([memo, reason].filter((text) => text !== '').join(': ')),
  ]);
  const advice = new Set(transfers.map((transfer) => transfer.advice).filter((text) => text !== ''));
  return `${tableText([title, '', '>amount', 'state', 'request', ''], rows)}${[...advice].map((text) => `  ${text}\n`).join('')}`;
}

export function transferRecords(transfers: readonly TransferReport[]): object[] {
  return transfers.map(({ request, purse, peer, at, reportBy, ...rest }) => ({
    ...{ request: formatId(request), purse: formatId(purse), peer: formatId(peer), ...rest },
    at: formatTimestamp(at),
    reportBy: formatTimestamp(reportBy),
  }));
}

export function reportText({ transfers, frauds }: ReportResult, currency: Currency): string {
  const told = frauds === 0 ? '' : `${frauds} frauds told to management\n`;
  if (transfers.length === 0) return `${told}nothing to report\n`;
  return `${transfersText('reported', transfers, currency)}${told}`;
}

/** What is more in the purse now. What comes again was added before, for what was asked then: a payer may bring it at any time. */
export function newlyReceived(received: readonly TakenPayment[]): bigint {
  return received.reduce(
    (sum, { payment, again }) => (again ? sum : sum + handoverOf(payment.message).amount),
    0n,
  );
}

export function receivedText(received: readonly TakenPayment[], currency: Currency): string {
  return received
    .map(({ payment, again }) => {
      const { amount, request } = handoverOf(payment.message);
      const before = again ? ', which was added before: it is not paid again' : '';
      return `received ${money(amount, currency)}${before}\nrequest  ${formatId(request)}\n`;
    })
    .join('');
}

/** undefined: nothing that anyone wants to read. */
export function peerEventText(event: PeerEvent, currency: Currency): string | undefined {
  switch (event.type) {
    case 'met':
      return `met purse ${formatId(event.purse)}`;
    case 'asked':
      return event.amount === undefined
        ? 'asked for any amount'
        : `asked for ${money(event.amount, currency)}${event.memo === '' ? '' : `: ${readable(event.memo)}`}`;
    case 'prepared':
      return `${formatId(event.request)}: ${money(event.amount, currency)} written down as spent`;
    case 'sent':
      return `${formatId(event.request)}: sent${event.resumed ? ' again' : ''}`;
    case 'paid':
      return `${formatId(event.request)}: receipt`;
    case 'received':
      return `${formatId(event.request)}: ${money(event.amount, currency)}${event.again ? ', as before' : ' added'}`;
    case 'refused':
      return `${formatId(event.request)}: ${readable(event.refusal.message)} (${event.refusal.code})`;
  }
}
