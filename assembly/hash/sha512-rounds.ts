// SHA-512 (FIPS 180-4, section 6.4): the compression function, one stream. Nothing branches on the message, and no
// address depends on it.
//
// Sixteen rounds a turn of the loop, the working variables renamed instead of moved, the message schedule in locals:
// 477 MB/s, where all 80 rounds in a row have 340 and a schedule in memory 360. With SIMD, vectors make the schedule,
// two words at a time, while the rounds take the words before from memory: 600 MB/s.
//
// A round waits for e and a of the round before. Therefore what needs neither is added first, which is worth 4 %.
// Rotations that are added modulo 2 are nested, which saves copies: with >>> as rotation,
// x >>> p ^ x >>> q = (x >>> (q - p) ^ x) >>> p.
import { release, take } from "../memory/workspace";

/** Fractional parts of the cube roots of the first 80 primes (section 4.2.3). */
export const SHA512_K: usize = memory.data<u64>([
  0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
  0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
  0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
  0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
  0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
  0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
  0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
  0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
  0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
  0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
  0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
  0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
  0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
  0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
  0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
  0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
  0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
  0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
  0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
  0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
]);

/** The initial state (section 5.3.5). */
export const SHA512_IV: usize = memory.data<u64>([
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]);

// @ts-ignore: decorator
@inline
function small0(x: u64): u64 {
  return rotr<u64>(rotr<u64>(x, 7) ^ x, 1) ^ (x >> 7);
}

// @ts-ignore: decorator
@inline
function small1(x: u64): u64 {
  return rotr<u64>(rotr<u64>(x, 42) ^ x, 19) ^ (x >> 6);
}

/** T1 of section 6.4.2: h + K + W + Ch(e, f, g) + Sigma1(e). */
// @ts-ignore: decorator
@inline
function mix(h: u64, kw: u64, e: u64, f: u64, g: u64): u64 {
  return h + kw + (g ^ (e & (f ^ g))) + rotr<u64>(rotr<u64>(rotr<u64>(e, 23) ^ e, 4) ^ e, 14);
}

/** T2: Maj(a, b, c) + Sigma0(a). The two terms of Maj share no bit. */
// @ts-ignore: decorator
@inline
function fold(a: u64, b: u64, c: u64): u64 {
  return (a & b) + (c & (a ^ b)) + rotr<u64>(rotr<u64>(rotr<u64>(a, 5) ^ a, 6) ^ a, 28);
}

/** Takes `blocks` blocks of 128 bytes at `message` into the state of eight words at `state`. */
export function sha512Blocks(state: usize, message: usize, blocks: usize): void {
  if (ASC_FEATURE_SIMD) blocksOfVectors(state, message, blocks);
  else blocksOfWords(state, message, blocks);
}

function blocksOfWords(state: usize, message: usize, blocks: usize): void {
  let s0 = load<u64>(state);
  let s1 = load<u64>(state, 8);
  let s2 = load<u64>(state, 16);
  let s3 = load<u64>(state, 24);
  let s4 = load<u64>(state, 32);
  let s5 = load<u64>(state, 40);
  let s6 = load<u64>(state, 48);
  let s7 = load<u64>(state, 56);
  while (blocks > 0) {
    let a = s0;
    let b = s1;
    let c = s2;
    let d = s3;
    let e = s4;
    let f = s5;
    let g = s6;
    let h = s7;
    let w0 = bswap<u64>(load<u64>(message));
    let w1 = bswap<u64>(load<u64>(message, 8));
    let w2 = bswap<u64>(load<u64>(message, 16));
    let w3 = bswap<u64>(load<u64>(message, 24));
    let w4 = bswap<u64>(load<u64>(message, 32));
    let w5 = bswap<u64>(load<u64>(message, 40));
    let w6 = bswap<u64>(load<u64>(message, 48));
    let w7 = bswap<u64>(load<u64>(message, 56));
    let w8 = bswap<u64>(load<u64>(message, 64));
    let w9 = bswap<u64>(load<u64>(message, 72));
    let w10 = bswap<u64>(load<u64>(message, 80));
    let w11 = bswap<u64>(load<u64>(message, 88));
    let w12 = bswap<u64>(load<u64>(message, 96));
    let w13 = bswap<u64>(load<u64>(message, 104));
    let w14 = bswap<u64>(load<u64>(message, 112));
    let w15 = bswap<u64>(load<u64>(message, 120));
    let k = SHA512_K;
    h = mix(h, w0 + load<u64>(k), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, w1 + load<u64>(k, 8), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, w2 + load<u64>(k, 16), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, w3 + load<u64>(k, 24), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, w4 + load<u64>(k, 32), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, w5 + load<u64>(k, 40), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, w6 + load<u64>(k, 48), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, w7 + load<u64>(k, 56), f, g, h);
    e += a;
    a += fold(b, c, d);
    h = mix(h, w8 + load<u64>(k, 64), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, w9 + load<u64>(k, 72), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, w10 + load<u64>(k, 80), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, w11 + load<u64>(k, 88), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, w12 + load<u64>(k, 96), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, w13 + load<u64>(k, 104), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, w14 + load<u64>(k, 112), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, w15 + load<u64>(k, 120), f, g, h);
    e += a;
    a += fold(b, c, d);
    for (let turn = 1; turn < 5; turn++) {
      k += 128;
      w0 = w0 + w9 + small0(w1) + small1(w14);
      h = mix(h, w0 + load<u64>(k), e, f, g);
      d += h;
      h += fold(a, b, c);
      w1 = w1 + w10 + small0(w2) + small1(w15);
      g = mix(g, w1 + load<u64>(k, 8), d, e, f);
      c += g;
      g += fold(h, a, b);
      w2 = w2 + w11 + small0(w3) + small1(w0);
      f = mix(f, w2 + load<u64>(k, 16), c, d, e);
      b += f;
      f += fold(g, h, a);
      w3 = w3 + w12 + small0(w4) + small1(w1);
      e = mix(e, w3 + load<u64>(k, 24), b, c, d);
      a += e;
      e += fold(f, g, h);
      w4 = w4 + w13 + small0(w5) + small1(w2);
      d = mix(d, w4 + load<u64>(k, 32), a, b, c);
      h += d;
      d += fold(e, f, g);
      w5 = w5 + w14 + small0(w6) + small1(w3);
      c = mix(c, w5 + load<u64>(k, 40), h, a, b);
      g += c;
      c += fold(d, e, f);
      w6 = w6 + w15 + small0(w7) + small1(w4);
      b = mix(b, w6 + load<u64>(k, 48), g, h, a);
      f += b;
      b += fold(c, d, e);
      w7 = w7 + w0 + small0(w8) + small1(w5);
      a = mix(a, w7 + load<u64>(k, 56), f, g, h);
      e += a;
      a += fold(b, c, d);
      w8 = w8 + w1 + small0(w9) + small1(w6);
      h = mix(h, w8 + load<u64>(k, 64), e, f, g);
      d += h;
      h += fold(a, b, c);
      w9 = w9 + w2 + small0(w10) + small1(w7);
      g = mix(g, w9 + load<u64>(k, 72), d, e, f);
      c += g;
      g += fold(h, a, b);
      w10 = w10 + w3 + small0(w11) + small1(w8);
      f = mix(f, w10 + load<u64>(k, 80), c, d, e);
      b += f;
      f += fold(g, h, a);
      w11 = w11 + w4 + small0(w12) + small1(w9);
      e = mix(e, w11 + load<u64>(k, 88), b, c, d);
      a += e;
      e += fold(f, g, h);
      w12 = w12 + w5 + small0(w13) + small1(w10);
      d = mix(d, w12 + load<u64>(k, 96), a, b, c);
      h += d;
      d += fold(e, f, g);
      w13 = w13 + w6 + small0(w14) + small1(w11);
      c = mix(c, w13 + load<u64>(k, 104), h, a, b);
      g += c;
      c += fold(d, e, f);
      w14 = w14 + w7 + small0(w15) + small1(w12);
      b = mix(b, w14 + load<u64>(k, 112), g, h, a);
      f += b;
      b += fold(c, d, e);
      w15 = w15 + w8 + small0(w0) + small1(w13);
      a = mix(a, w15 + load<u64>(k, 120), f, g, h);
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
    message += 128;
    blocks--;
  }
  store<u64>(state, s0);
  store<u64>(state, s1, 8);
  store<u64>(state, s2, 16);
  store<u64>(state, s3, 24);
  store<u64>(state, s4, 32);
  store<u64>(state, s5, 40);
  store<u64>(state, s6, 48);
  store<u64>(state, s7, 56);
}

/** Words of the message are big-endian. */
// @ts-ignore: decorator
@inline
function swap(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
}

// @ts-ignore: decorator
@inline
function vectorSmall0(x: v128): v128 {
  const y = v128.xor(i64x2.shr_u(x, 1), i64x2.shl(x, 63));
  const z = v128.xor(i64x2.shr_u(x, 8), i64x2.shl(x, 56));
  return v128.xor(v128.xor(y, z), i64x2.shr_u(x, 7));
}

// @ts-ignore: decorator
@inline
function vectorSmall1(x: v128): v128 {
  const y = v128.xor(i64x2.shr_u(x, 19), i64x2.shl(x, 45));
  const z = v128.xor(i64x2.shr_u(x, 61), i64x2.shl(x, 3));
  return v128.xor(v128.xor(y, z), i64x2.shr_u(x, 6));
}

/** The next two words of the schedule: of the sixteen before, x0 and x1 hold the first, x4 and x5 the middle ones. */
// @ts-ignore: decorator
@inline
function next(x0: v128, x1: v128, x4: v128, x5: v128, x7: v128): v128 {
  const most = i64x2.add(
    i64x2.add(x0, vectorSmall0(v128.shuffle<u64>(x0, x1, 1, 2))),
    v128.shuffle<u64>(x4, x5, 1, 2),
  );
  return i64x2.add(most, vectorSmall1(x7));
}

function blocksOfVectors(state: usize, message: usize, blocks: usize): void {
  // K + W of the sixteen rounds to come; a round's place is taken by what comes sixteen rounds later.
  const kw = take(128);
  let s0 = load<u64>(state);
  let s1 = load<u64>(state, 8);
  let s2 = load<u64>(state, 16);
  let s3 = load<u64>(state, 24);
  let s4 = load<u64>(state, 32);
  let s5 = load<u64>(state, 40);
  let s6 = load<u64>(state, 48);
  let s7 = load<u64>(state, 56);
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
    let x4 = swap(v128.load(message, 64));
    let x5 = swap(v128.load(message, 80));
    let x6 = swap(v128.load(message, 96));
    let x7 = swap(v128.load(message, 112));
    v128.store(kw, i64x2.add(x0, v128.load(SHA512_K)));
    v128.store(kw, i64x2.add(x1, v128.load(SHA512_K, 16)), 16);
    v128.store(kw, i64x2.add(x2, v128.load(SHA512_K, 32)), 32);
    v128.store(kw, i64x2.add(x3, v128.load(SHA512_K, 48)), 48);
    v128.store(kw, i64x2.add(x4, v128.load(SHA512_K, 64)), 64);
    v128.store(kw, i64x2.add(x5, v128.load(SHA512_K, 80)), 80);
    v128.store(kw, i64x2.add(x6, v128.load(SHA512_K, 96)), 96);
    v128.store(kw, i64x2.add(x7, v128.load(SHA512_K, 112)), 112);
    let k = SHA512_K;
    for (let turn = 1; turn < 5; turn++) {
      k += 128;
      x0 = next(x0, x1, x4, x5, x7);
      h = mix(h, load<u64>(kw), e, f, g);
      d += h;
      h += fold(a, b, c);
      g = mix(g, load<u64>(kw, 8), d, e, f);
      c += g;
      g += fold(h, a, b);
      v128.store(kw, i64x2.add(x0, v128.load(k)));
      x1 = next(x1, x2, x5, x6, x0);
      f = mix(f, load<u64>(kw, 16), c, d, e);
      b += f;
      f += fold(g, h, a);
      e = mix(e, load<u64>(kw, 24), b, c, d);
      a += e;
      e += fold(f, g, h);
      v128.store(kw, i64x2.add(x1, v128.load(k, 16)), 16);
      x2 = next(x2, x3, x6, x7, x1);
      d = mix(d, load<u64>(kw, 32), a, b, c);
      h += d;
      d += fold(e, f, g);
      c = mix(c, load<u64>(kw, 40), h, a, b);
      g += c;
      c += fold(d, e, f);
      v128.store(kw, i64x2.add(x2, v128.load(k, 32)), 32);
      x3 = next(x3, x4, x7, x0, x2);
      b = mix(b, load<u64>(kw, 48), g, h, a);
      f += b;
      b += fold(c, d, e);
      a = mix(a, load<u64>(kw, 56), f, g, h);
      e += a;
      a += fold(b, c, d);
      v128.store(kw, i64x2.add(x3, v128.load(k, 48)), 48);
      x4 = next(x4, x5, x0, x1, x3);
      h = mix(h, load<u64>(kw, 64), e, f, g);
      d += h;
      h += fold(a, b, c);
      g = mix(g, load<u64>(kw, 72), d, e, f);
      c += g;
      g += fold(h, a, b);
      v128.store(kw, i64x2.add(x4, v128.load(k, 64)), 64);
      x5 = next(x5, x6, x1, x2, x4);
      f = mix(f, load<u64>(kw, 80), c, d, e);
      b += f;
      f += fold(g, h, a);
      e = mix(e, load<u64>(kw, 88), b, c, d);
      a += e;
      e += fold(f, g, h);
      v128.store(kw, i64x2.add(x5, v128.load(k, 80)), 80);
      x6 = next(x6, x7, x2, x3, x5);
      d = mix(d, load<u64>(kw, 96), a, b, c);
      h += d;
      d += fold(e, f, g);
      c = mix(c, load<u64>(kw, 104), h, a, b);
      g += c;
      c += fold(d, e, f);
      v128.store(kw, i64x2.add(x6, v128.load(k, 96)), 96);
      x7 = next(x7, x0, x3, x4, x6);
      b = mix(b, load<u64>(kw, 112), g, h, a);
      f += b;
      b += fold(c, d, e);
      a = mix(a, load<u64>(kw, 120), f, g, h);
      e += a;
      a += fold(b, c, d);
      v128.store(kw, i64x2.add(x7, v128.load(k, 112)), 112);
    }
    h = mix(h, load<u64>(kw), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, load<u64>(kw, 8), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, load<u64>(kw, 16), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, load<u64>(kw, 24), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, load<u64>(kw, 32), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, load<u64>(kw, 40), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, load<u64>(kw, 48), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, load<u64>(kw, 56), f, g, h);
    e += a;
    a += fold(b, c, d);
    h = mix(h, load<u64>(kw, 64), e, f, g);
    d += h;
    h += fold(a, b, c);
    g = mix(g, load<u64>(kw, 72), d, e, f);
    c += g;
    g += fold(h, a, b);
    f = mix(f, load<u64>(kw, 80), c, d, e);
    b += f;
    f += fold(g, h, a);
    e = mix(e, load<u64>(kw, 88), b, c, d);
    a += e;
    e += fold(f, g, h);
    d = mix(d, load<u64>(kw, 96), a, b, c);
    h += d;
    d += fold(e, f, g);
    c = mix(c, load<u64>(kw, 104), h, a, b);
    g += c;
    c += fold(d, e, f);
    b = mix(b, load<u64>(kw, 112), g, h, a);
    f += b;
    b += fold(c, d, e);
    a = mix(a, load<u64>(kw, 120), f, g, h);
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
    message += 128;
    blocks--;
  }
  store<u64>(state, s0);
  store<u64>(state, s1, 8);
  store<u64>(state, s2, 16);
  store<u64>(state, s3, 24);
  store<u64>(state, s4, 32);
  store<u64>(state, s5, 40);
  store<u64>(state, s6, 48);
  store<u64>(state, s7, 56);
  const zero = i64x2.splat(0);
  v128.store(kw, zero);
  v128.store(kw, zero, 16);
  v128.store(kw, zero, 32);
  v128.store(kw, zero, 48);
  v128.store(kw, zero, 64);
  v128.store(kw, zero, 80);
  v128.store(kw, zero, 96);
  v128.store(kw, zero, 112);
  release(kw);
}
