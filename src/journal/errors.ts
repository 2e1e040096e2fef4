/** What can go wrong in the journal, and what a caller may do about it. */
export const JOURNAL_ERROR_ADVICE = {
  journal_full: 'nothing of the group was stored; make room and append again',
  journal_io: 'nothing of the group was stored; check the disk, then append again',
  journal_unknown: 'the group may or may not be stored; close the journal, open it again and compare its tip',
  journal_corrupt: 'restore the store from a copy, or run `specie verify` to learn which entries are whole',
  journal_locked: 'stop the other process, or open another store',
  journal_closed: 'open the journal again',
  journal_misuse: 'nothing was stored; the caller broke the contract of the journal',
} as const;

export type JournalErrorCode = keyof typeof JOURNAL_ERROR_ADVICE;

export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;
  /** The message without code and advice. */
  readonly what: string;

  constructor(code: JournalErrorCode, what: string, options?: ErrorOptions) {
    super(`${what} (${code}: ${JOURNAL_ERROR_ADVICE[code]})`, options);
    this.code = code;
    this.what = what;
  }
}
