// Requests of one kind that have a number and wait for their answers, in order of their numbers.
import type { Call } from '../wire/calls.ts';

export interface Pending {
  readonly call: Call;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  /** The whole frame; undefined: not encoded yet, nothing was sent. */
  frame: Uint8Array | undefined;
  number: bigint;
  /** The caller has its answer, or has stopped waiting for it. */
  settled: boolean;
  /** The server had no room; it has to be sent again. */
  refused: boolean;
  /** Takes the call's timer and its abort listener away. */
  release: () => void;
}

export class Window {
  readonly #first: bigint;
  #sizeMax: number;
  #next: bigint;
  /** A Map keeps the order of insertion, which is that of the numbers. */
  readonly #pending = new Map<bigint, Pending>();
  #refused = 0;

  /** @param first the first number */
  constructor(first: bigint, sizeMax: number) {
    this.#first = first;
    this.#next = first;
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Requests that the server has refused for want of room. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * A number is free while it is less than `sizeMax` above the oldest unanswered one: with twice as many answers
   * remembered, the server never forgets one that this client may still ask for.
   */
  get room(): boolean {
    const oldest = this.#pending.keys().next();
    return oldest.done === true || this.#next - oldest.value < BigInt(this.#sizeMax);
  }

  /** The server allows fewer at a time than was assumed. */
  narrow(sizeMax: number): void {
    this.#sizeMax = Math.min(this.#sizeMax, Math.max(1, sizeMax));
  }

  add(pending: Pending): void {
    pending.number = this.#next++;
    this.#pending.set(pending.number, pending);
  }

  get(number: bigint): Pending | undefined {
    return this.#pending.get(number);
  }

  remove(pending: Pending): void {
    if (pending.refused) this.#refused--;
    this.#pending.delete(pending.number);
  }

  refuse(pending: Pending): void {
    if (!pending.refused) this.#refused++;
    pending.refused = true;
  }

  /** All of them, oldest first, as if none had been sent. */
  resend(): Pending[] {
    const all = [...this.#pending.values()];
    for (const pending of all) pending.refused = false;
    this.#refused = 0;
    return all;
  }

  /** Those that were refused, oldest first, as if they had not been sent. */
  takeRefused(): Pending[] {
    const refused = [...this.#pending.values()].filter((pending) => pending.refused);
    for (const pending of refused) pending.refused = false;
    this.#refused = 0;
    return refused;
  }

  /** Takes all of them out and starts over at the first number. */
  clear(): Pending[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    this.#refused = 0;
    this.#next = this.#first;
    return all;
  }
}
