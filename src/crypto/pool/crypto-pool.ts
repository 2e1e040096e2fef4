// Worker threads that compute batches: the batch functions of specie/crypto as promises. See batch-pool.ts.

import type { SignedMessage, SignedRecords, VerifyBatchOptions } from '../ed25519/index.ts';
import type { CryptoError } from '../errors.ts';
import type { OpenItem, RecipientKey, Sealed, SealItem, SealOptions } from '../hpke/index.ts';
import type { BlindSigned, SignItem, VerifyItem } from '../secp256k1/note-crypto.ts';
import type { X25519Item } from '../x25519.ts';
import { BatchPool, type CryptoPoolOptions, type CryptoPoolStats } from './batch-pool.ts';
import { SHA256_BATCH, SHA512_BATCH } from './hash-operations.ts';
import { openBatch, sealBatch } from './hpke-operations.ts';
import { signNotes, verifyNotes } from './note-operations.ts';
import { verifyBatch } from './verify-operation.ts';
import { type PoolRecordsOptions, verifyRecords } from './verify-records-operation.ts';
import { SHARED_SECRET_BATCH } from './x25519-operation.ts';

export type { CryptoPoolOptions, CryptoPoolStats } from './batch-pool.ts';

/**
 * Each call takes and answers what the synchronous function of its name does, as a promise, and rejects with what that
 * would throw. Besides:
 *
 * - Answers are in the order of the items. Calls are started in the order in which they were made; a large one is divided
 *   over the threads, a small one is not.
 * - What is passed in is read when its turn comes, straight into the memory that the threads share: it must not change
 *   until the promise is settled.
 * - Batches under way take `batchBytesMax` at most; the others wait. Beyond `waitingMax` waiting calls, and once the pool is
 *   closed, a call rejects with CryptoError `unavailable`.
 * - A thread that dies is replaced, and what it had is computed again. A batch that several threads died of rejects with
 *   `unavailable`; others do not notice.
 * - One item must fit in `batchBytesMax`, or the call rejects with `invalid_argument`.
 */
export interface CryptoPool {
  /** sha256.batch */
  sha256Batch(messages: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>[]>;
  /** sha512.batch */
  sha512Batch(messages: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>[]>;
  /** x25519.sharedSecretBatch */
  sharedSecretBatch(items: readonly X25519Item[]): Promise<(Uint8Array<ArrayBuffer> | CryptoError)[]>;
  /** ed25519.verifyBatch */
  verifyBatch(items: readonly SignedMessage[], options?: VerifyBatchOptions): Promise<boolean[]>;
  /** ed25519.verifyRecords */
  verifyRecords(records: SignedRecords, options?: PoolRecordsOptions): Promise<boolean[]>;
  /** hpke.openBatch */
  openBatch(
    options: RecipientKey & { readonly items: readonly OpenItem[] },
  ): Promise<(Uint8Array | CryptoError)[]>;
  /** hpke.sealBatch */
  sealBatch(options: SealOptions & { readonly items: readonly SealItem[] }): Promise<Sealed[]>;
  /** noteCrypto.sign */
  signNotes(items: readonly SignItem[]): Promise<(BlindSigned | undefined)[]>;
  /** noteCrypto.verify; `randomBytes` as createNoteCrypto takes it. */
  verifyNotes(items: readonly VerifyItem[], randomBytes?: (length: number) => Uint8Array): Promise<boolean[]>;
  stats(): CryptoPoolStats;
  /** Answers every call that was taken, then ends the threads. Later calls reject; closing again waits for the same end. */
  close(): Promise<void>;
}

/** An idle pool does not keep the process running; one with a call under way does. */
export function createCryptoPool(options: CryptoPoolOptions = {}): CryptoPool {
  const pool = new BatchPool(options, { from: import.meta.url, file: './batch-worker', task: 'batch' });
  return {
    sha256Batch: (messages) => pool.run(SHA256_BATCH, undefined, messages),
    sha512Batch: (messages) => pool.run(SHA512_BATCH, undefined, messages),
    sharedSecretBatch: (items) => pool.run(SHARED_SECRET_BATCH, undefined, items),
    verifyBatch: (items, options) => verifyBatch(pool, items, options),
    verifyRecords: (records, options) => verifyRecords(pool, records, options),
    openBatch: (options) => openBatch(pool, options),
    sealBatch: (options) => sealBatch(pool, options),
    signNotes: (items) => signNotes(pool, items),
    verifyNotes: (items, randomBytes) => verifyNotes(pool, items, randomBytes),
    stats: () => pool.stats(),
    close: () => pool.close(),
  };
}
