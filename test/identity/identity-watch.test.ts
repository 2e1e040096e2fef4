import { describe, expect, test } from 'vitest';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import { IdentityWatch, LOOK_EVERY_MS } from '../../src/identity/identity-watch.ts';
import type { IdentityState } from '../../src/identity/own-keys.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { content, root, rootKeys } from './support.ts';

function stateOf(serial: bigint): IdentityState {
  const signed = signDirectory({ ...content(), serial }, root);
  return { directory: Directory.verify(signed, rootKeys.publicKey, systemCrypto), keySets: [] };
}

/** A watch whose timer the test fires, and whose disk is what the test says. */
function watched() {
  const disk: { next: IdentityState | undefined | Error; looks: number } = { next: undefined, looks: 0 };
  let timer: { run: () => void; milliseconds: number } | undefined;
  const faults: unknown[] = [];
  const changes: bigint[] = [];
  const watch = new IdentityWatch({
    initial: stateOf(5n),
    load: async () => {
      disk.looks += 1;
      if (disk.next instanceof Error) throw disk.next;
      return disk.next;
    },
    setTimer: (run, milliseconds) => {
      const mine = { run, milliseconds };
      timer = mine;
      return () => {
        if (timer === mine) timer = undefined;
      };
    },
    onChange: ({ directory }) => changes.push(directory.serial),
    onFault: (error) => faults.push(error),
  });
  return {
    watch,
    disk,
    faults,
    changes,
    wait: () => timer?.milliseconds,
    fire: async () => {
      timer?.run();
      await watch.look();
    },
  };
}

describe('a watch', () => {
  test('looks from time to time, and takes what is new', async () => {
    const { watch, disk, changes, wait, fire } = watched();
    expect(wait()).toBe(LOOK_EVERY_MS);
    await fire();
    expect([disk.looks, changes]).toEqual([1, []]);
    disk.next = stateOf(6n);
    await fire();
    expect(watch.current()).toBe(disk.next);
    expect(changes).toEqual([6n]);
    expect(wait()).toBe(LOOK_EVERY_MS);
  });

  test('looks soon after something unknown came, however often that comes', async () => {
    const { watch, disk, wait, fire } = watched();
    for (let i = 0; i < 1000; i++) watch.missed();
    expect(wait()).toBe(250);
    expect(disk.looks).toBe(0);
    await fire();
    expect(disk.looks).toBe(1);
    expect(wait()).toBe(LOOK_EVERY_MS);
  });

  test('looks once at a time', async () => {
    const { watch, disk } = watched();
    await Promise.all([watch.look(), watch.look(), watch.look()]);
    expect(disk.looks).toBe(1);
  });

  test('keeps what it has where the new one is no good, and says so once', async () => {
    const { watch, disk, faults, fire } = watched();
    const before = watch.current();
    disk.next = new Error('half written');
    await fire();
    await fire();
    expect(faults).toHaveLength(1);
    disk.next = stateOf(4n);
    await fire();
    expect(faults.at(-1)).toMatchObject({
      code: 'rolled_back',
      message: 'directory: expected serial 5 or higher, got 4: an older file',
    });
    expect(watch.current()).toBe(before);
    disk.next = undefined;
    await fire();
    disk.next = new Error('half written');
    await fire();
    expect(faults).toHaveLength(3);
  });

  test('closed, it looks no more', async () => {
    const { watch, disk, wait } = watched();
    watch.close();
    watch.missed();
    expect(wait()).toBeUndefined();
    disk.next = stateOf(9n);
    await watch.look();
    expect(watch.current().directory.serial).toBe(5n);
    expect(wait()).toBeUndefined();
  });
});
