// The keys that payment orders are verified with, by the account that pays: kept where records are looked up by their own
// words. Making a number of 128 bits of each record's account, and finding that in a map, cost as much as everything else
// that the thread does about an order.
import type { PreparedKey } from '../../crypto/index.ts';

/** Places; an account has one, and takes it from whoever had it: 10 MB at most. A power of 2. */
const PLACES = 1 << 15;
const WORDS = 4;

export class PayerKeys {
  readonly #accounts = new Uint32Array(PLACES * WORDS);
  readonly #keys: (PreparedKey | undefined)[] = new Array(PLACES).fill(undefined);

  /** @param at byte of the account's id, a multiple of 4 as the view's offset */
  find(orders: Uint32Array, at: number): PreparedKey | undefined {
    const word = at / 4;
    const place = placeOf(orders, word);
    const accounts = this.#accounts;
    for (let i = 0; i < WORDS; i++) {
      if (accounts[place * WORDS + i] !== orders[word + i]) return undefined;
    }
    return this.#keys[place];
  }

  keep(orders: Uint32Array, at: number, key: PreparedKey): void {
    const word = at / 4;
    const place = placeOf(orders, word);
    for (let i = 0; i < WORDS; i++) this.#accounts[place * WORDS + i] = orders[word + i]!;
    this.#keys[place] = key;
  }
}

/** Numbers are drawn by time and chance: multiplied and added up, their low words and high words tell them apart. */
function placeOf(orders: Uint32Array, word: number): number {
  let hash = 0;
  for (let i = 0; i < WORDS; i++) hash = Math.imul(hash ^ orders[word + i]!, 0x9e37_79b1);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
