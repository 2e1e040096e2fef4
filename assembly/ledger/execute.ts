// Runs one batch: the rules that hold for every record whatever it is, chains, results, segments.
//
//     reserve ──▶ [ host copies the events into the slot ] ──▶ execute ──▶ events complete, results, effects
//
// Transfers are run in blocks of 64. First the accounts of the whole block are looked up and touched: these loads miss
// the cache and do not wait for one another. Then the transfers are applied one by one, from the cache.
//
// Measured (Zen 5 shared with other work, Node 20, batches of 8,190, debits_must_not_exceed_credits on at 10,000 accounts only; least and median
// nanoseconds a transfer):
//
//     10,000 accounts, rising ids    123, 155    of which: two accounts found 60, id entered 40, ids prepared 20,
//     10,000 accounts, random ids    219, 360    rules, balances and effect together 35 (the effect 8)
//     10 million, rising ids         361, 405
//     10 million, random ids         491, 624
//
// Lessons: what costs is memory, not rules: leaving out the effects or the globals changed less than the noise. Applying
// in a function of its own was 10 ns slower than inlined in the loop; touching pages while applying, no faster.

import {
  Account,
  AccountFlags,
  BATCH_RECORDS_MAX,
  CreateAccountStatus,
  CreateResult,
  CreateTransferStatus,
  Globals,
  INDEX_KIND_SHIFT,
  IndexKind,
  OP_MAX,
  Operation,
  PAYMENT_ORDERS_MAX,
  RECORD_SIZE,
  SEGMENT_RECORDS_MAX,
  SetOrderTermsStatus,
  TIMESTAMP_MAX,
  Transfer,
  TransferFlags,
} from "../layout";
import { idsBeginBatch, idsInsert, idsReserve } from "../index/ids";
import { accountFindMany, accountIndexReserve } from "./account-index";
import { answer, answeredTimestamp, batchBegin, batchCount, batchRecordSize, batchTimestamp } from "./batch";
import { eventAt, refAt, resultAt, timestampAt } from "./batch";
import { chainBreak, chainClose, chainIsBroken, chainIsOpen, chainOpen, chainsEnd } from "./chain";
import { createAccount } from "./create-account";
import { createOrder } from "./create-order";
import { createdEffect, createTransfer } from "./create-transfer";
import { deviceFind, deviceRow, devicesReserve } from "./device";
import { effectsBegin, effectsEnd, segmentNext } from "./effect";
import { EXPIRED, expireNext } from "./expire";
import { expiryReserve } from "./expiry";
import { globals } from "./globals";
import { idEntered } from "./newest-id";
import { pendingIndexReserve } from "./pending-index";
import { plainTransfer } from "./plain-transfer";
import { setTerms } from "./set-terms";
import { accountsReserve, accountTouch, pendingReserve } from "./table";

// 64 transfers: their rows and index lines are 40 KB, which still fits beside the events in the first two caches.
const BLOCK: u32 = 64;
const DEBIT_SLOTS: usize = memory.data(256, 64);
const CREDIT_SLOTS: usize = memory.data(256, 64);

// Flags that accounts and transfers have in the same place, with the same meaning.
const LINKED: u32 = TransferFlags.linked;
if (TransferFlags.linked != AccountFlags.linked) ERROR("linked must be the same flag in both records");
if (offsetof<Transfer>("flags") != offsetof<Account>("flags")) ERROR("flags must be in the same place");
if (offsetof<Transfer>("timestamp") != offsetof<Account>("timestamp")) ERROR("timestamp must be in the same place");
if (CreateTransferStatus.created != CreateAccountStatus.created) ERROR("created must be the same status");
if (SetOrderTermsStatus.set != CreateTransferStatus.created) ERROR("set must be the same status as created");
if (CreateTransferStatus.linked_event_failed != CreateAccountStatus.linked_event_failed) {
  ERROR("linked_event_failed must be the same status");
}

let coveredOp: u64 = 0;

/** Operations up to this one are in runs of the index already (recovery). */
export function executeCovered(op: u64): void {
  coveredOp = op;
}

/**
 * Makes room for a batch of that many records, so that executing it cannot run out of memory. False: refuse the batch;
 * nothing has changed.
 */
export function reserve(operation: u32, count: u32): bool {
  if (operation == Operation.create_accounts) return accountsReserve(count) && accountIndexReserve(count);
  // A post inserts two ids: its own, and the fate of the pending transfer.
  if (operation == Operation.expire_pending_transfers) return idsReserve(count);
  if (operation == Operation.set_order_terms) return devicesReserve(count);
  if (operation == Operation.create_payment_orders && !devicesReserve(count)) return false;
  return idsReserve(2 * count) && pendingReserve(count) && pendingIndexReserve(count) && expiryReserve(count);
}

/**
 * Runs the batch in the slot (see layout/slot.ts); record i of n gets the time timestamp - n + i + 1. Returns the bytes
 * of all effects. Events of created records are completed in place, all others stay as submitted.
 *
 * `replay`: the slot has the events *and the results* of the first execution. A record that was created then carries the
 * timestamp which that execution wrote; the results say which these are.
 */
export function execute(operation: u32, op: u64, timestamp: u64, slot: usize, count: u32, replay: bool): u32 {
  const state = changetype<Globals>(globals());
  assert(count <= BATCH_RECORDS_MAX, "execute: expected at most 8,190 records");
  assert(op > state.op && op <= OP_MAX, "execute: expected a later operation");
  assert(
    timestamp <= TIMESTAMP_MAX && timestamp >= state.timestamp + <u64>count,
    "execute: expected every record's timestamp to be later than the operation before",
  );
  batchBegin(operation, op, timestamp, slot, count);
  effectsBegin();
  if (operation == Operation.create_transfers) {
    idsBeginBatch(op, eventAt(0), RECORD_SIZE, count);
    transfersRun(replay);
  } else if (operation == Operation.create_accounts) {
    accountsRun(replay);
  } else if (operation == Operation.create_payment_orders) {
    assert(count <= PAYMENT_ORDERS_MAX, "execute: expected at most 4,095 payment orders");
    idsBeginBatch(op, eventAt(0), batchRecordSize, count);
    ordersRun(replay);
  } else if (operation == Operation.set_order_terms) {
    termsRun(replay);
  } else {
    assert(operation == Operation.expire_pending_transfers, "execute: expected an operation that writes");
    idsBeginBatch(op, eventAt(0), RECORD_SIZE, 0);
    expiriesRun();
  }
  chainsEnd();
  state.op = op;
  state.timestamp = timestamp;
  return effectsEnd();
}

function accountsRun(replay: bool): void {
  for (let i: u32 = 0; i < batchCount; i += 1) {
    if (i != 0 && i % SEGMENT_RECORDS_MAX == 0) segmentNext(i);
    recordRun(true, i, -1, -1, replay);
  }
}

function transfersRun(replay: bool): void {
  if (batchCount == 0) return;
  // The first record decides for the whole batch, so a batch of imported ones has no plain transfers.
  const imported = isImported(false, 0);
  for (let block: u32 = 0; block < batchCount; block += BLOCK) {
    if (block != 0 && block % SEGMENT_RECORDS_MAX == 0) segmentNext(block);
    const end = min(block + BLOCK, batchCount);
    resolve(block, end);
    let event = eventAt(block);
    for (let i = block; i < end; i += 1, event += RECORD_SIZE) {
      const debitSlot = load<i32>(DEBIT_SLOTS + (i - block) * 4);
      const creditSlot = load<i32>(CREDIT_SLOTS + (i - block) * 4);
      if (!imported && !chainIsOpen()) {
        const wasCreated = replay && changetype<CreateResult>(resultAt(i)).status == CreateTransferStatus.created;
        const stamp = wasCreated ? 0 : changetype<Transfer>(event).timestamp;
        const isNew = wasCreated && isCovered();
        if (plainTransfer(changetype<Transfer>(event), i, timestampAt(i), stamp, debitSlot, creditSlot, isNew)) continue;
      }
      recordRun(false, i, debitSlot, creditSlot, replay);
    }
  }
}

if (SEGMENT_RECORDS_MAX % BLOCK != 0) ERROR("a block must not cross the end of a segment");

// In a replay of an operation that the runs have, the id of a record that was created then is known to be new, and
// asking a run about it would read a page of the run, only to find the record itself.
// @ts-ignore: decorator
@inline
function isCovered(): bool {
  return refAt(0) >> 13 <= coveredOp;
}

function resolve(block: u32, end: u32): void {
  const events = eventAt(block);
  const count = end - block;
  accountFindMany(events + offsetof<Transfer>("debit_account_id_lo"), batchRecordSize, count, DEBIT_SLOTS);
  accountFindMany(events + offsetof<Transfer>("credit_account_id_lo"), batchRecordSize, count, CREDIT_SLOTS);
  for (let i = block; i < end; i += 1) {
    const debitSlot = load<i32>(DEBIT_SLOTS + (i - block) * 4);
    const creditSlot = load<i32>(CREDIT_SLOTS + (i - block) * 4);
    if ((debitSlot | creditSlot) < 0) continue;
    accountTouch(debitSlot);
    accountTouch(creditSlot);
  }
}

// Orders know no chains and no imports; each is by itself.
function ordersRun(replay: bool): void {
  for (let block: u32 = 0; block < batchCount; block += BLOCK) {
    if (block != 0 && block % SEGMENT_RECORDS_MAX == 0) segmentNext(block);
    const end = min(block + BLOCK, batchCount);
    resolve(block, end);
    devicesWarm(end - block);
    for (let i = block; i < end; i += 1) {
      const debitSlot = load<i32>(DEBIT_SLOTS + (i - block) * 4);
      const creditSlot = load<i32>(CREDIT_SLOTS + (i - block) * 4);
      const result = changetype<CreateResult>(resultAt(i));
      const wasCreated = replay && result.status == CreateTransferStatus.created;
      const timestamp = timestampAt(i);
      answer(timestamp);
      const status = createOrder(i, timestamp, debitSlot, creditSlot, wasCreated, wasCreated && isCovered());
      result.timestamp = answeredTimestamp;
      result.status = status;
      result.effect = status == CreateTransferStatus.created ? createdEffect : 0;
      if (isTransient(status)) idFailed(i);
    }
  }
}

// What the loads below read is kept here, so that the compiler cannot drop them.
let warmed: u64 = 0;

// Reads the rows of a block's payers: these loads miss the cache too, and do not wait for one another.
function devicesWarm(count: u32): void {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < count; i += 1) {
    const debitSlot = load<i32>(DEBIT_SLOTS + i * 4);
    if (debitSlot < 0) continue;
    const slot = deviceFind(debitSlot);
    if (slot >= 0) sum += load<u64>(deviceRow(slot)) + load<u64>(deviceRow(slot), 64);
  }
  warmed = sum;
}

function termsRun(replay: bool): void {
  for (let i: u32 = 0; i < batchCount; i += 1) {
    if (i != 0 && i % SEGMENT_RECORDS_MAX == 0) segmentNext(i);
    const result = changetype<CreateResult>(resultAt(i));
    const timestamp = timestampAt(i);
    const wasSet = replay && result.status == SetOrderTermsStatus.set;
    result.status = setTerms(i, timestamp, wasSet);
    result.timestamp = timestamp;
    result.effect = 0;
  }
}

// Outside of any chain: the id is used up although nothing else of the record remains.
function idFailed(index: u32): void {
  const failed = changetype<Transfer>(eventAt(index));
  idEntered(failed.id_lo, failed.id_hi);
  idsInsert(failed.id_lo, failed.id_hi, ((<u64>IndexKind.failed) << INDEX_KIND_SHIFT) | refAt(index));
}

// @ts-ignore: decorator
@inline
function isImported(isAccount: bool, index: u32): bool {
  const flags = <u32>load<u16>(eventAt(index), offsetof<Transfer>("flags"));
  const imported: u32 = isAccount ? AccountFlags.imported : TransferFlags.imported;
  return (flags & imported) != 0;
}

function recordRun(isAccount: bool, index: u32, debitSlot: i32, creditSlot: i32, replay: bool): void {
  const result = changetype<CreateResult>(resultAt(index));
  const event = eventAt(index);
  const isLinked = (<u32>load<u16>(event, offsetof<Transfer>("flags")) & LINKED) != 0;
  if (isLinked && !chainIsOpen()) chainOpen(index);

  const wasCreated = replay && result.status == CreateTransferStatus.created;
  answer(timestampAt(index));
  const status = recordStatus(isAccount, index, isLinked, debitSlot, creditSlot, wasCreated);
  result.timestamp = answeredTimestamp;
  result.status = status;
  result.effect = 0;
  if (status == CreateTransferStatus.created) {
    if (!isAccount) result.effect = createdEffect;
  } else {
    if (chainIsOpen() && !chainIsBroken()) chainBreak(index);
    if (!isAccount && isTransient(status)) idFailed(index);
  }
  if (chainIsOpen() && (!isLinked || status == CreateTransferStatus.linked_event_chain_open)) chainClose();
}

function recordStatus(
  isAccount: bool,
  index: u32,
  isLinked: bool,
  debitSlot: i32,
  creditSlot: i32,
  wasCreated: bool,
): i32 {
  if (isLinked && index == batchCount - 1) return CreateTransferStatus.linked_event_chain_open;
  if (chainIsBroken()) return CreateTransferStatus.linked_event_failed;

  const imported = isImported(isAccount, index);
  if (imported != isImported(isAccount, 0)) {
    if (isAccount) {
      return imported
        ? CreateAccountStatus.imported_event_not_expected
        : CreateAccountStatus.imported_event_expected;
    }
    return imported
      ? CreateTransferStatus.imported_event_not_expected
      : CreateTransferStatus.imported_event_expected;
  }

  const stamp = changetype<Transfer>(eventAt(index)).timestamp;
  let timestamp = timestampAt(index);
  if (imported) {
    timestamp = stamp;
    if (stamp == 0 || stamp > TIMESTAMP_MAX) {
      return isAccount
        ? CreateAccountStatus.imported_event_timestamp_out_of_range
        : CreateTransferStatus.imported_event_timestamp_out_of_range;
    }
    if (stamp >= batchTimestamp) {
      return isAccount
        ? CreateAccountStatus.imported_event_timestamp_must_not_advance
        : CreateTransferStatus.imported_event_timestamp_must_not_advance;
    }
  } else if (stamp != 0 && !wasCreated) {
    return isAccount ? CreateAccountStatus.timestamp_must_be_zero : CreateTransferStatus.timestamp_must_be_zero;
  }

  if (isAccount) return createAccount(index, timestamp);
  return createTransfer(index, timestamp, debitSlot, creditSlot, wasCreated && isCovered());
}

// Whether the same transfer might succeed at another time: then its id is used up, so that a retry cannot double it.
function isTransient(status: i32): bool {
  switch (status) {
    case CreateTransferStatus.debit_account_not_found:
    case CreateTransferStatus.credit_account_not_found:
    case CreateTransferStatus.pending_transfer_not_found:
    case CreateTransferStatus.debit_account_already_closed:
    case CreateTransferStatus.credit_account_already_closed:
    case CreateTransferStatus.orders_closed:
    case CreateTransferStatus.exceeds_payment_limit:
    case CreateTransferStatus.exceeds_day_limit:
    case CreateTransferStatus.exceeds_credits:
    case CreateTransferStatus.exceeds_debits:
    case CreateTransferStatus.exceeds_credit_limit:
    case CreateTransferStatus.exceeds_debit_limit:
      return true;
    default:
      return false;
  }
}

function expiriesRun(): void {
  for (let i: u32 = 0; i < batchCount; i += 1) {
    if (i != 0 && i % SEGMENT_RECORDS_MAX == 0) segmentNext(i);
    const result = changetype<CreateResult>(resultAt(i));
    result.effect = expireNext(i);
    result.timestamp = timestampAt(i);
    result.status = EXPIRED;
  }
}
