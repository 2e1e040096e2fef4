// The benchmark of purchases runs, small: every purchase is in the books of every party before it comes out.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('purchases through shop, management and cash are paid, and the audit passes', {
  timeout: 180_000,
}, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/purchases.ts', '--small', '--profile'],
    { cwd: root },
  );
  expect(stdout).toMatch(/purchases +32 under way +\d+\/s +p50 /);
  expect(stdout).toMatch(/audit: 277 purchases in the books of every party, every balance as it must be/);
  const { results } = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(results.map(({ underWay, count }: Record<string, number>) => [underWay, count])).toEqual([
    [1, 5],
    [32, 256],
  ]);
  for (const { perSecond, p50, p99, cpu } of results) {
    expect(perSecond).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    for (const part of ['cash', 'management', 'shop', 'this side'])
      expect(cpu[part], part).toBeGreaterThan(0);
  }
});
