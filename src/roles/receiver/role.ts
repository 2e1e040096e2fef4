// Puts the receiver together: its book, the mint, the flow, and the engine that stands behind its server.
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
import { NoteBook } from '../../mint/note-book.ts';
import { MeltQuotes } from '../../mint/quotes.ts';
import type { MintAbout, MintService } from '../../mint/service.ts';
import { TurnBatch } from '../../mint/turn-batch.ts';
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
import { AcknowledgementSigner } from './acknowledgements.ts';
import { takingBooks } from './books.ts';
import { performTakings } from './effects.ts';
import type { ReceiverRefusal } from './errors.ts';
import { takingFlow } from './flow.ts';
import { receiverHandlers } from './handler.ts';
import type { ReceiverCash, ReceiverKeys, ReceiverLog } from './interface.ts';
import { checkLimits, RECEIVER_DEFAULTS, type ReceiverLimits } from './limits.ts';
import { type ReceiverOperations, receiverProtocol } from './messages.ts';
import { payableByCash } from './payable.ts';
import { sealOpener } from './seals.ts';
import { receiverMint, wholeMint } from './service.ts';

export interface ReceiverOptions {
  /** The caller's, who closes it after the role. */
  readonly store: RoleStore;
  readonly cash: ReceiverCash;
  /** What of Cashu's interface is the issuer's goes there. */
  readonly issuer: MintPartner;
  readonly keys: ReceiverKeys;
  /** See wideKeysets: the issuer has the same. */
  readonly keysets: MintKeysets;
  /** Those that are offered. */
  readonly units: WideUnits;
  /** What the mint calls itself (NUT-06). */
  readonly about?: MintAbout;
  readonly limits?: Partial<ReceiverLimits>;
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
  readonly log?: ReceiverLog;
  /** Of metrics; of its own when left out. */
  readonly registry?: Registry;
  /** Runs something when all that has come in this turn is taken in. Default: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
}

export interface Receiver {
  readonly engine: Engine;
  /** All of Cashu's interface, for an HTTP server. */
  readonly mint: MintService;
  /** Refuses new messages, finishes what is being written, leaves the rest to the next start, wipes the signing key. */
  close(): Promise<void>;
}

const SILENT: ReceiverLog = { warn() {}, error() {} };

/**
 * Takes up every taking that is not final, and starts to answer.
 * @throws RangeError for limits that cannot be; StoreError store_corrupt
 */
export async function openReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { store, cash, issuer, keys, keysets, units, pool, random, trace, registry, afterTurn } = options;
  const { clock = systemClock(), setTimer = systemTimer, log = SILENT } = options;
  const limits = checkLimits({ ...RECEIVER_DEFAULTS, ...options.limits });
  const batchNotes = options.noteCrypto ?? (pool ? poolNoteCrypto(pool) : onThisThread);
  const hash = options.noteCrypto ?? noteCrypto;
  const crypto = batchCrypto(pool);
  // The issuer, not this role, signs what is taken in.
  const book = new NoteBook({ isWhole: false });
  const quotes = new MeltQuotes(book);
  const signer = new AcknowledgementSigner(() => keys.signing(clock()));
  const distrust = new Distrust(log);
  const takings = takingFlow(takingBooks(book, quotes));
  const perform = performTakings({
    cash,
    checkWord: cashWords({ cashKey: (keyId) => keys.cash(keyId, clock()), crypto }),
    signer,
    distrust,
  });
  const runner = FlowRunner.open({
    store,
    flows: [run(takings, perform)],
    clock,
    setTimer,
    log,
    ...(random && { random }),
    ...(trace && { trace }),
  });
  const notPayable = payableByCash({ cash, setTimer, withinMs: limits.answerWithinMs });
  const takingParts = {
    ...{ store, runner, takings, book, quotes, units },
    ...{ limits, notPayable, clock, setTimer },
  };
  const ownMint = receiverMint({
    ...{ keysets, hash, crypto: batchNotes, takings: takingParts },
    randomBytes: options.randomBytes ?? systemRandomBytes,
    about: options.about ?? {},
  });
  const mint = wholeMint(ownMint, issuer);
  const engine = new RoleEngine<ReceiverOperations, Peer, ReceiverRefusal>({
    protocol: receiverProtocol,
    handlers: receiverHandlers({
      ...{ ...takingParts, keysets, hash, ownMint, log },
      wholeMint: mint,
      verify: new TurnBatch({ compute: (items) => batchNotes.verify(items) }),
      openSeals: sealOpener((keyId) => keys.sealing(keyId, clock()), crypto),
      acknowledgementNow: (acknowledgement) =>
        keys.signatureCounts(acknowledgement.document.keyId, clock())
          ? acknowledgement
          : signer.sign(acknowledgement.document),
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
      signer.close();
    },
  };
}

const onThisThread: BatchNoteCrypto = {
  sign: async (items) => noteCrypto.sign(items),
  verify: async (items) => noteCrypto.verify(items),
};
