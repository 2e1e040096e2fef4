// A request that crosses roles, as a state machine of pure functions. Each state says by itself what has to happen next,
// so the state alone is the inbox (what was asked, what was answered) and the outbox (what is still to be sent): one
// write of it is all there is to write. See docs/decisions/0015-state-is-the-outbox.md.
//
//     submit ─▶ admit ─▶ state ─▶ effect ─▶ outcome ─▶ next ─▶ state ─▶ … ─▶ state without an effect: final
//                        └ written, flushed ┘                   └ written, flushed
import { createHash } from 'node:crypto';
import type { Codec } from '../../shared/codec.ts';
import type { Key } from '../../store/key.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import type { Refusal } from '../common/refusal.ts';

/** Nothing to do before this time (nanoseconds); then effect() is asked again. */
export interface Wait {
  readonly waitUntil: bigint;
}

/** A record that is written with a state; `value` undefined: the record is removed. */
export interface Put {
  readonly table: string;
  readonly key: Key;
  readonly value: Uint8Array | undefined;
}

export interface WriteContext {
  readonly id: bigint;
  /** Nanoseconds. */
  readonly now: bigint;
  /** The tables as this transaction sees them, earlier writes of the same group included. */
  readonly reads: StoreReads;
}

export interface Flow<State, Effect extends object, Outcome> {
  /** Stored with each request, 1 to 255; one number a flow, for ever. */
  readonly kind: number;
  readonly name: string;
  /** At most STATE_BYTES_MAX bytes. */
  readonly state: Codec<State>;
  /**
   * What has to happen next; undefined: the state is final, whatever the time. A pure function. It is asked before every
   * attempt, so that a deadline that has passed can turn one effect into another.
   */
  effect(state: State, now: bigint): Effect | Wait | undefined;
  /** Pure. */
  next(state: State, outcome: Outcome, now: bigint): State;
  /**
   * Whether callers that wait for the end are answered in this state already, as what comes next is long in coming. Left out:
   * final states alone.
   */
  readonly answersIn?: (state: State) => boolean;
  /** Up to 64 letters, digits and underscores. Goes into the record's history whenever it changes. */
  stateName(state: State): string;
  /** Further records that are written in the same transaction as `after`. `before` undefined: the request is new. */
  writes?(before: State | undefined, after: State, context: WriteContext): readonly Put[];
}

/** An effect without an outcome yet: no state changes, it is performed again after a pause of at least `afterMs`. */
export interface Again {
  readonly again: true;
  readonly afterMs: number;
}

/** `again(0)`: after the usual pause, which doubles from attempt to attempt. */
export function again(afterMs = 0): Again {
  return { again: true, afterMs };
}

export interface EffectItem<Effect> {
  readonly id: bigint;
  readonly effect: Effect;
  /** From 1, counted anew in each process and for each state. */
  readonly attempt: number;
}

/**
 * Performs effects of a flow that became due together: one promise each, in order. Any effect may come again, after a
 * crash with no trace of the first time: whoever receives it recognises it by the request's id. Each promise settles some
 * time (whatever waits for an answer has a time limit); one that rejects is logged and means `again`.
 */
export type Perform<Effect extends object, Outcome> = (
  effects: readonly EffectItem<Effect>[],
) => readonly Promise<Outcome | Again>[];

export interface Submission<State, Code extends string = string> {
  readonly id: bigint;
  /** SHA-256 of the request as it came: the same id with another digest is another request, and refused. */
  readonly digest: Uint8Array;
  /**
   * Called once, in the write transaction, when the id is new; what it returns is stored. It may read tables to check
   * (uniqueness, balances); the flow's `writes` writes them, and it writes itself what must be counted of refusals too. A Refusal is remembered too: else a late copy of a message
   * might be admitted after its sender was told no. Not so one that may be repeated (`busy`, …), which stores nothing.
   * Checks that always come to the same (signatures, limits) may stand before submit(): they need no memory. Never those
   * that time or a table can change (`applyBy`, a revocation): a request that was done would be refused when it comes
   * again, and its sender would take that for a no.
   */
  readonly admit: (tx: StoreTransaction) => State | Refusal<Code>;
}

/** The digest of a message; its codec gives each value one encoding, so encoding it again gives the bytes that came. */
export function digestOf<Message>(codec: Codec<Message>, message: Message): Uint8Array {
  return createHash('sha256').update(codec.encode(message)).digest();
}

/** Where a request stands. All of it is flushed. */
export interface Standing<State> {
  readonly id: bigint;
  readonly state: State;
  readonly stateName: string;
  readonly isFinal: boolean;
  /** Nanoseconds. */
  readonly createdAt: bigint;
  readonly updatedAt: bigint;
}

export interface RequestRecord extends Standing<unknown> {
  /** Name of the flow. */
  readonly flow: string;
  /** Why it was not admitted; its state is undefined then, and called `refused`. */
  readonly refusal: Refusal | undefined;
  readonly digest: Uint8Array;
  /** The first and the newest names of its state, with the times at which they were written. */
  readonly history: readonly { readonly stateName: string; readonly at: bigint }[];
}

/** Where a crash test may end the process, and what an operator may watch. */
export const TRACE_POINTS = ['before_write', 'after_write', 'before_effect', 'after_effect'] as const;
export type TracePoint = (typeof TRACE_POINTS)[number];
export type Trace = (point: TracePoint, id: bigint, stateName: string) => void;

/** Bytes of a state at most. */
export const STATE_BYTES_MAX = 64 * 1024;
