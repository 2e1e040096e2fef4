// What management says of a purse: that it belongs to an enrolled device, and its keys. Which device, it does not say: two
// wallets show each other these, and neither learns the other's device number.
//
//     u8        8        u128    32           32           u32        u64         u64        64
//     ┌─────────┬────────┬───────┬────────────┬────────────┬──────────┬───────────┬──────────┬───────────┐
//     │ version │ issuer │ purse │ signingKey │ channelKey │ currency │ notBefore │ notAfter │ signature │
//     └─────────┴────────┴───────┴────────────┴────────────┴──────────┴───────────┴──────────┴───────────┘
//     `issuer` is the id of management's signing key; `version` tells it from the certificates of devices and shops
//
// It is never renewed: a wallet opens another purse, with keys of its own. Nothing here is of Node.
import { type Infer, struct, u8, u32, u64, u128 } from '../shared/codec.ts';
import {
  type CertificateChecks,
  type CertificateVerdict,
  issueCertificate,
  openCertificate,
  verifyCertificate,
} from './certificate.ts';
import { keyId, publicKey } from './key-set.ts';
import { DomainTag, type IdentityCrypto, type Signed, type Signer, signedKind } from './signed.ts';

const VERSION = 0x41;

const Certificate = struct({
  version: u8,
  /** Of management's signing key. */
  issuer: keyId,
  purse: u128,
  /** Ed25519: of its payment orders, receipts and its closing. */
  signingKey: publicKey,
  /** X25519: of its channels to other wallets. */
  channelKey: publicKey,
  currency: u32,
  /** Nanoseconds, both ends inclusive. */
  notBefore: u64,
  notAfter: u64,
});
export type PurseCertificate = Infer<typeof Certificate>;
export type SignedPurseCertificate = Signed<PurseCertificate>;
export const PurseCertificate = signedKind(DomainTag.purseCertificate, Certificate);

const PURSE = { version: VERSION, kind: PurseCertificate };

/** @param signer management's current signing key */
export function issuePurseCertificate(
  content: Omit<PurseCertificate, 'version' | 'issuer'>,
  signer: Signer,
  crypto: Pick<IdentityCrypto, 'sha256'>,
): SignedPurseCertificate {
  return issueCertificate(PURSE, content, signer, crypto);
}

export function verifyPurseCertificate(
  signed: SignedPurseCertificate,
  checks: CertificateChecks<PurseCertificate>,
): CertificateVerdict<PurseCertificate> {
  return verifyCertificate(PURSE, signed, checks);
}

/** The same of bytes that come from anywhere. */
export function openPurseCertificate(
  bytes: Uint8Array,
  checks: CertificateChecks<PurseCertificate>,
): CertificateVerdict<PurseCertificate> {
  return openCertificate(PURSE, bytes, checks);
}
