import { expect, test } from 'vitest';
import { decodeEffect, effectSize } from '../../src/journal/effect.ts';
import {
  FormatError,
  headerDigest,
  OP_MAX,
  readHeader,
  writeHeader,
  writeKey,
} from '../../src/journal/format.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { firstOpAt, RecordReader } from '../../src/journal/readers.ts';
import { createRandom, createSlots, fillSlot, type SlotContent } from './slots.ts';
import { temporaryDirectory } from './support.ts';

function hexToView(hex: string): DataView {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const NOTHING = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };

test('an effect, byte for byte', () => {
  // Lengths 0 2 0 0 | 0 0 1 15; debit account closed, 1 debit ref, 3 credit refs.
  const view = hexToView(
    'ffff 2000 00f1 35 01020304050607 07000000000000 00000000000000 ffffffffffff1f e803 09 0100000000000000 0000000000000080',
  );
  expect(decodeEffect(view, 2)).toEqual({
    size: view.byteLength - 2,
    isDebitClosed: true,
    isCreditClosed: false,
    debitRefs: [0x07060504030201],
    creditRefs: [7, 0, 2 ** 53 - 1],
    debit: { ...NOTHING, debitsPosted: 1000n },
    credit: { ...NOTHING, creditsPending: 9n, creditsPosted: (1n << 127n) | 1n },
  });
});

test('balances of every length', () => {
  for (let length = 0; length <= 15; length++) {
    const size = length === 15 ? 16 : length;
    const bytes = Buffer.alloc(5 + 14 + size);
    bytes.writeUInt32LE((length << 28) >>> 0, 0);
    bytes[4] = 0b010100;
    let expected = 0n;
    for (let i = 0; i < size; i++) {
      bytes[19 + i] = 0xf0 + i;
      expected |= BigInt(0xf0 + i) << BigInt(i * 8);
    }
    const effect = decodeEffect(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
    expect(effect.credit).toEqual({ ...NOTHING, creditsPosted: expected });
    expect(effect.debit).toEqual(NOTHING);
    expect(effect.size).toBe(bytes.length);
  }
});

test('malformed effects', () => {
  const fails = (hex: string): void => {
    const view = hexToView(hex);
    expect(() => effectSize(view, 0)).toThrow(FormatError);
    expect(() => decodeEffect(view, 0)).toThrow(FormatError);
  };
  fails('00000000');
  fails('00000000 10');
  fails('00000000 04 00000000000000');
  fails('00000000 54 00000000000000 00000000000000');
  fails('00000000 14 00000000000000 000000000000');
  fails('01000000 14 00000000000000 00000000000000');
  expect(effectSize(hexToView('00000000 14 00000000000000 00000000000000'), 0)).toBe(19);
});

test('a header keeps its fields, its digest covers it with itself as zeros', () => {
  const bytes = new Uint8Array(256 + 2 * 32).fill(7);
  const entry = {
    op: OP_MAX,
    operation: 2,
    timestamp: 2n ** 63n - 1n,
    count: 257,
    session: (1n << 128n) - 1n,
    request: (1n << 64n) - 1n,
    slot: 0,
  };
  const previous = { op: OP_MAX - 1, timestamp: 1n, digest: new Uint8Array(32).fill(9) };
  const digest = writeHeader(bytes, entry, 4321, previous);
  const { slot, ...fields } = entry;
  expect(slot).toBe(0);
  expect(readHeader(bytes)).toEqual({
    ...fields,
    version: 1,
    effectsSize: 4321,
    segments: 2,
    previousDigest: previous.digest,
    digest: Uint8Array.from(digest),
    segmentDigests: new Uint8Array(64).fill(7),
  });
  expect(Buffer.compare(headerDigest(bytes), digest)).toBe(0);
  expect(Buffer.from(bytes.subarray(0, 8)).toString()).toBe('SPECJRNL');
  expect(writeKey(Buffer.alloc(8), 0x0102030405, 6).toString('hex')).toBe('0001020304050006');
});

test('records, results and effects by ref, in any order', async () => {
  const journal = await LmdbJournal.open({ path: temporaryDirectory() });
  const memory = createSlots(1);
  const random = createRandom(41);
  const contents: SlotContent[] = [];
  for (const count of [600, 1, 0, 8190, 256]) {
    const content = fillSlot(memory, 0, contents.length + 1, count, random);
    await journal.append(memory, [content.entry]);
    contents.push(content);
  }
  journal.refresh();
  const reader = new RecordReader(journal);
  const check = (op: number, index: number): boolean => {
    const segment = contents[op - 1]!.segments[index >> 8]!;
    const records = Math.min(256, contents[op - 1]!.entry.count - (index & ~255));
    const place = index & 255;
    const ref = op * 8192 + index;
    const result = records * 128 + place * 16;
    expect(Buffer.compare(reader.readRecord(ref), segment.subarray(place * 128, place * 128 + 128))).toBe(0);
    const { view, offset } = reader.locateRecord(ref);
    expect(view.getUint32(offset + 124)).toBe(segment.readUInt32BE(place * 128 + 124));
    const effect = segment.readUInt32LE(result + 12);
    expect(reader.readResult(ref)).toEqual({
      timestamp: segment.readBigUInt64LE(result),
      status: segment.readUInt32LE(result + 8),
      effect,
    });
    const view2 = new DataView(segment.buffer, segment.byteOffset, segment.length);
    expect(reader.readEffect(ref)).toEqual(effect === 0 ? undefined : decodeEffect(view2, effect));
    return effect !== 0;
  };
  let effects = 0;
  for (let index = 0; index < 600; index++) if (check(1, index)) effects++;
  for (let round = 0; round < 2000; round++) {
    const op = [1, 2, 4, 5][random(4)]!;
    if (check(op, random(contents[op - 1]!.entry.count))) effects++;
  }
  expect(effects).toBeGreaterThan(1000);
  for (const ref of [
    0,
    8191,
    8192 + 600,
    2 * 8192 + 1,
    2 * 8192 + 256,
    3 * 8192,
    4 * 8192 + 8190,
    6 * 8192,
  ]) {
    expect(() => reader.readRecord(ref), `ref ${ref}`).toThrow('got none');
  }
  // A miss leaves nothing half loaded behind.
  check(1, 0);

  for (const { entry } of contents) {
    expect(firstOpAt(journal, entry.timestamp)).toBe(entry.op);
    expect(firstOpAt(journal, entry.timestamp + 1n)).toBe(entry.op + 1);
  }
  expect(firstOpAt(journal, 0n)).toBe(1);
  expect(firstOpAt(journal, contents[4]!.entry.timestamp, 3)).toBe(4);
  await journal.close();
});
