// The kernel with a journal that is an array: everything the engine does with a batch, without a disk.
//
//     execute ──▶ slot ──▶ kernel ──▶ segments [ records │ results │ effects ] kept as a journal would store them
//                            └─ readRecord, transferAt ◀─┘
import { decodeEffect, type Effect, type EffectBalances } from '../../src/journal/effect.ts';
import { LedgerKernel } from '../../src/kernel/ledger-kernel.ts';
import {
  type Account,
  type AccountBalance,
  type AccountFilter,
  AccountFilterFlags,
  AccountFlags,
  AccountLayout,
  AccountTailLayout,
  BATCH_RECORDS_MAX,
  type ChangeEvent,
  type ChangeEventsFilter,
  ChangeEventType,
  CreateResultLayout,
  CreateTransferStatus,
  INDEX_KIND_SHIFT,
  INDEX_REF_MASK,
  IndexKind,
  Operation,
  RECORD_SIZE,
  REF_INDEX_BITS,
  readAccount,
  readTransfer,
  SEGMENT_RECORDS_MAX,
  SLOT_EFFECTS_OFFSET,
  SLOT_EVENTS_OFFSET,
  SLOT_RESULTS_OFFSET,
  SLOT_SEGMENT_ENDS_OFFSET,
  TIMESTAMP_MAX,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import { recordSizeOf } from '../../src/layout/record-size.ts';
import type { PendingOutcome } from '../../src/ledger/index.ts';
import { type OrderState, readOrderState } from '../../src/ledger/order-state.ts';
import { U64_MAX, U128_MAX, writeU128 } from '../../src/shared/bytes.ts';

const RESULT_SIZE = CreateResultLayout.size;
const REFS_PER_OP = 2 ** REF_INDEX_BITS;

/** One batch as a journal stores it. */
export interface Entry {
  readonly op: number;
  readonly operation: number;
  readonly timestamp: bigint;
  readonly count: number;
  /** Each: records, results, effects of up to 256 records. */
  readonly segments: readonly Uint8Array<ArrayBuffer>[];
}

export interface LedgerEvent {
  readonly ref: number;
  readonly transfer: Transfer;
  readonly timestamp: bigint;
  readonly isExpiry: boolean;
  readonly effect: Effect;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class MemoryLedger {
  readonly kernel: LedgerKernel;
  readonly entries: Entry[] = [];
  readonly #slot: number;
  readonly #ids: number;
  readonly #found: number;
  #timestamp = 0n;

  constructor(options: { seed?: bigint; arenaPages?: number } = {}) {
    this.kernel = LedgerKernel.instantiate({
      seed: options.seed ?? 1n,
      arenaPages: options.arenaPages ?? 0,
      host: {
        readRecord: (ref, address) => {
          const record = this.#wholeRecord(ref);
          this.kernel.bytes(address, record.length).set(record);
          return record.length;
        },
        transferAt: (timestamp) => this.#transferAt(timestamp),
        loadRun: (run) => {
          throw new Error(`expected no run, got run ${run}`);
        },
        readRunPage: (run) => {
          throw new Error(`expected no run, got run ${run}`);
        },
      },
    });
    this.#slot = this.kernel.allocateSlot();
    this.#ids = this.kernel.allocate(BATCH_RECORDS_MAX * 16);
    this.#found = this.kernel.allocate(BATCH_RECORDS_MAX * RECORD_SIZE);
  }

  get op(): number {
    return this.entries.length;
  }

  /** Timestamp of the last batch. */
  get timestamp(): bigint {
    return this.#timestamp;
  }

  /** Executes a batch and keeps it; returns 16 bytes a record, as a client would get them. */
  execute(operation: number, events: Uint8Array, timestamp: bigint): Uint8Array<ArrayBuffer> {
    const count = events.length / recordSizeOf(operation);
    this.kernel.bytes(this.#slot + SLOT_EVENTS_OFFSET, events.length).set(events);
    this.#run(operation, count, timestamp, false);
    return this.kernel.reply(this.#slot, count);
  }

  /** Expires what is due at `timestamp`, in batches; returns how many. */
  pulses(timestamp: bigint): number {
    let expired = 0;
    for (;;) {
      const count = this.kernel.expiriesDue(timestamp, BATCH_RECORDS_MAX);
      if (count === 0) return expired;
      this.#run(Operation.expire_pending_transfers, count, timestamp, false);
      expired += count;
    }
  }

  /** Executes another ledger's stored batch here, as recovery does; the batch as it is stored then. */
  replay(entry: Entry): Entry {
    const size = recordSizeOf(entry.operation);
    entry.segments.forEach((segment, index) => {
      const records = recordsIn(entry.count, index);
      const first = index * SEGMENT_RECORDS_MAX;
      const events = segment.subarray(0, records * size);
      const results = segment.subarray(records * size, records * (size + RESULT_SIZE));
      this.kernel.bytes(this.#slot + SLOT_EVENTS_OFFSET + first * size, events.length).set(events);
      this.kernel.bytes(this.#slot + SLOT_RESULTS_OFFSET + first * RESULT_SIZE, results.length).set(results);
    });
    return this.#run(entry.operation, entry.count, entry.timestamp, true);
  }

  #run(operation: number, count: number, timestamp: bigint, replay: boolean): Entry {
    const { kernel } = this;
    const slot = this.#slot;
    const op = this.entries.length + 1;
    if (!kernel.reserve(operation, count)) throw new Error(`expected room for ${count} records, got none`);
    const effectBytes = kernel.execute(operation, op, timestamp, slot, count, replay);
    this.#timestamp = timestamp;
    const segments: Uint8Array<ArrayBuffer>[] = [];
    const size = recordSizeOf(operation);
    let start = 0;
    for (let index = 0; index * SEGMENT_RECORDS_MAX < count; index++) {
      const records = recordsIn(count, index);
      const first = index * SEGMENT_RECORDS_MAX;
      const end = kernel.u32(slot + SLOT_SEGMENT_ENDS_OFFSET + index * 4);
      const segment = new Uint8Array(records * (size + RESULT_SIZE) + end - start);
      segment.set(kernel.bytes(slot + SLOT_EVENTS_OFFSET + first * size, records * size));
      segment.set(
        kernel.bytes(slot + SLOT_RESULTS_OFFSET + first * RESULT_SIZE, records * RESULT_SIZE),
        records * size,
      );
      segment.set(
        kernel.bytes(slot + SLOT_EFFECTS_OFFSET + start, end - start),
        records * (size + RESULT_SIZE),
      );
      segments.push(segment);
      start = end;
    }
    if (start !== effectBytes)
      throw new Error(`expected the last segment to end at ${effectBytes}, got ${start}`);
    const entry = { op, operation, timestamp, count, segments };
    this.entries.push(entry);
    return entry;
  }

  // ---- The journal

  /** Stored record at `ref`, of a payment order its transfer: 128 bytes. */
  recordBytes(ref: number): Uint8Array<ArrayBuffer> {
    return this.#wholeRecord(ref).subarray(0, RECORD_SIZE);
  }

  #wholeRecord(ref: number): Uint8Array<ArrayBuffer> {
    const { entry, segment, index } = this.#locate(ref);
    const size = recordSizeOf(entry.operation);
    return segment.subarray(index * size, (index + 1) * size);
  }

  /** Record `index` of operation `op` as a transfer, created or not. */
  lookupStored(op: number, index: number): Transfer {
    return readTransfer(viewOf(this.recordBytes(op * REFS_PER_OP + index)), 0);
  }

  /** The event at `ref`, which must have changed balances. */
  event(ref: number): LedgerEvent {
    const { entry, segment, index, records } = this.#locate(ref);
    const view = viewOf(segment);
    const size = recordSizeOf(entry.operation);
    const result = records * size + index * RESULT_SIZE;
    const effect = view.getUint32(result + CreateResultLayout.effect, true);
    if (effect === 0) throw new Error(`expected an effect at ref ${ref}, got none`);
    return {
      ref,
      transfer: readTransfer(view, index * size),
      timestamp: view.getBigUint64(result + CreateResultLayout.timestamp, true),
      isExpiry: entry.operation === Operation.expire_pending_transfers,
      effect: decodeEffect(view, effect),
    };
  }

  #locate(ref: number) {
    const entry = this.entries[Math.floor(ref / REFS_PER_OP) - 1];
    const position = ref % REFS_PER_OP;
    const segmentIndex = Math.floor(position / SEGMENT_RECORDS_MAX);
    const segment = entry?.segments[segmentIndex];
    if (entry === undefined || segment === undefined || position >= entry.count) {
      throw new Error(`expected a stored record, got ref ${ref}`);
    }
    const index = position % SEGMENT_RECORDS_MAX;
    return { entry, segment, index, records: recordsIn(entry.count, segmentIndex) };
  }

  /** All events that changed balances, oldest first. */
  *events(): Generator<LedgerEvent> {
    for (const { op, operation, count, segments } of this.entries) {
      if (operation === Operation.create_accounts || operation === Operation.set_order_terms) continue;
      for (let index = 0; index < count; index++) {
        const segmentIndex = Math.floor(index / SEGMENT_RECORDS_MAX);
        const records = recordsIn(count, segmentIndex);
        const at =
          records * recordSizeOf(operation) +
          (index % SEGMENT_RECORDS_MAX) * RESULT_SIZE +
          CreateResultLayout.status;
        const status = viewOf(segments[segmentIndex]!).getUint32(at, true);
        if (status === CreateTransferStatus.created) yield this.event(op * REFS_PER_OP + index);
      }
    }
  }

  #transferAt(timestamp: bigint): boolean {
    for (const event of this.events()) if (!event.isExpiry && event.timestamp === timestamp) return true;
    return false;
  }

  // ---- Queries

  lookupAccounts(ids: readonly bigint[]): Account[] {
    const view = this.kernel.view(this.#ids, ids.length * 16);
    ids.forEach((id, i) => {
      writeU128(view, i * 16, id, 'id');
    });
    const found = this.kernel.lookupAccounts(this.#ids, ids.length, this.#found);
    const rows = this.kernel.view(this.#found, found * RECORD_SIZE);
    return Array.from({ length: found }, (_, i) => readAccount(rows, i * RECORD_SIZE));
  }

  lookupTransfers(ids: readonly bigint[]): Transfer[] {
    return ids.flatMap((id) => {
      const value = this.kernel.findTransfer(id);
      if (value >> BigInt(INDEX_KIND_SHIFT) !== BigInt(IndexKind.created)) return [];
      return [readTransfer(viewOf(this.recordBytes(Number(value & INDEX_REF_MASK))), 0)];
    });
  }

  /** What has become of a pending transfer. */
  pendingOutcome(id: bigint): PendingOutcome {
    const value = this.kernel.findResolution(id);
    if (value === 0n) return { kind: 'unresolved' };
    if (value >> BigInt(INDEX_KIND_SHIFT) === BigInt(IndexKind.expired)) return { kind: 'expired' };
    const kind = value >> BigInt(INDEX_KIND_SHIFT) === BigInt(IndexKind.posted) ? 'posted' : 'voided';
    return { kind, by: readTransfer(viewOf(this.recordBytes(Number(value & INDEX_REF_MASK))), 0) };
  }

  orderState(accountId: bigint): OrderState | undefined {
    const row = this.kernel.deviceRow(accountId);
    return row && readOrderState(row);
  }

  /** An account's events, newest first: along the chain, one by one. */
  history(id: bigint): LedgerEvent[] {
    const row = this.kernel.accountRow(id);
    if (row === undefined) return [];
    const tail = AccountLayout.size;
    const events: LedgerEvent[] = [];
    let ref = Number(row.getBigUint64(tail + AccountTailLayout.head, true));
    while (ref !== 0) {
      const event = this.event(ref);
      events.push(event);
      ref = (event.transfer.debitAccountId === id ? event.effect.debitRefs : event.effect.creditRefs)[0]!;
    }
    const count = Number(row.getBigUint64(tail + AccountTailLayout.count, true));
    if (count !== events.length) throw new Error(`expected ${count} events, got ${events.length}`);
    return events;
  }

  getAccountTransfers(filter: AccountFilter): Transfer[] {
    return this.#select(filter).map(({ transfer }) => transfer);
  }

  getAccountBalances(filter: AccountFilter): AccountBalance[] {
    const [account] = this.lookupAccounts([filter.accountId]);
    if (account === undefined || (account.flags & AccountFlags.history) === 0) return [];
    return this.#select(filter).map(({ transfer, effect, timestamp }) => {
      const balances = transfer.debitAccountId === filter.accountId ? effect.debit : effect.credit;
      return { ...balances, timestamp };
    });
  }

  #select(filter: AccountFilter): LedgerEvent[] {
    const { accountId, timestampMin, timestampMax, limit, flags } = filter;
    const debits = (flags & AccountFilterFlags.debits) !== 0;
    const credits = (flags & AccountFilterFlags.credits) !== 0;
    const reversed = (flags & AccountFilterFlags.reversed) !== 0;
    const known = AccountFilterFlags.debits | AccountFilterFlags.credits | AccountFilterFlags.reversed;
    const valid =
      accountId !== 0n &&
      accountId !== U128_MAX &&
      (debits || credits) &&
      (flags & ~known) === 0 &&
      limit !== 0 &&
      validWindow(timestampMin, timestampMax);
    if (!valid) return [];
    const events = this.history(accountId).filter(({ transfer, timestamp, isExpiry }) => {
      const isDebit = transfer.debitAccountId === accountId;
      return (
        !isExpiry &&
        (isDebit ? debits : credits) &&
        timestamp >= timestampMin &&
        (timestampMax === 0n || timestamp <= timestampMax) &&
        (filter.userData128 === 0n || transfer.userData128 === filter.userData128) &&
        (filter.userData64 === 0n || transfer.userData64 === filter.userData64) &&
        (filter.userData32 === 0 || transfer.userData32 === filter.userData32) &&
        (filter.code === 0 || transfer.code === filter.code)
      );
    });
    if (!reversed) events.reverse();
    return events.slice(0, limit);
  }

  getChangeEvents({ timestampMin, timestampMax, limit }: ChangeEventsFilter): ChangeEvent[] {
    if (limit === 0 || !validWindow(timestampMin, timestampMax)) return [];
    const found: ChangeEvent[] = [];
    for (const event of this.events()) {
      if (event.timestamp < timestampMin || event.timestamp > (timestampMax || TIMESTAMP_MAX)) continue;
      found.push(this.#changeEvent(event));
      if (found.length === limit) break;
    }
    return found;
  }

  #changeEvent({ transfer, timestamp, isExpiry, effect }: LedgerEvent): ChangeEvent {
    const [debit] = this.lookupAccounts([transfer.debitAccountId]);
    const [credit] = this.lookupAccounts([transfer.creditAccountId]);
    const flagsAfter = (account: Account, isClosed: boolean) =>
      (account.flags & ~AccountFlags.closed) | (isClosed ? AccountFlags.closed : 0);
    return {
      transferId: transfer.id,
      transferAmount: transfer.amount,
      transferPendingId: transfer.pendingId,
      transferUserData128: transfer.userData128,
      transferUserData64: transfer.userData64,
      transferUserData32: transfer.userData32,
      transferTimeout: transfer.timeout,
      transferCode: transfer.code,
      transferFlags: transfer.flags,
      ledger: transfer.ledger,
      type: isExpiry ? ChangeEventType.two_phase_expired : changeEventType(transfer.flags),
      debitAccountId: transfer.debitAccountId,
      ...named('debitAccount', effect.debit),
      creditAccountId: transfer.creditAccountId,
      ...named('creditAccount', effect.credit),
      timestamp,
      transferTimestamp: transfer.timestamp,
      debitAccountTimestamp: debit!.timestamp,
      creditAccountTimestamp: credit!.timestamp,
      debitAccountFlags: flagsAfter(debit!, effect.isDebitClosed),
      creditAccountFlags: flagsAfter(credit!, effect.isCreditClosed),
    };
  }

  // ---- For tests only

  /** Sets balances that no transfer explains. */
  setBalances(id: bigint, balances: EffectBalances): void {
    const row = this.kernel.accountRow(id);
    if (row === undefined) throw new Error(`expected account ${id}, got none`);
    writeU128(row, AccountLayout.debitsPending, balances.debitsPending, 'debitsPending');
    writeU128(row, AccountLayout.debitsPosted, balances.debitsPosted, 'debitsPosted');
    writeU128(row, AccountLayout.creditsPending, balances.creditsPending, 'creditsPending');
    writeU128(row, AccountLayout.creditsPosted, balances.creditsPosted, 'creditsPosted');
  }

  /** Every byte of state that a checkpoint would hold: globals, then all pages of all tables. */
  stateBytes(): Uint8Array {
    const { kernel } = this;
    const globals = kernel.globalsCopy();
    const parts: Uint8Array[] = [globals];
    kernel.pageCounts(globals).forEach((pages, table) => {
      for (let page = 0; page < pages; page++)
        parts.push(kernel.bytes(kernel.pageAddress(table, page), 4000));
    });
    return Buffer.concat(parts);
  }
}

function recordsIn(count: number, segment: number): number {
  return Math.min(SEGMENT_RECORDS_MAX, count - segment * SEGMENT_RECORDS_MAX);
}

function validWindow(min: bigint, max: bigint): boolean {
  return min !== U64_MAX && max !== U64_MAX && (max === 0n || min <= max);
}

function changeEventType(flags: number): number {
  if (flags & TransferFlags.pending) return ChangeEventType.two_phase_pending;
  if (flags & TransferFlags.post_pending_transfer) return ChangeEventType.two_phase_posted;
  if (flags & TransferFlags.void_pending_transfer) return ChangeEventType.two_phase_voided;
  return ChangeEventType.single_phase;
}

type Side = 'debitAccount' | 'creditAccount';
type Named<S extends Side> = { [K in keyof EffectBalances as `${S}${Capitalize<K>}`]: bigint };

function named<S extends Side>(side: S, balances: EffectBalances): Named<S> {
  const entries = Object.entries(balances).map(([k, v]) => [`${side}${k[0]!.toUpperCase()}${k.slice(1)}`, v]);
  return Object.fromEntries(entries) as Named<S>;
}
