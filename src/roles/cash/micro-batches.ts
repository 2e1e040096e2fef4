// Batches as large as the load is: what came while the last batch was being worked on is the next one, and a lone message
// goes at once.
//
//     add ─┬─ nobody works ──▶ run
//          └─ waiting ──▶ run, as soon as the batch before has let go

interface Waiting<Request, Answer> {
  readonly requests: readonly Request[];
  readonly resolve: (answers: readonly Answer[]) => void;
  readonly reject: (error: unknown) => void;
}

export class MicroBatches<Request, Answer> {
  readonly #run: (requests: readonly Request[], release: () => void) => Promise<readonly Answer[]>;
  readonly #requestsMax: number;
  #waiting: Waiting<Request, Answer>[] = [];
  #isBusy = false;

  /**
   * @param run answers a batch, in order; calls `release` when the next one may begin, at the latest when it ends
   * @param requestsMax of a batch, unless they were added together
   */
  constructor(
    run: (requests: readonly Request[], release: () => void) => Promise<readonly Answer[]>,
    requestsMax: number,
  ) {
    this.#run = run;
    this.#requestsMax = requestsMax;
  }

  /** An answer each, in order. Rejects when its batch does. */
  add(requests: readonly Request[]): Promise<readonly Answer[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ requests, resolve, reject });
      if (!this.#isBusy) this.#next();
    });
  }

  #next(): void {
    const parts: Waiting<Request, Answer>[] = [];
    let count = 0;
    for (const part of this.#waiting) {
      if (parts.length > 0 && count + part.requests.length > this.#requestsMax) break;
      parts.push(part);
      count += part.requests.length;
    }
    if (parts.length === 0) return;
    this.#waiting.splice(0, parts.length);
    void this.#work(parts);
  }

  async #work(parts: readonly Waiting<Request, Answer>[]): Promise<void> {
    this.#isBusy = true;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      this.#isBusy = false;
      this.#next();
    };
    try {
      const requests = parts.length === 1 ? parts[0]!.requests : parts.flatMap((part) => part.requests);
      const answers = await this.#run(requests, release);
      let at = 0;
      for (const part of parts) {
        part.resolve(parts.length === 1 ? answers : answers.slice(at, at + part.requests.length));
        at += part.requests.length;
      }
    } catch (error) {
      for (const part of parts) part.reject(error);
    } finally {
      release();
    }
  }
}
