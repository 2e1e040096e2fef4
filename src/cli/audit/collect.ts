// Asks each party for its books. What a role's words mean for the auditor is written here, once.
import type { Client } from '../../channel/client.ts';
import {
  type Account,
  AccountFilterFlags,
  BATCH_RECORDS_MAX,
  type Transfer,
  TransferFlags,
} from '../../layout/generated.ts';
import {
  AccountCode,
  exchangeAccountId,
  SYSTEM_ACCOUNTS,
  systemAccountId,
  TransferCode,
} from '../../roles/cash/accounts.ts';
import { cashProtocol } from '../../roles/cash/messages.ts';
import type { RequestReport } from '../../roles/common/request-report.ts';
import { REPORTS_PAGE_MAX } from '../../roles/common/request-report.ts';
import { type CallResult, RoleClient } from '../../roles/common/role-client.ts';
import {
  DEVICES_PAGE_MAX,
  type DeviceReport,
  managementProtocol,
  SHOPS_PAGE_MAX,
  type ShopReport,
} from '../../roles/management/messages.ts';
import { WINDOWS_PAGE_MAX, type WindowReport } from '../../roles/management/payout-messages.ts';
import { settlementProtocol } from '../../roles/settlement/messages.ts';
import { amountOf } from '../../shared/amount.ts';
import { parts } from '../ids.ts';
import type {
  AuditInput,
  Balance,
  Book,
  OtherBalance,
  Outflow,
  Standing,
  Statement,
  Unheard,
  WalletBalance,
} from './books.ts';
import { ledgerTrade, reportedTrade } from './collect-trades.ts';
import type { Trade } from './trades.ts';

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
  readonly shops: readonly ShopReport[];
  readonly trades: readonly Trade[];
  readonly windows: readonly WindowReport[];
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
  const shops = await pages(async (after: bigint | undefined) => {
    const { shops: page } = answered(
      'management',
      await role.call('list_shops', { after, limit: SHOPS_PAGE_MAX }),
    );
    return page.map((shop) => ({ key: shop.shop, row: shop }));
  });
  const windows = await pages(async (after: bigint | undefined) => {
    const { windows: page } = answered(
      'management',
      await role.call('list_windows', { after, limit: WINDOWS_PAGE_MAX }),
    );
    return page.map((window) => ({ key: window.window, row: window }));
  });
  const trades = reports.flatMap((report) => reportedTrade(report) ?? []);
  return { book: { party: 'management', statements: loads }, devices, shops, trades, windows };
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
  readonly trades: readonly Trade[];
  readonly read: AuditInput['balancesRead'];
  readonly movedMeanwhile: ReadonlyMap<number, bigint>;
  readonly balances: readonly Balance[];
  readonly others: readonly OtherBalance[];
  readonly outflows: readonly Outflow[];
  readonly unheard: readonly Unheard[];
  readonly float: ReadonlyMap<number, bigint>;
  readonly totals: ReadonlyMap<number, { readonly debits: bigint; readonly credits: bigint }>;
}

export interface CashQuestion {
  readonly currency: number;
  readonly devices: readonly bigint[];
  readonly shops: readonly bigint[];
  /** Of wallets: what they have not heard of is looked for. */
  readonly wallets?: readonly WalletBalance[];
}

/** Reads the ledger itself: every load stands on the float account, every purchase on the account of its shop. */
export async function fromCash(
  client: Client,
  { currency, devices, shops, wallets = [] }: CashQuestion,
): Promise<CashBooks> {
  const floatId = systemAccountId('float', currency);
  const reader = new TransferReader(client);
  const statements: Statement[] = [];
  const trades: Trade[] = [];
  const outflows: Outflow[] = [];
  const movedMeanwhile = new Map<number, bigint>();
  const known = new Set(devices);
  const onFloat = (transfer: Transfer): void => {
    const { code, creditAccountId, ledger, amount, timestamp: at } = transfer;
    if (code === TransferCode.load) {
      statements.push(credit(transfer));
      known.add(creditAccountId);
    } else if (creditAccountId === floatId && amount > 0n) outflows.push({ currency: ledger, amount, at });
    else if (code === TransferCode.payout_reversed) outflows.push({ currency: ledger, amount: -amount, at });
  };
  const atShop = (transfer: Transfer): void => {
    const trade = ledgerTrade(transfer);
    if (trade === undefined) return;
    trades.push(trade);
    known.add(trade.device);
  };
  await reader.more(floatId, onFloat);
  for (const some of parts(shops, HISTORIES_AT_ONCE))
    await Promise.all(some.map((shop) => reader.more(shop, atShop)));
  const purses = await pursesOf(client, known);
  for (const some of parts(purses, HISTORIES_AT_ONCE))
    await Promise.all(some.map((purse) => reader.more(purse, () => {})));
  const from = reader.last;
  const systemIds = SYSTEM_ACCOUNTS.map((kind) => systemAccountId(kind, currency));
  const accounts: Account[] = [];
  const exchanges = shops.map((shop) => exchangeAccountId(shop, currency));
  const ids = new Set([...systemIds, ...shops, ...exchanges, ...purses, ...known]);
  for (const some of parts([...ids], BATCH_RECORDS_MAX))
    accounts.push(...(await client.lookupAccounts(some)));
  const meanwhile = ({ code, ledger, amount, timestamp }: Transfer): void => {
    if (code === TransferCode.load || timestamp <= from) return;
    add(movedMeanwhile, ledger, amount);
  };
  await reader.more(floatId, (transfer) => {
    onFloat(transfer);
    meanwhile(transfer);
  });
  const atShopMeanwhile = (transfer: Transfer): void => {
    atShop(transfer);
    meanwhile(transfer);
  };
  for (const some of parts(shops, HISTORIES_AT_ONCE))
    await Promise.all(some.map((shop) => reader.more(shop, atShopMeanwhile)));
  for (const some of parts(purses, HISTORIES_AT_ONCE))
    await Promise.all(some.map((purse) => reader.more(purse, meanwhile)));
  // Notes come and go by this account alone, but for what shops fund, which is in their own histories.
  await reader.more(systemAccountId('notes', currency), meanwhile, from + 1n);
  // Of those that were opened meanwhile nothing was read before.
  const before = new Set(purses);
  const opened = (await pursesOf(client, known)).filter((purse) => !before.has(purse));
  for (const some of parts(opened, HISTORIES_AT_ONCE)) {
    await Promise.all(
      some.map((purse) => reader.more(purse, ({ ledger, amount }) => add(movedMeanwhile, ledger, amount))),
    );
  }
  const read = { from, to: reader.last };
  const float = accounts.find(({ id }) => id === floatId);
  const totals = new Map<number, { debits: bigint; credits: bigint }>();
  for (const { ledger, debitsPosted, creditsPosted } of accounts) {
    const total = totals.get(ledger) ?? { debits: 0n, credits: 0n };
    totals.set(ledger, { debits: total.debits + debitsPosted, credits: total.credits + creditsPosted });
  }
  return {
    book: { party: 'cash', statements },
    trades,
    read,
    movedMeanwhile,
    balances: accounts.flatMap((account) => {
      if (account.code !== AccountCode.device) return [];
      return [{ device: account.id, currency: account.ledger, balance: owed(account) }];
    }),
    others: accounts.flatMap((account) => {
      const name = OTHERS[account.code];
      return name === undefined ? [] : [{ account: name, currency: account.ledger, balance: owed(account) }];
    }),
    outflows,
    unheard: await unheardBy(client, wallets),
    float: new Map(float === undefined ? [] : [[currency, -owed(float)]]),
    totals,
  };
}

const OTHERS: { readonly [code: number]: OtherBalance['account'] } = {
  [AccountCode.loss]: 'loss',
  [AccountCode.offline_loss]: 'offline_loss',
  [AccountCode.shop]: 'shops',
  [AccountCode.exchange]: 'exchanges',
  [AccountCode.notes]: 'notes',
  [AccountCode.purse]: 'purses',
  [AccountCode.clearing]: 'clearing',
  [AccountCode.fees]: 'fees',
};

function add(sums: Map<number, bigint>, currency: number, amount: bigint): void {
  sums.set(currency, (sums.get(currency) ?? 0n) + amount);
}

/** Of devices that have accounts. */
async function pursesOf(client: Client, devices: ReadonlySet<bigint>): Promise<bigint[]> {
  const role = new RoleClient({ protocol: cashProtocol, transport: client });
  const purses: bigint[] = [];
  for (const some of parts([...devices], EXPOSURES_AT_ONCE)) {
    const results = await Promise.all(some.map((device) => role.call('device_exposure', { device })));
    for (const result of results) {
      // One that is enrolled may have no account yet.
      if (result.kind === 'refused' && result.refusal.code === 'device_unknown') continue;
      purses.push(...answered('cash', result).purses.map(({ purse }) => purse));
    }
  }
  return purses;
}

const EXPOSURES_AT_ONCE = 256;

function owed({ creditsPosted, debitsPosted }: Account): bigint {
  return creditsPosted - debitsPosted;
}

const BOTH_SIDES = AccountFilterFlags.debits | AccountFilterFlags.credits;

/** Transfers of accounts, each once, in order; what has come since when it is asked again. */
export class TransferReader {
  readonly #client: Client;
  readonly #next = new Map<bigint, bigint>();
  /** Ledger time of the newest of all. */
  last = 0n;

  constructor(client: Client) {
    this.#client = client;
  }

  async more(accountId: bigint, take: (transfer: Transfer) => void, first = 1n): Promise<void> {
    for (let timestampMin = this.#next.get(accountId) ?? first; ; ) {
      const page = await this.#client.getAccountTransfers({
        ...{ accountId, timestampMin, limit: BATCH_RECORDS_MAX, flags: BOTH_SIDES },
      });
      page.forEach(take);
      const newest = page.at(-1)?.timestamp ?? 0n;
      if (newest > this.last) this.last = newest;
      if (newest >= timestampMin) timestampMin = newest + 1n;
      this.#next.set(accountId, timestampMin);
      if (page.length < BATCH_RECORDS_MAX) return;
    }
  }
}

/** Of shops or wallets. */
const HISTORIES_AT_ONCE = 64;

async function unheardBy(client: Client, wallets: readonly WalletBalance[]): Promise<Unheard[]> {
  const unheard: Unheard[] = [];
  for (const some of parts(wallets, HISTORIES_AT_ONCE)) {
    const ask = async ({ device, currency, until, heard }: WalletBalance): Promise<void> => {
      const take = ({ id, code, flags, pendingId, amount, debitAccountId, timestamp: at }: Transfer) => {
        const isMoved = (flags & (TransferFlags.pending | TransferFlags.void_pending_transfer)) === 0;
        if (!isMoved || code === TransferCode.load || heard.has(id) || heard.has(pendingId)) return;
        unheard.push({ device, currency, change: debitAccountId === device ? -amount : amount, at });
      };
      await new TransferReader(client).more(device, take, until + 1n);
    };
    await Promise.all(some.map(ask));
  }
  return unheard;
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
export async function pages<Row>(
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

export function answered<Answer>(party: string, result: CallResult<Answer>): Answer {
  if (result.kind === 'ok') return result.answer;
  const why = result.kind === 'refused' ? result.refusal.message : result.reason;
  throw new CollectError(`${party}: expected its books, got no answer: ${why}`);
}
