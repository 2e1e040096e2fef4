// HMAC (RFC 2104) with SHA-256 and SHA-512.
import type { CryptoExports } from '../kernel/crypto-exports.ts';
import { expectBytes } from './errors.ts';
import type { Hash } from './hash.ts';
import { HashStream, PIECE_BYTES, RECORD_BYTES_MAX, type StreamFunctions } from './hash-stream.ts';
import { kernel } from './kernel.ts';
import { sha256 } from './sha256.ts';
import { sha512 } from './sha512.ts';

export interface Hmac {
  /** The code of a message under a key of any length. */
  (key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Begins a message that comes in pieces. */
  create(key: Uint8Array): HashStream;
  readonly digestBytes: number;
}

interface HmacFunctions {
  readonly name: string;
  readonly hash: Hash;
  contextBytes(exports: CryptoExports): number;
  keyBytes(exports: CryptoExports): number;
  /** The kernel lets `prepared` lie where the key is. */
  key(exports: CryptoExports, prepared: number, key: number, bytes: number): void;
  init(exports: CryptoExports, context: number, prepared: number): void;
  update(exports: CryptoExports, context: number, address: number, bytes: number): void;
  final(exports: CryptoExports, context: number, prepared: number, out: number): void;
  /** The kernel lets `out` lie on the message. */
  whole(exports: CryptoExports, prepared: number, message: number, bytes: number, out: number): void;
}

function makeHmac(functions: HmacFunctions): Hmac {
  const { name, hash, contextBytes } = functions;
  const { digestBytes, blockBytes } = hash;
  // A stream's record: the context, and the prepared key after it.
  const stream: StreamFunctions = {
    name,
    digestBytes,
    update: functions.update,
    final: (exports, record, out) => functions.final(exports, record, record + contextBytes(exports), out),
  };

  /** Prepares the key at `prepared`, in io; a prepared key covers the block that it was made of. */
  function prepare(key: Uint8Array, prepared: number): void {
    const { exports, bytes } = kernel();
    const short = key.length > blockBytes ? hash(key) : key;
    bytes.set(short, prepared);
    functions.key(exports, prepared, prepared, short.length);
    if (short !== key) short.fill(0);
  }

  function hmac(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
    expectBytes('key', key);
    expectBytes('message', message);
    const { length } = message;
    if (length > PIECE_BYTES) return create(key).update(message).digest();
    const { exports, bytes, io } = kernel();
    const place = io + RECORD_BYTES_MAX;
    try {
      prepare(key, io);
      bytes.set(message, place);
      functions.whole(exports, io, place, length, place);
      return bytes.slice(place, place + digestBytes);
    } finally {
      kernel().wipe(io, RECORD_BYTES_MAX + Math.max(length, digestBytes));
    }
  }

  function create(key: Uint8Array): HashStream {
    expectBytes('key', key);
    const { exports, bytes, io } = kernel();
    const prepared = io + contextBytes(exports);
    const recordBytes = contextBytes(exports) + functions.keyBytes(exports);
    kernel().wipe(io, recordBytes);
    prepare(key, prepared);
    functions.init(exports, io, prepared);
    const record = bytes.slice(io, io + recordBytes);
    kernel().wipe(io, recordBytes);
    return new HashStream(stream, record);
  }

  return Object.assign(hmac, { create, digestBytes });
}

export const hmacSha256: Hmac = makeHmac({
  name: 'HMAC-SHA256',
  hash: sha256,
  contextBytes: (exports) => exports.SHA256_CONTEXT_BYTES.value,
  keyBytes: (exports) => exports.HMAC_SHA256_KEY_BYTES.value,
  key: (exports, prepared, key, bytes) => exports.hmacSha256Key(prepared, key, bytes),
  init: (exports, context, prepared) => exports.hmacSha256Init(context, prepared),
  update: (exports, context, address, bytes) => exports.sha256Update(context, address, bytes),
  final: (exports, context, prepared, out) => exports.hmacSha256Final(context, prepared, out),
  whole: (exports, prepared, message, bytes, out) => exports.hmacSha256(prepared, message, bytes, out),
});

export const hmacSha512: Hmac = makeHmac({
  name: 'HMAC-SHA512',
  hash: sha512,
  contextBytes: (exports) => exports.SHA512_CONTEXT_BYTES.value,
  keyBytes: (exports) => exports.HMAC_SHA512_KEY_BYTES.value,
  key: (exports, prepared, key, bytes) => exports.hmacSha512Key(prepared, key, bytes),
  init: (exports, context, prepared) => exports.hmacSha512Init(context, prepared),
  update: (exports, context, address, bytes) => exports.sha512Update(context, address, bytes),
  final: (exports, context, prepared, out) => exports.hmacSha512Final(context, prepared, out),
  whole: (exports, prepared, message, bytes, out) => exports.hmacSha512(prepared, message, bytes, out),
});
