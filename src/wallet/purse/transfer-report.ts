// What is told of payments from purse to purse, and what a purse comes to. Pure.
import { PurseCertificate } from '../../identity/purse-certificate.ts';
import { PURSE_PAYMENTS_MAX } from '../../roles/documents/purse.ts';
import { amountOf, ZERO } from '../../shared/amount.ts';
import { PEER_REFUSAL_ADVICE } from '../peer/errors.ts';
import { handoverOf } from '../peer/records.ts';
import type { PurseRecords } from './purse-book.ts';
import { isInDoubt } from './purse-ledger.ts';
import type { PurseReport, TransferReport, TransferState } from './purse-types.ts';
import type { Standing, StoredReceived, StoredSent } from './records.ts';

const NANOSECONDS_A_DAY = 86_400_000_000_000n;
const WARN_AHEAD = NANOSECONDS_A_DAY;
/** Whoever holds what was received so long should go online: its payer's time to report runs out. */
const REPORT_AHEAD = 7n * NANOSECONDS_A_DAY;

export function sentReport({ payment, receipt, refusal, standing }: StoredSent): TransferReport {
  const { message, preparedAt } = payment;
  const { request, payer, payee, amount, reportBy } = handoverOf(message);
  const state: TransferState =
    standing.kind === 'settled'
      ? 'settled'
      : standing.kind === 'rejected'
        ? 'lapsed'
        : receipt === undefined
          ? 'in_doubt'
          : 'paid';
  return {
    ...{ request, side: 'sent', purse: payer, peer: payee, amount: amountOf(amount), memo: message.memo },
    ...{ state, isReported: isReported(standing), at: preparedAt, reportBy },
    reason: state === 'in_doubt' ? (refusal?.message ?? reasonOf(standing)) : reasonOf(standing),
    advice: state === 'in_doubt' ? adviceOf(refusal?.code) : '',
  };
}

export function receivedReport({ payment, standing }: StoredReceived): TransferReport {
  const { message, receipt } = payment;
  const { request, payer, payee, amount, reportBy } = handoverOf(message);
  const state = STATES[standing.kind === 'settled' && standing.from === 'loss' ? 'covered' : standing.kind];
  return {
    ...{ request, side: 'received', purse: payee, peer: payer, amount: amountOf(amount), memo: message.memo },
    ...{ state, isReported: isReported(standing), at: receipt.document.receivedAt, reportBy },
    reason: reasonOf(standing),
    advice: state === 'disputed' || state === 'refused' ? 'ask the operator' : '',
  };
}

const STATES: { readonly [kind in Standing['kind'] | 'covered']: TransferState } = {
  unreported: 'received',
  settled: 'settled',
  covered: 'covered',
  waiting: 'waiting',
  disputed: 'disputed',
  rejected: 'lapsed',
  refused: 'refused',
};

const isReported = ({ kind }: Standing): boolean => kind !== 'unreported' && kind !== 'refused';

function reasonOf(standing: Standing): string {
  switch (standing.kind) {
    case 'waiting':
      return 'what funds it was not reported yet';
    case 'disputed':
      return standing.reason;
    case 'rejected':
      return standing.rejection.document.reason;
    case 'refused':
      return `${standing.reason} (${standing.code})`;
    default:
      return '';
  }
}

/** It stays spent, whatever the payee says: only its receipt, or cash, ends the doubt. */
function adviceOf(code: string | undefined): string {
  const known = code !== undefined && Object.hasOwn(PEER_REFUSAL_ADVICE, code);
  const why = known ? `${PEER_REFUSAL_ADVICE[code as keyof typeof PEER_REFUSAL_ADVICE]}; or ` : '';
  return `${why}meet the payee again, or go online and report it: it was spent, and is paid once`;
}

/** Whether cash has not spoken its last word. */
export const isUnsettled = ({ standing }: { readonly standing: Standing }): boolean =>
  standing.kind === 'unreported' || standing.kind === 'waiting' || standing.kind === 'disputed';

/** What is there: never below 0, as a session proves its funding before it pays. */
export function leftOf({ purse, sent, received, unseen }: PurseRecords): bigint {
  const reserved = purse.issued?.allowance.document.amount ?? 0n;
  const gone = sent.reduce((total, { payment }) => total + handoverOf(payment.message).amount, 0n);
  const came = received.reduce(
    (total, one) => (isLost(one.standing) ? total : total + handoverOf(one.payment.message).amount),
    0n,
  );
  return reserved + came + unseen.reduce((total, { amount }) => total + amount, 0n) - gone;
}

const isLost = ({ kind }: Standing): boolean => kind === 'rejected' || kind === 'refused';

export function purseReport(records: PurseRecords, now: bigint): PurseReport {
  const { purse, sent, received } = records;
  const { issued, request } = purse;
  const state = purse.state.kind as PurseReport['state'];
  const own = { state, request };
  if (issued === undefined) {
    return {
      ...{ ...own, purse: 0n, reserved: ZERO, left: ZERO, inDoubt: ZERO, unsettled: ZERO, paymentsLeft: 0 },
      ...{ expiresAt: 0n, reportBy: 0n, warnings: [] },
    };
  }
  const { document } = issued.allowance;
  const sum = (some: readonly { readonly payment: { readonly message: { readonly order: Uint8Array } } }[]) =>
    amountOf(some.reduce((total, { payment }) => total + handoverOf(payment.message).amount, 0n));
  const left = leftOf(records);
  return {
    ...{ ...own, purse: document.purse, reserved: amountOf(document.amount) },
    left: left < 0n ? ZERO : amountOf(left),
    inDoubt: sum(sent.filter(isInDoubt)),
    unsettled: sum(received.filter(isUnsettled)),
    paymentsLeft: PURSE_PAYMENTS_MAX - sent.length,
    ...{ expiresAt: document.expiresAt, reportBy: document.reportBy, warnings: warningsOf(records, now) },
  };
}

function warningsOf({ purse, sent, received }: PurseRecords, now: bigint): string[] {
  const { expiresAt } = purse.issued!.allowance.document;
  if (purse.state.kind === 'ended') {
    return [
      `${purse.state.reason}; what is left of it is given back once nothing of it can be reported any more`,
    ];
  }
  const warnings: string[] = [];
  if (now >= expiresAt) warnings.push('the purse has expired: go online and reserve anew');
  else if (now >= expiresAt - WARN_AHEAD)
    warnings.push('the purse expires within a day: reserve anew when online');
  if (sent.length >= PURSE_PAYMENTS_MAX) warnings.push('the purse has made all its payments: reserve anew');
  const late = received.filter(
    (one) => isUnsettled(one) && now >= handoverOf(one.payment.message).reportBy - REPORT_AHEAD,
  );
  if (late.length > 0) warnings.push(`to be reported within a week, payments: ${late.length}`);
  if (sent.some(isInDoubt))
    warnings.push('payments are in doubt: meet the payee again, or go online and report');
  return warnings;
}

/** The payee that was paid: for whoever looks at a payment's record alone. */
export const payeeOf = ({ payment }: StoredSent): PurseCertificate =>
  PurseCertificate.signed.decode(payment.payee).document;
