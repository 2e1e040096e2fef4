// Creating a transfer from a payment order: the rules that are the orders' own, in order of precedence, then those of
// every transfer (create-transfer.ts). docs/decisions/0016-payment-orders.md says why each is where it is.
//
//     the host's verdict ──▶ id ──▶ fields ──▶ payer: key, terms, sequence, limits ──▶ moveOrReserve ──▶ the device's row
//
//     newest_sequence ─┐
//     window   …0 1 1 0 1      bit i: newest_sequence - i was applied; 64 of them
//              63 …     0

import { Account, CreateTransferStatus, DeviceRow, Globals, INDEX_KIND_SHIFT, IndexKind } from "../layout";
import { OrderTermsFlags, OrderVerdict, PAYMENT_ORDER_SIZE, PaymentOrder, SEQUENCE_WINDOW, Transfer } from "../layout";
import { TransferFlags } from "../layout";
import { idsFindAt } from "../index/ids";
import { isGreater, sumHi, sumOverflows } from "./amount";
import { answer, batchTimestamp, eventAt, storedSize, storedTransfer } from "./batch";
import { moveOrReserve, validateFields } from "./create-transfer";
import { deviceFind, deviceOf, deviceRow } from "./device";
import { existingTransfer } from "./exists";
import { globals } from "./globals";
import { idIsUnseen } from "./newest-id";
import { accountRow } from "./table";

const NANOSECONDS_PER_DAY: u64 = 86_400_000_000_000;

if (SEQUENCE_WINDOW != 64) ERROR("the window must fill a word");

/**
 * Creates the transfer of the order in event `index`; returns its CreateTransferStatus. Slots, `timestamp` and `isNew` as
 * for createTransfer. `wasCreated`: a replay, in which it was created then and carries its timestamp.
 */
export function createOrder(
  index: u32,
  timestamp: u64,
  debitSlot: i32,
  creditSlot: i32,
  wasCreated: bool,
  isNew: bool,
): i32 {
  const order = changetype<PaymentOrder>(eventAt(index));
  const event = changetype<Transfer>(eventAt(index));
  if (order.timestamp != 0 && !wasCreated) return CreateTransferStatus.timestamp_must_be_zero;
  if (order.reserved_0 != 0 || order.verdict > <u32>OrderVerdict.bad) return CreateTransferStatus.reserved_field;
  if (order.verdict == OrderVerdict.not_checked) return CreateTransferStatus.signature_not_checked;
  if (order.verdict == OrderVerdict.bad) return CreateTransferStatus.signature_invalid;
  const flags = <u32>order.flags;
  if ((flags & ~TransferFlags.pending) != 0) return CreateTransferStatus.flags_not_allowed;
  if ((order.id_lo | order.id_hi) == 0) return CreateTransferStatus.id_must_not_be_zero;
  if ((order.id_lo & order.id_hi) == u64.MAX_VALUE) return CreateTransferStatus.id_must_not_be_int_max;
  if (!isNew && !idIsUnseen(order.id_lo, order.id_hi)) {
    const existing = idsFindAt(index);
    if (existing != 0) return existingOrder(order, existing, timestamp);
  }
  if (batchTimestamp >= order.expires_at) return CreateTransferStatus.order_expired;
  if (order.sequence == 0) return CreateTransferStatus.sequence_must_not_be_zero;
  let status = validateFields(event, flags);
  if (status != CreateTransferStatus.created) return status;
  if (debitSlot < 0) return CreateTransferStatus.debit_account_not_found;
  status = payerAllows(order, debitSlot);
  if (status != CreateTransferStatus.created) return status;
  status = moveOrReserve(event, index, timestamp, debitSlot, creditSlot);
  if (status == CreateTransferStatus.created) orderApplied(order, debitSlot);
  return status;
}

// Applied orders answer `exists` whatever has become of their time, their sequence number and their payer since.
function existingOrder(order: PaymentOrder, value: u64, timestamp: u64): i32 {
  const status = existingTransfer(changetype<Transfer>(changetype<usize>(order)), value);
  if (status != CreateTransferStatus.exists) return status;
  assert(value >> INDEX_KIND_SHIFT == <u64>IndexKind.created, "ids: expected a created one");
  const stored = changetype<PaymentOrder>(storedTransfer(value, 0));
  const isSame =
    storedSize == PAYMENT_ORDER_SIZE &&
    stored.sequence == order.sequence &&
    stored.expires_at == order.expires_at &&
    stored.key_id == order.key_id &&
    stored.reference_0 == order.reference_0 &&
    stored.reference_1 == order.reference_1 &&
    stored.reference_2 == order.reference_2 &&
    stored.reference_3 == order.reference_3;
  if (isSame) return CreateTransferStatus.exists;
  answer(timestamp);
  return CreateTransferStatus.exists_with_different_order;
}

function payerAllows(order: PaymentOrder, debitSlot: u32): i32 {
  // An account without a key has none to sign with.
  if (order.key_id == 0 || order.key_id != changetype<Account>(accountRow(debitSlot)).user_data_64) {
    return CreateTransferStatus.payer_key_differs;
  }
  const slot = deviceFind(debitSlot);
  if (slot < 0) return CreateTransferStatus.created;
  const device = changetype<DeviceRow>(deviceRow(slot));
  if ((device.flags & OrderTermsFlags.orders_closed) != 0) return CreateTransferStatus.orders_closed;

  if (order.sequence <= device.newest_sequence) {
    const age = device.newest_sequence - order.sequence;
    if (age >= SEQUENCE_WINDOW) return CreateTransferStatus.sequence_too_old;
    if (((device.window >> age) & 1) != 0) return CreateTransferStatus.sequence_used;
  }

  const lo = order.amount_lo;
  const hi = order.amount_hi;
  if ((device.payment_max_lo | device.payment_max_hi) != 0) {
    if (isGreater(lo, hi, device.payment_max_lo, device.payment_max_hi)) {
      return CreateTransferStatus.exceeds_payment_limit;
    }
  }
  if ((device.day_max_lo | device.day_max_hi) != 0) {
    const isToday = device.day == today();
    const spentLo = isToday ? device.spent_lo : 0;
    const spentHi = isToday ? device.spent_hi : 0;
    if (
      sumOverflows(spentLo, spentHi, lo, hi) ||
      isGreater(spentLo + lo, sumHi(spentLo, spentHi, lo, hi), device.day_max_lo, device.day_max_hi)
    ) {
      return CreateTransferStatus.exceeds_day_limit;
    }
  }
  return CreateTransferStatus.created;
}

// All orders of a batch are of one day, that of the batch.
// @ts-ignore: decorator
@inline
function today(): u64 {
  return batchTimestamp / NANOSECONDS_PER_DAY;
}

function orderApplied(order: PaymentOrder, debitSlot: u32): void {
  const device = changetype<DeviceRow>(deviceOf(debitSlot));
  const newest = device.newest_sequence;
  if (order.sequence > newest) {
    const steps = order.sequence - newest;
    device.window = (steps < SEQUENCE_WINDOW ? device.window << steps : 0) | 1;
    device.newest_sequence = order.sequence;
  } else {
    device.window |= (<u64>1) << (newest - order.sequence);
  }

  const day = today();
  if (device.day != day) {
    device.day = day;
    device.spent_lo = 0;
    device.spent_hi = 0;
  }
  // Voids give money back but not the day's limit, so that this sum can pass what an account can hold.
  const isWhole = !sumOverflows(device.spent_lo, device.spent_hi, order.amount_lo, order.amount_hi);
  const hi = sumHi(device.spent_lo, device.spent_hi, order.amount_lo, order.amount_hi);
  device.spent_lo = isWhole ? device.spent_lo + order.amount_lo : u64.MAX_VALUE;
  device.spent_hi = isWhole ? hi : u64.MAX_VALUE;

  device.order_count += 1;
  changetype<Globals>(globals()).order_count += 1;
}
