// How many payments of a device were rejected today: each rejection is kept for ever, here, at management and at the shop,
// and costs its signer nothing.
//
//     rejected-payments    device number ─▶ UTC day, how many
//
// Written with the rejections themselves, so a crash loses nothing of it and counts nothing twice. Those of today are in
// memory, some 100 bytes each: every payment asks.
import { type Infer, struct, u32, u64 } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore, StoreTransaction } from '../../store/store.ts';

const TABLE = 'rejected-payments';
const DAY_NS = 86_400_000_000_000n;
/** Read at a time when cash starts. */
const PAGE = 4_096;

const CountRecord = struct({ day: u64, count: u32 });
type CountRecord = Infer<typeof CountRecord>;

export class RejectionQuota {
  readonly #perDayMax: number;
  #day: bigint;
  /** Of that day, by device. */
  readonly #counts = new Map<bigint, number>();

  constructor(store: RoleStore, perDayMax: number, now: bigint) {
    this.#perDayMax = perDayMax;
    this.#day = now / DAY_NS;
    for (const [device, { day, count }] of recordsIn(store)) {
      if (day === this.#day) this.#counts.set(device, count);
    }
  }

  get perDayMax(): number {
    return this.#perDayMax;
  }

  /** Whether none of the device's payments that are new is booked on this day any more. */
  isUsedUp(device: bigint, now: bigint): boolean {
    this.#turnTo(now / DAY_NS);
    return (this.#counts.get(device) ?? 0) >= this.#perDayMax;
  }

  /** One more that is kept, in the transaction that keeps it. @param at when it was rejected, nanoseconds */
  count(tx: StoreTransaction, device: bigint, at: bigint): void {
    const day = at / DAY_NS;
    this.#turnTo(day);
    const stored = tx.get(TABLE, device);
    const before = stored && CountRecord.decode(stored);
    const count = (before?.day === day ? before.count : 0) + 1;
    tx.put(TABLE, device, CountRecord.encode({ day, count }));
    if (day === this.#day) this.#counts.set(device, count);
  }

  /** Days that are over count no more; a clock that goes back does not bring one again. */
  #turnTo(day: bigint): void {
    if (day <= this.#day) return;
    this.#day = day;
    this.#counts.clear();
  }
}

function* recordsIn(store: RoleStore): Generator<readonly [bigint, CountRecord]> {
  for (let from = 0n; ; ) {
    const page = store.range(TABLE, { from, limit: PAGE });
    for (const { key, value } of page) yield [idOfKey(key), CountRecord.decode(value)];
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = idOfKey(last.key) + 1n;
  }
}
