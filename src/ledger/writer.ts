// The single writer: every change of the ledger's state goes through here, one batch after the other.
//
//     submit ──▶ copy into a slot ──▶ kernel.execute ──▶ committer ──▶ flushed ──▶ answer, slot free again
//                     │ no slot, or a checkpoint needs room first
//                     └──▶ waiting (bounded), in order
//
// Before a batch runs, pending transfers whose time is over by its timestamp are expired by an operation of their own,
// which the journal records like any other: a replay never looks at a clock.

import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { BATCH_RECORDS_MAX, Operation } from '../layout/generated.ts';
import { recordSizeOf, recordsMaxOf } from '../layout/record-size.ts';
import type { EngineReply, EngineRequest } from '../wire/engine.ts';
import { operationName } from '../wire/operation.ts';
import { RequestStatus } from '../wire/status.ts';
import type { Clock } from './clock.ts';
import { nextTimestamp } from './clock.ts';
import type { Committer } from './committer.ts';
import type { Maintenance } from './maintenance.ts';
import { refuseVerdicts } from './order-verdicts.ts';
import type { Records } from './records.ts';
import { refusal } from './replies.ts';
import type { Sessions } from './sessions.ts';
import type { SlotPool } from './slots.ts';

/** Requests that wait for a slot at most, and their bytes: beyond, `busy`. The server stops reading long before. */
export const WAITING_REQUESTS_MAX = 1024;
export const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** A batch that changes the ledger; `operation` is one of the journal's. */
export interface WriteRequest extends EngineRequest {
  /** The verdicts on payment orders are the host's. Otherwise any but 0 is refused. */
  readonly hasVerdicts?: boolean;
}

interface Waiting {
  readonly request: WriteRequest;
  readonly resolve: (reply: EngineReply) => void;
}

export interface WriterParts {
  readonly kernel: LedgerKernel;
  readonly slots: SlotPool;
  readonly committer: Committer;
  readonly maintenance: Maintenance;
  readonly records: Records;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly expiryTimer: boolean;
  /** What a refusal says while the writer may not take anything in; undefined: it may. */
  readonly refuses: () => EngineReply | undefined;
  /** The kernel has thrown: its memory may hold half a batch and is of no further use. */
  readonly failed: (error: Error) => void;
  /** Called when the queue of waiting requests has become empty. */
  readonly relieved: () => void;
}

export class Writer {
  readonly #parts: WriterParts;
  #op: number;
  #timestamp: bigint;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #expiryTimer: NodeJS.Timeout | undefined;
  #expiryTimerAt = 0n;
  #closed = false;

  constructor(parts: WriterParts, op: number, timestamp: bigint) {
    this.#parts = parts;
    this.#op = op;
    this.#timestamp = timestamp;
  }

  /** Last executed operation. */
  get op(): number {
    return this.#op;
  }

  get timestamp(): bigint {
    return this.#timestamp;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The payload is borrowed until this returns. */
  submit(request: WriteRequest): Promise<EngineReply> {
    const malformed = this.#malformed(request);
    if (malformed) return Promise.resolve(malformed);
    // Before any refusal: what has been executed is stored as soon as there is room, and is not to be denied.
    const answered = this.#answered(request);
    if (answered) return answered;
    const refused = this.#parts.refuses();
    if (refused) return Promise.resolve(refused);
    if (this.#waiting.length === 0) {
      const executed = this.#execute(request);
      if (executed) return Promise.resolve(executed);
    }
    if (this.#waiting.length >= WAITING_REQUESTS_MAX || this.#waitingBytes >= WAITING_BYTES_MAX) {
      return Promise.resolve(
        refusal(
          RequestStatus.busy,
          `expected at most ${WAITING_REQUESTS_MAX} waiting requests: try again later`,
        ),
      );
    }
    return new Promise((resolve) => {
      this.#waiting.push({ request: { ...request, payload: request.payload.slice() }, resolve });
      this.#waitingBytes += request.payload.length;
    });
  }

  /** Takes up waiting requests: called when a slot or room has become free. */
  pump(): void {
    while (this.#waiting.length > 0) {
      const { request, resolve } = this.#waiting[0]!;
      const reply = this.#answered(request) ?? this.#parts.refuses() ?? this.#execute(request);
      if (reply === undefined) return;
      this.#waiting.shift();
      this.#waitingBytes -= request.payload.length;
      resolve(reply as EngineReply);
      if (this.#waiting.length === 0) this.#parts.relieved();
    }
    this.scheduleExpiry();
  }

  /** Expires what is due also when no batch comes. */
  scheduleExpiry(): void {
    if (this.#closed || !this.#parts.expiryTimer) return;
    const expiresAt = this.#parts.kernel.nextExpiry();
    if (expiresAt === undefined) return;
    if (this.#expiryTimer !== undefined && this.#expiryTimerAt <= expiresAt) return;
    clearTimeout(this.#expiryTimer);
    this.#expiryTimerAt = expiresAt;
    const delayMs = Number((expiresAt - this.#parts.clock()) / 1_000_000n) + 1;
    this.#expiryTimer = setTimeout(
      () => {
        this.#expiryTimer = undefined;
        if (!this.#closed && this.#parts.refuses() === undefined) this.expire();
        this.scheduleExpiry();
      },
      Math.min(Math.max(delayMs, 1), 60_000),
    );
    this.#expiryTimer.unref();
  }

  /** Runs the expiries that are due now; false: there was no room, call again later. */
  expire(): boolean {
    try {
      return this.#expireUntil(this.#parts.clock());
    } catch (error) {
      this.#parts.failed(error as Error);
      return false;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#expiryTimer);
    for (const { resolve } of this.#waiting.splice(0)) {
      resolve(refusal(RequestStatus.stopping, 'the engine is stopping: nothing of this request was applied'));
    }
  }

  #malformed({ operation, count, payload }: EngineRequest): EngineReply | undefined {
    const countMax = recordsMaxOf(operation);
    if (count > countMax) {
      return refusal(RequestStatus.too_many_records, `expected at most ${countMax} records, got ${count}`);
    }
    const size = recordSizeOf(operation);
    if (payload.length !== count * size) {
      return refusal(
        RequestStatus.body_size_mismatch,
        `expected ${count} records of ${size} bytes, got ${payload.length} bytes`,
      );
    }
    if (this.#closed)
      return refusal(RequestStatus.stopping, 'the engine is stopping: ask again when it is back');
    return undefined;
  }

  /** The answer to a request that has been applied, or can no longer be known. */
  #answered({ operation, session, request, count }: EngineRequest): Promise<EngineReply> | undefined {
    if (session === 0n) return undefined;
    const seen = this.#parts.sessions.seen(session, request);
    if (seen.kind === 'new') return undefined;
    if (seen.kind === 'applied') {
      const applied = this.#parts.records.shape(seen.op);
      if (applied.operation !== operation || applied.count !== count) {
        const what = `request ${request} was ${applied.count} records of ${operationName(applied.operation)}, got ${count} of ${operationName(operation)}: expected a number of its own`;
        return Promise.resolve(refusal(RequestStatus.request_differs, what));
      }
      return this.#parts.committer.durable(seen.op).then(
        () => this.#parts.records.reply(seen.op),
        (error: Error) => refusal(RequestStatus.internal_error, error.message),
      );
    }
    return Promise.resolve(
      refusal(
        RequestStatus.request_too_old,
        `request ${request} may have been applied and is no longer remembered: expected a number above ${seen.forgotten}`,
      ),
    );
  }

  /** undefined: there is no room yet. */
  #execute(request: WriteRequest): Promise<EngineReply> | EngineReply | undefined {
    try {
      return this.#executeNow(request);
    } catch (error) {
      this.#parts.failed(error as Error);
      return this.#parts.refuses();
    }
  }

  #executeNow({
    operation,
    session,
    request,
    payload,
    count,
    hasVerdicts,
  }: WriteRequest): Promise<EngineReply> | EngineReply | undefined {
    const { kernel, slots, maintenance, clock } = this.#parts;
    const now = clock();
    if (!this.#expireUntil(now)) return undefined;
    if (!maintenance.roomFor(count)) return undefined;
    if (!kernel.reserve(operation, count)) {
      // The memtable of ids may be full only until the frozen one is a run.
      if (maintenance.sealing) return undefined;
      return refusal(
        RequestStatus.capacity_exhausted,
        'the memory for accounts and pending transfers is used up',
      );
    }
    const slot = slots.acquire(count);
    if (slot === undefined) return undefined;
    const events = kernel.bytes(slot, payload.length);
    events.set(payload);
    if (operation === Operation.create_payment_orders && !hasVerdicts) refuseVerdicts(events);
    return this.#run(operation, slot, count, now, session, request);
  }

  #expireUntil(now: bigint): boolean {
    const { kernel, slots, maintenance } = this.#parts;
    for (;;) {
      const due = kernel.expiriesDue(nextTimestamp(now, this.#timestamp, 1), BATCH_RECORDS_MAX);
      if (due === 0) return true;
      if (!maintenance.roomFor(due) || !kernel.reserve(Operation.expire_pending_transfers, due)) return false;
      const slot = slots.acquire(due);
      if (slot === undefined) return false;
      void this.#run(Operation.expire_pending_transfers, slot, due, now, 0n, 0n);
    }
  }

  #run(
    operation: number,
    slot: number,
    count: number,
    now: bigint,
    session: bigint,
    request: bigint,
  ): Promise<EngineReply> {
    const { kernel, slots, committer, maintenance, records, sessions } = this.#parts;
    const op = this.#op + 1;
    const timestamp = nextTimestamp(now, this.#timestamp, count);
    kernel.execute(operation, op, timestamp, slot, count);
    this.#op = op;
    this.#timestamp = timestamp;
    if (session !== 0n) sessions.apply(session, request, op);
    records.hold(op, operation, slot, count);
    return new Promise((resolve) => {
      committer.push({
        entry: { op, operation, timestamp, count, session, request, slot },
        settle: () => {
          const body = kernel.reply(slot, count);
          records.drop(op);
          slots.release(slot);
          resolve({ status: RequestStatus.ok, timestamp, count, body });
        },
        abandon: (error) => resolve(refusal(RequestStatus.internal_error, error.message)),
      });
      maintenance.executed(operation, op, timestamp, count);
    });
  }
}
