// What cash keeps beside the ledger: whose key moves which account (holders.ts), and what it has rejected.
//
//     devices             device number            ─▶ signing key, accounts
//     rejections          request id               ─▶ device, amount, currency, digest of the order, reason, time
//     payment-rejections  request id, order digest ─▶ the same of a payment order
//     note-rejections     request id, digest       ─▶ the same of a shop's order about notes, or of notes that were taken in
//
// Anybody may sign a payment order under a purchase's id, so each has a rejection of its own. A load order comes with a
// receipt of settlement, which charges a request once.
import { type Infer, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { keyOf } from '../../store/key.ts';
import type { RoleStore, StoreTransaction } from '../../store/store.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';
import { DIGEST_BYTES, digest } from '../documents/signed.ts';
import { type Holder, Holders } from './holders.ts';
import { RejectionQuota } from './rejection-quota.ts';

const RejectionRecord = struct({
  device: u128,
  amount: u128,
  currency: u32,
  orderDigest: digest,
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Nanoseconds. */
  at: u64,
});
export type RejectionRecord = Infer<typeof RejectionRecord>;
export type Rejection = RejectionRecord & { readonly request: bigint };

export interface Device extends Holder {
  readonly device: bigint;
}

export interface RegistryLimits {
  /** Devices kept in memory with their keys ready, about 600 bytes each. Beyond: those not asked for lately go. */
  readonly devicesInMemoryMax: number;
  /** Devices with accounts, as many as management may enrol: cash does not rely on its count. Beyond: devices_exhausted. */
  readonly devicesMax: number;
  /**
   * Payments of a device that are rejected on a UTC day: 0.5 KB each, for ever. Whoever is out of money tries a few times.
   * Beyond: too_many_rejected, and what is new is not booked before tomorrow.
   */
  readonly deviceRejectionsPerDay: number;
}

const FIRST_DIGEST = new Uint8Array(DIGEST_BYTES);
const LAST_DIGEST = new Uint8Array(DIGEST_BYTES).fill(0xff);

export class Registry extends Holders<Device> {
  readonly #store: RoleStore;
  readonly rejectionQuota: RejectionQuota;

  constructor(
    store: RoleStore,
    { devicesInMemoryMax, devicesMax, deviceRejectionsPerDay }: RegistryLimits,
    now: bigint,
  ) {
    const limits = { inMemoryMax: devicesInMemoryMax, holdersMax: devicesMax };
    super(store, 'devices', limits, (holder) => ({ ...holder, device: holder.number }));
    this.#store = store;
    this.rejectionQuota = new RejectionQuota(store, deviceRejectionsPerDay, now);
  }

  /** @throws StoreError store_corrupt */
  device(device: bigint): Device | undefined {
    return this.find(device);
  }

  rejection(request: bigint): RejectionRecord | undefined {
    const stored = this.#store.get('rejections', request);
    return stored === undefined ? undefined : RejectionRecord.decode(stored);
  }

  /** Of the payment orders that had this id. */
  paymentRejection(request: bigint): RejectionRecord | undefined {
    return this.#firstOf('payment-rejections', request);
  }

  /** Of this order. */
  paymentRejectionOf(request: bigint, orderDigest: Uint8Array): RejectionRecord | undefined {
    const stored = this.#store.get('payment-rejections', keyOf(request, orderDigest));
    return stored === undefined ? undefined : RejectionRecord.decode(stored);
  }

  /** Of what was asked for about notes under this id. */
  noteRejection(request: bigint): RejectionRecord | undefined {
    return this.#firstOf('note-rejections', request);
  }

  /** Of what has this digest. */
  noteRejectionOf(request: bigint, digest: Uint8Array): RejectionRecord | undefined {
    const stored = this.#store.get('note-rejections', keyOf(request, digest));
    return stored === undefined ? undefined : RejectionRecord.decode(stored);
  }

  /** Remembers rejections and returns what is remembered of each request: the first time counts. */
  rejected(rejections: readonly Rejection[]): Promise<RejectionRecord[]> {
    return this.#rejected('rejections', rejections, ({ request }) => request);
  }

  /** The same of payment orders: the first time of each order counts. */
  paymentsRejected(rejections: readonly Rejection[]): Promise<RejectionRecord[]> {
    return this.#rejected(
      'payment-rejections',
      rejections,
      ({ request, orderDigest }) => keyOf(request, orderDigest),
      (tx, { device, at }) => this.rejectionQuota.count(tx, device, at),
    );
  }

  /** The same about notes: the first time of each digest counts. */
  notesRejected(rejections: readonly Rejection[]): Promise<RejectionRecord[]> {
    return this.#rejected('note-rejections', rejections, ({ request, orderDigest }) =>
      keyOf(request, orderDigest),
    );
  }

  #firstOf(table: string, request: bigint): RejectionRecord | undefined {
    const bounds = { from: keyOf(request, FIRST_DIGEST), to: keyOf(request, LAST_DIGEST), limit: 1 };
    const [stored] = this.#store.range(table, bounds);
    return stored && RejectionRecord.decode(stored.value);
  }

  #rejected(
    table: string,
    rejections: readonly Rejection[],
    keyOfOne: (rejection: Rejection) => bigint | Uint8Array,
    whenNew?: (tx: StoreTransaction, rejection: Rejection) => void,
  ): Promise<RejectionRecord[]> {
    return this.#store.transaction((tx) =>
      rejections.map((rejection) => {
        const key = keyOfOne(rejection);
        const stored = tx.get(table, key);
        if (stored !== undefined) return RejectionRecord.decode(stored);
        const { request: _, ...record } = rejection;
        tx.put(table, key, RejectionRecord.encode(record));
        whenNew?.(tx, rejection);
        return record;
      }),
    );
  }
}
