import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'specie-crash-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Copies a store, or one folder of it, that no process has open; not the lock, which is of the place. */
export function copyStore(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: (file) => !/\/(owner|draft)\.[^/]*$|\/lock\.mdb$/.test(file) });
}

/** Seed of what a test draws: SPECIE_CRASH_SEED, or of the day. Timing is never repeatable, what is sent is. */
export function seedOf(): bigint {
  const given = process.env.SPECIE_CRASH_SEED;
  return given === undefined ? BigInt(Date.now()) : BigInt(given);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until `isTrue`, looking every 20 ms. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`expected ${what} within ${timeoutMs} ms`);
    await pause(20);
  }
}
