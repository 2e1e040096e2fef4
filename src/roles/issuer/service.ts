// The issuer's part of Cashu's interface: quotes for minting, minting. Taking in is the receiver's, and goes there.
import type { BatchNoteCrypto, NoteCrypto } from '../../crypto/index.ts';
import { badRequest, refused } from '../../mint/errors.ts';
import { joinMints } from '../../mint/joined-mint.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import { Mint } from '../../mint/mint.ts';
import { NoteBookError } from '../../mint/note-book.ts';
import type { MintQuotes } from '../../mint/quotes.ts';
import type { MintAbout, MintService } from '../../mint/service.ts';
import type { RoleStore } from '../../store/store.ts';
import { type MintPartner, partnerMint } from '../common/mint-partner.ts';
import { METHOD, QUOTE_REQUEST } from '../common/wide-notes.ts';
import type { IssuerLimits } from './limits.ts';
import type { ReservingBook } from './outputs.ts';

export interface IssuerMintOptions {
  readonly store: RoleStore;
  readonly keysets: MintKeysets;
  readonly book: ReservingBook;
  readonly quotes: MintQuotes;
  readonly crypto: BatchNoteCrypto;
  readonly hash: Pick<NoteCrypto, 'hashToCurve'>;
  readonly clock: () => bigint;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly about: MintAbout;
  readonly limits: IssuerLimits;
}

/** What is the issuer's own. */
export function issuerMint(options: IssuerMintOptions): MintService {
  const { quotes, limits, ...rest } = options;
  const mint = new Mint({
    ...rest,
    minting: {
      name: METHOD,
      quotes,
      backend: { mintRequest: ({ quote }) => QUOTE_REQUEST + quote },
      amountMin: 1n,
      amountMax: limits.quoteAmountMax,
      expirySeconds: limits.quoteExpirySeconds,
    },
  });
  const notHere = (): Promise<never> =>
    Promise.reject(badRequest('expected something that the issuer does, got what the receiver does'));
  return {
    info: () => mint.info(),
    keys: (keysetId) => mint.keys(keysetId),
    keysets: () => mint.keysets(),
    openMintQuote: (method, request) => mint.openMintQuote(method, request),
    mintQuote: (method, quote) => mint.mintQuote(method, quote),
    async mint(method, request) {
      try {
        return await mint.mint(method, request);
      } catch (error) {
        if (error instanceof NoteBookError && error.fault === 'output_signed')
          throw refused('outputs_pending');
        throw error;
      }
    },
    mintQuotes: (method, request) => mint.mintQuotes(method, request),
    mintBatch: (method, request) => mint.mintBatch(method, request),
    restore: (request) => mint.restore(request),
    // The issuer does not know what is spent: it must not exchange anything.
    swap: notHere,
    openMeltQuote: notHere,
    meltQuote: notHere,
    melt: notHere,
    states: notHere,
  };
}

/** All of the interface: `own` and what the receiver answers. */
export function wholeMint(own: MintService, receiver: MintPartner): MintService {
  return joinMints({ own, issuing: own, receiving: partnerMint(receiver) });
}
