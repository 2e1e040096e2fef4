/** Where the ledger's time comes from: nanoseconds since the Unix epoch. Tests and replays bring their own. */
export type Clock = () => bigint;

/** Wall clock with the resolution of the monotonic one; it may jump back, the ledger's timestamps never do. */
export function systemClock(): Clock {
  const origin = BigInt(Math.round(performance.timeOrigin * 1e6));
  return () => {
    const now = origin + BigInt(Math.round(performance.now() * 1e6));
    // After a suspended machine or a stepped clock the two drift apart: the wall clock is right.
    const wall = BigInt(Date.now()) * 1_000_000n;
    const drift = now > wall ? now - wall : wall - now;
    return drift > 1_000_000_000n ? wall : now;
  };
}

/**
 * The timestamp of an operation with `count` records: record i of n gets timestamp - n + i + 1, and the first of them
 * is later than everything before. A clock that stands still or jumps back is carried on from `last`.
 */
export function nextTimestamp(now: bigint, last: bigint, count: number): bigint {
  const earliest = last + BigInt(Math.max(count, 1));
  return now > earliest ? now : earliest;
}
