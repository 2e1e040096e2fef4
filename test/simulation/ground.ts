// What all parties of a simulation stand on: one clock, one network, one source of chance, one trace.
//
//     seed ─▶ World ─┬─ timers ──▶ parties, as long as they live
//                    ├─ network: each message late, never, twice, out of order; parties cut off from each other
//                    └─ trace ──▶ digest: the same seed, the same digest
import { createHash } from 'node:crypto';
import type { SetTimer } from '../../src/shared/timer.ts';
import { START } from '../identity/support.ts';
import { World } from '../roles/flow/world.ts';

/** Chances of each message, while faults last. */
export interface Weather {
  readonly drop: number;
  readonly repeat: number;
  readonly delayMaxMs: number;
}

export const CALM: Weather = { drop: 0, repeat: 0, delayMaxMs: 3 };
const WORLD_START = 1_000_000_000_000n;

/** One life of a process: what an earlier one still does has no effect. */
export interface Life {
  readonly isAlive: () => boolean;
  readonly setTimer: SetTimer;
  readonly afterTurn: (run: () => void) => void;
}

export class Ground {
  readonly world: World;
  readonly start: bigint;
  weather: Weather = CALM;
  /** Pairs of parties that do not reach each other. */
  readonly cuts = new Set<string>();
  /** By how much each party's clock is wrong, nanoseconds. */
  readonly offsets = new Map<string, bigint>();
  readonly #hash = createHash('sha256');
  readonly #print: ((line: string) => void) | undefined;
  events = 0;
  /** Ever. */
  hadWrongClocks = false;

  constructor(seed: bigint, print?: (line: string) => void, start = START) {
    this.world = new World(seed);
    this.start = start;
    this.#print = print;
  }

  get random() {
    return this.world.random;
  }

  note(party: string, text: string): void {
    const line = `${this.world.nowMs.toFixed(3).padStart(12)} ${party.padEnd(11)} ${text}`;
    this.events++;
    this.#hash.update(`${line}\n`);
    this.#print?.(line);
  }

  digest(more: Iterable<string | Uint8Array>): string {
    for (const part of more) this.#hash.update(part);
    return this.#hash.digest('hex');
  }

  clockOf(party: string): () => bigint {
    return () => this.start + this.world.clock() - WORLD_START + (this.offsets.get(party) ?? 0n);
  }

  life(isAlive: () => boolean): Life {
    const { setTimer, afterTurn } = this.world;
    return {
      isAlive,
      setTimer: (run, milliseconds) => setTimer(() => isAlive() && run(), milliseconds),
      afterTurn: (run) => afterTurn(() => isAlive() && run()),
    };
  }

  readonly bytes = (size: number): Uint8Array =>
    Uint8Array.from({ length: size }, () => this.random.below(256));

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.world.setTimer(resolve, milliseconds));
  }

  /** Carries a message from one party to another: late, never, or more than once. */
  carry(from: string, to: string, deliver: () => void): void {
    const { drop, repeat, delayMaxMs } = this.weather;
    for (let copies = this.random.chance(repeat) ? 2 : 1; copies > 0; copies--) {
      const isLost = this.random.chance(drop) || this.cuts.has(link(from, to));
      const delayMs = 0.1 + delayMaxMs * this.random.float();
      if (isLost) this.note(from, `to ${to}: lost`);
      else this.world.setTimer(deliver, delayMs);
    }
  }
}

export const link = (a: string, b: string): string => [a, b].sort().join(' ');
