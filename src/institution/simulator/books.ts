// The simulator's books in LMDB: a batch of requests is one transaction, flushed when it returns. Everything is read
// within it, so that nothing in memory can differ from the disk.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { DiskRoom, NoRoomError } from '../../shared/disk-room.ts';
import {
  maskAccountNumber,
  SPECIAL_ACCOUNTS,
  TEST_ACCOUNTS_MAX,
  testAccountNumbers,
} from '../account-number.ts';
import type { Answer, CardRequest } from '../dialect.ts';
import type { Clock } from '../timers.ts';
import {
  type AccountRecord,
  decodeAccount,
  decodeEntry,
  decodeOrder,
  type EntryRecord,
  encodeAccount,
  encodeEntry,
  encodeOrder,
  entryKey,
  orderKey,
} from './records.ts';
import { decide } from './rules.ts';

export interface BooksOptions {
  /** A folder, made when missing. */
  readonly path: string;
  /** Of new books only; books that exist refuse others than they were made with. */
  readonly accounts?: number | undefined;
  readonly seed?: bigint | undefined;
  /** What each account has at first, in minor units. */
  readonly balance?: bigint | undefined;
  /** ISO 4217, of all accounts. */
  readonly currency?: number | undefined;
}

export interface BooksOrigin {
  readonly accounts: number;
  readonly seed: bigint;
  readonly balance: bigint;
  readonly currency: number;
}

export interface BookRequest {
  readonly request: CardRequest;
  readonly declineCode: string | undefined;
  /** Runs within the transaction, once this request is worked on; what it throws undoes the batch. */
  readonly beforeCommit?: (() => void) | undefined;
}

export interface Account extends AccountRecord {
  readonly accountNumber: string;
}

export interface Entry extends EntryRecord {
  readonly sequence: bigint;
}

export class BooksError extends Error {
  override readonly name = 'BooksError';
  readonly code: 'differs' | 'damaged';

  constructor(code: 'differs' | 'damaged', message: string) {
    super(message);
    this.code = code;
  }
}

export const ORIGIN_DEFAULT: BooksOrigin = { accounts: 1_000, seed: 1n, balance: 100_000_00n, currency: 978 };
/** Sums of what one account can hold stay far below u64. */
export const BALANCE_MAX = 10n ** 15n;

const ORIGIN_KEY = Buffer.from('books');
const FORMAT_VERSION = 1;
const PAGE_BYTES = 4096;
const MAP_SIZE_BYTES = 2 ** 36;
const DISK_MARGIN_BYTES = 1024 * 1024;
/** A leaf in each of three trees, and as much again for branches and splits. */
const PAGES_PER_REQUEST = 6;
/** A leaf, and as much again. */
const PAGES_PER_ACCOUNT = 2;
const PAGES_SLACK = 64;
const ACCOUNTS_PER_TRANSACTION = 20_000;
const APPROVAL_CODES = 36n ** 6n;

type Table = Database<Buffer, Buffer>;

export class Books {
  readonly origin: BooksOrigin;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #accounts: Table;
  readonly #orders: Table;
  readonly #statement: Table;
  readonly #room: DiskRoom;
  #isClosed = false;

  private constructor(
    root: RootDatabase<Buffer, Buffer>,
    tables: { accounts: Table; orders: Table; statement: Table },
    room: DiskRoom,
    origin: BooksOrigin,
  ) {
    this.#root = root;
    this.#accounts = tables.accounts;
    this.#orders = tables.orders;
    this.#statement = tables.statement;
    this.#room = room;
    this.origin = origin;
  }

  /** @throws BooksError, NoRoomError, RangeError */
  static open(options: BooksOptions): Books {
    const { path } = options;
    mkdirSync(path, { recursive: true });
    const room = new DiskRoom(join(path, 'data.mdb'), DISK_MARGIN_BYTES);
    if (!existsSync(join(path, 'data.mdb'))) room.ensure(PAGES_SLACK * PAGE_BYTES);
    const encoding = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
    const root = open<Buffer, Buffer>({
      // Ending with a slash keeps lmdb from taking a directory with a dot in its name for a file.
      path: join(path, '/'),
      noSubdir: false,
      mapSize: MAP_SIZE_BYTES,
      pageSize: PAGE_BYTES,
      // Only then has a transactionSync that returned been flushed.
      overlappingSync: false,
      maxDbs: 4,
      ...encoding,
    });
    const tables = {
      accounts: root.openDB('accounts', encoding),
      orders: root.openDB('orders', encoding),
      statement: root.openDB('statement', encoding),
    };
    const meta = root.openDB('meta', encoding);
    const stored = meta.getBinary(ORIGIN_KEY);
    const origin = stored === undefined ? checkOrigin(options) : readOrigin(stored, options);
    const books = new Books(root, tables, room, origin);
    if (stored === undefined) {
      books.#make();
      root.transactionSync(() => meta.putSync(ORIGIN_KEY, originBytes(origin)));
    }
    return books;
  }

  /** Writes all accounts, over whatever an attempt that was cut short has left. */
  #make(): void {
    this.#write(0, () => this.#accounts.clearSync());
    const { accounts, seed, balance, currency } = this.origin;
    const numberOf = testAccountNumbers(seed);
    const account = (state: AccountRecord['state'], initial: bigint): Buffer =>
      encodeAccount({ state, currency, initial, available: initial, held: 0n, captured: 0n });
    const active = account('active', balance);
    for (let first = 0; first < accounts; first += ACCOUNTS_PER_TRANSACTION) {
      const end = Math.min(accounts, first + ACCOUNTS_PER_TRANSACTION);
      this.#write((end - first) * PAGES_PER_ACCOUNT, () => {
        for (let i = first; i < end; i++) this.#accounts.putSync(Buffer.from(numberOf(i), 'latin1'), active);
      });
    }
    this.#write(3 * PAGES_PER_ACCOUNT, () => {
      const put = (accountNumber: string, bytes: Buffer): void => {
        this.#accounts.putSync(Buffer.from(accountNumber, 'latin1'), bytes);
      };
      put(SPECIAL_ACCOUNTS.insufficientFunds, account('insufficient_funds', 0n));
      put(SPECIAL_ACCOUNTS.stolen, account('stolen', balance));
      put(SPECIAL_ACCOUNTS.expired, account('expired', balance));
    });
  }

  /**
   * Works on all requests, in order, in one transaction. When this returns everything is on the disk.
   * @throws NoRoomError, with nothing done; whatever `beforeCommit` throws, likewise
   */
  book(requests: readonly BookRequest[], clock: Clock): Answer[] {
    const answers: Answer[] = [];
    this.#write(requests.length * PAGES_PER_REQUEST, () => {
      const time = clock();
      let sequence = this.#lastSequence();
      for (const { request, declineCode, beforeCommit } of requests) {
        const key = orderKey(request.reference);
        const accountKey = Buffer.from(request.accountNumber, 'latin1');
        const order = this.#orders.getBinary(key);
        const account = this.#accounts.getBinary(accountKey);
        const decision = decide(request, {
          order: order === undefined ? undefined : decodeOrder(order),
          account: account === undefined ? undefined : decodeAccount(account),
          declineCode,
          approvalCode: () => approvalCode(sequence + 1n),
        });
        if (decision.order !== undefined) this.#orders.putSync(key, encodeOrder(decision.order));
        if (decision.account !== undefined)
          this.#accounts.putSync(accountKey, encodeAccount(decision.account));
        if (decision.entry !== undefined && decision.order !== undefined) {
          sequence += 1n;
          const entry = encodeEntry({
            kind: decision.entry,
            currency: decision.order.currency,
            amount: decision.order.amount,
            responseCode: decision.order.responseCode,
            approvalCode: decision.order.approvalCode,
            time,
            reference: request.reference,
            maskedAccountNumber: maskAccountNumber(request.accountNumber),
          });
          this.#statement.putSync(entryKey(sequence), entry, { append: true });
        }
        answers.push(decision.answer);
        beforeCommit?.();
      }
    });
    return answers;
  }

  /** `pages`: what `work` writes, at most. */
  #write(pages: number, work: () => void): void {
    const { lastPageNumber } = (this.#root as unknown as { env: { info(): EnvironmentInfo } }).env.info();
    this.#room.ensure((lastPageNumber + 1 + pages + PAGES_SLACK) * PAGE_BYTES);
    this.#root.transactionSync(work);
  }

  #lastSequence(): bigint {
    for (const key of this.#statement.getKeys({ reverse: true, limit: 1 })) return key.readBigUInt64BE(0);
    return 0n;
  }

  /** Up to `limit` entries of the statement, from `sequence` on. */
  statement(sequence: bigint, limit: number): Entry[] {
    return [...this.#statement.getRange({ start: entryKey(sequence), limit })].map(({ key, value }) => ({
      sequence: key.readBigUInt64BE(0),
      ...decodeEntry(value),
    }));
  }

  /** Up to `limit` accounts, in the order of their numbers, behind `after`. */
  accounts(after: string, limit: number): Account[] {
    // A zero byte makes it the next possible key.
    const start = Buffer.from(`${after}\0`, 'latin1');
    return [...this.#accounts.getRange({ start, limit })].map(({ key, value }) => ({
      accountNumber: key.toString('latin1'),
      ...decodeAccount(value),
    }));
  }

  account(accountNumber: string): AccountRecord | undefined {
    const bytes = this.#accounts.getBinary(Buffer.from(accountNumber, 'latin1'));
    return bytes === undefined ? undefined : decodeAccount(bytes);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#root.close();
  }
}

export { NoRoomError };

interface EnvironmentInfo {
  readonly lastPageNumber: number;
}

/** Six characters, 0 to 9 and A to Z: unique for two thousand million bookings. */
function approvalCode(sequence: bigint): string {
  return (sequence % APPROVAL_CODES).toString(36).toUpperCase().padStart(6, '0');
}

function checkOrigin(options: BooksOptions): BooksOrigin {
  const origin = {
    accounts: options.accounts ?? ORIGIN_DEFAULT.accounts,
    seed: options.seed ?? ORIGIN_DEFAULT.seed,
    balance: options.balance ?? ORIGIN_DEFAULT.balance,
    currency: options.currency ?? ORIGIN_DEFAULT.currency,
  };
  const { accounts, seed, balance, currency } = origin;
  if (!Number.isInteger(accounts) || accounts < 0 || accounts > TEST_ACCOUNTS_MAX) {
    throw new RangeError(`accounts: expected a whole number from 0 to ${TEST_ACCOUNTS_MAX}, got ${accounts}`);
  }
  if (seed < 0n || seed >= 2n ** 64n) throw new RangeError(`seed: expected 0 to 2^64-1, got ${seed}`);
  if (balance < 0n || balance > BALANCE_MAX) {
    throw new RangeError(`balance: expected 0 to ${BALANCE_MAX} minor units, got ${balance}`);
  }
  if (!Number.isInteger(currency) || currency < 1 || currency > 999) {
    throw new RangeError(`currency: expected an ISO 4217 number from 1 to 999, got ${currency}`);
  }
  return origin;
}

function originBytes({ accounts, seed, balance, currency }: BooksOrigin): Buffer {
  const plain = { version: FORMAT_VERSION, accounts, seed: `${seed}`, balance: `${balance}`, currency };
  return Buffer.from(JSON.stringify(plain));
}

function readOrigin(stored: Buffer, options: BooksOptions): BooksOrigin {
  let origin: BooksOrigin;
  try {
    const plain = JSON.parse(stored.toString()) as Record<string, unknown>;
    if (plain.version !== FORMAT_VERSION) throw new Error(`format ${plain.version}`);
    origin = {
      accounts: Number(plain.accounts),
      seed: BigInt(plain.seed as string),
      balance: BigInt(plain.balance as string),
      currency: Number(plain.currency),
    };
  } catch (error) {
    const cause = (error as Error).message;
    throw new BooksError('damaged', `institution's books: expected format ${FORMAT_VERSION}, got: ${cause}`);
  }
  for (const field of ['accounts', 'seed', 'balance', 'currency'] as const) {
    const asked = options[field];
    if (asked !== undefined && asked !== origin[field]) {
      throw new BooksError(
        'differs',
        `institution's books: expected ${field} ${origin[field]}, with which they were made, got ${asked}`,
      );
    }
  }
  return origin;
}
