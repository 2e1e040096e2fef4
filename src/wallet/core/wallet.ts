// The wallet: enrols, loads, and keeps its own record of what it has.
//
//     load ──▶ order signed, account sealed ──▶ written ──▶ sent ──▶ answer ──▶ judged ──▶ written ──▶ outcome
//                                                 ▲           ▲                   │
//                                                 │           ╰── pending, silence│
//     resume ─────────────────────────────────────┴──────────── (same bytes) ◀────╯
//
// Nothing here is of Node: storage, cryptography, clock and transport come in from outside (ports.ts).
import { Backoff } from '../../channel/backoff.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { keyIdOf } from '../../identity/key-set.ts';
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import {
  type AccountBinding,
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../roles/documents/account-seal.ts';
import { AccountFiling, Enrolment } from '../../roles/documents/enrolment.ts';
import { LoadOrder } from '../../roles/documents/load-order.ts';
import type { DocumentKind, Signed } from '../../roles/documents/signed.ts';
import {
  EnrolRequest,
  FileAccountRequest,
  GetBalanceAnswer,
  GetBalanceRequest,
  GetDirectoryAnswer,
  GetDirectoryRequest,
  LoadRequest,
  ManagementOperation,
  RenewCertificateAnswer,
  RenewCertificateRequest,
} from '../../roles/management/messages.ts';
import { type Amount, amountOf } from '../../shared/amount.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import type { Currency } from '../../shared/currency.ts';
import { idGenerator } from '../../shared/id.ts';
import { Book, type BookReport, detailOf } from './book.ts';
import { checkCertificate } from './check.ts';
import { WalletError } from './errors.ts';
import { type Judgement, judge, readAnswer } from './judge.ts';
import { Patience, PatienceEnded, stoppedError } from './patience.ts';
import {
  type KeyProtection,
  TransportError,
  type WalletChannel,
  type WalletClock,
  type WalletCrypto,
  type WalletStorage,
  type WalletTransport,
} from './ports.ts';
import {
  type HistoryEntry,
  idText,
  NAME_BYTES_MAX,
  type ReceiptRecord,
  Settings,
  WALLET_VERSION,
} from './records.ts';
import { isOpen, mayAskAgain, type RequestKind, type RequestRecord, type RequestState } from './request.ts';
import { newStoredKeys, Secrets } from './secrets.ts';
import { isRenewalDue, Trust } from './trust.ts';

const NANOSECONDS_A_MILLISECOND = 1_000_000n;
/** How long a wallet that closes waits for a renewal that is under way. */
const UPKEEP_AT_CLOSE_MS = 1_000;

export interface WalletTimes {
  /** From signing to the end of an order's, an enrolment's or a filing's validity. 10 minutes. */
  readonly validityMs: number;
  /** How long a call waits for a final answer unless told otherwise; 0: for ever. 60 s. */
  readonly patienceMs: number;
  /** First and longest pause before the same is asked again. 100 ms and 5 s. */
  readonly pauseFirstMs: number;
  readonly pauseLastMs: number;
}

const TIMES_DEFAULT: WalletTimes = {
  validityMs: 600_000,
  patienceMs: 60_000,
  pauseFirstMs: 100,
  pauseLastMs: 5_000,
};

export type WalletEvent =
  /** Written down; from now on it can be resumed. */
  | { readonly type: 'prepared'; readonly request: bigint; readonly kind: RequestKind }
  | { readonly type: 'sent'; readonly request: bigint; readonly attempt: number }
  | { readonly type: 'state'; readonly request: bigint; readonly state: RequestState }
  | { readonly type: 'waiting'; readonly request: bigint; readonly reason: string; readonly pauseMs: number }
  | { readonly type: 'directory_replaced'; readonly serial: bigint }
  | { readonly type: 'certificate_renewed'; readonly notAfter: bigint }
  /** Something that can wait did not come about. */
  | { readonly type: 'warning'; readonly message: string };

export interface WalletOptions {
  readonly storage: WalletStorage;
  readonly crypto: WalletCrypto;
  readonly clock: WalletClock;
  readonly transport: WalletTransport;
  /** Of the keys; left out: they are stored in the clear. */
  readonly protection?: KeyProtection | undefined;
  readonly times?: Partial<WalletTimes>;
  /** Must not throw. */
  readonly onEvent?: (event: WalletEvent) => void;
}

export interface CreateOptions {
  /** Bytes of the signed directory. */
  readonly directory: Uint8Array;
  /** Of the root key that is trusted, `SHA256:…`. */
  readonly rootFingerprint: string;
  /** What it holds; a system may offer several. */
  readonly currency: Currency;
  readonly name: string;
}

export interface WaitOptions {
  /** Instead of WalletTimes.patienceMs. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EnrolOptions extends WaitOptions {
  readonly userData: string;
  /** Goes on file, sealed to settlement. */
  readonly accountNumber?: string | undefined;
}

export type LoadOptions = WaitOptions & { readonly amount: Amount } & (
    | { readonly accountNumber: string; readonly onFile?: false | undefined }
    | { readonly accountNumber?: undefined; readonly onFile: true }
  );

/** What became of a request. */
export interface Outcome {
  readonly request: bigint;
  readonly kind: RequestKind;
  readonly state: RequestState;
  /** Of a load. */
  readonly amount: Amount;
  /** The wallet's, now. */
  readonly balance: Amount;
}

export interface Resumed {
  readonly finished: readonly Outcome[];
  readonly unfinished: readonly { readonly request: bigint; readonly error: WalletError }[];
}

export interface OpenRequest {
  readonly request: bigint;
  readonly kind: RequestKind;
  readonly state: RequestState;
  readonly detail: string;
  readonly amount: Amount;
  readonly createdAt: bigint;
}

export interface BalanceReport {
  /** What the wallet has receipts for. */
  readonly balance: Amount;
  readonly currency: Currency;
  readonly open: readonly OpenRequest[];
  /** What cash has, as management says. */
  readonly online?: OnlineBalance;
}

export interface OnlineBalance {
  readonly balance: Amount;
  readonly reserved: Amount;
  /** Nanoseconds. */
  readonly timestamp: bigint;
  /** `differs_by_open`: by no more than the loads that are under way may account for. */
  readonly verdict: 'agrees' | 'differs_by_open' | 'differs';
}

type Role = 'unenrolled' | 'device';

export class Wallet {
  readonly #book: Book;
  readonly #options: WalletOptions;
  readonly #times: WalletTimes;
  readonly #secrets: Secrets;
  readonly #newId: () => bigint;
  readonly #channels = new Map<Role, Promise<WalletChannel>>();
  readonly #upkeeps = new Set<Promise<void>>();
  readonly #waiting = new Set<Patience>();
  #connected = 0;
  #isClosed = false;
  #trust: Trust;

  private constructor(book: Book, options: WalletOptions) {
    const { crypto, clock, protection, times } = options;
    this.#book = book;
    this.#options = options;
    this.#times = { ...TIMES_DEFAULT, ...times };
    this.#secrets = new Secrets(book, crypto, protection);
    this.#trust = Trust.of(book.directory.directory, book.settings.rootFingerprint, crypto);
    this.#newId = idGenerator({
      now: () => Number(clock.now() / NANOSECONDS_A_MILLISECOND),
      random: (bytes) => bytes.set(crypto.randomBytes(bytes.length)),
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
    return this.#trust.serial;
  }

  /** Where management is. */
  get address(): string {
    return this.#trust.management(this.#now()).address;
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
    const request = this.#newId();
    const { signingKey, channelKey } = await this.#secrets.get();
    const account = accountNumber && this.#seal(accountNumber, { purpose: 'file', request }, signingKey);
    const enrolment = await this.#signed(Enrolment, {
      request,
      signingKey,
      channelKey,
      userData,
      account: account || undefined,
      applyBy: this.#applyBy(),
    });
    return this.#begin('enrolment', request, encoded(EnrolRequest, { enrolment }), 0n as Amount, wait);
  }

  /** Puts another account number on file. */
  async fileAccount({
    accountNumber,
    ...wait
  }: WaitOptions & { readonly accountNumber: string }): Promise<Outcome> {
    this.#expectEnrolled();
    await this.#freshDirectory(wait);
    const request = this.#newId();
    const { signingKey } = await this.#secrets.get();
    const account = this.#seal(accountNumber, { purpose: 'file', request }, signingKey);
    const filing = await this.#signed(AccountFiling, {
      request,
      signingKey,
      account,
      applyBy: this.#applyBy(),
    });
    return this.#begin('filing', request, encoded(FileAccountRequest, { filing }), 0n as Amount, wait);
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
    if (accountNumber !== undefined) await this.#freshDirectory(wait);
    const request = this.#newId();
    const { signingKey } = await this.#secrets.get();
    const account =
      accountNumber === undefined
        ? undefined
        : this.#seal(accountNumber, { purpose: 'load', request }, signingKey);
    const order = await this.#signed(LoadOrder, {
      request,
      signingKey,
      amount,
      currency: this.currency.ledger,
      applyBy: this.#applyBy(),
    });
    return this.#begin('load', request, encoded(LoadRequest, { order, account }), amount, wait);
  }

  /**
   * Finishes what is under way: sends the same again until it is answered for good. With `request`, only that one; a
   * load that ended without a receipt is asked for once more.
   */
  async resume({ request, ...wait }: WaitOptions & { readonly request?: bigint } = {}): Promise<Resumed> {
    const records = request === undefined ? this.#book.open : [await this.#record(request)];
    const resumed = (record: RequestRecord): Promise<Outcome> | Outcome =>
      mayAskAgain(record) ? this.#drive(record, wait) : this.#outcome(record);
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

  /** The wallet's own record; with `online` also what cash has, as management says. */
  async balance({
    online = false,
    ...wait
  }: WaitOptions & { readonly online?: boolean } = {}): Promise<BalanceReport> {
    const answer = online ? await this.#onlineBalance(wait) : undefined;
    const { balance } = this.#book;
    const open = this.#book.open.map(
      ({ request, kind, state, amount, createdAt }): OpenRequest => ({
        request,
        kind,
        state,
        detail: detailOf(state),
        amount: amountOf(amount),
        createdAt,
      }),
    );
    const own = { balance, currency: this.currency, open };
    if (answer === undefined) return own;
    const underWay = open.reduce((sum, { amount }) => sum + amount, 0n);
    const more = answer.balance - balance;
    const verdict = more === 0n ? 'agrees' : more > 0n && more <= underWay ? 'differs_by_open' : 'differs';
    return {
      ...own,
      online: {
        balance: amountOf(answer.balance),
        reserved: amountOf(answer.reserved),
        timestamp: answer.timestamp,
        verdict,
      },
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

  /** Reads all that is stored, verifies every receipt and adds up anew. */
  verify(): Promise<BookReport> {
    return this.#book.verify(this.#options.crypto);
  }

  /** Takes a newer directory, from wherever it comes. @returns whether it was newer @throws WalletError directory_invalid */
  async replaceDirectory(bytes: Uint8Array): Promise<boolean> {
    const trust = Trust.of(bytes, this.rootFingerprint, this.#options.crypto);
    if (trust.serial < this.#trust.serial) {
      throw new WalletError(
        'directory_invalid',
        `directory: expected serial ${this.#trust.serial} or later, got ${trust.serial}`,
      );
    }
    if (trust.serial === this.#trust.serial) return false;
    await this.#book.setDirectory({ directory: bytes, checkedAt: this.#book.directory.checkedAt });
    this.#trust = trust;
    this.#emit({ type: 'directory_replaced', serial: trust.serial });
    return true;
  }

  /** Ends what waits, without an outcome, and lets go of channels and keys. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const patience of this.#waiting) patience.end('wallet_closed');
    // A wallet that is only ever opened for a moment must come to renew its certificate.
    let cancel = (): void => {};
    const enough = new Promise<void>((resolve) => {
      cancel = this.#options.clock.setTimer(resolve, UPKEEP_AT_CLOSE_MS);
    });
    await Promise.race([enough, Promise.all(this.#upkeeps)]);
    cancel();
    await Promise.all([...this.#channels.keys()].map((role) => this.#drop(role)));
    await Promise.all(this.#upkeeps);
    await this.#secrets.wipe();
  }

  async #begin(
    kind: RequestKind,
    request: bigint,
    message: Uint8Array,
    amount: Amount,
    wait: WaitOptions,
  ): Promise<Outcome> {
    const now = this.#now();
    const state: RequestState = { kind: 'prepared' };
    const record: RequestRecord = { request, kind, message, state, createdAt: now, updatedAt: now, amount };
    await this.#book.add(record);
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
          const after = await this.#settle(request, judged);
          const verdict = verdictOf(judged);
          if (verdict.kind === 'in_doubt') {
            throw new WalletError('answer_invalid', `request ${idText(request)}: ${verdict.reason}`, {
              request,
            });
          }
          if (after.state.kind === 'refused' && after.state.code === 'seal_key_unknown') {
            // The number is gone; what is sealed next will be to the right key.
            await patience.for(this.#fetchDirectory('device'));
          }
          if (!isOpen(after.state)) return this.#outcome(after);
          await waitFor(undefined);
        } else {
          await waitFor(answer);
        }
      }
    });
  }

  /** The answer; a text: why there is none as yet. */
  async #send(record: RequestRecord): Promise<Uint8Array | string> {
    const role: Role = record.kind === 'enrolment' ? 'unenrolled' : 'device';
    try {
      return await this.#call(role, OPERATIONS[record.kind], record.message);
    } catch (error) {
      return laterReason(error);
    }
  }

  async #settle(request: bigint, judged: Exclude<Judgement, { kind: 'later' }>): Promise<RequestRecord> {
    const proof =
      judged.kind === 'enrolled'
        ? { device: judged.device }
        : judged.kind === 'loaded'
          ? { receipt: judged.record }
          : {};
    const after = await this.#book.settle(request, verdictOf(judged), this.#now(), proof);
    this.#emit({ type: 'state', request, state: after.state });
    if (judged.kind === 'enrolled') await this.#drop('unenrolled');
    return after;
  }

  async #judge(record: RequestRecord, answer: Uint8Array): Promise<Judgement> {
    const { signingKey, channelKey } = await this.#secrets.get();
    const judged = (): Judgement =>
      judge(record, answer, {
        trust: this.#trust,
        now: this.#now(),
        crypto: this.#options.crypto,
        currency: this.currency.ledger,
        device: this.#book.device?.device ?? 0n,
        signingKey,
        channelKey,
      });
    const first = judged();
    if (first.kind !== 'unknown_key') return first;
    await this.#fetchDirectory(record.kind === 'enrolment' ? 'unenrolled' : 'device');
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
            this.#ask('device', ManagementOperation.get_balance, message, GetBalanceAnswer),
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
      if (error instanceof PatienceEnded) throw stoppedError(error.stop, last ?? this.#noConnection, request);
      throw error;
    } finally {
      this.#waiting.delete(patience);
      patience.done();
    }
  }

  async #call(role: Role, operation: number, message: Uint8Array): Promise<Uint8Array> {
    const channel = await this.#channel(role);
    try {
      const [answer] = await channel.call(operation, [message]);
      if (answer === undefined)
        throw new TransportError('unreachable', 'channel: expected an answer, got none');
      return answer;
    } catch (error) {
      await this.#drop(role, channel);
      throw error;
    }
  }

  async #ask<Answer>(
    role: Role,
    operation: number,
    message: Uint8Array,
    codec: Codec<Answer>,
  ): Promise<Answer | Refusal> {
    const bytes = await this.#call(role, operation, message);
    try {
      return readAnswer(codec, bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw new WalletError('answer_invalid', `answer: ${error.message}`, { cause: error });
    }
  }

  #channel(role: Role): Promise<WalletChannel> {
    const known = this.#channels.get(role);
    if (known !== undefined) return known;
    if (this.#isClosed) {
      return Promise.reject(new WalletError('wallet_closed', 'wallet: expected it open, got it closed'));
    }
    const opening = this.#connect(role);
    this.#channels.set(role, opening);
    opening.then(
      // What can wait must not hold up what was asked for; it looks for itself whether it is due.
      () => {
        this.#connected += 1;
        const upkeep = this.#upkeep(role).finally(() => this.#upkeeps.delete(upkeep));
        this.#upkeeps.add(upkeep);
      },
      () => {
        if (this.#channels.get(role) === opening) this.#channels.delete(role);
      },
    );
    return opening;
  }

  /** undefined: there is one. */
  get #noConnection(): string | undefined {
    return this.#connected > 0 ? undefined : `expected a connection to ${this.address}, got none yet`;
  }

  async #connect(role: Role): Promise<WalletChannel> {
    const { channelSecret } = await this.#secrets.get();
    const { address, channelKey } = this.#trust.management(this.#now());
    return this.#options.transport.connect({
      as: role,
      channelSecretKey: channelSecret,
      certificate: role === 'device' ? this.#book.device?.certificate : undefined,
      managementKey: channelKey,
      address,
    });
  }

  /** @param broken only if it is still this one */
  async #drop(role: Role, broken?: WalletChannel): Promise<void> {
    const known = this.#channels.get(role);
    const channel = await known?.catch(() => undefined);
    if (broken !== undefined && channel !== broken) return;
    if (known !== undefined && this.#channels.get(role) === known) {
      this.#channels.delete(role);
      if (channel !== undefined) this.#connected -= 1;
    }
    await channel?.close().catch(() => {});
  }

  /** Renews directory and certificate in time. */
  async #upkeep(role: Role): Promise<void> {
    try {
      if (!this.#isDirectoryFresh) await this.#fetchDirectory(role);
      if (role === 'device') await this.#renewCertificate();
    } catch (error) {
      if (this.#isClosed) return;
      this.#emit({ type: 'warning', message: (error as Error).message });
    }
  }

  async #renewCertificate(): Promise<void> {
    const known = this.#book.device;
    const now = this.#now();
    if (known === undefined) return;
    const found = this.#trust.certificate(known.certificate, now);
    if (found.certificate !== undefined && !isRenewalDue(found.certificate, now)) return;
    const answer = await this.#ask(
      'device',
      ManagementOperation.renew_certificate,
      RenewCertificateRequest.encode({}),
      RenewCertificateAnswer,
    );
    if (answer instanceof Refusal) {
      throw new WalletError('refused', `certificate: ${answer.message} (${answer.code})`);
    }
    const renewed = this.#trust.certificate(answer.certificate, now);
    const { signingKey, channelKey } = await this.#secrets.get();
    const wrong =
      renewed.wrong ??
      checkCertificate(renewed.certificate!, { device: known.device, signingKey, channelKey });
    if (wrong !== undefined) throw new WalletError('answer_invalid', wrong);
    if (equalBytes(answer.certificate, known.certificate)) return;
    await this.#book.setDevice({ device: known.device, certificate: answer.certificate });
    this.#emit({ type: 'certificate_renewed', notAfter: renewed.certificate!.notAfter });
  }

  get #isDirectoryFresh(): boolean {
    return this.#trust.isFresh(this.#now(), this.#book.directory.checkedAt);
  }

  /** Before an account number is sealed: to a key that settlement will open. */
  async #freshDirectory(wait: WaitOptions): Promise<void> {
    if (this.#isDirectoryFresh) return;
    await this.#patiently(undefined, wait, (patience) => patience.for(this.#fetchDirectory('device')));
  }

  /** What management gives out; the signature of the root key decides. Without success the old one stays. */
  async #fetchDirectory(role: Role): Promise<void> {
    try {
      const answer = await this.#ask(
        role,
        ManagementOperation.get_directory,
        GetDirectoryRequest.encode({}),
        GetDirectoryAnswer,
      );
      if (answer instanceof Refusal) {
        throw new WalletError('refused', `directory: ${answer.message} (${answer.code})`);
      }
      await this.replaceDirectory(answer.directory);
      await this.#book.setDirectory({ ...this.#book.directory, checkedAt: this.#now() });
    } catch (error) {
      if (!(error instanceof WalletError || error instanceof TransportError)) throw error;
      if (error instanceof WalletError && error.code.startsWith('storage')) throw error;
      this.#emit({ type: 'warning', message: error.message });
    }
  }

  /** @throws WalletError invalid_argument, directory_invalid; the message does not hold the number */
  #seal(accountNumber: string, binding: AccountBinding, signingKey: Uint8Array): SealedAccount {
    const { crypto } = this.#options;
    const publicKey = this.#trust.settlementSealingKey(this.#now());
    const keyId = keyIdOf(publicKey, (message) => crypto.sha256(message));
    let plaintext: Uint8Array;
    try {
      plaintext = encodeAccountContent({ signingKey, accountNumber });
    } catch (error) {
      throw new WalletError('invalid_argument', (error as Error).message);
    }
    try {
      const info = accountSealInfo(keyId);
      return { keyId, ...crypto.seal({ publicKey, info, aad: accountSealAad(binding), plaintext }) };
    } finally {
      plaintext.fill(0);
    }
  }

  async #signed<Document>(kind: DocumentKind<Document>, document: Document): Promise<Signed<Document>> {
    const { signingSecret } = await this.#secrets.get();
    let bytes: Uint8Array;
    try {
      bytes = kind.signedBytes(document);
    } catch (error) {
      throw new WalletError('invalid_argument', (error as Error).message);
    }
    return { document, signature: this.#options.crypto.sign(signingSecret, bytes) };
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

  #outcome({ request, kind, state, amount }: RequestRecord): Outcome {
    return { request, kind, state, amount: amountOf(amount), balance: this.#book.balance };
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

const OPERATIONS: { readonly [kind in RequestKind]: number } = {
  enrolment: ManagementOperation.enrol,
  filing: ManagementOperation.file_account,
  load: ManagementOperation.load,
};

function verdictOf(judged: Exclude<Judgement, { kind: 'later' }>) {
  switch (judged.kind) {
    case 'verdict':
      return judged.verdict;
    case 'unknown_key':
      return { kind: 'in_doubt', reason: judged.reason } as const;
    case 'enrolled':
    case 'loaded':
      return { kind: judged.kind } as const;
  }
}

/** Why there is no answer, where waiting may help; throws where it will not. */
function laterReason(error: unknown): string {
  if (!(error instanceof TransportError)) throw error;
  if (error.code === 'refused') throw new WalletError('channel_refused', error.message, { cause: error });
  return error.message;
}

function encoded<Value>(codec: Codec<Value>, value: Value): Uint8Array {
  return codec.encode(value);
}
