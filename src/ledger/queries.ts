// History queries over the journal, as they run in a reader thread. Filters that ask for nothing sensible find nothing,
// as in the reference.

import { JournalError } from '../journal/errors.ts';
import { type EffectBalances, firstOpAt } from '../journal/readers.ts';
import {
  ACCOUNT_FILTER_FLAGS_RESERVED,
  AccountBalanceLayout,
  AccountFilterFlags,
  AccountFilterLayout,
  AccountFlags,
  BATCH_RECORDS_MAX,
  ChangeEventLayout,
  ChangeEventsFilterLayout,
  ChangeEventType,
  CreateTransferStatus,
  Operation,
  RECORD_SIZE,
  TIMESTAMP_MAX,
  TransferFlags,
  TransferLayout,
} from '../layout/generated.ts';
import { readU128, U64_MAX, U128_MAX, writeU128 } from '../shared/bytes.ts';
import { CHANGE_EVENTS_MAX } from '../wire/limits.ts';
import type { JournalEvents } from './events.ts';
import {
  AccountHistory,
  HISTORY_STEPS_MAX,
  type HistoryEvent,
  type HistoryHead,
  HistoryTooLong,
} from './history.ts';
import { refOf } from './refs.ts';

export interface AccountFilterFields {
  readonly accountId: bigint;
  readonly userData128: bigint;
  readonly userData64: bigint;
  readonly userData32: number;
  readonly code: number;
  readonly timestampMin: bigint;
  readonly timestampMax: bigint;
  readonly limit: number;
  readonly flags: number;
}

const CHANGES_BALANCES: ReadonlySet<number> = new Set([
  Operation.create_transfers,
  Operation.create_payment_orders,
  Operation.expire_pending_transfers,
]);

const EMPTY = new Uint8Array(0);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The filter, or undefined when it is invalid or can match nothing. */
export function parseAccountFilter(bytes: Uint8Array): AccountFilterFields | undefined {
  const view = viewOf(bytes);
  const layout = AccountFilterLayout;
  const filter = {
    accountId: readU128(view, layout.accountId),
    userData128: readU128(view, layout.userData128),
    userData64: view.getBigUint64(layout.userData64, true),
    userData32: view.getUint32(layout.userData32, true),
    code: view.getUint16(layout.code, true),
    timestampMin: view.getBigUint64(layout.timestampMin, true),
    timestampMax: view.getBigUint64(layout.timestampMax, true),
    limit: view.getUint32(layout.limit, true),
    flags: view.getUint32(layout.flags, true),
  };
  const reserved = bytes.subarray(layout.reserved0, layout.timestampMin).every((byte) => byte === 0);
  const sides = filter.flags & (AccountFilterFlags.debits | AccountFilterFlags.credits);
  const valid =
    reserved &&
    filter.accountId !== 0n &&
    filter.accountId !== U128_MAX &&
    sides !== 0 &&
    (filter.flags & ACCOUNT_FILTER_FLAGS_RESERVED) === 0 &&
    filter.limit !== 0 &&
    validWindow(filter.timestampMin, filter.timestampMax);
  return valid ? filter : undefined;
}

function validWindow(min: bigint, max: bigint): boolean {
  return min !== U64_MAX && max !== U64_MAX && (max === 0n || min <= max);
}

/** Records of the account's transfers, 128 bytes each. */
export function accountTransfers(
  events: JournalEvents,
  filter: AccountFilterFields,
  head: HistoryHead,
): Uint8Array {
  return collect(events, filter, head, RECORD_SIZE, (event, _, out) => copyRecord(event.record, out));
}

/** The account's balances after each of its transfers, 128 bytes each. The caller has checked the history flag. */
export function accountBalances(
  events: JournalEvents,
  filter: AccountFilterFields,
  head: HistoryHead,
): Uint8Array {
  const layout = AccountBalanceLayout;
  return collect(events, filter, head, layout.size, ({ effect, timestamp }, isDebit, out) => {
    const view = viewOf(out);
    writeBalances(view, layout.debitsPending, isDebit ? effect.debit : effect.credit);
    view.setBigUint64(layout.timestamp, timestamp, true);
  });
}

function collect(
  events: JournalEvents,
  filter: AccountFilterFields,
  head: HistoryHead,
  size: number,
  write: (event: HistoryEvent, isDebit: boolean, out: Uint8Array) => void,
): Uint8Array {
  const limit = Math.min(filter.limit, BATCH_RECORDS_MAX);
  const chunks = new Chunks(size, limit);
  const wantsDebits = (filter.flags & AccountFilterFlags.debits) !== 0;
  const wantsCredits = (filter.flags & AccountFilterFlags.credits) !== 0;
  const isDebit = (record: DataView) => readU128(record, TransferLayout.debitAccountId) === filter.accountId;
  const history = new AccountHistory(events, head, isDebit);
  const timestampMax = filter.timestampMax === 0n ? TIMESTAMP_MAX : filter.timestampMax;
  const reversed = (filter.flags & AccountFilterFlags.reversed) !== 0;
  history.scan(filter.timestampMin, timestampMax, reversed, (event, debit) => {
    if (event.expiry || !(debit ? wantsDebits : wantsCredits) || !matches(event.record, filter)) return true;
    write(event, debit, chunks.next());
    return chunks.count < limit;
  });
  return chunks.bytes();
}

function matches(record: DataView, filter: AccountFilterFields): boolean {
  const { userData128, userData64, userData32, code } = filter;
  const layout = TransferLayout;
  return (
    (userData128 === 0n || readU128(record, layout.userData128) === userData128) &&
    (userData64 === 0n || record.getBigUint64(layout.userData64, true) === userData64) &&
    (userData32 === 0 || record.getUint32(layout.userData32, true) === userData32) &&
    (code === 0 || record.getUint16(layout.code, true) === code)
  );
}

/** Records of the given refs, 128 bytes each, in their order. */
export function recordsAt({ records }: JournalEvents, refs: readonly number[]): Uint8Array {
  const out = new Uint8Array(refs.length * RECORD_SIZE);
  refs.forEach((ref, i) => {
    out.set(records.readRecord(ref), i * RECORD_SIZE);
  });
  return out;
}

/**
 * Change events up to operation `lastOp` in order of time, 384 bytes each; the accounts' own timestamps and flags are
 * left for the caller, who has the accounts.
 */
export function changeEvents(events: JournalEvents, filterBytes: Uint8Array, lastOp: number): Uint8Array {
  const filter = viewOf(filterBytes);
  const layout = ChangeEventsFilterLayout;
  const timestampMin = filter.getBigUint64(layout.timestampMin, true);
  const timestampMax = filter.getBigUint64(layout.timestampMax, true) || TIMESTAMP_MAX;
  const limit = Math.min(filter.getUint32(layout.limit, true), CHANGE_EVENTS_MAX);
  const reserved = filterBytes.subarray(layout.reserved0).every((byte) => byte === 0);
  if (!reserved || limit === 0 || !validWindow(timestampMin, timestampMax)) return EMPTY;
  const chunks = new Chunks(ChangeEventLayout.size, limit);
  const { journal, records } = events;
  // Imported records are older than their entry, never younger: entries before this one hold nothing that is wanted.
  for (let op = firstOpAt(journal, timestampMin, lastOp), steps = 0; op <= lastOp; op++) {
    const header = journal.readHeader(op);
    if (header === undefined)
      throw new JournalError('journal_corrupt', `op ${op}: expected a header, got none`);
    if (!CHANGES_BALANCES.has(header.operation)) continue;
    for (let index = 0; index < header.count; index++) {
      if (++steps > HISTORY_STEPS_MAX) throw new HistoryTooLong();
      const ref = refOf(op, index);
      const result = records.readResult(ref);
      if (result.status !== CreateTransferStatus.created || result.timestamp < timestampMin) continue;
      if (result.timestamp > timestampMax) return chunks.bytes();
      writeChangeEvent(events.event(ref), viewOf(chunks.next()));
      if (chunks.count === limit) return chunks.bytes();
    }
  }
  return chunks.bytes();
}

function writeChangeEvent({ record, timestamp, expiry, effect }: HistoryEvent, out: DataView): void {
  const to = ChangeEventLayout;
  const from = TransferLayout;
  const flags = record.getUint16(from.flags, true);
  const copy128 = (target: number, source: number) => {
    out.setBigUint64(target, record.getBigUint64(source, true), true);
    out.setBigUint64(target + 8, record.getBigUint64(source + 8, true), true);
  };
  copy128(to.transferId, from.id);
  copy128(to.transferAmount, from.amount);
  copy128(to.transferPendingId, from.pendingId);
  copy128(to.transferUserData128, from.userData128);
  out.setBigUint64(to.transferUserData64, record.getBigUint64(from.userData64, true), true);
  out.setUint32(to.transferUserData32, record.getUint32(from.userData32, true), true);
  out.setUint32(to.transferTimeout, record.getUint32(from.timeout, true), true);
  out.setUint16(to.transferCode, record.getUint16(from.code, true), true);
  out.setUint16(to.transferFlags, flags, true);
  out.setUint32(to.ledger, record.getUint32(from.ledger, true), true);
  out.setUint32(to.type, expiry ? ChangeEventType.two_phase_expired : typeOf(flags), true);
  copy128(to.debitAccountId, from.debitAccountId);
  copy128(to.creditAccountId, from.creditAccountId);
  writeBalances(out, to.debitAccountDebitsPending, effect.debit);
  writeBalances(out, to.creditAccountDebitsPending, effect.credit);
  out.setUint16(to.debitAccountFlags, effect.isDebitClosed ? AccountFlags.closed : 0, true);
  out.setUint16(to.creditAccountFlags, effect.isCreditClosed ? AccountFlags.closed : 0, true);
  out.setBigUint64(to.timestamp, timestamp, true);
  out.setBigUint64(to.transferTimestamp, record.getBigUint64(from.timestamp, true), true);
}

function typeOf(flags: number): number {
  if (flags & TransferFlags.pending) return ChangeEventType.two_phase_pending;
  if (flags & TransferFlags.post_pending_transfer) return ChangeEventType.two_phase_posted;
  if (flags & TransferFlags.void_pending_transfer) return ChangeEventType.two_phase_voided;
  return ChangeEventType.single_phase;
}

/** The four balances in the order that all layouts have. */
function writeBalances(view: DataView, offset: number, balances: EffectBalances): void {
  writeU128(view, offset, balances.debitsPending, 'debitsPending');
  writeU128(view, offset + 16, balances.debitsPosted, 'debitsPosted');
  writeU128(view, offset + 32, balances.creditsPending, 'creditsPending');
  writeU128(view, offset + 48, balances.creditsPosted, 'creditsPosted');
}

function copyRecord(record: DataView, out: Uint8Array): void {
  out.set(new Uint8Array(record.buffer, record.byteOffset, RECORD_SIZE));
}

/** An answer that grows with what is found, not with what was asked for. */
class Chunks {
  readonly #size: number;
  readonly #limit: number;
  #buffer: Uint8Array;
  count = 0;

  constructor(size: number, limit: number) {
    this.#size = size;
    this.#limit = limit;
    this.#buffer = new Uint8Array(size * Math.min(limit, 64));
  }

  /** Zeroed room for one more. */
  next(): Uint8Array {
    const at = this.count * this.#size;
    if (at === this.#buffer.length) {
      const larger = new Uint8Array(Math.min(at * 2, this.#limit * this.#size));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.count++;
    return this.#buffer.subarray(at, at + this.#size);
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.count * this.#size);
  }
}
