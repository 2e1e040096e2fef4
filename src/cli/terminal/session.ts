// What every `specie terminal` command does around its work: opens the terminal, says what goes on, ends at Ctrl-C with one that
// can be resumed, and turns errors into exit codes.
import { type Command, Option } from 'commander';
import { passphraseSource } from '../../identity/ask-passphrase.ts';
import { IdentityError } from '../../identity/errors.ts';
import {
  OpenTerminal,
  TERMINAL_HOME_DEFAULT,
  TerminalError,
  type TerminalErrorCode,
  type TerminalEvent,
} from '../../terminal/index.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId } from '../files/fields.ts';
import { passphraseOptions, withHomeErrors } from '../home-options.ts';
import { wholeNumber } from '../options.ts';
import type { Output } from '../output.ts';
import { readable } from '../wallet/text.ts';

const PATIENCE_SECONDS_DEFAULT = 60;
const PATIENCE_SECONDS_MAX = 86_400;

export interface TerminalCommandOptions {
  readonly terminal: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

export interface WaitingOptions extends TerminalCommandOptions {
  readonly patience: number;
}

export function withTerminal(command: Command): Command {
  return command
    .addOption(
      new Option('--terminal <folder>', 'where the terminal is')
        .default(TERMINAL_HOME_DEFAULT)
        .env('SPECIE_TERMINAL'),
    )
    .option(
      '--passphrase-file <path>',
      'a file with the passphrase of the words; otherwise SPECIE_PASSPHRASE, or it is asked for',
    )
    .option('--json', 'print one JSON value; amounts are in minor units');
}

export function withPatience(command: Command): Command {
  return command.option(
    '--patience <seconds>',
    'how long to wait for an end; what is not finished by then can be resumed (0: for ever)',
    wholeNumber(0, PATIENCE_SECONDS_MAX),
    PATIENCE_SECONDS_DEFAULT,
  );
}

const EXIT_CODES: { readonly [code in TerminalErrorCode]: ExitCode } = {
  invalid_argument: ExitCode.failed,
  terminal_exists: ExitCode.failed,
  terminal_missing: ExitCode.failed,
  terminal_damaged: ExitCode.damaged,
  terminal_locked: ExitCode.in_use,
  storage_full: ExitCode.failed,
  storage_failed: ExitCode.failed,
  passphrase_needed: ExitCode.failed,
  wrong_passphrase: ExitCode.failed,
  phrase_invalid: ExitCode.failed,
  address_invalid: ExitCode.failed,
  token_invalid: ExitCode.failed,
  keyset_unknown: ExitCode.refused,
  insufficient_notes: ExitCode.refused,
  gateway_unknown: ExitCode.failed,
  gateway_refused: ExitCode.refused,
  gateway_invalid: ExitCode.check_failed,
  currency_differs: ExitCode.failed,
  amount_outside_terms: ExitCode.refused,
  fee_too_high: ExitCode.refused,
  delivery_invalid: ExitCode.check_failed,
  notes_spent: ExitCode.refused,
  mint_refused: ExitCode.refused,
  mint_invalid: ExitCode.check_failed,
  quote_expired: ExitCode.refused,
  operation_unknown: ExitCode.failed,
  unreachable: ExitCode.unreachable,
  unfinished: ExitCode.unreachable,
  interrupted: ExitCode.interrupted,
};

export const exitCodeOf = ({ code }: TerminalError): ExitCode => EXIT_CODES[code];

export interface Session {
  readonly terminal: OpenTerminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** @param isLocked for a look at what there is: no passphrase is asked for */
export async function inSession<T>(
  options: TerminalCommandOptions,
  output: Output,
  work: (session: Session) => Promise<T>,
  { isLocked = false }: { readonly isLocked?: boolean } = {},
): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  let terminal: OpenTerminal | undefined;
  try {
    return await withTerminalErrors(options.terminal, async () => {
      terminal = await OpenTerminal.open({
        home: options.terminal,
        passphrase: passphraseSource(passphraseOptions({ ...options, home: '' })),
        isLocked,
        onEvent: (event) => output.note(eventText(event)),
      });
      return await work({ terminal, signal: stop.signal });
    });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await terminal?.close();
  }
}

export async function withTerminalErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await withHomeErrors(work);
  } catch (error) {
    if (error instanceof IdentityError)
      throw new CommandError(error.message, ExitCode.failed, { cause: error });
    if (!(error instanceof TerminalError)) throw error;
    const isResumable = ['unreachable', 'unfinished', 'mint_invalid', 'mint_refused'].includes(error.code);
    const resume =
      isResumable && error.operation !== undefined ? `\n  $ specie terminal resume --terminal ${path}` : '';
    const message =
      error.code === 'interrupted'
        ? `interrupted; nothing is lost: specie terminal resume --terminal ${path} finishes it`
        : `${readable(error.message)}${resume}`;
    throw new CommandError(message, exitCodeOf(error), { cause: error });
  }
}

function eventText(event: TerminalEvent): string {
  const operation = formatId(event.operation);
  switch (event.type) {
    case 'prepared':
      return `${operation}: ${event.what} written down`;
    case 'state':
      return `${operation}: ${event.state}`;
    case 'waiting':
      return `${operation}: ${readable(event.reason)}; again in ${(event.pauseMs / 1000).toFixed(1)} s`;
  }
}
