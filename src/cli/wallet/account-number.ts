// Account numbers come from a terminal without echo, or from standard input. The command line works too, but everybody on
// the machine can read that while the command runs.
import { terminalAsk } from '../../identity/ask-passphrase.ts';
import { IdentityError } from '../../identity/errors.ts';
import { CommandError } from '../exit-codes.ts';
import type { Output } from '../output.ts';

const INPUT_BYTES_MAX = 1024;

/** @param given by `--account`: the number; true: without one */
export async function accountNumber(given: string | true, output: Output): Promise<string> {
  if (given !== true) {
    output.note(
      'warning: others on this machine can see the account number; --account without one asks for it, or reads it from standard input',
    );
    return tidied(given);
  }
  const ask = terminalAsk();
  if (ask === undefined) return tidied(await firstLine());
  try {
    return tidied(await ask('Account number: '));
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new CommandError('account number: expected one, got the end of the input');
  }
}

/** As it is printed on cards and letters: in groups, in small letters. */
const tidied = (text: string): string => text.replace(/[\s-]/g, '').toUpperCase();

async function firstLine(): Promise<string> {
  let text = '';
  for await (const piece of process.stdin.setEncoding('utf8')) {
    text += piece;
    if (text.includes('\n') || text.length > INPUT_BYTES_MAX) break;
  }
  return text.split('\n')[0]!;
}
