// The one queue that touches purses. What came while the last batch was being booked is the next one:
//
//     jobs ─▶ balances ─▶ decided on a draft ─▶ written, with what is to be booked ─▶ ledger ─▶ outcomes written ─▶ answers
//                                                      │ a crash, a full disk                      ▲
//                                                      └──── booked again, before anything else ───┘
//
// So funds that were seen are there when they are booked, and every answer is of what is on the disk. A timer ends purses
// whose time is over, and gives back what their devices could not take before; it is set only while there is such a purse.
import { AccountFlags } from '../../layout/generated.ts';
import { decodeBalanceLimit } from '../../shared/balance-limit.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { Put } from '../flow/flow.ts';
import type { CashRefused } from './check.ts';
import { deviceTerms, putDeviceTerms } from './device-terms.ts';
import { refusalOf } from './failures.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { MicroBatches } from './micro-batches.ts';
import { listed, nextEnds } from './purse-book.ts';
import { book, dropPlan, planOf, putPlan } from './purse-bookings.ts';
import { isUnsettled, PurseDraft } from './purse-draft.ts';
import { booked, drain, end, isOver, type Rules, retry } from './purse-rules.ts';
import { moveTimeOn } from './statement.ts';

/** A piece of work about purses. */
export interface Job<Answer> {
  /** Those that it is about: what they have is looked up. */
  readonly purses: readonly bigint[];
  /** Whether it may give back what is left of them. */
  readonly givesBack?: boolean;
  /** Decides on the draft. What it returns makes the answer, once everything is booked. */
  run(rules: Rules): () => Answer | CashRefused;
}

export type DeskParts = Pick<CashParts, 'ledger' | 'store' | 'registry' | 'terms' | 'clock' | 'log'> & {
  readonly setTimer: SetTimer;
};

/** As many as are booked within 50 ms; what comes meanwhile waits no longer than that. */
const JOBS_MAX = 1_024;
export interface PurseLimits {
  /** Purses that are looked up for a batch, and what is booked for it. Longer chains of waiting orders go on in the next one. */
  readonly pursesAtATimeMax: number;
  readonly purseBookingsAtATimeMax: number;
  /** Orders of purses that are paid by what waits, and that nobody has asked for: read lest a chain need a batch a link. */
  readonly purseOrdersAheadMax: number;
}

/** With as many accounts of devices they still fit one look-up of the ledger; one batch of orders. */
const PURSES_AT_A_TIME_MAX = 4_000;
const BOOKINGS_AT_A_TIME_MAX = 4_000;
/** 70 ms (34 µs each): orders that wait for money that will never come cost nothing to make, and pay any number of purses. */
const ORDERS_AHEAD_MAX = 2_048;
/** Of one pass of the timer. */
const ENDS_MAX = 64;
const RETRIES_MAX = 256;
const PASS_PAUSE_MS = 100;
const LEFTOVERS_PAUSE_MS = 3_600_000;
const FAILED_PAUSE_MS = 5_000;
const NANOSECONDS_PER_MS = 1_000_000n;

// biome-ignore lint/suspicious/noExplicitAny: jobs of any answer stand side by side; add() has typed each
type AnyJob = Job<any>;

export class PurseDesk {
  readonly #parts: DeskParts;
  readonly #batches: MicroBatches<AnyJob, unknown>;
  readonly #pursesMax: number;
  readonly #bookingsMax: number;
  readonly #ordersAheadMax: number;
  /** Something may be written down that is not booked. */
  #isPlanLeft = true;
  /** Time of the ledger that no crash takes back. */
  #durableTime: bigint;
  #cancelTimer: (() => void) | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #leftoversAfter = 0n;
  #isClosed = false;
  #working: Promise<unknown> = Promise.resolve();

  constructor(parts: DeskParts, limits: Partial<PurseLimits> = {}) {
    this.#parts = parts;
    this.#pursesMax = limits.pursesAtATimeMax ?? PURSES_AT_A_TIME_MAX;
    this.#bookingsMax = limits.purseBookingsAtATimeMax ?? BOOKINGS_AT_A_TIME_MAX;
    this.#ordersAheadMax = limits.purseOrdersAheadMax ?? ORDERS_AHEAD_MAX;
    this.#durableTime = parts.ledger.status().timestamp;
    this.#batches = new MicroBatches<AnyJob, unknown>((jobs) => this.#runOrWake(jobs), JOBS_MAX);
  }

  /** Takes up what was cut off. */
  start(): void {
    const { store } = this.#parts;
    if (planOf(store).length > 0 || listed(store, 'purse-retries', 0n, 1).length > 0) this.#goOn();
    this.#schedule();
  }

  /** One answer a job, in order. Rejects with RequestError, StoreError: the same jobs may come again. */
  async add<Answer>(jobs: readonly Job<Answer>[]): Promise<(Answer | CashRefused)[]> {
    if (jobs.length === 0) return [];
    return (await this.#batches.add(jobs)) as (Answer | CashRefused)[];
  }

  /** Nothing is begun any more; resolves when what was begun is through. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#working;
  }

  #goOn(): void {
    if (this.#isClosed) return;
    const work = this.#batches.add([]).then(
      () => {},
      (error) => void refusalOf(error, this.#parts.log),
    );
    this.#working = Promise.all([this.#working, work]);
  }

  // ---- A batch

  /** What could not be done now is taken up again, whether anyone asks or not. */
  async #runOrWake(jobs: readonly AnyJob[]): Promise<unknown[]> {
    try {
      return await this.#run(jobs);
    } catch (error) {
      this.#wake(FAILED_PAUSE_MS);
      throw error;
    }
  }

  async #run(jobs: readonly AnyJob[]): Promise<unknown[]> {
    const { store } = this.#parts;
    await this.#finish();
    const draft = this.#draft();
    const again = listed(store, 'purse-retries', 0n, RETRIES_MAX).map(retrying);
    const failed = await this.#load(draft, [...jobs, ...again]);
    const now = await this.#now(draft);
    const at = this.#parts.clock();
    const rules: Rules = { draft, now, at, credited: [], bookingsMax: this.#bookingsMax };
    for (const [i, job] of again.entries()) if (!failed.has(jobs.length + i)) job.run(rules);
    const answers = jobs.map((job, i) => {
      const refusal = failed.get(i);
      return refusal === undefined ? job.run(rules) : () => refusal;
    });
    drain(rules);
    await this.#write(draft);
    if (draft.bookings.length > 0) await this.#book(draft);
    if (listed(store, 'purse-retries', 0n, 1).length > 0) {
      // One that cannot be read stays, and is not asked for again and again.
      if (again.some((_, i) => failed.has(jobs.length + i))) this.#wake(FAILED_PAUSE_MS);
      else this.#goOn();
    }
    this.#schedule();
    return answers.map((answer) => answer());
  }

  /** What is decided, and what is to be booked for it. */
  async #write(draft: PurseDraft): Promise<void> {
    const changes = [...draft.takeChanges(), ...putPlan(draft.bookings)];
    if (changes.length === 0) return;
    const blocks = draft.blocks.splice(0);
    this.#isPlanLeft = true;
    await this.#parts.store.transaction((tx) => {
      putAll(tx, changes);
      // Operators change the same terms, in transactions of their own.
      putAll(
        tx,
        blocks.map((device) => putDeviceTerms(device, { ...deviceTerms(tx, device), isBlocked: true })),
      );
    });
    this.#isPlanLeft = draft.bookings.length > 0;
  }

  async #book(draft: PurseDraft): Promise<void> {
    const { bookings } = draft;
    const results = await book(bookings, draft, this.#parts);
    for (const [i, booking] of bookings.entries()) booked(draft, booking, results[i]!);
    const changes = [...draft.takeChanges(), ...dropPlan(bookings)];
    await this.#parts.store.transaction((tx) => putAll(tx, changes));
    this.#isPlanLeft = false;
  }

  async #finish(): Promise<void> {
    if (!this.#isPlanLeft) return;
    const draft = this.#draft();
    draft.bookings.push(...planOf(this.#parts.store));
    if (draft.bookings.length > 0) await this.#book(draft);
    this.#isPlanLeft = false;
  }

  #draft(): PurseDraft {
    const { store } = this.#parts;
    return new PurseDraft({
      reads: store,
      deviceAccount: (device, currency) => {
        const known = findDevice(device, this.#parts);
        return known instanceof Refusal ? undefined : known?.accounts.get(currency)?.account;
      },
    });
  }

  /** Reads what jobs are about, and what purses and devices have. @returns jobs whose purses cannot be read */
  async #load(draft: PurseDraft, jobs: readonly AnyJob[]): Promise<ReadonlyMap<number, CashRefused>> {
    const { ledger, log } = this.#parts;
    const failed = new Map<number, CashRefused>();
    const wanted = new Set<bigint>();
    const devices = new Set<bigint>();
    let read = 0;
    const visit = (number: bigint, givesBack: boolean): void => {
      const purse = wanted.has(number) ? undefined : draft.findOpened(number);
      if (givesBack) addAccount(draft, number, devices);
      if (purse === undefined || wanted.size >= this.#pursesMax) return;
      wanted.add(number);
      const { state, unsettled, orders } = purse.record;
      if (state === 'closed' || state === 'ended') addAccount(draft, number, devices);
      if (unsettled === 0) return;
      read += orders;
      for (const { order, handover } of purse.orders) if (isUnsettled(order)) ahead.push(handover.payee);
    };
    const ahead: bigint[] = [];
    jobs.forEach(({ purses, givesBack = false }, i) => {
      try {
        for (const purse of purses) {
          visit(purse, givesBack);
          void draft.findOpened(purse)?.fraud;
        }
      } catch (error) {
        failed.set(i, refusalOf(error, log));
      }
    });
    // Whoever is paid by what may be settled now: the nearest first. The others in the next batch, once they are credited.
    const readMax = read + this.#ordersAheadMax;
    for (let i = 0; i < ahead.length && wanted.size < this.#pursesMax && read < readMax; i++) {
      visit(ahead[i]!, false);
    }
    if (wanted.size === 0) return failed;
    for (const account of await ledger.lookupAccounts([...wanted, ...devices])) {
      const { id, creditsPosted, creditsPending, debitsPosted, debitsPending, flags } = account;
      if (wanted.has(id)) draft.find(id)!.balance = creditsPosted - debitsPosted - debitsPending;
      else if ((flags & AccountFlags.credit_balance_limited) !== 0) {
        const room =
          decodeBalanceLimit(account.balanceLimit) - (creditsPosted + creditsPending - debitsPosted);
        draft.rooms.set(id, room > 0n ? room : 0n);
      }
    }
    return failed;
  }

  /**
   * The ledger's time. What is over by the clock is over by the ledger's time too before anyone is told so, and that is on
   * the disk: neither a clock that is set back nor a restart makes a purse young again.
   */
  async #now(draft: PurseDraft): Promise<bigint> {
    const { ledger, clock } = this.#parts;
    const time = clock();
    const isDue = draft.purses.some(
      ({ record }) => isOver(record, time) && !isOver(record, this.#durableTime),
    );
    if (isDue) {
      await moveTimeOn(this.#parts);
      const { timestamp } = ledger.status();
      // What was written before this is written when this is.
      await moveTimeOn(this.#parts);
      this.#durableTime = timestamp;
    }
    return this.#durableTime;
  }

  // ---- The timer

  #schedule(): void {
    const { store, clock } = this.#parts;
    const [next] = nextEnds(store, 1);
    const pauses: number[] = [];
    if (next !== undefined) {
      const untilMs = Number((next.reportBy - clock()) / NANOSECONDS_PER_MS) + 1;
      pauses.push(Math.max(PASS_PAUSE_MS, untilMs));
    }
    // A round through all of them an hour.
    if (this.#leftoversAfter > 0n) pauses.push(PASS_PAUSE_MS);
    else if (listed(store, 'purse-leftovers', 0n, 1).length > 0) pauses.push(LEFTOVERS_PAUSE_MS);
    if (pauses.length > 0) this.#wake(Math.min(...pauses));
  }

  #wake(pauseMs: number): void {
    const dueAtMs = Number(this.#parts.clock() / NANOSECONDS_PER_MS) + pauseMs;
    if (this.#isClosed || (this.#cancelTimer !== undefined && this.#dueAtMs <= dueAtMs)) return;
    this.#cancelTimer?.();
    this.#dueAtMs = dueAtMs;
    this.#cancelTimer = this.#parts.setTimer(() => {
      this.#cancelTimer = undefined;
      this.#working = Promise.all([this.#working, this.#pass()]);
    }, pauseMs);
  }

  async #pass(): Promise<void> {
    const { store, clock, log } = this.#parts;
    try {
      const now = clock();
      const due = nextEnds(store, ENDS_MAX).filter(({ reportBy }) => reportBy <= now);
      const left = listed(store, 'purse-leftovers', this.#leftoversAfter, ENDS_MAX);
      this.#leftoversAfter = left.length < ENDS_MAX ? 0n : left.at(-1)!;
      // With nothing to do it still takes up what was cut off.
      await this.#batches.add([...due.map(({ purse }) => ending(purse)), ...left.map(givingBack)]);
    } catch (error) {
      refusalOf(error, log);
    }
  }
}

function putAll(tx: StoreTransaction, puts: readonly Put[]): void {
  for (const { table, key, value } of puts) {
    if (value === undefined) tx.remove(table, key);
    else tx.put(table, key, value);
  }
}

function addAccount(draft: PurseDraft, number: bigint, accounts: Set<bigint>): void {
  const purse = draft.findOpened(number);
  if (purse !== undefined) accounts.add(draft.successorAccount(purse.record.device, purse.record.currency));
}

const ending = (number: bigint): Job<void> => ({
  purses: [number],
  givesBack: true,
  run(rules) {
    const purse = rules.draft.findOpened(number);
    if (purse !== undefined) end(rules, purse);
    return () => {};
  },
});

const retrying = (number: bigint): Job<void> => ({
  purses: [number],
  run(rules) {
    rules.draft.setListed('purse-retries', number, false);
    retry(rules, rules.draft.findOpened(number));
    return () => {};
  },
});

const givingBack = (number: bigint): Job<void> => ({
  purses: [number],
  givesBack: true,
  run(rules) {
    retry(rules, rules.draft.findOpened(number));
    return () => {};
  },
});
