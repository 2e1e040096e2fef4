// A role takes no older directory than it has taken before, after a restart neither.
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addOperator, removeOperator } from '../../src/identity/change-operators.ts';
import { initHome } from '../../src/identity/init-home.ts';
import { loadHome } from '../../src/identity/load-home.ts';
import { PrivateFiles } from '../../src/identity/private-files.ts';
import { killAfterEachStep, newHome, noPassphrase, SCRYPT_LOG2_N } from './folders.ts';
import { DAY, START } from './support.ts';

const SEEN = 'stores/cash/directory-seen.json';
const backup = (home: string) => join(home, 'directory.backup');
const directory = (home: string) => join(home, 'directory.json');
const keepCopy = (home: string) => copyFileSync(directory(home), backup(home));
const putBack = (home: string) => copyFileSync(backup(home), directory(home));

/** Starts a role and stops it. @returns the serial that it has taken */
async function start(home: string, files?: PrivateFiles): Promise<bigint> {
  const loaded = await loadHome({
    home,
    role: 'cash',
    passphrase: noPassphrase,
    clock: () => START + 9n * DAY,
    setTimer: () => () => {},
    files,
  });
  const { serial } = loaded.directory();
  loaded.close();
  return serial;
}

const change = (home: string, day: bigint, name: string) =>
  addOperator({
    home,
    name,
    passphrase: noPassphrase,
    clock: () => START + day * DAY,
    scryptLog2N: SCRYPT_LOG2_N,
  });

test('an older directory is refused at the start, and by a role that is running', async () => {
  const home = await newHome();
  await change(home, 1n, 'thief');
  keepCopy(home);
  await removeOperator({ home, name: 'thief', passphrase: noPassphrase, clock: () => START + 2n * DAY });
  const faults: unknown[] = [];
  const running = await loadHome({
    home,
    role: 'cash',
    passphrase: noPassphrase,
    clock: () => START + 3n * DAY,
    setTimer: () => () => {},
    onFault: (error) => faults.push(error),
  });
  const { serial } = running.directory();
  putBack(home);
  await running.refresh();
  expect(faults).toMatchObject([{ code: 'rolled_back' }]);
  expect(running.directory().serial).toBe(serial);
  running.close();
  await expect(start(home)).rejects.toMatchObject({
    code: 'rolled_back',
    message: expect.stringContaining(`expected serial ${serial} or higher, got `),
  });
  // Signed anew, what the older file says counts again: by the root key's word, not by a copy.
  await change(home, 4n, 'anna');
  expect(await start(home)).toBeGreaterThan(serial);
});

test('what a running role takes counts after its restart', async () => {
  const home = await newHome();
  keepCopy(home);
  const running = await loadHome({
    home,
    role: 'cash',
    passphrase: noPassphrase,
    clock: () => START + 2n * DAY,
    setTimer: () => () => {},
  });
  await change(home, 1n, 'anna');
  await running.refresh();
  running.close();
  putBack(home);
  await expect(start(home)).rejects.toMatchObject({ code: 'rolled_back' });
});

test('another directory under the same serial is refused', async () => {
  const home = await newHome();
  keepCopy(home);
  await change(home, 1n, 'anna');
  expect(await start(home)).toBeGreaterThan(0n);
  putBack(home);
  await change(home, 1n, 'berta');
  await expect(start(home)).rejects.toMatchObject({
    code: 'rolled_back',
    message: expect.stringContaining('digest'),
  });
});

test('each role keeps its own, and a start with the same directory writes nothing', async () => {
  const home = await newHome();
  const serial = await start(home);
  expect(JSON.parse(readFileSync(join(home, SEEN), 'utf8'))).toMatchObject({ serial: Number(serial) });
  expect(existsSync(join(home, 'stores/management'))).toBe(false);
  const steps: string[] = [];
  await start(home, new PrivateFiles((step) => void steps.push(step)));
  expect(steps).toEqual([]);
});

test('a directory that was made anew after it was lost is taken', async () => {
  const home = await newHome();
  const serial = await start(home);
  rmSync(directory(home));
  await initHome({ home, clock: () => START + DAY, scryptLog2N: SCRYPT_LOG2_N });
  expect(await start(home)).toBeGreaterThan(serial);
});

test('a file that is damaged is refused, and says where it is', async () => {
  const home = await newHome();
  await start(home);
  writeFileSync(join(home, SEEN), '{');
  await expect(start(home)).rejects.toMatchObject({
    code: 'damaged',
    message: expect.stringContaining(SEEN),
  });
});

test('killed after any step: the next start goes through', async () => {
  const steps = await killAfterEachStep(newHome, start, async (home) => {
    expect(await start(home)).toBeGreaterThan(0n);
    expect(existsSync(join(home, SEEN))).toBe(true);
  });
  expect(steps).toContain('file directory-seen.json');
});
