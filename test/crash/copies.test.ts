// State and journal of different moments: the journal is the truth, the state is made to fit it.
import { mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkBooks } from './books.ts';
import { BUSY_MAINTENANCE, type EngineReady, probe, type Start } from './engine-process.ts';
import { type Story, tellStory } from './store.ts';
import { copyStore, seedOf, temporaryDirectory } from './support.ts';

let folder: string;
let story: Story;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'specie-crash-'));
  const seed = seedOf();
  process.stdout.write(`copies: SPECIE_CRASH_SEED=${seed}\n`);
  story = await tellStory(folder, seed, 150);
}, 90_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function readyOf(start: Start): EngineReady {
  if (start.kind !== 'ready') throw new Error(`expected the engine to start, got ${JSON.stringify(start)}`);
  return start.ready;
}

/** A store of a journal and a state of two moments; undefined: none. */
function compose(journal: string, state: string | undefined): string {
  const path = temporaryDirectory();
  copyStore(join(journal, 'journal'), join(path, 'journal'));
  if (state !== undefined) copyStore(join(state, 'state'), join(path, 'state'));
  return path;
}

test('both of one moment: nothing to replay, and the books are right', async () => {
  const { later, asked } = story;
  const path = compose(later.path, later.path);
  const ready = readyOf(await probe(path));
  expect(ready).toMatchObject({ digest: later.digest, recovery: { replayedOps: 0, tipOp: later.op } });
  expect((await checkBooks(path, asked)).ops).toBe(later.op);
});

test.each([
  ['no state', (path: string) => rmSync(join(path, 'state'), { recursive: true })],
  [
    'an empty state folder',
    (path: string) => {
      rmSync(join(path, 'state'), { recursive: true });
      mkdirSync(join(path, 'state'));
    },
  ],
  ['a state file of no bytes', (path: string) => truncateSync(join(path, 'state', 'data.mdb'), 0)],
])('%s: all is replayed', async (_, change) => {
  const { later } = story;
  const path = compose(later.path, later.path);
  change(path);
  const ready = readyOf(await probe(path, { maintenance: BUSY_MAINTENANCE }));
  expect(ready).toMatchObject({ digest: later.digest, recovery: { checkpointOp: 0, replayedOps: later.op } });
  // And what the replay has stored on its way is a state like any other.
  expect(readyOf(await probe(path))).toMatchObject({ digest: later.digest, recovery: { replayedOps: 0 } });
});

test('a state from before: the rest is replayed', async () => {
  const { earlier, later } = story;
  const ready = readyOf(await probe(compose(later.path, earlier.path), { maintenance: BUSY_MAINTENANCE }));
  expect(ready.digest).toBe(later.digest);
  expect(ready.recovery).toMatchObject({
    checkpointOp: earlier.op,
    replayedOps: later.op - earlier.op,
  });
  expect(ready.recovery.discarded).toBeUndefined();
});

test('a journal from before: the state says so, and is made again', async () => {
  const { earlier, later } = story;
  const path = compose(earlier.path, later.path);
  const ready = readyOf(await probe(path));
  expect(ready.digest).toBe(earlier.digest);
  expect(ready.recovery.discarded).toBe(
    `the index covers operation ${later.op}, but the journal ends at ${earlier.op}`,
  );
  const again = readyOf(await probe(path));
  expect(again).toMatchObject({ digest: earlier.digest, recovery: { replayedOps: 0 } });
  expect(again.recovery.discarded).toBeUndefined();
});

test('a state of another journal is made again', async () => {
  const { later } = story;
  const other = await tellStory(temporaryDirectory(), seedOf() + 1n, 60, true);
  const path = compose(later.path, other.earlier.path);
  const ready = readyOf(await probe(path));
  expect(ready.digest).toBe(later.digest);
  expect(ready.recovery.discarded).toBe(
    `the checkpoint of operation ${other.earlier.op} belongs to another journal`,
  );
}, 90_000);
