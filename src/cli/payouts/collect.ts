// Asks cash, settlement and the bank what they have of payouts.
import { readFileSync } from 'node:fs';
import type { OperatorHome } from '../../identity/load-home.ts';
import { PaymentsLink } from '../../institution/payments-link.ts';
import { type Entry, type EntryTransaction, readAccountReport } from '../../iso20022/index.ts';
import { systemAccountId } from '../../roles/cash/accounts.ts';
import { cashProtocol } from '../../roles/cash/messages.ts';
import type { ReportedPosition } from '../../roles/cash/payout-messages.ts';
import { type CallResult, RoleClient } from '../../roles/common/role-client.ts';
import type { PayoutReceipt } from '../../roles/documents/payout.ts';
import type { WindowReport } from '../../roles/management/payout-messages.ts';
import { WINDOWS_PAGE_MAX } from '../../roles/management/payout-messages.ts';
import { settlementProtocol } from '../../roles/settlement/messages.ts';
import { OUTCOMES_PAGE_MAX } from '../../roles/settlement/payout-messages.ts';
import type { Currencies } from '../../shared/currency.ts';
import { withRole } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { answered, type Management } from '../management.ts';
import type { Output } from '../output.ts';
import type { BankEntry, ReconcileInput, WindowOfCash } from './reconcile.ts';

export async function allWindows(management: Management): Promise<WindowReport[]> {
  const windows: WindowReport[] = [];
  for (let after: bigint | undefined; ; after = windows.at(-1)!.window) {
    const page = answered(await management.call('list_windows', { after, limit: WINDOWS_PAGE_MAX }));
    windows.push(...page.windows);
    if (page.windows.length < WINDOWS_PAGE_MAX) return windows;
  }
}

/** Cash's books of these windows, and what stands in clearing. */
export function fromCash(
  operator: OperatorHome,
  windows: readonly WindowReport[],
  output: Output,
): Promise<Pick<ReconcileInput, 'windows' | 'clearing'>> {
  return withRole(operator, 'cash', output, async (client) => {
    const cash = new RoleClient({ protocol: cashProtocol, transport: client });
    const currencies = [...new Set(windows.map(({ currency }) => currency))];
    const balances = async (): Promise<Map<number, bigint>> => {
      const accounts = await client.lookupAccounts(
        currencies.map((currency) => systemAccountId('clearing', currency)),
      );
      return new Map(
        accounts.map((account) => [account.ledger, account.creditsPosted - account.debitsPosted]),
      );
    };
    const books = async (): Promise<WindowOfCash[]> => {
      const found: WindowOfCash[] = [];
      // Of one that is still closing, cash may not know.
      for (const { window, number } of windows) if (number > 0n) found.push(await windowOfCash(cash, window));
      return found.sort((left, right) => (left.cutoff < right.cutoff ? -1 : 1));
    };
    // Cash goes on with its work: the balances are of the books where nothing has changed in between.
    for (let tries = TRIES_MAX; ; tries--) {
      const before = currencies.length === 0 ? new Map() : await balances();
      const read = await books();
      const after = currencies.length === 0 ? new Map() : await balances();
      const isQuiet = [...before].every(([currency, balance]) => after.get(currency) === balance);
      if (isQuiet || tries === 1) return { windows: read, clearing: after };
    }
  });
}

const TRIES_MAX = 5;

type Cash = RoleClient<(typeof cashProtocol)['operations']>;

export async function windowOfCash(cash: Cash, window: bigint): Promise<WindowOfCash> {
  const positions: ReportedPosition[] = [];
  for (let after: bigint | undefined; ; ) {
    const page = heard('cash', await cash.call('window_report', { window, after }));
    const { positions: more, next, ...rest } = page;
    positions.push(...more);
    if (next === undefined) return { window, ...rest, positions };
    after = next;
  }
}

export function fromSettlement(operator: OperatorHome, output: Output): Promise<PayoutReceipt[]> {
  return withRole(operator, 'settlement', output, async (transport) => {
    const settlement = new RoleClient({ protocol: settlementProtocol, transport });
    const receipts: PayoutReceipt[] = [];
    for (;;) {
      const after = BigInt(receipts.length);
      const call = await settlement.call('list_outcomes', { after, limit: OUTCOMES_PAGE_MAX });
      const page = heard('settlement', call).receipts;
      receipts.push(...page.map(({ document }) => document));
      if (page.length < OUTCOMES_PAGE_MAX) return receipts;
    }
  });
}

/** The bank's bookings: asked for where settlement asks, or from files. @throws CommandError */
export async function fromBank(
  { configuration: { institution, currencies } }: OperatorHome,
  files: readonly string[] | undefined,
): Promise<BankEntry[]> {
  const { host, port, account } = institution.payments;
  if (files !== undefined)
    return files.flatMap((file) => entriesOf(readFileSync(file === '-' ? 0 : file), account, currencies));
  const link = new PaymentsLink({ host, port });
  const entries: BankEntry[] = [];
  try {
    for (let after = 0n; ; ) {
      const page = await link.statements(after);
      if (page.kind === 'unknown') {
        const place = `${host}:${port}`;
        throw new CommandError(
          `${place}: expected the bank's statement, got: ${page.why}`,
          ExitCode.unreachable,
        );
      }
      for (const document of page.documents) entries.push(...entriesOf(document, account, currencies));
      if (page.next <= after) return entries;
      after = page.next;
    }
  } finally {
    await link.close();
  }
}

function entriesOf(document: Uint8Array, account: string, currencies: Currencies): BankEntry[] {
  const { reports } = readAccountReport(document, { currencies });
  return reports.flatMap((report) => {
    if (report.account.id !== account)
      throw new CommandError(`statement ${report.id}: expected one of the operator's account, got another's`);
    const [finding] = report.findings ?? [];
    if (finding !== undefined)
      throw new CommandError(
        `statement ${report.id}: ${finding.path}: ${finding.problem}`,
        ExitCode.check_failed,
      );
    return report.entries
      .filter(({ status }) => status === 'BOOK')
      .flatMap((entry) =>
        entry.transactions.flatMap((transaction) => entryOf(entry, transaction, currencies)),
      );
  });
}

/** Credits that are no returns are other money. */
function entryOf(entry: Entry, transaction: EntryTransaction, currencies: Currencies): BankEntry[] {
  const { endToEndId = '', money = entry, side = entry.side, returned } = transaction;
  if (side === 'credit' && returned === undefined && !entry.reversal) return [];
  const currency = currencies.parse(money.currency).ledger;
  return [{ endToEndId, side, amount: money.amount, currency }];
}

function heard<Answer>(role: string, result: CallResult<Answer>): Answer {
  if (result.kind === 'ok') return result.answer;
  if (result.kind === 'refused')
    throw new CommandError(`${role}: ${result.refusal.message}`, ExitCode.refused);
  throw new CommandError(`${role}: expected an answer, got none: ${result.reason}`, ExitCode.unreachable);
}
