// Powers of field elements with fixed exponents, for both elements of a pair: inverses and square roots. p is 223 ones, a
// zero, 22 ones and ten bits more, so both begin with the powers 2^22 - 1 and 2^223 - 1.
import { release, take } from "../memory/workspace";
import { PAIR_BYTES, mul, sqr } from "./field";

function sqrTimes(out: usize, a: usize, n: i32): void {
  sqr(out, a);
  for (let i = 1; i < n; i++) sqr(out, out);
}

/** out = a^(2^246 - 2^22 - 1), two = a^3; both are none of each other and not a. */
function power246(out: usize, two: usize, a: usize): void {
  const t = take(4 * PAIR_BYTES);
  const x3 = t;
  const x22 = t + PAIR_BYTES;
  const x44 = t + 2 * PAIR_BYTES;
  const u = t + 3 * PAIR_BYTES;
  sqr(two, a);
  mul(two, two, a); // 2^2 - 1
  sqr(x3, two);
  mul(x3, x3, a); // 2^3 - 1
  sqrTimes(u, x3, 3);
  mul(u, u, x3); // 2^6 - 1
  sqrTimes(u, u, 3);
  mul(u, u, x3); // 2^9 - 1
  sqrTimes(u, u, 2);
  mul(u, u, two); // 2^11 - 1
  sqrTimes(x22, u, 11);
  mul(x22, x22, u); // 2^22 - 1
  sqrTimes(x44, x22, 22);
  mul(x44, x44, x22); // 2^44 - 1
  sqrTimes(u, x44, 44);
  mul(u, u, x44); // 2^88 - 1
  sqrTimes(out, u, 88);
  mul(out, out, u); // 2^176 - 1
  sqrTimes(out, out, 44);
  mul(out, out, x44); // 2^220 - 1
  sqrTimes(out, out, 3);
  mul(out, out, x3); // 2^223 - 1
  sqrTimes(out, out, 23);
  mul(out, out, x22);
  memory.fill(t, 0, 4 * PAIR_BYTES);
  release(t);
}

/** out = 1/a = a^(p - 2), and 0 for 0. */
export function invert(out: usize, a: usize): void {
  const t = take(2 * PAIR_BYTES);
  const two = t + PAIR_BYTES;
  power246(t, two, a);
  sqrTimes(t, t, 5);
  mul(t, t, a);
  sqrTimes(t, t, 3);
  mul(t, t, two);
  sqrTimes(t, t, 2);
  mul(out, t, a);
  memory.fill(t, 0, 2 * PAIR_BYTES);
  release(t);
}

/** out = a^((p + 1) / 4): a square root of a, where there is one; else of -a. */
export function squareRoot(out: usize, a: usize): void {
  const t = take(2 * PAIR_BYTES);
  const two = t + PAIR_BYTES;
  power246(t, two, a);
  sqrTimes(t, t, 6);
  mul(t, t, two);
  sqrTimes(out, t, 2);
  memory.fill(t, 0, 2 * PAIR_BYTES);
  release(t);
}
