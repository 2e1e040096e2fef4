// Ends a process whose event loop has stood still for too long: no time limit of a test can come to pass in it.
import { url } from 'node:inspector';
import { Worker } from 'node:worker_threads';

const BEAT_MS = 1_000;

export interface Watched {
  /** Counts up while the event loop turns. */
  readonly beats: Int32Array;
  readonly name: string;
  readonly beatMs: number;
  readonly limitMs: number;
}

/** @param name of what runs here, for the message */
export function watch(name: string, limitMs: number): void {
  // Who debugs may stand still.
  if (url() !== undefined) return;
  const beats = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref();
  const workerData: Watched = { beats, name, beatMs: BEAT_MS, limitMs };
  new Worker(new URL('./watchdog-thread.mjs', import.meta.url), { workerData }).unref();
}
