// A reader thread: answers history queries from LMDB snapshots of its own, so that no reader ever holds up the writer.
import { LmdbJournalReader } from '../journal/lmdb-reader.ts';
import { poolData } from '../pool/pool.ts';
import { JournalEvents } from './events.ts';
import type { HistoryHead } from './history.ts';
import { HistoryTooLong } from './history.ts';
import { accountBalances, accountTransfers, changeEvents, parseAccountFilter, recordsAt } from './queries.ts';

export interface QueryWorkerData {
  readonly journalPath: string;
  readonly mapSizeBytes: number | undefined;
}

export type QueryTask =
  | { readonly kind: 'records'; readonly refs: readonly number[] }
  | { readonly kind: 'transfers' | 'balances'; readonly filter: Uint8Array; readonly head: HistoryHead }
  | { readonly kind: 'changes'; readonly filter: Uint8Array; readonly lastOp: number };

export type QueryAnswer = { readonly body: Uint8Array } | { readonly tooLong: string };

const data = poolData<QueryWorkerData>();
const journal = LmdbJournalReader.open(data.journalPath, data.mapSizeBytes);
const events = new JournalEvents(journal);

export function query(task: QueryTask): QueryAnswer {
  // What was flushed before the question was asked is seen by the answer.
  journal.refresh();
  try {
    return { body: run(task) };
  } catch (error) {
    if (error instanceof HistoryTooLong) return { tooLong: error.message };
    throw error;
  }
}

function run(task: QueryTask): Uint8Array {
  switch (task.kind) {
    case 'records':
      return recordsAt(events, task.refs);
    case 'transfers':
      return accountTransfers(events, parseAccountFilter(task.filter)!, task.head);
    case 'balances':
      return accountBalances(events, parseAccountFilter(task.filter)!, task.head);
    case 'changes':
      return changeEvents(events, task.filter, task.lastOp);
  }
}
