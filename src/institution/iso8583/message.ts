// A message of ISO 8583:1987 in ASCII with binary bitmaps.
//
//     ┌ type ┬ bitmap ───┬ secondary bitmap ──┬ data elements, ascending ──────────────────┐
//     │ 0100 │ 8 bytes   │ 8 bytes, if bit 1  │ fixed │ LL value │ LLL value │ …           │
//     └──────┴───────────┴────────────────────┴────────────────────────────────────────────┘
//      bit 1 is the highest bit of the first byte; bit n says that data element n is there
import { checkCharacters, ELEMENT_MAX, type ElementNumber, formatOf } from './elements.ts';
import { Iso8583Error } from './errors.ts';

export interface Message {
  /** Four digits: version, class, function, origin. */
  readonly type: string;
  readonly elements: Elements;
}

/** Values as they stand in the message, without their lengths. */
export type Elements = { readonly [element in ElementNumber]?: string };

const TYPE_BYTES = 4;
const BITMAP_BYTES = 8;

/**
 * The bytes of a message; the secondary bitmap only where it is needed.
 * @throws Iso8583Error for a value that its data element cannot hold: nothing is cut off or padded.
 */
export function encodeMessage({ type, elements }: Message): Buffer {
  if (!/^0\d{3}$/.test(type)) {
    throw new Iso8583Error('bad_type', 'message type: expected four digits, the first 0');
  }
  const numbers = Object.keys(elements)
    .map(Number)
    .filter((number) => (elements as Record<number, string | undefined>)[number] !== undefined)
    .sort((left, right) => left - right);
  const bitmaps = (numbers.at(-1) ?? 0) > 64 ? 2 : 1;
  const bitmap = Buffer.alloc(bitmaps * BITMAP_BYTES);
  if (bitmaps === 2) bitmap[0] = 0x80;
  let body = '';
  for (const number of numbers) {
    const value = (elements as Record<number, string>)[number]!;
    const format = formatOf(number);
    if (format === undefined) {
      throw new Iso8583Error('unknown_element', 'expected one that the dialect uses', number);
    }
    checkLength(value.length, format, number);
    const bytes = Buffer.from(value, 'latin1');
    // Latin-1 keeps only the low byte of a character, which could then look like a digit.
    if (bytes.toString('latin1') !== value) {
      throw new Iso8583Error('bad_character', 'expected ASCII', number);
    }
    checkCharacters(bytes, 0, bytes.length, format, number);
    bitmap[(number - 1) >> 3]! |= 0x80 >> ((number - 1) & 7);
    if (format.lengthDigits > 0) body += String(value.length).padStart(format.lengthDigits, '0');
    body += value;
  }
  return Buffer.concat([Buffer.from(type, 'latin1'), bitmap, Buffer.from(body, 'latin1')]);
}

/** @throws Iso8583Error */
export function decodeMessage(bytes: Buffer): Message {
  if (bytes.length < TYPE_BYTES + BITMAP_BYTES) {
    throw new Iso8583Error(
      'truncated',
      `message: expected at least ${TYPE_BYTES + BITMAP_BYTES} bytes, got ${bytes.length}`,
    );
  }
  const type = bytes.toString('latin1', 0, TYPE_BYTES);
  if (!/^0\d{3}$/.test(type)) {
    throw new Iso8583Error('bad_type', 'message type: expected four digits, the first 0');
  }
  const hasSecondary = (bytes[TYPE_BYTES]! & 0x80) !== 0;
  const bitmapEnd = TYPE_BYTES + (hasSecondary ? 2 : 1) * BITMAP_BYTES;
  if (bytes.length < bitmapEnd) {
    throw new Iso8583Error('truncated', 'secondary bitmap: expected 8 bytes, got fewer');
  }
  const elements: Record<number, string> = {};
  let at = bitmapEnd;
  const last = hasSecondary ? ELEMENT_MAX : 64;
  for (let number = 2; number <= last; number++) {
    if ((bytes[TYPE_BYTES + ((number - 1) >> 3)]! & (0x80 >> ((number - 1) & 7))) === 0) continue;
    const format = formatOf(number);
    if (format === undefined) {
      throw new Iso8583Error('unknown_element', 'expected one that the dialect uses', number);
    }
    let length = format.max;
    if (format.lengthDigits > 0) {
      length = readLength(bytes, at, format.lengthDigits, number);
      at += format.lengthDigits;
      checkLength(length, format, number);
    }
    if (bytes.length - at < length) {
      throw new Iso8583Error('truncated', `expected ${length} characters, got ${bytes.length - at}`, number);
    }
    checkCharacters(bytes, at, at + length, format, number);
    elements[number] = bytes.toString('latin1', at, at + length);
    at += length;
  }
  if (at !== bytes.length) {
    throw new Iso8583Error(
      'trailing_bytes',
      `message: expected its end after ${at} bytes, got ${bytes.length}`,
    );
  }
  return { type, elements: elements as Elements };
}

function checkLength(length: number, { min, max }: { min: number; max: number }, element: number): void {
  if (length >= min && length <= max) return;
  const expected = min === max ? `${max}` : `${min} to ${max}`;
  throw new Iso8583Error('bad_length', `expected ${expected} characters, got ${length}`, element);
}

function readLength(bytes: Buffer, at: number, digits: number, element: number): number {
  let length = 0;
  for (let i = at; i < at + digits; i++) {
    const byte = bytes[i];
    if (byte === undefined) {
      throw new Iso8583Error('truncated', `expected a length of ${digits} digits, got fewer`, element);
    }
    if (byte < 0x30 || byte > 0x39) {
      throw new Iso8583Error('bad_length', `expected a length of ${digits} digits, got others`, element);
    }
    length = length * 10 + byte - 0x30;
  }
  return length;
}
