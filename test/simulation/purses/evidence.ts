// What an auditor is told of a simulation besides the ledger and the disks: who has asked management what, what the answer was,
// in the order in which it happened. Written by the pockets, read by nobody but the auditor.
import type { SettleTransferAnswer } from '../../../src/roles/cash/purse-messages.ts';
import type { FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { PaymentReceipt, PaymentRejection } from '../../../src/roles/documents/payment-receipts.ts';
import type { Ground } from '../ground.ts';
import type { Pocket } from './pocket.ts';

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
  /** Of the true clock, nanoseconds. */
  readonly askedAt: bigint;
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
  /** The step at which it was known that cash has closed the purse; what it said it has given back. */
  closed: number | undefined;
  released: bigint;
}

/** A payment that a wallet has added, and what it knew then. */
export interface Taken {
  readonly pocket: string;
  readonly request: bigint;
  /** By its own clock. */
  readonly at: bigint;
  readonly blocked: ReadonlySet<bigint>;
}

export class Evidence {
  readonly pockets: Pocket[] = [];
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

  /** @returns to be called with the answer */
  reporting(by: string, order: Uint8Array): (answer: SettleTransferAnswer) => void {
    const asked = ++this.#step;
    const now = this.#ground.clockOf('auditor');
    const askedAt = now();
    return ({ outcome, fraud }) => {
      this.told(`report ${outcome.kind} ${outcome.kind === 'settled' ? outcome.from : ''}`);
      const signed =
        outcome.kind === 'settled'
          ? PaymentReceipt.signed.encode(outcome.receipt)
          : outcome.kind === 'rejected'
            ? PaymentRejection.signed.encode(outcome.rejection)
            : undefined;
      this.reports.push({
        ...{ by, order, asked, askedAt, signed },
        answered: ++this.#step,
        answeredAt: now(),
        outcome: outcome.kind,
        from: outcome.kind === 'settled' ? outcome.from : undefined,
        reason: outcome.kind === 'disputed' ? outcome.reason : '',
        proof: fraud,
      });
    };
  }

  /** @returns to be called when it is closed */
  closing(document: Pick<Closing, 'purse' | 'lastSequence' | 'total'>): (released: bigint) => void {
    const closing: Closing = { ...document, closed: undefined, released: 0n };
    this.closings.push(closing);
    return (released) => {
      closing.closed = ++this.#step;
      closing.released = released;
    };
  }
}
