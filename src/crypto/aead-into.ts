// ChaCha20-Poly1305 from one buffer of the caller's into another, or into the same one further ahead: for the bulk of a
// channel, where every copy shows. Short texts go through the kernel, long ones through node:crypto, which gives the same
// bytes: its vectors have 256 bits (AVX2), those of WebAssembly 128.
//
// Microseconds a message, Zen 5, Node 20.20, both directions alike, copies included (bench/channel.ts measures it anew):
//
//     bytes            100   1,024   4,096   6,144   8,192   16,384   65,519
//     kernel          0.67    1.95     5.8     8.3    10.8       21       81
//     node:crypto      4.1     4.6     6.6     7.7     8.9       14       43
//
// Over a whole transfer of 1 MiB the difference is smaller: node:crypto allocates what it answers, which has to be collected.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CryptoError } from './errors.ts';
import { kernel } from './kernel.ts';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** Key and nonce, aligned. */
const HEAD_BYTES = KEY_BYTES + 16;
const OPTIONS = { authTagLength: TAG_BYTES };

/** From here on node:crypto is quicker. */
export const NATIVE_BYTES_MIN = 6144;

const refused = (): CryptoError =>
  new CryptoError(
    'authentication_failed',
    'expected a message sealed with this key, nonce and associated data, got another',
  );

/** Ciphertext and tag of `plaintext`, to the start of `target`. For a text that fits the kernel's io (2 MiB). */
export function sealByKernel(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  target: Uint8Array,
): void {
  const machine = kernel();
  const { bytes, io } = machine;
  const text = io + HEAD_BYTES;
  const sealedBytes = plaintext.length + TAG_BYTES;
  try {
    bytes.set(key, io);
    bytes.set(nonce, io + KEY_BYTES);
    bytes.set(plaintext, text);
    machine.exports.aeadSeal(io, io + KEY_BYTES, text, 0, text, plaintext.length, text);
    target.set(bytes.subarray(text, text + sealedBytes));
  } finally {
    machine.wipe(io, HEAD_BYTES + sealedBytes);
  }
}

/** The plaintext, to the start of `target`; nothing is written there before the tag was found right. */
export function openByKernel(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  target: Uint8Array,
): void {
  const machine = kernel();
  const { bytes, io } = machine;
  const text = io + HEAD_BYTES;
  try {
    bytes.set(key, io);
    bytes.set(nonce, io + KEY_BYTES);
    bytes.set(ciphertext, text);
    if (machine.exports.aeadOpen(io, io + KEY_BYTES, text, 0, text, ciphertext.length, text) === 0) {
      throw refused();
    }
    target.set(bytes.subarray(text, text + ciphertext.length - TAG_BYTES));
  } finally {
    machine.wipe(io, HEAD_BYTES + ciphertext.length);
  }
}

export function sealByNode(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  target: Uint8Array,
): void {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, OPTIONS);
  target.set(cipher.update(plaintext));
  cipher.final();
  target.set(cipher.getAuthTag(), plaintext.length);
}

export function openByNode(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  target: Uint8Array,
): void {
  const length = ciphertext.length - TAG_BYTES;
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, OPTIONS);
  decipher.setAuthTag(ciphertext.subarray(length));
  const plaintext = decipher.update(ciphertext.subarray(0, length));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    throw refused();
  }
  target.set(plaintext);
}

let native: boolean | undefined;

/** Not with every OpenSSL: a build for FIPS has no ChaCha20. So it must first give what the kernel gives. */
function nativeWorks(): boolean {
  if (native !== undefined) return native;
  const [key, nonce, text] = [
    new Uint8Array(KEY_BYTES).fill(1),
    new Uint8Array(12).fill(2),
    new Uint8Array(99),
  ];
  const ours = new Uint8Array(text.length + TAG_BYTES);
  const theirs = new Uint8Array(ours.length);
  sealByKernel(key, nonce, text, ours);
  try {
    sealByNode(key, nonce, text, theirs);
    native = ours.every((byte, i) => byte === theirs[i]);
  } catch {
    native = false;
  }
  return native;
}

/** Seals into `target`, which takes 16 bytes more. It may share memory with `plaintext` where they begin alike. */
export function sealInto(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  target: Uint8Array,
): void {
  if (plaintext.length >= NATIVE_BYTES_MIN && nativeWorks()) sealByNode(key, nonce, plaintext, target);
  else sealByKernel(key, nonce, plaintext, target);
}

/**
 * Opens into `target`, which takes 16 bytes fewer and may share memory with `ciphertext`: all of that is read before
 * anything is written. Throws authentication_failed, and then nothing is.
 */
export function openInto(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  target: Uint8Array,
): void {
  if (ciphertext.length < TAG_BYTES) throw refused();
  if (ciphertext.length - TAG_BYTES >= NATIVE_BYTES_MIN && nativeWorks()) {
    openByNode(key, nonce, ciphertext, target);
  } else {
    openByKernel(key, nonce, ciphertext, target);
  }
}
