// Management and cash as far as purses go, for tests of wallets: one strict ledger of purses for all of them. What an honest
// wallet never does, it throws for.
import { ed25519, hpke, sha256 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { issuePurseCertificate, PurseCertificate } from '../../../src/identity/purse-certificate.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import { BlockList, BlockListQuery } from '../../../src/roles/documents/block-list.ts';
import {
  checkFraudProof,
  contradiction,
  type FraudProof,
  isSound,
} from '../../../src/roles/documents/fraud-proof.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import type { SignedPaymentReceipt } from '../../../src/roles/documents/payment-receipts.ts';
import {
  Allowance,
  PurseClosing,
  PurseOpening,
  type SignedAllowance,
} from '../../../src/roles/documents/purse.ts';
import {
  type Handover,
  PayerContent,
  payerSealInfo,
  type ReportedTransfer,
  readHandover,
  TransferBinding,
} from '../../../src/roles/documents/transfer.ts';
import type { ManagementRefusal } from '../../../src/roles/management/errors.ts';
import { ManagementOperation } from '../../../src/roles/management/messages.ts';
import {
  ClosePurseManagementAnswer,
  ClosePurseRequest,
  GetBlockListAnswer,
  GetPurseStatementAnswer,
  GetPurseStatementRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  ReportFraudAnswer,
  ReportFraudRequest,
  ReportTransferAnswer,
  ReportTransferRequest,
} from '../../../src/roles/management/purse-messages.ts';
import { DAY, keySets } from '../../identity/support.ts';
import { TestCash } from '../cash.ts';
import { encode } from '../management.ts';

interface Purse {
  readonly device: bigint;
  readonly signingKey: Uint8Array;
  readonly allowance: SignedAllowance;
  readonly certificate: Uint8Array;
  /** Whose statements tell of the device. */
  readonly deviceCash: TestCash;
  readonly orders: Map<bigint, Order>;
  closed: { readonly released: bigint; readonly timestamp: bigint } | undefined;
}

interface Order {
  readonly order: Uint8Array;
  readonly handover: Handover;
  receipt: SignedPaymentReceipt | undefined;
  from: 'purse' | 'loss';
}

export class TestPurses {
  readonly now: () => bigint;
  readonly cash: TestCash;
  readonly purses = new Map<bigint, Purse>();
  readonly openings = new Map<bigint, bigint>();
  readonly proofs: FraudProof[] = [];
  /** What the operator has paid for purses that have cheated. */
  covered = 0n;
  blocked: { serial: bigint; purses: readonly bigint[] } = { serial: 0n, purses: [] };
  #nextRelease = 1n << 90n;
  /** Purses of one part. */
  partMax = 2;

  constructor(now: () => bigint) {
    this.now = now;
    this.cash = new TestCash({ now, keySets, signingKeyOf: () => undefined });
  }

  /** @param device that asks, and the cash that has its account */
  answer(operation: number, message: Uint8Array, device: bigint, deviceCash: TestCash): Uint8Array {
    switch (operation) {
      case ManagementOperation.open_purse:
        return encode(OpenPurseAnswer, this.#open(OpenPurseRequest.decode(message), device, deviceCash));
      case ManagementOperation.report_transfer: {
        const { transfer } = ReportTransferRequest.decode(message);
        return encode(ReportTransferAnswer, this.#report(transfer));
      }
      case ManagementOperation.close_purse:
        return encode(ClosePurseManagementAnswer, this.#close(ClosePurseRequest.decode(message)));
      case ManagementOperation.get_purse_statement: {
        const { purse, query } = GetPurseStatementRequest.decode(message);
        if (this.purses.get(purse)?.device !== device) throw new Error('expected a purse of the device');
        return encode(GetPurseStatementAnswer, { statement: this.cash.statement(purse, query) });
      }
      case ManagementOperation.get_block_list:
        return encode(GetBlockListAnswer, { list: this.#part(BlockListQuery.decode(message)) });
      case ManagementOperation.report_fraud: {
        const { proof } = ReportFraudRequest.decode(message);
        if (checkFraudProof(proof, systemProofs) === undefined) throw new Error('expected a proof');
        this.proofs.push(proof);
        return encode(ReportFraudAnswer, { blockedAt: this.now() });
      }
      default:
        throw new Error(`expected an operation of purses, got ${operation}`);
    }
  }

  /** All that is in purses. */
  get sum(): bigint {
    return [...this.purses.keys()].reduce((sum, purse) => sum + this.cash.balance(purse), 0n);
  }

  #open({ opening }: OpenPurseRequest, device: bigint, deviceCash: TestCash): OpenPurseAnswer {
    const { document, signature } = opening;
    const { request, signingKey, channelKey, currency, amount } = document;
    if (document.device !== device) throw new Error('expected the device that asks');
    const known = this.openings.get(request);
    if (known !== undefined) return this.#openedAs(known, signingKey);
    const key = deviceCash.signingKeyOf(device)!;
    if (!ed25519.verify(key, PurseOpening.signedBytes(document), signature))
      throw new Error('expected the device to have signed');
    const others = [...this.purses.values()].filter((one) => one.device === device);
    if (others.some(({ closed }) => closed === undefined)) return { kind: 'rejected', reason: 'purse_open' };
    if (document.applyBy <= this.now()) return { kind: 'rejected', reason: 'expired' };
    if (amount > deviceCash.balance(device)) return { kind: 'rejected', reason: 'exceeds_credits' };
    const purse = (7000n + BigInt(this.purses.size)) * 0x1_0000_0001_0000_0001n;
    const expiresAt = this.now() + 7n * DAY;
    const content: Allowance = {
      keyId: keyIdOf(this.cash.signer.publicKey, sha256),
      ...{ purse, signingKey, currency, amount, expiresAt },
      reportBy: this.now() + 37n * DAY,
    };
    const certificate = issuePurseCertificate(
      { purse, signingKey, channelKey, currency, notBefore: this.now() - DAY, notAfter: expiresAt },
      ed25519.signingKey(keySets.management[0].signing.secretKey),
      systemCrypto,
    );
    this.purses.set(purse, {
      ...{ device, signingKey, deviceCash, orders: new Map(), closed: undefined },
      allowance: {
        document: content,
        signature: ed25519.sign(this.cash.signer.secretKey, Allowance.signedBytes(content)),
      },
      certificate: PurseCertificate.signed.encode(certificate),
    });
    this.openings.set(request, purse);
    deviceCash.debit(device, amount, 'reserve', request);
    this.cash.credit(purse, amount, request, 'reserve');
    return this.#openedAs(purse, signingKey);
  }

  #openedAs(number: bigint, signingKey: Uint8Array): OpenPurseAnswer {
    const { certificate, allowance } = this.purses.get(number)!;
    if (Buffer.compare(allowance.document.signingKey, signingKey) !== 0)
      throw new Error('expected the same keys for the same opening, got others');
    return { kind: 'opened', certificate, allowance };
  }

  #report({ order, payer }: ReportedTransfer): ReportTransferAnswer | Refusal<ManagementRefusal> {
    const handover = readHandover(order)!;
    const purse = this.purses.get(handover.payer);
    const payee = this.purses.get(handover.payee);
    if (purse === undefined || payee === undefined) return new Refusal('purse_unknown', 'expected purses');
    if (!isSound(handover)) throw new Error('expected an order that is sound');
    const content = openedPayer(payer, handover);
    if (content.device !== purse.device || content.purse !== handover.payer)
      throw new Error('expected the number of the payer');
    const known = purse.orders.get(handover.request);
    if (known === undefined) {
      const first = [...purse.orders.values()].find((one) => contradiction(one.order, order) !== undefined);
      if (first !== undefined) {
        const { signingKey } = purse;
        this.proofs.push({ signingKey, evidence: { kind: 'orders', first: first.order, second: order } });
        const own = { order, handover, receipt: this.#receipt(order, handover), from: 'loss' as const };
        purse.orders.set(handover.request, own);
        this.covered += handover.amount;
        this.cash.credit(
          handover.payee,
          handover.amount,
          (0xffn << 120n) | (handover.request & ((1n << 120n) - 1n)),
          'offline_loss',
        );
        return this.#outcome(own);
      }
      if (this.now() >= handover.reportBy) {
        const { request, payee: shop, amount, currency } = handover;
        const orderDigest = sha256(orderSignedBytes(order));
        const of = {
          request,
          orderDigest,
          shop,
          amount,
          currency,
          reference: Uint8Array.from(handover.reference),
        };
        const rejection = this.cash.rejection({ ...of, reason: 'order_expired' });
        return { kind: 'reported', outcome: { outcome: { kind: 'rejected', rejection }, fraud: undefined } };
      }
      purse.orders.set(handover.request, { order, handover, receipt: undefined, from: 'purse' });
      this.#settleWaiting();
    }
    return this.#outcome(purse.orders.get(handover.request)!);
  }

  #outcome({ receipt, handover, from }: Order): ReportTransferAnswer {
    const outcome =
      receipt === undefined
        ? ({ kind: 'waiting', reportBy: handover.reportBy } as const)
        : ({ kind: 'settled', receipt, from } as const);
    const fraud = from === 'loss' ? this.proofs.at(-1) : undefined;
    return { kind: 'reported', outcome: { outcome, fraud } };
  }

  /** Until nothing more can be paid. */
  #settleWaiting(): void {
    for (let again = true; again; ) {
      again = false;
      for (const { orders } of this.purses.values()) {
        for (const one of orders.values()) {
          const { payer, payee, amount, request } = one.handover;
          if (one.receipt !== undefined || this.cash.balance(payer) < amount) continue;
          one.receipt = this.#receipt(one.order, one.handover);
          this.cash.debit(payer, amount, 'handover', request);
          this.cash.credit(payee, amount, request, 'handover');
          this.#releaseOf(payee);
          again = true;
        }
      }
    }
  }

  #receipt(order: Uint8Array, handover: Handover): SignedPaymentReceipt {
    const { request, payee: shop, amount, currency } = handover;
    const [orderDigest, reference] = [sha256(orderSignedBytes(order)), Uint8Array.from(handover.reference)];
    const timestamp = this.now();
    return this.cash.receipt({
      ...{ request, kind: 'paid', orderDigest, shop, amount, currency, reference, timestamp },
    });
  }

  /** What comes to a purse that is closed follows to its device. */
  #releaseOf(number: bigint): void {
    const purse = this.purses.get(number)!;
    if (purse.closed !== undefined) this.#release(number, purse);
  }

  #release(number: bigint, { device, deviceCash }: Purse): bigint {
    const left = this.cash.balance(number);
    if (left === 0n) return 0n;
    const transfer = this.#nextRelease++;
    this.cash.debit(number, left, 'release', transfer);
    deviceCash.credit(device, left, transfer, 'release');
    return left;
  }

  #close({ closing }: ClosePurseRequest): ClosePurseManagementAnswer | Refusal<ManagementRefusal> {
    const { document, signature } = closing;
    const purse = this.purses.get(document.purse)!;
    if (!ed25519.verify(purse.signingKey, PurseClosing.signedBytes(document), signature))
      throw new Error('expected the purse to have signed');
    if (purse.closed === undefined) {
      const orders = [...purse.orders.values()];
      const settled = new Set(
        orders.filter(({ receipt }) => receipt).map(({ handover }) => handover.sequence),
      );
      const missing = Array.from({ length: Number(document.lastSequence) }, (_, i) => BigInt(i + 1)).filter(
        (sequence) => !settled.has(sequence),
      );
      if (missing.length > 0)
        return { kind: 'answered', answer: { kind: 'unreported', sequences: missing.map(Number) } };
      if (orders.length > Number(document.lastSequence)) throw new Error('a wallet has closed too early');
      const sum = orders.reduce((total, { handover }) => total + handover.amount, 0n);
      if (sum !== document.total) return new Refusal('amount_mismatch', 'total');
      purse.closed = { released: this.#release(document.purse, purse), timestamp: this.now() };
    }
    return { kind: 'answered', answer: { kind: 'closed', ...purse.closed } };
  }

  #part({ serial, part }: BlockListQuery) {
    if (serial === this.blocked.serial) return undefined;
    const { purses } = this.blocked;
    const parts = Math.max(1, Math.ceil(purses.length / this.partMax));
    if (part >= parts) return undefined;
    const { signing } = keySets.management[0];
    const document: BlockList = {
      keyId: keyIdOf(signing.publicKey, sha256),
      ...{ serial: this.blocked.serial, part, parts, issuedAt: this.now() },
      purses: purses.slice(part * this.partMax, (part + 1) * this.partMax),
    };
    return { document, signature: ed25519.sign(signing.secretKey, BlockList.signedBytes(document)) };
  }
}

const systemProofs = {
  verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    ed25519.verify(key, message, signature),
  sha256: (message: Uint8Array) => sha256(message),
};

function openedPayer(
  { keyId, encapsulatedKey, ciphertext }: ReportedTransfer['payer'],
  { request, payee }: Handover,
): PayerContent {
  return PayerContent.decode(
    hpke.open({
      recipientPrivateKey: keySets.management[0].sealing.secretKey,
      info: payerSealInfo(keyId),
      aad: TransferBinding.encode({ request, payee }),
      enc: encapsulatedKey,
      ciphertext,
    }),
  );
}
