import { test as property } from '@fast-check/vitest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  EFFECT_SIZE_MAX,
  SLOT_EFFECTS_OFFSET,
  SLOT_RESULTS_OFFSET,
  SLOT_SEGMENT_ENDS_OFFSET,
  SLOT_SIZE,
} from '../../src/layout/generated.ts';
import { SlotPool } from '../../src/ledger/slots.ts';

const SLOTS = 4;

function pool(): SlotPool {
  let next = 4096;
  return new SlotPool(SLOTS, (bytes) => {
    const address = next;
    next += bytes;
    return address;
  });
}

/** All bytes that a batch of `records` at `address` may touch. */
function ranges(address: number, records: number): [number, number][] {
  const segments = Math.ceil(records / 256);
  return [
    [address, address + records * 128],
    [address + SLOT_RESULTS_OFFSET, address + SLOT_RESULTS_OFFSET + records * 16],
    [address + SLOT_SEGMENT_ENDS_OFFSET, address + SLOT_SEGMENT_ENDS_OFFSET + segments * 4],
    [address + SLOT_EFFECTS_OFFSET, address + SLOT_EFFECTS_OFFSET + records * EFFECT_SIZE_MAX],
  ];
}

property.prop([
  fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 8190 }),
    ),
    {
      maxLength: 200,
    },
  ),
  fc.infiniteStream(fc.nat()),
])('batches under way never share a byte, whatever their sizes', (sizes, choices) => {
  const slots = pool();
  const held: { address: number; records: number }[] = [];
  for (const records of sizes) {
    const address = slots.acquire(records);
    if (address === undefined) {
      expect(held.length).toBeGreaterThanOrEqual(SLOTS);
      const [gone] = held.splice(choices.next().value % held.length, 1);
      slots.release(gone!.address);
      continue;
    }
    for (const [from, to] of ranges(address, records)) {
      expect(from).toBeGreaterThanOrEqual(4096);
      expect(to).toBeLessThanOrEqual(4096 + SLOTS * SLOT_SIZE);
      for (const other of held) {
        for (const [start, end] of ranges(other.address, other.records))
          expect(from >= end || to <= start).toBe(true);
      }
    }
    held.push({ address, records });
  }
  for (const { address } of held) slots.release(address);
  expect(slots.used).toBe(0);
  for (let i = 0; i < SLOTS; i++) expect(slots.acquire(8190)).toBeDefined();
  expect(slots.acquire(1)).toBeUndefined();
});

test('small batches share a slot: hundreds of lone transfers are under way at once', () => {
  const slots = pool();
  for (let i = 0; i < SLOTS * 64; i++) expect(slots.acquire(1)).toBeDefined();
  expect(slots.acquire(1)).toBeUndefined();
});

test('releasing what is not held is an error', () => {
  const slots = pool();
  const address = slots.acquire(1)!;
  slots.release(address);
  expect(() => slots.release(address)).toThrow('expected an address that is in use');
  expect(() => slots.acquire(8191)).toThrow('expected at most 8190 records, got 8191');
});
