// A mint's keysets: of each unit one a seed. The newest signs; notes of all of them are taken in, for ever or until their expiry.
//
//     seeds    1        2        3 (newest)
//     eur    inactive inactive  signs
//     usd    inactive inactive  signs
//
// Secret keys leave this object for the arithmetic only (src/crypto/secp256k1).
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import { generateKeyset, type PublicKeyset, type SecretKeyset } from '../notes/keyset.ts';

/** Keys for 2^0 to 2^31: notes of up to 21 million of a currency with two decimals. */
export const AMOUNTS_DEFAULT = 32;

export interface KeysetSeed {
  /** Later ones have higher numbers. */
  readonly number: number;
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

export interface KeysetUnit {
  readonly unit: string;
  /** Where its notes are valid; '' for wide ones. Goes into the derivation of the keys. */
  readonly organisation: string;
  /** What spending a note costs, in thousandths of the unit (NUT-02). */
  readonly inputFeePpk?: number;
}

export interface MintKeysetsOptions {
  readonly seeds: readonly KeysetSeed[];
  readonly units: readonly KeysetUnit[];
  readonly amounts?: number;
  readonly crypto: Pick<NoteCrypto, 'publicKeys'>;
}

export class MintKeysets {
  #byId: ReadonlyMap<string, PublicKeyset>;
  #keysets: ReadonlyMap<string, SecretKeyset>;
  #active: ReadonlyMap<string, SecretKeyset>;

  /** @param keysets of each unit those that are active, of which one is used, and those that are no longer */
  constructor(keysets: readonly SecretKeyset[]) {
    this.#keysets = new Map(keysets.map((keyset) => [keyset.public.id, keyset]));
    if (this.#keysets.size !== keysets.length)
      throw new RangeError('keysets: expected each once, got one twice');
    this.#byId = new Map(keysets.map((keyset) => [keyset.public.id, keyset.public]));
    this.#active = new Map(
      keysets.filter((keyset) => keyset.public.isActive).map((keyset) => [keyset.public.unit, keyset]),
    );
  }

  /** The same seeds and units give the same keysets, for ever. @throws RangeError without a seed, or for two of a number */
  static generate({ seeds, units, amounts = AMOUNTS_DEFAULT, crypto }: MintKeysetsOptions): MintKeysets {
    if (seeds.length === 0) throw new RangeError('seeds: expected one at least, got none');
    const newest = Math.max(...seeds.map(({ number }) => number));
    if (new Set(seeds.map(({ number }) => number)).size !== seeds.length)
      throw new RangeError('seeds: expected each number once, got one twice');
    return new MintKeysets(
      units.flatMap(({ unit, organisation, inputFeePpk = 0 }) =>
        seeds.map(({ number, seed }) =>
          generateKeyset(
            { seed, unit, organisation, number, amounts, inputFeePpk, isActive: number === newest },
            crypto,
          ),
        ),
      ),
    );
  }

  /**
   * There are more seeds now, and the newest signs: whoever has this object has the others' keysets from here on.
   * @throws RangeError when one of before is missing: its notes could not be taken in any more
   */
  renew(others: MintKeysets): void {
    for (const id of this.#keysets.keys()) {
      if (!others.#keysets.has(id)) throw new RangeError(`keysets: expected ${id} as before, got none`);
    }
    this.#byId = others.#byId;
    this.#keysets = others.#keysets;
    this.#active = others.#active;
  }

  get byId(): ReadonlyMap<string, PublicKeyset> {
    return this.#byId;
  }

  get(id: string): PublicKeyset | undefined {
    return this.#byId.get(id);
  }

  /** The one that signs. */
  active(unit: string): PublicKeyset | undefined {
    return this.#active.get(unit)?.public;
  }

  get all(): readonly PublicKeyset[] {
    return [...this.#byId.values()];
  }

  get units(): readonly string[] {
    return [...this.#active.keys()];
  }

  /** k; only for what computes with it at once. undefined: there is no such keyset, or amount in it */
  secretKey(id: string, amount: bigint): Uint8Array | undefined {
    return this.#keysets.get(id)?.secretKey(amount);
  }
}
