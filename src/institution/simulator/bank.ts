// The side of the simulated institution that makes payments: a bank with one customer, the operator, whose account it keeps.
//
//     pain.001 ─▶ each payment: rejected, or taken ─▶ pain.002        all written before it is answered
//     due ──────▶ booked: a debit of the account ─▶ perhaps returned later: a credit
//     entries ──▶ camt.053 and camt.054, from any entry on
//
// Tables: messages (MsgId ▶ pain.002), payments (EndToEndId ▶ MsgId), due (when, payment ▶ what), entries (1, 2, 3 …).
// What is due is booked when someone asks for it: nothing here runs by itself.
import {
  type Account,
  type Entry,
  Iso20022Error,
  isIban,
  type PaymentAnswer,
  type Reason,
  readPaymentInitiation,
  type TransactionAnswer,
  writeAccountReport,
  writePaymentStatus,
} from '../../iso20022/index.ts';
import { bytesUpTo, type Infer, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { Currencies } from '../../shared/currency.ts';
import { keyOf } from '../../store/key.ts';
import type { RoleStore, StoreTransaction } from '../../store/store.ts';
import { OPERATOR_ACCOUNT } from '../operator-account.ts';
import type { BankFaults } from './bank-dials.ts';

const MESSAGES = 'messages';
const PAYMENTS = 'payments';
const DUE = 'due';
const ENTRIES = 'entries';

/** Entries of a statement. */
const STATEMENT_ENTRIES_MAX = 1_000;
const STATUS_BYTES_MAX = 512 * 1024;
const NANOSECONDS_A_MILLISECOND = 1_000_000n;

const MessageRecord = bytesUpTo(STATUS_BYTES_MAX);

const DueRecord = struct({
  kind: oneOf('booking', 'return'),
  endToEndId: text(35),
  messageId: text(35),
  creditor: text(34),
  amount: u128,
  currency: u32,
  /** Of a return. */
  reason: text(4),
});
type DueRecord = Infer<typeof DueRecord>;

const EntryRecord = struct({
  due: DueRecord,
  at: u64,
  /** Sums of all entries up to this one. */
  debits: u128,
  credits: u128,
});
type EntryRecord = Infer<typeof EntryRecord>;

export interface BankOptions {
  readonly store: RoleStore;
  readonly faults: BankFaults;
  /** IBAN of the operator's account. */
  readonly account?: string | undefined;
  /** Of the account. */
  readonly currency?: number | undefined;
  readonly currencies?: Currencies | undefined;
  /** Nanoseconds. */
  readonly clock: () => bigint;
}

/** What a fault makes happen in the midst of a request. */
export interface BankHooks {
  readonly beforeCommit?: () => void;
}

export class Bank {
  readonly #options: BankOptions;
  readonly #currencies: Currencies;
  readonly #currency: number;
  readonly #account: Account;

  constructor(options: BankOptions) {
    this.#options = options;
    this.#currencies = options.currencies ?? new Currencies();
    this.#currency = options.currency ?? 978;
    this.#account = { scheme: 'iban', id: options.account ?? OPERATOR_ACCOUNT };
  }

  // ---- Payments

  /** A pain.002 on a pain.001. What it says is written when this resolves. */
  async submit(document: Uint8Array, { beforeCommit = () => {} }: BankHooks = {}): Promise<string> {
    const { clock } = this.#options;
    const createdAt = isoTime(clock());
    const status = (original: { messageId: string; messageName: string }, more: StatusParts): string =>
      writePaymentStatus({
        messageId: `S${original.messageId}`.slice(0, 35),
        createdAt,
        original,
        reasons: [],
        payments: [],
        ...more,
      });
    let read: ReturnType<typeof readPaymentInitiation>;
    try {
      read = readPaymentInitiation(document, { currencies: this.#currencies });
    } catch (error) {
      if (!(error instanceof Iso20022Error)) throw error;
      const original = { messageId: 'NOTPROVIDED', messageName: 'pain.001' };
      return status(original, { groupStatus: 'RJCT', reasons: [{ code: 'FF01' }] });
    }
    const { messageId, messageName } = read;
    const original = { messageId, messageName };
    return this.#options.store.transaction((tx) => {
      if (tx.get(MESSAGES, utf8(messageId)) !== undefined)
        return status(original, { groupStatus: 'RJCT', reasons: [{ code: 'DUPL' }] });
      const isBad =
        read.findings.length > 0 ||
        read.payments.some(
          ({ findings, debtorAccount }) => findings.length > 0 || debtorAccount.id !== this.#account.id,
        );
      const answer = isBad
        ? status(original, { groupStatus: 'RJCT', reasons: [{ code: 'FF01' }] })
        : status(original, this.#take(tx, read));
      tx.put(MESSAGES, utf8(messageId), MessageRecord.encode(utf8(answer)));
      beforeCommit();
      return answer;
    });
  }

  /** The pain.002 of a message; undefined: it has none. */
  status(messageId: string): Uint8Array | undefined {
    const stored = this.#options.store.get(MESSAGES, utf8(messageId));
    return stored && MessageRecord.decode(stored);
  }

  #take(
    tx: StoreTransaction,
    { messageId, payments }: ReturnType<typeof readPaymentInitiation>,
  ): StatusParts {
    let accepted = 0;
    let rejected = 0;
    const answers = payments.map(({ paymentInformationId, transactions, refused }): PaymentAnswer => {
      const told: TransactionAnswer[] = refused.map(({ position: _, finding: __, ...references }) => ({
        ...references,
        status: 'RJCT',
        reasons: [{ code: 'FF01' }],
      }));
      for (const { endToEndId, amount, currency, creditorAccount } of transactions) {
        const code = this.#refusal(tx, endToEndId, currency, creditorAccount);
        const reasons: Reason[] = code === undefined ? [] : [{ code }];
        told.push({ endToEndId, status: code === undefined ? 'ACSP' : 'RJCT', reasons });
        if (code !== undefined) continue;
        accepted++;
        tx.put(PAYMENTS, utf8(endToEndId), utf8(messageId));
        this.#putDue(tx, this.#options.faults.bookAfterMs, {
          ...{ kind: 'booking', endToEndId, messageId, amount, reason: '' },
          creditor: creditorAccount.id,
          currency: this.#currencies.parse(currency).ledger,
        });
      }
      rejected += told.length;
      return { paymentInformationId, reasons: [], transactions: told };
    });
    rejected -= accepted;
    const groupStatus = rejected === 0 ? 'ACSP' : accepted === 0 ? 'RJCT' : 'PART';
    return { groupStatus, reasons: groupStatus === 'RJCT' ? [{ code: 'NARR' }] : [], payments: answers };
  }

  #refusal(
    tx: StoreTransaction,
    endToEndId: string,
    currency: string,
    { scheme, id }: Account,
  ): string | undefined {
    if (tx.get(PAYMENTS, utf8(endToEndId)) !== undefined) return 'DUPL';
    if (this.#currencies.parse(currency).ledger !== this.#currency) return 'AM03';
    if (scheme !== 'iban' || !isIban(id)) return 'AC01';
    return this.#options.faults.rejects();
  }

  #putDue(tx: StoreTransaction, afterMs: number, due: DueRecord): void {
    const at = this.#options.clock() + BigInt(afterMs) * NANOSECONDS_A_MILLISECOND;
    tx.put(DUE, keyOf(at, utf8(due.endToEndId)), DueRecord.encode(due));
  }

  // ---- The account

  /** Books what is due. */
  async #book({ beforeCommit = () => {} }: BankHooks): Promise<void> {
    const { store, clock, faults } = this.#options;
    const to = keyOf(clock() + 1n);
    const isDue = (): boolean => store.range(DUE, { to, limit: 1 }).length > 0;
    while (isDue()) {
      await store.transaction((tx) => {
        const at = clock();
        const last = this.#last(tx);
        let { debits, credits } = last.record;
        let { sequence } = last;
        for (const { key, value } of tx.range(DUE, { to, limit: STATEMENT_ENTRIES_MAX })) {
          const due = DueRecord.decode(value);
          if (due.kind === 'booking') debits += due.amount;
          else credits += due.amount;
          tx.put(ENTRIES, ++sequence, EntryRecord.encode({ due, at, debits, credits }));
          tx.remove(DUE, key);
          const returned = due.kind === 'booking' ? faults.returns() : undefined;
          if (returned !== undefined)
            this.#putDue(tx, returned.afterMs, { ...due, kind: 'return', reason: returned.code });
        }
        tx.put(LAST, LAST_KEY, u128.encode(sequence));
        beforeCommit();
      });
    }
  }

  #last(reads: Pick<StoreTransaction, 'get'>): {
    readonly sequence: bigint;
    readonly record: Pick<EntryRecord, 'debits' | 'credits'>;
  } {
    const stored = reads.get(LAST, LAST_KEY);
    const sequence = stored === undefined ? 0n : u128.decode(stored);
    return { sequence, record: this.#entry(reads, sequence) };
  }

  #entry(reads: Pick<StoreTransaction, 'get'>, sequence: bigint): Pick<EntryRecord, 'debits' | 'credits'> {
    const stored = reads.get(ENTRIES, sequence);
    return stored === undefined ? { debits: 0n, credits: 0n } : EntryRecord.decode(stored);
  }

  /** Entries after that one, and the number of the last of them; no document where there is none. */
  async statement(
    after: bigint,
    kind: 'statement' | 'notification' = 'statement',
    hooks: BankHooks = {},
  ): Promise<{ readonly document: string | undefined; readonly next: bigint }> {
    await this.#book(hooks);
    const { store, clock } = this.#options;
    const records = store
      .range(ENTRIES, { from: after + 1n, limit: STATEMENT_ENTRIES_MAX })
      .map(({ value }) => EntryRecord.decode(value));
    if (records.length === 0) return { document: undefined, next: after };
    const next = after + BigInt(records.length);
    const name = `${kind === 'statement' ? 'ST' : 'NT'}-${after + 1n}-${next}`;
    const createdAt = isoTime(clock());
    const { code } = this.#currencies.ofLedger(this.#currency);
    const balance = (type: string, { debits, credits }: Pick<EntryRecord, 'debits' | 'credits'>) => ({
      type,
      side: credits >= debits ? ('credit' as const) : ('debit' as const),
      amount: credits >= debits ? credits - debits : debits - credits,
      currency: code,
      date: createdAt.slice(0, DATE_CHARACTERS),
    });
    const balances =
      kind === 'statement'
        ? [balance('OPBD', this.#entry(store, after)), balance('CLBD', records.at(-1)!)]
        : [];
    const document = writeAccountReport(
      {
        kind,
        messageId: name,
        createdAt,
        reports: [
          {
            id: name,
            createdAt,
            account: this.#account,
            balances,
            entries: records.map((record, i) => this.#entryOf(record, after + 1n + BigInt(i), code)),
          },
        ],
      },
      { currencies: this.#currencies },
    );
    return { document, next };
  }

  #entryOf({ due, at }: EntryRecord, sequence: bigint, currency: string): Entry {
    const { kind, endToEndId, messageId, creditor, amount, reason } = due;
    const isReturn = kind === 'return';
    const bookedAt = isoTime(at).slice(0, DATE_CHARACTERS);
    const reference = `E${sequence}`;
    return {
      reference,
      side: isReturn ? 'credit' : 'debit',
      reversal: false,
      status: 'BOOK',
      ...{ amount, currency, bookedAt, valueDate: bookedAt, servicerReference: reference },
      code: { domain: 'PMNT', family: 'ICDT', subFamily: isReturn ? 'RRTN' : 'ESCT' },
      transactions: [
        {
          ...{ messageId, endToEndId, servicerReference: reference },
          creditorAccount: { scheme: 'iban', id: creditor },
          ...(isReturn && { returned: { code: reason } }),
        },
      ],
    };
  }
}

interface StatusParts {
  readonly groupStatus: string;
  readonly reasons?: readonly Reason[];
  readonly payments?: readonly PaymentAnswer[];
}

const LAST = 'last-entry';
const LAST_KEY = Buffer.from('last');
const DATE_CHARACTERS = 'yyyy-mm-dd'.length;

const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
const isoTime = (nanoseconds: bigint): string =>
  new Date(Number(nanoseconds / NANOSECONDS_A_MILLISECOND)).toISOString();
