// Notes for money from elsewhere (NUT-04), and money elsewhere for notes (NUT-05).
//
//     withdraw   quote, written down ─▶ somebody pays its request ─▶ plan, written down ─▶ minted
//     deposit    quote ─▶ exact notes, written down ─▶ melted ─▶ paid; change, if the payment cost less than it might

import { mintErrorName } from '../notes/errors.ts';
import { isMethodName } from '../notes/json/quotes.ts';
import type { BlindSignature } from '../notes/note.ts';
import { wideScalar } from '../notes/point.ts';
import { publicKeyOf } from '../notes/schnorr.ts';
import type { PlainNote } from '../roles/documents/notes.ts';
import { type Desk, done, type Look, sumOfNotes, type WaitOptions, waiting } from './desk.ts';
import { TerminalError } from './errors.ts';
import type { Exchanges } from './exchanges.ts';
import { OPERATION_NOTES_MAX, REQUEST_BYTES_MAX } from './limits.ts';
import { asked, granted, refusedBy } from './mint-calls.ts';
import { noteOf, type OperationOf, storedNote } from './records.ts';
import { unknownOperation } from './sends.ts';

/** The payment method of this project's mints: accounts at cash. */
export const METHOD_DEFAULT = 'specie';

const NANOSECONDS = 1_000_000_000n;
const KEY_DRAW_BYTES = 48;

type Withdrawing = OperationOf<'withdraw'>;
type Depositing = OperationOf<'deposit'>;

export interface Withdrawal {
  readonly operation: bigint;
  readonly amount: bigint;
  /** What a payer needs: an offer of the counter, an invoice. */
  readonly request: string;
  /** Unix seconds; 0: for ever. */
  readonly expiry: bigint;
}

export interface DepositOptions extends WaitOptions {
  /** Whom to pay, as the method has it: `specie-device:…`, `specie-shop:…`, an invoice. */
  readonly payee: string;
  readonly amount: bigint;
  readonly method?: string | undefined;
  /** What it may cost beyond the amount. 0. */
  readonly feeMax?: bigint | undefined;
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

function checkMethod(method: string): void {
  if (!isMethodName(method))
    throw new TerminalError('invalid_argument', 'method: expected a name such as specie, got another text');
}

export class Quotes {
  readonly #desk: Desk;
  readonly #exchanges: Exchanges;

  constructor(desk: Desk, exchanges: Exchanges) {
    this.#desk = desk;
    this.#exchanges = exchanges;
  }

  /** Asks for a quote. Whoever pays its request gives this terminal the amount. */
  withdraw(amount: bigint, method = METHOD_DEFAULT): Promise<Withdrawal> {
    checkMethod(method);
    if (amount <= 0n) throw new TerminalError('invalid_argument', 'amount: expected at least 1, got less');
    return this.#desk.exclusive(async () => {
      const unit = await this.#desk.unit();
      // Whether the mint can sign for it is known before anybody pays.
      this.#desk.split(amount, await this.#desk.keysets.active(unit));
      const key = wideScalar(this.#desk.options.randomBytes(KEY_DRAW_BYTES));
      const asking = { amount, unit, publicKey: publicKeyOf(key) };
      const quote = await granted(this.#desk.mint.openMintQuote(method, asking), 'quote');
      const { request, expiry = 0n } = quote;
      if ((quote.amount ?? amount) !== amount || (quote.unit ?? unit) !== unit)
        throw new TerminalError('mint_invalid', `quote: expected one of ${amount} ${unit}, got another`);
      if (byteLength(request) > REQUEST_BYTES_MAX)
        throw new TerminalError('mint_invalid', `request: expected at most ${REQUEST_BYTES_MAX} bytes`);
      const operation = this.#desk.newId();
      await this.#desk.store.change((changes) => {
        changes.open(operation, {
          kind: 'withdraw',
          at: this.#desk.now(),
          method,
          quote: quote.quote,
          request,
          amount,
          expiry,
          key,
          plan: undefined,
        });
      });
      this.#desk.event({ type: 'prepared', operation, what: 'withdrawal' });
      return { operation, amount, request, expiry };
    });
  }

  /** Waits until it is paid, and mints. @returns the amount */
  finishWithdrawal(operation: bigint, options: WaitOptions = {}): Promise<bigint> {
    return this.#desk.until(operation, options, () => this.advanceWithdrawal(operation));
  }

  async advanceWithdrawal(id: bigint): Promise<Look<bigint>> {
    const operation = this.#desk.store.operation(id);
    if (operation?.kind !== 'withdraw') throw unknownOperation(id);
    let current: Withdrawing = operation;
    if (current.plan === undefined) {
      const look = await this.#paid(id, current);
      if (look.kind === 'wait') return look;
      current = look.value;
    }
    const { method, quote, amount, key } = current;
    const result = await this.#desk.carryOut(
      current.plan!,
      (plan) => this.#desk.swaps.mint({ method, quote, key }, plan),
      (changes, plan) => {
        current = { ...current, plan };
        changes.put(id, current);
      },
    );
    switch (result.kind) {
      case 'notes':
        await this.#desk.store.change((changes) => {
          changes.end(id);
          changes.free(result.notes);
          changes.note('withdrawn', amount, { at: this.#desk.now(), reference: id });
        });
        return done(amount);
      case 'pending':
        return waiting(result.detail);
      case 'refused':
        if (mintErrorName(result.code) === 'quote_not_paid') return waiting(result.detail);
        throw refusedBy(result, 'withdrawal', id);
      case 'spent':
        throw new TerminalError(
          'mint_invalid',
          'withdrawal: expected the notes of a quote that was paid, the mint says that it has issued others',
          { operation: id },
        );
    }
  }

  async #paid(id: bigint, withdrawal: Withdrawing): Promise<Look<Withdrawing>> {
    const { method, quote, amount, expiry } = withdrawal;
    const isLate = (): boolean => expiry !== 0n && this.#desk.now() / NANOSECONDS > expiry;
    const seen = await asked(this.#desk.mint.mintQuote(method, quote));
    // A mint forgets what nobody has paid in time.
    if (seen.kind === 'refused' && !isLate()) throw refusedBy(seen, 'quote', id);
    if (seen.kind === 'refused' || seen.answer.state === 'UNPAID') {
      if (!isLate()) return waiting('not paid yet');
      await this.#fail(id, amount, 'not paid in time');
      throw new TerminalError('quote_expired', 'quote: expected it to be paid in time, got nothing');
    }
    const keyset = await this.#desk.keysets.active(await this.#desk.unit());
    const amounts = this.#desk.split(amount, keyset);
    return done(
      await this.#desk.store.change((changes) => {
        const planned = { ...withdrawal, plan: changes.plan(keyset.id, amounts) };
        changes.put(id, planned);
        return planned;
      }),
    );
  }

  async #fail(id: bigint, amount: bigint, detail: string, back: readonly PlainNote[] = []): Promise<void> {
    await this.#desk.store.change((changes) => {
      changes.end(id);
      changes.free(back);
      changes.note('failed', amount, { at: this.#desk.now(), reference: id, detail });
    });
  }

  /** @returns the operation, written down: `finishDeposit` brings it to its end */
  startDeposit(options: DepositOptions): Promise<bigint> {
    const { payee, amount, method = METHOD_DEFAULT, feeMax = 0n } = options;
    checkMethod(method);
    if (amount <= 0n) throw new TerminalError('invalid_argument', 'amount: expected at least 1, got less');
    if (byteLength(payee) > REQUEST_BYTES_MAX)
      throw new TerminalError(
        'invalid_argument',
        `payee: expected at most ${REQUEST_BYTES_MAX} bytes, got more`,
      );
    return this.#desk.exclusive(async () => {
      const unit = await this.#desk.unit();
      if (this.#desk.keysets.known.size === 0) await this.#desk.keysets.refresh(unit);
      const request = { request: payee, unit, amount };
      const quote = await granted(this.#desk.mint.openMeltQuote(method, request), 'quote');
      const reserve = quote.feeReserve ?? 0n;
      if (quote.amount !== amount || (quote.unit ?? unit) !== unit)
        throw new TerminalError('mint_invalid', `quote: expected one of ${amount} ${unit}, got another`);
      if (reserve > feeMax)
        throw new TerminalError(
          'fee_too_high',
          `fee: expected at most ${feeMax}, the mint asks for ${reserve}`,
        );
      const notes = await this.#exchanges.exact(amount + reserve, {
        countMax: OPERATION_NOTES_MAX,
        isFeePaid: true,
      });
      const keyset = await this.#desk.keysets.active(unit);
      const operation = this.#desk.newId();
      await this.#desk.store.change((changes) => {
        changes.take(notes);
        changes.open(operation, {
          kind: 'deposit',
          at: this.#desk.now(),
          method,
          quote: quote.quote,
          payee,
          amount,
          notes,
          change: reserve === 0n ? undefined : changes.plan(keyset.id, blanks(reserve)),
        });
      });
      this.#desk.event({ type: 'prepared', operation, what: 'deposit' });
      return operation;
    });
  }

  async deposit(options: DepositOptions): Promise<bigint> {
    return this.finishDeposit(await this.startDeposit(options), options);
  }

  /** @returns what it has cost, the amount included */
  finishDeposit(operation: bigint, options: WaitOptions = {}): Promise<bigint> {
    return this.#desk.until(operation, options, () => this.advanceDeposit(operation));
  }

  async advanceDeposit(id: bigint): Promise<Look<bigint>> {
    const deposit = this.#desk.store.operation(id);
    if (deposit?.kind !== 'deposit') throw unknownOperation(id);
    const { method, quote, notes, change } = deposit;
    // What was asked for before and not heard is seen here first.
    const before = await asked(this.#desk.mint.meltQuote(method, quote));
    // It has forgotten the quote, as mints do with old ones: the notes tell.
    if (before.kind === 'refused') return this.#notDeposited(id, deposit, before);
    if (before.answer.state === 'PAID') return this.#deposited(id, deposit, before.answer.change);
    if (before.answer.state === 'PENDING') return waiting('the payment is under way');
    const outputs = change === undefined ? undefined : this.#desk.swaps.outputs(change);
    const result = await asked(
      this.#desk.mint.melt(method, {
        quote,
        inputs: notes.map(noteOf),
        ...(outputs && { outputs: outputs.map(({ message }) => message) }),
      }),
    );
    if (result.kind === 'ok') {
      if (result.answer.state === 'PAID') return this.#deposited(id, deposit, result.answer.change);
      if (result.answer.state === 'PENDING') return waiting('the payment is under way');
      return this.#notDeposited(id, deposit, { code: 0, detail: 'the payment has failed' });
    }
    const name = mintErrorName(result.code);
    if (name === 'quote_pending' || name === 'notes_pending') return waiting(result.detail);
    if (name === 'already_paid') return waiting(result.detail);
    return this.#notDeposited(id, deposit, result);
  }

  async #deposited(
    id: bigint,
    { amount, notes, change }: Depositing,
    signatures: readonly BlindSignature[] | undefined,
  ): Promise<Look<bigint>> {
    let back: PlainNote[] = [];
    if (change !== undefined) {
      back =
        signatures !== undefined
          ? this.#desk.swaps.change(change, signatures)
          : (await this.#desk.swaps.restored(this.#desk.swaps.outputs(change), change.keysetId)).map(
              ({ note }) => storedNote(note),
            );
    }
    const spent = sumOfNotes(notes) - sumOfNotes(back);
    await this.#desk.store.change((changes) => {
      changes.end(id);
      changes.free(back);
      const detail = spent === amount ? '' : `fee ${spent - amount}`;
      changes.note('deposited', amount, { at: this.#desk.now(), reference: id, detail });
    });
    return done(spent);
  }

  /** The notes are free again, unless the mint has spent them. */
  async #notDeposited(
    id: bigint,
    deposit: Depositing,
    no: { readonly code: number; readonly detail: string },
  ): Promise<Look<bigint>> {
    const { method, quote, amount, notes } = deposit;
    const states = await this.#desk.swaps.states(notes);
    if (states.includes('PENDING')) return waiting(no.detail);
    if (states.includes('SPENT')) {
      const after = await asked(this.#desk.mint.meltQuote(method, quote));
      if (after.kind === 'refused') return this.#deposited(id, deposit, undefined);
      if (after.answer.state === 'PAID') return this.#deposited(id, deposit, after.answer.change);
      throw new TerminalError(
        'mint_invalid',
        'deposit: expected the notes free or the payment made, got them spent and nothing paid',
        { operation: id },
      );
    }
    await this.#fail(id, amount, no.detail, notes);
    throw refusedBy(no, 'deposit');
  }
}

/** Enough outputs for any amount up to the reserve, in powers of two (NUT-08). */
function blanks(reserve: bigint): bigint[] {
  return new Array<bigint>(Math.max(1, reserve.toString(2).length)).fill(0n);
}
