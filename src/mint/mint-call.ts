// Cashu's HTTP interface without HTTP: a method, a path and a body in, a status and a body out. The HTTP server uses it, and the
// mint_call of the roles.
//
//     GET  /v1/info  /v1/keys  /v1/keys/{id}  /v1/keysets  /v1/mint/quote/{method}/{id}  /v1/melt/quote/{method}/{id}
//     POST /v1/swap  /v1/checkstate  /v1/restore
//          /v1/mint/quote/{method}  /v1/mint/{method}  /v1/melt/quote/{method}  /v1/melt/{method}
//          /v1/mint/quote/{method}/check  /v1/mint/{method}/batch
//
//     200 done   400 {detail, code}: refused   404, 405 no such path, method   413 body too large
//     503 not now; nothing was done            500, 502 a fault: it may or may not have been done, ask the same again
import { NotesError } from '../notes/errors.ts';
import { mintErrorBody, mintErrorOf } from '../notes/json/error.ts';
import type { JsonBody } from '../notes/json/fields.ts';
import { mintInfo } from '../notes/json/info.ts';
import { keysAnswer, keysetsAnswer } from '../notes/json/keys.ts';
import {
  batchMintRequest,
  isMethodName,
  isQuoteId,
  meltQuote,
  meltQuoteRequest,
  meltRequest,
  mintQuote,
  mintQuoteRequest,
  mintQuotesAnswer,
  mintQuotesRequest,
  mintRequest,
} from '../notes/json/quotes.ts';
import { statesAnswer, statesRequest } from '../notes/json/states.ts';
import { restoreAnswer, restoreRequest, signaturesAnswer, swapRequest } from '../notes/json/swap.ts';
import { StoreError } from '../store/errors.ts';
import { MintRefused, MintUnreachable, NO_CODE } from './errors.ts';
import type { MintOperation, MintService } from './service.ts';

/** Bytes of a request's body. A swap of 1,000 inputs has 300 KB. Beyond: 413. */
export const REQUEST_BODY_BYTES_MAX = 512 * 1024;
/** The longest path has a method's name and a quote's id. Beyond: 404. */
export const PATH_CHARS_MAX = 512;

export interface MintCall {
  /** `GET` or `POST`. */
  readonly method: string;
  readonly path: string;
  /** JSON; empty in GET. */
  readonly body: Uint8Array;
}

export interface MintCallAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: Uint8Array;
}

export interface MintCallOptions {
  /** Faults: errors that are no refusals. */
  readonly onFault?: (error: unknown, operation: MintOperation) => void;
}

const utf8 = new TextEncoder();

type HttpMethod = 'GET' | 'POST';

interface Route {
  readonly operation: MintOperation;
  readonly method: HttpMethod;
  /** Parts of the path behind /v1; `{}` stands for any one. */
  readonly path: readonly string[];
  readonly run: (service: MintService, parts: readonly string[], body: Uint8Array) => Promise<string>;
}

const route = (operation: MintOperation, method: HttpMethod, path: string, run: Route['run']): Route => ({
  operation,
  method,
  path: path.split('/'),
  run,
});

/** One that takes a body. */
const post = <Asked, Answer>(
  operation: MintOperation,
  path: string,
  asked: JsonBody<Asked>,
  answer: JsonBody<Answer>,
  run: (service: MintService, asked: Asked, parts: readonly string[]) => Promise<Answer>,
): Route =>
  route(operation, 'POST', path, async (service, parts, body) =>
    answer.encode(await run(service, asked.decode(body), parts)),
  );

const ROUTES: readonly Route[] = [
  route('info', 'GET', 'info', async (service) => mintInfo.encode(await service.info())),
  route('keys', 'GET', 'keys', async (service) => keysAnswer.encode(await service.keys())),
  route('keys', 'GET', 'keys/{}', async (service, [id]) => keysAnswer.encode(await service.keys(id))),
  route('keysets', 'GET', 'keysets', async (service) => keysetsAnswer.encode(await service.keysets())),
  post('swap', 'swap', swapRequest, signaturesAnswer, (service, asked) => service.swap(asked)),
  post('states', 'checkstate', statesRequest, statesAnswer, (service, asked) => service.states(asked)),
  post('restore', 'restore', restoreRequest, restoreAnswer, (service, asked) => service.restore(asked)),
  post('openMintQuote', 'mint/quote/{}', mintQuoteRequest, mintQuote, (service, asked, [method]) =>
    service.openMintQuote(method!, asked),
  ),
  route('mintQuote', 'GET', 'mint/quote/{}/{}', async (service, [method, quote]) =>
    mintQuote.encode(await service.mintQuote(method!, quote!)),
  ),
  post('mint', 'mint/{}', mintRequest, signaturesAnswer, (service, asked, [method]) =>
    service.mint(method!, asked),
  ),
  post('mintQuotes', 'mint/quote/{}/check', mintQuotesRequest, mintQuotesAnswer, (service, asked, [method]) =>
    service.mintQuotes(method!, asked),
  ),
  post('mintBatch', 'mint/{}/batch', batchMintRequest, signaturesAnswer, (service, asked, [method]) =>
    service.mintBatch(method!, asked),
  ),
  post('openMeltQuote', 'melt/quote/{}', meltQuoteRequest, meltQuote, (service, asked, [method]) =>
    service.openMeltQuote(method!, asked),
  ),
  route('meltQuote', 'GET', 'melt/quote/{}/{}', async (service, [method, quote]) =>
    meltQuote.encode(await service.meltQuote(method!, quote!)),
  ),
  post('melt', 'melt/{}', meltRequest, meltQuote, (service, asked, [method]) => service.melt(method!, asked)),
];

/** What the path's parts are where the route says `{}`; undefined: it is another path. */
function matched(parts: readonly string[], path: readonly string[]): string[] | undefined {
  if (parts.length !== path.length) return undefined;
  const found: string[] = [];
  for (const [i, part] of parts.entries()) {
    if (path[i] === '{}') {
      // Methods come first, then quotes' ids: both have narrower rules of their own.
      if (!isMethodName(part) && !isQuoteId(part)) return undefined;
      found.push(part);
    } else if (path[i] !== part) return undefined;
  }
  return found;
}

export interface FoundRoute {
  readonly operation: MintOperation;
  readonly method: HttpMethod;
  readonly parts: readonly string[];
}

/** What stands at a path, by each method; nothing: no such path. */
function routesAt(path: string): { readonly route: Route; readonly parts: readonly string[] }[] {
  if (path.length > PATH_CHARS_MAX || !path.startsWith('/v1/')) return [];
  const given = path.slice('/v1/'.length).split('/');
  return ROUTES.flatMap((candidate) => {
    const parts = matched(given, candidate.path);
    return parts === undefined ? [] : [{ route: candidate, parts }];
  });
}

/** Methods that the path takes; none: there is no such path. */
export const methodsOf = (path: string): readonly HttpMethod[] => [
  ...new Set(routesAt(path).map((found) => found.route.method)),
];

/** Which operation it is; undefined: none. For who passes on what is not its own. */
export function operationOf({ method, path }: Pick<MintCall, 'method' | 'path'>): MintOperation | undefined {
  return routesAt(path).find((found) => found.route.method === method)?.route.operation;
}

const answerOf = (status: number, body: string): MintCallAnswer => ({ status, body: utf8.encode(body) });

export const errorAnswer = (status: number, detail: string, code: number = NO_CODE): MintCallAnswer =>
  answerOf(status, mintErrorBody.encode({ detail, code }));

/** Never rejects. */
export async function mintCall(
  service: MintService,
  { method, path, body }: MintCall,
  { onFault = () => {} }: MintCallOptions = {},
): Promise<MintCallAnswer> {
  const found = routesAt(path);
  if (found.length === 0) return errorAnswer(404, 'path: expected one of the interface, got another');
  const chosen = found.find((candidate) => candidate.route.method === method);
  if (chosen === undefined)
    return errorAnswer(405, `method: expected ${methodsOf(path).join(' or ')}, got another`);
  if (body.length > REQUEST_BODY_BYTES_MAX) return bodyTooLarge();
  try {
    return answerOf(200, await chosen.route.run(service, chosen.parts, body));
  } catch (error) {
    return refusalOf(error, (fault) => onFault(fault, chosen.route.operation));
  }
}

export const bodyTooLarge = (): MintCallAnswer =>
  errorAnswer(413, `body: expected at most ${REQUEST_BODY_BYTES_MAX} bytes, got more`);

function refusalOf(error: unknown, onFault: (error: unknown) => void): MintCallAnswer {
  if (error instanceof MintRefused) return errorAnswer(error.status, error.message, error.code);
  if (error instanceof NotesError) {
    const { detail, code } = mintErrorOf(error);
    return errorAnswer(400, detail, code);
  }
  // Of a mint of two, the other one.
  if (error instanceof MintUnreachable)
    return errorAnswer(502, 'a part of the mint does not answer: ask the same again');
  onFault(error);
  const isNotStored =
    error instanceof StoreError &&
    ['store_full', 'store_busy', 'store_io', 'store_closed'].includes(error.code);
  return isNotStored
    ? errorAnswer(503, 'the mint cannot write just now, ask again later')
    : errorAnswer(500, 'the mint failed on this request: ask the same again');
}
