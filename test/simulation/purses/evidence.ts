// What an auditor is told of a simulation besides the ledger and the disks: who has asked management what about purses, and what it
// has answered, heard at its door, in the order in which it happened; and what wallets say that they have added.
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { PaymentReceipt, PaymentRejection } from '../../../src/roles/documents/payment-receipts.ts';
import { ManagementOperation, managementProtocol } from '../../../src/roles/management/messages.ts';
import {
  ClosePurseManagementAnswer,
  ClosePurseRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  ReportTransferAnswer,
  ReportTransferRequest,
} from '../../../src/roles/management/purse-messages.ts';
import type { Codec } from '../../../src/shared/codec.ts';
import type { Ground } from '../ground.ts';
import type { Listener } from '../roles.ts';

/** What cash has opened, as its allowance says. */
export interface PurseTerms {
  readonly purse: bigint;
  readonly device: bigint;
  readonly opening: bigint;
  readonly signingKey: Uint8Array;
  readonly amount: bigint;
  readonly expiresAt: bigint;
  readonly reportBy: bigint;
}

/** One answer of management about one payment. */
export interface Report {
  readonly by: string;
  readonly order: Uint8Array;
  /** Steps: whatever has a smaller one was there before. */
  readonly asked: number;
  readonly answered: number;
  /** By the true clock, nanoseconds. */
  readonly answeredAt: bigint;
  readonly outcome: 'settled' | 'waiting' | 'disputed' | 'rejected';
  readonly from: 'purse' | 'loss' | undefined;
  /** Of a dispute. */
  readonly reason: string;
  /** What cash has signed, encoded. */
  readonly signed: Uint8Array | undefined;
  readonly proof: FraudProof | undefined;
}

export interface Closing {
  readonly purse: bigint;
  readonly lastSequence: bigint;
  readonly total: bigint;
  /** The step at which management has said that cash has closed the purse. */
  closed: number | undefined;
}

/** A payment that a wallet has added, and what it knew then. */
export interface Taken {
  readonly pocket: string;
  readonly request: bigint;
  /** By its own clock. */
  readonly at: bigint;
  readonly blocked: ReadonlySet<bigint>;
}

/** What a device has signed to have a purse opened. */
export interface Opening {
  readonly request: bigint;
  readonly device: bigint;
  readonly amount: bigint;
}

const answersOf = <Answer>(codec: Codec<Answer>) => {
  const answer = answerCodec(codec, managementProtocol.refusals);
  return (bytes: Uint8Array): Answer | undefined => {
    const read = answer.decode(bytes);
    return read instanceof Refusal ? undefined : read;
  };
};
const readOpened = answersOf(OpenPurseAnswer);
const readReported = answersOf(ReportTransferAnswer);
const readClosed = answersOf(ClosePurseManagementAnswer);

export class Evidence {
  readonly openings = new Map<bigint, Opening>();
  readonly purses: PurseTerms[] = [];
  readonly reports: Report[] = [];
  readonly closings: Closing[] = [];
  readonly taken: Taken[] = [];
  readonly faults: string[] = [];
  /** How often what was said, for a look at what a seed has covered. */
  readonly ends = new Map<string, number>();
  readonly #ground: Ground;
  #step = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  fault(text: string): void {
    this.faults.push(text);
  }

  told(what: string): void {
    const end = what.trim();
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
  }

  /** At management's door. */
  readonly listen: Listener = (from, operation, messages) => {
    const told = messages.map((message): ((answer: Uint8Array) => void) => {
      switch (operation) {
        case ManagementOperation.open_purse:
          return this.#opening(message);
        case ManagementOperation.report_transfer:
          return this.#report(from, message);
        case ManagementOperation.close_purse:
          return this.#closing(message);
        default:
          return () => {};
      }
    });
    return (answers) => {
      answers.forEach((answer, i) => {
        told[i]!(answer);
      });
    };
  };

  #opening(message: Uint8Array): (answer: Uint8Array) => void {
    const { document } = OpenPurseRequest.decode(message).opening;
    const { request, device, amount } = document;
    this.openings.set(request, { request, device, amount });
    return (bytes) => {
      const answer = readOpened(bytes);
      if (answer?.kind !== 'opened' || this.purses.some(({ opening }) => opening === request)) return;
      this.purses.push({ ...answer.allowance.document, device, opening: request });
    };
  }

  #report(by: string, message: Uint8Array): (answer: Uint8Array) => void {
    const { order } = ReportTransferRequest.decode(message).transfer;
    const asked = ++this.#step;
    return (bytes) => {
      const answer = readReported(bytes);
      if (answer?.kind !== 'reported') return;
      const { outcome, fraud } = answer.outcome;
      this.told(`report ${outcome.kind} ${outcome.kind === 'settled' ? outcome.from : ''}`);
      const signed =
        outcome.kind === 'settled'
          ? PaymentReceipt.signed.encode(outcome.receipt)
          : outcome.kind === 'rejected'
            ? PaymentRejection.signed.encode(outcome.rejection)
            : undefined;
      this.reports.push({
        ...{ by, order, asked, signed },
        answered: ++this.#step,
        answeredAt: this.#ground.clockOf('auditor')(),
        outcome: outcome.kind,
        from: outcome.kind === 'settled' ? outcome.from : undefined,
        reason: outcome.kind === 'disputed' ? outcome.reason : '',
        proof: fraud,
      });
    };
  }

  #closing(message: Uint8Array): (answer: Uint8Array) => void {
    const { document } = ClosePurseRequest.decode(message).closing;
    const closing: Closing = { ...document, closed: undefined };
    this.closings.push(closing);
    return (bytes) => {
      const answer = readClosed(bytes);
      if (answer?.kind !== 'answered') return;
      this.told(`closing ${answer.answer.kind}`);
      if (answer.answer.kind === 'closed') closing.closed = ++this.#step;
    };
  }
}
