// The wallet's core runs in browsers, so what it takes from here must not lead to Node or to a package.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, test } from 'vitest';

const folder = resolve(import.meta.dirname, '../../src/identity');

function outside(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\(|import)\s*'([^']+)'/g)].flatMap(([, name]) =>
    name!.startsWith('.') ? outside(resolve(dirname(file), name!), seen) : [`${file} imports ${name}`],
  );
}

test.each([
  'device-certificate',
  'shop-certificate',
  'directory',
  'key-set',
  'client-identity',
  'server-identity',
  'shop-server-identity',
])('%s', (file) => {
  expect(outside(resolve(folder, `${file}.ts`))).toEqual([]);
});

test('this test would see it', () => {
  expect(outside(resolve(folder, 'new-key-set.ts')).length).toBeGreaterThan(0);
});
