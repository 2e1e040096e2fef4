// Who may do what at cash: management moves devices' balances by messages, operators work on the ledger and look requests up.
// A local peer is a connection without an identity, which only a server without one accepts (tests, benchmarks), or a call
// in the same process: it may do both.

/** As the channel has proven it. */
export interface CashPeer {
  readonly kind: string;
  /** Of kind `role`. */
  readonly role?: string;
}

export function isManagement(peer: CashPeer): boolean {
  return peer.kind === 'local' || (peer.kind === 'role' && peer.role === 'management');
}

export function isOperator(peer: CashPeer): boolean {
  return peer.kind === 'local' || (peer.kind === 'role' && peer.role === 'operator');
}
