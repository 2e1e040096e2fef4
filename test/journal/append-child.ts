// Appends groups of random entries until it is killed. Before each group it says "start <last op>", and once the group
// is acknowledged "done <last op>".
import { writeSync } from 'node:fs';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { createRandom, createSlots, fillSlot } from './slots.ts';

const journal = await LmdbJournal.open({ path: process.argv[2]! });
const random = createRandom(journal.tip.op + 1);
const memory = createSlots(4);
for (;;) {
  const first = journal.tip.op + 1;
  const group = Array.from({ length: 1 + random(4) }, (_, i) =>
    fillSlot(memory, i, first + i, random(1200), random),
  ).map(({ entry }) => entry);
  const last = first + group.length - 1;
  writeSync(1, `start ${last}\n`);
  await journal.append(memory, group);
  writeSync(1, `done ${last}\n`);
}
