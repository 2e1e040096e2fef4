// What a shop's answer means for a purchase. Only what cash has signed ends it; everything else leaves it open.
import { answerCodec } from '../../roles/common/answer.ts';
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import { SHOP_REFUSALS } from '../../roles/shop/errors.ts';
import { BuyAnswer } from '../../roles/shop/messages.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import type { Proof } from './book.ts';
import { checkPaymentReceipt, checkPaymentRejection, type PaymentExpectation } from './check-payment.ts';
import type { WalletCrypto } from './ports.ts';
import { cut } from './readable.ts';
import type { Verdict } from './request.ts';
import type { Trust } from './trust.ts';

export interface PurchaseJudgeOptions {
  readonly trust: Trust;
  readonly now: bigint;
  readonly crypto: WalletCrypto;
  readonly expected: PaymentExpectation;
}

/** `later`: the shop cannot now. `unknown_key`: signed with a key that the directory does not list. */
export type PurchaseJudgement =
  | { readonly kind: 'later'; readonly reason: string }
  | { readonly kind: 'unknown_key'; readonly reason: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly proof?: Proof };

/** Reads one answer of a shop. @throws CodecError */
export function readShopAnswer<Answer>(codec: Codec<Answer>, bytes: Uint8Array): Answer | Refusal {
  return answerCodec(codec, SHOP_REFUSALS).decode(bytes);
}

const doubt = (reason: string): PurchaseJudgement => ({
  kind: 'verdict',
  verdict: { kind: 'in_doubt', reason: cut(reason) },
});

export function judgePurchase(bytes: Uint8Array, options: PurchaseJudgeOptions): PurchaseJudgement {
  let answer: BuyAnswer | Refusal;
  try {
    answer = readShopAnswer(BuyAnswer, bytes);
  } catch (error) {
    if (error instanceof CodecError) return doubt(`answer: ${error.message}`);
    throw error;
  }
  if (answer instanceof Refusal) return judgeRefusal(answer);
  switch (answer.kind) {
    case 'pending':
      return { kind: 'verdict', verdict: { kind: 'pending', state: cut(answer.state) } };
    case 'refused':
      return refused(answer.code, 'management has refused it, as the shop says');
    case 'paid': {
      const { receipt } = answer;
      const { keyId, kind } = receipt.document;
      return signedByCash(keyId, 'receipt', options, (cashKey) => {
        const wrong = checkPaymentReceipt(receipt, options.expected, cashKey, options.crypto);
        if (wrong !== undefined) return doubt(wrong);
        return { kind: 'verdict', verdict: { kind }, proof: { payment: { receipt, cashKey } } };
      });
    }
    case 'rejected': {
      const { rejection } = answer;
      const { keyId, reason } = rejection.document;
      return signedByCash(keyId, 'rejection', options, (cashKey) => {
        const wrong = checkPaymentRejection(rejection, options.expected, cashKey, options.crypto);
        if (wrong !== undefined) return doubt(wrong);
        const verdict = { kind: 'rejected', reason: cut(reason) } as const;
        return { kind: 'verdict', verdict, proof: { rejection: { rejection, cashKey } } };
      });
    }
  }
}

function signedByCash(
  keyId: Uint8Array,
  what: string,
  { trust, now }: PurchaseJudgeOptions,
  checked: (cashKey: Uint8Array) => PurchaseJudgement,
): PurchaseJudgement {
  const cashKey = trust.cashKey(keyId, now);
  if (cashKey !== undefined) return checked(cashKey);
  return { kind: 'unknown_key', reason: `${what}: expected one signed with a key of cash, got another` };
}

function judgeRefusal(refusal: Refusal): PurchaseJudgement {
  if (mayRepeat(refusal)) return { kind: 'later', reason: `shop: ${refusal.code}` };
  // The wallet never sends two different messages under one id: whoever says so has another one.
  if (refusal.code === 'request_differs') return doubt(`shop: ${refusal.message}`);
  return refused(refusal.code, refusal.message);
}

function refused(code: string, reason: string): PurchaseJudgement {
  // A code is for programs; this one comes from anywhere.
  const name = /^[a-z_]{1,64}$/.test(code) ? code : 'unnamed';
  return { kind: 'verdict', verdict: { kind: 'shop_refused', code: name, reason: cut(reason) } };
}
