// Flipped and missing bytes in a closed store. An engine that is given such a store either refuses it, with words that
// say what to do, or opens it with the right state; it never dies of it, and never opens it with another state. What is
// damaged is drawn: SPECIE_CRASH_SEED=… draws it again, SPECIE_SLOW_TESTS=1 draws more.
import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JournalError } from '../../src/journal/errors.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import type { Transfer } from '../../src/layout/generated.ts';
import { Ledger } from '../../src/ledger/index.ts';
import { Random } from '../../src/shared/random.ts';
import { openStateEnvironment } from '../../src/state/environment.ts';
import { type EngineFailure, probe, type Start } from './engine-process.ts';
import { type Story, tellStory } from './store.ts';
import { copyStore, seedOf, temporaryDirectory } from './support.ts';

const PAGE_BYTES = 4096;
/** A start of the engine each, or two. */
const TRIALS = process.env.SPECIE_SLOW_TESTS === '1' ? 200 : 15;
/** About half of them are refused; a draw of little luck passes too. */
const REFUSED_MIN = TRIALS / 20;

let folder: string;
let story: Story;
let random: Random;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'specie-crash-'));
  const seed = seedOf();
  process.stdout.write(`damage: SPECIE_CRASH_SEED=${seed}\n`);
  random = new Random(seed);
  story = await tellStory(folder, seed, 120, true);
}, 90_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Overwrites a few bytes: of the meta pages, of some page's header, anywhere. Returns what it did. */
function flip(file: string): string {
  const { size } = statSync(file);
  const pages = size / PAGE_BYTES;
  const kind = random.below(10);
  let at = random.below(size);
  if (kind < 3) at = random.below(2) * PAGE_BYTES + random.below(160);
  else if (kind < 6) at = random.below(pages) * PAGE_BYTES + random.below(64);
  const bytes = Buffer.alloc(Math.min(1 + random.below(8), size - at));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
  return `${bytes.toString('hex')} at ${at} of ${size}`;
}

function cut(file: string): string {
  const { size } = statSync(file);
  const to = 1 + random.below(random.chance(0.3) ? 3 * PAGE_BYTES : size - 1);
  truncateSync(file, to);
  return `cut from ${size} to ${to}`;
}

/** The refusal, if it is one; throws for an engine that has died of it or has opened it with another state. */
function refusalOf(start: Start, did: string): EngineFailure | undefined {
  if (start.kind === 'died')
    throw new Error(`${did}: expected a refusal or a start, but it died: ${start.how}`);
  if (start.kind === 'refused') return start.error;
  if (start.ready.digest !== story.later.digest) throw new Error(`${did}: it opened with another state`);
  return undefined;
}

test('the journal', { timeout: 120_000 + 2_000 * TRIALS }, async () => {
  const seen = { refused: 0, verified: 0, harmless: 0 };
  for (let trial = 0; trial < TRIALS; trial++) {
    const path = temporaryDirectory();
    copyStore(story.later.path, path);
    const did = (trial % 3 === 2 ? cut : flip)(join(path, 'journal', 'data.mdb'));
    // Without a state every entry is read again.
    if (trial % 2 === 1) rmSync(join(path, 'state'), { recursive: true });
    const start = await probe(path);
    const error = refusalOf(start, did);
    if (error !== undefined) {
      seen.refused++;
      expect(['JournalError', 'StoreFileError', 'ReplayError'], did).toContain(error.name);
      expect(error.message, did).toMatch(/restore the (store|journal) from a copy|specie verify/);
      continue;
    }
    // What a start need not read, a verification does.
    const finding = await findingOf(path);
    if (finding === undefined) seen.harmless++;
    else seen.verified++;
  }
  process.stdout.write(`damage, journal: ${JSON.stringify(seen)}\n`);
  expect(seen.refused).toBeGreaterThan(REFUSED_MIN);
});

async function findingOf(path: string): Promise<string | undefined> {
  let journal: LmdbJournal;
  try {
    journal = await LmdbJournal.open({ path: join(path, 'journal') });
  } catch (error) {
    if (error instanceof JournalError) return error.message;
    throw error;
  }
  const { finding, proof } = await verifyChain(journal);
  await journal.close();
  if (finding === undefined) expect(proof.toOp).toBe(story.later.op);
  return finding?.what;
}

test('the state: refused by name or harmless, and without it all is well', {
  timeout: 120_000 + 2_000 * TRIALS,
}, async () => {
  const seen = { refused: 0, harmless: 0 };
  for (let trial = 0; trial < TRIALS; trial++) {
    const path = temporaryDirectory();
    copyStore(story.later.path, path);
    const did = (trial % 3 === 2 ? cut : flip)(join(path, 'state', 'data.mdb'));
    const error = refusalOf(await probe(path), did);
    if (error === undefined) {
      seen.harmless++;
      continue;
    }
    seen.refused++;
    expect(error, did).toMatchObject({ name: 'StateStoreError', code: 'state_corrupt' });
    expect(error.message, did).toContain('delete the state folder');
    if (seen.refused > 4) continue;
    rmSync(join(path, 'state'), { recursive: true });
    expect(refusalOf(await probe(path), did)).toBeUndefined();
  }
  process.stdout.write(`damage, state: ${JSON.stringify(seen)}\n`);
  expect(seen.refused).toBeGreaterThan(REFUSED_MIN);
});

/** A plain transfer of long ago. */
function oldTransfer(): Transfer {
  for (const { batch, answer } of story.asked) {
    if (batch.kind !== 'transfers' || answer === undefined) continue;
    const found = batch.events.find(
      ({ id, flags }, i) => id < 1000n && flags === 0 && answer[i]!.status === 'created',
    );
    if (found !== undefined) return found;
  }
  throw new Error('expected a transfer that was created, got none');
}

test('a run of ids that is found damaged in the middle of a batch stops the engine, and nothing of the batch is kept', async () => {
  const path = temporaryDirectory();
  copyStore(story.later.path, path);
  const environment = openStateEnvironment(join(path, 'state'), 2 ** 30);
  let damaged = 0;
  environment.root.transactionSync(() => {
    for (const key of [...environment.runs.getKeys()].map((one) => Buffer.from(one))) {
      const value = Buffer.from(environment.runs.getBinary(key)!);
      value[value.length >> 1]! ^= 0x10;
      environment.runs.putSync(key, value);
      damaged++;
    }
  });
  await environment.root.close();
  expect(damaged).toBeGreaterThan(0);

  const old = oldTransfer();
  const fresh = { ...old, id: (1n << 125n) + 7n };
  const accounts = [old.debitAccountId, old.creditAccountId];
  const failures: string[] = [];
  const log = (event: string, detail: Record<string, unknown>) => {
    if (event === 'kernel failed') failures.push(String(detail.error));
  };
  const ledger = await Ledger.open({ path, log });
  expect(ledger.digest()).toBe(story.later.digest);
  const refused = { status: 'stopped' };
  await expect(ledger.createTransfers([fresh, { ...old, amount: old.amount + 1n }])).rejects.toMatchObject({
    code: 'internal_error',
    message: expect.stringContaining('damaged'),
  });
  expect(failures).toEqual([expect.stringContaining('delete the state folder')]);
  expect(ledger.health()).toMatchObject(refused);
  await expect(ledger.createTransfers([{ ...fresh, id: fresh.id + 1n }])).rejects.toMatchObject({
    code: 'internal_error',
  });
  await expect(ledger.lookupAccounts(accounts)).rejects.toMatchObject({ code: 'internal_error' });
  await ledger.close();

  rmSync(join(path, 'state'), { recursive: true });
  const healed = await Ledger.open({ path });
  expect(healed.recovery.tipOp).toBe(story.later.op);
  expect(healed.digest()).toBe(story.later.digest);
  const results = await healed.createTransfers([{ ...old, amount: old.amount + 1n }]);
  expect(results[0]!.status).toBe('exists_with_different_amount');
  expect(await healed.lookupTransfers([fresh.id])).toEqual([]);
  await healed.close();
});
