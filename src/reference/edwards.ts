// Points of the curve -x² + y² = 1 + d·x²·y² in bigints: RFC 8032 section 5.1, in extended coordinates (5.1.4).
import { fromLittleEndian, invert, mod, P, power, toLittleEndian } from './field.ts';

/** x = X/Z, y = Y/Z, x·y = T/Z. */
export interface Point {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}

/** The order of the base point. */
export const L = (1n << 252n) + 27742317777372353535851937790883648493n;
export const D = mod(-121665n * invert(121666n));
const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);

export function fromAffine(x: bigint, y: bigint): Point {
  return { X: mod(x), Y: mod(y), Z: 1n, T: mod(x * y) };
}

export const NEUTRAL = fromAffine(0n, 1n);

/** Section 5.1.4; right for all pairs of points. */
export function add(p: Point, q: Point): Point {
  const a = mod((p.Y - p.X) * (q.Y - q.X));
  const b = mod((p.Y + p.X) * (q.Y + q.X));
  const c = mod(2n * D * p.T * q.T);
  const d = mod(2n * p.Z * q.Z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { X: mod(e * f), Y: mod(g * h), Z: mod(f * g), T: mod(e * h) };
}

export function negate(p: Point): Point {
  return { X: mod(-p.X), Y: p.Y, Z: p.Z, T: mod(-p.T) };
}

export function multiply(p: Point, scalar: bigint): Point {
  let sum = NEUTRAL;
  let power = p;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(sum, power);
    power = add(power, power);
  }
  return sum;
}

export function equal(p: Point, q: Point): boolean {
  return mod(p.X * q.Z - q.X * p.Z) === 0n && mod(p.Y * q.Z - q.Y * p.Z) === 0n;
}

/** Whether a multiple by 8 is neutral: the order divides the cofactor. */
export function isSmallOrder(p: Point): boolean {
  return equal(multiply(p, 8n), NEUTRAL);
}

/** Section 5.1.2. */
export function encode(p: Point): Uint8Array<ArrayBuffer> {
  const inverse = invert(p.Z);
  const x = mod(p.X * inverse);
  const y = mod(p.Y * inverse);
  return toLittleEndian(y | ((x & 1n) << 255n));
}

/** Section 5.1.3; undefined for 32 bytes that are not the encoding of a point. */
export function decode(bytes: Uint8Array): Point | undefined {
  const number = fromLittleEndian(bytes);
  const sign = number >> 255n;
  const y = number & ((1n << 255n) - 1n);
  if (y >= P) return undefined;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * ROOT_OF_MINUS_1);
  if (mod(v * x * x) !== u) return undefined;
  if (x === 0n && sign === 1n) return undefined;
  if ((x & 1n) !== sign) x = P - x;
  return fromAffine(x, y);
}

/** The base point: y = 4/5, x even. */
export const B = decode(toLittleEndian(mod(4n * invert(5n))))!;
