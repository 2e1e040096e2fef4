// The data elements of ISO 8583:1987 that the dialect uses, with the standard's formats. docs/institution.md says what is
// in them.
import { Iso8583Error } from './errors.ts';

/** n: digits; an: letters and digits; anp: spaces, too; ans: printable ASCII. */
type Characters = 'n' | 'an' | 'anp' | 'ans';

export interface ElementFormat {
  readonly characters: Characters;
  /** Digits of the length that stands before the value: 0 (fixed), 2 (LLVAR), 3 (LLLVAR). */
  readonly lengthDigits: 0 | 2 | 3;
  /** Least and largest length of the value; the same where it is fixed. */
  readonly min: number;
  readonly max: number;
}

const fixed = (characters: Characters, length: number): ElementFormat => ({
  characters,
  lengthDigits: 0,
  min: length,
  max: length,
});
const variable = (characters: Characters, lengthDigits: 2 | 3, max: number): ElementFormat => ({
  characters,
  lengthDigits,
  min: 1,
  max,
});

/** By the standard's numbers. */
export const Element = {
  accountNumber: 2,
  processingCode: 3,
  amount: 4,
  transmissionTime: 7,
  traceNumber: 11,
  localTime: 12,
  localDate: 13,
  entryMode: 22,
  acquirer: 32,
  retrievalReference: 37,
  approvalCode: 38,
  responseCode: 39,
  terminal: 41,
  merchant: 42,
  requestId: 48,
  currency: 49,
  standing: 60,
  networkCode: 70,
  originalElements: 90,
} as const;
export type ElementNumber = (typeof Element)[keyof typeof Element];

const FORMATS: { readonly [element in ElementNumber]: ElementFormat } = {
  2: variable('n', 2, 19),
  3: fixed('n', 6),
  4: fixed('n', 12),
  7: fixed('n', 10),
  11: fixed('n', 6),
  12: fixed('n', 6),
  13: fixed('n', 4),
  22: fixed('n', 3),
  32: variable('n', 2, 11),
  37: fixed('anp', 12),
  38: fixed('anp', 6),
  39: fixed('an', 2),
  41: fixed('ans', 8),
  42: fixed('ans', 15),
  48: variable('ans', 3, 999),
  49: fixed('n', 3),
  60: variable('ans', 3, 999),
  70: fixed('n', 3),
  90: fixed('n', 42),
};

export const ELEMENT_MAX = 128;

/** The format of data element `number`, 2 to 128. */
export function formatOf(number: number): ElementFormat | undefined {
  return (FORMATS as Record<number, ElementFormat | undefined>)[number];
}

// What a byte may be: one bit a set, so that a check is a look-up.
const MASK: { readonly [set in Characters]: number } = { n: 1, an: 2, anp: 4, ans: 8 };
const SETS = new Uint8Array(256);
for (let byte = 0x20; byte <= 0x7e; byte++) {
  const character = String.fromCharCode(byte);
  const isIn = (set: RegExp, mask: number): number => (set.test(character) ? mask : 0);
  SETS[byte] = isIn(/\d/, MASK.n) | isIn(/[A-Za-z\d]/, MASK.an) | isIn(/[A-Za-z\d ]/, MASK.anp) | MASK.ans;
}

/** @throws Iso8583Error unless all of `bytes` from `start` to `end` may stand in the data element. */
export function checkCharacters(
  bytes: Uint8Array,
  start: number,
  end: number,
  { characters }: ElementFormat,
  element: number,
): void {
  const mask = MASK[characters];
  for (let i = start; i < end; i++) {
    if ((SETS[bytes[i]!]! & mask) === 0) {
      throw new Iso8583Error(
        'bad_character',
        `expected characters of the set ${characters}, got another at position ${i - start}`,
        element,
      );
    }
  }
}
