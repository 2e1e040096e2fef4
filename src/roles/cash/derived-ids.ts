// Ids of transfers that cash makes by itself, beside those that others name by their requests:
//
//     127      120 119                                              0
//     ┌───────────┬──────────────────────────────────────────────────┐
//     │ all ones  │ first 15 bytes of a SHA-256                      │
//     └───────────┴──────────────────────────────────────────────────┘
//
// Whoever could name a request so could take the place of a booking of cash's. Time-ordered ids begin with eight ones only
// after the year 10,800.

/** Ids that requests may have end here. */
export const DERIVED_IDS_FROM = 0xffn << 120n;
const DERIVED_BYTES = 15;

export const isDerived = (id: bigint): boolean => id >= DERIVED_IDS_FROM;

export function derivedId(digest: Uint8Array): bigint {
  return DERIVED_IDS_FROM | BigInt(`0x${Buffer.from(digest.subarray(0, DERIVED_BYTES)).toString('hex')}`);
}
