// NUT-20: quotes that only who has a key may mint from.
import { expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/sha256.ts';
import { NotesError } from '../../src/notes/errors.ts';
import { mintRequest } from '../../src/notes/json/quotes.ts';
import {
  checkQuoteSignature,
  isQuoteSignature,
  quoteMessage,
  signQuote,
} from '../../src/notes/quote-signature.ts';
import { publicKeyOf } from '../../src/notes/schnorr.ts';
import { hex, toHex } from '../crypto/vectors.ts';
import { type Blocks, nutTests } from './nuts.ts';

const verified = (blocks: Blocks, place: number): boolean => {
  const { quote, outputs, signature } = mintRequest.decode(blocks.text(place));
  const key = /pubkey` in the `PostMintQuoteBolt11Request` is `([0-9a-f]{66})`/.exec(
    blocks.at(place).prose,
  )![1]!;
  return isQuoteSignature(signature!, quote, outputs, hex(key));
};

nutTests('20-test.md', {
  'a signature': { blocks: [0], run: (blocks) => expect(verified(blocks, 0)).toBe(true) },
  'the message': {
    blocks: [1],
    run(blocks) {
      const { quote, outputs } = mintRequest.decode(blocks.text(0));
      expect([...quoteMessage(quote, outputs, 'first')]).toEqual(blocks.json<number[]>(1));
    },
  },
  'another signature': { blocks: [2], run: (blocks) => expect(verified(blocks, 2)).toBe(false) },
});

const secretKey = new Uint8Array(32).fill(3);
const publicKey = publicKeyOf(secretKey);
const outputs = [0n, 1n, 256n].map((amount, i) => ({ amount, blinded: new Uint8Array(33).fill(2 + i) }));

test('both forms are taken, and neither for another quote or other outputs', () => {
  for (const form of ['first', 'second'] as const) {
    const signature = signQuote('quote', outputs, secretKey, { form });
    expect(isQuoteSignature(signature, 'quote', outputs, publicKey)).toBe(true);
    expect(isQuoteSignature(signature, 'other', outputs, publicKey)).toBe(false);
    expect(isQuoteSignature(signature, 'quote', outputs.slice(1), publicKey)).toBe(false);
    expect(isQuoteSignature(signature, 'quote', [...outputs].reverse(), publicKey)).toBe(false);
    expect(isQuoteSignature(signature.slice(1), 'quote', outputs, publicKey)).toBe(false);
  }
});

test('the second form has lengths before what it joins, and amounts in their shortest bytes', () => {
  const message = quoteMessage('q', outputs, 'second');
  const amounts = ['00000000', '0000000101', '000000020100'];
  const points = outputs.map(({ blinded }) => `00000021${toHex(blinded)}`);
  expect(toHex(message)).toBe(
    `${toHex(new TextEncoder().encode('Cashu_MintQuoteSig_v1'))}0000000171${amounts.map((amount, i) => amount + points[i]).join('')}`,
  );
  expect(sha256(message)).toHaveLength(32);
});

test('a quote with a key demands a signature; one without does not look at it', () => {
  const signature = signQuote('quote', outputs, secretKey);
  checkQuoteSignature('quote', outputs, publicKey, signature);
  checkQuoteSignature('quote', outputs, undefined, undefined);
  for (const wrong of [undefined, new Uint8Array(64)]) {
    try {
      checkQuoteSignature('quote', outputs, publicKey, wrong);
      expect.unreachable();
    } catch (error) {
      expect((error as NotesError).mintError).toBe('quote_signature');
    }
  }
  expect(() => checkQuoteSignature('quote', outputs, new Uint8Array(33), signature)).toThrow(NotesError);
});
