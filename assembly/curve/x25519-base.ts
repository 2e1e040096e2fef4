// X25519 public keys (RFC 7748 section 6.1) by the table of the base point of Ed25519, a third of the ladder's work: both
// curves are the same group, u = (1 + y) / (1 - y) leads from one to the other, and from B to 9 (section 4.1). In constant
// time.
//
// A private key is clamped to a multiple of 8 from 2^254 on and below 2^255; none of them is a multiple of L, whose
// smallest multiple that 8 divides is above. So y is never 1.
import { invertPair } from "../field/divsteps";
import { PAIR_BYTES, add, mul, reduce, sub, toBytes, wipe } from "../field/pair";
import { release, take } from "../memory/workspace";
import { POINTS_BYTES, Y, Z } from "./edwards";
import { multiplyBase, multiplyBaseTwice } from "./fixed-base";
import { reduce512 } from "./order";

const POINT: usize = 0;
const ABOVE: usize = POINT + POINTS_BYTES;
const BELOW: usize = ABOVE + PAIR_BYTES;
const WIDE: usize = BELOW + PAIR_BYTES;
const SCALARS: usize = WIDE + 64;
const RESULTS: usize = SCALARS + 64;
const SCRATCH_BYTES: usize = RESULTS + 64;

/** Section 5, decodeScalar25519, and modulo L. */
function decodeScalar(s: usize, out: usize, privateKey: usize): void {
  memory.fill(s + WIDE, 0, 64);
  memory.copy(s + WIDE, privateKey, 32);
  store<u8>(s + WIDE, load<u8>(s + WIDE) & 248);
  store<u8>(s + WIDE, (load<u8>(s + WIDE, 31) & 127) | 64, 31);
  reduce512(out, s + WIDE);
}

/** The u-coordinates of the points, as bytes in the scratch at s. */
function toMontgomery(s: usize): void {
  add(s + ABOVE, s + POINT + Z, s + POINT + Y);
  sub(s + BELOW, s + POINT + Z, s + POINT + Y);
  reduce(s + BELOW, s + BELOW);
  invertPair(s + BELOW, s + BELOW);
  mul(s + ABOVE, s + BELOW, s + ABOVE);
  toBytes(s + RESULTS, s + RESULTS + 32, s + ABOVE);
}

/** out = the public key of a private key, 32 bytes each. */
export function x25519PublicKey(out: usize, privateKey: usize): void {
  const s = take(SCRATCH_BYTES);
  decodeScalar(s, s + SCALARS, privateKey);
  multiplyBase(s + POINT, s + SCALARS);
  toMontgomery(s);
  memory.copy(out, s + RESULTS, 32);
  memory.fill(s, 0, SCRATCH_BYTES);
  wipe();
  release(s);
}

/** Two at once, which share the division. */
export function x25519PublicKeyPair(outA: usize, outB: usize, privateKeyA: usize, privateKeyB: usize): void {
  const s = take(SCRATCH_BYTES);
  decodeScalar(s, s + SCALARS, privateKeyA);
  decodeScalar(s, s + SCALARS + 32, privateKeyB);
  multiplyBaseTwice(s + POINT, s + SCALARS, s + SCALARS + 32);
  toMontgomery(s);
  memory.copy(outA, s + RESULTS, 32);
  memory.copy(outB, s + RESULTS + 32, 32);
  memory.fill(s, 0, SCRATCH_BYTES);
  wipe();
  release(s);
}
