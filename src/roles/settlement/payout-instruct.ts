// Performs what pages of payouts ask for. Account numbers are in the clear only while a message is written and handed over.
//
//     check ─▶ seals opened: the signing key inside must be the one that cash names
//     send ──▶ pain.001 ─▶ institution ─▶ pain.002 ─┬─ accepted, pending: nothing is known yet
//                              │ DUPL: it has it ───┼─ rejected: a receipt each
//                              └─▶ status ──────────┘
//     await ─▶ every payout has an outcome? else the status once more, for what is rejected later

import {
  type Account,
  Iso20022Error,
  isIban,
  type PaymentStatusReport,
  type Reason,
  readPaymentStatus,
  standingOf,
  writePaymentInitiation,
} from '../../iso20022/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import { Currencies } from '../../shared/currency.ts';
import { Refusal } from '../common/refusal.ts';
import { PAYOUT_DETAIL_BYTES_MAX } from '../documents/payout.ts';
import { type Again, again, type EffectItem } from '../flow/flow.ts';
import type { SettlementLog } from './interface.ts';
import type { ChannelAnswer, PaymentChannel } from './payment-channel.ts';
import type { Outcome, PayoutBook } from './payout-book.ts';
import type { Page, PageEffect, PageOutcome } from './payout-flow.ts';
import type { Payout } from './payout-messages.ts';
import type { Opened, OpenSeals } from './seals.ts';

/** Whose money is paid out. */
export interface Debtor {
  readonly name: string;
  readonly account: Account;
}

export interface PayoutInstructorOptions {
  readonly channel: PaymentChannel;
  readonly book: PayoutBook;
  readonly debtor: Debtor;
  readonly currencies?: Currencies | undefined;
  /** Of payouts that come; keys in use. */
  readonly openSeals: OpenSeals;
  /** Of payouts that are stored; keys beyond their time too. */
  readonly openStored: OpenSeals;
  readonly clock: Clock;
  readonly log?: SettlementLog | undefined;
}

/** A directory that has just been changed is read within a fraction of this. */
const KEY_PAUSE_MS = 1_000;
const KEY_ATTEMPTS = 5;
/** The statement tells of bookings; this is for what is rejected after it was accepted. */
const STATUS_PAUSE_MS = 60_000;
const AWAIT_PAUSE_MS = 1_000;
const STATUS_EVERY = STATUS_PAUSE_MS / AWAIT_PAUSE_MS;

export class PayoutInstructor {
  readonly #options: PayoutInstructorOptions;

  constructor(options: PayoutInstructorOptions) {
    this.#options = options;
  }

  readonly perform = (items: readonly EffectItem<PageEffect>[]): Promise<PageOutcome | Again>[] =>
    items.map((item) => this.#perform(item));

  #perform({ effect, attempt }: EffectItem<PageEffect>): Promise<PageOutcome | Again> {
    switch (effect.do) {
      case 'check':
        return this.#check(effect.page, attempt);
      case 'send':
        return this.#send(effect.page);
      case 'await':
        return this.#await(effect.page, effect.payouts, attempt);
    }
  }

  // ---- Before anything is sent

  async #check({ payouts }: Page, attempt: number): Promise<PageOutcome | Again> {
    const { openSeals, book, clock } = this.#options;
    const opened = await openSeals(payouts);
    const reasons = payouts.map((payout, i) => problemOf(payout, opened[i]!));
    if (reasons.includes('seal_key_unknown') && attempt < KEY_ATTEMPTS) return again(KEY_PAUSE_MS);
    const rejected = payouts.flatMap(({ order }, i): Outcome[] => {
      const reason = reasons[i];
      if (reason === undefined) return [];
      const { payout } = order.document;
      return [{ payout, outcome: 'rejected', reason, institutionReference: '', at: clock() }];
    });
    await book.record(rejected);
    const ids = payouts.map(({ order }) => order.document.payout);
    return { kind: 'checked', good: ids.filter((payout) => book.find(payout)?.outcome === undefined) };
  }

  // ---- Instruction

  async #send(page: Page): Promise<PageOutcome | Again> {
    const { channel, book, log } = this.#options;
    const messageId = messageIdOf(page.page);
    const message = await this.#message(page);
    if (message === undefined) return again();
    const report = await this.#report(messageId, await channel.submit(message));
    if (report === undefined) return again();
    let last = report;
    if (isDuplicate(report)) {
      // It came before: what was said of it then counts.
      const status = await channel.status(messageId);
      const known = status.kind === 'not_found' ? undefined : await this.#report(messageId, status);
      if (known === undefined || isDuplicate(known)) {
        if (status.kind === 'not_found')
          log?.error({ page: String(page.page) }, 'the institution knows a message and does not know it');
        return again();
      }
      last = known;
    }
    const ids = page.payouts.map(({ order }) => order.document.payout);
    await book.record(this.#rejected(last, ids));
    return { kind: 'sent' };
  }

  async #message(page: Page): Promise<string | undefined> {
    const { openStored, debtor, currencies = new Currencies(), log } = this.#options;
    const opened = await openStored(page.payouts);
    const unreadable = opened.find((content) => content instanceof Refusal);
    if (unreadable !== undefined) {
      log?.error(
        { page: String(page.page), refusal: unreadable.code },
        'the seal of a stored payout does not open',
      );
      return undefined;
    }
    const time = new Date(Number(page.receivedAt / 1_000_000n)).toISOString();
    const id = messageIdOf(page.page);
    try {
      return writePaymentInitiation(
        {
          messageId: id,
          createdAt: time,
          initiatingParty: { name: debtor.name },
          payments: [
            {
              paymentInformationId: id,
              requestedExecutionDate: time.slice(0, 'yyyy-mm-dd'.length),
              debtor: { name: debtor.name },
              debtorAccount: debtor.account,
              transactions: page.payouts.map(({ order: { document } }, i) => {
                const { accountNumber } = opened[i] as Exclude<Opened, Refusal>;
                return {
                  endToEndId: endToEndIdOf(document.payout),
                  amount: document.amount,
                  currency: currencies.ofLedger(document.currency).code,
                  creditor: { name: `Shop ${document.shop.toString(16)}` },
                  creditorAccount: accountOf(accountNumber),
                };
              }),
            },
          ],
        },
        { currencies },
      );
    } catch (error) {
      // Its own message may quote what could not be written.
      const code = error instanceof Iso20022Error ? error.code : 'failed';
      log?.error({ page: String(page.page), code }, 'a payment message could not be written');
      return undefined;
    }
  }

  /** What the institution says of the message; undefined: nothing that can be used. */
  async #report(messageId: string, answer: ChannelAnswer): Promise<PaymentStatusReport | undefined> {
    const { log } = this.#options;
    let problem: string;
    if (answer.kind === 'unknown') problem = answer.why;
    else {
      try {
        const report = readPaymentStatus(answer.document);
        if (report.original.messageId === messageId) return report;
        problem = 'expected a status of this message, got one of another';
      } catch (error) {
        if (!(error instanceof Iso20022Error)) throw error;
        problem = `expected a pain.002, got one that cannot be read: ${error.code}`;
      }
    }
    log?.warn({ message: messageId, why: problem }, 'the outcome of an instruction is unknown');
    return undefined;
  }

  #rejected(report: PaymentStatusReport, payouts: readonly bigint[]): Outcome[] {
    const { clock, log } = this.#options;
    const at = clock();
    const outcome = (payout: bigint, reason: string, reference: string): Outcome => ({
      ...{ payout, outcome: 'rejected', at },
      reason: cut(reason),
      institutionReference: cut(reference),
    });
    if (standingOf(report.groupStatus) === 'rejected') {
      const reason = reasonOf(report.reasons);
      return payouts.map((payout) => outcome(payout, reason, report.messageId));
    }
    const known = new Map(payouts.map((payout) => [endToEndIdOf(payout), payout]));
    return report.payments.flatMap((payment) => {
      const isWhole = standingOf(payment.status) === 'rejected';
      const answers =
        isWhole && payment.transactions.length === 0
          ? [...known.keys()].map(nothingSaid)
          : payment.transactions;
      return answers.flatMap(({ endToEndId = '', status, reasons, servicerReference }) => {
        const payout = known.get(endToEndId);
        if (payout === undefined) return [];
        if (!isWhole && standingOf(status) !== 'rejected') return [];
        const reason = reasonOf(reasons.length > 0 ? reasons : payment.reasons);
        if (reason.startsWith(DUPLICATE)) {
          // Another payment of that name was made: whether it was this one, no rejection says.
          log?.error({ payout: String(payout) }, 'the institution takes a payout for a duplicate');
          return [];
        }
        return [outcome(payout, reason, servicerReference ?? report.messageId)];
      });
    });
  }

  // ---- Until every payout has an outcome

  async #await(page: bigint, payouts: readonly bigint[], attempt: number): Promise<PageOutcome | Again> {
    const { book, channel } = this.#options;
    const isOpen = (): boolean => payouts.some((payout) => book.find(payout)?.outcome === undefined);
    if (!isOpen()) return { kind: 'settled' };
    if (attempt % STATUS_EVERY === 0) {
      const messageId = messageIdOf(page);
      const status = await channel.status(messageId);
      const report = status.kind === 'not_found' ? undefined : await this.#report(messageId, status);
      if (report !== undefined && !isDuplicate(report)) await book.record(this.#rejected(report, payouts));
    }
    return again(AWAIT_PAUSE_MS);
  }
}

/** MsgId and EndToEndId: 32 hex digits. */
export const endToEndIdOf = (payout: bigint): string => payout.toString(16).padStart(32, '0');
const messageIdOf = endToEndIdOf;

const DUPLICATE = 'DUPL';

const nothingSaid = (
  endToEndId: string,
): PaymentStatusReport['payments'][number]['transactions'][number] => ({
  endToEndId,
  reasons: [],
});

function isDuplicate({ groupStatus, reasons }: PaymentStatusReport): boolean {
  return standingOf(groupStatus) === 'rejected' && reasons.some(({ code }) => code === DUPLICATE);
}

function problemOf({ order }: Payout, opened: Opened): string | undefined {
  if (opened instanceof Refusal) return opened.code;
  if (Buffer.compare(opened.signingKey, order.document.signingKey) !== 0) return 'account_mismatch';
  return accountNumberFits(opened.accountNumber) ? undefined : 'account_invalid';
}

/** An account's number that is no IBAN, at most (ISO 20022's Max34Text). */
const OTHER_ACCOUNT_CHARACTERS_MAX = 34;
const accountNumberFits = (text: string): boolean => text.length <= OTHER_ACCOUNT_CHARACTERS_MAX;

function accountOf(accountNumber: string): Account {
  return { scheme: isIban(accountNumber) ? 'iban' : 'other', id: accountNumber };
}

/** `AC04`, or `AC04 account closed`. */
export function reasonOf(reasons: readonly Reason[]): string {
  const [first] = reasons;
  const text = [first?.code ?? first?.proprietary, first?.information].filter((part) => part !== undefined);
  return cut(text.length === 0 ? 'no reason given' : text.join(' '));
}

/** A bank's text is signed and stored: as much as fits, and nothing that looks like an account's number. */
export function cut(text: string): string {
  const safe = text.replace(/[A-Z]{0,2}[0-9](?:[ -]?[0-9A-Z]){10,}/g, '…').replace(/[^\x20-\x7e…]/g, '?');
  return safe.slice(0, Math.floor(PAYOUT_DETAIL_BYTES_MAX / 3));
}
