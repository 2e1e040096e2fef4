// One rule a function; undefined: it holds. Rules that need nothing but the message come first.
import { U64_MAX } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import type { DeviceOrder } from '../documents/device-order.ts';
import type { ShopOrder } from '../documents/payment-receipts.ts';
import type { ChargeReceipt } from '../documents/receipts.ts';
import { DEVICE_NUMBER_MAX, DEVICE_NUMBER_MIN } from './accounts.ts';
import { isDerived } from './derived-ids.ts';
import type { CashRefusal } from './errors.ts';
import type { CreditRequest } from './messages.ts';
import type { Device } from './registry.ts';

export type CashRefused = Refusal<CashRefusal>;
type Verdict = CashRefused | undefined;

const refuse = (code: CashRefused['code'], message: string): CashRefused => new Refusal(code, message);

/**
 * Most that one order may add, minor units: 2^64 orders of it still fit the ledger's 128 bits, so no sum of it ever
 * overflows. What a device may hold is bounded by its account.
 */
export const CREDIT_AMOUNT_MAX = U64_MAX;

/** Of a request: those that cash makes itself are nobody's to choose. */
export function checkIdOf(field: string, id: bigint): Verdict {
  if (id !== 0n && !isDerived(id)) return undefined;
  return refuse('malformed', `${field}: expected an id from 1 to 2^128 - 2^120 - 1, got ${id}`);
}

export function checkNumber(kind: 'device' | 'shop' | 'purse', number: bigint): Verdict {
  if (number >= DEVICE_NUMBER_MIN && number <= DEVICE_NUMBER_MAX) return undefined;
  return refuse('malformed', `${kind}: expected a number from 2^64 to 2^127-1, got ${number}`);
}

export function deviceDiffers(device: bigint): CashRefused {
  return refuse(
    'device_differs',
    `device ${device}: expected the signing key it was opened with, got another`,
  );
}

export function shopDiffers(shop: bigint): CashRefused {
  return refuse('shop_differs', `shop ${shop}: expected the signing key it was opened with, got another`);
}

/** First failure of the rules that need nothing but the message. */
export function checkCredit(request: CreditRequest): Verdict {
  return (
    checkRequestId(request) ?? checkCurrency(request) ?? checkAmount(request) ?? checkReceiptNames(request)
  );
}

function checkRequestId({ order }: CreditRequest): Verdict {
  const { request } = order.document;
  return checkIdOf('order.request', request);
}

function checkCurrency({ order }: CreditRequest): Verdict {
  if (order.document.currency !== 0) return undefined;
  return refuse('malformed', 'order.currency: expected at least 1, got 0');
}

function checkAmount({ order }: CreditRequest): Verdict {
  const { amount } = order.document;
  if (amount === 0n) return refuse('malformed', 'order.amount: expected at least 1, got 0');
  if (amount <= CREDIT_AMOUNT_MAX) return undefined;
  return refuse('amount_too_large', `order.amount: expected at most ${CREDIT_AMOUNT_MAX}, got ${amount}`);
}

/** The receipt is of the charge that the order asks for. Its digest of the order is compared by checkDigest. */
function checkReceiptNames({ order, receipt }: CreditRequest): Verdict {
  for (const field of ['request', 'amount', 'currency'] as const) {
    const [expected, got] = [order.document[field], receipt.document[field]];
    if (got !== expected)
      return refuse('receipt_mismatch', `receipt.${field}: expected the order's ${expected}, got ${got}`);
  }
  return undefined;
}

/** @param digest of the order */
export function checkDigest(digest: Uint8Array, { orderDigest }: ChargeReceipt): Verdict {
  if (Buffer.compare(digest, orderDigest) === 0) return undefined;
  return refuse('receipt_mismatch', 'receipt.orderDigest: expected the SHA-256 of this order, got another');
}

/** The order is of the device that is to be credited. */
export function checkDevice(device: Device, { order }: CreditRequest): Verdict {
  if (Buffer.compare(device.signingKey, order.document.signingKey) === 0) return undefined;
  return refuse('key_mismatch', `order.signingKey: expected the one of device ${device.device}, got another`);
}

/** A transfer of the request's id credits this order, but not as it is asked for. */
export function creditedOtherwise(status: string): CashRefused {
  return refuse(
    'credited_otherwise',
    `order: expected one that is not credited, or credited in this way, got ${status}`,
  );
}

export function currencyNotOffered(offered: readonly number[], currency: number): CashRefused {
  return refuse('currency_not_offered', `currency: expected one of ${offered.join(', ')}, got ${currency}`);
}

export function devicesExhausted(devicesMax: number): CashRefused {
  return refuse('devices_exhausted', `devices: expected room for one more than ${devicesMax}, got none`);
}

export function shopsExhausted(shopsMax: number): CashRefused {
  return refuse('shops_exhausted', `shops: expected room for one more than ${shopsMax}, got none`);
}

export function deviceUnknown(device: bigint): CashRefused {
  return refuse('device_unknown', `device: expected one with an account, got ${device}`);
}

export function tooManyRejected(perDayMax: number): CashRefused {
  return refuse(
    'too_many_rejected',
    `payment: expected a device with fewer than ${perDayMax} rejected today, got one with more: tomorrow`,
  );
}

export function shopUnknown(shop: bigint): CashRefused {
  return refuse('shop_unknown', `shop: expected one with an account, got ${shop}`);
}

export function signatureInvalid(): CashRefused {
  return refuse('signature_invalid', "order.signature: expected the device's over this order, got another");
}

export function receiptInvalid(keyIsListed: boolean): CashRefused {
  return refuse(
    'receipt_invalid',
    keyIsListed
      ? "receipt.signature: expected settlement's over this receipt, got another"
      : 'receipt.keyId: expected that of a signing key of settlement whose signatures count, got another',
  );
}

/** First failure of the rules that need nothing but the order. */
export function checkShopOrder(order: ShopOrder): Verdict {
  return checkIds(order) ?? checkShopOrderAmount(order);
}

function checkIds({ request, purchase }: ShopOrder): Verdict {
  for (const [field, id] of Object.entries({ request, purchase })) {
    const refused = checkIdOf(`order.${field}`, id);
    if (refused !== undefined) return refused;
  }
  if (request !== purchase) return undefined;
  return refuse('malformed', 'order.request: expected an id of its own, got that of the purchase');
}

function checkShopOrderAmount({ action, amount, currency }: ShopOrder): Verdict {
  if (currency === 0) return refuse('malformed', 'order.currency: expected at least 1, got 0');
  if (action === 'void') {
    return amount === 0n
      ? undefined
      : refuse('malformed', `order.amount: expected 0 in a void, got ${amount}`);
  }
  if (amount === 0n) return refuse('malformed', 'order.amount: expected at least 1, got 0');
  if (amount <= CREDIT_AMOUNT_MAX) return undefined;
  return refuse('amount_too_large', `order.amount: expected at most ${CREDIT_AMOUNT_MAX}, got ${amount}`);
}

export function orderSignatureInvalid(): CashRefused {
  return refuse(
    'signature_invalid',
    'order.signature: expected one over this order by who orders, got another',
  );
}

export function timeOutOfRange(after: bigint): CashRefused {
  return refuse('malformed', `query.after: expected a time of the ledger, got ${after}`);
}

/** First failure of the rules that need nothing but the order. */
export function checkDeviceOrder({ request, device, action }: DeviceOrder): Verdict {
  const refused = checkIdOf('order.request', request);
  if (refused !== undefined) return refused;
  if (action.kind !== 'replace' || action.by !== device) return undefined;
  return refuse('malformed', `order.by: expected another device than ${device}, got the same`);
}

export function operatorUnknown(name: string): CashRefused {
  return refuse('operator_unknown', `order.operator: expected one that the directory lists, got ${name}`);
}

export function expired(applyBy: bigint, now: bigint): CashRefused {
  return refuse('expired', `order.applyBy: expected later than ${now}, got ${applyBy}`);
}

export function deviceReplaced(device: bigint, by: bigint): CashRefused {
  return refuse('device_replaced', `device ${device}: expected one that is not replaced, it is by ${by}`);
}

export function deviceBlocked(device: bigint): CashRefused {
  return refuse('device_blocked', `device ${device}: expected one that is neither blocked nor revoked`);
}
