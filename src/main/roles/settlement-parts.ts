// What settlement is made of: charges, reversals, payouts; the lines to the institution.
import { systemClock } from '../../identity/time.ts';
import { CardInstitution } from '../../institution/card-institution.ts';
import { PaymentsLink } from '../../institution/payments-link.ts';
import { identityKeys } from '../../roles/settlement/keys.ts';
import { openSettlement } from '../../roles/settlement/role.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import { NOBODY, random, storeFailed, whole } from './opened.ts';
import type { PartsOptions, RoleParts } from './parts.ts';

export function settlementParts(options: PartsOptions): Promise<RoleParts> {
  const { home, log, registry, trace, payoutsPollMs } = options;
  return whole(async (opened) => {
    const store = opened.add(await openRoleStore({ path: home.storePath, failed: storeFailed(options) }));
    const { currency, currencies, limits, institution } = home.configuration;
    const { host, port, payments } = institution;
    const cards = opened.add(new CardInstitution({ host, port, random }));
    const channel = opened.add(new PaymentsLink(payments));
    const settlement = opened.add(
      await openSettlement({
        store,
        institution: cards,
        payments: {
          channel,
          currencies,
          debtor: { name: payments.name, account: { scheme: 'iban', id: payments.account } },
          ...(payoutsPollMs !== undefined && { pollMs: payoutsPollMs }),
        },
        keys: identityKeys(home.source),
        limits: { amountMax: new Map([[currency.ledger, limits.loadAmountMax]]) },
        clock: systemClock,
        random,
        log,
        registry,
        ...(trace && { trace }),
      }),
    );
    return { engine: settlement.engine, revoked: NOBODY, found: {} };
  });
}
