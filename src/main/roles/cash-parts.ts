// What cash is made of: the ledger, the role beside it, and the threads that open seals and verify signatures.
import { join } from 'node:path';
import { createCryptoPool } from '../../crypto/index.ts';
import { systemClock } from '../../identity/time.ts';
import { Ledger } from '../../ledger/index.ts';
import { cashIdentity } from '../../roles/cash/identity.ts';
import { openCash } from '../../roles/cash/role.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import { storeFailed, whole } from './opened.ts';
import type { PartsOptions, RoleParts } from './parts.ts';

export function cashParts(options: PartsOptions): Promise<RoleParts> {
  const { home, log, registry, failed, trace } = options;
  return whole(async (opened) => {
    const ledger = opened.add(
      await Ledger.open({
        path: home.storePath,
        registry,
        ...options.ledger,
        log: (event, detail) => {
          log[/fail|stall|discard/.test(event) ? 'warn' : 'info'](detail, event);
          if (event === 'journal failed') failed(event);
        },
      }),
    );
    const store = opened.add(
      await openRoleStore({ path: join(home.storePath, 'role'), failed: storeFailed(options) }),
    );
    const pool = opened.add(createCryptoPool());
    const { currency, limits, payouts, offline } = home.configuration;
    const cash = opened.add(
      await openCash({
        ledger,
        store,
        pool,
        identity: cashIdentity(home.source, systemClock),
        currencies: [{ currency: currency.ledger, balanceMax: limits.balanceMax, payouts, offline }],
        limits: { devicesMax: limits.devicesMax, shopsMax: limits.shopsMax },
        log,
        ...(trace && { trace }),
        payTrace: options.payTrace,
      }),
    );
    return { engine: cash.engine, revoked: cash.revoked, found: ledger.recovery };
  });
}
