import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JournalError } from '../../src/journal/errors.ts';
import type { JournalTip } from '../../src/journal/journal.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { LmdbJournalReader } from '../../src/journal/lmdb-reader.ts';
import { checkStoreFile, StoreFileError } from '../../src/journal/store-file.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import { createRandom, createSlots, fillSlot } from './slots.ts';
import { temporaryDirectory } from './support.ts';

const MAP_SIZE_BYTES = 2 ** 28;
const ENTRIES = 60;
const PAGE = 4096;

let original: string;
let tip: JournalTip;

beforeAll(async () => {
  original = mkdtempSync(join(tmpdir(), 'specie-journal-'));
  const journal = await LmdbJournal.open({ path: original, mapSizeBytes: MAP_SIZE_BYTES });
  const memory = createSlots(1);
  const random = createRandom(31);
  for (let op = 1; op <= ENTRIES; op++) {
    await journal.append(memory, [fillSlot(memory, 0, op, random(500), random).entry]);
  }
  tip = journal.tip;
  await journal.close();
});

afterAll(() => rmSync(original, { recursive: true, force: true }));

function copyStore(): { path: string; file: string } {
  const path = join(temporaryDirectory(), 'journal');
  mkdirSync(path);
  const file = join(path, 'data.mdb');
  copyFileSync(join(original, 'data.mdb'), file);
  return { path, file };
}

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}

/** Runs what an opening and a check of the store run: 'refused', 'found', or the digest of the proved tip. */
async function inspect(path: string, file: string): Promise<string> {
  try {
    checkStoreFile(file);
  } catch (error) {
    expect(error).toBeInstanceOf(StoreFileError);
    return 'refused';
  }
  const reader = LmdbJournalReader.open(path, MAP_SIZE_BYTES);
  try {
    const { proof, finding } = await verifyChain(reader, { known: { op: tip.op, digest: tip.digest } });
    return finding === undefined ? Buffer.from(proof.digest).toString('hex') : 'found';
  } finally {
    await reader.close();
  }
}

test('the file of a healthy store is accepted', () => {
  const report = checkStoreFile(join(original, 'data.mdb'))!;
  expect(report.bytes).toBe(statSync(join(original, 'data.mdb')).size);
  expect(report.entries).toBeGreaterThan(ENTRIES);
  expect(checkStoreFile(join(original, 'none.mdb'))).toBeUndefined();
});

test('a file that was cut short is refused with its size, and nothing crashes', async () => {
  const { path, file } = copyStore();
  const { size } = statSync(file);
  for (const length of [
    size - 1,
    size - PAGE,
    Math.floor(size / 2),
    10 * PAGE,
    2 * PAGE,
    PAGE + 100,
    100,
    1,
  ]) {
    truncateSync(file, length);
    expect(() => checkStoreFile(file)).toThrow(`got ${length}: the file was cut short`);
    await expect(LmdbJournal.open({ path, mapSizeBytes: MAP_SIZE_BYTES })).rejects.toThrow(JournalError);
  }
});

test('a file that is longer than its last page is accepted', async () => {
  const { path, file } = copyStore();
  truncateSync(file, statSync(file).size + 2 ** 20);
  expect(await inspect(path, file)).toBe(Buffer.from(tip.digest).toString('hex'));
});

test('a file of something else is refused', () => {
  const { file } = copyStore();
  overwrite(file, 0, Buffer.alloc(2 * PAGE, 'not a store '));
  expect(() => checkStoreFile(file)).toThrow(StoreFileError);
});

/** The pages that LMDB follows: the two meta pages, and branches and leaves of the newest state. */
function structurePages(file: string, bytes: Buffer): number[] {
  const pages = [0, 1];
  for (let page = 2; page < bytes.length / PAGE; page++) {
    const flags = page * PAGE + 18;
    if (bytes[flags] !== 1 && bytes[flags] !== 2) continue;
    // Pages of older states look the same; only one that is in use is missed.
    overwrite(file, flags, Buffer.of(0xff));
    try {
      checkStoreFile(file);
    } catch {
      pages.push(page);
    }
    overwrite(file, flags, bytes.subarray(flags, flags + 1));
  }
  return pages;
}

test('flipped bits are refused, found, or change nothing; none of them crashes', {
  timeout: 180_000,
}, async () => {
  const bytes = readFileSync(join(original, 'data.mdb'));
  const { path, file } = copyStore();
  const pages = structurePages(file, bytes);
  expect(pages.length).toBeGreaterThan(10);
  const random = createRandom(32);
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 700; round++) {
    // Half of them where LMDB's own numbers are dense: headers, node places, node headers.
    const page = pages[random(pages.length)]!;
    const within = random(2) === 0 ? random(200) : random(PAGE);
    const at = round % 10 === 0 ? random(bytes.length) : page * PAGE + within;
    const isRun = random(8) === 0;
    const damage = Buffer.from(bytes.subarray(at, at + (isRun ? 1 + random(64) : 1)));
    if (isRun) for (let i = 0; i < damage.length; i++) damage[i] = random(256);
    else damage[0]! ^= 1 << random(8);
    overwrite(file, at, damage);
    const outcome = await inspect(path, file);
    expect(['refused', 'found', Buffer.from(tip.digest).toString('hex')], `byte ${at}`).toContain(outcome);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    // LMDB may have written a meta page when it opened its databases.
    copyFileSync(join(original, 'data.mdb'), file);
  }
  expect(outcomes.get('refused')).toBeGreaterThan(100);
  expect(outcomes.get('found')).toBeGreaterThan(30);
});
