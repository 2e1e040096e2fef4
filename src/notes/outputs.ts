// The holder's side of getting notes: secrets are blinded and sent, what comes back is checked and unblinded (NUT-00, NUT-03,
// NUT-04, NUT-08, NUT-09, NUT-12).
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import { NotesError } from './errors.ts';
import { toHex } from './hex.ts';
import type { PublicKeyset } from './keyset.ts';
import { OUTPUTS_MAX } from './limits.ts';
import { type BlindedMessage, type BlindSignature, type Note, secretBytes } from './note.ts';
import { isScalar } from './point.ts';
import type { NoteSecret } from './secrets.ts';

/** A note on its way: what goes to the mint, and what the holder keeps to make the note of the answer. */
export interface Output extends NoteSecret {
  readonly message: BlindedMessage;
}

/** One for each amount, in that order. For change whose amount the mint decides the amounts are 0 (NUT-08). */
export function makeOutputs(
  amounts: readonly bigint[],
  keysetId: string,
  secrets: readonly NoteSecret[],
  crypto: Pick<NoteCrypto, 'blind'>,
): Output[] {
  if (amounts.length !== secrets.length)
    throw new RangeError(`secrets: expected ${amounts.length}, got ${secrets.length}`);
  if (amounts.length > OUTPUTS_MAX)
    throw new NotesError('too_large', `outputs: expected at most ${OUTPUTS_MAX}, got ${amounts.length}`);
  const points = crypto.blind(
    secrets.map(({ secret, blindingFactor }) => ({ message: secretBytes(secret), blindingFactor })),
  );
  return secrets.map(({ secret, blindingFactor }, i) => ({
    secret,
    blindingFactor,
    message: { amount: amounts[i]!, keysetId, blinded: points[i]! },
  }));
}

export interface UnblindOptions {
  /**
   * `asked`: each signature is for the amount of its output, and there is one for each. `given`: the mint says the
   * amounts, and may have signed only the first outputs: change (NUT-08).
   */
  readonly amounts?: 'asked' | 'given';
  /** Whether a signature without a proof is refused. A proof that is there is always checked. */
  readonly isProofRequired?: boolean;
}

/**
 * The notes of a mint's answer. Everything is checked before any note is made: number, order, keyset, amounts, proofs.
 * @throws NotesError naming the place of what is wrong
 */
export function unblindAll(
  outputs: readonly Output[],
  signatures: readonly BlindSignature[],
  keyset: Pick<PublicKeyset, 'id' | 'keys'>,
  crypto: Pick<NoteCrypto, 'unblind' | 'verifyDleq'>,
  { amounts = 'asked', isProofRequired = true }: UnblindOptions = {},
): Note[] {
  const isCountRight =
    amounts === 'asked' ? signatures.length === outputs.length : signatures.length <= outputs.length;
  if (!isCountRight) {
    throw new NotesError(
      'wrong_answer',
      `signatures: expected ${amounts === 'asked' ? '' : 'at most '}${outputs.length}, got ${signatures.length}`,
    );
  }
  const items = signatures.map((signature, i) => {
    const output = outputs[i]!;
    const { message } = output;
    if (signature.keysetId !== keyset.id || message.keysetId !== keyset.id) {
      throw new NotesError('wrong_answer', `signatures[${i}]: expected keyset ${keyset.id}, got another`);
    }
    if (amounts === 'asked' && signature.amount !== message.amount) {
      throw new NotesError(
        'wrong_answer',
        `signatures[${i}]: expected amount ${message.amount}, got ${signature.amount}`,
      );
    }
    const publicKey = keyset.keys.get(signature.amount);
    if (publicKey === undefined) {
      throw new NotesError('wrong_answer', `signatures[${i}]: expected an amount of the keyset, got another`);
    }
    if (signature.dleq === undefined && isProofRequired) {
      throw new NotesError('wrong_answer', `signatures[${i}]: expected a proof of the signature, got none`);
    }
    if (signature.dleq !== undefined && !(isScalar(signature.dleq.e) && isScalar(signature.dleq.s))) {
      throw new NotesError(
        'bad_signature',
        `signatures[${i}]: expected a proof of two scalars, got other bytes`,
      );
    }
    return { output, signature, publicKey };
  });
  const proven = items.flatMap(({ output, signature: { signature, dleq }, publicKey }, i) =>
    dleq === undefined ? [] : [{ i, item: { blinded: output.message.blinded, signature, publicKey, dleq } }],
  );
  const isRight = crypto.verifyDleq(proven.map(({ item }) => item));
  const wrong = proven.find((_, place) => !isRight[place]);
  if (wrong !== undefined) {
    throw new NotesError(
      'bad_signature',
      `signatures[${wrong.i}]: expected one by the keyset's key, got another`,
    );
  }
  const points = crypto.unblind(
    items.map(({ output, signature, publicKey }) => ({
      signature: signature.signature,
      blindingFactor: output.blindingFactor,
      publicKey,
    })),
  );
  return items.map(({ output, signature: { amount, dleq } }, i) => {
    const signature = points[i];
    if (signature === undefined) {
      throw new NotesError('bad_signature', `signatures[${i}]: expected a point, got other bytes`);
    }
    return {
      amount,
      keysetId: keyset.id,
      secret: output.secret,
      signature,
      ...(dleq === undefined ? {} : { dleq: { e: dleq.e, s: dleq.s, r: output.blindingFactor } }),
    };
  });
}

/** What a mint that restores answers (NUT-09): of the messages asked for, those that it has signed. */
export interface Restored {
  readonly outputs: readonly BlindedMessage[];
  readonly signatures: readonly BlindSignature[];
}

/** The notes of a mint's answer to a restore, with the place of each among the outputs asked for. @throws NotesError */
export function unblindRestored(
  outputs: readonly Output[],
  restored: Restored,
  keyset: Pick<PublicKeyset, 'id' | 'keys'>,
  crypto: Pick<NoteCrypto, 'unblind' | 'verifyDleq'>,
  options: Pick<UnblindOptions, 'isProofRequired'> = {},
): { readonly place: number; readonly note: Note }[] {
  if (restored.outputs.length !== restored.signatures.length) {
    throw new NotesError(
      'wrong_answer',
      `signatures: expected ${restored.outputs.length}, got ${restored.signatures.length}`,
    );
  }
  const places = new Map(outputs.map(({ message }, place) => [toHex(message.blinded), place]));
  const found = restored.outputs.map(({ blinded }, i) => {
    const point = toHex(blinded);
    const place = places.get(point);
    // Each is taken once: two signatures of one message would be one note twice.
    if (place === undefined || !places.delete(point)) {
      throw new NotesError('wrong_answer', `outputs[${i}]: expected one that was asked for, got another`);
    }
    return place;
  });
  const asked = found.map((place) => outputs[place]!);
  const notes = unblindAll(asked, restored.signatures, keyset, crypto, { ...options, amounts: 'given' });
  return notes.map((note, i) => ({ place: found[i]!, note }));
}
