// Notes found again by the seed phrase alone (NUT-13, NUT-09): the mint is asked which secrets of ours it has signed, keyset
// by keyset, until it knows none of some hundred in a row.
import type { PlainNote } from '../roles/documents/notes.ts';
import { type Desk, sumOfNotes } from './desk.ts';
import { RESTORE_BATCH, RESTORE_COUNTER_MAX, RESTORE_EMPTY_BATCHES } from './limits.ts';
import type { Plan } from './records.ts';
import { storedNote } from './records.ts';

export interface RestoreResult {
  /** In notes that are free now and were not here. */
  readonly amount: bigint;
  readonly notes: number;
  /** Signed, and neither spent nor to be had now: restore again later. */
  readonly pending: bigint;
}

export function restore(desk: Desk): Promise<RestoreResult> {
  return desk.exclusive(async () => {
    await desk.keysets.refresh(await desk.unit());
    let amount = 0n;
    let notes = 0;
    let pending = 0n;
    for (const { id } of desk.keysets.known.values()) {
      const found = await restoreKeyset(desk, id);
      amount += sumOfNotes(found.free);
      notes += found.free.length;
      pending += found.pending;
    }
    return { amount, notes, pending };
  });
}

async function restoreKeyset(desk: Desk, keysetId: string): Promise<{ free: PlainNote[]; pending: bigint }> {
  const busy = new Busy(desk, keysetId);
  const free: PlainNote[] = [];
  let pending = 0n;
  let empty = 0;
  let next = 0;
  for (let from = 0; from < RESTORE_COUNTER_MAX && empty < RESTORE_EMPTY_BATCHES; from += RESTORE_BATCH) {
    const amounts = new Array<bigint>(RESTORE_BATCH).fill(0n);
    const restored = await desk.swaps.restored(desk.swaps.outputs({ keysetId, from, amounts }), keysetId);
    empty = restored.length === 0 ? empty + 1 : 0;
    for (const { place } of restored) next = Math.max(next, from + place + 1);
    const fresh = restored
      .filter(({ place }) => !busy.hasNumber(from + place))
      .map(({ note }) => storedNote(note))
      .filter((note) => !busy.hasNote(note));
    if (fresh.length === 0) continue;
    const states = await desk.swaps.states(fresh);
    free.push(...fresh.filter((_, i) => states[i] === 'UNSPENT'));
    pending += sumOfNotes(fresh.filter((_, i) => states[i] === 'PENDING'));
  }
  await desk.store.change((changes) => {
    changes.setCounter(keysetId, Math.max(next, changes.counter(keysetId)));
    if (free.length === 0) return;
    changes.free(free);
    changes.note('restored', sumOfNotes(free), { at: desk.now(), reference: 0n });
  });
  return { free, pending };
}

/** What is here already: free, in an open operation, or about to come out of one. */
class Busy {
  readonly #desk: Desk;
  readonly #plans: Plan[];
  readonly #secrets: ReadonlySet<string>;

  constructor(desk: Desk, keysetId: string) {
    this.#desk = desk;
    const operations = desk.store.operations().map(([, operation]) => operation);
    this.#plans = operations.flatMap((operation) => {
      const plan =
        operation.kind === 'token'
          ? undefined
          : operation.kind === 'deposit'
            ? operation.change
            : operation.plan;
      return plan?.keysetId === keysetId ? [plan] : [];
    });
    this.#secrets = new Set(
      operations.flatMap((operation) =>
        operation.kind === 'withdraw' ? [] : operation.notes.map(({ secret }) => secret),
      ),
    );
  }

  hasNumber(number: number): boolean {
    return this.#plans.some(({ from, amounts }) => number >= from && number < from + amounts.length);
  }

  hasNote(note: PlainNote): boolean {
    return this.#secrets.has(note.secret) || this.#desk.store.isHeld(note);
  }
}
