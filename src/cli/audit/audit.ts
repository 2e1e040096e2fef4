// The audit from end to end: asks everyone, compares, and puts it into words.
import type { OperatorHome } from '../../identity/load-home.ts';
import { formatSigned } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import type { WalletStorage } from '../../wallet/core/ports.ts';
import { withRole } from '../connect.ts';
import { formatId } from '../files/fields.ts';
import { grouped, type Output } from '../output.ts';
import type { AuditInput, Book } from './books.ts';
import { fromCash, fromInstitution, fromManagement, fromSettlement } from './collect.ts';
import { type AuditResult, compare } from './compare.ts';
import { fromWallets } from './wallets.ts';

export interface AuditSources {
  readonly operator: OperatorHome;
  /** Lines of the institution's statement; undefined: it is not asked. */
  readonly statement: Iterable<string> | undefined;
  readonly wallets: Iterable<WalletStorage>;
  /** Whether these are all wallets that there are. */
  readonly allWallets: boolean;
}

export interface AuditReport extends AuditResult {
  readonly devices: number;
  readonly loads: { readonly [party in Book['party']]?: number };
  /** Minor units. */
  readonly float: bigint;
}

export async function runAudit(sources: AuditSources, output: Output): Promise<AuditReport> {
  const { operator, statement, allWallets } = sources;
  const currency = operator.configuration.currency.ledger;
  // The institution first and the wallets last: what moves meanwhile is then open for somebody, not missing.
  const institution = statement === undefined ? [] : [fromInstitution(statement)];
  const settlement = await withRole(operator, 'settlement', output, fromSettlement);
  const management = await withRole(operator, 'management', output, fromManagement);
  const devices = management.devices.map(({ device }) => device);
  const cash = await withRole(operator, 'cash', output, (client) => fromCash(client, currency, devices));
  const wallets = await fromWallets(sources.wallets);
  const books = [wallets.book, management.book, settlement, cash.book, ...institution];
  const input: AuditInput = {
    books,
    balancesAtCash: cash.balances,
    balancesInWallets: wallets.balances,
    floatAtCash: cash.float,
    ledgerTotals: cash.totals,
    allWallets,
  };
  const result = compare(input);
  const own = {
    name: "each wallet's balance is the sum of its receipts",
    compared: wallets.balances.length,
    findings: wallets.faults.map((text) => ({ request: 0n, text })),
  };
  return {
    ...result,
    checks: [...result.checks, own],
    passed: result.passed && own.findings.length === 0,
    devices: devices.length,
    loads: Object.fromEntries(
      books.map(({ party, statements }) => [
        party,
        statements.filter(({ standing }) => standing === 'done').length,
      ]),
    ),
    float: cash.float.get(currency) ?? 0n,
  };
}

const EXAMPLES_MAX = 10;

export function auditText(report: AuditReport, currency: Currency): string {
  const lines = [
    `devices      ${grouped(report.devices)}, which have ${formatSigned(report.float, currency)} ${currency.code}`,
    `loads done   ${Object.entries(report.loads)
      .map(([party, count]) => `${party} ${grouped(count)}`)
      .join(', ')}`,
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
