// Test vectors are read where they are, beside the project; where they are absent, their tests are skipped with a message.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'vitest';

// Seen from the root of the project, or from a work tree elsewhere by SPECIE_VECTORS.
const FOLDER = process.env.SPECIE_VECTORS ?? resolve(import.meta.dirname, '../../../shared/vectors');

/** A test over one file of vectors, parsed from JSON. */
export function vectorTest<T>(
  name: string,
  file: string,
  run: (vectors: T) => void,
  timeoutMs = 120_000,
): void {
  const path = resolve(FOLDER, file);
  if (!existsSync(path)) {
    test.skip(`${name}: skipped, ${file} is not beside the project`, () => {});
    return;
  }
  test(`${name}: ${file}`, () => run(JSON.parse(readFileSync(path, 'utf8')) as T), timeoutMs);
}

export const hex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
