// Waiting that can end early: by the caller's signal, by the end of patience, by the wallet's end.
import { WalletError } from './errors.ts';
import { TransportError, type WalletClock } from './ports.ts';
import { idText } from './records.ts';

/** The reason of the one that ended. */
export type Stop = 'interrupted' | 'unfinished' | 'wallet_closed';

export class Patience {
  readonly #clock: WalletClock;
  readonly #controller = new AbortController();
  readonly #end: (() => void)[] = [];
  #stop: Stop | undefined;

  /** @param patienceMs 0: without end */
  constructor(clock: WalletClock, patienceMs: number, signal: AbortSignal | undefined) {
    this.#clock = clock;
    if (patienceMs > 0) this.#end.push(clock.setTimer(() => this.end('unfinished'), patienceMs));
    if (signal === undefined) return;
    const interrupt = (): void => this.end('interrupted');
    if (signal.aborted) interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    this.#end.push(() => signal.removeEventListener('abort', interrupt));
  }

  /** What `work` resolves to; rejects with PatienceEnded as soon as waiting is to end. The work itself goes on. */
  async for<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    const { signal } = this.#controller;
    let cancel = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      const stop = (): void => reject(new PatienceEnded(this.#stop!));
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      cancel = () => signal.removeEventListener('abort', stop);
    });
    try {
      return await Promise.race([stopped, work]);
    } finally {
      cancel();
    }
  }

  async pause(milliseconds: number): Promise<void> {
    let cancel = (): void => {};
    try {
      await this.for(
        new Promise<void>((resolve) => {
          cancel = this.#clock.setTimer(resolve, milliseconds);
        }),
      );
    } finally {
      cancel();
    }
  }

  end(stop: Stop): void {
    this.#stop ??= stop;
    this.#controller.abort();
  }

  /** Lets go of timers and signals. */
  done(): void {
    for (const end of this.#end) end();
  }
}

/** Gives up waiting for one answer; the work itself goes on. @throws TransportError unreachable */
export async function within<T>(clock: WalletClock, milliseconds: number, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const error = new TransportError('unreachable', `expected an answer within ${milliseconds} ms, got none`);
    cancel = clock.setTimer(() => reject(error), milliseconds);
  });
  try {
    return await Promise.race([late, work]);
  } finally {
    cancel();
  }
}

export class PatienceEnded extends Error {
  override readonly name = 'PatienceEnded';
  readonly stop: Stop;

  constructor(stop: Stop) {
    super(stop);
    this.stop = stop;
  }
}

const STOP_TEXT: { readonly [stop in Stop]: string } = {
  interrupted: 'the caller stopped waiting',
  unfinished: 'expected an end by now, got none yet',
  wallet_closed: 'the wallet was closed',
};

/** @param reason what was waited for last */
export function stoppedError(
  stop: Stop,
  reason: string | undefined,
  request: bigint | undefined,
): WalletError {
  const about = request === undefined ? '' : `request ${idText(request)}: `;
  // Without an answer, the reason that helps is that there was none.
  if (stop === 'unfinished' && reason !== undefined) {
    return new WalletError('unreachable', `${about}${reason}`, { request });
  }
  return new WalletError(stop, `${about}${STOP_TEXT[stop]}`, { request });
}
