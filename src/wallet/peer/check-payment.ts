// What must hold of a payment before the payee adds it. One function a rule, in this order; the first failure counts.
import { equalBytes } from '../../identity/binary-text.ts';
import { type FraudProof, isSound } from '../../roles/documents/fraud-proof.ts';
import { type Handover, readHandover, transferReference } from '../../roles/documents/transfer.ts';
import type { Peer } from './check-peer.ts';
import { findContradiction } from './contradictions.ts';
import type { PeerRefusal } from './errors.ts';
import { checkFunding, isSignedBy, keyIdIn } from './funding.ts';
import type { PeerParty } from './ledger.ts';
import { isMemo } from './memo.ts';
import type { PaymentMessage } from './messages.ts';
import type { OpenAsk } from './records.ts';

export interface PaymentQuestion {
  readonly message: PaymentMessage;
  readonly handover: Handover;
  /** Its allowance was checked: check-peer.ts. */
  readonly payer: Peer;
  readonly party: PeerParty;
  /** What was asked for with the nonce of this payment. */
  readonly ask: OpenAsk | 'used' | undefined;
}

type Rule = (question: PaymentQuestion) => PeerRefusal | undefined;

export type OrderReading =
  | { readonly handover: Handover; readonly wrong?: undefined }
  | { readonly handover?: undefined; readonly wrong: PeerRefusal };

/** An order of this payer to this purse, signed; before anything of it is looked up. */
export function readOrder(
  { order }: Pick<PaymentMessage, 'order'>,
  { certificate }: Peer,
  { purse: own, crypto }: Pick<PeerParty, 'purse' | 'crypto'>,
): OrderReading {
  const handover = readHandover(order);
  if (handover === undefined) {
    return wrongOrder('order_malformed', 'order: expected one from purse to purse, got another');
  }
  if (handover.payer !== certificate.purse) {
    return wrongOrder('payer_differs', "order: expected one of the payer's purse, got one of another");
  }
  if (handover.payee !== own.allowance.document.purse) {
    return wrongOrder('order_payee_differs', 'order: expected one to this purse, got one to another');
  }
  if (handover.keyId !== keyIdIn(certificate.signingKey, crypto)) {
    return wrongOrder('key_differs', "order: expected the key of the payer's purse, got another");
  }
  if (!isSignedBy(order, certificate.signingKey, crypto)) {
    return wrongOrder(
      'order_bad_signature',
      "order: expected what the payer's purse has signed, got something else",
    );
  }
  return { handover };
}

const wrongOrder = (code: PeerRefusal['code'], message: string): OrderReading => ({
  wrong: { code, message },
});

const RULES: readonly Rule[] = [
  ({ handover }) =>
    isSound(handover)
      ? undefined
      : {
          code: 'order_unsound',
          message: 'order: expected number and total of a payment, got impossible ones',
        },
  ({ handover, party }) => {
    const { currency } = party.purse.allowance.document;
    return handover.currency === currency
      ? undefined
      : {
          code: 'currency_differs',
          message: `order: expected currency ${currency}, got ${handover.currency}`,
        };
  },
  ({ handover, payer }) =>
    handover.reportBy === payer.allowance!.document.reportBy
      ? undefined
      : {
          code: 'report_by_differs',
          message: "order: expected the allowance's time to report it, got another",
        },
  ({ ask }) =>
    ask === 'used'
      ? {
          code: 'nonce_used',
          message: 'payment: expected a nonce that is still asked for, got one that was paid',
        }
      : undefined,
  ({ ask, handover }) =>
    ask !== undefined && ask !== 'used' && ask.payer === handover.payer
      ? undefined
      : { code: 'nonce_unknown', message: 'payment: expected a nonce that was asked for, got another' },
  ({ handover, message, party }) => {
    const { request, payer, payee, amount, currency, reference } = handover;
    const terms = { request, payer, payee, amount, currency, nonce: message.nonce, memo: message.memo };
    return equalBytes(reference, transferReference(terms, party.crypto.sha256))
      ? undefined
      : { code: 'reference_differs', message: 'order: expected the reference of these terms, got another' };
  },
  ({ ask, handover: { amount } }) => {
    const asked = (ask as OpenAsk).amount;
    return asked === undefined || asked === amount
      ? undefined
      : { code: 'amount_differs', message: `order: expected ${asked} minor units, got ${amount}` };
  },
  ({ message: { memo } }) =>
    isMemo(memo)
      ? undefined
      : { code: 'memo_malformed', message: 'payment: expected a memo of plain text, got another' },
  ({ ask, message }) => {
    const asked = (ask as OpenAsk).memo;
    return asked === '' || asked === message.memo
      ? undefined
      : { code: 'memo_differs', message: 'payment: expected the memo that was asked for, got another' };
  },
];

export interface PaymentFinding {
  readonly refusal: PeerRefusal | undefined;
  /** To be kept and reported, whatever else is wrong. */
  readonly proof?: FraudProof | undefined;
}

/** @param seen orders of a purse that were checked earlier */
export async function checkPayment(
  question: PaymentQuestion,
  seen: (purse: bigint) => Promise<readonly Uint8Array[]>,
): Promise<PaymentFinding> {
  for (const rule of RULES) {
    const refusal = rule(question);
    if (refusal !== undefined) return { refusal };
  }
  const { message, handover, payer, party } = question;
  const now = party.clock.now();
  const funding = checkFunding(message.funding, {
    cashKey: (keyId) => party.trust.cashKey(keyId, now),
    isBlocked: party.isBlocked,
    currency: party.purse.allowance.document.currency,
    now,
    crypto: party.crypto,
  });
  const { signingKey } = payer.certificate;
  const orders = [{ order: message.order, handover, signingKey }, ...funding.orders];
  const known = new Map<bigint, readonly Uint8Array[]>();
  for (const purse of new Set(orders.map((proven) => proven.handover.payer)))
    known.set(purse, await seen(purse));
  const proof = findContradiction(orders, (purse) => known.get(purse)!);
  if (proof !== undefined) {
    const text = 'payment: expected orders that can all be honest, got two of one purse that cannot';
    return { refusal: { code: 'contradiction', message: text }, proof };
  }
  if (funding.wrong !== undefined) return { refusal: funding.wrong };
  const has = payer.allowance!.document.amount + (funding.credits.get(handover.payer) ?? 0n);
  if (handover.total > has) {
    const text = `order: expected a total of at most ${has} minor units, got ${handover.total}`;
    return { refusal: { code: 'not_covered', message: text } };
  }
  return { refusal: undefined };
}
