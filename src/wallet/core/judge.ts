// What an answer of management means for a request: its bytes come in, a checked verdict goes out. Whatever is not as it
// should be is `in_doubt`, and says why.

import { PurseCertificate } from '../../identity/purse-certificate.ts';
import { answerCodec } from '../../roles/common/answer.ts';
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import type { SignedAllowance } from '../../roles/documents/purse.ts';
import type { SignedCreditReceipt } from '../../roles/documents/receipts.ts';
import { MANAGEMENT_REFUSALS } from '../../roles/management/errors.ts';
import { EnrolAnswer, FileAccountAnswer, LoadAnswer } from '../../roles/management/messages.ts';
import {
  ClosePurseManagementAnswer,
  OpenPurseAnswer,
  OpenPurseRequest,
} from '../../roles/management/purse-messages.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import { checkCertificate, checkReceipt } from './check.ts';
import { checkOpening } from './check-opening.ts';
import type { WalletCrypto } from './ports.ts';
import { cut } from './readable.ts';
import type { ReceiptRecord, StoredDevice } from './records.ts';
import type { RequestRecord, Verdict } from './request.ts';
import type { Trust } from './trust.ts';

export interface JudgeOptions {
  readonly trust: Trust;
  readonly now: bigint;
  readonly crypto: WalletCrypto;
  readonly currency: number;
  /** 0n: not enrolled. */
  readonly device: bigint;
  readonly signingKey: Uint8Array;
  readonly channelKey: Uint8Array;
}

/** `later`: management cannot now; the same again after a pause. */
export type Judgement =
  | { readonly kind: 'later'; readonly reason: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'enrolled'; readonly device: StoredDevice }
  | { readonly kind: 'loaded'; readonly record: ReceiptRecord }
  | {
      readonly kind: 'opened';
      readonly certificate: Uint8Array;
      readonly allowance: SignedAllowance;
      readonly cashKey: Uint8Array;
    }
  /** Signed with a key that the directory does not list: there may be a newer one. */
  | { readonly kind: 'unknown_key'; readonly reason: string };

const verdict = (value: Verdict): Judgement => ({ kind: 'verdict', verdict: value });
const doubt = (reason: string): Judgement => verdict({ kind: 'in_doubt', reason: cut(reason) });

/** Reads one answer. @throws CodecError */
export function readAnswer<Answer>(codec: Codec<Answer>, bytes: Uint8Array): Answer | Refusal {
  return answerCodec(codec, MANAGEMENT_REFUSALS).decode(bytes);
}

export function judge(record: RequestRecord, bytes: Uint8Array, options: JudgeOptions): Judgement {
  try {
    switch (record.kind) {
      case 'enrolment':
        return judgeEnrolment(readAnswer(EnrolAnswer, bytes), options);
      case 'filing':
        return judgeFiling(readAnswer(FileAccountAnswer, bytes));
      case 'load':
        return judgeLoad(record, readAnswer(LoadAnswer, bytes), options);
      case 'reserve':
        return judgeOpening(record, readAnswer(OpenPurseAnswer, bytes), options);
      case 'release':
        return judgeClosing(readAnswer(ClosePurseManagementAnswer, bytes));
      case 'purchase':
        throw new Error('expected a request of management, got a purchase');
    }
  } catch (error) {
    if (error instanceof CodecError) return doubt(`answer: ${error.message}`);
    throw error;
  }
}

function judgeRefusal(refusal: Refusal): Judgement {
  if (mayRepeat(refusal)) return { kind: 'later', reason: refusal.code };
  if (refusal.code === 'expired') return verdict({ kind: 'expired' });
  // The wallet never sends two different messages under one id: whoever says so has another one.
  if (refusal.code === 'request_differs') return doubt(`management: ${refusal.message}`);
  return verdict({ kind: 'refused', code: refusal.code, reason: cut(refusal.message) });
}

function judgeEnrolment(answer: EnrolAnswer | Refusal, options: JudgeOptions): Judgement {
  if (answer instanceof Refusal) return judgeRefusal(answer);
  switch (answer.kind) {
    case 'pending':
      return verdict({ kind: 'pending', state: 'enrolling' });
    case 'expired':
      return verdict({ kind: 'expired' });
    case 'enrolled': {
      const { device, certificate: bytes } = answer;
      const found = options.trust.certificate(bytes, options.now);
      if (found.wrong !== undefined) return { kind: 'unknown_key', reason: cut(found.wrong) };
      const { signingKey, channelKey } = options;
      const wrong = checkCertificate(found.certificate, { device, signingKey, channelKey });
      return wrong === undefined
        ? { kind: 'enrolled', device: { device, certificate: bytes } }
        : doubt(wrong);
    }
  }
}

function judgeFiling(answer: FileAccountAnswer | Refusal): Judgement {
  if (answer instanceof Refusal) return judgeRefusal(answer);
  return verdict({ kind: 'filed', filedAt: answer.filedAt });
}

function judgeLoad(
  { request, amount }: RequestRecord,
  answer: LoadAnswer | Refusal,
  options: JudgeOptions,
): Judgement {
  if (answer instanceof Refusal) return judgeRefusal(answer);
  switch (answer.kind) {
    case 'loaded':
      return judgeReceipt(answer.receipt, request, amount, options);
    case 'pending':
      return verdict({ kind: 'pending', state: cut(answer.state) });
    case 'declined':
    case 'reversed':
      return verdict({ kind: answer.kind, reason: cut(answer.reason) });
    case 'expired':
      return verdict({ kind: 'expired' });
  }
}

function judgeOpening(
  { message }: RequestRecord,
  answer: OpenPurseAnswer | Refusal,
  { trust, now, crypto }: JudgeOptions,
): Judgement {
  if (answer instanceof Refusal) return judgeRefusal(answer);
  switch (answer.kind) {
    case 'pending':
      return verdict({ kind: 'pending', state: cut(answer.state) });
    case 'rejected':
      return verdict({ kind: 'refused', code: cut(answer.reason), reason: 'cash does not open it' });
    case 'opened': {
      const { certificate, allowance } = answer;
      const cashKey = trust.cashKey(allowance.document.keyId, now);
      if (cashKey === undefined) {
        const reason = 'allowance: expected one signed with a key of cash, got another';
        return { kind: 'unknown_key', reason };
      }
      const found = trust.purseCertificate(certificate, now, () => false);
      // One that has run out while nobody asked is as good as it ever was: its money comes back with its closing.
      const isOver = found.wrong !== undefined && found.reason === 'expired';
      if (found.wrong !== undefined && !isOver) return { kind: 'unknown_key', reason: cut(found.wrong) };
      const content = found.certificate ?? PurseCertificate.signed.decode(certificate).document;
      const { document: opening } = OpenPurseRequest.decode(message).opening;
      const wrong = checkOpening(opening, allowance, content, cashKey, crypto);
      return wrong === undefined ? { kind: 'opened', certificate, allowance, cashKey } : doubt(wrong);
    }
  }
}

function judgeClosing(answer: ClosePurseManagementAnswer | Refusal): Judgement {
  // Another closing was first, of a copy of this store: this one never comes about.
  if (answer instanceof Refusal && answer.code === 'request_differs') {
    return verdict({ kind: 'refused', code: answer.code, reason: cut(answer.message) });
  }
  if (answer instanceof Refusal) return judgeRefusal(answer);
  if (answer.kind === 'pending') return verdict({ kind: 'pending', state: 'closing' });
  const { answer: said } = answer;
  if (said.kind === 'closed') return verdict({ kind: 'closed', released: said.released });
  const numbers = said.sequences.slice(0, 8).join(', ');
  return verdict({ kind: 'pending', state: `payments not settled yet: ${numbers}` });
}

function judgeReceipt(
  receipt: SignedCreditReceipt,
  request: bigint,
  amount: bigint,
  { trust, now, crypto, currency, device }: JudgeOptions,
): Judgement {
  const cashKey = trust.cashKey(receipt.document.keyId, now);
  if (cashKey === undefined) {
    return { kind: 'unknown_key', reason: 'receipt: expected one signed with a key of cash, got another' };
  }
  const wrong = checkReceipt(receipt, { request, device, amount, currency, cashKey }, crypto);
  return wrong === undefined ? { kind: 'loaded', record: { receipt, cashKey } } : doubt(wrong);
}
