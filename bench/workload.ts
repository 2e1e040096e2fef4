// The workload of the benchmarks: accounts that may not overdraw, funded once, then transfers between random pairs of
// them with unique ids. Seeded: the same parameters give the same bytes.
import {
  AccountFlags,
  AccountLayout,
  BATCH_RECORDS_MAX,
  RECORD_SIZE,
  TransferLayout,
} from '../src/layout/generated.ts';

export const LEDGER = 978;
const CODE = 1;
const FUNDS = 1_000_000_000;
const AMOUNT_MAX = 100;

/** xorshift32: a generator whose cost does not show in the figures. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }
  /** 32 random bits, unsigned. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit);
  }
}

export interface WorkloadOptions {
  readonly accounts: number;
  readonly seed: number;
  /** `time`: ascending like ULIDs; `random`: uniform over 128 bits. */
  readonly ids: 'time' | 'random';
}

export class Workload {
  readonly accounts: number;
  readonly #random: Random;
  readonly #ids: 'time' | 'random';
  #sequence = 0;

  constructor({ accounts, seed, ids }: WorkloadOptions) {
    this.accounts = accounts;
    this.#random = new Random(seed);
    this.#ids = ids;
  }

  /** Batches that open the accounts: ids 1 to n, all limited but account n + 1, which funds them. */
  *openings(): Generator<Uint8Array> {
    for (let first = 1; first <= this.accounts + 1; first += BATCH_RECORDS_MAX) {
      const count = Math.min(BATCH_RECORDS_MAX, this.accounts + 2 - first);
      const bytes = new Uint8Array(count * RECORD_SIZE);
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < count; i++) {
        const at = i * RECORD_SIZE;
        const id = first + i;
        view.setUint32(at, id, true);
        view.setUint32(at + AccountLayout.ledger, LEDGER, true);
        view.setUint16(at + AccountLayout.code, CODE, true);
        const limited = id <= this.accounts ? AccountFlags.debits_must_not_exceed_credits : 0;
        view.setUint16(at + AccountLayout.flags, limited, true);
      }
      yield bytes;
    }
  }

  /** Batches that give each account its funds. */
  *funding(): Generator<Uint8Array> {
    for (let first = 1; first <= this.accounts; first += BATCH_RECORDS_MAX) {
      const count = Math.min(BATCH_RECORDS_MAX, this.accounts + 1 - first);
      const bytes = new Uint8Array(count * RECORD_SIZE);
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < count; i++) {
        this.#write(view, i * RECORD_SIZE, this.accounts + 1, first + i, FUNDS);
      }
      yield bytes;
    }
  }

  /** Fills `bytes` (whole records) with the next transfers. */
  fill(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += RECORD_SIZE) {
      const debit = 1 + this.#random.below(this.accounts);
      let credit = 1 + this.#random.below(this.accounts - 1);
      if (credit >= debit) credit++;
      this.#write(view, at, debit, credit, 1 + this.#random.below(AMOUNT_MAX));
    }
  }

  #write(view: DataView, at: number, debit: number, credit: number, amount: number): void {
    this.#sequence++;
    if (this.#ids === 'time') {
      // Like ULIDs of one millisecond: consecutive numbers under a high part that rises.
      view.setUint32(at, this.#sequence >>> 0, true);
      view.setUint32(at + 4, Math.floor(this.#sequence / 0x1_0000_0000), true);
      view.setUint32(at + 8, 0x5eed, true);
      view.setUint32(at + 12, 0x0190_0000, true);
    } else {
      // The sequence number inside keeps ids unique, the rest spreads them over the whole range.
      view.setUint32(at, this.#sequence >>> 0, true);
      view.setUint32(at + 4, this.#random.next(), true);
      view.setUint32(at + 8, this.#random.next(), true);
      view.setUint32(at + 12, this.#random.next() & 0x7fff_ffff, true);
    }
    view.setUint32(at + TransferLayout.debitAccountId, debit, true);
    view.setUint32(at + TransferLayout.creditAccountId, credit, true);
    view.setUint32(at + TransferLayout.amount, amount, true);
    view.setUint32(at + TransferLayout.ledger, LEDGER, true);
    view.setUint16(at + TransferLayout.code, CODE, true);
  }
}
