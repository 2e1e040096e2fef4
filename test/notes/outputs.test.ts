// The holder's side: what a mint answers is checked before a note is made of it.
import { describe, expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { checkNotes } from '../../src/notes/dleq.ts';
import { NotesError, type NotesErrorCode } from '../../src/notes/errors.ts';
import type { BlindSignature, Note } from '../../src/notes/note.ts';
import { noteId, withoutDleq } from '../../src/notes/note.ts';
import { makeOutputs, unblindAll, unblindRestored } from '../../src/notes/outputs.ts';
import { DeterministicSecrets, randomSecrets } from '../../src/notes/secrets.ts';
import { isValid, mintNotes, signAll, testKeyset } from './mint.ts';

const keyset = testKeyset();
const other = testKeyset(2, 8, 1);
const AMOUNTS = [1n, 2n, 8n];
const outputs = makeOutputs(AMOUNTS, keyset.public.id, randomSecrets(3), noteCrypto);
/** No point has x = 5. */
const NO_POINT = Uint8Array.from({ length: 33 }, (_, i) => (i === 0 ? 2 : i === 32 ? 5 : 0));

const messages = outputs.map(({ message }) => message);
const signatures = signAll(messages, keyset);

function refusal(run: () => unknown): NotesErrorCode {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    for (const { secret } of outputs) expect((error as Error).message).not.toContain(secret);
    return (error as NotesError).code;
  }
  throw new Error('expected a refusal');
}

const changed = (place: number, change: Partial<BlindSignature>): BlindSignature[] =>
  signatures.map((signature, i) => (i === place ? { ...signature, ...change } : signature));

const unblind = (answer: readonly BlindSignature[], options = {}): Note[] =>
  unblindAll(outputs, answer, keyset.public, noteCrypto, options);

test('notes of both versions of keysets are valid, and prove themselves to the next holder', () => {
  for (const version of [1, 2] as const) {
    const mine = testKeyset(version);
    const notes = mintNotes(AMOUNTS, mine);
    expect(notes.map(({ amount }) => amount)).toEqual(AMOUNTS);
    for (const note of notes) expect(isValid(note, mine)).toBe(true);
    checkNotes(notes, new Map([[mine.public.id, mine.public]]), noteCrypto);
    expect(noteId(notes[0]!, noteCrypto)).toHaveLength(33);
  }
});

describe('an answer is refused', () => {
  const withoutProof = signatures.map(({ dleq: _, ...signature }) => signature);
  const cases: Record<string, [NotesErrorCode, () => unknown]> = {
    'that is too short': ['wrong_answer', () => unblind(signatures.slice(1))],
    'that is too long': ['wrong_answer', () => unblind([...signatures, signatures[0]!])],
    'with another amount': ['wrong_answer', () => unblind(changed(0, { amount: 2n }))],
    'of another keyset': ['wrong_answer', () => unblind(changed(1, { keysetId: other.public.id }))],
    'without proofs': ['wrong_answer', () => unblind(withoutProof)],
    'in another order': ['wrong_answer', () => unblind([...signatures].reverse())],
    'with the signature of another output': [
      'bad_signature',
      () => unblind(changed(0, { signature: signatures[1]!.signature })),
    ],
    'signed with the key of another keyset': [
      'bad_signature',
      () => unblind(signAll(messages, other).map((each) => ({ ...each, keysetId: keyset.public.id }))),
    ],
    'with a proof of no scalars': [
      'bad_signature',
      () => unblind(changed(0, { dleq: { e: new Uint8Array(32), s: new Uint8Array(32).fill(255) } })),
    ],
    'whose signature is no point': [
      'bad_signature',
      () =>
        unblind(
          withoutProof.map((each) => ({ ...each, signature: NO_POINT })),
          { isProofRequired: false },
        ),
    ],
  };
  test.each(Object.entries(cases))('%s', (_, [code, run]) => expect(refusal(run)).toBe(code));

  test('and without proofs taken where none is required', () => {
    const notes = unblind(withoutProof, { isProofRequired: false });
    expect(notes.every((note) => note.dleq === undefined && isValid(note, keyset))).toBe(true);
  });
});

test('change: the mint says the amounts, and may use fewer outputs', () => {
  const blank = makeOutputs([0n, 0n, 0n], keyset.public.id, randomSecrets(3), noteCrypto);
  const answer = signAll(
    blank.slice(0, 2).map(({ message }, i) => ({ ...message, amount: [4n, 64n][i]! })),
    keyset,
  );
  const notes = unblindAll(blank, answer, keyset.public, noteCrypto, { amounts: 'given' });
  expect(notes.map(({ amount }) => amount)).toEqual([4n, 64n]);
  expect(notes.every((note) => isValid(note, keyset))).toBe(true);
});

test('a holder that has lost everything but its phrase finds its notes again', () => {
  const secrets = new DeterministicSecrets(new Uint8Array(64).fill(5));
  const minted = mintNotes(AMOUNTS, keyset, secrets.derive(keyset.public.id, 2, 3));

  const asked = makeOutputs(
    Array.from({ length: 10 }, () => 1n),
    keyset.public.id,
    secrets.derive(keyset.public.id, 0, 10),
    noteCrypto,
  );
  const found = asked.slice(2, 5).map(({ message }, i) => ({ ...message, amount: AMOUNTS[i]! }));
  const answer = { outputs: found, signatures: signAll(found, keyset) };
  const restored = unblindRestored(asked, answer, keyset.public, noteCrypto);
  expect(restored.map(({ place }) => place)).toEqual([2, 3, 4]);
  expect(restored.map(({ note }) => note)).toEqual(minted);

  const twice = { outputs: [found[0]!, found[0]!], signatures: signAll([found[0]!, found[0]!], keyset) };
  expect(refusal(() => unblindRestored(asked, twice, keyset.public, noteCrypto))).toBe('wrong_answer');
  const foreign = { outputs: [messages[0]!], signatures: [signatures[0]!] };
  expect(refusal(() => unblindRestored(asked, foreign, keyset.public, noteCrypto))).toBe('wrong_answer');
});

test('a note without proof, with another one, or of an unknown keyset is refused by the next holder', () => {
  const keysets = new Map([[keyset.public.id, keyset.public]]);
  const [first, second] = mintNotes([1n, 1n], keyset);
  expect(refusal(() => checkNotes([withoutDleq(first!)], keysets, noteCrypto))).toBe('bad_signature');
  checkNotes([withoutDleq(first!)], keysets, noteCrypto, { isProofRequired: false });
  const mixed = { ...first!, dleq: second!.dleq! };
  expect(refusal(() => checkNotes([second!, mixed], keysets, noteCrypto, { isProofRequired: false }))).toBe(
    'bad_signature',
  );
  const noScalar = { ...first!, dleq: { ...first!.dleq!, r: new Uint8Array(32) } };
  expect(refusal(() => checkNotes([noScalar], keysets, noteCrypto))).toBe('bad_signature');
  expect(refusal(() => checkNotes([first!], new Map(), noteCrypto))).toBe('unknown_keyset');
});
