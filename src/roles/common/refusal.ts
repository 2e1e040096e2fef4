// A definite no: nothing was done, and what was asked for will not be done unless it is asked for again.

/**
 * Codes that every role may answer with. Their numbers on the wire are their places in this list: new ones are only ever
 * added at the end. A role's own codes stand in a list of its own.
 */
export const COMMON_REFUSALS = [
  'malformed',
  'not_permitted',
  'request_differs',
  'busy',
  'storage_full',
  'stopping',
  'internal_error',
] as const;
export type CommonRefusal = (typeof COMMON_REFUSALS)[number];

/** After which common refusals the same request may be sent again, unchanged, after a pause. */
export const MAY_REPEAT: { readonly [code in CommonRefusal]: boolean } = {
  malformed: false,
  not_permitted: false,
  request_differs: false,
  busy: true,
  storage_full: true,
  stopping: true,
  internal_error: true,
};

export function mayRepeat({ code }: Refusal): boolean {
  return Object.hasOwn(MAY_REPEAT, code) && MAY_REPEAT[code as CommonRefusal];
}

export class Refusal<Code extends string = string> {
  readonly code: Code | CommonRefusal;
  /** What was expected and what came; never a secret. */
  readonly message: string;

  constructor(code: Code | CommonRefusal, message: string) {
    this.code = code;
    this.message = message;
  }
}
