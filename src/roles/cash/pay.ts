// Purchases, many at a time: everything that arrived while the last batch was being opened and verified is one batch.
//
//     check ─▶ open the seals ─▶ compare with what management says ─▶ all signatures at once ─▶ book (book-payments.ts)
//     └──────────────────── one batch at a time ──────────────────────────────────────────┘   └─ as many as there are ─┘
//   begun                                                                                verified         booked, signed
//
// What cash learns: device, shop, amount, time, and the digest of the terms. Not the articles: the digest is salted.
import { sha256 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { orderSignedBytes, PAYMENT_ORDER_SIZE } from '../documents/payment-order.ts';
import {
  answerKnown,
  bookPayments,
  bookToClosed,
  type PayResult,
  type SignedPurchase,
} from './book-payments.ts';
import { currencyNotOffered, deviceUnknown, shopUnknown, signatureInvalid } from './check.ts';
import { checkPay, checkPayment } from './check-payment.ts';
import { findDevice, findShop } from './find-holder.ts';
import type { Holder } from './holders.ts';
import type { CashParts } from './interface.ts';
import type { PayRequest } from './messages.ts';
import { MicroBatches } from './micro-batches.ts';
import { ORDER_RECORDS } from './order-records.ts';
import { openPayments } from './payment-seals.ts';

/** 50 ms of seals and signatures on one core: what comes meanwhile waits no longer than that. */
const PURCHASES_AT_A_TIME_MAX = 1_024;

type Answers = (PayResult | undefined)[];

/**
 * Pays what it is given: one answer a request, in order. A Refusal means that nothing was paid now.
 * Rejects with RequestError, CryptoError: nothing is known of any of them; the same requests may come again.
 */
export function payer(parts: CashParts): (requests: readonly PayRequest[]) => Promise<readonly PayResult[]> {
  const batches = new MicroBatches<PayRequest, PayResult>(
    (requests, release) => pay(requests, parts, release),
    PURCHASES_AT_A_TIME_MAX,
  );
  return (requests) => {
    parts.payTrace?.('taken', requests.length);
    return batches.add(requests);
  };
}

/** @param release the next batch may be opened and verified */
async function pay(
  requests: readonly PayRequest[],
  parts: CashParts,
  release: () => void,
): Promise<PayResult[]> {
  const { payTrace } = parts;
  const { length } = requests;
  payTrace?.('begun', length);
  const answers: Answers = new Array(length).fill(undefined);
  const known = checkAll(requests, parts, answers);
  const signed = await verifyAll(await openAll(known, parts, answers), parts, answers);
  payTrace?.('verified', length);
  // In the order of their batches: what is given to the ledger now comes before what is given to it later.
  const booked = bookAll(signed, parts, answers, () => payTrace?.('booked', length));
  release();
  await booked;
  payTrace?.('signed', length);
  return answers as PayResult[];
}

/** Asked now that the ledger is next: a shop may have been closed meanwhile, and a device's quota used up. */
async function bookAll(
  signed: readonly SignedPurchase[],
  parts: CashParts,
  answers: Answers,
  flushed: () => void,
): Promise<void> {
  const { shops, registry, clock } = parts;
  const now = clock();
  const usual: SignedPurchase[] = [];
  const closed: SignedPurchase[] = [];
  const over: SignedPurchase[] = [];
  for (const one of signed) {
    if (registry.rejectionQuota.isUsedUp(one.device.number, now)) over.push(one);
    else if (shops.isClosed(one.shop.number)) closed.push(one);
    else usual.push(one);
  }
  const booked = bookPayments(usual, parts, answers, { booked: flushed });
  if (closed.length === 0 && over.length === 0) return booked;
  await Promise.all([booked, bookToClosed(closed, parts, answers), answerKnown(over, parts, answers)]);
}

/** What the registry knows of a request. */
interface Known {
  readonly index: number;
  readonly request: PayRequest;
  readonly device: Holder;
  readonly shop: Holder;
}

type Sealed = Known & { readonly order: Uint8Array };

function checkAll(requests: readonly PayRequest[], parts: CashParts, answers: Answers): Known[] {
  const known: Known[] = [];
  for (let index = 0; index < requests.length; index++) {
    const request = requests[index]!;
    const { currency } = request;
    const malformed = checkPay(request);
    const device = malformed ?? findDevice(request.device, parts) ?? deviceUnknown(request.device);
    const shop = malformed ?? findShop(request.shop, parts) ?? shopUnknown(request.shop);
    if (device instanceof Refusal) answers[index] = device;
    else if (shop instanceof Refusal) answers[index] = shop;
    else {
      const without = [device, shop].find(({ accounts }) => !accounts.has(currency));
      if (without === undefined) known.push({ index, request, device, shop });
      else answers[index] = currencyNotOffered([...without.accounts.keys()], currency);
    }
  }
  return known;
}

async function openAll(known: readonly Known[], parts: CashParts, answers: Answers): Promise<Sealed[]> {
  if (known.length === 0) return [];
  const opened = await openPayments(
    known.map(({ request }) => request),
    parts,
  );
  const sealed: Sealed[] = [];
  known.forEach((one, i) => {
    const order = opened[i]!;
    const refused = order instanceof Refusal ? order : checkPayment({ ...one, order });
    if (refused === undefined) sealed.push({ ...one, order: order as Uint8Array });
    else answers[one.index] = refused;
  });
  return sealed;
}

async function verifyAll(
  sealed: readonly Sealed[],
  { verifyRecords }: CashParts,
  answers: Answers,
): Promise<SignedPurchase[]> {
  if (sealed.length === 0) return [];
  const records = new Uint8Array(sealed.length * PAYMENT_ORDER_SIZE);
  for (const [i, { order }] of sealed.entries()) records.set(order, i * PAYMENT_ORDER_SIZE);
  const keys = sealed.map(({ device }) => device.preparedKey);
  const verdicts = await verifyRecords({ ...ORDER_RECORDS, records, keys });
  const digests = sha256.batch(sealed.map((_, i) => orderSignedBytes(records, i * PAYMENT_ORDER_SIZE)));
  const signed: SignedPurchase[] = [];
  sealed.forEach((one, i) => {
    if (verdicts[i]) signed.push({ ...one, orderDigest: digests[i]! });
    else answers[one.index] = signatureInvalid();
  });
  return signed;
}
