// Cash's word that it has rejected a credit: whether it is cash's, and of the charge that is to be reversed.
//
// A charge receipt that has left settlement may be credited at any time. It is given back only against a rejection, which
// says that the request's id is used up at cash: else whoever holds the receipt could have both the account and the
// balance. The device it names means nothing here: no device is credited.
import { type CryptoPool, ed25519, sha256 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { LoadOrder, type SignedLoadOrder } from '../documents/load-order.ts';
import { CreditRejection } from '../documents/receipts.ts';
import type { SettlementRefusal } from './errors.ts';
import type { ReverseRequest } from './messages.ts';

type Refused = Refusal<SettlementRefusal> | undefined;

export interface RejectionChecks {
  /** Cash's signing key of that id, as long as its signatures count. */
  readonly cashKey: (keyId: Uint8Array) => Uint8Array | undefined;
  /** Left out: signatures are verified here and now. */
  readonly pool?: Pick<CryptoPool, 'verifyBatch'> | undefined;
}

/** Why each is refused, in order; undefined: it brings a rejection by cash, or none. Signatures are verified as one batch. */
export async function checkRejections(
  requests: readonly ReverseRequest[],
  { cashKey, pool }: RejectionChecks,
): Promise<Refused[]> {
  const results: Refused[] = new Array(requests.length).fill(undefined);
  const items: { readonly place: number; readonly publicKey: Uint8Array }[] = [];
  requests.forEach(({ request, rejection }, place) => {
    if (rejection === undefined) return;
    const { document } = rejection;
    const publicKey = cashKey(document.keyId);
    if (document.request !== request) results[place] = mismatch('request', request, document.request);
    else if (publicKey === undefined) results[place] = invalid('by a signing key of cash');
    else items.push({ place, publicKey });
  });
  if (items.length === 0) return results;
  const isSigned = await (pool ?? ed25519).verifyBatch(
    items.map(({ place, publicKey }) => {
      const { document, signature } = requests[place]!.rejection!;
      return { publicKey, message: CreditRejection.signedBytes(document), signature };
    }),
  );
  items.forEach(({ place }, i) => {
    if (!isSigned[i]) results[place] = invalid("with cash's signature over it");
  });
  return results;
}

/** A rejection that holds what the order of the charge does. */
export function checkRejected(rejection: CreditRejection, { document: order }: SignedLoadOrder): Refused {
  for (const field of ['request', 'amount', 'currency'] as const) {
    if (rejection[field] !== order[field]) return mismatch(field, order[field], rejection[field]);
  }
  const digest = sha256(LoadOrder.codec.encode(order));
  if (Buffer.compare(digest, rejection.orderDigest) === 0) return undefined;
  return new Refusal(
    'rejection_mismatch',
    'rejection.orderDigest: expected the SHA-256 of the order that was charged, got another',
  );
}

export function rejectionRequired(request: bigint): Refusal<SettlementRefusal> {
  return new Refusal(
    'rejection_required',
    `request ${request}: expected cash's rejection of the credit, as it is charged, got none`,
  );
}

function mismatch(field: string, expected: bigint | number, got: bigint | number): Refused {
  return new Refusal('rejection_mismatch', `rejection.${field}: expected ${expected}, got ${got}`);
}

function invalid(expected: string): Refused {
  return new Refusal('rejection_invalid', `rejection: expected one ${expected}, got another`);
}
