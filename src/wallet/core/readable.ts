import { REASON_BYTES_MAX } from './request.ts';

const encoder = new TextEncoder();

/** What others say, as it may be stored and shown: no control characters, the longest beginning that fits. */
export function cut(said: string): string {
  let short = said.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  while (encoder.encode(short).length > REASON_BYTES_MAX) short = short.slice(0, -1);
  // Half a surrogate pair has no UTF-8.
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short;
}
