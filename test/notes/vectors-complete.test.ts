// No file of vectors of Cashu lies beside the project without a test of its NUT.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { nutFiles } from './nuts.ts';

nutFiles((files) => {
  const tests = readdirSync(import.meta.dirname).filter((name) => /^nut-\d+\.test\.ts$/.test(name));
  const sources = tests.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  const unread = files.filter(
    (file) => !sources.some((source) => source.includes(`'${file.replace('tests/', '')}'`)),
  );
  expect(unread).toEqual([]);
});
