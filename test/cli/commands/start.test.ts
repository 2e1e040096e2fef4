// `specie start` of a home: what it says, and what it does where the directory is one of an earlier version.
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asVersion05 } from '../../identity/folders.ts';
import { makeHome, type TestHome } from '../../system/home.ts';
import { spawnSpecie } from '../support.ts';

let home: TestHome;
beforeAll(async () => {
  home = await makeHome();
});
afterAll(() => home?.remove());

/** Starts it, and stops it once it has started. @returns its log */
async function startAndStop(...more: string[]): Promise<Record<string, unknown>[]> {
  const child = spawnSpecie(['start', '--home', home.home, ...more]);
  const log: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    log.push(entry);
    if (entry.msg === 'started') child.kill('SIGTERM');
  });
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  expect([code, stderr]).toEqual([0, '']);
  return log;
}

const of = (log: Record<string, unknown>[], message: string) => log.filter(({ msg }) => msg === message);

test('a directory of version 0.5: what it lists starts, and a line says how to add the others', async () => {
  await asVersion05(home.home);
  const log = await startAndStop();
  expect(of(log, 'started')).toMatchObject([{ roles: ['cash', 'settlement', 'management'] }]);
  const [warning, ...others] = log.filter(({ level }) => (level as number) >= 40);
  expect(others).toEqual([]);
  expect(warning).toMatchObject({
    roles: ['issuer', 'receiver'],
    msg: expect.stringMatching(/^not started, as the directory does not list them: run specie init /),
  });
});
