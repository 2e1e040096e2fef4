// Minting from several quotes at once, from all or from none (NUT-29): the rules that need no store.
import { NotesError } from './errors.ts';
import { QUOTES_MAX } from './limits.ts';
import { type BlindedMessage, sumOf } from './note.ts';
import { checkQuoteSignature } from './quote-signature.ts';

export interface BatchMintRequest {
  readonly quotes: readonly string[];
  /** What to mint from each; absent: all that was paid. */
  readonly quoteAmounts?: readonly bigint[];
  readonly outputs: readonly BlindedMessage[];
  /** One for each quote, undefined for those without a key; absent where none has one (NUT-20). */
  readonly signatures?: readonly (Uint8Array | undefined)[];
}

/** What a mint knows of a quote. */
export interface BatchQuote {
  readonly method: string;
  readonly unit: string;
  /** Paid and not yet minted. */
  readonly mintable: bigint;
  readonly publicKey?: Uint8Array;
}

const malformed = (message: string): NotesError => new NotesError('malformed', `batch: ${message}`);

/** Number and form, before any quote is looked up. @throws NotesError */
export function checkBatchForm(
  { quotes, quoteAmounts, signatures }: BatchMintRequest,
  max = QUOTES_MAX,
): void {
  if (quotes.length === 0) throw malformed('expected a quote, got none');
  if (quotes.length > max) {
    throw new NotesError('too_large', `batch: expected at most ${max} quotes, got ${quotes.length}`, {
      mintError: 'batch_too_large',
    });
  }
  checkDistinct(quotes);
  if (quoteAmounts !== undefined && quoteAmounts.length !== quotes.length)
    throw malformed(`expected ${quotes.length} amounts, got ${quoteAmounts.length}`);
  if (signatures !== undefined && signatures.length !== quotes.length)
    throw malformed(`expected ${quotes.length} signatures, got ${signatures.length}`);
}

/** @throws NotesError */
export function checkDistinct(quotes: readonly string[]): void {
  if (new Set(quotes).size < quotes.length) {
    throw new NotesError('malformed', 'batch: expected quotes that differ, got one twice', {
      mintError: 'duplicate_quotes',
    });
  }
}

/**
 * Everything else, with what the mint knows of each quote in their order.
 * @param known undefined: no quote of that id
 * @throws NotesError
 */
export function checkBatch(
  request: BatchMintRequest,
  known: readonly (BatchQuote | undefined)[],
  method: string,
  max = QUOTES_MAX,
): void {
  checkBatchForm(request, max);
  const { quotes, outputs, quoteAmounts, signatures } = request;
  const found = quotes.map((_, i) => {
    const quote = known[i];
    if (quote === undefined) throw malformed(`quotes[${i}]: expected one that is known`);
    if (quote.method !== method) throw malformed(`quotes[${i}]: expected method ${method}`);
    if (quote.mintable <= 0n) {
      throw new NotesError('malformed', `quotes[${i}]: expected one that is paid and not yet minted`, {
        mintError: 'quote_not_paid',
      });
    }
    return quote;
  });
  if (new Set(found.map(({ unit }) => unit)).size > 1)
    throw new NotesError('malformed', 'batch: expected quotes of one unit', { mintError: 'several_units' });
  let total = 0n;
  found.forEach(({ mintable }, i) => {
    const amount = quoteAmounts?.[i] ?? mintable;
    if (amount <= 0n || amount > mintable) {
      throw new NotesError('amount', `quote_amounts[${i}]: expected 1 to ${mintable}, got ${amount}`, {
        mintError: 'amount_outside_limits',
      });
    }
    total += amount;
  });
  if (sumOf(outputs) !== total) {
    throw new NotesError('amount', `outputs: expected ${total} in all, got ${sumOf(outputs)}`, {
      mintError: 'not_balanced',
    });
  }
  found.forEach(({ publicKey }, i) => {
    const signature = signatures?.[i];
    if (publicKey === undefined && signature !== undefined)
      throw malformed(`signatures[${i}]: expected none, because the quote has no key`);
    checkQuoteSignature(quotes[i]!, outputs, publicKey, signature);
  });
}
