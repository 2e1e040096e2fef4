// What the operations of the issuer share; role.ts builds it.
import type { MintKeysets } from '../../mint/keysets.ts';
import type { MintQuotes } from '../../mint/quotes.ts';
import type { MintService } from '../../mint/service.ts';
import type { RoleStore } from '../../store/store.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import type { WideUnits } from '../common/wide-notes.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import type { FundsFlow, IssueFlow, PayFlow } from './flow.ts';
import type { IssuerLimits } from './limits.ts';
import type { ReservingBook } from './outputs.ts';
import type { OutputSigner } from './sign.ts';

export interface IssuerParts {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly issues: IssueFlow;
  readonly payments: PayFlow;
  readonly funds: FundsFlow;
  readonly book: ReservingBook;
  readonly quotes: MintQuotes;
  readonly keysets: MintKeysets;
  readonly units: WideUnits;
  readonly signer: OutputSigner;
  /** What is the issuer's own of Cashu's interface, and all of it. */
  readonly ownMint: MintService;
  readonly wholeMint: MintService;
  readonly limits: IssuerLimits;
  readonly clock: () => bigint;
  readonly crypto: Pick<BatchCrypto, 'verifyBatch'>;
  readonly log?: { error(fields: object, message: string): void } | undefined;
}
