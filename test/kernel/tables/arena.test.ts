import { describe, expect, test } from 'vitest';
import { Tables } from './support.ts';

const FOUR_GIB = 2 ** 32;

describe('arena', () => {
  test('addresses are aligned, follow one another and are zero', () => {
    const tables = new Tables();
    let end = 0;
    for (const bytes of [1, 64, 65, 0, 4096, 1_000_003, 7, 30 << 20]) {
      const address = tables.calls.allocate(bytes) >>> 0;
      expect(address % 64).toBe(0);
      expect(address).toBeGreaterThanOrEqual(end);
      expect(tables.bytes(address, bytes).every((byte) => byte === 0)).toBe(true);
      new Uint8Array(tables.memory.buffer, address, bytes).fill(0xff);
      end = address + bytes;
    }
  });

  test('grows in steps, not by doubling', () => {
    const tables = new Tables();
    tables.calls.allocate(200 << 20);
    const before = tables.memory.buffer.byteLength;
    tables.calls.allocate(1 << 20);
    tables.calls.allocate(20 << 20);
    expect(tables.memory.buffer.byteLength - before).toBeLessThanOrEqual(38 << 20);
  });

  test('answers 0 at the maximum, takes nothing then, and still gives what is left', () => {
    const tables = new Tables({ memoryMax: 400 });
    expect(tables.calls.allocate(400 << 16)).toBe(0);
    const given: number[] = [];
    for (;;) {
      const address = tables.calls.allocate(65_536) >>> 0;
      if (address === 0) break;
      given.push(address);
    }
    expect(given.length).toBeGreaterThan(100);
    expect(tables.memory.buffer.byteLength).toBe(400 << 16);
    const last = given.at(-1)! + 65_536;
    const left = (400 << 16) - last;
    expect(left).toBeLessThan(65_536);
    if (left > 0) expect(tables.calls.allocate(left) >>> 0).toBe(last);
    expect(tables.calls.allocate(1)).toBe(0);
  });

  test('reaches 4 GiB exactly and goes no further', () => {
    const tables = new Tables();
    const first = tables.calls.allocate(0x7fff_ffff) >>> 0;
    expect(first).toBeGreaterThan(0);
    expect(tables.calls.allocate(0x7fff_ffff)).toBe(0);
    expect(tables.calls.allocate(0xffff_ffff)).toBe(0);
    const next = tables.calls.allocate(64) >>> 0;
    expect(next).toBe(first + 0x8000_0000);
    const left = FOUR_GIB - (next + 64);
    expect(tables.calls.allocate(left) >>> 0).toBe(next + 64);
    expect(tables.calls.allocate(1)).toBe(0);
    tables.view.setUint8(FOUR_GIB - 1, 1);
    expect(tables.view.getUint8(FOUR_GIB - 1)).toBe(1);
  });
});
