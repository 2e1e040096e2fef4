// Small file systems that fill up. They need the right to mount.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './support.ts';

const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

export type DiskKind = 'tmpfs' | 'ext4';

export interface SmallDisk {
  readonly path: string;
  /** A disk on which nothing else grows has no file that could be deleted: it is made larger (tmpfs only). */
  grow(bytes: number): void;
  readonly freeBytes: number;
}

/** Mounts a new file system of `bytes` for this test, at `at` if given; undefined when this user or system cannot. */
export function mountSmallDisk(kind: DiskKind, bytes: number, at?: string): SmallDisk | undefined {
  const folder = temporaryDirectory();
  const path = at ?? join(folder, 'disk');
  mkdirSync(path, { recursive: true });
  if (!mount(kind, folder, path, bytes)) {
    process.stderr.write(`skipped on ${kind}: needs the right to mount a small file system (root)\n`);
    return undefined;
  }
  onTestFinished(() => void run('umount', '-l', path));
  return {
    path,
    grow(to) {
      if (!run('mount', '-o', `remount,size=${to}`, path))
        throw new Error(`expected ${path} to grow to ${to}`);
    },
    get freeBytes() {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    },
  };
}

function mount(kind: DiskKind, folder: string, path: string, bytes: number): boolean {
  if (kind === 'tmpfs') return run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path);
  const image = join(folder, 'image');
  writeFileSync(image, '');
  truncateSync(image, bytes);
  // No journal and no reserved blocks, as on a disk this small they would be most of it.
  const isMade = run('mkfs.ext4', '-q', '-F', '-m', '0', '-O', '^has_journal', image);
  return isMade && run('mount', '-o', 'loop', image, path);
}
