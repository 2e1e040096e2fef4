import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskRoom, NoRoomError } from '../../src/shared/disk-room.ts';
import './engine-process.ts';
import { mountSmallDisk } from './small-disk.ts';
import { temporaryDirectory } from './support.ts';

const MEGABYTE = 2 ** 20;

test('with plenty of room nothing is done', () => {
  const file = join(temporaryDirectory(), 'data.mdb');
  writeFileSync(file, 'abc');
  new DiskRoom(file, MEGABYTE).ensure(5 * MEGABYTE);
  expect(statSync(file).size).toBe(3);
});

test('with little room the file gets its blocks ahead, or a refusal; a new file stays empty', () => {
  const disk = mountSmallDisk('tmpfs', 8 * MEGABYTE);
  if (disk === undefined) return;
  const file = join(disk.path, 'data.mdb');
  const room = new DiskRoom(file, MEGABYTE);
  room.ensure(6 * MEGABYTE);
  expect(() => room.ensure(8 * MEGABYTE)).toThrow(NoRoomError);
  writeFileSync(file, 'abc');
  room.ensure(6 * MEGABYTE);
  expect(statSync(file).size).toBe(6 * MEGABYTE);
  // The blocks are there: others cannot take them.
  writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(disk.freeBytes));
  expect(() => room.ensure(6 * MEGABYTE)).toThrow(/expected 1048576 bytes free/);
  expect(() => room.ensure(7 * MEGABYTE)).toThrow(/expected room for 1048576 bytes, got 0/);
  rmSync(join(disk.path, 'ballast'));
  room.ensure(6 * MEGABYTE);
  const descriptor = openSync(file, 'r+');
  ftruncateSync(descriptor, 0);
  closeSync(descriptor);
  room.ensure(6 * MEGABYTE);
  expect(statSync(file).size).toBe(0);
});

test('thousands of transactions on a full disk: each is written or refused, and the process lives', () => {
  const disk = mountSmallDisk('tmpfs', 12 * MEGABYTE);
  if (disk === undefined) return;
  const script = join(import.meta.dirname, 'hammer.mjs');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, disk.path], {
    encoding: 'utf8',
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  const { written, refused } = JSON.parse(stdout) as { written: number; refused: number };
  expect(written).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(50);
});
