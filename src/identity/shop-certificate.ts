// What management says of a shop: its number, its name and its keys, and from when until when.
//
//     u8        8        u128   4 + 70   32           32           u64      u64         u64        64
//     ┌─────────┬────────┬──────┬──────┬────────────┬────────────┬────────┬───────────┬──────────┬───────────┐
//     │ version │ issuer │ shop │ name │ signingKey │ channelKey │ serial │ notBefore │ notAfter │ signature │
//     └─────────┴────────┴──────┴──────┴────────────┴────────────┴────────┴───────────┴──────────┴───────────┘
//     `issuer` is the id of management's signing key; `version` has its high bit set, which a device's never has
//
// A shop sends it as the payload of its channels to management and to cash, and gives it to wallets, which take the key of
// their channel to the shop out of it. Nothing here is of Node.
import { type Infer, struct, text, u8, u64, u128 } from '../shared/codec.ts';
import {
  type CertificateChecks,
  type CertificateVerdict,
  issueCertificate,
  openCertificate,
  verifyCertificate,
} from './certificate.ts';
import { keyId, publicKey } from './key-set.ts';
import { DomainTag, type IdentityCrypto, type Signed, type Signer, signedKind } from './signed.ts';

const VERSION = 0x81;
const IS_SHOP = 0x80;

/** Bytes of the name, as in the shop's enrolment: what a till prints, and a bank's statement shows. */
const NAME_BYTES_MAX = 70;

const Certificate = struct({
  version: u8,
  /** Of management's signing key. */
  issuer: keyId,
  shop: u128,
  name: text(NAME_BYTES_MAX),
  /** Ed25519: of its refunds, captures and voids. */
  signingKey: publicKey,
  /** X25519: of its channels, towards management and cash, and towards wallets. */
  channelKey: publicKey,
  /** Of this certificate; a renewed one has a higher one. */
  serial: u64,
  /** Nanoseconds, both ends inclusive. */
  notBefore: u64,
  notAfter: u64,
});
export type ShopCertificate = Infer<typeof Certificate>;
export type SignedShopCertificate = Signed<ShopCertificate>;
export const ShopCertificate = signedKind(DomainTag.shopCertificate, Certificate);

const SHOP = { version: VERSION, kind: ShopCertificate };

/** Whether the payload of a channel's first message says that it is a shop's certificate, and not a device's. */
export function isShopCertificate(payload: Uint8Array): boolean {
  return payload.length > 0 && (payload[0]! & IS_SHOP) !== 0;
}

/** @param signer management's current signing key */
export function issueShopCertificate(
  content: Omit<ShopCertificate, 'version' | 'issuer'>,
  signer: Signer,
  crypto: Pick<IdentityCrypto, 'sha256'>,
): SignedShopCertificate {
  return issueCertificate(SHOP, content, signer, crypto);
}

export function verifyShopCertificate(
  signed: SignedShopCertificate,
  checks: CertificateChecks<ShopCertificate>,
): CertificateVerdict<ShopCertificate> {
  return verifyCertificate(SHOP, signed, checks);
}

/** The same of bytes that come from anywhere. */
export function openShopCertificate(
  bytes: Uint8Array,
  checks: CertificateChecks<ShopCertificate>,
): CertificateVerdict<ShopCertificate> {
  return openCertificate(SHOP, bytes, checks);
}
