// Who may do what at settlement: management has accounts charged and charges reversed, operators look requests up. A local
// peer is a connection without an identity, which only a server without one accepts (tests, benchmarks), or a call in the
// same process: it may do both.
import type { Peer } from '../../wire/peer.ts';

export function isManagement(peer: Peer): boolean {
  return peer.kind === 'local' || (peer.kind === 'role' && peer.role === 'management');
}

export function isOperator(peer: Peer): boolean {
  return peer.kind === 'local' || peer.kind === 'operator';
}
