// Calls of a mint by a holder of notes. What it answers is one of three things: what was asked for, a definite no with its
// number, or nothing that can be relied on, after which the same is asked again.
import { MintUnreachable } from '../mint/client.ts';
import { MintRefused } from '../mint/errors.ts';
import { NotesError } from '../notes/errors.ts';
import { TerminalError } from './errors.ts';
import { shortened } from './note-store.ts';

export interface MintRefusal {
  readonly kind: 'refused';
  /** Cashu's; 0: none. */
  readonly code: number;
  readonly detail: string;
}

export type MintResult<Answer> = { readonly kind: 'ok'; readonly answer: Answer } | MintRefusal;

/** It is too busy, or cannot write: nothing was done, and the same may be asked again. */
const LATER: ReadonlySet<number> = new Set([429, 503]);

/** @throws TerminalError unreachable, mint_invalid */
export async function asked<Answer>(call: Promise<Answer>): Promise<MintResult<Answer>> {
  try {
    return { kind: 'ok', answer: await call };
  } catch (error) {
    if (error instanceof MintRefused && !LATER.has(error.status))
      return { kind: 'refused', code: error.code, detail: shortened(error.message) };
    const { message, cause } = error as Error;
    if (error instanceof MintUnreachable && cause instanceof NotesError)
      throw new TerminalError('mint_invalid', message, { cause: error });
    throw new TerminalError('unreachable', `mint: expected an answer, got none: ${message}`, {
      cause: error,
    });
  }
}

/** @throws TerminalError mint_refused, unreachable, mint_invalid */
export async function granted<Answer>(call: Promise<Answer>, what: string): Promise<Answer> {
  const result = await asked(call);
  if (result.kind === 'ok') return result.answer;
  throw refusedBy(result, what);
}

export function refusedBy(
  { code, detail }: Pick<MintRefusal, 'code' | 'detail'>,
  what: string,
  operation?: bigint,
): TerminalError {
  return new TerminalError('mint_refused', `${what}: the mint refuses it: ${detail} (${code})`, {
    reason: `${code}`,
    operation,
  });
}
