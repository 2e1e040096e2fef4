// Roles of a home, in this process: each with its own keys, stores, server and connections, whether or not another one of
// them runs beside it.
import { PortError } from '../../channel/server.ts';
import { passphraseSource } from '../../identity/ask-passphrase.ts';
import type { RoleName } from '../../identity/roles.ts';
import { type RunningRole, START_ORDER, startRole } from '../../main/roles/start-role.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { type HomeOptions, passphraseOptions, withHomeErrors } from '../home-options.ts';
import type { LedgerSettings } from './engine.ts';
import { type Stopping, serverLog, untilStopped } from './until-stopped.ts';

export interface RolesSettings extends HomeOptions {
  readonly roles: readonly RoleName[];
  readonly logLevel: string;
  readonly ledger: LedgerSettings;
}

export async function startRoles(settings: RolesSettings, exit: (code: ExitCode) => void): Promise<void> {
  const log = serverLog(settings.logLevel);
  const passphrase = passphraseSource(passphraseOptions(settings));
  const roles = START_ORDER.filter((role) => settings.roles.includes(role));
  const started: RunningRole[] = [];
  let stopping: Stopping | undefined;
  const closeAll = async (): Promise<void> => {
    for (const role of started.splice(0).reverse()) await role.close();
  };
  log.info({ home: settings.home, roles, pid: process.pid }, 'starting');
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
      const { url, storePath, found } = running;
      log.info({ role, url, path: storePath, found }, 'listening');
    }
  } catch (error) {
    await closeAll();
    throw error instanceof PortError ? new CommandError(error.message, ExitCode.in_use) : error;
  }
  stopping = untilStopped(log, closeAll, exit);
  log.info({ roles }, 'started');
  await stopping.stopped;
}
