// The ledger of one store: opens it, recovers it, and is the engine behind the server.
//
//     submit ──┬─ writes ──▶ Writer ──▶ kernel ──▶ Committer ──▶ journal
//              └─ reads  ──▶ kernel (accounts), reader threads (history), answered when all they saw is flushed
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Registry } from 'prom-client';
import type { JournalError } from '../journal/errors.ts';
import { LmdbJournal } from '../journal/lmdb-journal.ts';
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import {
  BATCH_RECORDS_MAX,
  GlobalsLayout,
  Operation,
  OperationNames,
  type OrderTerms,
  OrderTermsLayout,
  writeOrderTerms,
} from '../layout/generated.ts';
import type { StateStore } from '../state/state-store.ts';
import { type Call, type CallOptions, LedgerCalls } from '../wire/calls.ts';
import type { Engine, EngineHealth, EngineReply, EngineRequest, SessionInfo } from '../wire/engine.ts';
import { RequestError } from '../wire/errors.ts';
import { operationName, RequestOperation } from '../wire/operation.ts';
import { LOCAL_PEER } from '../wire/peer.ts';
import { readSetOrderTermsResults, type SetOrderTermsResult } from '../wire/results.ts';
import { RequestStatus, requestStatusName } from '../wire/status.ts';
import { type Clock, systemClock } from './clock.ts';
import { Committer } from './committer.ts';
import type { LedgerLog } from './log.ts';
import type { Maintenance, MaintenanceOptions } from './maintenance.ts';
import { LedgerMetrics } from './metrics.ts';
import { type OrderState, readOrderState } from './order-state.ts';
import { type PendingOutcome, Reader } from './reader.ts';
import { Records } from './records.ts';
import { type RecoveryReport, recover } from './recovery.ts';
import { refusal } from './replies.ts';
import type { Sessions } from './sessions.ts';
import type { SlotPool } from './slots.ts';
import { stateDigest } from './state-digest.ts';
import { type WriteRequest, Writer } from './writer.ts';

export interface LedgerOptions {
  /** Folder of the store; created when missing. One process at a time may have it open. */
  readonly path: string;
  /** Nanoseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: Clock;
  /**
   * Whether pending transfers expire by a timer of the system when no batch comes. Default true. False for a clock that
   * does not run by itself: what is due expires before the next batch, and at `expire`.
   */
  readonly expiryTimer?: boolean;
  /** 128 bits that the hash tables in memory are keyed with. Default: random. No result depends on them. */
  readonly seed?: bigint;
  /** Largest size of the journal's file. Default 1 TiB (address space, not disk). */
  readonly mapSizeBytes?: number;
  /** Threads for history queries. Default 1. */
  readonly readers?: number;
  readonly maintenance?: Partial<MaintenanceOptions>;
  /** Where the engine's metrics go. Default: a registry of its own. */
  readonly registry?: Registry;
  readonly log?: LedgerLog;
}

/** Full batches that may be under way between the socket and the disk. 24 take 66 MB and keep a slow flush fed. */
const SLOTS = 24;

/** What the kernel calls the header of a run when it finds that damaged. */
const WHOLE_HEADER = 0xffff_ffff;

export class Ledger extends LedgerCalls implements Engine {
  readonly path: string;
  /** What the start found and did. */
  readonly recovery: RecoveryReport;
  readonly #kernel: LedgerKernel;
  readonly #journal: LmdbJournal;
  readonly #store: StateStore;
  readonly #committer: Committer;
  readonly #maintenance: Maintenance;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #sessions: Sessions;
  readonly #slots: SlotPool;
  readonly #metrics: LedgerMetrics;
  #listeners: (() => void)[] = [];
  #stalled: JournalError | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Opens or creates the store and brings its state up to the end of the journal.
   * @throws JournalError, StateStoreError, ReplayError when the store is locked or damaged
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const path = resolve(options.path);
    mkdirSync(path, { recursive: true });
    const mapSize = options.mapSizeBytes === undefined ? {} : { mapSizeBytes: options.mapSizeBytes };
    const journal = await LmdbJournal.open({ path: join(path, 'journal'), ...mapSize });
    const opened: { close(): Promise<void> }[] = [journal];
    try {
      const log = options.log ?? (() => {});
      const records = new Records(journal, () => journal.tip.op);
      const { seed, maintenance } = options;
      const recovered = await recover({ path, journal, records, seed, slots: SLOTS, maintenance, log });
      opened.push(recovered.store);
      return new Ledger(path, options, journal, records, recovered, log);
    } catch (error) {
      for (const part of opened.reverse()) await part.close();
      throw error;
    }
  }

  private constructor(
    path: string,
    options: LedgerOptions,
    journal: LmdbJournal,
    records: Records,
    recovered: Awaited<ReturnType<typeof recover>>,
    log: LedgerLog,
  ) {
    super();
    const { kernel, store, sessions, slots, report, maintenance } = recovered;
    this.path = path;
    this.recovery = report;
    this.#journal = journal;
    this.#kernel = kernel;
    this.#store = store;
    this.#sessions = sessions;
    this.#slots = slots;
    const clock = options.clock ?? systemClock();
    this.#committer = new Committer(journal, kernel.memory, {
      stalled: (error) => {
        this.#stalled = error;
        log('journal stalled', { error: error.message });
      },
      resumed: () => {
        this.#stalled = undefined;
        log('journal resumed', {});
      },
      committed: () => this.#writer.pump(),
      failed: (error) => {
        this.#failure = error;
        log('journal failed', { error: error.message });
      },
    });
    this.#maintenance = maintenance;
    this.#writer = new Writer(
      {
        kernel,
        slots,
        committer: this.#committer,
        maintenance: this.#maintenance,
        records,
        sessions,
        clock,
        expiryTimer: options.expiryTimer ?? true,
        refuses: () => this.#refuses(),
        failed: (error) => {
          const damage = kernel.indexDamage();
          const part = damage?.page === WHOLE_HEADER ? 'its header' : `page ${damage?.page}`;
          this.#failure = damage === undefined ? error : store.damagedRun(damage.run, part);
          log('kernel failed', { error: this.#failure.message });
        },
        relieved: () => {
          for (const listener of this.#listeners) listener();
        },
      },
      journal.tip.op,
      journal.tip.timestamp,
    );
    maintenance.moveTo({
      durable: (op) => this.#committer.durable(op),
      relieved: () => this.#writer.pump(),
    });
    this.#reader = new Reader(kernel, join(path, 'journal'), options.mapSizeBytes, options.readers ?? 1);
    this.#metrics = new LedgerMetrics(() => this.status(), options.registry ?? new Registry());
    this.#writer.scheduleExpiry();
  }

  async submit(request: EngineRequest): Promise<EngineReply> {
    switch (request.operation) {
      case RequestOperation.create_accounts:
      case RequestOperation.create_transfers:
      case RequestOperation.create_payment_orders:
        return this.#write(request);
      default:
        return this.#read(request);
    }
  }

  /**
   * `submit` for payment orders whose signatures the caller has checked: their verdicts are taken as they stand. What came
   * from outside goes through `refuseVerdicts` first. Exactly once, as for every write: a request that was checked twice,
   * because it was sent twice, is applied once.
   */
  submitChecked(request: EngineRequest): Promise<EngineReply> {
    if (request.operation !== RequestOperation.create_payment_orders) {
      const message = `expected payment orders, got ${operationName(request.operation)}`;
      return Promise.resolve(refusal(RequestStatus.unknown_operation, message));
    }
    return this.#write({ ...request, hasVerdicts: true });
  }

  /**
   * Sets what payment orders of accounts have to keep to; new terms replace those before as a whole. One result each, in
   * order, when they are flushed. Terms that are set twice are the same as set once.
   */
  async setOrderTerms(
    terms: readonly Partial<OrderTerms>[],
    options: CallOptions = {},
  ): Promise<SetOrderTermsResult[]> {
    const count = terms.length;
    if (count === 0) return [];
    if (count > BATCH_RECORDS_MAX) {
      const message = `expected at most ${BATCH_RECORDS_MAX} records, got ${count}: send several requests`;
      throw new RequestError('too_many_records', message);
    }
    const write = (body: Uint8Array): void => {
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      for (const [i, record] of terms.entries()) writeOrderTerms(view, i * OrderTermsLayout.size, record);
    };
    const bodySize = count * OrderTermsLayout.size;
    return readSetOrderTermsResults(
      await this.exchange({ operation: Operation.set_order_terms, count, bodySize, write, options }),
    );
  }

  /** What is known of an account's payment orders; undefined: it has had neither orders nor terms. All of it is flushed. */
  async orderState(accountId: bigint): Promise<OrderState | undefined> {
    const row = this.#kernel.deviceRow(accountId);
    const state = row && readOrderState(row);
    await this.#committer.durable(this.#writer.op);
    return state;
  }

  openSession(session: bigint, acknowledged: bigint): SessionInfo {
    const applied = this.#sessions.last(session);
    if (acknowledged > applied) {
      throw new RequestError(
        'session_expired',
        `the session had request ${acknowledged} answered and is no longer remembered: what of its unanswered requests was applied is unknown; send their records again in a new session, ids make that safe`,
      );
    }
    return { resumed: this.#sessions.has(session), applied };
  }

  get congested(): boolean {
    return this.#writer.waiting > 0;
  }

  onRelieved(listener: () => void): void {
    this.#listeners.push(listener);
  }

  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  health(): EngineHealth {
    const detail = { op: this.#writer.op, durableOp: this.#committer.durableOp };
    const refused = this.#refuses();
    if (this.#failure !== undefined || this.#closing !== undefined) {
      return { status: 'stopped', detail: { ...detail, reason: refused?.message } };
    }
    if (refused !== undefined) return { status: 'degraded', detail: { ...detail, reason: refused.message } };
    if (this.#maintenance.failing) {
      return { status: 'degraded', detail: { ...detail, reason: 'checkpoints fail; see the log' } };
    }
    return { status: 'ok', detail };
  }

  /** Numbers that describe the present state. */
  status(): LedgerStatus {
    const globals = this.#kernel.globals();
    const count = (offset: number) => Number(globals.getBigUint64(offset, true));
    return {
      op: this.#writer.op,
      durableOp: this.#committer.durableOp,
      timestamp: this.#writer.timestamp,
      accounts: count(GlobalsLayout.accountCount),
      transfers: count(GlobalsLayout.transferCount),
      paymentOrders: count(GlobalsLayout.orderCount),
      devices: count(GlobalsLayout.deviceCount),
      pendingTransfers: count(GlobalsLayout.pendingCount),
      sessions: this.#sessions.size,
      slotsUsed: this.#slots.used,
      waiting: this.#writer.waiting,
      memtableEntries: this.#kernel.memtableCount(),
      runs: this.#store.runs.length,
      checkpointOp: this.#store.checkpoint?.op ?? 0,
      memoryBytes: this.#kernel.memory.byteLength,
    };
  }

  /**
   * What became of pending transfers, by their ids; it sees every write submitted before it, and only what is flushed is
   * told. Called in one turn with reads, it is of the same state as they are.
   * @throws RequestError
   */
  async pendingOutcomes(ids: readonly bigint[]): Promise<PendingOutcome[]> {
    const refused = this.#refuses();
    if (refused !== undefined) {
      throw new RequestError(
        requestStatusName(refused.status) ?? 'internal_error',
        refused.message ?? 'refused',
      );
    }
    const op = this.#writer.op;
    return this.#reader.pendingOutcomes(ids, () => this.#committer.durable(op));
  }

  /** SHA-256 over all rows and globals: equal states give equal digests. */
  digest(): string {
    return stateDigest(this.#kernel);
  }

  /** Runs expiries that are due now; for tests and for clocks that come from outside. */
  expire(): void {
    this.#writer.expire();
  }

  /** Writes a checkpoint of the present state; nothing may be submitted until it resolves. */
  async checkpoint(): Promise<void> {
    await this.#committer.durable(this.#writer.op);
    await this.#maintenance.checkpointNow(this.#writer.op, this.#writer.timestamp);
  }

  /** Answers what is in flight, writes a checkpoint (so that the next start is quick) and closes the store. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#writer.close();
    await this.#committer.close();
    this.#maintenance.close();
    if (this.#failure === undefined && this.#stalled === undefined) {
      await this.#maintenance.checkpointNow(this.#writer.op, this.#writer.timestamp);
    }
    await this.#reader.close();
    await this.#store.close();
    await this.#journal.close();
  }

  protected async exchange({ operation, count, bodySize, write, options }: Call): Promise<Uint8Array> {
    const payload = new Uint8Array(bodySize);
    write(payload);
    const request = { operation, peer: LOCAL_PEER, session: 0n, request: 0n, payload, count };
    // Whoever holds the ledger itself is its host.
    const answer = OperationNames.has(operation)
      ? this.#write({ ...request, hasVerdicts: true })
      : this.submit(request);
    const reply = await patient(answer, options);
    if (reply.status === RequestStatus.ok) return reply.body;
    throw new RequestError(requestStatusName(reply.status) ?? 'internal_error', reply.message ?? 'refused');
  }

  async #write(request: WriteRequest): Promise<EngineReply> {
    const started = performance.now();
    const reply = await this.#writer.submit(request);
    this.#metrics.answered(request, reply, performance.now() - started);
    return reply;
  }

  /** Why no request can be answered now. */
  #refuses(): EngineReply | undefined {
    if (this.#failure !== undefined) {
      const message = `the engine has failed and takes nothing in until a restart, which goes by what is flushed: ${this.#failure.message}`;
      return refusal(RequestStatus.internal_error, message);
    }
    if (this.#stalled !== undefined) {
      return refusal(
        RequestStatus.storage_full,
        `nothing of this request was applied: ${this.#stalled.message}`,
      );
    }
    if (this.#closing !== undefined) return refusal(RequestStatus.stopping, 'the engine is stopping');
    return undefined;
  }

  /** A read sees every write submitted before it, and is answered when all that it saw is flushed. */
  async #read(request: EngineRequest): Promise<EngineReply> {
    const refused = this.#refuses();
    if (refused !== undefined) return refused;
    const { operation, payload, count } = request;
    if (count > BATCH_RECORDS_MAX) {
      return refusal(
        RequestStatus.too_many_records,
        `expected at most ${BATCH_RECORDS_MAX} records, got ${count}`,
      );
    }
    const op = this.#writer.op;
    const timestamp = this.#writer.timestamp;
    // The reader takes what it needs from memory and payload before its first await.
    const answer = this.#reader.read(operation, payload, op, () => this.#committer.durable(op));
    try {
      const { body, size } = await answer;
      return { status: RequestStatus.ok, timestamp, count: body.length / size, body };
    } catch (error) {
      if (error instanceof RequestError) return refusal(error.status, error.message);
      throw error;
    }
  }
}

export interface LedgerStatus {
  /** Last executed and last flushed operation. */
  readonly op: number;
  readonly durableOp: number;
  readonly timestamp: bigint;
  readonly accounts: number;
  readonly transfers: number;
  /** Payment orders applied, and accounts that have had such orders or terms for them. */
  readonly paymentOrders: number;
  readonly devices: number;
  readonly pendingTransfers: number;
  readonly sessions: number;
  readonly slotsUsed: number;
  readonly waiting: number;
  readonly memtableEntries: number;
  readonly runs: number;
  readonly checkpointOp: number;
  readonly memoryBytes: number;
}

/** Waits as long as the caller wants to. */
function patient<T>(answer: Promise<T>, { signal, timeoutMs }: CallOptions): Promise<T> {
  const signals = signal === undefined ? [] : [signal];
  if (timeoutMs !== undefined) signals.push(AbortSignal.timeout(timeoutMs));
  if (signals.length === 0) return answer;
  const stop = AbortSignal.any(signals);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(stop.reason);
    if (stop.aborted) onAbort();
    stop.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => stop.removeEventListener('abort', onAbort));
  });
}
