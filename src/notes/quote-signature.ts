// A quote that only who has a key may mint from (NUT-20), also in batches (NUT-29).
//
//     first form    quote │ B_0 │ B_1 │ …                         as texts; what wallets in use sign
//     second form   "Cashu_MintQuoteSig_v1" │ quote │ amount_0 │ B_0 │ …   each behind its length
//
// The first form does not hold the amounts. A mint takes either.
import { NotesError } from './errors.ts';
import { toHex } from './hex.ts';
import type { BlindedMessage } from './note.ts';
import { type RandomBytes, systemRandomBytes } from './random.ts';
import { isSignatureOf, signMessage } from './schnorr.ts';

export type QuoteMessageForm = 'first' | 'second';

type Outputs = readonly Pick<BlindedMessage, 'amount' | 'blinded'>[];

const utf8 = new TextEncoder();
const DOMAIN = utf8.encode('Cashu_MintQuoteSig_v1');

function minimalBytes(amount: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = amount; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
  return Uint8Array.from(bytes);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function behindLength(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return joined([length, bytes]);
}

/** What is hashed and signed. */
export function quoteMessage(quote: string, outputs: Outputs, form: QuoteMessageForm): Uint8Array {
  if (form === 'first') return utf8.encode(quote + outputs.map(({ blinded }) => toHex(blinded)).join(''));
  return joined([
    DOMAIN,
    behindLength(utf8.encode(quote)),
    ...outputs.flatMap(({ amount, blinded }) => [behindLength(minimalBytes(amount)), behindLength(blinded)]),
  ]);
}

export function signQuote(
  quote: string,
  outputs: Outputs,
  secretKey: Uint8Array,
  {
    form = 'first',
    randomBytes = systemRandomBytes,
  }: { form?: QuoteMessageForm; randomBytes?: RandomBytes } = {},
): Uint8Array {
  return signMessage(quoteMessage(quote, outputs, form), secretKey, randomBytes);
}

export function isQuoteSignature(
  signature: Uint8Array,
  quote: string,
  outputs: Outputs,
  publicKey: Uint8Array,
): boolean {
  return (['first', 'second'] as const).some((form) =>
    isSignatureOf(signature, quoteMessage(quote, outputs, form), publicKey),
  );
}

/** @throws NotesError with what a mint answers: 20008 */
export function checkQuoteSignature(
  quote: string,
  outputs: Outputs,
  publicKey: Uint8Array | undefined,
  signature: Uint8Array | undefined,
): void {
  if (publicKey === undefined) return;
  if (signature === undefined || !isQuoteSignature(signature, quote, outputs, publicKey)) {
    throw new NotesError('bad_signature', 'mint request: expected a signature by the key of its quote', {
      mintError: 'quote_signature',
    });
  }
}
