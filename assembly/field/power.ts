// Powers of field elements with fixed exponents, for both elements of a pair: addition chains for 2^n - 1.
import { release, take } from "../memory/workspace";
import { PAIR_BYTES, mul, sqr } from "./pair";

/** out = a^(2^n), n at least 1. Operand: reduced. */
export function sqrTimes(out: usize, a: usize, n: i32): void {
  sqr(out, a);
  for (let i = 1; i < n; i++) sqr(out, out);
}

/** out = a^(2^250 - 1), and a^11 into `eleven`. Neither may be a. Operand: reduced. */
function power250(out: usize, eleven: usize, a: usize): void {
  const t = take(3 * PAIR_BYTES);
  const u = t + PAIR_BYTES;
  const v = u + PAIR_BYTES;
  sqr(t, a); // 2
  sqrTimes(u, t, 2); // 8
  mul(u, u, a); // 9
  mul(eleven, u, t); // 11
  sqr(t, eleven); // 22
  mul(t, t, u); // 2^5 - 1
  sqrTimes(u, t, 5);
  mul(t, u, t); // 2^10 - 1
  sqrTimes(u, t, 10);
  mul(u, u, t); // 2^20 - 1
  sqrTimes(v, u, 20);
  mul(u, v, u); // 2^40 - 1
  sqrTimes(u, u, 10);
  mul(t, u, t); // 2^50 - 1
  sqrTimes(u, t, 50);
  mul(u, u, t); // 2^100 - 1
  sqrTimes(v, u, 100);
  mul(u, v, u); // 2^200 - 1
  sqrTimes(u, u, 50);
  mul(out, u, t); // 2^250 - 1
  memory.fill(t, 0, 3 * PAIR_BYTES);
  release(t);
}

/** out = 1/a = a^(p - 2), and 0 for 0. Operand: reduced. */
export function invert(out: usize, a: usize): void {
  const t = take(2 * PAIR_BYTES);
  const eleven = t + PAIR_BYTES;
  power250(t, eleven, a);
  sqrTimes(t, t, 5);
  mul(out, t, eleven); // 2^255 - 2^5 + 11 = p - 2
  memory.fill(t, 0, 2 * PAIR_BYTES);
  release(t);
}

/** out = a^((p - 5) / 8) = a^(2^252 - 3): for square roots. Operand: reduced, not out. */
export function power252(out: usize, a: usize): void {
  const t = take(2 * PAIR_BYTES);
  power250(t, t + PAIR_BYTES, a);
  sqrTimes(t, t, 2);
  mul(out, t, a);
  memory.fill(t, 0, 2 * PAIR_BYTES);
  release(t);
}
