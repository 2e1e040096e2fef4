// The book of notes: taken once, signed once, sums that are always those of the notes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BookWrites,
  type IncomingNote,
  type KeysetTotals,
  NoteBook,
  NoteBookError,
  outstanding,
  recordPuts,
  recount,
  type SignedMessage,
  signedPage,
  takenPage,
} from '../../src/mint/note-book.ts';
import type { RoleStore, StoreReads } from '../../src/store/store.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';

const KEYSETS = [`01${'a1'.repeat(32)}`, '00b2b2b2b2b2b2b2'];

const point = (number: number): Uint8Array => {
  const bytes = new Uint8Array(33);
  bytes[0] = 2;
  new DataView(bytes.buffer).setUint32(29, number);
  return bytes;
};
const scalar = (number: number): Uint8Array => point(number).subarray(1);

const note = (number: number, amount = 8n, keysetId = KEYSETS[0]!): IncomingNote => ({
  noteId: point(number),
  keysetId,
  amount,
});
const message = (number: number, amount = 8n, keysetId = KEYSETS[0]!): SignedMessage => ({
  blinded: point(number),
  keysetId,
  amount,
  signature: point(1_000_000 + number),
  dleq: { e: scalar(number), s: scalar(number + 1) },
});

const whole = new NoteBook({ isWhole: true });
const half = new NoteBook({ isWhole: false });

const fault = (run: () => void): string => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NoteBookError);
    return (error as NoteBookError).fault;
  }
  return 'none';
};

function recounted(reads: StoreReads, pageItems?: number): KeysetTotals[] {
  const steps = recount(reads, pageItems);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const anything = ({ signedCount, heldCount, spentCount }: KeysetTotals): boolean =>
  signedCount + heldCount + spentCount > 0n;

test('a note is free, held, free again, held, spent; the sums follow', async () => {
  const store = memoryRoleStore();
  await store.transaction((tx) => {
    whole.sign(tx, [message(1), message(2, 4n)], 9n, 5n);
    whole.hold(tx, [note(11), note(12, 4n)], 7n, 6n);
    expect(whole.totals(tx, KEYSETS[0]!)).toMatchObject({ held: 12n, heldCount: 2n, spent: 0n });
    expect(whole.conflict(tx, [point(10), point(12)], 7n)).toBeUndefined();
    expect(whole.conflict(tx, [point(10), point(12)], 8n)).toMatchObject({
      place: 1,
      taken: { state: 'held', request: 7n },
    });
    whole.release(tx, [point(12)], 8n);
    expect(whole.taken(tx, point(12))?.state).toBe('held');
    whole.release(tx, [point(12), point(13)], 7n);
    expect(whole.taken(tx, point(12))).toBeUndefined();
    whole.spend(tx, [note(11), { ...note(12, 4n), witness: '{}' }], 7n, 8n);
    expect(whole.conflict(tx, [point(11)], 7n)?.taken).toMatchObject({ state: 'spent', at: 8n });
  });
  expect(whole.taken(store, point(12))).toMatchObject({ keysetId: KEYSETS[0], amount: 4n, witness: '{}' });
  const [totals] = whole.allTotals(store);
  expect(totals).toEqual({
    keysetId: KEYSETS[0],
    signed: 12n,
    signedCount: 2n,
    held: 0n,
    heldCount: 0n,
    spent: 12n,
    spentCount: 2n,
  });
  expect(outstanding(totals!)).toBe(0n);
  expect(whole.signed(store, point(2))).toEqual({ ...message(2, 4n), request: 9n, at: 5n });
});

test('a note is taken once: whoever comes second is told, and nothing is written', async () => {
  const store = memoryRoleStore();
  await store.transaction((tx) => {
    whole.sign(tx, [message(1), message(2), message(3)], 9n, 5n);
    whole.hold(tx, [note(1)], 7n, 6n);
    whole.spend(tx, [note(2)], 7n, 6n);
  });
  const refused = async (run: (tx: BookWrites) => void): Promise<string> => {
    let found = '';
    await store
      .transaction((tx) => {
        found = fault(() => run(tx));
        throw new Error('no');
      })
      .catch(() => {});
    return found;
  };
  expect(await refused((tx) => whole.hold(tx, [note(1)], 7n, 6n))).toBe('note_taken');
  expect(await refused((tx) => whole.hold(tx, [note(2)], 7n, 6n))).toBe('note_taken');
  expect(await refused((tx) => whole.spend(tx, [note(1)], 8n, 6n))).toBe('note_taken');
  // The same request that has spent it: who gives something for it would give it twice.
  expect(await refused((tx) => whole.spend(tx, [note(2)], 7n, 6n))).toBe('note_taken');
  // Held as less than what it is spent for.
  expect(await refused((tx) => whole.spend(tx, [note(1, 16n)], 7n, 6n))).toBe('note_taken');
  expect(await refused((tx) => whole.spend(tx, [note(1, 8n, KEYSETS[1])], 7n, 6n))).toBe('note_taken');
  expect(await refused((tx) => whole.spend(tx, [note(3), note(3)], 7n, 6n))).toBe('duplicate');
  expect(await refused((tx) => whole.hold(tx, [note(3), note(3)], 7n, 6n))).toBe('duplicate');
  expect(await refused((tx) => whole.sign(tx, [message(4), message(4)], 7n, 6n))).toBe('duplicate');
  expect(await refused((tx) => whole.sign(tx, [message(1)], 8n, 6n))).toBe('output_signed');
  expect(await refused((tx) => whole.sign(tx, [message(1, 16n)], 9n, 6n))).toBe('output_signed');
  expect(await refused((tx) => whole.sign(tx, [message(1)], 9n, 6n))).toBe('none');
  expect(await refused((tx) => whole.spend(tx, [note(3, 9n)], 7n, 6n))).toBe('unbalanced');
  expect(await refused((tx) => whole.hold(tx, [note(3, 1n, KEYSETS[1])], 7n, 6n))).toBe('unbalanced');
  expect(await refused((tx) => half.spend(tx, [note(3, 9n)], 7n, 6n))).toBe('none');
  expect(whole.totals(store, KEYSETS[0]!)).toMatchObject({ signed: 24n, held: 8n, spent: 8n });
});

test('what a flow records is what a transaction would have written', async () => {
  const [direct, recorded] = [memoryRoleStore(), memoryRoleStore()];
  const first = (tx: BookWrites): void => whole.sign(tx, [message(1), message(2)], 1n, 1n);
  const then = (tx: BookWrites): void => {
    whole.hold(tx, [note(1), note(2)], 2n, 2n);
    whole.release(tx, [point(2)], 2n);
    whole.spend(tx, [note(1)], 2n, 3n);
  };
  for (const store of [direct, recorded]) await store.transaction(first);
  await direct.transaction(then);
  await recorded.transaction((tx) => {
    for (const { table, key, value } of recordPuts(tx, then)) {
      if (value === undefined) tx.remove(table, key);
      else tx.put(table, key, value);
    }
  });
  for (const table of ['notes-spent', 'notes-signed', 'notes-totals'])
    expect(recorded.range(table, { limit: 100 })).toEqual(direct.range(table, { limit: 100 }));
  // Nothing is left over of what it has refused, and nothing is written before it ends.
  expect(() => recordPuts(direct, then)).toThrow(NoteBookError);
});

test('pages hold every note once, and the sums counted anew are the sums', async () => {
  const store = memoryRoleStore();
  await store.transaction((tx) => {
    const amounts = Array.from({ length: 20 }, (_, i) => 1n << BigInt(i % 5));
    whole.sign(
      tx,
      amounts.map((amount, i) => message(i, amount, KEYSETS[i % 2])),
      1n,
      1n,
    );
    whole.spend(
      tx,
      amounts.slice(0, 9).map((amount, i) => note(i, amount, KEYSETS[i % 2])),
      2n,
      2n,
    );
    whole.hold(
      tx,
      amounts.slice(9, 14).map((amount, i) => note(9 + i, amount, KEYSETS[(9 + i) % 2])),
      3n,
      3n,
    );
  });
  for (const pageItems of [1, 7, 20, 100])
    expect(recounted(store, pageItems)).toEqual(whole.allTotals(store));
  const [taken, signed]: [Uint8Array[], Uint8Array[]] = [[], []];
  for (let page = takenPage(store, undefined, 4); ; page = takenPage(store, page.next, 4)) {
    taken.push(...page.items.map(({ noteId }) => noteId));
    if (page.next === undefined) break;
  }
  for (let page = signedPage(store, undefined, 3); ; page = signedPage(store, page.next, 3)) {
    signed.push(...page.items.map(({ blinded }) => blinded));
    if (page.next === undefined) break;
  }
  expect(taken).toEqual(Array.from({ length: 14 }, (_, i) => point(i)));
  expect(signed).toEqual(Array.from({ length: 20 }, (_, i) => point(i)));
});

test('property: against a plain model, over restarts, with refused steps leaving nothing', async () => {
  type Step = { kind: 'sign' | 'hold' | 'spend' | 'release' | 'crash'; ids: number[]; request: bigint };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('sign', 'sign', 'hold', 'spend', 'release', 'crash'),
    ids: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
    request: fc.bigInt({ min: 1n, max: 3n }),
  });
  const keysetOf = (id: number): string => KEYSETS[id % 2]!;
  const amountOf = (id: number): bigint => 1n << BigInt(id);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const disk = new MemoryDisk();
      let store: RoleStore = memoryRoleStore(disk);
      const signed = new Map<number, bigint>();
      const taken = new Map<number, { state: 'held' | 'spent'; request: bigint }>();
      const sums = (): KeysetTotals[] =>
        KEYSETS.map((keysetId) => {
          const sumOf = (ids: Iterable<number>): [bigint, bigint] => {
            const own = [...ids].filter((id) => keysetOf(id) === keysetId);
            return [own.reduce((sum, id) => sum + amountOf(id), 0n), BigInt(own.length)];
          };
          const by = (state: string): number[] =>
            [...taken.keys()].filter((id) => taken.get(id)!.state === state);
          const [[all, allCount], [held, heldCount], [spent, spentCount]] = [
            sumOf(signed.keys()),
            sumOf(by('held')),
            sumOf(by('spent')),
          ];
          return { keysetId, signed: all, signedCount: allCount, held, heldCount, spent, spentCount };
        });
      for (const { kind, ids, request } of steps) {
        if (kind === 'crash') {
          disk.crash();
          store = memoryRoleStore(disk);
          continue;
        }
        const notes = ids.map((id) => note(id, amountOf(id), keysetOf(id)));
        const isAllowed = ids.every((id) => {
          const of = taken.get(id);
          if (kind === 'release') return true;
          if (kind === 'sign') return [undefined, request].includes(signed.get(id));
          // A note is only made of what was signed, here.
          if (!signed.has(id)) return false;
          if (kind === 'hold') return of === undefined;
          return of === undefined || (of.state === 'held' && of.request === request);
        });
        const done = await store
          .transaction((tx) => {
            if (kind !== 'release' && kind !== 'sign' && !ids.every((id) => whole.signed(tx, point(id))))
              throw new NoteBookError('unbalanced', 'expected notes that were signed');
            if (kind === 'sign')
              whole.sign(
                tx,
                ids.map((id) => message(id, amountOf(id), keysetOf(id))),
                request,
                1n,
              );
            if (kind === 'hold') whole.hold(tx, notes, request, 2n);
            if (kind === 'spend') whole.spend(tx, notes, request, 3n);
            if (kind === 'release')
              whole.release(
                tx,
                notes.map(({ noteId }) => noteId),
                request,
              );
          })
          .then(
            () => true,
            () => false,
          );
        expect(done, `${kind} of ${ids} by ${request}`).toBe(isAllowed);
        if (!done) continue;
        for (const id of ids) {
          if (kind === 'sign') signed.set(id, request);
          if (kind === 'hold') taken.set(id, { state: 'held', request });
          if (kind === 'spend') taken.set(id, { state: 'spent', request });
          const of = taken.get(id);
          if (kind === 'release' && of?.state === 'held' && of.request === request) taken.delete(id);
        }
        for (const totals of sums()) expect(whole.totals(store, totals.keysetId)).toEqual(totals);
      }
      const byName = (list: KeysetTotals[]): KeysetTotals[] =>
        list.filter(anything).sort((left, right) => (left.keysetId < right.keysetId ? -1 : 1));
      expect(recounted(store, 3)).toEqual(byName(sums()));
      expect(byName(whole.allTotals(store))).toEqual(byName(sums()));
    }),
    { numRuns: 60 },
  );
});
