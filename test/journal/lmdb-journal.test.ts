import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { JournalError } from '../../src/journal/errors.ts';
import type { JournalEntry, JournalReader } from '../../src/journal/journal.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { LmdbJournalReader } from '../../src/journal/lmdb-reader.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import { SLOT_SEGMENT_ENDS_OFFSET, SLOT_SIZE } from '../../src/layout/generated.ts';
import { createRandom, createSlots, fillSlot, type SlotContent } from './slots.ts';
import { temporaryDirectory } from './support.ts';

const REOPEN = fileURLToPath(new URL('./reopen-child.ts', import.meta.url));

function expectEntry(journal: JournalReader, { entry, segments }: SlotContent): void {
  const header = journal.readHeader(entry.op);
  expect(header).toMatchObject({
    op: entry.op,
    operation: entry.operation,
    timestamp: entry.timestamp,
    count: entry.count,
    session: entry.session,
    request: entry.request,
    segments: segments.length,
  });
  for (const [i, segment] of segments.entries()) {
    expect(Buffer.compare(journal.readSegment(entry.op, i)!, segment)).toBe(0);
  }
  expect(journal.readSegment(entry.op, segments.length)).toBeUndefined();
}

test('what was appended is read back, also after opening again', async () => {
  const path = temporaryDirectory();
  const random = createRandom(1);
  const memory = createSlots(4);
  const contents: SlotContent[] = [];
  let journal = await LmdbJournal.open({ path });
  expect(journal.tip).toEqual({ op: 0, timestamp: 0n, digest: new Uint8Array(32) });
  const { identity } = journal;
  expect(identity.length).toBe(16);
  for (const counts of [[8190], [0], [1, 255, 256, 257], [8190, 8190, 8190, 8190], [3], [512, 0, 7]]) {
    const group = counts.map((count, i) => fillSlot(memory, i, contents.length + i + 1, count, random));
    const tip = await journal.append(
      memory,
      group.map(({ entry }) => entry),
    );
    contents.push(...group);
    expect(tip.op).toBe(contents.length);
    expect(tip).toEqual(journal.tip);
    journal.refresh();
    for (const content of group) expectEntry(journal, content);
  }
  const { tip } = journal;
  await journal.close();

  journal = await LmdbJournal.open({ path });
  expect(journal.tip).toEqual(tip);
  expect(journal.identity).toEqual(identity);
  for (const content of contents) expectEntry(journal, content);
  expect(journal.readHeader(contents.length + 1)).toBeUndefined();
  const next = fillSlot(memory, 0, contents.length + 1, 100, random);
  await journal.append(memory, [next.entry]);
  journal.refresh();
  expectEntry(journal, next);
  await journal.close();
});

test('entries that do not follow the tip are refused, and nothing of their group is stored', async () => {
  const journal = await LmdbJournal.open({ path: temporaryDirectory() });
  const memory = createSlots(2);
  const random = createRandom(2);
  const [first, second] = [
    fillSlot(memory, 0, 1, 10, random).entry,
    fillSlot(memory, 1, 2, 300, random).entry,
  ];
  const refused = async (entries: readonly JournalEntry[], what: string): Promise<void> => {
    const error = await journal.append(memory, entries).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(JournalError);
    expect(error).toMatchObject({ code: 'journal_misuse', message: expect.stringContaining(what) });
    journal.refresh();
    expect(journal.lastOp()).toBe(0);
    expect(journal.tip.op).toBe(0);
  };
  await refused([second], 'expected op 1, got 2');
  await refused([first, { ...second, op: 3 }], 'expected op 2, got 3');
  await refused([first, first], 'expected op 2, got 1');
  await refused([first, { ...second, timestamp: first.timestamp }], 'expected a timestamp after');
  await refused([{ ...first, count: 8191 }], 'count');
  await refused([{ ...first, session: 1n << 128n }], 'session');
  await refused([{ ...first, request: -1n }], 'request');
  await refused([first, { ...second, slot: memory.byteLength - 64 }], 'slot');
  await refused([first, { ...second, slot: -8 }], 'slot');
  // A kernel that wrote ends which fall, or lie outside the slot.
  const ends = new Uint32Array(memory, second.slot + SLOT_SEGMENT_ENDS_OFFSET, 2);
  const [before] = ends;
  ends[0] = ends[1]! + 1;
  await refused([first, second], 'segment_ends[1] of op 2');
  ends[0] = SLOT_SIZE;
  await refused([first, second], 'segment_ends[0] of op 2');
  ends[0] = before!;

  const running = journal.append(memory, [first]);
  await expect(journal.append(memory, [second])).rejects.toThrow('one call at a time');
  await running;
  expect((await journal.append(memory, [second])).op).toBe(2);
  expect(await journal.append(memory, [])).toEqual(journal.tip);
  await journal.close();
  await expect(journal.append(memory, [])).rejects.toMatchObject({ code: 'journal_closed' });
  await journal.close();
});

test('a full journal stores nothing of the group, still reads, and goes on when there is room', async () => {
  const path = temporaryDirectory();
  const memory = createSlots(4);
  const random = createRandom(3);
  let journal = await LmdbJournal.open({ path, mapSizeBytes: 6 * 2 ** 20 });
  const contents: SlotContent[] = [];
  const append = async (counts: readonly number[]): Promise<void> => {
    const group = counts.map((count, i) => fillSlot(memory, i, contents.length + i + 1, count, random));
    await journal.append(
      memory,
      group.map(({ entry }) => entry),
    );
    contents.push(...group);
  };
  await append([8190, 8190]);
  // The first of these four would still fit.
  await expect(append([8190, 8190, 8190, 8190])).rejects.toMatchObject({ code: 'journal_full' });
  expect(journal.tip.op).toBe(2);
  await append([100]);
  journal.refresh();
  expect(journal.lastOp()).toBe(3);
  for (const content of contents) expectEntry(journal, content);
  expect(statSync(join(path, 'data.mdb')).size).toBeLessThanOrEqual(6 * 2 ** 20);
  await journal.close();

  journal = await LmdbJournal.open({ path, mapSizeBytes: 64 * 2 ** 20 });
  await append([8190, 8190, 8190, 8190]);
  journal.refresh();
  for (const content of contents) expectEntry(journal, content);
  expect((await verifyChain(journal)).finding).toBeUndefined();
  await journal.close();
});

/** A store whose journal's thread has died in the middle of an append. */
async function cutOff(): Promise<string> {
  for (;;) {
    const path = temporaryDirectory();
    const memory = createSlots(1);
    const random = createRandom(4);
    const journal = await LmdbJournal.open({ path });
    await journal.append(memory, [fillSlot(memory, 0, 1, 50, random).entry]);
    const running = journal.append(memory, [fillSlot(memory, 0, 2, 8190, random).entry]);
    const outcome = running.catch((error: unknown) => error);
    // What ends a thread can come to nothing when it is just about to wait (src/pool/pool.ts): then with another one.
    const died = await Promise.race([journal.terminateThread().then(() => true), pause(5_000, false)]);
    if (!died) continue;
    expect(await outcome).toMatchObject({ code: 'journal_unknown' });
    await expect(journal.append(memory, [])).rejects.toMatchObject({ code: 'journal_unknown' });
    await journal.close();
    return path;
  }
}

test("when the journal's thread dies the outcome is unknown, and opening again tells", async () => {
  const path = await cutOff();
  // The next start is another process: in this one LMDB may wait for ever for what the dead thread has begun.
  const child = ['--import', 'tsx', REOPEN, path];
  const { stdout } = await promisify(execFile)(process.execPath, child, { timeout: 50_000 });
  const { op, finding, appended } = JSON.parse(stdout);
  expect([1, 2]).toContain(op);
  expect(finding).toBeUndefined();
  expect(appended).toBe(op + 1);
});

test('a second journal on the same store is refused', async () => {
  const path = temporaryDirectory();
  const journal = await LmdbJournal.open({ path });
  await expect(LmdbJournal.open({ path })).rejects.toMatchObject({ code: 'journal_locked' });
  await journal.close();
  await (await LmdbJournal.open({ path })).close();
});

test('a reader of its own sees what was appended once it refreshes', async () => {
  const path = temporaryDirectory();
  const memory = createSlots(1);
  const journal = await LmdbJournal.open({ path });
  const reader = LmdbJournalReader.open(path);
  expect(reader.lastOp()).toBe(0);
  const content = fillSlot(memory, 0, 1, 700, createRandom(5));
  await journal.append(memory, [content.entry]);
  reader.refresh();
  expect(reader.lastOp()).toBe(1);
  expectEntry(reader, content);
  await reader.close();
  await journal.close();
});
