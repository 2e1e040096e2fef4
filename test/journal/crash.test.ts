import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import { createRandom } from './slots.ts';
import { temporaryDirectory } from './support.ts';

const CHILD = fileURLToPath(new URL('./append-child.ts', import.meta.url));
const KILLS = 12;

test(`${KILLS} times killed while it appends: what was acknowledged is there, groups are whole`, {
  timeout: 180_000,
}, async () => {
  const path = temporaryDirectory();
  const random = createRandom(7);
  let acknowledged = 0;
  let landed = 0;
  for (let round = 0; round < KILLS; round++) {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    let output = '';
    // The delay counts from the first group, so that each kill falls into the appending.
    child.stdout.on('data', (data: Buffer) => {
      if (output === '') setTimeout(() => child.kill('SIGKILL'), 20 + random(200));
      output += data;
    });
    await closed;
    const lines = output.split('\n').filter((line) => /^(start|done) \d+$/.test(line));
    const opOf = (word: string): number =>
      Number(lines.findLast((line) => line.startsWith(word))?.split(' ')[1] ?? acknowledged);
    const started = opOf('start');
    acknowledged = opOf('done');

    const journal = await LmdbJournal.open({ path });
    const { op, digest } = journal.tip;
    expect([acknowledged, started]).toContain(op);
    if (op > acknowledged) landed++;
    const { proof, finding } = await verifyChain(journal);
    expect(finding).toBeUndefined();
    expect(proof).toMatchObject({ fromOp: 1, toOp: op, digest });
    await journal.close();
    acknowledged = op;
  }
  expect(acknowledged).toBeGreaterThan(KILLS);
  // Both outcomes of a kill are right; that all of them were the same one would mean that kills fell elsewhere.
  expect(landed).toBeLessThan(KILLS);
});
