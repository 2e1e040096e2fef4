// Asks each party for its books. What a role's words mean for the auditor is written here, once.
import type { Client } from '../../channel/client.ts';
import {
  type Account,
  AccountFilterFlags,
  BATCH_RECORDS_MAX,
  type Transfer,
} from '../../layout/generated.ts';
import { AccountCode, SYSTEM_ACCOUNTS, systemAccountId, TransferCode } from '../../roles/cash/accounts.ts';
import type { RequestReport } from '../../roles/common/request-report.ts';
import { REPORTS_PAGE_MAX } from '../../roles/common/request-report.ts';
import { type CallResult, RoleClient } from '../../roles/common/role-client.ts';
import { DEVICES_PAGE_MAX, type DeviceReport, managementProtocol } from '../../roles/management/messages.ts';
import { settlementProtocol } from '../../roles/settlement/messages.ts';
import { amountOf } from '../../shared/amount.ts';
import { parts } from '../ids.ts';
import type { AuditInput, Balance, Book, Standing, Statement } from './books.ts';

/** A party could not be asked, or said something that nobody can make sense of. */
export class CollectError extends Error {
  override readonly name = 'CollectError';
}

const MANAGEMENT_STANDING: Readonly<Record<string, Standing>> = {
  loaded: 'done',
  declined: 'not_done',
  expired: 'not_done',
  reversed: 'not_done',
  refused: 'not_done',
};

const SETTLEMENT_STANDING: Readonly<Record<string, Standing>> = {
  charged: 'done',
  declined: 'not_done',
  expired: 'not_done',
  reversed: 'not_done',
  refused: 'not_done',
};

export interface ManagementBooks {
  readonly book: Book;
  readonly devices: readonly DeviceReport[];
}

export async function fromManagement(client: Client): Promise<ManagementBooks> {
  const role = new RoleClient({ protocol: managementProtocol, transport: client });
  const reports = await pages(async (after: bigint | undefined) => {
    const { reports: page } = answered(
      'management',
      await role.call('list_requests', { after, limit: REPORTS_PAGE_MAX }),
    );
    return page.map((report) => ({ key: report.request, row: report }));
  });
  const devices = await pages(async (after: bigint | undefined) => {
    const { devices: page } = answered(
      'management',
      await role.call('list_devices', { after, limit: DEVICES_PAGE_MAX }),
    );
    return page.map((device) => ({ key: device.device, row: device }));
  });
  const loads = reports
    .filter(({ kind }) => kind === 'load')
    .map((report) => statement(report, MANAGEMENT_STANDING));
  return { book: { party: 'management', statements: loads }, devices };
}

/** Of some loads, as management has them now. */
export async function fromManagementAgain(client: Client, requests: readonly bigint[]): Promise<Statement[]> {
  const role = new RoleClient({ protocol: managementProtocol, transport: client });
  const reports = await lookups('management', requests, (request) =>
    role.call('lookup_request', { request }),
  );
  return reports
    .filter(({ kind }) => kind === 'load')
    .map((report) => statement(report, MANAGEMENT_STANDING));
}

/** Of some loads, as settlement has them now. */
export async function fromSettlementAgain(client: Client, requests: readonly bigint[]): Promise<Statement[]> {
  const role = new RoleClient({ protocol: settlementProtocol, transport: client });
  const reports = await lookups('settlement', requests, (request) =>
    role.call('lookup_request', { request }),
  );
  return reports
    .filter(({ kind }) => kind === 'charge')
    .map((report) => statement(report, SETTLEMENT_STANDING));
}

export async function fromSettlement(client: Client): Promise<Book> {
  const role = new RoleClient({ protocol: settlementProtocol, transport: client });
  const reports = await pages(async (after: bigint | undefined) => {
    const { reports: page } = answered(
      'settlement',
      await role.call('list_requests', { after, limit: REPORTS_PAGE_MAX }),
    );
    return page.map((report) => ({ key: report.request, row: report }));
  });
  // A reversal without a charge has charged nothing, and never will.
  const charges = reports.filter(({ kind }) => kind === 'charge');
  return { party: 'settlement', statements: charges.map((report) => statement(report, SETTLEMENT_STANDING)) };
}

export interface CashBooks {
  /** With what was credited while the accounts were read. */
  readonly book: Book;
  readonly read: AuditInput['balancesRead'];
  readonly balances: readonly Balance[];
  readonly float: ReadonlyMap<number, bigint>;
  readonly totals: ReadonlyMap<number, { readonly debits: bigint; readonly credits: bigint }>;
}

/** Reads the ledger itself: every load stands on the float account. */
export async function fromCash(
  client: Client,
  currency: number,
  devices: readonly bigint[],
): Promise<CashBooks> {
  const floatId = systemAccountId('float', currency);
  const statements: Statement[] = [];
  const from = await readCredits(client, floatId, 0n, statements);
  const known = new Set([...devices, ...statements.map(({ device }) => device)]);
  const systemIds = SYSTEM_ACCOUNTS.map((kind) => systemAccountId(kind, currency));
  const accounts: Account[] = [];
  for (const ids of parts([...systemIds, ...known], BATCH_RECORDS_MAX))
    accounts.push(...(await client.lookupAccounts(ids)));
  const to = await readCredits(client, floatId, from, statements);
  const balances = accounts
    .filter(({ code }) => code === AccountCode.device)
    .map((account) => ({
      device: account.id,
      currency: account.ledger,
      balance: account.creditsPosted - account.debitsPosted,
    }));
  const float = accounts.find(({ id }) => id === floatId);
  const totals = new Map<number, { debits: bigint; credits: bigint }>();
  for (const { ledger, debitsPosted, creditsPosted } of accounts) {
    const total = totals.get(ledger) ?? { debits: 0n, credits: 0n };
    totals.set(ledger, { debits: total.debits + debitsPosted, credits: total.credits + creditsPosted });
  }
  return {
    book: { party: 'cash', statements },
    read: { from, to },
    balances,
    float: new Map(float === undefined ? [] : [[currency, float.debitsPosted - float.creditsPosted]]),
    totals,
  };
}

/** Of some loads, as the ledger has them now. */
export async function fromCashAgain(client: Client, requests: readonly bigint[]): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const ids of parts(requests, BATCH_RECORDS_MAX)) {
    for (const transfer of await client.lookupTransfers(ids)) {
      if (transfer.code === TransferCode.load) statements.push(credit(transfer));
    }
  }
  return statements;
}

/** Every load that is credited after that time, in order. @returns the time of the float's last transfer */
async function readCredits(
  client: Client,
  floatId: bigint,
  after: bigint,
  statements: Statement[],
): Promise<bigint> {
  for (let last = after; ; ) {
    const page = await client.getAccountTransfers({
      accountId: floatId,
      timestampMin: last + 1n,
      limit: BATCH_RECORDS_MAX,
      flags: AccountFilterFlags.debits | AccountFilterFlags.credits,
    });
    for (const transfer of page) {
      last = transfer.timestamp;
      if (transfer.code === TransferCode.load) statements.push(credit(transfer));
    }
    if (page.length < BATCH_RECORDS_MAX) return last;
  }
}

function credit({ id, amount, ledger, creditAccountId, timestamp }: Transfer): Statement {
  return {
    request: id,
    standing: 'done',
    amount: amountOf(amount),
    currency: ledger,
    device: creditAccountId,
    word: 'credited',
    since: timestamp,
    at: timestamp,
  };
}

interface InstitutionEntry {
  readonly kind: 'authorise' | 'capture' | 'release' | 'refund' | 'decline' | 'block';
  readonly reference: string;
  readonly amount: string;
  readonly currency: number;
  /** Nanoseconds. */
  readonly time?: string;
}

/** @param lines the institution's statement: NDJSON, an entry a line, in the order in which they were booked */
export function fromInstitution(lines: Iterable<string>): Book {
  const orders = new Map<bigint, Statement>();
  for (const line of lines) {
    if (line.trim() === '') continue;
    const { kind, reference, amount, currency, time } = JSON.parse(line) as InstitutionEntry;
    const request = BigInt(`0x${reference}`);
    const before = orders.get(request);
    const standing = institutionStanding(kind, before?.standing);
    const at = BigInt(time ?? 0);
    orders.set(request, {
      request,
      standing,
      amount: amountOf(BigInt(amount)),
      currency,
      device: 0n,
      word: kind,
      since: before?.since ?? at,
      at,
    });
  }
  return { party: 'institution', statements: [...orders.values()] };
}

/** What an entry makes of an order. Money that is held and not taken is nobody's yet. */
function institutionStanding(kind: InstitutionEntry['kind'], before: Standing | undefined): Standing {
  switch (kind) {
    case 'authorise':
      return 'open';
    case 'capture':
      return 'done';
    case 'release':
    case 'refund':
      return 'not_done';
    case 'decline':
    case 'block':
      // Of an order that stands already, it says that something else about it was refused.
      return before ?? 'not_done';
    default:
      throw new CollectError(
        `institution: expected a kind of entry that is known, got ${JSON.stringify(kind)}`,
      );
  }
}

function statement(report: RequestReport, standings: Readonly<Record<string, Standing>>): Statement {
  const { request, amount, currency, device, state, createdAt, updatedAt } = report;
  return {
    request,
    standing: standings[state] ?? 'open',
    amount: amountOf(amount),
    currency,
    device,
    word: state,
    since: createdAt,
    at: updatedAt,
  };
}

/** So many at once: a frame of them. */
const LOOKUPS_AT_ONCE = 1024;

async function lookups(
  party: string,
  requests: readonly bigint[],
  lookup: (request: bigint) => Promise<CallResult<{ readonly report: RequestReport | undefined }>>,
): Promise<RequestReport[]> {
  const reports: RequestReport[] = [];
  for (const some of parts(requests, LOOKUPS_AT_ONCE)) {
    for (const result of await Promise.all(some.map(lookup))) {
      const { report } = answered(party, result);
      if (report !== undefined) reports.push(report);
    }
  }
  return reports;
}

/** All pages of a list that is asked for from a key on. */
async function pages<Row>(
  page: (after: bigint | undefined) => Promise<readonly { readonly key: bigint; readonly row: Row }[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after: bigint | undefined; ; ) {
    const found = await page(after);
    if (found.length === 0) return rows;
    rows.push(...found.map(({ row }) => row));
    after = found.at(-1)!.key;
  }
}

function answered<Answer>(party: string, result: CallResult<Answer>): Answer {
  if (result.kind === 'ok') return result.answer;
  const why = result.kind === 'refused' ? result.refusal.message : result.reason;
  throw new CollectError(`${party}: expected its books, got no answer: ${why}`);
}
