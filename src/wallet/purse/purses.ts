// The wallet's purses: opening, paying and being paid without a server, reporting, closing.
//
//     opening ──▶ open ──▶ closing ──▶ closed
//        ╰▶ refused  ╰─────────┴─────▶ ended     it has paid what this store does not know, or cash says that it has cheated
//
// At most one is open. Sessions follow one another, and nothing is closed while one is held.
import { PurseCertificate } from '../../identity/purse-certificate.ts';
import { PurseClosing, PurseOpening } from '../../roles/documents/purse.ts';
import { ClosePurseRequest, OpenPurseRequest } from '../../roles/management/purse-messages.ts';
import { amountOf } from '../../shared/amount.ts';
import type { Book } from '../core/book.ts';
import { WalletError } from '../core/errors.ts';
import type { Judgement } from '../core/judge.ts';
import type { ManagementLink } from '../core/management-link.ts';
import type { Patience } from '../core/patience.ts';
import { type Put, TransportError } from '../core/ports.ts';
import { StoredKeys } from '../core/records.ts';
import type { RequestRecord } from '../core/request.ts';
import { signedDocument } from '../core/sealed-documents.ts';
import { type Keys, newStoredKeys, Secrets } from '../core/secrets.ts';
import type { Outcome, WaitOptions, WalletOptions } from '../core/wallet-types.ts';
import { PeerError } from '../peer/errors.ts';
import type { OwnPurse, PeerParty } from '../peer/ledger.ts';
import type { PeerLink } from '../peer/link.ts';
import { type AskReport, askPeer } from '../peer/payee.ts';
import { type PayReport, payPeer } from '../peer/payer.ts';
import { OwnBlockList } from './block-list.ts';
import { provenPurses } from './proof.ts';
import { PurseBook, pursePut } from './purse-book.ts';
import { StoredPurseLedger } from './purse-ledger.ts';
import { PurseSync } from './purse-sync.ts';
import type {
  PurseProof,
  PurseReport,
  ReceiveOptions,
  ReportResult,
  ReserveOptions,
  SendOptions,
  TransferReport,
} from './purse-types.ts';
import type { StoredPurse } from './records.ts';
import { Reports } from './reports.ts';
import { leftOf, purseReport, receivedReport, sentReport } from './transfer-report.ts';

export interface PursesOptions {
  readonly book: Book;
  readonly link: ManagementLink;
  readonly secrets: Secrets;
  readonly options: WalletOptions;
  readonly newId: () => bigint;
  readonly applyBy: () => bigint;
  /** Writes a request down with what belongs to it, and asks until it has an end. */
  readonly begin: (
    request: Pick<RequestRecord, 'request' | 'kind' | 'message' | 'amount'>,
    wait: WaitOptions,
    alongside: readonly Put[],
  ) => Promise<Outcome>;
  /** Asks again. */
  readonly resume: (request: bigint, wait: WaitOptions) => Promise<Outcome>;
  readonly lookup: (request: bigint) => Promise<Outcome>;
  /** Takes over cash's statement of the device. */
  readonly sync: () => Promise<unknown>;
  readonly patiently: <T>(
    request: bigint | undefined,
    wait: WaitOptions,
    work: (patience: Patience, waitFor: (reason: string | undefined) => Promise<void>) => Promise<T>,
  ) => Promise<T>;
  readonly warn: (message: string) => void;
}

export class Purses {
  readonly #with: PursesOptions;
  readonly #book: PurseBook;
  readonly #blockList: OwnBlockList;
  readonly #reports: Reports;
  readonly #sync: PurseSync;
  /** What keeps the purse to itself: a session, an opening, a closing. */
  #busy: string | undefined;
  #session: { readonly link: PeerLink; readonly ended: Promise<unknown> } | undefined;

  constructor(options: PursesOptions) {
    const { book, link } = options;
    const { crypto, clock, storage } = options.options;
    this.#with = options;
    this.#book = new PurseBook(book, storage);
    const parts = { purses: this.#book, link, crypto, clock };
    this.#blockList = new OwnBlockList(parts);
    this.#reports = new Reports(parts);
    this.#sync = new PurseSync(parts);
  }

  // ── opening and closing ──────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns the outcome of the opening; a purse that is open is closed first @throws WalletError */
  reserve({ amount, ...wait }: ReserveOptions): Promise<Outcome> {
    return this.#alone('an opening', async () => {
      const [unfinished] = await this.unfinished();
      if (unfinished !== undefined) return this.#with.resume(unfinished, wait);
      const before = await this.#book.current();
      if (before !== undefined) {
        this.#expectEnough(amount, leftOf(await this.#book.records(before)));
        await this.#close(before, wait);
      }
      const { book, secrets, options, newId, applyBy, begin } = this.#with;
      const { crypto, protection } = options;
      const request = newId();
      // As the device's are.
      const isPlain = (await book.keys()).kind === 'plain';
      const keys = StoredKeys.decode(await newStoredKeys(crypto, isPlain ? undefined : protection));
      const number = ((await this.#book.purses()).at(-1)?.number ?? 0) + 1;
      const purse: StoredPurse = {
        ...{ number, request, keys, issued: undefined, state: { kind: 'opening' }, until: 0n, asOf: 0n },
      };
      const { signingKey, channelKey } = await this.#withKeys(purse, async (own) => own);
      const opening = signedDocument(
        PurseOpening,
        {
          ...{ request, device: book.device!.device, signingKey, channelKey },
          ...{ currency: book.settings.currency.ledger, amount, applyBy: applyBy() },
        },
        await secrets.get(),
        crypto,
      );
      const message = OpenPurseRequest.encode({ opening });
      const outcome = await begin({ request, kind: 'reserve', message, amount }, wait, [pursePut(purse)]);
      await this.#upkeep();
      return outcome;
    });
  }

  /** Before a purse is closed for another one. @param left what will come back of it @throws WalletError insufficient_funds */
  #expectEnough(amount: bigint, left: bigint): void {
    const { available } = this.#with.book.funds;
    if (amount <= available + left) return;
    const what = `reserve: expected at most ${available + left} minor units, got ${amount}`;
    throw new WalletError('insufficient_funds', what);
  }

  /** What of a purse changes with the verdict on its request. */
  async alongside(
    { request, kind, message }: RequestRecord,
    judged: Exclude<Judgement, { kind: 'later' }>,
  ): Promise<readonly Put[] | undefined> {
    const verdict = judged.kind === 'verdict' ? judged.verdict : undefined;
    if (kind === 'reserve') {
      const purse = await this.#book.ofRequest(request);
      if (purse === undefined) throw new Error('opening: expected its purse, got none');
      // An earlier answer has said it already.
      if (purse.state.kind !== 'opening' && purse.state.kind !== 'refused') return undefined;
      if (judged.kind === 'opened') {
        const { certificate, allowance, cashKey } = judged;
        const issued = { certificate, allowance, cashKey };
        return [pursePut({ ...purse, issued, state: { kind: 'open' } })];
      }
      const isOver = verdict?.kind === 'refused' || verdict?.kind === 'expired';
      return isOver ? [pursePut({ ...purse, state: { kind: 'refused' } })] : undefined;
    }
    if (kind === 'release') {
      const { purse: number } = ClosePurseRequest.decode(message).closing.document;
      const purse = (await this.#book.purses()).find((one) => numberOf(one) === number);
      if (purse?.state.kind !== 'closing') return undefined;
      if (verdict?.kind === 'closed') {
        return [pursePut({ ...purse, state: { kind: 'closed', released: verdict.released } })];
      }
      if (verdict?.kind !== 'refused') return undefined;
      return [pursePut({ ...purse, state: { kind: 'ended', reason: verdict.reason } })];
    }
    return undefined;
  }

  /** Openings whose certificate is still to come: also where cash's statement has told of them already. */
  async unfinished(): Promise<bigint[]> {
    const unfinished: bigint[] = [];
    for (const { issued, request, state } of await this.#book.purses()) {
      if (issued !== undefined) continue;
      const isThere = (await this.#with.book.request(request))?.state.kind === 'opened';
      if (isThere || state.kind === 'opening') unfinished.push(request);
    }
    return unfinished;
  }

  /** Reports everything, and gives back what is left. @throws WalletError no_purse, purse_unsettled … */
  close(wait: WaitOptions): Promise<Outcome> {
    return this.#alone('a closing', async () => {
      const [unfinished] = await this.unfinished();
      if (unfinished !== undefined) await this.#with.resume(unfinished, wait);
      const purse = await this.#book.current();
      if (purse?.issued === undefined) throw noPurse();
      return this.#close(purse, wait);
    });
  }

  async #close(purse: StoredPurse, wait: WaitOptions): Promise<Outcome> {
    const { newId, options, begin } = this.#with;
    await this.#reportAll(wait);
    const known = await this.#caughtUp(purse, wait);
    if (known.state.kind === 'closing') {
      const open = await this.#releaseOf(known);
      const outcome = await this.#with.resume(open, wait);
      return this.#afterClosing(outcome, wait);
    }
    const { sent } = await this.#book.records(known);
    const waiting = sent.filter(({ standing: { kind } }) => kind !== 'settled' && kind !== 'rejected');
    // Once nothing can be reported any more, cash has closed it by itself.
    const isOver = this.#now() >= (known.issued?.allowance.document.reportBy ?? 0n);
    if (waiting.length > 0 && !isOver) {
      throw new WalletError(
        'purse_unsettled',
        `purse: expected all its payments settled, got ${waiting.length} of ${sent.length} that are not`,
      );
    }
    const spent = await new StoredPurseLedger(this.#book, known.number).spent();
    const closing = await this.#withKeys(known, async (keys) =>
      signedDocument(
        PurseClosing,
        { purse: numberOf(known), lastSequence: spent.sequence, total: spent.total },
        keys,
        options.crypto,
      ),
    );
    const request = newId();
    const message = ClosePurseRequest.encode({ closing });
    const outcome = await begin({ request, kind: 'release', message, amount: 0n }, wait, [
      pursePut({ ...known, state: { kind: 'closing', closing } }),
    ]);
    return this.#afterClosing(outcome, wait);
  }

  /** What was released stands on the device's statement. */
  async #afterClosing({ request, state }: Outcome, wait: WaitOptions): Promise<Outcome> {
    if (state.kind !== 'closed') {
      const why = state.kind === 'refused' ? `${state.reason} (${state.code})` : state.kind;
      throw new WalletError('refused', `purse: expected it closed, got ${why}`);
    }
    await this.#with.patiently(undefined, wait, (patience, waitFor) =>
      this.#repeatedly(patience, waitFor, () => this.#with.sync()),
    );
    return this.#with.lookup(request);
  }

  async #releaseOf(purse: StoredPurse): Promise<bigint> {
    const number = numberOf(purse);
    const found = this.#with.book.open.find(
      ({ kind, message }) =>
        kind === 'release' && ClosePurseRequest.decode(message).closing.document.purse === number,
    );
    if (found === undefined) throw new Error('closing: expected its request, got none');
    return found.request;
  }

  // ── without a server ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws WalletError no_purse, purse_busy; PeerError */
  receive(link: PeerLink, { amount, memo, times, onEvent }: ReceiveOptions): Promise<AskReport> {
    return this.#meeting(link, { times, onEvent }, (party) => askPeer(link, party, { amount, memo }));
  }

  /** @throws WalletError no_purse, purse_busy; PeerError */
  send(link: PeerLink, options: SendOptions): Promise<PayReport> {
    const { payee = {}, amount, memo = '', confirm, times, onEvent } = options;
    return this.#meeting(link, { times, onEvent }, async (party) => {
      let why: string | undefined;
      const report = await payPeer(link, party, {
        payee,
        decide: async (asked) => {
          // What was in doubt with this payee was most likely this very payment: whoever wants another one asks again.
          if (asked.resumed.some(({ receipt }) => receipt !== undefined)) return undefined;
          const wanted = amount ?? asked.amount;
          if (wanted === undefined) why = 'an amount, as the payee asks for none, got none';
          else if (asked.amount !== undefined && asked.amount !== wanted)
            why = `${wanted} minor units to be asked for, got ${asked.amount}`;
          else if ((await confirm?.({ amount: amountOf(wanted), memo: asked.memo })) === false)
            why = "the user's yes, got a no";
          return why === undefined ? { amount: wanted!, memo } : undefined;
        },
      });
      if (why !== undefined) throw new PeerError('declined', `payment: expected ${why}`);
      return report;
    });
  }

  /** @throws WalletError no_purse */
  async channelKey(): Promise<Uint8Array> {
    const purse = await this.#book.current();
    if (purse?.issued === undefined || purse.state.kind !== 'open') throw noPurse();
    return PurseCertificate.signed.decode(purse.issued.certificate).document.channelKey;
  }

  /** A session that is held breaks off, as when its link does. */
  async end(): Promise<void> {
    const session = this.#session;
    session?.link.close();
    await session?.ended;
  }

  async #meeting<T>(
    link: PeerLink,
    { times, onEvent }: Pick<SendOptions, 'times' | 'onEvent'>,
    work: (party: PeerParty) => Promise<T>,
  ): Promise<T> {
    const meeting = this.#alone('a session', async () => {
      const { options, newId, book } = this.#with;
      const purse = await this.#book.current();
      if (purse?.issued === undefined || purse.state.kind !== 'open') throw noPurse();
      const { certificate, allowance } = purse.issued;
      const blocked = await this.#blockList.blocked();
      return this.#withKeys(purse, (keys) => {
        const own: OwnPurse = { device: book.device!.device, keys, certificate, allowance };
        return work({
          purse: own,
          ledger: new StoredPurseLedger(this.#book, purse.number),
          trust: this.#with.link.trust,
          isBlocked: (number) => blocked.has(number),
          crypto: options.crypto,
          clock: options.clock,
          newId,
          ...(times !== undefined && { times }),
          ...(onEvent !== undefined && { onEvent }),
        });
      });
    });
    const session = { link, ended: meeting.catch(() => {}) };
    this.#session ??= session;
    try {
      return await meeting;
    } finally {
      if (this.#session === session) this.#session = undefined;
      link.close();
    }
  }

  // ── with a server ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns what had no end before, as it is now */
  async report(wait: WaitOptions): Promise<ReportResult> {
    const result = await this.#reportAll(wait);
    await this.#tolerant(() => this.#syncAll());
    await this.#upkeep();
    return result;
  }

  /** What cash has of the purses that are not closed. One attempt. @throws TransportError, WalletError */
  async sync(): Promise<void> {
    await this.#syncAll();
    await this.#upkeep();
  }

  async #syncAll(): Promise<void> {
    for (const purse of await this.#book.purses()) {
      if (purse.issued === undefined || purse.state.kind === 'closed') continue;
      const after = await this.#sync.run(purse);
      if (after.state.kind === 'ended' && purse.state.kind !== 'ended') this.#with.warn(after.state.reason);
    }
  }

  /** What can wait: a newer block list, orders that are over. Does nothing where there never was a purse. */
  #upkeep(): Promise<void> {
    return this.#tolerant(async () => {
      if ((await this.#book.purses()).length === 0) return;
      await this.#blockList.refresh();
      await this.#book.forgetSeen(this.#now());
    });
  }

  async #tolerant(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof WalletError && error.code.startsWith('storage')) throw error;
      if (!(error instanceof WalletError || error instanceof TransportError)) throw error;
      this.#with.warn(error.message);
    }
  }

  upkeep(): Promise<void> {
    return this.#upkeep();
  }

  // ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** undefined: there is none. One that has ended is shown until what is left of it is given back. */
  async current(): Promise<PurseReport | undefined> {
    const now = this.#now();
    const purse =
      (await this.#book.current()) ??
      (await this.#book.purses()).findLast(
        ({ issued, state }) => state.kind === 'ended' && issued!.allowance.document.reportBy > now,
      );
    return purse === undefined ? undefined : purseReport(await this.#book.records(purse), now);
  }

  /** The oldest purse first; of each what was sent, then what was received. */
  async transfers(): Promise<TransferReport[]> {
    const found: TransferReport[] = [];
    for (const purse of await this.#book.purses()) {
      const { sent, received } = await this.#book.records(purse);
      found.push(...sent.map(sentReport), ...received.map(receivedReport));
    }
    return found;
  }

  unsettled(): Promise<TransferReport[]> {
    return this.#reports.unsettled();
  }

  async verify(): Promise<PurseProof> {
    return provenPurses(this.#book, {
      currency: this.#with.book.settings.currency.ledger,
      crypto: this.#with.options.crypto,
      request: (id) => this.#with.book.request(id),
    });
  }

  #reportAll(wait: WaitOptions): Promise<ReportResult> {
    return this.#with.patiently(undefined, wait, (patience, waitFor) =>
      this.#repeatedly(patience, waitFor, () => this.#reports.run()),
    );
  }

  /** With cash's statement: a store that is older than its payments must not close, as that would prove a fraud. */
  #caughtUp(purse: StoredPurse, wait: WaitOptions): Promise<StoredPurse> {
    return this.#with.patiently(undefined, wait, async (patience, waitFor) => {
      const known = await this.#repeatedly(patience, waitFor, () => this.#sync.run(purse));
      if (known.state.kind !== 'ended') return known;
      throw new WalletError(
        'purse_unsettled',
        `purse: expected one of this store alone: ${known.state.reason}`,
      );
    });
  }

  async #repeatedly<T>(
    patience: Patience,
    waitFor: (reason: string | undefined) => Promise<void>,
    work: () => Promise<T>,
  ): Promise<T> {
    for (;;) {
      try {
        return await patience.for(work());
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        if (error.code === 'refused')
          throw new WalletError('channel_refused', error.message, { cause: error });
        await waitFor(error.message);
      }
    }
  }

  /** The keys are in memory for as long as `work` takes. */
  async #withKeys<T>(purse: StoredPurse, work: (keys: Keys) => Promise<T>): Promise<T> {
    const { crypto, protection } = this.#with.options;
    const secrets = new Secrets(
      // A copy, as it is wiped.
      { keys: async () => StoredKeys.decode(StoredKeys.encode(purse.keys)) },
      crypto,
      protection,
    );
    try {
      return await work(await secrets.get());
    } finally {
      await secrets.wipe();
    }
  }

  async #alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy !== undefined)
      throw new WalletError('purse_busy', `purse: expected nothing under way with it, got ${this.#busy}`);
    this.#busy = what;
    try {
      return await work();
    } finally {
      this.#busy = undefined;
    }
  }

  #now(): bigint {
    return this.#with.options.clock.now();
  }
}

const numberOf = ({ issued }: StoredPurse): bigint => issued?.allowance.document.purse ?? 0n;

const noPurse = (): WalletError => new WalletError('no_purse', 'wallet: expected an open purse, got none');
