import type { ConformanceTarget } from '../conformance/target.ts';
import type { AuditedLedger } from './client.ts';

/** A target that is told the time, as a ledger that has its own: 1 ns passes with each request, more when it must. */
export class ClockedLedger implements AuditedLedger {
  readonly lookupAccounts: AuditedLedger['lookupAccounts'];
  readonly lookupTransfers: AuditedLedger['lookupTransfers'];
  readonly getAccountTransfers: AuditedLedger['getAccountTransfers'];
  readonly getAccountBalances: AuditedLedger['getAccountBalances'];
  readonly getChangeEvents: AuditedLedger['getChangeEvents'];
  readonly #target: ConformanceTarget;
  #now: bigint;

  constructor(target: ConformanceTarget, start: bigint) {
    this.#target = target;
    this.#now = start;
    this.lookupAccounts = target.lookupAccounts.bind(target);
    this.lookupTransfers = target.lookupTransfers.bind(target);
    this.getAccountTransfers = target.getAccountTransfers.bind(target);
    this.getAccountBalances = target.getAccountBalances.bind(target);
    this.getChangeEvents = target.getChangeEvents.bind(target);
  }

  get now(): bigint {
    return this.#now;
  }

  async pause(nanoseconds: bigint): Promise<void> {
    this.#now += nanoseconds;
  }

  createAccounts: AuditedLedger['createAccounts'] = async (events) => {
    await this.#begin(events.length);
    return this.#target.createAccounts(this.#now, events);
  };

  createTransfers: AuditedLedger['createTransfers'] = async (events) => {
    await this.#begin(events.length);
    return this.#target.createTransfers(this.#now, events);
  };

  /** Room for the expiries of what is due, however many these are, then for the batch. */
  async #begin(count: number): Promise<void> {
    this.#now += EXPIRIES_MAX;
    await this.#target.expire(this.#now);
    this.#now += BigInt(count);
  }
}

/** More than a workload leaves pending. */
const EXPIRIES_MAX = 8190n;
