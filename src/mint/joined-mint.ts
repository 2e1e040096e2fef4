// Two roles that make up one mint: the issuer signs what is paid for, the receiver takes in and swaps. Each asks the other for
// what is not its own, so either serves the whole interface.
//
//     issuing    quotes for minting, minting
//     receiving  swap, states, quotes for melting, melting
//     both       restore: whoever has signed, knows; info: what either can do

import { toHex } from '../notes/hex.ts';
import type { MintInfo, MintNuts } from '../notes/json/info.ts';
import type { RestoreAnswer, RestoreRequest } from '../notes/json/swap.ts';
import type { MintService } from './service.ts';

export interface JoinedMints {
  /** Who answers for keys and calls itself by its name in info. */
  readonly own: MintService;
  readonly issuing: MintService;
  readonly receiving: MintService;
}

export function joinMints({ own, issuing, receiving }: JoinedMints): MintService {
  return {
    keys: (keysetId) => own.keys(keysetId),
    keysets: () => own.keysets(),
    swap: (request) => receiving.swap(request),
    openMintQuote: (method, request) => issuing.openMintQuote(method, request),
    mintQuote: (method, quote) => issuing.mintQuote(method, quote),
    mint: (method, request) => issuing.mint(method, request),
    mintQuotes: (method, request) => issuing.mintQuotes(method, request),
    mintBatch: (method, request) => issuing.mintBatch(method, request),
    openMeltQuote: (method, request) => receiving.openMeltQuote(method, request),
    meltQuote: (method, quote) => receiving.meltQuote(method, quote),
    melt: (method, request) => receiving.melt(method, request),
    states: (request) => receiving.states(request),
    async info() {
      const [ownInfo, issuingInfo, receivingInfo] = await Promise.all([
        own.info(),
        issuing.info(),
        receiving.info(),
      ]);
      return joinedInfo(ownInfo, issuingInfo, receivingInfo);
    },
    async restore(request) {
      const answers = await Promise.all([issuing.restore(request), receiving.restore(request)]);
      return joinedRestore(request, answers);
    },
  };
}

function joinedInfo(own: MintInfo, issuing: MintInfo, receiving: MintInfo): MintInfo {
  const { mint, batchMint } = issuing.nuts;
  const { melt } = receiving.nuts;
  const endpoints = new Map(
    [issuing, receiving]
      .flatMap(({ nuts: { cached } }) => cached?.endpoints ?? [])
      .map((endpoint) => [endpoint.path, endpoint]),
  );
  const supported = new Set([...issuing.nuts.supported, ...receiving.nuts.supported]);
  const nuts: MintNuts = {
    ...(mint === undefined ? {} : { mint }),
    ...(melt === undefined ? {} : { melt }),
    ...(batchMint === undefined ? {} : { batchMint }),
    cached: { endpoints: [...endpoints.values()] },
    supported: [...supported].sort((left, right) => left - right),
  };
  return { ...own, nuts };
}

/** In the order of the request. No message is signed by both: each knows what it has signed, and a message is sent to one. */
function joinedRestore({ outputs }: RestoreRequest, answers: readonly RestoreAnswer[]): RestoreAnswer {
  const found = new Map(
    answers.flatMap((answer) =>
      answer.outputs.map((output, i) => [
        toHex(output.blinded),
        { output, signature: answer.signatures[i]! },
      ]),
    ),
  );
  const inOrder = outputs.flatMap(({ blinded }) => found.get(toHex(blinded)) ?? []);
  return {
    outputs: inOrder.map(({ output }) => output),
    signatures: inOrder.map(({ signature }) => signature),
  };
}
