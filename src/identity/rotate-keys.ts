// Gives a role new keys. The old ones stay in the directory, for what was begun with them:
//
//     before   │ number n: in use, without end
//     after    │ number n: in use until now, opens for the overlap, its signatures count for a certificate's life
//              │ number n + 1: in use from now on
//
// The new key set is on disk before the directory names it. A run that died in between has left a key set that nobody knows:
// the next run takes that one, if it is encrypted where the root key is, and says so. Such a file may as well be an
// intruder's, and the old keys are taken to be in his hands when they are compromised: then no file that is there is taken,
// and the new one gets a number above all.
import type { Configuration } from './configuration.ts';
import { KEY_SETS_MAX, type ListedKeySet, type ListedRole } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import {
  HomePaths,
  isRootEncrypted,
  KEY_SET_NUMBER_MAX,
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
  /** A run that died has made it. */
  readonly found: boolean;
  /** Key files that the directory does not name, which were not taken. */
  readonly leftAlone: readonly string[];
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
    const encrypted = isRootEncrypted(files, paths);
    const unknown = keySetNumbers(files, paths, role).filter((number) => number > inUse.number);
    const begun = options.compromised
      ? undefined
      : unknown.find((number) => !encrypted || isFileEncrypted(files, paths.keySet(role, number)));
    const number = begun ?? (unknown.at(-1) ?? inUse.number) + 1;
    const path = paths.keySet(role, number);
    if (number > KEY_SET_NUMBER_MAX) {
      root.secretKey.fill(0);
      throw new IdentityError(
        'in_the_way',
        `${paths.keySet(role, number - 1)}: expected key sets up to ${KEY_SET_NUMBER_MAX}, got the last one: remove the file`,
      );
    }
    const keys =
      begun === undefined
        ? generateKeySet(options.randomBytes)
        : await readKeySet(files, paths, role, number, options.passphrase, encrypted);
    try {
      if (begun === undefined) {
        const passphrase = encrypted ? await options.passphrase() : undefined;
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
      return {
        role,
        number,
        path,
        found: begun !== undefined,
        leftAlone: unknown.filter((other) => other !== number).map((other) => paths.keySet(role, other)),
        before: inUse,
        serial: written.serial,
      };
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
  { limits, offline }: Configuration,
): ListedKeySet {
  // Whoever has the role's newest keys has those of its overlaps too.
  if (!wasInUse && !compromised) return keySet;
  const days = (count: number): bigint => after(now, compromised ? 0n : BigInt(count) * NANOSECONDS_PER_DAY);
  const earlier = (left: bigint, right: bigint): bigint => (left < right ? left : right);
  return {
    ...keySet,
    notAfter: earlier(keySet.notAfter, now),
    openUntil: earlier(keySet.openUntil, days(overlapDays)),
    // A certificate that was signed a moment ago is good for so long; and a purse's allowance is shown until it is settled.
    verifyUntil: earlier(
      keySet.verifyUntil,
      days(Math.max(overlapDays, limits.certificateDays, offline.reportDays)),
    ),
  };
}

/** One that cannot be read is none that was begun here. */
function isFileEncrypted(files: PrivateFiles, path: string): boolean {
  try {
    return isEncrypted(files.readPrivate(path), path);
  } catch (error) {
    if (error instanceof IdentityError) return false;
    throw error;
  }
}
