// The books of one purse as a session with another wallet needs them (peer/ledger.ts).
import type { FraudProof } from '../../roles/documents/fraud-proof.ts';
import type { SignedTransferReceipt } from '../../roles/documents/transfer.ts';
import { readHandover } from '../../roles/documents/transfer.ts';
import { WalletError } from '../core/errors.ts';
import type { Put } from '../core/ports.ts';
import { idText } from '../core/records.ts';
import type { SaidRefusal } from '../peer/errors.ts';
import type { FundingSource } from '../peer/funding.ts';
import type { PurseLedger } from '../peer/ledger.ts';
import { OPEN_ASKS_MAX, OPEN_ASKS_OF_A_PAYER_MAX } from '../peer/limits.ts';
import { fundedBy, handoverOf, OpenAsk, type ReceivedPayment, type SentPayment } from '../peer/records.ts';
import type { PurseBook } from './purse-book.ts';
import { PurseKey, type Standing, StoredPurse, StoredReceived, StoredSent } from './records.ts';

const NOTHING = new Uint8Array(0);
const UNREPORTED: Standing = { kind: 'unreported' };

export class StoredPurseLedger implements PurseLedger {
  readonly #book: PurseBook;
  readonly #number: number;

  /** @param number of the purse, the wallet's own */
  constructor(book: PurseBook, number: number) {
    this.#book = book;
    this.#number = number;
  }

  async spent(): Promise<{ sequence: bigint; total: bigint }> {
    const last = (await this.#sent()).at(-1);
    if (last === undefined) return { sequence: 0n, total: 0n };
    const { sequence, total } = handoverOf(last.payment.message);
    return { sequence, total };
  }

  /** Without what will not be settled: whoever is paid with it would not be either. */
  async sources(): Promise<FundingSource[]> {
    const received = await this.#book.all(StoredReceived, PurseKey.gots(this.#number));
    return received.flatMap(({ payment, standing }): FundingSource[] => {
      const { amount } = handoverOf(payment.message);
      switch (standing.kind) {
        case 'settled':
          return [{ amount, elements: [{ kind: 'settled', receipt: standing.receipt }] }];
        case 'unreported':
        case 'waiting':
          return [{ amount, elements: fundedBy(payment) }];
        default:
          return [];
      }
    });
  }

  prepare(payment: SentPayment): Promise<void> {
    return this.#book.change(async (write) => {
      const { sequence, total, amount } = handoverOf(payment.message);
      const purse = await this.#book.read(StoredPurse, PurseKey.purse(this.#number));
      if (purse?.state.kind !== 'open') {
        throw new WalletError(
          'no_purse',
          `purse: expected an open one, got one that is ${purse?.state.kind}`,
        );
      }
      const before = await this.spent();
      if (sequence !== before.sequence + 1n || total !== before.total + amount) {
        throw new Error(`payment: expected number ${before.sequence + 1n}, got ${sequence}`);
      }
      const stored: StoredSent = { payment, receipt: undefined, refusal: undefined, standing: UNREPORTED };
      await write([{ key: PurseKey.sent(this.#number, sequence), value: StoredSent.encode(stored) }]);
    });
  }

  async inDoubt(payee: bigint): Promise<SentPayment[]> {
    return (await this.#sent())
      .filter((sent) => isInDoubt(sent) && handoverOf(sent.payment.message).payee === payee)
      .map(({ payment }) => payment);
  }

  settle(request: bigint, receipt: SignedTransferReceipt): Promise<void> {
    return this.#changeSent(request, (sent) =>
      sent.receipt === undefined ? { ...sent, receipt } : undefined,
    );
  }

  noteRefusal(request: bigint, refusal: SaidRefusal): Promise<void> {
    return this.#changeSent(request, (sent) =>
      sent.receipt === undefined ? { ...sent, refusal } : undefined,
    );
  }

  ask(ask: OpenAsk): Promise<void> {
    return this.#book.change(async (write) => {
      const open = (await this.#book.all(OpenAsk, PurseKey.asks)).sort((a, b) =>
        a.askedAt < b.askedAt ? 1 : -1,
      );
      const ofPayer = open.filter(({ payer }) => payer === ask.payer);
      const old = [...ofPayer.slice(OPEN_ASKS_OF_A_PAYER_MAX - 1), ...open.slice(OPEN_ASKS_MAX - 1)];
      await write([
        ...[...new Set(old.map(({ nonce }) => PurseKey.ask(nonce)))].map((key) => ({
          key,
          value: undefined,
        })),
        { key: PurseKey.ask(ask.nonce), value: OpenAsk.encode(ask) },
      ]);
    });
  }

  async asked(nonce: Uint8Array): Promise<OpenAsk | 'used' | undefined> {
    if (await this.#book.has(PurseKey.used(nonce))) return 'used';
    return this.#book.read(OpenAsk, PurseKey.ask(nonce));
  }

  async received(request: bigint): Promise<ReceivedPayment | undefined> {
    return (await this.#book.read(StoredReceived, PurseKey.got(this.#number, request)))?.payment;
  }

  async seen(purse: bigint): Promise<Uint8Array[]> {
    return (await this.#book.keys(PurseKey.seenOf(purse))).map(({ value }) => value);
  }

  add(payment: ReceivedPayment): Promise<void> {
    return this.#book.change(async (write) => {
      const { nonce } = payment.message;
      const { request } = handoverOf(payment.message);
      const key = PurseKey.got(this.#number, request);
      if (await this.#book.has(key)) throw new Error(`${idText(request)}: expected a new payment`);
      if (!(await this.#book.has(PurseKey.ask(nonce))))
        throw new Error('payment: expected an open ask, got none');
      await write([
        { key, value: StoredReceived.encode({ payment, standing: UNREPORTED }) },
        // Its payer has reported it first, and has met this wallet again.
        { key: PurseKey.unseen(this.#number, request), value: undefined },
        { key: PurseKey.ask(nonce), value: undefined },
        { key: PurseKey.used(nonce), value: NOTHING },
        ...fundedBy(payment).flatMap((element): Put[] => {
          if (element.kind === 'settled') return [];
          const { order } = element.transfer;
          const handover = readHandover(order)!;
          return [{ key: PurseKey.seen(handover.payer, handover.sequence), value: order }];
        }),
      ]);
    });
  }

  keepProof(proof: FraudProof): Promise<void> {
    return this.#book.keepProof(proof);
  }

  #sent(): Promise<StoredSent[]> {
    return this.#book.all(StoredSent, PurseKey.sents(this.#number));
  }

  #changeSent(request: bigint, change: (sent: StoredSent) => StoredSent | undefined): Promise<void> {
    return this.#book.change(async (write) => {
      const before = (await this.#sent()).find(
        ({ payment }) => handoverOf(payment.message).request === request,
      );
      if (before === undefined) throw new Error(`${idText(request)}: expected a payment of this purse`);
      const after = change(before);
      if (after === undefined) return;
      const { sequence } = handoverOf(before.payment.message);
      await write([{ key: PurseKey.sent(this.#number, sequence), value: StoredSent.encode(after) }]);
    });
  }
}

/** It left, or may have, and nobody whose word counts has said what became of it. */
export const isInDoubt = ({ receipt, standing }: StoredSent): boolean =>
  receipt === undefined && standing.kind !== 'settled' && standing.kind !== 'rejected';
