// What management says of a device: its number and its keys, and from when until when.
//
//     u8        8     u128     32           32           u64      u64         u64        64
//     ┌─────────┬────────┬────────┬────────────┬────────────┬────────┬───────────┬──────────┬───────────┐
//     │ version │ issuer │ device │ signingKey │ channelKey │ serial │ notBefore │ notAfter │ signature │
//     └─────────┴────────┴────────┴────────────┴────────────┴────────┴───────────┴──────────┴───────────┘
//     `issuer` is the id of management's signing key
//
// A wallet sends it as the payload of its channel's first message. Nothing here is of Node.
import { CodecError, type Infer, struct, u8, u64, u128 } from '../shared/codec.ts';
import { IdentityError } from './errors.ts';
import { keyId, keyIdOf, publicKey } from './key-set.ts';
import { DomainTag, type IdentityCrypto, type Signed, type Signer, signedKind } from './signed.ts';
import { isoTime } from './time.ts';

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

export type CertificateRefusalReason =
  | 'malformed'
  | 'unknown_issuer'
  | 'bad_signature'
  | 'not_yet_valid'
  | 'expired'
  | 'revoked';

export interface CertificateRefusal {
  readonly reason: CertificateRefusalReason;
  readonly message: string;
}

export type CertificateVerdict =
  | { readonly certificate: DeviceCertificate; readonly refusal?: undefined }
  | { readonly certificate?: undefined; readonly refusal: CertificateRefusal };

/** Says whether management has taken a certificate back. */
export type RevokedPredicate = (certificate: DeviceCertificate) => boolean;

export interface CertificateChecks {
  /** Management's signing key of that id, as long as signatures of it count: `Directory.verificationKey`. */
  issuerKey(keyId: Uint8Array): Uint8Array | undefined;
  readonly now: bigint;
  readonly revoked: RevokedPredicate;
  readonly crypto: IdentityCrypto;
}

/** @param signer management's current signing key */
export function issueDeviceCertificate(
  content: Omit<DeviceCertificate, 'version' | 'issuer'>,
  signer: Signer,
  { sha256 }: Pick<IdentityCrypto, 'sha256'>,
): SignedDeviceCertificate {
  if (content.notBefore > content.notAfter) {
    throw new IdentityError(
      'malformed',
      'certificate: expected notAfter not before notBefore, got it before',
    );
  }
  return DeviceCertificate.sign(
    { ...content, version: VERSION, issuer: keyIdOf(signer.publicKey, sha256) },
    signer,
  );
}

/** The signature is checked before anything that the certificate says is believed. */
export function verifyDeviceCertificate(
  signed: SignedDeviceCertificate,
  { issuerKey, now, revoked, crypto }: CertificateChecks,
): CertificateVerdict {
  const { document: certificate } = signed;
  if (certificate.version !== VERSION) {
    return refuse('malformed', `certificate: expected version ${VERSION}, got ${certificate.version}`);
  }
  const issuer = issuerKey(certificate.issuer);
  if (issuer === undefined) {
    return refuse('unknown_issuer', 'certificate: expected one of a signing key of management, got another');
  }
  if (!DeviceCertificate.verify(signed, issuer, crypto)) {
    return refuse('bad_signature', 'certificate: expected what management has signed, got something else');
  }
  if (now < certificate.notBefore) {
    return refuse(
      'not_yet_valid',
      `certificate: expected one valid at ${isoTime(now)}, got one from ${isoTime(certificate.notBefore)}`,
    );
  }
  if (now > certificate.notAfter) {
    return refuse(
      'expired',
      `certificate: expected one valid at ${isoTime(now)}, got one until ${isoTime(certificate.notAfter)}`,
    );
  }
  if (revoked(certificate)) {
    return refuse('revoked', 'certificate: expected one that stands, got one that was revoked');
  }
  return { certificate };
}

/** The same of bytes that come from anywhere. */
export function openDeviceCertificate(bytes: Uint8Array, checks: CertificateChecks): CertificateVerdict {
  let signed: SignedDeviceCertificate;
  try {
    signed = DeviceCertificate.signed.decode(bytes);
  } catch (error) {
    if (error instanceof CodecError) return refuse('malformed', `certificate: ${error.message}`);
    throw error;
  }
  return verifyDeviceCertificate(signed, checks);
}

function refuse(reason: CertificateRefusalReason, message: string): CertificateVerdict {
  return { refusal: { reason, message } };
}
