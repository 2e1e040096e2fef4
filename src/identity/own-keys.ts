// A role's own secret keys, seen through the directory: which of them is in use, and which only still opens.
import { equalBytes } from './binary-text.ts';
import type { Directory } from './directory.ts';
import type { ListedKeySet } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import { type KeySet, keyIdOf } from './key-set.ts';
import type { RoleName } from './roles.ts';
import type { IdentityCrypto } from './signed.ts';
import { isWithin } from './time.ts';

/** A directory and the secret keys that a role has of it: both change together when keys are rotated. */
export interface IdentityState {
  readonly directory: Directory;
  /** Of one role. Some may be beyond their time, or not in the directory any more: see heldSealingKey. */
  readonly keySets: readonly KeySet[];
}

export interface IdentitySource {
  current(): IdentityState;
  /** Something came that the directory does not know; perhaps a newer one does. */
  missed?(): void;
}

interface OwnKeySet {
  readonly keys: KeySet;
  readonly listed: ListedKeySet;
}

/** Those of the secret keys that the directory lists and that may still open at `now`, the newest first. */
function opening({ directory, keySets }: IdentityState, role: RoleName, now: bigint): OwnKeySet[] {
  const own: OwnKeySet[] = [];
  for (const listed of directory.role(role)?.keySets.toReversed() ?? []) {
    const keys = keySets.find(({ channel }) => equalBytes(channel.publicKey, listed.keys.channel));
    if (keys !== undefined && now <= listed.openUntil) own.push({ keys, listed });
  }
  return own;
}

/** What the role signs with and begins channels with now. @throws IdentityError not_listed, missing */
export function currentKeys(state: IdentityState, role: RoleName, now: bigint): KeySet {
  const listed = state.directory.currentKeySet(role, now);
  const own = opening(state, role, now).find((keySet) => keySet.listed.number === listed.number);
  if (own === undefined) {
    throw new IdentityError(
      'missing',
      `keys of ${role}: expected the secret keys of set ${listed.number}, which the directory says is in use, got none`,
    );
  }
  return own.keys;
}

/** The one in use first, as handshakes mostly name it; then those of the overlap. */
export function channelKeys(state: IdentityState, role: RoleName, now: bigint): KeySet['channel'][] {
  const own = opening(state, role, now);
  const current = own.find(({ listed }) => isWithin(now, listed.notBefore, listed.notAfter));
  const inOrder = current === undefined ? own : [current, ...own.filter((keySet) => keySet !== current)];
  return inOrder.map(({ keys }) => keys.channel);
}

/** The key that opens what was sealed to that key id; undefined: not one of the role's, or beyond its time. */
export function sealingKey(
  state: IdentityState,
  role: RoleName,
  keyId: Uint8Array,
  now: bigint,
): KeySet['sealing'] | undefined {
  const listed = state.directory.keyOfId(keyId);
  if (listed?.role !== role || listed.use !== 'sealing') return undefined;
  return opening(state, role, now).find(({ listed: { number } }) => number === listed.keySet.number)?.keys
    .sealing;
}

/**
 * The key that opens what was sealed to that key id, whatever the directory says of its time: for what was taken in while
 * it was good, and has to come to its end. Never for what comes from outside. undefined: the role does not have it any more.
 */
export function heldSealingKey(
  { keySets }: IdentityState,
  keyId: Uint8Array,
  sha256: IdentityCrypto['sha256'],
): KeySet['sealing'] | undefined {
  return keySets.find(({ sealing }) => equalBytes(keyIdOf(sealing.publicKey, sha256), keyId))?.sealing;
}
