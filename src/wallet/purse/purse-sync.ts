// Cash's statement of a purse, page by page: payments that were settled and that the wallet never saw, as their payer was in doubt
// and has reported them; and the proof that this store is older than what was paid with it.
//
//     credit that is no payment of the books ─▶ written down, with the page: it is in the purse, but nothing that can be shown offline
//     debit of an order that is not in them  ─▶ a copy of this store has paid: no payment any more, the purse ends
import { Refusal } from '../../roles/common/refusal.ts';
import type { SignedStatement, StatementEntry } from '../../roles/documents/statement.ts';
import { ManagementOperation } from '../../roles/management/messages.ts';
import { GetPurseStatementAnswer, GetPurseStatementRequest } from '../../roles/management/purse-messages.ts';
import { checkStatement } from '../core/check-statement.ts';
import { WalletError } from '../core/errors.ts';
import type { ManagementLink } from '../core/management-link.ts';
import { TransportError, type WalletClock, type WalletCrypto } from '../core/ports.ts';
import { StatementRecord } from '../core/records.ts';
import { handoverOf } from '../peer/records.ts';
import { type PurseBook, pursePut } from './purse-book.ts';
import { PurseKey, StoredPurse, StoredReceived, StoredSent, StoredUnseen } from './records.ts';

/** Ids that cash makes by itself begin with eight ones: covers, and payments whose own id was used up. */
const DERIVED_IDS_FROM = 0xffn << 120n;

export const OLDER_STORE = 'a copy of this wallet has paid with it: this one must not';

export interface PurseSyncOptions {
  readonly purses: PurseBook;
  readonly link: ManagementLink;
  readonly crypto: WalletCrypto;
  readonly clock: WalletClock;
}

interface Page {
  readonly statement: SignedStatement;
  readonly cashKey: Uint8Array;
}

export class PurseSync {
  readonly #with: PurseSyncOptions;

  constructor(options: PurseSyncOptions) {
    this.#with = options;
  }

  /** One attempt. @returns the purse as it is then @throws TransportError: later; WalletError answer_invalid, refused */
  async run(purse: StoredPurse): Promise<StoredPurse> {
    for (let known = purse; ; ) {
      if (known.issued === undefined) return known;
      const page = await this.#page(known);
      known = await this.#book(known, page);
      if (!page.statement.document.more) return known;
    }
  }

  #book({ number }: StoredPurse, page: Page): Promise<StoredPurse> {
    const { purses } = this.#with;
    return purses.change(async (write) => {
      const before = await purses.read(StoredPurse, PurseKey.purse(number));
      if (before === undefined) throw new Error(`purse ${number}: expected it, got none`);
      const { after, until, asOf, entries } = page.statement.document;
      // Another call has read it meanwhile.
      if (after !== before.until) return before;
      const sent = new Set(
        (await purses.all(StoredSent, PurseKey.sents(number))).map(
          ({ payment }) => handoverOf(payment.message).request,
        ),
      );
      const handovers = entries.filter(isHandover);
      const isOlder = handovers.some(({ side, transfer }) => side === 'debit' && !sent.has(transfer));
      const unseen: StatementEntry[] = [];
      for (const entry of handovers) {
        if (entry.side !== 'credit') continue;
        const { transfer } = entry;
        const known = await purses.read(StoredReceived, PurseKey.got(number, transfer));
        if (known === undefined) unseen.push(entry);
      }
      // One that is closing or has ended pays no more anyway.
      const isEnding = isOlder && before.state.kind === 'open';
      const state = isEnding ? ({ kind: 'ended', reason: OLDER_STORE } as const) : before.state;
      const next: StoredPurse = { ...before, state, until, asOf };
      await write([
        pursePut(next),
        ...unseen.map(({ transfer: request, amount, timestamp }) => ({
          key: PurseKey.unseen(number, request),
          value: StoredUnseen.encode({ request, amount, timestamp }),
        })),
        ...(unseen.length === 0
          ? []
          : [{ key: PurseKey.page(number, until), value: StatementRecord.encode(page) }]),
      ]);
      return next;
    });
  }

  async #page({ issued, until, asOf }: StoredPurse): Promise<Page> {
    const { link, crypto, clock } = this.#with;
    const { purse, currency } = issued!.allowance.document;
    const query = { currency, after: until, purchases: [] };
    const message = GetPurseStatementRequest.encode({ purse, query });
    const { get_purse_statement } = ManagementOperation;
    const answer = await link.ask('device', get_purse_statement, message, GetPurseStatementAnswer);
    if (answer instanceof Refusal) {
      if (answer.code === 'busy') throw new TransportError('unreachable', `management: ${answer.code}`);
      throw new WalletError('refused', `statement of the purse: ${answer.message} (${answer.code})`);
    }
    const { statement } = answer;
    const { keyId } = statement.document;
    let cashKey = link.trust.cashKey(keyId, clock.now());
    if (cashKey === undefined) {
      await link.fetchDirectory('device');
      cashKey = link.trust.cashKey(keyId, clock.now());
    }
    const wrong =
      cashKey === undefined
        ? 'statement: expected one signed with a key of cash, got another'
        : checkStatement(statement, { device: purse, query, asOf }, cashKey, crypto);
    if (wrong !== undefined) throw new WalletError('answer_invalid', `purse: ${wrong}`);
    return { statement, cashKey: cashKey! };
  }
}

const isHandover = ({ reason, phase, transfer }: StatementEntry): boolean =>
  reason === 'handover' && phase === 'single' && transfer < DERIVED_IDS_FROM;
