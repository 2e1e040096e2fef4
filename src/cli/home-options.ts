// Options of commands that work on a home (specie init makes one), and how its refusals end them.
import { type Command, Option } from 'commander';
import { type PassphraseOptions, terminalAsk } from '../identity/ask-passphrase.ts';
import { IdentityError, type IdentityErrorCode } from '../identity/errors.ts';
import { CommandError, ExitCode } from './exit-codes.ts';

export const HOME_DEFAULT = 'specie-home';

export interface HomeOptions {
  readonly home: string;
  readonly passphraseFile?: string;
}

export function withHome(command: Command): Command {
  return command
    .addOption(
      new Option('--home <folder>', 'configuration, directory and keys')
        .default(HOME_DEFAULT)
        .env('SPECIE_HOME'),
    )
    .option(
      '--passphrase-file <path>',
      'a file with the passphrase of the keys; otherwise SPECIE_PASSPHRASE, or it is asked for',
    );
}

export function passphraseOptions({ passphraseFile }: HomeOptions): PassphraseOptions {
  return { file: passphraseFile, ask: terminalAsk() };
}

const EXIT_CODES: { readonly [code in IdentityErrorCode]: ExitCode } = {
  malformed: ExitCode.failed,
  untrusted_root: ExitCode.failed,
  bad_signature: ExitCode.damaged,
  rolled_back: ExitCode.failed,
  not_listed: ExitCode.failed,
  not_private: ExitCode.failed,
  missing: ExitCode.failed,
  in_the_way: ExitCode.failed,
  damaged: ExitCode.damaged,
  passphrase_needed: ExitCode.failed,
  wrong_passphrase: ExitCode.failed,
  configuration: ExitCode.failed,
  busy: ExitCode.in_use,
};

/** Ends with the code that a refusal has. */
export async function withHomeErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new CommandError(error.message, EXIT_CODES[error.code], { cause: error });
  }
}
