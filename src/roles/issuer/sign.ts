// Signs outputs, those of many requests as one batch.
//
// Whether an output is a point, only the signing finds out, and it must be found out before money moves. So an issue's
// outputs are signed when it is checked, and the signatures stay in memory, where nobody gets them, until cash has spoken;
// after a restart they are made anew, and are the same: a signature depends on nothing but key and output.
import type { BatchNoteCrypto, BlindSigned, SignItem } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import { TurnBatch } from '../../mint/turn-batch.ts';
import type { BlindedOutput, SignedOutput } from '../documents/notes.ts';

/** Requests whose signatures are kept until cash has spoken; 64 signatures each take 15 KB. Beyond: made anew. */
const KEPT_MAX = 1024;

interface Kept {
  readonly outputs: readonly BlindedOutput[];
  /** Of these, in order. */
  readonly signatures: readonly SignedOutput[];
}

const isSame = (left: readonly BlindedOutput[], right: readonly BlindedOutput[]): boolean =>
  left.length === right.length &&
  left.every(({ amount, keysetId, blinded }, i) => {
    const other = right[i]!;
    return amount === other.amount && keysetId === other.keysetId && equalBytes(blinded, other.blinded);
  });

export class OutputSigner {
  readonly #keysets: MintKeysets;
  readonly #batches: TurnBatch<SignItem, BlindSigned | undefined>;
  readonly #kept = new Map<bigint, Kept>();

  constructor(keysets: MintKeysets, crypto: Pick<BatchNoteCrypto, 'sign'>) {
    this.#keysets = keysets;
    this.#batches = new TurnBatch({ compute: (items) => crypto.sign(items) });
  }

  /** In order; undefined: of that one there is no such key, or it is no point. */
  async sign(outputs: readonly BlindedOutput[]): Promise<(SignedOutput | undefined)[]> {
    const keys = outputs.map(({ keysetId, amount }) => this.#keysets.secretKey(keysetId, amount));
    const places = [...outputs.keys()].filter((i) => keys[i] !== undefined);
    const items = places.map((i) => ({ blinded: outputs[i]!.blinded, secretKey: keys[i]! }));
    const signed = await this.#batches.run(items);
    const results: (SignedOutput | undefined)[] = outputs.map(() => undefined);
    places.forEach((place, i) => {
      const { amount, keysetId } = outputs[place]!;
      const made = signed[i];
      if (made !== undefined)
        results[place] = { amount, keysetId, signature: made.signature, dleq: made.dleq };
    });
    return results;
  }

  /** Until `signaturesFor` or `forget`. */
  keep(request: bigint, kept: Kept): void {
    if (this.#kept.size < KEPT_MAX) this.#kept.set(request, kept);
  }

  forget(request: bigint): void {
    this.#kept.delete(request);
  }

  /** Those that were kept, or new ones, which are the same; undefined: a key is not here. */
  async signaturesFor(
    request: bigint,
    outputs: readonly BlindedOutput[],
  ): Promise<readonly SignedOutput[] | undefined> {
    const kept = this.#kept.get(request);
    this.#kept.delete(request);
    // Another message may have come under the same id at the same time; only one of them was admitted.
    if (kept !== undefined && isSame(kept.outputs, outputs)) return kept.signatures;
    const signed = await this.sign(outputs);
    const whole = signed.filter((signature) => signature !== undefined);
    return whole.length === outputs.length ? whole : undefined;
  }
}
