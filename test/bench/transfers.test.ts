// The benchmark of settled transfers runs, small: both sides' work is proven equal before and after anything is timed.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test.runIf(process.env.SPECIE_SLOW_TESTS === '1')(
  'transfers are settled from bundles, beside orders',
  { timeout: 120_000 },
  async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'bench/transfers.ts', '--small'],
      { cwd: root },
    );
    expect(stdout).toContain(
      '256 of each, 3 forged ones found at their places, 253 paid once though sent twice',
    );
    const { results } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(results.map(({ name }: { name: string }) => name)).toEqual([
      'settle_transfer',
      'create_payment_orders',
    ]);
    for (const { best, cpuMicroseconds } of results) {
      expect(best).toBeGreaterThan(0);
      expect(cpuMicroseconds).toBeGreaterThan(0);
    }
  },
);
