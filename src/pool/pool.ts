// Worker threads for one file of tasks: Piscina with types, the same from sources and from the built package.

import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';
import { Piscina } from 'piscina';

type LoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>;

export interface PoolOptions {
  /** The module that names the worker's file: its `import.meta.url`. */
  readonly from: string;
  /** The worker's file relative to it, without the ending: './store-worker'; or with it, for a plain .mjs. */
  readonly file: string;
  /** Name of the exported function that runs one task. */
  readonly task: string;
  readonly threads: number;
  /** Threads start with the first task that needs them, not at once. */
  readonly lazy?: boolean;
  /** Tasks that a thread is given at a time, so that the next one is there when it has finished one; 1 when left out. */
  readonly tasksPerThread?: number;
  /** Which thread is given a task, or none yet; the least busy one when left out. */
  readonly loadBalancer?: LoadBalancer;
  /** What the objects of a thread may take; one that needs more ends with an error. */
  readonly heapMebibytesMax?: number;
  /**
   * How an idle thread waits: 'sync' blocks it, and 'sync' it is when left out. A thread so blocked may outlive an error
   * that nobody caught: what ends it can come to nothing when it is about to block. 'disabled' waits in its event loop.
   */
  readonly atomics?: 'sync' | 'disabled';
  /** What every thread is given at its start (structured clone); see poolData. */
  readonly data?: unknown;
}

export interface Pool<Task, Answer> {
  /** Runs a task in the first free thread; tasks start in the order of the calls. Rejects with what the task throws. */
  run(task: Task): Promise<Answer>;
  /** Finishes what was asked for, then ends the threads. */
  close(): Promise<void>;
}

/**
 * Piscina first tries `require` for a task's file, and Node takes the whole process down when a thread is ended while it
 * requires a module (v8::Module::IsGraphAsync, Node 20.20). Without that ability Piscina imports it, which can be ended.
 */
const BUILT_EXEC_ARGV =
  (process.features as { readonly require_module?: boolean }).require_module === true
    ? ['--no-experimental-require-module']
    : [];

/** What close waits for the tasks that were asked for. */
const CLOSE_TIMEOUT_MS = 600_000;

export function createPool<Task, Answer>(options: PoolOptions): Pool<Task, Answer> {
  const piscina = createPiscina<Task, Answer>(options);
  return {
    run: (task) => piscina.run(task),
    close: () => piscina.close(),
  };
}

/** The same for who looks after the threads himself. */
export function createPiscina<Task, Answer>(options: PoolOptions): Piscina<Task, Answer> {
  const {
    from,
    file,
    task: name,
    threads,
    lazy = false,
    tasksPerThread = 1,
    atomics = 'sync',
    heapMebibytesMax,
    loadBalancer,
    data,
  } = options;
  // Node 20 cannot strip types in a worker thread: sources go through tsx, the package is JavaScript already.
  const ending = from.endsWith('.ts') ? '.ts' : '.js';
  const worker = file.endsWith('.mjs') ? file : `${file}${ending}`;
  return new Piscina<Task, Answer>({
    filename: fileURLToPath(new URL(worker, from)),
    name,
    minThreads: lazy ? 0 : threads,
    maxThreads: threads,
    concurrentTasksPerWorker: tasksPerThread,
    atomics,
    ...(loadBalancer !== undefined && { loadBalancer }),
    ...(heapMebibytesMax !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMebibytesMax } }),
    idleTimeout: Number.POSITIVE_INFINITY,
    execArgv: worker.endsWith('.ts') ? ['--import', 'tsx'] : BUILT_EXEC_ARGV,
    closeTimeout: CLOSE_TIMEOUT_MS,
    workerData: data,
  });
}

/** In a worker: the pool's `data`. Piscina hands a thread [its own data, ours]. */
export function poolData<T>(): T {
  return (Array.isArray(workerData) ? workerData[1] : workerData) as T;
}
