// A ref names one journaled record for ever: op × 8192 + its index in the batch.
import { REF_INDEX_BITS } from '../layout/generated.ts';

const INDEX_COUNT = 2 ** REF_INDEX_BITS;

export function refOf(op: number, index: number): number {
  return op * INDEX_COUNT + index;
}

export function opOf(ref: number): number {
  return Math.floor(ref / INDEX_COUNT);
}

export function indexOf(ref: number): number {
  return ref % INDEX_COUNT;
}
