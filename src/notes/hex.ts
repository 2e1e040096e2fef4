// Hex for points, scalars and ids: lower case only, so that bytes have one text. By tables, because a request of a thousand
// notes holds five thousand of them.

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const VALUES = new Uint8Array(128).fill(0xff);
for (let value = 0; value < 16; value++) VALUES[value.toString(16).charCodeAt(0)] = value;

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += DIGITS[bytes[i]!];
  return text;
}

/** undefined: not the hex of `size` bytes. */
export function fromHex(text: string, size: number): Uint8Array<ArrayBuffer> | undefined {
  if (text.length !== 2 * size) return undefined;
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const high = VALUES[text.charCodeAt(2 * i)] ?? 0xff;
    const low = VALUES[text.charCodeAt(2 * i + 1)] ?? 0xff;
    if ((high | low) > 15) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}
