// The wallet's own record: what is stored, and the same in memory. Every change is one atomic write, and memory changes
// only after it, so that what anyone sees outlives a crash.
//
//     verdict ──▶ next state ──▶ request, receipt, balance, history: one write ──▶ memory

import { CreditReceipt } from '../../roles/documents/receipts.ts';
import { AMOUNT_MAX, type Amount, addAmounts, amountOf, ZERO } from '../../shared/amount.ts';
import { type Codec, CodecError, type Infer } from '../../shared/codec.ts';
import { WalletError } from './errors.ts';
import type { Put, StoredRecord, WalletCrypto, WalletStorage } from './ports.ts';
import {
  BalanceRecord,
  HistoryEntry,
  idOfKey,
  idText,
  Key,
  ReceiptRecord,
  Settings,
  StoredDevice,
  StoredDirectory,
  StoredKeys,
  WALLET_VERSION,
} from './records.ts';
import { isOpen, nextState, RequestRecord, type RequestState, type Verdict } from './request.ts';

/** Requests under way at a time. Beyond: WalletError too_many_open. */
export const OPEN_REQUESTS_MAX = 64;

/** What stands behind a verdict, written together with it. */
export interface Proof {
  readonly device?: StoredDevice;
  readonly receipt?: ReceiptRecord;
}

export interface NewBook {
  readonly settings: Settings;
  /** As they are stored: StoredKeys. */
  readonly keys: Uint8Array;
  readonly directory: StoredDirectory;
}

/** What a look at the whole record found. */
export interface BookReport {
  readonly receipts: number;
  /** Sum of the receipts, minor units. */
  readonly sum: bigint;
  readonly balance: Amount;
  /** Empty: all is as it should be. */
  readonly problems: readonly string[];
}

export class Book {
  readonly settings: Settings;
  readonly #storage: WalletStorage;
  readonly #open: Map<bigint, RequestRecord>;
  #balance: Amount;
  #historyEntries: bigint;
  #device: StoredDevice | undefined;
  #directory: StoredDirectory;
  #last: Promise<unknown> = Promise.resolve();
  #failure: WalletError | undefined;

  private constructor(
    storage: WalletStorage,
    settings: Settings,
    directory: StoredDirectory,
    device: StoredDevice | undefined,
    { balance, historyEntries }: BalanceRecord,
    open: Map<bigint, RequestRecord>,
  ) {
    this.#storage = storage;
    this.settings = settings;
    this.#directory = directory;
    this.#device = device;
    this.#balance = amountOf(balance);
    this.#historyEntries = historyEntries;
    this.#open = open;
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
    return new Book(storage, settings, directory, undefined, balance, new Map());
  }

  /** @throws WalletError wallet_missing, wallet_damaged */
  static async open(storage: WalletStorage): Promise<Book> {
    const settingsBytes = await storage.read(Key.wallet);
    if (settingsBytes === undefined)
      throw new WalletError('wallet_missing', 'wallet: expected one there, got none');
    const settings = decoded(Settings, Key.wallet, settingsBytes);
    if (settings.version !== WALLET_VERSION) {
      throw new WalletError(
        'wallet_damaged',
        `record wallet: expected version ${WALLET_VERSION}, got ${settings.version}`,
      );
    }
    const deviceBytes = await storage.read(Key.device);
    const open = new Map<bigint, RequestRecord>();
    for (const { key } of await storage.list(Key.opens)) {
      const id = idOfKey(key);
      open.set(id, decoded(RequestRecord, Key.request(id), await needed(storage, Key.request(id))));
    }
    return new Book(
      storage,
      settings,
      decoded(StoredDirectory, Key.directory, await needed(storage, Key.directory)),
      deviceBytes === undefined ? undefined : decoded(StoredDevice, Key.device, deviceBytes),
      decoded(BalanceRecord, Key.balance, await needed(storage, Key.balance)),
      open,
    );
  }

  get balance(): Amount {
    return this.#balance;
  }

  get device(): StoredDevice | undefined {
    return this.#device;
  }

  get directory(): StoredDirectory {
    return this.#directory;
  }

  /** Requests that are not final, in the order of their ids. */
  get open(): readonly RequestRecord[] {
    return [...this.#open.values()].sort((left, right) => (left.request < right.request ? -1 : 1));
  }

  async keys(): Promise<StoredKeysValue> {
    return decoded(StoredKeys, Key.keys, await needed(this.#storage, Key.keys));
  }

  async request(id: bigint): Promise<RequestRecord | undefined> {
    const key = Key.request(id);
    const bytes = await this.#storage.read(key);
    return bytes === undefined ? undefined : decoded(RequestRecord, key, bytes);
  }

  async receipts(): Promise<ReceiptRecord[]> {
    return this.#all(ReceiptRecord, Key.receipts);
  }

  async history(): Promise<HistoryEntry[]> {
    return this.#all(HistoryEntry, Key.histories);
  }

  /**
   * A request, before it is sent for the first time.
   * @throws WalletError already_enrolled, enrolment_open, too_many_open, invalid_argument
   */
  add(record: RequestRecord): Promise<void> {
    return this.#alone(async () => {
      this.#expectRoomFor(record);
      await this.#write([
        { key: Key.request(record.request), value: RequestRecord.encode(record) },
        { key: Key.open(record.request), value: new Uint8Array() },
      ]);
      this.#open.set(record.request, record);
    });
  }

  /** What an answer changes, in one write. @returns the request as it now is */
  settle(id: bigint, verdict: Verdict, now: bigint, { device, receipt }: Proof = {}): Promise<RequestRecord> {
    return this.#alone(async () => {
      const before = this.#open.get(id) ?? (await this.request(id));
      if (before === undefined) {
        throw new WalletError(
          'invalid_argument',
          `request ${idText(id)}: expected one of this wallet, got another`,
        );
      }
      const state = nextState(before.state, verdict);
      if (state === before.state) return before;
      const after: RequestRecord = { ...before, state, updatedAt: now };
      const puts: Put[] = [{ key: Key.request(id), value: RequestRecord.encode(after) }];
      if (isOpen(state)) {
        await this.#write(puts);
        this.#open.set(id, after);
        return after;
      }
      let balance = this.#balance;
      if (state.kind === 'loaded') {
        if (receipt === undefined) throw new Error('expected a receipt behind what is loaded, got none');
        balance = addAmounts(balance, amountOf(receipt.receipt.document.amount));
        puts.push({ key: Key.receipt(id), value: ReceiptRecord.encode(receipt) });
      }
      if (device !== undefined) puts.push({ key: Key.device, value: StoredDevice.encode(device) });
      const number = this.#historyEntries;
      puts.push(
        { key: Key.open(id), value: undefined },
        { key: Key.balance, value: BalanceRecord.encode({ balance, historyEntries: number + 1n }) },
        { key: Key.history(number), value: HistoryEntry.encode(entryOf(after, balance, now)) },
      );
      await this.#write(puts);
      this.#open.delete(id);
      this.#balance = balance;
      this.#historyEntries = number + 1n;
      if (device !== undefined) this.#device = device;
      return after;
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

  /** Reads everything, and adds up anew what was added. */
  verify(crypto: WalletCrypto): Promise<BookReport> {
    return this.#alone(async () => {
      const problems: string[] = [];
      const receipts = await this.receipts();
      const added = new Set<bigint>();
      let sum = 0n;
      for (const { receipt, cashKey } of receipts) {
        const { request, device, amount, currency } = receipt.document;
        sum += amount;
        added.add(request);
        const problem = (what: string) => problems.push(`receipt of request ${idText(request)}: ${what}`);
        if (!crypto.verify(cashKey, CreditReceipt.signedBytes(receipt.document), receipt.signature))
          problem('expected what cash has signed, got something else');
        if (device !== this.#device?.device) problem(`expected this device, got device ${idText(device)}`);
        const { ledger } = this.settings.currency;
        if (currency !== ledger) problem(`expected currency ${ledger}, got ${currency}`);
        const record = await this.request(request);
        if (record?.state.kind !== 'loaded' || record.amount !== amount)
          problem('expected the request loaded with its amount, got otherwise');
      }
      if (sum !== this.#balance) problems.push(`balance: expected ${sum}, got ${this.#balance}`);
      let running: bigint = ZERO;
      const history = await this.history();
      for (const [number, { event, request, amount, balance }] of history.entries()) {
        if (event === 'loaded') {
          running += amount;
          if (!added.delete(request))
            problems.push(`history ${number}: expected a receipt of its own, got none`);
        }
        if (running !== balance)
          problems.push(`history ${number}: expected balance ${running}, got ${balance}`);
      }
      for (const request of added)
        problems.push(`receipt of request ${idText(request)}: expected it in the history, got none`);
      if (BigInt(history.length) !== this.#historyEntries)
        problems.push(`history: expected ${this.#historyEntries} entries, got ${history.length}`);
      return { receipts: receipts.length, sum, balance: this.#balance, problems };
    });
  }

  #expectRoomFor({ kind, amount }: RequestRecord): void {
    const open = [...this.#open.values()];
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
    const room = open.reduce((left, request) => left - request.amount, AMOUNT_MAX - this.#balance);
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

async function storing(storage: WalletStorage, batch: readonly Put[]): Promise<void> {
  try {
    await storage.write(batch);
  } catch (error) {
    if (error instanceof WalletError) throw error;
    throw new WalletError('storage_failed', `storage: ${(error as Error).message}`, { cause: error });
  }
}

async function needed(storage: WalletStorage, key: string): Promise<Uint8Array> {
  const bytes = await storage.read(key);
  if (bytes === undefined) throw new WalletError('wallet_damaged', `record ${key}: expected it, got none`);
  return bytes;
}

function decoded<Value>(codec: Codec<Value>, key: string, bytes: Uint8Array): Value {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new WalletError('wallet_damaged', `record ${key}: ${error.message}`, { cause: error });
  }
}

function entryOf({ request, amount, state }: RequestRecord, balance: Amount, at: bigint): HistoryEntry {
  return {
    at,
    request,
    event: state.kind as HistoryEntry['event'],
    amount,
    balance,
    detail: detailOf(state),
  };
}

/** Why, where there is a why. */
export function detailOf(state: RequestState): string {
  switch (state.kind) {
    case 'pending':
      return state.state;
    case 'in_doubt':
    case 'declined':
    case 'reversed':
    case 'refused':
      return state.reason;
    default:
      return '';
  }
}
