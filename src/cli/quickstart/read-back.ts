// Reads the sample day back and compares it with quickstart's own books. Every check names its first few failures.
import {
  type Account,
  BATCH_RECORDS_MAX,
  RECORD_SIZE,
  readTransfer,
  type Transfer,
} from '../../layout/generated.ts';
import type { LedgerCalls } from '../../wire/calls.ts';
import { formatId } from '../files/fields.ts';
import { parts } from '../ids.ts';
import { type BatchOptions, readBatches } from '../submit/batches.ts';
import { Check } from './check.ts';
import { type Entry, OwnBooks } from './own-books.ts';
import type { AnswerList } from './submit-day.ts';

export interface Totals {
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
}

export interface ReadBack {
  readonly checks: readonly Check[];
  readonly totals: Totals;
  readonly openPending: number;
}

/**
 * @param transfers the file that was submitted
 * @param answers what the engine said to each of its records
 */
export async function readBack(
  client: LedgerCalls,
  accountIds: readonly bigint[],
  transfers: BatchOptions,
  answers: AnswerList,
  onProgress: (transfers: number) => void,
): Promise<ReadBack> {
  const books = new OwnBooks();
  const found = new Check('every created transfer is found, as it was submitted');
  const absent = new Check('no refused transfer is found', true);
  let index = 0;
  for await (const { batch } of readBatches(transfers)) {
    if (batch === undefined) continue;
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
    const submitted: Transfer[] = [];
    for (let i = 0; i < batch.count; i++) submitted.push(readTransfer(view, i * RECORD_SIZE));
    const stored = new Map<bigint, Transfer>();
    for (const transfer of await client.lookupTransfers(submitted.map(({ id }) => id)))
      stored.set(transfer.id, transfer);
    for (const transfer of submitted) {
      const answer = answers.at(index++);
      const there = stored.get(transfer.id);
      const where = () => `${formatId(transfer.id)} (${answer})`;
      if (answer === 'created') {
        const entry = books.book(transfer);
        found.expect(there !== undefined && isEntry(there, entry, transfer), where);
      } else if (answer?.startsWith('exists')) found.expect(there !== undefined, where);
      else absent.expect(there === undefined, where);
    }
    onProgress(index);
  }
  found.expect(index === answers.length, () => `${index} records in the file, ${answers.length} answers`);
  const accounts: Account[] = [];
  for (const part of parts(accountIds, BATCH_RECORDS_MAX))
    accounts.push(...(await client.lookupAccounts(part)));
  return {
    checks: [found, absent, ...checkBalances(accountIds, accounts, books)],
    totals: totalsOf(accounts),
    openPending: books.open,
  };
}

function isEntry(stored: Transfer, entry: Entry, submitted: Transfer): boolean {
  return (
    stored.amount === entry.amount &&
    stored.debitAccountId === entry.debitAccountId &&
    stored.creditAccountId === entry.creditAccountId &&
    stored.pendingId === submitted.pendingId &&
    stored.flags === submitted.flags &&
    stored.userData64 === submitted.userData64 &&
    stored.timestamp > 0n
  );
}

function checkBalances(ids: readonly bigint[], accounts: readonly Account[], books: OwnBooks): Check[] {
  const there = new Check('every account is found');
  const byId = new Map(accounts.map((account) => [account.id, account]));
  for (const id of ids) there.expect(byId.has(id), () => formatId(id));
  const agree = new Check('every balance is what the books of quickstart say');
  for (const account of accounts) {
    const own = books.balance(account.id);
    agree.expect(
      own.debitsPending === account.debitsPending &&
        own.debitsPosted === account.debitsPosted &&
        own.creditsPending === account.creditsPending &&
        own.creditsPosted === account.creditsPosted,
      () =>
        `${formatId(account.id)}: debits ${own.debitsPosted} and ${account.debitsPosted}, credits ${own.creditsPosted} and ${account.creditsPosted}`,
    );
  }
  const even = new Check('debits equal credits over all accounts');
  const totals = totalsOf(accounts);
  even.expect(
    totals.debitsPosted === totals.creditsPosted,
    () => `${totals.debitsPosted} and ${totals.creditsPosted} posted`,
  );
  even.expect(
    totals.debitsPending === totals.creditsPending,
    () => `${totals.debitsPending} and ${totals.creditsPending} pending`,
  );
  return [there, agree, even];
}

function totalsOf(accounts: readonly Account[]): Totals {
  const totals = { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n };
  for (const account of accounts) {
    totals.debitsPosted += account.debitsPosted;
    totals.creditsPosted += account.creditsPosted;
    totals.debitsPending += account.debitsPending;
    totals.creditsPending += account.creditsPending;
  }
  return totals;
}
