// `specie wallet`: a wallet on this machine. docs/wallet.md.
import { readFileSync, statSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { chosenPassphrase } from '../../identity/ask-passphrase.ts';
import { SHOP_CARD_CHARACTERS_MAX } from '../../roles/documents/shop-card.ts';
import { parseAmount } from '../../shared/amount.ts';
import { Currencies, type Currency, parseOperatorCurrency } from '../../shared/currency.ts';
import {
  type Item,
  type Outcome,
  passphraseProtection,
  readDirectory,
  type Wallet,
} from '../../wallet/index.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId, parseId } from '../files/fields.ts';
import { passphraseOptions } from '../home-options.ts';
import { argument, wholeNumber } from '../options.ts';
import { jsonText, type Output, processOutput } from '../output.ts';
import { qrText } from '../qr/terminal.ts';
import { accountNumber } from '../wallet/account-number.ts';
import { purseCommands } from '../wallet/purse-commands.ts';
import {
  commandError,
  exitCodeOf,
  inSession,
  type Session,
  type SessionOptions,
  type WaitingOptions,
  withPatience,
  withWallet,
} from '../wallet/session.ts';
import {
  balanceRecord,
  balanceText,
  historyRecords,
  historyText,
  outcomeRecord,
  outcomeText,
  receiptRecords,
  receiptsText,
  syncRecord,
  syncText,
} from '../wallet/show.ts';
import { purseRecord, purseText } from '../wallet/show-purse.ts';
import { money } from '../wallet/text.ts';

type Exit = (code: ExitCode) => void;

const ENTRIES_MAX = 1_000_000;

export function walletCommand(exit: Exit, output: Output = processOutput): Command {
  const wallet = new Command('wallet')
    .description('A wallet: enrol, load money, pay, see what it has')
    .addHelpText(
      'after',
      `
Examples:
  $ specie wallet enrol --directory specie-home/directory.json --root SHA256:… --name Ada --account
  $ specie wallet load 25.00
  $ specie wallet load 10.00 --account
  $ specie wallet pay --shop specie-shop:… --article coffee:2 --article cake
  $ specie wallet pay --shop 'specie-shop:…?offer=7KQ2M'
  $ specie wallet reserve 50.00
  $ specie wallet receive 5.00 --memo bread
  $ specie wallet send specie-purse:…
  $ specie wallet report
  $ specie wallet address
  $ specie wallet sync
  $ specie wallet balance --online
  $ specie wallet resume

docs/wallet.md says what is stored, and what to do when something went wrong.`,
    );
  const commands = [
    createCommand(output),
    enrolCommand(output, exit),
    loadCommand(output, exit),
    payCommand(output, exit),
    fileAccountCommand(output, exit),
    ...purseCommands(output, exit),
    addressCommand(output),
    syncCommand(output, exit),
    resumeCommand(output, exit),
    balanceCommand(output, exit),
    historyCommand(output),
    receiptsCommand(output),
    showCommand(output, exit),
    directoryCommand(output),
  ];
  for (const command of commands) {
    wallet.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return wallet;
}

// ── create and enrol ───────────────────────────────────────────────────────────────────────────────────────────────────

interface CreateCommandOptions extends SessionOptions {
  readonly directory?: string;
  readonly root?: string;
  readonly name?: string;
  readonly currency: Currency;
  readonly passphrase?: boolean;
}

const currencyArgument = argument((text: string): Currency => {
  if (!/^\d+[=:]/.test(text)) return new Currencies().parse(text);
  const own = parseOperatorCurrency(text);
  return new Currencies([own]).ofLedger(own.ledger);
});

const rootArgument = argument((text: string): string => {
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) {
    throw new Error('expected SHA256: and 43 characters, as specie init prints it');
  }
  return text;
});

function withCreation(command: Command): Command {
  return withWallet(command)
    .option('--directory <file or URL>', 'directory.json of the system')
    .option('--root <fingerprint>', 'of the root key that is trusted, from the operator', rootArgument)
    .option('--name <text>', 'whose wallet it is')
    .addOption(
      new Option(
        '--currency <currency>',
        'what it holds: a code of ISO 4217, or <number>[=<code>][:<decimal places>]',
      )
        .argParser(currencyArgument)
        .default(new Currencies().parse('EUR'), 'EUR'),
    )
    .option('--passphrase', 'ask for a passphrase that encrypts the keys');
}

async function create(session: Session, options: CreateCommandOptions): Promise<Wallet> {
  const { directory, root, name, currency } = options;
  if (directory === undefined || root === undefined || name === undefined) {
    throw new CommandError('a new wallet: expected --directory, --root and --name, got not all of them');
  }
  const bytes = await readDirectory(directory, root);
  const where = passphraseOptions({ ...options, home: '' });
  const passphrase = await chosenPassphrase({ ...where, choose: options.passphrase === true });
  const protection = passphrase && passphraseProtection(async () => passphrase);
  return session.create({ directory: bytes, rootFingerprint: root, currency, name }, protection);
}

function createCommand(output: Output): Command {
  return withCreation(new Command('create'))
    .description('Make a wallet with keys of its own, without enrolling it')
    .action((options: CreateCommandOptions) =>
      inSession(options, output, true, async (session) => {
        const { name, currency, rootFingerprint } = await create(session, options);
        output.write(
          options.json
            ? jsonText({ wallet: options.wallet, name, currency: currency.code, root: rootFingerprint })
            : `${options.wallet}: a wallet of ${name} in ${currency.code}; specie wallet enrol makes a device of it\n`,
        );
      }),
    );
}

interface EnrolCommandOptions extends CreateCommandOptions, WaitingOptions {
  readonly userData?: string;
  readonly account?: string | true;
}

function enrolCommand(output: Output, exit: Exit): Command {
  return withPatience(withCreation(new Command('enrol')))
    .description('Enrol a wallet at management; makes it first where there is none')
    .option('--user-data <text>', 'what the operator is told of the owner (default: the name)')
    .option('--account [number]', 'an account number to put on file; without one it is asked for')
    .action((options: EnrolCommandOptions) =>
      inSession(options, output, true, async (session) => {
        const wallet = await session.open().catch((error: { code?: string }) => {
          if (error.code !== 'wallet_missing') throw error;
        });
        // Asked for before anything is written: whoever has no number at hand has lost nothing.
        const account = options.account && (await accountNumber(options.account, output));
        const used = wallet ?? (await create(session, options));
        const outcome = await used.enrol({
          userData: options.userData ?? used.name,
          accountNumber: account,
          patienceMs: options.patience * 1000,
          signal: session.signal,
        });
        report(outcome, used, options, output, exit);
      }),
    );
}

// ── money ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface LoadCommandOptions extends WaitingOptions {
  readonly account?: string | true;
}

function loadCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('load')))
    .description('Load money: charge an account, and add the amount to the balance')
    .argument('<amount>', 'such as 25.00')
    .option(
      '--account [number]',
      'the account to charge; without a number it is asked for (default: the one on file)',
    )
    .action((text: string, options: LoadCommandOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const amount = parseAmount(text, wallet.currency);
        const wait = { patienceMs: options.patience * 1000, signal: session.signal };
        const outcome =
          options.account === undefined
            ? await wallet.load({ amount, onFile: true, ...wait })
            : await wallet.load({
                amount,
                accountNumber: await accountNumber(options.account, output),
                ...wait,
              });
        report(outcome, wallet, options, output, exit);
      }),
    );
}

interface PayCommandOptions extends WaitingOptions {
  readonly shop: string;
  readonly article: readonly Item[];
  readonly offer?: string;
  readonly amount?: string;
  readonly reserve?: number | true;
}

const RESERVE_SECONDS_MAX = 30 * 86_400;

/** `coffee`, `coffee:2`: the last colon counts, as an article's name may have some. */
function articleArgument(text: string, before: readonly Item[]): readonly Item[] {
  const [, article, quantity] = /^(.+?)(?::(\d{1,9}))?$/su.exec(text) ?? [];
  if (article === undefined || quantity === '0') {
    throw new InvalidArgumentError('expected an article of the shop, and perhaps :quantity');
  }
  return [...before, { article, quantity: Number(quantity ?? 1) }];
}

const CARD_PATTERN = /^\s*specie-shop:/;

/** The card itself, or a file that holds it. */
function shopCard(text: string): string {
  if (CARD_PATTERN.test(text)) return text;
  try {
    if (statSync(text).size <= SHOP_CARD_CHARACTERS_MAX) return readFileSync(text, 'utf8');
  } catch (error) {
    throw new CommandError(
      `--shop: expected a card (specie-shop:…) or a file that holds one, got ${text}: ${(error as Error).message}`,
    );
  }
  throw new CommandError(
    `--shop: expected a file of at most ${SHOP_CARD_CHARACTERS_MAX} bytes, got a larger one`,
  );
}

function payCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('pay')))
    .description('Buy: articles of a shop, or what one of its tills offers')
    .requiredOption(
      '--shop <card>',
      "the shop's card (specie-shop:…, as on its door or till), or a file that holds it",
    )
    .addOption(
      new Option('--article <id[:quantity]>', 'an article of its catalogue; may be given again')
        .argParser(articleArgument)
        .default([], 'none'),
    )
    .option('--offer <code>', 'of a till (default: the one that the card names)')
    .option('--amount <amount>', 'what it has to come to; otherwise nothing is signed')
    .addOption(
      new Option(
        '--reserve [seconds]',
        'reserve the amount, of which the shop takes what it needs later (default: an hour)',
      ).argParser(wholeNumber(1, RESERVE_SECONDS_MAX)),
    )
    .action((options: PayCommandOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const { reserve } = options;
        const outcome = await wallet.buy({
          shop: shopCard(options.shop),
          ...(options.article.length > 0 && { articles: options.article }),
          offer: options.offer,
          amount: options.amount === undefined ? undefined : parseAmount(options.amount, wallet.currency),
          kind: reserve === undefined ? undefined : 'authorisation',
          timeoutSeconds: reserve === true ? undefined : reserve,
          patienceMs: options.patience * 1000,
          signal: session.signal,
        });
        report(outcome, wallet, options, output, exit);
      }),
    );
}

function addressCommand(output: Output): Command {
  return withPatience(withWallet(new Command('address')))
    .description('Show a text that notes can be paid to, as money of this wallet; another one each time')
    .action((options: WaitingOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const wait = { patienceMs: options.patience * 1000, signal: session.signal };
        const address = await wallet.payeeAddress(wait);
        output.write(options.json ? jsonText({ address }) : `${qrText(address)}\n${address}\n`);
      }),
    );
}

function syncCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('sync')))
    .description(
      "Take over cash's statement: refunds, what became of reservations and of purchases under way",
    )
    .action((options: WaitingOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const wait = { patienceMs: options.patience * 1000, signal: session.signal };
        const synced = await wallet.sync(wait);
        const purse = await wallet.purse();
        output.write(
          options.json
            ? jsonText({ ...syncRecord(synced), ...(purse && { purse: purseRecord(purse) }) })
            : `${syncText(synced, wallet.currency)}${purse === undefined ? '' : purseText(purse, wallet.currency)}`,
        );
        if (synced.online.verdict === 'differs') exit(ExitCode.check_failed);
      }),
    );
}

function fileAccountCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('file-account')))
    .description('Put another account number on file, sealed to settlement')
    .option('--account <number>', 'rather leave it out: it is asked for')
    .action((options: WaitingOptions & { readonly account?: string }) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const outcome = await wallet.fileAccount({
          accountNumber: await accountNumber(options.account ?? true, output),
          patienceMs: options.patience * 1000,
          signal: session.signal,
        });
        report(outcome, wallet, options, output, exit);
      }),
    );
}

function report(outcome: Outcome, wallet: Wallet, options: SessionOptions, output: Output, exit: Exit): void {
  output.write(
    options.json
      ? jsonText({ ...outcomeRecord(outcome), device: wallet.device && formatId(wallet.device) })
      : outcomeText(outcome, wallet.currency),
  );
  if (isRefusal(outcome)) exit(ExitCode.refused);
}

const isRefusal = ({ state }: Outcome): boolean =>
  ['declined', 'expired', 'reversed', 'refused', 'rejected', 'lapsed'].includes(state.kind);

function resumeCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('resume')))
    .description('Finish what is under way: ask again, with the same messages')
    .argument('[request]', 'only this one; also a load that ended without a receipt', argument(parseId))
    .action((request: bigint | undefined, options: WaitingOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const { finished, unfinished } = await wallet.resume({
          ...(request !== undefined && { request }),
          patienceMs: options.patience * 1000,
          signal: session.signal,
        });
        if (options.json) {
          output.write(
            jsonText({
              finished: finished.map(outcomeRecord),
              unfinished: unfinished.map((one) => ({
                request: formatId(one.request),
                code: one.error.code,
                message: one.error.message,
              })),
            }),
          );
        } else {
          for (const outcome of finished) output.write(outcomeText(outcome, wallet.currency));
          if (finished.length + unfinished.length === 0) output.write('nothing is under way\n');
        }
        for (const { error } of unfinished) {
          output.note((commandError(error, options.wallet) as Error).message);
          exit(exitCodeOf(error));
        }
        if (unfinished.length === 0 && finished.some(isRefusal)) exit(ExitCode.refused);
      }),
    );
}

// ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function balanceCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('balance')))
    .description('Show the balance: what the wallet has receipts for')
    .option('--online', 'ask cash as well, through management; ends with 6 where the two do not agree')
    .action((options: WaitingOptions & { readonly online?: boolean }) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const balance = await wallet.balance({
          online: options.online === true,
          patienceMs: options.patience * 1000,
          signal: session.signal,
        });
        output.write(options.json ? jsonText(balanceRecord(balance)) : balanceText(balance));
        if (balance.online?.verdict === 'differs') {
          output.note('specie wallet sync takes over what cash has and the wallet has not');
          exit(ExitCode.check_failed);
        }
      }),
    );
}

function historyCommand(output: Output): Command {
  return withWallet(new Command('history'))
    .description('Show what happened, the oldest first')
    .option('--limit <n>', 'only the last so many', wholeNumber(1, ENTRIES_MAX), ENTRIES_MAX)
    .action((options: SessionOptions & { readonly limit: number }) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const entries = (await wallet.history()).slice(-options.limit);
        output.write(
          options.json ? jsonText(historyRecords(entries)) : historyText(entries, wallet.currency),
        );
      }),
    );
}

function receiptsCommand(output: Output): Command {
  return withWallet(new Command('receipts'))
    .description('Show the receipts of cash behind the balance')
    .action((options: SessionOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const receipts = { loads: await wallet.receipts(), payments: await wallet.payments() };
        output.write(
          options.json ? jsonText(receiptRecords(receipts)) : receiptsText(receipts, wallet.currency),
        );
      }),
    );
}

function showCommand(output: Output, exit: Exit): Command {
  return withWallet(new Command('show'))
    .description('Show whose wallet it is, and prove its books: every receipt, every sum')
    .action((options: SessionOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const { problems, receipts, payments, statements, balance, purses } = await wallet.verify();
        const { name, currency, device, address, rootFingerprint, directorySerial } = wallet;
        if (options.json) {
          output.write(
            jsonText({
              name,
              currency: currency.code,
              device: device === undefined ? null : formatId(device),
              management: address,
              root: rootFingerprint,
              directory: directorySerial,
              balance,
              receipts,
              payments,
              statements,
              ...(purses && { purses }),
              problems,
            }),
          );
        } else {
          output.write(
            [
              `name        ${name}`,
              `device      ${device === undefined ? 'not enrolled' : formatId(device)}`,
              `management  ${address}`,
              `root key    ${rootFingerprint}`,
              `directory   number ${directorySerial}`,
              `balance     ${money(balance, currency)}`,
              `receipts    ${receipts + payments + statements}, ${problems.length === 0 ? 'all good: they add up to the balance' : 'NOT ALL GOOD'}`,
              ...(purses === undefined
                ? []
                : [
                    `purses      ${purses.purses}, ${purses.sent} payments sent, ${purses.received} received`,
                  ]),
              ...problems.map((problem) => `  ✗ ${problem}`),
              '',
            ].join('\n'),
          );
        }
        if (problems.length > 0) exit(ExitCode.damaged);
      }),
    );
}

function directoryCommand(output: Output): Command {
  return withWallet(new Command('directory'))
    .description("Take a newer directory; only needed where management's keys were rotated long ago")
    .argument('<file or URL>', 'directory.json of the system')
    .action((source: string, options: SessionOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const isNewer = await wallet.replaceDirectory(await readDirectory(source, wallet.rootFingerprint));
        const { directorySerial } = wallet;
        output.write(
          options.json
            ? jsonText({ directory: directorySerial, replaced: isNewer })
            : `directory ${isNewer ? 'replaced by' : 'is already'} number ${directorySerial}\n`,
        );
      }),
    );
}
