// What the certificates of devices and of shops have in common: who has signed one, for how long it counts, and in which
// order that is checked. Nothing here is of Node.
import { CodecError } from '../shared/codec.ts';
import { IdentityError } from './errors.ts';
import { keyIdOf } from './key-set.ts';
import type { IdentityCrypto, Signed, SignedKind, Signer } from './signed.ts';
import { isoTime } from './time.ts';

/** The fields that every certificate has. */
export interface CertificateFields {
  /** Tells the kinds apart, too: it is the first byte. */
  readonly version: number;
  /** Id of management's signing key. */
  readonly issuer: Uint8Array;
  /** Nanoseconds, both ends inclusive. */
  readonly notBefore: bigint;
  readonly notAfter: bigint;
}

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

export type CertificateVerdict<Certificate> =
  | { readonly certificate: Certificate; readonly refusal?: undefined }
  | { readonly certificate?: undefined; readonly refusal: CertificateRefusal };

export interface CertificateChecks<Certificate> {
  /** Management's signing key of that id, as long as signatures of it count: `Directory.verificationKey`. */
  issuerKey(keyId: Uint8Array): Uint8Array | undefined;
  readonly now: bigint;
  /** Says whether management has taken a certificate back. */
  readonly revoked: (certificate: Certificate) => boolean;
  readonly crypto: IdentityCrypto;
}

export interface CertificateKind<Certificate extends CertificateFields> {
  readonly version: number;
  readonly kind: SignedKind<Certificate>;
}

/** @param signer management's current signing key */
export function issueCertificate<Certificate extends CertificateFields>(
  { version, kind }: CertificateKind<Certificate>,
  content: Omit<Certificate, 'version' | 'issuer'>,
  signer: Signer,
  { sha256 }: Pick<IdentityCrypto, 'sha256'>,
): Signed<Certificate> {
  const issuer = keyIdOf(signer.publicKey, sha256);
  const certificate = { ...content, version, issuer } as unknown as Certificate;
  if (certificate.notBefore > certificate.notAfter) {
    throw new IdentityError(
      'malformed',
      'certificate: expected notAfter not before notBefore, got it before',
    );
  }
  return kind.sign(certificate, signer);
}

/** The signature is checked before anything that the certificate says is believed. */
export function verifyCertificate<Certificate extends CertificateFields>(
  { version, kind }: CertificateKind<Certificate>,
  signed: Signed<Certificate>,
  { issuerKey, now, revoked, crypto }: CertificateChecks<Certificate>,
): CertificateVerdict<Certificate> {
  const { document: certificate } = signed;
  if (certificate.version !== version) {
    return refuse('malformed', `certificate: expected version ${version}, got ${certificate.version}`);
  }
  const issuer = issuerKey(certificate.issuer);
  if (issuer === undefined) {
    return refuse('unknown_issuer', 'certificate: expected one of a signing key of management, got another');
  }
  if (!kind.verify(signed, issuer, crypto)) {
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
export function openCertificate<Certificate extends CertificateFields>(
  of: CertificateKind<Certificate>,
  bytes: Uint8Array,
  checks: CertificateChecks<Certificate>,
): CertificateVerdict<Certificate> {
  let signed: Signed<Certificate>;
  try {
    signed = of.kind.signed.decode(bytes);
  } catch (error) {
    if (error instanceof CodecError) return refuse('malformed', `certificate: ${error.message}`);
    throw error;
  }
  return verifyCertificate(of, signed, checks);
}

function refuse(reason: CertificateRefusalReason, message: string): { readonly refusal: CertificateRefusal } {
  return { refusal: { reason, message } };
}
