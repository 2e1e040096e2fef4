// Good signatures made by node:crypto (OpenSSL), and ways to spoil them.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { SignedMessage } from '../../src/crypto/ed25519/batch.ts';
import { L } from '../../src/reference/edwards.ts';
import { fromLittleEndian, toLittleEndian } from '../../src/reference/field.ts';

export interface Signed extends SignedMessage {
  readonly publicKey: Uint8Array;
}

/** Deterministic numbers from 0 to 1 (mulberry32): the seed of a failing test is in its name. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function makeSigned(secret: number, message: Uint8Array): Signed {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, secret, true);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    publicKey: new Uint8Array(spki.subarray(spki.length - 32)),
    message,
    signature: new Uint8Array(sign(null, message, key)),
  };
}

/** `count` signatures under as many keys, of messages of 0 to 199 bytes. */
export function makeMany(count: number): Signed[] {
  return Array.from({ length: count }, (_, i) =>
    makeSigned(i + 1, new Uint8Array((i * 37) % 200).fill(i & 255)),
  );
}

/** The signature with S + `difference` modulo L: a canonical S, and a wrong one unless the difference is 0. */
export function shiftS(item: Signed, difference: bigint): Signed {
  const s = fromLittleEndian(item.signature.slice(32));
  return withS(item, (((s + difference) % L) + L) % L);
}

export function withS(item: Signed, s: bigint): Signed {
  const signature = Uint8Array.from(item.signature);
  signature.set(toLittleEndian(s), 32);
  return { ...item, signature };
}

const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

/** One of the ways in which a good signature becomes a bad one. */
export function spoil(item: Signed, random: () => number): Signed {
  const bit = (bytes: number): number => Math.floor(random() * 8 * bytes);
  switch (Math.floor(random() * 8)) {
    case 0:
      return shiftS(item, 1n + BigInt(Math.floor(random() * 1e9)));
    case 1:
      return { ...item, signature: flip(item.signature, bit(32)) };
    case 2:
      return { ...item, signature: flip(item.signature, 256 + bit(32)) };
    case 3:
      return { ...item, message: Uint8Array.of(...item.message, 0) };
    case 4:
      return { ...item, publicKey: flip(item.publicKey, bit(32)) };
    case 5:
      return withS(item, fromLittleEndian(item.signature.slice(32)) + L);
    case 6:
      return { ...item, signature: item.signature.slice(0, 63) };
    default:
      return { ...item, publicKey: new Uint8Array(33) };
  }
}
