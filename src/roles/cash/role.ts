// Puts cash together: the ledger, the registry, the keys, and the engine that stands behind its server.
import { Registry as MetricsRegistry } from 'prom-client';
import type { RevokedPredicate } from '../../identity/server-identity.ts';
import { type Clock, systemClock } from '../../ledger/clock.ts';
import type { Ledger } from '../../ledger/index.ts';
import { Currencies } from '../../shared/currency.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { Engine } from '../../wire/engine.ts';
import type { Peer } from '../../wire/peer.ts';
import { type BatchPool, batchCrypto } from '../common/batch-crypto.ts';
import { RoleEngine } from '../common/role-engine.ts';
import type { Trace } from '../flow/flow.ts';
import { FlowRunner, run } from '../flow/flow-runner.ts';
import { type CurrencyTerms, deviceAccount, systemAccounts } from './accounts.ts';
import { performDeviceOrders } from './device-order-effects.ts';
import { deviceOrderFlow } from './device-order-flow.ts';
import { CashEngine } from './engine.ts';
import type { CashRefusal } from './errors.ts';
import { ExchangeAccounts } from './exchange-accounts.ts';
import { cashHandlers } from './handler.ts';
import { CURRENCIES_MAX } from './holders.ts';
import type { CashIdentity, CashLog, CashParts, PayTrace } from './interface.ts';
import { type CashOperations, cashProtocol } from './messages.ts';
import { OrderDesk } from './order-desk.ts';
import { countLeftOut } from './payout-windows.ts';
import { PurseDesk, type PurseLimits } from './purse-desk.ts';
import { CreditReceipts } from './receipts.ts';
import { Registry, type RegistryLimits } from './registry.ts';
import { SettlementKeys } from './settlement-keys.ts';
import { performShopOrders } from './shop-order-effects.ts';
import { shopOrderFlow } from './shop-order-flow.ts';
import { type ShopLimits, Shops } from './shops.ts';
import { Signers } from './signers.ts';

export interface CashOptions {
  /** Both are the caller's, who closes them after the role. */
  readonly ledger: Ledger;
  readonly store: RoleStore;
  /** Computes large batches, and is the caller's too; left out: they are computed on this thread. */
  readonly pool?: BatchPool;
  /** identity.ts makes it of the directory and the role's key sets. */
  readonly identity: CashIdentity;
  /** What devices may have accounts in, 1 to CURRENCIES_MAX. */
  readonly currencies: readonly CurrencyTerms[];
  readonly limits?: Partial<RegistryLimits & ShopLimits & PurseLimits>;
  /** Nanoseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: Clock;
  /** Pauses between attempts. Default: the system's. */
  readonly setTimer?: SetTimer;
  /** 0 up to, but not including, 1: spreads those pauses. Default: the system's. */
  readonly random?: () => number;
  /** Where a crash test may end the process. */
  readonly trace?: Trace;
  /** Where the time of payments goes. */
  readonly payTrace?: PayTrace | undefined;
  /** Default: nothing is logged. */
  readonly log?: CashLog;
  /** Runs something when all that has come in this turn is taken in. Default: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
}

export interface Cash {
  readonly engine: Engine;
  /** For the server's identity: shops that are closed. Devices have no channel to cash. */
  readonly revoked: RevokedPredicate;
  /** Refuses new messages, waits until those taken in are answered, and wipes the keys. Ledger operations go on. */
  close(): Promise<void>;
}

/** Cash cannot start like this. */
export class CashConfigurationError extends Error {
  override readonly name = 'CashConfigurationError';
}

/** 40 MB; as many devices as are loaded in a busy hour of a large system. */
const DEVICES_IN_MEMORY_MAX = 65_536;

/** As many as management enrols unless it is configured otherwise. */
const DEVICES_MAX = 1_000_000;

/** A hundred times the patience of somebody without money; 50 KB a day of somebody who has more of it. */
const DEVICE_REJECTIONS_PER_DAY = 100;

const SILENT: CashLog = { warn: () => {}, error: () => {} };

/**
 * Opens the system accounts that are not there yet and starts to answer.
 * @throws CashConfigurationError; RequestError when the ledger does not take accounts now
 */
export async function openCash(options: CashOptions): Promise<Cash> {
  const { ledger, store, pool, identity, currencies, limits, log = SILENT, afterTurn } = options;
  const { setTimer, random, trace, payTrace } = options;
  checkTerms(currencies);
  for (const { currency } of currencies) await openSystemAccounts(ledger, currency);
  const signers = new Signers(identity);
  const clock = options.clock ?? systemClock();
  const registry = new Registry(
    store,
    {
      devicesInMemoryMax: DEVICES_IN_MEMORY_MAX,
      devicesMax: DEVICES_MAX,
      deviceRejectionsPerDay: DEVICE_REJECTIONS_PER_DAY,
      ...limits,
    },
    clock(),
  );
  const runner = FlowRunner.open({
    store,
    flows: [
      run(shopOrderFlow, performShopOrders({ ledger, log })),
      run(deviceOrderFlow, performDeviceOrders({ ledger, store, registry, log })),
    ],
    clock,
    log,
    ...(setTimer === undefined ? {} : { setTimer }),
    ...(random === undefined ? {} : { random }),
    ...(trace === undefined ? {} : { trace }),
  });
  const terms = new Map(currencies.map((one) => [one.currency, one]));
  const purses = new PurseDesk(
    { ...{ ledger, store, registry, terms, clock, log }, setTimer: setTimer ?? systemTimer },
    limits,
  );
  const parts: CashParts = {
    identity,
    ledger,
    store,
    runner,
    registry,
    shops: new Shops(store, limits),
    exchangeAccounts: new ExchangeAccounts(ledger),
    purses,
    settlementKeys: new SettlementKeys(identity),
    signers,
    receipts: new CreditReceipts(signers),
    ...batchCrypto(pool),
    terms,
    clock,
    log,
    payTrace,
  };
  const role = new RoleEngine<CashOperations, Peer, CashRefusal>({
    protocol: cashProtocol,
    handlers: cashHandlers(parts),
    clock,
    // What Node tells of the process is among the ledger's metrics.
    registry: new MetricsRegistry(),
    openRequests: () => runner.openCount,
    health: () => {
      const shopsLeftOut = countLeftOut(store, parts.terms.keys());
      return { status: shopsLeftOut > 0 ? 'degraded' : 'ok', detail: { shopsLeftOut } };
    },
    log,
    ...(afterTurn === undefined ? {} : { afterTurn }),
  });
  const desk = new OrderDesk(parts);
  const engine = new CashEngine(desk, role);
  purses.start();
  return {
    engine,
    revoked: (certificate) => 'shop' in certificate && parts.shops.isClosed(certificate.shop),
    async close() {
      role.close();
      await engine.idle();
      await purses.close();
      await runner.close();
      await desk.close();
      signers.close();
    },
  };
}

function checkTerms(currencies: readonly CurrencyTerms[]): void {
  if (currencies.length < 1 || currencies.length > CURRENCIES_MAX) {
    throw new CashConfigurationError(`currencies: expected 1 to ${CURRENCIES_MAX}, got ${currencies.length}`);
  }
  const known = new Currencies();
  const seen = new Set<number>();
  for (const terms of currencies) {
    const { currency } = terms;
    if (seen.has(currency)) {
      throw new CashConfigurationError(`currencies: expected each once, got ${currency} again`);
    }
    seen.add(currency);
    try {
      known.ofLedger(currency);
      deviceAccount(1n, 1n, 1n, terms);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new CashConfigurationError(`currency ${currency}: ${text}`, { cause: error });
    }
  }
}

/** Opened again, they are what they were. */
async function openSystemAccounts(ledger: Ledger, currency: number): Promise<void> {
  const accounts = systemAccounts(currency);
  const results = await ledger.createAccounts(accounts);
  results.forEach(({ status }, i) => {
    if (status === 'created' || status === 'exists') return;
    const { id, code, flags } = accounts[i]!;
    throw new CashConfigurationError(
      `account ${id} of currency ${currency}: expected code ${code} and flags ${flags} as in the chart of accounts, got ${status}`,
    );
  });
}
