// What follows a handshake: messages in both directions, in order, each under its own key and nonce (section 5.1).
import { CryptoError, expectBytes } from '../errors.ts';
import type { CipherState } from './cipher-state.ts';
import { MESSAGE_BYTES_MAX, PLAINTEXT_BYTES_MAX, TAG_BYTES } from './limits.ts';

const EMPTY = new Uint8Array(0);

export class NoiseTransport {
  readonly #send: CipherState;
  readonly #receive: CipherState;
  #closed = false;

  constructor(send: CipherState, receive: CipherState) {
    this.#send = send;
    this.#receive = receive;
  }

  /** The next message to the peer, 16 bytes longer than `plaintext`, which is at most 65,519 bytes. */
  seal(plaintext: Uint8Array, aad: Uint8Array = EMPTY): Uint8Array {
    this.#expectPlaintext(plaintext);
    expectBytes('aad', aad);
    return this.#send.seal(plaintext, aad);
  }

  /** `seal` without associated data, to the start of `target`. */
  sealInto(plaintext: Uint8Array, target: Uint8Array): void {
    this.#expectPlaintext(plaintext);
    expectRoom(target, plaintext.length + TAG_BYTES);
    this.#send.sealInto(plaintext, target);
  }

  /**
   * The plaintext of the peer's next message. Whatever else comes (changed, repeated, out of order, of a wrong length) is
   * refused with authentication_failed and changes nothing: the next message can still be opened.
   */
  open(ciphertext: Uint8Array, aad: Uint8Array = EMPTY): Uint8Array {
    this.#expectCiphertext(ciphertext);
    expectBytes('aad', aad);
    return this.#receive.open(ciphertext, aad);
  }

  /**
   * `open` without associated data, to the start of `target`, which may share memory with `ciphertext`. What is refused
   * leaves `target` as it was.
   */
  openInto(ciphertext: Uint8Array, target: Uint8Array): void {
    this.#expectCiphertext(ciphertext);
    expectRoom(target, ciphertext.length - TAG_BYTES);
    this.#receive.openInto(ciphertext, target);
  }

  /** A new key for what this side sends, derived one-way from the old one; the peer calls rekeyReceive at the same place. */
  rekeySend(): void {
    this.#expectOpen();
    this.#send.rekey();
  }

  /** A new key for what this side receives; the peer calls rekeySend at the same place. */
  rekeyReceive(): void {
    this.#expectOpen();
    this.#receive.rekey();
  }

  /** Messages sealed so far. At 2^64 - 1, `seal` is refused with message_limit_reached. */
  get sendNonce(): bigint {
    return this.#send.nonce;
  }

  /** Messages opened so far. At 2^64 - 1, `open` is refused with message_limit_reached. */
  get receiveNonce(): bigint {
    return this.#receive.nonce;
  }

  /** Wipes both keys. Every further call but this one is refused with invalid_state. */
  close(): void {
    this.#closed = true;
    this.#send.wipe();
    this.#receive.wipe();
  }

  #expectPlaintext(plaintext: Uint8Array): void {
    this.#expectOpen();
    expectBytes('plaintext', plaintext);
    if (plaintext.length > PLAINTEXT_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected a plaintext of at most ${PLAINTEXT_BYTES_MAX} bytes, got ${plaintext.length}`,
      );
    }
  }

  #expectCiphertext(ciphertext: Uint8Array): void {
    this.#expectOpen();
    expectBytes('ciphertext', ciphertext);
    if (ciphertext.length < TAG_BYTES || ciphertext.length > MESSAGE_BYTES_MAX) {
      throw new CryptoError(
        'authentication_failed',
        `expected a ciphertext of ${TAG_BYTES} to ${MESSAGE_BYTES_MAX} bytes, got ${ciphertext.length}`,
      );
    }
  }

  #expectOpen(): void {
    if (this.#closed) {
      throw new CryptoError('invalid_state', 'expected an open transport, got a closed one');
    }
  }
}

function expectRoom(target: Uint8Array, bytes: number): void {
  expectBytes('target', target);
  if (target.length < bytes) {
    throw new CryptoError(
      'invalid_argument',
      `expected a target of at least ${bytes} bytes, got ${target.length}`,
    );
  }
}
