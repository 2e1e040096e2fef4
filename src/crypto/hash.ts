// What SHA-256 and SHA-512 have in common: one message, many messages, and pieces of one.
import type { CryptoExports } from '../kernel/crypto-exports.ts';
import { IO_BYTES } from '../kernel/crypto-kernel.ts';
import { expectArray, expectBytes } from './errors.ts';
import { HashStream, PIECE_BYTES, type StreamFunctions } from './hash-stream.ts';
import { kernel } from './kernel.ts';

export interface Hash {
  /** The digest of a message. */
  (message: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Begins a message that comes in pieces. */
  create(): HashStream;
  /** The digest of each message; of many short ones several times as fast as one by one. */
  batch(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[];
  readonly digestBytes: number;
  /** What the hash takes at once; a key of HMAC that is longer is hashed first. */
  readonly blockBytes: number;
}

export interface HashFunctions extends StreamFunctions {
  readonly blockBytes: number;
  contextBytes(exports: CryptoExports): number;
  init(exports: CryptoExports, context: number): void;
  /** The kernel lets `out` lie on the message. */
  whole(exports: CryptoExports, message: number, bytes: number, out: number): void;
  batch(exports: CryptoExports, messages: number, count: number, digests: number): void;
}

/** A record of a batch is an address and a length, u32 each: assembly/hash/message.ts. */
const MESSAGE_RECORD_BYTES = 8;

/** How many messages go to the kernel at once; beyond that a larger batch is not faster. */
const BATCH_MESSAGES_MAX = 1024;

/** Copying to an odd address of shared memory takes four times as long. */
const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;

export function makeHash(functions: HashFunctions): Hash {
  const { digestBytes } = functions;
  const messagesAt = BATCH_MESSAGES_MAX * (MESSAGE_RECORD_BYTES + digestBytes);
  const batchBytesMax = IO_BYTES - messagesAt;

  function hash(message: Uint8Array): Uint8Array<ArrayBuffer> {
    expectBytes('message', message);
    const { length } = message;
    if (length > PIECE_BYTES) return create().update(message).digest();
    const { exports, bytes, io } = kernel();
    try {
      bytes.set(message, io);
      functions.whole(exports, io, length, io);
      return bytes.slice(io, io + digestBytes);
    } finally {
      kernel().wipe(io, Math.max(length, digestBytes));
    }
  }

  function create(): HashStream {
    const { exports, bytes, io } = kernel();
    const contextBytes = functions.contextBytes(exports);
    kernel().wipe(io, contextBytes);
    functions.init(exports, io);
    return new HashStream(functions, bytes.slice(io, io + contextBytes));
  }

  function batch(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
    expectArray('messages', messages);
    // Not forEach, which passes over what is missing.
    for (let i = 0; i < messages.length; i++) expectBytes(`messages[${i}]`, messages[i]!);
    const digests: Uint8Array<ArrayBuffer>[] = [];
    while (digests.length < messages.length) {
      const from = digests.length;
      let to = from;
      let total = 0;
      while (to < messages.length && to - from < BATCH_MESSAGES_MAX) {
        const { length } = messages[to]!;
        if (total + aligned(length) > batchBytesMax) break;
        total += aligned(length);
        to++;
      }
      if (to === from) digests.push(hash(messages[from]!));
      else fitting(messages, from, to, digests);
    }
    return digests;
  }

  /** Messages `from` to `to`, which all fit. */
  function fitting(
    messages: readonly Uint8Array[],
    from: number,
    to: number,
    digests: Uint8Array<ArrayBuffer>[],
  ): void {
    const count = to - from;
    const { exports, bytes, io } = kernel();
    const records = new Uint32Array(2 * count);
    let place = io + messagesAt;
    try {
      for (let i = 0; i < count; i++) {
        const message = messages[from + i]!;
        bytes.set(message, place);
        records[2 * i] = place;
        records[2 * i + 1] = message.length;
        place += aligned(message.length);
      }
      bytes.set(new Uint8Array(records.buffer), io);
      const out = io + count * MESSAGE_RECORD_BYTES;
      functions.batch(exports, io, count, out);
      for (let i = 0; i < count; i++) {
        digests.push(bytes.slice(out + i * digestBytes, out + (i + 1) * digestBytes));
      }
    } finally {
      kernel().wipe(io, place - io);
    }
  }

  return Object.assign(hash, { create, batch, digestBytes, blockBytes: functions.blockBytes });
}
