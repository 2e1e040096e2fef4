import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { JournalError } from '../../src/journal/errors.ts';
import { lockStore } from '../../src/journal/store-lock.ts';
import { temporaryDirectory } from './support.ts';

const CHILD = fileURLToPath(new URL('./lock-child.ts', import.meta.url));

interface Holder {
  readonly child: ChildProcess;
  /** "locked" or the refusal. */
  readonly answer: string;
}

async function startHolder(path: string): Promise<Holder> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [data] = await once(child.stdout!, 'data');
  return { child, answer: String(data).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

test('a store that is open is refused, with the process that has it', async () => {
  const path = temporaryDirectory();
  const lock = await lockStore(path);
  await expect(lockStore(path)).rejects.toThrow(`process ${process.pid} has it open`);
  const { answer } = await startHolder(path);
  expect(answer).toContain('journal_locked');
  await lock.release();
  await (await lockStore(path)).release();
});

test('the lock of a process that was killed is free at once', async () => {
  const path = temporaryDirectory();
  for (let round = 0; round < 3; round++) {
    const { child, answer } = await startHolder(path);
    expect(answer).toBe('locked');
    await expect(lockStore(path)).rejects.toThrow(`process ${child.pid} has it open`);
    await kill(child);
    await (await lockStore(path)).release();
  }
});

test('a process that is stopped keeps its store', async () => {
  const path = temporaryDirectory();
  const { child } = await startHolder(path);
  child.kill('SIGSTOP');
  await expect(lockStore(path)).rejects.toThrow('a process that does not answer has it open');
  await kill(child);
});

test('of many that want a free store one gets it', async () => {
  const path = temporaryDirectory();
  for (let round = 0; round < 20; round++) {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockStore(path)));
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(won.length).toBe(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(JournalError);
    }
    await won[0]!.value.release();
    // Numbers grow by one a round, and nothing but the newest stays behind.
    expect(readdirSync(path)).toEqual([`owner.${round + 1}`]);
  }
});

test('processes that start together: one gets the store', async () => {
  const path = temporaryDirectory();
  const holders = await Promise.all(Array.from({ length: 4 }, () => startHolder(path)));
  expect(holders.map(({ answer }) => answer).filter((answer) => answer === 'locked').length).toBe(1);
});

test('a path longer than a socket address works', async () => {
  const path = join(temporaryDirectory(), 'a'.repeat(120));
  mkdirSync(path);
  const lock = await lockStore(path);
  await expect(lockStore(path)).rejects.toThrow('has it open');
  await lock.release();
  await (await lockStore(path)).release();
});
