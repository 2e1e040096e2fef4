// Batches over the threads of a pool: calls are started first-in first-out, each part of one in a slot of the shared
// memory, and a part whose thread died is encoded and started again, before anything else.
//
//     call ──▶ waiting calls ──▶ part ──▶ slot: encoded once ──▶ thread: run in place ──▶ decoded: copied out once
//              (waitingMax)               (batchBytesMax)    ◀── died: run again
import { availableParallelism } from 'node:os';
import { type CryptoBuild, CryptoMemory } from '../../kernel/crypto-kernel.ts';
import { KernelAbort } from '../../kernel/kernel-abort.ts';
import { chooseKernel } from '../choose-kernel.ts';
import { CryptoError, expectArray, expectObject, shown } from '../errors.ts';
import { kernelChoice } from '../kernel.ts';
import { Arena } from './arena.ts';
import { Call, type PartUnderWay } from './call.ts';
import { Crew } from './crew.ts';
import { bodyBytes, type Operation } from './operation.ts';
import { freeSeats, reserveSeats } from './seats.ts';
import { type BatchAnswer, type BatchTask, SLOT_HEADER_BYTES, SlotHeaders } from './slot.ts';

/** A part that this many threads died of, or trapped on, is not tried again. */
export const ATTEMPTS_MAX = 4;
/** A part of many items stays below this, so that threads get their next parts early. */
const PART_BYTES_MAX = 1 << 20;
const BATCH_BYTES_DEFAULT = 64 << 20;
const BATCH_BYTES_MIN = 64 << 10;
const BATCH_BYTES_MAX = 1 << 30;
const WAITING_DEFAULT = 1_024;
const THREADS_MAX = 256;
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface CryptoPoolOptions {
  /** Threads to compute in; one for each core when left out. */
  readonly threads?: number;
  /** Which build of the kernels they run; the one that this thread has chosen when left out. */
  readonly build?: CryptoBuild;
  /** What batches under way may take of the shared memory; 64 MiB when left out. The pool never takes more. */
  readonly batchBytesMax?: number;
  /** Calls that may wait to be started; 1,024 when left out. Further ones are refused. */
  readonly waitingMax?: number;
}

export interface CryptoPoolStats {
  readonly build: CryptoBuild;
  /** Threads that the pool keeps up, those that are ready now, and those that are computing. */
  readonly threads: number;
  readonly threadsReady: number;
  readonly busy: number;
  /** Calls of which no part has been started, and all that have not been answered. */
  readonly waiting: number;
  readonly pending: number;
  /** Since the pool was made: parts computed, parts started again, threads that died. */
  readonly parts: number;
  readonly retried: number;
  readonly deaths: number;
  /** Shared memory that batches under way take now, the most they ever took, and the bound. */
  readonly bytes: number;
  readonly bytesPeak: number;
  readonly bytesMax: number;
}

/** Where the threads' code is, for createPool. */
export interface BatchWorker {
  readonly from: string;
  readonly file: string;
  readonly task: string;
}

export class BatchPool {
  readonly #build: CryptoBuild;
  readonly #threads: number;
  readonly #waitingMax: number;
  readonly #memory: CryptoMemory;
  readonly #arena: Arena;
  readonly #headers: SlotHeaders;
  readonly #crew: Crew<BatchTask, BatchAnswer>;
  /** Calls with parts to start, in the order they came. */
  readonly #queue: Call[] = [];
  readonly #pending = new Set<Call>();
  /** Parts to start again. */
  readonly #again: PartUnderWay[] = [];
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #parts = 0;
  #retried = 0;
  #deaths = 0;
  #deathsInARow = 0;
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;
  /** Threads of a pool let the process end; a call under way does not. */
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: CryptoPoolOptions, worker: BatchWorker) {
    expectObject('options', options);
    const threads = options.threads ?? Math.min(availableParallelism(), THREADS_MAX);
    const batchBytesMax = options.batchBytesMax ?? BATCH_BYTES_DEFAULT;
    const waitingMax = options.waitingMax ?? WAITING_DEFAULT;
    expectInteger('threads', threads, 1, THREADS_MAX);
    expectInteger('batchBytesMax', batchBytesMax, BATCH_BYTES_MIN, BATCH_BYTES_MAX);
    expectInteger('waitingMax', waitingMax, 0, Number.MAX_SAFE_INTEGER);
    this.#threads = threads;
    this.#waitingMax = waitingMax;
    this.#build = buildOf(options);
    this.#memory = new CryptoMemory(this.#build);
    const data = reserveSeats(this.#build, this.#memory, threads);
    // All of it now, so that no thread ever sees memory that has grown: pages take room only once they are written to.
    this.#arena = new Arena(this.#memory.allocate(batchBytesMax), batchBytesMax);
    this.#headers = new SlotHeaders(this.#memory.memory);
    this.#bytes = new Uint8Array(this.#memory.memory.buffer);
    this.#crew = new Crew({
      ...worker,
      threads,
      data,
      onReady: () => this.#pump(),
      onDeath: (thread) => {
        freeSeats(data, thread);
        this.#onDeath();
      },
    });
  }

  /**
   * Answers of the items, in their order. What the items hold must not change before.
   * @param isWhole the call is not divided: what it takes altogether is less, but it takes longer by itself
   */
  async run<Shared, Item, Result>(
    operation: Operation<Shared, Item, Result>,
    shared: Shared,
    items: readonly Item[],
    isWhole = false,
  ): Promise<Result[]> {
    if (this.#closing !== undefined) {
      throw new CryptoError('unavailable', 'expected an open pool, got a closed one');
    }
    this.#check(operation, shared, items);
    if (items.length === 0) return [];
    const call = new Call(operation as unknown as Operation<unknown, unknown, unknown>, shared, items, {
      threads: this.#threads,
      // So that every thread has room for the part under way and the next.
      bytesMax: Math.min(
        isWhole ? Number.POSITIVE_INFINITY : PART_BYTES_MAX,
        Math.floor(this.#arena.bytesMax / (2 * this.#threads)) - SLOT_HEADER_BYTES,
      ),
      isWhole,
    });
    // What died while nothing was asked for says nothing of this call.
    if (this.#pending.size === 0) this.#deathsInARow = 0;
    this.#queue.push(call);
    this.#pending.add(call);
    this.#keepAlive ??= setInterval(() => {}, TIMER_MS_MAX);
    this.#crew.recruit();
    this.#pump();
    // Threads that are just being replaced are not the caller's concern: what they would take does not count as waiting.
    if (!call.started && this.#waiting() - this.#crew.roomSoon > this.#waitingMax) {
      this.#queue.pop();
      this.#forget(call);
      throw new CryptoError(
        'unavailable',
        `expected at most ${this.#waitingMax} calls waiting for the pool, got one more`,
      );
    }
    return (await call.promise) as Result[];
  }

  stats(): CryptoPoolStats {
    return {
      build: this.#build,
      threads: this.#threads,
      threadsReady: this.#crew.ready,
      busy: this.#crew.busy,
      waiting: this.#waiting(),
      pending: this.#pending.size,
      parts: this.#parts,
      retried: this.#retried,
      deaths: this.#deaths,
      bytes: this.#arena.bytes,
      bytesPeak: this.#arena.bytesPeak,
      bytesMax: this.#arena.bytesMax,
    };
  }

  /** Answers every call that was taken, then ends the threads. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.#crew.close();
  }

  #check<Shared, Item>(
    operation: Operation<Shared, Item, unknown>,
    shared: Shared,
    items: readonly Item[],
  ): void {
    expectArray(operation.itemsName, items);
    const room = this.#arena.bytesMax - SLOT_HEADER_BYTES - operation.sharedBytes(shared);
    for (let i = 0; i < items.length; i++) {
      operation.checkItem(items[i]!, i);
      const bytes = operation.itemBytes(items[i]!, shared);
      if (bytes > room) {
        throw new CryptoError(
          'invalid_argument',
          `expected items of at most ${room} bytes (batchBytesMax), got ${bytes} at ${i}`,
        );
      }
    }
  }

  /** Calls of which no part has been started: the queue but for its head, perhaps. */
  #waiting(): number {
    return this.#queue.length - (this.#queue[0]?.started ? 1 : 0);
  }

  /** Starts parts while there are threads and memory for them. */
  #pump(): void {
    while (this.#crew.room > 0) {
      const again = this.#again.shift();
      if (again !== undefined) {
        if (this.#encode(again)) void this.#start(again);
        continue;
      }
      const call = this.#queue[0];
      if (call === undefined) break;
      const part = this.#place(call);
      if (part === undefined) break;
      if (this.#encode(part)) void this.#start(part);
      if (call.next === undefined) this.#dequeue(call);
    }
  }

  /** Gives the next part of a call a slot; undefined while there is no room. */
  #place(call: Call): PartUnderWay | undefined {
    const part = call.next!;
    const slotBytes = SLOT_HEADER_BYTES + part.bodyBytes;
    const address = this.#arena.take(slotBytes);
    if (address === undefined) return undefined;
    call.start();
    return { call, part, address, slotBytes, failures: 0 };
  }

  /** Puts the items of a part in its slot. Answers false if that failed, and its call with it. */
  #encode(underWay: PartUnderWay): boolean {
    const { call, part, address } = underWay;
    try {
      // An item that has grown while it waited would be written over its neighbours.
      const bytes = bodyBytes(call.operation, call.shared, part.items);
      if (bytes !== part.bodyBytes) {
        throw new CryptoError(
          'invalid_argument',
          `expected items that do not change, got ${bytes} bytes after ${part.bodyBytes}`,
        );
      }
      call.operation.encode(this.#bytes, address + SLOT_HEADER_BYTES, call.shared, part.items);
      return true;
    } catch (error) {
      this.#refuse(call, part.first, error);
      this.#finish(underWay);
      return false;
    }
  }

  /** Has a part computed by whichever thread is free. */
  async #start(underWay: PartUnderWay): Promise<void> {
    const { call, part, address } = underWay;
    this.#headers.post(address, part.items.length);
    let answer: BatchAnswer;
    try {
      answer = await this.#crew.run({ operation: call.operation.name, address });
    } catch (cause) {
      // The thread is gone. It died of this part only if it had begun it.
      if (this.#headers.hasBegun(address)) this.#fail(underWay, cause);
      else this.#retry(underWay);
      this.#pump();
      return;
    }
    if (answer === undefined) {
      this.#deathsInARow = 0;
      this.#parts += 1;
      this.#decode(underWay);
      this.#finish(underWay);
    } else {
      this.#fail(underWay, new KernelAbort(answer.trap, answer.place));
    }
    this.#pump();
  }

  #decode({ call, part, address }: PartUnderWay): void {
    if (call.isDecidedBefore(part.first)) return;
    try {
      const body = address + SLOT_HEADER_BYTES;
      call.answer(part.first, call.operation.decode(this.#bytes, body, call.shared, part.items, part.first));
    } catch (error) {
      this.#refuse(call, part.first, error);
    }
  }

  #fail(underWay: PartUnderWay, cause: unknown): void {
    underWay.failures += 1;
    if (underWay.failures < ATTEMPTS_MAX) {
      this.#retry(underWay);
      return;
    }
    this.#deathsInARow = 0;
    this.#refuse(
      underWay.call,
      underWay.part.first,
      new CryptoError('unavailable', `expected a batch to be computed, got ${ATTEMPTS_MAX} failures of it`, {
        cause,
      }),
    );
    this.#finish(underWay);
  }

  #retry(underWay: PartUnderWay): void {
    if (underWay.call.isDecidedBefore(underWay.part.first)) {
      this.#finish(underWay);
      return;
    }
    this.#retried += 1;
    this.#again.push(underWay);
  }

  /** Gives the slot back, and the call its answer if that was its last part. */
  #finish({ call, address, slotBytes }: PartUnderWay): void {
    if (call.operation.secret) this.#bytes.fill(0, address, address + slotBytes);
    this.#arena.giveBack(address, slotBytes);
    call.finish();
    this.#settle(call);
  }

  /** The call will reject once its parts under way are done with. */
  #refuse(call: Call, first: number, error: unknown): void {
    call.fail(first, error);
    this.#dequeue(call);
  }

  #dequeue(call: Call): void {
    const i = this.#queue.indexOf(call);
    if (i !== -1) this.#queue.splice(i, 1);
  }

  #settle(call: Call): void {
    if (call.settle()) this.#forget(call);
  }

  #forget(call: Call): void {
    this.#pending.delete(call);
    if (this.#pending.size > 0) return;
    this.#deathsInARow = 0;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
    this.#whenIdle?.();
  }

  #onDeath(): void {
    if (this.#closing !== undefined && this.#pending.size === 0) return;
    this.#deaths += 1;
    this.#deathsInARow += 1;
    // More than parts that kill their threads can account for: threads die before they take anything.
    if (this.#deathsInARow > ATTEMPTS_MAX * this.#threads + 8) this.#giveUp();
    // What the thread had is heard of right after this, and started again.
    if (this.#pending.size > 0) this.#crew.recruit();
  }

  /** No thread can be had: every call is refused, and the next one may try again. */
  #giveUp(): void {
    this.#deathsInARow = 0;
    const error = new CryptoError('unavailable', 'expected threads for the pool, got none that lives', {
      cause: this.#crew.lastError,
    });
    for (const call of this.#pending) this.#refuse(call, -1, error);
    for (const underWay of this.#again.splice(0)) this.#finish(underWay);
    for (const call of [...this.#pending]) this.#settle(call);
  }
}

/** The build of this thread, or the one asked for once its known answers have come out right. */
function buildOf({ build = kernelChoice().build }: CryptoPoolOptions): CryptoBuild {
  if (build !== 'simd' && build !== 'scalar') {
    throw new CryptoError('invalid_argument', `expected build as simd or scalar, got ${shown(build)}`);
  }
  if (build !== kernelChoice().build) chooseKernel({ forced: build });
  return build;
}

function expectInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new CryptoError('invalid_argument', `expected ${name} from ${min} to ${max}, got ${shown(value)}`);
}
