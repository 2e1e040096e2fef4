// Reporting: everything that cash has not settled, sent and received, with what funds it; and frauds. In any order, again and
// again: whoever asks about a transfer twice gets the same answer, so a crash in between costs nothing.
//
//     unsettled, and its funding ─▶ management ─▶ cash ─▶ word on each, signed where it is final ─▶ checked ─▶ written
import { toHex } from '../../identity/binary-text.ts';
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import { orderSignedBytes } from '../../roles/documents/payment-order.ts';
import type { ReportedTransfer } from '../../roles/documents/transfer.ts';
import { ManagementOperation } from '../../roles/management/messages.ts';
import {
  ReportFraudAnswer,
  ReportFraudRequest,
  ReportTransferAnswer,
  ReportTransferRequest,
} from '../../roles/management/purse-messages.ts';
import type { PaymentExpectation } from '../core/check-payment.ts';
import { checkPaymentReceipt, checkPaymentRejection } from '../core/check-payment.ts';
import { WalletError } from '../core/errors.ts';
import type { ManagementLink } from '../core/management-link.ts';
import { TransportError, type WalletClock, type WalletCrypto } from '../core/ports.ts';
import { cut } from '../core/readable.ts';
import { idText } from '../core/records.ts';
import { handoverOf } from '../peer/records.ts';
import type { PurseBook } from './purse-book.ts';
import type { ReportResult, TransferReport } from './purse-types.ts';
import type { Standing } from './records.ts';
import { isUnsettled, receivedReport, sentReport } from './transfer-report.ts';

/** Asked at a time. */
const REPORTS_AT_ONCE = 16;

export interface ReportsOptions {
  readonly purses: PurseBook;
  readonly link: ManagementLink;
  readonly crypto: WalletCrypto;
  readonly clock: WalletClock;
}

interface Item {
  readonly transfer: ReportedTransfer;
  /** Writes what became of it; undefined: it is not this wallet's own, and only funds something. */
  readonly note: ((standing: Standing) => Promise<TransferReport>) | undefined;
}

export class Reports {
  readonly #with: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#with = options;
  }

  /** What has no end yet, as it stands. */
  async unsettled(): Promise<TransferReport[]> {
    const { purses } = this.#with;
    const found: TransferReport[] = [];
    for (const purse of await purses.purses()) {
      const { sent, received } = await purses.records(purse);
      found.push(...sent.filter(isUnsettled).map(sentReport));
      found.push(...received.filter(isUnsettled).map(receivedReport));
    }
    return found;
  }

  /** One attempt at everything. @throws TransportError: later; WalletError answer_invalid, refused */
  async run(): Promise<ReportResult> {
    const transfers = new Map<bigint, TransferReport>();
    const items = await this.#items();
    // What somebody else has handed on must not keep the rest from being reported.
    let wrong: WalletError | undefined;
    for (let from = 0; from < items.length; from += REPORTS_AT_ONCE) {
      await Promise.all(
        items.slice(from, from + REPORTS_AT_ONCE).map(async ({ transfer, note }) => {
          try {
            const standing = await this.#ask(transfer);
            const report = await note?.(standing);
            if (report !== undefined) transfers.set(report.request, report);
          } catch (error) {
            if (!(error instanceof WalletError && error.code === 'answer_invalid')) throw error;
            wrong ??= error;
          }
        }),
      );
    }
    const frauds = await this.#frauds();
    if (wrong !== undefined) throw wrong;
    return { transfers: [...transfers.values()], frauds };
  }

  /** What funds something comes before it: then it does not have to wait at cash. */
  async #items(): Promise<Item[]> {
    const { purses } = this.#with;
    const items = new Map<string, Item>();
    const put = (item: Item): void => {
      const name = toHex(item.transfer.order);
      if (items.get(name)?.note === undefined) items.set(name, item);
    };
    for (const purse of await purses.purses()) {
      const { number } = purse;
      const { sent, received } = await purses.records(purse);
      for (const one of received.filter(isUnsettled)) {
        const { message } = one.payment;
        for (const element of message.funding) {
          if (element.kind === 'transfer') put({ transfer: element.transfer, note: undefined });
        }
        const { request } = handoverOf(message);
        put({
          transfer: message,
          note: async (standing) => receivedReport(await purses.noteReceived(number, request, standing)),
        });
      }
      for (const one of sent.filter(isUnsettled)) {
        const { message } = one.payment;
        const { sequence } = handoverOf(message);
        put({
          transfer: message,
          note: async (standing) => sentReport(await purses.noteSent(number, sequence, standing)),
        });
      }
    }
    return [...items.values()];
  }

  async #ask({ order, payer }: ReportedTransfer): Promise<Standing> {
    const { link } = this.#with;
    const message = ReportTransferRequest.encode({ transfer: { order, payer } });
    const { report_transfer } = ManagementOperation;
    const answer = await link.ask('device', report_transfer, message, ReportTransferAnswer);
    if (answer instanceof Refusal) {
      if (mayRepeat(answer)) throw new TransportError('unreachable', `management: ${answer.code}`);
      return { kind: 'refused', code: cut(answer.code).slice(0, 64), reason: cut(answer.message) };
    }
    if (answer.kind === 'pending')
      throw new TransportError('unreachable', 'management: cash has not answered');
    const { outcome } = answer.outcome;
    switch (outcome.kind) {
      case 'waiting':
        return { kind: 'waiting', reportBy: outcome.reportBy };
      case 'disputed':
        return { kind: 'disputed', reason: outcome.reason };
      case 'settled': {
        const { receipt, from } = outcome;
        const cashKey = await this.#cashKey(receipt.document.keyId);
        this.#expect(
          checkPaymentReceipt(receipt, this.#expectation(order), cashKey, this.#with.crypto),
          order,
        );
        return { kind: 'settled', receipt, cashKey, from };
      }
      case 'rejected': {
        const { rejection } = outcome;
        const cashKey = await this.#cashKey(rejection.document.keyId);
        this.#expect(
          checkPaymentRejection(rejection, this.#expectation(order), cashKey, this.#with.crypto),
          order,
        );
        return { kind: 'rejected', rejection, cashKey };
      }
    }
  }

  #expectation(order: Uint8Array): PaymentExpectation {
    return expectationOfOrder(order, this.#with.crypto);
  }

  #expect(wrong: string | undefined, order: Uint8Array): void {
    if (wrong === undefined) return;
    const { request } = handoverOf({ order });
    throw new WalletError('answer_invalid', `payment ${idText(request)}: ${wrong}`);
  }

  async #cashKey(keyId: Uint8Array): Promise<Uint8Array> {
    const { link, clock } = this.#with;
    let key = link.trust.cashKey(keyId, clock.now());
    if (key === undefined) {
      await link.fetchDirectory('device');
      key = link.trust.cashKey(keyId, clock.now());
    }
    if (key === undefined)
      throw new WalletError('answer_invalid', 'receipt: expected one signed with a key of cash, got another');
    return key;
  }

  async #frauds(): Promise<number> {
    const { purses, link } = this.#with;
    let told = 0;
    for (const own of await purses.proofs()) {
      if (own.isReported) continue;
      const message = ReportFraudRequest.encode({ proof: own.proof });
      const answer = await link.ask('device', ManagementOperation.report_fraud, message, ReportFraudAnswer);
      if (answer instanceof Refusal && mayRepeat(answer)) {
        throw new TransportError('unreachable', `management: ${answer.code}`);
      }
      // A no is management's last word on it, too.
      await purses.noteProof(own);
      told += 1;
    }
    return told;
  }
}

/** What cash's word on an order from purse to purse has to say. */
export function expectationOfOrder(
  order: Uint8Array,
  { sha256 }: Pick<WalletCrypto, 'sha256'>,
): PaymentExpectation {
  const { request, payee, amount, currency, reference } = handoverOf({ order });
  const orderDigest = sha256(orderSignedBytes(order));
  return { request, kind: 'sale', orderDigest, shop: payee, amount, currency, reference };
}
