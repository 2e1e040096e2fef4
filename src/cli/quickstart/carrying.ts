// People carry notes into an organisation and out of it again. Of each person:
//
//     wallet ── buys notes at a shop's counter ──▶ WAN terminal ── gateway: in ──▶ LAN terminal ── token ──▶ the next one's
//                                                                                      │
//     the next one's wallet ◀── paid in ── the next one's WAN terminal ◀── gateway: out ┘
//
// What each terminal and each wallet must have in the end is known before; local notes, what stands behind them at cash, and
// what the terminals hold are compared.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { toHex } from '../../identity/binary-text.ts';
import type { Side } from '../../roles/gateway/messages.ts';
import { amountOf } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { Random } from '../../shared/random.ts';
import { askDesk, ShopError } from '../../shop/index.ts';
import { makeTerminal, OpenTerminal, TerminalError } from '../../terminal/index.ts';
import { WalletError } from '../../wallet/index.ts';
import { CommandError } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { Tally } from '../submit/tally.ts';
import { Check } from './check.ts';
import type { LocalGateway } from './gateway.ts';
import { priceOf, type Shops } from './shops.ts';
import type { Carrier } from './wallets.ts';

/** Whole units of the currency: everybody buys notes for so many, and some more by chance. */
const BOUGHT_UNITS = 8n;
const BOUGHT_UNITS_MORE = 4;
/** Who has so much can buy as many notes as anybody does. */
export const CARRIED_UNITS_MAX = BOUGHT_UNITS + BigInt(BOUGHT_UNITS_MORE) + 1n;
/** Of the shops, the one that sells notes. */
const COUNTER = 0;
/** Fewer than a shop's desk has time for at once. */
const AT_COUNTER = 8;
const PATIENCE_MS = 90_000;
const PAUSE_MS = 100;
/** After which the same is asked again. */
const MAY_PASS: ReadonlySet<string> = new Set(['unreachable', 'unfinished']);

export interface CarryFigures {
  readonly people: number;
  /** Exchanges: into the organisation, out of it. */
  readonly in: number;
  readonly out: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** From the wish to send until the other side has notes of its own. */
  readonly latency: ReturnType<Tally['latencies']>;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Minor units: bought as notes, carried in, handed on inside, carried out, paid into accounts. */
  readonly bought: bigint;
  readonly carriedIn: bigint;
  readonly handedOn: bigint;
  readonly carriedOut: bigint;
  readonly paidIn: bigint;
  readonly fees: bigint;
  /** Local notes that are out, and what the gateway's account at cash holds. */
  readonly outstanding: bigint;
  readonly atCash: bigint;
  readonly recovery: {
    readonly killed: boolean;
    /** Exchanges that were begun and had not ended. */
    readonly underWay: number;
    readonly seconds: number;
    readonly longestMs: number;
  };
}

export interface CarryingOptions {
  readonly folder: string;
  readonly seed: bigint;
  readonly currency: Currency;
  readonly directory: Uint8Array;
  readonly root: string;
  readonly gateway: LocalGateway;
  readonly shops: Shops;
  readonly carriers: readonly Carrier[];
  readonly signal: AbortSignal;
}

interface Person extends Carrier {
  readonly name: string;
  readonly lan: OpenTerminal;
  readonly wan: OpenTerminal;
  readonly amounts: {
    readonly bought: bigint;
    readonly in: bigint;
    readonly handed: bigint;
    readonly out: bigint;
  };
  /** By what was foretold, minor units. */
  readonly held: { lan: bigint; wan: bigint };
}

export class Carrying {
  readonly ended = new Check(
    'every exchange between LAN and WAN ended as was foretold, and each terminal has its notes',
    true,
  );
  /** Exchanges that were begun and have not ended. */
  underWay = 0;
  readonly #options: CarryingOptions;
  readonly #people: Person[] = [];
  readonly #tally = new Tally();
  readonly #sums = { bought: 0n, in: 0n, handed: 0n, out: 0n, paidIn: 0n, fees: 0n };
  readonly #counts = { in: 0, out: 0 };
  #seconds = 0;

  constructor(options: CarryingOptions) {
    this.#options = options;
  }

  get people(): number {
    return this.#options.carriers.length;
  }

  /** Terminals for everybody, those of the LAN admitted; then everybody buys notes. */
  async begin(onProgress: (done: number) => void): Promise<void> {
    const { carriers, seed } = this.#options;
    for (const [i, carrier] of carriers.entries()) {
      const random = new Random((seed + BigInt(i + 1) * 0x9e37_79b9_7f4a_7c15n) & 0xffff_ffff_ffff_ffffn);
      const name = `person ${i + 1}`;
      const lan = await this.#terminal(i, 'lan');
      const wan = await this.#terminal(i, 'wan');
      const held = { lan: 0n, wan: 0n };
      this.#people.push({ ...carrier, name, lan, wan, amounts: this.#amounts(random), held });
    }
    await Promise.all(
      this.#people.map(async ({ name, lan, wan }) => {
        await Promise.all([lan.register(name), wan.register(name)]);
        await this.#options.gateway.admit(toHex(lan.address.channelKey));
      }),
    );
    let done = 0;
    const rest = this.#people.values();
    const takeTurns = async (): Promise<void> => {
      for (const person of rest) {
        await this.#told(person, () => this.#buy(person));
        onProgress(++done);
      }
    };
    await Promise.all(Array.from({ length: AT_COUNTER }, takeTurns));
  }

  /** Everybody at once. @param onEnded told of each exchange */
  async carry(onEnded: (ended: number) => void): Promise<void> {
    const began = performance.now();
    await Promise.all(
      this.#people.map((person, i) =>
        this.#told(person, () => this.#carry(person, this.#people[(i + 1) % this.#people.length]!, onEnded)),
      ),
    );
    this.#seconds = (performance.now() - began) / 1000;
  }

  /** When nothing is under way any more. */
  async compare(
    output: Output,
    recovery: Omit<CarryFigures['recovery'], 'longestMs'>,
  ): Promise<{ readonly figures: CarryFigures; readonly check: Check }> {
    for (const { name, lan, wan, held } of this.#people) {
      await lan.checkTokens();
      for (const [side, terminal] of [['lan', lan] as const, ['wan', wan] as const]) {
        const { free, open } = terminal.balance();
        this.ended.expect(
          free === held[side] && open.length === 0,
          () => `${name}, ${side}: expected ${held[side]}, got ${free} and ${open.length} under way`,
        );
      }
    }
    const { gateway } = this.#options;
    const { local, counters } = await gateway.status();
    const atCash = await gateway.atCash(output);
    const sum = (side: Side): bigint => this.#people.reduce((total, { held }) => total + held[side], 0n);
    const outstanding = BigInt(local.outstanding);
    const fees = BigInt(counters.fees);
    const check = new Check(
      'local notes out = what terminals of the LAN hold = the value behind them at cash; wide notes likewise',
    );
    check.expect(
      outstanding === sum('lan'),
      () => `local notes: ${outstanding} out, terminals ${sum('lan')}`,
    );
    check.expect(
      fees === this.#sums.fees,
      () => `fees: ${fees} earned, terminals have paid ${this.#sums.fees}`,
    );
    check.expect(
      atCash.exchange === outstanding + fees,
      () => `behind local notes: ${outstanding} out, ${fees} of fees; ${atCash.exchange} at cash`,
    );
    check.expect(
      atCash.notes === sum('wan'),
      () => `wide notes: ${atCash.notes} out, terminals ${sum('wan')}`,
    );
    const { bought, in: carriedIn, handed: handedOn, out: carriedOut, paidIn } = this.#sums;
    const latency = this.#tally.latencies();
    return {
      check,
      figures: {
        ...{ people: this.people, ...this.#counts, seconds: this.#seconds },
        perSecond: this.#seconds === 0 ? 0 : Math.round(this.#tally.records / this.#seconds),
        ...{ latency, outcomes: this.#tally.answers() },
        ...{ bought, carriedIn, handedOn, carriedOut, paidIn, fees, outstanding, atCash: atCash.exchange },
        recovery: { ...recovery, longestMs: latency.maxMs },
      },
    };
  }

  async close(): Promise<void> {
    for (const { lan, wan } of this.#people) await Promise.all([lan.close(), wan.close()]);
    for (const { wallet } of this.#options.carriers) await wallet.close();
  }

  /** Each a part of the one before, so that fees are paid out of what is left. */
  #amounts(random: Random): Person['amounts'] {
    const unit = priceOf(1n, this.#options.currency);
    const bought =
      (BOUGHT_UNITS + BigInt(random.below(BOUGHT_UNITS_MORE))) * unit + BigInt(random.below(Number(unit)));
    const into = (bought * 3n) / 5n;
    return { bought, in: into, handed: into / 4n, out: into / 2n };
  }

  async #terminal(person: number, side: Side): Promise<OpenTerminal> {
    const { folder, gateway, directory, root, currency } = this.#options;
    const home = join(folder, 'terminals', `${person + 1}-${side}`);
    await makeTerminal({
      ...{ home, side, gateways: [gateway.entry(side)], currency: currency.code },
      ...(side === 'wan' && { mint: { directory, root } }),
    });
    return OpenTerminal.open({ home, times: { patienceMs: PATIENCE_MS, pauseLastMs: 2 * PAUSE_MS } });
  }

  /** What somebody could not do is a finding, and ends it for him. */
  async #told({ name }: Person, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isKnown = [TerminalError, WalletError, ShopError].some((kind) => error instanceof kind);
      if (!isKnown) throw error;
      this.ended.expect(false, () => `${name}: ${(error as Error).message}`);
    }
  }

  /** The terminal asks for a quote, the shop's counter sells it, the wallet pays, the terminal mints. */
  async #buy(person: Person): Promise<void> {
    const { shops, signal } = this.#options;
    const { wan, wallet, holder, amounts, held } = person;
    const { operation, request: quote } = await wan.withdraw(amounts.bought);
    const replies = await askDesk(shops.homes[COUNTER]!.socketPath, { do: 'sell_notes', quote });
    if (replies === undefined) throw new CommandError("counter: expected the shop's desk, got none");
    for await (const reply of replies) {
      if (!('charge' in reply)) continue;
      const { uri: shop } = reply.charge;
      const { state } = await wallet.buy({
        ...{ shop, amount: amountOf(amounts.bought), patienceMs: PATIENCE_MS, signal },
      });
      this.ended.expect(
        state.kind === 'paid',
        () => `${person.name}: expected notes paid, got ${state.kind}`,
      );
    }
    await wan.finishWithdrawal(operation, { signal });
    holder.balance = amountOf(holder.balance - amounts.bought);
    held.wan += amounts.bought;
    this.#sums.bought += amounts.bought;
  }

  async #carry(person: Person, next: Person, onEnded: (ended: number) => void): Promise<void> {
    const { signal } = this.#options;
    const { amounts } = person;
    await this.#send(person, 'wan', person, amounts.in, onEnded);
    const { text } = await this.#again(person.lan, () => person.lan.makeToken(amounts.handed));
    person.held.lan -= amounts.handed;
    await this.#again(next.lan, () => next.lan.takeToken(text, { signal }));
    next.held.lan += amounts.handed;
    this.#sums.handed += amounts.handed;
    await this.#send(person, 'lan', next, amounts.out, onEnded);
    const payee = await next.wallet.payeeAddress({ patienceMs: PATIENCE_MS, signal });
    const cost = await next.wan.deposit({ payee, amount: amounts.out, signal });
    next.held.wan -= cost;
    next.holder.balance = amountOf(next.holder.balance + amounts.out);
    this.#sums.paidIn += amounts.out;
  }

  /** From one side to the other, until the destination has it. */
  async #send(
    from: Person,
    side: Side,
    to: Person,
    amount: bigint,
    onEnded: (ended: number) => void,
  ): Promise<void> {
    const { signal } = this.#options;
    const other = side === 'lan' ? 'wan' : 'lan';
    const began = performance.now();
    this.underWay++;
    let isOver = false;
    const sending = this.#again(from[side], () =>
      from[side].send({ destination: to[other].address, amount, until: 'end', signal }),
    ).finally(() => {
      isOver = true;
    });
    try {
      const [{ state, fee, reason }] = await Promise.all([sending, this.#fetch(to[other], () => isOver)]);
      this.#tally.add(state);
      this.ended.expect(
        state === 'delivered',
        () => `${from.name}, ${side}: expected delivered, got ${state}: ${reason}`,
      );
      if (state !== 'delivered') return;
      from.held[side] -= amount + fee;
      to.held[other] += amount;
      const way = side === 'lan' ? 'out' : 'in';
      this.#sums[way] += amount;
      this.#sums.fees += fee;
      this.#counts[way]++;
    } finally {
      this.underWay--;
      this.#tally.addLatency(performance.now() - began);
      onEnded(this.#tally.batches);
    }
  }

  /** Asks until its one delivery has come, or nothing comes any more. */
  async #fetch(terminal: OpenTerminal, isOver: () => boolean): Promise<void> {
    const { signal } = this.#options;
    while (!isOver() && !terminal.history().some(({ event }) => event === 'received')) {
      await setTimeout(PAUSE_MS, undefined, { signal });
      await terminal.receive(signal);
    }
  }

  /** A gateway that is down answers nothing: what was begun goes on, then the same is tried again. */
  async #again<T>(terminal: OpenTerminal, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const mayPass = error instanceof TerminalError && MAY_PASS.has(error.code);
        if (!mayPass || performance.now() > end) throw error;
      }
      await setTimeout(PAUSE_MS, undefined, { signal });
      await terminal.resume(signal);
    }
  }
}
