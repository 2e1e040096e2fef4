// The holder's side: meeting the conditions of the notes that it spends (NUT-11, NUT-14).
import { NotesError } from '../errors.ts';
import { toHex } from '../hex.ts';
import type { Note } from '../note.ts';
import { type RandomBytes, systemRandomBytes } from '../random.ts';
import { publicKeyOf, signMessage } from '../schnorr.ts';
import { requestMessage, type SpendingRequest } from './check.ts';
import { type Condition, conditionOf } from './condition.ts';
import { readWitness, type Witness, writeWitness } from './witness.ts';

export interface SigningKeys {
  /** 32 bytes each; those that a note's condition does not name are not used for it. */
  readonly secretKeys: readonly Uint8Array[];
  /** Preimage of the hash of conditions with one, 32 bytes. */
  readonly preimage?: Uint8Array;
}

const xOf = (publicKey: Uint8Array): string => toHex(publicKey.subarray(1));

/**
 * The same inputs with witnesses by these keys, beside what signatures there were. Of a request under SIG_ALL the first
 * input's; for it the request must be as it will be sent.
 * @throws NotesError where no key fits a condition
 */
export function signInputs(
  request: Omit<SpendingRequest, 'inputs'> & { readonly inputs: readonly Note[] },
  keys: SigningKeys,
  randomBytes: RandomBytes = systemRandomBytes,
): Note[] {
  const { inputs } = request;
  const conditions = inputs.map(({ secret }) => conditionOf(secret));
  const isWhole = conditions.some((condition) => condition?.flag === 'SIG_ALL');
  return inputs.map((note, place) => {
    const condition = conditions[place];
    if (condition === undefined || (isWhole && place > 0)) return note;
    const message = isWhole ? requestMessage(request) : note.secret;
    return { ...note, witness: writeWitness(signed(condition, note, message, keys, place, randomBytes)) };
  });
}

function signed(
  { publicKeys, refundKeys, hash }: Condition,
  { witness }: Note,
  message: string,
  { secretKeys, preimage }: SigningKeys,
  place: number,
  randomBytes: RandomBytes,
): Witness {
  const before = readWitness(witness);
  const named = new Set([...publicKeys, ...refundKeys].map(xOf));
  const fitting = secretKeys.filter((key) => named.has(xOf(publicKeyOf(key))));
  const isKeyNeeded = named.size > 0;
  if (isKeyNeeded && fitting.length === 0)
    throw new NotesError('condition', `inputs[${place}]: expected a key that its condition names, got none`);
  const shown = hash === undefined ? undefined : ((preimage && toHex(preimage)) ?? before.preimage);
  return {
    signatures: [...before.signatures, ...fitting.map((key) => signMessage(message, key, randomBytes))],
    ...(shown === undefined ? {} : { preimage: shown }),
  };
}
