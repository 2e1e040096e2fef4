/** What can go wrong at a terminal, and what to do about it. */
export const TERMINAL_ERROR_ADVICE = {
  invalid_argument: 'nothing was done; correct it',
  terminal_exists: 'use it as it is, or choose another folder',
  terminal_missing: 'make it first: specie terminal init',
  terminal_damaged: 'restore the notes from the twelve words into a new terminal',
  terminal_locked: 'stop the other process, or wait until it has finished',
  storage_full: 'nothing was stored; make room, then resume',
  storage_failed: 'it may or may not be stored; open the terminal again and resume',
  passphrase_needed: 'give the passphrase',
  wrong_passphrase: 'give the passphrase that the terminal was made with',
  phrase_invalid: 'check each word and their order',
  address_invalid: 'ask the other side for its address again',
  token_invalid: 'ask whoever made it for another',
  keyset_unknown: 'notes of another mint, currency or organisation are worth nothing here',
  insufficient_notes: 'receive or withdraw more, or finish what is under way',
  gateway_unknown: 'name one of those that this terminal was made with',
  gateway_refused: 'nothing was taken; do what the reason says',
  gateway_invalid: 'nothing was taken from this terminal; tell whoever runs the gateway',
  currency_differs: 'use a terminal of the currency of that gateway',
  amount_outside_terms: 'send another amount: specie terminal show has the limits',
  fee_too_high: 'agree to it with --fee-max, or ask whoever runs the gateway',
  delivery_invalid: 'it was not taken in: the gateway returns it to its sender, who should be told',
  notes_spent: 'whoever gave them has spent them elsewhere; they are worth nothing',
  mint_refused: 'nothing is lost; do what the reason says, then resume',
  mint_invalid: 'nothing is lost; tell whoever runs the mint, then resume',
  quote_expired: 'it was not paid in time; ask for another',
  operation_unknown: 'look it up in specie terminal show',
  unreachable: 'nothing is lost; resume when the other end can be reached',
  unfinished: 'nothing is lost; resume later',
  interrupted: 'nothing is lost; resume',
} as const;

export type TerminalErrorCode = keyof typeof TERMINAL_ERROR_ADVICE;

/** A refusal. The message says what was expected and what came, and never holds a secret. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly code: TerminalErrorCode;
  /** The message without code and advice. */
  readonly what: string;
  /** Of a gateway or a mint: the reason that it gave. */
  readonly reason: string | undefined;
  /** What it is about; it can be resumed. */
  readonly operation: bigint | undefined;

  constructor(
    code: TerminalErrorCode,
    what: string,
    {
      reason,
      operation,
      ...options
    }: ErrorOptions & { reason?: string | undefined; operation?: bigint | undefined } = {},
  ) {
    super(`${what} (${code}: ${TERMINAL_ERROR_ADVICE[code]})`, options);
    this.code = code;
    this.what = what;
    this.reason = reason;
    this.operation = operation;
  }
}
