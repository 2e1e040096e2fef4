// Removes keys whose time is over: secret ones that open nothing any more, and entries of the directory whose signatures do
// not count any more. The latter needs the root key; where that is put away, they stay until it is here.
import { HomePaths, keySetNumbers, readConfiguration, readDirectory, withHomeLock } from './home.ts';
import { PrivateFiles } from './private-files.ts';
import { ROLES, type RoleName } from './roles.ts';
import { readRootKey, writeDirectory } from './root-key.ts';
import { type ChangeOptions, isBeyondUse } from './rotate-keys.ts';
import { systemClock } from './time.ts';

export interface RetiredKeySet {
  readonly role: RoleName;
  readonly number: number;
}

export interface Retirement {
  /** Secret keys that were removed. */
  readonly removed: readonly (RetiredKeySet & { readonly path: string })[];
  /** Entries that were taken out of the directory. */
  readonly unlisted: readonly RetiredKeySet[];
  /** Entries that could be, if the root key were here. */
  readonly waiting: readonly RetiredKeySet[];
}

export async function retireKeys(options: ChangeOptions): Promise<Retirement> {
  const files = options.files ?? new PrivateFiles();
  const paths = new HomePaths(options.home);
  const configuration = readConfiguration(files, paths);
  return withHomeLock(paths, async () => {
    const now = (options.clock ?? systemClock)();
    const directory = readDirectory(files, paths, configuration.root);
    const removed: (RetiredKeySet & { path: string })[] = [];
    const over: RetiredKeySet[] = [];
    for (const role of ROLES) {
      const keySets = directory.role(role)?.keySets ?? [];
      for (const number of keySetNumbers(files, paths, role)) {
        const listed = keySets.find((keySet) => keySet.number === number);
        // One that is not listed, and is not one of a rotation that has not come to its end.
        const unlisted = listed === undefined && number < (keySets.at(-1)?.number ?? 0);
        if (!unlisted && !(listed !== undefined && listed.openUntil < now)) continue;
        const path = paths.keySet(role, number);
        files.remove(path);
        removed.push({ role, number, path });
      }
      for (const keySet of keySets) {
        if (isBeyondUse(keySet, now)) over.push({ role, number: keySet.number });
      }
    }
    if (over.length === 0 || !files.exists(paths.root)) return { removed, unlisted: [], waiting: over };
    const root = await readRootKey(files, paths, options.passphrase);
    try {
      const roles = directory.content.roles.map((role) => ({
        ...role,
        keySets: role.keySets.filter((keySet) => !isBeyondUse(keySet, now)),
      }));
      const { operators } = directory.content;
      writeDirectory(files, paths, configuration, root, { roles, operators }, now, directory);
    } finally {
      root.secretKey.fill(0);
    }
    return { removed, unlisted: over, waiting: [] };
  });
}
