// What the channel asks of identities and is told by them; the same shapes as the channel's own.

export type ChannelPattern = 'IK' | 'KK' | 'NK';

export type Peer =
  | { readonly kind: 'role'; readonly role: string; readonly keyId: Uint8Array }
  | {
      readonly kind: 'device';
      readonly device: bigint;
      readonly signingKey: Uint8Array;
      readonly channelKey: Uint8Array;
      readonly serial: bigint;
      readonly notAfter: bigint;
    }
  | { readonly kind: 'unenrolled'; readonly channelKey: Uint8Array }
  | { readonly kind: 'operator'; readonly name: string; readonly channelKey: Uint8Array }
  | { readonly kind: 'unnamed' }
  | { readonly kind: 'local' };

export interface ChannelRefusal {
  readonly refused:
    | 'unknown_key'
    | 'malformed_payload'
    | 'untrusted_certificate'
    | 'not_yet_valid'
    | 'expired_certificate'
    | 'revoked_certificate'
    | 'wrong_role'
    | 'pattern_not_allowed';
  readonly message: string;
}

export interface Initiator {
  readonly pattern: ChannelPattern;
  readonly staticKey: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

export interface Admission {
  readonly peer: Peer;
  /** Nanoseconds since the Unix epoch: the connection ends then. */
  readonly until?: bigint;
}

export interface ServerIdentity {
  channelKeys(): readonly { readonly secretKey: Uint8Array }[];
  peerKey(keyId: Uint8Array): Uint8Array | undefined;
  authorise(initiator: Initiator): Admission | ChannelRefusal;
}

export interface ClientIdentity {
  readonly pattern: ChannelPattern;
  readonly staticKey?: Uint8Array | undefined;
  readonly remoteStaticKey: Uint8Array;
  readonly payload?: Uint8Array | undefined;
}
