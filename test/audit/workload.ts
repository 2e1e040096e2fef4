// A day of electronic money, made from a seed: people load devices, pay shops, hand money to each other, reserve and
// settle, exchange currencies in chains, close and reopen devices; and clients that repeat themselves, contradict
// themselves, ask for too much or talk nonsense.
//
//     bank (unbounded) ──load──▶ device (credits bounded, never overdrawn) ──pay──▶ shop ──settle──▶ bank
//                                   └──hand over──▶ device
import { type Account, AccountFlags, type Transfer, TransferFlags } from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';

const A = AccountFlags;
const T = TransferFlags;
const AMOUNT_MAX = (1n << 128n) - 1n;

export interface WorkloadOptions {
  readonly seed: bigint;
  readonly devices: number;
  readonly shops: number;
  /** Largest number of transfers in a batch. */
  readonly batchRecordsMax: number;
}

export type Request =
  | { kind: 'accounts'; events: Account[] }
  | { kind: 'transfers'; events: Transfer[] }
  /** Nothing is sent for a while. */
  | { kind: 'pause'; nanoseconds: bigint };

/** Two currencies, each with its bank, shops and devices. */
const LEDGERS = [978, 1000] as const;

/** Most that a device may hold: 15,000 minor units, written as 15 * 10^3. */
const DEVICE_LIMIT = 15 + 3 * 2 ** 27;

export class Workload {
  readonly #random: Random;
  readonly #options: WorkloadOptions;
  #nextTransferId = 1n;
  /** Transfers that were asked for lately, and pending ones among them. */
  #recent: Transfer[] = [];
  #pending: Transfer[] = [];
  #closings: Transfer[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  /** The requests that open all accounts; the first of them with nothing wrong, the others with repetitions. */
  opening(): Request[] {
    const accounts = LEDGERS.flatMap((ledger) => [
      blankAccount({ id: bankOf(ledger), ledger, code: 1, flags: A.history }),
      blankAccount({
        id: bankOf(ledger) + 1n,
        ledger,
        code: 1,
        flags: A.debit_balance_limited,
        balanceLimit: DEVICE_LIMIT,
      }),
      ...range(this.#options.shops, (i) =>
        blankAccount({ id: shopOf(ledger, i), ledger, code: 2, flags: i % 2 === 0 ? A.history : 0 }),
      ),
      ...range(this.#options.devices, (i) =>
        blankAccount({
          id: deviceOf(ledger, i),
          ledger,
          code: 3,
          userData128: BigInt(i),
          flags: A.debits_must_not_exceed_credits | A.credit_balance_limited | (i % 3 === 0 ? A.history : 0),
          balanceLimit: DEVICE_LIMIT,
        }),
      ),
    ]);
    const requests: Request[] = [];
    for (let from = 0; from < accounts.length; from += this.#options.batchRecordsMax) {
      requests.push({ kind: 'accounts', events: accounts.slice(from, from + this.#options.batchRecordsMax) });
    }
    const again = accounts[this.#random.below(accounts.length)]!;
    requests.push({ kind: 'accounts', events: [again, { ...again, code: 9 }, { ...again, id: 0n }] });
    return requests;
  }

  next(): Request {
    const random = this.#random;
    if (random.chance(0.06)) {
      const seconds = random.pick([0n, 1n, 2n, 5n]);
      return { kind: 'pause', nanoseconds: seconds * 1_000_000_000n + BigInt(random.below(1000)) };
    }
    const size = 1 + (random.chance(0.1) ? random.below(this.#options.batchRecordsMax) : random.below(20));
    const events: Transfer[] = [];
    while (events.length < size) events.push(...this.#business());
    // What is longer than a batch may be has lost the end of its last chain: the ledger must refuse what is left of it.
    const batch = events.slice(0, this.#options.batchRecordsMax);
    this.#remember(batch);
    return { kind: 'transfers', events: batch };
  }

  #business(): Transfer[] {
    const random = this.#random;
    const ledger = random.pick(LEDGERS);
    const bank = bankOf(ledger);
    const [device, other] = [this.#device(ledger), this.#device(ledger)];
    const shop = shopOf(ledger, random.below(this.#options.shops));
    const small = BigInt(1 + random.below(400));
    const choice = random.below(100);
    if (choice < 25) return [this.#transfer(ledger, bank, device, BigInt(500 + random.below(4000)))];
    if (choice < 50) return [this.#transfer(ledger, device, shop, small)];
    if (choice < 58) return [this.#transfer(ledger, device, other, small)];
    if (choice < 68) {
      const timeout = random.pick([0, 1, 2, 4]);
      return [this.#transfer(ledger, device, shop, small, { flags: T.pending, timeout })];
    }
    if (choice < 78) return this.#resolution();
    if (choice < 82) {
      // All that the shop has earned, however much that is.
      return [this.#transfer(ledger, shop, bank, AMOUNT_MAX, { flags: T.balancing_debit })];
    }
    if (choice < 84) {
      const flags = T.balancing_debit | T.pending;
      return [this.#transfer(ledger, device, shop, small, { flags, timeout: random.pick([0, 1]) })];
    }
    if (choice < 90) return this.#exchange(device);
    if (choice < 93) return this.#closing(ledger, device);
    if (choice < 97) return this.#repetition();
    return [this.#nonsense(ledger, device, shop)];
  }

  /** A post or void of something that is pending, or that was. */
  #resolution(): Transfer[] {
    if (this.#pending.length === 0) return [];
    const random = this.#random;
    const pending = random.pick(this.#pending);
    const post = random.chance(0.6);
    const amount = post
      ? random.pick([AMOUNT_MAX, pending.amount, pending.amount / 2n, pending.amount + 1n, 0n])
      : random.pick([0n, pending.amount]);
    const flags = post ? T.post_pending_transfer : T.void_pending_transfer;
    return [blankTransfer({ id: this.#id(), pendingId: pending.id, amount, flags })];
  }

  /** A device changes money into the other currency: two or three transfers that stand or fall together. */
  #exchange(device: bigint): Transfer[] {
    const random = this.#random;
    const [from, to] = LEDGERS;
    const amount = BigInt(1 + random.below(2000));
    const pay = this.#transfer(from, deviceOf(from, Number(device % 1_000_000n)), bankOf(from), amount);
    const fee = this.#transfer(from, pay.debitAccountId, bankOf(from) + 1n, 1n);
    const get = this.#transfer(to, bankOf(to), deviceOf(to, Number(device % 1_000_000n)), amount * 2n);
    const chain = random.chance(0.5) ? [pay, get] : [pay, fee, get];
    return chain.map((t, i) => (i < chain.length - 1 ? { ...t, flags: t.flags | T.linked } : t));
  }

  /** Blocks a device, or opens one that is blocked. */
  #closing(ledger: number, device: bigint): Transfer[] {
    const random = this.#random;
    if (this.#closings.length > 3 || (this.#closings.length > 0 && random.chance(0.5))) {
      const closing = this.#closings.splice(random.below(this.#closings.length), 1)[0]!;
      return [blankTransfer({ id: this.#id(), pendingId: closing.id, flags: T.void_pending_transfer })];
    }
    const flags = T.pending | T.closing_debit;
    const closing = this.#transfer(ledger, device, bankOf(ledger), 0n, {
      flags,
      timeout: random.pick([0, 0, 3]),
    });
    this.#closings.push(closing);
    return [closing];
  }

  /** The same again, as after a lost answer, or almost the same. */
  #repetition(): Transfer[] {
    if (this.#recent.length === 0) return [];
    const random = this.#random;
    const again = { ...random.pick(this.#recent) };
    again.flags &= ~T.linked;
    if (random.chance(0.3)) again.amount ^= 1n;
    else if (random.chance(0.2)) again.code += 1;
    return [again];
  }

  #nonsense(ledger: number, device: bigint, shop: bigint): Transfer {
    const random = this.#random;
    const good = this.#transfer(ledger, device, shop, 5n);
    const wrong: Partial<Transfer>[] = [
      { id: 0n },
      { debitAccountId: shop },
      { creditAccountId: 424242n },
      { ledger: 7 },
      { code: 0 },
      { amount: AMOUNT_MAX },
      { flags: 0x8000 },
      { pendingId: 1n },
      { timeout: 9 },
      { timestamp: 1n },
      { flags: T.post_pending_transfer, pendingId: 1n << 90n },
      { flags: T.imported },
    ];
    return { ...good, ...random.pick(wrong) };
  }

  #transfer(
    ledger: number,
    debitAccountId: bigint,
    creditAccountId: bigint,
    amount: bigint,
    more: Partial<Transfer> = {},
  ): Transfer {
    return blankTransfer({
      id: this.#id(),
      debitAccountId,
      creditAccountId,
      amount,
      ledger,
      code: 1,
      ...more,
    });
  }

  #device(ledger: number): bigint {
    return deviceOf(ledger, this.#random.below(this.#options.devices));
  }

  /** Mostly in order of time, now and then a random one. */
  #id(): bigint {
    if (this.#random.chance(0.1)) return (this.#random.bits(96) << 20n) | (1n << 120n);
    return this.#nextTransferId++;
  }

  #remember(batch: readonly Transfer[]): void {
    this.#recent = [...this.#recent, ...batch].slice(-300);
    const pending = batch.filter(({ flags }) => (flags & T.pending) !== 0 && (flags & T.closing_debit) === 0);
    this.#pending = [...this.#pending, ...pending].slice(-60);
  }
}

function range<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function bankOf(ledger: number): bigint {
  return BigInt(ledger) * 10_000_000n;
}

function shopOf(ledger: number, index: number): bigint {
  return bankOf(ledger) + 2_000_000n + BigInt(index);
}

function deviceOf(ledger: number, index: number): bigint {
  return bankOf(ledger) + 3_000_000n + BigInt(index);
}

function blankAccount(fields: Partial<Account>): Account {
  return {
    id: 0n,
    debitsPending: 0n,
    debitsPosted: 0n,
    creditsPending: 0n,
    creditsPosted: 0n,
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    balanceLimit: 0,
    ledger: 0,
    code: 0,
    flags: 0,
    timestamp: 0n,
    ...fields,
  };
}

function blankTransfer(fields: Partial<Transfer>): Transfer {
  return {
    id: 0n,
    debitAccountId: 0n,
    creditAccountId: 0n,
    amount: 0n,
    pendingId: 0n,
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    timeout: 0,
    ledger: 0,
    code: 0,
    flags: 0,
    timestamp: 0n,
    ...fields,
  };
}
