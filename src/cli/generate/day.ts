// A settlement day: accounts, then transfers in the order of their times, each with the answer that a ledger which saw
// nothing else must give. Memory: the devices and shops, and bounded plans and memories of the last few thousand
// transfers; never the day itself.
//
//     arrivals ─▶ something due? ─yes─▶ post or void, refund, purchase after a load, unblock
//                      └──no──▶ a new visit: device × shop × price ─▶ balance too low? load first
import { type Account, AccountFlags, type Transfer, TransferFlags } from '../../layout/generated.ts';
import { type Amount, amountOf, ZERO } from '../../shared/amount.ts';
import { encodeBalanceLimit } from '../../shared/balance-limit.ts';
import { Random, WeightedChoice, zipfWeights } from '../../shared/random.ts';
import { AccountCode, TransferCode } from './codes.ts';
import { Arrivals } from './curve.ts';
import { Later } from './later.ts';
import type { DayParameters } from './parameters.ts';
import { type Answer, Wallets } from './wallets.ts';

export interface GeneratedTransfer {
  readonly record: Transfer;
  /** The answer on a ledger with the day's accounts and nothing else. */
  readonly expected: Answer;
}

interface Purchase {
  readonly device: number;
  readonly shop: number;
  readonly amount: Amount;
}

type Plan =
  | ({ readonly kind: 'purchase' | 'spend' } & Purchase)
  | ({ readonly kind: 'refund'; readonly of: bigint } & Purchase)
  | ({ readonly kind: 'resolve'; readonly of: bigint } & Purchase)
  | { readonly kind: 'unblock'; readonly of: bigint; readonly device: number };

/** Beyond these the generator forgets: follow-ups are left out, retries are of younger transfers. */
const PLANS_MAX = 65_536;
const MEMORY_MAX = 1024;
const MINUTE_MS = 60_000;

/** Choices of a load in load units, and how often each is made. */
const LOAD_UNITS = [1, 2, 5, 10] as const;
const LOAD_WEIGHTS = [0.2, 0.45, 0.3, 0.05];

export class SettlementDay {
  readonly parameters: DayParameters;
  readonly #random: Random;
  readonly #floatId: bigint;
  readonly #depositsId: bigint;
  readonly #shopIds: bigint[];
  readonly #deviceIds: bigint[];

  constructor(parameters: DayParameters) {
    this.parameters = parameters;
    this.#random = new Random(parameters.seed);
    const ids = (count: number) => Array.from({ length: count }, () => newAccountId(this.#random));
    [this.#floatId, this.#depositsId] = ids(2) as [bigint, bigint];
    this.#shopIds = ids(parameters.shops);
    this.#deviceIds = ids(parameters.devices);
  }

  get accountCount(): number {
    return 2 + this.parameters.shops + this.parameters.devices;
  }

  *accounts(): Generator<Account> {
    const { currency, deviceLimit } = this.parameters;
    const ledger = currency.ledger;
    const mustHoldCredit = AccountFlags.debits_must_not_exceed_credits;
    yield account(this.#floatId, ledger, AccountCode.float, 0);
    yield account(this.#depositsId, ledger, AccountCode.deposits, mustHoldCredit);
    for (const id of this.#shopIds) {
      yield account(id, ledger, AccountCode.shop, mustHoldCredit | AccountFlags.history);
    }
    const limit = encodeBalanceLimit(deviceLimit);
    for (const id of this.#deviceIds) {
      const flags = mustHoldCredit | AccountFlags.credit_balance_limited;
      yield { ...account(id, ledger, AccountCode.device, flags), balanceLimit: limit };
    }
  }

  /** The day's transfers, `parameters.transfers` of them. Each call gives the same ones. */
  *transfers(): Generator<GeneratedTransfer> {
    yield* new Course(
      this.parameters,
      this.#floatId,
      this.#depositsId,
      this.#shopIds,
      this.#deviceIds,
    ).transfers();
  }
}

class Course {
  readonly #p: DayParameters;
  readonly #floatId: bigint;
  readonly #depositsId: bigint;
  readonly #shopIds: bigint[];
  readonly #deviceIds: bigint[];
  // Visits and times have streams of their own: a changed share leaves the day's curve as it was.
  readonly #random: Random;
  readonly #idRandom: Random;
  readonly #arrivals: Arrivals;
  readonly #shops: WeightedChoice;
  readonly #devices: WeightedChoice;
  readonly #loads = new WeightedChoice(LOAD_WEIGHTS);
  readonly #wallets: Wallets;
  readonly #plans = new Later<Plan>(PLANS_MAX);
  readonly #created: Transfer[] = [];
  readonly #failed: Transfer[] = [];
  #remembered = 0;
  #forgotten = 0;
  #timeMs = 0;

  constructor(
    parameters: DayParameters,
    floatId: bigint,
    depositsId: bigint,
    shopIds: bigint[],
    deviceIds: bigint[],
  ) {
    this.#p = parameters;
    this.#floatId = floatId;
    this.#depositsId = depositsId;
    this.#shopIds = shopIds;
    this.#deviceIds = deviceIds;
    const stream = (n: bigint) =>
      new Random((parameters.seed + n * 0x9e37_79b9_7f4a_7c15n) & 0xffff_ffff_ffff_ffffn);
    this.#random = stream(1n);
    this.#idRandom = stream(2n);
    this.#arrivals = new Arrivals(stream(3n), parameters.transfers);
    this.#shops = new WeightedChoice(zipfWeights(parameters.shops, parameters.shopSkew));
    this.#devices = new WeightedChoice(zipfWeights(parameters.devices, parameters.deviceSkew));
    this.#wallets = new Wallets(parameters.devices, parameters.shops, parameters.deviceLimit);
  }

  *transfers(): Generator<GeneratedTransfer> {
    let left = this.#p.transfers;
    while (left > 0) {
      this.#timeMs = this.#p.dayStartMs + this.#arrivals.next();
      const transfers = this.#next(left);
      for (const [i, transfer] of transfers.entries()) {
        // A chain's records arrive together, and use up the times of the others.
        if (i > 0) this.#arrivals.next();
        yield transfer;
      }
      left -= transfers.length;
    }
  }

  #next(left: number): GeneratedTransfer[] {
    const due = this.#plans.takeDue(this.#timeMs);
    if (due !== undefined) return [this.#carryOut(due)];
    const p = this.#p;
    let roll = this.#random.float();
    const happens = (share: number): boolean => {
      roll -= share;
      return roll < 0;
    };
    if (happens(p.topUpShare)) return [this.#topUp()];
    if (happens(p.unknownShare)) return [this.#unknown()];
    if (happens(p.retryShare)) return [this.#retry(0n)];
    if (happens(p.changedRetryShare)) return [this.#retry(1n)];
    if (happens(p.failedRetryShare)) return [this.#retryFailed()];
    if (happens(p.blockShare)) return [this.#block()];
    return this.#visit(left);
  }

  #visit(left: number): GeneratedTransfer[] {
    const purchase = {
      device: this.#devices.draw(this.#random),
      shop: this.#shops.draw(this.#random),
      amount: this.#price(),
    };
    const short = purchase.amount > this.#wallets.available(purchase.device);
    if (short && !this.#random.chance(this.#p.overspendShare)) return [this.#loadFor(purchase)];
    if (left >= 2 && this.#random.chance(this.#p.depositShare)) return this.#purchaseWithDeposit(purchase);
    return [this.#purchase(purchase)];
  }

  #carryOut(plan: Plan): GeneratedTransfer {
    switch (plan.kind) {
      case 'purchase':
        return this.#purchase(plan);
      case 'spend':
        return this.#spend(plan);
      case 'refund':
        return this.#refund(plan, plan.of);
      case 'resolve':
        return this.#resolve(plan, plan.of);
      case 'unblock':
        return this.#result(
          this.#transfer({ pendingId: plan.of, flags: TransferFlags.void_pending_transfer }),
          this.#wallets.unblock(plan.device),
        );
    }
  }

  #price(): Amount {
    const { medianPrice, priceSigma, priceMin, priceMax } = this.#p;
    for (;;) {
      // A price's logarithm is normal; the bigint takes over once the price is a whole number of minor units.
      const price = BigInt(Math.round(this.#random.logNormal(Number(medianPrice), priceSigma)));
      if (price >= priceMin && price <= priceMax) return amountOf(price);
    }
  }

  /** Loads enough for the purchase, which follows within two minutes. */
  #loadFor(purchase: Purchase): GeneratedTransfer {
    const { loadUnit } = this.#p;
    const { device } = purchase;
    const missing = purchase.amount - this.#wallets.available(device);
    const least = (missing + loadUnit - 1n) / loadUnit;
    const chosen = BigInt(LOAD_UNITS[this.#loads.draw(this.#random)]!);
    const units = chosen > least ? chosen : least;
    const room = this.#wallets.room(device) / loadUnit;
    // Most terminals offer only what fits; some let people try, and the limit answers.
    const fits = units <= room || room < least || this.#random.chance(0.1);
    const amount = amountOf((fits ? units : room) * loadUnit);
    const kind = this.#random.chance(this.#p.twoPhaseShare) ? 'purchase' : 'spend';
    this.#plans.add(this.#timeMs + 20_000 + this.#random.below(100_000), { ...purchase, kind });
    return this.#load(device, amount);
  }

  /** Some fill their device up without looking at its balance first. */
  #topUp(): GeneratedTransfer {
    const { loadUnit, deviceLimit } = this.#p;
    const device = this.#devices.draw(this.#random);
    const units = this.#random.pick([5n, 5n, 5n, 10n, 10n, deviceLimit / loadUnit]);
    return this.#load(device, amountOf(units * loadUnit));
  }

  #load(device: number, amount: Amount): GeneratedTransfer {
    return this.#result(
      this.#transfer({
        debitAccountId: this.#floatId,
        creditAccountId: this.#deviceIds[device]!,
        amount,
        code: TransferCode.load,
      }),
      this.#wallets.load(device, amount),
    );
  }

  #purchase(purchase: Purchase): GeneratedTransfer {
    return this.#random.chance(this.#p.twoPhaseShare) ? this.#authorise(purchase) : this.#spend(purchase);
  }

  #spend(purchase: Purchase): GeneratedTransfer {
    const { device, shop, amount } = purchase;
    const result = this.#result(
      this.#sale(purchase, { code: TransferCode.purchase }),
      this.#wallets.pay(device, shop, amount),
    );
    if (result.expected === 'created' && this.#random.chance(this.#p.refundShare)) {
      const wait = (5 + this.#random.below(85)) * MINUTE_MS;
      this.#plans.add(this.#timeMs + wait, { ...purchase, kind: 'refund', of: result.record.id });
    }
    return result;
  }

  #authorise(purchase: Purchase): GeneratedTransfer {
    const result = this.#result(
      this.#sale(purchase, {
        code: TransferCode.authorisation,
        flags: TransferFlags.pending,
        timeout: this.#p.pendingTimeoutSeconds,
      }),
      this.#wallets.hold(purchase.device, purchase.amount),
    );
    // Three in a hundred stay open: the till never came back.
    if (result.expected === 'created' && !this.#random.chance(0.03)) {
      const wait = 30_000 + this.#random.below(20 * MINUTE_MS);
      this.#plans.add(this.#timeMs + wait, { ...purchase, kind: 'resolve', of: result.record.id });
    }
    return result;
  }

  #resolve({ device, shop, amount: held }: Purchase, of: bigint): GeneratedTransfer {
    if (this.#random.chance(0.12)) {
      return this.#result(
        this.#transfer({ pendingId: of, flags: TransferFlags.void_pending_transfer }),
        this.#wallets.release(device, held),
      );
    }
    const whole = this.#random.chance(0.7);
    const share = whole ? 100n : BigInt(40 + this.#random.below(60));
    const amount = amountOf((held * share + 99n) / 100n);
    return this.#result(
      this.#transfer({ pendingId: of, amount, flags: TransferFlags.post_pending_transfer }),
      this.#wallets.post(device, shop, held, amount),
    );
  }

  #refund({ device, shop, amount }: Purchase, of: bigint): GeneratedTransfer {
    const share = this.#random.chance(0.7) ? 100n : BigInt(10 + this.#random.below(80));
    const back = amountOf((amount * share + 99n) / 100n);
    return this.#result(
      this.#transfer({
        debitAccountId: this.#shopIds[shop]!,
        creditAccountId: this.#deviceIds[device]!,
        amount: back,
        userData128: of,
        code: TransferCode.refund,
      }),
      this.#wallets.refund(device, shop, back),
    );
  }

  /** Both or none: the drink, and the deposit on its cup. */
  #purchaseWithDeposit(purchase: Purchase): GeneratedTransfer[] {
    const { device, shop, amount } = purchase;
    const { deposit } = this.#p;
    const sale = this.#sale(purchase, { code: TransferCode.purchase, flags: TransferFlags.linked });
    const cup = this.#transfer({
      debitAccountId: this.#deviceIds[device]!,
      creditAccountId: this.#depositsId,
      amount: deposit,
      userData128: sale.id,
      code: TransferCode.deposit,
    });
    const paid = this.#wallets.pay(device, shop, amount);
    if (paid !== 'created')
      return [
        { record: sale, expected: paid },
        { record: cup, expected: 'linked_event_failed' },
      ];
    const deposited = this.#wallets.pay(device, undefined, deposit);
    if (deposited !== 'created') {
      this.#wallets.unpay(device, shop, amount);
      return [
        { record: sale, expected: 'linked_event_failed' },
        { record: cup, expected: deposited },
      ];
    }
    return [
      { record: sale, expected: 'created' },
      { record: cup, expected: 'created' },
    ];
  }

  #unknown(): GeneratedTransfer {
    const purchase = {
      device: this.#devices.draw(this.#random),
      shop: this.#shops.draw(this.#random),
      amount: this.#price(),
    };
    const record = this.#sale(purchase, { code: TransferCode.purchase });
    const stranger = newAccountId(this.#idRandom);
    return this.#random.chance(0.5)
      ? this.#result({ ...record, debitAccountId: stranger }, 'debit_account_not_found')
      : this.#result({ ...record, creditAccountId: stranger }, 'credit_account_not_found');
  }

  /** A till repeats a purchase that went through: the same, or by mistake with another amount. */
  #retry(more: bigint): GeneratedTransfer {
    if (this.#created.length === 0) return this.#visit(1)[0]!;
    const record = this.#random.pick(this.#created);
    const repeated = { ...record, amount: amountOf(record.amount + more) };
    return { record: repeated, expected: more === 0n ? 'exists' : 'exists_with_different_amount' };
  }

  /** A till repeats a purchase that was refused: an id that failed once never succeeds. */
  #retryFailed(): GeneratedTransfer {
    if (this.#failed.length === 0) return this.#visit(1)[0]!;
    return { record: { ...this.#random.pick(this.#failed) }, expected: 'id_already_failed' };
  }

  /** A lost device: a pending transfer of nothing closes its account until it is voided. */
  #block(): GeneratedTransfer {
    const device = this.#devices.draw(this.#random);
    const result = this.#result(
      this.#transfer({
        debitAccountId: this.#deviceIds[device]!,
        creditAccountId: this.#floatId,
        amount: ZERO,
        code: TransferCode.block,
        flags: TransferFlags.pending | TransferFlags.closing_debit,
      }),
      this.#wallets.block(device),
    );
    if (result.expected === 'created' && this.#random.chance(0.4)) {
      const wait = (10 + this.#random.below(170)) * MINUTE_MS;
      this.#plans.add(this.#timeMs + wait, { kind: 'unblock', of: result.record.id, device });
    }
    return result;
  }

  #sale({ device, shop, amount }: Purchase, more: Partial<Transfer>): Transfer {
    return this.#transfer({
      debitAccountId: this.#deviceIds[device]!,
      creditAccountId: this.#shopIds[shop]!,
      amount,
      userData32: 1 + this.#random.below(8),
      ...more,
    });
  }

  /** Post and void take accounts, ledger and code from the pending transfer. */
  #transfer(fields: Partial<Transfer>): Transfer {
    return {
      id: (BigInt(this.#timeMs) << 80n) | (this.#idRandom.bits(96) & ((1n << 80n) - 1n)),
      debitAccountId: 0n,
      creditAccountId: 0n,
      amount: 0n,
      pendingId: 0n,
      userData128: 0n,
      userData64: BigInt(this.#timeMs) * 1_000_000n,
      userData32: 0,
      timeout: 0,
      ledger: fields.debitAccountId === undefined ? 0 : this.#p.currency.ledger,
      code: 0,
      flags: 0,
      timestamp: 0n,
      ...fields,
    };
  }

  /** Remembers what a till might repeat. */
  #result(record: Transfer, expected: Answer): GeneratedTransfer {
    if (record.code === TransferCode.purchase) {
      if (expected === 'created') this.#created[this.#remembered++ % MEMORY_MAX] = record;
      else if (expected !== 'linked_event_failed') this.#failed[this.#forgotten++ % MEMORY_MAX] = record;
    }
    return { record, expected };
  }
}

function account(id: bigint, ledger: number, code: number, flags: number): Account {
  return {
    id,
    debitsPending: 0n,
    debitsPosted: 0n,
    creditsPending: 0n,
    creditsPosted: 0n,
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    balanceLimit: 0,
    ledger,
    code,
    flags,
    timestamp: 0n,
  };
}

/** 128 random bits, other than the two ids that no account may have. */
function newAccountId(random: Random): bigint {
  for (;;) {
    const id = random.bits(128);
    if (id !== 0n && id !== (1n << 128n) - 1n) return id;
  }
}
