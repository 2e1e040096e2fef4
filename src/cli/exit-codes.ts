// What the exit code of every command means. Scripts rely on these numbers: they never change their meaning.

export const ExitCode = {
  ok: 0,
  /** Wrong usage, an unreadable file, or an error that no other code names. */
  failed: 1,
  /** A wallet's request was refused; with --strict also records that were refused or not found. */
  refused: 2,
  /** No connection to the server, or the connection was lost for good. */
  unreachable: 3,
  /** A store is damaged, or a signature or key file is not what it should be. */
  damaged: 4,
  /** Another process has the store open or listens on the port. */
  in_use: 5,
  /** Books do not agree: a check of `quickstart`, `audit` or `payout reconcile` failed, or a wallet's balance at cash is another one. */
  check_failed: 6,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export const EXIT_CODE_HELP = `
Exit codes:
    0  done
    1  wrong usage, unreadable input, or an unexpected error
    2  refused: a wallet's request; with --strict also records refused or not found
    3  no connection to the server
    4  a store is damaged, or a signature or key file is not what it should be
    5  another process has the store open or listens on the port
    6  books do not agree: a check of quickstart, audit or payout reconcile, a wallet's balance at cash
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
