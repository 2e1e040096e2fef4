// Statements of accounts of devices, and of purses.
//
//     query ─▶ account, purchases, a page of its history ─▶ signed statement
//              └── begun in one turn: one state of the ledger ──┘
//
// A statement is of one state of the ledger, that of `asOf`: balance, what is reserved, purchases and entries agree with
// each other. Its entries are all those with after < timestamp <= until, in the order of time; the ledger's times never
// repeat in an account, and nothing is ever added below one that was told. So who asks on from `until` gets each entry once,
// whatever is booked between the pages. What ran out is no entry: `reserved` and `purchases` tell.
//
// A page costs a reader thread of the ledger the same however long the history is: at most some 500 steps to where it
// begins, and as many to where it ends (src/ledger/history.ts), of about 5 µs each. One near the end, which is what a wallet
// asks for that has the rest, takes as many steps as it has entries.
//
// `unknown` is an answer that a wallet may rely on once `asOf` is past its order's expiry: no batch of the ledger has an
// earlier time after that. When nothing happens the ledger's time stands still, so a statement with an unknown purchase
// moves it on first, at most once a second.
import { type Account, TIMESTAMP_MAX, type Transfer, TransferFlags } from '../../layout/generated.ts';
import { Refusal } from '../common/refusal.ts';
import {
  STATEMENT_ENTRIES_MAX,
  STATEMENT_PURCHASES_MAX,
  Statement,
  type StatementEntry,
} from '../documents/statement.ts';
import { systemAccounts, TransferCode, transferReason } from './accounts.ts';
import { type CashRefused, currencyNotOffered, deviceUnknown, timeOutOfRange } from './check.ts';
import type { CashRefusal } from './errors.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { GetStatementAnswer, GetStatementRequest } from './messages.ts';
import { findPurchases, PURCHASES_MAX, type Purchase } from './purchases.ts';
import { findOpened } from './purse-book.ts';
import { readable } from './purse-check.ts';

type Answer = GetStatementAnswer | CashRefused;

/** Requests answered from one state: their purchases fit one look-up. */
const CHUNK = Math.floor(PURCHASES_MAX / STATEMENT_PURCHASES_MAX);

/** How far the ledger's time may be behind before a statement with an unknown purchase moves it on. */
const ASOF_LAG_MAX_NS = 1_000_000_000n;

/** One answer a request, in order. @throws RequestError */
export async function statements(
  requests: readonly GetStatementRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < requests.length; at += CHUNK) {
    answers.push(...(await chunk(requests.slice(at, at + CHUNK), parts)));
  }
  return answers;
}

async function chunk(requests: readonly GetStatementRequest[], parts: CashParts): Promise<Answer[]> {
  const accounts = requests.map((request) => accountOf(request, parts));
  let found = await look(requests, accounts, parts);
  if (hasUnknown(requests, accounts, found) && parts.clock() - found.asOf > ASOF_LAG_MAX_NS) {
    await moveTimeOn(parts);
    found = await look(requests, accounts, parts);
  }
  return requests.map((request, i) => {
    const account = accounts[i]!;
    return typeof account === 'bigint' ? answer(request, account, found, i, parts) : account;
  });
}

/** In the ledger. */
function accountOf({ device, query }: GetStatementRequest, parts: CashParts): bigint | CashRefused {
  if (query.after >= TIMESTAMP_MAX) return timeOutOfRange(query.after);
  const known = findDevice(device, parts) ?? purseOf(device, parts) ?? deviceUnknown(device);
  if (known instanceof Refusal) return known;
  if ('purse' in known) {
    return known.currency === query.currency
      ? known.purse
      : currencyNotOffered([known.currency], query.currency);
  }
  return (
    known.accounts.get(query.currency)?.account ??
    currencyNotOffered([...known.accounts.keys()], query.currency)
  );
}

/** Purses have statements under their own numbers; management has seen whose they are. */
function purseOf(purse: bigint, { store, log }: CashParts) {
  const known = readable(() => findOpened(store, purse), purse, log);
  return known === undefined || known instanceof Refusal ? known : { purse, currency: known.currency };
}

interface Found {
  readonly asOf: bigint;
  readonly accounts: ReadonlyMap<bigint, Account>;
  readonly purchases: ReadonlyMap<bigint, Purchase>;
  /** By the place of its request: one more than fits, if there are. */
  readonly pages: readonly (readonly Transfer[])[];
}

/** All reads are begun before any is waited for: what they take of the ledger's state they take at once. */
async function look(
  requests: readonly GetStatementRequest[],
  wanted: readonly (bigint | CashRefused)[],
  { ledger }: CashParts,
): Promise<Found> {
  const asked = requests.filter((_, i) => typeof wanted[i] === 'bigint');
  const ids = new Set(asked.flatMap(({ query }) => query.purchases));
  const { timestamp: asOf } = ledger.status();
  const [accounts, purchases, pages] = await Promise.all([
    ledger.lookupAccounts([...new Set(wanted.filter((id) => typeof id === 'bigint'))]),
    findPurchases([...ids], ledger),
    Promise.all(
      requests.map(({ query: { after } }, i): Promise<Transfer[]> | Transfer[] => {
        const accountId = wanted[i]!;
        if (typeof accountId !== 'bigint') return [];
        return ledger.getAccountTransfers({
          accountId,
          // 0 spares the ledger the search for the beginning.
          timestampMin: after === 0n ? 0n : after + 1n,
          limit: STATEMENT_ENTRIES_MAX + 1,
        });
      }),
    ),
  ]);
  return { asOf, accounts: new Map(accounts.map((account) => [account.id, account])), purchases, pages };
}

function hasUnknown(
  requests: readonly GetStatementRequest[],
  wanted: readonly (bigint | CashRefused)[],
  { purchases }: Found,
): boolean {
  return requests.some(
    ({ query }, i) =>
      typeof wanted[i] === 'bigint' &&
      query.purchases.some((request) => purchases.get(request)?.deviceAccount !== wanted[i]),
  );
}

/** A batch that changes nothing; the ledger writes its time like that of any other. */
export async function moveTimeOn({ ledger, terms }: Pick<CashParts, 'ledger' | 'terms'>): Promise<void> {
  const [currency] = terms.keys();
  await ledger.createAccounts(systemAccounts(currency!).slice(0, 1));
}

function answer(
  { device, query }: GetStatementRequest,
  accountId: bigint,
  { asOf, accounts, purchases, pages }: Found,
  place: number,
  { signers, log }: CashParts,
): Answer {
  const account = accounts.get(accountId);
  if (account === undefined) {
    log.error({ account: String(accountId) }, 'an account of the registry is not in the ledger');
    return new Refusal<CashRefusal>(
      'internal_error',
      `account ${accountId}: expected it in the ledger, got none`,
    );
  }
  const { currency, after } = query;
  const page = pages[place]!;
  const entries = page.slice(0, STATEMENT_ENTRIES_MAX);
  const content = {
    device,
    currency,
    after,
    until: entries.at(-1)?.timestamp ?? after,
    more: page.length > entries.length,
    balance: account.creditsPosted - account.debitsPosted,
    reserved: account.debitsPending,
    asOf,
    entries: entries.map((transfer) => entryOf(transfer, accountId)),
    purchases: query.purchases.map((request) => stateOf(request, purchases.get(request), accountId)),
  };
  return { statement: signers.sign(Statement, content, asOf) };
}

function entryOf(transfer: Transfer, accountId: bigint): StatementEntry {
  const { id, code, debitAccountId, amount, timestamp } = transfer;
  return {
    transfer: id,
    reason: transferReason(code) ?? `code ${code}`,
    side: debitAccountId === accountId ? 'debit' : 'credit',
    phase: phaseOf(transfer),
    amount,
    purchase: purchaseOf(transfer),
    timestamp,
  };
}

function phaseOf({ flags }: Transfer): StatementEntry['phase'] {
  if ((flags & TransferFlags.pending) !== 0) return 'pending';
  if ((flags & TransferFlags.post_pending_transfer) !== 0) return 'post';
  return (flags & TransferFlags.void_pending_transfer) !== 0 ? 'void' : 'single';
}

function purchaseOf({ code, pendingId, userData128 }: Transfer): bigint {
  return code === TransferCode.refund ? userData128 : pendingId;
}

function stateOf(
  request: bigint,
  purchase: Purchase | undefined,
  accountId: bigint,
): Statement['purchases'][number] {
  // One of another device is none of this one's: it is not told that there is one.
  if (purchase?.deviceAccount !== accountId) return { request, state: 'unknown', amount: 0n, timestamp: 0n };
  const { state, ordered, paid, since } = purchase;
  return { request, state, amount: state === 'captured' ? paid : ordered, timestamp: since };
}
