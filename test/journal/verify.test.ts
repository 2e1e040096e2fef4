import { hash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Environment, openEnvironment } from '../../src/journal/environment.ts';
import { HEADER_SIZE, headerDigest, writeKey } from '../../src/journal/format.ts';
import type { JournalTip } from '../../src/journal/journal.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { LmdbJournalReader } from '../../src/journal/lmdb-reader.ts';
import { type Verification, type VerifyOptions, verifyChain } from '../../src/journal/verify.ts';
import { createRandom, createSlots, fillSlot } from './slots.ts';
import { temporaryDirectory } from './support.ts';

const MAP_SIZE_BYTES = 2 ** 28;
const COUNTS = [300, 1, 0, 8190, 256, 257, 700, 40];

let original: string;
let tip: JournalTip;

beforeAll(async () => {
  original = mkdtempSync(join(tmpdir(), 'specie-journal-'));
  const journal = await LmdbJournal.open({ path: original, mapSizeBytes: MAP_SIZE_BYTES });
  const memory = createSlots(1);
  const random = createRandom(21);
  for (const [i, count] of COUNTS.entries()) {
    await journal.append(memory, [fillSlot(memory, 0, i + 1, count, random).entry]);
  }
  tip = journal.tip;
  await journal.close();
});

afterAll(() => rmSync(original, { recursive: true, force: true }));

function key(op: number, part: number): Buffer {
  return writeKey(Buffer.alloc(8), op, part);
}

/** Verifies a copy of the journal after `change`. */
async function verifyChanged(
  change: (environment: Environment) => void,
  options?: VerifyOptions,
): Promise<Verification> {
  const path = join(temporaryDirectory(), 'journal');
  cpSync(join(original, 'data.mdb'), join(path, 'data.mdb'));
  const environment = openEnvironment(path, MAP_SIZE_BYTES);
  environment.root.transactionSync(() => change(environment));
  const reader = new LmdbJournalReader(environment);
  try {
    return await verifyChain(reader, options);
  } finally {
    await reader.close();
  }
}

function get({ entries }: Environment, op: number, part: number): Buffer {
  return Buffer.from(entries.getBinary(key(op, part))!);
}

test('an intact journal is proved to its tip', async () => {
  const progress: number[] = [];
  const { proof, finding } = await verifyChanged(() => {}, { onProgress: (op) => progress.push(op) });
  expect(finding).toBeUndefined();
  expect(proof).toMatchObject({
    fromOp: 1,
    toOp: COUNTS.length,
    records: COUNTS.reduce((sum, count) => sum + count),
    timestamp: tip.timestamp,
    digest: tip.digest,
  });
  expect(progress.at(-1)).toBe(COUNTS.length);
  const part = await verifyChanged(() => {}, { fromOp: 3, toOp: 5 });
  expect(part).toMatchObject({ proof: { fromOp: 3, toOp: 5, records: 8190 + 256 } });
  expect(part.finding).toBeUndefined();
});

test('a flipped bit anywhere in an entry is found, at its place', async () => {
  const random = createRandom(22);
  for (let round = 0; round < 120; round++) {
    const op = 1 + random(COUNTS.length);
    const part = random(Math.ceil(COUNTS[op - 1]! / 256) + 1);
    let at = 0;
    const { proof, finding } = await verifyChanged((environment) => {
      const value = get(environment, op, part);
      at = random(value.length);
      value[at]! ^= 1 << random(8);
      environment.entries.putSync(key(op, part), value);
    });
    expect(finding, `op ${op} part ${part} byte ${at}`).toMatchObject({
      op,
      part,
      kind: part === 0 ? 'header_damaged' : 'segment_damaged',
    });
    const [start, end] = finding!.byteRange;
    // Sizes that no longer agree are blamed on one of them.
    if (!(part === 0 && at >= 12 && at < 16)) expect(at >= start && at < end).toBe(true);
    expect(proof.toOp).toBe(op - 1);
    expect(finding!.advice).not.toBe('');
  }
});

test('each bit of a header counts', async () => {
  for (let bit = 0; bit < (HEADER_SIZE + 64) * 8; bit += 7) {
    const { finding } = await verifyChanged((environment) => {
      const value = get(environment, 1, 0);
      value[bit >> 3]! ^= 1 << (bit & 7);
      environment.entries.putSync(key(1, 0), value);
    });
    expect(finding, `bit ${bit}`).toMatchObject({ op: 1, part: 0, kind: 'header_damaged' });
  }
}, 120_000);

test('what is missing, too much or in the wrong place is found', async () => {
  const remove = (environment: Environment, op: number, part: number): void => {
    expect(environment.entries.removeSync(key(op, part))).toBe(true);
  };
  const put = (environment: Environment, op: number, part: number, value: Buffer): void => {
    environment.entries.putSync(key(op, part), value);
  };
  const cases: Record<string, [change: (environment: Environment) => void, finding: object]> = {
    'an entry is gone': [
      (environment) => {
        for (let part = 0; part <= 32; part++) remove(environment, 4, part);
      },
      { kind: 'entry_missing', op: 4 },
    ],
    'the first entry is gone': [
      (environment) => {
        for (let part = 0; part <= 2; part++) remove(environment, 1, part);
      },
      { kind: 'entry_missing', op: 1 },
    ],
    'a header is gone': [
      (environment) => remove(environment, 6, 0),
      { kind: 'part_missing', op: 6, part: 0 },
    ],
    'a segment is gone': [
      (environment) => remove(environment, 4, 17),
      { kind: 'part_missing', op: 4, part: 17 },
    ],
    'the tail is torn': [
      (environment) => remove(environment, 8, 1),
      { kind: 'part_missing', op: 8, part: 1 },
    ],
    'a segment is cut short': [
      (environment) => put(environment, 4, 9, get(environment, 4, 9).subarray(0, 5000)),
      { kind: 'segment_damaged', op: 4, part: 9 },
    ],
    'a segment too many': [
      (environment) => put(environment, 5, 2, Buffer.alloc(144)),
      { kind: 'extra_part', op: 5, part: 2 },
    ],
    'two segments are swapped': [
      (environment) => {
        const [a, b] = [get(environment, 4, 3), get(environment, 4, 4)];
        put(environment, 4, 3, b);
        put(environment, 4, 4, a);
      },
      { kind: 'segment_damaged', op: 4, part: 3 },
    ],
    'two entries are swapped': [
      (environment) => {
        for (let part = 0; part <= 1; part++) {
          const [a, b] = [get(environment, 5, part), get(environment, 8, part)];
          put(environment, 5, part, b);
          put(environment, 8, part, a);
        }
      },
      { kind: 'order_broken', op: 5, part: 0 },
    ],
    'an entry at op 0': [
      (environment) => put(environment, 0, 0, get(environment, 1, 0)),
      { kind: 'extra_entry', op: 0 },
    ],
    'an entry far beyond the end': [
      (environment) => put(environment, 1000, 0, get(environment, 3, 0)),
      { kind: 'entry_missing', op: 9 },
    ],
    'a key of another length': [
      (environment) => environment.entries.putSync(Buffer.from('stray'), Buffer.from('x')),
      { kind: 'extra_entry' },
    ],
    'an entry that was written over and hashed again': [
      (environment) => {
        const header = get(environment, 3, 0);
        header.writeBigUInt64LE(77n, 48);
        header.set(headerDigest(header), 96);
        put(environment, 3, 0, header);
      },
      { kind: 'chain_broken', op: 4, part: 0, byteRange: [64, 96] },
    ],
    'an entry before the one before it': [
      (environment) => {
        const header = get(environment, 8, 0);
        header.writeBigUInt64LE(7_000_000n, 24);
        header.set(headerDigest(header), 96);
        put(environment, 8, 0, header);
      },
      { kind: 'content_wrong', op: 8, part: 0, byteRange: [24, 32] },
    ],
  };
  for (const [name, [change, finding]] of Object.entries(cases)) {
    expect((await verifyChanged(change)).finding, name).toMatchObject(finding);
  }
});

test('effects outside their segment are found although the digests are right', async () => {
  const cases = [1, 300 * 144, 2 ** 31];
  for (const offset of cases) {
    const { finding } = await verifyChanged((environment) => {
      const segment = get(environment, 8, 1);
      segment.writeUInt32LE(offset, 40 * 128 + 39 * 16 + 12);
      const header = get(environment, 8, 0);
      header.set(hash('sha256', segment, 'buffer'), HEADER_SIZE);
      header.set(headerDigest(header), 96);
      environment.entries.putSync(key(8, 1), segment);
      environment.entries.putSync(key(8, 0), header);
    });
    expect(finding).toMatchObject({ kind: 'content_wrong', op: 8, part: 1 });
  }
});

test('an entry that is known from elsewhere must be there', async () => {
  const known = { op: tip.op, digest: tip.digest };
  expect((await verifyChanged(() => {}, { known })).finding).toBeUndefined();
  expect((await verifyChanged(() => {}, { known: { ...known, op: 9 } })).finding).toMatchObject({
    kind: 'tip_behind',
    op: 9,
  });
  expect((await verifyChanged(() => {}, { known: { ...known, op: 7 } })).finding).toMatchObject({
    kind: 'chain_broken',
    op: 7,
  });
});

test('a damaged newest entry is found when the journal is opened', async () => {
  const path = join(temporaryDirectory(), 'journal');
  cpSync(join(original, 'data.mdb'), join(path, 'data.mdb'));
  const environment = openEnvironment(path, MAP_SIZE_BYTES);
  const segment = get(environment, 8, 1);
  segment[3]! ^= 1;
  environment.entries.putSync(key(8, 1), segment);
  await environment.root.close();
  await expect(LmdbJournal.open({ path, mapSizeBytes: MAP_SIZE_BYTES })).rejects.toMatchObject({
    code: 'journal_corrupt',
    message: expect.stringContaining('op 8, segment 0'),
  });
});
