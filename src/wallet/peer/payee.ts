// The payee's side of a session: it asks, and answers each payment that comes with a receipt or a reason.
//
//     met ─▶ asked ═▶ ask leaves ─▶ payment ─┬─▶ known ──────────────────────▶ same receipt ─╮
//                          ▲                 ├─▶ checked ═▶ added, receipt ════▶ receipt ─────┤       ═▶: written before
//                          │                 ╰─▶ wrong ─────────────────────▶ refusal ───────┤
//                          ╰─────────────────────────────────────────────────────────────────╯  until done

import { NONCE_BYTES, type SignedTransferReceipt, TransferReceipt } from '../../roles/documents/transfer.ts';
import { amountOf } from '../../shared/amount.ts';
import { PeerChannel } from './channel.ts';
import { checkPayment, readOrder } from './check-payment.ts';
import type { Peer } from './check-peer.ts';
import { receiptContent } from './check-receipt.ts';
import { PeerError, type PeerRefusal, readRefusal, type SaidRefusal } from './errors.ts';
import { isSameOrder } from './funding.ts';
import type { PeerParty } from './ledger.ts';
import { PAYMENTS_A_SESSION_MAX } from './limits.ts';
import type { PeerLink } from './link.ts';
import { isMemo } from './memo.ts';
import { type PaymentMessage, REFUSAL_TEXT_BYTES_MAX } from './messages.ts';
import { handoverOf, type ReceivedPayment } from './records.ts';

export interface AskOptions {
  /** Minor units; undefined: as much as the payer wants to give. */
  readonly amount?: bigint | undefined;
  /** What it is for; with '' the payer may say. */
  readonly memo?: string | undefined;
}

export interface TakenPayment {
  readonly payment: ReceivedPayment;
  /** It had been added in an earlier session, and only the receipt was missing. */
  readonly again: boolean;
  /** It is what this session has asked for. */
  readonly isAsked: boolean;
}

export interface AskReport {
  readonly payer: Peer;
  readonly received: readonly TakenPayment[];
  /** Payments that were not added, and why. */
  readonly refused: readonly { readonly request: bigint; readonly refusal: PeerRefusal }[];
  /** The payer has said that it wants nothing more: it has its receipts. */
  readonly isDone: boolean;
  /** The payer's user has said no. */
  readonly declined: SaidRefusal | undefined;
}

/**
 * Meets a payer. The link is closed at the end.
 * @throws PeerError; not once something was received: what counts is written
 */
export async function askPeer(link: PeerLink, party: PeerParty, options: AskOptions): Promise<AskReport> {
  const { amount, memo = '' } = options;
  if (amount === 0n || !isMemo(memo)) {
    link.close();
    const what = 'ask: expected an amount of 1 or more, and a memo of plain text that fits, got others';
    throw new PeerError('invalid_argument', what);
  }
  const channel = await PeerChannel.toPayer(link, party);
  try {
    return await new Payee(channel, party).session(amount && amountOf(amount), memo);
  } finally {
    channel.close();
  }
}

class Payee {
  readonly #channel: PeerChannel;
  readonly #party: PeerParty;
  readonly #received: TakenPayment[] = [];
  readonly #refused: { request: bigint; refusal: PeerRefusal }[] = [];

  constructor(channel: PeerChannel, party: PeerParty) {
    this.#channel = channel;
    this.#party = party;
  }

  async session(amount: bigint | undefined, memo: string): Promise<AskReport> {
    const { ledger, crypto, clock } = this.#party;
    const { peer, times } = this.#channel;
    const nonce = crypto.randomBytes(NONCE_BYTES);
    const payer = peer.certificate.purse;
    await ledger.ask({ nonce, payer, amount, memo, askedAt: clock.now() });
    await this.#channel.send({ kind: 'ask', nonce, amount, memo });
    try {
      for (let payments = 0; ; payments++) {
        const message = await this.#channel.receive(['payment', 'done', 'refusal'], times.decisionMs);
        if (message.kind === 'done') return this.#report(true);
        if (message.kind === 'refusal') return this.#report(true, readRefusal(message));
        if (payments === PAYMENTS_A_SESSION_MAX) {
          const text = `session: expected at most ${PAYMENTS_A_SESSION_MAX} payments, got more`;
          await this.#refuse({ code: 'too_many_payments', message: text });
          throw new PeerError('protocol_error', text);
        }
        const { kind: _, ...payment } = message;
        await this.#answer(payment, nonce);
      }
    } catch (error) {
      if (!(error instanceof PeerError) || this.#received.length === 0) throw error;
      return this.#report(false);
    }
  }

  async #answer(message: PaymentMessage, nonce: Uint8Array): Promise<void> {
    const { ledger } = this.#party;
    const { peer: payer } = this.#channel;
    const reading = readOrder(message, payer, this.#party);
    if (reading.wrong !== undefined) return this.#refuse(reading.wrong);
    const { handover } = reading;
    const { request } = handover;
    const known = await ledger.received(request);
    if (known !== undefined) {
      if (isSameOrder(known.message.order, message.order)) return this.#receipt(known, true, nonce);
      const text = 'order: expected another request, got one of a payment that is known';
      return this.#refuse({ code: 'request_known', message: text }, request);
    }
    const ask = await ledger.asked(message.nonce);
    const { refusal, proof } = await checkPayment(
      { message, handover, payer, party: this.#party, ask },
      (purse) => ledger.seen(purse),
    );
    if (proof !== undefined) await ledger.keepProof(proof);
    if (refusal !== undefined) return this.#refuse(refusal, request);
    const payment: ReceivedPayment = {
      message,
      allowance: payer.allowance!,
      payer: payer.certificateBytes,
      receipt: this.#signedReceipt(message),
    };
    await ledger.add(payment);
    return this.#receipt(payment, false, nonce);
  }

  #signedReceipt(message: PaymentMessage): SignedTransferReceipt {
    const { crypto, purse, clock } = this.#party;
    const document: TransferReceipt = { ...receiptContent(message, crypto), receivedAt: clock.now() };
    return {
      document,
      signature: crypto.sign(purse.keys.signingSecret, TransferReceipt.signedBytes(document)),
    };
  }

  async #receipt(payment: ReceivedPayment, again: boolean, nonce: Uint8Array): Promise<void> {
    const { request, amount } = handoverOf(payment.message);
    const isAsked = payment.message.nonce.every((byte, i) => byte === nonce[i]);
    this.#received.push({ payment, again, isAsked });
    this.#party.onEvent?.({ type: 'received', request, amount, again });
    await this.#channel.send({ kind: 'receipt', receipt: payment.receipt });
  }

  async #refuse(refusal: PeerRefusal, request?: bigint): Promise<void> {
    if (request !== undefined) {
      this.#refused.push({ request, refusal });
      this.#party.onEvent?.({ type: 'refused', request, refusal });
    }
    const message = refusal.message.slice(0, REFUSAL_TEXT_BYTES_MAX);
    await this.#channel.send({ kind: 'refusal', code: refusal.code, message });
  }

  #report(isDone: boolean, declined?: SaidRefusal): AskReport {
    const { peer: payer } = this.#channel;
    return { payer, received: this.#received, refused: this.#refused, isDone, declined };
  }
}
