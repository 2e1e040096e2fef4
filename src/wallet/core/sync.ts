// Cash's statement, page by page since the last time: refunds, captures, credits that the wallet has missed, and what became
// of purchases whose shop does not say.
//
//     ask after ──▶ management ──▶ cash ──▶ page, signed ──▶ checked ──▶ booked, with the place to go on from ─╮
//        ▲                                                                                                    │
//        ╰──────────────────────────── more entries, or more purchases to ask about ◀─────────────────────────╯
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import {
  STATEMENT_PURCHASES_MAX,
  type Statement,
  type StatementQuery,
} from '../../roles/documents/statement.ts';
import {
  GetStatementAnswer,
  GetStatementRequest,
  ManagementOperation,
} from '../../roles/management/messages.ts';
import type { Book, CheckedStatement } from './book.ts';
import { checkStatement } from './check-statement.ts';
import { WalletError } from './errors.ts';
import type { ManagementLink } from './management-link.ts';
import { within } from './patience.ts';
import { TransportError } from './ports.ts';
import type { HistoryEntry } from './records.ts';
import type { WalletOptions } from './wallet-types.ts';

/** Pages that are booked together, where the first ones take more than there is. Each has 64 entries. */
const PAGES_TOGETHER_MAX = 64;

export interface Synced {
  /** The last page: the balance as of then. */
  readonly statement: Statement;
  /** What was new. */
  readonly entries: readonly HistoryEntry[];
}

export class Sync {
  readonly #book: Book;
  readonly #link: ManagementLink;
  readonly #options: WalletOptions;
  readonly #attemptMs: number;
  #last: Promise<unknown> = Promise.resolve();

  /** @param attemptMs how long it waits for one page */
  constructor(book: Book, link: ManagementLink, options: WalletOptions, attemptMs: number) {
    this.#book = book;
    this.#link = link;
    this.#options = options;
    this.#attemptMs = attemptMs;
  }

  /**
   * One attempt; one after the other. What was booked stays booked.
   * @throws TransportError: later; WalletError refused, answer_invalid
   */
  run(): Promise<Synced> {
    const result = this.#last.then(() => this.#run());
    this.#last = result.catch(() => {});
    return result;
  }

  async #run(): Promise<Synced> {
    let asked = [...this.#book.open, ...this.#book.held]
      .filter(({ kind }) => kind === 'purchase')
      .map(({ request }) => request);
    const entries: HistoryEntry[] = [];
    let pages: CheckedStatement[] = [];
    for (;;) {
      const before = pages.at(-1)?.statement.document ?? { ...this.#book.synced };
      const query = {
        currency: this.#book.settings.currency.ledger,
        after: before.until,
        purchases: asked.slice(0, STATEMENT_PURCHASES_MAX),
      };
      const page = await this.#page(query, before.asOf);
      asked = asked.slice(STATEMENT_PURCHASES_MAX);
      pages.push(page);
      const { document } = page.statement;
      const booked = await this.#book.bookStatements(pages, this.#options.clock.now());
      if (booked !== undefined) {
        entries.push(...booked);
        pages = [];
        if (!document.more && asked.length === 0) return { statement: document, entries };
      } else if (!document.more || pages.length >= PAGES_TOGETHER_MAX) {
        throw new WalletError(
          'answer_invalid',
          'statement: expected no more to be taken than there is, got more',
        );
      }
    }
  }

  async #page(query: StatementQuery, asOf: bigint): Promise<CheckedStatement> {
    const message = GetStatementRequest.encode({ query });
    const { clock, crypto } = this.#options;
    // Nobody may hold up those that come after.
    const attempt = <T>(work: Promise<T>): Promise<T> => within(clock, this.#attemptMs, work);
    const answer = await attempt(
      this.#link.ask('device', ManagementOperation.get_statement, message, GetStatementAnswer),
    );
    if (answer instanceof Refusal) {
      if (mayRepeat(answer)) throw new TransportError('unreachable', `management: ${answer.code}`);
      throw new WalletError('refused', `statement: ${answer.message} (${answer.code})`);
    }
    const { statement } = answer;
    const { keyId } = statement.document;
    let cashKey = this.#link.trust.cashKey(keyId, clock.now());
    if (cashKey === undefined) {
      await attempt(this.#link.fetchDirectory('device'));
      cashKey = this.#link.trust.cashKey(keyId, clock.now());
    }
    const wrong =
      cashKey === undefined
        ? 'statement: expected one signed with a key of cash, got another'
        : checkStatement(statement, { device: this.#book.device!.device, query, asOf }, cashKey, crypto);
    if (wrong !== undefined) throw new WalletError('answer_invalid', wrong);
    return { statement, cashKey: cashKey! };
  }
}
