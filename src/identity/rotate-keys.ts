// Gives a role new keys. The old ones stay in the directory, for what was begun with them:
//
//     before   │ number n: in use, without end
//     after    │ number n: in use until now, opens for the overlap, its signatures count for a certificate's life
//              │ number n + 1: in use from now on
//
// The new key set is on disk before the directory names it. A run that died in between has left a key set that nobody knows:
// the next run takes that one.
import type { Configuration } from './configuration.ts';
import { KEY_SETS_MAX, type ListedKeySet, type ListedRole } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import {
  HomePaths,
  keySetNumbers,
  readConfiguration,
  readDirectory,
  readKeySet,
  withHomeLock,
} from './home.ts';
import { isEncrypted, keyFileText } from './key-file.ts';
import { publicKeys, wipeKeySet } from './key-set.ts';
import { generateKeySet, type RandomBytes } from './new-key-set.ts';
import type { PassphraseSource } from './passphrase.ts';
import { PRIVATE, PrivateFiles } from './private-files.ts';
import type { RoleName } from './roles.ts';
import { readRootKey, writeDirectory } from './root-key.ts';
import { after, type Clock, FOREVER, isoTime, NANOSECONDS_PER_DAY, systemClock } from './time.ts';

export const OVERLAP_DAYS_DEFAULT = 30;

export interface ChangeOptions {
  readonly home: string;
  readonly passphrase: PassphraseSource;
  readonly clock?: Clock | undefined;
  readonly files?: PrivateFiles | undefined;
}

export interface RotateOptions extends ChangeOptions {
  readonly role: RoleName;
  /** How long the old key set still opens. Default: 30. */
  readonly overlapDays?: number | undefined;
  /** The old key set is in wrong hands: it neither opens nor counts from now on, nor does what it has signed. */
  readonly compromised?: boolean | undefined;
  readonly randomBytes?: RandomBytes | undefined;
  readonly scryptLog2N?: number | undefined;
}

export interface Rotation {
  readonly role: RoleName;
  readonly number: number;
  readonly path: string;
  /** The key set that was in use. */
  readonly before: ListedKeySet;
  readonly serial: bigint;
}

/** @throws IdentityError missing (root key), busy, malformed … */
export async function rotateKeys(options: RotateOptions): Promise<Rotation> {
  const files = options.files ?? new PrivateFiles();
  const paths = new HomePaths(options.home);
  const configuration = readConfiguration(files, paths);
  return withHomeLock(paths, async () => {
    const { role } = options;
    files.removeDrafts(paths.role(role));
    files.removeDrafts(paths.home);
    const now = (options.clock ?? systemClock)();
    const directory = readDirectory(files, paths, configuration.root);
    const listed = directory.role(role);
    const inUse = listed?.keySets.at(-1);
    if (listed === undefined || inUse === undefined) {
      throw new IdentityError(
        'not_listed',
        `directory: expected keys of ${role}, got none: run specie init --home ${paths.home}`,
      );
    }
    if (now <= inUse.notBefore) {
      throw new IdentityError(
        'malformed',
        `clock: expected a time after ${isoTime(inUse.notBefore)}, from when on the keys of ${role} are in use, got ${isoTime(now)}`,
      );
    }
    const kept = listed.keySets.filter((keySet) => !isBeyondUse(keySet, now));
    if (kept.length >= KEY_SETS_MAX) {
      throw new IdentityError(
        'malformed',
        `keys of ${role}: expected fewer than ${KEY_SETS_MAX} key sets whose signatures count, got ${kept.length}`,
      );
    }
    const root = await readRootKey(files, paths, options.passphrase);
    const begun = keySetNumbers(files, paths, role).find((number) => number > inUse.number);
    const number = begun ?? inUse.number + 1;
    const path = paths.keySet(role, number);
    const keys =
      begun === undefined
        ? generateKeySet(options.randomBytes)
        : await readKeySet(files, paths, role, number, options.passphrase);
    try {
      if (begun === undefined) {
        const passphrase = await encryptionOf(options.passphrase, files, paths);
        const { randomBytes, scryptLog2N } = options;
        const encryption = passphrase && { passphrase, randomBytes, scryptLog2N };
        files.create(
          path,
          await keyFileText({ owner: role, number, createdAt: now, keys }, encryption),
          PRIVATE,
        );
      }
      const next: ListedKeySet = {
        number,
        keys: publicKeys(keys),
        notBefore: now,
        notAfter: FOREVER,
        openUntil: FOREVER,
        verifyUntil: FOREVER,
      };
      const rotated: ListedRole = {
        ...listed,
        keySets: [
          ...kept.map((keySet) => ended(keySet, keySet === inUse, now, options, configuration)),
          next,
        ],
      };
      const roles = directory.content.roles.map((other) => (other.role === role ? rotated : other));
      const { operators } = directory.content;
      const written = writeDirectory(files, paths, configuration, root, { roles, operators }, now, directory);
      return { role, number, path, before: inUse, serial: written.serial };
    } finally {
      wipeKeySet(keys);
      root.secretKey.fill(0);
    }
  });
}

/** Nothing of it counts any more. */
export function isBeyondUse({ openUntil, verifyUntil }: ListedKeySet, now: bigint): boolean {
  return openUntil < now && verifyUntil < now;
}

function ended(
  keySet: ListedKeySet,
  wasInUse: boolean,
  now: bigint,
  { overlapDays = OVERLAP_DAYS_DEFAULT, compromised = false }: RotateOptions,
  { limits }: Configuration,
): ListedKeySet {
  // Whoever has the role's newest keys has those of its overlaps too.
  if (!wasInUse && !compromised) return keySet;
  const days = (count: number): bigint => after(now, compromised ? 0n : BigInt(count) * NANOSECONDS_PER_DAY);
  const earlier = (left: bigint, right: bigint): bigint => (left < right ? left : right);
  return {
    ...keySet,
    notAfter: earlier(keySet.notAfter, now),
    openUntil: earlier(keySet.openUntil, days(overlapDays)),
    // A certificate that was signed a moment ago is good for so long.
    verifyUntil: earlier(keySet.verifyUntil, days(Math.max(overlapDays, limits.certificateDays))),
  };
}

/** New keys are encrypted where the root key is. */
async function encryptionOf(
  source: PassphraseSource,
  files: PrivateFiles,
  paths: HomePaths,
): Promise<Awaited<ReturnType<PassphraseSource>>> {
  return isEncrypted(files.readPrivate(paths.root), paths.root) ? source() : undefined;
}
