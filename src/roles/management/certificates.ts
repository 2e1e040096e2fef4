// The certificates that management signs for devices, for shops and for purses.
import { sha256 } from '../../crypto/index.ts';
import { DeviceCertificate, issueDeviceCertificate } from '../../identity/device-certificate.ts';
import { issuePurseCertificate, PurseCertificate } from '../../identity/purse-certificate.ts';
import { issueShopCertificate, ShopCertificate } from '../../identity/shop-certificate.ts';
import type { Signer } from '../../identity/signed.ts';
import { after } from '../../identity/time.ts';
import type { IssuedCertificate } from './flow.ts';
import type { ManagementLimits } from './limits.ts';

export interface CertifiedKeys {
  readonly device: bigint;
  readonly signingKey: Uint8Array;
  readonly channelKey: Uint8Array;
  readonly serial: bigint;
}

export interface CertifiedShop extends Omit<CertifiedKeys, 'device'> {
  readonly shop: bigint;
  readonly name: string;
}

export type IssueCertificate = (keys: CertifiedKeys, now: bigint) => IssuedCertificate;
export type IssueShopCertificate = (shop: CertifiedShop, now: bigint) => IssuedCertificate;

/** `notAfter`: of its allowance. */
export type CertifiedPurse = Omit<PurseCertificate, 'version' | 'issuer' | 'notBefore'>;
export type IssuePurseCertificate = (purse: CertifiedPurse, now: bigint) => Uint8Array;

type Validity = Pick<ManagementLimits, 'certificateValidityNs' | 'clockSkewNs'>;

/** @param signer gives management's current signing key, which may be rotated */
export function certificateIssuer(signer: () => Signer, limits: Validity): IssueCertificate {
  return (keys, now) => {
    const times = validity(now, limits);
    const signed = issueDeviceCertificate({ ...keys, ...times }, signer(), { sha256 });
    return { certificate: DeviceCertificate.signed.encode(signed), notAfter: times.notAfter };
  };
}

/** The same of shops. */
export function shopCertificateIssuer(signer: () => Signer, limits: Validity): IssueShopCertificate {
  return (shop, now) => {
    const times = validity(now, limits);
    const signed = issueShopCertificate({ ...shop, ...times }, signer(), { sha256 });
    return { certificate: ShopCertificate.signed.encode(signed), notAfter: times.notAfter };
  };
}

/** And of purses, which are never certified again. */
export function purseCertificateIssuer(signer: () => Signer, limits: Validity): IssuePurseCertificate {
  return (purse, now) => {
    const from = validity(now, limits).notBefore;
    // Cash's word may have come after its end: then no wallet takes the purse, but its opening is through.
    const notBefore = from < purse.notAfter ? from : purse.notAfter;
    return PurseCertificate.signed.encode(
      issuePurseCertificate({ ...purse, notBefore }, signer(), { sha256 }),
    );
  };
}

function validity(
  now: bigint,
  { certificateValidityNs, clockSkewNs }: Validity,
): { readonly notBefore: bigint; readonly notAfter: bigint } {
  return {
    notBefore: now > clockSkewNs ? now - clockSkewNs : 0n,
    notAfter: after(now, certificateValidityNs),
  };
}
