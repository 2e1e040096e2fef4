// Calls of Cashu's interface by a holder of notes. What a mint answers is one of three things: what was asked for, a definite
// no with its number, or nothing that can be relied on, after which the same is asked again.
import { NotesError } from '../notes/errors.ts';
import { mintErrorBody } from '../notes/json/error.ts';
import type { JsonBody } from '../notes/json/fields.ts';
import { type MintInfo, mintInfo } from '../notes/json/info.ts';
import { type KeysAnswer, type KeysetsAnswer, keysAnswer, keysetsAnswer } from '../notes/json/keys.ts';
import {
  isMethodName,
  isQuoteId,
  type MeltQuote,
  type MeltQuoteRequest,
  type MeltRequest,
  type MintQuote,
  type MintQuoteRequest,
  type MintRequest,
  meltQuote,
  meltQuoteRequest,
  meltRequest,
  mintQuote,
  mintQuoteRequest,
  mintRequest,
} from '../notes/json/quotes.ts';
import { type StatesAnswer, statesAnswer, statesRequest } from '../notes/json/states.ts';
import {
  type RestoreAnswer,
  restoreAnswer,
  restoreRequest,
  type SignaturesAnswer,
  type SwapRequest,
  signaturesAnswer,
  swapRequest,
} from '../notes/json/swap.ts';
import type { BlindedMessage } from '../notes/note.ts';
import { TerminalError } from './errors.ts';
import { shortened } from './note-store.ts';
import type { MintTransport } from './ports.ts';

export type MintResult<Answer> =
  | { readonly kind: 'ok'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly code: number; readonly detail: string };

const nothing: JsonBody<Record<never, never>> = {
  decode: () => ({}),
  encode: () => '',
  field: { read: () => ({}), write: () => ({}) },
};

function namedPath(path: string, name: string, isName: (text: string) => boolean): string {
  if (!isName(name)) {
    throw new TerminalError(
      'invalid_argument',
      `${path}: expected a name of the interface, got another text`,
    );
  }
  return `${path}/${encodeURIComponent(name)}`;
}

export class MintCalls {
  readonly #transport: MintTransport;

  constructor(transport: MintTransport) {
    this.#transport = transport;
  }

  info(): Promise<MintResult<MintInfo>> {
    return this.#call('GET', '/v1/info', nothing, {}, mintInfo);
  }

  keysets(): Promise<MintResult<KeysetsAnswer>> {
    return this.#call('GET', '/v1/keysets', nothing, {}, keysetsAnswer);
  }

  keys(keysetId: string): Promise<MintResult<KeysAnswer>> {
    return this.#call('GET', `/v1/keys/${keysetId}`, nothing, {}, keysAnswer);
  }

  swap(request: SwapRequest): Promise<MintResult<SignaturesAnswer>> {
    return this.#call('POST', '/v1/swap', swapRequest, request, signaturesAnswer);
  }

  states(noteIds: readonly Uint8Array[]): Promise<MintResult<StatesAnswer>> {
    return this.#call('POST', '/v1/checkstate', statesRequest, { noteIds }, statesAnswer);
  }

  restore(outputs: readonly BlindedMessage[]): Promise<MintResult<RestoreAnswer>> {
    return this.#call('POST', '/v1/restore', restoreRequest, { outputs }, restoreAnswer);
  }

  newMintQuote(method: string, request: MintQuoteRequest): Promise<MintResult<MintQuote>> {
    const path = namedPath('/v1/mint/quote', method, isMethodName);
    return this.#call('POST', path, mintQuoteRequest, request, mintQuote);
  }

  mintQuote(method: string, quote: string): Promise<MintResult<MintQuote>> {
    const path = namedPath(namedPath('/v1/mint/quote', method, isMethodName), quote, isQuoteId);
    return this.#call('GET', path, nothing, {}, mintQuote);
  }

  mint(method: string, request: MintRequest): Promise<MintResult<SignaturesAnswer>> {
    const path = namedPath('/v1/mint', method, isMethodName);
    return this.#call('POST', path, mintRequest, request, signaturesAnswer);
  }

  newMeltQuote(method: string, request: MeltQuoteRequest): Promise<MintResult<MeltQuote>> {
    const path = namedPath('/v1/melt/quote', method, isMethodName);
    return this.#call('POST', path, meltQuoteRequest, request, meltQuote);
  }

  meltQuote(method: string, quote: string): Promise<MintResult<MeltQuote>> {
    const path = namedPath(namedPath('/v1/melt/quote', method, isMethodName), quote, isQuoteId);
    return this.#call('GET', path, nothing, {}, meltQuote);
  }

  melt(method: string, request: MeltRequest): Promise<MintResult<MeltQuote>> {
    const path = namedPath('/v1/melt', method, isMethodName);
    return this.#call('POST', path, meltRequest, request, meltQuote);
  }

  /** @throws TerminalError unreachable, mint_invalid */
  async #call<Request, Answer>(
    method: 'GET' | 'POST',
    path: string,
    requests: JsonBody<Request>,
    request: Request,
    answers: JsonBody<Answer>,
  ): Promise<MintResult<Answer>> {
    let response: Awaited<ReturnType<MintTransport['call']>>;
    try {
      response = await this.#transport.call(method, path, method === 'GET' ? '' : requests.encode(request));
    } catch (error) {
      if (error instanceof TerminalError) throw error;
      const { message } = error as Error;
      throw new TerminalError('unreachable', `mint: expected an answer, got none: ${message}`, {
        cause: error,
      });
    }
    const { status, body } = response;
    try {
      if (status === 200) return { kind: 'ok', answer: answers.decode(body) };
      if (status === 400) {
        const { code, detail } = mintErrorBody.decode(body);
        return { kind: 'refused', code, detail: shortened(detail) };
      }
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      throw new TerminalError('mint_invalid', `answer of the mint: ${error.message}`, { cause: error });
    }
    if (status === 404 || status === 405 || status === 501) {
      return { kind: 'refused', code: status, detail: 'it does not offer this' };
    }
    throw new TerminalError('unreachable', `mint: expected status 200 or 400, got ${status}`);
  }
}

/** @throws TerminalError mint_refused */
export function granted<Answer>(result: MintResult<Answer>, what: string): Answer {
  if (result.kind === 'ok') return result.answer;
  throw refusedBy(result, what);
}

export function refusedBy(
  { code, detail }: { readonly code: number; readonly detail: string },
  what: string,
  operation?: bigint,
): TerminalError {
  return new TerminalError('mint_refused', `${what}: the mint refuses it: ${detail} (${code})`, {
    reason: `${code}`,
    operation,
  });
}
