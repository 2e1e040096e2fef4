// The receiver's part of Cashu's interface: swapping, states, melting. Minting is the issuer's, and goes there.
import type { BatchNoteCrypto, NoteCrypto } from '../../crypto/index.ts';
import { joinMints } from '../../mint/joined-mint.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import { Mint } from '../../mint/mint.ts';
import type { MintAbout, MintService } from '../../mint/service.ts';
import { type MintPartner, partnerMint } from '../common/mint-partner.ts';
import { METHOD } from '../common/wide-notes.ts';
import { meltBackend } from './melt.ts';
import type { TakingParts } from './parts.ts';

export interface ReceiverMintOptions {
  readonly keysets: MintKeysets;
  readonly crypto: BatchNoteCrypto;
  readonly hash: Pick<NoteCrypto, 'hashToCurve'>;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly about: MintAbout;
  readonly takings: TakingParts;
}

/** What is the receiver's own: it mints for no quotes. Inputs of a melt are exact, so there is no change (NUT-08). */
export function receiverMint({ takings, ...rest }: ReceiverMintOptions): MintService {
  const { store, book, quotes, clock, limits } = takings;
  return new Mint({
    ...{ ...rest, store, book, clock },
    melting: {
      name: METHOD,
      quotes,
      backend: meltBackend(takings),
      amountMin: 1n,
      amountMax: limits.quoteAmountMax,
      expirySeconds: limits.quoteExpirySeconds,
    },
  });
}

/** All of the interface: `own` and what the issuer answers. */
export function wholeMint(own: MintService, issuer: MintPartner): MintService {
  return joinMints({ own, issuing: partnerMint(issuer), receiving: own });
}
