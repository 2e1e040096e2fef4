// Opens sealed payment orders. Both seal and refusal say nothing of what is inside: management passes them on, and never
// reads a payment.
import { Refusal } from '../common/refusal.ts';
import { PurchaseBinding, paymentSealInfo } from '../documents/purchase.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { PayRequest } from './messages.ts';
import { openSeals } from './open-seals.ts';

/** The order inside each, 256 bytes, in order; a bad seal leaves the others as they are. */
export async function openPayments(
  requests: readonly PayRequest[],
  parts: Pick<CashParts, 'identity' | 'openBatch'>,
): Promise<(Uint8Array | CashRefused)[]> {
  const seals = requests.map(({ request, shop, payment }) => ({
    ...payment,
    aad: PurchaseBinding.encode({ request, shop }),
  }));
  const opened = await openSeals(seals, paymentSealInfo, parts);
  return opened.map((one) => {
    if (typeof one !== 'string') return one;
    return one === 'key_unknown' ? keyUnknown() : sealInvalid();
  });
}

function keyUnknown(): CashRefused {
  return new Refusal<CashRefusal>(
    'payment_seal_invalid',
    'payment.keyId: expected that of a sealing key of cash, in use or retired not long ago, got another',
  );
}

function sealInvalid(): CashRefused {
  return new Refusal<CashRefusal>(
    'payment_seal_invalid',
    'payment: expected a seal that was made for this purchase at this shop, got another or a changed one',
  );
}
