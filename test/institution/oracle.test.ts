// Against iso_8583, an independent implementation: what one writes, the other reads. It always writes a second bitmap,
// and knows fewer characters in its sets.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frame } from '../../src/institution/iso8583/frames.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/institution/iso8583/message.ts';
import { anyMessage } from './support.ts';

interface Oracle {
  getIsoJSON(bytes: Buffer): Record<string, string> & { error?: string };
  getRawMessage(): Buffer & { error?: string };
}
const Iso8583 = createRequire(import.meta.url)('iso_8583') as new (message?: object) => Oracle;

/** Types that the oracle knows; no character that only we allow. */
const shared = anyMessage
  .filter(({ elements }) => Object.values(elements).every((value) => !/[#\\@*]/.test(value)))
  .chain((message) =>
    fc
      .constantFrom(
        '0100',
        '0110',
        '0220',
        '0230',
        '0400',
        '0410',
        '0420',
        '0430',
        '0600',
        '0610',
        '0800',
        '0810',
      )
      .map((type): Message => ({ ...message, type })),
  );

test('the oracle reads what we write', () => {
  fc.assert(
    fc.property(shared, ({ type, elements }) => {
      const read = new Iso8583().getIsoJSON(frame(encodeMessage({ type, elements })));
      expect(read).toEqual({ 0: type, ...elements });
    }),
    { numRuns: 500 },
  );
});

test('we read what the oracle writes', () => {
  fc.assert(
    fc.property(shared, ({ type, elements }) => {
      const written = new Iso8583({ 0: type, ...elements }).getRawMessage();
      expect(written.error).toBeUndefined();
      expect(decodeMessage(written)).toEqual({ type, elements });
    }),
    { numRuns: 500 },
  );
});
