// secp256k1 (SEC 2, section 2.4.1) and what Cashu computes on it (NUT-00, NUT-12), in bigints.
//
//     y² = x³ + 7 modulo p        n·G = O, n prime: every point but O has order n
//
// Points are projective, x = X/Z and y = Y/Z, so that O = (0 : 1 : 0) is one like the others.
import { mod as modulo, power } from './field.ts';
import { hmac } from './hmac.ts';
import { sha256 } from './sha256.ts';

export const P = 2n ** 256n - 2n ** 32n - 977n;
export const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const B = 7n;

export interface Point {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
}

const mod = (a: bigint): bigint => modulo(a, P);

export const INFINITY: Point = { X: 0n, Y: 1n, Z: 0n };
export const G: Point = {
  X: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  Y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  Z: 1n,
};

/** Renes, Costello, Batina: "Complete addition formulas for prime order elliptic curves", 2015; right for all pairs. */
export function add(p: Point, q: Point): Point {
  const xx = p.X * q.X;
  const yy = p.Y * q.Y;
  const zz = 3n * B * p.Z * q.Z;
  const xy = p.X * q.Y + q.X * p.Y;
  const yz = p.Y * q.Z + q.Y * p.Z;
  const xz = p.X * q.Z + q.X * p.Z;
  return {
    X: mod(xy * mod(yy - zz) - 3n * B * yz * mod(xz)),
    Y: mod(mod(yy + zz) * mod(yy - zz) + 9n * B * xx * mod(xz)),
    Z: mod(yz * mod(yy + zz) + 3n * xx * mod(xy)),
  };
}

export function negate(p: Point): Point {
  return { X: p.X, Y: mod(-p.Y), Z: p.Z };
}

export function multiply(p: Point, scalar: bigint): Point {
  let sum = INFINITY;
  let power = p;
  for (let rest = modulo(scalar, N); rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(sum, power);
    power = add(power, power);
  }
  return sum;
}

export function equal(p: Point, q: Point): boolean {
  return mod(p.X * q.Z - q.X * p.Z) === 0n && mod(p.Y * q.Z - q.Y * p.Z) === 0n;
}

export const isInfinity = (p: Point): boolean => p.Z === 0n;

export function affine(p: Point): { x: bigint; y: bigint } {
  if (isInfinity(p)) throw new RangeError('expected a point with coordinates, got infinity');
  const inverse = power(p.Z, P - 2n, P);
  return { x: mod(p.X * inverse), y: mod(p.Y * inverse) };
}

/** A square root, if there is one: p = 3 modulo 4. */
export function squareRoot(a: bigint): bigint | undefined {
  const root = power(a, (P + 1n) / 4n, P);
  return mod(root * root) === mod(a) ? root : undefined;
}

/** The point with this x and an even or odd y. */
export function lift(x: bigint, isOdd: boolean): Point | undefined {
  if (x >= P) return undefined;
  const root = squareRoot(mod(x ** 3n + B));
  if (root === undefined) return undefined;
  return { X: x, Y: (root & 1n) === 1n ? (isOdd ? root : P - root) : isOdd ? P - root : root, Z: 1n };
}

export function fromBytes(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function toBytes(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
}

function join(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

/** SEC 1, section 2.3.3, compressed. */
export function encode(p: Point): Uint8Array<ArrayBuffer> {
  const { x, y } = affine(p);
  return join(Uint8Array.of(y & 1n ? 3 : 2), toBytes(x));
}

/** SEC 1, section 2.3.3, not compressed. */
export function encodeLong(p: Point): Uint8Array<ArrayBuffer> {
  const { x, y } = affine(p);
  return join(Uint8Array.of(4), toBytes(x), toBytes(y));
}

/** SEC 1, section 2.3.4; undefined for bytes that are not the compressed encoding of a point. */
export function decode(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== 33 || (bytes[0] !== 2 && bytes[0] !== 3)) return undefined;
  return lift(fromBytes(bytes.slice(1)), bytes[0] === 3);
}

/** NUT-00. */
export function hashToCurve(message: Uint8Array): Point {
  const inner = sha256.digest(join(new TextEncoder().encode('Secp256k1_HashToCurve_Cashu_'), message));
  for (let counter = 0; ; counter++) {
    const suffix = new Uint8Array(4);
    new DataView(suffix.buffer).setUint32(0, counter, true);
    const point = lift(fromBytes(sha256.digest(join(inner, suffix))), false);
    if (point !== undefined) return point;
  }
}

/** NUT-12: hash_e. */
export function hashPoints(...points: Point[]): Uint8Array {
  const text = points.map((point) => Buffer.from(encodeLong(point)).toString('hex')).join('');
  return sha256.digest(new TextEncoder().encode(text));
}

/** NUT-12: the nonce of a proof. */
function dleqNonce(k: bigint, publicKey: Point, blinded: Point, signature: Point): bigint {
  const text = new TextEncoder().encode('Cashu_DLEQ_R_v1');
  const points = [publicKey, blinded, signature].map(encodeLong);
  for (let counter = 0; counter < 256; counter++) {
    const nonce = fromBytes(hmac(sha256, toBytes(k), join(text, ...points, Uint8Array.of(counter))));
    if (nonce > 0n && nonce < N) return nonce;
  }
  throw new RangeError('expected a nonce among 256, got none');
}

export interface Dleq {
  readonly e: Uint8Array;
  readonly s: Uint8Array;
}

/** NUT-00: C' = k·B'; and the proof of it, NUT-12. */
export function sign(blinded: Point, k: bigint): { readonly signature: Point; readonly dleq: Dleq } {
  const publicKey = multiply(G, k);
  const signature = multiply(blinded, k);
  const nonce = dleqNonce(k, publicKey, blinded, signature);
  const e = hashPoints(multiply(G, nonce), multiply(blinded, nonce), publicKey, signature);
  return { signature, dleq: { e, s: toBytes(modulo(nonce + fromBytes(e) * k, N)) } };
}

/** NUT-12; e and s from 1 to n - 1. */
export function verifyDleq(blinded: Point, signature: Point, publicKey: Point, { e, s }: Dleq): boolean {
  const [a, b] = [fromBytes(e), fromBytes(s)];
  if (e.length !== 32 || s.length !== 32 || a === 0n || a >= N || b === 0n || b >= N) return false;
  const r1 = add(multiply(G, b), negate(multiply(publicKey, a)));
  const r2 = add(multiply(blinded, b), negate(multiply(signature, a)));
  if (isInfinity(r1) || isInfinity(r2)) return false;
  return Buffer.from(hashPoints(r1, r2, publicKey, signature)).equals(e);
}
