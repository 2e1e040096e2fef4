// From an error to what the user is told and the exit code.
import { ClientError } from '../channel/client-error.ts';
import { JournalError, type JournalErrorCode } from '../journal/errors.ts';
import { CommandError, ExitCode } from './exit-codes.ts';
import { FileFormatError } from './files/reader.ts';

const JOURNAL_EXIT_CODES: { readonly [code in JournalErrorCode]: ExitCode } = {
  journal_full: ExitCode.failed,
  journal_io: ExitCode.failed,
  journal_unknown: ExitCode.failed,
  journal_corrupt: ExitCode.damaged,
  journal_locked: ExitCode.in_use,
  journal_closed: ExitCode.failed,
  journal_misuse: ExitCode.failed,
};

/** Known by name: importing their classes would load the engine into commands that only connect to one. */
const DAMAGE = new Set(['ReplayError']);

const UNREACHABLE = new Set<string>(['connection_failed', 'closed', 'timeout', 'stopping']);
const SYSTEM_ERRORS = new Set([
  'ENOENT',
  'EACCES',
  'EISDIR',
  'ENOTDIR',
  'EEXIST',
  'ENOSPC',
  'EROFS',
  'EPERM',
  'EMFILE',
]);

export interface Failure {
  readonly message: string;
  readonly exitCode: ExitCode;
  /** For errors that nobody expected: the stack belongs into a report. */
  readonly stack?: string | undefined;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), exitCode: ExitCode.failed };
  const { message } = error;
  if (error instanceof CommandError) return { message, exitCode: error.exitCode };
  if (error instanceof JournalError) return { message, exitCode: JOURNAL_EXIT_CODES[error.code] };
  if (DAMAGE.has(error.name) || (error as { code?: unknown }).code === 'state_corrupt') {
    return { message, exitCode: ExitCode.damaged };
  }
  if (error.name === 'StateStoreError') return { message, exitCode: ExitCode.failed };
  if (error instanceof ClientError) {
    const exitCode = UNREACHABLE.has(error.code) ? ExitCode.unreachable : ExitCode.failed;
    return { message: `${message} (${error.code})`, exitCode };
  }
  // Checks of values throw RangeErrors that say what was expected; the language's own do not.
  if (error instanceof FileFormatError || (error instanceof RangeError && message.includes('expected'))) {
    return { message, exitCode: ExitCode.failed };
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return { message, exitCode: ExitCode.in_use };
  if (code === 'ECONNREFUSED') return { message, exitCode: ExitCode.unreachable };
  if (code !== undefined && SYSTEM_ERRORS.has(code)) return { message, exitCode: ExitCode.failed };
  return { message, exitCode: ExitCode.failed, stack: error.stack };
}
