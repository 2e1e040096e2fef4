// Notes sent to an address on the other side, through a gateway.
//
//     exact notes ─▶ sealed, written down ─▶ asked ─┬─ taken ─▶ waiting ─▶ delivered
//                                                   │              └─────▶ returning ─▶ returned (src/terminal/deliveries.ts)
//                                                   ├─ no answer: the same message again
//                                                   └─ rejected, refused ─▶ the notes are exchanged for own ones
//
// A gateway that refuses has seen the notes all the same: until they are exchanged it could spend them.
import { CryptoError } from '../crypto/index.ts';
import { mayRepeat, type Refusal } from '../roles/common/refusal.ts';
import { type SealedFor, sealNotes } from '../roles/common/sealed-notes.ts';
import { NOTES_MAX, type PlainNote, PlainNotes } from '../roles/documents/notes.ts';
import { type GetTermsAnswer, SendRequest, type TerminalAddress } from '../roles/gateway/messages.ts';
import { type Desk, done, gatewayRefused, type Look, sumOfNotes, type WaitOptions, waiting } from './desk.ts';
import { TerminalError } from './errors.ts';
import type { Exchanges } from './exchanges.ts';
import { SEND_VALID_SECONDS } from './limits.ts';
import { refusedBy } from './mint-calls.ts';
import { shortened } from './note-store.ts';
import type { KnownGateway } from './ports.ts';
import type { OperationOf } from './records.ts';

type Send = OperationOf<'send'>;

const NANOSECONDS = 1_000_000_000n;
const BASIS_POINTS = 10_000n;

/** What an exchange costs on top: a share, rounded half up, and a fixed amount. */
export function feeOfTerms(
  { feeBasisPoints, feeFixed }: Pick<GetTermsAnswer, 'feeBasisPoints' | 'feeFixed'>,
  amount: bigint,
): bigint {
  return (amount * BigInt(feeBasisPoints) + BASIS_POINTS / 2n) / BASIS_POINTS + feeFixed;
}

export interface SendOptions extends WaitOptions {
  readonly destination: TerminalAddress;
  /** What arrives; the gateway's fee comes on top. */
  readonly amount: bigint;
  /** Its name; the first one that the terminal knows. */
  readonly gateway?: string | undefined;
  /** Default: as the terms said that this terminal has registered under. */
  readonly feeMax?: bigint | undefined;
  /** `waiting`: at the gateway, for the destination to fetch. `end`: delivered, returned or rejected. Default: `waiting`. */
  readonly until?: 'waiting' | 'end' | undefined;
}

export interface SendResult {
  readonly request: bigint;
  readonly state: 'waiting' | 'delivered' | 'returned' | 'rejected';
  readonly amount: bigint;
  readonly fee: bigint;
  /** Of `returned` and `rejected`. */
  readonly reason: string;
}

export class Sends {
  readonly #desk: Desk;
  readonly #exchanges: Exchanges;

  constructor(desk: Desk, exchanges: Exchanges) {
    this.#desk = desk;
    this.#exchanges = exchanges;
  }

  async send(options: SendOptions): Promise<SendResult> {
    const request = this.#desk.newId();
    await this.#desk.exclusive(() => this.#prepare(request, options));
    return this.finish(request, { until: 'waiting', ...options });
  }

  /** Waits for the end of one that is written down. */
  finish(request: bigint, options: WaitOptions & Pick<SendOptions, 'until'> = {}): Promise<SendResult> {
    return this.#desk.until(request, options, () => this.advance(request, options.until));
  }

  async #prepare(request: bigint, { destination, amount, gateway, feeMax }: SendOptions): Promise<void> {
    const { side, gateways } = this.#desk.options;
    if (destination.side === side) {
      throw new TerminalError(
        'invalid_argument',
        `address: expected one of the other side of the gateway, got one of this side (${side}): make a token instead`,
      );
    }
    const through = gateway === undefined ? gateways[0] : gateways.find(({ name }) => name === gateway);
    if (through === undefined)
      throw new TerminalError('gateway_unknown', 'gateway: expected one that is known');
    const terms = await this.#desk.terms(through);
    const fee = this.#agreedFee(through, terms, amount, feeMax);
    const unit = await this.#desk.unit();
    if (this.#desk.keysets.known.size === 0) await this.#desk.keysets.refresh(unit);
    const notes = await this.#exchanges.exact(amount + fee, { countMax: NOTES_MAX, isFeePaid: false });
    const now = this.#desk.now();
    const message: SendRequest = {
      request,
      destination,
      amount,
      fee,
      // Without proofs: their blinding factors would tell the mint whom it has signed these for.
      notes: this.#sealed(
        through,
        terms.sealingKey,
        notes.map((note) => ({ ...note, dleq: undefined })),
        { use: side === 'lan' ? 'send_out' : 'send_in', request, amount: amount + fee },
      ),
      applyBy: now + SEND_VALID_SECONDS * NANOSECONDS,
    };
    await this.#desk.store.change((changes) => {
      changes.take(notes);
      changes.open(request, {
        kind: 'send',
        at: now,
        gateway: through.key,
        destination,
        amount,
        fee,
        notes,
        message: SendRequest.encode(message),
        state: undefined,
        reason: '',
        plan: undefined,
      });
      changes.note('sent', amount + fee, {
        at: now,
        reference: request,
        detail: fee > 0n ? `fee ${fee}` : '',
      });
    });
    this.#desk.event({ type: 'prepared', operation: request, what: 'send' });
  }

  #sealed(
    gateway: KnownGateway,
    sealingKey: Uint8Array,
    notes: readonly PlainNote[],
    sealedFor: SealedFor,
  ): SendRequest['notes'] {
    try {
      return sealNotes(PlainNotes, notes, sealingKey, sealedFor, this.#desk.options.randomBytes);
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
      throw new TerminalError(
        'gateway_invalid',
        `gateway ${gateway.name}: expected a key that can be sealed to, got another`,
        { cause: error },
      );
    }
  }

  #agreedFee(
    gateway: KnownGateway,
    terms: GetTermsAnswer,
    amount: bigint,
    feeMax: bigint | undefined,
  ): bigint {
    if (amount <= 0n) throw new TerminalError('invalid_argument', 'amount: expected at least 1, got less');
    if (amount < terms.amountMin || amount > terms.amountMax) {
      throw new TerminalError(
        'amount_outside_terms',
        `amount: expected ${terms.amountMin} to ${terms.amountMax}, as the gateway's terms are, got ${amount}`,
      );
    }
    const fee = feeOfTerms(terms, amount);
    const accepted = this.#desk.store.terms(gateway.key)?.terms;
    const most = feeMax ?? (accepted === undefined ? 0n : feeOfTerms(accepted, amount));
    if (fee > most)
      throw new TerminalError('fee_too_high', `fee: expected at most ${most}, the gateway asks for ${fee}`);
    return fee;
  }

  /** One look at what has become of it. @throws TerminalError */
  async advance(request: bigint, until: SendOptions['until'] = 'end'): Promise<Look<SendResult>> {
    const send = this.#desk.store.operation(request);
    if (send?.kind !== 'send') throw unknownOperation(request);
    if (send.plan !== undefined) return this.#reclaim(request, send, until);
    const gateway = this.#desk.gateway(send.gateway);
    const use = this.#desk.options.side === 'lan' ? 'send_out' : 'send_in';
    const result =
      send.state === undefined
        ? await gateway.calls.call(use, SendRequest.decode(send.message))
        : await gateway.calls.call('lookup_exchange', { request });
    if (result.kind === 'unknown')
      throw new TerminalError('unreachable', `gateway ${gateway.name}: ${result.reason}`);
    if (result.kind === 'ok') return this.#heard(request, send, result.answer, until);
    if (send.state !== undefined) throw gatewayRefused(gateway, result.refusal, request);
    // A no to what was asked before and not heard: it may have been taken then.
    const before = await gateway.calls.call('lookup_exchange', { request });
    if (before.kind === 'ok') return this.#heard(request, send, before.answer, until);
    if (before.kind === 'unknown')
      throw new TerminalError('unreachable', `gateway ${gateway.name}: ${before.reason}`);
    if (OF_THE_SENDER.includes(before.refusal.code)) throw gatewayRefused(gateway, before.refusal, request);
    if (!isDefinite(before.refusal, result.refusal))
      throw new TerminalError('unreachable', `gateway ${gateway.name}: ${before.refusal.message}`);
    const { code, message } = result.refusal;
    return this.#reclaim(request, { ...send, reason: shortened(`${code}: ${message}`) }, until);
  }

  async #heard(
    request: bigint,
    send: Send,
    { state, reason }: { readonly state: NonNullable<Send['state']>; readonly reason: string },
    until: SendOptions['until'],
  ): Promise<Look<SendResult>> {
    const heard: Send = { ...send, state, reason };
    const { amount, fee } = send;
    if (send.state !== state) this.#desk.event({ type: 'state', operation: request, state });
    if (state === 'rejected') return this.#reclaim(request, heard, until);
    if (state === 'delivered') {
      await this.#desk.store.change((changes) => {
        changes.end(request);
        changes.note('delivered', amount, { at: this.#desk.now(), reference: request });
      });
      return done({ request, state, amount, fee, reason });
    }
    if (send.state !== state || send.reason !== reason)
      await this.#desk.store.change((changes) => changes.put(request, heard));
    if (state === 'returned' || (state === 'waiting' && until === 'waiting'))
      return done({ request, state, amount, fee, reason });
    return waiting(`the gateway says: ${state}`);
  }

  /** It came to nothing: own notes for those that the gateway has seen. */
  async #reclaim(request: bigint, send: Send, until: SendOptions['until']): Promise<Look<SendResult>> {
    let current = send;
    if (current.plan === undefined) {
      const planned = await this.#exchanges.amountsOrDust(send.notes);
      if (planned === undefined) return this.#back(request, send, send.notes);
      current = await this.#desk.store.change((changes) => {
        const plan = changes.plan(planned.keysetId, planned.amounts);
        const next: Send = { ...send, state: 'rejected', plan };
        changes.put(request, next);
        return next;
      });
    }
    const result = await this.#desk.carryOut(
      current.plan!,
      (plan) => this.#desk.swaps.swap(current.notes, plan),
      (changes, plan) => {
        current = { ...current, plan };
        changes.put(request, current);
      },
    );
    switch (result.kind) {
      case 'notes':
        return this.#back(request, current, result.notes);
      case 'pending':
        return waiting(`the mint holds the notes: ${result.detail}`);
      case 'refused':
        throw refusedBy(result, 'swap', request);
      case 'spent':
        return this.#spent(request, current, result.states, until);
    }
  }

  async #back(request: bigint, send: Send, notes: readonly PlainNote[]): Promise<Look<SendResult>> {
    const { amount, fee, reason } = send;
    await this.#desk.store.change((changes) => {
      changes.end(request);
      changes.free(notes);
      changes.note('rejected', sumOfNotes(notes), {
        at: this.#desk.now(),
        reference: request,
        detail: reason,
      });
    });
    return done({ request, state: 'rejected', amount, fee, reason });
  }

  /** Spent, although rejected: either it was taken after all, or somebody kept the notes. */
  async #spent(
    request: bigint,
    send: Send,
    states: readonly string[],
    until: SendOptions['until'],
  ): Promise<Look<SendResult>> {
    const gateway = this.#desk.gateway(send.gateway);
    const result = await gateway.calls.call('lookup_exchange', { request });
    if (result.kind === 'unknown')
      throw new TerminalError('unreachable', `gateway ${gateway.name}: ${result.reason}`);
    // It speaks of the terminal, not of the exchange, of which it may know all the same.
    if (result.kind === 'refused' && result.refusal.code.startsWith('terminal_'))
      throw gatewayRefused(gateway, result.refusal, request);
    if (result.kind === 'ok' && result.answer.state !== 'rejected')
      return this.#heard(request, { ...send, plan: undefined }, result.answer, until);
    const left = send.notes.filter((_, i) => states[i] === 'UNSPENT');
    const lost = sumOfNotes(send.notes) - sumOfNotes(left);
    const plan = left.length === 0 ? undefined : await this.#exchanges.amountsOrDust(left);
    await this.#desk.store.change((changes) => {
      if (plan === undefined) {
        changes.end(request);
        changes.free(left);
      } else {
        const next = changes.plan(plan.keysetId, plan.amounts);
        changes.put(request, { ...send, notes: left, plan: next });
      }
      const detail = `rejected by gateway ${gateway.name}, and spent, as the mint says`;
      changes.note('lost', lost, { at: this.#desk.now(), reference: request, detail });
    });
    if (plan !== undefined) return this.advance(request, until);
    throw new TerminalError(
      'notes_spent',
      `send: expected the notes back, worth ${lost}, which gateway ${gateway.name} has rejected, got them spent`,
      { operation: request },
    );
  }
}

/** Of the terminal itself: nothing of what was sent before. */
const OF_THE_SENDER: readonly string[] = [
  'terminal_unknown',
  'terminal_waiting',
  'terminal_blocked',
  'not_permitted',
];

/** A gateway does not know what it has refused at once; of what a table decided, it remembers the same no. */
function isDefinite(found: Refusal, told: Refusal): boolean {
  return found.code === 'exchange_unknown' || (found.code === told.code && !mayRepeat(found));
}

export function unknownOperation(operation: bigint): TerminalError {
  return new TerminalError(
    'operation_unknown',
    `operation ${operation.toString(16).padStart(32, '0')}: expected one that is open, got none`,
    { operation },
  );
}
