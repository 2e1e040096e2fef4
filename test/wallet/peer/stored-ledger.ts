// A purse's books over any storage: as little as the sessions need, so that tests can stop a wallet anywhere and open it again.
import { toHex } from '../../../src/identity/binary-text.ts';
import { FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import type { SignedPaymentReceipt } from '../../../src/roles/documents/payment-receipts.ts';
import {
  readHandover,
  type SignedTransferReceipt,
  TransferReceipt,
} from '../../../src/roles/documents/transfer.ts';
import { type Infer, struct, u64, u128 } from '../../../src/shared/codec.ts';
import type { Put, WalletStorage } from '../../../src/wallet/core/ports.ts';
import { idText } from '../../../src/wallet/core/records.ts';
import type { SaidRefusal } from '../../../src/wallet/peer/errors.ts';
import type { FundingSource } from '../../../src/wallet/peer/funding.ts';
import type { PurseLedger } from '../../../src/wallet/peer/ledger.ts';
import { OPEN_ASKS_MAX, OPEN_ASKS_OF_A_PAYER_MAX } from '../../../src/wallet/peer/limits.ts';
import {
  fundedBy,
  handoverOf,
  OpenAsk,
  ReceivedPayment,
  SentPayment,
} from '../../../src/wallet/peer/records.ts';

const hex = (value: bigint, digits = 32): string => value.toString(16).padStart(digits, '0');

const Key = {
  spent: 'spent',
  sent: (sequence: bigint) => `sent/${hex(sequence, 2)}`,
  doubt: (payee: bigint, sequence: bigint) => `doubt/${hex(payee).slice(8)}/${hex(sequence, 2)}`,
  receipt: (request: bigint) => `receipt/${hex(request)}`,
  received: (request: bigint) => `received/${hex(request)}`,
  ask: (nonce: Uint8Array) => `ask/${toHex(nonce.subarray(0, 24))}`,
  used: (nonce: Uint8Array) => `used/${toHex(nonce.subarray(0, 24))}`,
  seen: (purse: bigint, request: bigint) => `seen/${hex(purse).slice(8)}/${hex(request)}`,
  proof: (number: number) => `proof/${hex(BigInt(number), 8)}`,
};

const Spent = struct({ sequence: u64, total: u128 });
type Spent = Infer<typeof Spent>;

const EMPTY = new Uint8Array(0);

export class StoredLedger implements PurseLedger {
  readonly #storage: WalletStorage;
  /** What cash has settled, by request: sources show it instead. */
  readonly settled = new Map<bigint, SignedPaymentReceipt>();
  readonly refusals: SaidRefusal[] = [];

  constructor(storage: WalletStorage) {
    this.#storage = storage;
  }

  async spent(): Promise<Spent> {
    const bytes = await this.#storage.read(Key.spent);
    return bytes === undefined ? { sequence: 0n, total: 0n } : Spent.decode(bytes);
  }

  async sources(): Promise<FundingSource[]> {
    return (await this.allReceived()).map((payment) => {
      const { request, amount } = handoverOf(payment.message);
      const receipt = this.settled.get(request);
      return { amount, elements: receipt === undefined ? fundedBy(payment) : [{ kind: 'settled', receipt }] };
    });
  }

  async prepare(payment: SentPayment): Promise<void> {
    const { sequence, total, amount, payee } = handoverOf(payment.message);
    const before = await this.spent();
    if (sequence !== before.sequence + 1n || total !== before.total + amount) {
      throw new Error(`payment: expected number ${before.sequence + 1n}, got ${sequence}`);
    }
    const bytes = SentPayment.encode(payment);
    await this.#write(
      [Key.spent, Spent.encode({ sequence, total })],
      [Key.sent(sequence), bytes],
      [Key.doubt(payee, sequence), bytes],
    );
  }

  inDoubt(payee: bigint): Promise<SentPayment[]> {
    return this.#all(Key.doubt(payee, 0n).slice(0, -2), SentPayment);
  }

  async settle(request: bigint, receipt: SignedTransferReceipt): Promise<void> {
    const doubts = (await this.inDoubt(receipt.document.payee)).map(({ message }) => handoverOf(message));
    const doubt = doubts.find((handover) => handover.request === request);
    if (doubt === undefined) return;
    await this.#write(
      [Key.receipt(request), TransferReceipt.signed.encode(receipt)],
      [Key.doubt(doubt.payee, doubt.sequence), undefined],
    );
  }

  async noteRefusal(_request: bigint, refusal: SaidRefusal): Promise<void> {
    this.refusals.push(refusal);
  }

  async ask(ask: OpenAsk): Promise<void> {
    const open = (await this.#all('ask/', OpenAsk)).sort((a, b) => (a.askedAt < b.askedAt ? 1 : -1));
    const ofPayer = open.filter(({ payer }) => payer === ask.payer);
    const old = [...ofPayer.slice(OPEN_ASKS_OF_A_PAYER_MAX - 1), ...open.slice(OPEN_ASKS_MAX - 1)];
    await this.#write(...old.map(({ nonce }): Change => [Key.ask(nonce), undefined]), [
      Key.ask(ask.nonce),
      OpenAsk.encode(ask),
    ]);
  }

  async asked(nonce: Uint8Array): Promise<OpenAsk | 'used' | undefined> {
    if (await this.#has(Key.used(nonce))) return 'used';
    const bytes = await this.#storage.read(Key.ask(nonce));
    return bytes && OpenAsk.decode(bytes);
  }

  async received(request: bigint): Promise<ReceivedPayment | undefined> {
    const bytes = await this.#storage.read(Key.received(request));
    return bytes && ReceivedPayment.decode(bytes);
  }

  async seen(purse: bigint): Promise<Uint8Array[]> {
    const prefix = Key.seen(purse, 0n).slice(0, -32);
    return (await this.#storage.list(prefix)).map(({ value }) => value);
  }

  async add(payment: ReceivedPayment): Promise<void> {
    const { nonce } = payment.message;
    const { request } = handoverOf(payment.message);
    if (await this.#has(Key.received(request))) throw new Error(`${idText(request)}: expected a new payment`);
    if (!(await this.#has(Key.ask(nonce)))) throw new Error('payment: expected an open ask, got none');
    await this.#write(
      [Key.received(request), ReceivedPayment.encode(payment)],
      [Key.ask(nonce), undefined],
      [Key.used(nonce), EMPTY],
      ...fundedBy(payment).flatMap((element): Change[] => {
        if (element.kind === 'settled') return [];
        const { order } = element.transfer;
        const handover = readHandover(order)!;
        return [[Key.seen(handover.payer, handover.request), order]];
      }),
    );
  }

  async keepProof(proof: FraudProof): Promise<void> {
    await this.#write([Key.proof((await this.proofs()).length), FraudProof.encode(proof)]);
  }

  // ── what tests look at ───────────────────────────────────────────────────────────────────────────────────────────────

  sent(): Promise<SentPayment[]> {
    return this.#all('sent/', SentPayment);
  }

  receipts(): Promise<SignedTransferReceipt[]> {
    return this.#all('receipt/', TransferReceipt.signed);
  }

  allReceived(): Promise<ReceivedPayment[]> {
    return this.#all('received/', ReceivedPayment);
  }

  proofs(): Promise<FraudProof[]> {
    return this.#all('proof/', FraudProof);
  }

  /** What was subtracted against receipts. */
  async subtracted(): Promise<bigint> {
    return (await this.receipts()).reduce((sum, { document }) => sum + document.amount, 0n);
  }

  async added(): Promise<bigint> {
    return (await this.allReceived()).reduce((sum, { message }) => sum + handoverOf(message).amount, 0n);
  }

  async #has(key: string): Promise<boolean> {
    return (await this.#storage.read(key)) !== undefined;
  }

  async #all<Value>(prefix: string, codec: { decode(bytes: Uint8Array): Value }): Promise<Value[]> {
    return (await this.#storage.list(prefix)).map(({ value }) => codec.decode(value));
  }

  async #write(...changes: readonly Change[]): Promise<void> {
    await this.#storage.write(changes.map(([key, value]): Put => ({ key, value })));
  }
}

type Change = readonly [key: string, value: Uint8Array | undefined];
