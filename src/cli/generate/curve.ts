// When people pay: a day's intensity by the minute, and arrival times drawn from it in order.
//
//     │            ▁▇▇▁        ▁▄▇▇▇▄▁
//     │      ▁▃▃▁▁▄████▄▁▁▁▂▃▅▇███████▆▃▁
//     └─────┬──────┬──────┬──────┬──────┬─
//           7     12     15     18     22 h
import { exp, log } from '../../shared/portable-math.ts';
import type { Random } from '../../shared/random.ts';

const MINUTES = 1440;
export const DAY_MS = 86_400_000;

/** Bumps of normal shape over a floor: hour of the peak, width in minutes, height. */
const PEAKS = [
  { hour: 8.25, minutes: 45, height: 0.45 },
  { hour: 12.5, minutes: 50, height: 1 },
  { hour: 18, minutes: 85, height: 0.9 },
] as const;
const NIGHT_FLOOR = 0.01;
const DAYTIME = { from: 7, to: 22, floor: 0.22 } as const;

/** Relative intensity in each of the day's 1,440 minutes. */
export function intensity(): Float64Array {
  return Float64Array.from({ length: MINUTES }, (_, minute) => {
    const open = minute >= DAYTIME.from * 60 && minute < DAYTIME.to * 60;
    let value: number = open ? DAYTIME.floor : NIGHT_FLOOR;
    for (const { hour, minutes, height } of PEAKS) {
      const distance = (minute - hour * 60) / minutes;
      value += height * exp(-0.5 * distance * distance);
    }
    return value;
  });
}

/**
 * Ascending arrival times of `count` independent events, milliseconds since midnight. Order statistics come one by one,
 * without sorting: of n events left, the smallest uniform above u is 1 - (1 - u) · v^(1/n).
 */
export class Arrivals {
  readonly #random: Random;
  readonly #cumulative: Float64Array;
  #left: number;
  #uniform = 0;
  #minute = 0;

  constructor(random: Random, count: number) {
    this.#random = random;
    this.#left = count;
    const weights = intensity();
    this.#cumulative = new Float64Array(MINUTES + 1);
    for (let i = 0; i < MINUTES; i++) this.#cumulative[i + 1] = this.#cumulative[i]! + weights[i]!;
    const total = this.#cumulative[MINUTES]!;
    for (let i = 0; i <= MINUTES; i++) this.#cumulative[i] = this.#cumulative[i]! / total;
  }

  next(): number {
    if (this.#left <= 0) throw new RangeError('arrivals: expected at most the count given, got one more');
    // 1 - float() is in (0, 1], so that its logarithm exists.
    this.#uniform = 1 - (1 - this.#uniform) * exp(log(1 - this.#random.float()) / this.#left--);
    while (this.#minute < MINUTES - 1 && this.#cumulative[this.#minute + 1]! <= this.#uniform) this.#minute++;
    const start = this.#cumulative[this.#minute]!;
    const share = (this.#uniform - start) / (this.#cumulative[this.#minute + 1]! - start);
    return Math.min(Math.floor((this.#minute + Math.min(share, 1)) * 60_000), DAY_MS - 1);
  }
}
