// Checks a store against the notebooks of its clients and against the model, which plays the journal's operations at the
// journal's times.
//
//     journal entry ──┬── session and number ──▶ what was asked, whole and unchanged? what was answered, the same?
//                     └── its time ──▶ model ──▶ the same results, the same stored records?

import { join } from 'node:path';
import type { EntryHeader } from '../../src/journal/format.ts';
import { RESULT_SIZE, segmentRecords } from '../../src/journal/format.ts';
import { LmdbJournal } from '../../src/journal/lmdb-journal.ts';
import { verifyChain } from '../../src/journal/verify.ts';
import type { Account, Transfer } from '../../src/layout/generated.ts';
import {
  AccountFilterFlags,
  AccountLayout,
  BATCH_RECORDS_MAX,
  CreateAccountStatus,
  CreateTransferStatus,
  Operation,
  RECORD_SIZE,
  readAccount,
  readTransfer,
  SEGMENT_RECORDS_MAX,
  TransferLayout,
  writeAccount,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { LedgerModel } from '../model/ledger-model.ts';
import type { Asked, Traffic } from './traffic.ts';

export interface Books {
  readonly model: LedgerModel;
  readonly ops: number;
  readonly records: number;
  readonly expiries: number;
  /** Of those that were never answered: how many are in the journal, and how many are not. */
  readonly unansweredKept: number;
  readonly unansweredLost: number;
}

interface Entry {
  readonly header: EntryHeader;
  /** count × 128 bytes. */
  readonly records: Buffer;
  /** Of each record. */
  readonly results: { readonly timestamp: bigint; readonly status: number }[];
}

function readEntry(journal: LmdbJournal, op: number): Entry {
  const header = journal.readHeader(op)!;
  const records = Buffer.alloc(header.count * RECORD_SIZE);
  const results: Entry['results'] = [];
  for (let segment = 0; segment < header.segments; segment++) {
    const count = segmentRecords(header.count, segment);
    const bytes = Buffer.from(journal.readSegment(op, segment)!);
    bytes.copy(records, segment * SEGMENT_RECORDS_MAX * RECORD_SIZE, 0, count * RECORD_SIZE);
    for (let at = count * RECORD_SIZE; at < count * (RECORD_SIZE + RESULT_SIZE); at += RESULT_SIZE) {
      results.push({ timestamp: bytes.readBigUInt64LE(at), status: bytes.readUInt32LE(at + 8) });
    }
  }
  return { header, records, results };
}

/** The model looks through all that was ever pending. */
const DUE_CHECK_EVERY = 7;

const keyOf = (session: bigint, number: bigint): string => `${session.toString(16)}/${number}`;

function demand(isTrue: boolean, what: () => string): asserts isTrue {
  if (!isTrue) throw new Error(what());
}

const KINDS = {
  accounts: {
    operation: Operation.create_accounts,
    size: AccountLayout.size,
    write: (view: DataView, record: Account | Transfer) => writeAccount(view, 0, record as Account),
    created: CreateAccountStatus.created,
  },
  transfers: {
    operation: Operation.create_transfers,
    size: TransferLayout.size,
    write: (view: DataView, record: Account | Transfer) => writeTransfer(view, 0, record as Transfer),
    created: CreateTransferStatus.created,
  },
} as const;

/** Opens the journal of a store that no engine has open and proves all of it; throws at the first thing that is wrong. */
export async function checkBooks(path: string, asked: readonly Asked[]): Promise<Books> {
  const journal = await LmdbJournal.open({ path: join(path, 'journal') });
  try {
    const { proof, finding } = await verifyChain(journal);
    demand(finding === undefined, () => `expected a whole chain, got ${JSON.stringify(finding)}`);
    return play(journal, proof.toOp, asked);
  } finally {
    await journal.close();
  }
}

function play(journal: LmdbJournal, lastOp: number, asked: readonly Asked[]): Books {
  const model = new LedgerModel();
  const requests = new Map(asked.map((one) => [keyOf(one.session, one.number), one]));
  const latest = new Map<bigint, bigint>();
  const kept = new Set<Asked>();
  let records = 0;
  let expiries = 0;
  let before = 0n;
  for (let op = 1; op <= lastOp; op++) {
    const entry = readEntry(journal, op);
    const { operation, timestamp, count, session, request } = entry.header;
    records += count;
    demand(timestamp - BigInt(count) >= before, () => `op ${op}: expected all its times after ${before}`);
    const previous = before;
    before = timestamp;
    if (operation === Operation.expire_pending_transfers) {
      const expired = model.expirePendingTransfers(timestamp);
      demand(expired === count, () => `op ${op}: expected ${expired} expiries, got ${count}`);
      expiries += expired;
      continue;
    }
    if (op % DUE_CHECK_EVERY === 0) {
      // Nothing is still held whose time was over when the batch began.
      const asOf = timestamp > previous + BigInt(count) ? timestamp : previous + 1n;
      const due = model.nextExpiry();
      demand(
        due === undefined || due > asOf,
        () => `op ${op}: expected what was due at ${due} to be released`,
      );
    }
    const one = requests.get(keyOf(session, request));
    demand(one !== undefined, () => `op ${op}: no one asked for request ${request} of ${session}`);
    demand(!kept.has(one), () => `op ${op}: request ${request} of ${session} was applied twice`);
    const last = latest.get(session) ?? 0n;
    demand(request > last, () => `op ${op}: expected a request after ${last}, got ${request}`);
    latest.set(session, request);
    kept.add(one);
    checkEntry(entry, one, model);
  }
  let lost = 0;
  for (const one of asked) {
    if (kept.has(one)) continue;
    demand(one.answer === undefined, () => `request ${one.number} was acknowledged and is gone`);
    lost++;
  }
  const unansweredKept = [...kept].filter((one) => one.answer === undefined).length;
  for (const one of kept) {
    // Whoever is told that nothing was applied may do something else with the money.
    demand(one.error?.outcome !== 'none', () => `request ${one.number}: refused, yet applied: ${one.error}`);
  }
  return { model, ops: lastOp, records, expiries, unansweredKept, unansweredLost: lost };
}

/** The whole batch as it was sent, what the model makes of it, and what the client was told. */
function checkEntry({ header, records, results }: Entry, asked: Asked, model: LedgerModel): void {
  const { op, timestamp, operation } = header;
  const { batch, answer } = asked;
  const kind = KINDS[batch.kind];
  demand(operation === kind.operation, () => `op ${op}: expected ${batch.kind}, got operation ${operation}`);
  demand(header.count === batch.events.length, () => `op ${op}: expected ${batch.events.length} records`);
  const expected =
    batch.kind === 'accounts'
      ? model.createAccounts(timestamp, batch.events)
      : model.createTransfers(timestamp, batch.events);
  const submitted = Buffer.alloc(RECORD_SIZE);
  const view = new DataView(submitted.buffer, submitted.byteOffset, RECORD_SIZE);
  batch.events.forEach((event, i) => {
    const where = () => `op ${op}, record ${i} of ${header.count}`;
    const result = results[i]!;
    const { status, timestamp: at } = expected[i]!;
    demand(
      result.status === status && result.timestamp === at,
      () => `${where()}: expected status ${status} at ${at}, got ${result.status} at ${result.timestamp}`,
    );
    const told = answer?.[i];
    demand(
      answer === undefined || (told!.code === status && told!.timestamp === at),
      () =>
        `${where()}: the client was told ${told?.code} at ${told?.timestamp}, stored is ${status} at ${at}`,
    );
    // What was created is stored as the books have it, everything else as it was sent.
    let stored: Account | Transfer = event;
    if (status === kind.created) {
      stored =
        batch.kind === 'accounts' ? { ...event, timestamp: at } : model.lookupTransfers([event.id])[0]!;
    }
    submitted.fill(0);
    kind.write(view, stored);
    const bytes = records.subarray(i * RECORD_SIZE, (i + 1) * RECORD_SIZE);
    demand(Buffer.compare(bytes, submitted) === 0, () => {
      const read = batch.kind === 'accounts' ? readAccount : readTransfer;
      const got = read(new DataView(bytes.buffer, bytes.byteOffset, RECORD_SIZE), 0);
      return `${where()}: expected ${show(stored)}, got ${show(got)}`;
    });
  });
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v));
}

/** Debits equal credits in every ledger, posted and pending. */
export function checkBalance(accounts: readonly Account[]): void {
  const sums = new Map<number, bigint[]>();
  for (const { ledger, debitsPosted, creditsPosted, debitsPending, creditsPending } of accounts) {
    const sum = sums.get(ledger) ?? [0n, 0n];
    sums.set(ledger, [sum[0]! + debitsPosted - creditsPosted, sum[1]! + debitsPending - creditsPending]);
  }
  for (const [ledger, [posted, pending]] of sums) {
    demand(
      posted === 0n && pending === 0n,
      () => `ledger ${ledger}: debits less credits: ${posted}, ${pending}`,
    );
  }
}

/** Everything that clients can see of a living engine is as the books have it. */
export async function checkShown(traffic: Traffic, { model }: Books): Promise<void> {
  const { client, accountIds, asked } = traffic;
  const accounts = await client.lookupAccounts(accountIds);
  checkBalance(accounts);
  demand(
    accounts.length === accountIds.length,
    () => `expected ${accountIds.length} accounts, got ${accounts.length}`,
  );
  same('accounts', accounts, model.lookupAccounts(accountIds));
  const ids = [
    ...new Set(
      asked.flatMap(({ batch }) => (batch.kind === 'transfers' ? batch.events.map(({ id }) => id) : [])),
    ),
  ];
  for (let from = 0; from < ids.length; from += BATCH_RECORDS_MAX) {
    const part = ids.slice(from, from + BATCH_RECORDS_MAX);
    same('transfers', await client.lookupTransfers(part), model.lookupTransfers(part));
  }
  const filter = {
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    code: 0,
    timestampMin: 0n,
    timestampMax: 0n,
    limit: 1000,
    flags: AccountFilterFlags.debits | AccountFilterFlags.credits | AccountFilterFlags.reversed,
  };
  for (const accountId of accountIds.slice(0, 12)) {
    const query = { ...filter, accountId };
    same(
      `transfers of ${accountId}`,
      await client.getAccountTransfers(query),
      model.getAccountTransfers(query),
    );
    same(`balances of ${accountId}`, await client.getAccountBalances(query), model.getAccountBalances(query));
  }
}

function same(what: string, got: readonly object[], expected: readonly object[]): void {
  demand(got.length === expected.length, () => `${what}: expected ${expected.length}, got ${got.length}`);
  got.forEach((one, i) => {
    const entries = Object.entries(expected[i]!) as [keyof typeof one, unknown][];
    demand(
      entries.every(([name, value]) => one[name] === value),
      () => `${what}, ${i}: expected ${show(expected[i])}, got ${show(one)}`,
    );
  });
}
