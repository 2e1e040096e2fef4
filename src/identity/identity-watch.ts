// The directory and a role's keys, and what else comes with them, read again when they have changed on disk, so that a rotation needs no restart.
//
//     every two seconds, or soon after something unknown came:
//     look ──▶ unchanged: nothing            look never blocks the answers: they come from what was read before
//          └─▶ changed: read, verify ──▶ whole: the new one counts from then on
//                                    └─▶ not, or older: the old one stays, and `onFault` is told, once for each fault
import type { SetTimer } from '../shared/timer.ts';
import { IdentityError } from './errors.ts';
import type { IdentitySource, IdentityState } from './own-keys.ts';

export const LOOK_EVERY_MS = 2000;
/** Strangers can make us look this often. */
const LOOK_SOON_MS = 250;

export interface IdentityWatchOptions<State extends IdentityState> {
  readonly initial: State;
  /** undefined: as it was at the last call. */
  readonly load: () => Promise<State | undefined>;
  readonly setTimer: SetTimer;
  readonly everyMs?: number | undefined;
  readonly onChange?: ((state: State) => void) | undefined;
  readonly onFault?: ((error: unknown) => void) | undefined;
}

export class IdentityWatch<State extends IdentityState = IdentityState> implements IdentitySource {
  readonly #options: IdentityWatchOptions<State>;
  #state: State;
  #looking: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #soon = false;
  #closed = false;
  #fault: string | undefined;

  constructor(options: IdentityWatchOptions<State>) {
    this.#options = options;
    this.#state = options.initial;
    this.#wait(this.#everyMs);
  }

  current(): State {
    return this.#state;
  }

  missed(): void {
    if (this.#soon || this.#closed) return;
    this.#soon = true;
    this.#wait(Math.min(LOOK_SOON_MS, this.#everyMs));
  }

  /** Looks now; when this resolves, what was on disk counts, or `onFault` was told why not. */
  async look(): Promise<void> {
    this.#looking ??= this.#load().finally(() => {
      this.#looking = undefined;
      this.#soon = false;
      this.#wait(this.#everyMs);
    });
    await this.#looking;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  get #everyMs(): number {
    return this.#options.everyMs ?? LOOK_EVERY_MS;
  }

  #wait(milliseconds: number): void {
    this.#cancel?.();
    if (!this.#closed) this.#cancel = this.#options.setTimer(() => void this.look(), milliseconds);
  }

  async #load(): Promise<void> {
    try {
      const next = await this.#options.load();
      this.#fault = undefined;
      if (next === undefined || this.#closed) return;
      const { serial } = this.#state.directory;
      if (next.directory.serial < serial) {
        throw new IdentityError(
          'rolled_back',
          `directory: expected serial ${serial} or higher, got ${next.directory.serial}: an older file`,
        );
      }
      this.#state = next;
      this.#options.onChange?.(next);
    } catch (error) {
      const fault = String(error);
      if (fault !== this.#fault) this.#options.onFault?.(error);
      this.#fault = fault;
    }
  }
}
