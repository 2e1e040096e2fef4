// The seeds that the keys of wide notes are derived from (src/notes): issuer and receiver hold all of them, and no one else.
//
//     keys/notes/   1.key    2.key    3.key
//                   └──── taken in ─────┘
//                                     └ signs
//
// No directory names them, so that a new one is in use as soon as its file is there, and none is ever over: notes that were
// signed by it may come in at any time. Hence the numbers have no gap, and where a role's own keys are encrypted, a seed in the
// clear is not taken: whoever could write there may have put it there.
import { IdentityError } from './errors.ts';
import { HomePaths, keyFileNumbers, readConfiguration, readKeys, withHomeLock } from './home.ts';
import { isEncrypted, keyFileText, OWNERS, seedPairOf } from './key-file.ts';
import { type RandomBytes, systemRandomBytes } from './new-key-set.ts';
import type { PassphraseSource } from './passphrase.ts';
import { PRIVATE, PrivateFiles } from './private-files.ts';
import type { ChangeOptions } from './rotate-keys.ts';
import { systemClock } from './time.ts';

export const NOTES_OWNER = 'notes';
/** A system that makes one a year is done with them in the year 64. Each has a keyset a currency, which wallets ask for. */
export const NOTE_SEEDS_MAX = 64;
const SEED_BYTES = 32;

export interface NoteSeed {
  /** 1, 2, 3 …: the name of its file. */
  readonly number: number;
  readonly seed: Uint8Array;
}

export function generateNoteSeed(randomBytes: RandomBytes = systemRandomBytes): Uint8Array {
  return Uint8Array.from(randomBytes(SEED_BYTES));
}

/** What a key file of notes holds. */
export function noteSeedKeys(number: number, seed: Uint8Array, createdAt: bigint) {
  return { owner: NOTES_OWNER, number, createdAt, keys: { seed: seedPairOf(seed) } };
}

/** @throws IdentityError missing, damaged, in_the_way (in the clear), passphrase_needed, wrong_passphrase */
export async function readNoteSeed(
  files: PrivateFiles,
  paths: HomePaths,
  number: number,
  passphrase: PassphraseSource,
  encrypted?: boolean,
): Promise<NoteSeed> {
  const expected = { owner: NOTES_OWNER, uses: OWNERS.notes, number, encrypted };
  const { keys } = await readKeys(files, paths.noteSeed(number), expected, passphrase);
  return { number, seed: keys.seed!.secretKey };
}

/**
 * Every seed from 1 to the newest, in order.
 * @param loaded those that were read before: they are not read again, and have to be there still
 * @throws IdentityError missing: none, or one below the newest
 */
export async function loadNoteSeeds(
  files: PrivateFiles,
  paths: HomePaths,
  passphrase: PassphraseSource,
  encrypted: boolean,
  loaded: Map<number, NoteSeed>,
): Promise<NoteSeed[]> {
  const numbers = keyFileNumbers(files, paths.notes);
  const newest = Math.max(numbers.at(-1) ?? 0, ...loaded.keys());
  if (newest === 0) {
    throw new IdentityError(
      'missing',
      `${paths.notes}: expected a seed of notes, got none: run specie init --home ${paths.home}, or bring the folder here from where it was run`,
    );
  }
  if (newest > NOTE_SEEDS_MAX) {
    throw new IdentityError(
      'malformed',
      `${paths.noteSeed(newest)}: expected numbers up to ${NOTE_SEEDS_MAX}, got ${newest}`,
    );
  }
  const seeds: NoteSeed[] = [];
  for (let number = 1; number <= newest; number++) {
    if (!numbers.includes(number)) {
      throw new IdentityError(
        'missing',
        `${paths.noteSeed(number)}: expected every seed of notes from 1 to ${newest}, got none of this number: bring it back`,
      );
    }
    const seed = loaded.get(number) ?? (await readNoteSeed(files, paths, number, passphrase, encrypted));
    loaded.set(number, seed);
    seeds.push(seed);
  }
  return seeds;
}

export interface NoteSeedRotation {
  readonly number: number;
  readonly path: string;
}

export interface RotateNotesOptions extends ChangeOptions {
  readonly randomBytes?: RandomBytes | undefined;
  readonly scryptLog2N?: number | undefined;
}

/**
 * Makes the next seed, encrypted if the newest is. Needs neither root key nor directory.
 * @throws IdentityError missing: there is none yet, or none here …
 */
export async function rotateNotes(options: RotateNotesOptions): Promise<NoteSeedRotation> {
  const { home, passphrase, files = new PrivateFiles(), clock = systemClock } = options;
  const paths = new HomePaths(home);
  readConfiguration(files, paths);
  return withHomeLock(paths, async () => {
    files.removeDrafts(paths.notes);
    const newest = keyFileNumbers(files, paths.notes).at(-1);
    if (newest === undefined) {
      throw new IdentityError(
        'missing',
        `${paths.notes}: expected a seed of notes, got none: run specie init --home ${paths.home}, or rotate where the others are`,
      );
    }
    const number = newest + 1;
    if (number > NOTE_SEEDS_MAX) {
      throw new IdentityError(
        'in_the_way',
        `${paths.noteSeed(newest)}: expected seeds of notes up to ${NOTE_SEEDS_MAX}, got the last one`,
      );
    }
    const before = paths.noteSeed(newest);
    const encrypted = isEncrypted(files.readPrivate(before), before);
    // Also tells a wrong passphrase before anything is encrypted by it.
    const { seed: old } = await readNoteSeed(files, paths, newest, passphrase);
    old.fill(0);
    const secret = encrypted ? await passphrase() : undefined;
    const { randomBytes, scryptLog2N } = options;
    const encryption = secret && { passphrase: secret, randomBytes, scryptLog2N };
    const seed = generateNoteSeed(randomBytes);
    const path = paths.noteSeed(number);
    try {
      files.create(path, await keyFileText(noteSeedKeys(number, seed, clock()), encryption), PRIVATE);
    } finally {
      seed.fill(0);
    }
    return { number, path };
  });
}
