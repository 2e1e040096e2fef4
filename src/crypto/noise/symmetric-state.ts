// Section 5.2: what both sides have agreed upon so far. `h` holds all that was said and is no secret; `ck` holds all
// secrets.
import { CipherState } from './cipher-state.ts';
import { HASH_BYTES, KEY_BYTES, TAG_BYTES } from './limits.ts';
import { hash, hkdf } from './primitives.ts';

const EMPTY = new Uint8Array(0);

export class SymmetricState {
  #h: Uint8Array;
  readonly #ck: Uint8Array;
  #cipher: CipherState | undefined;

  /** @param protocolName at most HASH_BYTES long, so that it is taken as it is */
  constructor(protocolName: string) {
    this.#h = new Uint8Array(HASH_BYTES);
    new TextEncoder().encodeInto(protocolName, this.#h);
    this.#ck = this.#h.slice();
  }

  get handshakeHash(): Uint8Array {
    return this.#h.slice();
  }

  /** Bytes that encryptAndHash adds: a tag, once there is a key. */
  get overheadBytes(): number {
    return this.#cipher === undefined ? 0 : TAG_BYTES;
  }

  mixHash(data: Uint8Array): void {
    this.#h = hash(this.#h, data);
  }

  /** Takes the shared secret over and wipes it. */
  mixKey(secret: Uint8Array): void {
    const output = hkdf(this.#ck, secret);
    secret.fill(0);
    this.#ck.set(output.subarray(0, HASH_BYTES));
    this.#cipher?.wipe();
    this.#cipher = new CipherState(output.subarray(HASH_BYTES));
    output.fill(0);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipher === undefined ? plaintext : this.#cipher.seal(plaintext, this.#h);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** A fresh copy. Throws authentication_failed. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const plaintext =
      this.#cipher === undefined ? new Uint8Array(ciphertext) : this.#cipher.open(ciphertext, this.#h);
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** For what the initiator sends, and for what the responder sends. */
  split(): [CipherState, CipherState] {
    const output = hkdf(this.#ck, EMPTY);
    const states: [CipherState, CipherState] = [
      new CipherState(output.subarray(0, KEY_BYTES)),
      new CipherState(output.subarray(KEY_BYTES)),
    ];
    output.fill(0);
    return states;
  }

  /** Forgets the secrets; only the hash remains. */
  wipe(): void {
    this.#ck.fill(0);
    this.#cipher?.wipe();
    this.#cipher = undefined;
  }
}
