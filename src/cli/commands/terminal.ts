// `specie terminal`: notes on a LAN or on the WAN, on this machine. docs/terminal.md.
import { readFileSync, statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { chosenPassphrase, terminalAsk } from '../../identity/ask-passphrase.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import type { TerminalAddress } from '../../roles/gateway/messages.ts';
import { parseAmount } from '../../shared/amount.ts';
import {
  decodeAddress,
  type GatewayEntry,
  gatewayKeyOf,
  makeTerminal,
  putGateway,
  TerminalError,
  TerminalHome,
  type WideMintOptions,
} from '../../terminal/index.ts';
import { WalletError } from '../../wallet/core/errors.ts';
import { readDirectory } from '../../wallet/node/read-directory.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId, parseId } from '../files/fields.ts';
import { passphraseOptions } from '../home-options.ts';
import { argument, wholeNumber } from '../options.ts';
import { jsonText, type Output, processOutput } from '../output.ts';
import { qrText } from '../qr/terminal.ts';
import {
  exitCodeOf,
  inSession,
  type TerminalCommandOptions,
  type WaitingOptions,
  withPatience,
  withTerminal,
  withTerminalErrors,
} from '../terminal/session.ts';
import {
  balanceRecord,
  balanceText,
  failedText,
  historyRecords,
  historyText,
  receiveRecord,
  receiveText,
  registeredRecord,
  registeredText,
  resumedRecord,
  resumedText,
  sendRecord,
  sendText,
  tokenRecord,
  tokensText,
} from '../terminal/show.ts';
import { money, readable } from '../wallet/text.ts';

type Exit = (code: ExitCode) => void;

const ENTRIES_MAX = 1_000_000;
const TOKEN_BYTES_MAX = 1024 * 1024;

export function terminalCommand(exit: Exit, output: Output = processOutput): Command {
  const terminal = new Command('terminal')
    .description('Notes: cash as data, on a LAN or on the WAN, sent across a gateway')
    .addHelpText(
      'after',
      `
Examples:
  $ specie terminal init --lan ws://10.0.0.1:7290/v1 --gateway-key 3f…
  $ specie terminal init --wan ws://gateway.example:7291/v1 --gateway-key 3f… --directory directory.json --root SHA256:…
  $ specie terminal register Ada
  $ specie terminal address --qr
  $ specie terminal withdraw 20.00
  $ specie terminal send spwan1… 5.00
  $ specie terminal receive
  $ specie terminal token make 2.00 --memo lunch
  $ specie terminal token take cashuB…
  $ specie terminal deposit specie-device:… 3.00
  $ specie terminal resume

docs/terminal.md says what is stored, and what to do when something went wrong.`,
    );
  const commands = [
    initCommand(output),
    gatewayCommand(output),
    registerCommand(output, exit),
    addressCommand(output),
    sendCommand(output, exit),
    receiveCommand(output, exit),
    tokenCommand(output),
    withdrawCommand(output),
    depositCommand(output),
    resumeCommand(output, exit),
    restoreCommand(output),
    balanceCommand(output),
    historyCommand(output),
    showCommand(output, exit),
  ];
  for (const command of commands) terminal.addCommand(quiet(command, output));
  return terminal;
}

const quiet = (command: Command, output: Output): Command =>
  command.exitOverride().configureOutput({
    writeOut: (text) => output.write(text),
    writeErr: (text) => output.note(text.trimEnd()),
  });

// ── the terminal ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface InitOptions extends TerminalCommandOptions {
  readonly lan?: string;
  readonly wan?: string;
  readonly gatewayKey: string;
  readonly gateway: string;
  readonly mint?: string;
  readonly directory?: string;
  readonly root?: string;
  readonly currency: string;
  readonly words?: string | true;
  readonly passphrase?: boolean;
}

/** Commander names the argument, and adds what is wrong with it. */
const said =
  <T>(read: (text: string) => T) =>
  (text: string): T => {
    try {
      return read(text);
    } catch (error) {
      throw error instanceof TerminalError ? new Error(error.what) : error;
    }
  };

const gatewayKeyArgument = argument(said(gatewayKeyOf));
const addressArgument = argument(said(decodeAddress));

function initCommand(output: Output): Command {
  return withTerminal(new Command('init'))
    .description('Make a terminal, and print the twelve words that bring its notes back')
    .addOption(
      new Option('--lan <address>', "the gateway's listener on the LAN, ws://host:port/v1").conflicts('wan'),
    )
    .option('--wan <address>', "a gateway's listener on the WAN, ws://host:port/v1")
    .requiredOption('--gateway-key <hex>', 'the key that this listener has to prove', gatewayKeyArgument)
    .option('--gateway <name>', 'how the gateway is called here', 'gateway')
    .option(
      '--mint <url>',
      'of the WAN: any mint of Cashu, https://…; with --directory, what tokens name as their mint',
    )
    .option('--directory <file or URL>', "of the WAN: directory.json of the operator's mint")
    .option('--root <fingerprint>', 'of the root key that is trusted, from the operator')
    .option(
      '--currency <currency>',
      'what it holds: a code of ISO 4217, or <number>=<code>[:<decimal places>]',
      'EUR',
    )
    .option('--words [file]', 'the words of a terminal that is lost: asked for, or in a file')
    .option('--passphrase', 'ask for a passphrase that encrypts the words')
    .action((options: InitOptions) =>
      withTerminalErrors(options.terminal, async () => {
        const { lan, wan, gatewayKey, gateway: name, currency } = options;
        const url = lan ?? wan;
        if (url === undefined) throw new CommandError('--lan or --wan: expected one of them, got neither');
        const where = passphraseOptions({ ...options, home: '' });
        const passphrase = await chosenPassphrase({ ...where, choose: options.passphrase === true });
        const phrase = await wordsOf(options.words);
        const made = await makeTerminal({
          home: options.terminal,
          side: lan === undefined ? 'wan' : 'lan',
          gateways: [{ name, url, key: gatewayKey }],
          mint: await mintOf(options),
          currency,
          phrase,
          passphrase,
        });
        const isNew = phrase === undefined;
        if (options.json) {
          output.write(jsonText({ address: made.address, ...(isNew && { words: made.phrase }) }));
          return;
        }
        output.write(`address  ${made.address}\n`);
        if (isNew) {
          output.write(`words    ${made.phrase}\n`);
          output.note(
            'write the words down on paper: they are not shown again, and whoever has them has the notes',
          );
        } else {
          output.note('specie terminal restore finds the notes of these words');
        }
      }),
    );
}

async function mintOf({ mint, directory, root }: InitOptions): Promise<WideMintOptions | undefined> {
  if (directory === undefined) return mint === undefined ? undefined : { url: mint };
  if (root === undefined) throw new CommandError('--directory: expected --root with it, got none');
  try {
    return { directory: await readDirectory(directory, root), root, url: mint };
  } catch (error) {
    if (!(error instanceof WalletError)) throw error;
    throw new CommandError(error.what, ExitCode.failed, { cause: error });
  }
}

async function wordsOf(given: string | true | undefined): Promise<string | undefined> {
  if (given === undefined) return undefined;
  if (given !== true) return new PrivateFiles().readPrivate(given);
  const ask = terminalAsk();
  if (ask === undefined)
    throw new CommandError('--words: expected a terminal to ask at, got none: name a file that holds them');
  return ask('Words: ');
}

function gatewayCommand(output: Output): Command {
  return withTerminal(new Command('gateway'))
    .description('Add a gateway of the WAN, or change address or key of one')
    .argument('<name>', 'how it is called here')
    .argument('<address>', 'its listener, ws://host:port/v1')
    .argument('<key>', 'the key that this listener has to prove, 64 hex digits', gatewayKeyArgument)
    .action((name: string, url: string, key: string, options: TerminalCommandOptions) =>
      withTerminalErrors(options.terminal, async () => {
        const entry: GatewayEntry = { name, url, key };
        putGateway(new TerminalHome(options.terminal), entry);
        output.write(options.json ? jsonText(entry) : `${name}: ${url}\n`);
      }),
    );
}

interface GatewayOptions extends TerminalCommandOptions {
  readonly gateway?: string;
}

const withGateway = (command: Command): Command =>
  command.option('--gateway <name>', 'which gateway (default: the first one)');

function registerCommand(output: Output, exit: Exit): Command {
  return withGateway(withTerminal(new Command('register')))
    .description('Make it known to its gateway, and agree to the terms')
    .argument('<name>', 'whose it is, as the organisation sees it')
    .action((name: string, options: GatewayOptions) =>
      inSession(options, output, async ({ terminal }) => {
        const registered = await terminal.register(name, options.gateway);
        output.write(
          options.json
            ? jsonText(registeredRecord(registered))
            : registeredText(registered, terminal.currency),
        );
        if (registered.state === 'blocked') exit(ExitCode.refused);
      }),
    );
}

function addressCommand(output: Output): Command {
  return withTerminal(new Command('address'))
    .description('Show the address that others send to')
    .option('--qr', 'as a QR code, too')
    .action((options: TerminalCommandOptions & { readonly qr?: boolean }) =>
      withTerminalErrors(options.terminal, async () => {
        const { address } = new TerminalHome(options.terminal).settings();
        output.write(options.json ? jsonText({ address }) : `${address}\n`);
        // Capitals make a smaller code.
        if (options.qr) output.note(qrText(address.toUpperCase()));
      }),
    );
}

// ── notes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface SendCommandOptions extends WaitingOptions, GatewayOptions {
  readonly feeMax?: string;
  readonly wait?: boolean;
}

function sendCommand(output: Output, exit: Exit): Command {
  return withPatience(withGateway(withTerminal(new Command('send'))))
    .description('Send notes to an address on the other side of a gateway')
    .argument('<address>', 'splan1… or spwan1…, as specie terminal address shows it', addressArgument)
    .argument('<amount>', 'what arrives, such as 5.00')
    .option('--fee-max <amount>', 'what it may cost on top (default: as the terms say that were agreed to)')
    .option('--wait', 'until the destination has fetched it')
    .action((destination: TerminalAddress, text: string, options: SendCommandOptions) =>
      inSession(options, output, async ({ terminal, signal }) => {
        const { currency } = terminal;
        const { feeMax } = options;
        const result = await terminal.send({
          destination,
          amount: parseAmount(text, currency),
          gateway: options.gateway,
          feeMax: feeMax === undefined ? undefined : parseAmount(feeMax, currency),
          until: options.wait ? 'end' : 'waiting',
          patienceMs: options.patience * 1000,
          signal,
        });
        output.write(options.json ? jsonText(sendRecord(result)) : sendText(result, currency));
        if (result.state === 'rejected' || result.state === 'returned') exit(ExitCode.refused);
      }),
    );
}

function receiveCommand(output: Output, exit: Exit): Command {
  return withTerminal(new Command('receive'))
    .description('Fetch what gateways have for this terminal')
    .action((options: TerminalCommandOptions) =>
      inSession(options, output, async ({ terminal, signal }) => {
        const result = await terminal.receive(signal);
        output.write(options.json ? jsonText(receiveRecord(result)) : receiveText(result, terminal.currency));
        for (const line of failedText(result)) output.note(line);
        const [failed] = result.failed;
        if (failed !== undefined) exit(exitCodeOf(failed.error));
      }),
    );
}

function tokenCommand(output: Output): Command {
  const token = new Command('token').description('Notes that are passed on by hand, as a text');
  const commands = [
    withTerminal(new Command('make'))
      .description('Make a token: whoever reads it can take it')
      .argument('<amount>', 'such as 2.00')
      .option('--memo <text>', 'what it is for')
      .action((text: string, options: TerminalCommandOptions & { readonly memo?: string }) =>
        inSession(options, output, async ({ terminal }) => {
          const made = await terminal.makeToken(parseAmount(text, terminal.currency), options.memo);
          output.write(options.json ? jsonText(tokenRecord(made)) : `${made.text}\n`);
        }),
      ),
    withPatience(withTerminal(new Command('take')))
      .description('Take a token: its notes are exchanged at the mint at once')
      .argument('<token>', 'cashuA… or cashuB…, a file that holds it, or - for standard input')
      .action((given: string, options: WaitingOptions) => {
        const text = tokenText(given);
        return inSession(options, output, async ({ terminal, signal }) => {
          const amount = await terminal.takeToken(text, {
            patienceMs: options.patience * 1000,
            signal,
          });
          output.write(
            options.json ? jsonText({ amount }) : `taken       ${money(amount, terminal.currency)}\n`,
          );
        });
      }),
    withTerminal(new Command('list'))
      .description('Show tokens that nobody has taken yet')
      .action((options: TerminalCommandOptions) =>
        inSession(options, output, async ({ terminal }) => {
          await terminal.checkTokens();
          const tokens = await terminal.tokens();
          output.write(
            options.json ? jsonText(tokens.map(tokenRecord)) : tokensText(tokens, terminal.currency),
          );
        }),
      ),
    withPatience(withTerminal(new Command('reclaim')))
      .description('Take a token back that nobody has taken')
      .argument('<operation>', 'as specie terminal token list shows it', argument(parseId))
      .action((operation: bigint, options: WaitingOptions) =>
        inSession(options, output, async ({ terminal, signal }) => {
          const amount = await terminal.reclaimToken(operation, {
            patienceMs: options.patience * 1000,
            signal,
          });
          output.write(
            options.json ? jsonText({ amount }) : `back        ${money(amount, terminal.currency)}\n`,
          );
        }),
      ),
  ];
  for (const command of commands) token.addCommand(quiet(command, output));
  return token;
}

function tokenText(given: string): string {
  if (/^\s*(cashu:)?(\/\/)?cashu[AB]/i.test(given)) return given;
  try {
    const path = given === '-' ? 0 : given;
    if (path === 0 || statSync(path).size <= TOKEN_BYTES_MAX) return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(
      `token: expected cashuA… or cashuB…, or a file that holds one: ${(error as Error).message}`,
    );
  }
  throw new CommandError(`token: expected a file of at most ${TOKEN_BYTES_MAX} bytes, got a larger one`);
}

// ── money from elsewhere, and to elsewhere ─────────────────────────────────────────────────────────────────────────────

interface QuoteOptions extends WaitingOptions {
  readonly method?: string;
}

const withMethod = (command: Command): Command =>
  command.option('--method <name>', 'payment method of the mint (default: specie)');

function withdrawCommand(output: Output): Command {
  return withMethod(withPatience(withTerminal(new Command('withdraw'))))
    .description('Get notes for money: shows what is to be paid, and waits until it is')
    .argument('<amount>', 'such as 20.00')
    .option('--qr', 'show what is to be paid as a QR code, too')
    .action((text: string, options: QuoteOptions & { readonly qr?: boolean }) =>
      inSession(options, output, async ({ terminal, signal }) => {
        const { operation, request } = await terminal.withdraw(
          parseAmount(text, terminal.currency),
          options.method,
        );
        output.note(`to be paid: ${readable(request)}`);
        if (options.qr) output.note(qrText(request));
        const amount = await terminal.finishWithdrawal(operation, {
          patienceMs: options.patience * 1000,
          signal,
        });
        output.write(
          options.json
            ? jsonText({ operation: formatId(operation), amount })
            : `withdrawn   ${money(amount, terminal.currency)}\n`,
        );
      }),
    );
}

function depositCommand(output: Output): Command {
  return withMethod(withPatience(withTerminal(new Command('deposit'))))
    .description('Pay notes in: to a wallet, a shop, or whatever the mint pays')
    .argument(
      '<payee>',
      'specie-device:…, as specie wallet address shows it, or another text that the mint knows',
    )
    .argument('<amount>', 'such as 3.00')
    .option('--fee-max <amount>', 'what it may cost on top (default: nothing)')
    .action((payee: string, text: string, options: QuoteOptions & { readonly feeMax?: string }) =>
      inSession(options, output, async ({ terminal, signal }) => {
        const { currency } = terminal;
        const amount = parseAmount(text, currency);
        const spent = await terminal.deposit({
          payee,
          amount,
          method: options.method,
          feeMax: options.feeMax === undefined ? undefined : parseAmount(options.feeMax, currency),
          patienceMs: options.patience * 1000,
          signal,
        });
        const fee = spent > amount ? `, fee ${money(spent - amount, currency)}` : '';
        output.write(
          options.json ? jsonText({ amount, spent }) : `deposited   ${money(amount, currency)}${fee}\n`,
        );
      }),
    );
}

// ── what there is ──────────────────────────────────────────────────────────────────────────────────────────────────────

function resumeCommand(output: Output, exit: Exit): Command {
  return withTerminal(new Command('resume'))
    .description('Go on with all that is under way, and fetch what there is')
    .action((options: TerminalCommandOptions) =>
      inSession(options, output, async ({ terminal, signal }) => {
        const resumed = await terminal.resume(signal);
        output.write(
          options.json ? jsonText(resumedRecord(resumed)) : resumedText(resumed, terminal.currency),
        );
        for (const { operation, error } of resumed.unfinished)
          output.note(readable(`${formatId(operation)}: ${error.message}`));
        for (const line of failedText(resumed.received)) output.note(line);
        const error = resumed.unfinished[0]?.error ?? resumed.received.failed[0]?.error;
        if (error !== undefined) exit(exitCodeOf(error));
      }),
    );
}

function restoreCommand(output: Output): Command {
  return withTerminal(new Command('restore'))
    .description('Find notes of the words at the mint: after specie terminal init --words')
    .action((options: TerminalCommandOptions) =>
      inSession(options, output, async ({ terminal }) => {
        const { amount, notes, pending } = await terminal.restore();
        const later =
          pending > 0n ? `held        ${money(pending, terminal.currency)}: restore again later\n` : '';
        output.write(
          options.json
            ? jsonText({ amount, notes, pending })
            : `restored    ${money(amount, terminal.currency)} in ${notes} notes\n${later}`,
        );
      }),
    );
}

function balanceCommand(output: Output): Command {
  return withTerminal(new Command('balance'))
    .description('Show what it holds, and what is under way')
    .action((options: TerminalCommandOptions) =>
      inSession(
        options,
        output,
        async ({ terminal }) => {
          const balance = terminal.balance();
          const { currency } = terminal;
          output.write(
            options.json
              ? jsonText(balanceRecord(balance, currency, terminal.knownUnit))
              : balanceText(balance, currency),
          );
        },
        { isLocked: true },
      ),
    );
}

function historyCommand(output: Output): Command {
  return withTerminal(new Command('history'))
    .description('Show what happened, the oldest first')
    .option('--limit <n>', 'only the last so many', wholeNumber(1, ENTRIES_MAX), ENTRIES_MAX)
    .action((options: TerminalCommandOptions & { readonly limit: number }) =>
      inSession(
        options,
        output,
        async ({ terminal }) => {
          const entries = terminal.history().slice(-options.limit);
          output.write(
            options.json ? jsonText(historyRecords(entries)) : historyText(entries, terminal.currency),
          );
        },
        { isLocked: true },
      ),
    );
}

function showCommand(output: Output, exit: Exit): Command {
  return withGateway(withTerminal(new Command('show')))
    .description('Show what it is set to, the terms of its gateway, and what the mint says of its notes')
    .action((options: GatewayOptions) =>
      inSession(options, output, async ({ terminal }) => {
        const { settings, currency } = terminal;
        const unit = await terminal.unit();
        const terms = await terminal.terms(options.gateway);
        const states = await terminal.audit();
        const { sealingKey: _, ...shown } = terms;
        const record = { ...settings, unit, terms: shown, notes: states };
        const { root, mint: url } = settings;
        const mint = root === undefined ? (url ?? "the gateway's") : `of ${root}`;
        output.write(
          options.json
            ? jsonText(record)
            : [
                `address       ${settings.address}`,
                `unit          ${unit}`,
                `mint          ${mint}`,
                ...settings.gateways.map(({ name, url }) => `gateway       ${name} at ${url}`),
                registeredText(
                  { gateway: options.gateway ?? settings.gateways[0]!.name, state: 'open', terms },
                  currency,
                )
                  .split('\n')
                  .slice(1)
                  .join('\n')
                  .trimEnd(),
                `notes         ${money(states.UNSPENT, currency)} as the mint says`,
                ...(states.PENDING > 0n ? [`held          ${money(states.PENDING, currency)}`] : []),
                ...(states.SPENT > 0n
                  ? [`SPENT         ${money(states.SPENT, currency)}: by somebody else`]
                  : []),
                '',
              ].join('\n'),
        );
        if (states.SPENT > 0n) exit(ExitCode.check_failed);
      }),
    );
}
