// Ids given to a command: as arguments, or one a line in a file.
import { readFile } from 'node:fs/promises';
import { CommandError } from './exit-codes.ts';
import { FieldError, parseId } from './files/fields.ts';

/** @throws CommandError that names the argument or the line. */
export async function idsFrom(args: readonly string[], file: string | undefined): Promise<bigint[]> {
  const ids = args.map((text) => readId(text, 'id'));
  if (file === undefined) return ids;
  const text = file === '-' ? await standardInput() : await readFile(file, 'utf8');
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    // A header as `specie generate` writes it, and whatever follows the first column, are passed over.
    const first = trimmed.split(',', 1)[0]!;
    if (first !== '' && !(i === 0 && first === 'id')) ids.push(readId(first, `${file}, line ${i + 1}`));
  }
  return ids;
}

function readId(text: string, where: string): bigint {
  try {
    return parseId(text);
  } catch (error) {
    if (error instanceof FieldError) throw new CommandError(`${where}: ${error.message}`);
    throw error;
  }
}

async function standardInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Parts of at most `size`. */
export function* parts<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}
