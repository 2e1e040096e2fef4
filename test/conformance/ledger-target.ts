// The journalled engine behind the common interface: a store in a folder of its own, and a clock that stands where the
// caller puts it.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Ledger, type LedgerOptions } from '../../src/ledger/index.ts';
import type { ConformanceTarget } from './target.ts';

export interface LedgerTarget extends ConformanceTarget {
  /**
   * The same store in a new engine: after a clean end, or as a crash leaves it. What was answered is in the files, so a
   * copy of these, taken from under the running engine, is what a killed one would have left.
   */
  reopen(end: 'closed' | 'crashed'): Promise<LedgerTarget>;
  /** Of the whole state: equal states give equal digests. */
  digest(): string;
}

export async function ledgerTarget(options: Partial<LedgerOptions> = {}): Promise<LedgerTarget> {
  return openTarget(mkdtempSync(join(tmpdir(), 'specie-conformance-')), options, 0n);
}

async function openTarget(
  path: string,
  options: Partial<LedgerOptions>,
  start: bigint,
): Promise<LedgerTarget> {
  let now = start;
  /** Timestamp of the last operation. */
  let last = start;
  const ledger = await Ledger.open({ ...options, path, clock: () => now, expiryTimer: false });
  /** Where a batch follows at the very next moments, the clock stays behind: it must not let expire what is due in them. */
  const advance = (timestamp: bigint, count: number): void => {
    if (timestamp > last + BigInt(count)) now = timestamp;
    last = timestamp;
  };
  return {
    createAccounts: async (timestamp, events) => {
      advance(timestamp, events.length);
      const results = await ledger.createAccounts(events);
      return results.map(({ code, timestamp: at }) => ({ timestamp: at, status: code }));
    },
    createTransfers: async (timestamp, events) => {
      advance(timestamp, events.length);
      const results = await ledger.createTransfers(events);
      return results.map(({ code, timestamp: at }) => ({ timestamp: at, status: code }));
    },
    createPaymentOrders: async (timestamp, orders) => {
      advance(timestamp, orders.length);
      const results = await ledger.createPaymentOrders(orders);
      return results.map(({ code, timestamp: at }) => ({ timestamp: at, status: code }));
    },
    setOrderTerms: async (timestamp, terms) => {
      advance(timestamp, terms.length);
      const results = await ledger.setOrderTerms(terms);
      return results.map(({ code, timestamp: at }) => ({ timestamp: at, status: code }));
    },
    orderState: (accountId) => ledger.orderState(accountId),
    expire: async (timestamp) => {
      now = timestamp;
      last = timestamp;
      ledger.expire();
    },
    lookupAccounts: (ids) => ledger.lookupAccounts(ids),
    lookupTransfers: (ids) => ledger.lookupTransfers(ids),
    getAccountTransfers: (filter) => ledger.getAccountTransfers(filter),
    getAccountBalances: (filter) => ledger.getAccountBalances(filter),
    getChangeEvents: (filter) => ledger.getChangeEvents(filter),
    digest: () => ledger.digest(),
    reopen: async (end) => {
      if (end === 'closed') {
        await ledger.close();
        return openTarget(path, options, last);
      }
      // A read is answered when all that it saw is flushed, expiries included.
      await ledger.lookupAccounts([1n]);
      const copy = mkdtempSync(join(tmpdir(), 'specie-conformance-'));
      cpSync(path, copy, { recursive: true, filter: (file) => !/^(owner|draft)\./.test(basename(file)) });
      await ledger.close();
      rmSync(path, { recursive: true, force: true });
      return openTarget(copy, options, last);
    },
    close: async () => {
      await ledger.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}
