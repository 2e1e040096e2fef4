// Who may ask management for what, as the channel has proven who it is. A local peer is a connection without an identity,
// which only a server without one accepts (tests, benchmarks), or a call in the same process.

export interface DevicePeer {
  readonly kind: 'device';
  readonly device: bigint;
  readonly signingKey: Uint8Array;
  readonly channelKey: Uint8Array;
}

export interface ShopPeer {
  readonly kind: 'shop';
  readonly shop: bigint;
  readonly signingKey: Uint8Array;
  readonly channelKey: Uint8Array;
}

export type ManagementPeer =
  | DevicePeer
  | ShopPeer
  | { readonly kind: 'unenrolled'; readonly channelKey: Uint8Array }
  | { readonly kind: 'role' | 'operator' | 'unnamed' | 'local' };

export const isAnyone = (): boolean => true;

/** `device`: one that asks again for what became of its enrolment. */
export const mayEnrol = ({ kind }: ManagementPeer): boolean =>
  kind === 'unenrolled' || kind === 'device' || kind === 'local';

/** `shop`: one that asks again. */
export const mayEnrolShop = ({ kind }: ManagementPeer): boolean =>
  kind === 'unenrolled' || kind === 'shop' || kind === 'local';

export const isShop = (peer: ManagementPeer): peer is ShopPeer => peer.kind === 'shop';

export const isDevice = (peer: ManagementPeer): peer is DevicePeer => peer.kind === 'device';

/** `unenrolled`: one whose certificate has run out, or counts no longer; its channel's key says which. */
export const mayRenew = ({ kind }: ManagementPeer): boolean =>
  kind === 'device' || kind === 'shop' || kind === 'unenrolled';

export const isOperator = (peer: ManagementPeer): boolean =>
  peer.kind === 'operator' || peer.kind === 'local';
