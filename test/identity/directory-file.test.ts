import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { signDirectory } from '../../src/identity/directory.ts';
import { directoryFileText, parseDirectoryFile } from '../../src/identity/directory-file.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { content, directory, root, rootKeys } from './support.ts';

const text = directoryFileText(directory().signed);
const parse = (file: string) => parseDirectoryFile(file, rootKeys.publicKey, systemCrypto);

test('the file gives the bytes that were signed', () => {
  expect(parse(text).bytes()).toEqual(directory().bytes());
  expect(parse(JSON.stringify(JSON.parse(text)))).toMatchObject({ serial: 5n });
});

test('times that are not whole seconds, too', () => {
  const odd = content();
  const signed = signDirectory({ ...odd, createdAt: odd.createdAt + 123_456_789n }, root);
  const file = directoryFileText(signed);
  expect(file).toContain('2026-03-01T00:00:00.123456789Z');
  expect(parse(file).content.createdAt).toBe(odd.createdAt + 123_456_789n);
});

describe('each wrong field is named', () => {
  const set = (path: (string | number)[], value: unknown): string => {
    const file = JSON.parse(text) as Record<string, unknown>;
    let place: Record<string | number, unknown> = file;
    for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
    place[path.at(-1)!] = value;
    return JSON.stringify(file);
  };
  test.each<[(string | number)[], unknown, string]>([
    [['kind'], 'x', 'kind: expected "specie directory", got "x"'],
    [['version'], 2, 'version: expected 1, got 2'],
    [['serial'], '5', 'serial: expected a whole number from 0 to 9007199254740991, got "5"'],
    [['serial'], 1.5, 'serial: expected a whole number'],
    [['createdAt'], 'yesterday', 'createdAt: expected a time such as 2026-03-01T12:00:00Z, got "yesterday"'],
    [['createdAt'], null, 'createdAt: expected a time such as 2026-03-01T12:00:00Z, got null'],
    [['createdAt'], '2026-02-30T00:00:00Z', 'createdAt: expected a time'],
    [['rootKey'], 'ABCD', 'rootKey: expected 64 hex digits in lower case, got a text of 4 characters'],
    [['roles'], {}, 'roles: expected a list of at most 5, got an object'],
    [
      ['roles', 1, 'role'],
      'shop',
      'roles[1].role: expected one of management, cash, settlement, issuer, receiver, got "shop"',
    ],
    [['roles', 0, 'address'], '', 'roles[0].address: expected a text of 1 to 256 characters, got ""'],
    [
      ['roles', 0, 'keySets', 1, 'notAfter'],
      5,
      'roles[0].keySets[1].notAfter: expected a time such as 2026-03-01T12:00:00Z, or null for no end, got 5',
    ],
    [
      ['roles', 0, 'keySets', 1, 'sealing'],
      undefined,
      'roles[0].keySets[1].sealing: expected 64 hex digits in lower case, got nothing',
    ],
    [['roles', 0, 'keySets', 1, 'secret'], 'hidden', 'roles[0].keySets[1]: expected only number, signing'],
    [['operators', 0, 'name'], 5, 'operators[0].name: expected a text of 1 to 64 characters, got 5'],
    [['signature'], 'x', 'signature: expected 128 hex digits'],
    [['note'], 'x', 'expected only kind, version, serial'],
  ])('%j = %j', (path, value, message) => {
    let error: unknown;
    try {
      parse(set(path, value));
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining(message) });
    expect(String(error)).toContain('directory.json');
    expect(String(error)).not.toContain('hidden');
  });

  test.each([
    [['serial'], 6],
    [['createdAt'], '2026-03-01T00:00:01Z'],
    [['roles', 0, 'address'], 'ws://127.0.0.1:9/v1'],
    [['operators'], []],
    [['roles', 0, 'keySets', 0, 'notAfter'], null],
  ])('%j = %j is not what was signed', (path, value) => {
    expect(() => parse(set(path, value))).toThrow(expect.objectContaining({ name: 'IdentityError' }));
  });
});

property.prop([fc.nat({ max: text.length - 1 }), fc.constantFrom('0', '1', 'a', '"', '{', ' ')], {
  numRuns: 200,
})('with any character changed it says the same or nothing', (at, character) => {
  const changed = text.slice(0, at) + character + text.slice(at + 1);
  try {
    expect(parse(changed).bytes()).toEqual(directory().bytes());
  } catch (error) {
    expect(error).toMatchObject({ name: 'IdentityError' });
  }
});
