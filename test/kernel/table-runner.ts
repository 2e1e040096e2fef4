import { expect } from 'vitest';
import {
  type Account,
  AccountFlags,
  CreateAccountStatusNames,
  CreateTransferStatusNames,
  type OrderTerms,
  type PaymentOrder,
  SetOrderTermsStatusNames,
  type Transfer,
} from '../../src/layout/generated.ts';
import type { ConformanceTarget, CreateResult } from '../conformance/target.ts';
import type { Row, StatusTable } from './table-language.ts';

type RecordRow = Row & { kind: 'account' | 'transfer' | 'order' | 'terms' };

const NAMES: { readonly [kind in RecordRow['kind']]: ReadonlyMap<number, string> } = {
  account: CreateAccountStatusNames,
  transfer: CreateTransferStatusNames,
  order: CreateTransferStatusNames,
  terms: SetOrderTermsStatusNames,
};

const CLOCK_START = 1000n;

/** Runs a table against an empty ledger; fails with the line of the first row that came out otherwise. */
export async function runStatusTable(target: ConformanceTarget, table: StatusTable): Promise<void> {
  let clock = CLOCK_START;
  let batch: RecordRow[] = [];
  const flush = async () => {
    const rows = batch;
    batch = [];
    if (rows.length === 0) return;
    clock += BigInt(rows.length);
    compare(rows, await submit(target, clock, rows));
  };
  for (const row of table.rows) {
    if ('answer' in row) {
      if (batch.length > 0 && batch[0]!.kind !== row.kind) await flush();
      batch.push(row);
      continue;
    }
    await flush();
    const where = `line ${row.line}`;
    if (row.kind === 'clock') {
      clock = row.isRelative ? clock + row.at : row.at;
    } else if (row.kind === 'expire') {
      const before = (await target.getChangeEvents(EVERYTHING)).length;
      clock += BigInt(Math.max(row.count, 1));
      await target.expire(clock);
      const after = (await target.getChangeEvents(EVERYTHING)).length;
      expect(after - before, `${where}: expired`).toBe(row.count);
    } else if (row.kind === 'expect') {
      const [account] = await target.lookupAccounts([row.id]);
      const balances = account && [
        account.debitsPending,
        account.debitsPosted,
        account.creditsPending,
        account.creditsPosted,
      ];
      expect(balances, `${where}: balances of ${row.id}`).toEqual(row.balances);
      expect((account!.flags & AccountFlags.closed) !== 0, `${where}: closed`).toBe(row.isClosed);
    } else if (row.kind === 'device') {
      const state = await target.orderState(row.id);
      if (row.fields === undefined) expect(state, where).toBeUndefined();
      else expect(state, where).toMatchObject(row.fields);
    } else if (row.kind === 'lookup') {
      const [transfer] = await target.lookupTransfers([row.id]);
      if (row.fields === undefined) expect(transfer, where).toBeUndefined();
      else expect(transfer, where).toMatchObject(row.fields);
    }
  }
}

const EVERYTHING = { timestampMin: 0n, timestampMax: 0n, limit: 2730 };

function submit(target: ConformanceTarget, timestamp: bigint, rows: RecordRow[]): Promise<CreateResult[]> {
  // A batch has rows of one kind.
  const events = rows.map(({ event }) => event);
  switch (rows[0]!.kind) {
    case 'account':
      return target.createAccounts(timestamp, events as Account[]);
    case 'transfer':
      return target.createTransfers(timestamp, events as Transfer[]);
    case 'order':
      return target.createPaymentOrders(timestamp, events as PaymentOrder[]);
    case 'terms':
      return target.setOrderTerms(timestamp, events as OrderTerms[]);
  }
}

function compare(rows: RecordRow[], results: CreateResult[]): void {
  const shown = rows.map((row, i) => {
    const names = NAMES[row.kind];
    const { status, timestamp } = results[i]!;
    const wantsTime = row.answer.timestamp !== undefined;
    return {
      got: `line ${row.line}: ${names.get(status)}${wantsTime ? ` @${timestamp}` : ''}`,
      expected: `line ${row.line}: ${names.get(row.answer.status)}${wantsTime ? ` @${row.answer.timestamp}` : ''}`,
    };
  });
  const differing = shown.filter(({ got, expected }) => got !== expected);
  expect(
    differing.map(({ got }) => got),
    differing[0]?.expected,
  ).toEqual(differing.map(({ expected }) => expected));
}
