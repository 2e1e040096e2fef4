// SHA-256 (FIPS 180-4, section 6.2): the compression function, one stream. Nothing branches on the message, and no
// address depends on it.
//
// Sixteen rounds a turn of the loop, the working variables renamed instead of moved, the message schedule in locals:
// 310 MB/s, where all 64 rounds in a row have 250 and a schedule in memory 237. With SIMD, vectors make the schedule,
// four words at a time, while the rounds take the words before from memory: 390 MB/s.
//
// A round waits for e and a of the round before. Therefore what needs neither is added first; that is worth 6 % here
// and 16 % with the schedule of vectors.
// Rotations that are added modulo 2 are nested, which saves copies: with >>> as rotation,
// x >>> p ^ x >>> q = (x >>> (q - p) ^ x) >>> p.
import { release, take } from "../memory/workspace";

/** Fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
export const SHA256_K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** The initial state (section 5.3.3). */
export const SHA256_IV: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

// @ts-ignore: decorator
@inline
function small0(x: u32): u32 {
  return rotr<u32>(rotr<u32>(x, 11) ^ x, 7) ^ (x >> 3);
}

// @ts-ignore: decorator
@inline
function small1(x: u32): u32 {
  return rotr<u32>(rotr<u32>(x, 2) ^ x, 17) ^ (x >> 10);
}

/** T1 of section 6.2.2: h + K + W + Ch(e, f, g) + Sigma1(e). */
// @ts-ignore: decorator
@inline
function mix(h: u32, kw: u32, e: u32, f: u32, g: u32): u32 {
  return h + kw + (g ^ (e & (f ^ g))) + rotr<u32>(rotr<u32>(rotr<u32>(e, 14) ^ e, 5) ^ e, 6);
}

/** T2: Maj(a, b, c) + Sigma0(a). The two terms of Maj share no bit. */
// @ts-ignore: decorator
@inline
function fold(a: u32, b: u32, c: u32): u32 {
  return (a & b) + (c & (a ^ b)) + rotr<u32>(rotr<u32>(rotr<u32>(a, 9) ^ a, 11) ^ a, 2);
}

/** Takes `blocks` blocks of 64 bytes at `message` into the state of eight words at `state`. */
export function sha256Blocks(state: usize, message: usize, blocks: usize): void {
  if (ASC_FEATURE_SIMD) blocksOfVectors(state, message, blocks);
  else blocksOfWords(state, message, blocks);
}

function blocksOfWords(state: usize, message: usize, blocks: usize): void {
  let s0 = load<u32>(state);
  let s1 = load<u32>(state, 4);
  let s2 = load<u32>(state, 8);
  let s3 = load<u32>(state, 12);
  let s4 = load<u32>(state, 16);
  let s5 = load<u32>(state, 20);
  let s6 = load<u32>(state, 24);
  let s7 = load<u32>(state, 28);
  while (blocks > 0) {
    let a = s0;
    let b = s1;
    let c = s2;
    let d = s3;
    let e = s4;
    let f = s5;
    let g = s6;
    let h = s7;
    let w0 = bswap<u32>(load<u32>(message));
    let w1 = bswap<u32>(load<u32>(message, 4));
    let w2 = bswap<u32>(load<u32>(message, 8));
    let w3 = bswap<u32>(load<u32>(message, 12));
    let w4 = bswap<u32>(load<u32>(message, 16));
    let w5 = bswap<u32>(load<u32>(message, 20));
    let w6 = bswap<u32>(load<u32>(message, 24));
    let w7 = bswap<u32>(load<u32>(message, 28));
    let w8 = bswap<u32>(load<u32>(message, 32));
    let w9 = bswap<u32>(load<u32>(message, 36));
    let w10 = bswap<u32>(load<u32>(message, 40));
    let w11 = bswap<u32>(load<u32>(message, 44));
    let w12 = bswap<u32>(load<u32>(message, 48));
    let w13 = bswap<u32>(load<u32>(message, 52));
    let w14 = bswap<u32>(load<u32>(message, 56));
    let w15 = bswap<u32>(load<u32>(message, 60));
    let k = SHA256_K;
    h = mix(h, w0 + load<u32>(k), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, w1 + load<u32>(k, 4), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, w2 + load<u32>(k, 8), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, w3 + load<u32>(k, 12), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, w4 + load<u32>(k, 16), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, w5 + load<u32>(k, 20), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, w6 + load<u32>(k, 24), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, w7 + load<u32>(k, 28), f, g, h);
    e += a;
    a += fold(b, c, d);
    h = mix(h, w8 + load<u32>(k, 32), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, w9 + load<u32>(k, 36), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, w10 + load<u32>(k, 40), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, w11 + load<u32>(k, 44), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, w12 + load<u32>(k, 48), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, w13 + load<u32>(k, 52), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, w14 + load<u32>(k, 56), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, w15 + load<u32>(k, 60), f, g, h);
    e += a;
    a += fold(b, c, d);
    for (let turn = 1; turn < 4; turn++) {
      k += 64;
      w0 = w0 + w9 + small0(w1) + small1(w14);
      h = mix(h, w0 + load<u32>(k), e, f, g);
      d += h;
      h += fold(a, b, c);
      w1 = w1 + w10 + small0(w2) + small1(w15);
      g = mix(g, w1 + load<u32>(k, 4), d, e, f);
      c += g;
      g += fold(h, a, b);
      w2 = w2 + w11 + small0(w3) + small1(w0);
      f = mix(f, w2 + load<u32>(k, 8), c, d, e);
      b += f;
      f += fold(g, h, a);
      w3 = w3 + w12 + small0(w4) + small1(w1);
      e = mix(e, w3 + load<u32>(k, 12), b, c, d);
      a += e;
      e += fold(f, g, h);
      w4 = w4 + w13 + small0(w5) + small1(w2);
      d = mix(d, w4 + load<u32>(k, 16), a, b, c);
      h += d;
      d += fold(e, f, g);
      w5 = w5 + w14 + small0(w6) + small1(w3);
      c = mix(c, w5 + load<u32>(k, 20), h, a, b);
      g += c;
      c += fold(d, e, f);
      w6 = w6 + w15 + small0(w7) + small1(w4);
      b = mix(b, w6 + load<u32>(k, 24), g, h, a);
      f += b;
      b += fold(c, d, e);
      w7 = w7 + w0 + small0(w8) + small1(w5);
      a = mix(a, w7 + load<u32>(k, 28), f, g, h);
      e += a;
      a += fold(b, c, d);
      w8 = w8 + w1 + small0(w9) + small1(w6);
      h = mix(h, w8 + load<u32>(k, 32), e, f, g);
      d += h;
      h += fold(a, b, c);
      w9 = w9 + w2 + small0(w10) + small1(w7);
      g = mix(g, w9 + load<u32>(k, 36), d, e, f);
      c += g;
      g += fold(h, a, b);
      w10 = w10 + w3 + small0(w11) + small1(w8);
      f = mix(f, w10 + load<u32>(k, 40), c, d, e);
      b += f;
      f += fold(g, h, a);
      w11 = w11 + w4 + small0(w12) + small1(w9);
      e = mix(e, w11 + load<u32>(k, 44), b, c, d);
      a += e;
      e += fold(f, g, h);
      w12 = w12 + w5 + small0(w13) + small1(w10);
      d = mix(d, w12 + load<u32>(k, 48), a, b, c);
      h += d;
      d += fold(e, f, g);
      w13 = w13 + w6 + small0(w14) + small1(w11);
      c = mix(c, w13 + load<u32>(k, 52), h, a, b);
      g += c;
      c += fold(d, e, f);
      w14 = w14 + w7 + small0(w15) + small1(w12);
      b = mix(b, w14 + load<u32>(k, 56), g, h, a);
      f += b;
      b += fold(c, d, e);
      w15 = w15 + w8 + small0(w0) + small1(w13);
      a = mix(a, w15 + load<u32>(k, 60), f, g, h);
      e += a;
      a += fold(b, c, d);
    }
    s0 += a;
    s1 += b;
    s2 += c;
    s3 += d;
    s4 += e;
    s5 += f;
    s6 += g;
    s7 += h;
    message += 64;
    blocks--;
  }
  store<u32>(state, s0);
  store<u32>(state, s1, 4);
  store<u32>(state, s2, 8);
  store<u32>(state, s3, 12);
  store<u32>(state, s4, 16);
  store<u32>(state, s5, 20);
  store<u32>(state, s6, 24);
  store<u32>(state, s7, 28);
}

/** Words of the message are big-endian. */
// @ts-ignore: decorator
@inline
function swap(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

// @ts-ignore: decorator
@inline
function vectorSmall0(x: v128): v128 {
  const y = v128.xor(i32x4.shr_u(x, 7), i32x4.shl(x, 25));
  const z = v128.xor(i32x4.shr_u(x, 18), i32x4.shl(x, 14));
  return v128.xor(v128.xor(y, z), i32x4.shr_u(x, 3));
}

// @ts-ignore: decorator
@inline
function vectorSmall1(x: v128): v128 {
  const y = v128.xor(i32x4.shr_u(x, 17), i32x4.shl(x, 15));
  const z = v128.xor(i32x4.shr_u(x, 19), i32x4.shl(x, 13));
  return v128.xor(v128.xor(y, z), i32x4.shr_u(x, 10));
}

/**
 * The next four words of the schedule after the sixteen of x0 to x3. The upper two need the lower two, so that small1 is
 * computed twice over two lanes.
 */
// @ts-ignore: decorator
@inline
function next(x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const zero = i32x4.splat(0);
  const most = i32x4.add(
    i32x4.add(x0, vectorSmall0(v128.shuffle<u32>(x0, x1, 1, 2, 3, 4))),
    v128.shuffle<u32>(x2, x3, 1, 2, 3, 4),
  );
  const lower = i32x4.add(most, vectorSmall1(v128.shuffle<u32>(x3, zero, 2, 3, 4, 4)));
  return i32x4.add(lower, vectorSmall1(v128.shuffle<u32>(lower, zero, 4, 4, 0, 1)));
}

function blocksOfVectors(state: usize, message: usize, blocks: usize): void {
  // K + W of the sixteen rounds to come; a round's place is taken by what comes sixteen rounds later.
  const kw = take(64);
  let s0 = load<u32>(state);
  let s1 = load<u32>(state, 4);
  let s2 = load<u32>(state, 8);
  let s3 = load<u32>(state, 12);
  let s4 = load<u32>(state, 16);
  let s5 = load<u32>(state, 20);
  let s6 = load<u32>(state, 24);
  let s7 = load<u32>(state, 28);
  while (blocks > 0) {
    let a = s0;
    let b = s1;
    let c = s2;
    let d = s3;
    let e = s4;
    let f = s5;
    let g = s6;
    let h = s7;
    let x0 = swap(v128.load(message));
    let x1 = swap(v128.load(message, 16));
    let x2 = swap(v128.load(message, 32));
    let x3 = swap(v128.load(message, 48));
    v128.store(kw, i32x4.add(x0, v128.load(SHA256_K)));
    v128.store(kw, i32x4.add(x1, v128.load(SHA256_K, 16)), 16);
    v128.store(kw, i32x4.add(x2, v128.load(SHA256_K, 32)), 32);
    v128.store(kw, i32x4.add(x3, v128.load(SHA256_K, 48)), 48);
    let k = SHA256_K;
    for (let turn = 1; turn < 4; turn++) {
      k += 64;
      x0 = next(x0, x1, x2, x3);
      h = mix(h, load<u32>(kw), e, f, g);
      d += h;
      h += fold(a, b, c);
      g = mix(g, load<u32>(kw, 4), d, e, f);
      c += g;
      g += fold(h, a, b);
      f = mix(f, load<u32>(kw, 8), c, d, e);
      b += f;
      f += fold(g, h, a);
      e = mix(e, load<u32>(kw, 12), b, c, d);
      a += e;
      e += fold(f, g, h);
      v128.store(kw, i32x4.add(x0, v128.load(k)));
      x1 = next(x1, x2, x3, x0);
      d = mix(d, load<u32>(kw, 16), a, b, c);
      h += d;
      d += fold(e, f, g);
      c = mix(c, load<u32>(kw, 20), h, a, b);
      g += c;
      c += fold(d, e, f);
      b = mix(b, load<u32>(kw, 24), g, h, a);
      f += b;
      b += fold(c, d, e);
      a = mix(a, load<u32>(kw, 28), f, g, h);
      e += a;
      a += fold(b, c, d);
      v128.store(kw, i32x4.add(x1, v128.load(k, 16)), 16);
      x2 = next(x2, x3, x0, x1);
      h = mix(h, load<u32>(kw, 32), e, f, g);
      d += h;
      h += fold(a, b, c);
      g = mix(g, load<u32>(kw, 36), d, e, f);
      c += g;
      g += fold(h, a, b);
      f = mix(f, load<u32>(kw, 40), c, d, e);
      b += f;
      f += fold(g, h, a);
      e = mix(e, load<u32>(kw, 44), b, c, d);
      a += e;
      e += fold(f, g, h);
      v128.store(kw, i32x4.add(x2, v128.load(k, 32)), 32);
      x3 = next(x3, x0, x1, x2);
      d = mix(d, load<u32>(kw, 48), a, b, c);
      h += d;
      d += fold(e, f, g);
      c = mix(c, load<u32>(kw, 52), h, a, b);
      g += c;
      c += fold(d, e, f);
      b = mix(b, load<u32>(kw, 56), g, h, a);
      f += b;
      b += fold(c, d, e);
      a = mix(a, load<u32>(kw, 60), f, g, h);
      e += a;
      a += fold(b, c, d);
      v128.store(kw, i32x4.add(x3, v128.load(k, 48)), 48);
    }
    h = mix(h, load<u32>(kw), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, load<u32>(kw, 4), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, load<u32>(kw, 8), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, load<u32>(kw, 12), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, load<u32>(kw, 16), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, load<u32>(kw, 20), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, load<u32>(kw, 24), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, load<u32>(kw, 28), f, g, h);
    e += a;
    a += fold(b, c, d);
    h = mix(h, load<u32>(kw, 32), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, load<u32>(kw, 36), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, load<u32>(kw, 40), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, load<u32>(kw, 44), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, load<u32>(kw, 48), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, load<u32>(kw, 52), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, load<u32>(kw, 56), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, load<u32>(kw, 60), f, g, h);
    e += a;
    a += fold(b, c, d);
    s0 += a;
    s1 += b;
    s2 += c;
    s3 += d;
    s4 += e;
    s5 += f;
    s6 += g;
    s7 += h;
    message += 64;
    blocks--;
  }
  store<u32>(state, s0);
  store<u32>(state, s1, 4);
  store<u32>(state, s2, 8);
  store<u32>(state, s3, 12);
  store<u32>(state, s4, 16);
  store<u32>(state, s5, 20);
  store<u32>(state, s6, 24);
  store<u32>(state, s7, 28);
  const zero = i32x4.splat(0);
  v128.store(kw, zero);
  v128.store(kw, zero, 16);
  v128.store(kw, zero, 32);
  v128.store(kw, zero, 48);
  release(kw);
}
