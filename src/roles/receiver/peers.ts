// Who may do what at the receiver: shops have notes taken in for their own account, anyone who has come over a channel may
// use Cashu's interface, the issuer asks for what it does not hold itself, operators look things up. A local peer is a
// connection without an identity, which only a server without one accepts (tests, benchmarks), or a call in the same process:
// it is nobody's shop, and may do the rest.
import type { Peer } from '../../wire/peer.ts';

export type ShopPeer = Extract<Peer, { readonly kind: 'shop' }>;

export function isShop(peer: Peer): peer is ShopPeer {
  return peer.kind === 'shop';
}

export function mayCallMint(peer: Peer): boolean {
  return isShop(peer) || peer.kind === 'unnamed' || isIssuer(peer);
}

export function isIssuer(peer: Peer): boolean {
  return peer.kind === 'local' || (peer.kind === 'role' && peer.role === 'issuer');
}

export function isOperator(peer: Peer): boolean {
  return peer.kind === 'local' || peer.kind === 'operator';
}
