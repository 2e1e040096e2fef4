// How roles, operators, devices and shops present themselves to a server. Each field is looked up when it is read, at every
// connection, so that the next one is made with rotated keys. Nothing here is of Node.
import type { ClientIdentity } from '../wire/channel-identity.ts';
import type { SignedDeviceCertificate } from './device-certificate.ts';
import { DeviceCertificate } from './device-certificate.ts';
import type { Directory } from './directory.ts';
import { currentKeys, type IdentitySource } from './own-keys.ts';
import type { MintRole, RoleName } from './roles.ts';
import { ShopCertificate, type SignedShopCertificate } from './shop-certificate.ts';
import type { Clock } from './time.ts';

/** From one role to another: both are in the directory. The getters throw IdentityError not_listed, missing. */
export function roleClientIdentity(options: {
  readonly role: RoleName;
  readonly to: RoleName;
  readonly source: IdentitySource;
  readonly clock: Clock;
}): ClientIdentity {
  const { role, to, source, clock } = options;
  return {
    pattern: 'KK',
    get staticKey() {
      return currentKeys(source.current(), role, clock()).channel.secretKey;
    },
    get remoteStaticKey() {
      return source.current().directory.currentKeySet(to, clock()).keys.channel;
    },
  };
}

interface KnownServer {
  readonly to: RoleName;
  readonly directory: () => Directory;
  readonly clock: Clock;
}

/** An operator to any role, or a device that has no certificate yet to management. */
export function keyClientIdentity(
  options: KnownServer & { readonly channelKey: { readonly secretKey: Uint8Array } },
): ClientIdentity {
  const { to, directory, clock, channelKey } = options;
  return {
    pattern: 'IK',
    staticKey: channelKey.secretKey,
    get remoteStaticKey() {
      return directory().currentKeySet(to, clock()).keys.channel;
    },
  };
}

/** A device to management. */
export function deviceClientIdentity(
  options: Omit<KnownServer, 'to'> & {
    readonly channelKey: { readonly secretKey: Uint8Array };
    readonly certificate: () => SignedDeviceCertificate;
  },
): ClientIdentity {
  const { directory, clock, channelKey, certificate } = options;
  return {
    pattern: 'IK',
    staticKey: channelKey.secretKey,
    get remoteStaticKey() {
      return directory().currentKeySet('management', clock()).keys.channel;
    },
    get payload() {
      return DeviceCertificate.signed.encode(certificate());
    },
  };
}

/** A shop to the roles that let shops in. */
export function shopClientIdentity(
  options: KnownServer & {
    readonly to: Exclude<RoleName, 'settlement'>;
    readonly channelKey: { readonly secretKey: Uint8Array };
    readonly certificate: () => SignedShopCertificate;
  },
): ClientIdentity {
  const { to, directory, clock, channelKey, certificate } = options;
  return {
    pattern: 'IK',
    staticKey: channelKey.secretKey,
    get remoteStaticKey() {
      return directory().currentKeySet(to, clock()).keys.channel;
    },
    get payload() {
      return ShopCertificate.signed.encode(certificate());
    },
  };
}

/** A terminal to a role of the mint: it knows the role by the directory, and does not say who it is. */
export function unnamedClientIdentity({
  to,
  directory,
  clock,
}: KnownServer & { readonly to: MintRole }): ClientIdentity {
  return {
    pattern: 'NK',
    get remoteStaticKey() {
      return directory().currentKeySet(to, clock()).keys.channel;
    },
  };
}

/** A wallet to a shop: it knows the shop by its certificate, and does not say who it is. */
export function customerClientIdentity({ channelKey }: Pick<ShopCertificate, 'channelKey'>): ClientIdentity {
  return { pattern: 'NK', remoteStaticKey: channelKey };
}
