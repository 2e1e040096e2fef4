// What management says of a device: its number and its keys, and from when until when.
//
//     u8        8     u128     32           32           u64      u64         u64        64
//     ┌─────────┬────────┬────────┬────────────┬────────────┬────────┬───────────┬──────────┬───────────┐
//     │ version │ issuer │ device │ signingKey │ channelKey │ serial │ notBefore │ notAfter │ signature │
//     └─────────┴────────┴────────┴────────────┴────────────┴────────┴───────────┴──────────┴───────────┘
//     `issuer` is the id of management's signing key
//
// A wallet sends it as the payload of its channel's first message. Nothing here is of Node.
import { type Infer, struct, u8, u64, u128 } from '../shared/codec.ts';
import {
  type CertificateChecks,
  type CertificateVerdict,
  issueCertificate,
  openCertificate,
  verifyCertificate,
} from './certificate.ts';
import { keyId, publicKey } from './key-set.ts';
import { DomainTag, type IdentityCrypto, type Signed, type Signer, signedKind } from './signed.ts';

const VERSION = 1;

const Certificate = struct({
  version: u8,
  /** Of management's signing key. */
  issuer: keyId,
  device: u128,
  /** Ed25519: of its orders. */
  signingKey: publicKey,
  /** X25519: of its channels. */
  channelKey: publicKey,
  /** Of this certificate; a renewed one has a higher one. */
  serial: u64,
  /** Nanoseconds, both ends inclusive. */
  notBefore: u64,
  notAfter: u64,
});
export type DeviceCertificate = Infer<typeof Certificate>;
export type SignedDeviceCertificate = Signed<DeviceCertificate>;
export const DeviceCertificate = signedKind(DomainTag.deviceCertificate, Certificate);

const DEVICE = { version: VERSION, kind: DeviceCertificate };

/** @param signer management's current signing key */
export function issueDeviceCertificate(
  content: Omit<DeviceCertificate, 'version' | 'issuer'>,
  signer: Signer,
  crypto: Pick<IdentityCrypto, 'sha256'>,
): SignedDeviceCertificate {
  return issueCertificate(DEVICE, content, signer, crypto);
}

export function verifyDeviceCertificate(
  signed: SignedDeviceCertificate,
  checks: CertificateChecks<DeviceCertificate>,
): CertificateVerdict<DeviceCertificate> {
  return verifyCertificate(DEVICE, signed, checks);
}

/** The same of bytes that come from anywhere. */
export function openDeviceCertificate(
  bytes: Uint8Array,
  checks: CertificateChecks<DeviceCertificate>,
): CertificateVerdict<DeviceCertificate> {
  return openCertificate(DEVICE, bytes, checks);
}
