// What must hold of the other side before anything is said to it. One function a rule, in this order; the first failure counts.
import { equalBytes } from '../../identity/binary-text.ts';
import type { PurseCertificate } from '../../identity/purse-certificate.ts';
import { Allowance, type SignedAllowance } from '../../roles/documents/purse.ts';
import { CodecError } from '../../shared/codec.ts';
import type { PeerRefusal } from './errors.ts';
import type { PeerParty } from './ledger.ts';
import { PeerIdentity } from './messages.ts';

/** Who is at the other end: proven by the handshake, certified by management. */
export interface Peer {
  readonly certificate: PurseCertificate;
  readonly certificateBytes: Uint8Array;
  /** Of a payer always. */
  readonly allowance: SignedAllowance | undefined;
}

/** Whom a payer wants to pay: what an address says. Left out: whoever answers. */
export interface ExpectedPayee {
  readonly purse?: bigint | undefined;
  readonly channelKey?: Uint8Array | undefined;
}

export type PeerFinding =
  | { readonly peer: Peer; readonly wrong?: undefined }
  | { readonly peer?: undefined; readonly wrong: PeerRefusal };

/** @param staticKey that the other side has proven @param identity as it came */
export function checkPeer(
  identity: Uint8Array,
  staticKey: Uint8Array | undefined,
  { purse: own, trust, isBlocked, clock }: Pick<PeerParty, 'purse' | 'trust' | 'isBlocked' | 'clock'>,
): PeerFinding {
  let decoded: PeerIdentity;
  try {
    decoded = PeerIdentity.decode(identity);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return wrong('identity_malformed', `identity: ${error.message}`);
  }
  const found = trust.purseCertificate(decoded.certificate, clock.now(), isBlocked);
  if (found.wrong !== undefined) {
    if (found.reason === 'revoked')
      return wrong('purse_blocked', 'purse: expected one not blocked, got one that is');
    return wrong(`certificate_${found.reason}`, found.wrong);
  }
  const { certificate } = found;
  if (staticKey === undefined || !equalBytes(certificate.channelKey, staticKey)) {
    return wrong(
      'channel_key_differs',
      'certificate: expected one of the key of this channel, got one of another',
    );
  }
  const { purse, currency } = own.allowance.document;
  if (certificate.currency !== currency) {
    return wrong('currency_differs', `purse: expected currency ${currency}, got ${certificate.currency}`);
  }
  if (certificate.purse === purse) return wrong('own_purse', 'purse: expected another one, got the same');
  const { certificate: certificateBytes, allowance } = decoded;
  return { peer: { certificate, certificateBytes, allowance } };
}

/** By the payer, of the payee. */
export function checkPayee(
  { certificate }: Peer,
  { purse, channelKey }: ExpectedPayee,
): PeerRefusal | undefined {
  const isPurse = purse === undefined || certificate.purse === purse;
  const isKey = channelKey === undefined || equalBytes(certificate.channelKey, channelKey);
  if (isPurse && isKey) return undefined;
  return { code: 'payee_differs', message: 'purse: expected the one of the address, got another' };
}

/** By the payee, of the payer: what it can spend, as cash has signed it. */
export function checkAllowance(
  { certificate, allowance }: Peer,
  { trust, crypto, clock }: Pick<PeerParty, 'trust' | 'crypto' | 'clock'>,
): PeerRefusal | undefined {
  if (allowance === undefined) {
    return { code: 'allowance_missing', message: 'allowance: expected one, got none' };
  }
  const now = clock.now();
  const { document, signature } = allowance;
  const key = trust.cashKey(document.keyId, now);
  if (key === undefined) {
    const message = 'allowance: expected one of a signing key of cash, got another';
    return { code: 'allowance_unknown_issuer', message };
  }
  if (!crypto.verify(key, Allowance.signedBytes(document), signature)) {
    const message = 'allowance: expected what cash has signed, got something else';
    return { code: 'allowance_bad_signature', message };
  }
  if (
    document.purse !== certificate.purse ||
    document.currency !== certificate.currency ||
    !equalBytes(document.signingKey, certificate.signingKey)
  ) {
    return { code: 'allowance_differs', message: 'allowance: expected the one of this purse, got another' };
  }
  if (now >= document.expiresAt) {
    return {
      code: 'allowance_expired',
      message: 'allowance: expected one that has not expired, got one that has',
    };
  }
  return undefined;
}

const wrong = (code: PeerRefusal['code'], message: string): PeerFinding => ({ wrong: { code, message } });
