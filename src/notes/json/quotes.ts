// /v1/mint and /v1/melt with their quotes, of any payment method (NUT-04, NUT-05, NUT-08, NUT-20, NUT-23).
//
//     POST /v1/mint/quote/{method}   MintQuoteRequest   ─▶ MintQuote        POST /v1/mint/{method}  MintRequest ─▶ signatures
//     POST /v1/melt/quote/{method}   MeltQuoteRequest   ─▶ MeltQuote        POST /v1/melt/{method}  MeltRequest ─▶ MeltQuote
import type { BatchMintRequest } from '../batch-mint.ts';
import {
  INPUTS_MAX,
  OUTPUTS_MAX,
  QUOTE_ID_CHARS_MAX,
  QUOTES_MAX,
  REQUEST_CHARS_MAX,
  TEXT_CHARS_MAX,
  UNIT_CHARS_MAX,
} from '../limits.ts';
import type { BlindedMessage, BlindSignature, Note } from '../note.ts';
import {
  amount,
  body,
  type Field,
  hex,
  type JsonBody,
  list,
  members,
  oneOf,
  optional,
  orNull,
  point,
  quoteId,
  seconds,
  text,
  wrong,
} from './fields.ts';
import { inputField, outputField, signatureField } from './notes.ts';

const unit = text(UNIT_CHARS_MAX);
const schnorrSignature = hex(64);

export interface MintQuoteRequest {
  readonly amount: bigint;
  readonly unit: string;
  readonly description?: string;
  /** Only who has its secret key can mint (NUT-20). */
  readonly publicKey?: Uint8Array;
}

export const mintQuoteRequest: JsonBody<MintQuoteRequest> = body(
  members<MintQuoteRequest>({
    amount: ['amount', amount],
    unit: ['unit', unit],
    description: ['description', optional(text(TEXT_CHARS_MAX))],
    publicKey: ['pubkey', optional(point)],
  }),
);

export type MintQuoteState = 'UNPAID' | 'PAID' | 'ISSUED';

export interface MintQuote {
  readonly quote: string;
  /** What is to be paid, in the method's form. */
  readonly request: string;
  readonly amount?: bigint;
  readonly unit?: string;
  readonly method?: string;
  readonly state: MintQuoteState;
  readonly amountPaid?: bigint;
  readonly amountIssued?: bigint;
  /** Unix seconds. */
  readonly updatedAt?: bigint;
  /** Unix seconds. */
  readonly expiry?: bigint;
  readonly publicKey?: Uint8Array;
}

type ReadMintQuote = Omit<MintQuote, 'state'> & { readonly state?: MintQuoteState };

function stateOf({ state, amountPaid, amountIssued }: ReadMintQuote, name: string): MintQuoteState {
  if (state !== undefined) return state;
  // Newer mints say the amounts alone.
  if (amountPaid === undefined || amountIssued === undefined) throw wrong(`${name}.state`, 'it to be there');
  if (amountPaid === 0n) return 'UNPAID';
  return amountPaid > amountIssued ? 'PAID' : 'ISSUED';
}

const readMintQuote = members<ReadMintQuote>({
  quote: ['quote', quoteId],
  request: ['request', text(REQUEST_CHARS_MAX)],
  amount: ['amount', optional(amount)],
  unit: ['unit', optional(unit)],
  method: ['method', optional(text(UNIT_CHARS_MAX))],
  state: ['state', optional(oneOf('UNPAID', 'PAID', 'ISSUED'))],
  amountPaid: ['amount_paid', optional(amount)],
  amountIssued: ['amount_issued', optional(amount)],
  updatedAt: ['updated_at', optional(seconds)],
  expiry: ['expiry', optional(seconds)],
  publicKey: ['pubkey', optional(point)],
});

const mintQuoteField: Field<MintQuote> = {
  read(value, name) {
    const quote = readMintQuote.read(value, name);
    return { ...quote, state: stateOf(quote, name) };
  },
  write: (value) => readMintQuote.write(value),
};

export const mintQuote: JsonBody<MintQuote> = body(mintQuoteField);

/** POST /v1/mint/quote/{method}/check (NUT-29). */
export interface MintQuotesRequest {
  readonly quotes: readonly string[];
}

export const mintQuotesRequest: JsonBody<MintQuotesRequest> = body(
  members<MintQuotesRequest>({ quotes: ['quotes', list(quoteId, QUOTES_MAX, 'batch_too_large')] }),
);

/** In the order of the request, without those that the mint does not know. */
export const mintQuotesAnswer: JsonBody<readonly MintQuote[]> = body(list(mintQuoteField, QUOTES_MAX));

/** POST /v1/mint/{method}/batch (NUT-29); for its rules see `checkBatch`. */
export const batchMintRequest: JsonBody<BatchMintRequest> = body(
  members<BatchMintRequest>({
    quotes: ['quotes', list(quoteId, QUOTES_MAX, 'batch_too_large')],
    quoteAmounts: ['quote_amounts', optional(list(amount, QUOTES_MAX))],
    outputs: ['outputs', list(outputField, OUTPUTS_MAX, 'too_many_outputs')],
    signatures: ['signatures', optional(list(orNull(schnorrSignature), QUOTES_MAX))],
  }),
);

export interface MintRequest {
  readonly quote: string;
  readonly outputs: readonly BlindedMessage[];
  /** BIP 340, 64 bytes, where the quote has a key (NUT-20). */
  readonly signature?: Uint8Array;
}

export const mintRequest: JsonBody<MintRequest> = body(
  members<MintRequest>({
    quote: ['quote', quoteId],
    outputs: ['outputs', list(outputField, OUTPUTS_MAX, 'too_many_outputs')],
    signature: ['signature', optional(schnorrSignature)],
  }),
);

export interface MeltQuoteRequest {
  /** Whom to pay, in the method's form. */
  readonly request: string;
  readonly unit: string;
  /** For methods whose request does not say it. */
  readonly amount?: bigint;
}

export const meltQuoteRequest: JsonBody<MeltQuoteRequest> = body(
  members<MeltQuoteRequest>({
    request: ['request', text(REQUEST_CHARS_MAX)],
    unit: ['unit', unit],
    amount: ['amount', optional(amount)],
  }),
);

export type MeltQuoteState = 'UNPAID' | 'PENDING' | 'PAID';

export interface MeltQuote {
  readonly quote: string;
  readonly request?: string;
  readonly amount: bigint;
  readonly unit?: string;
  readonly method?: string;
  /** What the payment may cost beyond the amount; what is not used comes back as change (NUT-08). */
  readonly feeReserve?: bigint;
  readonly state: MeltQuoteState;
  /** Unix seconds. */
  readonly expiry?: bigint;
  /** The method's proof of payment. */
  readonly paymentProof?: string;
  readonly change?: readonly BlindSignature[];
}

export const meltQuote: JsonBody<MeltQuote> = body(
  members<MeltQuote>({
    quote: ['quote', quoteId],
    request: ['request', optional(text(REQUEST_CHARS_MAX))],
    amount: ['amount', amount],
    unit: ['unit', optional(unit)],
    method: ['method', optional(text(UNIT_CHARS_MAX))],
    feeReserve: ['fee_reserve', optional(amount)],
    state: ['state', oneOf('UNPAID', 'PENDING', 'PAID')],
    expiry: ['expiry', optional(seconds)],
    paymentProof: ['payment_preimage', optional(text(TEXT_CHARS_MAX))],
    change: ['change', optional(list(signatureField, OUTPUTS_MAX))],
  }),
);

export interface MeltRequest {
  readonly quote: string;
  readonly inputs: readonly Note[];
  /** For change, of amount 0 (NUT-08). */
  readonly outputs?: readonly BlindedMessage[];
}

export const meltRequest: JsonBody<MeltRequest> = body(
  members<MeltRequest>({
    quote: ['quote', quoteId],
    inputs: ['inputs', list(inputField, INPUTS_MAX, 'too_many_inputs')],
    outputs: ['outputs', optional(list(outputField, OUTPUTS_MAX, 'too_many_outputs'))],
  }),
);

/** Whether a path may name a payment method: `bolt11`, `specie`, an operator's own. */
export const isMethodName = (name: string): boolean =>
  name.length <= UNIT_CHARS_MAX && /^[a-z0-9][a-z0-9_-]*$/.test(name);

/** Whether a path may name a quote. */
export const isQuoteId = (id: string): boolean => id.length > 0 && id.length <= QUOTE_ID_CHARS_MAX;
