// A terminal: notes of one mint, on one side of a gateway.
import type { NoteStateName } from '../notes/json/states.ts';
import type { GetTermsAnswer, RegisterAnswer, TerminalAddress } from '../roles/gateway/messages.ts';
import { TERMINAL_NAME_BYTES_MAX } from '../roles/gateway/messages.ts';
import { encodeAddress } from './address.ts';
import { Deliveries, type ReceiveResult } from './deliveries.ts';
import { Desk, gatewayRefused, sumOfNotes, type WaitOptions } from './desk.ts';
import { TerminalError } from './errors.ts';
import { Exchanges } from './exchanges.ts';
import type { KnownGateway, TerminalOptions } from './ports.ts';
import { type DepositOptions, Quotes, type Withdrawal } from './quotes.ts';
import type { HistoryRecord, Operation, OperationKind } from './records.ts';
import { type RestoreResult, restore } from './restore.ts';
import { type SendOptions, type SendResult, Sends } from './sends.ts';
import { type MadeToken, Tokens } from './tokens.ts';

export interface OpenOperation {
  readonly operation: bigint;
  readonly kind: OperationKind;
  readonly state: string;
  readonly amount: bigint;
  /** Nanoseconds. */
  readonly at: bigint;
}

export interface Balance {
  /** In notes that can be spent. */
  readonly free: bigint;
  /** In notes that are being exchanged at the mint: incoming ones, change, what comes back. */
  readonly exchanging: bigint;
  /** Sent, and not known to have arrived. */
  readonly sent: bigint;
  /** In tokens that nobody has taken, as far as is known. */
  readonly tokens: bigint;
  /** In payments to accounts that are under way. */
  readonly depositing: bigint;
  readonly open: readonly OpenOperation[];
}

export interface Registered {
  readonly gateway: string;
  readonly state: RegisterAnswer['state'];
  readonly terms: GetTermsAnswer;
}

export interface Resumed {
  readonly finished: readonly OpenOperation[];
  readonly unfinished: readonly { readonly operation: bigint; readonly error: TerminalError }[];
  readonly received: ReceiveResult;
}

export class Terminal {
  readonly #desk: Desk;
  readonly #exchanges: Exchanges;
  readonly #sends: Sends;
  readonly #deliveries: Deliveries;
  readonly #tokens: Tokens;
  readonly #quotes: Quotes;

  /** @throws TerminalError terminal_damaged */
  constructor(options: TerminalOptions) {
    this.#desk = new Desk(options);
    this.#exchanges = new Exchanges(this.#desk);
    this.#sends = new Sends(this.#desk, this.#exchanges);
    this.#deliveries = new Deliveries(this.#desk, this.#exchanges);
    this.#tokens = new Tokens(this.#desk, this.#exchanges);
    this.#quotes = new Quotes(this.#desk, this.#exchanges);
  }

  /** What others send to. */
  get address(): TerminalAddress {
    const { side, keys } = this.#desk.options;
    return { side, channelKey: keys.channel.publicKey, sealingKey: keys.sealing.publicKey };
  }

  get addressText(): string {
    return encodeAddress(this.address);
  }

  /** `eur`; on the LAN `eur@campus`, as the gateway says. @throws TerminalError unreachable */
  unit(): Promise<string> {
    return this.#desk.unit();
  }

  /** As far as it is known without asking anybody. */
  get knownUnit(): string | undefined {
    return this.#desk.options.side === 'wan'
      ? this.#desk.options.currency.code.toLowerCase()
      : this.#desk.store.unit();
  }

  balance(): Balance {
    const operations = this.#desk.store.operations();
    const sum = (...kinds: OperationKind[]): bigint =>
      operations.reduce(
        (total, [, operation]) => (kinds.includes(operation.kind) ? total + worthOf(operation) : total),
        0n,
      );
    return {
      free: this.#desk.store.balance(),
      exchanging: sum('swap'),
      sent: sum('send'),
      tokens: sum('token'),
      depositing: sum('deposit'),
      open: operations.map(([operation, value]) => describe(operation, value)),
    };
  }

  history(): readonly HistoryRecord[] {
    return this.#desk.store.history();
  }

  /**
   * Makes itself known to the gateway, and agrees to its terms: a send that costs more than they say is asked about. May be
   * repeated. @throws TerminalError unreachable, gateway_refused, currency_differs
   */
  async register(name: string, gateway?: string): Promise<Registered> {
    const length = new TextEncoder().encode(name).length;
    if (length === 0 || length > TERMINAL_NAME_BYTES_MAX) {
      throw new TerminalError(
        'invalid_argument',
        `name: expected 1 to ${TERMINAL_NAME_BYTES_MAX} bytes, got ${length}`,
      );
    }
    const known = this.#named(gateway);
    const { sealing } = this.#desk.options.keys;
    const result = await known.calls.call('register', { name, sealingKey: sealing.publicKey });
    if (result.kind === 'unknown')
      throw new TerminalError('unreachable', `gateway ${known.name}: ${result.reason}`);
    if (result.kind === 'refused') throw gatewayRefused(known, result.refusal);
    const terms = await this.#desk.terms(known);
    await this.#desk.unit();
    await this.#desk.store.change((changes) => changes.putTerms(known.key, { at: this.#desk.now(), terms }));
    return { gateway: known.name, state: result.answer.state, terms };
  }

  /** As the gateway says now. */
  terms(gateway?: string): Promise<GetTermsAnswer> {
    return this.#desk.terms(this.#named(gateway));
  }

  /** To an address of the other side. @throws TerminalError; one with an operation can be resumed */
  send(options: SendOptions): Promise<SendResult> {
    return this.#sends.send(options);
  }

  /** What gateways have for this terminal. */
  receive(signal?: AbortSignal): Promise<ReceiveResult> {
    return this.#deliveries.receive(signal);
  }

  /** @returns the amount, which is free now */
  takeToken(text: string, options?: WaitOptions): Promise<bigint> {
    return this.#tokens.take(text, options);
  }

  makeToken(amount: bigint, memo?: string): Promise<MadeToken> {
    return this.#tokens.make(amount, memo);
  }

  tokens(): Promise<MadeToken[]> {
    return this.#tokens.open();
  }

  /** Asks the mint which tokens were taken. @returns those that are over */
  checkTokens(): Promise<bigint[]> {
    return this.#tokens.check();
  }

  reclaimToken(operation: bigint, options?: WaitOptions): Promise<bigint> {
    return this.#tokens.reclaim(operation, options);
  }

  /** A quote: whoever pays its request pays this terminal. */
  withdraw(amount: bigint, method?: string): Promise<Withdrawal> {
    return this.#quotes.withdraw(amount, method);
  }

  finishWithdrawal(operation: bigint, options?: WaitOptions): Promise<bigint> {
    return this.#quotes.finishWithdrawal(operation, options);
  }

  /** @returns what it has cost, the amount included */
  deposit(options: DepositOptions): Promise<bigint> {
    return this.#quotes.deposit(options);
  }

  /** Finds notes by the seed phrase. */
  restore(): Promise<RestoreResult> {
    return restore(this.#desk);
  }

  /** Goes on with all that is open, each as far as it goes now, and fetches what there is. */
  async resume(signal?: AbortSignal): Promise<Resumed> {
    const finished: OpenOperation[] = [];
    const unfinished: { operation: bigint; error: TerminalError }[] = [];
    for (const [operation] of this.#desk.store.operations()) {
      if (signal?.aborted === true) throw new TerminalError('interrupted', 'the caller stopped waiting');
      try {
        const ended = await this.#desk.exclusive(() => this.#goOn(operation));
        if (ended !== undefined) finished.push(ended);
      } catch (error) {
        if (!(error instanceof TerminalError)) throw error;
        unfinished.push({ operation, error });
      }
    }
    await this.checkTokens().catch((error: unknown) => {
      if (!(error instanceof TerminalError)) throw error;
    });
    return { finished, unfinished, received: await this.receive(signal) };
  }

  /** undefined: it is still open, as it may be. */
  async #goOn(operation: bigint): Promise<OpenOperation | undefined> {
    const value = this.#desk.store.operation(operation);
    switch (value?.kind) {
      case undefined:
      case 'token':
        return undefined;
      case 'swap':
        await this.#exchanges.advance(operation);
        break;
      case 'send':
        await this.#sends.advance(operation);
        break;
      case 'withdraw':
        await this.#quotes.advanceWithdrawal(operation);
        break;
      case 'deposit':
        await this.#quotes.advanceDeposit(operation);
        break;
    }
    return this.#desk.store.operation(operation) === undefined ? describe(operation, value) : undefined;
  }

  #named(name: string | undefined): KnownGateway {
    const { gateways } = this.#desk.options;
    const found = name === undefined ? gateways[0] : gateways.find((gateway) => gateway.name === name);
    if (found === undefined)
      throw new TerminalError('gateway_unknown', 'gateway: expected one that is known');
    return found;
  }

  /** What the mint says of each free note: only the mint knows. */
  async audit(): Promise<{ readonly [state in NoteStateName]: bigint }> {
    return this.#desk.exclusive(async () => {
      const sums = { UNSPENT: 0n, PENDING: 0n, SPENT: 0n };
      const held = this.#desk.store.held();
      for (let at = 0; at < held.length; at += 100) {
        const some = held.slice(at, at + 100);
        const states = await this.#desk.swaps.states(some);
        some.forEach(({ amount }, i) => {
          sums[states[i]!] += amount;
        });
      }
      return sums;
    });
  }
}

function worthOf(operation: Operation): bigint {
  return operation.kind === 'withdraw' ? 0n : sumOfNotes(operation.notes);
}

function describe(operation: bigint, value: Operation): OpenOperation {
  const amount = value.kind === 'withdraw' ? value.amount : worthOf(value);
  return { operation, kind: value.kind, state: stateOf(value), amount, at: value.at };
}

function stateOf(value: Operation): string {
  switch (value.kind) {
    case 'swap':
      return value.origin;
    case 'send':
      return value.state ?? 'not heard of yet';
    case 'token':
      return 'not taken yet';
    case 'withdraw':
      return value.plan === undefined ? 'to be paid' : 'paid';
    case 'deposit':
      return 'under way';
  }
}
