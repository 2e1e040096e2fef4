// What a note is (NUT-00, NUT-12), and what goes between holder and mint to make one.
//
//     holder                                    mint
//     secret ─▶ Y, blinded by r ─▶ BlindedMessage ──▶
//     Note ◀─ unblinded by r ◀──── BlindSignature ◀── signed with the key of the amount
//
// Cashu calls them Proof, BlindedMessage and BlindSignature.
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import { NotesError } from './errors.ts';
import { AMOUNT_MAX } from './limits.ts';

/** NUT-12, from the mint to who asked for the signature. */
export interface SignatureDleq {
  readonly e: Uint8Array;
  readonly s: Uint8Array;
}

/** NUT-12, from one holder to the next. With `r` the mint would recognise the note: it never goes there. */
export interface NoteDleq extends SignatureDleq {
  /** The blinding factor. */
  readonly r: Uint8Array;
}

export interface Note {
  readonly amount: bigint;
  /** Hex, 8 bytes (version 1) or 33 (version 2). */
  readonly keysetId: string;
  /** Who knows it can spend the note. */
  readonly secret: string;
  /** C, 33 bytes. */
  readonly signature: Uint8Array;
  readonly dleq?: NoteDleq;
  /** What meets the spending condition that the secret states (NUT-10): JSON. */
  readonly witness?: string;
  /** E of NUT-28: the keys of the condition are blinded for a holder who can tell them by it. 33 bytes. */
  readonly ephemeralKey?: Uint8Array;
}

export interface BlindedMessage {
  readonly amount: bigint;
  readonly keysetId: string;
  /** B', 33 bytes. */
  readonly blinded: Uint8Array;
  readonly witness?: string;
}

export interface BlindSignature {
  readonly amount: bigint;
  readonly keysetId: string;
  /** C', 33 bytes. */
  readonly signature: Uint8Array;
  readonly dleq?: SignatureDleq;
}

/** What notes, or messages for notes, are worth together. @throws NotesError beyond 2^64 - 1 */
export function sumOf(notes: readonly { readonly amount: bigint }[]): bigint {
  let sum = 0n;
  for (const { amount } of notes) sum += amount;
  if (sum > AMOUNT_MAX)
    throw new NotesError('too_large', 'notes: expected a sum of at most 2^64-1, got more');
  return sum;
}

const utf8 = new TextEncoder();

/** What is hashed to the curve. */
export const secretBytes = (secret: string): Uint8Array => utf8.encode(secret);

/** Y of a note: by which a mint knows it for spent (NUT-07). 33 bytes. */
export function noteId(note: Pick<Note, 'secret'>, crypto: Pick<NoteCrypto, 'hashToCurve'>): Uint8Array {
  return noteIds([note], crypto)[0]!;
}

export function noteIds(
  notes: readonly Pick<Note, 'secret'>[],
  crypto: Pick<NoteCrypto, 'hashToCurve'>,
): Uint8Array[] {
  return crypto.hashToCurve(notes.map(({ secret }) => secretBytes(secret)));
}

/** As it may go to a mint: without the proof, whose blinding factor gives the holder away. */
export function withoutDleq(note: Note): Note {
  const { dleq: _, ...rest } = note;
  return rest;
}
