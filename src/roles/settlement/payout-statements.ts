// Reads the institution's bookings on from where it has read to, again and again. A booking is the only proof that money has
// left, and a returned one that it has come back; each is written with the place that is read to, in one transaction.

import {
  type AccountReport,
  type Entry,
  type EntryTransaction,
  Iso20022Error,
  readAccountReport,
} from '../../iso20022/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import { Currencies } from '../../shared/currency.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { SettlementLog } from './interface.ts';
import type { PaymentChannel } from './payment-channel.ts';
import type { Outcome, PayoutBook } from './payout-book.ts';
import { cut, type Debtor, reasonOf } from './payout-instruct.ts';

export interface PayoutStatementsOptions {
  readonly channel: PaymentChannel;
  readonly book: PayoutBook;
  readonly debtor: Debtor;
  readonly currencies?: Currencies | undefined;
  /** Between two questions that found nothing new. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly log?: SettlementLog | undefined;
}

/** EndToEndIds that are payouts' (payout-instruct.ts). */
const PAYOUT_ID = /^[0-9a-f]{32}$/i;

export class PayoutStatements {
  readonly #options: PayoutStatementsOptions;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isRunning = false;
  #problem: string | undefined;

  /** Reads from the start where there has been a payout; otherwise from the first one on. */
  constructor(options: PayoutStatementsOptions) {
    this.#options = options;
    if (options.book.hasPayouts) this.start();
  }

  /** Why the institution's bookings are not read on, until an operator has seen to it; undefined: they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  start(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    this.#later();
  }

  /** Reads no more; what is being written is finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#writing.catch(() => {});
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#cancelTimer = this.#options.setTimer(() => {
      void this.#readAll().then(() => this.#later());
    }, this.#options.pollMs);
  }

  async #readAll(): Promise<void> {
    const { channel, book, log } = this.#options;
    try {
      while (!this.#isClosed) {
        const before = book.statementsRead;
        const page = await channel.statements(before);
        if (page.kind === 'unknown') {
          log?.warn({ why: page.why }, 'the statement could not be read');
          return;
        }
        if (this.#isClosed) return;
        if (page.next <= before) {
          this.#problem = undefined;
          return;
        }
        const outcomes = page.documents.flatMap((document) => this.#outcomesOf(document));
        this.#writing = book.record(outcomes, page.next);
        await this.#writing;
        this.#problem = undefined;
      }
    } catch (error) {
      // Nothing of the page is taken; it is read again.
      const text = error instanceof Iso20022Error ? error.code : (error as Error).name;
      if (this.#problem !== text)
        log?.error({ error: text, after: String(book.statementsRead) }, 'a statement is not believed');
      this.#problem = text;
    }
  }

  #outcomesOf(document: Uint8Array): Outcome[] {
    const { currencies, debtor, log } = this.#options;
    const { reports } = readAccountReport(document, currencies && { currencies });
    return reports.flatMap((report) => {
      const { findings = [], account, id } = report;
      if (account.id !== debtor.account.id) {
        log?.error({ statement: id }, 'a statement of another account');
        return [];
      }
      // Sums that do not add up are a damaged or an incomplete statement.
      const [finding] = findings;
      if (finding !== undefined) throw new Iso20022Error(finding.code, finding.path, finding.problem);
      return this.#outcomesIn(report);
    });
  }

  #outcomesIn({ entries }: AccountReport): Outcome[] {
    return entries.flatMap((entry) =>
      entry.status === 'BOOK'
        ? entry.transactions.flatMap((transaction) => this.#outcomeOf(entry, transaction))
        : [],
    );
  }

  #outcomeOf(entry: Entry, transaction: EntryTransaction): Outcome[] {
    const { currencies = new Currencies(), clock } = this.#options;
    const { endToEndId = '', returned, money = entry, side = entry.side, servicerReference } = transaction;
    if (!PAYOUT_ID.test(endToEndId)) return [];
    const isBack = side === 'credit' && (returned !== undefined || entry.reversal);
    // Money that came in under a payout's name without being one that came back is nothing that is known of it.
    if (side === 'credit' && !isBack) return [];
    const reference = servicerReference ?? entry.servicerReference ?? entry.reference ?? '';
    return [
      {
        payout: BigInt(`0x${endToEndId}`),
        outcome: isBack ? 'returned' : 'booked',
        reason: isBack ? reasonOf(returned === undefined ? [] : [returned]) : '',
        institutionReference: cut(reference),
        at: clock(),
        money: { amount: money.amount, currency: currencies.parse(money.currency).ledger },
      },
    ];
  }
}
