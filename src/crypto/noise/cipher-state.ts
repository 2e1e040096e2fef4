// Section 5.1: a key and the nonce of its next message. The nonce is kept as the twelve bytes that the cipher takes:
//
//     0          4                            12
//     ┌──────────┬─────────────┬──────────────┐
//     │ zeroes   │ low         │ high         │   little-endian (section 12.3)
//     └──────────┴─────────────┴──────────────┘
import { openInto, sealInto } from '../aead-into.ts';
import { CryptoError } from '../errors.ts';
import { KEY_BYTES, MESSAGES_MAX } from './limits.ts';
import { open, seal } from './primitives.ts';

const EMPTY = new Uint8Array(0);
const REKEY_NONCE = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255);
const ZEROES = new Uint8Array(KEY_BYTES);

export class CipherState {
  readonly #key = new Uint8Array(KEY_BYTES);
  readonly #nonce = new Uint8Array(12);
  readonly #view = new DataView(this.#nonce.buffer);
  #low = 0;
  #high = 0;

  /** Copies the key. @param nonce of the first message, less than 2^64 */
  constructor(key: Uint8Array, nonce = 0n) {
    this.#key.set(key);
    this.#set(Number(nonce & 0xffff_ffffn), Number(nonce >> 32n));
  }

  /** Messages so far. */
  get nonce(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  seal(plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    this.#expectNonce();
    const ciphertext = seal(this.#key, this.#nonce, plaintext, aad);
    this.#advance();
    return ciphertext;
  }

  /** The nonce moves on only when the message is authentic (section 5.1), so a forged one does not shut out the true one. */
  open(ciphertext: Uint8Array, aad: Uint8Array): Uint8Array {
    this.#expectNonce();
    const plaintext = open(this.#key, this.#nonce, ciphertext, aad);
    this.#advance();
    return plaintext;
  }

  /** As `seal` with no associated data, to the start of `target`. */
  sealInto(plaintext: Uint8Array, target: Uint8Array): void {
    this.#expectNonce();
    sealInto(this.#key, this.#nonce, plaintext, target);
    this.#advance();
  }

  /** As `open` with no associated data, to the start of `target`, which may share memory with `ciphertext`. */
  openInto(ciphertext: Uint8Array, target: Uint8Array): void {
    this.#expectNonce();
    openInto(this.#key, this.#nonce, ciphertext, target);
    this.#advance();
  }

  /** Section 4.2, REKEY. The nonce stays what it is (section 11.3). */
  rekey(): void {
    const sealed = seal(this.#key, REKEY_NONCE, ZEROES, EMPTY);
    this.#key.set(sealed.subarray(0, KEY_BYTES));
    sealed.fill(0);
  }

  /** Forgets the key; not to be used any more. */
  wipe(): void {
    this.#key.fill(0);
  }

  #expectNonce(): void {
    if (this.#low === 0xffff_ffff && this.#high === 0xffff_ffff) {
      throw new CryptoError(
        'message_limit_reached',
        `expected at most ${MESSAGES_MAX} messages under one key, got one more`,
      );
    }
  }

  #advance(): void {
    const low = (this.#low + 1) >>> 0;
    this.#set(low, low === 0 ? this.#high + 1 : this.#high);
  }

  #set(low: number, high: number): void {
    this.#low = low;
    this.#high = high;
    this.#view.setUint32(4, low, true);
    this.#view.setUint32(8, high, true);
  }
}
