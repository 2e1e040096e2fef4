// What a mint answers when it refuses, with HTTP status 400 (NUT-00).
import { MINT_ERRORS, type MintErrorName } from '../errors.ts';
import { TEXT_CHARS_MAX } from '../limits.ts';
import { body, integer, type JsonBody, members, text } from './fields.ts';

export interface MintErrorBody {
  readonly detail: string;
  /** See `MINT_ERRORS` and `mintErrorName`. */
  readonly code: number;
}

export const mintErrorBody: JsonBody<MintErrorBody> = body(
  members<MintErrorBody>({
    detail: ['detail', text(TEXT_CHARS_MAX)],
    code: ['code', integer(Number.MAX_SAFE_INTEGER)],
  }),
);

/** @param detail beyond the usual words; never a secret */
export const mintError = (name: MintErrorName, detail?: string): MintErrorBody => ({
  code: MINT_ERRORS[name].code,
  detail: detail ?? MINT_ERRORS[name].detail,
});
