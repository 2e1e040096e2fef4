// Reads: accounts from memory, everything else from the journal in reader threads.
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import {
  AccountBalanceLayout,
  AccountFlags,
  AccountLayout,
  AccountTailLayout,
  BATCH_RECORDS_MAX,
  ChangeEventLayout,
  INDEX_KIND_SHIFT,
  INDEX_REF_MASK,
  IndexKind,
  RECORD_SIZE,
  readTransfer,
  type Transfer,
} from '../layout/generated.ts';
import { createPool, type Pool } from '../pool/pool.ts';
import { readU128 } from '../shared/bytes.ts';
import { RequestError } from '../wire/errors.ts';
import { RequestOperation } from '../wire/operation.ts';
import type { HistoryHead } from './history.ts';
import { parseAccountFilter } from './queries.ts';
import type { QueryAnswer, QueryTask, QueryWorkerData } from './query-worker.ts';

/** Records of `size` bytes each. */
export interface ReadAnswer {
  readonly body: Uint8Array;
  readonly size: number;
}

/** What became of a pending transfer. `unresolved`: nothing yet, or the id is of no pending transfer. */
export type PendingOutcome =
  | { readonly kind: 'unresolved' | 'expired' }
  /** `by`: the transfer that posted or voided it. */
  | { readonly kind: 'posted' | 'voided'; readonly by: Transfer };

const RESOLUTIONS: { readonly [kind: number]: 'posted' | 'voided' | 'expired' } = {
  [IndexKind.posted]: 'posted',
  [IndexKind.voided]: 'voided',
  [IndexKind.expired]: 'expired',
};

const EMPTY = new Uint8Array(0);
const ID_SIZE = 16;

export class Reader {
  readonly #kernel: LedgerKernel;
  readonly #pool: Pool<QueryTask, QueryAnswer>;
  /** Where the kernel gets ids and puts accounts. */
  readonly #ids: number;
  readonly #accounts: number;

  constructor(kernel: LedgerKernel, journalPath: string, mapSizeBytes: number | undefined, threads: number) {
    this.#kernel = kernel;
    this.#accounts = kernel.allocate(BATCH_RECORDS_MAX * RECORD_SIZE);
    this.#ids = kernel.allocate(BATCH_RECORDS_MAX * ID_SIZE);
    const data: QueryWorkerData = { journalPath, mapSizeBytes };
    this.#pool = createPool({
      from: import.meta.url,
      file: './query-worker',
      task: 'query',
      threads,
      lazy: true,
      data,
    });
  }

  /**
   * Takes what it needs of `payload` and of the kernel's state at once; resolves after `durable()` has.
   * @throws RequestError query_too_broad
   */
  async read(
    operation: number,
    payload: Uint8Array,
    lastOp: number,
    durable: () => Promise<void>,
  ): Promise<ReadAnswer> {
    switch (operation) {
      case RequestOperation.lookup_accounts: {
        const body = this.#lookupAccounts(payload);
        await durable();
        return { body, size: AccountLayout.size };
      }
      case RequestOperation.lookup_transfers: {
        const refs = this.#transferRefs(payload);
        await durable();
        if (refs.length === 0) return { body: EMPTY, size: RECORD_SIZE };
        return { body: await this.#query({ kind: 'records', refs }), size: RECORD_SIZE };
      }
      case RequestOperation.get_account_transfers:
        return { body: await this.#history('transfers', payload, durable), size: RECORD_SIZE };
      case RequestOperation.get_account_balances:
        return { body: await this.#history('balances', payload, durable), size: AccountBalanceLayout.size };
      case RequestOperation.get_change_events: {
        const filter = payload.slice();
        await durable();
        const body = await this.#query({ kind: 'changes', filter, lastOp });
        this.#addAccounts(body);
        return { body, size: ChangeEventLayout.size };
      }
      default:
        throw new RequestError('unknown_operation', `expected a read, got operation ${operation}`);
    }
  }

  /** Takes what it needs of the kernel's state at once; resolves after `durable()` has. */
  async pendingOutcomes(ids: readonly bigint[], durable: () => Promise<void>): Promise<PendingOutcome[]> {
    const found = ids.map((id) => this.#kernel.findResolution(id));
    await durable();
    const refs = found.filter((value) => value !== 0n).map((value) => Number(value & INDEX_REF_MASK));
    const records = refs.length === 0 ? EMPTY : await this.#query({ kind: 'records', refs });
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    let at = 0;
    return found.map((value): PendingOutcome => {
      if (value === 0n) return { kind: 'unresolved' };
      const record = readTransfer(view, at);
      at += RECORD_SIZE;
      const kind = RESOLUTIONS[Number(value >> BigInt(INDEX_KIND_SHIFT))];
      if (kind === undefined)
        throw new Error('expected how a pending transfer was resolved, got another kind');
      return kind === 'expired' ? { kind } : { kind, by: record };
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #lookupAccounts(ids: Uint8Array): Uint8Array {
    this.#kernel.bytes(this.#ids, ids.length).set(ids);
    const found = this.#kernel.lookupAccounts(this.#ids, ids.length / ID_SIZE, this.#accounts);
    return this.#kernel.bytes(this.#accounts, found * AccountLayout.size).slice();
  }

  #transferRefs(ids: Uint8Array): number[] {
    const view = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
    const refs: number[] = [];
    for (let at = 0; at < ids.length; at += ID_SIZE) {
      const found = this.#kernel.findTransfer(readU128(view, at));
      const kind = Number(found >> BigInt(INDEX_KIND_SHIFT));
      if (kind === IndexKind.created) refs.push(Number(found & INDEX_REF_MASK));
    }
    return refs;
  }

  async #history(
    kind: 'transfers' | 'balances',
    payload: Uint8Array,
    durable: () => Promise<void>,
  ): Promise<Uint8Array> {
    const filter = payload.slice();
    const parsed = parseAccountFilter(filter);
    const row = parsed && this.#kernel.accountRow(parsed.accountId);
    const flags = row?.getUint16(AccountLayout.flags, true) ?? 0;
    const head = row && headOf(row);
    await durable();
    if (head === undefined || head.count === 0) return EMPTY;
    if (kind === 'balances' && (flags & AccountFlags.history) === 0) return EMPTY;
    return this.#query({ kind, filter, head });
  }

  async #query(task: QueryTask): Promise<Uint8Array> {
    const answer = await this.#pool.run(task);
    if ('tooLong' in answer) throw new RequestError('query_too_broad', answer.tooLong);
    return answer.body;
  }

  /** A change event also tells when its accounts were created and their flags; those never change but for `closed`. */
  #addAccounts(body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const to = ChangeEventLayout;
    for (let at = 0; at < body.length; at += to.size) {
      for (const [id, timestamp, flags] of [
        [to.debitAccountId, to.debitAccountTimestamp, to.debitAccountFlags],
        [to.creditAccountId, to.creditAccountTimestamp, to.creditAccountFlags],
      ] as const) {
        const row = this.#kernel.accountRow(readU128(view, at + id));
        if (row === undefined) throw new Error('expected the account of a change event, found none');
        const closed = view.getUint16(at + flags, true) & AccountFlags.closed;
        const others = row.getUint16(AccountLayout.flags, true) & ~AccountFlags.closed;
        view.setBigUint64(at + timestamp, row.getBigUint64(AccountLayout.timestamp, true), true);
        view.setUint16(at + flags, others | closed, true);
      }
    }
  }
}

/** The tail of an account's row as numbers: refs are below 2^53. */
function headOf(row: DataView): HistoryHead {
  const at = (offset: number) => Number(row.getBigUint64(AccountLayout.size + offset, true));
  return {
    head: at(AccountTailLayout.head),
    skip256: at(AccountTailLayout.skip256),
    skip65536: at(AccountTailLayout.skip65536),
    count: at(AccountTailLayout.count),
  };
}
