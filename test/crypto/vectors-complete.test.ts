// No file of vectors lies beside the project unread: each is named by a test of its primitive.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const VECTORS_FOLDER = resolve(
  process.env.SPECIE_VECTORS ?? join(import.meta.dirname, '../../../shared/vectors'),
);

/** What holds vectors of the primitives; other folders belong to other parts of the project. */
const FOLDERS = ['aead', 'ed25519', 'hpke', 'noise', 'rfc', 'wycheproof'];

/** Files of primitives that are not offered: a test may only show that they are refused. */
const NOT_OFFERED: Readonly<Record<string, string>> = {
  'aead/stablelib_xchacha20poly1305.json':
    'XChaCha20-Poly1305 is not offered: nonces of 24 bytes are refused',
};

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const vectorFiles = (): string[] =>
  FOLDERS.flatMap((folder) => filesIn(resolve(VECTORS_FOLDER, folder)))
    .map((path) => path.slice(VECTORS_FOLDER.length + 1))
    .filter((path) => path.endsWith('.json'));

/** The tests that read vectors, without this one. */
const readers = (): string[] =>
  filesIn(import.meta.dirname)
    .filter((path) => path.endsWith('.test.ts') && basename(path) !== basename(import.meta.filename))
    .map((path) => readFileSync(path, 'utf8'))
    .filter((source) => /\bvectorTest\b/.test(source));

/**
 * Whether a string of `source` is this file: written out, or as a template whose gaps are strings of the same source
 * (`wycheproof/hmac_${name}_test.json` where 'sha256' stands somewhere).
 */
function names(source: string, file: string): boolean {
  for (const [, quoted = ''] of source.matchAll(/['"`]([\w./${}-]*\.?[\w}]+)['"`]/g)) {
    if (quoted === file) return true;
    if (!quoted.includes('/') || !quoted.includes('${')) continue;
    const parts = quoted.split(/\$\{\w+\}/).map((part) => part.replaceAll('.', '\\.'));
    const gaps = new RegExp(`^${parts.join('([\\w.-]+)')}$`).exec(file)?.slice(1);
    if (gaps?.every((gap) => source.includes(`'${gap}'`))) return true;
  }
  return false;
}

if (!existsSync(VECTORS_FOLDER)) {
  test.skip(`vectors are all read: skipped, ${VECTORS_FOLDER} is not beside the project`, () => {});
} else {
  test('every file of vectors is read by a test', () => {
    const sources = readers();
    const unread = vectorFiles().filter((file) => !sources.some((source) => names(source, file)));
    expect(unread.filter((file) => !(file in NOT_OFFERED))).toEqual([]);
  });

  test('what is not offered is still there', () => {
    const files = vectorFiles();
    for (const [file, reason] of Object.entries(NOT_OFFERED)) expect(files, reason).toContain(file);
  });

  test('files that nobody names are found', () => {
    expect(names("vectorTest('a', 'rfc/other.json')", 'rfc/ed25519.json')).toBe(false);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands in a source
    expect(names("vectorTest('a', `rfc/${file}`); run('other.json')", 'rfc/ed25519.json')).toBe(false);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands in a source
    expect(names("vectorTest('a', `rfc/${file}`); run('ed25519.json')", 'rfc/ed25519.json')).toBe(true);
  });
}
