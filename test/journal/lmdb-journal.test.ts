import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { createRandom, createSlots, fillSlot, type SlotContent } from './slots.ts';
import { temporaryDirectory } from './support.ts';

function expectEntry(journal: Journal, { entry, segments }: SlotContent): void {
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
