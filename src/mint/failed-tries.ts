// Signatures that are tried for nothing. One takes a millisecond or two, in which the mint does nothing else, and who sends
// some that are none still has the note, and sends them again: with one locked note and a few hundred bytes half a second a
// time. So only so many may fail in a time, whoever sends them. Beyond that, who has a condition to meet, or a key to mint with,
// comes again later; notes that are not locked go on.
//
//     failed:   0 ──── add ────▶ FAILED_MAX: busy
//               ◀── FAILED_A_SECOND ──
import { busy } from './errors.ts';

/** Two requests of the costliest kind. */
const FAILED_MAX = 512;
/** A quarter of a second's time at most. */
const FAILED_A_SECOND = 100;
const NANOSECONDS = 1_000_000_000;

export class FailedTries {
  #failed = 0;
  #at = 0n;

  /** @param now nanoseconds @throws MintRefused */
  expectRoom(now: bigint): void {
    this.#fade(now);
    if (this.#failed >= FAILED_MAX) throw busy('too many signatures were wrong, ask again later');
  }

  /** @param now nanoseconds */
  add(count: number, now: bigint): void {
    this.#fade(now);
    this.#failed += count;
  }

  #fade(now: bigint): void {
    // A clock that goes back makes nobody wait for it.
    const elapsed = now > this.#at ? Number(now - this.#at) / NANOSECONDS : 0;
    this.#at = now;
    this.#failed = Math.max(0, this.#failed - elapsed * FAILED_A_SECOND);
  }
}
