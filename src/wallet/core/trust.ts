// Whom the wallet trusts: the directory, by the pinned root key, and what follows from it.
import type { CertificateRefusalReason } from '../../identity/certificate.ts';
import { type DeviceCertificate, openDeviceCertificate } from '../../identity/device-certificate.ts';
import { Directory } from '../../identity/directory.ts';
import { IdentityError } from '../../identity/errors.ts';
import { openPurseCertificate, type PurseCertificate } from '../../identity/purse-certificate.ts';
import type { RoleName } from '../../identity/roles.ts';
import {
  type ShopCertificate,
  type SignedShopCertificate,
  verifyShopCertificate,
} from '../../identity/shop-certificate.ts';
import { WalletError } from './errors.ts';
import type { WalletCrypto } from './ports.ts';

const NANOSECONDS_A_DAY = 86_400_000_000_000n;
/** A directory is fetched anew when a key set that the wallet needs has so much time left, or less. */
const DIRECTORY_AHEAD = 7n * NANOSECONDS_A_DAY;
/** Anew at the latest so long after it was looked for: a rotation's overlap is far longer. */
const DIRECTORY_AGE_MAX = NANOSECONDS_A_DAY;
/** A certificate is renewed when this part of its time is left, or less: 1/8. */
const CERTIFICATE_AHEAD = 8n;

/** The roles whose keys a wallet needs: it talks to one, and seals to all. */
const NEEDED: readonly RoleName[] = ['management', 'cash', 'settlement'];

export interface ServerKey {
  readonly address: string;
  readonly channelKey: Uint8Array;
}

export type CertificateFinding =
  | { readonly certificate: DeviceCertificate; readonly wrong?: undefined }
  | { readonly certificate?: undefined; readonly wrong: string };

export type ShopFinding =
  | { readonly certificate: ShopCertificate; readonly wrong?: undefined }
  | { readonly certificate?: undefined; readonly wrong: string; readonly reason: CertificateRefusalReason };

export type PurseFinding =
  | { readonly certificate: PurseCertificate; readonly wrong?: undefined }
  | { readonly certificate?: undefined; readonly wrong: string; readonly reason: CertificateRefusalReason };

export class Trust {
  readonly #directory: Directory;
  readonly #crypto: WalletCrypto;

  private constructor(directory: Directory, crypto: WalletCrypto) {
    this.#directory = directory;
    this.#crypto = crypto;
  }

  /** @throws WalletError directory_invalid */
  static of(bytes: Uint8Array, rootFingerprint: string, crypto: WalletCrypto): Trust {
    try {
      return new Trust(Directory.parse(bytes, rootFingerprint, crypto), crypto);
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      throw new WalletError('directory_invalid', error.message, { cause: error });
    }
  }

  get serial(): bigint {
    return this.#directory.serial;
  }

  get rootFingerprint(): string {
    return this.#directory.rootFingerprint;
  }

  bytes(): Uint8Array {
    return this.#directory.bytes();
  }

  /** No newer directory is needed for now. */
  isFresh(now: bigint, checkedAt: bigint): boolean {
    // A clock that was set back must not keep an old one for ever.
    if (now < checkedAt || now > checkedAt + DIRECTORY_AGE_MAX) return false;
    try {
      return NEEDED.every(
        (role) => now + DIRECTORY_AHEAD <= this.#directory.currentKeySet(role, now).notAfter,
      );
    } catch (error) {
      if (error instanceof IdentityError) return false;
      throw error;
    }
  }

  /**
   * Where management is, and which key it proves. A wallet whose directory has run out tries the last key set that is
   * listed: it is the only way to a newer directory.
   * @throws WalletError directory_invalid
   */
  management(now: bigint): ServerKey {
    const listed = this.#directory.role('management');
    const keySet =
      listed?.keySets.findLast(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter) ??
      listed?.keySets.at(-1);
    if (listed === undefined || keySet === undefined) {
      throw new WalletError('directory_invalid', 'directory: expected a key set of management, got none');
    }
    return { address: listed.address, channelKey: keySet.keys.channel };
  }

  /**
   * What is sealed to the role now: account numbers to settlement, device numbers to management, payment orders to cash.
   * @throws WalletError directory_invalid
   */
  sealingKey(role: RoleName, now: bigint): Uint8Array {
    try {
      return this.#directory.currentKeySet(role, now).keys.sealing;
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      throw new WalletError('directory_invalid', error.message, { cause: error });
    }
  }

  /** Cash's signing key of that id. undefined: none that is listed, or not any more. */
  cashKey(keyId: Uint8Array, now: bigint): Uint8Array | undefined {
    return this.#directory.verificationKey('cash', keyId, now);
  }

  /** Management's signing key of that id. undefined: none that is listed, or not any more. */
  managementKey(keyId: Uint8Array, now: bigint): Uint8Array | undefined {
    return this.#directory.verificationKey('management', keyId, now);
  }

  /** A certificate that management has signed, and that is valid now. */
  certificate(bytes: Uint8Array, now: bigint): CertificateFinding {
    const { certificate, refusal } = openDeviceCertificate(bytes, {
      issuerKey: (keyId) => this.#directory.verificationKey('management', keyId, now),
      now,
      revoked: () => false,
      crypto: this.#crypto,
    });
    return certificate === undefined ? { wrong: refusal.message } : { certificate };
  }

  /** A shop's certificate that management has signed, and that is valid now. */
  shopCertificate(signed: SignedShopCertificate, now: bigint): ShopFinding {
    const { certificate, refusal } = verifyShopCertificate(signed, {
      issuerKey: (keyId) => this.#directory.verificationKey('management', keyId, now),
      now,
      revoked: () => false,
      crypto: this.#crypto,
    });
    if (certificate !== undefined) return { certificate };
    return { wrong: refusal.message, reason: refusal.reason };
  }

  /** Another wallet's purse that management has certified, and that may pay and be paid now. @param isBlocked by the block list */
  purseCertificate(bytes: Uint8Array, now: bigint, isBlocked: (purse: bigint) => boolean): PurseFinding {
    const { certificate, refusal } = openPurseCertificate(bytes, {
      issuerKey: (keyId) => this.#directory.verificationKey('management', keyId, now),
      now,
      revoked: ({ purse }) => isBlocked(purse),
      crypto: this.#crypto,
    });
    if (certificate !== undefined) return { certificate };
    return { wrong: refusal.message, reason: refusal.reason };
  }
}

export function isRenewalDue({ notBefore, notAfter }: DeviceCertificate, now: bigint): boolean {
  return now >= notAfter - (notAfter - notBefore) / CERTIFICATE_AHEAD;
}
