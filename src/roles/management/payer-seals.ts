// The payers' numbers of transfers from purse to purse.
import type { IdentitySource } from '../../identity/own-keys.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { PayerContent, payerSealInfo, type SealedPayer, TransferBinding } from '../documents/transfer.ts';
import { type OpenSeals, type SealKind, sealOpener } from './own-seals.ts';

export interface PayerSeal {
  readonly payer: SealedPayer;
  readonly binding: TransferBinding;
}

export type SealProblem = 'seal_invalid' | 'seal_key_unknown';
export type OpenPayers = OpenSeals<PayerSeal, PayerContent, SealProblem>;

export const payerOpener = (identity: IdentitySource, crypto: BatchCrypto): OpenPayers =>
  sealOpener(PAYERS, identity, crypto);

const PAYERS: SealKind<PayerSeal, PayerContent, SealProblem> = {
  sealed: ({ payer }) => payer,
  aad: ({ binding }) => TransferBinding.encode(binding),
  info: payerSealInfo,
  content: PayerContent,
  invalid: () => 'seal_invalid',
  keyUnknown: () => 'seal_key_unknown',
};
