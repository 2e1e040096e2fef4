// Purchases and shops' orders for which cash has answered what cannot be right: nothing of such an answer is believed, the
// shop goes on waiting, and an operator hears of it. Kept until cash answers what can be right, or the role ends.

/** Beyond: the oldest is forgotten, and told anew when it comes again. */
export const DOUBTS_MAX = 4096;

export class Doubts {
  readonly #requests = new Set<bigint>();
  readonly #log: { warn(fields: object, message: string): void };

  constructor(log: { warn(fields: object, message: string): void }) {
    this.#log = log;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Told once: shops ask again every few seconds. */
  add(request: bigint, asked: string, problem: string): void {
    if (this.#requests.has(request)) return;
    const [oldest] = this.#requests;
    if (this.#requests.size >= DOUBTS_MAX) this.#requests.delete(oldest!);
    this.#requests.add(request);
    this.#log.warn({ request: String(request), asked, problem }, 'an answer that cannot be right');
  }

  end(request: bigint): void {
    this.#requests.delete(request);
  }
}
