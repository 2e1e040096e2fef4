// X25519 in bigints, as RFC 7748 section 5 writes it.
import { fromLittleEndian, invert, mod, toLittleEndian } from './field.ts';

const A24 = 121_665n;

function decodeUCoordinate(u: Uint8Array): bigint {
  return mod(fromLittleEndian(u) & ((1n << 255n) - 1n));
}

function decodeScalar(scalar: Uint8Array): bigint {
  return (fromLittleEndian(scalar) & ((1n << 254n) - 8n)) | (1n << 254n);
}

/** The function X25519 of section 5: of any 32 bytes; all zero where the point is of small order. */
export function x25519(scalar: Uint8Array, u: Uint8Array): Uint8Array<ArrayBuffer> {
  const k = decodeScalar(scalar);
  const x1 = decodeUCoordinate(u);
  let [x2, z2, x3, z3] = [1n, 0n, x1, 1n];
  let swapped = 0n;
  for (let t = 254n; t >= 0n; t--) {
    const bit = (k >> t) & 1n;
    if (bit !== swapped) [x2, z2, x3, z3] = [x3, z3, x2, z2];
    swapped = bit;
    const a = x2 + z2;
    const aa = mod(a * a);
    const b = x2 - z2;
    const bb = mod(b * b);
    const e = aa - bb;
    const c = x3 + z3;
    const d = x3 - z3;
    const da = mod(d * a);
    const cb = mod(c * b);
    x3 = mod((da + cb) ** 2n);
    z3 = mod(x1 * (da - cb) ** 2n);
    x2 = mod(aa * bb);
    z2 = mod(e * (aa + A24 * e));
  }
  if (swapped) [x2, z2] = [x3, z3];
  return toLittleEndian(mod(x2 * invert(z2)));
}

/** The public key of a private key, section 6.1. */
export function publicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return x25519(privateKey, toLittleEndian(9n));
}
