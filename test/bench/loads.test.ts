// The benchmark of loads runs, small: every load is in the books of every party before anything is printed of it.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('loads through all roles come out, and the audit passes', { timeout: 180_000 }, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/loads.ts', '--small', '--profile', '--roles', 'own'],
    { cwd: root },
  );
  expect(stdout).toMatch(/loads, prepared +16 under way +\d+\/s +p50 /);
  expect(stdout).toMatch(/audit: \d+ checks passed, 106 loads in the books of every party/);
  const results = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(Object.keys(results)).toEqual(['machine', 'own']);
  for (const { what, count, perSecond, p50, p99, cpu, busy } of results.own) {
    expect(what).toMatch(/^(enrolments|loads), (prepared|wallets)$/);
    expect(count).toBeGreaterThan(0);
    expect(perSecond).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    for (const part of ['simulator', 'cash', 'settlement', 'management', 'this side'])
      expect(cpu[part], part).toBeGreaterThan(0);
    expect(
      busy.management.shares.reduce((sum: number, { share }: { share: number }) => sum + share, 0),
    ).toBeCloseTo(1);
  }
});
