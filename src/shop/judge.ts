// What management answers to purchases, judged as a batch: an answer is worth what cash has signed of it. What is not
// right is `unknown`, however it looks, and is asked again.

import type { PreparedKey } from '../crypto/ed25519/index.ts';
import { ed25519, type SignedMessage, sha256 } from '../crypto/index.ts';
import { equalBytes, toHex } from '../identity/binary-text.ts';
import type { Directory } from '../identity/directory.ts';
import { answerCodec } from '../roles/common/answer.ts';
import { mayRepeat, Refusal } from '../roles/common/refusal.ts';
import {
  NoteOrder,
  NoteReceipt,
  NoteRejection,
  type SignedNoteOrder,
  type SignedNoteReceipt,
  type SignedNoteRejection,
} from '../roles/documents/note-order.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  ShopOrderReceipt,
  ShopOrderRejection,
  type SignedPaymentReceipt,
  type SignedPaymentRejection,
  type SignedShopOrder,
  type SignedShopOrderReceipt,
  type SignedShopOrderRejection,
} from '../roles/documents/payment-receipts.ts';
import type { PurchaseTerms } from '../roles/documents/purchase.ts';
import { MANAGEMENT_REFUSALS } from '../roles/management/errors.ts';
import { PayAnswer, ShopOrderAnswer } from '../roles/management/messages.ts';
import { CodecError } from '../shared/codec.ts';

/** What is wrong with what cash is said to have signed, as it stands in the log. */
export type ReceiptProblem =
  | 'receipt_of_other_request'
  | 'receipt_of_other_shop'
  | 'receipt_of_other_amount'
  | 'receipt_of_other_currency'
  | 'receipt_of_other_reference'
  | 'receipt_of_other_kind'
  | 'receipt_of_other_order'
  | 'receipt_of_unknown_key'
  | 'receipt_signature_invalid';

export type Unknown = {
  readonly kind: 'unknown';
  readonly reason: string;
  /** Something came that is not what it should be. */
  readonly distrusted?: ReceiptProblem | 'answer_malformed';
};
export type RefusedVerdict = { readonly kind: 'refused'; readonly code: string };
export type PaymentVerdict =
  | { readonly kind: 'paid'; readonly receipt: SignedPaymentReceipt }
  | { readonly kind: 'rejected'; readonly rejection: SignedPaymentRejection }
  | RefusedVerdict
  | Unknown;
export type OrderVerdict =
  | { readonly kind: 'done'; readonly receipt: SignedShopOrderReceipt }
  | { readonly kind: 'rejected'; readonly rejection: SignedShopOrderRejection }
  | RefusedVerdict
  | Unknown;

const payAnswers = answerCodec(PayAnswer, MANAGEMENT_REFUSALS);
const orderAnswers = answerCodec(ShopOrderAnswer, MANAGEMENT_REFUSALS);

/** A verdict that holds if the signature does. */
interface Claim<Verdict> {
  readonly verdict: Verdict | Unknown;
  readonly signed?: {
    readonly keyId: Uint8Array;
    readonly message: Uint8Array;
    readonly signature: Uint8Array;
  };
}

const distrust = (problem: ReceiptProblem | 'answer_malformed', more = ''): Unknown => ({
  kind: 'unknown',
  reason: `${problem}${more}`,
  distrusted: problem,
});

/** Keys of cash, made ready for verification once each. */
export class CashKeys {
  readonly #directory: () => Directory;
  readonly #clock: () => bigint;
  readonly #prepared = new Map<string, PreparedKey>();

  constructor(directory: () => Directory, clock: () => bigint) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** undefined: no signing key of cash has that id, or its signatures do not count any more. */
  find(keyId: Uint8Array): PreparedKey | undefined {
    const key = this.#directory().verificationKey('cash', keyId, this.#clock());
    if (key === undefined) return undefined;
    const name = toHex(key);
    let prepared = this.#prepared.get(name);
    if (prepared === undefined) {
      // As many as a directory has of cash, over a process's life.
      if (this.#prepared.size >= 64) this.#prepared.clear();
      prepared = ed25519.prepare(key);
      this.#prepared.set(name, prepared);
    }
    return prepared;
  }
}

/** Answers to purchases, in their order. */
export function judgePayments(
  purchases: readonly { readonly terms: PurchaseTerms; readonly reference: Uint8Array }[],
  answers: readonly Uint8Array[],
  keys: CashKeys,
): PaymentVerdict[] {
  return verified<PaymentVerdict>(
    purchases.map((purchase, i) => claimedPayment(purchase, answers[i]!)),
    keys,
  );
}

export function judgeOrder(
  order: SignedShopOrder,
  orderDigest: Uint8Array,
  answer: Uint8Array,
  keys: CashKeys,
): OrderVerdict {
  return verified<OrderVerdict>([claimedOrder(order, orderDigest, answer)], keys)[0]!;
}

/** Whether cash has signed that this order moved its money; otherwise what is wrong. */
export function judgeNoteReceipt(
  { document: order }: SignedNoteOrder,
  { document: said, signature }: SignedNoteReceipt,
  keys: CashKeys,
): ReceiptProblem | undefined {
  if (said.request !== order.request) return 'receipt_of_other_request';
  if (said.action !== order.action) return 'receipt_of_other_kind';
  if (said.amount !== order.amount) return 'receipt_of_other_amount';
  if (said.currency !== order.currency) return 'receipt_of_other_currency';
  if (!equalBytes(said.reference, order.reference)) return 'receipt_of_other_reference';
  return signatureProblem(said.keyId, NoteReceipt.signedBytes(said), signature, keys);
}

/** Whether cash has signed that this order never moves anything; otherwise what is wrong. */
export function judgeNoteRejection(
  { document: order }: SignedNoteOrder,
  { document: said, signature }: SignedNoteRejection,
  keys: CashKeys,
): ReceiptProblem | undefined {
  if (said.request !== order.request) return 'receipt_of_other_request';
  if (!equalBytes(said.orderDigest, sha256(NoteOrder.codec.encode(order)))) return 'receipt_of_other_order';
  return signatureProblem(said.keyId, NoteRejection.signedBytes(said), signature, keys);
}

function signatureProblem(
  keyId: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  keys: CashKeys,
): ReceiptProblem | undefined {
  const publicKey = keys.find(keyId);
  if (publicKey === undefined) return 'receipt_of_unknown_key';
  return ed25519.verifyBatch([{ publicKey, message, signature }])[0]
    ? undefined
    : 'receipt_signature_invalid';
}

function claimedPayment(
  { terms, reference }: { readonly terms: PurchaseTerms; readonly reference: Uint8Array },
  bytes: Uint8Array,
): Claim<PaymentVerdict> {
  const answer = decoded(payAnswers, bytes);
  if (answer instanceof Refusal) return refusedOrUnknown(answer);
  if ('reason' in answer) return { verdict: answer };
  switch (answer.kind) {
    case 'pending':
      return { verdict: { kind: 'unknown', reason: answer.state } };
    case 'paid': {
      const { receipt } = answer;
      const problem = receiptProblem(receipt.document, terms, reference);
      if (problem !== undefined) return { verdict: distrust(problem) };
      return {
        verdict: { kind: 'paid', receipt },
        signed: {
          keyId: receipt.document.keyId,
          message: PaymentReceipt.signedBytes(receipt.document),
          signature: receipt.signature,
        },
      };
    }
    case 'rejected': {
      const { rejection } = answer;
      const problem = purchaseProblem(rejection.document, terms, reference);
      if (problem !== undefined) return { verdict: distrust(problem) };
      return {
        verdict: { kind: 'rejected', rejection },
        signed: {
          keyId: rejection.document.keyId,
          message: PaymentRejection.signedBytes(rejection.document),
          signature: rejection.signature,
        },
      };
    }
  }
}

function claimedOrder(
  { document: order }: SignedShopOrder,
  orderDigest: Uint8Array,
  bytes: Uint8Array,
): Claim<OrderVerdict> {
  const answer = decoded(orderAnswers, bytes);
  if (answer instanceof Refusal) return refusedOrUnknown(answer);
  if ('reason' in answer) return { verdict: answer };
  switch (answer.kind) {
    case 'pending':
      return { verdict: { kind: 'unknown', reason: answer.state } };
    case 'done': {
      const { receipt } = answer;
      const { document } = receipt;
      let problem: ReceiptProblem | undefined;
      if (document.request !== order.request) problem = 'receipt_of_other_request';
      else if (document.action !== order.action) problem = 'receipt_of_other_kind';
      else if (document.purchase !== order.purchase) problem = 'receipt_of_other_order';
      // A void says what it has released.
      else if (order.action !== 'void' && document.amount !== order.amount)
        problem = 'receipt_of_other_amount';
      else if (document.currency !== order.currency) problem = 'receipt_of_other_currency';
      if (problem !== undefined) return { verdict: distrust(problem) };
      return {
        verdict: { kind: 'done', receipt },
        signed: {
          keyId: document.keyId,
          message: ShopOrderReceipt.signedBytes(document),
          signature: receipt.signature,
        },
      };
    }
    case 'rejected': {
      const { rejection } = answer;
      const { document } = rejection;
      if (document.request !== order.request) return { verdict: distrust('receipt_of_other_request') };
      if (!equalBytes(document.orderDigest, orderDigest))
        return { verdict: distrust('receipt_of_other_order') };
      return {
        verdict: { kind: 'rejected', rejection },
        signed: {
          keyId: document.keyId,
          message: ShopOrderRejection.signedBytes(document),
          signature: rejection.signature,
        },
      };
    }
  }
}

function decoded<Answer>(
  codec: { decode(bytes: Uint8Array): Answer | Refusal<string> },
  bytes: Uint8Array,
): Answer | Refusal<string> | Unknown {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (error instanceof CodecError) return distrust('answer_malformed', `: ${error.message}`);
    throw error;
  }
}

/** The refusal's text is not kept: management wrote it, and the shop need not know more than the code. */
function refusedOrUnknown(refusal: Refusal<string>): { readonly verdict: RefusedVerdict | Unknown } {
  if (mayRepeat(refusal)) return { verdict: { kind: 'unknown', reason: refusal.code } };
  return { verdict: { kind: 'refused', code: refusal.code } };
}

function receiptProblem(
  receipt: PaymentReceipt,
  terms: PurchaseTerms,
  reference: Uint8Array,
): ReceiptProblem | undefined {
  const problem = purchaseProblem(receipt, terms, reference);
  if (problem !== undefined) return problem;
  return receipt.kind === (terms.kind === 'sale' ? 'paid' : 'reserved') ? undefined : 'receipt_of_other_kind';
}

/** Of a rejection too: one of another purchase that had this request's id says nothing of this one. */
function purchaseProblem(
  said: PaymentReceipt | PaymentRejection,
  { request, shop, amount, currency }: PurchaseTerms,
  reference: Uint8Array,
): ReceiptProblem | undefined {
  if (said.request !== request) return 'receipt_of_other_request';
  if (said.shop !== shop) return 'receipt_of_other_shop';
  if (said.amount !== amount) return 'receipt_of_other_amount';
  if (said.currency !== currency) return 'receipt_of_other_currency';
  return equalBytes(said.reference, reference) ? undefined : 'receipt_of_other_reference';
}

/** All signatures of the batch together: of many, each costs less than half. */
function verified<Verdict>(claims: readonly Claim<Verdict>[], keys: CashKeys): (Verdict | Unknown)[] {
  const items: SignedMessage[] = [];
  const places: number[] = [];
  // A batch is mostly signed by one key, which is looked up once.
  let last: { readonly keyId: Uint8Array; readonly publicKey: PreparedKey | undefined } | undefined;
  const verdicts = claims.map(({ verdict, signed }, i) => {
    if (signed === undefined) return verdict;
    if (last === undefined || !equalBytes(last.keyId, signed.keyId)) {
      last = { keyId: signed.keyId, publicKey: keys.find(signed.keyId) };
    }
    const { publicKey } = last;
    if (publicKey === undefined) return distrust('receipt_of_unknown_key');
    items.push({ publicKey, message: signed.message, signature: signed.signature });
    places.push(i);
    return verdict;
  });
  if (items.length > 0) {
    ed25519.verifyBatch(items).forEach((good, i) => {
      if (!good) verdicts[places[i]!] = distrust('receipt_signature_invalid');
    });
  }
  return verdicts;
}
