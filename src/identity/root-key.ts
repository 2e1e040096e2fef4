// The root key, while it is here: it signs directories, and is needed for nothing else.
import { ed25519 } from '../crypto/index.ts';
import type { Configuration } from './configuration.ts';
import { Directory, signDirectory } from './directory.ts';
import { type DirectoryContent, sortedRoles } from './directory-content.ts';
import { directoryFileText } from './directory-file.ts';
import { IdentityError } from './errors.ts';
import { type HomePaths, readKeys } from './home.ts';
import { OWNERS } from './key-file.ts';
import { fingerprint, type KeyPair } from './key-set.ts';
import type { PassphraseSource } from './passphrase.ts';
import { type PrivateFiles, PUBLIC } from './private-files.ts';
import { systemCrypto } from './system-crypto.ts';

export const ROOT_KEYS = { owner: 'root', uses: OWNERS.root, number: 1 } as const;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** @throws IdentityError missing, when it was put away */
export async function readRootKey(
  files: PrivateFiles,
  paths: HomePaths,
  passphrase: PassphraseSource,
): Promise<KeyPair> {
  if (!files.exists(paths.root)) {
    throw new IdentityError(
      'missing',
      `${paths.root}: expected the root key, which signs the directory, got none: bring it back for this command`,
    );
  }
  return (await readKeys(files, paths.root, ROOT_KEYS, passphrase)).keys.signing!;
}

/**
 * Signs a directory and puts it in place. Serials are seconds of the clock, so that they also grow when a directory was
 * lost and is made anew.
 */
export function writeDirectory(
  files: PrivateFiles,
  paths: HomePaths,
  configuration: Pick<Configuration, 'root'>,
  root: KeyPair,
  content: Pick<DirectoryContent, 'roles' | 'operators'>,
  now: bigint,
  before?: Directory,
): Directory {
  const print = fingerprint(root.publicKey, systemCrypto.sha256);
  if (print !== configuration.root) {
    throw new IdentityError(
      'untrusted_root',
      `${paths.root}: expected the root key that ${paths.configuration} names, ${configuration.root}, got ${print}`,
    );
  }
  const seconds = now / NANOSECONDS_PER_SECOND;
  const next = (before?.serial ?? 0n) + 1n;
  const signer = ed25519.signingKey(root.secretKey);
  try {
    const signed = signDirectory(
      {
        version: 1,
        serial: seconds > next ? seconds : next,
        createdAt: now,
        roles: sortedRoles(content.roles),
        operators: content.operators,
      },
      signer,
    );
    const directory = Directory.verify(signed, root.publicKey, systemCrypto);
    files.replace(paths.directory, directoryFileText(signed), PUBLIC);
    return directory;
  } finally {
    signer.close();
  }
}
