// What a mint answers when it refuses, with HTTP status 400 (NUT-00).
import { MINT_ERRORS, type MintErrorName, type NotesError, type NotesErrorCode } from '../errors.ts';
import { TEXT_CHARS_MAX } from '../limits.ts';
import { body, integer, type JsonBody, members, optional, text } from './fields.ts';

export interface MintErrorBody {
  readonly detail: string;
  /** See `MINT_ERRORS` and `mintErrorName`. */
  readonly code: number;
}

/** For what Cashu has no number for. */
const NO_CODE = 0;

const given = members<Partial<MintErrorBody>>({
  detail: ['detail', optional(text(TEXT_CHARS_MAX))],
  code: ['code', optional(integer(Number.MAX_SAFE_INTEGER))],
});

/** Other mints leave out one or the other. */
export const mintErrorBody: JsonBody<MintErrorBody> = body<MintErrorBody>({
  read: (value, name) => ({ detail: '', code: NO_CODE, ...given.read(value, name) }),
  write: (value) => given.write(value),
});

/** @param detail beyond the usual words; never a secret */
export const mintError = (name: MintErrorName, detail?: string): MintErrorBody => ({
  code: MINT_ERRORS[name].code,
  detail: detail ?? MINT_ERRORS[name].detail,
});

const ANSWERS: { readonly [Code in NotesErrorCode]: MintErrorName | undefined } = {
  malformed: undefined,
  too_large: undefined,
  unsupported: undefined,
  unknown_keyset: 'keyset_unknown',
  ambiguous_keyset: 'keyset_unknown',
  bad_keyset: 'keyset_unknown',
  amount: 'amount_outside_limits',
  insufficient: 'not_balanced',
  wrong_answer: undefined,
  bad_signature: 'note_not_valid',
  condition: 'note_not_valid',
  seed_phrase: undefined,
};

/** What a mint answers to a request that was refused. */
export function mintErrorOf(error: NotesError): MintErrorBody {
  const name = error.mintError ?? ANSWERS[error.code];
  return { detail: error.message, code: name === undefined ? NO_CODE : MINT_ERRORS[name].code };
}
