// The directory, from a file or over HTTP. It does not matter who hands it out: the root key has signed it.
import { readFile, stat } from 'node:fs/promises';
import { parseDirectoryFile } from '../../identity/directory-file.ts';
import { IdentityError } from '../../identity/errors.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import { WalletError } from '../core/errors.ts';

const BYTES_MAX = 256 * 1024;
const TIMEOUT_MS = 10_000;

/**
 * @param source path of `directory.json`, or an http or https URL of it
 * @param rootFingerprint of the root key that is trusted, `SHA256:…`
 * @returns what `Wallet.create` and `Wallet.replaceDirectory` take
 * @throws WalletError directory_invalid, unreachable
 */
export async function readDirectory(source: string, rootFingerprint: string): Promise<Uint8Array> {
  const text = /^https?:\/\//i.test(source) ? await fetched(source) : await readWhole(source);
  try {
    return parseDirectoryFile(text, rootFingerprint, systemCrypto, source).bytes();
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new WalletError('directory_invalid', error.message, { cause: error });
  }
}

async function readWhole(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > BYTES_MAX) throw tooLong(path, size);
  return readFile(path, 'utf8');
}

async function fetched(url: string): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`expected status 200, got ${response.status}`);
    for await (const piece of response.body ?? []) {
      size += piece.length;
      if (size > BYTES_MAX) break;
      pieces.push(Buffer.from(piece));
    }
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new WalletError('unreachable', `${url}: expected a directory, got none: ${why}`, { cause: error });
  }
  if (size > BYTES_MAX) throw tooLong(url, size);
  return Buffer.concat(pieces).toString('utf8');
}

const tooLong = (source: string, size: number): WalletError =>
  new WalletError('directory_invalid', `${source}: expected at most ${BYTES_MAX} bytes, got ${size}`);
