// The payer's side of a session: what is in doubt with this payee first, then one payment.
//
//     asked ─▶ decided ─▶ prepared ═▶ sent ─▶ receipt ═▶ settled ─▶ done              ═▶: written before
//       ▲ │                             │
//       │ ╰─▶ in doubt, sent again ─────┤
//       ╰───────────── settled ◀════════┤
//                                       ╰─▶ refusal, silence, nonsense: it stays in doubt
import { PurseCertificate } from '../../identity/purse-certificate.ts';
import { PURSE_PAYMENTS_MAX } from '../../roles/documents/purse.ts';
import type { SignedTransferReceipt } from '../../roles/documents/transfer.ts';
import { amountOf } from '../../shared/amount.ts';
import { PeerChannel } from './channel.ts';
import type { ExpectedPayee, Peer } from './check-peer.ts';
import { checkReceipt } from './check-receipt.ts';
import { PeerError, readRefusal, type SaidRefusal } from './errors.ts';
import { checkFunding, fundingFor } from './funding.ts';
import type { PeerParty } from './ledger.ts';
import { RESUMED_A_SESSION_MAX } from './limits.ts';
import type { PeerLink } from './link.ts';
import { isMemo } from './memo.ts';
import { signedPayment } from './payment.ts';
import { handoverOf, type SentPayment } from './records.ts';

/** What a payer decides on. */
export interface Asked {
  readonly payee: Peer;
  /** Minor units; undefined: as much as the payer wants to give. */
  readonly amount: bigint | undefined;
  readonly memo: string;
  /** Payments of earlier sessions, which were sent again in this one. One of them may be what is asked for. */
  readonly resumed: readonly ResumedPayment[];
}

export type Decision = { readonly amount: bigint; readonly memo?: string | undefined } | undefined;

export interface PayOptions {
  /** Whom to pay, as an address says; with nobody named, whoever answers is paid. */
  readonly payee: ExpectedPayee;
  /** What to pay; undefined: nothing. Asked once, after everything in doubt with this payee was sent again. */
  readonly decide: (asked: Asked) => Promise<Decision> | Decision;
}

export interface ResumedPayment {
  readonly payment: SentPayment;
  /** Undefined: the payee has a reason not to add it, and it stays in doubt. */
  readonly receipt: SignedTransferReceipt | undefined;
  readonly refusal: SaidRefusal | undefined;
}

export interface PayReport {
  readonly payee: Peer;
  readonly resumed: readonly ResumedPayment[];
  /** Undefined: nothing more was to be paid. */
  readonly paid: { readonly payment: SentPayment; readonly receipt: SignedTransferReceipt } | undefined;
}

/**
 * Meets a payee. The link is closed at the end.
 * @throws PeerError; with `inDoubt` where a payment may have arrived, which the next session with this payee sends again
 */
export async function payPeer(link: PeerLink, party: PeerParty, options: PayOptions): Promise<PayReport> {
  const channel = await PeerChannel.toPayee(link, party, options.payee);
  try {
    return await new Payer(channel, party).session(options);
  } finally {
    channel.close();
  }
}

class Payer {
  readonly #channel: PeerChannel;
  readonly #party: PeerParty;

  constructor(channel: PeerChannel, party: PeerParty) {
    this.#channel = channel;
    this.#party = party;
  }

  async session({ decide }: PayOptions): Promise<PayReport> {
    const { ledger, onEvent } = this.#party;
    const { peer: payee, times } = this.#channel;
    const ask = await this.#channel.receive(['ask'], times.answerMs);
    const { amount, memo } = ask;
    if (!isMemo(memo))
      throw new PeerError('protocol_error', 'ask: expected a memo of plain text, got another');
    onEvent?.({ type: 'asked', amount, memo });
    const resumed: ResumedPayment[] = [];
    const inDoubt = await ledger.inDoubt(payee.certificate.purse);
    for (const payment of inDoubt.slice(0, RESUMED_A_SESSION_MAX)) {
      resumed.push({ payment, ...(await this.#hand(payment, true)) });
    }
    const decision = await decide({ payee, amount, memo, resumed });
    if (decision === undefined) {
      const isDone = resumed.length > 0;
      await this.#channel
        .send(
          isDone
            ? { kind: 'done' }
            : { kind: 'refusal', code: 'declined', message: 'the payer has declined' },
        )
        .catch(onlyTold);
      return { payee, resumed, paid: undefined };
    }
    const payment = await this.#prepare(ask, decision);
    const { receipt, refusal } = await this.#hand(payment, false);
    if (refusal !== undefined) {
      const { request } = handoverOf(payment.message);
      const what = `payee: ${refusal.message} (${refusal.code})`;
      throw new PeerError('refused', what, { refusal, inDoubt: request });
    }
    await this.#channel.send({ kind: 'done' }).catch(onlyTold);
    return { payee, resumed, paid: { payment, receipt: receipt! } };
  }

  /** Signs a payment and writes it down. It would pass every check of the payee that this side can make. @throws PeerError */
  async #prepare(
    ask: { readonly nonce: Uint8Array; readonly amount: bigint | undefined; readonly memo: string },
    decision: NonNullable<Decision>,
  ): Promise<SentPayment> {
    const { purse, ledger, trust, isBlocked, crypto, clock, newId, onEvent } = this.#party;
    const { certificate, certificateBytes } = this.#channel.peer;
    const { document: allowance } = purse.allowance;
    const amount = amountOf(decision.amount);
    const memo = ask.memo === '' ? (decision.memo ?? '') : ask.memo;
    if (amount === 0n || (ask.amount !== undefined && ask.amount !== amount)) {
      const expected =
        ask.amount === undefined ? 'at least 1 minor unit' : `the ${ask.amount} that are asked for`;
      throw new PeerError('invalid_argument', `payment: expected ${expected}, got ${amount}`);
    }
    if (!isMemo(memo)) {
      throw new PeerError(
        'invalid_argument',
        'payment: expected a memo of plain text that fits, got another',
      );
    }
    const spent = await ledger.spent();
    const sequence = spent.sequence + 1n;
    const total = spent.total + amount;
    if (sequence > BigInt(PURSE_PAYMENTS_MAX)) {
      const what = `purse: expected fewer than ${PURSE_PAYMENTS_MAX} payments so far, got as many`;
      throw new PeerError('payments_used_up', what);
    }
    const now = clock.now();
    const funding =
      total <= allowance.amount ? [] : fundingFor(total - allowance.amount, await ledger.sources());
    if (funding === undefined) {
      const what = `payment: expected what this purse has, or can prove to have, got ${amount} minor units`;
      throw new PeerError('not_covered', what);
    }
    const found = checkFunding(funding, {
      cashKey: (keyId) => trust.cashKey(keyId, now),
      ...{ isBlocked, currency: allowance.currency, now, crypto },
    });
    if (found.wrong !== undefined) {
      throw new PeerError('not_covered', `${found.wrong.message} (${found.wrong.code})`);
    }
    if (now >= allowance.expiresAt) {
      const what = 'allowance: expected one that has not expired, got one that has';
      throw new PeerError('peer_refused', what, { refusal: { code: 'allowance_expired', message: what } });
    }
    // Whoever has thought too long should not have spent the money for it.
    if (!this.#channel.isOpen) {
      throw new PeerError(
        'link_broken',
        'link: expected the payee to be there still, got nobody; nothing was paid',
      );
    }
    const payee = certificate.purse;
    const plan = { request: newId(), payee, amount, nonce: ask.nonce, memo, sequence, total, funding };
    const message = signedPayment(plan, purse, trust.sealingKey('management', now), crypto);
    const payment: SentPayment = { message, payee: certificateBytes, preparedAt: now };
    await ledger.prepare(payment);
    onEvent?.({ type: 'prepared', request: plan.request, amount });
    return payment;
  }

  /** @throws PeerError with `inDoubt` */
  async #hand(payment: SentPayment, resumed: boolean): Promise<Omit<ResumedPayment, 'payment'>> {
    const { ledger, crypto, onEvent } = this.#party;
    const { times } = this.#channel;
    const { message } = payment;
    const { request, amount } = handoverOf(message);
    try {
      await this.#channel.send({ kind: 'payment', ...message });
      onEvent?.({ type: 'sent', request, resumed });
      const answer = await this.#channel.receive(['receipt', 'refusal'], times.answerMs);
      if (answer.kind === 'refusal') {
        const refusal = readRefusal(answer);
        await ledger.noteRefusal(request, refusal);
        onEvent?.({ type: 'refused', request, refusal });
        return { receipt: undefined, refusal };
      }
      const { receipt } = answer;
      const { document: payee } = PurseCertificate.signed.decode(payment.payee);
      const wrong = checkReceipt(receipt, message, payee, crypto);
      if (wrong !== undefined) throw new PeerError('answer_invalid', wrong);
      await ledger.settle(request, receipt);
      onEvent?.({ type: 'paid', request, amount });
      return { receipt, refusal: undefined };
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      const { code, refusal } = error;
      throw new PeerError(code, error.message, { refusal, inDoubt: request, cause: error });
    }
  }
}

/** The payee has what counts; that it is told so is a courtesy. */
function onlyTold(error: unknown): void {
  if (!(error instanceof PeerError)) throw error;
}
