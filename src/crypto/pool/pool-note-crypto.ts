// The arithmetic of a mint on the threads of a pool.
import type { BatchNoteCrypto } from '../secp256k1/note-crypto.ts';
import type { NoteCryptoOptions } from '../secp256k1/notes.ts';
import type { CryptoPool } from './crypto-pool.ts';

export function poolNoteCrypto(pool: CryptoPool, { randomBytes }: NoteCryptoOptions = {}): BatchNoteCrypto {
  return {
    sign: (items) => pool.signNotes(items),
    verify: (items) => pool.verifyNotes(items, randomBytes),
  };
}
