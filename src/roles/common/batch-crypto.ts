// Where a batch is computed: on this thread while it is small, on the pool's when handing it over costs less.
import { type CryptoError, type CryptoPool, ed25519, hpke, type SignedMessage } from '../../crypto/index.ts';

export type BatchPool = Pick<CryptoPool, 'verifyBatch' | 'openBatch'>;

/** Items from which on the pool computes. A call of it takes 60 µs or more, and as many here four times that. */
export const POOL_ITEMS_MIN = 8;

type OpenOptions = Parameters<CryptoPool['openBatch']>[0];

export interface BatchCrypto {
  /** ed25519.verifyBatch */
  verify(items: readonly SignedMessage[]): Promise<boolean[]>;
  /** hpke.openBatch */
  open(options: OpenOptions): Promise<(Uint8Array | CryptoError)[]>;
}

/** @param pool left out: everything is computed here and now */
export function batchCrypto(pool?: BatchPool): BatchCrypto {
  return {
    verify: async (items) =>
      (pool !== undefined && items.length >= POOL_ITEMS_MIN ? pool : ed25519).verifyBatch(items),
    open: async (options) =>
      (pool !== undefined && options.items.length >= POOL_ITEMS_MIN ? pool : hpke).openBatch(options),
  };
}
