// The arithmetic of a mint on the threads of a pool.
import { expectObject } from '../errors.ts';
import type { BatchNoteCrypto } from '../secp256k1/note-crypto.ts';
import type { NoteCryptoOptions } from '../secp256k1/notes.ts';
import type { CryptoPool } from './crypto-pool.ts';

export function poolNoteCrypto(pool: CryptoPool, options: NoteCryptoOptions = {}): BatchNoteCrypto {
  expectObject('pool', pool);
  expectObject('options', options);
  const { randomBytes } = options;
  return {
    sign: (items) => pool.signNotes(items),
    verify: (items) => pool.verifyNotes(items, randomBytes),
  };
}
