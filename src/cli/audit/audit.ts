// The audit from end to end: asks everyone, compares, asks again about what does not agree, and puts it into words.
//
// The roles go on with their work meanwhile, so no two of them are asked at the same moment:
//
//     first   wallets, shops, then institution ▶ settlement ▶ management ▶ cash: with the course of a load, so that whoever comes
//             later in it knows at least of everything that was begun before
//     again   management ▶ cash ▶ settlement ▶ institution: against its course, and only the loads that do not agree. What
//             one has done, those before it in the course had done when they are asked
//
// So of loads that were under way the second answers agree; what still does not is a finding. Wallets and shops are not asked
// again: their stores are not in use while they are read, so that what they have done was done before. Purchases need no
// second look: they are asked for against their course from the first (trades.ts). Nor do notes: gateways' stores, issuer, receiver, cash
// (notes.ts).
import type { OperatorHome } from '../../identity/load-home.ts';
import { MINT_ROLES } from '../../identity/roles.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import type { WindowReport } from '../../roles/management/payout-messages.ts';
import { formatSigned } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import type { WalletStorage } from '../../wallet/core/ports.ts';
import { withRole } from '../connect.ts';
import { formatId } from '../files/fields.ts';
import { grouped, type Output } from '../output.ts';
import {
  fromBank as payoutsOfBank,
  fromCash as payoutsOfCash,
  fromSettlement as payoutsOfSettlement,
} from '../payouts/collect.ts';
import { reconcile } from '../payouts/reconcile.ts';
import type { AuditInput, Book, Statement } from './books.ts';
import {
  fromCash,
  fromCashAgain,
  fromInstitution,
  fromManagement,
  fromManagementAgain,
  fromSettlement,
  fromSettlementAgain,
} from './collect.ts';
import { type AuditCheck, type AuditResult, compare } from './compare.ts';
import { fromGateways } from './gateways.ts';
import {
  compareGateways,
  compareWide,
  fromIssuer,
  fromReceiver,
  type GatewayBooks,
  type GatewayFigures,
  notesAtCash,
  type WideFigures,
} from './notes.ts';
import { comparePurses, type Handovers, type PurseBooks, pursesAtCash } from './purses.ts';
import { fromShops } from './shops.ts';
import { compareTrades, type Trade, type TradeParty } from './trades.ts';
import { fromWallets } from './wallets.ts';

export interface AuditSources {
  readonly operator: OperatorHome;
  /**
   * Lines of the institution's statement, or how to get them: then it is asked a second time, as late as can be. Lines
   * alone are as old as they are. undefined: it is not asked.
   */
  readonly statement: Iterable<string> | (() => Promise<Iterable<string>>) | undefined;
  readonly wallets: Iterable<WalletStorage>;
  /** Whether these are all wallets that there are. */
  readonly allWallets: boolean;
  /** Homes of shops that are not open. */
  readonly shops?: Iterable<string>;
  /** Homes of gateways that are not open. */
  readonly gateways?: Iterable<string>;
  /** false: the operator runs neither issuer nor receiver. */
  readonly notes?: boolean | undefined;
  /** Statements of the bank that pays shops out, camt.053 or camt.054; left out: it is asked, once a window was closed. */
  readonly bank?: readonly string[] | undefined;
  readonly clock?: Clock | undefined;
}

export interface AuditReport extends AuditResult {
  readonly devices: number;
  readonly shops: number;
  readonly loads: { readonly [party in Book['party']]?: number };
  /** What is done for each: purchases, and what shops have ordered about them. */
  readonly trades: { readonly [party in TradeParty]: number };
  /** Of purchases, those that were handed straight to cash. */
  readonly direct: number;
  /** Payments from purse to purse, as their payers' wallets have them; left out where none has a purse. */
  readonly handovers?: Handovers;
  /** Of shops, those that have an outcome. */
  readonly payouts: number;
  /** Left out where nobody was asked about notes. */
  readonly notes?: WideFigures;
  readonly gateways: readonly GatewayFigures[];
  /** Minor units. */
  readonly float: bigint;
}

/** The roles carry no more loads through at once: what does not agree beyond that is not on its way. */
const ASKED_AGAIN_MAX = 100_000;

export async function runAudit(sources: AuditSources, output: Output): Promise<AuditReport> {
  const { operator, statement, allWallets, clock = systemClock } = sources;
  const currency = operator.configuration.currency.ledger;
  const began = clock();
  const wallets = await fromWallets(sources.wallets);
  const shops = await fromShops(sources.shops ?? []);
  const gateways = await fromGateways(sources.gateways ?? []);
  const notes = await comparedNotes(sources, gateways, output);
  const lines = typeof statement === 'function' ? await statement() : statement;
  const institution = lines === undefined ? undefined : fromInstitution(lines);
  const settlement = await withRole(operator, 'settlement', output, fromSettlement);
  const management = await withRole(operator, 'management', output, fromManagement);
  const devices = management.devices.map(({ device }) => device);
  const question = {
    currency,
    devices,
    shops: management.shops.map(({ shop }) => shop),
    wallets: wallets.balances,
  };
  const cash = await withRole(operator, 'cash', output, (client) => fromCash(client, question));
  const purses = await comparedPurses(sources, wallets.purses, output);
  const first: AuditInput = {
    now: clock(),
    books: [
      wallets.book,
      management.book,
      settlement,
      cash.book,
      ...(institution === undefined ? [] : [institution]),
    ],
    statementEnd: typeof statement === 'function' ? undefined : endOf(institution),
    balancesAtCash: cash.balances,
    balancesOfOthers: cash.others,
    movedMeanwhile: cash.movedMeanwhile,
    balancesInWallets: wallets.balances,
    unheard: cash.unheard,
    outflows: cash.outflows,
    balancesRead: cash.read,
    floatAtCash: cash.float,
    ledgerTotals: cash.totals,
    allWallets,
  };
  const input = await askedAgain(first, sources, output);
  const { books } = input;
  const result = compare(input);
  const said = {
    cash: cash.trades,
    management: management.trades,
    shop: shops.trades,
    wallet: wallets.trades,
  };
  const trades = compareTrades({ began, books: said, shops: shops.shops, endsInWallets: wallets.ends });
  const payouts = await comparePayouts(sources, management.windows, output);
  const own = {
    name: "each wallet's balance is the sum of its receipts",
    compared: wallets.balances.length,
    findings: wallets.faults.map((text) => ({ request: 0n, text })),
  };
  return {
    checks: [...result.checks, ...trades.checks, ...purses.checks, payouts.check, ...notes.checks, own],
    open: [...result.open, ...trades.open, ...notes.open],
    passed:
      [result, trades].every(({ passed }) => passed) &&
      [...purses.checks, payouts.check, ...notes.checks, own].every(isRight),
    devices: devices.length,
    shops: management.shops.length,
    loads: Object.fromEntries(books.map(({ party, statements }) => [party, done(statements)])),
    trades: {
      cash: done(cash.trades),
      management: done(management.trades),
      shop: done(shops.trades),
      wallet: done(wallets.trades),
    },
    direct: trades.direct,
    ...(purses.handovers && { handovers: purses.handovers }),
    payouts: payouts.done,
    ...(notes.figures && { notes: notes.figures }),
    gateways: notes.gateways,
    float: cash.float.get(currency) ?? 0n,
  };
}

async function comparedNotes(
  { operator, notes = true, clock = systemClock }: AuditSources,
  gateways: readonly GatewayBooks[],
  output: Output,
): Promise<{
  readonly checks: readonly AuditCheck[];
  readonly open: readonly bigint[];
  readonly figures: WideFigures | undefined;
  readonly gateways: readonly GatewayFigures[];
}> {
  // A system of before notes has nobody to ask.
  const isListed = MINT_ROLES.every((role) => operator.directory.role(role) !== undefined);
  if (!notes || !isListed) return { checks: [], open: [], figures: undefined, gateways: [] };
  const currency = operator.configuration.currency.ledger;
  const began = clock();
  const issuer = await withRole(operator, 'issuer', output, (client) => fromIssuer(client, currency));
  const receiver = await withRole(operator, 'receiver', output, (client) => fromReceiver(client, currency));
  const cash = await withRole(operator, 'cash', output, (client) => notesAtCash(client, currency, gateways));
  const wide = compareWide({ began, issuer, receiver, cash });
  const local = compareGateways(gateways, cash);
  return {
    checks: [...wide.checks, ...(gateways.length === 0 ? [] : local.checks)],
    ...{ open: wide.open, figures: wide.figures, gateways: local.figures },
  };
}

/** A check only where there is something to compare: most wallets have no purse. */
async function comparedPurses(
  { operator }: AuditSources,
  books: readonly PurseBooks[],
  output: Output,
): Promise<{ readonly checks: readonly AuditCheck[]; readonly handovers: Handovers | undefined }> {
  if (books.length === 0) return { checks: [], handovers: undefined };
  const atCash = await withRole(operator, 'cash', output, (client) => pursesAtCash(client, books));
  const { check, handovers } = comparePurses(books, atCash);
  return { checks: [check], handovers };
}

const isRight = ({ findings }: AuditCheck): boolean => findings.length === 0;

/** What is under way at cash, and known to those behind it already, is no finding. */
async function comparePayouts(
  { operator, bank }: AuditSources,
  windows: readonly WindowReport[],
  output: Output,
): Promise<{ readonly check: AuditCheck; readonly done: number }> {
  const name = 'cash, settlement and the bank have the same payouts, and clearing what is under way';
  if (windows.length === 0) return { check: { name, compared: 0, findings: [] }, done: 0 };
  const cash = await payoutsOfCash(operator, windows, output);
  const receipts = await payoutsOfSettlement(operator, output);
  const entries = await payoutsOfBank(operator, bank);
  const { payouts, underWay, differences } = reconcile({ ...cash, receipts, entries });
  const findings = differences.map(({ payout, problem, expected, got }) => ({
    request: 0n,
    text: `${payout === '' ? '' : `${payout}: `}${problem}: expected ${expected}, got ${got}`,
  }));
  return { check: { name, compared: payouts, findings }, done: payouts - underWay };
}

function done(said: readonly Pick<Trade, 'standing'>[]): number {
  return said.reduce((count, { standing }) => (standing === 'done' ? count + 1 : count), 0);
}

/** With what the roles and the institution say now of loads that did not agree. */
async function askedAgain(
  input: AuditInput,
  { operator, statement }: AuditSources,
  output: Output,
): Promise<AuditInput> {
  const findings = compare(input).checks.flatMap((check) => check.findings);
  const requests = new Set(findings.map(({ request }) => request).filter((request) => request !== 0n));
  if (requests.size === 0 || requests.size > ASKED_AGAIN_MAX) return input;
  const ids = [...requests];
  const answers = new Map<Book['party'], readonly Statement[]>();
  answers.set(
    'management',
    await withRole(operator, 'management', output, (client) => fromManagementAgain(client, ids)),
  );
  answers.set('cash', await withRole(operator, 'cash', output, (client) => fromCashAgain(client, ids)));
  answers.set(
    'settlement',
    await withRole(operator, 'settlement', output, (client) => fromSettlementAgain(client, ids)),
  );
  if (typeof statement === 'function') {
    const { statements } = fromInstitution(await statement());
    answers.set(
      'institution',
      statements.filter(({ request }) => requests.has(request)),
    );
  }
  const books = input.books.map(({ party, statements }) => {
    const answer = answers.get(party);
    return answer === undefined ? { party, statements } : { party, statements: replaced(statements, answer) };
  });
  return { ...input, books };
}

/**
 * What a party has said before, with what it says now. Nobody takes back a load: where nothing is said now, the first word
 * stays; and one that was said twice stays there twice.
 */
function replaced(before: readonly Statement[], now: readonly Statement[]): Statement[] {
  const answers = new Map(now.map((statement) => [statement.request, statement]));
  const known = new Set(before.map(({ request }) => request));
  return [
    ...before.map((statement) => answers.get(statement.request) ?? statement),
    ...now.filter(({ request }) => !known.has(request)),
  ];
}

/** When the last entry was booked; undefined: entries have no times. */
function endOf(institution: Book | undefined): bigint | undefined {
  const end = institution?.statements.reduce((last, { at }) => (at > last ? at : last), 0n);
  return end === 0n ? undefined : end;
}

const EXAMPLES_MAX = 10;

function handoversText({ sent, settled, unreported, inDoubt }: Handovers): string {
  const doubt = inDoubt === 0 ? '' : ` (${grouped(inDoubt)} in doubt)`;
  return `offline      sent ${grouped(sent)}, settled ${grouped(settled)}, not reported yet ${grouped(unreported)}${doubt}`;
}

function notesLines({ notes, gateways }: AuditReport, currency: Currency): string[] {
  const money = (value: bigint): string => `${formatSigned(value, currency)} ${currency.code}`;
  return [
    ...(notes === undefined
      ? []
      : [
          `notes        ${money(notes.atCash)} at cash; out ${money(notes.out)}, paid and not minted ${money(notes.unminted)}`,
        ]),
    ...gateways.map(
      ({ organisation, outstanding, own, atCash, beyond }) =>
        `gateway      ${organisation}: local notes out ${money(outstanding)}, its own ${money(own)}; ` +
        `${money(atCash)} at cash, ${money(beyond)} beyond what it counts`,
    ),
  ];
}

export function auditText(report: AuditReport, currency: Currency): string {
  const lines = [
    `devices      ${grouped(report.devices)}`,
    `shops        ${grouped(report.shops)}`,
    `float        ${formatSigned(report.float, currency)} ${currency.code}`,
    `loads done   ${Object.entries(report.loads)
      .map(([party, count]) => `${party} ${grouped(count)}`)
      .join(', ')}`,
    `trades done  ${Object.entries(report.trades)
      .map(([party, count]) => `${party} ${grouped(count)}`)
      .join(', ')}; straight at cash ${grouped(report.direct)}`,
    `payouts      ${grouped(report.payouts)}`,
    ...(report.handovers === undefined ? [] : [handoversText(report.handovers)]),
    ...notesLines(report, currency),
    `under way    ${grouped(report.open.length)}`,
  ];
  for (const { name, compared, findings } of report.checks) {
    lines.push(`${findings.length === 0 ? 'ok    ' : 'WRONG '} ${name} (${grouped(compared)} compared)`);
    for (const { request, text } of findings.slice(0, EXAMPLES_MAX)) {
      lines.push(`         ${request === 0n ? '' : `request ${formatId(request)}: `}${text}`);
    }
    if (findings.length > EXAMPLES_MAX)
      lines.push(`         and ${grouped(findings.length - EXAMPLES_MAX)} more`);
  }
  return `${lines.join('\n')}\n`;
}
