// Notes are held in browsers too: nothing of src/notes leads to Node, and to no package but these.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const FOLDER = resolve(import.meta.dirname, '../../src/notes');
const PACKAGES = /^(@noble\/(curves|hashes)|@scure\/(base|bip32|bip39)|cborg)(\/|$)/;

function outside(file: string, seen: Set<string>): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\(|import)\s*'([^']+)'/g)].flatMap(([, name]) => {
    if (name!.startsWith('.')) return outside(resolve(dirname(file), name!), seen);
    return PACKAGES.test(name!) ? [] : [`${file} imports ${name}`];
  });
}

test('src/notes', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(20);
  const seen = new Set<string>();
  expect(files.flatMap((name) => outside(join(FOLDER, name), seen))).toEqual([]);
});
