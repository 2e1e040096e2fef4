// What a wallet notices by itself: two orders of one purse that cannot both be honest, in what it has seen of that purse and in
// what comes with one payment. fraud-proof.ts says which they are.
import { contradiction, type FraudProof } from '../../roles/documents/fraud-proof.ts';
import type { ProvenOrder } from './funding.ts';

/**
 * @param orders of one payment, their signatures checked
 * @param seen orders of a purse that were checked earlier
 * @returns the first proof; undefined: none
 */
export function findContradiction(
  orders: readonly ProvenOrder[],
  seen: (purse: bigint) => readonly Uint8Array[],
): FraudProof | undefined {
  for (const [place, { order: second, handover, signingKey }] of orders.entries()) {
    const others = [...seen(handover.payer), ...orders.slice(0, place).map(({ order }) => order)];
    const first = others.find((other) => contradiction(other, second) !== undefined);
    if (first !== undefined) return { signingKey, evidence: { kind: 'orders', first, second } };
  }
  return undefined;
}
