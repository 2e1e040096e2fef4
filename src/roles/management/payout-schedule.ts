// Closes settlement windows by the clock, when an operator has said so:
//
//     ──┬── everySeconds ──┬──────────────┬──▶ time      boundaries: offset, offset + every, … since the Unix epoch
//       window             window         window         a window's number is made of its boundary
//
// Each boundary has one window, however often it is asked for, after a crash too. What was closed since the last boundary
// needs no window, by whomever it was closed; boundaries that passed while management was down have one together. Table:
//
//     payout-schedules   currency ▶ its times, and since when they are these: boundaries before that have no window
import { sha256 } from '../../crypto/index.ts';
import type { Clock } from '../../identity/time.ts';
import { readU128 } from '../../shared/bytes.ts';
import { struct, u32, u64 } from '../../shared/codec.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { ManagementLog } from './interface.ts';
import type { CloseWindowAnswer, CloseWindowRequest } from './payout-messages.ts';
import { findHead, findWindow } from './payout-registry.ts';

export interface ScheduleTerms {
  readonly currency: number;
  /** At least 1. */
  readonly everySeconds: number;
  /** Of the boundaries, less than that: with a day between them, seconds after midnight UTC. */
  readonly offsetSeconds: number;
}

export interface PayoutScheduleOptions extends ScheduleTerms {
  readonly store: RoleStore;
  readonly close: (request: CloseWindowRequest) => Promise<CloseWindowAnswer | Refusal>;
  /** Nanoseconds since the Unix epoch. */
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly log: ManagementLog;
}

/** Timers do not see a clock that was set, or a machine that slept. */
const LOOK_EVERY_MS = 60_000;
/** The window before is still being booked. */
const TRY_AGAIN_MS = 5_000;
const NANOSECONDS_A_SECOND = 1_000_000_000n;
const NANOSECONDS_A_MILLISECOND = 1_000_000n;

export class PayoutSchedule {
  readonly #options: PayoutScheduleOptions;
  readonly #every: bigint;
  readonly #offset: bigint;
  #cancelTimer: (() => void) | undefined;
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @throws RangeError for times that cannot be */
  constructor(options: PayoutScheduleOptions) {
    const { everySeconds, offsetSeconds } = options;
    if (!Number.isSafeInteger(everySeconds) || everySeconds < 1)
      throw new RangeError(`everySeconds: expected at least 1, got ${everySeconds}`);
    if (!Number.isSafeInteger(offsetSeconds) || offsetSeconds < 0 || offsetSeconds >= everySeconds)
      throw new RangeError(`offsetSeconds: expected 0 to ${everySeconds - 1}, got ${offsetSeconds}`);
    this.#options = options;
    this.#every = BigInt(everySeconds) * NANOSECONDS_A_SECOND;
    this.#offset = BigInt(offsetSeconds) * NANOSECONDS_A_SECOND;
    this.#later(0);
  }

  /** Closes no more windows; one that is being closed goes on by itself. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#working;
  }

  #later(milliseconds: number): void {
    if (this.#isClosed) return;
    this.#cancelTimer = this.#options.setTimer(() => {
      this.#working = this.#look().then((pauseMs) => this.#later(pauseMs));
    }, milliseconds);
  }

  /** @returns milliseconds until it is to look again */
  async #look(): Promise<number> {
    const { clock, currency, close, log } = this.#options;
    const now = clock();
    const boundary = now - ((now - this.#offset) % this.#every);
    const left = (boundary + this.#every - now) / NANOSECONDS_A_MILLISECOND + 1n;
    const pauseMs = left < LOOK_EVERY_MS ? Number(left) : LOOK_EVERY_MS;
    const window = windowOf(currency, boundary);
    try {
      if (!(await this.#isDue(window, boundary))) return pauseMs;
      if (this.#isBusy()) return Math.min(pauseMs, TRY_AGAIN_MS);
      const answer = await close({ window, currency });
      if (!(answer instanceof Refusal)) {
        log.info({ window: String(window) }, 'a settlement window is closed by its schedule');
        return pauseMs;
      }
      log.warn({ window: String(window), refusal: answer.code }, 'a settlement window is not closed');
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.error({ error: text }, 'a settlement window could not be closed by its schedule');
    }
    return Math.min(pauseMs, TRY_AGAIN_MS);
  }

  async #isDue(window: bigint, boundary: bigint): Promise<boolean> {
    const { store, currency } = this.#options;
    if (boundary <= (await this.#since())) return false;
    const head = findHead(store, currency);
    // The ledger's clock may be behind: its own window is known by its number.
    return head === undefined || (head !== window && findWindow(store, head)!.cutoff < boundary);
  }

  /** Management would refuse another window, and then for ever that one. */
  #isBusy(): boolean {
    const { store, currency } = this.#options;
    const head = findHead(store, currency);
    const state = head === undefined ? undefined : findWindow(store, head)!.state;
    return state === 'closing' || state === 'booking';
  }

  #since(): Promise<bigint> {
    const { store, clock, currency, everySeconds, offsetSeconds } = this.#options;
    const key = BigInt(currency);
    return store.transaction((tx) => {
      const stored = tx.get(SCHEDULES, key);
      const known = stored === undefined ? undefined : Schedule.decode(stored);
      if (known?.everySeconds === everySeconds && known.offsetSeconds === offsetSeconds) return known.since;
      const fresh = { everySeconds, offsetSeconds, since: clock() };
      tx.put(SCHEDULES, key, Schedule.encode(fresh));
      return fresh.since;
    });
  }
}

const SCHEDULES = 'payout-schedules';
const Schedule = struct({ everySeconds: u32, offsetSeconds: u32, since: u64 });

const Name = struct({ currency: u32, boundary: u64 });
const TAG = new TextEncoder().encode('specie scheduled window v1\0');

function windowOf(currency: number, boundary: bigint): bigint {
  const digest = sha256(Buffer.concat([TAG, Name.encode({ currency, boundary })]));
  return readU128(new DataView(digest.buffer, digest.byteOffset), 0);
}
