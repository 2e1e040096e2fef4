// HKDF (RFC 5869) with SHA-256 and SHA-512.
import type { CryptoExports } from '../kernel/crypto-exports.ts';
import { CryptoError, expectBytes, shown } from './errors.ts';
import { RECORD_BYTES_MAX } from './hash-stream.ts';
import { type Hmac, hmacSha256, hmacSha512 } from './hmac.ts';
import { kernel } from './kernel.ts';

export interface Hkdf {
  /** Extract and expand at once. */
  (ikm: Uint8Array, salt: Uint8Array | undefined, info: Uint8Array, length: number): Uint8Array<ArrayBuffer>;
  /** Section 2.2: a pseudorandom key of the input keying material. No salt is a salt of zeroes. */
  extract(salt: Uint8Array | undefined, ikm: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Section 2.3: 0 to 255 digests' length of bytes from a pseudorandom key. */
  expand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer>;
}

interface HkdfFunctions {
  readonly hmac: Hmac;
  /** The kernel lets `prepared` lie where the key is. */
  key(exports: CryptoExports, prepared: number, key: number, bytes: number): void;
  expand(
    exports: CryptoExports,
    prepared: number,
    info: number,
    infoBytes: number,
    out: number,
    bytes: number,
  ): void;
}

/** Of an info, which names a context in tens of bytes. It stands in io as a whole, because it is hashed again and again. */
const INFO_BYTES_MAX = 1 << 20;

/** Of a pseudorandom key, which is one digest long; it may be longer (section 2.3). */
const PRK_BYTES_MAX = RECORD_BYTES_MAX;

const NO_SALT = new Uint8Array(0);

function makeHkdf(functions: HkdfFunctions): Hkdf {
  const { hmac } = functions;
  const { digestBytes } = hmac;
  const lengthMax = 255 * digestBytes;

  function expectLength(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > lengthMax) {
      throw new CryptoError(
        'invalid_argument',
        `expected a length of 0 to ${lengthMax} bytes, got ${shown(length)}`,
      );
    }
  }

  function expectInfo(info: Uint8Array): void {
    expectBytes('info', info);
    if (info.length > INFO_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected info of at most ${INFO_BYTES_MAX} bytes, got ${info.length}`,
      );
    }
  }

  function extract(salt: Uint8Array | undefined, ikm: Uint8Array): Uint8Array<ArrayBuffer> {
    if (salt !== undefined) expectBytes('salt', salt);
    expectBytes('ikm', ikm);
    return hmac(salt ?? NO_SALT, ikm);
  }

  function expand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
    expectBytes('prk', prk);
    if (prk.length < digestBytes || prk.length > PRK_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected prk of ${digestBytes} to ${PRK_BYTES_MAX} bytes, got ${prk.length}`,
      );
    }
    expectInfo(info);
    expectLength(length);
    const { exports, bytes, io } = kernel();
    const out = io + RECORD_BYTES_MAX;
    const place = out + length;
    try {
      bytes.set(prk, io);
      functions.key(exports, io, io, prk.length);
      bytes.set(info, place);
      functions.expand(exports, io, place, info.length, out, length);
      return bytes.slice(out, out + length);
    } finally {
      kernel().wipe(io, place + info.length - io);
    }
  }

  function hkdf(
    ikm: Uint8Array,
    salt: Uint8Array | undefined,
    info: Uint8Array,
    length: number,
  ): Uint8Array<ArrayBuffer> {
    expectInfo(info);
    expectLength(length);
    const prk = extract(salt, ikm);
    try {
      return expand(prk, info, length);
    } finally {
      prk.fill(0);
    }
  }

  return Object.assign(hkdf, { extract, expand });
}

export const hkdfSha256: Hkdf = makeHkdf({
  hmac: hmacSha256,
  key: (exports, prepared, key, bytes) => exports.hmacSha256Key(prepared, key, bytes),
  expand: (exports, prepared, info, infoBytes, out, bytes) =>
    exports.hkdfSha256Expand(prepared, info, infoBytes, out, bytes),
});

export const hkdfSha512: Hkdf = makeHkdf({
  hmac: hmacSha512,
  key: (exports, prepared, key, bytes) => exports.hmacSha512Key(prepared, key, bytes),
  expand: (exports, prepared, info, infoBytes, out, bytes) =>
    exports.hkdfSha512Expand(prepared, info, infoBytes, out, bytes),
});
