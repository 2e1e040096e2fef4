// Contexts of RFC 9180, 5.2: many messages under one enc, in order.
import { chacha20poly1305 } from '../chacha20poly1305.ts';
import { CryptoError, expectBytes, shown } from '../errors.ts';
import { drawSecret, type RandomBytes } from './keys.ts';
import { type ContextKeys, Party, type RecipientKey, type SenderKey, wipeKeys } from './party.ts';
import { ENC_BYTES, EXPORT_BYTES_MAX, HPKE_SUITE, labeledExpand, PRIVATE_KEY_BYTES } from './suite.ts';

/**
 * Messages of a context are numbered from 0; none gets this number. RFC 9180 would allow 2^96 - 1 of them, but a number
 * of JavaScript counts no further, and a message a nanosecond would take three months to get there.
 */
export const SEQUENCE_END = Number.MAX_SAFE_INTEGER;

/** It names what an exported secret is for, which takes tens of bytes. */
const EXPORTER_CONTEXT_BYTES_MAX = 65_536;

const NOTHING = new Uint8Array(0);

class HpkeContext {
  #keys: ContextKeys | undefined;
  #sequence: number;

  /** Takes `keys` over. */
  constructor(keys: ContextKeys, sequence = 0) {
    this.#keys = keys;
    this.#sequence = sequence;
  }

  /** Number of the next message; the messages so far. */
  get sequence(): number {
    return this.#sequence;
  }

  /** A secret of `length` bytes, 1 to 8160, that both sides of the context can derive (RFC 9180, 5.3). */
  export(exporterContext: Uint8Array, length: number): Uint8Array {
    expectBytes('exporter context', exporterContext);
    if (exporterContext.length > EXPORTER_CONTEXT_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected an exporter context of at most ${EXPORTER_CONTEXT_BYTES_MAX} bytes, got ${exporterContext.length}`,
      );
    }
    if (!Number.isInteger(length) || length < 1 || length > EXPORT_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected 1 to ${EXPORT_BYTES_MAX} bytes, got ${shown(length)}`,
      );
    }
    return labeledExpand(HPKE_SUITE, this.#open().exporterSecret, 'sec', exporterContext, length);
  }

  /** Forgets the keys: no call but `sequence` works any more. */
  wipe(): void {
    if (this.#keys === undefined) return;
    wipeKeys(this.#keys);
    this.#keys = undefined;
  }

  /** One message: the number goes up when `work` returns, and stays when it throws. */
  protected message(work: (key: Uint8Array, nonce: Uint8Array) => Uint8Array): Uint8Array {
    const { key, baseNonce } = this.#open();
    if (this.#sequence >= SEQUENCE_END) {
      throw new CryptoError(
        'message_limit_reached',
        `expected at most ${SEQUENCE_END} messages in a context, got one more`,
      );
    }
    const nonce = messageNonce(baseNonce, this.#sequence);
    const result = work(key, nonce);
    this.#sequence++;
    return result;
  }

  #open(): ContextKeys {
    if (this.#keys === undefined) {
      throw new CryptoError('invalid_state', 'expected a context with its keys, got a wiped one');
    }
    return this.#keys;
  }
}

/** ComputeNonce of 5.2: the number, big-endian, over the end of the base nonce. */
function messageNonce(baseNonce: Uint8Array, sequence: number): Uint8Array {
  const nonce = baseNonce.slice();
  const view = new DataView(nonce.buffer);
  view.setUint32(4, view.getUint32(4) ^ Math.floor(sequence / 2 ** 32));
  view.setUint32(8, view.getUint32(8) ^ (sequence >>> 0));
  return nonce;
}

/** Seals messages to one recipient. */
export class SenderContext extends HpkeContext {
  /** The ciphertext, 16 bytes longer than the plaintext. */
  seal(plaintext: Uint8Array, aad: Uint8Array = NOTHING): Uint8Array {
    expectBytes('plaintext', plaintext);
    expectBytes('aad', aad);
    return this.message((key, nonce) => chacha20poly1305.seal(key, nonce, plaintext, aad));
  }
}

/** Opens the messages of one sender, in the order in which they were sealed. */
export class RecipientContext extends HpkeContext {
  /** The plaintext. A message that does not open changes nothing: the next one is awaited under the same number. */
  open(ciphertext: Uint8Array, aad: Uint8Array = NOTHING): Uint8Array {
    expectBytes('ciphertext', ciphertext);
    expectBytes('aad', aad);
    return this.message((key, nonce) => chacha20poly1305.open(key, nonce, ciphertext, aad));
  }
}

export interface SenderOptions extends SenderKey {
  /** Where the ephemeral private key comes from, instead of the host's secure generator. */
  readonly randomBytes?: RandomBytes | undefined;
}

/** SetupBaseS: a context to seal with, and the `enc` that the recipient needs. */
export function createSender(options: SenderOptions): { enc: Uint8Array; context: SenderContext } {
  const party = Party.sender(options);
  const ephemeral = drawSecret(PRIVATE_KEY_BYTES, options.randomBytes);
  try {
    const { enc, keys } = party.sealKeys(ephemeral);
    return { enc, context: new SenderContext(keys) };
  } finally {
    ephemeral.fill(0);
  }
}

export interface RecipientOptions extends RecipientKey {
  readonly enc: Uint8Array;
}

/** SetupBaseR: a context to open with. */
export function createRecipient(options: RecipientOptions): RecipientContext {
  const party = Party.recipient(options);
  const { enc } = options;
  expectBytes('enc', enc, ENC_BYTES);
  return new RecipientContext(party.openKeys(enc));
}
