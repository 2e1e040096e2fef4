// The client's side of a handshake.
import { CryptoError } from '../../crypto/errors.ts';
import { type NoiseHandshake, noise } from '../../crypto/noise/noise.ts';
import { x25519 } from '../../crypto/x25519.ts';
import type { ClientIdentity } from '../../wire/channel-identity.ts';
import type { ChannelRefusal } from '../../wire/channel-refusal.ts';
import { HANDSHAKE_BYTES_MAX } from '../../wire/limits.ts';
import { parseAnswer } from './answer.ts';
import { encodePreamble, keyIdOf, prologueOf } from './preamble.ts';
import { SecureChannel } from './records.ts';

export class Initiator {
  readonly #handshake: NoiseHandshake;
  /** What goes out first. */
  readonly message: Uint8Array;

  /** @throws CryptoError where a key is missing, RangeError where the payload is too long */
  constructor({ pattern, staticKey, remoteStaticKey, payload }: ClientIdentity) {
    const preamble = encodePreamble({
      pattern,
      recipient: keyIdOf(remoteStaticKey),
      initiator:
        pattern === 'KK' && staticKey !== undefined ? keyIdOf(x25519.publicKey(staticKey)) : undefined,
    });
    this.#handshake = noise.initiate({
      pattern,
      prologue: prologueOf(preamble),
      staticKey: pattern === 'NK' ? undefined : staticKey,
      remoteStaticKey,
    });
    const first = this.#handshake.writeMessage(payload);
    const bytes = preamble.length + first.length;
    if (bytes > HANDSHAKE_BYTES_MAX) {
      this.#handshake.close();
      throw new RangeError(
        `payload: expected one that makes a message of at most ${HANDSHAKE_BYTES_MAX} bytes, got ${bytes}`,
      );
    }
    this.message = new Uint8Array(bytes);
    this.message.set(preamble);
    this.message.set(first, preamble.length);
  }

  /** Reads what came back. A string: what came instead of an answer to this handshake. */
  finish(answer: Uint8Array): SecureChannel | ChannelRefusal | string {
    let refusal: ChannelRefusal | undefined;
    try {
      refusal = parseAnswer(this.#handshake.readMessage(answer));
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
      return 'expected the answer of the server whose key is known, got something else';
    }
    if (refusal === undefined) return new SecureChannel(this.#handshake.transport());
    this.#handshake.close();
    return refusal;
  }

  /** Gives up and wipes the keys; what finish() has made lives on. */
  close(): void {
    this.#handshake.close();
  }
}
