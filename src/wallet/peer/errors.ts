// What can go wrong between two wallets, and what to do about it.
import { cut } from '../core/readable.ts';

export const PEER_ERROR_ADVICE = {
  invalid_argument: 'nothing was done; correct it',
  address_invalid: 'let the payee show the address again',
  link_broken: 'meet again',
  busy: 'the payee is with somebody else: come again',
  timed_out: 'meet again',
  flooded: 'the other side sends nonsense: do not meet it again',
  piece_invalid: 'the medium has lost or changed something: meet again',
  message_too_long: 'the other side sends nonsense: do not meet it again',
  channel_damaged: 'the medium has changed something: meet again',
  protocol_error: 'the other side runs something else, or is broken',
  /** This wallet says no to the other. */
  peer_refused: 'do what the reason says',
  /** The other wallet says no to this one. */
  refused: 'do what the reason says',
  declined: 'nothing was paid',
  not_covered: 'nothing was paid; this purse has too little, so go online first',
  payments_used_up: 'nothing was paid; this purse has made all its payments, so go online and open another',
  answer_invalid: 'the payment is in doubt: meet again, or go online',
} as const;

export type PeerErrorCode = keyof typeof PEER_ERROR_ADVICE;

/** Why one wallet takes nothing from the other. What to do is the payer's, unless it says otherwise. */
export const PEER_REFUSAL_ADVICE = {
  // Of the handshake, either way.
  identity_malformed: 'update the wallet',
  certificate_malformed: 'update the wallet',
  certificate_unknown_issuer: 'get the newest directory, both sides',
  certificate_bad_signature: 'open another purse',
  certificate_not_yet_valid: 'set the clocks right, both sides',
  certificate_expired: 'go online and open another purse; or set the clocks right',
  purse_blocked: 'ask the operator why the device is blocked',
  channel_key_differs: 'somebody stands in between: meet elsewhere',
  currency_differs: 'use purses of one currency',
  own_purse: 'a purse does not pay itself',
  payee_differs: 'somebody else has answered: compare the address',
  // Of the handshake, of the payer's allowance.
  allowance_missing: 'update the wallet',
  allowance_unknown_issuer: 'get the newest directory, both sides',
  allowance_bad_signature: 'open another purse',
  allowance_differs: 'open another purse',
  allowance_expired: 'go online and open another purse; or set the clocks right',
  // Of a payment.
  too_many_payments: 'meet again',
  order_malformed: 'update the wallet',
  order_unsound: 'update the wallet',
  payer_differs: 'update the wallet',
  order_payee_differs: 'update the wallet',
  key_differs: 'update the wallet',
  order_bad_signature: 'update the wallet',
  request_known: 'update the wallet',
  nonce_unknown: 'the payee has forgotten what it asked for: go online',
  nonce_used: 'the payee has been paid for this: go online',
  reference_differs: 'update the wallet',
  amount_differs: 'the payee has asked for another amount: go online',
  memo_malformed: 'update the wallet',
  memo_differs: 'the payee has asked for another purpose: go online',
  report_by_differs: 'update the wallet',
  funding_malformed: 'go online',
  funding_repeated: 'go online',
  funding_unknown_issuer: 'get the newest directory, both sides',
  funding_bad_signature: 'go online: somebody has paid this purse with something forged',
  funding_differs: 'go online: somebody has paid this purse with something forged',
  funding_late: 'go online',
  funding_blocked: 'go online: somebody who is blocked has paid this purse',
  funding_uncovered: 'go online: somebody has paid this purse with money that he had not',
  contradiction: 'go online: a purse has spent its money twice',
  not_covered: 'go online: this purse has spent more than it had',
  /** Of the payer: its user has said no. */
  declined: 'nothing was paid',
} as const;

export type PeerRefusalCode = keyof typeof PEER_REFUSAL_ADVICE;

export interface PeerRefusal {
  readonly code: PeerRefusalCode;
  /** "expected …, got …" */
  readonly message: string;
}

/** What the other side has said: any text. */
export interface SaidRefusal {
  /** `unknown` where it is none of the list. */
  readonly code: PeerRefusalCode | 'unknown';
  readonly message: string;
}

export function readRefusal({ code, message }: { code: string; message: string }): SaidRefusal {
  const isKnown = Object.hasOwn(PEER_REFUSAL_ADVICE, code);
  return { code: isKnown ? (code as PeerRefusalCode) : 'unknown', message: cut(message) };
}

export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly code: PeerErrorCode;
  /** Of `peer_refused` and `refused`: why. */
  readonly refusal: SaidRefusal | undefined;
  /** The payment that has left, or may have, and has no receipt: its amount stays spent until it is resumed or settled. */
  readonly inDoubt: bigint | undefined;

  constructor(
    code: PeerErrorCode,
    message: string,
    {
      refusal,
      inDoubt,
      ...options
    }: ErrorOptions & { refusal?: SaidRefusal | undefined; inDoubt?: bigint | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.refusal = refusal;
    this.inDoubt = inDoubt;
  }
}
