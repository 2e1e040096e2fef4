// Everything that one process needs of a home: its configuration, the directory, and the secret keys of its own role only.
import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { type SetTimer, systemTimer } from '../shared/timer.ts';
import type { ClientIdentity, ServerIdentity } from '../wire/channel-identity.ts';
import { equalBytes } from './binary-text.ts';
import { keyClientIdentity, roleClientIdentity } from './client-identity.ts';
import type { Configuration } from './configuration.ts';
import type { Directory } from './directory.ts';
import type { ListedKeySet } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import {
  FIRST_OPERATOR,
  HomePaths,
  keySetNumbers,
  readConfiguration,
  readDirectory,
  readKeySet,
  readKeys,
} from './home.ts';
import { IdentityWatch } from './identity-watch.ts';
import { isEncrypted, OWNERS } from './key-file.ts';
import { type KeyPair, type KeySet, wipeKeySet } from './key-set.ts';
import { loadNoteSeeds, type NoteSeed } from './note-seeds.ts';
import { currentKeys, type IdentitySource, type IdentityState, sealingKey } from './own-keys.ts';
import type { PassphraseSource } from './passphrase.ts';
import { PrivateFiles } from './private-files.ts';
import { isMintRole, type RoleName } from './roles.ts';
import { SeenDirectory } from './seen-directory.ts';
import { type RevokedPredicate, serverIdentity } from './server-identity.ts';
import { systemCrypto } from './system-crypto.ts';
import { type Clock, systemClock } from './time.ts';

export interface LoadOptions {
  readonly home: string;
  /** Asked again when keys are rotated: it should remember what it was told. */
  readonly passphrase: PassphraseSource;
  readonly clock?: Clock | undefined;
  readonly files?: PrivateFiles | undefined;
}

export interface LoadHomeOptions extends LoadOptions {
  readonly role: RoleName;
  readonly setTimer?: SetTimer | undefined;
  /** How often the directory is looked at. Default: 2,000. */
  readonly lookEveryMs?: number | undefined;
  /** Another directory counts from now on. */
  readonly onChange?: ((directory: Directory) => void) | undefined;
  /** There are new seeds of notes: that of the last number signs from now on. */
  readonly onNoteSeeds?: ((seeds: readonly NoteSeed[]) => void) | undefined;
  /** A directory or key file that was changed and cannot be taken; the ones before stay. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

export interface RoleHome {
  readonly role: RoleName;
  /** The home's folder, absolute. */
  readonly path: string;
  readonly configuration: Configuration;
  /** The role's store, absolute. */
  readonly storePath: string;
  /** Directory and keys together, as they are now. */
  readonly source: IdentitySource;
  /** As it is now. */
  directory(): Directory;
  serverIdentity(revoked: RevokedPredicate): ServerIdentity;
  /** As this role, to another. */
  clientIdentity(to: RoleName): ClientIdentity;
  /** What the role signs with now. @throws IdentityError not_listed, missing */
  signingKey(): KeyPair;
  /** Opens what was sealed to that key id; undefined: not the role's, or beyond its time. */
  sealingKey(keyId: Uint8Array): KeyPair | undefined;
  /** Of issuer and receiver, by number, the newest last; of others none. They grow by `specie keys rotate notes`. */
  noteSeeds(): readonly NoteSeed[];
  /** Looks for a changed directory, and for new seeds of notes, now. */
  refresh(): Promise<void>;
  /** Stops looking, and wipes the keys. */
  close(): void;
}

/** Secret keys by their file, so that one that was read is not read again. */
type Loaded = Map<number, KeySet>;

interface HomeState extends IdentityState {
  readonly noteSeeds: readonly NoteSeed[];
}

/** @throws IdentityError rolled_back: a directory older than one that the role has taken before … */
export async function loadHome(options: LoadHomeOptions): Promise<RoleHome> {
  const { role, clock = systemClock, files = new PrivateFiles() } = options;
  const paths = new HomePaths(resolve(options.home));
  const configuration = readConfiguration(files, paths);
  const { store } = configuration.roles[role];
  const storePath = isAbsolute(store) ? store : join(paths.home, store);
  const loaded: Loaded = new Map();
  const loadedSeeds = new Map<number, NoteSeed>();
  const newest = new SeenDirectory(files, storePath);
  const load = async (): Promise<HomeState> => {
    const directory = readDirectory(files, paths, configuration.root);
    newest.check(directory);
    const keySets = await loadKeySets(files, paths, role, directory, clock(), loaded, options.passphrase);
    // Account numbers of charges under way are sealed to settlement's keys; the other roles open nothing that is stored.
    if (role === 'settlement') await loadPast(files, paths, role, directory, loaded, options.passphrase);
    const past = [...loaded.values()].filter((keys) => !keySets.includes(keys));
    const noteSeeds = isMintRole(role) ? await seedsOf(role, directory) : [];
    newest.keep(directory);
    return { directory, keySets: [...keySets, ...past], noteSeeds };
  };
  const seedsOf = (mintRole: RoleName, directory: Directory): Promise<NoteSeed[]> => {
    const path = paths.keySet(mintRole, directory.currentKeySet(mintRole, clock()).number);
    const encrypted = isEncrypted(files.readPrivate(path), path);
    return loadNoteSeeds(files, paths, options.passphrase, encrypted, loadedSeeds);
  };
  const stampOfAll = (): string =>
    [stampOf(paths.directory), ...(isMintRole(role) ? files.list(paths.notes) : [])].join();
  let seen = stampOfAll();
  const initial = await load();
  let counted = initial;
  const watch = new IdentityWatch({
    initial,
    load: async () => {
      const stamp = stampOfAll();
      if (stamp === seen) return undefined;
      const state = await load();
      seen = stamp;
      return state;
    },
    setTimer: options.setTimer ?? systemTimer,
    everyMs: options.lookEveryMs,
    onChange: (next) => {
      const before = counted;
      counted = next;
      if (next.directory.serial !== before.directory.serial) options.onChange?.(next.directory);
      if (next.noteSeeds.length !== before.noteSeeds.length) options.onNoteSeeds?.(next.noteSeeds);
    },
    onFault: options.onFault,
  });
  return {
    role,
    path: paths.home,
    configuration,
    storePath,
    source: watch,
    directory: () => watch.current().directory,
    serverIdentity: (revoked) =>
      serverIdentity({ role, source: watch, clock, crypto: systemCrypto, revoked }),
    clientIdentity: (to) => roleClientIdentity({ role, to, source: watch, clock }),
    signingKey: () => currentKeys(watch.current(), role, clock()).signing,
    sealingKey: (keyId) => sealingKey(watch.current(), role, keyId, clock()),
    noteSeeds: () => watch.current().noteSeeds,
    refresh: () => watch.look(),
    close: () => {
      watch.close();
      for (const keys of loaded.values()) wipeKeySet(keys);
      for (const { seed } of loadedSeeds.values()) seed.fill(0);
    },
  };
}

async function loadKeySets(
  files: PrivateFiles,
  paths: HomePaths,
  role: RoleName,
  directory: Directory,
  now: bigint,
  loaded: Loaded,
  passphrase: PassphraseSource,
): Promise<KeySet[]> {
  const keySets: KeySet[] = [];
  for (const listed of directory.role(role)?.keySets ?? []) {
    if (listed.openUntil < now) continue;
    const { number } = listed;
    let keys = loaded.get(number);
    if (keys === undefined || !belongs(keys, listed)) {
      keys = await readKeySet(files, paths, role, number, passphrase);
      if (!belongs(keys, listed)) {
        throw new IdentityError(
          'damaged',
          `${paths.keySet(role, number)}: expected the secret keys of set ${number} in the directory, got others`,
        );
      }
      loaded.set(number, keys);
    }
    keySets.push(keys);
  }
  // Says which one is not there, if any.
  currentKeys({ directory, keySets }, role, now);
  return keySets;
}

/** Key sets beyond their time, listed or not, whose files are still here. One that cannot be read stops nothing. */
async function loadPast(
  files: PrivateFiles,
  paths: HomePaths,
  role: RoleName,
  directory: Directory,
  loaded: Loaded,
  passphrase: PassphraseSource,
): Promise<void> {
  const newest = directory.role(role)?.keySets.at(-1)?.number ?? 0;
  for (const number of keySetNumbers(files, paths, role)) {
    if (number >= newest || loaded.has(number)) continue;
    try {
      loaded.set(number, await readKeySet(files, paths, role, number, passphrase));
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
    }
  }
}

function belongs(keys: KeySet, { keys: listed }: ListedKeySet): boolean {
  return (
    equalBytes(keys.signing.publicKey, listed.signing) &&
    equalBytes(keys.channel.publicKey, listed.channel) &&
    equalBytes(keys.sealing.publicKey, listed.sealing)
  );
}

/** Changes whenever the file is replaced. */
function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
}

export interface OperatorHome {
  readonly configuration: Configuration;
  readonly directory: Directory;
  readonly name: string;
  /** As the operator, to a role. */
  clientIdentity(to: RoleName): ClientIdentity;
  /** Signs as the operator. */
  readonly signing: KeyPair;
  /** Wipes the keys. */
  close(): void;
}

/** @throws IdentityError not_listed: an operator whom the directory does not name */
export async function loadOperator(options: LoadOptions & { readonly name?: string }): Promise<OperatorHome> {
  const { name = FIRST_OPERATOR, clock = systemClock, files = new PrivateFiles() } = options;
  const paths = new HomePaths(resolve(options.home));
  const configuration = readConfiguration(files, paths);
  const directory = readDirectory(files, paths, configuration.root);
  const listed = directory.operator(name);
  if (listed === undefined) {
    throw new IdentityError('not_listed', `directory: expected the operator ${name}, got none of that name`);
  }
  const path = paths.operator(name);
  const expected = { owner: `operator ${name}`, uses: OWNERS.operator };
  const { keys } = await readKeys(files, path, expected, options.passphrase);
  const { channel, signing } = keys as { channel: KeyPair; signing: KeyPair };
  if (
    !equalBytes(channel.publicKey, listed.channelKey) ||
    !equalBytes(signing.publicKey, listed.signingKey)
  ) {
    throw new IdentityError('damaged', `${path}: expected the keys of ${name} in the directory, got others`);
  }
  return {
    configuration,
    directory,
    name,
    clientIdentity: (to) => keyClientIdentity({ to, directory: () => directory, clock, channelKey: channel }),
    signing,
    close: () => {
      channel.secretKey.fill(0);
      signing.secretKey.fill(0);
    },
  };
}
