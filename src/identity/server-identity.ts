// Whom a role's server lets in. The channel has proven by then that the initiator has the secret of `staticKey`.
//
//     pattern   payload       static key is of            becomes
//     KK        none          another role, listed        role
//     IK        none          an operator, listed         operator
//     IK        none          nobody known                unenrolled, at management only
//     IK        certificate   the certificate's device    device, at management only
//     IK        certificate   the certificate's shop      shop, not at settlement
//     NK        none          nobody                      unnamed, at issuer and receiver (and at shops: shop-server-identity.ts)
//
// Every question is answered from the directory as it is at that moment, so a rotation needs no restart.
import type { Admission, Initiator, ServerIdentity } from '../wire/channel-identity.ts';
import type { ChannelRefusal } from '../wire/channel-refusal.ts';
import { equalBytes } from './binary-text.ts';
import type { CertificateChecks, CertificateRefusalReason } from './certificate.ts';
import { type DeviceCertificate, openDeviceCertificate } from './device-certificate.ts';
import type { IdentitySource } from './own-keys.ts';
import { channelKeys } from './own-keys.ts';
import { isMintRole, type RoleName } from './roles.ts';
import { isShopCertificate, openShopCertificate, type ShopCertificate } from './shop-certificate.ts';
import type { IdentityCrypto } from './signed.ts';
import { type Clock, FOREVER, isoTime } from './time.ts';

/** Says whether management has taken the certificate of a device or of a shop back. */
export type RevokedPredicate = (certificate: DeviceCertificate | ShopCertificate) => boolean;

export interface ServerIdentityOptions {
  readonly role: RoleName;
  readonly source: IdentitySource;
  readonly clock: Clock;
  readonly crypto: IdentityCrypto;
  /** Asked for every certificate that is otherwise good. */
  readonly revoked: RevokedPredicate;
}

const REFUSED: { readonly [reason in CertificateRefusalReason]: ChannelRefusal['refused'] } = {
  malformed: 'malformed_payload',
  unknown_issuer: 'untrusted_certificate',
  bad_signature: 'untrusted_certificate',
  not_yet_valid: 'not_yet_valid',
  expired: 'expired_certificate',
  revoked: 'revoked_certificate',
};

const refuse = (refused: ChannelRefusal['refused'], message: string): ChannelRefusal => ({
  refused,
  message,
});

const ANOTHERS_CERTIFICATE = refuse(
  'untrusted_certificate',
  'certificate: expected the one of the key of this channel, got one of another key',
);

function admit(peer: Admission['peer'], until: bigint): Admission {
  return until === FOREVER ? { peer } : { peer, until };
}

export function serverIdentity({
  role,
  source,
  clock,
  crypto,
  revoked,
}: ServerIdentityOptions): ServerIdentity {
  const authoriseRole = (staticKey: Uint8Array): Admission | ChannelRefusal => {
    const { directory } = source.current();
    const key = directory.roleOfChannelKey(staticKey);
    const now = clock();
    if (key === undefined) {
      source.missed?.();
      return refuse('unknown_key', 'expected the channel key of a role in the directory, got another key');
    }
    if (now < key.keySet.notBefore) {
      return refuse(
        'not_yet_valid',
        `expected a key of ${key.role} that is in use at ${isoTime(now)}, got a later one`,
      );
    }
    if (now > key.keySet.openUntil) {
      return refuse(
        'unknown_key',
        `expected a key of ${key.role} that is in use at ${isoTime(now)}, got a retired one`,
      );
    }
    const { id: keyId } = key;
    return admit({ kind: 'role', role: key.role, keyId }, key.keySet.openUntil);
  };

  const checks = (now: bigint): CertificateChecks<DeviceCertificate | ShopCertificate> => ({
    issuerKey: (keyId) => source.current().directory.verificationKey('management', keyId, now),
    now,
    revoked,
    crypto,
  });

  const refuseCertificate = ({
    reason,
    message,
  }: {
    readonly reason: CertificateRefusalReason;
    readonly message: string;
  }): ChannelRefusal => {
    if (reason === 'unknown_issuer') source.missed?.();
    return refuse(REFUSED[reason], message);
  };

  const authoriseDevice = (staticKey: Uint8Array, payload: Uint8Array): Admission | ChannelRefusal => {
    if (role !== 'management') return refuse('wrong_role', `expected no device at ${role}, got one`);
    const { certificate, refusal } = openDeviceCertificate(payload, checks(clock()));
    if (refusal !== undefined) return refuseCertificate(refusal);
    if (!equalBytes(certificate.channelKey, staticKey)) return ANOTHERS_CERTIFICATE;
    const { device, signingKey, channelKey, serial, notAfter } = certificate;
    return admit({ kind: 'device', device, signingKey, channelKey, serial, notAfter }, notAfter);
  };

  const authoriseShop = (staticKey: Uint8Array, payload: Uint8Array): Admission | ChannelRefusal => {
    if (role === 'settlement') return refuse('wrong_role', `expected no shop at ${role}, got one`);
    const { certificate, refusal } = openShopCertificate(payload, checks(clock()));
    if (refusal !== undefined) return refuseCertificate(refusal);
    if (!equalBytes(certificate.channelKey, staticKey)) return ANOTHERS_CERTIFICATE;
    const { shop, signingKey, channelKey, serial, notAfter } = certificate;
    return admit({ kind: 'shop', shop, signingKey, channelKey, serial, notAfter }, notAfter);
  };

  const authoriseUnnamed = (payload: Uint8Array): Admission | ChannelRefusal => {
    if (payload.length > 0) {
      return refuse('malformed_payload', `expected no payload in NK, got ${payload.length} bytes`);
    }
    return { peer: { kind: 'unnamed' } };
  };

  const authoriseCertificate = (staticKey: Uint8Array, payload: Uint8Array): Admission | ChannelRefusal =>
    isShopCertificate(payload) ? authoriseShop(staticKey, payload) : authoriseDevice(staticKey, payload);

  const authoriseKey = (staticKey: Uint8Array): Admission | ChannelRefusal => {
    const { directory } = source.current();
    const now = clock();
    const operator = directory.operatorOfChannelKey(staticKey);
    if (operator !== undefined) {
      const { name, notBefore, notAfter } = operator;
      if (now < notBefore) {
        return refuse('not_yet_valid', `expected operator ${name} from ${isoTime(notBefore)}, got it before`);
      }
      if (now > notAfter) {
        return refuse(
          'expired_certificate',
          `expected operator ${name} until ${isoTime(notAfter)}, got it later`,
        );
      }
      return admit({ kind: 'operator', name, channelKey: operator.channelKey }, notAfter);
    }
    // A role's key would otherwise pass for that of a new device.
    if (directory.roleOfChannelKey(staticKey) !== undefined) {
      return refuse('pattern_not_allowed', 'expected KK from a role, got IK');
    }
    if (role !== 'management') {
      source.missed?.();
      return refuse('unknown_key', `expected the key of an operator at ${role}, got another key`);
    }
    return { peer: { kind: 'unenrolled', channelKey: staticKey } };
  };

  return {
    channelKeys: () => channelKeys(source.current(), role, clock()),
    peerKey: (keyId) => {
      const key = source.current().directory.openingKey('channel', keyId, clock());
      if (key === undefined) source.missed?.();
      return key?.publicKey;
    },
    authorise: ({ pattern, staticKey, payload }: Initiator) => {
      if (pattern === 'NK' && staticKey === undefined && isMintRole(role)) return authoriseUnnamed(payload);
      if (pattern === 'NK' || staticKey === undefined) {
        return refuse('pattern_not_allowed', `expected IK or KK at ${role}, got ${pattern}`);
      }
      if (pattern === 'IK') {
        return payload.length > 0 ? authoriseCertificate(staticKey, payload) : authoriseKey(staticKey);
      }
      if (payload.length > 0) {
        return refuse('malformed_payload', `expected no payload in KK, got ${payload.length} bytes`);
      }
      return authoriseRole(staticKey);
    },
  };
}
