// Swap operations: notes of others, or notes of ours that are too large, for notes that nobody else knows.
//
//     written down with the notes and the plan ─▶ asked of the mint ─▶ own notes, free
import type { PublicKeyset } from '../notes/keyset.ts';
import type { PlainNote } from '../roles/documents/notes.ts';
import { type Desk, done, type Exactly, type Look, sumOfNotes, waiting } from './desk.ts';
import { TerminalError } from './errors.ts';
import { PLANS_MAX } from './limits.ts';
import { refusedBy } from './mint-calls.ts';
import type { NoteChanges } from './note-store.ts';
import type { HistoryEvent, OperationOf, Plan, SwapOrigin } from './records.ts';
import type { SwapResult } from './swaps.ts';

type Swap = OperationOf<'swap'>;
type Spent = Extract<SwapResult, { kind: 'spent' }>;

const EVENTS: { readonly [origin in Exclude<SwapOrigin, 'change'>]: HistoryEvent } = {
  delivery: 'received',
  return: 'returned',
  token: 'token_taken',
  reclaim: 'reclaimed',
};

/** Whose notes they were before: what the mint calls spent was ours to lose only here. */
const IS_OWN: { readonly [origin in SwapOrigin]: boolean } = {
  change: true,
  reclaim: false,
  delivery: false,
  return: false,
  token: false,
};

export class Exchanges {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /**
   * The amounts of own notes for these, less what spending them costs.
   * @throws TerminalError invalid_argument: spending them costs as much as they are worth
   */
  async amountsFor(notes: readonly PlainNote[]) {
    const unit = await this.#desk.unit();
    await this.#desk.keysets.lookUp(new Set(notes.map(({ keysetId }) => keysetId)), unit);
    for (const { keysetId, amount } of notes) {
      if (!this.#desk.keysets.keyset(keysetId).keys.has(amount)) {
        throw new TerminalError(
          'keyset_unknown',
          `keyset ${keysetId}: expected a key for ${amount}, got none`,
        );
      }
    }
    const keyset = await this.#desk.keysets.active(unit);
    const worth = sumOfNotes(notes) - this.#desk.feeOf(notes);
    if (worth <= 0n) {
      throw new TerminalError(
        'invalid_argument',
        `notes: expected them to be worth more than spending them costs, got ${sumOfNotes(notes)}`,
      );
    }
    return { keysetId: keyset.id, amounts: this.#desk.split(worth, keyset) };
  }

  /** undefined: they are not worth what exchanging them costs. */
  async amountsOrDust(notes: readonly PlainNote[]): Promise<Pick<Plan, 'keysetId' | 'amounts'> | undefined> {
    try {
      return await this.amountsFor(notes);
    } catch (error) {
      if (error instanceof TerminalError && error.code === 'invalid_argument') return undefined;
      throw error;
    }
  }

  /** Free notes that make up exactly this; exchanges some where there are none such. @throws TerminalError */
  async exact(amount: bigint, how: Exactly): Promise<PlainNote[]> {
    for (let tries = 0; tries < PLANS_MAX; tries++) {
      const found = this.#desk.exactly(amount, how);
      if (found !== undefined) return found;
      const keyset = await this.#desk.keysets.active(await this.#desk.unit());
      const parts = this.#desk.partsOf(amount, how, keyset);
      await this.#exchange(parts, keyset);
      const made = this.#ofAmounts(parts, keyset);
      if (made !== undefined && made.length <= how.countMax) return made;
    }
    throw new TerminalError(
      'invalid_argument',
      `amount: expected one that ${how.countMax} notes make up, got ${amount}`,
    );
  }

  async #exchange(parts: readonly bigint[], keyset: PublicKeyset): Promise<void> {
    const operation = this.#desk.newId();
    const { inputs, amounts } = this.#desk.exchangeFor(parts, keyset);
    await this.#desk.store.change((changes) => {
      changes.take(inputs);
      changes.open(operation, {
        kind: 'swap',
        at: this.#desk.now(),
        origin: 'change',
        reference: 0n,
        gateway: undefined,
        notes: inputs,
        plan: changes.plan(keyset.id, amounts),
      });
    });
    this.#desk.event({ type: 'prepared', operation, what: 'exchange' });
    const look = await this.advance(operation);
    if (look.kind === 'wait') throw new TerminalError('unfinished', look.reason, { operation });
  }

  /** Free notes of just these amounts; undefined: the mint has changed its keys meanwhile. */
  #ofAmounts(parts: readonly bigint[], keyset: PublicKeyset): PlainNote[] | undefined {
    const free = this.#desk.store.held().filter(({ keysetId }) => keysetId === keyset.id);
    const made = parts.map((part) => {
      const at = free.findIndex(({ amount }) => amount === part);
      return at < 0 ? undefined : free.splice(at, 1)[0]!;
    });
    return made.every((note) => note !== undefined) ? made : undefined;
  }

  /** One try to bring a swap to its end. The amount that is free now. @throws TerminalError */
  async advance(id: bigint): Promise<Look<bigint>> {
    const operation = this.#desk.store.operation(id);
    if (operation?.kind !== 'swap') return done(0n);
    let current = operation;
    const result = await this.#desk.carryOut(
      current.plan,
      (plan) => this.#desk.swaps.swap(current.notes, plan),
      (changes, plan) => {
        current = { ...current, plan };
        changes.put(id, current);
      },
    );
    switch (result.kind) {
      case 'notes': {
        const amount = sumOfNotes(result.notes);
        await this.#desk.store.change((changes) => {
          changes.end(id);
          changes.free(result.notes);
          this.#ended(changes, id, current, 'exchanged', amount);
        });
        this.#desk.event({ type: 'state', operation: id, state: 'exchanged' });
        return done(amount);
      }
      case 'pending':
        return waiting(`the mint holds the notes: ${result.detail}`);
      case 'spent':
        return this.#spent(id, current, result);
      case 'refused': {
        await this.#refused(id, current);
        throw refusedBy(result, 'swap', id);
      }
    }
  }

  /** Some of them are worth nothing. What is left is exchanged all the same. */
  async #spent(id: bigint, swap: Swap, { states, isUnused }: Spent): Promise<Look<bigint>> {
    const left = swap.notes.filter((_, i) => states[i] === 'UNSPENT');
    const lost = sumOfNotes(swap.notes) - sumOfNotes(left);
    const plan = left.length === 0 ? undefined : await this.amountsOrDust(left);
    await this.#desk.store.change((changes) => {
      if (isUnused) changes.release(swap.plan);
      if (plan === undefined) {
        changes.end(id);
        changes.free(left);
      } else {
        const { keysetId, amounts } = plan;
        changes.put(id, { ...swap, notes: left, plan: changes.plan(keysetId, amounts) });
      }
      const event = IS_OWN[swap.origin] ? 'lost' : swap.origin === 'reclaim' ? 'token_spent' : 'refused';
      const detail = 'spent elsewhere, as the mint says';
      changes.note(event, lost, { at: this.#desk.now(), reference: swap.reference || id, detail });
      if (plan === undefined) this.#settleDelivery(changes, swap, 'refused');
    });
    if (plan !== undefined) return this.advance(id);
    throw new TerminalError('notes_spent', `notes: expected notes worth ${lost}, got some that are spent`, {
      operation: id,
    });
  }

  /** Nothing was taken. Whoever still has the notes keeps them, and may try again. */
  async #refused(id: bigint, swap: Swap): Promise<void> {
    if (swap.origin === 'reclaim') return;
    await this.#desk.store.change((changes) => {
      changes.end(id);
      changes.release(swap.plan);
      if (swap.origin === 'change') changes.free(swap.notes);
      else this.#settleDelivery(changes, swap, undefined);
    });
  }

  #ended(changes: NoteChanges, id: bigint, swap: Swap, state: 'exchanged', amount: bigint): void {
    this.#settleDelivery(changes, swap, state);
    if (swap.origin === 'change') return;
    changes.note(EVENTS[swap.origin], amount, { at: this.#desk.now(), reference: swap.reference || id });
  }

  #settleDelivery(changes: NoteChanges, swap: Swap, state: 'exchanged' | 'refused' | undefined): void {
    if (swap.gateway === undefined) return;
    const name = { gateway: swap.gateway, request: swap.reference, isReturn: swap.origin === 'return' };
    const delivery = changes.delivery(name);
    if (delivery === undefined) return;
    if (state === undefined) changes.forgetDelivery(name);
    else changes.putDelivery(name, { ...delivery, state });
  }
}
