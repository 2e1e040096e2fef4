// Opens sealed payment orders, many at a time: one HPKE batch for each sealing key of cash, the one in use and those of the
// overlap. Both seal and refusal say nothing of what is inside: management passes them on, and never reads a payment.
import { Refusal } from '../common/refusal.ts';
import { PurchaseBinding, paymentSealInfo } from '../documents/purchase.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumber } from './key-ids.ts';
import type { PayRequest } from './messages.ts';

/** The order inside each, 256 bytes, in order; a bad seal leaves the others as they are. */
export async function openPayments(
  requests: readonly PayRequest[],
  { identity, openBatch }: Pick<CashParts, 'identity' | 'openBatch'>,
): Promise<(Uint8Array | CashRefused)[]> {
  const results: (Uint8Array | CashRefused)[] = new Array(requests.length);
  const groups = new Map<bigint, number[]>();
  requests.forEach(({ payment }, place) => {
    const id = keyIdNumber(payment.keyId);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [place]);
    else group.push(place);
  });
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const { keyId } = requests[group[0]!]!.payment;
      const key = identity.sealingKey(keyId);
      if (key === undefined) {
        for (const place of group) results[place] = keyUnknown();
        return;
      }
      const opened = await openBatch({
        recipientPrivateKey: key.secretKey,
        recipientPublicKey: key.publicKey,
        info: paymentSealInfo(keyId),
        items: group.map((place) => itemOf(requests[place]!)),
      });
      group.forEach((place, i) => {
        const plaintext = opened[i]!;
        results[place] = plaintext instanceof Error ? sealInvalid() : plaintext;
      });
    }),
  );
  return results;
}

function itemOf({ request, shop, payment }: PayRequest) {
  const { encapsulatedKey: enc, ciphertext } = payment;
  return { enc, ciphertext, aad: PurchaseBinding.encode({ request, shop }) };
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
