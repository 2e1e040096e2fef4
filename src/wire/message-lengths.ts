/** Bytes of the length before each message of a body. */
export const LENGTH_SIZE = 4;

/** What is wrong with a body of `count` messages; undefined: their lengths add up to it exactly. */
export function messagesMismatch(body: Uint8Array, count: number): string | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = body.length - at - LENGTH_SIZE;
    if (left < 0) {
      return `expected ${count} messages, got ${i} and ${body.length - at} bytes`;
    }
    const length = view.getUint32(at, true);
    if (length > left) return `expected message ${i} of the ${length} bytes it announces, got ${left}`;
    at += LENGTH_SIZE + length;
  }
  if (at === body.length) return undefined;
  return `expected ${count} messages, got ${body.length - at} more bytes`;
}
