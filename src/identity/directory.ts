// The directory, verified: no other can be had. Questions that roles and wallets ask of it.
//
// Nothing here is of Node; directory-file.ts reads it from a file.
import { CodecError } from '../shared/codec.ts';
import { equalBytes, toHex } from './binary-text.ts';
import {
  checkDirectory,
  DirectoryContent,
  type ListedKeySet,
  type ListedOperator,
  type ListedRole,
} from './directory-content.ts';
import { IdentityError } from './errors.ts';
import { fingerprint, KEY_USES, type KeyUse, keyIdOf } from './key-set.ts';
import type { RoleName } from './roles.ts';
import type { IdentityCrypto, Signed, Signer } from './signed.ts';
import { isoTime, isWithin } from './time.ts';

/** A key of the directory: whose it is, and what for. */
export interface ListedKey {
  readonly role: RoleName;
  readonly use: KeyUse;
  readonly publicKey: Uint8Array;
  readonly id: Uint8Array;
  readonly keySet: ListedKeySet;
}

/** The root key that is trusted, or its fingerprint (`SHA256:…`). */
export type RootPin = Uint8Array | string;

export type SignedDirectory = Signed<DirectoryContent>;

/** @throws IdentityError malformed: what is signed is always whole */
export function signDirectory(content: Omit<DirectoryContent, 'rootKey'>, root: Signer): SignedDirectory {
  const whole = { ...content, rootKey: root.publicKey };
  checkDirectory(whole);
  return DirectoryContent.sign(whole, root);
}

export class Directory {
  readonly content: DirectoryContent;
  /** As it was sent: for others who want to verify it themselves. */
  readonly signed: SignedDirectory;
  readonly #roles = new Map<RoleName, ListedRole>();
  readonly #keys = new Map<string, ListedKey>();
  readonly #operators = new Map<string, ListedOperator>();
  readonly #sha256: IdentityCrypto['sha256'];

  private constructor(signed: SignedDirectory, sha256: IdentityCrypto['sha256']) {
    this.signed = signed;
    this.content = signed.document;
    this.#sha256 = sha256;
    for (const role of this.content.roles) {
      this.#roles.set(role.role, role);
      for (const keySet of role.keySets) {
        for (const use of KEY_USES) {
          const publicKey = keySet.keys[use];
          const id = keyIdOf(publicKey, sha256);
          const text = toHex(id);
          if (this.#keys.has(text)) {
            throw new IdentityError(
              'malformed',
              `directory: expected keys of different ids, got ${text} twice`,
            );
          }
          this.#keys.set(text, { role: role.role, use, publicKey, id, keySet });
        }
      }
    }
    for (const operator of this.content.operators) this.#operators.set(toHex(operator.channelKey), operator);
  }

  /** @throws IdentityError untrusted_root, bad_signature, malformed */
  static verify(signed: SignedDirectory, pin: RootPin, crypto: IdentityCrypto): Directory {
    const { rootKey } = signed.document;
    const trusted =
      typeof pin === 'string' ? fingerprint(rootKey, crypto.sha256) === pin : equalBytes(rootKey, pin);
    if (!trusted) {
      const wanted = typeof pin === 'string' ? pin : fingerprint(pin, crypto.sha256);
      throw new IdentityError(
        'untrusted_root',
        `directory: expected one of the root key ${wanted}, got one of ${fingerprint(rootKey, crypto.sha256)}`,
      );
    }
    if (!DirectoryContent.verify(signed, rootKey, crypto)) {
      throw new IdentityError(
        'bad_signature',
        'directory: expected what the root key has signed, got something else',
      );
    }
    checkDirectory(signed.document);
    return new Directory(signed, crypto.sha256);
  }

  /** The same from the codec's bytes, which may come from anywhere. */
  static parse(bytes: Uint8Array, pin: RootPin, crypto: IdentityCrypto): Directory {
    let signed: SignedDirectory;
    try {
      signed = DirectoryContent.signed.decode(bytes);
    } catch (error) {
      if (error instanceof CodecError)
        throw new IdentityError('malformed', `directory: ${error.message}`, { cause: error });
      throw error;
    }
    return Directory.verify(signed, pin, crypto);
  }

  /** What `parse` reads. */
  bytes(): Uint8Array<ArrayBuffer> {
    return DirectoryContent.signed.encode(this.signed);
  }

  get serial(): bigint {
    return this.content.serial;
  }

  get rootFingerprint(): string {
    return fingerprint(this.content.rootKey, this.#sha256);
  }

  role(role: RoleName): ListedRole | undefined {
    return this.#roles.get(role);
  }

  /** @throws IdentityError not_listed */
  address(role: RoleName): string {
    return this.#listed(role).address;
  }

  /** What the role signs with, begins channels with and is sealed to now. @throws IdentityError not_listed */
  currentKeySet(role: RoleName, now: bigint): ListedKeySet {
    const keySet = this.#listed(role).keySets.findLast(({ notBefore, notAfter }) =>
      isWithin(now, notBefore, notAfter),
    );
    if (keySet === undefined) {
      throw new IdentityError(
        'not_listed',
        `directory: expected a key set of ${role} in use at ${isoTime(now)}, got none`,
      );
    }
    return keySet;
  }

  /** A role's key by its id, whatever its times. */
  keyOfId(keyId: Uint8Array): ListedKey | undefined {
    return this.#keys.get(toHex(keyId));
  }

  /** A role's key of that use, when it may still answer: in use, or overlapping. */
  openingKey(use: KeyUse, keyId: Uint8Array, now: bigint): ListedKey | undefined {
    const key = this.keyOfId(keyId);
    if (key === undefined || key.use !== use) return undefined;
    return isWithin(now, key.keySet.notBefore, key.keySet.openUntil) ? key : undefined;
  }

  /** The role's signing key of that id, as long as its signatures count. */
  verificationKey(role: RoleName, keyId: Uint8Array, now: bigint): Uint8Array | undefined {
    const key = this.keyOfId(keyId);
    if (key === undefined || key.use !== 'signing' || key.role !== role) return undefined;
    return isWithin(now, key.keySet.notBefore, key.keySet.verifyUntil) ? key.publicKey : undefined;
  }

  /** The role whose channel key this is, whatever its times. */
  roleOfChannelKey(channelKey: Uint8Array): ListedKey | undefined {
    const key = this.keyOfId(keyIdOf(channelKey, this.#sha256));
    return key?.use === 'channel' && equalBytes(key.publicKey, channelKey) ? key : undefined;
  }

  /** The operator whose channel key this is, whatever its times. */
  operatorOfChannelKey(channelKey: Uint8Array): ListedOperator | undefined {
    return this.#operators.get(toHex(channelKey));
  }

  operator(name: string): ListedOperator | undefined {
    return this.content.operators.find((operator) => operator.name === name);
  }

  #listed(role: RoleName): ListedRole {
    const listed = this.#roles.get(role);
    if (listed === undefined)
      throw new IdentityError('not_listed', `directory: expected the role ${role}, got none of that name`);
    return listed;
  }
}
