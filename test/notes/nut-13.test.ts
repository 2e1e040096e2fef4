// NUT-13: secrets from a seed phrase.
import { expect, test } from 'vitest';
import { NotesError } from '../../src/notes/errors.ts';
import {
  DeterministicSecrets,
  keysetPathNumber,
  newSeedPhrase,
  seedOfPhrase,
} from '../../src/notes/secrets.ts';
import { toHex } from '../crypto/vectors.ts';
import { type Blocks, nutTests } from './nuts.ts';

const inOrder = (values: Record<string, string>): string[] =>
  [0, 1, 2, 3, 4].map((i) => Object.values(values)[i]!);

const compared = (phrase: number, secrets: number, factors: number, id: (blocks: Blocks) => string) => ({
  blocks: [phrase, secrets, factors],
  run(blocks: Blocks) {
    const { mnemonic } = blocks.json<{ mnemonic: string }>(phrase);
    const source = DeterministicSecrets.fromPhrase(mnemonic);
    const derived = source.derive(id(blocks), 0, 5);
    expect(derived.map(({ secret }) => secret)).toEqual(inOrder(blocks.json(secrets)));
    expect(derived.map(({ blindingFactor }) => toHex(blindingFactor))).toEqual(inOrder(blocks.json(factors)));
    expect(source.derive(id(blocks), 3, 2)).toEqual(derived.slice(3));
  },
});

nutTests('13-tests.md', {
  'the number of a keyset, and the path': {
    blocks: [0, 4],
    run(blocks) {
      const vector = blocks.json<{ keyset_id: string; keyest_id_int: number; derivation_path: string }>(0);
      const number = keysetPathNumber(vector.keyset_id);
      expect(number).toBe(vector.keyest_id_int);
      expect(vector.derivation_path).toBe(`m/129372'/0'/${number}'/{counter}'`);
      // That these paths are taken, the secrets show.
      expect(inOrder(blocks.json(4))).toEqual([0, 1, 2, 3, 4].map((i) => `m/129372'/0'/${number}'/${i}'`));
    },
  },
  'version 1': compared(1, 2, 3, (blocks) => blocks.json<{ keyset_id: string }>(0).keyset_id),
  'version 2': compared(5, 6, 7, (blocks) => /ID `(01[0-9a-f]{64})`/.exec(blocks.at(5).prose)![1]!),
});

test('a phrase is twelve words with a checksum, and is in no message', () => {
  const phrase = newSeedPhrase();
  expect(phrase.split(' ').length).toBe(12);
  expect(seedOfPhrase(`  ${phrase.toUpperCase()} `)).toEqual(seedOfPhrase(phrase));
  const [first, ...others] = phrase.split(' ');
  for (const wrong of ['', 'abandon', others.join(' '), `zzz ${others.join(' ')}`, `${phrase} ${first}`]) {
    try {
      seedOfPhrase(wrong);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(NotesError);
      expect((error as NotesError).code).toBe('seed_phrase');
      for (const word of others) expect((error as NotesError).message.split(/\W+/)).not.toContain(word);
    }
  }
});

test('counters and keysets have bounds', () => {
  const source = new DeterministicSecrets(new Uint8Array(64).fill(1));
  expect(() => source.derive('00456a94ab4e1c46', -1, 1)).toThrow(RangeError);
  expect(() => source.derive('00456a94ab4e1c46', 0x7fff_ffff, 2)).toThrow(RangeError);
  expect(() => source.derive('00456a94ab4e1c46', 0, 1001)).toThrow(RangeError);
  expect(() => source.derive('02456a94ab4e1c46', 0, 1)).toThrow(NotesError);
});
