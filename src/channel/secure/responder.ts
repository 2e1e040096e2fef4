// The server's side of a handshake: one message in, one out.
import { CryptoError } from '../../crypto/errors.ts';
import { noise } from '../../crypto/noise/noise.ts';
import { x25519 } from '../../crypto/x25519.ts';
import type { Admission, ChannelKey, Initiator, ServerIdentity } from '../../wire/channel-identity.ts';
import type { ChannelRefusal } from '../../wire/channel-refusal.ts';
import { encodeRefusedAnswer, WELCOME } from './answer.ts';
import { keyIdOf, PREAMBLE_SIZE, type Preamble, prologueOf, sameBytes, type Unreadable } from './preamble.ts';
import { SecureChannel } from './records.ts';

export interface Responded {
  readonly answer: Uint8Array;
  /** Undefined: refused, and that is what the answer says. */
  readonly channel: SecureChannel | undefined;
  readonly decision: Admission | ChannelRefusal;
}

/** Computing a key id takes a multiplication on the curve. */
const keyIds = new WeakMap<Uint8Array, Uint8Array>();

function idOf({ secretKey }: ChannelKey): Uint8Array {
  let id = keyIds.get(secretKey);
  if (id === undefined) {
    id = keyIdOf(x25519.publicKey(secretKey));
    keyIds.set(secretKey, id);
  }
  return id;
}

/** @throws CryptoError where a key of the server is none, Error where it has none at all */
export function expectKeys(identity: ServerIdentity): void {
  const keys = identity.channelKeys();
  if (keys.length === 0) throw new Error('identity: expected at least one channel key, got none');
  for (const key of keys) idOf(key);
}

/**
 * Answers a first message whose preamble has been read.
 * @param decide says whether to let the initiator in
 */
export function respond(
  identity: ServerIdentity,
  preamble: Preamble,
  message: Uint8Array,
  decide: (initiator: Initiator) => Admission | ChannelRefusal,
): Responded | Unreadable {
  const own = identity.channelKeys().find((key) => sameBytes(idOf(key), preamble.recipient));
  if (own === undefined) {
    return {
      close: 'unknown_recipient',
      message: 'recipient: expected the id of a key of this server, got another: renew the directory',
    };
  }
  let remoteStaticKey: Uint8Array | undefined;
  if (preamble.initiator !== undefined) {
    remoteStaticKey = identity.peerKey(preamble.initiator);
    if (remoteStaticKey === undefined) {
      return {
        close: 'unknown_initiator',
        message: 'initiator: expected the id of a key in the directory, got another',
      };
    }
  }
  const { pattern } = preamble;
  try {
    const handshake = noise.respond({
      pattern,
      prologue: prologueOf(message),
      staticKey: own.secretKey,
      remoteStaticKey,
    });
    const payload = handshake.readMessage(message.subarray(PREAMBLE_SIZE));
    const decision = decide({ pattern, staticKey: handshake.remoteStaticKey, payload });
    if ('refused' in decision) {
      const answer = handshake.writeMessage(encodeRefusedAnswer(decision));
      handshake.transport().close();
      return { answer, channel: undefined, decision };
    }
    const answer = handshake.writeMessage(WELCOME);
    return { answer, channel: new SecureChannel(handshake.transport()), decision };
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    return {
      close: 'handshake_unreadable',
      message: 'first message: expected one for the key it names, got something else',
    };
  }
}
