// A ledger for cash: the real kernel, with a journal in memory that loses what is not flushed when its process ends.
//
//     batch ─▶ kernel ─▶ entry ─ flush takes its time ─▶ journal ─▶ answer
//                                   crash: gone          └─ the next life replays it
import {
  type Account,
  type AccountFilter,
  AccountFilterFlags,
  Operation,
  type OrderTerms,
  OrderTermsLayout,
  PaymentOrderLayout,
  RECORD_SIZE,
  type Transfer,
  writeAccount,
  writeOrderTerms,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { nextTimestamp } from '../../src/ledger/clock.ts';
import type { Ledger, PendingOutcome } from '../../src/ledger/index.ts';
import {
  type CreateAccountResult,
  type CreateTransferResult,
  readCreateAccountResults,
  readCreateTransferResults,
  readSetOrderTermsResults,
  type SetOrderTermsResult,
} from '../../src/wire/results.ts';
import { type Entry, MemoryLedger } from '../kernel/memory-host.ts';
import type { Life } from './ground.ts';

export class LedgerDisk {
  readonly journal: Entry[] = [];
  /** Executed, and not flushed yet. */
  unflushed: Entry[] = [];
  books = new MemoryLedger();

  /** @param isFlushed what was under way has reached the disk all the same */
  crash(isFlushed: boolean): void {
    if (isFlushed) this.journal.push(...this.unflushed);
    this.unflushed = [];
    this.books = new MemoryLedger();
    for (const entry of this.journal) this.books.replay(entry);
  }
}

/** As clients fill it in. */
export function wholeFilter(filter: Partial<AccountFilter>): AccountFilter {
  return {
    ...{ accountId: 0n, userData128: 0n, userData64: 0n, userData32: 0, code: 0 },
    ...{ timestampMin: 0n, timestampMax: 0n, limit: 8_190 },
    flags: AccountFilterFlags.debits | AccountFilterFlags.credits,
    ...filter,
  };
}

const PAYMENT_ORDER_SIZE = PaymentOrderLayout.size;

type Write<Item> = (view: DataView, offset: number, record: Item) => void;

/** What cash uses of a ledger. */
export function openMemoryLedger(
  disk: LedgerDisk,
  clock: () => bigint,
  life: Life,
  flushMs: () => number,
): Ledger {
  const { books } = disk;
  let flushing: Promise<void> | undefined;
  /** Of everything that has been executed by now. */
  const flushed = (): Promise<void> => {
    flushing ??= new Promise((resolve) => {
      life.afterTurn(() => {
        const group = disk.unflushed.length;
        flushing = undefined;
        life.setTimer(() => {
          disk.journal.push(...disk.unflushed.splice(0, group));
          resolve();
        }, flushMs());
      });
    });
    return flushing;
  };
  /** What has been executed since is flushed later. */
  const executing = <Result>(work: () => Result): Result => {
    const first = books.entries.length;
    const result = work();
    disk.unflushed.push(...books.entries.slice(first));
    return result;
  };
  let cancelExpiry: (() => void) | undefined;
  const expire = (): void => void executing(() => books.pulses(nextTimestamp(clock(), books.timestamp, 1)));
  /** Also when no batch comes. */
  const scheduleExpiry = (): void => {
    cancelExpiry?.();
    const expiresAt = books.kernel.nextExpiry();
    if (expiresAt === undefined) return;
    const delayMs = Math.max(1, Number(expiresAt - clock()) / 1e6 + 1);
    cancelExpiry = life.setTimer(() => {
      expire();
      void flushed();
      scheduleExpiry();
    }, delayMs);
  };
  const run = async (operation: number, batch: Uint8Array, count: number): Promise<Uint8Array> => {
    // A dead process books nothing.
    if (!life.isAlive()) return new Promise(() => {});
    expire();
    const timestamp = nextTimestamp(clock(), books.timestamp, count);
    const reply = executing(() => books.execute(operation, batch, timestamp));
    scheduleExpiry();
    await flushed();
    return reply;
  };
  const execute = <Item>(
    operation: number,
    records: readonly Item[],
    write: Write<Item>,
  ): Promise<Uint8Array> => {
    const batch = new Uint8Array(records.length * RECORD_SIZE);
    const view = new DataView(batch.buffer);
    records.forEach((record, i) => {
      write(view, i * RECORD_SIZE, record);
    });
    return run(operation, batch, records.length);
  };
  scheduleExpiry();
  const ledger = {
    async createAccounts(accounts: readonly Partial<Account>[]): Promise<CreateAccountResult[]> {
      if (accounts.length === 0) return [];
      return readCreateAccountResults(await execute(Operation.create_accounts, accounts, writeAccount));
    },
    async createTransfers(transfers: readonly Partial<Transfer>[]): Promise<CreateTransferResult[]> {
      if (transfers.length === 0) return [];
      return readCreateTransferResults(await execute(Operation.create_transfers, transfers, writeTransfer));
    },
    async lookupAccounts(ids: readonly bigint[]): Promise<Account[]> {
      const found = books.lookupAccounts(ids);
      await flushed();
      return found;
    },
    async lookupTransfers(ids: readonly bigint[]): Promise<Transfer[]> {
      const found = books.lookupTransfers(ids);
      await flushed();
      return found;
    },
    async setOrderTerms(terms: readonly Partial<OrderTerms>[]): Promise<SetOrderTermsResult[]> {
      const packed = new Uint8Array(terms.length * OrderTermsLayout.size);
      const view = new DataView(packed.buffer);
      terms.forEach((record, i) => {
        writeOrderTerms(view, i * OrderTermsLayout.size, record);
      });
      return readSetOrderTermsResults(await run(Operation.set_order_terms, packed, terms.length));
    },
    createPaymentOrders: (packed: Uint8Array): Promise<Uint8Array> =>
      run(Operation.create_payment_orders, packed, packed.length / PAYMENT_ORDER_SIZE),
    async pendingOutcomes(ids: readonly bigint[]): Promise<PendingOutcome[]> {
      const found = ids.map((id) => books.pendingOutcome(id));
      await flushed();
      return found;
    },
    async getAccountTransfers(filter: Partial<AccountFilter>): Promise<Transfer[]> {
      const found = books.getAccountTransfers(wholeFilter(filter));
      await flushed();
      return found;
    },
    status: () => ({ timestamp: books.timestamp }),
    congested: false,
    onRelieved: () => {},
    health: () => ({ status: 'ok', detail: {} }),
  };
  return ledger as unknown as Ledger;
}
