// The certificates that management signs for devices.
import { sha256 } from '../../crypto/index.ts';
import { DeviceCertificate, issueDeviceCertificate } from '../../identity/device-certificate.ts';
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

export type IssueCertificate = (keys: CertifiedKeys, now: bigint) => IssuedCertificate;

/** @param signer gives management's current signing key, which may be rotated */
export function certificateIssuer(
  signer: () => Signer,
  { certificateValidityNs, clockSkewNs }: ManagementLimits,
): IssueCertificate {
  return (keys, now) => {
    const notBefore = now > clockSkewNs ? now - clockSkewNs : 0n;
    const notAfter = after(now, certificateValidityNs);
    const signed = issueDeviceCertificate({ ...keys, notBefore, notAfter }, signer(), { sha256 });
    return { certificate: DeviceCertificate.signed.encode(signed), notAfter };
  };
}
