// A small ledger in memory behind the engine's interface: accounts and plain transfers, sessions, history. It shares no
// code with the kernel; the channel's tests ask it afterwards what was applied, and how often.
import type { Account, AccountBalance, ChangeEvent, Transfer } from '../../src/layout/generated.ts';
import {
  AccountFilterFlags,
  AccountFlags,
  CreateAccountStatus,
  CreateTransferStatus,
  readAccount,
  readAccountFilter,
  readChangeEventsFilter,
  readTransfer,
  writeAccount,
  writeAccountBalance,
  writeChangeEvent,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { readU128 } from '../../src/shared/bytes.ts';
import type { Engine, EngineHealth, EngineReply, EngineRequest, SessionInfo } from '../../src/wire/engine.ts';
import { RequestError } from '../../src/wire/errors.ts';
import { viewOf } from '../../src/wire/frame.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { RequestStatus } from '../../src/wire/status.ts';

const ANSWERS = 64;

interface Session {
  answers: Map<bigint, Promise<EngineReply>>;
  forgotten: bigint;
  applied: bigint;
}

export interface Applied {
  session: bigint;
  request: bigint;
  operation: number;
}

export interface MemoryEngineOptions {
  /** Resolves when an answer may leave; the state has changed before. */
  gate?: (request: EngineRequest) => Promise<void> | void;
  /** Requests under way from which on the engine is congested. */
  slots?: number;
  sessionsMax?: number;
}

export class MemoryEngine implements Engine {
  readonly accounts = new Map<bigint, Account>();
  readonly transfers = new Map<bigint, Transfer>();
  readonly applied: Applied[] = [];
  readonly #balances = new Map<bigint, AccountBalance[]>();
  readonly #events: ChangeEvent[] = [];
  readonly #sessions = new Map<bigint, Session>();
  readonly #options: MemoryEngineOptions;
  #relieved: (() => void)[] = [];
  #underway = 0;
  #time = 1_000_000n;
  peakUnderway = 0;
  healthStatus: EngineHealth['status'] = 'ok';

  constructor(options: MemoryEngineOptions = {}) {
    this.#options = options;
  }

  get congested(): boolean {
    return this.#underway >= (this.#options.slots ?? Number.POSITIVE_INFINITY);
  }

  onRelieved(listener: () => void): void {
    this.#relieved.push(listener);
  }

  metrics(): string {
    return `# TYPE memory_transfers gauge\nmemory_transfers ${this.transfers.size}\n`;
  }

  health(): EngineHealth {
    return { status: this.healthStatus, detail: { transfers: this.transfers.size, time: this.#time } };
  }

  openSession(session: bigint, acknowledged: bigint): SessionInfo {
    const known = this.#sessions.get(session);
    if (acknowledged > (known?.applied ?? 0n)) {
      throw new RequestError(
        'session_expired',
        `expected a session that has applied ${acknowledged}, got one without`,
      );
    }
    return { resumed: known !== undefined, applied: known?.applied ?? 0n };
  }

  forget(session: bigint): void {
    this.#sessions.delete(session);
  }

  async submit(request: EngineRequest): Promise<EngineReply> {
    if (request.operation > RequestOperation.create_transfers)
      return this.#under(request, this.#read(request));
    const session = this.#sessions.get(request.session) ?? { answers: new Map(), forgotten: 0n, applied: 0n };
    const stored = session.answers.get(request.request);
    if (stored) return stored;
    if (request.request <= session.forgotten) return refuse(RequestStatus.request_too_old, 'forgotten');
    const reply = this.#write(request);
    const { session: of, request: number, operation } = request;
    this.applied.push({ session: of, request: number, operation });
    const answer = this.#under(request, reply);
    session.answers.set(number, answer);
    if (number > session.applied) session.applied = number;
    if (session.answers.size > ANSWERS) {
      const oldest = session.answers.keys().next().value!;
      session.answers.delete(oldest);
      if (oldest > session.forgotten) session.forgotten = oldest;
    }
    this.#sessions.delete(of);
    this.#sessions.set(of, session);
    if (this.#sessions.size > (this.#options.sessionsMax ?? 4096)) {
      this.#sessions.delete(this.#sessions.keys().next().value!);
    }
    return answer;
  }

  async #under(request: EngineRequest, reply: EngineReply): Promise<EngineReply> {
    this.#underway++;
    this.peakUnderway = Math.max(this.peakUnderway, this.#underway);
    const { operation, peer, session, request: number, count } = request;
    // The payload is only borrowed: nothing may look at it from here on.
    await this.#options.gate?.({
      operation,
      peer,
      session,
      request: number,
      count,
      payload: new Uint8Array(0),
    });
    const congested = this.congested;
    this.#underway--;
    if (congested && !this.congested) for (const listener of this.#relieved) queueMicrotask(listener);
    return reply;
  }

  #write({ operation, payload, count }: EngineRequest): EngineReply {
    const body = new Uint8Array(count * 16);
    const view = viewOf(body);
    const events = viewOf(payload);
    for (let i = 0; i < count; i++) {
      const timestamp = ++this.#time;
      const [status, at] =
        operation === RequestOperation.create_accounts
          ? this.#createAccount(readAccount(events, i * 128), timestamp)
          : this.#createTransfer(readTransfer(events, i * 128), timestamp);
      view.setBigUint64(i * 16, at, true);
      view.setUint32(i * 16 + 8, status, true);
    }
    return { status: RequestStatus.ok, timestamp: this.#time, count, body };
  }

  #createAccount(account: Account, timestamp: bigint): [number, bigint] {
    if (account.id === 0n) return [CreateAccountStatus.id_must_not_be_zero, timestamp];
    const known = this.accounts.get(account.id);
    if (known) return [CreateAccountStatus.exists, known.timestamp];
    if (account.ledger === 0) return [CreateAccountStatus.ledger_must_not_be_zero, timestamp];
    this.accounts.set(account.id, { ...account, timestamp });
    return [CreateAccountStatus.created, timestamp];
  }

  #createTransfer(transfer: Transfer, timestamp: bigint): [number, bigint] {
    const known = this.transfers.get(transfer.id);
    if (known) {
      const same = known.amount === transfer.amount;
      const status = same ? CreateTransferStatus.exists : CreateTransferStatus.exists_with_different_amount;
      return [status, same ? known.timestamp : timestamp];
    }
    const debit = this.accounts.get(transfer.debitAccountId);
    const credit = this.accounts.get(transfer.creditAccountId);
    if (!debit) return [CreateTransferStatus.debit_account_not_found, timestamp];
    if (!credit) return [CreateTransferStatus.credit_account_not_found, timestamp];
    debit.debitsPosted += transfer.amount;
    credit.creditsPosted += transfer.amount;
    const stored = { ...transfer, timestamp };
    this.transfers.set(transfer.id, stored);
    for (const account of [debit, credit]) {
      if (!(account.flags & AccountFlags.history)) continue;
      const { debitsPending, debitsPosted, creditsPending, creditsPosted } = account;
      const balances = this.#balances.get(account.id) ?? [];
      balances.push({ debitsPending, debitsPosted, creditsPending, creditsPosted, timestamp });
      this.#balances.set(account.id, balances);
    }
    this.#events.push(eventOf(stored, debit, credit));
    return [CreateTransferStatus.created, timestamp];
  }

  #read({ operation, payload, count }: EngineRequest): EngineReply {
    const view = viewOf(payload);
    const ids = (): bigint[] => Array.from({ length: count }, (_, i) => readU128(view, i * 16));
    switch (operation) {
      case RequestOperation.lookup_accounts:
        return this.#records(
          128,
          ids().flatMap((id) => this.accounts.get(id) ?? []),
          writeAccount,
        );
      case RequestOperation.lookup_transfers:
        return this.#records(
          128,
          ids().flatMap((id) => this.transfers.get(id) ?? []),
          writeTransfer,
        );
      case RequestOperation.get_account_transfers: {
        const filter = readAccountFilter(view, 0);
        const found = [...this.transfers.values()].filter(
          ({ debitAccountId, creditAccountId }) =>
            (filter.flags & AccountFilterFlags.debits && debitAccountId === filter.accountId) ||
            (filter.flags & AccountFilterFlags.credits && creditAccountId === filter.accountId),
        );
        return this.#records(128, found.slice(0, filter.limit), writeTransfer);
      }
      case RequestOperation.get_account_balances: {
        const filter = readAccountFilter(view, 0);
        const found = this.#balances.get(filter.accountId) ?? [];
        return this.#records(128, found.slice(0, filter.limit), writeAccountBalance);
      }
      default: {
        const filter = readChangeEventsFilter(view, 0);
        const found = this.#events.filter(
          ({ timestamp }) =>
            timestamp >= filter.timestampMin &&
            (filter.timestampMax === 0n || timestamp <= filter.timestampMax),
        );
        return this.#records(384, found.slice(0, filter.limit), writeChangeEvent);
      }
    }
  }

  #records<Item>(
    size: number,
    items: Item[],
    write: (view: DataView, at: number, item: Item) => void,
  ): EngineReply {
    const body = new Uint8Array(items.length * size);
    const view = viewOf(body);
    items.forEach((item, i) => {
      write(view, i * size, item);
    });
    return { status: RequestStatus.ok, timestamp: this.#time, count: items.length, body };
  }
}

function refuse(status: number, message: string): EngineReply {
  return { status, timestamp: 0n, count: 0, body: new Uint8Array(0), message };
}

function eventOf(transfer: Transfer, debit: Account, credit: Account): ChangeEvent {
  return {
    transferId: transfer.id,
    transferAmount: transfer.amount,
    transferPendingId: 0n,
    transferUserData128: transfer.userData128,
    transferUserData64: transfer.userData64,
    transferUserData32: transfer.userData32,
    transferTimeout: 0,
    transferCode: transfer.code,
    transferFlags: transfer.flags,
    ledger: transfer.ledger,
    type: 0,
    debitAccountId: debit.id,
    debitAccountDebitsPending: debit.debitsPending,
    debitAccountDebitsPosted: debit.debitsPosted,
    debitAccountCreditsPending: debit.creditsPending,
    debitAccountCreditsPosted: debit.creditsPosted,
    creditAccountId: credit.id,
    creditAccountDebitsPending: credit.debitsPending,
    creditAccountDebitsPosted: credit.debitsPosted,
    creditAccountCreditsPending: credit.creditsPending,
    creditAccountCreditsPosted: credit.creditsPosted,
    timestamp: transfer.timestamp,
    transferTimestamp: transfer.timestamp,
    debitAccountTimestamp: debit.timestamp,
    creditAccountTimestamp: credit.timestamp,
    debitAccountFlags: debit.flags,
    creditAccountFlags: credit.flags,
  };
}
