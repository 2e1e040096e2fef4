// Carries outcomes of payouts from settlement to cash, in the order in which settlement has them, again and again:
//
//     settlement ─ list_outcomes after the cursor ─▶ cash ─ book_outcomes ─▶ registry and cursor, in one write
//
// What was booked and not written is booked again, which changes nothing. A receipt that cash refuses holds up those after it
// until an operator has seen to it: leaving it out would leave money where it is not.
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import { OUTCOMES_PAGE_MAX } from '../settlement/payout-messages.ts';
import type { ManagementLog } from './interface.ts';
import type { PayoutPartners } from './payout-effects.ts';
import { hasWindows, outcomesBooked, putOutcomes } from './payout-registry.ts';

export interface PayoutOutcomesOptions {
  readonly store: RoleStore;
  readonly runner: Pick<FlowRunner, 'wake'>;
  readonly partners: Pick<PayoutPartners, 'listOutcomes' | 'bookOutcomes'>;
  /** Between two questions that found nothing new. */
  readonly pollMs: number;
  readonly setTimer: SetTimer;
  readonly log: ManagementLog;
}

export class PayoutOutcomes {
  readonly #options: PayoutOutcomesOptions;
  #isRunning = false;
  #isClosed = false;
  #isStuck = false;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  /** Asks from the start where there has been a window; otherwise from the first one on. */
  constructor(options: PayoutOutcomesOptions) {
    this.#options = options;
    if (hasWindows(options.store)) this.start();
  }

  /** Cash has refused an outcome. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  start(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    this.#later();
  }

  /** Carries no more; what is being written is finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#writing.catch(() => {});
  }

  #later(): void {
    if (this.#isClosed) return;
    const { setTimer, pollMs } = this.#options;
    this.#cancelTimer = setTimer(() => {
      void this.#carryAll().then(() => this.#later());
    }, pollMs);
  }

  async #carryAll(): Promise<void> {
    try {
      while (!this.#isClosed && (await this.#carry()));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ error: text }, 'outcomes of payouts could not be written');
    }
  }

  /** False: there is nothing more now. */
  async #carry(): Promise<boolean> {
    const { store, partners, runner, log } = this.#options;
    const after = outcomesBooked(store);
    const listed = await partners.listOutcomes({ after, limit: OUTCOMES_PAGE_MAX });
    if (listed.kind !== 'ok' || listed.answer.receipts.length === 0) return false;
    const { receipts } = listed.answer;
    const booked = await partners.bookOutcomes({ receipts });
    if (booked.kind === 'refused') {
      const { code, message } = booked.refusal;
      if (!this.#isStuck) log.error({ refusal: code, message }, 'cash refuses outcomes of payouts');
      this.#isStuck = true;
    }
    if (booked.kind !== 'ok' || this.#isClosed) return false;
    this.#isStuck = false;
    const write = store.transaction((tx) =>
      // Another one of this process cannot have come first; a restart may have.
      outcomesBooked(tx) === after
        ? putOutcomes(
            tx,
            receipts.map(({ document }) => document),
          )
        : [],
    );
    this.#writing = write;
    const changed = await write;
    for (const window of changed) runner.wake(window);
    return true;
  }
}
