import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arena } from '../../../src/crypto/pool/arena.ts';

const BASE = 4096;
const BYTES_MAX = 64 * 100;

test('what is taken is aligned, apart from all else that is taken, and comes back whole', () => {
  const step = fc.oneof(
    fc.record({ take: fc.oneof(fc.nat(64 * 12), fc.constantFrom(1, 64, 65, BYTES_MAX)) }),
    fc.record({ giveBack: fc.nat(30) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const arena = new Arena(BASE, BYTES_MAX);
      const taken: { address: number; bytes: number }[] = [];
      const owner = new Uint8Array(BYTES_MAX / 64);
      const mark = ({ address, bytes }: (typeof taken)[number], value: number): void => {
        const first = (address - BASE) / 64;
        const last = first + Math.ceil(bytes / 64);
        expect(Number.isInteger(first) && first >= 0 && last <= owner.length).toBe(true);
        expect(owner.subarray(first, last).every((mark) => mark === 1 - value)).toBe(true);
        owner.fill(value, first, last);
      };
      for (const step of steps) {
        if ('take' in step) {
          const bytes = Math.max(1, step.take);
          const address = arena.take(bytes);
          const free = Buffer.from(owner).includes(Buffer.alloc(Math.ceil(bytes / 64)));
          expect(address !== undefined).toBe(free);
          if (address === undefined) continue;
          mark({ address, bytes }, 1);
          taken.push({ address, bytes });
        } else {
          const [slot] = taken.splice(step.giveBack % Math.max(1, taken.length), 1);
          if (slot === undefined) continue;
          mark(slot, 0);
          arena.giveBack(slot.address, slot.bytes);
        }
        expect(arena.bytes).toBe(64 * owner.filter((mark) => mark === 1).length);
        expect(arena.bytesPeak).toBeGreaterThanOrEqual(arena.bytes);
      }
      for (const { address, bytes } of taken) arena.giveBack(address, bytes);
      expect(arena.bytes).toBe(0);
      expect(arena.take(BYTES_MAX)).toBe(BASE);
    }),
  );
});
