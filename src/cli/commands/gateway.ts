// `specie gateway`: between an organisation's LAN and the WAN. docs/gateway.md.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { PortError } from '../../channel/server.ts';
import {
  askDesk,
  atDesk,
  type DeskCommand,
  type DeskReply,
  type ExchangeText,
  enrolGateway,
  GATEWAY_HOME_DEFAULT,
  GatewayError,
  type GatewayErrorCode,
  GatewayHome,
  type GatewaySettings,
  LAN_PORT_DEFAULT,
  makeGateway,
  openGatewayNode,
  type StatusText,
  type TerminalText,
  WAN_PORT_DEFAULT,
} from '../../gateway/index.ts';
import { chosenPassphrase, passphraseSource } from '../../identity/ask-passphrase.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { AmountError, amountOf, formatAmount, parseAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { currencyOf, ShopError } from '../../shop/index.ts';
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

export function gatewayCommand(exit: Exit, output: Output): Command {
  const gateway = new Command('gateway')
    .description('A gateway: an organisation’s own notes on its LAN, exchanged for wide ones on the WAN')
    .addHelpText(
      'after',
      `
Examples:
  $ specie gateway init --organisation campus --lan 10.0.0.1 --wan 192.0.2.7
  $ specie gateway enrol --directory specie-home/directory.json --root SHA256:… --account
  $ specie gateway start
  $ specie gateway terminals
  $ specie gateway admit 3f9c
  $ specie gateway status

docs/gateway.md says what stands behind local notes, and what a gateway can and cannot learn.`,
    );
  const commands = [
    initCommand(output),
    enrolCommand(output),
    startCommand(exit),
    showCommand(output),
    statusCommand(output),
    terminalsCommand(output),
    terminalCommand('admit', 'Open a terminal of the LAN that waits, or one that was blocked', output),
    terminalCommand(
      'block',
      'Close a terminal: it sends and fetches nothing, and nothing is sent to it',
      output,
    ),
    exchangesCommand(output),
    fundsListCommand(output),
    fundsCommand('fund', 'Put some of what the organisation has at cash behind notes', output),
    fundsCommand('withdraw', 'Take back what is its own: fees, and what it has put there', output),
  ];
  for (const command of commands) {
    gateway.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return gateway;
}

function withGateway(command: Command): Command {
  return command
    .addOption(
      new Option('--home <folder>', 'where the gateway is')
        .default(GATEWAY_HOME_DEFAULT)
        .env('SPECIE_GATEWAY'),
    )
    .option(
      '--passphrase-file <path>',
      'a file with the passphrase of the keys; otherwise SPECIE_PASSPHRASE, or it is asked for',
    )
    .option('--json', 'print JSON; amounts are in minor units');
}

const EXIT_CODES: { readonly [code in GatewayErrorCode]: ExitCode } = {
  gateway_missing: ExitCode.failed,
  gateway_exists: ExitCode.failed,
  gateway_locked: ExitCode.in_use,
  gateway_damaged: ExitCode.damaged,
  storage_failed: ExitCode.failed,
  gateway_closed: ExitCode.unreachable,
  terminal_unknown: ExitCode.refused,
  exceeds_own: ExitCode.refused,
  invalid_argument: ExitCode.failed,
};

/** Of its enrolment. */
const SHOP_EXIT_CODES: { readonly [code: string]: ExitCode } = {
  refused: ExitCode.refused,
  unfinished: ExitCode.unreachable,
  directory_invalid: ExitCode.damaged,
};

function withGatewayErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  return withHomeErrors(async () => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PortError)
        throw new CommandError(error.message, ExitCode.in_use, { cause: error });
      if (error instanceof ShopError)
        throw new CommandError(error.message, SHOP_EXIT_CODES[error.code] ?? ExitCode.failed, {
          cause: error,
        });
      if (!(error instanceof GatewayError)) throw error;
      throw new CommandError(error.message, EXIT_CODES[error.code], { cause: error });
    }
  });
}

const homeOf = (options: Options): GatewayHome => new GatewayHome(options.home, new PrivateFiles());
const passphraseOf = (options: Options) => passphraseSource(passphraseOptions(options));

// ── init, enrol, start ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Listener {
  readonly host: string;
  readonly port?: number;
}

/** `10.0.0.1`, `10.0.0.1:7290`, `[fd00::1]:7290` */
function listenerOf(text: string): Listener {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (match === null || (port !== undefined && port > 65_535))
    throw new Error('expected an address, with or without a port: 10.0.0.1:7290');
  return { host: (match[1] ?? match[2])!, ...(port !== undefined && { port }) };
}

interface InitOptions extends Options {
  readonly organisation: string;
  readonly lan: Listener;
  readonly wan: Listener;
  readonly currency: string;
  readonly amountMax?: string;
  readonly dayMax?: string;
  readonly feeBasisPoints?: number;
  readonly feeFixed?: string;
  readonly returnAfter?: number;
  readonly passphrase?: boolean;
}

function initCommand(output: Output): Command {
  return withGateway(new Command('init'))
    .description('Make the keys of a gateway and gateway.json, which has its terms')
    .requiredOption('--organisation <name>', 'where its notes are valid: up to 32 of a-z, 0-9 and -')
    .requiredOption(
      '--lan <address>',
      `where terminals of the LAN reach it, with or without a port (${LAN_PORT_DEFAULT})`,
      argument(listenerOf),
    )
    .requiredOption(
      '--wan <address>',
      `where those of the WAN do, another one (${WAN_PORT_DEFAULT})`,
      argument(listenerOf),
    )
    .option('--currency <currency>', 'a code of ISO 4217, or <number>[=<code>][:<decimal places>]', 'EUR')
    .option('--amount-max <amount>', 'of one exchange')
    .option('--day-max <amount>', 'of what one terminal sends in a UTC day')
    .option('--fee-basis-points <n>', 'what an exchange costs on top: a share', wholeNumber(0, 10_000))
    .option('--fee-fixed <amount>', 'and a fixed amount')
    .option(
      '--return-after <seconds>',
      'what nobody has fetched by then goes back (604800)',
      wholeNumber(1, 366 * 86_400),
    )
    .option('--passphrase', 'ask for a passphrase that encrypts the keys')
    .action((options: InitOptions) =>
      withGatewayErrors(async () => {
        const { home: path, organisation, lan, wan, currency, amountMax, dayMax } = options;
        const { feeBasisPoints, feeFixed, returnAfter } = options;
        const where = passphraseOptions(options);
        const passphrase = await chosenPassphrase({ ...where, choose: options.passphrase === true });
        const settings: GatewaySettings = {
          ...{ organisation, currency, lanHost: lan.host, wanHost: wan.host },
          ...(lan.port !== undefined && { lanPort: lan.port }),
          ...(wan.port !== undefined && { wanPort: wan.port }),
          ...(amountMax !== undefined && { amountMax }),
          ...(dayMax !== undefined && { dayMax }),
          ...(feeBasisPoints !== undefined && { feeBasisPoints }),
          ...(feeFixed !== undefined && { feeFixed }),
          ...(returnAfter !== undefined && { returnAfterSeconds: returnAfter }),
        };
        const home = await makeGateway({
          ...{ home: path, settings },
          ...(passphrase !== undefined && { passphrase }),
        });
        output.write(
          options.json
            ? jsonText({ home: home.path, settings: home.settings() })
            : `${home.settingsPath} has its terms; specie gateway enrol comes next\n`,
        );
      }),
    );
}

interface EnrolOptions extends Options {
  readonly account: string | true;
  readonly directory?: string;
  readonly root?: string;
  readonly patience: number;
}

function enrolCommand(output: Output): Command {
  return withGateway(new Command('enrol'))
    .description('Ask management for a certificate, and wait until an operator approves it, as of a shop')
    .option(
      '--account [number]',
      'where the organisation’s payouts go, an IBAN; without one it is asked for, or read from standard input',
      true,
    )
    .option('--directory <file>', 'directory.json of the system; needed the first time')
    .option('--root <fingerprint>', 'of the root key that is trusted; needed the first time')
    .option(
      '--patience <seconds>',
      'how long to wait; the same command goes on',
      wholeNumber(0, SECONDS_MAX),
      PATIENCE_SECONDS_DEFAULT,
    )
    .action((options: EnrolOptions) =>
      withGatewayErrors(async () => {
        const { directory, root } = options;
        const home = homeOf(options);
        const isFirst = home.shop.certificate() === undefined && home.shop.enrolment() === undefined;
        if (isFirst && (directory === undefined || root === undefined))
          throw new CommandError('expected --directory and --root, got only one of them, or none');
        const { document } = await enrolGateway(home, {
          account: () => accountNumber(options.account, output),
          directory: () => readFileSync(directory!, 'utf8'),
          root: root ?? '',
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
            : `shop     ${formatId(document.shop)}\nname     ${document.name}\nuntil    ${formatTimestamp(document.notAfter)}\nspecie gateway start opens it\n`,
        );
      }),
    );
}

interface StartOptions extends Options {
  readonly lanPort?: number;
  readonly wanPort?: number;
  readonly logLevel: string;
}

function startCommand(exit: Exit): Command {
  return withGateway(new Command('start'))
    .description('Open the gateway: terminals reach it on both sides, until it is stopped')
    .option('--lan-port <n>', "in place of gateway.json's; 0 takes a free one", wholeNumber(0, 65_535))
    .option('--wan-port <n>', 'likewise', wholeNumber(0, 65_535))
    .addOption(
      new Option('--log-level <level>', 'least important that is logged')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .env('SPECIE_LOG_LEVEL'),
    )
    .action((options: StartOptions) =>
      withGatewayErrors(async () => {
        const log = serverLog(options.logLevel);
        const { home, lanPort, wanPort } = options;
        let stop: ((code: ExitCode, reason: string) => void) | undefined;
        const gateway = await openGatewayNode({
          ...{ home, log, passphrase: passphraseOf(options) },
          failed: (reason) => stop?.(ExitCode.failed, reason),
          ...(lanPort !== undefined && { lanPort }),
          ...(wanPort !== undefined && { wanPort }),
        });
        const stopping = untilStopped(log, () => gateway.close(), exit);
        stop = stopping.stop;
        log.info({ ...gateway.urls, key: gateway.key, underWay: gateway.status().underWay }, 'listening');
        await stopping.stopped;
      }),
    );
}

// ── at the desk ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of the gateway that is open, or of its store. */
async function desk(options: Options, command: DeskCommand): Promise<DeskReply> {
  const home = homeOf(options);
  home.settings();
  const open = await askDesk(home.socketPath, command);
  if (open !== undefined) return open;
  const gateway = await openGatewayNode({
    home: options.home,
    passphrase: passphraseOf(options),
    serve: false,
  });
  try {
    return await atDesk(gateway, command);
  } finally {
    await gateway.close();
  }
}

const currencyIn = (options: Options): Currency => currencyOf(homeOf(options).settings().currency);
const money = (minorUnits: string, currency: Currency): string =>
  `${formatAmount(amountOf(BigInt(minorUnits)), currency)} ${currency.code}`;

function showCommand(output: Output): Command {
  return withGateway(new Command('show'))
    .description('Print what a terminal takes to find the gateway: the address of its side, and its key')
    .action((options: Options) =>
      withGatewayErrors(async () => {
        const reply = await desk(options, { do: 'status' });
        if (!('status' in reply)) return;
        const { organisation, key, urls } = reply.status;
        const file = homeOf(options).settings();
        const address = (host: string, port: number): string =>
          `ws://${host.includes(':') ? `[${host}]` : host}:${port}/v1`;
        const found = urls ?? {
          lan: address(file.lanHost, file.lanPort),
          wan: address(file.wanHost, file.wanPort),
        };
        output.write(
          options.json
            ? jsonText({ organisation, key, ...found })
            : `organisation  ${organisation}\nLAN           ${found.lan}\nWAN           ${found.wan}\nkey           ${key}\n`,
        );
      }),
    );
}

function statusCommand(output: Output): Command {
  return withGateway(new Command('status'))
    .description('Local notes that are out, and what stands behind them')
    .action((options: Options) =>
      withGatewayErrors(async () => {
        const reply = await desk(options, { do: 'status' });
        if ('status' in reply)
          output.write(options.json ? jsonText(reply.status) : statusText(reply.status, currencyIn(options)));
      }),
    );
}

function statusText(
  { organisation, local, counters, backing, own, terminals, underWay, failure }: StatusText,
  currency: Currency,
): string {
  const rows: [string, string][] = [
    ['local notes outstanding', money(local.outstanding, currency)],
    ['  of these held by exchanges', money(local.held, currency)],
    ['  of these waiting to be fetched', money(counters.waitingLocal, currency)],
    ['taken in, to be generated', money(counters.generating, currency)],
    ['the organisation’s own', money(own, currency)],
    ['  of these fees', money(counters.fees, currency)],
    ['the account at cash holds', money(backing, currency)],
    ['  or less, asked of the issuer', money(counters.requested, currency)],
    ['  or less, being withdrawn', money(counters.withdrawing, currency)],
    ['  or more, offered to the receiver', money(counters.offered, currency)],
    ['wide notes waiting to be fetched', money(counters.waitingWide, currency)],
    ['exchanges under way', String(underWay)],
    ['  delivered', counters.delivered],
    ['  returned', counters.returned],
    ['  rejected', counters.rejected],
    ['terminals on the LAN', String(terminals.lan)],
    ['terminals on the WAN', String(terminals.wan)],
    ...(failure === undefined ? [] : [['failure', failure] as [string, string]]),
  ];
  return tableText([organisation, '>'], rows);
}

function fundsCommand(action: 'fund' | 'withdraw', description: string, output: Output): Command {
  return withGateway(new Command(action))
    .description(`${description}; the gateway has to be open`)
    .argument('<amount>', 'such as 100.00')
    .action((text: string, options: Options) =>
      withGatewayErrors(async () => {
        const home = homeOf(options);
        const currency = currencyIn(options);
        let amount: string;
        try {
          amount = String(parseAmount(text, currency));
        } catch (error) {
          if (error instanceof AmountError) throw new CommandError(`amount: ${error.message}`);
          throw error;
        }
        const reply = await askDesk(home.socketPath, { do: 'move_funds', action, amount });
        if (reply === undefined) {
          throw new CommandError(
            `${home.path}: expected an open gateway, got one that is not: specie gateway start`,
            ExitCode.unreachable,
          );
        }
        if (!('moved' in reply)) return;
        const { request, state, reason } = reply.moved;
        output.write(
          options.json
            ? jsonText({ ...reply.moved, request: `0x${request}` })
            : `${state.padEnd(9)}${money(amount, currency)}\nrequest  0x${request}\n`,
        );
        if (state === 'rejected') throw new CommandError(`cash has rejected it: ${reason}`, ExitCode.refused);
      }),
    );
}

interface PageOptions extends Options {
  readonly after?: string;
  readonly limit: number;
}

function terminalsCommand(output: Output): Command {
  return withGateway(new Command('terminals'))
    .description('List the terminals that have registered')
    .option('--after <key>', 'those behind that one', argument(wholeKey))
    .option('--limit <n>', 'at most so many', wholeNumber(1, PAGE), PAGE)
    .action((options: PageOptions) =>
      withGatewayErrors(async () => {
        const { after, limit } = options;
        const reply = await desk(options, { do: 'terminals', limit, ...(after !== undefined && { after }) });
        if (!('terminals' in reply)) return;
        output.write(options.json ? jsonText(reply.terminals) : terminalsText(reply.terminals));
      }),
    );
}

function terminalsText(terminals: readonly TerminalText[]): string {
  return tableText(
    ['terminal', 'side', 'state', 'name', 'registered'],
    terminals.map(({ terminal, side, state, name, registeredAt }) => [
      terminal.slice(0, 16),
      side,
      state,
      name,
      timeText(registeredAt),
    ]),
  );
}

const timeText = (nanoseconds: string): string =>
  `${formatTimestamp(BigInt(nanoseconds)).slice(0, 19).replace('T', ' ')}Z`;

function wholeKey(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error('expected the 64 hex digits of a key');
  return text;
}

function keyStart(text: string): string {
  if (!/^[0-9a-f]{4,64}$/.test(text)) throw new Error('expected the first 4 to 64 hex digits of a key');
  return text;
}

function terminalCommand(action: 'admit' | 'block', description: string, output: Output): Command {
  return withGateway(new Command(action))
    .description(description)
    .argument('<terminal>', 'how its key begins, at least 4 hex digits', argument(keyStart))
    .action((terminal: string, options: Options) =>
      withGatewayErrors(async () => {
        const reply = await desk(options, { do: action, terminal });
        if (!('terminal' in reply)) return;
        output.write(options.json ? jsonText(reply.terminal) : terminalsText([reply.terminal]));
      }),
    );
}

interface ExchangesOptions extends PageOptions {
  readonly request?: string;
}

/** As the desk takes it. */
const idHex = (text: string): string => parseId(text).toString(16).padStart(32, '0');

function exchangesCommand(output: Output): Command {
  return withGateway(new Command('exchanges'))
    .description('List exchanges with their states, or one with its steps')
    .option('--request <id>', 'that one alone', argument(idHex))
    .option('--after <id>', 'those behind that one', argument(idHex))
    .option('--limit <n>', 'at most so many', wholeNumber(1, PAGE), PAGE)
    .action((options: ExchangesOptions) =>
      withGatewayErrors(async () => {
        const { request, after, limit } = options;
        const command: DeskCommand =
          request === undefined
            ? { do: 'exchanges', limit, ...(after !== undefined && { after }) }
            : { do: 'exchange', request };
        const reply = await desk(options, command);
        if (!('exchanges' in reply)) return;
        if (request !== undefined && reply.exchanges.length === 0)
          throw new CommandError(
            `exchange ${request}: expected one that is known here, got none`,
            ExitCode.refused,
          );
        if (options.json) output.write(jsonText(reply.exchanges));
        else output.write(exchangesText(reply.exchanges, currencyIn(options), request !== undefined));
      }),
    );
}

function fundsListCommand(output: Output): Command {
  return withGateway(new Command('funds'))
    .description('List what was put behind notes, and what was taken back')
    .option('--after <id>', 'those behind that one', argument(idHex))
    .option('--limit <n>', 'at most so many', wholeNumber(1, PAGE), PAGE)
    .action((options: PageOptions) =>
      withGatewayErrors(async () => {
        const { after, limit } = options;
        const reply = await desk(options, { do: 'funds', limit, ...(after !== undefined && { after }) });
        if (!('funds' in reply)) return;
        const currency = currencyIn(options);
        output.write(
          options.json
            ? jsonText(reply.funds)
            : tableText(
                ['request', 'what', '>amount', 'state', 'reason', 'since'],
                reply.funds.map(({ request, action, amount, step, reason, history }) => [
                  `0x${request}`,
                  action,
                  money(amount, currency),
                  step,
                  reason,
                  timeText(history[0]!.at),
                ]),
              ),
        );
      }),
    );
}

function exchangesText(exchanges: readonly ExchangeText[], currency: Currency, hasHistory: boolean): string {
  const table = tableText(
    ['exchange', 'way', 'state', 'step', '>amount', '>fee', 'reason'],
    exchanges.map(({ exchange, direction, state, step, amount, fee, reason }) => [
      `0x${exchange}`,
      direction,
      state,
      step,
      amount === undefined ? '' : money(amount, currency),
      fee === undefined ? '' : money(fee, currency),
      reason,
    ]),
  );
  if (!hasHistory) return table;
  const steps = exchanges.flatMap(({ history }) => history.map(({ step, at }) => [step, timeText(at)]));
  return `${table}\n${tableText(['step', 'time'], steps)}`;
}
