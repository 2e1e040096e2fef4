// What must hold of a purse before a wallet uses it: that cash has reserved what was asked for, for these keys, and that management
// has certified just that purse. One function a rule, in this order; each returns what is wrong, or undefined.
import { equalBytes } from '../../identity/binary-text.ts';
import type { PurseCertificate } from '../../identity/purse-certificate.ts';
import { Allowance, type PurseOpening, type SignedAllowance } from '../../roles/documents/purse.ts';
import type { WalletCrypto } from './ports.ts';
import { idText } from './records.ts';

type Rule = (
  opening: PurseOpening,
  allowance: Allowance,
  certificate: PurseCertificate,
) => string | undefined;

const RULES: readonly Rule[] = [
  ({ amount }, allowance) =>
    allowance.amount === amount
      ? undefined
      : `allowance: expected ${amount} minor units, got ${allowance.amount}`,
  ({ currency }, allowance, certificate) =>
    allowance.currency === currency && certificate.currency === currency
      ? undefined
      : `purse: expected currency ${currency}, got ${allowance.currency} and ${certificate.currency}`,
  ({ signingKey }, allowance, certificate) =>
    equalBytes(allowance.signingKey, signingKey) && equalBytes(certificate.signingKey, signingKey)
      ? undefined
      : "purse: expected this wallet's signing key for it, got another",
  ({ channelKey }, _, certificate) =>
    equalBytes(certificate.channelKey, channelKey)
      ? undefined
      : "certificate: expected this wallet's channel key for it, got another",
  ({ device }, { purse }, certificate) =>
    purse !== 0n && purse !== device && certificate.purse === purse
      ? undefined
      : `purse: expected one, got ${idText(purse)} of the allowance and ${idText(certificate.purse)} of the certificate`,
  (_, { expiresAt, reportBy }) =>
    reportBy > expiresAt ? undefined : 'allowance: expected time to report after its end, got none',
];

/** @param cashKey cash's signing key with the id that the allowance names @param certificate whose signature was verified */
export function checkOpening(
  opening: PurseOpening,
  { document, signature }: SignedAllowance,
  certificate: PurseCertificate,
  cashKey: Uint8Array,
  { verify }: Pick<WalletCrypto, 'verify'>,
): string | undefined {
  if (!verify(cashKey, Allowance.signedBytes(document), signature))
    return 'allowance: expected what cash has signed, got something else';
  for (const rule of RULES) {
    const wrong = rule(opening, document, certificate);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
