// Wrong codes of offers. A code is short, so that people can type it, and whoever guesses one reads what is being bought
// at a till. Whoever mistypes has a few tries a minute on his channel; when many are wrong, on all channels together, one.
// A first try is always answered: guessers must not keep customers with a right code from their till.
import { Refusal } from '../roles/common/refusal.ts';
import type { ShopRefusal } from '../roles/shop/errors.ts';
import type { Peer } from '../wire/peer.ts';
import { WRONG_CODES_A_MINUTE, WRONG_CODES_IN_ALL_A_MINUTE } from './limits.ts';

const MINUTE_NS = 60_000_000_000n;

interface Count {
  minute: bigint;
  wrong: number;
}

export class Guesses {
  readonly #clock: () => bigint;
  /** By channel: the server has an object for each. */
  readonly #ofChannel = new WeakMap<Peer, Count>();
  readonly #inAll: Count = { minute: 0n, wrong: 0 };

  constructor(clock: () => bigint) {
    this.#clock = clock;
  }

  /** Why no code of this channel is looked up now; undefined: it is. */
  check(channel: Peer): Refusal<ShopRefusal> | undefined {
    const minute = this.#clock() / MINUTE_NS;
    const own = this.#ofChannel.get(channel);
    if (own === undefined || own.minute !== minute) return undefined;
    const isFlood = this.#inAll.minute === minute && this.#inAll.wrong >= WRONG_CODES_IN_ALL_A_MINUTE;
    const max = isFlood ? 1 : WRONG_CODES_A_MINUTE;
    if (own.wrong < max) return undefined;
    return new Refusal<ShopRefusal>('busy', `offer: expected at most ${max} wrong codes a minute, got more`);
  }

  /** One was looked up, and there was none. */
  wrong(channel: Peer): void {
    const minute = this.#clock() / MINUTE_NS;
    const own = this.#ofChannel.get(channel) ?? { minute, wrong: 0 };
    for (const count of [own, this.#inAll]) {
      count.wrong = count.minute === minute ? count.wrong + 1 : 1;
      count.minute = minute;
    }
    this.#ofChannel.set(channel, own);
  }
}
