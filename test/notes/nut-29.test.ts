// NUT-29: minting from several quotes at once.
import { expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/sha256.ts';
import {
  type BatchMintRequest,
  type BatchQuote,
  checkBatch,
  checkDistinct,
} from '../../src/notes/batch-mint.ts';
import { NotesError } from '../../src/notes/errors.ts';
import { mintErrorOf } from '../../src/notes/json/error.ts';
import { batchMintRequest, mintQuotesRequest } from '../../src/notes/json/quotes.ts';
import { signaturesAnswer } from '../../src/notes/json/swap.ts';
import { isQuoteSignature, quoteMessage, signQuote } from '../../src/notes/quote-signature.ts';
import { publicKeyOf } from '../../src/notes/schnorr.ts';
import { hex, toHex } from '../crypto/vectors.ts';
import { type Blocks, nutTests } from './nuts.ts';

const POINT = `02${'11'.repeat(32)}`;
const KEYSET = `01${'00'.repeat(32)}`;

/** The vectors have placeholders where keyset ids, points and signatures stand. */
const filled = (blocks: Blocks, place: number): string =>
  blocks
    .text(place)
    .replaceAll('"keyset_1"', `"${KEYSET}"`)
    .replaceAll(/"<(?:blinded_message|blind_signature)[^>]*>"/g, `"${POINT}"`)
    .replaceAll(/"<sig[^>]*>"/g, `"${'22'.repeat(64)}"`);

const paid = (mintable: bigint, method = 'bolt11'): BatchQuote => ({ method, unit: 'sat', mintable });

function refusal(
  request: BatchMintRequest,
  known: (BatchQuote | undefined)[],
  method = 'bolt11',
): NotesError {
  try {
    checkBatch(request, known, method);
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    return error as NotesError;
  }
  throw new Error('expected a refusal');
}

nutTests('29-tests.md', {
  'two quotes, one output': {
    blocks: [0],
    run: (blocks) => checkBatch(batchMintRequest.decode(filled(blocks, 0)), [paid(5n), paid(3n)], 'bolt11'),
  },
  'the answer': {
    blocks: [1],
    run: (blocks) => expect(signaturesAnswer.decode(filled(blocks, 1)).signatures[0]!.amount).toBe(8n),
  },
  'quotes that are not known': {
    blocks: [2, 3],
    run(blocks) {
      // Whether a check of states passes over them is the mint's to say; newer specifications demand it.
      const { quotes } = mintQuotesRequest.decode(blocks.text(2));
      expect(quotes).toEqual(['known-1', 'bogus', 'unknown-2']);
      expect(() => checkDistinct(quotes)).not.toThrow();
      const known = quotes.map((quote) => (quote === 'known-1' ? paid(1n) : undefined));
      expect(refusal({ quotes, outputs: [] }, known).message).toContain('quotes[1]');
      expect(blocks.json<{ code: string }>(3).code).toBe('UNKNOWN_QUOTE');
    },
  },
  'one unknown quote': {
    blocks: [4],
    run(blocks) {
      const quotes = [...blocks.text(4).matchAll(/"(\w+_quote_id)"/g)].map((match) => match[1]!);
      expect(quotes.length).toBe(2);
      expect(refusal({ quotes, outputs: [] }, [paid(1n), undefined]).message).toContain('quotes[1]');
    },
  },
  'no quotes': {
    blocks: [5],
    run: (blocks) => expect(refusal(batchMintRequest.decode(filled(blocks, 5)), []).code).toBe('malformed'),
  },
  'one quote twice': {
    blocks: [6],
    run(blocks) {
      const error = refusal(batchMintRequest.decode(filled(blocks, 6)), [paid(1n), paid(1n)]);
      expect(mintErrorOf(error).code).toBe(11016);
    },
  },
  'two methods': {
    blocks: [7],
    run(blocks) {
      const request = batchMintRequest.decode(filled(blocks, 7));
      expect(refusal(request, [paid(5n), paid(3n, 'bolt12')]).message).toContain('quotes[1]');
      checkBatch(request, [paid(5n), paid(3n)], 'bolt11');
    },
  },
  'fewer signatures than quotes': {
    blocks: [8],
    run(blocks) {
      const request = batchMintRequest.decode(filled(blocks, 8));
      expect(refusal(request, [paid(1n), paid(1n)]).message).toContain('signatures');
    },
  },
  'a signature': {
    blocks: [9, 10],
    run(blocks) {
      const { quotes, outputs, signatures } = batchMintRequest.decode(blocks.text(10));
      const key = hex(blocks.value(9, 'pubkey'));
      expect(quotes).toEqual([blocks.value(9, 'quote')]);
      expect(toHex(signatures![0]!)).toBe(blocks.value(9, 'signature[0]'));
      // The quote of the vector was renamed after it was signed: signature and hash are of "locked-quote" (the hash over the
      // points' bytes, the signature over their text, which is what NUT-20 signs).
      const points = outputs.map(({ blinded }) => Buffer.from(blinded));
      expect(toHex(sha256(Buffer.concat([Buffer.from('locked-quote'), ...points])))).toBe(
        blocks.value(9, 'msg_hash'),
      );
      expect(isQuoteSignature(signatures![0]!, 'locked-quote', outputs, key)).toBe(true);
      expect(isQuoteSignature(signatures![0]!, 'locked-quote', [...outputs].reverse(), key)).toBe(false);
      expect(isQuoteSignature(signatures![0]!, quotes[0]!, outputs, key)).toBe(false);
      expect(quoteMessage(quotes[0]!, outputs, 'first').length).toBe(36 + 2 * 66);
    },
  },
});

const secretKey = new Uint8Array(32).fill(4);
const outputs = [{ amount: 8n, keysetId: KEYSET, blinded: hex(POINT) }];
const request = { quotes: ['a', 'b'], outputs };
const locked = { ...paid(5n), publicKey: publicKeyOf(secretKey) };

test('each quote with a key needs its signature, each without needs none', () => {
  const signature = signQuote('a', outputs, secretKey);
  checkBatch({ ...request, signatures: [signature, undefined] }, [locked, paid(3n)], 'bolt11');
  expect(mintErrorOf(refusal(request, [locked, paid(3n)])).code).toBe(20008);
  const swapped = { ...request, signatures: [undefined, signature] };
  expect(mintErrorOf(refusal(swapped, [locked, paid(3n)])).code).toBe(20008);
  const both = { ...request, signatures: [signature, signature] };
  expect(refusal(both, [locked, paid(3n)]).code).toBe('malformed');
});

test('amounts: all that was paid or what is said, never more, and as much as the outputs', () => {
  checkBatch(request, [paid(5n), paid(3n)], 'bolt11');
  checkBatch({ ...request, quoteAmounts: [4n, 4n] }, [paid(5n), paid(4n)], 'bolt11');
  expect(mintErrorOf(refusal(request, [paid(5n), paid(4n)])).code).toBe(11005);
  expect(mintErrorOf(refusal(request, [paid(8n), paid(0n)])).code).toBe(20001);
  const more = { ...request, quoteAmounts: [6n, 2n] };
  expect(mintErrorOf(refusal(more, [paid(5n), paid(3n)])).code).toBe(11006);
  expect(refusal({ ...request, quoteAmounts: [8n] }, [paid(5n), paid(3n)]).code).toBe('malformed');
  const dollars = { ...paid(3n), unit: 'usd' };
  expect(mintErrorOf(refusal(request, [paid(5n), dollars])).code).toBe(11009);
  const many = { quotes: Array.from({ length: 101 }, (_, i) => `${i}`), outputs };
  expect(mintErrorOf(refusal(many, [])).code).toBe(11017);
});
