// SHA-256 (FIPS 180-4, section 6.2): the compression function, one stream.
//
// Sixteen rounds a turn of the loop, the working variables renamed instead of moved, the message schedule in locals:
// 290 MB/s, where all 64 rounds in a row have 250 and a schedule in memory 237. Rotations of one word that are added
// modulo 2 are nested, which saves copies: with >>> as rotation, x >>> p ^ x >>> q = (x >>> (q - p) ^ x) >>> p.
// Nothing branches on the message, and no address depends on it.

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

/** What a round adds of e, f and g: Sigma1(e) + Ch(e, f, g). */
// @ts-ignore: decorator
@inline
function mix(e: u32, f: u32, g: u32): u32 {
  return rotr<u32>(rotr<u32>(rotr<u32>(e, 14) ^ e, 5) ^ e, 6) + (g ^ (e & (f ^ g)));
}

/** What a round adds of a, b and c: Sigma0(a) + Maj(a, b, c). The two terms of Maj share no bit. */
// @ts-ignore: decorator
@inline
function fold(a: u32, b: u32, c: u32): u32 {
  return rotr<u32>(rotr<u32>(rotr<u32>(a, 9) ^ a, 11) ^ a, 2) + ((a & b) + (c & (a ^ b)));
}

/** Takes `blocks` blocks of 64 bytes at `message` into the state of eight words at `state`. */
export function sha256Blocks(state: usize, message: usize, blocks: usize): void {
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
    h += mix(e, f, g) + w0 + load<u32>(k);
    d += h;
    h += fold(a, b, c);
    g += mix(d, e, f) + w1 + load<u32>(k, 4);
    c += g;
    g += fold(h, a, b);
    f += mix(c, d, e) + w2 + load<u32>(k, 8);
    b += f;
    f += fold(g, h, a);
    e += mix(b, c, d) + w3 + load<u32>(k, 12);
    a += e;
    e += fold(f, g, h);
    d += mix(a, b, c) + w4 + load<u32>(k, 16);
    h += d;
    d += fold(e, f, g);
    c += mix(h, a, b) + w5 + load<u32>(k, 20);
    g += c;
    c += fold(d, e, f);
    b += mix(g, h, a) + w6 + load<u32>(k, 24);
    f += b;
    b += fold(c, d, e);
    a += mix(f, g, h) + w7 + load<u32>(k, 28);
    e += a;
    a += fold(b, c, d);
    h += mix(e, f, g) + w8 + load<u32>(k, 32);
    d += h;
    h += fold(a, b, c);
    g += mix(d, e, f) + w9 + load<u32>(k, 36);
    c += g;
    g += fold(h, a, b);
    f += mix(c, d, e) + w10 + load<u32>(k, 40);
    b += f;
    f += fold(g, h, a);
    e += mix(b, c, d) + w11 + load<u32>(k, 44);
    a += e;
    e += fold(f, g, h);
    d += mix(a, b, c) + w12 + load<u32>(k, 48);
    h += d;
    d += fold(e, f, g);
    c += mix(h, a, b) + w13 + load<u32>(k, 52);
    g += c;
    c += fold(d, e, f);
    b += mix(g, h, a) + w14 + load<u32>(k, 56);
    f += b;
    b += fold(c, d, e);
    a += mix(f, g, h) + w15 + load<u32>(k, 60);
    e += a;
    a += fold(b, c, d);
    for (let turn = 1; turn < 4; turn++) {
      k += 64;
      w0 += small1(w14) + w9 + small0(w1);
      h += mix(e, f, g) + w0 + load<u32>(k);
      d += h;
      h += fold(a, b, c);
      w1 += small1(w15) + w10 + small0(w2);
      g += mix(d, e, f) + w1 + load<u32>(k, 4);
      c += g;
      g += fold(h, a, b);
      w2 += small1(w0) + w11 + small0(w3);
      f += mix(c, d, e) + w2 + load<u32>(k, 8);
      b += f;
      f += fold(g, h, a);
      w3 += small1(w1) + w12 + small0(w4);
      e += mix(b, c, d) + w3 + load<u32>(k, 12);
      a += e;
      e += fold(f, g, h);
      w4 += small1(w2) + w13 + small0(w5);
      d += mix(a, b, c) + w4 + load<u32>(k, 16);
      h += d;
      d += fold(e, f, g);
      w5 += small1(w3) + w14 + small0(w6);
      c += mix(h, a, b) + w5 + load<u32>(k, 20);
      g += c;
      c += fold(d, e, f);
      w6 += small1(w4) + w15 + small0(w7);
      b += mix(g, h, a) + w6 + load<u32>(k, 24);
      f += b;
      b += fold(c, d, e);
      w7 += small1(w5) + w0 + small0(w8);
      a += mix(f, g, h) + w7 + load<u32>(k, 28);
      e += a;
      a += fold(b, c, d);
      w8 += small1(w6) + w1 + small0(w9);
      h += mix(e, f, g) + w8 + load<u32>(k, 32);
      d += h;
      h += fold(a, b, c);
      w9 += small1(w7) + w2 + small0(w10);
      g += mix(d, e, f) + w9 + load<u32>(k, 36);
      c += g;
      g += fold(h, a, b);
      w10 += small1(w8) + w3 + small0(w11);
      f += mix(c, d, e) + w10 + load<u32>(k, 40);
      b += f;
      f += fold(g, h, a);
      w11 += small1(w9) + w4 + small0(w12);
      e += mix(b, c, d) + w11 + load<u32>(k, 44);
      a += e;
      e += fold(f, g, h);
      w12 += small1(w10) + w5 + small0(w13);
      d += mix(a, b, c) + w12 + load<u32>(k, 48);
      h += d;
      d += fold(e, f, g);
      w13 += small1(w11) + w6 + small0(w14);
      c += mix(h, a, b) + w13 + load<u32>(k, 52);
      g += c;
      c += fold(d, e, f);
      w14 += small1(w12) + w7 + small0(w15);
      b += mix(g, h, a) + w14 + load<u32>(k, 56);
      f += b;
      b += fold(c, d, e);
      w15 += small1(w13) + w8 + small0(w0);
      a += mix(f, g, h) + w15 + load<u32>(k, 60);
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
