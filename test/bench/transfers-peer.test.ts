// The benchmark of transfers runs, small: two processes, and both sides' books agree before it says a number.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test.runIf(process.env.SPECIE_SLOW_TESTS === '1')(
  'transfers between two processes',
  { timeout: 180_000 },
  async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'bench/transfers-peer.ts', '--small'],
      { cwd: root },
    );
    expect(stdout).toMatch(/transfers +\d+\/s +p50 /);
    expect(stdout).toContain('books: 10 transfers subtracted and added, each once');
    const { result } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(result).toMatchObject({ count: 8 });
    for (const side of ['payer', 'payee']) expect(result.cpu[side], side).toBeGreaterThan(0);
  },
);
