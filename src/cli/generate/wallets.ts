// What the generator knows of the ledger: enough to load devices in time and to foretell the answer to each transfer
// that it writes. Money is kept in bigints, one slot a device or shop.
//
//     device   credits posted ── debits posted ── debits pending        available = credits − debits − held
//     shop     credits posted ── debits posted                          room      = limit − (credits − debits)
import type { CreateTransferStatusName } from '../../layout/generated.ts';
import { type Amount, amountOf } from '../../shared/amount.ts';

export type Answer = CreateTransferStatusName;

export class Wallets {
  readonly #limit: bigint;
  readonly #balance: BigUint64Array;
  readonly #held: BigUint64Array;
  readonly #closed: Uint8Array;
  readonly #shopBalance: BigUint64Array;

  constructor(devices: number, shops: number, limit: Amount) {
    this.#limit = limit;
    this.#balance = new BigUint64Array(devices);
    this.#held = new BigUint64Array(devices);
    this.#closed = new Uint8Array(devices);
    this.#shopBalance = new BigUint64Array(shops);
  }

  /** What the device may spend now. */
  available(device: number): Amount {
    return amountOf(this.#balance[device]! - this.#held[device]!);
  }

  /** What the device may still receive. */
  room(device: number): Amount {
    return amountOf(this.#limit - this.#balance[device]!);
  }

  isClosed(device: number): boolean {
    return this.#closed[device] === 1;
  }

  load(device: number, amount: Amount): Answer {
    if (this.isClosed(device)) return 'credit_account_already_closed';
    if (amount > this.room(device)) return 'exceeds_credit_limit';
    this.#balance[device]! += amount;
    return 'created';
  }

  /** @param shop undefined for the pool of deposits. */
  pay(device: number, shop: number | undefined, amount: Amount): Answer {
    const answer = this.#mayPay(device, amount);
    if (answer !== 'created') return answer;
    this.#balance[device]! -= amount;
    if (shop !== undefined) this.#shopBalance[shop]! += amount;
    return 'created';
  }

  unpay(device: number, shop: number | undefined, amount: Amount): void {
    this.#balance[device]! += amount;
    if (shop !== undefined) this.#shopBalance[shop]! -= amount;
  }

  hold(device: number, amount: Amount): Answer {
    const answer = this.#mayPay(device, amount);
    if (answer === 'created') this.#held[device]! += amount;
    return answer;
  }

  post(device: number, shop: number, held: Amount, amount: Amount): Answer {
    if (this.isClosed(device)) return 'debit_account_already_closed';
    this.#held[device]! -= held;
    this.#balance[device]! -= amount;
    this.#shopBalance[shop]! += amount;
    return 'created';
  }

  release(device: number, held: Amount): Answer {
    this.#held[device]! -= held;
    return 'created';
  }

  refund(device: number, shop: number, amount: Amount): Answer {
    if (this.isClosed(device)) return 'credit_account_already_closed';
    if (amount > this.#shopBalance[shop]!) return 'exceeds_credits';
    if (amount > this.room(device)) return 'exceeds_credit_limit';
    this.#shopBalance[shop]! -= amount;
    this.#balance[device]! += amount;
    return 'created';
  }

  block(device: number): Answer {
    if (this.isClosed(device)) return 'debit_account_already_closed';
    this.#closed[device] = 1;
    return 'created';
  }

  unblock(device: number): Answer {
    this.#closed[device] = 0;
    return 'created';
  }

  #mayPay(device: number, amount: Amount): Answer {
    if (this.isClosed(device)) return 'debit_account_already_closed';
    return amount > this.available(device) ? 'exceeds_credits' : 'created';
  }
}
