// The wallet's own record: what is stored, and the same in memory. Every change is one atomic write, and memory changes
// only after it, so that what anyone sees outlives a crash.
//
//     verdict ──▶ next state ──▶ request, receipt, balance, history: one write ──▶ memory

import { decodeShopCard } from '../../roles/documents/shop-card.ts';
import type { SignedStatement } from '../../roles/documents/statement.ts';
import { BuyRequest } from '../../roles/shop/messages.ts';
import { AMOUNT_MAX, type Amount, amountOf, formatAmount, ZERO } from '../../shared/amount.ts';
import { type Codec, CodecError, type Infer } from '../../shared/codec.ts';
import { Draft, SHELVES, type Shelf, shelfOf } from './draft.ts';
import { WalletError } from './errors.ts';
import type { Put, StoredRecord, WalletCrypto, WalletStorage } from './ports.ts';
import { type BookReport, provenBooks } from './proof.ts';
import {
  BalanceRecord,
  HistoryEntry,
  idOfKey,
  idText,
  Key,
  OnFileRecord,
  PaymentRecord,
  PurchaseRecord,
  ReceiptRecord,
  RejectionRecord,
  Settings,
  SpendingRecord,
  StatementRecord,
  StoredDevice,
  StoredDirectory,
  StoredKeys,
  SyncRecord,
  WALLET_VERSION,
} from './records.ts';
import { nextState, RequestRecord, type Verdict } from './request.ts';
import { bookStatements, type Lookup } from './statement-entries.ts';

/** Loads that are still looked after when they have ended without a receipt. Beyond: the oldest is let go. */
export const SAID_LOADS_MAX = 64;

/** Requests under way at a time. Beyond: WalletError too_many_open. */
export const OPEN_REQUESTS_MAX = 64;

/** What stands behind a verdict, written together with it. */
export interface Proof {
  readonly device?: StoredDevice;
  readonly receipt?: ReceiptRecord;
  readonly payment?: PaymentRecord;
  readonly rejection?: RejectionRecord;
  /** What else changes with it: of purses. Also where the request itself stays as it is. */
  readonly alongside?: readonly Put[];
}

/** Writes all or nothing. */
export type Write = (batch: readonly Put[]) => Promise<void>;

/** What there is, minor units. */
export interface Funds {
  readonly balance: Amount;
  /** In purchases that have no end yet. */
  readonly underWay: Amount;
  /** For authorisations. */
  readonly reserved: Amount;
  /** What is left to spend. */
  readonly available: Amount;
}

/** A page of cash's statement that was checked, and the key that it was checked with. */
export interface CheckedStatement {
  readonly statement: SignedStatement;
  readonly cashKey: Uint8Array;
}

export interface NewBook {
  readonly settings: Settings;
  /** As they are stored: StoredKeys. */
  readonly keys: Uint8Array;
  readonly directory: StoredDirectory;
}

export class Book {
  readonly settings: Settings;
  readonly #storage: WalletStorage;
  /** What may still change; the oldest first. */
  readonly #shelves: { readonly [shelf in Shelf]: Map<bigint, RequestRecord> };
  #balance: Amount;
  #historyEntries: bigint;
  #nextSequence: bigint;
  #sync: SyncRecord;
  #device: StoredDevice | undefined;
  #directory: StoredDirectory;
  #hasPurses: boolean;
  #last: Promise<unknown> = Promise.resolve();
  #failure: WalletError | undefined;

  private constructor(storage: WalletStorage, stored: StoredBook) {
    this.#storage = storage;
    this.settings = stored.settings;
    this.#directory = stored.directory;
    this.#device = stored.device;
    this.#balance = amountOf(stored.balance.balance);
    this.#historyEntries = stored.balance.historyEntries;
    this.#nextSequence = stored.spending.nextSequence;
    this.#sync = stored.sync;
    this.#shelves = stored.shelves;
    this.#hasPurses = stored.hasPurses;
  }

  /** @throws WalletError wallet_exists */
  static async create(storage: WalletStorage, { settings, keys, directory }: NewBook): Promise<Book> {
    if ((await storage.read(Key.wallet)) !== undefined) {
      throw new WalletError('wallet_exists', 'wallet: expected none there, got one');
    }
    const balance: BalanceRecord = { balance: 0n, historyEntries: 0n };
    await storing(storage, [
      { key: Key.wallet, value: Settings.encode(settings) },
      { key: Key.keys, value: keys },
      { key: Key.directory, value: StoredDirectory.encode(directory) },
      { key: Key.balance, value: BalanceRecord.encode(balance) },
    ]);
    const shelves = { open: new Map(), held: new Map(), said: new Map() };
    const [spending, sync] = [NOTHING_SPENT, NEVER_SYNCHRONISED];
    return new Book(storage, {
      ...{ settings, directory, device: undefined, balance, spending, sync, shelves, hasPurses: false },
    });
  }

  /** @throws WalletError wallet_missing, wallet_damaged */
  static async open(storage: WalletStorage): Promise<Book> {
    const settingsBytes = await storage.read(Key.wallet);
    if (settingsBytes === undefined)
      throw new WalletError('wallet_missing', 'wallet: expected one there, got none');
    const settings = decoded(Settings, Key.wallet, settingsBytes);
    if (VERSIONS_BEFORE.has(settings.version)) {
      // What is written from now on is nothing for a program that knows that version only.
      const upgraded = { ...settings, version: WALLET_VERSION };
      await storing(storage, [{ key: Key.wallet, value: Settings.encode(upgraded) }]);
    } else if (settings.version !== WALLET_VERSION) {
      throw new WalletError(
        'wallet_damaged',
        `record wallet: expected version ${WALLET_VERSION}, got ${settings.version}`,
      );
    }
    const optional = async <Value>(codec: Codec<Value>, key: string): Promise<Value | undefined> => {
      const bytes = await storage.read(key);
      return bytes === undefined ? undefined : decoded(codec, key, bytes);
    };
    return new Book(storage, {
      settings: { ...settings, version: WALLET_VERSION },
      directory: decoded(StoredDirectory, Key.directory, await needed(storage, Key.directory)),
      device: await optional(StoredDevice, Key.device),
      balance: decoded(BalanceRecord, Key.balance, await needed(storage, Key.balance)),
      spending: (await optional(SpendingRecord, Key.spending)) ?? NOTHING_SPENT,
      sync: (await optional(SyncRecord, Key.sync)) ?? NEVER_SYNCHRONISED,
      shelves: {
        open: await requestsUnder(storage, Key.opens),
        held: await requestsUnder(storage, Key.helds),
        said: await requestsUnder(storage, Key.saids),
      },
      hasPurses: (await storage.list(Key.purses)).length > 0,
    });
  }

  /** Otherwise nothing has to be read to know that there are none. */
  get hasPurses(): boolean {
    return this.#hasPurses;
  }

  get balance(): Amount {
    return this.#balance;
  }

  get funds(): Funds {
    const balance = this.#balance;
    const underWay = sum([...this.#shelves.open.values()].filter(({ kind }) => TAKES.has(kind)));
    const reserved = sum([...this.#shelves.held.values()]);
    const left = balance - underWay - reserved;
    // A fee may have been taken since.
    return { balance, underWay, reserved, available: left < 0n ? ZERO : amountOf(left) };
  }

  /** Up to where, and as of when, cash's statements are in the books. */
  get synced(): SyncRecord {
    return this.#sync;
  }

  get device(): StoredDevice | undefined {
    return this.#device;
  }

  get directory(): StoredDirectory {
    return this.#directory;
  }

  /** Requests that are not final, in the order of their ids. */
  get open(): readonly RequestRecord[] {
    return inOrder(this.#shelves.open);
  }

  /** Authorisations that are neither taken nor released yet. */
  get held(): readonly RequestRecord[] {
    return inOrder(this.#shelves.held);
  }

  /** Loads that ended without a receipt, and for which there may still be one. */
  get said(): readonly RequestRecord[] {
    return [...this.#shelves.said.values()];
  }

  /** Enrolments that management has refused. */
  async refusedEnrolments(): Promise<RequestRecord[]> {
    const requests = await this.#all(RequestRecord, Key.requests);
    return requests.filter(({ kind, state }) => kind === 'enrolment' && state.kind === 'refused');
  }

  /** There will be no receipt any more. */
  letGo(id: bigint): Promise<void> {
    return this.#alone(async () => {
      const { said } = this.#shelves;
      if (!said.has(id)) return;
      await this.#write([{ key: Key.said(id), value: undefined }]);
      said.delete(id);
    });
  }

  async keys(): Promise<StoredKeysValue> {
    return decoded(StoredKeys, Key.keys, await needed(this.#storage, Key.keys));
  }

  async request(id: bigint): Promise<RequestRecord | undefined> {
    const key = Key.request(id);
    const bytes = await this.#storage.read(key);
    return bytes === undefined ? undefined : decoded(RequestRecord, key, bytes);
  }

  /** What belongs to a purchase beside its request. */
  async purchase(id: bigint): Promise<PurchaseRecord> {
    const key = Key.purchase(id);
    return decoded(PurchaseRecord, key, await needed(this.#storage, key));
  }

  async receipts(): Promise<ReceiptRecord[]> {
    return this.#all(ReceiptRecord, Key.receipts);
  }

  /** Of purchases that were paid or reserved. */
  async payments(): Promise<PaymentRecord[]> {
    return this.#all(PaymentRecord, Key.payments);
  }

  /** The request that has put the account number on file; undefined: none has. */
  async onFile(): Promise<bigint | undefined> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#storage.read(Key.onFile);
    } catch (error) {
      throw new WalletError('storage_failed', `storage: ${(error as Error).message}`, { cause: error });
    }
    return bytes === undefined ? undefined : decoded(OnFileRecord, Key.onFile, bytes).request;
  }

  /** The pages that something was booked from, the oldest first. */
  async statements(): Promise<StatementRecord[]> {
    return this.#all(StatementRecord, Key.statements);
  }

  async history(): Promise<HistoryEntry[]> {
    return this.#all(HistoryEntry, Key.histories);
  }

  /**
   * A request, before it is sent for the first time.
   * @throws WalletError already_enrolled, enrolment_open, too_many_open, invalid_argument
   */
  add(record: RequestRecord, alongside: readonly Put[] = []): Promise<void> {
    return this.#alone(async () => {
      this.#expectRoomFor(record);
      await this.#write([
        ...alongside,
        { key: Key.request(record.request), value: RequestRecord.encode(record) },
        { key: Key.open(record.request), value: new Uint8Array() },
      ]);
      this.#shelves.open.set(record.request, record);
      if (record.kind === 'reserve') this.#hasPurses = true;
    });
  }

  /**
   * A purchase, before it is sent for the first time: everything of it in one write, its sequence number used with it. One
   * that was never written was never sent, so its number is free.
   * @throws WalletError insufficient_funds, before anything is signed; too_many_open
   */
  addPurchase(
    amount: Amount,
    signed: (sequence: bigint) => { readonly record: RequestRecord; readonly purchase: PurchaseRecord },
  ): Promise<RequestRecord> {
    return this.#alone(async () => {
      this.#expectRoomFor({ kind: 'purchase', amount });
      const sequence = this.#nextSequence;
      const { record, purchase } = signed(sequence);
      const { request } = record;
      await this.#write([
        { key: Key.request(request), value: RequestRecord.encode(record) },
        { key: Key.purchase(request), value: PurchaseRecord.encode(purchase) },
        { key: Key.open(request), value: new Uint8Array() },
        { key: Key.spending, value: SpendingRecord.encode({ nextSequence: sequence + 1n }) },
      ]);
      this.#nextSequence = sequence + 1n;
      this.#shelves.open.set(request, record);
      return record;
    });
  }

  /**
   * What an answer changes, in one write.
   * @returns the request as it now is; undefined: it would take more than there is, as far as the books know, so the
   * statement has to come first
   */
  settle(id: bigint, verdict: Verdict, now: bigint, proof: Proof = {}): Promise<RequestRecord | undefined> {
    return this.#alone(async () => {
      const before = this.#shelves.open.get(id) ?? (await this.request(id));
      if (before === undefined) {
        throw new WalletError(
          'invalid_argument',
          `request ${idText(id)}: expected one of this wallet, got another`,
        );
      }
      const state = nextState(before.state, verdict);
      if (state === before.state) {
        if (proof.alongside !== undefined) await this.#write(proof.alongside);
        return before;
      }
      const draft = this.#draft(now);
      const money = this.#prove(draft, before, verdict, proof);
      const detail =
        state.kind === 'paid' || state.kind === 'reserved' ? await this.#shopName(id) : undefined;
      const after = draft.move(before, state, { money, ...(detail !== undefined && { detail }) });
      if (draft.isShort) return undefined;
      const { said } = this.#shelves;
      const letGo =
        shelfOf(after) === 'said' && said.size >= SAID_LOADS_MAX ? [...said.keys()][0] : undefined;
      if (letGo !== undefined) draft.puts.set(Key.said(letGo), undefined);
      await this.#commit(draft);
      if (letGo !== undefined) said.delete(letGo);
      if (proof.device !== undefined) this.#device = proof.device;
      return after;
    });
  }

  /**
   * Pages of cash's statement, one after the other, as one change.
   * @returns what was new; undefined: they take more than there is as far as they go, so later pages have to come with them
   * @throws WalletError answer_invalid: they contradict what this wallet has signed
   */
  bookStatements(
    pages: readonly CheckedStatement[],
    now: bigint,
  ): Promise<readonly HistoryEntry[] | undefined> {
    return this.#alone(async () => {
      const draft = this.#draft(now);
      const changed = await bookStatements(
        pages.map(({ statement }) => statement.document),
        draft,
        this.#lookup,
      );
      let { until, asOf, statements } = this.#sync;
      for (const [place, { statement, cashKey }] of pages.entries()) {
        const { document } = statement;
        if (document.after !== until)
          throw new Error(`expected entries after ${until}, got ${document.after}`);
        ({ until, asOf } = document);
        if (!changed.has(place)) continue;
        draft.puts.set(Key.statement(statements), StatementRecord.encode({ statement, cashKey }));
        statements += 1n;
      }
      if (draft.isShort) return undefined;
      const sync = { until, asOf, statements };
      draft.puts.set(Key.sync, SyncRecord.encode(sync));
      await this.#commit(draft);
      this.#sync = sync;
      return draft.entries;
    });
  }

  /**
   * @param change of what is stored by then: whoever replaces all of it could put an older directory back; undefined: none
   * @returns whether something changed
   */
  changeDirectory(change: (stored: StoredDirectory) => StoredDirectory | undefined): Promise<boolean> {
    return this.#alone(async () => {
      const directory = change(this.#directory);
      if (directory === undefined) return false;
      await this.#write([{ key: Key.directory, value: StoredDirectory.encode(directory) }]);
      this.#directory = directory;
      return true;
    });
  }

  setDevice(device: StoredDevice): Promise<void> {
    return this.#alone(async () => {
      await this.#write([{ key: Key.device, value: StoredDevice.encode(device) }]);
      this.#device = device;
    });
  }

  /**
   * Reads everything, and adds up anew what was added and what was taken.
   * @param openings of purses: what was reserved by each request, by its allowance, which was verified
   */
  verify(crypto: WalletCrypto, openings: ReadonlyMap<bigint, bigint>): Promise<BookReport> {
    return this.#alone(async () =>
      provenBooks({
        settings: this.settings,
        device: this.#device?.device,
        balance: this.#balance,
        historyEntries: this.#historyEntries,
        receipts: await this.receipts(),
        payments: await this.payments(),
        statements: await this.statements(),
        history: await this.history(),
        openings,
        request: (id) => this.request(id),
        purchase: (id) => this.purchase(id),
        crypto,
      }),
    );
  }

  /** What is stored besides, in turn with all other changes. */
  alone<T>(work: (write: Write) => Promise<T>): Promise<T> {
    return this.#alone(() => work((batch) => this.#write(batch)));
  }

  #draft(now: bigint): Draft {
    return new Draft(
      { balance: this.#balance, historyEntries: this.#historyEntries, nextSequence: this.#nextSequence },
      now,
    );
  }

  async #commit(draft: Draft): Promise<void> {
    const { balance, historyEntries, nextSequence } = draft.finish();
    if (nextSequence !== this.#nextSequence)
      draft.puts.set(Key.spending, SpendingRecord.encode({ nextSequence }));
    await this.#write([...draft.puts].map(([key, value]) => ({ key, value })));
    this.#balance = balance;
    this.#historyEntries = historyEntries;
    this.#nextSequence = nextSequence;
    for (const [id, record] of draft.requests) {
      const on = shelfOf(record);
      for (const shelf of SHELVES) {
        if (shelf === on) this.#shelves[shelf].set(id, record);
        else this.#shelves[shelf].delete(id);
      }
    }
  }

  /** Stores what stands behind a state. @returns what it adds to the balance, or takes of it */
  #prove(draft: Draft, { request, amount }: RequestRecord, state: Verdict, proof: Proof): bigint {
    const { device, receipt, payment, rejection, alongside = [] } = proof;
    for (const { key, value } of alongside) draft.puts.set(key, value);
    if (device !== undefined) draft.puts.set(Key.device, StoredDevice.encode(device));
    if (payment !== undefined) draft.puts.set(Key.payment(request), PaymentRecord.encode(payment));
    if (rejection !== undefined) draft.puts.set(Key.rejection(request), RejectionRecord.encode(rejection));
    if (receipt !== undefined) draft.puts.set(Key.receipt(request), ReceiptRecord.encode(receipt));
    switch (state.kind) {
      case 'loaded':
        if (receipt === undefined) throw new Error('expected a receipt behind what is loaded, got none');
        return receipt.receipt.document.amount;
      case 'paid':
      case 'reserved':
        if (payment === undefined)
          throw new Error(`expected a receipt behind what is ${state.kind}, got none`);
        return state.kind === 'paid' ? -amount : 0n;
      case 'opened':
        if (proof.alongside === undefined)
          throw new Error('expected an allowance behind what is opened, got none');
        return -amount;
      case 'rejected':
        if (rejection === undefined) throw new Error("expected cash's rejection, got none");
        return 0n;
      case 'captured':
      case 'released':
      case 'lapsed':
        throw new Error(`expected a statement behind what is ${state.kind}, got none`);
      default:
        return 0n;
    }
  }

  readonly #lookup: Lookup = {
    request: (id) => this.request(id),
    purchase: async (id) => {
      const record = await this.request(id);
      if (record === undefined) throw new Error(`expected request ${idText(id)}, got none`);
      const { kind, expiresAt } = decoded(BuyRequest, Key.request(id), record.message).terms;
      return { kind, expiresAt, shopName: await this.#shopName(id) };
    },
  };

  async #shopName(id: bigint): Promise<string> {
    return decodeShopCard((await this.purchase(id)).card).certificate.document.name;
  }

  #expectRoomFor({ kind, amount }: Pick<RequestRecord, 'kind' | 'amount'>): void {
    const open = [...this.#shelves.open.values()];
    if (kind === 'enrolment') {
      if (this.#device !== undefined) {
        throw new WalletError(
          'already_enrolled',
          `wallet: expected one not enrolled, got device ${idText(this.#device.device)}`,
        );
      }
      const other = open.find((record) => record.kind === 'enrolment');
      if (other !== undefined) {
        throw new WalletError('enrolment_open', 'wallet: expected no enrolment under way, got one', {
          request: other.request,
        });
      }
    }
    if (open.length >= OPEN_REQUESTS_MAX) {
      throw new WalletError(
        'too_many_open',
        `wallet: expected fewer than ${OPEN_REQUESTS_MAX} requests under way, got as many`,
      );
    }
    if (TAKES.has(kind)) {
      const { available, underWay, reserved } = this.funds;
      const { currency } = this.settings;
      const money = (value: bigint): string => `${formatAmount(amountOf(value), currency)} ${currency.code}`;
      if (amount <= available) return;
      throw new WalletError(
        'insufficient_funds',
        `${kind}: expected at most ${money(available)} (${money(underWay)} are under way, ${money(reserved)} reserved), got ${money(amount)}`,
      );
    }
    const room = AMOUNT_MAX - this.#balance - sum(open.filter((record) => record.kind === 'load'));
    if (amount > room) {
      throw new WalletError('invalid_argument', `load: expected at most ${room} minor units, got ${amount}`);
    }
  }

  async #all<Value>(codec: Codec<Value>, prefix: string): Promise<Value[]> {
    return (await this.#storage.list(prefix)).map(({ key, value }: StoredRecord) =>
      decoded(codec, key, value),
    );
  }

  /** One at a time, in the order of the calls. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #write(batch: readonly Put[]): Promise<void> {
    try {
      await storing(this.#storage, batch);
    } catch (error) {
      // It may be stored or not: memory is not the same any more for sure.
      this.#failure = error as WalletError;
      throw error;
    }
  }
}

type StoredKeysValue = Infer<typeof StoredKeys>;

interface StoredBook {
  readonly settings: Settings;
  readonly directory: StoredDirectory;
  readonly device: StoredDevice | undefined;
  readonly balance: BalanceRecord;
  readonly spending: SpendingRecord;
  readonly sync: SyncRecord;
  readonly shelves: { readonly [shelf in Shelf]: Map<bigint, RequestRecord> };
  readonly hasPurses: boolean;
}

const VERSIONS_BEFORE: ReadonlySet<number> = new Set([1, 2]);
/** Kinds that take of the balance. */
const TAKES: ReadonlySet<RequestRecord['kind']> = new Set(['purchase', 'reserve']);

const NOTHING_SPENT: SpendingRecord = { nextSequence: 1n };
const NEVER_SYNCHRONISED: SyncRecord = { until: 0n, asOf: 0n, statements: 0n };

const sum = (records: readonly RequestRecord[]): Amount =>
  amountOf(records.reduce((total, { amount }) => total + amount, 0n));

const inOrder = (records: ReadonlyMap<bigint, RequestRecord>): RequestRecord[] =>
  [...records.values()].sort((left, right) => (left.request < right.request ? -1 : 1));

async function storing(storage: WalletStorage, batch: readonly Put[]): Promise<void> {
  try {
    await storage.write(batch);
  } catch (error) {
    if (error instanceof WalletError) throw error;
    throw new WalletError('storage_failed', `storage: ${(error as Error).message}`, { cause: error });
  }
}

async function requestsUnder(storage: WalletStorage, prefix: string): Promise<Map<bigint, RequestRecord>> {
  const requests = new Map<bigint, RequestRecord>();
  for (const { key } of await storage.list(prefix)) {
    const id = idOfKey(key);
    requests.set(id, decoded(RequestRecord, Key.request(id), await needed(storage, Key.request(id))));
  }
  return requests;
}

async function needed(storage: WalletStorage, key: string): Promise<Uint8Array> {
  const bytes = await storage.read(key);
  if (bytes === undefined) throw new WalletError('wallet_damaged', `record ${key}: expected it, got none`);
  return bytes;
}

/** @throws WalletError wallet_damaged */
export function decoded<Value>(codec: Codec<Value>, key: string, bytes: Uint8Array): Value {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new WalletError('wallet_damaged', `record ${key}: ${error.message}`, { cause: error });
  }
}
