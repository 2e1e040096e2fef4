// What the channel has to know of keys and certificates. Where they are kept and who may come in is not its matter.
import type { ChannelRefusal } from './channel-refusal.ts';
import type { Peer } from './peer.ts';

/**
 * Who proves what to whom in a handshake (Noise, revision 34):
 * - `IK`: the initiator knows the server's key and sends its own, with a certificate as payload.
 * - `KK`: two roles that have each other's keys in the directory.
 * - `NK`: the initiator knows the server's key and stays unnamed.
 */
export type ChannelPattern = 'IK' | 'KK' | 'NK';

export interface ChannelKey {
  /** X25519, 32 bytes. */
  readonly secretKey: Uint8Array;
}

export interface Initiator {
  readonly pattern: ChannelPattern;
  /** The key whose possession it claims; undefined in NK. */
  readonly staticKey: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

export interface Admission {
  readonly peer: Peer;
  /** Nanoseconds since the Unix epoch: the connection ends then. */
  readonly until?: bigint;
}

export interface ServerIdentity {
  /** The key in force first, then retired ones that initiators with an older directory may still use. */
  channelKeys(): readonly ChannelKey[];
  /** KK: the channel public key of a role of the directory. */
  peerKey(keyId: Uint8Array): Uint8Array | undefined;
  /**
   * Decides by what the first message says. That message may be a recording: whoever sent it has proven himself only
   * when his first frame opens, so this must change nothing.
   */
  authorise(initiator: Initiator): Admission | ChannelRefusal;
}

export interface ClientIdentity {
  readonly pattern: ChannelPattern;
  /** X25519 secret key; needed by IK and KK. */
  readonly staticKey?: Uint8Array | undefined;
  /** The server's channel public key, from the directory. */
  readonly remoteStaticKey: Uint8Array;
  /** At most 3,900 bytes: a certificate. */
  readonly payload?: Uint8Array | undefined;
}
