// The contract of a role's store, over both backends.
import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../../src/store/errors.ts';
import { idOfKey, keyOf } from '../../src/store/key.ts';
import { openRoleStore } from '../../src/store/lmdb-store.ts';
import { RANGE_MAX, type RoleStore, VALUE_BYTES_MAX } from '../../src/store/store.ts';
import { MemoryDisk, memoryRoleStore } from './memory-backend.ts';
import { temporaryDirectory } from './support.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const read = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

const STORES: Record<string, () => Promise<RoleStore>> = {
  lmdb: () => openRoleStore({ path: temporaryDirectory() }),
  memory: async () => memoryRoleStore(),
};

for (const [kind, open] of Object.entries(STORES)) {
  const opened = async (): Promise<RoleStore> => {
    const store = await open();
    onTestFinished(() => store.close());
    return store;
  };

  test(`${kind}: a transaction sees itself and all before it; outside, only what is flushed`, async () => {
    const store = await opened();
    const first = store.transaction((tx) => {
      tx.put('notes', 1n, text('one'));
      expect(read(tx.get('notes', 1n))).toBe('one');
      return 'first';
    });
    const second = store.transaction((tx) => {
      expect(read(tx.get('notes', 1n))).toBe('one');
      tx.put('notes', 2n, text('two'));
      tx.remove('notes', 1n);
      expect(tx.get('notes', 1n)).toBeUndefined();
    });
    expect(store.get('notes', 2n)).toBeUndefined();
    const third = store.transaction((tx) => read(tx.get('notes', 2n)));
    expect(await Promise.all([first, second, third])).toEqual(['first', undefined, 'two']);
    expect(store.get('notes', 1n)).toBeUndefined();
    expect(read(store.get('notes', 2n))).toBe('two');
  });

  test(`${kind}: what is remembered is what is on the disk, decoded once until it is written anew`, async () => {
    const store = await opened();
    let decoded = 0;
    const note = store.remember(
      'notes',
      (stored) => {
        decoded++;
        return read(stored);
      },
      2,
    );
    expect(note(1n)).toBeUndefined();
    await store.transaction((tx) => tx.put('notes', 1n, text('one')));
    expect([note(1n), note(1n)]).toEqual(['one', 'one']);
    expect(decoded).toBe(1);
    const blocking = store.transaction((tx) => tx.put('notes', 1n, text('blocked')));
    expect(note(1n)).toBe(read(store.get('notes', 1n)));
    await blocking;
    expect(note(1n)).toBe('blocked');
    await store.transaction((tx) => tx.put('others', 1n, text('another table')));
    expect([note(1n), decoded]).toEqual(['blocked', 2]);
    await store.transaction((tx) => tx.remove('notes', 1n));
    expect(note(1n)).toBeUndefined();
    await store.transaction((tx) => {
      for (const id of [1n, 2n, 3n]) tx.put('notes', id, text(String(id)));
    });
    expect([1n, 2n, 3n, 3n, 2n].map(note)).toEqual(['1', '2', '3', '3', '2']);
    expect(decoded).toBe(5);
    expect(note(1n)).toBe('1');
    expect(decoded).toBe(6);
  });

  test(`${kind}: one that throws loses its own writes, and only those`, async () => {
    const store = await opened();
    const outcomes = await Promise.allSettled([
      store.transaction((tx) => tx.put('notes', 1n, text('one'))),
      store.transaction((tx) => {
        tx.put('notes', 1n, text('wrong'));
        tx.put('notes', 2n, text('wrong'));
        throw new Error('no');
      }),
      store.transaction((tx) => read(tx.get('notes', 1n))),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[2]).toMatchObject({ value: 'one' });
    expect(read(store.get('notes', 1n))).toBe('one');
    expect(store.get('notes', 2n)).toBeUndefined();
  });

  test(`${kind}: ranges are ordered like numbers, within their table, flushed or not`, async () => {
    const store = await opened();
    const ids = [2n ** 127n, 1n, 256n, 255n, 2n ** 64n];
    await store.transaction((tx) => {
      for (const id of ids) tx.put('b', id, text(String(id)));
      tx.put('a', 300n, text('other'));
      tx.put('c', 300n, text('other'));
    });
    const all = store.range('b', { limit: 10 }).map(({ key }) => idOfKey(key));
    expect(all).toEqual([1n, 255n, 256n, 2n ** 64n, 2n ** 127n]);
    expect(
      store.range('b', { from: 255n, to: 2n ** 64n, limit: 10 }).map(({ value }) => read(value)),
    ).toEqual(['255', '256']);
    expect(store.range('b', { from: 256n, to: 256n, limit: 10 })).toEqual([]);
    expect(store.range('b', { from: 257n, to: 256n, limit: 10 })).toEqual([]);
    expect(store.range('b', { from: 2n, limit: 2 }).map(({ key }) => idOfKey(key))).toEqual([255n, 256n]);
    await store.transaction((tx) => {
      tx.remove('b', 255n);
      tx.put('b', 257n, text('new'));
      const seen = tx.range('b', { from: 2n, limit: 2 });
      expect(seen.map(({ key }) => idOfKey(key))).toEqual([256n, 257n]);
    });
    const composed = [keyOf(7n, 1n), keyOf(7n, 2n), keyOf(8n, 1n)];
    await store.transaction((tx) => {
      for (const key of composed) tx.put('pairs', key, text(''));
    });
    const ofSeven = store.range('pairs', { from: 7n, to: 8n, limit: 10 });
    expect(ofSeven.map(({ key }) => idOfKey(key, 16))).toEqual([1n, 2n]);
  });

  test(`${kind}: what does not fit is refused`, async () => {
    const store = await opened();
    const refused = (run: Parameters<RoleStore['transaction']>[0]): Promise<void> =>
      expect(store.transaction(run)).rejects.toThrow(/expected/);
    await refused((tx) => tx.put('notes', 1n, new Uint8Array(VALUE_BYTES_MAX + 1)));
    await refused((tx) => tx.put('notes', new Uint8Array(513), text('')));
    await refused((tx) => tx.put('Notes\0', 1n, text('')));
    await refused((tx) => tx.put('notes', -1n, text('')));
    await refused((tx) => tx.range('notes', { limit: RANGE_MAX + 1 }));
    await refused(async () => {});
    let kept: { put(table: string, key: bigint, value: Uint8Array): void } | undefined;
    await store.transaction((tx) => {
      kept = tx;
    });
    expect(() => kept!.put('notes', 1n, text(''))).toThrow(StoreError);
    await store.transaction((tx) => tx.put('notes', 1n, new Uint8Array(VALUE_BYTES_MAX)));
    expect(store.get('notes', 1n)?.length).toBe(VALUE_BYTES_MAX);
  });

  test(`${kind}: what was put may be written to afterwards, and an empty value is one`, async () => {
    const store = await opened();
    const value = text('one');
    const done = store.transaction((tx) => {
      tx.put('notes', 1n, value);
      tx.put('notes', 2n, new Uint8Array(0));
    });
    value.fill(0);
    await done;
    expect(read(store.get('notes', 1n))).toBe('one');
    expect(store.get('notes', 2n)?.length).toBe(0);
  });

  test(`${kind}: close finishes what was begun and takes nothing more`, async () => {
    const store = await open();
    const begun = store.transaction((tx) => tx.put('notes', 1n, text('one')));
    const closing = store.close();
    await expect(store.transaction(() => {})).rejects.toMatchObject({ code: 'store_closed' });
    expect(() => store.get('notes', 1n)).toThrow(StoreError);
    await begun;
    await closing;
  });
}

test('many transactions of a turn cost one flush; those of later turns gather while it runs', async () => {
  let finish: (() => void) | undefined;
  const disk = new MemoryDisk({
    flush: (done) => {
      finish = done;
    },
  });
  const store = memoryRoleStore(disk);
  const put = (id: bigint) => store.transaction((tx) => tx.put('notes', id, text('')));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = [put(1n), put(2n), put(3n)];
  await turn();
  const second = [put(4n)];
  await turn();
  second.push(put(5n));
  finish!();
  await Promise.all(first);
  expect(disk.records.size).toBe(3);
  await turn();
  finish!();
  await Promise.all(second);
  expect(disk.flushes).toBe(2);
});

test('a group that cannot be written takes with it what has gathered since', async () => {
  const disk = new MemoryDisk();
  const store = memoryRoleStore(disk);
  await store.transaction((tx) => tx.put('notes', 1n, text('kept')));
  disk.isFull = true;
  const lost = store.transaction((tx) => tx.put('notes', 1n, text('lost')));
  let reader: Promise<unknown> | undefined;
  setImmediate(() => {
    reader = store.transaction((tx) => read(tx.get('notes', 1n)));
    // Told before it can be awaited below.
    reader.catch(() => {});
  });
  await expect(lost).rejects.toMatchObject({ code: 'store_full' });
  await expect(reader).rejects.toMatchObject({ code: 'store_full' });
  disk.isFull = false;
  expect(await store.transaction((tx) => read(tx.get('notes', 1n)))).toBe('kept');
  await store.transaction((tx) => tx.put('notes', 1n, text('new')));
  expect(read(store.get('notes', 1n))).toBe('new');
});

test('when nobody knows what became of a write, nothing is written any more', async () => {
  const disk = new MemoryDisk();
  const store = memoryRoleStore(disk);
  disk.isLost = true;
  await expect(store.transaction((tx) => tx.put('notes', 1n, text('')))).rejects.toMatchObject({
    code: 'store_unknown',
  });
  disk.isLost = false;
  await expect(store.transaction((tx) => tx.put('notes', 2n, text('')))).rejects.toMatchObject({
    code: 'store_unknown',
  });
  expect(store.failure?.code).toBe('store_unknown');
  expect(disk.flushes).toBe(0);
});
