// Who may do what at cash: management moves devices' balances by messages, issuer and receiver what notes are worth, operators
// work on the ledger and look requests up.
// A local peer is a connection without an identity, which only a server without one accepts (tests, benchmarks), or a call
// in the same process: it may do all of it.
import type { Peer } from '../../wire/peer.ts';

export const isManagement = (peer: Peer): boolean => isRole(peer, 'management');
export const isIssuer = (peer: Peer): boolean => isRole(peer, 'issuer');
export const isReceiver = (peer: Peer): boolean => isRole(peer, 'receiver');

function isRole(peer: Peer, role: string): boolean {
  return peer.kind === 'local' || (peer.kind === 'role' && peer.role === role);
}

export function isOperator({ kind }: Peer): boolean {
  return kind === 'local' || kind === 'operator';
}
