// ChaCha20 as RFC 8439 writes it, word by word: the oracle of assembly/cipher/chacha20.ts. Slow, and not constant-time.

const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

const rotateLeft = (x: number, bits: number): number => ((x << bits) | (x >>> (32 - bits))) >>> 0;

/** Section 2.1. */
function quarterRound(state: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (x: number, y: number, z: number, bits: number): void => {
    state[x] = state[x]! + state[y]!;
    state[z] = rotateLeft(state[z]! ^ state[x]!, bits);
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

/** Section 2.3: 64 bytes of keystream. */
export function chacha20Block(key: Uint8Array, counter: number, nonce: Uint8Array): Uint8Array {
  const word = (bytes: Uint8Array, i: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4 * i, true);
  const initial = [
    ...CONSTANTS,
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => word(key, i)),
    counter,
    ...[0, 1, 2].map((i) => word(nonce, i)),
  ];
  const state = Uint32Array.from(initial);
  for (let i = 0; i < 10; i++) {
    quarterRound(state, 0, 4, 8, 12);
    quarterRound(state, 1, 5, 9, 13);
    quarterRound(state, 2, 6, 10, 14);
    quarterRound(state, 3, 7, 11, 15);
    quarterRound(state, 0, 5, 10, 15);
    quarterRound(state, 1, 6, 11, 12);
    quarterRound(state, 2, 7, 8, 13);
    quarterRound(state, 3, 4, 9, 14);
  }
  const block = new DataView(new ArrayBuffer(64));
  state.forEach((value, i) => {
    block.setUint32(4 * i, (value + initial[i]!) >>> 0, true);
  });
  return new Uint8Array(block.buffer);
}

/** Section 2.4: the message combined with the keystream from block `counter` on. */
export function chacha20(
  key: Uint8Array,
  counter: number,
  nonce: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const result = new Uint8Array(message.length);
  for (let from = 0; from < message.length; from += 64) {
    const block = chacha20Block(key, (counter + from / 64) >>> 0, nonce);
    for (let i = from; i < Math.min(from + 64, message.length); i++)
      result[i] = message[i]! ^ block[i - from]!;
  }
  return result;
}
