export type Iso20022ErrorCode =
  /** A bound of limits.ts. */
  | 'too_large'
  /** Neither UTF-8 nor ASCII. */
  | 'bad_encoding'
  /** Not well-formed. */
  | 'bad_xml'
  /** A document type or an entity of one: nothing in ISO 20022 needs them, and they reach for other files. */
  | 'forbidden_xml'
  /** XML of another kind, another message or another version than was asked for. */
  | 'wrong_message'
  | 'missing'
  | 'repeated'
  /** Longer or shorter than the message's type allows, or with characters that it does not. */
  | 'bad_text'
  | 'bad_date'
  | 'bad_amount'
  | 'zero_amount'
  | 'bad_currency'
  | 'bad_account'
  /** Right as ISO 20022 has it, but of a kind that is not handled here, such as a cheque. */
  | 'not_handled'
  /** A number of transactions that is not the number of transactions. */
  | 'bad_count'
  /** A control sum that is not the sum. */
  | 'bad_sum'
  | 'duplicate';

/** What is wrong with a message, and where. */
export interface Finding {
  readonly code: Iso20022ErrorCode;
  /** `CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[3]/Amt/InstdAmt`; empty where it is the whole. */
  readonly path: string;
  /** `expected …, got …`. Never with an account's number in it. */
  readonly problem: string;
}

/** The message cannot be used as a whole. */
export class Iso20022Error extends Error implements Finding {
  override readonly name = 'Iso20022Error';
  readonly code: Iso20022ErrorCode;
  readonly path: string;
  readonly problem: string;

  constructor(code: Iso20022ErrorCode, path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.code = code;
    this.path = path;
    this.problem = problem;
  }
}

/** The finding of an error of this library; other errors are thrown on. */
export function findingOf(error: unknown): Finding {
  if (!(error instanceof Iso20022Error)) throw error;
  const { code, path, problem } = error;
  return { code, path, problem };
}
