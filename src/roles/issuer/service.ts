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
export class IssuerMint extends Mint {
  constructor({ quotes, limits, ...rest }: IssuerMintOptions) {
    super({
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
  }

  override mint(...asked: Parameters<MintService['mint']>): ReturnType<MintService['mint']> {
    return super.mint(...asked).catch(outputsPending);
  }

  override mintBatch(...asked: Parameters<MintService['mintBatch']>): ReturnType<MintService['mintBatch']> {
    return super.mintBatch(...asked).catch(outputsPending);
  }

  /** The issuer does not know what is spent: it exchanges nothing, and says nothing of states. */
  override swap(): Promise<never> {
    return notHere();
  }

  override states(): Promise<never> {
    return notHere();
  }
}

const notHere = (): Promise<never> =>
  Promise.reject(badRequest('expected something that the issuer does, got what the receiver does'));

/** A request that is under way will have them signed (outputs.ts). */
function outputsPending(error: unknown): never {
  if (error instanceof NoteBookError && error.fault === 'output_signed') throw refused('outputs_pending');
  throw error;
}

/** All of the interface: `own` and what the receiver answers. */
export function wholeMint(own: MintService, receiver: MintPartner): MintService {
  return joinMints({ own, issuing: own, receiving: partnerMint(receiver) });
}
