// The forms in which something that must not be somewhere could be there after all, and the search for them.
export interface Trace {
  /** Of what, and in which form. */
  readonly name: string;
  readonly bytes: Buffer;
}

const trace = (name: string, bytes: Uint8Array): Trace => ({ name, bytes: Buffer.from(bytes) });

/** What base64 makes of bytes, wherever among others they begin; the edges, which depend on the neighbours, cut off. */
function base64Of(name: string, bytes: Buffer): Trace[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = before === 0 ? 0 : before + 1;
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return trace(`${name}, base64 after ${before} bytes`, Buffer.from(text.slice(from, whole)));
  });
}

function bytesOf(name: string, bytes: Buffer): Trace[] {
  const hex = bytes.toString('hex');
  return [
    trace(name, bytes),
    trace(`${name}, hex`, Buffer.from(hex)),
    trace(`${name}, HEX`, Buffer.from(hex.toUpperCase())),
    ...base64Of(name, bytes),
  ];
}

/** Text in the encodings that a program may keep or send it in. */
export function textForms(name: string, text: string): Trace[] {
  const utf16 = Buffer.from(text, 'utf16le');
  return [
    ...bytesOf(`${name}, ASCII`, Buffer.from(text)),
    trace(`${name}, UTF-16LE`, utf16),
    trace(`${name}, UTF-16BE`, Buffer.from(utf16).swap16()),
  ];
}

/** An account number, also packed as decimal digits and as a number. */
export function accountNumberForms(accountNumber: string): Trace[] {
  const name = 'account number';
  const packed = (digits: string): Buffer =>
    Buffer.from(digits.slice(0, digits.length - (digits.length % 2)), 'hex');
  return [
    ...textForms(name, accountNumber),
    ...bytesOf(`${name}, BCD`, packed(accountNumber)),
    ...bytesOf(`${name}, BCD from its second digit`, packed(accountNumber.slice(1))),
    ...numberForms(name, BigInt(accountNumber), 8),
  ];
}

/** A number of so many bytes, in both orders, and as decimal and hexadecimal text. */
export function numberForms(name: string, value: bigint, size: number): Trace[] {
  const big = Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex');
  const little = Buffer.from(big).reverse();
  return [
    ...bytesOf(`${name}, big-endian`, big),
    ...bytesOf(`${name}, little-endian`, little),
    trace(`${name}, decimal`, Buffer.from(value.toString())),
    trace(`${name}, hexadecimal`, Buffer.from(value.toString(16))),
    trace(`${name}, decimal, UTF-16LE`, Buffer.from(value.toString(), 'utf16le')),
  ];
}

export function keyForms(name: string, key: Uint8Array): Trace[] {
  return bytesOf(name, Buffer.from(key));
}

/** Names of the traces that are in any of the places. */
export function found(traces: readonly Trace[], places: readonly Uint8Array[]): string[] {
  const buffers = places.map((place) => Buffer.from(place.buffer, place.byteOffset, place.byteLength));
  return traces
    .filter(({ bytes }) => buffers.some((buffer) => buffer.includes(bytes)))
    .map(({ name }) => name);
}
