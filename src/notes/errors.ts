// What is refused of notes, and the numbers that Cashu's HTTP interface answers with (its error_codes.md).

/** Why a note, a token, a keyset, a body or an answer was refused. */
export type NotesErrorCode =
  /** It does not have the form that it should have. */
  | 'malformed'
  /** It is beyond a bound of limits.ts. */
  | 'too_large'
  /** A version, kind or prefix that is not offered here. */
  | 'unsupported'
  /** No keyset of that id, or no key of that amount in it. */
  | 'unknown_keyset'
  /** A short keyset id that more than one known keyset begins with (NUT-00). */
  | 'ambiguous_keyset'
  /** Keys that are none, or that do not belong to the id. */
  | 'bad_keyset'
  /** The amount cannot be made up of these denominations, or is none. */
  | 'amount'
  /** The notes at hand do not reach. */
  | 'insufficient'
  /** What a mint answered is not what was asked for. */
  | 'wrong_answer'
  /** A signature or a proof of one does not verify. */
  | 'bad_signature'
  /** A spending condition is not one, or is not met (NUT-10). */
  | 'condition'
  /** A seed phrase that is none. */
  | 'seed_phrase';

/** A refusal. The message says what was expected and what came, and never holds a secret. */
export class NotesError extends Error {
  override readonly name = 'NotesError';
  readonly code: NotesErrorCode;
  /** What a mint answers for it, where the code alone does not say: see `mintErrorOf`. */
  readonly mintError: MintErrorName | undefined;

  constructor(code: NotesErrorCode, message: string, options: NotesErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.mintError = options.mintError;
  }
}

export interface NotesErrorOptions extends ErrorOptions {
  readonly mintError?: MintErrorName;
}

interface MintErrorEntry {
  readonly code: number;
  readonly detail: string;
}

/** Cashu's error_codes.md; what this project never answers (blind and clear authentication, filters) is left out. */
export const MINT_ERRORS = {
  note_not_valid: { code: 10001, detail: 'proof verification failed' },
  notes_spent: { code: 11001, detail: 'proofs already spent' },
  notes_pending: { code: 11002, detail: 'proofs are pending' },
  outputs_signed: { code: 11003, detail: 'outputs already signed' },
  outputs_pending: { code: 11004, detail: 'outputs are pending' },
  not_balanced: { code: 11005, detail: 'transaction is not balanced' },
  amount_outside_limits: { code: 11006, detail: 'amount outside of limit range' },
  duplicate_inputs: { code: 11007, detail: 'duplicate inputs provided' },
  duplicate_outputs: { code: 11008, detail: 'duplicate outputs provided' },
  several_units: { code: 11009, detail: 'inputs or outputs of multiple units' },
  units_differ: { code: 11010, detail: 'inputs and outputs not of same unit' },
  amountless_request: { code: 11011, detail: 'amountless request is not supported' },
  amounts_differ: { code: 11012, detail: 'amount in request does not equal the one to be paid' },
  unit_not_supported: { code: 11013, detail: 'unit in request is not supported' },
  too_many_inputs: { code: 11014, detail: 'max inputs exceeded' },
  too_many_outputs: { code: 11015, detail: 'max outputs exceeded' },
  duplicate_quotes: { code: 11016, detail: 'duplicate quote IDs provided' },
  batch_too_large: { code: 11017, detail: 'max batch size exceeded' },
  keyset_unknown: { code: 12001, detail: 'keyset is not known' },
  keyset_inactive: { code: 12002, detail: 'keyset is inactive, cannot sign messages' },
  keyset_expired: { code: 12003, detail: 'keyset has expired' },
  quote_not_paid: { code: 20001, detail: 'quote request is not paid' },
  quote_issued: { code: 20002, detail: 'quote has already been issued' },
  minting_disabled: { code: 20003, detail: 'minting is disabled' },
  payment_failed: { code: 20004, detail: 'payment failed' },
  quote_pending: { code: 20005, detail: 'quote is pending' },
  already_paid: { code: 20006, detail: 'request already paid' },
  quote_expired: { code: 20007, detail: 'quote is expired' },
  quote_signature: { code: 20008, detail: 'signature for mint request invalid' },
  quote_key_required: { code: 20009, detail: 'pubkey required for mint quote' },
} as const satisfies Record<string, MintErrorEntry>;

export type MintErrorName = keyof typeof MINT_ERRORS;

const NAMES = new Map<number, MintErrorName>(
  (Object.keys(MINT_ERRORS) as MintErrorName[]).map((name) => [MINT_ERRORS[name].code, name]),
);

/** undefined: a number that is not in the list, which another mint may answer. */
export function mintErrorName(code: number): MintErrorName | undefined {
  return NAMES.get(code);
}
