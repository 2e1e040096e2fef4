// Proof that a purse has spent what it had not: signed by itself, so that anyone can check it, and nobody can make one
// against an honest purse, which numbers its payments 1, 2, 3 … and adds them up.
//
//     sequence   1        2         3                two orders with one number                     same_sequence
//     total      a1     a1+a2    a1+a2+a3            a later one whose total leaves out an earlier  totals_contradict
//                                                    one beyond what its closing says was all       after_closing
import { equalBytes } from '../../identity/binary-text.ts';
import { bytes, type Infer, struct, union } from '../../shared/codec.ts';
import { orderKeyId, orderSignature, orderSignedBytes } from './payment-order.ts';
import { PAYMENT_ORDER_BYTES } from './purchase.ts';
import { PURSE_PAYMENTS_MAX, PurseClosing } from './purse.ts';
import { KEY_ID_BYTES, publicKey } from './signed.ts';
import { type Handover, readHandover } from './transfer.ts';

const order = bytes(PAYMENT_ORDER_BYTES);

export const FraudProof = struct({
  /** Ed25519, of the purse: the one of its certificate and its allowance. */
  signingKey: publicKey,
  evidence: union({
    orders: struct({ first: order, second: order }),
    closing: struct({ order, closing: PurseClosing.signed }),
  }),
});
export type FraudProof = Infer<typeof FraudProof>;

export type FraudKind = 'same_sequence' | 'totals_contradict' | 'after_closing';

/** @returns why two orders of one purse, both signed by it, cannot both be honest; undefined: they can */
export function contradiction(first: Uint8Array, second: Uint8Array): FraudKind | undefined {
  const one = readHandover(first);
  const other = readHandover(second);
  if (one === undefined || other === undefined || one.payer !== other.payer) return undefined;
  if (one.sequence === other.sequence) {
    return equalBytes(orderSignedBytes(first), orderSignedBytes(second)) ? undefined : 'same_sequence';
  }
  const [earlier, later] = one.sequence < other.sequence ? [one, other] : [other, one];
  return later.total < earlier.total + later.amount ? 'totals_contradict' : undefined;
}

/** @returns why an order cannot have come before that closing; undefined: it can */
export function afterClosing(orderBytes: Uint8Array, closing: PurseClosing): FraudKind | undefined {
  const one = readHandover(orderBytes);
  if (one === undefined || one.payer !== closing.purse) return undefined;
  const isBeyond = one.sequence > closing.lastSequence || one.total > closing.total;
  return isBeyond ? 'after_closing' : undefined;
}

/** An order that contradicts itself would be no proof: no honest purse makes one, and no wallet and no server takes one. */
export function isSound({ amount, sequence, total }: Handover): boolean {
  return (
    amount > 0n &&
    sequence >= 1n &&
    sequence <= BigInt(PURSE_PAYMENTS_MAX) &&
    // Each payment before it was at least 1.
    (sequence === 1n ? total === amount : total >= amount + sequence - 1n)
  );
}

export interface ProofChecks {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  sha256(message: Uint8Array): Uint8Array;
}

/** What a proof proves, all signatures checked; undefined: nothing. */
export function checkFraudProof(
  { signingKey, evidence }: FraudProof,
  { verify, sha256 }: ProofChecks,
): { readonly purse: bigint; readonly kind: FraudKind } | undefined {
  const keyId = orderKeyId(sha256(signingKey).subarray(0, KEY_ID_BYTES));
  const isOfPurse = (bytes: Uint8Array): boolean => {
    const read = readHandover(bytes);
    return (
      read !== undefined &&
      read.keyId === keyId &&
      isSound(read) &&
      verify(signingKey, orderSignedBytes(bytes), orderSignature(bytes))
    );
  };
  switch (evidence.kind) {
    case 'orders': {
      const { first, second } = evidence;
      const kind = contradiction(first, second);
      if (kind === undefined || !isOfPurse(first) || !isOfPurse(second)) return undefined;
      return { purse: readHandover(first)!.payer, kind };
    }
    case 'closing': {
      const { order: beyond, closing } = evidence;
      const kind = afterClosing(beyond, closing.document);
      if (kind === undefined || !isOfPurse(beyond)) return undefined;
      if (!verify(signingKey, PurseClosing.signedBytes(closing.document), closing.signature))
        return undefined;
      return { purse: closing.document.purse, kind };
    }
  }
}
