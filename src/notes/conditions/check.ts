// The mint's side: whether who spends notes may (NUT-10, NUT-11, NUT-14).
//
//                       SIG_INPUTS                              SIG_ALL
//     signed            each input's secret                     all inputs and outputs, and the quote of a melt
//     witness           of each input                           of the first input
//     inputs            may differ                              the same condition, whatever their nonces
import { sha256 } from '@noble/hashes/sha2.js';
import { NotesError } from '../errors.ts';
import { fromHex, toHex } from '../hex.ts';
import { CONDITION_CHECKS_MAX } from '../limits.ts';
import type { BlindedMessage, Note } from '../note.ts';
import { isSignatureOf } from '../schnorr.ts';
import { type Condition, conditionOf } from './condition.ts';
import { readWitness, type Witness } from './witness.ts';

/** What a request of notes holds beside them. */
export interface SpendingRequest {
  readonly inputs: readonly Pick<Note, 'secret' | 'signature' | 'witness'>[];
  readonly outputs?: readonly Pick<BlindedMessage, 'amount' | 'blinded'>[];
  /** Of a melt. */
  readonly quote?: string;
}

/** What is signed of a request under SIG_ALL, before it is hashed. */
export function requestMessage({ inputs, outputs = [], quote = '' }: SpendingRequest): string {
  let message = '';
  for (const { secret, signature } of inputs) message += secret + toHex(signature);
  for (const { amount, blinded } of outputs) message += amount.toString() + toHex(blinded);
  return message + quote;
}

const refused = (place: number, expected: string): NotesError =>
  new NotesError('condition', `inputs[${place}]: expected ${expected}`);

/** How many signatures one request has tried, and may. */
export class SignatureTries {
  count = 0;

  isSignature(signature: Uint8Array, message: string, publicKey: Uint8Array): boolean {
    if (this.count >= CONDITION_CHECKS_MAX) {
      throw new NotesError(
        'too_large',
        `witnesses: expected at most ${CONDITION_CHECKS_MAX} signatures to be tried`,
      );
    }
    this.count++;
    return isSignatureOf(signature, message, publicKey);
  }
}

/**
 * Whether every condition of the inputs is met. Stateless: nothing of it depends on the notes' being valid.
 * @param now Unix seconds
 * @param tries counts them
 * @throws NotesError naming the first input that may not be spent
 */
export function checkConditions(request: SpendingRequest, now: bigint, tries = new SignatureTries()): void {
  const { inputs } = request;
  const conditions = inputs.map(({ secret }, place) => {
    try {
      return conditionOf(secret);
    } catch (error) {
      if (error instanceof NotesError) throw new NotesError(error.code, `inputs[${place}]: ${error.message}`);
      throw error;
    }
  });
  if (conditions.some((condition) => condition?.flag === 'SIG_ALL')) {
    const [first] = conditions;
    conditions.forEach((condition, place) => {
      if (condition === undefined || first === undefined || !isSame(condition, first))
        throw refused(place, 'the same condition as of the first input, which SIG_ALL demands');
    });
    checkOne(first!, inputs[0]!.witness, requestMessage(request), now, 0, tries);
    return;
  }
  conditions.forEach((condition, place) => {
    const { witness, secret } = inputs[place]!;
    if (condition !== undefined) checkOne(condition, witness, secret, now, place, tries);
  });
}

function isSame(left: Condition, right: Condition): boolean {
  return (
    left.kind === right.kind &&
    left.flag === right.flag &&
    left.data === right.data &&
    JSON.stringify(left.tags) === JSON.stringify(right.tags)
  );
}

function checkOne(
  condition: Condition,
  text: string | undefined,
  message: string,
  now: bigint,
  place: number,
  tries: SignatureTries,
): void {
  const { locktime, publicKeys, refundKeys, hash } = condition;
  const isExpired = locktime !== undefined && now >= locktime;
  // Anybody may spend it: what stands in the witness does not matter.
  if (isExpired && refundKeys.length === 0) return;
  const witness = readWitness(text);
  const isHashMet = hash === undefined || isPreimage(witness, hash);
  const isSignedBy = (keys: readonly Uint8Array[], required: number): boolean =>
    hasSigned(keys, required, witness.signatures, message, tries);
  if (isHashMet && (publicKeys.length === 0 || isSignedBy(publicKeys, condition.requiredSignatures))) return;
  if (isExpired && isSignedBy(refundKeys, condition.requiredRefundSignatures)) return;
  if (!isHashMet && !isExpired) throw refused(place, 'the preimage of its hash');
  throw refused(place, isExpired ? 'signatures by its keys or its refund keys' : 'signatures by its keys');
}

function isPreimage({ preimage }: Witness, hash: Uint8Array): boolean {
  const bytes = preimage === undefined ? undefined : fromHex(preimage, 32);
  return bytes !== undefined && toHex(sha256(bytes)) === toHex(hash);
}

/** Whether so many of the keys have signed. Signatures are not counted: one key can make any number (BIP 340). */
function hasSigned(
  keys: readonly Uint8Array[],
  required: number,
  signatures: readonly Uint8Array[],
  message: string,
  tries: SignatureTries,
): boolean {
  if (signatures.length < required) return false;
  const unused = [...keys];
  let signed = 0;
  for (const signature of signatures) {
    const place = unused.findIndex((key) => tries.isSignature(signature, message, key));
    if (place < 0) continue;
    unused.splice(place, 1);
    signed++;
    if (signed >= required) return true;
  }
  return false;
}
