import { Command, Option } from 'commander';
import { loopbackAddress } from '../../channel/loopback.ts';
import { isRoleName, ROLES, type RoleName } from '../../identity/roles.ts';
import { CommandError, type ExitCode } from '../exit-codes.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import { argument, PORT_DEFAULT, wholeNumber } from '../options.ts';
import type { LedgerSettings } from '../start/engine.ts';

interface Options extends HomeOptions {
  readonly role?: readonly RoleName[];
  readonly path?: string;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly readers: number;
  readonly mapSizeGib?: number;
}

const role = argument((text: string): RoleName => {
  if (!isRoleName(text)) throw new Error(`expected ${ROLES.join(', ')}`);
  return text;
});

export function startCommand(exit: (code: ExitCode) => void): Command {
  return withHome(new Command('start'))
    .description('Start the roles of a home (specie init makes one): all of them, or those named')
    .option('--role <role>', 'only this one (repeatable)', (text: string, list: readonly RoleName[] = []) => [
      ...list,
      role(text),
    ])
    .addOption(
      new Option(
        '--path <folder>',
        'instead of a home: a ledger alone on this store, without keys; unencrypted, loopback only',
      ).env('SPECIE_PATH'),
    )
    .option(
      '--host <address>',
      'with --path: a loopback address: 127.0.0.1, ::1 or localhost',
      argument(loopbackAddress),
      '127.0.0.1',
    )
    .addOption(
      new Option('--port <n>', 'with --path: TCP port; 0 takes a free one and logs it')
        .default(PORT_DEFAULT)
        .env('SPECIE_PORT')
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      new Option('--log-level <level>', 'least important that is logged')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .env('SPECIE_LOG_LEVEL'),
    )
    .option('--readers <n>', "threads for the ledger's history queries", wholeNumber(1, 64), 1)
    .option('--map-size-gib <n>', "largest size of the journal's file, GiB", wholeNumber(1, 65_536))
    .addHelpText(
      'after',
      `
Logs are JSON lines on standard output. "listening" is logged once a role takes requests:
  ws://<host>:<port>/v1        batches, queries and messages, encrypted (docs/protocol.md)
  http://<host>:<port>/healthz  for supervisors, from this machine
  http://<host>:<port>/metrics  for Prometheus, from this machine
SIGTERM and Ctrl-C answer what is in flight, write a checkpoint and end with 0. A second one ends at once; so does
kill -9, after which the next start goes on where this one ended: nothing acknowledged is lost.

Examples:
  $ specie init && specie start
  $ specie start --home /etc/specie --role settlement
  $ SPECIE_PORT=0 specie start --path data --log-level warn`,
    )
    .action(async (options: Options) => {
      const { path, mapSizeGib, readers, logLevel } = options;
      const ledger: LedgerSettings = {
        readers,
        ...(mapSizeGib === undefined ? {} : { mapSizeBytes: mapSizeGib * 2 ** 30 }),
      };
      if (path !== undefined && options.role !== undefined) {
        throw new CommandError('start: expected --role of a home or --path of a ledger alone, got both');
      }
      // Loaded here: the engine's native parts would slow down every other command.
      if (path === undefined) {
        const { startRoles } = await import('../start/roles.ts');
        await startRoles({ ...options, roles: options.role, logLevel, ledger }, exit);
      } else {
        const { startEngine } = await import('../start/engine.ts');
        await startEngine({ ...options, path, logLevel, ledger }, exit);
      }
    });
}
