import { Command, Option } from 'commander';
import { loopbackAddress } from '../../channel/loopback.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { argument, PORT_DEFAULT, wholeNumber } from '../options.ts';

interface Options {
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly readers: number;
  readonly mapSizeGib?: number;
}

const STORE_DEFAULT = 'data';

export function startCommand(exit: (code: ExitCode) => void): Command {
  return new Command('start')
    .description('Start the engine on a store, which is created when missing')
    .addOption(new Option('--path <folder>', 'the store').default(STORE_DEFAULT).env('SPECIE_PATH'))
    .option(
      '--host <address>',
      'a loopback address: 127.0.0.1, ::1 or localhost',
      argument(loopbackAddress),
      '127.0.0.1',
    )
    .addOption(
      new Option('--port <n>', 'TCP port; 0 takes a free one and logs it')
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
    .option('--readers <n>', 'threads for history queries', wholeNumber(1, 64), 1)
    .option('--map-size-gib <n>', "largest size of the journal's file, GiB", wholeNumber(1, 65_536))
    .addHelpText(
      'after',
      `
Logs are JSON lines on standard output. Once "listening" is logged, the engine takes requests:
  ws://<host>:<port>/v1        batches and queries (docs/protocol.md)
  http://<host>:<port>/healthz  for supervisors
  http://<host>:<port>/metrics  for Prometheus
SIGTERM and Ctrl-C answer what is in flight, write a checkpoint and end with 0. A second one ends at once; so does
kill -9, after which the next start replays the journal: nothing acknowledged is lost.

Examples:
  $ specie start --path /var/lib/specie
  $ SPECIE_PORT=0 specie start --path data --log-level warn`,
    )
    .action(async (options: Options) => {
      // Loaded here: the engine's native parts would slow down every other command.
      const [{ pino }, { Registry }, { PortError, Server }, { Ledger }, { channelMetrics }] =
        await Promise.all([
          import('pino'),
          import('prom-client'),
          import('../../channel/server.ts'),
          import('../../ledger/ledger.ts'),
          import('../channel-metrics.ts'),
        ]);
      const log = pino({
        level: options.logLevel,
        base: { name: 'specie' },
        timestamp: pino.stdTimeFunctions.isoTime,
      });
      let stop: (code: ExitCode, reason: string) => void = () => {};
      const registry = new Registry();
      log.info({ path: options.path, pid: process.pid }, 'opening the store');
      const ledger = await Ledger.open({
        path: options.path,
        readers: options.readers,
        registry,
        ...(options.mapSizeGib === undefined ? {} : { mapSizeBytes: options.mapSizeGib * 2 ** 30 }),
        log: (event, detail) => {
          const serious = /fail|stall|discard/.test(event);
          log[serious ? 'warn' : 'info'](detail, event);
          // The engine answers nothing more until a restart: end, so that a supervisor starts it anew.
          if (event === 'journal failed') stop(ExitCode.failed, event);
        },
      });
      let server: Awaited<ReturnType<typeof Server.listen>>;
      try {
        server = await Server.listen({
          engine: ledger,
          host: options.host,
          port: options.port,
          metrics: channelMetrics(registry),
          onFault: (error) => log.error({ err: error }, 'fault'),
        });
      } catch (error) {
        await ledger.close();
        throw error instanceof PortError ? new CommandError(error.message, ExitCode.in_use) : error;
      }
      await new Promise<void>((resolve) => {
        let stopping = false;
        stop = (code, reason) => {
          if (stopping) {
            log.warn({ reason }, 'stopping at once');
            process.exit(ExitCode.interrupted);
          }
          stopping = true;
          log.info({ reason }, 'stopping');
          server
            .close()
            .then(() => ledger.close())
            .then(
              () => {
                log.info({}, 'stopped');
                exit(code);
              },
              (error: unknown) => {
                log.error(
                  { err: error },
                  'not stopped cleanly; the journal has everything that was acknowledged',
                );
                exit(ExitCode.failed);
              },
            )
            .finally(resolve);
        };
        process.on('SIGTERM', () => stop(ExitCode.ok, 'SIGTERM'));
        process.on('SIGINT', () => stop(ExitCode.ok, 'SIGINT'));
        const { replayMs, loadMs, ...recovery } = ledger.recovery;
        log.info(
          {
            url: server.url,
            path: ledger.path,
            recovery: { ...recovery, loadMs: Math.round(loadMs), replayMs: Math.round(replayMs) },
          },
          'listening',
        );
      });
    });
}
