// Signatures of payment orders that came as packed records: every verdict is given here, none is taken from outside.
//
//     verdict 0, the payer's key is known ─▶ verified ─▶ good, bad
//     verdict 0, no device has the account ────────────▶ not_checked
//     any other ───────────────────────────────────────▶ foreign
//
// Where the time of an order goes, in batches of 4,095 of 512 devices (bench/orders.ts --profile): verification 8 µs in the
// pool's threads, 10 in parts of 1,024; on the main thread 2.5 to 3 µs: records laid down for the threads, then the ledger,
// journal, sockets. With a message, an item and a number of 128 bits made of each order a fifth of the main thread was the
// garbage collector's, which is a thirtieth now.
import type { PreparedKey } from '../../crypto/index.ts';
import { OrderVerdict, PAYMENT_ORDER_SIZE, PaymentOrderLayout } from '../../layout/generated.ts';
import { refuseVerdicts } from '../../ledger/order-verdicts.ts';
import { readU128 } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import { AccountCode, DEVICE_NUMBER_MAX } from './accounts.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { ORDER_RECORDS, stamp } from './order-records.ts';
import { PayerKeys } from './payer-keys.ts';

type Parts = Pick<CashParts, 'ledger' | 'registry' | 'verifyRecords' | 'log'>;

const { debitAccountId, timestamp, verdict } = PaymentOrderLayout;

export class OrderVerifier {
  readonly #parts: Parts;
  /** Of devices seen lately. A device's key never changes. */
  readonly #keys = new PayerKeys();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Writes each order's verdict into it.
   * @param orders at a multiple of 4 in their buffer
   * @param isWhole several batches are under way: each is for one thread
   * @throws RequestError, CryptoError: none is written that is not right
   */
  async verify(orders: Uint8Array, isWhole: boolean): Promise<void> {
    refuseVerdicts(orders);
    const view = new DataView(orders.buffer, orders.byteOffset, orders.byteLength);
    const words = new Uint32Array(orders.buffer, orders.byteOffset, orders.byteLength / 4);
    const keys: (PreparedKey | undefined)[] = new Array(orders.length / PAYMENT_ORDER_SIZE);
    const unknown: number[] = [];
    for (let i = 0; i < keys.length; i++) {
      const order = i * PAYMENT_ORDER_SIZE;
      keys[i] = undefined;
      // The ledger has other answers to these, whatever their signatures.
      if (words[(order + verdict) / 4] !== OrderVerdict.not_checked) continue;
      if ((words[(order + timestamp) / 4]! | words[(order + timestamp) / 4 + 1]!) !== 0) continue;
      keys[i] = this.#keys.find(words, order + debitAccountId);
      if (keys[i] === undefined) unknown.push(i);
    }
    if (unknown.length > 0) await this.#lookUp(view, words, unknown, keys);
    const verdicts = await this.#parts.verifyRecords({ ...ORDER_RECORDS, records: orders, keys }, isWhole);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== undefined) stamp(view, i, verdicts[i] ? OrderVerdict.good : OrderVerdict.bad);
    }
  }

  async #lookUp(
    view: DataView,
    words: Uint32Array,
    places: readonly number[],
    keys: (PreparedKey | undefined)[],
  ): Promise<void> {
    const accounts = places.map((place) => readU128(view, place * PAYMENT_ORDER_SIZE + debitAccountId));
    const owners = await this.#ownersOf(accounts);
    places.forEach((place, i) => {
      const account = accounts[i]!;
      const device = findDevice(owners.get(account) ?? account, this.#parts);
      if (device === undefined || device instanceof Refusal) return;
      keys[place] = device.preparedKey;
      this.#keys.keep(words, place * PAYMENT_ORDER_SIZE + debitAccountId, device.preparedKey);
    });
  }

  /** The devices of accounts that do not have the device's number: those of further currencies. The ledger knows. */
  async #ownersOf(accounts: readonly bigint[]): Promise<ReadonlyMap<bigint, bigint>> {
    const derived = new Set(accounts.filter((account) => account > DEVICE_NUMBER_MAX));
    if (derived.size === 0) return NO_OWNERS;
    const found = await this.#parts.ledger.lookupAccounts([...derived]);
    return new Map(
      found.filter(({ code }) => code === AccountCode.device).map(({ id, userData128 }) => [id, userData128]),
    );
  }
}

const NO_OWNERS: ReadonlyMap<bigint, bigint> = new Map();
