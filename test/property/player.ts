// Plays a scenario on the model and, where there is one, on a subject beside it, and compares everything that can be
// asked after every step.
import { expect } from 'vitest';
import {
  type Account,
  type AccountFilter,
  AccountFilterFlags,
  BATCH_RECORDS_MAX,
  type OrderTerms,
  type PaymentOrder,
  TIMESTAMP_MAX,
  type Transfer,
} from '../../src/layout/generated.ts';
import { U64_MAX, U128_MAX } from '../../src/shared/bytes.ts';
import type { ConformanceTarget, CreateResult } from '../conformance/target.ts';
import { LedgerModel } from '../model/ledger-model.ts';
import type { Advance, Moment, Scenario, Step, Timed, TimedOrder } from './arbitraries.ts';

const ALL = { userData128: 0n, userData64: 0n, userData32: 0, code: 0, timestampMin: 0n, timestampMax: 0n };
const BOTH = AccountFilterFlags.debits | AccountFilterFlags.credits;

/** An hour, in nanoseconds. */
const WAIT_MAX = 3_600_000_000_000n;

/** Sees every result of the model: for coverage. */
export type Observer = (kind: BatchKind, result: CreateResult) => void;

export type BatchKind = 'accounts' | 'transfers' | 'orders' | 'terms';

export interface PlayOptions {
  readonly observe?: Observer;
  /** Called after every step; may answer another subject to go on with (the same ledger, opened again). */
  readonly afterStep?: (subject: ConformanceTarget, index: number) => Promise<ConformanceTarget>;
}

/** `open` gives a fresh subject; without it the model plays alone. Throws where the two differ. */
export async function play(
  scenario: Scenario,
  open?: () => Promise<ConformanceTarget>,
  options: PlayOptions = {},
): Promise<LedgerModel> {
  const player = new Player(scenario.start, await open?.(), options);
  try {
    for (const [index, step] of scenario.steps.entries()) await player.step(step, index);
    return player.model;
  } finally {
    await player.close();
  }
}

class Player {
  readonly model = new LedgerModel();
  #subject: ConformanceTarget | undefined;
  readonly #options: PlayOptions;
  #clock: bigint;
  /** Every id that was ever named, of what exists and of what does not. */
  readonly #accountIds = new Set([0n, U128_MAX]);
  readonly #transferIds = new Set([0n, U128_MAX]);
  /** Timestamp of the last batch or expiry. */
  #last = 0n;

  constructor(start: bigint, subject: ConformanceTarget | undefined, options: PlayOptions) {
    this.#clock = start;
    this.#subject = subject;
    this.#options = options;
  }

  async close(): Promise<void> {
    await this.#subject?.close();
  }

  async step(step: Step, index: number): Promise<void> {
    const where = `step ${index}`;
    switch (step.kind) {
      case 'accounts': {
        const timestamp = await this.#begin(step.advance, step.events.length);
        const events = step.events.map((event, i): Account => this.#resolve(event, i, 'account'));
        for (const { id } of events) this.#accountIds.add(id);
        const results = this.model.createAccounts(timestamp, events);
        this.#observe('accounts', results);
        if (this.#subject)
          expect(await this.#subject.createAccounts(timestamp, events), where).toEqual(results);
        break;
      }
      case 'transfers': {
        const timestamp = await this.#begin(step.advance, step.events.length);
        const events = step.events.map((event, i): Transfer => this.#resolve(event, i, 'transfer'));
        for (const { id } of events) this.#transferIds.add(id);
        const results = this.model.createTransfers(timestamp, events);
        this.#observe('transfers', results);
        if (this.#subject)
          expect(await this.#subject.createTransfers(timestamp, events), where).toEqual(results);
        break;
      }
      case 'orders': {
        const timestamp = await this.#begin(step.advance, step.events.length);
        const events = step.events.map((event, i): PaymentOrder => this.#resolveOrder(event, i));
        for (const { id } of events) this.#transferIds.add(id);
        const results = this.model.createPaymentOrders(timestamp, events);
        this.#observe('orders', results);
        if (this.#subject)
          expect(await this.#subject.createPaymentOrders(timestamp, events), where).toEqual(results);
        break;
      }
      case 'terms': {
        const timestamp = await this.#begin(step.advance, step.events.length);
        const events = step.events.map((event, i): OrderTerms => this.#resolve(event, i, 'account'));
        const results = this.model.setOrderTerms(timestamp, events);
        this.#observe('terms', results);
        if (this.#subject)
          expect(await this.#subject.setOrderTerms(timestamp, events), where).toEqual(results);
        break;
      }
      case 'history': {
        const filter: AccountFilter = { ...step.filter, ...this.#range(step.range.min, step.range.max) };
        await this.#compareHistory(filter, where);
        return;
      }
      case 'changes': {
        const filter = { ...step.filter, ...this.#range(step.range.min, step.range.max) };
        const expected = this.model.getChangeEvents(filter);
        if (this.#subject) expect(await this.#subject.getChangeEvents(filter), where).toEqual(expected);
        return;
      }
    }
    if (this.#subject && this.#options.afterStep) {
      this.#subject = await this.#options.afterStep(this.#subject, index);
    }
    await this.#compareAll(where);
  }

  /** Lets time pass, expires what is due as an engine does before a batch, and answers the batch's timestamp. */
  async #begin({ until, nanoseconds }: Advance, count: number): Promise<bigint> {
    const expiry = this.model.nextExpiry() ?? this.#clock;
    // Some timeouts end with the end of time, and nobody waits for them.
    const from = until === 'expiry' && expiry - this.#clock < WAIT_MAX ? expiry : this.#clock;
    if (from + nanoseconds > this.#clock) this.#clock = from + nanoseconds;
    for (let due = this.#due(); due > 0; due = this.#due()) {
      this.#last = this.#next(due);
      expect(this.model.expirePendingTransfers(this.#last)).toBe(due);
      await this.#subject?.expire(this.#last);
    }
    this.#last = this.#next(count);
    return this.#last;
  }

  /** What an expiry at the next moment releases; each that it releases may move that moment on, and more become due. */
  #due(): number {
    let due = this.model.expiriesDue(this.#next(1));
    for (;;) {
      const more = this.model.expiriesDue(this.#next(due));
      if (due === 0 || more === due) return due;
      due = more;
    }
  }

  /** Timestamps only rise: each of `count` records has one that is later than all before. */
  #next(count: number): bigint {
    const earliest = this.#last + BigInt(count);
    return this.#clock > earliest ? this.#clock : earliest;
  }

  #resolve<Event>(
    { moment, ...fields }: Timed<Event> & { moment: Moment },
    index: number,
    kind: 'account' | 'transfer',
  ): Event {
    return { ...fields, timestamp: this.#at(moment, kind, BigInt(index)) } as Event;
  }

  #resolveOrder({ expiry, ...order }: TimedOrder, index: number): PaymentOrder {
    return {
      ...this.#resolve<PaymentOrder>(order as never, index, 'transfer'),
      expiresAt: this.#at(expiry, 'transfer', 0n),
    };
  }

  #at({ from, delta }: Moment, kind: 'account' | 'transfer', index: bigint): bigint {
    const { account, transfer } = this.model.latest();
    const base = {
      zero: 0n,
      account,
      transfer,
      // An imported transfer is younger than its accounts, so it starts from whichever is newer.
      next: (kind === 'account' || account > transfer ? account : transfer) + 1n + index,
      now: this.#last,
      max: TIMESTAMP_MAX,
    }[from];
    const timestamp = base + delta;
    return timestamp < 0n ? U64_MAX : timestamp;
  }

  #range(min: Moment, max: Moment): { timestampMin: bigint; timestampMax: bigint } {
    return { timestampMin: this.#at(min, 'transfer', 0n), timestampMax: this.#at(max, 'transfer', 0n) };
  }

  #observe(kind: BatchKind, results: readonly CreateResult[]): void {
    for (const result of results) this.#options.observe?.(kind, result);
  }

  async #compareAll(where: string): Promise<void> {
    const subject = this.#subject;
    if (subject === undefined) return;
    const accountIds = [...this.#accountIds];
    const transferIds = [...this.#transferIds];
    expect(await subject.lookupAccounts(accountIds), where).toEqual(this.model.lookupAccounts(accountIds));
    expect(await subject.lookupTransfers(transferIds), where).toEqual(
      this.model.lookupTransfers(transferIds),
    );
    const everything = { timestampMin: 0n, timestampMax: 0n, limit: BATCH_RECORDS_MAX };
    expect(await subject.getChangeEvents(everything), where).toEqual(this.model.getChangeEvents(everything));
    const states = await Promise.all(accountIds.map((id) => subject.orderState(id)));
    expect(states, where).toEqual(accountIds.map((id) => this.model.orderState(id)));
    for (const { id } of this.model.accounts()) {
      await this.#compareHistory({ ...ALL, accountId: id, limit: BATCH_RECORDS_MAX, flags: BOTH }, where);
    }
  }

  async #compareHistory(filter: AccountFilter, where: string): Promise<void> {
    const transfers = this.model.getAccountTransfers(filter);
    const balances = this.model.getAccountBalances(filter);
    if (this.#subject === undefined) return;
    expect(await this.#subject.getAccountTransfers(filter), where).toEqual(transfers);
    expect(await this.#subject.getAccountBalances(filter), where).toEqual(balances);
  }
}
