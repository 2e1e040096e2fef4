// A process that serves until it is told to stop, or has to.
import { type Logger, pino } from 'pino';
import { ExitCode } from '../exit-codes.ts';

export function serverLog(level: string): Logger {
  return pino({ level, base: { name: 'specie' }, timestamp: pino.stdTimeFunctions.isoTime });
}

export interface Stopping {
  /** Ends the process in good order; a second call ends it at once. */
  stop(code: ExitCode, reason: string): void;
  /** Resolves when everything is closed. */
  readonly stopped: Promise<void>;
}

/** @param close answers what is in flight, then closes everything */
export function untilStopped(
  log: Logger,
  close: () => Promise<void>,
  exit: (code: ExitCode) => void,
): Stopping {
  let resolve: () => void;
  const stopped = new Promise<void>((done) => {
    resolve = done;
  });
  let stopping = false;
  const stop = (code: ExitCode, reason: string): void => {
    if (stopping) {
      log.warn({ reason }, 'stopping at once');
      process.exit(ExitCode.interrupted);
    }
    stopping = true;
    log.info({ reason }, 'stopping');
    close()
      .then(
        () => {
          log.info({}, 'stopped');
          exit(code);
        },
        (error: unknown) => {
          log.error({ err: error }, 'not stopped cleanly; everything that was acknowledged is on disk');
          exit(ExitCode.failed);
        },
      )
      .finally(resolve);
  };
  process.on('SIGTERM', () => stop(ExitCode.ok, 'SIGTERM'));
  process.on('SIGINT', () => stop(ExitCode.ok, 'SIGINT'));
  return { stop, stopped };
}
