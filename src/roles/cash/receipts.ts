// Receipts and rejections of credits.
import {
  CreditReceipt,
  CreditRejection,
  type SignedCreditReceipt,
  type SignedCreditRejection,
} from '../documents/receipts.ts';
import type { Signers } from './signers.ts';

export type Credited = Omit<CreditReceipt, 'keyId'>;
export type Rejected = Omit<CreditRejection, 'keyId'>;

export class CreditReceipts {
  readonly #signers: Signers;

  constructor(signers: Signers) {
    this.#signers = signers;
  }

  sign(credited: Credited): SignedCreditReceipt {
    return this.#signers.sign(CreditReceipt, credited, credited.timestamp);
  }

  reject(rejected: Rejected): SignedCreditRejection {
    return this.#signers.sign(CreditRejection, rejected, rejected.rejectedAt);
  }
}
