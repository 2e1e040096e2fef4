// One change of the books while it is being made: what is to be written, and the state after it. The book writes it at once,
// and takes it over only then.
import { EnrolRequest } from '../../roles/management/messages.ts';
import { type Amount, amountOf } from '../../shared/amount.ts';
import { cut } from './readable.ts';
import { BalanceRecord, HistoryEntry, Key, OnFileRecord } from './records.ts';
import { isHeld, isOpen, isSaidLoad, RequestRecord, type RequestState } from './request.ts';

/** Where a request is kept while something may still become of it. */
export type Shelf = 'open' | 'held' | 'said';

export const SHELVES: readonly Shelf[] = ['open', 'held', 'said'];

export function shelfOf(record: Pick<RequestRecord, 'kind' | 'state'>): Shelf | undefined {
  if (isOpen(record.state)) return 'open';
  if (isHeld(record.state)) return 'held';
  return isSaidLoad(record) ? 'said' : undefined;
}

export interface Totals {
  readonly balance: Amount;
  readonly historyEntries: bigint;
  /** Of the next payment order. */
  readonly nextSequence: bigint;
}

type Event = HistoryEntry['event'];

export class Draft {
  /** By their keys; undefined: to be removed. */
  readonly puts = new Map<string, Uint8Array | undefined>();
  /** As they are after it. */
  readonly requests = new Map<bigint, RequestRecord>();
  readonly entries: HistoryEntry[] = [];
  nextSequence: bigint;
  readonly #now: bigint;
  /** May be below zero in between. */
  #balance: bigint;
  #historyEntries: bigint;

  constructor({ balance, historyEntries, nextSequence }: Totals, now: bigint) {
    this.#balance = balance;
    this.#historyEntries = historyEntries;
    this.nextSequence = nextSequence;
    this.#now = now;
  }

  /** How many there are so far. */
  get changes(): number {
    return this.entries.length;
  }

  get isShort(): boolean {
    return this.#balance < 0n;
  }

  /** A line of the history. @param money what it adds to the balance, or takes of it */
  note(event: Event, request: bigint, amount: bigint, money: bigint, detail: string): void {
    this.#balance += money;
    const entry = { at: this.#now, request, event, amount, balance: this.#balance, detail: cut(detail) };
    this.entries.push(entry as HistoryEntry);
  }

  /** @returns the request as it is then */
  move(
    before: RequestRecord,
    state: RequestState,
    { money = 0n, detail = detailOf(state) } = {},
  ): RequestRecord {
    const after: RequestRecord = { ...before, state, updatedAt: this.#now };
    const { request } = after;
    this.requests.set(request, after);
    if (putsOnFile(after)) this.puts.set(Key.onFile, OnFileRecord.encode({ request }));
    this.puts.set(Key.request(request), RequestRecord.encode(after));
    const [from, to] = [shelfOf(before), shelfOf(after)];
    if (from !== to) {
      if (from !== undefined) this.puts.set(Key[from](request), undefined);
      if (to !== undefined) this.puts.set(Key[to](request), new Uint8Array());
    }
    if (to !== 'open') {
      const amount =
        state.kind === 'captured' ? state.amount : state.kind === 'closed' ? state.released : after.amount;
      this.note(state.kind as Event, request, amount, money, detail);
    }
    return after;
  }

  /** Adds what all of it comes to. @returns the totals after it */
  finish(): Totals {
    const balance = amountOf(this.#balance);
    for (const entry of this.entries) {
      this.puts.set(Key.history(this.#historyEntries), HistoryEntry.encode(entry));
      this.#historyEntries += 1n;
    }
    const historyEntries = this.#historyEntries;
    if (this.entries.length > 0)
      this.puts.set(Key.balance, BalanceRecord.encode({ balance, historyEntries }));
    return { balance, historyEntries, nextSequence: this.nextSequence };
  }
}

/** Loads from the account on file name the request that has put it there. */
function putsOnFile({ kind, state, message }: RequestRecord): boolean {
  if (kind === 'filing') return state.kind === 'filed';
  if (kind !== 'enrolment' || state.kind !== 'enrolled') return false;
  return EnrolRequest.decode(message).enrolment.document.account !== undefined;
}

/** Why, where there is a why. */
export function detailOf(state: RequestState): string {
  switch (state.kind) {
    case 'pending':
      return state.state;
    case 'in_doubt':
    case 'declined':
    case 'reversed':
    case 'refused':
    case 'rejected':
      return state.reason;
    case 'shop_refused':
      return `${state.code}: ${state.reason}`;
    case 'released':
      return `by ${state.by}`;
    default:
      return '';
  }
}
