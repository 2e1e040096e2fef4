// The Noise Protocol Framework, revision 34: Noise_{IK,KK,XX,NK}_25519_ChaChaPoly_SHA256.
//
//     const handshake = noise.initiate({ pattern: 'NK', prologue, remoteStaticKey });
//     send(handshake.writeMessage());
//     handshake.readMessage(await receive());
//     const transport = handshake.transport();
//     send(transport.seal(message));
import { randomFillSync } from 'node:crypto';
import { expectObject } from '../errors.ts';
import { NoiseHandshake } from './handshake.ts';
import type { NoisePattern, Role } from './patterns.ts';

export type { NoiseHandshake } from './handshake.ts';
export type { NoisePattern } from './patterns.ts';
export type { NoiseTransport } from './transport.ts';

export interface NoiseOptions {
  /** Both sides name the same one; nothing is negotiated. */
  readonly pattern: NoisePattern;
  /** What both sides hold to be true of this connection: protocol, version, names. Where it differs, the handshake fails. */
  readonly prologue?: Uint8Array | undefined;
  /** This side's X25519 private key, copied. Needed by all but the initiator of NK. */
  readonly staticKey?: Uint8Array | undefined;
  /** The peer's public key, needed where it is known beforehand: by the initiators of IK and NK, and both sides of KK. */
  readonly remoteStaticKey?: Uint8Array | undefined;
  /**
   * Makes the ephemeral private key, in a buffer that is taken over and wiped: never the same bytes twice. The system's
   * generator when left out.
   */
  readonly randomBytes?: ((length: number) => Uint8Array) | undefined;
}

const systemRandomBytes = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));

function begin(role: Role, options: NoiseOptions): NoiseHandshake {
  expectObject('options', options);
  const { pattern, prologue = new Uint8Array(0), randomBytes = systemRandomBytes } = options;
  return new NoiseHandshake(pattern, role, prologue, options, randomBytes);
}

export const noise = {
  /** The side that sends the first message. Throws invalid_argument where a key is missing or is not of this pattern. */
  initiate: (options: NoiseOptions): NoiseHandshake => begin('initiator', options),
  /** The side that answers. Throws invalid_argument where a key is missing or is not of this pattern. */
  respond: (options: NoiseOptions): NoiseHandshake => begin('responder', options),
};
