// The benchmark of payment orders runs, small: the work is proven before and after anything is timed.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('orders straight to cash are verified and paid', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/orders.ts', '--small', '--profile', '--threads', '1'],
    { cwd: root },
  );
  expect(stdout).toMatch(
    /proven: 300 orders of 64 devices, 3 forged ones found at their places, 297 paid once though sent twice/,
  );
  expect(stdout).toMatch(/proven: 3,600 orders are in the balances/);
  const { results, verificationAlone } = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(results.map(({ side }: { side: string }) => side)).toEqual(['plain', 'encrypted']);
  for (const { best, median, cashCpu, acquirerCpu } of results) {
    expect(best).toBeGreaterThanOrEqual(median);
    expect(median).toBeGreaterThan(0);
    expect(cashCpu).toBeGreaterThan(0);
    expect(acquirerCpu).toBeGreaterThan(0);
  }
  expect(verificationAlone).toBeGreaterThan(0);
});
