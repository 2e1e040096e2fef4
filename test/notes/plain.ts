// Notes with hex for bytes, for comparing and for messages that can be read.
import type { Note } from '../../src/notes/note.ts';
import type { Token } from '../../src/notes/token.ts';
import { toHex } from '../crypto/vectors.ts';

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
};

export const plainNote = (note: Note): unknown => plain(note);

export const plainToken = (token: Token): unknown => ({ ...token, notes: token.notes.map(plainNote) });
