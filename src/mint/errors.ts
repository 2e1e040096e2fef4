// What a mint says when it refuses: Cashu's numbers (error_codes.md; src/notes/errors.ts has them), with HTTP status 400 unless
// told otherwise. Nothing of a refused request was done.

import { type MintErrorName, mintErrorName } from '../notes/errors.ts';
import { type MintErrorBody, mintError } from '../notes/json/error.ts';

/** Of a refusal that Cashu has no number for. */
export const NO_CODE = 0;

export class MintRefused extends Error {
  override readonly name = 'MintRefused';
  /** Of MINT_ERRORS, of another mint's own, or NO_CODE. */
  readonly code: number;
  /** HTTP's. */
  readonly status: number;

  constructor({ code, detail }: MintErrorBody, status = 400) {
    super(detail);
    this.code = code;
    this.status = status;
  }

  /** undefined: a number that is not in Cashu's list. */
  get error(): MintErrorName | undefined {
    return mintErrorName(this.code);
  }

  get body(): MintErrorBody {
    return { detail: this.message, code: this.code };
  }
}

/** @param detail beyond the usual words; never a secret */
export const refused = (name: MintErrorName, detail?: string): MintRefused =>
  new MintRefused(mintError(name, detail));

/** The form of a request is wrong, or Cashu has no number for what is. */
export const badRequest = (detail: string): MintRefused => new MintRefused({ code: NO_CODE, detail });

/** May be asked again later. */
export const busy = (detail: string): MintRefused => new MintRefused({ code: NO_CODE, detail }, 503);

/** No answer that a mint gives: none came, it was too large, too late, or not what was asked for. */
export class MintUnreachable extends Error {
  override readonly name = 'MintUnreachable';
}
