// Random batches of everything the ledger does, biased to what collides: few accounts, few ids, small and huge amounts.
import {
  type Account,
  AccountFlags,
  Operation,
  type OrderTerms,
  type PaymentOrder,
  type Transfer,
  TransferFlags,
  writeAccount,
  writeOrderTerms,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { U128_MAX } from '../../src/shared/bytes.ts';
import type { Random } from '../../src/shared/random.ts';
import { encode, encodeOrders } from './kernel-target.ts';
import type { MemoryLedger } from './memory-host.ts';

const ACCOUNTS = 12;
const SECOND = 1_000_000_000n;
/** What accounts have as user_data_64, and orders as key_id. */
const KEY = 7n;

export class Workload {
  readonly #random: Random;
  #lastId = 0;
  #sent: Partial<Transfer>[] = [];
  #ordered: Partial<PaymentOrder>[] = [];
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Runs one random step on the ledger. */
  step(ledger: MemoryLedger): void {
    const random = this.#random;
    const pause = random.chance(0.3) ? BigInt(random.below(3)) * SECOND : BigInt(random.below(50));
    ledger.pulses(ledger.timestamp + pause + 10_000n);
    const count = random.chance(0.1) ? 1 + random.below(1000) : 1 + random.below(40);
    const timestamp = ledger.timestamp + pause + BigInt(count);
    const imported = random.chance(0.1);
    if (random.chance(0.15)) {
      const events = Array.from({ length: Math.min(count, 20) }, () => this.#account(imported, timestamp));
      ledger.execute(Operation.create_accounts, encode(events, writeAccount), timestamp);
      return;
    }
    if (random.chance(0.2)) {
      const orders = Array.from({ length: count }, () => this.#order(timestamp));
      ledger.execute(Operation.create_payment_orders, encodeOrders(orders), timestamp);
      return;
    }
    if (random.chance(0.03)) {
      const terms = Array.from({ length: Math.min(count, 5) }, () => this.#terms());
      ledger.execute(
        Operation.set_order_terms,
        encode(terms, writeOrderTerms),
        ledger.timestamp + pause + BigInt(terms.length),
      );
      return;
    }
    const events = Array.from({ length: count }, () => this.#transfer(imported, timestamp));
    ledger.execute(Operation.create_transfers, encode(events, writeTransfer), timestamp);
  }

  #account(imported: boolean, now: bigint): Partial<Account> {
    const random = this.#random;
    const { debits_must_not_exceed_credits, credits_must_not_exceed_debits, history } = AccountFlags;
    const { credit_balance_limited, debit_balance_limited } = AccountFlags;
    const bound = random.pick([
      0,
      0,
      0,
      history,
      debits_must_not_exceed_credits,
      credits_must_not_exceed_debits,
    ]);
    const limited = random.pick([0, 0, 0, 0, credit_balance_limited, debit_balance_limited]);
    return {
      id: BigInt(random.below(ACCOUNTS + 2)),
      userData64: KEY,
      ledger: random.chance(0.95) ? 1 : 2,
      code: random.chance(0.97) ? 1 : 0,
      balanceLimit: limited === 0 ? 0 : random.below(1000) + random.below(4) * 2 ** 27,
      flags: bound | limited | this.#linked(0.15) | (imported ? AccountFlags.imported : 0),
      timestamp: this.#timestamp(imported, now),
    };
  }

  #transfer(imported: boolean, now: bigint): Partial<Transfer> {
    const random = this.#random;
    if (this.#sent.length > 0 && random.chance(0.05)) return random.pick(this.#sent);
    const transfer = this.#newTransfer(imported, now);
    this.#sent.push(transfer);
    return transfer;
  }

  #newTransfer(imported: boolean, now: bigint): Partial<Transfer> {
    const random = this.#random;
    const flags = this.#linked(0.2) | (imported ? TransferFlags.imported : 0);
    const id = random.chance(0.9) ? ++this.#lastId : 1 + random.below(this.#lastId + 1);
    const common = { id: BigInt(id), timestamp: this.#timestamp(imported, now) };
    if (random.chance(0.3)) {
      const isPost = random.chance(0.5);
      const { post_pending_transfer, void_pending_transfer } = TransferFlags;
      return {
        ...common,
        pendingId: BigInt(Math.max(0, id - random.below(30))),
        amount: isPost ? random.pick([0n, 1n, 5n, U128_MAX]) : random.pick([0n, 0n, 0n, 5n]),
        userData64: BigInt(random.below(2)),
        flags: flags | (isPost ? post_pending_transfer : void_pending_transfer),
      };
    }
    const kind = random.pick([0, 0, 0, TransferFlags.pending, TransferFlags.pending]);
    const balancing = random.pick([
      0,
      0,
      0,
      0,
      TransferFlags.balancing_debit,
      TransferFlags.balancing_credit,
    ]);
    const closing =
      kind !== 0 && random.chance(0.05)
        ? random.pick([TransferFlags.closing_debit, TransferFlags.closing_credit])
        : 0;
    return {
      ...common,
      debitAccountId: BigInt(1 + random.below(ACCOUNTS)),
      creditAccountId: BigInt(1 + random.below(ACCOUNTS)),
      amount: random.chance(0.05)
        ? random.pick([U128_MAX, 2n ** 127n, 2n ** 63n])
        : BigInt(random.below(100)),
      userData64: BigInt(random.below(3)),
      timeout: kind !== 0 && !imported && random.chance(0.7) ? random.below(4) : 0,
      ledger: 1,
      code: 1,
      flags: flags | kind | balancing | closing,
    };
  }

  #order(now: bigint): Partial<PaymentOrder> {
    const random = this.#random;
    if (this.#ordered.length > 0 && random.chance(0.05)) {
      const again = random.pick(this.#ordered);
      return random.chance(0.7) ? again : { ...again, reference: new Uint8Array(32).fill(random.below(256)) };
    }
    const flags = random.chance(0.3) ? TransferFlags.pending : 0;
    const order: Partial<PaymentOrder> = {
      id: BigInt(random.chance(0.9) ? ++this.#lastId : 1 + random.below(this.#lastId + 1)),
      debitAccountId: BigInt(1 + random.below(ACCOUNTS)),
      creditAccountId: BigInt(1 + random.below(ACCOUNTS)),
      amount: random.chance(0.02) ? U128_MAX : BigInt(random.below(100)),
      timeout: flags === 0 ? 0 : random.below(4),
      ledger: 1,
      code: 1,
      flags,
      timestamp: this.#timestamp(false, now),
      reference: new Uint8Array(32).fill(random.below(256)),
      sequence: BigInt(Math.max(1, ++this.#sequence - random.below(100))),
      expiresAt: random.chance(0.05) ? now + BigInt(random.below(2)) : 1n << 63n,
      keyId: KEY,
      verdict: random.chance(0.95) ? 1 : random.below(4),
      signature: new Uint8Array(64).fill(random.below(256)),
    };
    this.#ordered.push(order);
    return order;
  }

  #terms(): Partial<OrderTerms> {
    const random = this.#random;
    return {
      accountId: BigInt(random.below(ACCOUNTS + 2)),
      paymentMax: BigInt(random.below(3) * 60),
      dayMax: BigInt(random.below(3) * 500),
      flags: random.chance(0.1) ? 1 : 0,
    };
  }

  #linked(probability: number): number {
    return this.#random.chance(probability) ? TransferFlags.linked : 0;
  }

  /** Of a record that is not imported nearly always 0: some bring the very timestamp that they would get. */
  #timestamp(imported: boolean, now: bigint): bigint {
    const earlier = (nanoseconds: number) => now - BigInt(Math.min(nanoseconds, Number(now)));
    if (imported) return earlier(1 + this.#random.below(100));
    return this.#random.chance(0.02) ? earlier(this.#random.below(3)) : 0n;
  }
}
