import { Command } from 'commander';
import { REPORTS_PAGE_MAX, type RequestReport } from '../../roles/common/request-report.ts';
import { SHOPS_PAGE_MAX, type ShopReport } from '../../roles/management/messages.ts';
import { formatSigned } from '../../shared/amount.ts';
import { formatId, formatTimestamp, parseId } from '../files/fields.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import {
  answered,
  checkReason,
  hex,
  printable,
  REASON_HELP,
  untilDone,
  withManagement,
} from '../management.ts';
import { jsonText, type Output, tableText } from '../output.ts';

interface Options extends HomeOptions {
  readonly json?: boolean;
}

interface CloseOptions extends Options {
  readonly reason: string;
}

const SHOP_HELP = "the shop's number: decimal, 0x and hex digits, or a UUID";

export function shopsCommand(output: Output): Command {
  const shops = new Command('shops')
    .description('Show the shops; approve one that has applied, close one')
    .addHelpText(
      'after',
      `
Examples:
  $ specie shops list
  $ specie shops approve 0x0190f3c0a1b200010203040506070809
  $ specie shops close 0x0190f3c0a1b200010203040506070809 --reason "lease ended"`,
    );
  const commands = [listCommand(output), approveCommand(output), closeCommand(output), tradesCommand(output)];
  for (const command of commands) {
    shops.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return shops;
}

function listCommand(output: Output): Command {
  return withHome(new Command('list'))
    .description(
      'List every shop: its name, since when, and whether it waits for approval, is open or closed',
    )
    .option('--json', 'print one JSON object')
    .action((options: Options) =>
      withManagement(options, output, async (management) => {
        const shops: ShopReport[] = [];
        for (let after: bigint | undefined; ; after = shops.at(-1)!.shop) {
          const page = answered(await management.call('list_shops', { after, limit: SHOPS_PAGE_MAX }));
          shops.push(...page.shops);
          if (page.shops.length === 0) break;
        }
        output.write(
          options.json
            ? jsonText({ shops: shops.map(plain) })
            : tableText(
                ['shop', 'since', 'state', 'name'],
                shops.map(({ shop, enrolledAt, state, name }) => [
                  formatId(shop),
                  formatTimestamp(enrolledAt),
                  state.replaceAll('_', ' '),
                  printable(name),
                ]),
              ),
        );
      }),
    );
}

function approveCommand(output: Output): Command {
  return withHome(new Command('approve'))
    .description(
      'Let a shop that has applied become one: its account at cash is opened, it gets its certificate',
    )
    .argument('<shop>', SHOP_HELP)
    .option('--json', 'print one JSON object')
    .action((text: string, options: Options) => {
      const shop = parseId(text);
      return withManagement(options, output, async (management) => {
        const { approvedAt } = answered(await management.call('approve_shop', { shop }));
        output.write(
          options.json
            ? jsonText({ shop: formatId(shop), approvedAt: formatTimestamp(approvedAt) })
            : `shop ${formatId(shop)}: approved at ${formatTimestamp(approvedAt)}\n`,
        );
      });
    });
}

function closeCommand(output: Output): Command {
  return withHome(new Command('close'))
    .description('Take no more purchases of a shop, or turn down one that has applied. There is no way back')
    .argument('<shop>', SHOP_HELP)
    .option('--reason <text>', REASON_HELP, 'by an operator')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Management refuses it at once; cash, which shops may reach without management, is told until it knows. What
the shop has earned is still paid out.`,
    )
    .action((text: string, options: CloseOptions) => {
      const shop = parseId(text);
      const reason = checkReason(options.reason);
      return withManagement(options, output, async (management) => {
        const { closedAt } = await untilDone(
          async () => answered(await management.call('close_shop', { shop, reason })),
          'management takes nothing of the shop any more, and tells cash until it knows',
        );
        output.write(
          options.json
            ? jsonText({ shop: formatId(shop), closedAt: formatTimestamp(closedAt) })
            : `shop ${formatId(shop)}: closed since ${formatTimestamp(closedAt)}\n`,
        );
      });
    });
}

function tradesCommand(output: Output): Command {
  return withHome(new Command('trades'))
    .description('List the purchases at a shop and what it ordered later, as management knows them')
    .argument('<shop>', SHOP_HELP)
    .option('--json', 'print one JSON object')
    .action((text: string, options: Options) => {
      const shop = parseId(text);
      return withManagement(options, output, async (management, { configuration: { currencies } }) => {
        const reports: RequestReport[] = [];
        for (let after: bigint | undefined; ; after = reports.at(-1)!.request) {
          const page = answered(
            await management.call('list_shop_requests', { shop, after, limit: REPORTS_PAGE_MAX }),
          );
          reports.push(...page.reports);
          if (page.reports.length === 0) break;
        }
        output.write(
          options.json
            ? jsonText({ shop: formatId(shop), trades: reports.map(plainTrade) })
            : tableText(
                ['request', 'at', 'what', 'state', 'amount'],
                reports.map(({ request, createdAt, kind, state, amount, currency }) => {
                  const money = currencies.ofLedger(currency);
                  const shown = `${formatSigned(amount, money)} ${money.code}`;
                  return [formatId(request), formatTimestamp(createdAt), kind, state, shown];
                }),
              ),
        );
      });
    });
}

function plain({ shop, name, signingKey, enrolledAt, state }: ShopReport) {
  return {
    shop: formatId(shop),
    name,
    state,
    enrolledAt: formatTimestamp(enrolledAt),
    signingKey: hex(signingKey),
  };
}

function plainTrade({ request, kind, state, createdAt, amount, currency, detail }: RequestReport) {
  return {
    request: formatId(request),
    kind,
    state,
    at: formatTimestamp(createdAt),
    amount,
    currency,
    detail,
  };
}
