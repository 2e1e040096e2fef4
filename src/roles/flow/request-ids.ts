// Which requests a store holds, also where a record of them is damaged.
import { StoreError } from '../../store/errors.ts';
import { idOfKey } from '../../store/key.ts';
import type { StoreReads } from '../../store/store.ts';

/** The runner's: id ▶ record, for ever. */
export const REQUESTS_TABLE = 'requests';

/** One whose record is damaged is known: the runner says what is to be said of it, and of no other. */
export function isKnown(reads: StoreReads, request: bigint): boolean {
  try {
    return reads.get(REQUESTS_TABLE, request) !== undefined;
  } catch (error) {
    if (isDamage(error)) return true;
    throw error;
  }
}

export function isDamage(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'store_corrupt';
}

export interface IdBounds {
  readonly from: bigint;
  readonly to: bigint;
  readonly limit: number;
}

/** The first ids of a table. Where a record among them is damaged, a range ends with an error: then it is read one by one. */
export function idsIn(reads: StoreReads, table: string, { from, to, limit }: IdBounds): bigint[] {
  try {
    return reads.range(table, { from, to, limit }).map(({ key }) => idOfKey(key));
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const ids: bigint[] = [];
  for (let next = from; next < to && ids.length < limit; ) {
    const id = firstId(reads, table, next, to);
    if (id === undefined) break;
    ids.push(id);
    next = id + 1n;
  }
  return ids;
}

/** The store names the damaged record only in words; halving the range finds it. */
function firstId(reads: StoreReads, table: string, from: bigint, to: bigint): bigint | undefined {
  const first = (end: bigint): bigint | 'damaged' | undefined => {
    try {
      const [record] = reads.range(table, { from, to: end, limit: 1 });
      return record && idOfKey(record.key);
    } catch (error) {
      if (isDamage(error)) return 'damaged';
      throw error;
    }
  };
  const found = first(to);
  if (found !== 'damaged') return found;
  let [low, high] = [from, to - 1n];
  while (low < high) {
    const middle = (low + high) / 2n;
    if (first(middle + 1n) === undefined) low = middle + 1n;
    else high = middle;
  }
  return low;
}
