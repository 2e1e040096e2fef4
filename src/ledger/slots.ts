// Slots of shared memory (assembly/layout/slot.ts) for batches on their way to the disk.
//
// A slot has room for 8,190 records. Small batches share one: its regions are fixed offsets, so a batch that starts
// `stride` bytes further in owns the bytes at that distance in every region.
//
//     records  stride   batches a slot
//           8    2 KiB              64     events 1 KiB, results 128 B, effects 1.5 KiB
//          64   16 KiB               8     events 8 KiB, results   1 KiB, effects  12 KiB
//       8,190        -               1
//
// A stride of 256 bytes a record keeps the effects (192 bytes at most) clear of the next batch's segment_ends, and
// stride × batches = 128 KiB keeps the results inside their region.
import { BATCH_RECORDS_MAX, SLOT_SIZE } from '../layout/generated.ts';

const CLASSES = [
  { records: 8, stride: 2048, parts: 64 },
  { records: 64, stride: 16_384, parts: 8 },
  { records: BATCH_RECORDS_MAX, stride: 0, parts: 1 },
] as const;

interface Slot {
  readonly base: number;
  kind: number;
  free: number[];
}

export class SlotPool {
  readonly #slots: Slot[];
  readonly #owners = new Map<number, Slot>();

  /** `allocate` returns the address of so many bytes of shared memory. */
  constructor(count: number, allocate: (bytes: number) => number) {
    this.#slots = Array.from({ length: count }, () => ({ base: allocate(SLOT_SIZE), kind: -1, free: [] }));
  }

  get used(): number {
    return this.#owners.size;
  }

  /** Address of room for `records` records, or undefined when all is taken. */
  acquire(records: number): number | undefined {
    const kind = CLASSES.findIndex((c) => records <= c.records);
    if (kind < 0) throw new RangeError(`expected at most ${BATCH_RECORDS_MAX} records, got ${records}`);
    let slot = this.#slots.find((s) => s.kind === kind && s.free.length > 0);
    if (slot === undefined) {
      slot = this.#slots.find((s) => s.kind < 0);
      if (slot === undefined) return undefined;
      const { stride, parts } = CLASSES[kind]!;
      const base = slot.base;
      slot.kind = kind;
      slot.free = Array.from({ length: parts }, (_, i) => base + (parts - 1 - i) * stride);
    }
    const address = slot.free.pop()!;
    this.#owners.set(address, slot);
    return address;
  }

  release(address: number): void {
    const slot = this.#owners.get(address);
    if (slot === undefined) throw new Error(`expected an address that is in use, got ${address}`);
    this.#owners.delete(address);
    slot.free.push(address);
    if (slot.free.length === CLASSES[slot.kind]!.parts) slot.kind = -1;
  }
}
