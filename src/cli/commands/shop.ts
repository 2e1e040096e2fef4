// `specie shop`: a shop on this machine. docs/shop.md.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { PortError } from '../../channel/server.ts';
import { chosenPassphrase, passphraseSource } from '../../identity/ask-passphrase.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { amountOf, formatAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import {
  askDesk,
  askForCertificate,
  atDesk,
  currencyOf,
  type DayTotals,
  type DeskCommand,
  type DeskReply,
  makeShop,
  openShop,
  SHOP_HOME_DEFAULT,
  ShopError,
  type ShopErrorCode,
  ShopHome,
} from '../../shop/index.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId, formatTimestamp, parseId } from '../files/fields.ts';
import { passphraseOptions, withHomeErrors } from '../home-options.ts';
import { argument, wholeNumber } from '../options.ts';
import { jsonText, type Output, tableText } from '../output.ts';
import { serverLog, untilStopped } from '../start/until-stopped.ts';
import { accountNumber } from '../wallet/account-number.ts';

interface Options {
  readonly home: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

type Exit = (code: ExitCode) => void;

const PATIENCE_SECONDS_DEFAULT = 60;
const SECONDS_MAX = 31 * 86_400;
const PAGE = 1_024;
/** Of sales that a command makes, unless `--till` says otherwise. */
const TILL_DEFAULT = 'desk';

export function shopCommand(exit: Exit, output: Output): Command {
  const shop = new Command('shop')
    .description('A shop: enrol, sell, give back, see what was sold')
    .addHelpText(
      'after',
      `
Examples:
  $ specie shop enrol --directory specie-home/directory.json --root SHA256:… --name Kiosk --account
  $ specie shop start
  $ specie shop charge coffee=2 cake
  $ specie shop refund 0x0190f3c0a1b200010203040506070809 2.80
  $ specie shop totals

docs/shop.md says what is stored, and how a till is programmed.`,
    );
  const commands = [
    enrolCommand(output),
    startCommand(exit),
    cardCommand(output),
    chargeCommand(output),
    sellNotesCommand(output),
    orderCommand('refund', 'Give back all or a part of what was paid', output),
    orderCommand('capture', 'Take all or a part of what is reserved; the rest is released', output),
    orderCommand('void', 'Release what is reserved', output),
    salesCommand(output),
    totalsCommand(output),
    catalogueCommand(output),
  ];
  for (const command of commands) {
    shop.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return shop;
}

function withShop(command: Command): Command {
  return command
    .addOption(
      new Option('--home <folder>', 'where the shop is').default(SHOP_HOME_DEFAULT).env('SPECIE_SHOP'),
    )
    .option(
      '--passphrase-file <path>',
      'a file with the passphrase of the keys; otherwise SPECIE_PASSPHRASE, or it is asked for',
    )
    .option('--json', 'print JSON; amounts are in minor units');
}

const withTill = (command: Command): Command =>
  withShop(command).option('--till <name>', 'the till that the sale is of', TILL_DEFAULT);

const EXIT_CODES: { readonly [code in ShopErrorCode]: ExitCode } = {
  invalid_argument: ExitCode.failed,
  shop_missing: ExitCode.failed,
  shop_exists: ExitCode.failed,
  shop_locked: ExitCode.in_use,
  shop_closed: ExitCode.unreachable,
  shop_damaged: ExitCode.damaged,
  storage_failed: ExitCode.failed,
  catalogue_invalid: ExitCode.failed,
  directory_invalid: ExitCode.damaged,
  article_unknown: ExitCode.failed,
  quote_unknown: ExitCode.refused,
  not_offered: ExitCode.failed,
  offer_expired: ExitCode.refused,
  offer_cancelled: ExitCode.refused,
  too_many_open: ExitCode.failed,
  purchase_unknown: ExitCode.refused,
  wrong_state: ExitCode.refused,
  exceeds_rest: ExitCode.refused,
  refused: ExitCode.refused,
  unfinished: ExitCode.unreachable,
  unreachable: ExitCode.unreachable,
};

function withShopErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  return withHomeErrors(async () => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PortError)
        throw new CommandError(error.message, ExitCode.in_use, { cause: error });
      if (!(error instanceof ShopError)) throw error;
      throw new CommandError(error.message, EXIT_CODES[error.code], { cause: error });
    }
  });
}

const passphraseOf = (options: Options) => passphraseSource(passphraseOptions(options));

// ── enrol, start ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface EnrolOptions extends Options {
  readonly name: string;
  readonly account: string | true;
  readonly directory: string;
  readonly root: string;
  readonly currency: string;
  readonly host?: string;
  readonly port?: number;
  readonly address?: string;
  readonly passphrase?: boolean;
  readonly patience: number;
}

function enrolCommand(output: Output): Command {
  return withShop(new Command('enrol'))
    .description('Make keys, ask management for a certificate, and wait until an operator approves the shop')
    .requiredOption('--name <text>', 'what customers read')
    .option(
      '--account [number]',
      'where payouts go, an IBAN; without one it is asked for, or read from standard input',
      true,
    )
    .requiredOption('--directory <file>', 'directory.json of the system')
    .requiredOption('--root <fingerprint>', 'of the root key that is trusted, from the operator')
    .option('--currency <currency>', 'a code of ISO 4217, or <number>[=<code>][:<decimal places>]', 'EUR')
    .option('--host <address>', 'where the shop listens for wallets (127.0.0.1)')
    .option('--port <n>', 'TCP port (7190)', wholeNumber(0, 65_535))
    .option('--address <url>', 'where wallets find it, if that is another address')
    .option('--passphrase', 'ask for a passphrase that encrypts the keys')
    .option(
      '--patience <seconds>',
      'how long to wait; the same command goes on',
      wholeNumber(0, SECONDS_MAX),
      PATIENCE_SECONDS_DEFAULT,
    )
    .action((options: EnrolOptions) =>
      withShopErrors(async () => {
        const { home: path, name, directory, root, currency, host, port, address } = options;
        let home = new ShopHome(path, new PrivateFiles());
        if (home.certificate() === undefined && home.enrolment() === undefined) {
          const where = passphraseOptions(options);
          const passphrase = await chosenPassphrase({ ...where, choose: options.passphrase === true });
          home = await makeShop({
            ...{ home: path, name, root, currency },
            account: await accountNumber(options.account, output),
            directory: readFileSync(directory, 'utf8'),
            ...(host !== undefined && { host }),
            ...(port !== undefined && { port }),
            ...(address !== undefined && { address }),
            ...(passphrase !== undefined && { passphrase }),
          });
        }
        const { document } = await askForCertificate(home, {
          passphrase: passphraseOf(options),
          patienceMs: options.patience * 1_000,
          onWaiting: (state, shop) =>
            output.note(
              `${shop === 0n ? 'management' : `shop ${formatId(shop)}`}: ${state.replaceAll('_', ' ')}`,
            ),
        });
        output.write(
          options.json
            ? jsonText({ home: home.path, shop: formatId(document.shop), name: document.name })
            : `shop     ${formatId(document.shop)}\nname     ${document.name}\nuntil    ${formatTimestamp(document.notAfter)}\n${home.cataloguePath} says what it sells; specie shop start opens it\n`,
        );
      }),
    );
}

interface StartOptions extends Options {
  readonly host?: string;
  readonly port?: number;
  readonly logLevel: string;
}

function startCommand(exit: Exit): Command {
  return withShop(new Command('start'))
    .description('Open the shop: wallets can buy, until it is stopped')
    .option('--host <address>', "in place of shop.json's")
    .option('--port <n>', "in place of shop.json's; 0 takes a free one", wholeNumber(0, 65_535))
    .addOption(
      new Option('--log-level <level>', 'least important that is logged')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .env('SPECIE_LOG_LEVEL'),
    )
    .action((options: StartOptions) =>
      withShopErrors(async () => {
        const log = serverLog(options.logLevel);
        const { home, host, port } = options;
        let stop: ((code: ExitCode, reason: string) => void) | undefined;
        const shop = await openShop({
          ...{ home, log, passphrase: passphraseOf(options) },
          failed: (reason) => stop?.(ExitCode.failed, reason),
          ...(host !== undefined && { host }),
          ...(port !== undefined && { port }),
        });
        const stopping = untilStopped(log, () => shop.close(), exit);
        stop = stopping.stop;
        log.info({ url: shop.url, articles: shop.articles.length, open: shop.open }, 'listening');
        await stopping.stopped;
      }),
    );
}

function cardCommand(output: Output): Command {
  return withShop(new Command('card'))
    .description("Print the shop's card: what a wallet takes to find it")
    .action(({ home: path, json }: Options) =>
      withShopErrors(async () => {
        const home = new ShopHome(path, new PrivateFiles());
        const { name } = home.settings();
        if (!home.files.exists(home.cardPath)) {
          throw new CommandError(
            `${home.cardPath}: expected a card, got none: specie shop enrol, or start, writes it`,
          );
        }
        const card = home.files.read(home.cardPath).trim();
        output.write(json ? jsonText({ name, card }) : `${card}\n`);
      }),
    );
}

// ── at the desk ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of the shop that is open, or of its store. @param each called for every reply, as it comes */
async function desk(
  options: Options,
  command: DeskCommand,
  each: (reply: DeskReply, currency: Currency) => void,
): Promise<void> {
  await withShopErrors(async () => {
    const home = new ShopHome(options.home, new PrivateFiles());
    const currency = currencyOf(home.settings().currency);
    const open = await askDesk(home.socketPath, command);
    if (open !== undefined) {
      for await (const reply of open) each(reply, currency);
      return;
    }
    if (command.do === 'charge' || command.do === 'sell_notes') {
      throw new CommandError(
        `${home.path}: expected an open shop, got one that no wallet reaches: specie shop start`,
      );
    }
    const shop = await openShop({ home: options.home, passphrase: passphraseOf(options), serve: false });
    try {
      for await (const reply of atDesk(shop, command)) each(reply, currency);
    } finally {
      await shop.close();
    }
  });
}

const money = (amount: bigint, currency: Currency): string =>
  `${formatAmount(amountOf(amount), currency)} ${currency.code}`;

interface TillOptions extends Options {
  readonly till: string;
}

interface ChargeOptions extends TillOptions {
  readonly reserve?: number;
  readonly seconds?: number;
}

function chargeCommand(output: Output): Command {
  return withTill(new Command('charge'))
    .description('Offer articles to a customer, print what his wallet takes, and wait until they are paid')
    .argument('<article...>', 'article[=quantity][@price]')
    .option('--reserve <seconds>', 'reserve the amount for so long instead', wholeNumber(1, 366 * 86_400))
    .option('--seconds <n>', 'how long the offer stands (300)', wholeNumber(1, 86_400))
    .action(async (articles: readonly string[], options: ChargeOptions) => {
      const { till, reserve, seconds } = options;
      const command: DeskCommand = {
        ...{ do: 'charge', till, lines: articles.map(chargeLine) },
        ...(reserve !== undefined && { reserveSeconds: reserve }),
        ...(seconds !== undefined && { seconds }),
      };
      await desk(options, command, writeCharge(options, output));
    });
}

const writeCharge =
  ({ json }: Options, output: Output) =>
  (reply: DeskReply, currency: Currency): void => {
    if (json) output.write(jsonText(plain(reply)));
    else if ('charge' in reply) {
      const { amount, code, uri } = reply.charge;
      output.write(`to pay   ${money(amount, currency)}\noffer    ${code}\n${uri}\n`);
    } else if ('sale' in reply)
      output.write(`${reply.sale.state.padEnd(9)}${formatId(reply.sale.purchase)}\n`);
  };

interface SellNotesOptions extends Options {
  readonly seconds?: number;
}

function sellNotesCommand(output: Output): Command {
  return withShop(new Command('sell-notes'))
    .description(
      'Sell the notes of a quote: print what the wallet takes to pay it, and wait until it is paid',
    )
    .argument('<quote>', 'of the issuer: `specie terminal withdraw`, or any wallet of Cashu, asks for one')
    .option('--seconds <n>', 'how long the offer stands (300)', wholeNumber(1, 86_400))
    .action(async (quote: string, options: SellNotesOptions) => {
      const { seconds } = options;
      const command: DeskCommand = { do: 'sell_notes', quote, ...(seconds !== undefined && { seconds }) };
      await desk(options, command, writeCharge(options, output));
    });
}

function chargeLine(text: string): { article: string; quantity: number; price?: string } {
  const match = /^([^=@]+)(?:=(\d{1,9}))?(?:@(\d+(?:\.\d+)?))?$/.exec(text);
  if (match === null) throw new CommandError(`article: expected article[=quantity][@price], got ${text}`);
  const [, article, quantity = '1', price] = match;
  return { article: article!, quantity: Number(quantity), ...(price !== undefined && { price }) };
}

/** As the desk takes it. */
const purchaseArgument = argument((text: string): string => parseId(text).toString(16).padStart(32, '0'));

function orderCommand(action: 'refund' | 'capture' | 'void', description: string, output: Output): Command {
  const command = withTill(new Command(action))
    .description(description)
    .argument('<purchase>', 'its request id', purchaseArgument);
  if (action !== 'void') command.argument('[amount]', 'a decimal; without one, all that is left');
  return command.action(async (purchase: string, ...more: unknown[]) => {
    const options = (action === 'void' ? more[0] : more[1]) as TillOptions;
    const amount = action === 'void' ? undefined : (more[0] as string | undefined);
    const { till } = options;
    const asked: DeskCommand =
      action === 'void'
        ? { do: action, purchase, till }
        : { do: action, purchase, till, ...(amount !== undefined && { amount }) };
    await desk(options, asked, (reply, currency) => {
      if (!('settled' in reply)) return;
      const { amount: moved, request } = reply.settled;
      output.write(
        options.json
          ? jsonText(plain(reply))
          : `${action.padEnd(9)}${money(moved, currency)}\nrequest  ${formatId(request)}\n`,
      );
    });
  });
}

interface SalesOptions extends Options {
  readonly after: string;
  readonly limit: number;
}

function salesCommand(output: Output): Command {
  return withShop(new Command('sales'))
    .description(
      'List what was sold, reserved, given back, captured, voided, in the order in which it happened',
    )
    .option('--after <number>', 'those behind that one', argument(digits), '0')
    .option('--limit <n>', 'at most so many', wholeNumber(1, PAGE), PAGE)
    .action(async (options: SalesOptions) => {
      const { after, limit } = options;
      await desk(options, { do: 'book', after, limit }, (reply, currency) => {
        if (!('entries' in reply)) return;
        output.write(
          options.json
            ? jsonText(
                reply.entries.map((entry) => ({
                  ...entry,
                  purchase: formatId(entry.purchase),
                  request: formatId(entry.request),
                  at: formatTimestamp(entry.at),
                  timestamp: formatTimestamp(entry.timestamp),
                })),
              )
            : tableText(
                ['>number', 'time', 'what', '>amount', 'till', 'purchase'],
                reply.entries.map(({ number, at, kind, amount, till, purchase }) => [
                  number.toString(),
                  `${formatTimestamp(at).slice(0, 19).replace('T', ' ')}Z`,
                  kind,
                  money(amount, currency),
                  till,
                  formatId(purchase),
                ]),
              ),
        );
      });
    });
}

function digits(text: string): string {
  if (!/^\d{1,20}$/.test(text)) throw new Error('expected a whole number');
  return text;
}

interface TotalsOptions extends Options {
  readonly day?: string;
}

function totalsCommand(output: Output): Command {
  return withShop(new Command('totals'))
    .description('Sums of a UTC day: today')
    .option('--day <date>', 'such as 2026-03-01', argument(dayOf))
    .action(async (options: TotalsOptions) => {
      const { day } = options;
      await desk(options, { do: 'totals', ...(day !== undefined && { at: day }) }, (reply, currency) => {
        if (!('totals' in reply)) return;
        output.write(options.json ? jsonText(reply.totals) : totalsText(reply.totals, currency));
      });
    });
}

function dayOf(text: string): string {
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(milliseconds))
    throw new Error('expected a date such as 2026-03-01');
  return `${BigInt(milliseconds) * 1_000_000n}`;
}

function totalsText({ rejected, ...sums }: DayTotals, currency: Currency): string {
  return tableText(
    ['what', '>count', '>amount'],
    [
      ...Object.entries(sums).map(([what, { count, amount }]) => [
        what,
        String(count),
        money(amount, currency),
      ]),
      ['rejected', String(rejected), ''],
    ],
  );
}

function catalogueCommand(output: Output): Command {
  return withShop(new Command('catalogue'))
    .description(
      'Read catalogue.json, say what is wrong with it, or what it sells; an open shop takes it at once',
    )
    .action(async (options: Options) => {
      await desk(options, { do: 'catalogue' }, (reply) => {
        if (!('articles' in reply)) return;
        output.write(
          options.json
            ? jsonText(reply.articles)
            : tableText(
                ['article', 'name', '>price'],
                reply.articles.map(({ id, name, price }) => [id, name, price]),
              ),
        );
      });
    });
}

/** Ids as people and other commands have them. */
function plain(reply: DeskReply): unknown {
  if ('sale' in reply) return { sale: { ...reply.sale, purchase: formatId(reply.sale.purchase) } };
  if ('settled' in reply) {
    const { request, purchase } = reply.settled;
    return { ...reply.settled, request: formatId(request), purchase: formatId(purchase) };
  }
  return reply;
}
