// Ends worker threads that a pool has started, whichever they are.
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

/** The threads alive that this test process started. */
export function watchThreads(): { readonly alive: ReadonlySet<Worker>; readonly started: () => number } {
  const alive = new Set<Worker>();
  let started = 0;
  const watch = (worker: Worker): void => {
    started += 1;
    alive.add(worker);
    worker.once('exit', () => alive.delete(worker));
  };
  beforeAll(() => void process.on('worker', watch));
  afterAll(() => void process.off('worker', watch));
  return { alive, started: () => started };
}

/**
 * Ends one of the threads every so often, in turn, if there has been progress since the last time: a machine that is slow
 * to start threads is not kept from ever having one. Stopped at the end of the test at the latest.
 */
export function killRepeatedly(
  alive: ReadonlySet<Worker>,
  everyMs: number,
  progress: () => number,
): { stop(): number } {
  let kills = 0;
  let seen = -1;
  const timer = setInterval(() => {
    const threads = [...alive];
    const victim = threads[kills % threads.length];
    if (victim === undefined || progress() === seen) return;
    seen = progress();
    kills += 1;
    void victim.terminate();
  }, everyMs);
  onTestFinished(() => clearInterval(timer));
  return {
    stop() {
      clearInterval(timer);
      return kills;
    },
  };
}
