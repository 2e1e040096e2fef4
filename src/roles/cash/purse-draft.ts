// What a batch of purse work is decided on and changes, in memory until it is written as a whole:
//
//     store, balances ─▶ draft ─▶ rules (purse-rules.ts) change it and plan bookings ─▶ written ─▶ booked ─▶ outcomes ─▶ written
//
// A purse's balance here is what it will have when all that is planned is booked.
import type { StoreReads } from '../../store/store.ts';
import { type Handover, readHandover } from '../documents/transfer.ts';
import type { Put } from '../flow/flow.ts';
import { successorOf } from './device-terms.ts';
import {
  type End,
  type FraudRecord,
  findFraud,
  findOpen,
  findOpening,
  findPurse,
  ordersOf,
  type PurseOrder,
  type PurseRecord,
  purseCount,
  putEnd,
  putFraud,
  putListed,
  putOpen,
  putOpening,
  putOrder,
  putPurse,
  putPurseOf,
} from './purse-book.ts';
import type { Booking } from './purse-bookings.ts';

export interface DraftOrder {
  /** In the order of arrival. */
  readonly index: number;
  readonly order: PurseOrder;
  readonly handover: Handover;
}

export class DraftPurse {
  readonly number: bigint;
  record: PurseRecord;
  /** What it may pay now; undefined: it was not asked for, and nothing is paid out of it in this batch. */
  balance: bigint | undefined;
  readonly #reads: StoreReads;
  #orders: DraftOrder[] | undefined;
  #fraud: FraudRecord | undefined | 'not read' = 'not read';
  isChanged = false;
  isFraudNew = false;
  readonly changedOrders = new Set<number>();

  constructor(reads: StoreReads, number: bigint, record: PurseRecord) {
    this.#reads = reads;
    this.number = number;
    this.record = record;
  }

  /** In the order of arrival. */
  get orders(): readonly DraftOrder[] {
    this.#orders ??= this.record.orders === 0 ? [] : ordersOf(this.#reads, this.number).map(draftOf);
    return this.#orders;
  }

  get fraud(): FraudRecord | undefined {
    if (this.#fraud === 'not read') {
      this.#fraud = this.record.isCheated ? findFraud(this.#reads, this.number) : undefined;
    }
    return this.#fraud;
  }

  change(changes: Partial<PurseRecord>): void {
    this.record = { ...this.record, ...changes };
    this.isChanged = true;
  }

  add(order: PurseOrder): DraftOrder {
    const orders = this.orders as DraftOrder[];
    const added = draftOf(order, orders.length);
    orders.push(added);
    this.changedOrders.add(added.index);
    this.change({ orders: orders.length, unsettled: this.record.unsettled + unsettled(order) });
    return added;
  }

  setOutcome({ index }: DraftOrder, outcome: PurseOrder['outcome']): void {
    const orders = this.orders as DraftOrder[];
    const before = orders[index]!;
    const order = { ...before.order, outcome };
    orders[index] = { ...before, order };
    this.changedOrders.add(index);
    const change = unsettled(order) - unsettled(before.order);
    if (change !== 0) this.change({ unsettled: this.record.unsettled + change });
  }

  prove(fraud: FraudRecord): void {
    this.#fraud = fraud;
    this.isFraudNew = true;
  }
}

/** Waiting, disputed: what a credit may settle. */
export const isUnsettled = ({ outcome: { kind } }: PurseOrder): boolean =>
  kind === 'waiting' || kind === 'disputed';

const unsettled = (order: PurseOrder): number => (isUnsettled(order) ? 1 : 0);

function draftOf(order: PurseOrder, index: number): DraftOrder {
  const handover = readHandover(order.order);
  if (handover === undefined) throw new Error('purse order: expected a handover, got another order');
  return { index, order, handover };
}

export interface DraftSources {
  readonly reads: StoreReads;
  /** The ledger's account of a device, as the registry has it. */
  deviceAccount(device: bigint, currency: number): bigint | undefined;
}

export class PurseDraft {
  readonly #sources: DraftSources;
  readonly #purses = new Map<bigint, DraftPurse | undefined>();
  readonly #changes: Put[] = [];
  readonly #openings = new Map<bigint, bigint>();
  readonly #open = new Map<string, bigint | undefined>();
  readonly #epochs = new Map<bigint, number>();
  /** Devices that are blocked, as of the next write. */
  readonly blocks: bigint[] = [];
  /** What is to be booked, in this order. */
  readonly bookings: Booking[] = [];
  /** What accounts of devices may still take; those that are not here: anything. */
  readonly rooms = new Map<bigint, bigint>();

  constructor(sources: DraftSources) {
    this.#sources = sources;
  }

  get reads(): StoreReads {
    return this.#sources.reads;
  }

  /** @throws StoreError store_corrupt */
  find(number: bigint): DraftPurse | undefined {
    if (this.#purses.has(number)) return this.#purses.get(number);
    const record = findPurse(this.reads, number);
    const purse = record && new DraftPurse(this.reads, number, record);
    this.#purses.set(number, purse);
    return purse;
  }

  /** One that the ledger has an account for. */
  findOpened(number: bigint): DraftPurse | undefined {
    const purse = this.find(number);
    const isOpened = purse?.record.state !== 'opening' && purse?.record.state !== 'rejected';
    return isOpened ? purse : undefined;
  }

  get purses(): readonly DraftPurse[] {
    return [...this.#purses.values()].filter((purse) => purse !== undefined);
  }

  /** In the ledger. @throws Error unless the device has one, as each that has a purse does */
  deviceAccount(device: bigint, currency: number): bigint {
    const account = this.#sources.deviceAccount(device, currency);
    if (account === undefined) {
      throw new Error(`device ${device}: expected an account in ${currency}, got none`);
    }
    return account;
  }

  /** Of the device that stands for this one now. */
  successorAccount(device: bigint, currency: number): bigint {
    const successor = successorOf(this.reads, device);
    return this.#sources.deviceAccount(successor, currency) ?? this.deviceAccount(device, currency);
  }

  addPurse(number: bigint, record: PurseRecord): DraftPurse {
    const purse = new DraftPurse(this.reads, number, record);
    purse.isChanged = true;
    this.#purses.set(number, purse);
    this.#openings.set(record.openingRequest, number);
    this.#changes.push(putOpening(record.openingRequest, number));
    return purse;
  }

  findOpening(request: bigint): bigint | undefined {
    return this.#openings.get(request) ?? findOpening(this.reads, request);
  }

  /** The purse of the device that is open in the currency, or is being opened. */
  findOpen(device: bigint, currency: number): bigint | undefined {
    const slot = `${device} ${currency}`;
    return this.#open.has(slot) ? this.#open.get(slot) : findOpen(this.reads, device, currency);
  }

  setOpen(device: bigint, currency: number, purse: bigint | undefined): void {
    this.#open.set(`${device} ${currency}`, purse);
    this.#changes.push(putOpen(device, currency, purse));
  }

  /** @returns how many purses the device has had, this one counted */
  addPurseOf(device: bigint, purse: bigint): number {
    const epoch = (this.#epochs.get(device) ?? purseCount(this.reads, device)) + 1;
    this.#epochs.set(device, epoch);
    this.#changes.push(...putPurseOf(device, epoch, purse));
    return epoch;
  }

  setEnd(end: End, isDue: boolean): void {
    this.#changes.push(putEnd(end, isDue));
  }

  setListed(table: 'purse-leftovers' | 'purse-retries', purse: bigint, isListed: boolean): void {
    this.#changes.push(putListed(table, purse, isListed));
  }

  /** What has changed since it was asked last. */
  takeChanges(): Put[] {
    const changes = this.#changes.splice(0);
    for (const purse of this.purses) {
      if (purse.isChanged) changes.push(putPurse(purse.number, purse.record));
      if (purse.isFraudNew && purse.fraud !== undefined) changes.push(putFraud(purse.number, purse.fraud));
      for (const index of purse.changedOrders) {
        changes.push(putOrder(purse.number, index, purse.orders[index]!.order));
      }
      purse.isChanged = false;
      purse.isFraudNew = false;
      purse.changedOrders.clear();
    }
    return changes;
  }
}
