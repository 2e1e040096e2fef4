// kill -9 while runs are sealed and merged and checkpoints written: what was announced is there, the rest is not.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PAGE_SIZE } from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';
import { StateStore } from '../../src/state/state-store.ts';
import { scratch } from '../index/harness.ts';
import { isPage } from './pages.ts';
import { PAGES, pageVersion, RUN_ENTRIES } from './victim.ts';

const ROUNDS = 6;

/** Runs the victim until it has announced something and `delayMs` more have passed; returns its last words. */
function runAndKill(path: string, delayMs: number): Promise<{ checkpoint: number; sealed: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'victim.ts'), path], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const last = { checkpoint: 0, sealed: 0 };
    let rest = '';
    let errors = '';
    let isCounting = false;
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const [what, number] = line.split(' ');
        if (what === 'checkpoint') last.checkpoint = Number(number);
        if (what === 'sealed') last.sealed = Number(number);
      }
      if (isCounting) return;
      isCounting = true;
      setTimeout(() => child.kill('SIGKILL'), delayMs);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    child.on('exit', (_, signal) => {
      if (signal === 'SIGKILL') resolve(last);
      else reject(new Error(`the victim ended by itself: ${errors}`));
    });
  });
}

test('killed at any moment, opened again', async () => {
  const folder = scratch();
  const random = new Random(9n);
  let checkpoint = 0;
  let sealed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const said = await runAndKill(folder.path, 20 + (random.uint32() % 400));
    checkpoint = Math.max(checkpoint, said.checkpoint);
    sealed = Math.max(sealed, said.sealed);
    const store = await StateStore.open({ path: folder.path });
    // The last one may have been done without having been announced.
    expect(store.checkpointNumber).toBeGreaterThanOrEqual(checkpoint);
    expect(store.checkpointNumber).toBeLessThanOrEqual(checkpoint + 1);
    checkpoint = store.checkpointNumber;
    const wrong: number[] = [];
    store.readPages((table, first, count, images) => {
      for (let i = 0; i < count; i++) {
        const image = images.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
        const version = pageVersion(first + i, checkpoint);
        if (!isPage(image, { table, page: first + i, version })) wrong.push(first + i);
      }
    });
    expect(wrong).toEqual([]);
    if (checkpoint > 0) expect(store.checkpoint!.pageCounts).toEqual([PAGES]);
    expect(store.coveredOp).toBeGreaterThanOrEqual(sealed);
    expect(store.coveredOp).toBeLessThanOrEqual(sealed + 1);
    sealed = store.coveredOp;
    const entries = store.runs.reduce((sum, run) => sum + run.entries, 0);
    expect(entries).toBe(sealed * RUN_ENTRIES);
    const page = new Uint8Array(65_504);
    for (const run of store.runs) {
      let read = 0;
      for (let number = 0; number < run.pages; number++) {
        read += (store.readRunPage(run.id, number, page) - 32) / 24;
      }
      expect(read).toBe(run.entries);
    }
    await store.close();
  }
  expect(checkpoint).toBeGreaterThan(0);
  expect(sealed).toBeGreaterThan(8);
  folder.remove();
}, 120_000);
