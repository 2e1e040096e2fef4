// Opens the journal named on the command line, verifies its chain, appends one entry, and says what it found.
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import { createRandom, createSlots, fillSlot } from './slots.ts';

const journal = await LmdbJournal.open({ path: process.argv[2]! });
const { op } = journal.tip;
const { finding } = await verifyChain(journal);
const memory = createSlots(1);
const appended = await journal.append(memory, [fillSlot(memory, 0, op + 1, 5, createRandom(9)).entry]);
await journal.close();
process.stdout.write(JSON.stringify({ op, finding, appended: appended.op }));
