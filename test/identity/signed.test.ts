import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { DomainTag, signedKind, tagged } from '../../src/identity/signed.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { struct, u32 } from '../../src/shared/codec.ts';
import { root, rootKeys } from './support.ts';

const sources = resolve(import.meta.dirname, '../../src');

test('no domain tag of the project is the beginning of another', () => {
  const tags = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [...readFileSync(join(sources, file), 'utf8').matchAll(/'(specie [a-z ]+ v\d+)\\0'/g)].map(
        (match) => match[1]!,
      ),
    );
  expect(tags.length).toBeGreaterThanOrEqual(Object.keys(DomainTag).length);
  expect(new Set(tags).size).toBe(tags.length);
  for (const tag of Object.values(DomainTag)) expect(tags).toContain(tag.slice(0, -1));
});

test('a signature under one tag is none under another', () => {
  const codec = struct({ value: u32 });
  const one = signedKind('specie test one v1\0', codec);
  const other = signedKind('specie test other v1\0', codec);
  const signed = one.sign({ value: 7 }, root);
  expect(one.verify(signed, rootKeys.publicKey, systemCrypto)).toBe(true);
  expect(other.verify(signed, rootKeys.publicKey, systemCrypto)).toBe(false);
  expect(one.verify({ ...signed, document: { value: 8 } }, rootKeys.publicKey, systemCrypto)).toBe(false);
});

test('what is signed is the tag and the bytes', () => {
  const { signedBytes } = signedKind('specie test one v1\0', struct({ value: u32 }));
  expect(new TextDecoder().decode(signedBytes({ value: 0x41424344 }))).toBe('specie test one v1\0DCBA');
});

test.each(['no end', 'two\0 ends\0', '\0begins\0'])('a tag such as %j is refused', (tag) => {
  expect(() => tagged(tag, new Uint8Array())).toThrow('expected a domain tag');
});
