// Times: nanoseconds since the Unix epoch in a u64, as in every message; ISO 8601 in files that people read.
import { U64_MAX } from '../shared/bytes.ts';

/** The end of something that has none. */
export const FOREVER = U64_MAX;
export const NANOSECONDS_PER_DAY = 86_400_000_000_000n;
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds since the Unix epoch. */
export type Clock = () => bigint;

export const systemClock: Clock = () => BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND;

/** `2026-03-01T12:00:00Z`, with the decimal places that are needed: none, or 9. */
export function isoTime(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / NANOSECONDS_PER_MILLISECOND)).toISOString().slice(0, 19);
  const rest = nanoseconds % NANOSECONDS_PER_SECOND;
  return rest === 0n ? `${seconds}Z` : `${seconds}.${rest.toString().padStart(9, '0')}Z`;
}

/** What `isoTime` writes, with any number of decimal places up to 9. undefined: anything else. */
export function parseIsoTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text);
  if (match === null) return undefined;
  const milliseconds = Date.parse(`${match[1]}Z`);
  // Date.parse takes 30 February for 2 March.
  if (!Number.isFinite(milliseconds) || new Date(milliseconds).toISOString().slice(0, 19) !== match[1])
    return undefined;
  const time = BigInt(milliseconds) * NANOSECONDS_PER_MILLISECOND + BigInt((match[2] ?? '').padEnd(9, '0'));
  return time >= 0n && time < FOREVER ? time : undefined;
}

/** Both ends belong to it. */
export function isWithin(now: bigint, notBefore: bigint, notAfter: bigint): boolean {
  return notBefore <= now && now <= notAfter;
}

/** A time so and so long after another, at most FOREVER. */
export function after(time: bigint, duration: bigint): bigint {
  const sum = time + duration;
  return sum < FOREVER ? sum : FOREVER;
}
