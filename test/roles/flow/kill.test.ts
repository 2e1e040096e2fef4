// The same as crash.test.ts with real stores and real ends: SIGKILL at every trace point.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../store/support.ts';
import { BALANCE_FIRST } from './toy.ts';
import { amountOf, type Report } from './toy-child.ts';

/** Runs the child; undefined: it was killed. */
function runChild(folder: string, number: number, killAt: number): Promise<Report | undefined> {
  return new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, 'toy-child.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', file, folder, String(number), String(killAt)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(JSON.parse(said));
      else reject(new Error(errors));
    });
  });
}

/** Written, performed and written again, by two roles; before and after each. */
const TRACE_POINTS = 12;

test('killed at each trace point of a request, on the same stores: every request exactly once', async () => {
  const folder = temporaryDirectory();
  for (let number = 1; number <= TRACE_POINTS; number++) {
    expect(await runChild(folder, number, number)).toBeUndefined();
  }
  const report = (await runChild(folder, TRACE_POINTS + 1, 0))!;
  const ids = Array.from({ length: TRACE_POINTS + 1 }, (_, i) => BigInt(i + 1));
  const moved = ids.filter((id) => amountOf(id) === 1n);
  expect(report.became).toEqual(ids.map((id) => (moved.includes(id) ? 'moved' : 'returned')));
  expect(report.outside.toSorted()).toEqual(moved.map(String).toSorted());
  expect(report.balance).toBe(String(BALANCE_FIRST - BigInt(moved.length)));
  expect(report.taken).toBe(String(moved.length));
}, 300_000);
