// What management says of a purchase, compared with what the device has signed. One rule a function; undefined: it holds.
// Refusals do not say what the order holds: management passes them on, and never reads a payment.
import { PaymentOrderLayout, TransferFlags } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import { AUTHORISATION_SECONDS_MAX, type PurchaseKind } from '../documents/purchase.ts';
import { DIGEST_BYTES } from '../documents/signed.ts';
import { TransferCode } from './accounts.ts';
import { type CashRefused, checkIdOf } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { Holder } from './holders.ts';
import type { PayRequest } from './messages.ts';

type Verdict = CashRefused | undefined;

const refuse = (code: CashRefused['code'], message: string): CashRefused =>
  new Refusal<CashRefusal>(code, message);

/** First failure of the rules that need nothing but the message. */
export function checkPay({ request, amount, currency }: PayRequest): Verdict {
  const refused = checkIdOf('request', request);
  if (refused !== undefined) return refused;
  if (amount === 0n) return refuse('malformed', 'amount: expected at least 1, got 0');
  if (currency === 0) return refuse('malformed', 'currency: expected at least 1, got 0');
  return undefined;
}

export interface Purchase {
  readonly request: PayRequest;
  readonly device: Holder;
  readonly shop: Holder;
  /** 256 bytes. */
  readonly order: Uint8Array;
}

/** First failure of the rules that compare the order with what management says. */
export function checkPayment({ request, device, shop, order }: Purchase): Verdict {
  const view = new DataView(order.buffer, order.byteOffset, order.byteLength);
  return (
    checkId(view, request) ??
    checkCurrency(view, request) ??
    checkPayer(view, device, request.currency) ??
    checkKey(view, device) ??
    checkPayee(view, shop, request.currency) ??
    checkAmount(view, request) ??
    checkExpiry(view, request) ??
    checkReference(order, request) ??
    checkKind(view, request) ??
    checkTimeout(view, request) ??
    checkRest(view)
  );
}

const at = PaymentOrderLayout;

function checkId(order: DataView, { request }: PayRequest): Verdict {
  if (readU128(order, at.id) === request) return undefined;
  return refuse('request_mismatch', `payment.id: expected the purchase's ${request}, got another`);
}

function checkCurrency(order: DataView, { currency }: PayRequest): Verdict {
  if (order.getUint32(at.ledger, true) === currency) return undefined;
  return refuse('currency_mismatch', `payment.currency: expected the purchase's ${currency}, got another`);
}

/** The number itself is not for the shop, which gets to see refusals. */
function checkPayer(order: DataView, { accounts }: Holder, currency: number): Verdict {
  if (readU128(order, at.debitAccountId) === accounts.get(currency)?.account) return undefined;
  return refuse(
    'payer_mismatch',
    "payment.payer: expected the account of the purchase's device, got another",
  );
}

function checkKey(order: DataView, { signingKeyId }: Holder): Verdict {
  if (order.getBigUint64(at.keyId, true) === signingKeyId) return undefined;
  return refuse('key_mismatch', "payment.keyId: expected that of the device's signing key, got another");
}

function checkPayee(order: DataView, { number, accounts }: Holder, currency: number): Verdict {
  if (readU128(order, at.creditAccountId) === accounts.get(currency)?.account) return undefined;
  return refuse('payee_mismatch', `payment.payee: expected the account of shop ${number}, got another`);
}

function checkAmount(order: DataView, { amount }: PayRequest): Verdict {
  if (readU128(order, at.amount) === amount) return undefined;
  return refuse('amount_mismatch', `payment.amount: expected the proceeds of ${amount}, got another`);
}

function checkExpiry(order: DataView, { expiresAt }: PayRequest): Verdict {
  if (order.getBigUint64(at.expiresAt, true) === expiresAt) return undefined;
  return refuse('expiry_mismatch', `payment.expiresAt: expected the purchase's ${expiresAt}, got another`);
}

function checkReference(order: Uint8Array, { reference }: PayRequest): Verdict {
  const inside = order.subarray(at.reference, at.reference + DIGEST_BYTES);
  if (Buffer.compare(inside, reference) === 0) return undefined;
  return refuse(
    'reference_mismatch',
    "payment.reference: expected that of the purchase's terms, got another",
  );
}

const KINDS: {
  readonly [kind in PurchaseKind]: { readonly code: number; readonly flags: number };
} = {
  sale: { code: TransferCode.payment, flags: 0 },
  authorisation: { code: TransferCode.authorisation, flags: TransferFlags.pending },
};

/** What an order asks for; undefined: neither a sale nor an authorisation. */
export function purchaseKind(code: number, flags: number): PurchaseKind | undefined {
  if (code === KINDS.sale.code && flags === KINDS.sale.flags) return 'sale';
  if (code === KINDS.authorisation.code && flags === KINDS.authorisation.flags) return 'authorisation';
  return undefined;
}

function checkKind(order: DataView, { kind }: PayRequest): Verdict {
  if (purchaseKind(order.getUint16(at.code, true), order.getUint16(at.flags, true)) === kind) {
    return undefined;
  }
  return refuse('kind_mismatch', `payment: expected the code and flags of ${kind}, got others`);
}

/** What is reserved runs out some time; what is paid does not. */
function checkTimeout(order: DataView, { kind }: PayRequest): Verdict {
  const timeout = order.getUint32(at.timeout, true);
  const isRight =
    kind === 'authorisation' ? timeout > 0 && timeout <= AUTHORISATION_SECONDS_MAX : timeout === 0;
  if (isRight) return undefined;
  return refuse('order_invalid', `payment.timeout: expected that of ${kind}, got another`);
}

/** What the ledger fills in, and what purchases do not use. */
function checkRest(order: DataView): Verdict {
  const isZero =
    readU128(order, at.pendingId) === 0n &&
    readU128(order, at.userData128) === 0n &&
    order.getBigUint64(at.userData64, true) === 0n &&
    order.getUint32(at.userData32, true) === 0 &&
    order.getBigUint64(at.timestamp, true) === 0n &&
    order.getUint32(at.verdict, true) === 0 &&
    order.getUint32(at.reserved0, true) === 0;
  if (!isZero)
    return refuse('order_invalid', 'payment: expected zero in what purchases do not use, got more');
  if (order.getBigUint64(at.sequence, true) > 0n) return undefined;
  return refuse('order_invalid', 'payment.sequence: expected at least 1, got 0');
}
