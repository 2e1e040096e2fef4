// The benchmark of notes runs, small: issuer, receiver and gateway sign and take what cashu-ts signs and takes, and at the end every
// exchange is delivered and nothing can be taken twice.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test.runIf(process.env.SPECIE_SLOW_TESTS === '1')(
  'notes are issued, swapped, taken in and exchanged, beside cashu-ts',
  { timeout: 180_000 },
  async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', './bench/built.mjs', 'bench/notes.ts', '--small', '--one-process'],
      { cwd: root },
    );
    expect(stdout).toContain('proven: 16 notes, signed by issuer and receiver as cashu-ts signs them');
    expect(stdout).toMatch(/the gateway’s books: 9 exchanges delivered, 765 out in local notes/);
    const { results, cashu, ratios } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(
      results.map(({ what, underWay, count }: Record<string, unknown>) => [what, underWay, count]),
    ).toEqual([
      ['issue_notes', 4, 4],
      ['swap', 4, 4],
      ['take_notes', 4, 4],
      ['exchanges', 1, 2],
      ['exchanges', 2, 2],
    ]);
    for (const { perSecond, p50, p99, cpu } of results) {
      expect(perSecond).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
      for (const part of ['roles', 'this side']) expect(cpu[part], part).toBeGreaterThan(0);
    }
    expect(results.at(-1).cpu.gateway).toBeGreaterThan(0);
    for (const microseconds of Object.values(cashu)) expect(microseconds).toBeGreaterThan(0);
    expect(ratios).toHaveLength(results.length);
  },
);
