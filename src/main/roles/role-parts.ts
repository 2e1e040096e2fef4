// What each role is made of, beside its server: stores, connections, and the role itself.
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { createCryptoPool } from '../../crypto/index.ts';
import type { Directory } from '../../identity/directory.ts';
import type { RoleHome } from '../../identity/load-home.ts';
import type { RevokedPredicate } from '../../identity/server-identity.ts';
import { isStillKey } from '../../identity/standing.ts';
import { systemClock } from '../../identity/time.ts';
import { CardInstitution } from '../../institution/card-institution.ts';
import { PaymentsLink } from '../../institution/payments-link.ts';
import { Ledger } from '../../ledger/index.ts';
import { cashIdentity } from '../../roles/cash/identity.ts';
import type { PayTrace } from '../../roles/cash/interface.ts';
import { openCash } from '../../roles/cash/role.ts';
import { type Partner, partner } from '../../roles/common/partner.ts';
import type { Trace } from '../../roles/flow/flow.ts';
import { MANAGEMENT_LIMITS } from '../../roles/management/limits.ts';
import { cashClient, payoutPartners, settlementClient } from '../../roles/management/partners.ts';
import { openManagement } from '../../roles/management/role.ts';
import { identityKeys } from '../../roles/settlement/keys.ts';
import { openSettlement } from '../../roles/settlement/role.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { Engine } from '../../wire/engine.ts';

/** What pino's loggers have. */
export interface RoleLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface PartsOptions {
  readonly home: RoleHome;
  readonly log: RoleLog;
  readonly registry: Registry;
  readonly trace?: Trace | undefined;
  /** Of cash. */
  readonly payTrace?: PayTrace | undefined;
  /** Ends the process: the engine takes nothing more until a restart. */
  readonly failed: (reason: string) => void;
  readonly ledger?: { readonly readers?: number; readonly mapSizeBytes?: number } | undefined;
  /** Between two questions of management and settlement for outcomes of payouts; left out: as they have it. */
  readonly payoutsPollMs?: number | undefined;
}

export interface RoleParts {
  readonly engine: Engine;
  readonly revoked: RevokedPredicate;
  /** What the start found, for the log. */
  readonly found: object;
  /** Another directory counts from now on. */
  changed?(directory: Directory): void;
  /** In good order: what was taken in is written, what is under way goes on at the next start. */
  close(): Promise<void>;
}

const NANOSECONDS_A_DAY = 86_400_000_000_000n;
const NOBODY: RevokedPredicate = () => false;

/** Closes in the order of the list, all of them, whatever happens. */
async function closeAll(parts: readonly { close(): void | Promise<void> }[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of parts) {
    try {
      await part.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Opens parts one after the other; when one fails, those before are closed again. */
class Opened {
  readonly #parts: { close(): void | Promise<void> }[] = [];

  add<Part extends { close(): void | Promise<void> }>(part: Part): Part {
    this.#parts.unshift(part);
    return part;
  }

  close = (): Promise<void> => closeAll(this.#parts);
}

async function whole(open: (opened: Opened) => Promise<Omit<RoleParts, 'close'>>): Promise<RoleParts> {
  const opened = new Opened();
  try {
    return { ...(await open(opened)), close: opened.close };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}

function random(): number {
  const bytes = new Uint32Array(1);
  randomFillSync(bytes);
  return bytes[0]! / 2 ** 32;
}

/** Nothing more can be written before a restart: end, so that a supervisor starts the role anew. */
function storeFailed({ log, failed }: PartsOptions): (error: Error) => void {
  return (error) => {
    log.error({ err: error }, 'store failed');
    failed('store failed');
  };
}

/** Management: registry and flows; connections to settlement and cash. */
export function managementParts(options: PartsOptions): Promise<RoleParts> {
  const { home, log, registry, trace, payoutsPollMs } = options;
  return whole(async (opened) => {
    const store = opened.add(await openRoleStore({ path: home.storePath, failed: storeFailed(options) }));
    const partners = new Map<'settlement' | 'cash', Partner>();
    const to = (role: 'settlement' | 'cash'): Partner => {
      const connection = opened.add(
        partner(() => ({
          url: home.directory().address(role),
          identity: () => home.clientIdentity(role),
        })),
      );
      partners.set(role, connection);
      return connection;
    };
    const pool = opened.add(createCryptoPool());
    const [toSettlement, toCash] = [to('settlement'), to('cash')];
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
      changed(directory) {
        for (const [role, connection] of partners) {
          connection.recheck((key) => isStillKey(directory, role, key, systemClock()));
        }
      },
    };
  });
}

/** The last sixth of a certificate's time, two months of a year. */
function renewalNs(certificateDays: number): bigint {
  return (BigInt(certificateDays) * NANOSECONDS_A_DAY) / 6n;
}

/** Settlement: charges, reversals, payouts; the lines to the institution. */
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

/** Cash: the ledger, the role beside it, and the threads that open seals and verify signatures. */
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
