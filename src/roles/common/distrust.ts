// Requests of flows whose partner has answered what cannot be right. Nothing of such an answer is believed; the request's
// state shows it, and the partner is asked again: soon at first, as it may be only that one of the two has not read the
// newest directory; then after long pauses.
import { type Again, again, type EffectItem } from '../flow/flow.ts';

/**
 * A partner that was not credible is asked again so often, with such pauses: together longer than the two seconds in which
 * both have read the newest directory (src/identity/identity-watch.ts).
 */
const DISTRUSTED_SOON_ATTEMPTS = 2;
const DISTRUSTED_SOON_MS = 1_500;
/** And then this much later: an operator has to help. */
const DISTRUSTED_PAUSE_MS = 30_000;

export interface Distrusted {
  readonly kind: 'distrusted';
  readonly reason: string;
}

export class Distrust {
  readonly #requests = new Set<bigint>();
  readonly #log: { warn(fields: object, message: string): void };

  constructor(log: { warn(fields: object, message: string): void }) {
    this.#log = log;
  }

  /** Requests whose partner was not credible when it was asked last. */
  get size(): number {
    return this.#requests.size;
  }

  /** An outcome that can be right ends distrust. */
  async noting<Outcome extends { readonly kind: string }>(
    id: bigint,
    performed: Promise<Outcome | Again>,
  ): Promise<Outcome | Again> {
    const outcome = await performed;
    if ('kind' in outcome && outcome.kind !== 'distrusted') this.#requests.delete(id);
    return outcome;
  }

  /**
   * The first problem is written, so that an operator sees it. Later ones are not: each write asks the partner anew at
   * once, and one that answers now this, now that would keep both busy.
   */
  distrust(
    { id, effect, attempt }: EffectItem<{ readonly kind: string; readonly distrusted: string | undefined }>,
    reason: string,
  ): Distrusted | Again {
    this.#requests.add(id);
    this.#log.warn(
      { request: String(id), asked: effect.kind, problem: reason },
      'an answer that cannot be right',
    );
    if (effect.distrusted === undefined) return { kind: 'distrusted', reason };
    return again(attempt <= DISTRUSTED_SOON_ATTEMPTS ? DISTRUSTED_SOON_MS : DISTRUSTED_PAUSE_MS);
  }
}
