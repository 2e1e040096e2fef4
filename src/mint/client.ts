// A mint elsewhere, asked over anything that carries a method, a path and a body: fetch, or a channel's mint_call. Every answer
// is read by the codecs of src/notes, which bound it; whether signatures are right, who holds the secrets checks (unblindAll).
import type { BatchMintRequest } from '../notes/batch-mint.ts';
import { mintErrorBody } from '../notes/json/error.ts';
import type { JsonBody } from '../notes/json/fields.ts';
import { type MintInfo, mintInfo } from '../notes/json/info.ts';
import { type KeysAnswer, type KeysetsAnswer, keysAnswer, keysetsAnswer } from '../notes/json/keys.ts';
import {
  batchMintRequest,
  type MeltQuote,
  type MeltQuoteRequest,
  type MeltRequest,
  type MintQuote,
  type MintQuoteRequest,
  type MintQuotesRequest,
  type MintRequest,
  meltQuote,
  meltQuoteRequest,
  meltRequest,
  mintQuote,
  mintQuoteRequest,
  mintQuotesAnswer,
  mintQuotesRequest,
  mintRequest,
} from '../notes/json/quotes.ts';
import { type StatesAnswer, type StatesRequest, statesAnswer, statesRequest } from '../notes/json/states.ts';
import {
  type RestoreAnswer,
  type RestoreRequest,
  restoreAnswer,
  restoreRequest,
  type SignaturesAnswer,
  type SwapRequest,
  signaturesAnswer,
  swapRequest,
} from '../notes/json/swap.ts';
import { MintRefused, MintUnreachable, NO_CODE } from './errors.ts';
import type { MintCall, MintCallAnswer } from './mint-call.ts';
import type { MintService } from './service.ts';

/** Rejects when no answer came: the request may or may not have been done; the same again is safe. */
export type MintSend = (call: MintCall) => Promise<MintCallAnswer>;

export { MintUnreachable };

const utf8 = new TextEncoder();
const NO_BODY = new Uint8Array(0);

export class MintClient implements MintService {
  readonly #send: MintSend;

  constructor(send: MintSend) {
    this.#send = send;
  }

  info(): Promise<MintInfo> {
    return this.#get('info', mintInfo);
  }

  keys(keysetId?: string): Promise<KeysAnswer> {
    return this.#get(keysetId === undefined ? 'keys' : `keys/${encodeURIComponent(keysetId)}`, keysAnswer);
  }

  keysets(): Promise<KeysetsAnswer> {
    return this.#get('keysets', keysetsAnswer);
  }

  swap(request: SwapRequest): Promise<SignaturesAnswer> {
    return this.#post('swap', swapRequest, request, signaturesAnswer);
  }

  openMintQuote(method: string, request: MintQuoteRequest): Promise<MintQuote> {
    return this.#post(`mint/quote/${encodeURIComponent(method)}`, mintQuoteRequest, request, mintQuote);
  }

  mintQuote(method: string, quote: string): Promise<MintQuote> {
    return this.#get(`mint/quote/${encodeURIComponent(method)}/${encodeURIComponent(quote)}`, mintQuote);
  }

  mint(method: string, request: MintRequest): Promise<SignaturesAnswer> {
    return this.#post(`mint/${encodeURIComponent(method)}`, mintRequest, request, signaturesAnswer);
  }

  mintQuotes(method: string, request: MintQuotesRequest): Promise<readonly MintQuote[]> {
    const path = `mint/quote/${encodeURIComponent(method)}/check`;
    return this.#post(path, mintQuotesRequest, request, mintQuotesAnswer);
  }

  mintBatch(method: string, request: BatchMintRequest): Promise<SignaturesAnswer> {
    return this.#post(
      `mint/${encodeURIComponent(method)}/batch`,
      batchMintRequest,
      request,
      signaturesAnswer,
    );
  }

  openMeltQuote(method: string, request: MeltQuoteRequest): Promise<MeltQuote> {
    return this.#post(`melt/quote/${encodeURIComponent(method)}`, meltQuoteRequest, request, meltQuote);
  }

  meltQuote(method: string, quote: string): Promise<MeltQuote> {
    return this.#get(`melt/quote/${encodeURIComponent(method)}/${encodeURIComponent(quote)}`, meltQuote);
  }

  melt(method: string, request: MeltRequest): Promise<MeltQuote> {
    return this.#post(`melt/${encodeURIComponent(method)}`, meltRequest, request, meltQuote);
  }

  states(request: StatesRequest): Promise<StatesAnswer> {
    return this.#post('checkstate', statesRequest, request, statesAnswer);
  }

  restore(request: RestoreRequest): Promise<RestoreAnswer> {
    return this.#post('restore', restoreRequest, request, restoreAnswer);
  }

  #get<Answer>(path: string, answer: JsonBody<Answer>): Promise<Answer> {
    return this.#call({ method: 'GET', path: `/v1/${path}`, body: NO_BODY }, answer);
  }

  #post<Asked, Answer>(
    path: string,
    body: JsonBody<Asked>,
    asked: Asked,
    answer: JsonBody<Answer>,
  ): Promise<Answer> {
    const call = { method: 'POST', path: `/v1/${path}`, body: utf8.encode(body.encode(asked)) };
    return this.#call(call, answer);
  }

  /** @throws MintRefused as the mint has it; MintUnreachable */
  async #call<Answer>(call: MintCall, codec: JsonBody<Answer>): Promise<Answer> {
    const { status, body } = await this.#send(call);
    if (status < 200 || status > 299) throw refusalOf(status, body);
    try {
      return codec.decode(body);
    } catch (error) {
      throw new MintUnreachable(`answer of the mint: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** A server's fault is no refusal: the request may have been done. */
function refusalOf(status: number, body: Uint8Array): Error {
  const isRefusal = (status >= 400 && status < 500) || status === 503;
  if (!isRefusal) return new MintUnreachable(`answer of the mint: expected status 200, got ${status}`);
  try {
    return new MintRefused(mintErrorBody.decode(body), status);
  } catch {
    return new MintRefused({ code: NO_CODE, detail: `the mint refuses with status ${status}` }, status);
  }
}

/** Bytes of an answer. 1,000 signatures have 330 KB, 1,000 keysets of 32 keys 3 MB. Beyond: MintUnreachable. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

export interface FetchSendOptions {
  readonly fetch?: typeof globalThis.fetch;
  readonly timeoutMs?: number;
  readonly answerBytesMax?: number;
}

/** Over HTTP. @param url the mint's, with or without a path. @throws RangeError for another kind of address */
export function fetchSend(
  url: string,
  {
    fetch = globalThis.fetch,
    timeoutMs = TIMEOUT_MS,
    answerBytesMax = ANSWER_BYTES_MAX,
  }: FetchSendOptions = {},
): MintSend {
  const base = baseOf(url);
  return async ({ method, path, body }) => {
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        // The mint that is trusted is the one that was named.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        ...(method === 'GET'
          ? {}
          : { body: body as Uint8Array<ArrayBuffer>, headers: { 'content-type': 'application/json' } }),
      });
      return { status: response.status, body: await bounded(response, answerBytesMax) };
    } catch (error) {
      if (error instanceof MintUnreachable) throw error;
      const { name, message } = error as Error;
      const why = name === 'TimeoutError' ? `none within ${timeoutMs} ms` : message;
      throw new MintUnreachable(`mint ${base}: expected an answer, got ${why}`, { cause: error });
    }
  };
}

function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol))
    throw new RangeError('mint: expected an address with http: or https:, got another');
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
}

async function bounded(response: Response, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = (): MintUnreachable =>
    new MintUnreachable(`answer of the mint: expected at most ${bytesMax} bytes, got more`);
  if (response.body === null) return NO_BODY;
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(Buffer.concat(chunks, size));
    size += value.length;
    if (size > bytesMax) {
      await reader.cancel().catch(() => {});
      throw tooLarge();
    }
    chunks.push(value);
  }
}
