// Adds and removes operators: people and programs whose key the roles let in. A stolen key is removed, and another operator
// added, under another name. Keys are on disk before the directory names them, and named no more before they are removed.
import type { Directory } from './directory.ts';
import { checkOperatorName, type ListedOperator, OPERATORS_MAX } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import {
  HomePaths,
  isRootEncrypted,
  readConfiguration,
  readDirectory,
  readKeys,
  withHomeLock,
} from './home.ts';
import { keyFileText, OWNERS } from './key-file.ts';
import { generateKeyPair, type RandomBytes } from './new-key-set.ts';
import { PRIVATE, PrivateFiles } from './private-files.ts';
import { readRootKey, writeDirectory } from './root-key.ts';
import type { ChangeOptions } from './rotate-keys.ts';
import { FOREVER, systemClock } from './time.ts';

export interface OperatorOptions extends ChangeOptions {
  readonly name: string;
  readonly randomBytes?: RandomBytes | undefined;
  readonly scryptLog2N?: number | undefined;
}

export interface OperatorChange {
  readonly name: string;
  readonly path: string;
  /** The key file was there already: a run that died has made it, or somebody else. */
  readonly found: boolean;
  readonly serial: bigint;
}

/** @throws IdentityError in_the_way: there is one of that name, or keys in the clear where they should be encrypted */
export function addOperator(options: OperatorOptions): Promise<OperatorChange> {
  return change(options, async (files, path, directory, now) => {
    const { name, passphrase, randomBytes, scryptLog2N } = options;
    if (directory.operator(name) !== undefined) {
      throw new IdentityError('in_the_way', `directory: expected no operator ${name} yet, got one`);
    }
    const { operators } = directory.content;
    if (operators.length >= OPERATORS_MAX) {
      throw new IdentityError(
        'malformed',
        `directory: expected fewer than ${OPERATORS_MAX} operators, got ${operators.length}`,
      );
    }
    const owner = `operator ${name}`;
    const encrypted = isRootEncrypted(files, new HomePaths(options.home));
    const found = files.exists(path);
    if (!found) {
      const keys = {
        signing: generateKeyPair('signing', randomBytes),
        channel: generateKeyPair('channel', randomBytes),
      };
      const secret = encrypted ? await passphrase() : undefined;
      const encryption = secret && { passphrase: secret, randomBytes, scryptLog2N };
      files.create(path, await keyFileText({ owner, number: 1, createdAt: now, keys }, encryption), PRIVATE);
    }
    const { keys } = await readKeys(files, path, { owner, uses: OWNERS.operator, encrypted }, passphrase);
    const added = {
      name,
      channelKey: keys.channel!.publicKey,
      signingKey: keys.signing!.publicKey,
      notBefore: now,
      notAfter: FOREVER,
    };
    return { operators: [...operators, added], found };
  });
}

/** @throws IdentityError not_listed */
export function removeOperator(options: OperatorOptions): Promise<OperatorChange> {
  return change(options, async (files, path, directory) => {
    const { operators } = directory.content;
    const others = operators.filter(({ name }) => name !== options.name);
    if (others.length === operators.length && !files.exists(path)) {
      throw new IdentityError(
        'not_listed',
        `directory: expected an operator ${options.name}, got none of that name`,
      );
    }
    return { operators: others, remove: path };
  });
}

interface Change {
  readonly operators: readonly ListedOperator[];
  readonly found?: boolean;
  /** A key file that goes once the directory does not name it any more. */
  readonly remove?: string;
}

async function change(
  options: OperatorOptions,
  decide: (files: PrivateFiles, path: string, directory: Directory, now: bigint) => Promise<Change>,
): Promise<OperatorChange> {
  const { home, name, files = new PrivateFiles() } = options;
  checkOperatorName(name, 'operator');
  const paths = new HomePaths(home);
  const configuration = readConfiguration(files, paths);
  return withHomeLock(paths, async () => {
    files.removeDrafts(paths.operators);
    files.removeDrafts(paths.home);
    const now = (options.clock ?? systemClock)();
    const path = paths.operator(name);
    const before = readDirectory(files, paths, configuration.root);
    const root = await readRootKey(files, paths, options.passphrase);
    try {
      const { operators, found = false, remove } = await decide(files, path, before, now);
      const { roles } = before.content;
      const directory = writeDirectory(files, paths, configuration, root, { roles, operators }, now, before);
      if (remove !== undefined && files.exists(remove)) files.remove(remove);
      return { name, path, found, serial: directory.serial };
    } finally {
      root.secretKey.fill(0);
    }
  });
}
