// ChaCha20-Poly1305, RFC 8439 section 2.8. A sealed message is the ciphertext followed by its tag of 16 bytes. A nonce
// must never be used twice with the same key.
//
// No plaintext leaves here before its tag was found right: `open` and an opener give out the whole plaintext or nothing.
import { type CryptoKernel, IO_BYTES } from '../kernel/crypto-kernel.ts';
import { CryptoError, expectBytes, expectItems, expectObject, expectReadable, shown } from './errors.ts';
import { kernel } from './kernel.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Section 2.8: block 0 is the one-time key, and the counter of the blocks of text has 32 bits. About 256 GiB. */
export const TEXT_BYTES_MAX = (2 ** 32 - 1) * 64;
/** What an opener holds back when it is not told otherwise: 64 MiB. A longer message is better sent as several. */
export const OPENER_BYTES_MAX = 64 << 20;

/** What goes through the kernel at once of a message that does not fit into io: it stays in the nearer caches. */
const PIECE_BYTES = 256 << 10;

const NOTHING = new Uint8Array();

export interface SealItem {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly aad?: Uint8Array;
}

export interface OpenItem {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  /** With its tag. */
  readonly ciphertext: Uint8Array;
  readonly aad?: Uint8Array;
}

/** Seals one message in pieces. Its key stays in memory until `finish` or `close`. */
export interface Sealer {
  /** The ciphertext of the next piece, of the same length. */
  update(plaintext: Uint8Array): Uint8Array<ArrayBuffer>;
  /** The tag. */
  finish(): Uint8Array<ArrayBuffer>;
  /** Gives up: wipes the key. */
  close(): void;
}

/** Opens one message that arrives in pieces. It authenticates each as it comes and holds it back until the tag is there. */
export interface Opener {
  /** Takes the next piece of ciphertext, without the tag. */
  update(ciphertext: Uint8Array): void;
  /** The whole plaintext, or authentication_failed. */
  finish(tag: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Gives up: wipes the key and drops what was held back. */
  close(): void;
}

export interface OpenerOptions {
  /** The longest ciphertext that it holds back. Default: OPENER_BYTES_MAX. */
  readonly bytesMax?: number;
}

/** Throws message_limit_reached for a text that the counter of RFC 8439 does not reach. */
export function expectTextBytes(length: number): void {
  if (length > TEXT_BYTES_MAX) {
    throw new CryptoError(
      'message_limit_reached',
      `expected at most ${TEXT_BYTES_MAX} bytes under one nonce, got ${length}`,
    );
  }
}

function expectKeyAndNonce(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array): void {
  expectBytes('key', key, KEY_BYTES);
  expectBytes('nonce', nonce, NONCE_BYTES);
  expectBytes('aad', aad);
}

const refused = (): CryptoError =>
  new CryptoError(
    'authentication_failed',
    'expected a message sealed with this key, nonce and associated data, got another',
  );

const finished = (): CryptoError =>
  new CryptoError('invalid_state', 'expected a message in progress, got one that is finished');

/** Not by masks of bits: a caller's lengths may pass 2^31. */
const align = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** The ciphertext and its tag. */
function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  expectKeyAndNonce(key, nonce, aad);
  expectBytes('plaintext', plaintext);
  expectTextBytes(plaintext.length);
  if (oneCallBytes(aad, plaintext.length + TAG_BYTES) > IO_BYTES) {
    const message = new Pieces(key, nonce, aad);
    try {
      const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
      message.encrypt(plaintext, sealed);
      sealed.set(message.tag(), plaintext.length);
      return sealed;
    } finally {
      message.wipe();
    }
  }
  return inOneCall(key, nonce, aad, plaintext, plaintext.length + TAG_BYTES, (machine, input) => {
    machine.exports.aeadSeal(
      machine.io,
      machine.io + KEY_BYTES,
      machine.io + HEAD_BYTES,
      aad.length,
      input,
      plaintext.length,
      input,
    );
    return machine.copy(input, plaintext.length + TAG_BYTES);
  });
}

/** The plaintext. Throws authentication_failed where anything is not what was sealed. */
function open(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  aad: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  expectKeyAndNonce(key, nonce, aad);
  expectBytes('ciphertext', ciphertext);
  const length = ciphertext.length - TAG_BYTES;
  // Too short for a tag: that came from outside, and is refused like any other forgery.
  if (length < 0) throw refused();
  expectTextBytes(length);
  if (oneCallBytes(aad, ciphertext.length) > IO_BYTES) {
    const message = new Pieces(key, nonce, aad);
    try {
      // A copy is authenticated, and the same copy decrypted: another thread may write to what the caller gave.
      const text = new Uint8Array(ciphertext.subarray(0, length));
      message.authenticate(text);
      if (!message.verify(ciphertext.subarray(length))) throw refused();
      message.decrypt(text, text);
      return text;
    } finally {
      message.wipe();
    }
  }
  return inOneCall(key, nonce, aad, ciphertext, ciphertext.length, (machine, input) => {
    const genuine = machine.exports.aeadOpen(
      machine.io,
      machine.io + KEY_BYTES,
      machine.io + HEAD_BYTES,
      aad.length,
      input,
      ciphertext.length,
      input,
    );
    if (genuine === 0) throw refused();
    return machine.copy(input, length);
  });
}

/** Key and nonce, aligned. */
const HEAD_BYTES = KEY_BYTES + 16;

const oneCallBytes = (aad: Uint8Array, length: number): number => HEAD_BYTES + align(aad.length) + length;

/** Lays one message out in io, works on it in place, and wipes it: key, nonce, aad, text. */
function inOneCall<T>(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  text: Uint8Array,
  length: number,
  work: (machine: CryptoKernel, input: number) => T,
): T {
  const machine = kernel();
  const { bytes, io } = machine;
  const input = io + HEAD_BYTES + align(aad.length);
  try {
    bytes.set(key, io);
    bytes.set(nonce, io + KEY_BYTES);
    bytes.set(aad, io + HEAD_BYTES);
    bytes.set(text, input);
    return work(machine, input);
  } finally {
    machine.wipe(io, input + length - io);
  }
}

/** A message in pieces. Its context stays here between the calls, and is in the kernel only during one. */
class Pieces {
  readonly #context: Uint8Array<ArrayBuffer>;

  constructor(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) {
    const machine = kernel();
    const { bytes, exports, io } = machine;
    this.#context = new Uint8Array(exports.aeadContextBytes());
    try {
      bytes.set(key, io);
      bytes.set(nonce, io + KEY_BYTES);
      const context = io + HEAD_BYTES;
      exports.aeadStart(context, io, io + KEY_BYTES);
      this.#context.set(bytes.subarray(context, context + this.#context.length));
    } finally {
      machine.wipe(io, HEAD_BYTES + this.#context.length);
    }
    this.#through(aad, undefined, ({ exports }, context, input, length) =>
      exports.aeadAad(context, input, length),
    );
    this.#within(({ exports }, context) => exports.aeadAadEnd(context));
  }

  encrypt(plaintext: Uint8Array, ciphertext: Uint8Array): void {
    this.#through(plaintext, ciphertext, ({ exports }, context, input, length) =>
      exports.aeadEncrypt(context, input, length, input),
    );
  }

  authenticate(ciphertext: Uint8Array): void {
    this.#through(ciphertext, undefined, ({ exports }, context, input, length) =>
      exports.aeadAuthenticate(context, input, length),
    );
  }

  /** Only after `verify` has said true. */
  decrypt(ciphertext: Uint8Array, plaintext: Uint8Array): void {
    this.#through(ciphertext, plaintext, ({ exports }, context, input, length) =>
      exports.aeadDecrypt(context, input, length, input),
    );
  }

  tag(): Uint8Array<ArrayBuffer> {
    return this.#within((machine, context, free) => {
      machine.exports.aeadTag(context, free);
      return machine.copy(free, TAG_BYTES);
    });
  }

  verify(tag: Uint8Array): boolean {
    return this.#within(({ exports, bytes }, context, free) => {
      bytes.set(tag, free);
      return exports.aeadVerify(context, free) !== 0;
    });
  }

  wipe(): void {
    this.#context.fill(0);
  }

  /** All of `text` in pieces through `work`, in place; what it leaves goes to `result`. */
  #through(
    text: Uint8Array,
    result: Uint8Array | undefined,
    work: (machine: CryptoKernel, context: number, input: number, length: number) => void,
  ): void {
    expectReadable('text', text);
    if (text.length === 0) return;
    this.#within((machine, context, free) => {
      const { bytes } = machine;
      try {
        for (let from = 0; from < text.length; from += PIECE_BYTES) {
          const piece = text.subarray(from, from + PIECE_BYTES);
          bytes.set(piece, free);
          work(machine, context, free, piece.length);
          result?.set(bytes.subarray(free, free + piece.length), from);
        }
      } finally {
        machine.wipe(free, Math.min(PIECE_BYTES, text.length));
      }
    });
  }

  #within<T>(work: (machine: CryptoKernel, context: number, free: number) => T): T {
    const machine = kernel();
    const { bytes, io } = machine;
    const end = io + this.#context.length;
    bytes.set(this.#context, io);
    try {
      const result = work(machine, io, align(end));
      this.#context.set(bytes.subarray(io, end));
      return result;
    } finally {
      machine.wipe(io, align(end) + TAG_BYTES - io);
    }
  }
}

function createSealer(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array = NOTHING): Sealer {
  expectKeyAndNonce(key, nonce, aad);
  let message: Pieces | undefined = new Pieces(key, nonce, aad);
  let length = 0;
  const close = (): void => {
    message?.wipe();
    message = undefined;
  };
  return {
    update(plaintext) {
      expectBytes('plaintext', plaintext);
      if (message === undefined) throw finished();
      expectTextBytes(length + plaintext.length);
      length += plaintext.length;
      const ciphertext = new Uint8Array(plaintext.length);
      message.encrypt(plaintext, ciphertext);
      return ciphertext;
    },
    finish() {
      if (message === undefined) throw finished();
      const tag = message.tag();
      close();
      return tag;
    },
    close,
  };
}

function createOpener(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array = NOTHING,
  options: OpenerOptions = {},
): Opener {
  expectKeyAndNonce(key, nonce, aad);
  expectObject('options', options);
  const { bytesMax = OPENER_BYTES_MAX } = options;
  if (!Number.isSafeInteger(bytesMax) || bytesMax < 0 || bytesMax > TEXT_BYTES_MAX) {
    throw new CryptoError(
      'invalid_argument',
      `expected bytesMax from 0 to ${TEXT_BYTES_MAX}, got ${shown(bytesMax)}`,
    );
  }
  let message: Pieces | undefined = new Pieces(key, nonce, aad);
  // One array that doubles, not one a piece: a sender chooses how small his pieces are, down to nothing.
  let held = new Uint8Array();
  let length = 0;
  const close = (): void => {
    message?.wipe();
    message = undefined;
    held = new Uint8Array();
  };
  return {
    update(ciphertext) {
      expectBytes('ciphertext', ciphertext);
      if (message === undefined) throw finished();
      const end = length + ciphertext.length;
      if (end > bytesMax) {
        close();
        throw new CryptoError(
          'invalid_argument',
          `expected at most ${bytesMax} bytes of ciphertext (bytesMax), got ${end}`,
        );
      }
      if (end > held.length) {
        const before = held;
        held = new Uint8Array(Math.max(end, Math.min(2 * before.length, bytesMax)));
        held.set(before);
      }
      // A copy is authenticated and later decrypted: what the caller does to his own changes nothing.
      held.set(ciphertext, length);
      message.authenticate(held.subarray(length, end));
      length = end;
    },
    finish(tag) {
      expectBytes('tag', tag, TAG_BYTES);
      if (message === undefined) throw finished();
      try {
        if (!message.verify(tag)) throw refused();
        const plaintext = held.slice(0, length);
        message.decrypt(plaintext, plaintext);
        return plaintext;
      } finally {
        close();
      }
    },
    close,
  };
}

// A batch in io: the records of assembly/cipher/aead.ts (AeadItem), then key, nonce, aad and text of each, worked on in
// place.
const ITEM_BYTES = 32;
const ITEM_WORDS = ITEM_BYTES / 4;
const DONE = 1;

interface BatchItem {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly text: Uint8Array;
}

function expectItem(index: number, { key, nonce, aad, text }: BatchItem, textName: string): void {
  expectBytes(`items[${index}].key`, key, KEY_BYTES);
  expectBytes(`items[${index}].nonce`, nonce, NONCE_BYTES);
  expectBytes(`items[${index}].aad`, aad);
  expectBytes(`items[${index}].${textName}`, text);
}

const batchBytes = ({ aad, text }: BatchItem): number =>
  ITEM_BYTES + HEAD_BYTES + align(aad.length) + align(text.length + TAG_BYTES);

/**
 * All items, in as many calls as their lengths need; one that does not fit into io by itself goes to `alone`. `added` is
 * what a text grows by. In the place of a refused one stands its error.
 */
function runBatch(
  items: readonly BatchItem[],
  call: (machine: CryptoKernel, records: number, count: number) => void,
  added: number,
  alone: (item: BatchItem) => Uint8Array<ArrayBuffer> | CryptoError,
): (Uint8Array<ArrayBuffer> | CryptoError)[] {
  const results: (Uint8Array<ArrayBuffer> | CryptoError)[] = [];
  while (results.length < items.length) {
    const first = results.length;
    let end = first;
    let room = IO_BYTES;
    while (end < items.length) {
      room -= batchBytes(items[end]!);
      if (room < 0) break;
      end++;
    }
    if (end === first) {
      results.push(alone(items[first]!));
      continue;
    }
    const machine = kernel();
    const { bytes, io } = machine;
    const count = end - first;
    const records = new Uint32Array(bytes.buffer, io, count * ITEM_WORDS);
    let at = io + count * ITEM_BYTES;
    try {
      for (let i = 0; i < count; i++) {
        const { key, nonce, aad, text } = items[first + i]!;
        const head = at;
        const input = head + HEAD_BYTES + align(aad.length);
        // Before anything is copied: what is wiped reaches to here.
        at = input + align(text.length + TAG_BYTES);
        const word = i * ITEM_WORDS;
        records[word] = head;
        records[word + 1] = head + KEY_BYTES;
        records[word + 2] = head + HEAD_BYTES;
        records[word + 3] = aad.length;
        records[word + 4] = input;
        records[word + 5] = text.length;
        records[word + 6] = input;
        records[word + 7] = 0;
        bytes.set(key, head);
        bytes.set(nonce, head + KEY_BYTES);
        if (aad !== NOTHING) bytes.set(aad, head + HEAD_BYTES);
        bytes.set(text, input);
      }
      call(machine, io, count);
      for (let i = 0; i < count; i++) {
        const word = i * ITEM_WORDS;
        const output = records[word + 6]!;
        const length = records[word + 5]! + added;
        results.push(records[word + 7] === DONE ? machine.copy(output, length) : refused());
      }
    } finally {
      machine.wipe(io, at - io);
    }
  }
  return results;
}

/** Seals each item; a wrong length anywhere throws invalid_argument before anything is sealed. */
function sealBatch(items: readonly SealItem[]): Uint8Array<ArrayBuffer>[] {
  expectItems('items', items);
  const checked = items.map(({ key, nonce, plaintext, aad = NOTHING }, i) => {
    const item = { key, nonce, aad, text: plaintext };
    expectItem(i, item, 'plaintext');
    return item;
  });
  return runBatch(
    checked,
    ({ exports }, records, count) => exports.aeadSealBatch(records, count),
    TAG_BYTES,
    ({ key, nonce, aad, text }) => seal(key, nonce, text, aad),
  ) as Uint8Array<ArrayBuffer>[];
}

/**
 * Opens each item: its plaintext, or, where it is not what was sealed, the error that `open` throws; the others stand. A key
 * or nonce of the wrong length throws invalid_argument before anything is opened.
 */
function openBatch(items: readonly OpenItem[]): (Uint8Array<ArrayBuffer> | CryptoError)[] {
  expectItems('items', items);
  const checked = items.map(({ key, nonce, ciphertext, aad = NOTHING }, i) => {
    const item = { key, nonce, aad, text: ciphertext };
    expectItem(i, item, 'ciphertext');
    return item;
  });
  return runBatch(
    checked,
    ({ exports }, records, count) => exports.aeadOpenBatch(records, count),
    -TAG_BYTES,
    ({ key, nonce, aad, text }) => {
      try {
        return open(key, nonce, text, aad);
      } catch (error) {
        if (error instanceof CryptoError && error.code === 'authentication_failed') return error;
        throw error;
      }
    },
  );
}

export const chacha20poly1305 = { seal, open, sealBatch, openBatch, createSealer, createOpener };
