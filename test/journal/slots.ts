import type { JournalEntry } from '../../src/journal/journal.ts';
import {
  EFFECT_SIZE_MAX,
  Operation,
  RECORD_SIZE,
  REF_SIZE,
  SEGMENT_RECORDS_MAX,
  SLOT_EFFECTS_OFFSET,
  SLOT_EVENTS_OFFSET,
  SLOT_RESULTS_OFFSET,
  SLOT_SEGMENT_ENDS_OFFSET,
  SLOT_SIZE,
} from '../../src/layout/generated.ts';

/** A small generator of repeatable numbers from 0 to `below` - 1 (mulberry32). */
export type Random = (below: number) => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export function createSlots(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * SLOT_SIZE);
}

/** What a slot holds and a reader must get back. */
export interface SlotContent {
  readonly entry: JournalEntry;
  /** Each segment's records, results and effects, one after the other. */
  readonly segments: readonly Buffer[];
}

/** Effect of random balances, as long as its own control word says. */
function randomEffect(random: Random): Buffer {
  const bytes = Buffer.alloc(EFFECT_SIZE_MAX);
  const debitRefs = 1 + random(3);
  const creditRefs = 1 + random(3);
  let lengths = 0;
  let size = 5;
  for (let i = 0; i < (debitRefs + creditRefs) * REF_SIZE; i++) bytes[size++] = random(256);
  for (let i = 0; i < 8; i++) {
    const nibble = random(4) === 0 ? random(16) : random(4);
    lengths = (lengths | (nibble << (i * 4))) >>> 0;
    for (let k = nibble === 15 ? 16 : nibble; k > 0; k--) bytes[size++] = random(256);
  }
  bytes.writeUInt32LE(lengths, 0);
  bytes[4] = random(4) | (debitRefs << 2) | (creditRefs << 4);
  return bytes.subarray(0, size);
}

/** Fills slot `index` with `count` random records; results name their effects as the kernel does. */
export function fillSlot(
  memory: SharedArrayBuffer,
  index: number,
  op: number,
  count: number,
  random: Random,
): SlotContent {
  const slot = index * SLOT_SIZE;
  const bytes = new Uint8Array(memory, slot, SLOT_SIZE);
  const view = new DataView(memory, slot, SLOT_SIZE);
  const timestamp = BigInt(op) * 1_000_000n;
  const segments: Buffer[] = [];
  let effectsEnd = 0;
  for (let first = 0; first < count; first += SEGMENT_RECORDS_MAX) {
    const records = Math.min(SEGMENT_RECORDS_MAX, count - first);
    const effectsStart = effectsEnd;
    for (let i = first; i < first + records; i++) {
      const record = SLOT_EVENTS_OFFSET + i * RECORD_SIZE;
      for (let k = 0; k < RECORD_SIZE; k += 4) view.setUint32(record + k, random(2 ** 32), true);
      const result = SLOT_RESULTS_OFFSET + i * 16;
      const hasEffect = random(4) !== 0;
      view.setBigUint64(result, timestamp - BigInt(count - i - 1), true);
      view.setUint32(result + 8, hasEffect ? 0xffffffff : 21, true);
      view.setUint32(result + 12, hasEffect ? records * 144 + effectsEnd - effectsStart : 0, true);
      if (hasEffect) {
        const effect = randomEffect(random);
        bytes.set(effect, SLOT_EFFECTS_OFFSET + effectsEnd);
        effectsEnd += effect.length;
      }
    }
    const segment = first / SEGMENT_RECORDS_MAX;
    view.setUint32(SLOT_SEGMENT_ENDS_OFFSET + segment * 4, effectsEnd, true);
    segments.push(
      Buffer.concat([
        Buffer.from(bytes.slice(SLOT_EVENTS_OFFSET + first * RECORD_SIZE).subarray(0, records * RECORD_SIZE)),
        Buffer.from(bytes.slice(SLOT_RESULTS_OFFSET + first * 16).subarray(0, records * 16)),
        Buffer.from(bytes.slice(SLOT_EFFECTS_OFFSET + effectsStart, SLOT_EFFECTS_OFFSET + effectsEnd)),
      ]),
    );
  }
  const operation = count === 0 || random(2) === 0 ? Operation.create_transfers : Operation.create_accounts;
  return {
    entry: { op, operation, timestamp, count, session: BigInt(op) << 64n, request: BigInt(op) * 3n, slot },
    segments,
  };
}
