// A mint of a few lines for the tests of the holder's side: signs what it is given, remembers nothing.
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { generateKeyset, type KeysetIdVersion, type SecretKeyset } from '../../src/notes/keyset.ts';
import type { BlindedMessage, BlindSignature, Note } from '../../src/notes/note.ts';
import { makeOutputs, unblindAll } from '../../src/notes/outputs.ts';
import { type NoteSecret, randomSecrets } from '../../src/notes/secrets.ts';

export const SEED = new Uint8Array(32).fill(42);

export const testKeyset = (version: KeysetIdVersion = 2, amounts = 8, number = 0): SecretKeyset =>
  generateKeyset({ seed: SEED, unit: 'eur', organisation: 'campus', number, amounts, version }, noteCrypto);

export function signAll(outputs: readonly BlindedMessage[], keyset: SecretKeyset): BlindSignature[] {
  const signed = noteCrypto.sign(
    outputs.map(({ blinded, amount }) => ({ blinded, secretKey: keyset.secretKey(amount)! })),
  );
  return outputs.map(({ amount, keysetId }, i) => ({ amount, keysetId, ...signed[i]! }));
}

export function mintNotes(
  amounts: readonly bigint[],
  keyset: SecretKeyset,
  secrets: readonly NoteSecret[] = randomSecrets(amounts.length),
): Note[] {
  const outputs = makeOutputs(amounts, keyset.public.id, secrets, noteCrypto);
  const signatures = signAll(
    outputs.map(({ message }) => message),
    keyset,
  );
  return unblindAll(outputs, signatures, keyset.public, noteCrypto);
}

export function isValid(note: Note, keyset: SecretKeyset): boolean {
  const secretKey = keyset.secretKey(note.amount);
  if (secretKey === undefined || note.keysetId !== keyset.public.id) return false;
  const message = new TextEncoder().encode(note.secret);
  return noteCrypto.verify([{ message, signature: note.signature, secretKey }])[0]!;
}
