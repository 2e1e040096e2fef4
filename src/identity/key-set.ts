// The keys of a role. Each has one use, so that none can be made to answer for another:
//
//     signing   Ed25519   certificates and receipts
//     channel   X25519    Noise: who is at the other end
//     sealing   X25519    HPKE: opens what was sealed to the role
//
// Nothing here is of Node; new-key-set.ts makes keys.
import { bytes, type Infer, struct } from '../shared/codec.ts';
import { toBase64 } from './binary-text.ts';
import type { IdentityCrypto } from './signed.ts';
import { KEY_BYTES, KEY_ID_BYTES } from './signed.ts';

export const KEY_USES = ['signing', 'channel', 'sealing'] as const;
export type KeyUse = (typeof KEY_USES)[number];

export const publicKey = bytes(KEY_BYTES);
export const keyId = bytes(KEY_ID_BYTES);

export const PublicKeySet = struct({ signing: publicKey, channel: publicKey, sealing: publicKey });
export type PublicKeySet = Infer<typeof PublicKeySet>;

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

export type KeySet = { readonly [Use in KeyUse]: KeyPair };

export function publicKeys({ signing, channel, sealing }: KeySet): PublicKeySet {
  return { signing: signing.publicKey, channel: channel.publicKey, sealing: sealing.publicKey };
}

/** The first 8 bytes of SHA-256 of a public key. */
export function keyIdOf(publicKey: Uint8Array, sha256: IdentityCrypto['sha256']): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(sha256(publicKey).subarray(0, KEY_ID_BYTES));
}

/** As people compare it: `SHA256:` and base64. */
export function fingerprint(publicKey: Uint8Array, sha256: IdentityCrypto['sha256']): string {
  return `SHA256:${toBase64(sha256(publicKey))}`;
}

export function wipeKeySet(keys: KeySet): void {
  for (const use of KEY_USES) keys[use].secretKey.fill(0);
}
