// Checkpoints: what is read back is what was written last and completed, whatever happened in between.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_SIZE } from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';
import { readCheckpoint, readPages } from '../../src/state/checkpoint-reader.ts';
import type { Checkpoint } from '../../src/state/checkpoint-record.ts';
import { CheckpointWriter, META_CHECKPOINT_KEY, sessionsKey } from '../../src/state/checkpoint-writer.ts';
import { openStateEnvironment, pageKey, type StateEnvironment } from '../../src/state/environment.ts';
import { StateStoreError } from '../../src/state/errors.ts';
import { scratch } from '../index/harness.ts';
import { isPage, makePages, type PageName } from './pages.ts';

let folder: ReturnType<typeof scratch>;
let environment: StateEnvironment;
let writer: CheckpointWriter;

async function reopen(): Promise<void> {
  await environment.root.close();
  environment = openStateEnvironment(folder.path, 2 ** 33);
  writer = new CheckpointWriter(environment);
}

beforeEach(() => {
  folder = scratch();
  environment = openStateEnvironment(folder.path, 2 ** 33);
  writer = new CheckpointWriter(environment);
});

afterEach(async () => {
  await environment.root.close();
  folder.remove();
});

const record = (
  checkpoint: number,
  pageCounts: number[],
  sessions = new Uint8Array([1, 2, 3]),
): Checkpoint => ({
  checkpoint,
  op: checkpoint * 10,
  timestamp: 2n ** 62n + BigInt(checkpoint),
  globals: Uint8Array.from({ length: 72 }, (_, i) => i + checkpoint),
  digest: Uint8Array.from({ length: 32 }, (_, i) => i * checkpoint),
  pageCounts,
  sessions,
});

const names = (table: number, pages: readonly number[], version: number): PageName[] =>
  pages.map((page) => ({ table, page, version }));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** The version of each page of the current checkpoint, by table; -1 for a page with other content than versions 0 … 20. */
function versionsRead(): number[][] {
  const found: number[][] = [];
  readPages(environment, readCheckpoint(environment)!, (table, first, count, images) => {
    found[table] ??= [];
    expect(found[table].length).toBe(first);
    for (let i = 0; i < count; i++) {
      const image = images.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
      found[table].push(
        range(0, 21).find((version) => isPage(image, { table, page: first + i, version })) ?? -1,
      );
    }
  });
  return found;
}

function error(work: () => unknown): StateStoreError {
  try {
    work();
  } catch (caught) {
    if (caught instanceof StateStoreError) return caught;
    throw caught;
  }
  throw new Error('expected a StateStoreError, got none');
}

describe('a checkpoint', () => {
  test('comes back as it was written, also after a restart', async () => {
    expect(readCheckpoint(environment)).toBeUndefined();
    const sessions = Uint8Array.from({ length: 2 * 1024 * 1024 + 17 }, (_, i) => i * 31);
    writer.write(makePages([...names(0, range(0, 700), 1), ...names(1, range(0, 3), 1)]), 1);
    expect(readCheckpoint(environment)).toBeUndefined();
    writer.complete(record(1, [700, 3], sessions));
    await reopen();
    const { sessions: found, ...head } = readCheckpoint(environment)!;
    const { sessions: _, ...expected } = record(1, [700, 3]);
    expect(head).toEqual(expected);
    expect(Buffer.compare(found, sessions)).toBe(0);
    expect(versionsRead()).toEqual([range(0, 700).map(() => 1), [1, 1, 1]]);
  });

  test('has the changed pages of its own and all others of those before', async () => {
    writer.write(makePages(names(0, range(0, 10), 1)), 1);
    writer.complete(record(1, [10, 0]));
    writer.write(makePages(names(0, [3, 5, 10, 11], 2)), 2);
    writer.complete(record(2, [12, 0]));
    writer.write(makePages(names(0, [5, 0], 3)), 3);
    writer.complete(record(3, [12, 0], new Uint8Array(0)));
    expect(versionsRead()).toEqual([[3, 1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 2]]);
    await reopen();
    expect(versionsRead()).toEqual([[3, 1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 2]]);
    expect(readCheckpoint(environment)!.sessions.length).toBe(0);
  });

  test('keeps at most two images of a page', async () => {
    for (let checkpoint = 1; checkpoint <= 12; checkpoint++) {
      writer.write(makePages(names(0, range(0, 20), checkpoint)), checkpoint);
      writer.complete(record(checkpoint, [20, 0]));
      if (checkpoint % 3 === 0) await reopen();
    }
    expect([...environment.pages.getKeys()].length).toBe(40);
    expect(versionsRead()).toEqual([range(0, 20).map(() => 12)]);
  });

  test('that was not completed leaves no trace, even when its number is used again', async () => {
    writer.write(makePages(names(0, range(0, 6), 1)), 1);
    writer.complete(record(1, [6, 0]));
    writer.write(makePages(names(0, [0, 1, 2, 6], 7)), 2);
    expect(versionsRead()).toEqual([[1, 1, 1, 1, 1, 1]]);
    await reopen();
    expect(versionsRead()).toEqual([[1, 1, 1, 1, 1, 1]]);
    expect([...environment.pages.getKeys()].length).toBe(6);
    writer.write(makePages(names(0, [2, 6], 2)), 2);
    writer.complete(record(2, [7, 0]));
    expect(versionsRead()).toEqual([[1, 1, 2, 1, 1, 1, 2]]);
  });

  test('takes pages again that were written before a failure', () => {
    writer.write(makePages(names(0, range(0, 6), 1)), 1);
    writer.complete(record(1, [6, 0]));
    writer.write(makePages(names(0, [1, 2], 9)), 2);
    writer.write(makePages(names(0, [1, 2, 3], 2)), 2);
    writer.complete(record(2, [6, 0]));
    expect(versionsRead()).toEqual([[1, 2, 2, 2, 1, 1]]);
  });

  test('has the next number', () => {
    expect(error(() => writer.write(makePages(names(0, [0], 1)), 2)).message).toMatch(
      'expected checkpoint 1, got 2',
    );
    expect(error(() => writer.complete(record(3, [0, 0]))).message).toMatch('expected number 1, got 3');
  });

  test('random histories with restarts', async () => {
    const random = new Random(77n);
    const below = (n: number): number => random.uint32() % n;
    let complete: number[] = [];
    for (let checkpoint = 1; checkpoint <= 15; ) {
      const pages = new Set(
        range(0, complete.length + below(5)).filter((page) => page >= complete.length || below(3) === 0),
      );
      const next = complete.slice();
      for (const page of pages) next[page] = checkpoint;
      if (pages.size > 0) writer.write(makePages(names(0, [...pages], checkpoint)), checkpoint);
      if (below(3) === 0) await reopen();
      else {
        writer.complete(record(checkpoint, [next.length, 0]));
        complete = next;
        checkpoint++;
      }
      if (complete.length > 0) expect(versionsRead()).toEqual([complete]);
    }
  });
});

describe('damage', () => {
  beforeEach(() => {
    writer.write(makePages([...names(0, range(0, 300), 1), ...names(1, range(0, 2), 1)]), 1);
    writer.complete(record(1, [300, 2], new Uint8Array(1024 * 1024 + 5)));
  });

  const flip = (store: StateEnvironment['pages'], key: Buffer, offset: number): void => {
    const bytes = store.getBinary(key)!;
    bytes[offset]! ^= 0x20;
    store.putSync(key, bytes);
  };

  test.each([0, 4, 9, 17, 40, 64, 2000, 4063])(
    'a flipped bit in byte %i of a page names table and page',
    (offset) => {
      flip(environment.pages, pageKey(0, 271, 1), offset);
      const { code, message } = error(versionsRead);
      expect(code).toBe('state_corrupt');
      expect(message).toMatch(/table accounts, page 271: .*delete the state folder/);
    },
  );

  test('a page that is missing, cut short or another one', () => {
    const whole = environment.pages.getBinary(pageKey(1, 1, 1))!;
    environment.pages.putSync(pageKey(1, 1, 1), whole.subarray(0, 4000));
    expect(error(versionsRead).message).toMatch('table pending, page 1: expected 4064 bytes, got 4000');
    environment.pages.putSync(pageKey(1, 1, 1), environment.pages.getBinary(pageKey(1, 0, 1))!);
    expect(error(versionsRead).message).toMatch('table pending, page 1: another page');
    environment.pages.removeSync(pageKey(1, 1, 1));
    expect(error(versionsRead).message).toMatch('table pending, page 1: it is missing');
    environment.pages.removeSync(pageKey(0, 5, 1));
    expect(error(versionsRead).message).toMatch('table accounts, page 5: it is missing');
    environment.pages.removeSync(pageKey(0, 0, 1));
    expect(error(versionsRead).message).toMatch('table accounts, page 0: it is missing');
  });

  test('the record, or the sessions', () => {
    flip(environment.meta, sessionsKey(1), 3);
    expect(error(() => readCheckpoint(environment)).message).toMatch('expected sessions with SHA-256');
    environment.meta.removeSync(sessionsKey(1));
    expect(error(() => readCheckpoint(environment)).message).toMatch(
      'expected 5 bytes of sessions at 1048576, got none',
    );
    flip(environment.meta, META_CHECKPOINT_KEY, 60);
    expect(error(() => readCheckpoint(environment)).code).toBe('state_corrupt');
  });
});
