// A small system in memory: a root, two key sets of each role, an operator, all from seeds.
import { ed25519 } from '../../src/crypto/index.ts';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import type { DirectoryContent, ListedKeySet } from '../../src/identity/directory-content.ts';
import { type KeySet, publicKeys } from '../../src/identity/key-set.ts';
import { generateKeyPair, generateKeySet } from '../../src/identity/new-key-set.ts';
import type { IdentitySource } from '../../src/identity/own-keys.ts';
import { ROLES, type RoleName } from '../../src/identity/roles.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { FOREVER, NANOSECONDS_PER_DAY } from '../../src/identity/time.ts';
import { Random } from '../../src/shared/random.ts';

export const DAY = NANOSECONDS_PER_DAY;
/** 2026-03-01T00:00:00Z */
export const START = 1_772_323_200_000_000_000n;

export function seededBytes(seed: number): (size: number) => Uint8Array {
  const random = new Random(BigInt(seed));
  return (size) => Uint8Array.from({ length: size }, () => random.below(256));
}

export const rootKeys = generateKeyPair('signing', seededBytes(1));
export const root = ed25519.signingKey(rootKeys.secretKey);

export const operatorKeys = {
  channel: generateKeyPair('channel', seededBytes(2)),
  signing: generateKeyPair('signing', seededBytes(3)),
};

/** Number 1 is in use for 100 days, then number 2; number 1 overlaps for 30. */
export const keySets: { readonly [Role in RoleName]: readonly [KeySet, KeySet] } = {
  management: [generateKeySet(seededBytes(10)), generateKeySet(seededBytes(11))],
  cash: [generateKeySet(seededBytes(20)), generateKeySet(seededBytes(21))],
  settlement: [generateKeySet(seededBytes(30)), generateKeySet(seededBytes(31))],
  issuer: [generateKeySet(seededBytes(60)), generateKeySet(seededBytes(61))],
  receiver: [generateKeySet(seededBytes(62)), generateKeySet(seededBytes(63))],
};
export const ROTATION = START + 100n * DAY;
export const OVERLAP_END = ROTATION + 30n * DAY;
export const VERIFY_END = ROTATION + 365n * DAY;

function listed([first, second]: readonly [KeySet, KeySet]): ListedKeySet[] {
  return [
    {
      number: 1,
      keys: publicKeys(first),
      notBefore: START,
      notAfter: ROTATION,
      openUntil: OVERLAP_END,
      verifyUntil: VERIFY_END,
    },
    {
      number: 2,
      keys: publicKeys(second),
      notBefore: ROTATION,
      notAfter: FOREVER,
      openUntil: FOREVER,
      verifyUntil: FOREVER,
    },
  ];
}

export const OPERATOR_END = START + 500n * DAY;

export function content(): Omit<DirectoryContent, 'rootKey'> {
  return {
    version: 1,
    serial: 5n,
    createdAt: START,
    roles: ROLES.map((role, i) => ({
      role,
      address: `ws://127.0.0.1:${7878 + i}/v1`,
      keySets: listed(keySets[role]),
    })),
    operators: [
      {
        name: 'operator',
        channelKey: operatorKeys.channel.publicKey,
        signingKey: operatorKeys.signing.publicKey,
        notBefore: START,
        notAfter: OPERATOR_END,
      },
    ],
  };
}

export function directory(): Directory {
  return Directory.verify(signDirectory(content(), root), rootKeys.publicKey, systemCrypto);
}

/** Both key sets of a role, and how often something was missed. */
export function sourceOf(role: RoleName): IdentitySource & { readonly misses: number } {
  const state = { directory: directory(), keySets: keySets[role] };
  let misses = 0;
  return {
    current: () => state,
    missed: () => {
      misses += 1;
    },
    get misses() {
      return misses;
    },
  };
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}
