// One call of the institution and what it means for the charge. Only what the institution says in the words of its
// interface is believed; a rejection, or an answer of another form, is `unknown`. Nothing here rejects.
import { amountOf } from '../../shared/amount.ts';
import { INSTITUTION_REFERENCE_BYTES_MAX, type SignedChargeReceipt } from '../documents/receipts.ts';
import type { Charge, ChargeOutcome } from './flow.ts';
import type { CardOrder, Institution } from './institution.ts';
import type { SettlementLog } from './interface.ts';

export type SignReceipt = (charge: Charge, institutionReference: string) => SignedChargeReceipt;

export interface InstitutionCallsOptions {
  readonly institution: Institution;
  readonly signReceipt: SignReceipt;
  readonly log?: SettlementLog | undefined;
}

type OperationName = 'authorise' | 'capture' | 'inquire' | 'reverse';
/** An answer as it came: of any form, until it has been looked at. */
type Answer = { readonly [field: string]: unknown };

export class InstitutionCalls {
  readonly #institution: Institution;
  readonly #signReceipt: SignReceipt;
  readonly #log: SettlementLog | undefined;

  constructor({ institution, signReceipt, log }: InstitutionCallsOptions) {
    this.#institution = institution;
    this.#signReceipt = signReceipt;
    this.#log = log;
  }

  async authorise(charge: Charge, accountNumber: string): Promise<ChargeOutcome> {
    const order = orderOf(charge, accountNumber);
    const answer = await this.#ask('authorise', order, (asked) => this.#institution.authorise(asked));
    if (answer.kind === 'approved' && isReference(answer.institutionReference, order)) {
      return { kind: 'authorised', authorisation: answer.institutionReference };
    }
    return declineOf(answer) ?? this.#unknown('authorise', order, answer);
  }

  async capture(charge: Charge, accountNumber: string, authorisation: string): Promise<ChargeOutcome> {
    const order = orderOf(charge, accountNumber);
    const answer = await this.#ask('capture', order, (asked) =>
      this.#institution.capture(asked, authorisation),
    );
    if (answer.kind === 'approved' && isReference(answer.institutionReference, order)) {
      return { kind: 'captured', receipt: this.#signReceipt(charge, answer.institutionReference) };
    }
    return declineOf(answer) ?? this.#unknown('capture', order, answer);
  }

  async inquire(charge: Charge, accountNumber: string): Promise<ChargeOutcome> {
    const order = orderOf(charge, accountNumber);
    const answer = await this.#ask('inquire', order, (asked) => this.#institution.inquire(asked));
    const { kind, institutionReference } = answer;
    if (kind === 'not_found' || kind === 'reversed') return { kind };
    if (kind === 'authorised' && isReference(institutionReference, order)) {
      return { kind, authorisation: institutionReference };
    }
    if (kind === 'captured' && isReference(institutionReference, order)) {
      return { kind, receipt: this.#signReceipt(charge, institutionReference) };
    }
    return declineOf(answer) ?? this.#unknown('inquire', order, answer);
  }

  /** A reversal that is declined is one that has not been made: it is asked for again, and an operator is told. */
  async reverse(charge: Charge, accountNumber: string): Promise<{ readonly kind: 'reversed' | 'unknown' }> {
    const order = orderOf(charge, accountNumber);
    const answer = await this.#ask('reverse', order, (asked) => this.#institution.reverse(asked));
    if (answer.kind === 'reversed') return { kind: 'reversed' };
    const decline = declineOf(answer);
    if (decline?.kind === 'reversed') return { kind: 'reversed' };
    if (decline === undefined) return this.#unknown('reverse', order, answer);
    this.#log?.error(
      { request: String(order.reference), reason: decline.reason },
      'the institution declines a reversal; it is asked again',
    );
    return { kind: 'unknown' };
  }

  async #ask(
    operation: OperationName,
    order: CardOrder,
    call: (order: CardOrder) => Promise<object>,
  ): Promise<Answer> {
    try {
      const answer: unknown = await call(order);
      return typeof answer === 'object' && answer !== null ? (answer as Answer) : {};
    } catch (error) {
      // Its message may hold anything that was sent.
      const name = error instanceof Error ? error.name : typeof error;
      this.#log?.error(
        { request: String(order.reference), operation, error: name },
        'the institution rejects',
      );
      return {};
    }
  }

  #unknown(operation: OperationName, { reference }: CardOrder, { kind, why }: Answer): { kind: 'unknown' } {
    const told = kind === 'unknown' && typeof why === 'string' ? withoutNumbers(why) : 'an unexpected answer';
    this.#log?.warn({ request: String(reference), operation, why: told }, 'the outcome is unknown');
    return { kind: 'unknown' };
  }
}

function orderOf({ order, receivedAt }: Charge, accountNumber: string): CardOrder {
  const { request, amount, currency } = order.document;
  return { reference: request, accountNumber, amount: amountOf(amount), currency, time: receivedAt };
}

/** It is stored, signed and shown, so it must fit, and must not be the account number in disguise. */
function isReference(reference: unknown, { accountNumber }: CardOrder): reference is string {
  return (
    typeof reference === 'string' &&
    /^[\x20-\x7e]+$/.test(reference) &&
    reference.length <= INSTITUTION_REFERENCE_BYTES_MAX &&
    !reference.includes(accountNumber)
  );
}

/** `reversed` is a decline that says more; undefined: it is no decline. */
function declineOf({
  kind,
  reason,
  responseCode,
}: Answer): { kind: 'declined'; reason: string } | { kind: 'reversed' } | undefined {
  if (kind !== 'declined' || typeof reason !== 'string' || !/^[a-z_]{1,40}$/.test(reason)) return undefined;
  if (reason === 'reversed') return { kind: 'reversed' };
  const isTold = reason === 'other' && typeof responseCode === 'string' && /^[0-9A-Z]{2}$/.test(responseCode);
  return { kind: 'declined', reason: isTold ? `other_${responseCode}` : reason };
}

/** An adapter should not tell account numbers; this makes sure. */
function withoutNumbers(text: string): string {
  return text.replace(/[0-9](?:[ -]?[0-9]){8,}/g, '…').slice(0, 200);
}
