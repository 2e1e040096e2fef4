// A mint's proof that it signed with the key that it published (NUT-12), checked by who holds the notes: no need to ask
// the mint whether they are its own. Whether they were spent, only the mint knows.
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import { NotesError } from './errors.ts';
import type { PublicKeyset } from './keyset.ts';
import { type Note, secretBytes } from './note.ts';
import { isScalar } from './point.ts';

export interface CheckNotesOptions {
  /** Whether a note without a proof is refused. A proof that is there is always checked. */
  readonly isProofRequired?: boolean;
}

/** @throws NotesError naming the first note, by its place, whose proof is wrong or missing */
export function checkNotes(
  notes: readonly Note[],
  keysets: ReadonlyMap<string, PublicKeyset>,
  crypto: Pick<NoteCrypto, 'verifyNoteDleq'>,
  { isProofRequired = true }: CheckNotesOptions = {},
): void {
  const items = notes.flatMap((note, i) => {
    const publicKey = keysets.get(note.keysetId)?.keys.get(note.amount);
    if (publicKey === undefined) {
      throw new NotesError(
        'unknown_keyset',
        `notes[${i}]: expected a keyset that is known and has its amount`,
      );
    }
    const { dleq, secret, signature } = note;
    if (dleq === undefined) {
      if (isProofRequired)
        throw new NotesError('bad_signature', `notes[${i}]: expected a proof of the signature, got none`);
      return [];
    }
    const { e, s, r } = dleq;
    if (![e, s, r].every(isScalar)) {
      throw new NotesError(
        'bad_signature',
        `notes[${i}]: expected a proof of three scalars, got other bytes`,
      );
    }
    const item = { message: secretBytes(secret), signature, publicKey, blindingFactor: r, dleq: { e, s } };
    return [{ i, item }];
  });
  const isRight = crypto.verifyNoteDleq(items.map(({ item }) => item));
  const wrong = items.find((_, place) => !isRight[place]);
  if (wrong !== undefined) {
    throw new NotesError('bad_signature', `notes[${wrong.i}]: expected the mint's signature, got another`);
  }
}
