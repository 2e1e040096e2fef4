// Where passphrases come from: a file, the environment, or somebody at a terminal, in this order.
import type { ReadStream, WriteStream } from 'node:tty';
import { IdentityError } from './errors.ts';
import { newPassphrase, Passphrase, type PassphraseSource } from './passphrase.ts';
import { PrivateFiles } from './private-files.ts';

export const PASSPHRASE_VARIABLE = 'SPECIE_PASSPHRASE';
const LINE_CHARACTERS_MAX = 1024;

export interface PassphraseOptions {
  /** A file with nothing but the passphrase, and perhaps a line end. */
  readonly file?: string | undefined;
  readonly environment?: { readonly [name: string]: string | undefined };
  /** Reads a line without showing it; undefined where nobody can be asked. */
  readonly ask?: ((prompt: string) => Promise<string>) | undefined;
}

/** What was given beforehand. */
export function givenPassphrase({ file, environment = process.env }: PassphraseOptions): string | undefined {
  if (file !== undefined) return new PrivateFiles().readPrivate(file).replace(/\r?\n$/, '');
  return environment[PASSPHRASE_VARIABLE] || undefined;
}

/** Asks at most once, when it is first called, and remembers. */
export function passphraseSource(options: PassphraseOptions): PassphraseSource {
  let answer: Promise<Passphrase | undefined> | undefined;
  const find = async (): Promise<Passphrase | undefined> => {
    const text = givenPassphrase(options) ?? (await options.ask?.('Passphrase of the keys: '));
    return text === undefined ? undefined : new Passphrase(text);
  };
  return () => {
    answer ??= find();
    return answer;
  };
}

/** For new keys: given beforehand, or asked for twice where `choose` says so. undefined: the keys are not encrypted. */
export async function chosenPassphrase(
  options: PassphraseOptions & { readonly choose: boolean },
): Promise<Passphrase | undefined> {
  const given = givenPassphrase(options);
  if (given !== undefined) return newPassphrase(given);
  if (!options.choose) return undefined;
  if (options.ask === undefined) {
    throw new IdentityError(
      'passphrase_needed',
      `passphrase: expected a terminal to ask at, got none: set ${PASSPHRASE_VARIABLE}, or give --passphrase-file`,
    );
  }
  const first = newPassphrase(await options.ask('Passphrase for the new keys: '));
  const again = new Passphrase(await options.ask('The same again: '));
  const same = Buffer.compare(first.bytes, again.bytes) === 0;
  again.wipe();
  if (same) return first;
  first.wipe();
  throw new IdentityError('wrong_passphrase', 'passphrase: expected the same twice, got two');
}

/** A terminal's line without echo; undefined where there is no terminal. */
export function terminalAsk(
  input: ReadStream = process.stdin,
  output: WriteStream = process.stderr,
): ((prompt: string) => Promise<string>) | undefined {
  if (input.isTTY !== true || output.isTTY !== true) return undefined;
  return (prompt) => askHidden(input, output, prompt);
}

function askHidden(input: ReadStream, output: WriteStream, prompt: string): Promise<string> {
  output.write(prompt);
  input.setRawMode(true);
  input.setEncoding('utf8');
  input.resume();
  return new Promise((resolve, reject) => {
    let line = '';
    const end = (settle: () => void): void => {
      input.off('data', take);
      input.off('end', cancel);
      input.setRawMode(false);
      input.pause();
      output.write('\n');
      settle();
    };
    const cancel = (): void =>
      end(() =>
        reject(new IdentityError('passphrase_needed', 'passphrase: expected one, got the end of the input')),
      );
    const take = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n') {
          end(() => resolve(line));
          return;
        }
        // Ctrl-C, Ctrl-D: raw mode does not make signals of them.
        if (character === '\u0003' || character === '\u0004') {
          cancel();
          return;
        }
        if (character === '\u0008' || character === '\u007f') line = [...line].slice(0, -1).join('');
        else if (character >= ' ' && line.length < LINE_CHARACTERS_MAX) line += character;
      }
    };
    input.on('data', take);
    input.on('end', cancel);
  });
}
