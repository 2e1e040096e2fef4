// A reversal is a request of its own beside the charge, and both are kept by id. The reversal's is derived:
//
//     127      120 119                                                     0
//     ┌───────────┬────────────────────────────────────────────────────────┐
//     │ all ones  │ first 15 bytes of SHA-256("specie reversal v1\0" ‖ id) │
//     └───────────┴────────────────────────────────────────────────────────┘
//
// Time-ordered ids begin with eight ones only after the year 10,800. A charge with such an id is refused: whoever chose
// it could stand in the place of another charge's reversal.
import { sha256 } from '../../crypto/index.ts';
import { u128 } from '../../shared/codec.ts';

/** Ids that charges may have end here. */
export const RESERVED_IDS_FROM = 0xffn << 120n;
const DERIVED_BYTES = 15;
const TAG = new TextEncoder().encode('specie reversal v1\0');

export function isReserved(request: bigint): boolean {
  return request >= RESERVED_IDS_FROM;
}

export function reversalId(request: bigint): bigint {
  const digest = sha256(Buffer.concat([TAG, u128.encode(request)]));
  return RESERVED_IDS_FROM | BigInt(`0x${Buffer.from(digest.subarray(0, DERIVED_BYTES)).toString('hex')}`);
}
