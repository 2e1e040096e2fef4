// Answers that are waited for only so long: the partner may give them later, and whoever asked is told to ask again.
import type { SetTimer } from '../../shared/timer.ts';

/** undefined: the time is over. */
export function within<Value>(
  waitMs: number,
  value: Promise<Value>,
  setTimer: SetTimer,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = setTimer(() => resolve(undefined), waitMs);
    value.then(resolve, reject).finally(cancel);
  });
}

/** The same of a batch, which is told by a signal: one timer for all of it. */
export async function withinSignal<Value>(
  waitMs: number,
  ask: (signal: AbortSignal) => Promise<Value>,
  setTimer: SetTimer,
): Promise<Value> {
  const waiting = new AbortController();
  const cancel = setTimer(() => waiting.abort(), waitMs);
  try {
    return await ask(waiting.signal);
  } finally {
    cancel();
  }
}
