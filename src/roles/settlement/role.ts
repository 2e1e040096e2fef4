// Puts settlement together: the seals, the institution, the flows, and the engine that stands behind its server.
import { randomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import type { CryptoPool } from '../../crypto/index.ts';
import { type Clock, systemClock } from '../../ledger/clock.ts';
import type { Currencies } from '../../shared/currency.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { Engine } from '../../wire/engine.ts';
import type { Peer } from '../../wire/peer.ts';
import { RoleEngine } from '../common/role-engine.ts';
import { type Again, again, type Trace } from '../flow/flow.ts';
import { FlowRunner, run as runFlow } from '../flow/flow-runner.ts';
import type { SettlementRefusal } from './errors.ts';
import { chargeFlow, reversalFlow } from './flow.ts';
import { settlementHandlers } from './handler.ts';
import type { Institution } from './institution.ts';
import { InstitutionCalls } from './institution-calls.ts';
import { Instructor } from './instruct.ts';
import type { SettlementKeys, SettlementLog } from './interface.ts';
import { checkLimits, SETTLEMENT_DEFAULTS, type SettlementLimits } from './limits.ts';
import { type SettlementOperations, settlementProtocol } from './messages.ts';
import type { PaymentChannel } from './payment-channel.ts';
import { PayoutBook } from './payout-book.ts';
import { pageFlow } from './payout-flow.ts';
import { type Debtor, PayoutInstructor } from './payout-instruct.ts';
import { PayoutStatements } from './payout-statements.ts';
import { ReceiptSigner } from './receipts.ts';
import { reversalReason } from './registry.ts';
import { sealOpener } from './seals.ts';

export interface PaymentOptions {
  readonly channel: PaymentChannel;
  readonly debtor: Debtor;
  readonly currencies?: Currencies;
  /** Between two questions for the statement. */
  readonly pollMs?: number;
}

/** A booking takes a bank seconds at best. */
const POLL_MS = 2_000;

export interface SettlementOptions {
  /** These three are the caller's, who closes them after the role. */
  readonly store: RoleStore;
  readonly institution: Institution;
  /** Computes batches; left out: they are computed on this thread. */
  readonly pool?: CryptoPool;
  /** Whoever makes payments for the operator; left out: no payouts are instructed. The channel is the caller's, too. */
  readonly payments?: PaymentOptions | undefined;
  readonly keys: SettlementKeys;
  readonly limits: Pick<SettlementLimits, 'amountMax'> & Partial<SettlementLimits>;
  /** Nanoseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random?: () => number;
  /** Names this run of the process, 0 to 2^64 - 1: no other may have it. Default: random. */
  readonly run?: bigint;
  readonly trace?: Trace;
  /** Default: nothing is logged. */
  readonly log?: SettlementLog;
  /** Of metrics; of its own when left out. */
  readonly registry?: Registry;
  /** Runs something when all that has come in this turn is taken in. Default: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
}

export interface Settlement {
  readonly engine: Engine;
  /** Refuses new messages, finishes what is being written, leaves the rest to the next start, wipes the signing key. */
  close(): Promise<void>;
}

const NO_INSTITUTION_PAUSE_MS = 60_000;
const waitForOne = (): Promise<Again> => Promise.resolve(again(NO_INSTITUTION_PAUSE_MS));

/**
 * Takes up every charge and reversal that is not final, and starts to answer.
 * @throws RangeError for limits that cannot be; StoreError store_corrupt
 */
export async function openSettlement(options: SettlementOptions): Promise<Settlement> {
  const {
    store,
    institution,
    pool,
    keys,
    clock = systemClock(),
    setTimer = systemTimer,
    random,
    trace,
    log,
    registry,
  } = options;
  const limits = checkLimits({ ...SETTLEMENT_DEFAULTS, ...options.limits });
  const thisRun = options.run ?? randomBytes(8).readBigUInt64LE();
  const openSeals = sealOpener((keyId) => keys.sealing(keyId, clock()), pool);
  const signer = new ReceiptSigner(() => keys.signing(clock()), clock);
  const instructor = new Instructor({
    calls: new InstitutionCalls({ institution, signReceipt: signer.sign, log }),
    openSeals: sealOpener((keyId) => keys.storedSealing(keyId), pool),
    reversalOf: (request) => reversalReason(store, request),
    clock,
    callsMax: limits.institutionCallsMax,
    log,
  });
  const book = new PayoutBook({ store, sign: (content) => signer.signPayout(content), log });
  const payouts = options.payments && {
    ...options.payments,
    ...{ book, clock, log },
    openSeals,
    openStored: sealOpener((keyId) => keys.storedSealing(keyId), pool),
  };
  const charges = chargeFlow({ run: thisRun, inquireForMs: limits.inquireForMs });
  const runner = FlowRunner.open({
    store,
    flows: [
      runFlow(charges, instructor.performCharges),
      runFlow(reversalFlow, instructor.performReversals),
      // Without an institution, pages that were taken in wait for one.
      runFlow(pageFlow, payouts ? new PayoutInstructor(payouts).perform : (items) => items.map(waitForOne)),
    ],
    clock,
    setTimer,
    ...(random && { random }),
    ...(trace && { trace }),
    ...(log && { log }),
  });
  const statements =
    payouts && new PayoutStatements({ ...payouts, pollMs: payouts.pollMs ?? POLL_MS, setTimer });
  const engine = new RoleEngine<SettlementOperations, Peer, SettlementRefusal>({
    protocol: settlementProtocol,
    handlers: settlementHandlers({
      store,
      runner,
      chargeFlow: charges,
      run: thisRun,
      openSeals,
      receiptNow: (receipt) =>
        keys.signatureCounts(receipt.document.keyId, clock()) ? receipt : signer.signAnew(receipt),
      cashKey: (keyId) => keys.cash(keyId, clock()),
      payouts: payouts && {
        book,
        // There will be something in them.
        begun: () => statements?.start(),
        receiptNow: (receipt) =>
          keys.signatureCounts(receipt.document.keyId, clock())
            ? receipt
            : signer.signPayout(receipt.document),
      },
      limits,
      clock,
      setTimer,
      pool,
    }),
    clock,
    openRequests: () => runner.openCount,
    health: () => {
      const problem = statements?.problem;
      return {
        status: problem === undefined ? 'ok' : 'degraded',
        detail: { institution: instructor.load, ...(problem !== undefined && { statements: problem }) },
      };
    },
    ...(registry && { registry }),
    ...(log && { log }),
    ...(options.afterTurn && { afterTurn: options.afterTurn }),
  });
  return {
    engine,
    async close() {
      engine.close();
      await statements?.close();
      await runner.close();
      signer.close();
    },
  };
}
