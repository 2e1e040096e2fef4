// Ed25519 signatures of packed records: a body as verify-operation.ts has it, and run by the same code.
import { expectBatch, type VerifyBatchOptions } from '../ed25519/batch.ts';
import { COEFFICIENT_BYTES, ITEM_BYTES, verdictOf } from '../ed25519/verify-item.ts';
import {
  expectRecords,
  keyedRecords,
  layRecords,
  recordRoom,
  type SignedRecords,
} from '../ed25519/verify-records.ts';
import { expectBytes } from '../errors.ts';
import type { BatchPool } from './batch-pool.ts';
import type { Operation } from './operation.ts';
import { VERIFY_BATCH } from './verify-operation.ts';

interface Shared {
  readonly signed: SignedRecords;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** An item is the index of its record. */
const VERIFY_RECORDS: Operation<Shared, number, boolean> = {
  name: VERIFY_BATCH.name,
  itemsName: 'records',
  secret: false,
  // They have been looked at.
  checkItem() {},
  sharedBytes: () => 0,
  itemBytes: (_, { signed }) => recordRoom(signed),
  itemNanoseconds: () => 10_000,
  encode(bytes, address, { signed, randomBytes }, indices) {
    const coefficients = address + indices.length * ITEM_BYTES;
    if (indices.length > 1) {
      const random = randomBytes(indices.length * COEFFICIENT_BYTES);
      expectBytes('result of randomBytes', random, indices.length * COEFFICIENT_BYTES);
      bytes.set(random, coefficients);
    }
    layRecords(bytes.buffer, address, coefficients + indices.length * COEFFICIENT_BYTES, signed, indices);
  },
  run: VERIFY_BATCH.run,
  decode(bytes, address, _, indices) {
    const views = { bytes, data: new DataView(bytes.buffer) };
    return indices.map((_, i) => verdictOf(views, address + i * ITEM_BYTES));
  },
};

export interface PoolRecordsOptions extends VerifyBatchOptions {
  /** Not divided over the threads: for calls of which several are under way. One sum over more signatures takes less. */
  readonly isWhole?: boolean;
}

/** As ed25519.verifyRecords. */
export async function verifyRecords(
  pool: BatchPool,
  signed: SignedRecords,
  options: PoolRecordsOptions = {},
): Promise<boolean[]> {
  expectRecords(signed);
  const { randomBytes } = expectBatch([], options);
  const verdicts = new Array<boolean>(signed.keys.length).fill(false);
  const indices = keyedRecords(signed);
  const answers = await pool.run(VERIFY_RECORDS, { signed, randomBytes }, indices, options.isWhole);
  indices.forEach((index, i) => {
    verdicts[index] = answers[i]!;
  });
  return verdicts;
}
