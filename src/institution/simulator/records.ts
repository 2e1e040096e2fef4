// What the simulator stores, big-endian, lengths fixed. LMDB keys sort as bytes.
//
//     accounts    account number, ASCII ──▶ AccountRecord
//     orders      request id u128       ──▶ OrderRecord
//     statement   sequence u64, from 1  ──▶ EntryRecord
//     meta        'books'               ──▶ JSON of what the accounts were made from
//
//     AccountRecord  ┌ state u8 ┬ currency u16 ┬ initial u64 ┬ available u64 ┬ held u64 ┬ captured u64 ┐
//     OrderRecord    ┌ standing u8 ┬ currency u16 ┬ amount u64 ┬ code 2 ┬ approval 6 ┬ account number … ┐
//     EntryRecord    ┌ kind u8 ┬ currency u16 ┬ amount u64 ┬ code 2 ┬ approval 6 ┬ time u64 ┬ request id u128 ┬ masked … ┐

export const AccountState = { active: 0, insufficient_funds: 1, stolen: 2, expired: 3 } as const;
export type AccountStateName = keyof typeof AccountState;

export interface AccountRecord {
  readonly state: AccountStateName;
  readonly currency: number;
  /** available + held + captured, always. */
  readonly initial: bigint;
  readonly available: bigint;
  readonly held: bigint;
  readonly captured: bigint;
}

export const OrderStanding = { authorised: 1, captured: 2, reversed: 3, declined: 4 } as const;
export type OrderStandingName = keyof typeof OrderStanding;

export interface OrderRecord {
  readonly standing: OrderStandingName;
  readonly currency: number;
  readonly amount: bigint;
  /** DE 39 of a decline; `00` else. */
  readonly responseCode: string;
  /** DE 38; spaces where nothing was approved. */
  readonly approvalCode: string;
  readonly accountNumber: string;
}

/**
 * What was booked: `authorise` holds, `capture` takes what was held, `release` lets a hold go, `refund` gives back what
 * was captured, `decline` and `block` (reversal of what had not come) move nothing.
 */
export const EntryKind = { authorise: 1, capture: 2, release: 3, refund: 4, decline: 5, block: 6 } as const;
export type EntryKindName = keyof typeof EntryKind;

export interface EntryRecord {
  readonly kind: EntryKindName;
  readonly currency: number;
  readonly amount: bigint;
  readonly responseCode: string;
  readonly approvalCode: string;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  readonly reference: bigint;
  readonly maskedAccountNumber: string;
}

const ACCOUNT_BYTES = 35;
const ORDER_HEAD_BYTES = 19;
const ENTRY_HEAD_BYTES = 43;

export class RecordError extends Error {
  override readonly name = 'RecordError';
}

function nameOf<T extends string>(names: Readonly<Record<T, number>>, value: number, what: string): T {
  for (const name in names) if (names[name] === value) return name;
  throw new RecordError(`${what}: expected one of ${Object.values(names).join(', ')}, got ${value}`);
}

function expectBytes(bytes: Buffer, min: number, max: number, what: string): void {
  if (bytes.length >= min && bytes.length <= max) return;
  throw new RecordError(`${what}: expected ${min} to ${max} bytes, got ${bytes.length}`);
}

export function encodeAccount(account: AccountRecord): Buffer {
  const bytes = Buffer.allocUnsafeSlow(ACCOUNT_BYTES);
  bytes.writeUInt8(AccountState[account.state], 0);
  bytes.writeUInt16BE(account.currency, 1);
  bytes.writeBigUInt64BE(account.initial, 3);
  bytes.writeBigUInt64BE(account.available, 11);
  bytes.writeBigUInt64BE(account.held, 19);
  bytes.writeBigUInt64BE(account.captured, 27);
  return bytes;
}

export function decodeAccount(bytes: Buffer): AccountRecord {
  expectBytes(bytes, ACCOUNT_BYTES, ACCOUNT_BYTES, 'account');
  return {
    state: nameOf(AccountState, bytes.readUInt8(0), 'account state'),
    currency: bytes.readUInt16BE(1),
    initial: bytes.readBigUInt64BE(3),
    available: bytes.readBigUInt64BE(11),
    held: bytes.readBigUInt64BE(19),
    captured: bytes.readBigUInt64BE(27),
  };
}

export function encodeOrder(order: OrderRecord): Buffer {
  const bytes = Buffer.allocUnsafeSlow(ORDER_HEAD_BYTES + order.accountNumber.length);
  bytes.writeUInt8(OrderStanding[order.standing], 0);
  bytes.writeUInt16BE(order.currency, 1);
  bytes.writeBigUInt64BE(order.amount, 3);
  bytes.write(order.responseCode, 11, 2, 'latin1');
  bytes.write(order.approvalCode, 13, 6, 'latin1');
  bytes.write(order.accountNumber, ORDER_HEAD_BYTES, 'latin1');
  return bytes;
}

export function decodeOrder(bytes: Buffer): OrderRecord {
  expectBytes(bytes, ORDER_HEAD_BYTES, ORDER_HEAD_BYTES + 19, 'order');
  return {
    standing: nameOf(OrderStanding, bytes.readUInt8(0), 'order standing'),
    currency: bytes.readUInt16BE(1),
    amount: bytes.readBigUInt64BE(3),
    responseCode: bytes.toString('latin1', 11, 13),
    approvalCode: bytes.toString('latin1', 13, 19),
    accountNumber: bytes.toString('latin1', ORDER_HEAD_BYTES),
  };
}

export function encodeEntry(entry: EntryRecord): Buffer {
  const bytes = Buffer.allocUnsafeSlow(ENTRY_HEAD_BYTES + entry.maskedAccountNumber.length);
  bytes.writeUInt8(EntryKind[entry.kind], 0);
  bytes.writeUInt16BE(entry.currency, 1);
  bytes.writeBigUInt64BE(entry.amount, 3);
  bytes.write(entry.responseCode, 11, 2, 'latin1');
  bytes.write(entry.approvalCode, 13, 6, 'latin1');
  bytes.writeBigUInt64BE(entry.time, 19);
  bytes.writeBigUInt64BE(entry.reference >> 64n, 27);
  bytes.writeBigUInt64BE(entry.reference & 0xffff_ffff_ffff_ffffn, 35);
  bytes.write(entry.maskedAccountNumber, ENTRY_HEAD_BYTES, 'latin1');
  return bytes;
}

export function decodeEntry(bytes: Buffer): EntryRecord {
  expectBytes(bytes, ENTRY_HEAD_BYTES, ENTRY_HEAD_BYTES + 19, 'statement entry');
  return {
    kind: nameOf(EntryKind, bytes.readUInt8(0), 'statement entry kind'),
    currency: bytes.readUInt16BE(1),
    amount: bytes.readBigUInt64BE(3),
    responseCode: bytes.toString('latin1', 11, 13),
    approvalCode: bytes.toString('latin1', 13, 19),
    time: bytes.readBigUInt64BE(19),
    reference: (bytes.readBigUInt64BE(27) << 64n) | bytes.readBigUInt64BE(35),
    maskedAccountNumber: bytes.toString('latin1', ENTRY_HEAD_BYTES),
  };
}

export function orderKey(reference: bigint): Buffer {
  const key = Buffer.allocUnsafeSlow(16);
  key.writeBigUInt64BE(reference >> 64n, 0);
  key.writeBigUInt64BE(reference & 0xffff_ffff_ffff_ffffn, 8);
  return key;
}

export function entryKey(sequence: bigint): Buffer {
  const key = Buffer.allocUnsafeSlow(8);
  key.writeBigUInt64BE(sequence, 0);
  return key;
}
