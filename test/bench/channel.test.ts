// The benchmark of the encrypted channel runs, small: both sides do the same work before anything is timed.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('throughput, latency, handshakes and cipher come out', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/channel.ts', '--small'],
    { cwd: root },
  );
  expect(stdout).toMatch(/encrypted : plain +median \d\.\d{3}/);
  expect(stdout).toMatch(/ping +encrypted +p50/);
  expect(stdout).toMatch(/IK, both sides/);
  expect(stdout).toMatch(/Opening 65,519 bytes/);
  const results = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(Object.keys(results)).toEqual([
    'machine',
    'throughput',
    'latency',
    'connections',
    'handshakes',
    'cipher',
  ]);
});
