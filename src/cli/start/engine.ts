// A ledger alone, without keys: unencrypted, for this machine only.
import { Registry } from 'prom-client';
import { PortError, Server } from '../../channel/server.ts';
import { Ledger } from '../../ledger/index.ts';
import { channelMetrics } from '../../main/channel-metrics.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { type Stopping, serverLog, untilStopped } from './until-stopped.ts';

export interface LedgerSettings {
  readonly readers: number;
  readonly mapSizeBytes?: number;
}

export interface EngineSettings {
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly ledger: LedgerSettings;
}

export async function startEngine(settings: EngineSettings, exit: (code: ExitCode) => void): Promise<void> {
  const log = serverLog(settings.logLevel);
  const registry = new Registry();
  let running: Stopping | undefined;
  log.info({ path: settings.path, pid: process.pid }, 'opening the store');
  const ledger = await Ledger.open({
    path: settings.path,
    ...settings.ledger,
    registry,
    log: (event, detail) => {
      log[/fail|stall|discard/.test(event) ? 'warn' : 'info'](detail, event);
      // The engine answers nothing more until a restart: end, so that a supervisor starts it anew.
      if (event === 'journal failed') running?.stop(ExitCode.failed, event);
    },
  });
  let server: Server;
  try {
    server = await Server.listen({
      engine: ledger,
      host: settings.host,
      port: settings.port,
      metrics: channelMetrics(registry),
      onFault: (error) => log.error({ err: error }, 'fault'),
    });
  } catch (error) {
    await ledger.close();
    throw error instanceof PortError ? new CommandError(error.message, ExitCode.in_use) : error;
  }
  running = untilStopped(log, () => server.close().then(() => ledger.close()), exit);
  const { replayMs, loadMs, ...recovery } = ledger.recovery;
  log.info(
    {
      url: server.url,
      path: ledger.path,
      recovery: { ...recovery, loadMs: Math.round(loadMs), replayMs: Math.round(replayMs) },
    },
    'listening',
  );
  await running.stopped;
}
