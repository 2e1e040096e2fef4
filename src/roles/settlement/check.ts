// What a charge must be before anything is stored or asked: one function a rule, in the order of their precedence. The
// refusals are definite and leave no trace; a charge that is known already is answered without being checked again.
import { type CryptoPool, ed25519 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import type { AccountContent } from '../documents/account-seal.ts';
import { LoadOrder } from '../documents/load-order.ts';
import type { SettlementRefusal } from './errors.ts';
import { CHARGEABLE_ACCOUNT, type SettlementLimits } from './limits.ts';
import type { ChargeRequest } from './messages.ts';
import { isReserved } from './reversal-id.ts';
import type { OpenSeals } from './seals.ts';

type Refused = Refusal<SettlementRefusal> | undefined;

export function checkRequestId(request: bigint): Refused {
  if (!isReserved(request)) return undefined;
  return new Refusal('request_id_reserved', `request: expected an id below 255 × 2^120, got ${request}`);
}

export function checkCurrency({ order }: ChargeRequest, { amountMax }: SettlementLimits): Refused {
  const { currency } = order.document;
  if (amountMax.has(currency)) return undefined;
  return new Refusal(
    'currency_not_offered',
    `currency: expected one of ${[...amountMax.keys()].join(', ')}, got ${currency}`,
  );
}

export function checkAmountMin({ order }: ChargeRequest): Refused {
  const { amount } = order.document;
  if (amount > 0n) return undefined;
  return new Refusal('amount_too_small', `amount: expected at least 1, got ${amount}`);
}

export function checkAmountMax({ order }: ChargeRequest, { amountMax }: SettlementLimits): Refused {
  const { amount, currency } = order.document;
  const max = amountMax.get(currency) ?? 0n;
  if (amount <= max) return undefined;
  return new Refusal('amount_too_large', `amount: expected at most ${max}, got ${amount}`);
}

/** A seal serves the orders that name it: one for a load that load only, one on file any of its device; a shop's serves none. */
export function checkBinding({ order, binding }: ChargeRequest): Refused {
  if (binding.purpose === 'payout') {
    return new Refusal('binding_mismatch', 'binding: expected a seal for loads, got one for payouts');
  }
  const { request, account } = order.document;
  if (binding.request !== account) {
    return new Refusal(
      'binding_mismatch',
      `binding: expected the account of request ${account}, as the order says, got that of ${binding.request}`,
    );
  }
  if (binding.purpose !== 'load' || binding.request === request) return undefined;
  return new Refusal(
    'binding_mismatch',
    `binding: expected the order's request ${request}, got ${binding.request}`,
  );
}

/** The account is charged for orders of the key that is sealed with its number, and for no others. */
export function checkKey({ order }: ChargeRequest, { signingKey }: AccountContent): Refused {
  if (Buffer.compare(signingKey, order.document.signingKey) === 0) return undefined;
  return new Refusal(
    'key_mismatch',
    'order: expected the signing key that is sealed with the account, got another',
  );
}

export function checkAccount({ accountNumber }: AccountContent): Refused {
  if (CHARGEABLE_ACCOUNT.test(accountNumber)) return undefined;
  return new Refusal('account_not_chargeable', 'account: expected 12 to 19 digits, got something else');
}

export interface ChargeChecks {
  readonly limits: SettlementLimits;
  readonly openSeals: OpenSeals;
  /** Left out: signatures are verified here and now. */
  readonly pool?: Pick<CryptoPool, 'verifyBatch'> | undefined;
}

/** Why each is refused, in order; undefined: it is good. Signatures are verified, and seals opened, as one batch each. */
export async function checkCharges(
  requests: readonly ChargeRequest[],
  { limits, openSeals, pool }: ChargeChecks,
): Promise<Refused[]> {
  const results = requests.map(
    (request): Refused =>
      checkRequestId(request.order.document.request) ??
      checkCurrency(request, limits) ??
      checkAmountMin(request) ??
      checkAmountMax(request, limits) ??
      checkBinding(request),
  );

  const wellFormed = placesOf(results);
  // A device loads now and then: its key is not worth preparing.
  const isSigned = await (pool ?? ed25519).verifyBatch(
    wellFormed.map((place) => {
      const { document, signature } = requests[place]!.order;
      return { publicKey: document.signingKey, message: LoadOrder.signedBytes(document), signature };
    }),
  );
  wellFormed.forEach((place, i) => {
    if (!isSigned[i]) {
      results[place] = new Refusal(
        'signature_invalid',
        'order: expected a signature by its signing key, got something else',
      );
    }
  });

  const signed = placesOf(results);
  const opened = await openSeals(signed.map((place) => requests[place]!));
  signed.forEach((place, i) => {
    const content = opened[i]!;
    results[place] =
      content instanceof Refusal ? content : (checkKey(requests[place]!, content) ?? checkAccount(content));
  });
  return results;
}

/** Where nothing has been refused so far. */
function placesOf(results: readonly Refused[]): number[] {
  return [...results.keys()].filter((place) => results[place] === undefined);
}
