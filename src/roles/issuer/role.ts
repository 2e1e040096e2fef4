// Puts the issuer together: its book, the mint, the flows, and the engine that stands behind its server.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import {
  type BatchNoteCrypto,
  type CryptoPool,
  type NoteCrypto,
  noteCrypto,
  poolNoteCrypto,
} from '../../crypto/index.ts';
import { type Clock, systemClock } from '../../ledger/clock.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import { recordPuts } from '../../mint/note-book.ts';
import { MintQuotes } from '../../mint/quotes.ts';
import type { MintAbout, MintService } from '../../mint/service.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { Engine } from '../../wire/engine.ts';
import type { Peer } from '../../wire/peer.ts';
import { batchCrypto } from '../common/batch-crypto.ts';
import { cashWords } from '../common/cash-words.ts';
import { Distrust } from '../common/distrust.ts';
import type { MintPartner } from '../common/mint-partner.ts';
import { RoleEngine } from '../common/role-engine.ts';
import type { WideUnits } from '../common/wide-notes.ts';
import type { Trace } from '../flow/flow.ts';
import { FlowRunner, run } from '../flow/flow-runner.ts';
import { issuerEffects } from './effects.ts';
import type { IssuerRefusal } from './errors.ts';
import { fundsFlow, issueFlow, payFlow } from './flow.ts';
import { issuerHandlers } from './handler.ts';
import type { IssuerCash, IssuerKeys, IssuerLog } from './interface.ts';
import { checkLimits, ISSUER_DEFAULTS, type IssuerLimits } from './limits.ts';
import { type IssuerOperations, issuerProtocol } from './messages.ts';
import { ReservingBook } from './outputs.ts';
import { IssuerMint, wholeMint } from './service.ts';
import { OutputSigner } from './sign.ts';

export interface IssuerOptions {
  /** The caller's, who closes it after the role. */
  readonly store: RoleStore;
  readonly cash: IssuerCash;
  /** What of Cashu's interface is the receiver's goes there. */
  readonly receiver: MintPartner;
  readonly keys: IssuerKeys;
  /** See wideKeysets: the receiver has the same. */
  readonly keysets: MintKeysets;
  /** Those that are offered. */
  readonly units: WideUnits;
  /** What the mint calls itself (NUT-06). */
  readonly about?: MintAbout;
  readonly limits?: Partial<IssuerLimits>;
  /** Computes batches; left out: they are computed on this thread. */
  readonly pool?: CryptoPool;
  /** Default: the pool's, or this thread's. */
  readonly noteCrypto?: BatchNoteCrypto & Pick<NoteCrypto, 'hashToCurve'>;
  /** Nanoseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random?: () => number;
  /** Of quote ids: fit for secrets. */
  readonly randomBytes?: (size: number) => Uint8Array;
  readonly trace?: Trace;
  /** Default: nothing is logged. */
  readonly log?: IssuerLog;
  /** Of metrics; of its own when left out. */
  readonly registry?: Registry;
  /** Runs something when all that has come in this turn is taken in. Default: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
}

export interface Issuer {
  readonly engine: Engine;
  /** All of Cashu's interface, for an HTTP server. */
  readonly mint: MintService;
  /** Refuses new messages, finishes what is being written, leaves the rest to the next start. */
  close(): Promise<void>;
}

const SILENT: IssuerLog = { warn() {}, error() {} };

/**
 * Takes up every request that is not final, and starts to answer.
 * @throws RangeError for limits that cannot be; StoreError store_corrupt
 */
export async function openIssuer(options: IssuerOptions): Promise<Issuer> {
  const { store, cash, receiver, keys, keysets, units, pool, random, trace, registry, afterTurn } = options;
  const { clock = systemClock(), setTimer = systemTimer, log = SILENT } = options;
  const limits = checkLimits({ ...ISSUER_DEFAULTS, ...options.limits });
  const batchNotes = options.noteCrypto ?? (pool ? poolNoteCrypto(pool) : onThisThread);
  const crypto = batchCrypto(pool);
  const book = new ReservingBook();
  const quotes = new MintQuotes();
  const signer = new OutputSigner(keysets, batchNotes);
  const distrust = new Distrust(log);
  const effects = issuerEffects({
    cash,
    checkWord: cashWords({ cashKey: (keyId) => keys.cash(keyId, clock()), crypto }),
    signer,
    distrust,
    log,
  });
  const issues = issueFlow({
    sign: (reads, outputs, signatures, request, now) =>
      recordPuts(reads, (tx) => {
        const messages = outputs.map(({ blinded }, i) => ({ ...signatures[i]!, blinded }));
        book.sign(tx, messages, request, now);
      }),
    free: (reads, outputs, request) => recordPuts(reads, (tx) => book.free(tx, outputs, request)),
  });
  const payments = payFlow({
    markPaid: (reads, quote, request) => recordPuts(reads, (tx) => quotes.markPaid(tx, quote, request)),
    cancelPayment: (reads, quote, request) =>
      recordPuts(reads, (tx) => quotes.cancelPayment(tx, quote, request)),
  });
  const runner = FlowRunner.open({
    store,
    flows: [
      run(issues, effects.performIssues),
      run(payments, effects.performPayments),
      run(fundsFlow, effects.performPayments),
    ],
    clock,
    setTimer,
    log,
    ...(random && { random }),
    ...(trace && { trace }),
  });
  const ownMint = new IssuerMint({
    ...{
      store,
      keysets,
      book,
      quotes,
      crypto: batchNotes,
      hash: options.noteCrypto ?? noteCrypto,
      clock,
      limits,
    },
    randomBytes: options.randomBytes ?? systemRandomBytes,
    about: options.about ?? {},
  });
  const mint = wholeMint(ownMint, receiver);
  const engine = new RoleEngine<IssuerOperations, Peer, IssuerRefusal>({
    protocol: issuerProtocol,
    handlers: issuerHandlers({
      ...{
        store,
        runner,
        issues,
        payments,
        funds: fundsFlow,
        book,
        quotes,
        keysets,
        units,
        signer,
        limits,
        clock,
        crypto,
        log,
      },
      ownMint,
      wholeMint: mint,
    }),
    clock,
    openRequests: () => runner.openCount,
    health: () => ({
      status: distrust.size > 0 ? 'degraded' : 'ok',
      detail: { ...(distrust.size > 0 && { notBelieved: distrust.size }) },
    }),
    log,
    ...(registry && { registry }),
    ...(afterTurn && { afterTurn }),
  });
  return {
    engine,
    mint,
    async close() {
      engine.close();
      await runner.close();
    },
  };
}

const onThisThread: BatchNoteCrypto = {
  sign: async (items) => noteCrypto.sign(items),
  verify: async (items) => noteCrypto.verify(items),
};
