// Ids for records of a file that has none: the file's digest, then the line.
//
//     127                          40 39           0
//     ┌──────────────────────────────┬──────────────┐
//     │ first 88 bits of SHA-256     │ line number  │
//     └──────────────────────────────┴──────────────┘
//
// The same file gives the same ids, so that submitting it twice does nothing twice; ids ascend within a file, which is
// the index's fast case. A file that was changed, if only by a line at its end, is another file with other ids.
import { createHash } from 'node:crypto';

export const LINES_MAX = 2 ** 40 - 1;

export async function fileDigest(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest();
}

/** @param digest SHA-256 of the file. @returns id of a line (from 1). */
export function derivedIds(digest: Uint8Array): (line: number) => bigint {
  let prefix = 0n;
  for (const byte of digest.subarray(0, 11)) prefix = (prefix << 8n) | BigInt(byte);
  // Neither zero (lines start at 1) nor 2^128-1 (a line never has 40 ones) can come out.
  const base = prefix << 40n;
  return (line) => {
    if (!(line >= 1 && line < LINES_MAX)) throw new RangeError(`line: expected 1 to 2^40-2, got ${line}`);
    return base | BigInt(line);
  };
}
