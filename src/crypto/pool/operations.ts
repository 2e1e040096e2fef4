// Every batch operation that a thread of the pool can run. One that is missing here is refused there.
import { SHA256_BATCH, SHA512_BATCH } from './hash-operations.ts';
import { HPKE_OPEN_BATCH, HPKE_SEAL_BATCH } from './hpke-operations.ts';
import { NOTE_SIGN_BATCH, NOTE_VERIFY_BATCH } from './note-operations.ts';
import type { Runnable } from './operation.ts';
import { VERIFY_BATCH } from './verify-operation.ts';
import { SHARED_SECRET_BATCH } from './x25519-operation.ts';

export const OPERATIONS: readonly Runnable[] = [
  SHA256_BATCH,
  SHA512_BATCH,
  SHARED_SECRET_BATCH,
  HPKE_OPEN_BATCH,
  HPKE_SEAL_BATCH,
  VERIFY_BATCH,
  NOTE_SIGN_BATCH,
  NOTE_VERIFY_BATCH,
];
