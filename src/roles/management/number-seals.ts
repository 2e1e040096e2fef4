// The device numbers of purchases.
import type { IdentitySource } from '../../identity/own-keys.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { NumberContent, numberSealInfo, PurchaseBinding, type SealedNumber } from '../documents/purchase.ts';
import { type Refused, refuse } from './check.ts';
import { type OpenSeals, type SealKind, sealOpener } from './own-seals.ts';

export interface NumberSeal {
  readonly number: SealedNumber;
  readonly binding: PurchaseBinding;
}

export type OpenNumbers = OpenSeals<NumberSeal, NumberContent, Refused>;

export const numberOpener = (identity: IdentitySource, crypto: BatchCrypto): OpenNumbers =>
  sealOpener(NUMBERS, identity, crypto);

const NUMBERS: SealKind<NumberSeal, NumberContent, Refused> = {
  sealed: ({ number }) => number,
  aad: ({ binding }) => PurchaseBinding.encode(binding),
  info: numberSealInfo,
  content: NumberContent,
  invalid: () =>
    refuse(
      'number_seal_invalid',
      'number: expected a seal that was made for this purchase at this shop, got another or a changed one',
    ),
  keyUnknown: () =>
    refuse(
      'seal_key_unknown',
      'number: expected one sealed to a key of management that opens now, got another: fetch the directory, seal anew',
    ),
};
