import { spawnSync } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import { createRandom, createSlots, fillSlot } from './slots.ts';
import { temporaryDirectory } from './support.ts';

const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

/** Mounts a new file system of `bytes` at `path`; false when this user or system cannot. */
const SMALL_DISKS: Record<string, (path: string, bytes: number) => boolean> = {
  tmpfs: (path, bytes) => run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path),
  ext4: (path, bytes) => {
    const image = join(temporaryDirectory(), 'image');
    writeFileSync(image, '');
    truncateSync(image, bytes);
    // No journal and no reserved blocks, as on a disk this small they would be most of it.
    const isMade = run('mkfs.ext4', '-q', '-F', '-m', '0', '-O', '^has_journal', image);
    return isMade && run('mount', '-o', 'loop', image, path);
  },
};

test.each(Object.keys(SMALL_DISKS))(
  'a full disk (%s): nothing of the group is stored, reads go on, and so do appends once there is room',
  async (kind) => {
    const path = temporaryDirectory();
    if (!SMALL_DISKS[kind]!(path, 8 * 2 ** 20)) {
      console.warn(`skipped on ${kind}: needs the right to mount a small file system`);
      return;
    }
    onTestFinished(() => void run('umount', '-l', path));
    const ballast = join(path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(2 ** 20));
    const memory = createSlots(4);
    const random = createRandom(11);
    const journal = await LmdbJournal.open({ path: join(path, 'journal') });
    const group = (records: number) =>
      [0, 1, 2, 3].map((i) => fillSlot(memory, i, journal.tip.op + 1 + i, records, random).entry);

    let failures = 0;
    for (let tries = 0; tries < 100 && failures < 3; tries++) {
      const { op } = journal.tip;
      try {
        await journal.append(memory, group(1000 + random(500)));
        expect(journal.tip.op).toBe(op + 4);
      } catch (error) {
        expect(error).toMatchObject({ code: 'journal_full' });
        failures++;
        journal.refresh();
        expect(journal.lastOp()).toBe(op);
        expect(journal.tip.op).toBe(op);
        expect((await verifyChain(journal)).finding).toBeUndefined();
      }
    }
    expect(failures).toBe(3);
    const { op } = journal.tip;
    expect(op).toBeGreaterThan(3);

    rmSync(ballast);
    await journal.append(memory, group(1000));
    expect(journal.tip.op).toBe(op + 4);
    journal.refresh();
    expect(await verifyChain(journal)).toMatchObject({ proof: { toOp: op + 4, digest: journal.tip.digest } });
    const { tip } = journal;
    await journal.close();
    const again = await LmdbJournal.open({ path: join(path, 'journal') });
    expect(again.tip).toEqual(tip);
    await again.close();
  },
);
