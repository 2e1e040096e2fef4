// Notes that wait, sealed, for those who are to have them.
//
//     deliveries   channel key │ exchange ▶ amount, until, sealed notes       until they are confirmed, or go back
//     copies       exchange ▶ {wide notes}gateway                              as long as the delivery may go back
//     confirmed    channel key │ exchange ▶ digest of what was confirmed      for ever
import { sha256 } from '../crypto/index.ts';
import { SealedNotes } from '../roles/documents/notes.ts';
import { digest } from '../roles/documents/signed.ts';
import type { Delivery } from '../roles/gateway/messages.ts';
import { bool, type Infer, struct, u64, u128 } from '../shared/codec.ts';
import { idOfKey, keyOf } from '../store/key.ts';
import type { StoreReads, StoreTransaction } from '../store/store.ts';

const DELIVERIES = 'deliveries';
const COPIES = 'copies';
const CONFIRMED = 'confirmed';
const KEY_BYTES = 32;
const ID_LAST = 2n ** 128n - 1n;

const DeliveryRecord = struct({ isReturn: bool, amount: u128, until: u64, notes: SealedNotes });
export type DeliveryRecord = Infer<typeof DeliveryRecord>;
const Confirmed = struct({ notesDigest: digest, at: u64 });
const Copy = struct({ amount: u128, notes: SealedNotes });
export type Copy = Infer<typeof Copy>;

type Reads = Pick<StoreReads, 'get'>;
type Writes = Pick<StoreTransaction, 'get' | 'put' | 'remove'>;

export const digestOfNotes = (notes: SealedNotes): Uint8Array => sha256(SealedNotes.encode(notes));

export function putDelivery(tx: Writes, to: Uint8Array, exchange: bigint, record: DeliveryRecord): void {
  tx.put(DELIVERIES, keyOf(to, exchange), DeliveryRecord.encode(record));
}

export function removeDelivery(tx: Writes, to: Uint8Array, exchange: bigint): void {
  tx.remove(DELIVERIES, keyOf(to, exchange));
}

export function deliveryOf(reads: Reads, to: Uint8Array, exchange: bigint): DeliveryRecord | undefined {
  const stored = reads.get(DELIVERIES, keyOf(to, exchange));
  return stored && DeliveryRecord.decode(stored);
}

/** In the order of their exchanges. */
export function deliveriesOf(reads: StoreReads, to: Uint8Array, after: bigint, limit: number): Delivery[] {
  if (after >= ID_LAST) return [];
  const bounds = { from: keyOf(to, after + 1n), to: keyOf(to, ID_LAST, Uint8Array.of(0)), limit };
  return reads.range(DELIVERIES, bounds).map(({ key, value }) => ({
    request: idOfKey(key, KEY_BYTES),
    ...DeliveryRecord.decode(value),
  }));
}

export const hasDeliveries = (reads: StoreReads, to: Uint8Array): boolean =>
  deliveriesOf(reads, to, 0n, 1).length > 0;

/** The digest of what was confirmed; undefined: nothing was. */
export function confirmedOf(reads: Reads, by: Uint8Array, exchange: bigint): Uint8Array | undefined {
  const stored = reads.get(CONFIRMED, keyOf(by, exchange));
  return stored && Confirmed.decode(stored).notesDigest;
}

/** The delivery is forgotten; that it was confirmed is not. */
export function confirm(
  tx: Writes,
  by: Uint8Array,
  exchange: bigint,
  notesDigest: Uint8Array,
  at: bigint,
): void {
  removeDelivery(tx, by, exchange);
  tx.put(CONFIRMED, keyOf(by, exchange), Confirmed.encode({ notesDigest, at }));
}

export const putCopy = (tx: Writes, exchange: bigint, copy: Copy): void =>
  tx.put(COPIES, exchange, Copy.encode(copy));
export const removeCopy = (tx: Writes, exchange: bigint): void => tx.remove(COPIES, exchange);
export function copyOf(reads: Reads, exchange: bigint): Copy | undefined {
  const stored = reads.get(COPIES, exchange);
  return stored && Copy.decode(stored);
}
