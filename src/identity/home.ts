// Where everything of a system lies.
//
//     specie-home/
//     ├── specie.json            what it is set to
//     ├── directory.json         who is who, signed by the root key
//     ├── keys/                  secret
//     │   ├── root.key           signs the directory; put away offline
//     │   ├── management/1.key   a role's key sets, by number
//     │   ├── cash/1.key
//     │   ├── settlement/1.key
//     │   ├── issuer/1.key
//     │   ├── receiver/1.key
//     │   ├── notes/1.key        seeds of the notes' keys, by number: of issuer and receiver
//     │   └── operators/operator.key
//     ├── stores/                the roles' own; made by them
//     └── lock/                  held by what changes keys or directory
import { join } from 'node:path';
import { lockStore, StoreLockedError } from '../shared/store-lock.ts';
import { type Configuration, parseConfiguration } from './configuration.ts';
import type { Directory } from './directory.ts';
import { parseDirectoryFile } from './directory-file.ts';
import { IdentityError } from './errors.ts';
import { type ExpectedKeys, isEncrypted, OWNERS, parseKeyFile, type SecretKeys } from './key-file.ts';
import type { KeySet } from './key-set.ts';
import type { PassphraseSource } from './passphrase.ts';
import type { PrivateFiles } from './private-files.ts';
import { ROLES, type RoleName } from './roles.ts';
import { systemCrypto } from './system-crypto.ts';

/** As the directory has them: u32. */
export const KEY_SET_NUMBER_MAX = 0xffff_ffff;

export const FIRST_OPERATOR = 'operator';

export class HomePaths {
  readonly home: string;
  readonly configuration: string;
  readonly directory: string;
  readonly keys: string;
  readonly root: string;
  readonly operators: string;
  readonly notes: string;
  readonly lock: string;

  constructor(home: string) {
    this.home = home;
    this.configuration = join(home, 'specie.json');
    this.directory = join(home, 'directory.json');
    this.keys = join(home, 'keys');
    this.root = join(this.keys, 'root.key');
    this.operators = join(this.keys, 'operators');
    this.notes = join(this.keys, 'notes');
    this.lock = join(home, 'lock');
  }

  role(role: RoleName): string {
    return join(this.keys, role);
  }

  keySet(role: RoleName, number: number): string {
    return join(this.role(role), `${number}.key`);
  }

  noteSeed(number: number): string {
    return join(this.notes, `${number}.key`);
  }

  operator(name: string): string {
    return join(this.operators, `${name}.key`);
  }

  folders(): string[] {
    const roles = ROLES.map((role) => this.role(role));
    return [this.home, this.lock, this.keys, ...roles, this.notes, this.operators];
  }
}

/** Numbers of the key sets whose files are there, in order. */
export function keySetNumbers(files: PrivateFiles, paths: HomePaths, role: RoleName): number[] {
  return keyFileNumbers(files, paths.role(role));
}

/** Numbers of the key files of a folder, in order. */
export function keyFileNumbers(files: PrivateFiles, folder: string): number[] {
  return files
    .list(folder)
    .map((name) => Number(/^([1-9]\d{0,9})\.key$/.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0 && number <= KEY_SET_NUMBER_MAX)
    .sort((left, right) => left - right);
}

export function readConfiguration(files: PrivateFiles, paths: HomePaths): Configuration {
  if (!files.exists(paths.configuration)) {
    throw new IdentityError(
      'missing',
      `${paths.home}: expected a home with specie.json, got none: run specie init --home ${paths.home}`,
    );
  }
  return parseConfiguration(files.read(paths.configuration), paths.configuration);
}

export function readDirectory(files: PrivateFiles, paths: HomePaths, root: string): Directory {
  return parseDirectoryFile(files.read(paths.directory), root, systemCrypto, paths.directory);
}

export function readKeys(
  files: PrivateFiles,
  path: string,
  expected: ExpectedKeys,
  passphrase: PassphraseSource,
): Promise<SecretKeys> {
  return parseKeyFile(files.readPrivate(path), path, expected, passphrase);
}

export async function readKeySet(
  files: PrivateFiles,
  paths: HomePaths,
  role: RoleName,
  number: number,
  passphrase: PassphraseSource,
  encrypted?: boolean,
): Promise<KeySet> {
  const expected = { owner: role, uses: OWNERS.role, number, encrypted };
  const { keys } = await readKeys(files, paths.keySet(role, number), expected, passphrase);
  return keys as KeySet;
}

/** What keys that nobody has named yet have to be, before they are taken. @throws IdentityError missing, damaged */
export function isRootEncrypted(files: PrivateFiles, paths: HomePaths): boolean {
  return isEncrypted(files.readPrivate(paths.root), paths.root);
}

/** One at a time changes a home. @throws IdentityError busy */
export async function withHomeLock<Result>(paths: HomePaths, work: () => Promise<Result>): Promise<Result> {
  let lock: Awaited<ReturnType<typeof lockStore>>;
  try {
    lock = await lockStore(paths.lock);
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error;
    throw new IdentityError(
      'busy',
      `${paths.home}: expected that nothing else changes it: ${error.message}`,
      {
        cause: error,
      },
    );
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
