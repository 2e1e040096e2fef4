// Signatures and seals of a batch: on the pool's threads where that is worth a call, on this thread otherwise, and when
// the pool cannot.
import {
  CryptoError,
  type CryptoPool,
  ed25519,
  hpke,
  type OpenItem,
  type SignedMessage,
  type SignedRecords,
} from '../../crypto/index.ts';

export interface SealedBatch {
  readonly recipientPrivateKey: Uint8Array;
  readonly recipientPublicKey: Uint8Array;
  readonly info: Uint8Array;
  readonly items: readonly OpenItem[];
}

export interface BatchCrypto {
  /** For each item whether its signature is good. */
  verifyBatch(items: readonly SignedMessage[]): readonly boolean[] | Promise<readonly boolean[]>;
  /**
   * For each record whether its signature is good.
   * @param isWhole several batches are under way: each is for one thread
   */
  verifyRecords(records: SignedRecords, isWhole?: boolean): readonly boolean[] | Promise<readonly boolean[]>;
  /** For each item its plaintext, or why it does not open. */
  openBatch(
    batch: SealedBatch,
  ): readonly (Uint8Array | CryptoError)[] | Promise<readonly (Uint8Array | CryptoError)[]>;
}

/** What of the pool roles use. */
export type BatchPool = Pick<CryptoPool, 'verifyBatch' | 'verifyRecords' | 'openBatch'>;

// A call's answer is here after 60 to 100 µs; a signature takes 12 µs in a batch, a seal 33 µs. But with every core busy,
// waking threads and dividing the batch cost more CPU than they took off this thread (a payment at cash, all threads: 190 µs
// here and 272 with the pool in batches of 32, 129 and 150 in batches of 128); and a thread that is held up, 8 ms at most,
// gathers the next batch meanwhile: what comes too fast for one thread soon is enough for several.
const OPEN_ON_POOL_FROM = 256;
export const VERIFY_ON_POOL_FROM = 256;

/** @param pool left out: everything is computed on this thread */
export function batchCrypto(pool?: BatchPool): BatchCrypto {
  if (pool === undefined) {
    return {
      verifyBatch: ed25519.verifyBatch,
      verifyRecords: (records) => ed25519.verifyRecords(records),
      openBatch: hpke.openBatch,
    };
  }
  return {
    verifyBatch(items) {
      if (items.length < VERIFY_ON_POOL_FROM) return ed25519.verifyBatch(items);
      return pool.verifyBatch(items).catch((error) => {
        expectUnavailable(error);
        return ed25519.verifyBatch(items);
      });
    },
    verifyRecords(records, isWhole = false) {
      if (records.keys.length < VERIFY_ON_POOL_FROM) return ed25519.verifyRecords(records);
      return pool.verifyRecords(records, { isWhole }).catch((error) => {
        expectUnavailable(error);
        return ed25519.verifyRecords(records);
      });
    },
    openBatch(batch) {
      if (batch.items.length < OPEN_ON_POOL_FROM) return hpke.openBatch(batch);
      return pool.openBatch(batch).catch((error) => {
        expectUnavailable(error);
        return hpke.openBatch(batch);
      });
    },
  };
}

/** Too much waits for the pool, its threads die, or it is closed: that is no reason to refuse a message. */
function expectUnavailable(error: unknown): void {
  if (!(error instanceof CryptoError) || error.code !== 'unavailable') throw error;
}
