// Performs what the flows ask for, many charges at a time.
//
//     effects ─▶ queue ─▶ as many as may be under way ─▶ seals opened in one batch ─▶ institution ─▶ outcomes
//                └──────── account numbers sealed ─────┘ └───────── in memory ──────┘
//
// Nothing here rejects: the runner would ask for the same blindly again.
import type { Clock } from '../../ledger/clock.ts';
import { Refusal } from '../common/refusal.ts';
import { type Again, again, type EffectItem } from '../flow/flow.ts';
import type { SettlementRefusal } from './errors.ts';
import type { Charge, ChargeEffect, ChargeOutcome, ReversalEffect, ReversalOutcome } from './flow.ts';
import type { InstitutionCalls } from './institution-calls.ts';
import type { SettlementLog } from './interface.ts';
import type { Opened, OpenSeals } from './seals.ts';

export interface InstructorOptions {
  readonly calls: InstitutionCalls;
  readonly openSeals: OpenSeals;
  /** Why the charge is to be reversed; undefined: no reversal is here. */
  readonly reversalOf: (request: bigint) => string | undefined;
  readonly clock: Clock;
  readonly callsMax: number;
  readonly log?: SettlementLog | undefined;
}

interface Job {
  readonly charge: Charge;
  readonly perform: (opened: Opened) => Promise<void>;
}

type AskingEffect = Exclude<ChargeEffect, { readonly do: 'note_interruption' }>;

export class Instructor {
  readonly #calls: InstitutionCalls;
  readonly #openSeals: OpenSeals;
  readonly #reversalOf: InstructorOptions['reversalOf'];
  readonly #clock: Clock;
  readonly #callsMax: number;
  readonly #log: SettlementLog | undefined;
  readonly #queue: Job[] = [];
  #underWay = 0;
  #isStarting = false;

  constructor({ calls, openSeals, reversalOf, clock, callsMax, log }: InstructorOptions) {
    this.#calls = calls;
    this.#openSeals = openSeals;
    this.#reversalOf = reversalOf;
    this.#clock = clock;
    this.#callsMax = callsMax;
    this.#log = log;
  }

  /** Charges that wait for their turn, and those that the institution is being asked about. */
  get load(): { readonly waiting: number; readonly underWay: number } {
    return { waiting: this.#queue.length, underWay: this.#underWay };
  }

  readonly performCharges = (items: readonly EffectItem<ChargeEffect>[]): Promise<ChargeOutcome | Again>[] =>
    items.map(({ effect, attempt }): Promise<ChargeOutcome | Again> => {
      if (effect.do === 'note_interruption') return Promise.resolve({ kind: 'interrupted' });
      // What came of the first attempt could not be stored: the institution may have been asked.
      if (effect.do === 'authorise' && attempt > 1) return Promise.resolve({ kind: 'interrupted' });
      return this.#enqueue(effect.charge, (opened) => this.#perform(effect, opened));
    });

  readonly performReversals = (
    items: readonly EffectItem<ReversalEffect>[],
  ): Promise<ReversalOutcome | Again>[] =>
    items.map(({ effect: { charge } }) => this.#enqueue(charge, (opened) => this.#reverse(charge, opened)));

  #enqueue<Outcome>(charge: Charge, perform: (opened: Opened) => Promise<Outcome>): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ charge, perform: (opened) => perform(opened).then(resolve, reject) });
      void this.#start();
    });
  }

  /** Begins as many as may be under way. What comes while seals are being opened makes up the next batch. */
  async #start(): Promise<void> {
    if (this.#isStarting) return;
    this.#isStarting = true;
    await Promise.resolve();
    while (this.#queue.length > 0 && this.#underWay < this.#callsMax) {
      const jobs = this.#queue.splice(0, this.#callsMax - this.#underWay);
      this.#underWay += jobs.length;
      const opened = await this.#open(jobs);
      jobs.forEach((job, i) => void this.#run(job, opened[i]!));
    }
    this.#isStarting = false;
  }

  async #run(job: Job, opened: Opened): Promise<void> {
    await job.perform(opened);
    this.#underWay--;
    void this.#start();
  }

  async #open(jobs: readonly Job[]): Promise<readonly Opened[]> {
    try {
      return await this.#openSeals(jobs.map(({ charge }) => charge));
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error;
      this.#log?.error({ charges: jobs.length, error: name }, 'seals could not be opened for now');
      return jobs.map(() => new Refusal<SettlementRefusal>('busy', 'seals could not be opened for now'));
    }
  }

  async #perform(effect: AskingEffect, opened: Opened): Promise<ChargeOutcome | Again> {
    const { charge } = effect;
    if (effect.do === 'reverse') return this.#reverse(charge, opened);
    const reversal = this.#reversalOf(charge.order.document.request);
    if (reversal !== undefined) return { kind: 'reversal_asked', reason: reversal };
    switch (effect.do) {
      case 'authorise':
        // As late as can be: what comes next is the institution.
        if (this.#clock() >= charge.order.document.applyBy) return { kind: 'too_late' };
        if (opened instanceof Refusal) return this.#unreadable(charge, opened, effect.isFirst);
        return this.#calls.authorise(charge, opened.accountNumber);
      case 'capture': {
        if (opened instanceof Refusal) return this.#unreadableAgain(charge, opened);
        const outcome = await this.#calls.capture(charge, opened.accountNumber, effect.authorisation);
        return outcome.kind === 'unknown' ? again() : outcome;
      }
      case 'inquire': {
        const outcome =
          opened instanceof Refusal
            ? this.#unreadableAgain(charge, opened)
            : await this.#calls.inquire(charge, opened.accountNumber);
        if ('kind' in outcome && outcome.kind !== 'unknown') return outcome;
        return this.#clock() >= effect.until ? { kind: 'no_result' } : again();
      }
    }
  }

  async #reverse(charge: Charge, opened: Opened): Promise<{ readonly kind: 'reversed' } | Again> {
    if (opened instanceof Refusal) return this.#unreadableAgain(charge, opened);
    const { kind } = await this.#calls.reverse(charge, opened.accountNumber);
    return kind === 'reversed' ? { kind } : again();
  }

  /** A charge of which the institution has never heard can be declined; any other is unknown. */
  #unreadable(charge: Charge, refusal: Refusal, isFirst: boolean): ChargeOutcome {
    this.#unreadableAgain(charge, refusal);
    const isForGood = refusal.code === 'seal_key_unknown' || refusal.code === 'seal_invalid';
    return isFirst && isForGood ? { kind: 'declined', reason: refusal.code } : { kind: 'unknown' };
  }

  #unreadableAgain(charge: Charge, { code }: Refusal): Again {
    const request = String(charge.order.document.request);
    this.#log?.error({ request, refusal: code }, 'the seal of a stored charge does not open');
    return again();
  }
}
