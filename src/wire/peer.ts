// Who is at the other end of a channel, as it has proven. What a peer may do is for whoever stands behind the server.

export type Peer =
  /** A role of the directory; `keyId` is that of its channel key. */
  | { readonly kind: 'role'; readonly role: string; readonly keyId: Uint8Array }
  /** A device with a certificate that management has signed. */
  | {
      readonly kind: 'device';
      readonly device: bigint;
      readonly signingKey: Uint8Array;
      readonly channelKey: Uint8Array;
      readonly serial: bigint;
      /** Nanoseconds since the Unix epoch. */
      readonly notAfter: bigint;
    }
  /** A shop with a certificate that management has signed. */
  | {
      readonly kind: 'shop';
      readonly shop: bigint;
      readonly signingKey: Uint8Array;
      readonly channelKey: Uint8Array;
      readonly serial: bigint;
      /** Nanoseconds since the Unix epoch. */
      readonly notAfter: bigint;
    }
  /** A device or a shop without a certificate: it holds this channel key, and that is all that is known. */
  | { readonly kind: 'unenrolled'; readonly channelKey: Uint8Array }
  /** An operator of the directory: commands, and those who submit batches to the ledger. */
  | { readonly kind: 'operator'; readonly name: string; readonly channelKey: Uint8Array }
  /** Someone who knows the server and has not said who he is. */
  | { readonly kind: 'unnamed' }
  /** A plain connection over the loopback interface, or a call in the same process. */
  | { readonly kind: 'local' };

export const LOCAL_PEER: Peer = { kind: 'local' };

/** For texts: never a key. */
export function peerName(peer: Peer): string {
  switch (peer.kind) {
    case 'role':
      return `role ${peer.role}`;
    case 'device':
      return `device ${peer.device}`;
    case 'shop':
      return `shop ${peer.shop}`;
    case 'operator':
      return `operator ${peer.name}`;
    default:
      return peer.kind;
  }
}
