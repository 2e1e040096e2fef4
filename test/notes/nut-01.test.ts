// NUT-01: which keys are keys.
import { expect } from 'vitest';
import { NotesError } from '../../src/notes/errors.ts';
import { keysAnswer } from '../../src/notes/json/keys.ts';
import { checkKeys } from '../../src/notes/keyset.ts';
import { type Blocks, nutTests } from './nuts.ts';

/** As a mint answers. */
const read = (blocks: Blocks, place: number) =>
  keysAnswer.decode(`{"keysets":[{"id":"00456a94ab4e1c46","unit":"sat","keys":${blocks.text(place)}}]}`)
    .keysets[0]!.keys;

nutTests('01-tests.md', {
  'a key that lacks a byte': {
    blocks: [0],
    run: (blocks) => expect(() => read(blocks, 0)).toThrow(NotesError),
  },
  'a key that is not compressed': {
    blocks: [1],
    run: (blocks) => expect(() => read(blocks, 1)).toThrow(NotesError),
  },
  'four keys': {
    blocks: [2],
    run: (blocks) => expect([...read(blocks, 2).keys()]).toEqual([1n, 2n, 4n, 8n]),
  },
  'keys up to 2^63': {
    blocks: [3],
    run(blocks) {
      const keys = read(blocks, 3);
      checkKeys(keys);
      expect(keys.size).toBe(64);
      expect([...keys.keys()].at(-1)).toBe(9223372036854775808n);
    },
  },
});
