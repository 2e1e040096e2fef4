// The benchmarks of the kernels run, small: they prove all sides equal before they time anything.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

async function small(file: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', file, '--small'], { cwd: root });
  return stdout;
}

test('every contender computes the same, and the ratios come out', { timeout: 120_000 }, async () => {
  const out = await small('bench/crypto/index.ts');
  for (const title of [
    'Ed25519 verify',
    'Ed25519 sign',
    'X25519',
    'HPKE open',
    'Sign with a proof',
    'Verify a proof',
    'SHA-256',
    'SHA-512',
    'ChaCha20',
  ]) {
    expect(out).toContain(title);
  }
  expect(out).toMatch(/Ed25519 batch of 64 : sodium-native single +\d+\.\d\d ×/);
  expect(out).toMatch(/X25519 batch of 64 : node:crypto +\d+\.\d\d ×/);
  expect(out).toMatch(/verify, batch of 8 : cashu-ts +\d+\.\d\d ×/);
  expect(out).toMatch(/HPKE open, batch of 64 : @hpke\/core +\d+\.\d\d ×/);
});

test('the benchmark of timing leaks runs through controls, kernels and floor', {
  timeout: 120_000,
}, async () => {
  const out = await small('bench/crypto/leaks.ts');
  expect(out).toContain('must show a leak');
  expect(out).toContain('must show none');
  expect(out).toContain('the floor');
});
