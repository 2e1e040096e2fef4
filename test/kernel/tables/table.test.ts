import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACCOUNTS,
  PAGE_BYTES,
  PAGE_ROWS_COUNT,
  PENDING,
  ROW_BYTES,
  TAIL_IN_USE,
  TAIL_LINK,
  Tables,
} from './support.ts';

function globalsOf(tables: Tables) {
  const at = tables.calls.globals();
  const field = (offset: number) => Number(tables.view.getBigUint64(at + offset, true));
  return { accounts: field(32), pending: field(48), slots: field(56), free: field(64) };
}

describe('account table', () => {
  test('a million rows: addresses differ, pages are contiguous, nothing moves', () => {
    const tables = new Tables();
    const total = 1_000_000;
    const first: number[] = [];
    for (let slot = 0; slot < total; slot += 1) {
      if (slot % 8000 === 0) expect(tables.calls.accountsReserve(8000)).toBe(1);
      if (tables.calls.accountAppend() !== slot) expect.fail(`slot ${slot} expected`);
      const row = tables.rowAddress(ACCOUNTS, slot);
      if (slot % 6400 === 0) first.push(row);
      tables.view.setUint32(row, slot, true);
      tables.view.setUint32(row + ROW_BYTES - 4, ~slot, true);
    }
    expect(globalsOf(tables).accounts).toBe(total);
    expect(tables.calls.pageCount(ACCOUNTS)).toBe(total / PAGE_ROWS_COUNT);
    for (let page = 0; page < total / PAGE_ROWS_COUNT; page += 1) {
      const address = tables.calls.pageAddress(ACCOUNTS, page) >>> 0;
      for (let i = 0; i < PAGE_ROWS_COUNT; i += 1) {
        const slot = page * PAGE_ROWS_COUNT + i;
        const row = address + i * ROW_BYTES;
        if (row !== tables.rowAddress(ACCOUNTS, slot)) expect.fail(`row ${slot} is not in its page`);
        if (tables.view.getUint32(row, true) !== slot) expect.fail(`row ${slot} was overwritten`);
        if (tables.view.getUint32(row + ROW_BYTES - 4, true) !== ~slot >>> 0)
          expect.fail(`end of row ${slot}`);
      }
    }
    expect(tables.rowAddress(ACCOUNTS, 0)).toBe(first[0]);
    expect(tables.rowAddress(ACCOUNTS, 6400)).toBe(first[1]);
  });

  test('rows taken off come back zero, and their pages leave the next snapshot', () => {
    const tables = new Tables();
    tables.calls.accountsReserve(200);
    for (let i = 0; i < 30; i += 1) tables.addAccountRow(0xaa);
    const before = tables.pageBytes(ACCOUNTS, 1);
    for (let i = 0; i < 100; i += 1) tables.addAccountRow(0xbb);
    expect(tables.calls.snapshotDirty()).toBe(6);
    tables.calls.accountTruncate(30n);
    expect(globalsOf(tables).accounts).toBe(30);
    expect(tables.calls.snapshotDirty()).toBe(2);
    expect(tables.pageBytes(ACCOUNTS, 1)).toEqual(before);
    expect(tables.pageBytes(ACCOUNTS, 3)).toEqual(Buffer.alloc(PAGE_BYTES));
    expect(tables.calls.accountAppend()).toBe(30);
    tables.calls.accountTruncate(30n);
    tables.calls.accountTruncate(0n);
    expect(tables.calls.snapshotDirty()).toBe(0);
    expect(tables.pageBytes(ACCOUNTS, 0)).toEqual(Buffer.alloc(PAGE_BYTES));
  });

  test('refuses when memory is exhausted, and keeps what it has', () => {
    const tables = new Tables({ memoryMax: 500 });
    let rows = 0;
    while (tables.calls.accountsReserve(1000) === 1) {
      for (let i = 0; i < 1000; i += 1) tables.addAccountRow(0xcc);
      rows += 1000;
    }
    expect(rows).toBeGreaterThan(20_000);
    expect(tables.bytes(tables.rowAddress(ACCOUNTS, rows - 1), ROW_BYTES)).toEqual(
      Buffer.alloc(ROW_BYTES, 0xcc),
    );
  });
});

describe('pending table', () => {
  test('hands rows out as a stack of free slots above a counter does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 400 }), (choices) => {
        const tables = new Tables();
        tables.calls.pendingReserve(choices.length);
        const open: number[] = [];
        const free: number[] = [];
        let slots = 0;
        for (const choice of choices) {
          if (choice % 5 < 3 || open.length === 0) {
            const slot = tables.calls.pendingAllocate();
            expect(slot).toBe(free.pop() ?? slots++);
            open.push(slot);
            const row = tables.bytes(tables.rowAddress(PENDING, slot), ROW_BYTES);
            expect(row.readUInt32LE(TAIL_IN_USE)).toBe(1);
            row.writeUInt32LE(0, TAIL_IN_USE);
            expect(row).toEqual(Buffer.alloc(ROW_BYTES));
            tables.fillRow(PENDING, slot, 0x77);
          } else {
            const [slot] = open.splice(choice % open.length, 1) as [number];
            tables.calls.pendingFree(slot);
            const row = tables.bytes(tables.rowAddress(PENDING, slot), ROW_BYTES);
            expect(row.readUInt32LE(TAIL_LINK)).toBe(free.length === 0 ? 0 : free.at(-1)! + 1);
            row.writeUInt32LE(0, TAIL_LINK);
            expect(row).toEqual(Buffer.alloc(ROW_BYTES));
            free.push(slot);
          }
          const top = free.length === 0 ? 0 : free.at(-1)! + 1;
          expect(globalsOf(tables)).toEqual({ accounts: 0, pending: open.length, slots, free: top });
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a reservation counts the free rows', () => {
    const tables = new Tables();
    tables.calls.pendingReserve(6400);
    for (let i = 0; i < 6400; i += 1) tables.calls.pendingAllocate();
    for (let i = 0; i < 6400; i += 1) tables.calls.pendingFree(i);
    const size = tables.calls.allocate(0);
    expect(tables.calls.pendingReserve(6400)).toBe(1);
    expect(tables.calls.allocate(0)).toBe(size);
    expect(tables.calls.pendingReserve(6401)).toBe(1);
    expect(tables.calls.allocate(0)).toBeGreaterThan(size);
  });
});
