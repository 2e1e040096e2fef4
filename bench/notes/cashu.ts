// What a Cashu mint in JavaScript computes for the same notes: cashu-ts, one note at a time, on one core. Nothing is stored and nothing
// is sent: the least that such a mint could need.
import {
  createBlindSignature,
  createDLEQProof,
  pointFromBytes,
  verifyDLEQProof,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import { sha256 } from '../../src/crypto/index.ts';
import { equalBytes } from '../../src/identity/binary-text.ts';
import type { SecretKeyset } from '../../src/notes/keyset.ts';
import { type BlindSignature, type Note, secretBytes } from '../../src/notes/note.ts';
import type { Output } from '../../src/notes/outputs.ts';

/** One that a role has signed, and the holder has made a note of. */
export interface Signed {
  readonly output: Output;
  readonly signature: BlindSignature;
  readonly note: Note;
}

const ID = '00';

/** C' and its proof. */
function sign({ output }: Signed, keyset: SecretKeyset): Uint8Array[] {
  const { amount, blinded } = output.message;
  const secretKey = keyset.secretKey(amount)!;
  const point = pointFromBytes(blinded);
  const { e, s } = createDLEQProof(point, secretKey);
  return [createBlindSignature(point, secretKey, ID).C_.toBytes(true), e, s];
}

/** Whether C = k·hashToCurve(secret). */
function verify({ note }: Signed, keyset: SecretKeyset): boolean {
  const proof = { id: ID, secret: secretBytes(note.secret), C: pointFromBytes(note.signature) };
  return verifyUnblindedSignature(proof, keyset.secretKey(note.amount)!);
}

/** What whoever is given a signature checks. */
function verifyProof({ output, signature, note }: Signed, keyset: SecretKeyset): boolean {
  return verifyDLEQProof(
    signature.dleq!,
    pointFromBytes(output.message.blinded),
    pointFromBytes(signature.signature),
    pointFromBytes(keyset.public.keys.get(note.amount)!),
  );
}

/** @returns the digest of the signatures, which are the same @throws when one is not */
export function proveSame(all: readonly Signed[], keyset: SecretKeyset): string {
  const bytes: Uint8Array[] = [];
  for (const [i, one] of all.entries()) {
    const { signature, dleq } = one.signature;
    const ours = [signature, dleq!.e, dleq!.s];
    const theirs = sign(one, keyset);
    for (const [part, got] of ours.entries()) {
      if (!equalBytes(got, theirs[part]!))
        throw new Error(`note ${i}: expected cashu-ts's signature, got another`);
    }
    if (!verify(one, keyset)) throw new Error(`note ${i}: expected one that cashu-ts takes, got another`);
    if (!verifyProof(one, keyset))
      throw new Error(`note ${i}: expected a proof that cashu-ts takes, got another`);
    bytes.push(...ours);
  }
  return Buffer.from(sha256(Buffer.concat(bytes))).toString('hex');
}

/** Microseconds of CPU a note, the least of a few rounds: what another process has of the core does not count. */
export interface CashuTimes {
  readonly sign: number;
  readonly verify: number;
  readonly verifyProof: number;
}

export function cashuTimes(all: readonly Signed[], keyset: SecretKeyset, rounds: number): CashuTimes {
  const least = (work: (one: Signed) => unknown): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) {
      const since = process.cpuUsage();
      for (const one of all) work(one);
      const { user, system } = process.cpuUsage(since);
      best = Math.min(best, (user + system) / all.length);
    }
    return best;
  };
  return {
    sign: least((one) => sign(one, keyset)),
    verify: least((one) => verify(one, keyset)),
    verifyProof: least((one) => verifyProof(one, keyset)),
  };
}
