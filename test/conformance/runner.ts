// Runs one table against one target, step by step, and compares everything that the table asserts.
//
//     create_*       results: status and timestamp of every record
//     setup_balance  sets balances, or funds them by transfers (funding.ts)
//     pulse          expiries: which, when, in which order
//     lookup_*, get_*   replies, whole records
//     query_*        counted and skipped: these requests do not exist yet
//     at the end     balances of every account
import { expect } from 'vitest';
import {
  type AccountFilter,
  AccountFlags,
  ChangeEventTypeNames,
  CreateAccountStatusNames,
  CreateTransferStatusNames,
} from '../../src/layout/generated.ts';
import { Funding } from './funding.ts';
import type { Balances, ConformanceTarget, CreateResult } from './target.ts';
import {
  type BalancesVector,
  type ChangeEventVector,
  type FilterVector,
  type Step,
  type Table,
  toAccount,
  toTransfer,
} from './vectors.ts';

/** How much of the tables was compared; a run that compares nothing shows. */
export interface Tally {
  tables: number;
  events: number;
  replies: number;
  pulses: number;
  skippedQueries: number;
}

export const emptyTally = (): Tally => ({ tables: 0, events: 0, replies: 0, pulses: 0, skippedQueries: 0 });

export async function runTable(target: ConformanceTarget, table: Table, tally: Tally): Promise<void> {
  const run = new TableRun(target, tally);
  for (const step of table.steps) await run.step(step);
  await run.finalBalances(table);
  tally.tables++;
}

class TableRun {
  readonly #target: ConformanceTarget;
  readonly #tally: Tally;
  readonly #funding: Funding;

  constructor(target: ConformanceTarget, tally: Tally) {
    this.#target = target;
    this.#tally = tally;
    this.#funding = new Funding(target);
  }

  async step(step: Step): Promise<void> {
    const where = `line ${step.line}, ${step.step}`;
    const target = this.#target;
    switch (step.step) {
      case 'create_accounts': {
        const events = step.events.map(({ event }) => toAccount(event));
        this.#funding.remember(events);
        const timestamp = await this.#funding.timestampFor(BigInt(step.prepare_timestamp), events.length);
        const results = await target.createAccounts(timestamp, events);
        this.#compareResults(where, step.events, results, CreateAccountStatusNames);
        break;
      }
      case 'create_transfers': {
        const events = step.events.map(({ event }) => toTransfer(event));
        const timestamp = await this.#funding.timestampFor(BigInt(step.prepare_timestamp), events.length);
        const results = await target.createTransfers(timestamp, events);
        this.#compareResults(where, step.events, results, CreateTransferStatusNames);
        break;
      }
      case 'setup_balance':
        if (target.setBalances) await target.setBalances(BigInt(step.account), toBalances(step));
        else this.#funding.add(BigInt(step.account), toBalances(step));
        break;
      case 'advance_clock':
        break;
      case 'pulse':
        await this.#pulse(where, step);
        break;
      case 'lookup_accounts': {
        const found = await target.lookupAccounts(step.ids.map(BigInt));
        this.#compareReply(
          where,
          found.map((a) => this.#inTableTime(a)),
          step.expected_reply.map(toAccount),
        );
        break;
      }
      case 'lookup_transfers': {
        const found = await target.lookupTransfers(step.ids.map(BigInt));
        this.#compareReply(
          where,
          found.map((t) => this.#inTableTime(t)),
          step.expected_reply.map(toTransfer),
        );
        break;
      }
      case 'get_account_transfers': {
        const found = await target.getAccountTransfers(toFilter(step.filter));
        this.#compareReply(where, found, step.expected_reply.map(toTransfer));
        break;
      }
      case 'get_account_balances': {
        const found = await target.getAccountBalances(toFilter(step.filter));
        const expected = step.expected_reply.map((b) => ({
          ...toBalances(b),
          timestamp: BigInt(b.timestamp),
        }));
        this.#compareReply(where, found, expected);
        break;
      }
      case 'get_change_events':
        await this.#changeEvents(where, step);
        break;
      case 'query_accounts':
      case 'query_transfers':
        this.#tally.skippedQueries++;
        break;
      default:
        throw new Error(`expected a known step, got ${JSON.stringify(step)}`);
    }
  }

  async finalBalances(table: Table): Promise<void> {
    const expected = Object.entries(table.final_balances);
    const accounts = await this.#target.lookupAccounts(expected.map(([id]) => BigInt(id)));
    const balances = accounts.map((a) => ({
      id: a.id,
      ...pickBalances(a),
      closed: (a.flags & AccountFlags.closed) !== 0,
    }));
    expect(balances, 'final balances').toEqual(
      expected.map(([id, b]) => ({ id: BigInt(id), ...toBalances(b), closed: b.closed })),
    );
  }

  #compareResults(
    where: string,
    events: { line: number; result: string; code: number; timestamp: string }[],
    results: CreateResult[],
    names: ReadonlyMap<number, string>,
  ): void {
    const actual = results.map(({ status, timestamp }, i) => ({
      line: events[i]?.line,
      status: `${names.get(status)} ${status}`,
      timestamp: this.#funding.toTableTime(timestamp),
    }));
    const expected = events.map(({ line, result, code, timestamp }) => ({
      line,
      status: `${result} ${code}`,
      timestamp: BigInt(timestamp),
    }));
    expect(actual, where).toEqual(expected);
    this.#tally.events += events.length;
    this.#tally.replies++;
  }

  #compareReply(where: string, actual: unknown[], expected: unknown[]): void {
    expect(actual, where).toEqual(expected);
    this.#tally.replies++;
  }

  async #pulse(where: string, step: Step & { step: 'pulse' }): Promise<void> {
    const timestamp = await this.#funding.timestampFor(BigInt(step.prepare_timestamp), 0);
    await this.#target.expire(timestamp);
    const { expired } = step;
    // One more than expected, so that an expiry too many shows.
    const found = await this.#target.getChangeEvents({
      timestampMin: timestamp - BigInt(Math.max(expired.length, 1) - 1),
      timestampMax: timestamp,
      limit: expired.length + 1,
    });
    expect(
      found.map((event) => ({
        type: ChangeEventTypeNames.get(event.type),
        transferId: event.transferId,
        timestamp: this.#funding.toTableTime(event.timestamp),
      })),
      where,
    ).toEqual(
      expired.map(({ transfer_id, timestamp: at }) => ({
        type: 'two_phase_expired',
        transferId: BigInt(transfer_id),
        timestamp: BigInt(at),
      })),
    );
    this.#tally.pulses++;
  }

  async #changeEvents(where: string, step: Step & { step: 'get_change_events' }): Promise<void> {
    const found = await this.#target.getChangeEvents({
      timestampMin: BigInt(step.filter.timestamp_min),
      timestampMax: BigInt(step.filter.timestamp_max),
      limit: step.filter.limit,
    });
    const actual = found.map((event) => ({
      ...event,
      type: ChangeEventTypeNames.get(event.type),
      debitAccountFlags: event.debitAccountFlags & AccountFlags.closed,
      creditAccountFlags: event.creditAccountFlags & AccountFlags.closed,
    }));
    this.#compareReply(where, actual, step.expected_reply.map(toComparableChange));
  }

  #inTableTime<Row extends { timestamp: bigint }>(row: Row): Row {
    return { ...row, timestamp: this.#funding.toTableTime(row.timestamp) };
  }
}

function pickBalances({ debitsPending, debitsPosted, creditsPending, creditsPosted }: Balances): Balances {
  return { debitsPending, debitsPosted, creditsPending, creditsPosted };
}

function toBalances(vector: BalancesVector): Balances {
  return {
    debitsPending: BigInt(vector.debits_pending),
    debitsPosted: BigInt(vector.debits_posted),
    creditsPending: BigInt(vector.credits_pending),
    creditsPosted: BigInt(vector.credits_posted),
  };
}

function toFilter(vector: FilterVector): AccountFilter {
  return {
    accountId: BigInt(vector.account_id),
    userData128: BigInt(vector.user_data_128),
    userData64: BigInt(vector.user_data_64),
    userData32: Number(vector.user_data_32),
    code: Number(vector.code),
    timestampMin: BigInt(vector.timestamp_min),
    timestampMax: BigInt(vector.timestamp_max),
    limit: vector.limit,
    flags: vector.flags,
  };
}

function toComparableChange(vector: ChangeEventVector) {
  const { debit_account: debit, credit_account: credit } = vector;
  return {
    transferId: BigInt(vector.transfer_id),
    transferAmount: BigInt(vector.transfer_amount),
    transferPendingId: BigInt(vector.transfer_pending_id),
    transferUserData128: BigInt(vector.transfer_user_data_128),
    transferUserData64: BigInt(vector.transfer_user_data_64),
    transferUserData32: Number(vector.transfer_user_data_32),
    transferTimeout: Number(vector.transfer_timeout),
    transferCode: Number(vector.transfer_code),
    transferFlags: vector.transfer_flags,
    ledger: Number(vector.ledger),
    type: vector.type,
    debitAccountId: BigInt(debit.account_id),
    debitAccountDebitsPending: BigInt(debit.debits_pending),
    debitAccountDebitsPosted: BigInt(debit.debits_posted),
    debitAccountCreditsPending: BigInt(debit.credits_pending),
    debitAccountCreditsPosted: BigInt(debit.credits_posted),
    creditAccountId: BigInt(credit.account_id),
    creditAccountDebitsPending: BigInt(credit.debits_pending),
    creditAccountDebitsPosted: BigInt(credit.debits_posted),
    creditAccountCreditsPending: BigInt(credit.credits_pending),
    creditAccountCreditsPosted: BigInt(credit.credits_posted),
    timestamp: BigInt(vector.timestamp),
    transferTimestamp: BigInt(vector.transfer_timestamp),
    debitAccountTimestamp: BigInt(debit.account_timestamp),
    creditAccountTimestamp: BigInt(credit.account_timestamp),
    debitAccountFlags: debit.closed ? AccountFlags.closed : 0,
    creditAccountFlags: credit.closed ? AccountFlags.closed : 0,
  };
}
