import { Command } from 'commander';
import type { OperatorHome } from '../../identity/load-home.ts';
import { cashProtocol } from '../../roles/cash/messages.ts';
import { RoleClient } from '../../roles/common/role-client.ts';
import {
  type PayoutReport,
  WINDOW_PAYOUTS_PAGE_MAX,
  type WindowReport,
} from '../../roles/management/payout-messages.ts';
import { formatSigned } from '../../shared/amount.ts';
import { id } from '../../shared/id.ts';
import { withRole } from '../connect.ts';
import { ExitCode } from '../exit-codes.ts';
import { formatId, formatTimestamp, parseId } from '../files/fields.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import { answered, type Management, printable, withManagement } from '../management.ts';
import { jsonText, type Output, tableText } from '../output.ts';
import { allWindows, fromBank, fromCash, fromSettlement, windowOfCash } from '../payouts/collect.ts';
import { type Reconciliation, reconcile, type WindowOfCash } from '../payouts/reconcile.ts';

interface Options extends HomeOptions {
  readonly json?: boolean;
}

interface ReconcileOptions extends Options {
  readonly statement?: readonly string[];
}

const WINDOW_HELP = "the window's number: decimal, 0x and hex digits, or a UUID";

export function payoutCommand(output: Output, exit: (code: ExitCode) => void): Command {
  const payout = new Command('payout')
    .description('Pay shops out: close a settlement window, show what became of it, compare it with the bank')
    .addHelpText(
      'after',
      `
Examples:
  $ specie payout close
  $ specie payout list
  $ specie payout show 0x0190f3c0a1b200010203040506070809
  $ specie payout reconcile`,
    );
  const commands = [
    closeCommand(output),
    listCommand(output),
    showCommand(output),
    reconcileCommand(output, exit),
  ];
  for (const command of commands) {
    payout.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return payout;
}

function closeCommand(output: Output): Command {
  return withHome(new Command('close'))
    .description('Close the settlement window: everything up to now is booked and paid out')
    .option('--window <id>', 'its number, to ask again after a lost answer (default: a new one)')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Purchases go on meanwhile: what comes after the close is in the next window. The one before must be booked.`,
    )
    .action((options: Options & { readonly window?: string }) => {
      const window = options.window === undefined ? id() : parseId(options.window);
      return withManagement(options, output, async (management, { configuration }) => {
        const currency = configuration.currency.ledger;
        output.note(`window ${formatId(window)}`);
        const { state } = answered(await management.call('close_window', { window, currency }));
        output.write(
          options.json
            ? jsonText({ window: formatId(window), state })
            : `window ${formatId(window)}: ${state.replaceAll('_', ' ')}\n`,
        );
      });
    });
}

function listCommand(output: Output): Command {
  return withHome(new Command('list'))
    .description('List the settlement windows: when each was closed, where it stands, what it pays out')
    .option('--json', 'print one JSON object')
    .action((options: Options) =>
      withManagement(options, output, async (management, operator) => {
        const windows = await allWindows(management);
        output.write(
          options.json ? jsonText({ windows: windows.map(plainWindow) }) : windowsText(windows, operator),
        );
      }),
    );
}

function windowsText(windows: readonly WindowReport[], operator: OperatorHome): string {
  return tableText(
    ['window', '>number', 'closed', 'state', '>payouts', '>open', '>rejected', '>returned', '>amount'],
    windows.map((report) => [
      formatId(report.window),
      String(report.number),
      report.cutoff === 0n ? '' : formatTimestamp(report.cutoff),
      stateText(report),
      String(report.payouts),
      String(report.open),
      String(report.rejected),
      String(report.returned),
      moneyText(report.amount, report.currency, operator),
    ]),
  );
}

function showCommand(output: Output): Command {
  return withHome(new Command('show'))
    .description("Show a window: each shop's sales, refunds, fee and payout, and what became of that")
    .argument('<window>', WINDOW_HELP)
    .option('--json', 'print one JSON object')
    .action((text: string, options: Options) => {
      const window = parseId(text);
      return withManagement(options, output, async (management, operator) => {
        const { report, payouts } = await windowOf(management, window);
        const books =
          report.number === 0n
            ? undefined
            : await withRole(operator, 'cash', output, (transport) =>
                windowOfCash(new RoleClient({ protocol: cashProtocol, transport }), window),
              );
        output.write(
          options.json
            ? jsonText({ ...plainWindow(report), shops: plainShops(books, payouts) })
            : windowsText([report], operator) + shopsText(books, payouts, operator),
        );
      });
    });
}

async function windowOf(
  management: Management,
  window: bigint,
): Promise<{ report: WindowReport; payouts: ReadonlyMap<bigint, PayoutReport> }> {
  const payouts = new Map<bigint, PayoutReport>();
  for (let after: bigint | undefined; ; ) {
    const call = await management.call('show_window', { window, after, limit: WINDOW_PAYOUTS_PAGE_MAX });
    const page = answered(call);
    for (const payout of page.payouts) payouts.set(payout.payout, payout);
    if (page.payouts.length < WINDOW_PAYOUTS_PAGE_MAX) return { report: page.window, payouts };
    after = page.payouts.at(-1)!.payout;
  }
}

function shopsText(
  books: WindowOfCash | undefined,
  payouts: ReadonlyMap<bigint, PayoutReport>,
  operator: OperatorHome,
): string {
  if (books === undefined) return '';
  const money = (amount: bigint): string => moneyText(amount, books.currency, operator);
  return `\n${tableText(
    [
      'shop',
      '>carried in',
      '>sales',
      '>refunds',
      '>returned',
      '>fee',
      '>payout',
      '>carried out',
      'state',
      'reason',
    ],
    books.positions.map((position) => {
      const { shop, carriedIn, sales, refunds, returned, fee, amount, carriedOut, payout, standing } =
        position;
      const known = payouts.get(payout);
      return [
        formatId(shop),
        ...[carriedIn, sales, refunds, returned, fee, amount, carriedOut].map(money),
        (known?.standing ?? standing).replaceAll('_', ' '),
        printable(known?.reason ?? position.problem),
      ];
    }),
  )}`;
}

function plainShops(books: WindowOfCash | undefined, payouts: ReadonlyMap<bigint, PayoutReport>) {
  return (books?.positions ?? []).map(({ shop, payout, standing, ...amounts }) => {
    const known = payouts.get(payout);
    return {
      shop: formatId(shop),
      ...amounts,
      ...(payout !== 0n && { payout: formatId(payout) }),
      state: known?.standing ?? standing,
      ...(known !== undefined && { reason: known.reason, institutionReference: known.institutionReference }),
    };
  });
}

function reconcileCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withHome(new Command('reconcile'))
    .description(
      "Compare cash's bookings, settlement's outcomes and the bank's statement, and list every difference",
    )
    .option(
      '--statement <file>',
      'a camt.053 or camt.054 of the bank (repeatable; - is standard input); left out: the bank is asked',
      (text: string, list: readonly string[] = []) => [...list, text],
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Statements from files must be all of them, each once, and newer than the last booking at cash. Payouts that are under way
are counted and are no difference.`,
    )
    .action((options: ReconcileOptions) =>
      withManagement(options, output, async (management, operator) => {
        const windows = await allWindows(management);
        const books = await fromCash(operator, windows, output);
        const receipts = await fromSettlement(operator, output);
        const entries = await fromBank(operator, options.statement);
        const result = reconcile({ ...books, receipts, entries });
        output.write(options.json ? jsonText(result) : reconciliationText(result, windows.length));
        if (result.differences.length > 0) exit(ExitCode.check_failed);
      }),
    );
}

function reconciliationText({ payouts, underWay, differences }: Reconciliation, windows: number): string {
  const summary = `${windows} windows, ${payouts} payouts, ${underWay} under way, ${differences.length} differences\n`;
  if (differences.length === 0) return summary;
  const rows = differences.map(({ payout, problem, expected, got }) => [
    printable(payout),
    problem,
    expected,
    got,
  ]);
  return summary + tableText(['payout', 'what differs', 'expected', 'got'], rows);
}

function stateText({ state, problem }: WindowReport): string {
  return problem === '' ? state : `${state} (${problem.replaceAll('_', ' ')})`;
}

function moneyText(amount: bigint, currency: number, { configuration }: OperatorHome): string {
  const known = configuration.currencies.ofLedger(currency);
  return `${formatSigned(amount, known)} ${known.code}`;
}

function plainWindow({ window, from, cutoff, ...rest }: WindowReport) {
  return {
    window: formatId(window),
    ...rest,
    from: formatTimestamp(from),
    cutoff: formatTimestamp(cutoff),
  };
}
