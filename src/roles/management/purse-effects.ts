// What the opening of a purse asks of cash. As in effects.ts, what cannot be right is not believed.
import { equalBytes } from '../../identity/binary-text.ts';
import type { Distrust } from '../common/distrust.ts';
import { Allowance, type PurseOpening } from '../documents/purse.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import type { CheckCashSignatures } from './cash-signatures.ts';
import type { IssuePurseCertificate } from './certificates.ts';
import type { CashClient } from './interface.ts';
import type { PurseEffect, PurseOutcome } from './purse-flow.ts';

export interface PurseEffectsOptions {
  readonly cash: Pick<CashClient, 'openPurse'>;
  readonly issueCertificate: IssuePurseCertificate;
  readonly checkSignatures: CheckCashSignatures;
  readonly now: () => bigint;
  readonly distrust: Distrust;
}

export function purseEffects(options: PurseEffectsOptions): Perform<PurseEffect, PurseOutcome> {
  const { cash, issueCertificate, checkSignatures, now, distrust } = options;

  async function open(item: EffectItem<PurseEffect>): Promise<PurseOutcome | Again> {
    const { request } = item.effect;
    const { purse } = request;
    const { document: opening } = request.opening;
    const result = await cash.openPurse(request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') {
      const { code } = result.refusal;
      // The device was enrolled before the currency was offered. All else management has checked, or cash rejects.
      return code === 'currency_not_offered'
        ? { kind: 'rejected', reason: code }
        : distrust.distrust(item, code);
    }
    if (result.answer.kind === 'rejected') return result.answer;
    const { allowance } = result.answer;
    const { document, signature } = allowance;
    const message = Allowance.signedBytes(document);
    const problem =
      checkAllowance(document, purse, opening) ??
      (await checkSignatures([{ keyId: document.keyId, message, signature }]))[0];
    if (problem !== undefined) return distrust.distrust(item, problem);
    const { signingKey, channelKey, currency } = opening;
    const keys = { purse, signingKey, channelKey, currency, notAfter: document.expiresAt };
    return { kind: 'opened', allowance, certificate: issueCertificate(keys, now()) };
  }

  return (items) => items.map((item) => distrust.noting(item.id, open(item)));
}

type AllowanceProblem =
  | 'allowance_of_other_purse'
  | 'allowance_of_other_key'
  | 'allowance_of_other_currency'
  | 'allowance_of_other_amount'
  | 'allowance_without_time';

/** undefined: it is what the opening asks for. */
function checkAllowance(
  allowance: Allowance,
  purse: bigint,
  { signingKey, currency, amount }: PurseOpening,
): AllowanceProblem | undefined {
  if (allowance.purse !== purse) return 'allowance_of_other_purse';
  if (!equalBytes(allowance.signingKey, signingKey)) return 'allowance_of_other_key';
  if (allowance.currency !== currency) return 'allowance_of_other_currency';
  if (allowance.amount !== amount) return 'allowance_of_other_amount';
  return allowance.expiresAt < allowance.reportBy ? undefined : 'allowance_without_time';
}
