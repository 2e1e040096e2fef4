// What of messages about purses is refused. One rule a function; undefined: it holds.
import { Refusal } from '../common/refusal.ts';
import { checkUsableKey } from '../common/usable-key.ts';
import { isSound } from '../documents/fraud-proof.ts';
import { PURSE_PAYMENTS_MAX, type PurseClosing } from '../documents/purse.ts';
import { type Handover, readHandover } from '../documents/transfer.ts';
import { type CashRefused, checkIdOf, checkNumber } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashLog } from './interface.ts';
import type { PurseRecord } from './purse-book.ts';
import type { OpenPurseRequest, SettleTransferRequest } from './purse-messages.ts';

type Verdict = CashRefused | undefined;

const refuse = (code: CashRefused['code'], message: string): CashRefused =>
  new Refusal<CashRefusal>(code, message);

/** First failure of the rules that need nothing but the message. */
export function checkOpening({ purse, opening }: OpenPurseRequest): Verdict {
  const { request, currency, signingKey } = opening.document;
  return (
    checkIdOf('opening.request', request) ??
    checkNumber('purse', purse) ??
    (currency === 0
      ? refuse('malformed', 'opening.currency: expected at least 1, got 0')
      : checkUsableKey(signingKey))
  );
}

/** The order, or the first failure of the rules that need nothing but the message. */
export function checkHandover({ order }: SettleTransferRequest): Handover | CashRefused {
  const handover = readHandover(order);
  if (handover === undefined) {
    return refuse('malformed', 'order: expected one from purse to purse, got another order');
  }
  const refused = checkIdOf('order.id', handover.request);
  if (refused !== undefined) return refused;
  if (!isSound(handover)) {
    const { sequence, amount, total } = handover;
    return refuse(
      'malformed',
      `order: expected number, amount and total of a purse, got ${sequence}, ${amount}, ${total}`,
    );
  }
  if (handover.payer === handover.payee) {
    return refuse('payee_mismatch', 'order.payee: expected another purse than its payer, got the same');
  }
  return handover;
}

export interface KnownPurse {
  readonly record: PurseRecord;
  /** Of its key, as orders carry it. */
  readonly keyId: bigint;
}

/** The order beside what its purse was opened with. */
export function checkOrder(
  handover: Handover,
  { device }: SettleTransferRequest,
  { record: payer, keyId }: KnownPurse,
  { record: payee }: KnownPurse,
): Verdict {
  if (payer.device !== device) {
    return refuse('payer_mismatch', `order.payer: expected a purse of device ${device}, got another's`);
  }
  const currency = [payer, payee].find((purse) => purse.currency !== handover.currency)?.currency;
  if (currency !== undefined) {
    return refuse(
      'currency_mismatch',
      `order.currency: expected the purse's ${currency}, got ${handover.currency}`,
    );
  }
  if (handover.keyId !== keyId) {
    return refuse('key_mismatch', "order.keyId: expected that of the purse's key, got another");
  }
  if (handover.reportBy === payer.reportBy) return undefined;
  return refuse(
    'expiry_mismatch',
    `order.expiresAt: expected the allowance's ${payer.reportBy}, got ${handover.reportBy}`,
  );
}

export function checkClosing({ lastSequence, total }: PurseClosing): Verdict {
  if (lastSequence > BigInt(PURSE_PAYMENTS_MAX)) {
    return refuse(
      'malformed',
      `closing.lastSequence: expected 0 to ${PURSE_PAYMENTS_MAX}, got ${lastSequence}`,
    );
  }
  if (total >= lastSequence && (total === 0n) === (lastSequence === 0n)) return undefined;
  return refuse('malformed', `closing.total: expected that of ${lastSequence} payments, got ${total}`);
}

export function purseUnknown(purse: bigint): CashRefused {
  return refuse('purse_unknown', `purse: expected one with an account, got ${purse}`);
}

export function purseDiffers(purse: bigint): CashRefused {
  return refuse('purse_differs', `purse ${purse}: expected the opening that it was opened with, got another`);
}

export function purseCheated(purse: bigint): CashRefused {
  return refuse('purse_cheated', `purse ${purse}: expected one that has not cheated; it ends by itself`);
}

export function openingDiffers(request: bigint): CashRefused {
  return refuse(
    'request_differs',
    `request ${request}: expected the opening that it came with first, got another`,
  );
}

export function closingDiffers(purse: bigint): CashRefused {
  return refuse(
    'request_differs',
    `purse ${purse}: expected the closing that it was closed with, got another`,
  );
}

export function totalMismatch(purse: bigint): CashRefused {
  return refuse(
    'amount_mismatch',
    `closing.total: expected the sum of the payments of purse ${purse}, got another`,
  );
}

export function signatureOfPurseInvalid(): CashRefused {
  return refuse('signature_invalid', "signature: expected the purse's over this, got another");
}

/** Reads a record; one that is damaged is a matter of its own message, not of the batch. */
export function readable<Value>(read: () => Value, purse: bigint, log: CashLog): Value | CashRefused {
  try {
    return read();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    log.error({ purse: String(purse), error: text }, 'a purse could not be read');
    return refuse('internal_error', `purse ${purse}: expected its record, got a damaged one`);
  }
}
