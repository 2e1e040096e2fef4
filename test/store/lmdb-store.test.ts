// A store on disk: killed, damaged, full, or open already.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { u64 } from '../../src/shared/codec.ts';
import { Random } from '../../src/shared/random.ts';
import { MAP_SIZE_DEFAULT_BYTES, openEnvironment, seal } from '../../src/store/environment.ts';
import { idOfKey } from '../../src/store/key.ts';
import { openRoleStore } from '../../src/store/lmdb-store.ts';
import { mountSmallDisk } from '../crash/small-disk.ts';
import { temporaryDirectory } from './support.ts';

/** Runs the child until it has said something and `delayMs` more; the largest number that it said, all below included. */
function runAndKill(path: string, delayMs: number): Promise<bigint> {
  return new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, 'kill-child.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', file, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), delayMs);
      said += chunk;
    });
    child.on('exit', (_, signal) => {
      const lines = said.slice(0, said.lastIndexOf('\n')).split('\n');
      if (signal === 'SIGKILL') resolve(BigInt(lines.at(-1)!));
      else reject(new Error('the child ended by itself'));
    });
  });
}

test('killed at any moment: what has resolved is there, and nothing of what was not begun', async () => {
  const path = temporaryDirectory();
  const random = new Random(5n);
  let before = 0n;
  for (let round = 0; round < 5; round++) {
    const said = await runAndKill(path, random.below(150));
    expect(said).toBeGreaterThan(before);
    const store = await openRoleStore({ path });
    const last = u64.decode(store.get('meta', 0n)!);
    expect(last).toBeGreaterThanOrEqual(said);
    const found: bigint[] = [];
    for (let from = 0n; ; from = found.at(-1)! + 1n) {
      const records = store.range('entries', { from, limit: 10_000 });
      for (const { key, value } of records) {
        expect(u64.decode(value)).toBe(idOfKey(key));
        found.push(idOfKey(key));
      }
      if (records.length < 10_000) break;
    }
    // Groups are whole: all up to the last, and none behind.
    expect(found.length).toBe(Number(last));
    expect(found.at(-1)).toBe(last);
    before = last;
    await store.close();
  }
}, 60_000);

test('a damaged record is named', async () => {
  const path = temporaryDirectory();
  const store = await openRoleStore({ path });
  const marker = Buffer.from('a value to be found in the file');
  await store.transaction((tx) => {
    tx.put('notes', 7n, marker);
    tx.put('notes', 8n, Buffer.from('another'));
  });
  await store.close();
  const file = join(path, 'data.mdb');
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) bytes[at + 3]! ^= 1;
  writeFileSync(file, bytes);
  const damaged = await openRoleStore({ path });
  onTestFinished(() => damaged.close());
  const named = /table notes, key 0{31}7: expected a record with its checksum/;
  expect(() => damaged.get('notes', 7n)).toThrow(named);
  expect(() => damaged.range('notes', { limit: 5 })).toThrow(named);
  await expect(damaged.transaction((tx) => tx.get('notes', 7n))).rejects.toMatchObject({
    code: 'store_corrupt',
  });
  expect(Buffer.from(damaged.get('notes', 8n)!).toString()).toBe('another');
});

test('a damaged file never takes the process down: it is refused, or its records are', async () => {
  const path = temporaryDirectory();
  const store = await openRoleStore({ path });
  for (let round = 0; round < 4; round++) {
    await store.transaction((tx) => {
      for (let id = 0n; id < 200n; id++) tx.put('notes', id, Buffer.alloc(100, round));
      tx.put('notes', 500n, Buffer.alloc(20_000, round));
    });
  }
  await store.close();
  const whole = readFileSync(join(path, 'data.mdb'));
  const random = new Random(21n);
  let refused = 0;
  for (let round = 0; round < 80; round++) {
    const copy = join(path, `copy-${round}`);
    mkdirSync(copy);
    const bytes = Buffer.from(whole);
    // Every other flip hits the structures at the start of a page.
    const page = random.below(bytes.length / 4096);
    const at = page * 4096 + random.below(round % 2 === 0 ? 4096 : 64);
    bytes[at]! ^= 1 << random.below(8);
    writeFileSync(join(copy, 'data.mdb'), round % 10 === 9 ? bytes.subarray(0, at) : bytes);
    try {
      const damaged = await openRoleStore({ path: copy });
      for (let id = 0n; id < 200n; id++) {
        try {
          damaged.get('notes', id);
        } catch (error) {
          expect(error).toMatchObject({ code: 'store_corrupt' });
        }
      }
      await damaged.close();
    } catch (error) {
      expect(error).toMatchObject({ code: 'store_corrupt' });
      refused++;
    }
    rmSync(copy, { recursive: true });
  }
  expect(refused).toBeGreaterThan(8);
});

test('one process, and one of its openings, at a time', async () => {
  const path = temporaryDirectory();
  const store = await openRoleStore({ path });
  await expect(openRoleStore({ path })).rejects.toMatchObject({ code: 'store_locked' });
  await store.close();
  await (await openRoleStore({ path })).close();
});

test('what is stored is there when it is opened again; another format is refused', async () => {
  const path = temporaryDirectory();
  const store = await openRoleStore({ path });
  await store.transaction((tx) => {
    for (let id = 0n; id < 5_000n; id++) tx.put('notes', id, Buffer.alloc(200, Number(id % 251n)));
  });
  await store.close();
  const again = await openRoleStore({ path });
  expect(again.range('notes', { limit: 10_000 }).length).toBe(5_000);
  expect(again.get('notes', 4_999n)).toEqual(new Uint8Array(200).fill(4_999 % 251));
  await again.close();
  const environment = openEnvironment(path, MAP_SIZE_DEFAULT_BYTES);
  const key = Buffer.from('\0format');
  await environment.put(key, seal(key, Uint8Array.of(2)));
  await environment.close();
  await expect(openRoleStore({ path })).rejects.toThrow('expected format 1, got 02');
});

test.each(['tmpfs', 'ext4'] as const)(
  'a full disk (%s): nothing of the group is stored, reads go on, and so do writes once there is room',
  async (kind) => {
    const disk = mountSmallDisk(kind, 8 * 2 ** 20);
    if (disk === undefined) return;
    const ballast = join(disk.path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(2 ** 20));
    const store = await openRoleStore({ path: join(disk.path, 'store') });
    let last = 0n;
    let failures = 0;
    while (failures < 3) {
      const number = last + 1n;
      try {
        await store.transaction((tx) => {
          tx.put('entries', number, Buffer.alloc(100_000, Number(number)));
          tx.put('meta', 0n, u64.encode(number));
        });
        last = number;
      } catch (error) {
        expect(error).toMatchObject({ code: 'store_full' });
        failures++;
      }
      expect(u64.decode(store.get('meta', 0n)!)).toBe(last);
      expect(store.get('entries', last + 1n)).toBeUndefined();
    }
    expect(last).toBeGreaterThan(5n);
    rmSync(ballast);
    await store.transaction((tx) => tx.put('entries', last + 1n, Buffer.alloc(100_000, 7)));
    await store.close();
    const again = await openRoleStore({ path: join(disk.path, 'store') });
    expect(again.range('entries', { limit: 1_000 }).length).toBe(Number(last) + 1);
    await again.close();
  },
);
