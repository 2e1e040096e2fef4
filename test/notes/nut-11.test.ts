// NUT-11 and NUT-14: who may spend locked notes.
import { expect } from 'vitest';
import { sha256 } from '../../src/crypto/sha256.ts';
import { checkConditions, requestMessage, type SpendingRequest } from '../../src/notes/conditions/check.ts';
import { NotesError } from '../../src/notes/errors.ts';
import { inputField } from '../../src/notes/json/notes.ts';
import { meltRequest } from '../../src/notes/json/quotes.ts';
import { swapRequest } from '../../src/notes/json/swap.ts';
import { parseJson } from '../../src/notes/json/value.ts';
import { toHex } from '../crypto/vectors.ts';
import { type Blocks, nutTests } from './nuts.ts';

/** Behind the locktimes of the vectors that are over, and before those that are to come. */
const NOW = 1_790_000_000n;

const ofNote = (blocks: Blocks, place: number): SpendingRequest => ({
  inputs: [inputField.read(parseJson(blocks.text(place)), 'note')],
});

const ofRequest = (blocks: Blocks, place: number): SpendingRequest =>
  place >= 18 ? meltRequest.decode(blocks.text(place)) : swapRequest.decode(blocks.text(place));

type Read = (blocks: Blocks, place: number) => SpendingRequest;

const valid = (place: number, read: Read = ofRequest) => ({
  blocks: [place],
  run: (blocks: Blocks) => expect(() => checkConditions(read(blocks, place), NOW)).not.toThrow(),
});

const invalid = (place: number, read: Read = ofRequest) => ({
  blocks: [place],
  run(blocks: Blocks) {
    try {
      checkConditions(read(blocks, place), NOW);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(NotesError);
      expect((error as NotesError).code).toBe('condition');
    }
  },
});

/** What is signed, and its hash, which stands before the block behind it. */
const message = (request: number, text: number, next: number) => ({
  blocks: [request, text],
  run(blocks: Blocks) {
    const signed = requestMessage(ofRequest(blocks, request));
    expect(signed).toBe(blocks.text(text));
    const hash = /should look like this: `([0-9a-f]{64})`/.exec(blocks.at(next).prose)![1];
    expect(toHex(sha256(new TextEncoder().encode(signed)))).toBe(hash);
    checkConditions(ofRequest(blocks, request), NOW);
  },
});

nutTests('11-test.md', {
  'a note without witness': invalid(0, ofNote),
  'two of three keys': valid(1, ofNote),
  'one refund key': valid(2, ofNote),
  'a signature': valid(3, ofNote),
  'a signature of another secret': invalid(4, ofNote),
  'two signatures of two': valid(5, ofNote),
  'one signature of two': invalid(6, ofNote),
  'a refund key after the locktime': valid(7, ofNote),
  'a refund key before the locktime': invalid(8, ofNote),
  'the message of a swap': message(9, 10, 11),
  SIG_ALL: valid(11),
  'SIG_ALL of different conditions': invalid(12),
  'SIG_ALL of several keys': valid(13),
  'SIG_ALL of refund keys': valid(14),
  'SIG_ALL of a hash and a key': valid(15),
  'SIG_ALL of a refund key before the locktime': invalid(16),
  'SIG_ALL of a hash, by its refund keys': valid(17),
  'the message of a melt': message(18, 19, 20),
  'SIG_ALL of a melt': valid(20),
  'SIG_ALL of a melt, by several keys': valid(21),
});
