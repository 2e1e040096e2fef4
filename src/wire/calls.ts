// The calls of a ledger, over a connection or in the same process: arrays of objects in, arrays of objects out, or packed
// records in, packed records out. Whoever extends LedgerCalls only has to carry bytes.
import type {
  Account,
  AccountBalance,
  AccountFilter,
  ChangeEvent,
  ChangeEventsFilter,
  PaymentOrder,
  Transfer,
} from '../layout/generated.ts';
import {
  AccountBalanceLayout,
  AccountFilterFlags,
  AccountLayout,
  BATCH_RECORDS_MAX,
  ChangeEventLayout,
  readAccount,
  readAccountBalance,
  readChangeEvent,
  readTransfer,
  TransferLayout,
  writeAccount,
  writeAccountFilter,
  writeChangeEventsFilter,
  writePaymentOrder,
  writeTransfer,
} from '../layout/generated.ts';
import { writeU128 } from '../shared/bytes.ts';
import { RequestError } from './errors.ts';
import { viewOf } from './frame.ts';
import { CHANGE_EVENTS_MAX } from './limits.ts';
import { operationShape, RequestOperation } from './operation.ts';
import type { CreateAccountResult, CreateTransferResult } from './results.ts';
import { readCreateAccountResults, readCreateTransferResults } from './results.ts';

export interface CallOptions {
  /** Stops waiting. What was sent already stays sent: the outcome is then unknown to the caller. */
  signal?: AbortSignal;
  /** How long to wait for the answer. */
  timeoutMs?: number;
}

/** A request that has been checked for its size but not encoded yet. */
export interface Call {
  readonly operation: number;
  readonly count: number;
  /** Bytes of the body. */
  readonly bodySize: number;
  /** Writes the body into `body`, `bodySize` bytes. Throws RangeError for a value that does not fit its field. */
  readonly write: (body: Uint8Array) => void;
  readonly options: CallOptions;
}

type WriteRecord<Item> = (view: DataView, offset: number, record: Item) => void;

const writeId: WriteRecord<bigint> = (view, offset, id) => writeU128(view, offset, id, 'id');

/** Packed records are borrowed until the promise settles. Empty batches are answered at once, with nothing. */
export abstract class LedgerCalls {
  /** Sends the call, resolves with the body of its reply. */
  protected abstract exchange(call: Call): Promise<Uint8Array>;

  /** What a caller gets to see of an argument that cannot be sent. */
  protected argumentError(error: RangeError | RequestError): Error {
    return error;
  }

  /** 1 to 8,190 accounts; one result each, in order. */
  createAccounts(
    accounts: readonly Partial<Account>[],
    options?: CallOptions,
  ): Promise<CreateAccountResult[]>;
  /** n × 128 bytes in, n × 16 bytes out. */
  createAccounts(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async createAccounts(
    records: readonly Partial<Account>[] | Uint8Array,
    options: CallOptions = {},
  ): Promise<CreateAccountResult[] | Uint8Array> {
    const body = await this.#batch(RequestOperation.create_accounts, records, writeAccount, options);
    return records instanceof Uint8Array ? body : readCreateAccountResults(body);
  }

  /** 1 to 8,190 transfers; one result each, in order. */
  createTransfers(
    transfers: readonly Partial<Transfer>[],
    options?: CallOptions,
  ): Promise<CreateTransferResult[]>;
  /** n × 128 bytes in, n × 16 bytes out. */
  createTransfers(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async createTransfers(
    records: readonly Partial<Transfer>[] | Uint8Array,
    options: CallOptions = {},
  ): Promise<CreateTransferResult[] | Uint8Array> {
    const body = await this.#batch(RequestOperation.create_transfers, records, writeTransfer, options);
    return records instanceof Uint8Array ? body : readCreateTransferResults(body);
  }

  /** 1 to 4,095 payment orders; one result each, in order. Over a connection their verdict is 0: it is the server's. */
  createPaymentOrders(
    orders: readonly Partial<PaymentOrder>[],
    options?: CallOptions,
  ): Promise<CreateTransferResult[]>;
  /** n × 256 bytes in, n × 16 bytes out. */
  createPaymentOrders(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async createPaymentOrders(
    records: readonly Partial<PaymentOrder>[] | Uint8Array,
    options: CallOptions = {},
  ): Promise<CreateTransferResult[] | Uint8Array> {
    const body = await this.#batch(
      RequestOperation.create_payment_orders,
      records,
      writePaymentOrder,
      options,
    );
    return records instanceof Uint8Array ? body : readCreateTransferResults(body);
  }

  /** The accounts that exist, in the order of `ids`. */
  lookupAccounts(ids: readonly bigint[], options?: CallOptions): Promise<Account[]>;
  /** n × 16 bytes in, m × 128 bytes out. */
  lookupAccounts(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async lookupAccounts(
    ids: readonly bigint[] | Uint8Array,
    options: CallOptions = {},
  ): Promise<Account[] | Uint8Array> {
    const body = await this.#batch(RequestOperation.lookup_accounts, ids, writeId, options);
    return ids instanceof Uint8Array ? body : readAll(body, AccountLayout.size, readAccount);
  }

  /** The transfers that exist, in the order of `ids`. */
  lookupTransfers(ids: readonly bigint[], options?: CallOptions): Promise<Transfer[]>;
  /** n × 16 bytes in, m × 128 bytes out. */
  lookupTransfers(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async lookupTransfers(
    ids: readonly bigint[] | Uint8Array,
    options: CallOptions = {},
  ): Promise<Transfer[] | Uint8Array> {
    const body = await this.#batch(RequestOperation.lookup_transfers, ids, writeId, options);
    return ids instanceof Uint8Array ? body : readAll(body, TransferLayout.size, readTransfer);
  }

  /** Transfers of one account by time. Left out, `limit` is 8,190 and `flags` both debits and credits. */
  getAccountTransfers(filter: Partial<AccountFilter>, options?: CallOptions): Promise<Transfer[]>;
  /** 128 bytes in, m × 128 bytes out. */
  getAccountTransfers(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async getAccountTransfers(
    filter: Partial<AccountFilter> | Uint8Array,
    options: CallOptions = {},
  ): Promise<Transfer[] | Uint8Array> {
    const body = await this.#accountQuery(RequestOperation.get_account_transfers, filter, options);
    return filter instanceof Uint8Array ? body : readAll(body, TransferLayout.size, readTransfer);
  }

  /** Balances of one account with the flag `history`, after each of its transfers. Defaults as above. */
  getAccountBalances(filter: Partial<AccountFilter>, options?: CallOptions): Promise<AccountBalance[]>;
  /** 128 bytes in, m × 128 bytes out. */
  getAccountBalances(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async getAccountBalances(
    filter: Partial<AccountFilter> | Uint8Array,
    options: CallOptions = {},
  ): Promise<AccountBalance[] | Uint8Array> {
    const body = await this.#accountQuery(RequestOperation.get_account_balances, filter, options);
    return filter instanceof Uint8Array ? body : readAll(body, AccountBalanceLayout.size, readAccountBalance);
  }

  /** Changes of balances by time, at most 2,730 a call; ask again from the last timestamp + 1. */
  getChangeEvents(filter?: Partial<ChangeEventsFilter>, options?: CallOptions): Promise<ChangeEvent[]>;
  /** 64 bytes in, m × 384 bytes out. */
  getChangeEvents(packed: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  async getChangeEvents(
    filter: Partial<ChangeEventsFilter> | Uint8Array = {},
    options: CallOptions = {},
  ): Promise<ChangeEvent[] | Uint8Array> {
    const operation = RequestOperation.get_change_events;
    if (filter instanceof Uint8Array) return this.#batch(operation, filter, writeChangeEventsFilter, options);
    const whole = { limit: CHANGE_EVENTS_MAX, ...filter };
    const body = await this.#batch(operation, [whole], writeChangeEventsFilter, options);
    return readAll(body, ChangeEventLayout.size, readChangeEvent);
  }

  #accountQuery(operation: number, filter: Partial<AccountFilter> | Uint8Array, options: CallOptions) {
    if (filter instanceof Uint8Array) return this.#batch(operation, filter, writeAccountFilter, options);
    const flags = AccountFilterFlags.debits | AccountFilterFlags.credits;
    const whole = { limit: BATCH_RECORDS_MAX, flags, ...filter };
    return this.#batch(operation, [whole], writeAccountFilter, options);
  }

  async #batch<Item>(
    operation: number,
    records: readonly Item[] | Uint8Array,
    writeRecord: WriteRecord<Item>,
    options: CallOptions,
  ): Promise<Uint8Array> {
    const { name, requestSize, countMax } = operationShape(operation)!;
    const packed = records instanceof Uint8Array;
    if (packed && records.length % requestSize !== 0) {
      const message = `${name}: expected packed records of ${requestSize} bytes, got ${records.length} bytes`;
      throw this.argumentError(new RequestError('body_size_mismatch', message));
    }
    const count = packed ? records.length / requestSize : records.length;
    if (count > countMax) {
      const message = `${name}: expected at most ${countMax} records, got ${count}: send several requests`;
      throw this.argumentError(new RequestError('too_many_records', message));
    }
    if (count === 0) return new Uint8Array(0);
    const write = packed
      ? (body: Uint8Array) => body.set(records)
      : (body: Uint8Array) => writeAll(body, requestSize, records, writeRecord, name);
    return this.exchange({ operation, count, bodySize: count * requestSize, write, options });
  }
}

function writeAll<Item>(
  body: Uint8Array,
  size: number,
  records: readonly Item[],
  writeRecord: WriteRecord<Item>,
  name: string,
): void {
  const view = viewOf(body);
  let i = 0;
  try {
    for (; i < records.length; i++) writeRecord(view, i * size, records[i]!);
  } catch (error) {
    throw new RangeError(`${name}: record ${i}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function readAll<Item>(
  body: Uint8Array,
  size: number,
  readRecord: (view: DataView, offset: number) => Item,
): Item[] {
  const view = viewOf(body);
  const records: Item[] = new Array(body.length / size);
  for (let i = 0; i < records.length; i++) records[i] = readRecord(view, i * size);
  return records;
}
