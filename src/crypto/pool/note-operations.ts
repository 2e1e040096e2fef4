// Blind notes over the threads of a pool.
import type { BatchNoteCrypto } from '../secp256k1/note-crypto.ts';
import { noteCrypto } from '../secp256k1/notes.ts';
import type { CryptoPool } from './crypto-pool.ts';

/** What a mint computes by the thousand, on the threads of the pool. */
export function poolNoteCrypto(_pool: CryptoPool): BatchNoteCrypto {
  return {
    sign: async (items) => noteCrypto.sign(items),
    verify: async (items) => noteCrypto.verify(items),
  };
}
