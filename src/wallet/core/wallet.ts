// The wallet: enrols, loads, buys, and keeps its own record of what it has. Buying is in purchases.ts.
//
//     load ──▶ order signed, account sealed ──▶ written ──▶ sent ──▶ answer ──▶ judged ──▶ written ──▶ outcome
//                                                 ▲           ▲                   │
//                                                 │           ╰── pending, silence│
//     resume ─────────────────────────────────────┴──────────── (same bytes) ◀────╯
//
// Nothing here is of Node: storage, cryptography, clock and transport come in from outside (ports.ts).
import { Backoff } from '../../channel/backoff.ts';
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import type { SealedAccount } from '../../roles/documents/account-seal.ts';
import { AccountFiling, Enrolment } from '../../roles/documents/enrolment.ts';
import { LoadOrder } from '../../roles/documents/load-order.ts';
import type { DocumentKind, Signed } from '../../roles/documents/signed.ts';
import {
  EnrolRequest,
  FileAccountRequest,
  GetBalanceAnswer,
  GetBalanceRequest,
  LoadRequest,
  ManagementOperation,
} from '../../roles/management/messages.ts';
import { type Amount, amountOf, ZERO } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { idGenerator } from '../../shared/id.ts';
import type { PeerLink } from '../peer/link.ts';
import type { AskReport } from '../peer/payee.ts';
import type { PayReport } from '../peer/payer.ts';
import type {
  PurseReport,
  ReceiveOptions,
  ReportResult,
  ReserveOptions,
  SendOptions,
  TransferReport,
} from '../purse/purse-types.ts';
import { Purses } from '../purse/purses.ts';
import { Book } from './book.ts';
import { detailOf } from './draft.ts';
import { WalletError } from './errors.ts';
import { type Judgement, judge } from './judge.ts';
import { ManagementLink, type WalletRole } from './management-link.ts';
import { Patience, PatienceEnded, stoppedError } from './patience.ts';
import { type Put, TransportError } from './ports.ts';
import type { BookReport } from './proof.ts';
import { Purchases } from './purchases.ts';
import {
  type HistoryEntry,
  idText,
  NAME_BYTES_MAX,
  type PaymentRecord,
  type ReceiptRecord,
  Settings,
  WALLET_VERSION,
} from './records.ts';
import { isOpen, mayAskAgain, type RequestKind, type RequestRecord, type RequestState } from './request.ts';
import { payeeAddress, sealedAccount, signedDocument } from './sealed-documents.ts';
import { type Keys, newStoredKeys, Secrets } from './secrets.ts';
import { Sync } from './sync.ts';
import { Trust } from './trust.ts';
import type {
  BalanceReport,
  BuyOptions,
  CreateOptions,
  EnrolOptions,
  LoadOptions,
  OnlineBalance,
  OpenRequest,
  Outcome,
  Resumed,
  SyncReport,
  WaitOptions,
  WalletEvent,
  WalletOptions,
  WalletTimes,
} from './wallet-types.ts';

const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** After the end of its order a load is looked after so long: what was authorised in time is captured by then. */
const LOOK_AFTER_NS = 3_600_000_000_000n;

const TIMES_DEFAULT: WalletTimes = {
  validityMs: 600_000,
  purchaseValidityMs: 300_000,
  attemptMs: 10_000,
  patienceMs: 60_000,
  pauseFirstMs: 100,
  pauseLastMs: 2_000,
};

export class Wallet {
  readonly #book: Book;
  readonly #options: WalletOptions;
  readonly #times: WalletTimes;
  readonly #secrets: Secrets;
  readonly #newId: () => bigint;
  readonly #link: ManagementLink;
  readonly #sync: Sync;
  readonly #purchases: Purchases;
  readonly #purses: Purses;
  readonly #waiting = new Set<Patience>();
  #isClosed = false;

  private constructor(book: Book, options: WalletOptions) {
    const { crypto, clock, protection, times } = options;
    this.#book = book;
    this.#options = options;
    this.#times = { ...TIMES_DEFAULT, ...times };
    this.#secrets = new Secrets(book, crypto, protection);
    this.#link = new ManagementLink(book, this.#secrets, options, async () => {
      await this.#lookAfterSaid();
      await this.#purses.upkeep();
    });
    this.#newId = idGenerator({
      now: () => Number(clock.now() / NANOSECONDS_A_MILLISECOND),
      random: (bytes) => bytes.set(crypto.randomBytes(bytes.length)),
    });
    this.#sync = new Sync(book, this.#link, options, this.#times.attemptMs);
    this.#purchases = new Purchases({
      book,
      link: this.#link,
      secrets: this.#secrets,
      sync: this.#sync,
      options,
      times: this.#times,
      newId: this.#newId,
      emit: (event) => this.#emit(event),
      patiently: (request, wait, work) => this.#patiently(request, wait, work),
    });
    this.#purses = new Purses({
      book,
      link: this.#link,
      secrets: this.#secrets,
      options,
      newId: this.#newId,
      applyBy: () => this.#applyBy(),
      begin: ({ kind, request, message, amount }, wait, alongside) =>
        this.#begin(kind, request, message, amountOf(amount), wait, alongside),
      resume: async (request, wait) => this.#drive(await this.#record(request), wait),
      lookup: (request) => this.lookup(request),
      sync: () => this.#sync.run(),
      patiently: (request, wait, work) => this.#patiently(request, wait, work),
      warn: (message) => this.#emit({ type: 'warning', message }),
    });
  }

  /** A new wallet with new keys. @throws WalletError wallet_exists, directory_invalid, invalid_argument */
  static async create(options: WalletOptions, create: CreateOptions): Promise<Wallet> {
    const { crypto, clock, protection } = options;
    const { directory, rootFingerprint, currency, name } = create;
    Trust.of(directory, rootFingerprint, crypto);
    const settings: Settings = {
      version: WALLET_VERSION,
      name,
      rootFingerprint,
      currency,
      createdAt: clock.now(),
    };
    try {
      Settings.encode(settings);
    } catch (error) {
      throw new WalletError(
        'invalid_argument',
        `wallet: expected a name of up to ${NAME_BYTES_MAX} bytes and a currency: ${(error as Error).message}`,
      );
    }
    const keys = await newStoredKeys(crypto, protection);
    return new Wallet(
      await Book.create(options.storage, {
        settings,
        keys,
        directory: { directory, checkedAt: settings.createdAt },
      }),
      options,
    );
  }

  /** @throws WalletError wallet_missing, wallet_damaged */
  static async open(options: WalletOptions): Promise<Wallet> {
    return new Wallet(await Book.open(options.storage), options);
  }

  get name(): string {
    return this.#book.settings.name;
  }

  get currency(): Currency {
    return this.#book.settings.currency;
  }

  get rootFingerprint(): string {
    return this.#book.settings.rootFingerprint;
  }

  get createdAt(): bigint {
    return this.#book.settings.createdAt;
  }

  /** undefined: not enrolled. */
  get device(): bigint | undefined {
    return this.#book.device?.device;
  }

  get directorySerial(): bigint {
    return this.#link.trust.serial;
  }

  /** Where management is. */
  get address(): string {
    return this.#link.trust.management(this.#now()).address;
  }

  /** Bytes of the signed certificate. */
  get certificate(): Uint8Array | undefined {
    return this.#book.device?.certificate;
  }

  /** Ed25519: orders are signed with it. */
  async signingKey(): Promise<Uint8Array> {
    return (await this.#secrets.get()).signingKey;
  }

  /** Asks management for a device number and a certificate. The outcome may be a refusal. */
  async enrol({ userData, accountNumber, ...wait }: EnrolOptions): Promise<Outcome> {
    if (accountNumber !== undefined) await this.#freshDirectory('unenrolled', wait);
    const request = this.#newId();
    const keys = await this.#secrets.get();
    const enrolment = this.#signed(keys, Enrolment, {
      request,
      signingKey: keys.signingKey,
      channelKey: keys.channelKey,
      userData,
      account: accountNumber === undefined ? undefined : this.#seal(keys, accountNumber, 'file', request),
      applyBy: this.#applyBy(),
    });
    return this.#begin('enrolment', request, EnrolRequest.encode({ enrolment }), ZERO, wait);
  }

  /** Puts another account number on file. */
  async fileAccount({
    accountNumber,
    ...wait
  }: WaitOptions & { readonly accountNumber: string }): Promise<Outcome> {
    this.#expectEnrolled();
    await this.#freshDirectory('device', wait);
    const request = this.#newId();
    const keys = await this.#secrets.get();
    const filing = this.#signed(keys, AccountFiling, {
      request,
      signingKey: keys.signingKey,
      account: this.#seal(keys, accountNumber, 'file', request),
      applyBy: this.#applyBy(),
    });
    return this.#begin('filing', request, FileAccountRequest.encode({ filing }), ZERO, wait);
  }

  /**
   * Charges the account and adds the amount. Resolves with the final outcome, which may be that it was declined; rejects
   * when there is none yet, and then `resume` finishes it.
   */
  async load({ amount, accountNumber, onFile, ...wait }: LoadOptions): Promise<Outcome> {
    if ((accountNumber === undefined) !== (onFile === true)) {
      throw new WalletError(
        'invalid_argument',
        'load: expected either an account number or the one on file, got both or none',
      );
    }
    if (amountOf(amount) === 0n) {
      throw new WalletError('invalid_argument', 'load: expected an amount of 1 minor unit or more, got 0');
    }
    this.#expectEnrolled();
    if (accountNumber !== undefined) await this.#freshDirectory('device', wait);
    const request = this.#newId();
    const keys = await this.#secrets.get();
    const account =
      accountNumber === undefined ? undefined : this.#seal(keys, accountNumber, 'load', request);
    const order = this.#signed(keys, LoadOrder, {
      request,
      signingKey: keys.signingKey,
      // 0: none, as management will say.
      account: onFile === true ? ((await this.#book.onFile()) ?? 0n) : request,
      amount,
      currency: this.currency.ledger,
      applyBy: this.#applyBy(),
    });
    return this.#begin('load', request, LoadRequest.encode({ order, account }), amount, wait);
  }

  /**
   * Pays at a shop (claim 8), or has an amount reserved there. Resolves with the end: paid, reserved, or rejected by cash.
   * Rejects when there is none yet, or when the shop says no, and then `resume` or `sync` finishes it; and before anything
   * is signed, when there is not enough (`insufficient_funds`).
   */
  async buy(options: BuyOptions): Promise<Outcome> {
    this.#expectEnrolled();
    // The shop may be reachable where management is not.
    await this.#freshDirectoryIfReachable(options);
    return this.#outcome(await this.#purchases.buy(options));
  }

  /**
   * A text that whoever has notes can have them paid to: `specie-device:…`. It says to nobody but cash which device it is,
   * and is good as long as cash has the key that it is sealed to.
   */
  async payeeAddress(wait: WaitOptions = {}): Promise<string> {
    this.#expectEnrolled();
    const device = this.#book.device!.device;
    await this.#freshDirectoryIfReachable(wait);
    const sealingKey = this.#link.trust.sealingKey('cash', this.#now());
    return payeeAddress({ device, currency: this.currency.ledger }, sealingKey, this.#options.crypto);
  }

  /**
   * Takes over what cash has and the wallet has not: refunds, captures, what became of purchases that are open; and compares
   * the balances. What it adds and subtracts is signed by cash.
   */
  async sync(wait: WaitOptions = {}): Promise<SyncReport> {
    this.#expectEnrolled();
    const before = this.#book.balance;
    return this.#patiently(undefined, wait, async (patience, waitFor) => {
      for (;;) {
        try {
          const { entries, statement } = await patience.for(this.#sync.run());
          await patience.for(this.#purses.sync());
          const { balance, available } = this.#book.funds;
          const cash = {
            balance: statement.balance,
            reserved: statement.reserved,
            timestamp: statement.asOf,
          };
          return { entries, balance, available, online: this.#compared(cash, before, 0n) };
        } catch (error) {
          await waitFor(laterReason(error));
        }
      }
    });
  }

  /**
   * Finishes what is under way: sends the same again until it is answered for good. With `request`, only that one; a
   * load that ended without a receipt is asked for once more.
   */
  async resume({ request, ...wait }: WaitOptions & { readonly request?: bigint } = {}): Promise<Resumed> {
    const records = request === undefined ? [...this.#book.open] : [await this.#record(request)];
    const opening = await this.#purses.unfinished();
    if (request === undefined) {
      // What cash's statement has told of an opening does not have the purse yet.
      for (const id of opening) {
        if (!records.some((record) => record.request === id)) records.push(await this.#record(id));
      }
    }
    const resumed = async (record: RequestRecord): Promise<Outcome> => {
      if (!mayAskAgain(record) && !opening.includes(record.request)) return this.#outcome(record);
      if (record.kind === 'release') return this.#purses.close(wait);
      if (record.kind !== 'purchase') return this.#drive(record, wait);
      return this.#outcome(await this.#purchases.resume(record, wait));
    };
    const finished: Outcome[] = [];
    const unfinished: { request: bigint; error: WalletError }[] = [];
    const results = await Promise.allSettled(records.map(resumed));
    for (const [i, result] of results.entries()) {
      if (result.status === 'fulfilled') finished.push(result.value);
      else if (result.reason instanceof WalletError)
        unfinished.push({ request: records[i]!.request, error: result.reason });
      else throw result.reason;
    }
    return { finished, unfinished };
  }

  /** What became of a request of this wallet. @throws WalletError invalid_argument: it is not of this wallet */
  async lookup(request: bigint): Promise<Outcome> {
    return this.#outcome(await this.#record(request));
  }

  // ── from device to device ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Reserves an amount that can be paid to other wallets without a server, for as long as its allowance says. A purse that is
   * open is closed first: all is reported, what is left comes back, and the new one has the new amount. Resolves with the end,
   * `opened` or `refused`.
   */
  async reserve(options: ReserveOptions): Promise<Outcome> {
    this.#expectEnrolled();
    amountOf(options.amount);
    return this.#purses.reserve(options);
  }

  /** Waits for one payer at the other end of the link. @throws WalletError no_purse, purse_busy; PeerError */
  receive(link: PeerLink, options: ReceiveOptions = {}): Promise<AskReport> {
    return this.#purses.receive(link, options);
  }

  /**
   * Pays the wallet at the other end of the link. Where a payment to it was in doubt, that one is brought first; if it arrives,
   * nothing more is paid. @throws WalletError no_purse, purse_busy; PeerError: with `inDoubt` what was sent stays spent
   */
  send(link: PeerLink, options: SendOptions = {}): Promise<PayReport> {
    return this.#purses.send(link, options);
  }

  /** Reports everything that was sent and received and that cash has not settled. It may be repeated at will. */
  async reportTransfers(wait: WaitOptions = {}): Promise<ReportResult> {
    this.#expectEnrolled();
    return this.#purses.report(wait);
  }

  /** Reports everything, closes the purse, and takes over what was left of it. */
  async closePurse(wait: WaitOptions = {}): Promise<Outcome> {
    this.#expectEnrolled();
    return this.#purses.close(wait);
  }

  /** What was sent and received, the oldest purse first. */
  transfers(): Promise<TransferReport[]> {
    return this.#purses.transfers();
  }

  /** X25519: what an address of the open purse says of it. @throws WalletError no_purse */
  purseAddressKey(): Promise<Uint8Array> {
    return this.#purses.channelKey();
  }

  /** undefined: there is none. */
  purse(): Promise<PurseReport | undefined> {
    return this.#purses.current();
  }

  /** The wallet's own record; with `online` also what cash has, as management says. */
  async balance({
    online = false,
    ...wait
  }: WaitOptions & { readonly online?: boolean } = {}): Promise<BalanceReport> {
    const before = this.#book.balance;
    const answer = online ? await this.#onlineBalance(wait) : undefined;
    const { balance, available, reserved } = this.#book.funds;
    const [open, held] = [this.#book.open, this.#book.held].map((records) => records.map(openRequest));
    const purse = await this.#purses.current();
    const unsettled = await this.#purses.unsettled();
    const own = {
      ...{ balance, available, currency: this.currency, open: open!, reserved: held! },
      ...(purse !== undefined && { purse }),
      ...(unsettled.length > 0 && { unsettled }),
    };
    return answer === undefined ? own : { ...own, online: this.#compared(answer, before, reserved) };
  }

  /** @param before the wallet's balance before cash was asked @param unsure what of it shops may have taken by now */
  #compared(cash: GetBalanceAnswer, before: bigint, unsure: bigint): OnlineBalance {
    const { balance, underWay } = this.#book.funds;
    const loads = this.#book.open.filter(({ kind }) => kind === 'load');
    const [least, most] = before < balance ? [before, balance] : [balance, before];
    const isExplained =
      cash.balance >= least - underWay - unsure &&
      cash.balance <= loads.reduce((sum, { amount }) => sum + amount, most);
    return {
      balance: amountOf(cash.balance),
      reserved: amountOf(cash.reserved),
      timestamp: cash.timestamp,
      verdict: cash.balance === balance ? 'agrees' : isExplained ? 'differs_by_open' : 'differs',
    };
  }

  /** What changed, the oldest first. */
  history(): Promise<HistoryEntry[]> {
    return this.#book.history();
  }

  /** Every credit that was added, the oldest request first. */
  receipts(): Promise<ReceiptRecord[]> {
    return this.#book.receipts();
  }

  /** Cash's receipts of what was paid or reserved, the oldest request first. */
  payments(): Promise<PaymentRecord[]> {
    return this.#book.payments();
  }

  /** Reads all that is stored, verifies every receipt and adds up anew. */
  async verify(): Promise<BookReport> {
    const { openings, problems, ...purses } = await this.#purses.verify();
    const report = await this.#book.verify(this.#options.crypto, openings);
    return {
      ...report,
      ...(purses.purses > 0 && { purses }),
      problems: [...report.problems, ...problems],
    };
  }

  /** Takes a newer directory, from wherever it comes. @returns whether it was newer @throws WalletError directory_invalid */
  replaceDirectory(bytes: Uint8Array): Promise<boolean> {
    return this.#link.replaceDirectory(bytes);
  }

  /** Ends what waits, without an outcome, and lets go of channels and keys. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const patience of this.#waiting) patience.end('wallet_closed');
    await this.#purses.end();
    await this.#purchases.close();
    await this.#link.close();
    await this.#secrets.wipe();
  }

  async #begin(
    kind: RequestKind,
    request: bigint,
    message: Uint8Array,
    amount: Amount,
    wait: WaitOptions,
    alongside: readonly Put[] = [],
  ): Promise<Outcome> {
    const now = this.#now();
    const state: RequestState = { kind: 'prepared' };
    const record: RequestRecord = { request, kind, message, state, createdAt: now, updatedAt: now, amount };
    await this.#book.add(record, alongside);
    this.#emit({ type: 'prepared', request, kind });
    return this.#drive(record, wait);
  }

  /** Asks until there is a final answer. */
  async #drive(record: RequestRecord, wait: WaitOptions): Promise<Outcome> {
    const { request } = record;
    return this.#patiently(request, wait, async (patience, waitFor) => {
      for (let attempt = 1; ; attempt++) {
        this.#emit({ type: 'sent', request, attempt });
        const answer = await patience.for(this.#send(record));
        if (typeof answer !== 'string') {
          const judged = await patience.for(this.#judge(record, answer));
          if (judged.kind === 'later') {
            await waitFor(`management: ${judged.reason}`);
            continue;
          }
          const after = await this.#settle(record, judged);
          const verdict = verdictOf(judged);
          if (verdict.kind === 'in_doubt') {
            throw new WalletError('answer_invalid', `request ${idText(request)}: ${verdict.reason}`, {
              request,
            });
          }
          if (after.state.kind === 'refused' && after.state.code === 'seal_key_unknown') {
            // The number is gone; what is sealed next will be to the right key.
            await patience.for(this.#link.fetchDirectory('device'));
          }
          if (after.state.kind === 'refused' && after.state.code === 'already_enrolled') {
            const earlier = await patience.for(this.#earlierEnrolment(request));
            if (earlier !== undefined) return this.#outcome(earlier);
          }
          if (!isOpen(after.state)) return this.#outcome(after);
          await waitFor(undefined);
        } else {
          await waitFor(answer);
        }
      }
    });
  }

  /**
   * That a load was declined, or has expired, is management's word alone. So it is asked for again, whenever there is a
   * new connection, until it cannot be charged any more.
   */
  async #lookAfterSaid(): Promise<void> {
    const { said } = this.#book;
    if (said.length === 0) return;
    // Ends when the wallet does.
    await this.#patiently(undefined, {}, (patience) => patience.for(this.#askSaid(said)));
  }

  async #askSaid(said: readonly RequestRecord[]): Promise<void> {
    for (const record of said) {
      if (this.#isClosed) return;
      const { request, message } = record;
      const isOver = this.#now() > LoadRequest.decode(message).order.document.applyBy + LOOK_AFTER_NS;
      const after = await this.#askOnce(record);
      // Who did not answer this one will not answer the next; there will be another connection.
      if (after === undefined) return;
      if (isOver) await this.#book.letGo(request);
    }
  }

  /** Its keys are taken: by an enrolment of this wallet that was refused, and of which a late copy was admitted. */
  async #earlierEnrolment(request: bigint): Promise<RequestRecord | undefined> {
    for (const record of await this.#book.refusedEnrolments()) {
      if (record.request === request) continue;
      const after = await this.#askOnce(record);
      if (after?.state.kind === 'enrolled') return after;
    }
    return undefined;
  }

  /** undefined: no answer, or none that says anything. */
  async #askOnce(record: RequestRecord): Promise<RequestRecord | undefined> {
    const answer = await this.#send(record);
    if (typeof answer === 'string') return undefined;
    const judged = await this.#judge(record, answer);
    return judged.kind === 'later' ? undefined : this.#settle(record, judged);
  }

  /** The answer; a text: why there is none as yet. */
  async #send(record: RequestRecord): Promise<Uint8Array | string> {
    try {
      return await this.#link.call(
        roleFor(record),
        OPERATIONS[record.kind as ManagementRequestKind],
        record.message,
      );
    } catch (error) {
      return laterReason(error);
    }
  }

  async #settle(
    record: RequestRecord,
    judged: Exclude<Judgement, { kind: 'later' }>,
  ): Promise<RequestRecord> {
    const { request } = record;
    const alongside = await this.#purses.alongside(record, judged);
    const proof = {
      ...(judged.kind === 'enrolled' && { device: judged.device }),
      ...(judged.kind === 'loaded' && { receipt: judged.record }),
      ...(alongside !== undefined && { alongside }),
    };
    const after = await this.#book.settle(request, verdictOf(judged), this.#now(), proof);
    if (after === undefined) throw new Error(`request ${idText(request)}: expected nothing to be taken`);
    this.#emit({ type: 'state', request, state: after.state });
    if (judged.kind === 'enrolled') await this.#link.drop('unenrolled');
    return after;
  }

  async #judge(record: RequestRecord, answer: Uint8Array): Promise<Judgement> {
    const { signingKey, channelKey } = await this.#secrets.get();
    const judged = (): Judgement =>
      judge(record, answer, {
        trust: this.#link.trust,
        now: this.#now(),
        crypto: this.#options.crypto,
        currency: this.currency.ledger,
        device: this.#book.device?.device ?? 0n,
        signingKey,
        channelKey,
      });
    const first = judged();
    if (first.kind !== 'unknown_key') return first;
    await this.#link.fetchDirectory(roleFor(record));
    return judged();
  }

  async #onlineBalance(wait: WaitOptions): Promise<GetBalanceAnswer> {
    this.#expectEnrolled();
    const message = GetBalanceRequest.encode({ currency: this.currency.ledger });
    return this.#patiently(undefined, wait, async (patience, waitFor) => {
      for (;;) {
        let reason: string;
        try {
          const answer = await patience.for(
            this.#link.ask('device', ManagementOperation.get_balance, message, GetBalanceAnswer),
          );
          if (!(answer instanceof Refusal)) return answer;
          if (!mayRepeat(answer)) {
            throw new WalletError('refused', `balance: ${answer.message} (${answer.code})`);
          }
          reason = `management: ${answer.code}`;
        } catch (error) {
          reason = laterReason(error);
        }
        await waitFor(reason);
      }
    });
  }

  /** Runs `work` until patience ends; `waitFor` pauses, longer each time. */
  async #patiently<T>(
    request: bigint | undefined,
    { patienceMs = this.#times.patienceMs, signal }: WaitOptions,
    work: (patience: Patience, waitFor: (reason: string | undefined) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const { clock, crypto } = this.#options;
    const { pauseFirstMs, pauseLastMs } = this.#times;
    const patience = new Patience(clock, patienceMs, signal);
    const backoff = new Backoff(pauseFirstMs, pauseLastMs, () => crypto.randomBytes(1)[0]! / 256);
    let last: string | undefined;
    this.#waiting.add(patience);
    try {
      if (this.#isClosed) patience.end('wallet_closed');
      return await work(patience, async (reason) => {
        last = reason;
        const pauseMs = backoff.next();
        if (request !== undefined && reason !== undefined)
          this.#emit({ type: 'waiting', request, reason, pauseMs });
        await patience.pause(pauseMs);
      });
    } catch (error) {
      if (error instanceof PatienceEnded)
        throw stoppedError(error.stop, last ?? this.#link.noConnection, request);
      throw error;
    } finally {
      this.#waiting.delete(patience);
      patience.done();
    }
  }

  /** Before an account number is sealed: to a key that settlement will open. */
  async #freshDirectory(role: WalletRole, wait: WaitOptions): Promise<void> {
    if (this.#link.isDirectoryFresh) return;
    await this.#patiently(undefined, wait, (patience) => patience.for(this.#link.fetchDirectory(role)));
  }

  /** One attempt; where there is no answer, the directory that is there has to do. */
  async #freshDirectoryIfReachable({
    patienceMs = this.#times.patienceMs,
    signal,
  }: WaitOptions): Promise<void> {
    const attempt = Math.min(this.#times.attemptMs, patienceMs || this.#times.attemptMs);
    await this.#freshDirectory('device', { patienceMs: attempt, signal }).catch((error: unknown) => {
      if (!(error instanceof WalletError && GOES_ON.has(error.code))) throw error;
    });
  }

  /** @throws WalletError invalid_argument, directory_invalid */
  #seal(keys: Keys, accountNumber: string, purpose: 'load' | 'file', request: bigint): SealedAccount {
    const sealingKey = this.#link.trust.sealingKey('settlement', this.#now());
    return sealedAccount(accountNumber, { purpose, request }, keys, sealingKey, this.#options.crypto);
  }

  #signed<Document>(keys: Keys, kind: DocumentKind<Document>, document: Document): Signed<Document> {
    return signedDocument(kind, document, keys, this.#options.crypto);
  }

  #expectEnrolled(): void {
    if (this.#book.device === undefined)
      throw new WalletError('not_enrolled', 'wallet: expected it enrolled, got one that is not');
  }

  async #record(request: bigint): Promise<RequestRecord> {
    const record = await this.#book.request(request);
    if (record === undefined) {
      throw new WalletError(
        'invalid_argument',
        `request ${idText(request)}: expected one of this wallet, got another`,
      );
    }
    return record;
  }

  async #outcome(record: RequestRecord): Promise<Outcome> {
    const { request, kind, state, amount } = record;
    const { balance, available } = this.#book.funds;
    const own = { request, kind, state, amount: amountOf(amount), balance, available };
    return kind === 'purchase' ? { ...own, purchase: await this.#purchases.report(record) } : own;
  }

  #applyBy(): bigint {
    return this.#now() + BigInt(this.#times.validityMs) * NANOSECONDS_A_MILLISECOND;
  }

  #now(): bigint {
    return this.#options.clock.now();
  }

  #emit(event: WalletEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** Purchases go to shops. */
type ManagementRequestKind = Exclude<RequestKind, 'purchase'>;

const roleFor = ({ kind }: RequestRecord): WalletRole => (kind === 'enrolment' ? 'unenrolled' : 'device');

/** Without a newer directory the one that is there has to do. */
const GOES_ON: ReadonlySet<string> = new Set(['unreachable', 'unfinished']);

function openRequest({ request, kind, state, amount, createdAt }: RequestRecord): OpenRequest {
  return { request, kind, state, detail: detailOf(state), amount: amountOf(amount), createdAt };
}

const OPERATIONS: { readonly [kind in ManagementRequestKind]: number } = {
  enrolment: ManagementOperation.enrol,
  filing: ManagementOperation.file_account,
  load: ManagementOperation.load,
  reserve: ManagementOperation.open_purse,
  release: ManagementOperation.close_purse,
};

function verdictOf(judged: Exclude<Judgement, { kind: 'later' }>) {
  switch (judged.kind) {
    case 'verdict':
      return judged.verdict;
    case 'unknown_key':
      return { kind: 'in_doubt', reason: judged.reason } as const;
    case 'enrolled':
    case 'loaded':
    case 'opened':
      return { kind: judged.kind } as const;
  }
}

/** Why there is no answer, where waiting may help; throws where it will not. */
function laterReason(error: unknown): string {
  if (!(error instanceof TransportError)) throw error;
  if (error.code === 'refused') throw new WalletError('channel_refused', error.message, { cause: error });
  return error.message;
}
