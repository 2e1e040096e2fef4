// What management is made of: its store, the registry and flows, its connections to settlement and cash.
import { createCryptoPool } from '../../crypto/index.ts';
import { MANAGEMENT_LIMITS } from '../../roles/management/limits.ts';
import { cashClient, payoutPartners, settlementClient } from '../../roles/management/partners.ts';
import { openManagement } from '../../roles/management/role.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import { random, storeFailed, whole } from './opened.ts';
import { Partners } from './partners.ts';
import type { PartsOptions, RoleParts } from './parts.ts';

const NANOSECONDS_A_DAY = 86_400_000_000_000n;

export function managementParts(options: PartsOptions): Promise<RoleParts> {
  const { home, log, registry, trace, payoutsPollMs } = options;
  return whole(async (opened) => {
    const store = opened.add(await openRoleStore({ path: home.storePath, failed: storeFailed(options) }));
    const partners = new Partners(home, opened);
    const pool = opened.add(createCryptoPool());
    const [toSettlement, toCash] = [partners.to('settlement'), partners.to('cash')];
    const { currency, limits, payouts } = home.configuration;
    const { closeEverySeconds: everySeconds, closeOffsetSeconds: offsetSeconds } = payouts;
    const management = opened.add(
      await openManagement({
        store,
        pool,
        identity: home.source,
        settlement: settlementClient(toSettlement),
        cash: cashClient(toCash),
        payouts: payoutPartners(toCash, toSettlement),
        ...(payoutsPollMs !== undefined && { payoutsPollMs }),
        ...(everySeconds > 0 && {
          payoutSchedule: { currency: currency.ledger, everySeconds, offsetSeconds },
        }),
        limits: {
          ...MANAGEMENT_LIMITS,
          loads: [
            { currency: currency.ledger, amountMin: limits.loadAmountMin, amountMax: limits.loadAmountMax },
          ],
          devicesMax: limits.devicesMax,
          shopsMax: limits.shopsMax,
          deviceRequestsPerMinute: limits.deviceRequestsPerMinute,
          deviceDeclinesPerDay: limits.deviceDeclinesPerDay,
          certificateValidityNs: BigInt(limits.certificateDays) * NANOSECONDS_A_DAY,
          certificateRenewalNs: renewalNs(limits.certificateDays),
        },
        log,
        random,
        registry,
        ...(trace && { trace }),
      }),
    );
    return {
      engine: management.engine,
      revoked: management.revoked,
      found: {},
      changed: (directory) => partners.changed(directory),
    };
  });
}

/** The last sixth of a certificate's time, two months of a year. */
function renewalNs(certificateDays: number): bigint {
  return (BigInt(certificateDays) * NANOSECONDS_A_DAY) / 6n;
}
