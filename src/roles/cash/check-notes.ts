// What is asked about notes: one rule a function; undefined: it holds. All of them need nothing but the message.
import { Refusal } from '../common/refusal.ts';
import type { NoteOrder } from '../documents/note-order.ts';
import { type CashRefused, CREDIT_AMOUNT_MAX, checkIdOf, checkNumber } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { ReceiveNotesRequest } from './note-messages.ts';

type Verdict = CashRefused | undefined;

const refuse = (code: CashRefused['code'], message: string): CashRefused =>
  new Refusal<CashRefusal>(code, message);

/** The first failure. */
export function checkNoteOrder(order: NoteOrder): Verdict {
  return (
    checkIdOf('order.request', order.request) ??
    checkNumber('shop', order.shop) ??
    checkAmount('order.amount', order.amount) ??
    checkCurrency('order.currency', order.currency) ??
    checkSource(order) ??
    checkReference(order)
  );
}

/** The first failure. */
export function checkReceiveNotes({ request, payee, amount, currency }: ReceiveNotesRequest): Verdict {
  return (
    checkIdOf('request', request) ??
    (payee.kind === 'shop' ? checkNumber('shop', payee.shop) : undefined) ??
    checkAmount('amount', amount) ??
    checkCurrency('currency', currency)
  );
}

function checkAmount(field: string, amount: bigint): Verdict {
  if (amount === 0n) return refuse('malformed', `${field}: expected at least 1, got 0`);
  if (amount <= CREDIT_AMOUNT_MAX) return undefined;
  return refuse('amount_too_large', `${field}: expected at most ${CREDIT_AMOUNT_MAX}, got ${amount}`);
}

function checkCurrency(field: string, currency: number): Verdict {
  return currency === 0 ? refuse('malformed', `${field}: expected at least 1, got 0`) : undefined;
}

function checkSource({ action, source }: NoteOrder): Verdict {
  if (action === 'issue' || source === 'exchange') return undefined;
  return refuse('malformed', `order.source: expected exchange in a ${action}, got ${source}`);
}

function checkReference({ action, reference }: NoteOrder): Verdict {
  if (action === 'issue' || reference.every((byte) => byte === 0)) return undefined;
  return refuse('malformed', `order.reference: expected zeroes in a ${action}, got others`);
}

/** It may be sealed to a key that cash has not read yet, or does not have any more. */
export function payeeKeyUnknown(): CashRefused {
  return refuse(
    'payment_seal_invalid',
    'payee.keyId: expected that of a sealing key of cash, in use or retired not long ago, got another',
  );
}
