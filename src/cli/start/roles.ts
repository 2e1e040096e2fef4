// Roles of a home, in this process: each with its own keys, stores, server and connections, whether or not another one of
// them runs beside it.
import { PortError } from '../../channel/server.ts';
import { passphraseSource } from '../../identity/ask-passphrase.ts';
import { HomePaths, readConfiguration, readDirectory } from '../../identity/home.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { ROLES, type RoleName } from '../../identity/roles.ts';
import { type RunningRole, START_ORDER, startRole } from '../../main/roles/start-role.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { type HomeOptions, passphraseOptions, withHomeErrors } from '../home-options.ts';
import type { LedgerSettings } from './engine.ts';
import { type Stopping, serverLog, untilStopped } from './until-stopped.ts';

export interface RolesSettings extends HomeOptions {
  /** Left out: all that the directory lists. */
  readonly roles?: readonly RoleName[] | undefined;
  readonly logLevel: string;
  readonly ledger: LedgerSettings;
}

/** A home that an earlier version has made has no keys of roles that are newer. */
const HOW_TO_ADD = 'run specie init with keys/root.key in place, and hand the new directory.json to all';

/** @throws IdentityError */
function unlistedRoles(home: string): RoleName[] {
  const files = new PrivateFiles();
  const paths = new HomePaths(home);
  const directory = readDirectory(files, paths, readConfiguration(files, paths).root);
  return ROLES.filter((role) => directory.role(role) === undefined);
}

export async function startRoles(settings: RolesSettings, exit: (code: ExitCode) => void): Promise<void> {
  const log = serverLog(settings.logLevel);
  const passphrase = passphraseSource(passphraseOptions(settings));
  const unlisted = await withHomeErrors(async () => unlistedRoles(settings.home));
  const asked = settings.roles?.find((role) => unlisted.includes(role));
  if (asked !== undefined) {
    throw new CommandError(`start: expected a directory that lists ${asked}, got one without: ${HOW_TO_ADD}`);
  }
  const wanted = settings.roles ?? ROLES.filter((role) => !unlisted.includes(role));
  const roles = START_ORDER.filter((role) => wanted.includes(role));
  const started: RunningRole[] = [];
  let stopping: Stopping | undefined;
  const closeAll = async (): Promise<void> => {
    for (const role of started.splice(0).reverse()) await role.close();
  };
  log.info({ home: settings.home, roles, pid: process.pid }, 'starting');
  if (settings.roles === undefined && unlisted.length > 0) {
    log.warn({ roles: unlisted }, `not started, as the directory does not list them: ${HOW_TO_ADD}`);
  }
  try {
    for (const role of roles) {
      const running = await withHomeErrors(() =>
        startRole({
          home: settings.home,
          role,
          passphrase,
          log: log.child({ role }),
          failed: (reason) => stopping?.stop(ExitCode.failed, reason),
          ledger: settings.ledger,
        }),
      );
      started.push(running);
      const { url, httpUrl, storePath, found } = running;
      log.info({ role, url, ...(httpUrl && { httpUrl }), path: storePath, found }, 'listening');
    }
  } catch (error) {
    await closeAll();
    throw error instanceof PortError ? new CommandError(error.message, ExitCode.in_use) : error;
  }
  stopping = untilStopped(log, closeAll, exit);
  log.info({ roles }, 'started');
  await stopping.stopped;
}
