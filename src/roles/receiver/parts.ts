// What the operations of the receiver share; role.ts builds it.
import type { NoteCrypto, VerifyItem } from '../../crypto/index.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import type { NoteBook } from '../../mint/note-book.ts';
import type { MeltQuotes } from '../../mint/quotes.ts';
import type { MintService } from '../../mint/service.ts';
import type { TurnBatch } from '../../mint/turn-batch.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { WideUnits } from '../common/wide-notes.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import type { TakingFlow } from './flow.ts';
import type { ReceiverLimits } from './limits.ts';
import type { SignedAcknowledgement } from './messages.ts';
import type { NotPayable } from './payable.ts';
import type { OpenSeals } from './seals.ts';

/** What takings need, whoever asks for them. */
export interface TakingParts {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly takings: TakingFlow;
  readonly book: NoteBook;
  readonly quotes: MeltQuotes;
  readonly units: WideUnits;
  readonly limits: ReceiverLimits;
  readonly notPayable: NotPayable;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
}

export interface ReceiverParts extends TakingParts {
  readonly keysets: MintKeysets;
  readonly openSeals: OpenSeals;
  /** All that comes in a turn, as one batch. */
  readonly verify: TurnBatch<VerifyItem, boolean>;
  readonly hash: Pick<NoteCrypto, 'hashToCurve'>;
  /** A stored acknowledgement as it is told now: signed anew where signatures of its key do not count any more. */
  readonly acknowledgementNow: (acknowledgement: SignedAcknowledgement) => SignedAcknowledgement;
  /** What is the receiver's own of Cashu's interface, and all of it. */
  readonly ownMint: MintService;
  readonly wholeMint: MintService;
  readonly log?: { error(fields: object, message: string): void } | undefined;
}
