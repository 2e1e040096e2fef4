// exp and log from additions, multiplications and divisions alone. The language leaves the last bits of Math.exp and
// Math.log to the engine; these give the same bits everywhere, so that a seed means the same file on every machine.

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const SQRT2 = Math.SQRT2;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** e^x for |x| up to 700; within two units in the last place. */
export function exp(x: number): number {
  if (!(Math.abs(x) <= 700)) throw new RangeError(`exp: expected a number from -700 to 700, got ${x}`);
  const power = Math.round(x / Math.LN2);
  const rest = x - power * LN2_HIGH - power * LN2_LOW;
  let sum = 1;
  for (let n = 14; n >= 1; n--) sum = 1 + (rest / n) * sum;
  float[0] = 1;
  words[1] = (power + 1023) << 20;
  return sum * float[0];
}

/** Natural logarithm of a positive normal number; within two units in the last place. */
export function log(x: number): number {
  if (!(x >= 2.2250738585072014e-308 && x < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`log: expected a positive normal number, got ${x}`);
  }
  float[0] = x;
  let power = (words[1]! >>> 20) - 1023;
  words[1] = (words[1]! & 0xfffff) | (1023 << 20);
  let mantissa = float[0];
  if (mantissa > SQRT2) {
    mantissa /= 2;
    power++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let n = 25; n >= 1; n -= 2) sum = sum * square + 1 / n;
  return power * LN2_HIGH + (2 * s * sum + power * LN2_LOW);
}

/** base^exponent for a positive base. */
export function pow(base: number, exponent: number): number {
  return exp(exponent * log(base));
}
