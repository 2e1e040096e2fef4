// What the exit code of every command means. Scripts rely on these numbers: they never change their meaning.

export const ExitCode = {
  ok: 0,
  /** Wrong usage, an unreadable file, or an error that no other code names. */
  failed: 1,
  /** A definite no: records refused or not found (only with --strict), a load that was declined. */
  refused: 2,
  /** No connection to the server, or the connection was lost for good. */
  unreachable: 3,
  /** The store is damaged. */
  damaged: 4,
  /** Another process has the store open or listens on the port. */
  in_use: 5,
  /** A check failed: of quickstart, of the audit, of an answer that cannot be right. */
  check_failed: 6,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export const EXIT_CODE_HELP = `
Exit codes:
    0  done
    1  wrong usage, unreadable input, or an unexpected error
    2  refused: records with --strict, a load
    3  no connection to the server
    4  the store is damaged
    5  another process has the store open or listens on the port
    6  a check failed
  130  interrupted`;

/** An error whose message is for the user as it is. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
